//! What needs doing next with a correction, why, and by which command: what a work queue shows.
//!
//! A correction that is open, or of which something is due, is always in the queue with at least one thing
//! to do; there is no state in which it only waits to be forgotten.

use super::case::Correction;
use super::deadline::DeadlineKind;
use super::dispute::DisputeReason;
use super::plan::InstalmentState;
use super::state::{Action, State, named};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

named! {
    /// What an item of a work queue is about.
    WorkKind {
        /// The client was not told yet.
        Communicate = "communicate",
        /// The client agreed; what is left is to dispose of the money and end it.
        Settle = "settle",
        /// A deadline: the client replies.
        ReplyBy = "reply_by",
        /// A deadline: an objection is answered.
        EvidenceBy = "evidence_by",
        /// A deadline: a waiver is approved.
        ApprovalBy = "approval_by",
        /// A deadline: the client confirms a waiver.
        ConfirmationBy = "confirmation_by",
        /// A deadline: an import proves the invoice.
        VerificationBy = "verification_by",
        /// A deadline: the contract is looked at.
        ReviewBy = "review_by",
        /// A deadline: the client pays.
        PaymentBy = "payment_by",
        /// A deadline: a price is talked about.
        PriceConversationOn = "price_conversation_on",
        /// A gap that was set aside is looked at again.
        SetAsideReview = "set_aside_review",
        /// A letter did not get through.
        LetterFailed = "letter_failed",
        /// A letter was written and goes nowhere.
        LetterUnsent = "letter_unsent",
        /// A letter was handed out, and nobody said that it arrived.
        LetterHandedOut = "letter_handed_out",
    }

    /// Why something is to be done.
    Why {
        /// The client knows nothing yet.
        NotTold = "not_told",
        /// Nobody said that the message arrived: silence is no consent.
        NotDelivered = "not_delivered",
        /// The client may still reply.
        MayReply = "may_reply",
        /// The day for a reply has passed, and the client was not reminded.
        NotReminded = "not_reminded",
        /// The client was told and reminded, and has no objection.
        NoObjection = "no_objection",
        /// The client agreed.
        Accepted = "accepted",
        /// What was charged too much is not given back yet.
        NotCredited = "not_credited",
        /// The client objects.
        Objection = "objection",
        /// Someone asked for a waiver.
        WaiverAsked = "waiver_asked",
        /// The client did not confirm a waiver in writing.
        NotConfirmed = "not_confirmed",
        /// No import shows the next invoice yet.
        NotProved = "not_proved",
        /// An invoice or credit note shows something else than agreed.
        ProofDiffers = "proof_differs",
        /// A contract review has no outcome.
        ReviewOpen = "review_open",
        /// An instalment is not invoiced.
        NotInvoiced = "not_invoiced",
        /// An instalment is not paid.
        NotPaid = "not_paid",
        /// The client promised a day for an instalment.
        Promised = "promised",
        /// The plan was broken twice.
        PlanBroken = "plan_broken",
        /// A price is to be talked about.
        PriceOpen = "price_open",
        /// The day to look again at a gap that was set aside.
        LookAgain = "look_again",
        /// The mail server did not take the letter.
        NotSent = "not_sent",
    }
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Next {
    /// The commands that would move it, the likeliest first; none: it moves by an import or a talk.
    pub commands: Vec<Action>,
    /// Why.
    pub why: Why,
}

const fn next(why: Why, commands: Vec<Action>) -> Next {
    Next { commands, why }
}

impl WorkKind {
    /// Of a deadline.
    pub const fn of(kind: DeadlineKind) -> Self {
        match kind {
            DeadlineKind::ReplyBy => Self::ReplyBy,
            DeadlineKind::EvidenceBy => Self::EvidenceBy,
            DeadlineKind::ApprovalBy => Self::ApprovalBy,
            DeadlineKind::ConfirmationBy => Self::ConfirmationBy,
            DeadlineKind::VerificationBy => Self::VerificationBy,
            DeadlineKind::ReviewBy => Self::ReviewBy,
            DeadlineKind::PaymentBy => Self::PaymentBy,
            DeadlineKind::PriceConversationOn => Self::PriceConversationOn,
        }
    }
}

impl Why {
    /// The same for a person.
    pub const fn says(self) -> &'static str {
        match self {
            Self::NotTold => "The client knows nothing of it yet.",
            Self::NotDelivered => {
                "Nobody recorded that the message arrived: silence is no consent until then."
            }
            Self::MayReply => "The client was told and may still reply.",
            Self::NotReminded => "The day for a reply has passed: remind the client once.",
            Self::NoObjection => "The client was told and reminded, and has not objected.",
            Self::Accepted => "The client agreed: dispose of the money and end it.",
            Self::NotCredited => "What was charged too much is to be given back, whole and at once.",
            Self::Objection => "The client objects: answer with the evidence that fits.",
            Self::WaiverAsked => "Someone asked to give money up: grant it, or let it be.",
            Self::NotConfirmed => "A waiver needs the client's confirmation in writing.",
            Self::NotProved => "No import shows the invoice yet: import it.",
            Self::ProofDiffers => "An import shows something else than agreed.",
            Self::ReviewOpen => "The contract review has no outcome.",
            Self::NotInvoiced => "The instalment is not on an invoice yet.",
            Self::NotPaid => "The instalment is not paid.",
            Self::Promised => "The client promised a day for the instalment: reminders rest until then.",
            Self::PlanBroken => "The plan was broken twice: give it up, and decide anew.",
            Self::PriceOpen => "A price is to be talked about, apart from the quantity.",
            Self::LookAgain => "The gap was set aside until this day: correct it, or set it aside again.",
            Self::NotSent => "The letter is not with the client: send it, or say that it arrived.",
        }
    }
}

