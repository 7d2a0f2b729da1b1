//! What must happen by when, and whose it is, so that nothing ends silently. Deadlines follow from the
//! correction; they are not set by hand.

use super::case::Correction;
use super::policy::{Policy, days_after};
use super::state::{State, named};
use super::verification::Outcome;
use super::waiver::ConfirmationKind;
use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};

named! {
    /// What must happen.
    DeadlineKind {
        /// The client replies to the message.
        ReplyBy = "reply_by",
        /// We answer an objection with its evidence.
        EvidenceBy = "evidence_by",
        /// Someone approves a waiver.
        ApprovalBy = "approval_by",
        /// The client confirms a waiver in writing.
        ConfirmationBy = "confirmation_by",
        /// An import proves the next invoice.
        VerificationBy = "verification_by",
        /// The contract is looked at.
        ReviewBy = "review_by",
        /// The client pays an instalment, or keeps a promise.
        PaymentBy = "payment_by",
        /// A price is talked about.
        PriceConversationOn = "price_conversation_on",
    }
}

/// One deadline.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Deadline {
    /// What must happen.
    pub kind: DeadlineKind,
    /// The dispute, request, instalment or conversation that it is about; 0: the correction.
    pub about: u32,
    /// By when.
    pub due_on: NaiveDate,
    /// Who sees to it; none: nobody has the correction.
    pub owner: Option<String>,
}

impl Deadline {
    /// Whether its owner is reminded today: from the day before it is due, and every so many days after.
    pub fn reminds(&self, today: NaiveDate, reminded_on: Option<NaiveDate>, every_days: u16) -> bool {
        let begins = self.due_on.checked_sub_days(Days::new(1)).unwrap_or(self.due_on);
        begins <= today && reminded_on.is_none_or(|last| days_after(last, every_days) <= today)
    }
}

impl Correction {
    /// What must happen now, soonest first.
    pub fn deadlines(&self, policy: &Policy) -> Vec<Deadline> {
        let mut deadlines = Vec::new();
        let mut add = |kind, about, due_on| {
            deadlines.push(Deadline { kind, about, due_on, owner: self.owner.clone() });
        };
        if let Some(told) = self.announcement.as_ref()
            && self.state == State::Communicated
            && self.acceptance.is_none()
        {
            add(DeadlineKind::ReplyBy, 0, told.reply_by);
        }
        for dispute in self.open_disputes().filter(|_| self.state.is_open()) {
            add(DeadlineKind::EvidenceBy, dispute.number, dispute.reply_by);
        }
        if self.state.is_open() {
            let free = self
                .confirmations
                .iter()
                .any(|one| one.kind == ConfirmationKind::Waiver && one.used_for.is_none());
            for request in self.waiver_requests.iter().filter(|request| request.granted.is_none()) {
                let asked = request.at.date_naive();
                add(DeadlineKind::ApprovalBy, request.number, days_after(asked, policy.approval_days));
                if !free {
                    add(
                        DeadlineKind::ConfirmationBy,
                        request.number,
                        days_after(asked, policy.confirmation_days),
                    );
                }
            }
        }
        if let Some(freeze) = self.freeze.as_ref().filter(|freeze| freeze.outcome.is_none()) {
            add(DeadlineKind::ReviewBy, freeze.dispute, freeze.review_on);
        }
        if let Some(forward) = self.going_forward.as_ref()
            && matches!(self.state, State::Resolved | State::Waived)
            && !(self.forward_verified()
                && self.documents().keys().all(|document| self.is_verified(document)))
        {
            add(DeadlineKind::VerificationBy, 0, days_after(forward.invoice_on, policy.verification_days));
        }
        for instalment in self.plan.iter().filter(|plan| !plan.given_up).flat_map(|plan| &plan.instalments) {
            if instalment.paid_on.is_none() && !instalment.is_empty() {
                let due = instalment.promise.as_ref().map_or(instalment.due_on, |promise| promise.on);
                add(DeadlineKind::PaymentBy, u32::from(instalment.number), due);
            }
        }
        for (conversation, number) in self.price_conversations.iter().zip(1..) {
            add(DeadlineKind::PriceConversationOn, number, conversation.on);
        }
        deadlines.sort_by_key(|deadline| (deadline.due_on, deadline.kind, deadline.about));
        deadlines
    }

    /// Whether an invoice that came showed something else than agreed, and nothing was done about it yet.
    pub fn needs_attention(&self) -> bool {
        let differs = |document: &String| !self.is_verified(document) && self.is_shown_otherwise(document);
        self.is_pending() || self.documents().keys().any(differs)
    }

    fn is_shown_otherwise(&self, document: &str) -> bool {
        let of =
            |one: &Outcome| matches!(one, Outcome::DocumentDiffers { document: of, .. } if of == document);
        self.verifications.iter().any(|one| of(&one.outcome))
    }
}