impl Correction {
    /// What to do about an item of a work queue; `about` is the deadline's dispute, request, instalment or
    /// conversation.
    pub fn next(&self, kind: WorkKind, about: u32, today: NaiveDate) -> Next {
        match kind {
            WorkKind::Communicate => next(Why::NotTold, vec![Action::Communicate]),
            WorkKind::Settle => self.settles(Why::Accepted),
            WorkKind::ReplyBy => self.after_telling(today),
            WorkKind::EvidenceBy => next(Why::Objection, self.answers(about)),
            WorkKind::ApprovalBy => next(Why::WaiverAsked, vec![Action::Waive]),
            WorkKind::ConfirmationBy => next(Why::NotConfirmed, vec![Action::AttachConfirmation]),
            WorkKind::VerificationBy if self.needs_attention() => {
                next(Why::ProofDiffers, vec![Action::Reopen])
            }
            WorkKind::VerificationBy => next(Why::NotProved, Vec::new()),
            WorkKind::ReviewBy => next(Why::ReviewOpen, vec![Action::EndReview]),
            WorkKind::PaymentBy => self.collects(about, today),
            WorkKind::PriceConversationOn => next(Why::PriceOpen, Vec::new()),
            WorkKind::SetAsideReview => next(Why::LookAgain, Vec::new()),
            WorkKind::LetterFailed | WorkKind::LetterUnsent | WorkKind::LetterHandedOut => {
                next(Why::NotSent, Vec::new())
            }
        }
    }

    fn after_telling(&self, today: NaiveDate) -> Next {
        let passed = self.announcement.as_ref().is_some_and(|told| told.reply_by < today);
        if !self.is_under() {
            return self.settles(Why::NotCredited);
        }
        match self.delivered_on {
            None => next(Why::NotDelivered, vec![Action::Deliver, Action::Accept, Action::Dispute]),
            Some(_) if !passed => next(Why::MayReply, vec![Action::Accept, Action::Dispute]),
            Some(_) if !self.was_reminded() => next(Why::NotReminded, vec![Action::Remind]),
            Some(_) => self.settles(Why::NoObjection),
        }
    }

    /// Whether the client was reminded of the message since it arrived.
    pub fn was_reminded(&self) -> bool {
        self.reminders.iter().any(|on| self.delivered_on.is_some_and(|arrived| arrived <= *on))
    }

    /// Whether the client is to be reminded of the message now: it arrived, the day for a reply has passed,
    /// and there was neither a reminder nor a word.
    pub fn reply_reminder_due(&self, today: NaiveDate) -> bool {
        let Some(told) = self.announcement.as_ref() else { return false };
        self.is_under()
            && self.state == State::Communicated
            && self.acceptance.is_none()
            && self.delivered_on.is_some()
            && told.reply_by < today
            && !self.was_reminded()
            && !self.disputes.iter().any(|dispute| dispute.recorded_at >= told.at)
    }

    fn settles(&self, why: Why) -> Next {
        if self.is_settled() {
            return next(why, vec![Action::Resolve]);
        }
        if self.is_under() {
            return next(why, vec![Action::Bill, Action::OfferPlan, Action::Resolve]);
        }
        next(Why::NotCredited, vec![Action::Credit, Action::Resolve])
    }

    fn answers(&self, about: u32) -> Vec<Action> {
        let dispute = self.disputes.iter().find(|dispute| dispute.number == about);
        match dispute.map(|dispute| dispute.reason) {
            Some(DisputeReason::Refusal) => vec![Action::OfferPlan, Action::Decide, Action::Answer],
            Some(DisputeReason::LateBilling) if self.offer.is_none() => {
                vec![Action::OfferPlan, Action::Answer]
            }
            _ => vec![Action::Answer],
        }
    }

    fn collects(&self, about: u32, today: NaiveDate) -> Next {
        let Some(plan) = self.plan.as_ref() else { return next(Why::NotPaid, Vec::new()) };
        if plan.broken_twice() {
            let by = if self.state == State::Resolved { Action::Reopen } else { Action::BreakPlan };
            return next(Why::PlanBroken, vec![by, Action::PayInstalment]);
        }
        let instalment = u16::try_from(about).ok().and_then(|number| plan.instalment(number));
        let promised = instalment.and_then(|one| one.promise.as_ref()).is_some_and(|one| today <= one.on);
        match instalment.map(|instalment| instalment.state) {
            Some(InstalmentState::Scheduled) => {
                next(Why::NotInvoiced, vec![Action::InvoiceInstalment, Action::PayInstalment])
            }
            _ if promised => next(Why::Promised, vec![Action::PayInstalment]),
            _ => next(Why::NotPaid, vec![Action::PayInstalment, Action::Promise, Action::Remind]),
        }
    }
}
