//! What commands are asked with, and what the core makes of it.

use super::parts::{Forward, GapId, Letter, LinePart, parts};
use super::telling::SentLetter;
use crate::error::ApiError;
use chrono::NaiveDate;
use leakage_core::correction::case::{ApprovalOf, Correction, ResolutionBasis};
use leakage_core::correction::dispute::{Answer, DisputeReason, ProvisionedSeat};
use leakage_core::correction::plan::Terms;
use leakage_core::correction::policy::Said;
use leakage_core::id::AuditId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Proof of when a line's seats were provisioned.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProvisioningProof {
    /// Number of the line.
    #[schema(minimum = 1, maximum = 200)]
    pub line: u32,
    /// What proves it.
    #[schema(min_length = 1, max_length = 2000)]
    pub evidence: String,
}

macro_rules! bodies {
    ($($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* })+) => {$(
        #[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        $(#[$meta])*
        pub(super) struct $name { $($(#[$field_meta])* pub $field: $type,)* }
    )+};
}

bodies! {
    /// Tell the client.
    #[schema(example = json!({
        "message": {"context": "We found seats that were provisioned and not billed.", "data": "12 seats, February to September: 2,112.00", "going_forward": "From 1 December on we bill 72 seats."},
        "going_forward": {"invoice_on": "2026-12-01", "lines": [{"line": 1, "seats": 72}]}, "gaps_confirmed": true
    }))]
    Communicate {
        /// What it is told, where no letter of ours tells it.
        #[serde(default)]
        message: Option<Letter>,
        /// The letter that tells it.
        #[serde(default)]
        letter: Option<SentLetter>,
        /// What is billed from now on.
        #[serde(default)]
        going_forward: Option<Forward>,
        /// You looked at the gaps and stand for them.
        #[serde(default)]
        gaps_confirmed: bool,
        /// Until when the client may reply.
        #[serde(default)]
        reply_by: Option<NaiveDate>,
        /// For lines whose seats rest on a later snapshot.
        #[serde(default)]
        #[schema(max_items = 200)]
        provisioning_evidence: Vec<ProvisioningProof>,
    }

    /// The message arrived.
    #[schema(example = json!({"on": "2026-11-23"}))]
    Deliver {
        /// When.
        on: NaiveDate,
    }

    /// Remind the client.
    #[schema(example = json!({}))]
    Remind {
        /// Of an instalment; of the message when not stated.
        #[serde(default)]
        #[schema(minimum = 1, maximum = 10000)]
        instalment: Option<u16>,
    }

    /// The client accepts.
    #[schema(example = json!({"said": {"by": "Casey Client", "channel": "email", "at": "2026-11-25T09:00:00Z"}, "plan": true}))]
    Accept {
        /// Who, how and when.
        said: Said,
        /// The client accepts the plan that is offered.
        #[serde(default)]
        plan: bool,
        /// Of several ways to pay: number of the one that it chose.
        #[serde(default)]
        #[schema(minimum = 1, maximum = 5)]
        choice: Option<u16>,
    }

    /// The client objects.
    #[schema(example = json!({"reason": "unauthorized_seats", "parts": [{"line": 1, "seats": 4}], "said": {"by": "Casey Client", "channel": "email", "at": "2026-11-25T09:00:00Z"}}))]
    OpenDispute {
        /// Why.
        reason: DisputeReason,
        /// To what; it may be a part.
        #[serde(default)]
        #[schema(max_items = 1000)]
        parts: Vec<LinePart>,
        /// What was said.
        #[serde(default)]
        #[schema(max_length = 20000)]
        note: Option<String>,
        /// Who, how and when.
        said: Said,
        /// Until when we owe an answer.
        #[serde(default)]
        reply_by: Option<NaiveDate>,
    }

    /// Answer an objection. Fill in what fits its reason.
    #[schema(example = json!({"dispute": 1, "reason": "unauthorized_seats", "provisioning_log": [{"on": "2026-02-01", "seat": "ana@contoso.example"}]}))]
    AnswerDispute {
        /// Number of the dispute.
        #[schema(minimum = 1)]
        dispute: u32,
        /// The reason that this answers.
        reason: DisputeReason,
        /// What was written to the client, where no letter of ours says it.
        #[serde(default)]
        #[schema(max_length = 20000)]
        text: Option<String>,
        /// The letter that says it.
        #[serde(default)]
        letter: Option<SentLetter>,
        /// `unauthorized_seats`: the log, with dates.
        #[serde(default)]
        #[schema(max_items = 10000)]
        provisioning_log: Vec<ProvisionedSeat>,
        /// `late_billing`: the text that owns the delay.
        #[serde(default)]
        #[schema(max_length = 20000)]
        honest_delay: Option<String>,
        /// `contract_review`: the agreed day.
        #[serde(default)]
        review_on: Option<NaiveDate>,
        /// `count_wrong`: the audit that counted again.
        #[serde(default)]
        recount_audit_id: Option<AuditId>,
        /// `count_wrong`: the seats that it does not find; none: it confirms the count.
        #[serde(default)]
        #[schema(max_items = 1000)]
        withdrawn: Vec<LinePart>,
        /// `count_wrong`: for what had been billed of them.
        #[serde(default)]
        #[schema(max_length = 500)]
        credit_note: Option<String>,
        /// `already_paid`: the payment that matches.
        #[serde(default)]
        #[schema(max_length = 500)]
        payment: Option<String>,
        /// `already_paid`: what it paid.
        #[serde(default)]
        #[schema(max_items = 1000)]
        paid: Vec<LinePart>,
        /// `already_paid`: how it was shown not to match.
        #[serde(default)]
        #[schema(max_length = 20000)]
        shown_not_to_match: Option<String>,
        /// `price`: the day of the price conversation.
        #[serde(default)]
        conversation_on: Option<NaiveDate>,
    }

    /// A contract review has ended.
    #[schema(example = json!({"outcome": "Clause 4 holds: the seats are billable."}))]
    EndReview {
        /// What came of it.
        #[schema(max_length = 20000)]
        outcome: String,
    }

    /// Decide what a refusal means.
    #[schema(example = json!({"reason": "The relationship is worth more.", "write_off": true, "evidence_shown": true}))]
    Decide {
        /// Why so.
        #[schema(max_length = 2000)]
        reason: String,
        /// Give up what was refused.
        write_off: bool,
        /// The client was shown the evidence.
        evidence_shown: bool,
    }

    /// Take over the figures of a later audit.
    Amend {
        /// The later audit.
        audit_id: AuditId,
    }

    /// End it.
    #[schema(example = json!({"basis": "accepted"}))]
    Resolve {
        /// Why it may end.
        basis: ResolutionBasis,
        /// What is billed from now on; as announced when not stated.
        #[serde(default)]
        going_forward: Option<Forward>,
    }

    /// The seats are not there after all.
    Withdraw {
        /// The audit on corrected facts that no longer finds them.
        #[serde(default)]
        audit_id: Option<AuditId>,
        /// The rule that explains them.
        #[serde(default)]
        rule: Option<ExplainingRule>,
    }

    /// A rule that explains seats.
    ExplainingRule {
        /// Why.
        #[schema(min_length = 1, max_length = 2000)]
        reason: String,
        /// Who owns it.
        #[schema(min_length = 1, max_length = 300)]
        owner: String,
    }

    /// Ask for a waiver.
    #[schema(example = json!({"parts": [{"line": 1, "seats": 2}], "reason": "No order for two of the seats"}))]
    RequestWaiver {
        /// Of what; none: of all that is outstanding.
        #[serde(default)]
        #[schema(max_items = 1000)]
        parts: Vec<LinePart>,
        /// Why.
        #[schema(max_length = 2000)]
        reason: String,
    }

    /// Give up what was asked for, or (up to the threshold) what is named here.
    #[schema(example = json!({"request": 1, "confirmation": 1}))]
    Waive {
        /// Number of the request that is granted.
        #[serde(default)]
        request: Option<u32>,
        /// Without a request: of what; none: of all that is outstanding.
        #[serde(default)]
        #[schema(max_items = 1000)]
        parts: Vec<LinePart>,
        /// Without a request: why.
        #[serde(default)]
        #[schema(max_length = 2000)]
        reason: String,
        /// Number of the client's written confirmation.
        #[serde(default)]
        confirmation: Option<u32>,
        /// What is billed from now on; as announced when not stated.
        #[serde(default)]
        going_forward: Option<Forward>,
        /// For what stands on an invoice already.
        #[serde(default)]
        #[schema(max_length = 500)]
        credit_note: Option<String>,
    }

    /// Begin again. Fill in what fits.
    #[schema(example = json!({"because": "verification_failed"}))]
    Reopen {
        /// Why.
        because: ReopenBecause,
        /// `new_evidence`: what came to light.
        #[serde(default)]
        #[schema(max_length = 2000)]
        evidence: Option<String>,
        /// `new_evidence`: gaps that a later audit found.
        #[serde(default)]
        #[schema(max_items = 200)]
        gaps: Vec<GapId>,
        /// `confirmation_withdrawn`: number of the writing that takes it back.
        #[serde(default)]
        confirmation: Option<u32>,
        /// `confirmation_withdrawn`: number of the waiver.
        #[serde(default)]
        waiver: Option<u32>,
    }

    /// Charge.
    #[schema(example = json!({"document": "INV-1042", "on": "2026-12-01"}))]
    Bill {
        /// The invoice.
        #[schema(min_length = 1, max_length = 500)]
        document: String,
        /// Its date.
        on: NaiveDate,
        /// What; none: all that is available.
        #[serde(default)]
        #[schema(max_items = 1000)]
        parts: Vec<LinePart>,
    }

    /// Give back.
    #[schema(example = json!({"document": "CN-7", "apology": "We are sorry: we billed three seats too many."}))]
    Credit {
        /// The credit note or refund.
        #[schema(min_length = 1, max_length = 500)]
        document: String,
        /// Of over-billing nothing: it is given back whole.
        #[serde(default)]
        #[schema(max_items = 1000)]
        parts: Vec<LinePart>,
        /// Of over-billing: the apology.
        #[serde(default)]
        #[schema(max_length = 2000)]
        apology: Option<String>,
        /// Of what was charged too much: why.
        #[serde(default)]
        #[schema(max_length = 2000)]
        reason: Option<String>,
    }

    /// Offer payment in parts: in one way, or in several of which the client chooses one.
    #[schema(example = json!({"count": 6, "cadence": "monthly", "first_on": "2026-12-01", "others": [
        {"count": 3, "cadence": "monthly", "first_on": "2026-12-01"}, {"count": 1, "cadence": "monthly", "first_on": "2026-12-01"}
    ]}))]
    OfferPlan {
        /// In how many parts; 1: all at once.
        #[schema(minimum = 1, maximum = 60)]
        count: u16,
        /// How far apart.
        cadence: leakage_core::correction::plan::Cadence,
        /// When the first is due.
        first_on: NaiveDate,
        /// Further ways to pay; they are numbered from 2 on.
        #[serde(default)]
        #[schema(max_items = 4)]
        others: Vec<Terms>,
    }

    /// An instalment was invoiced.
    #[schema(example = json!({"instalment": 1, "document": "INV-1043"}))]
    InvoiceInstalment {
        /// Its number.
        #[schema(minimum = 1)]
        instalment: u16,
        /// The invoice.
        #[schema(min_length = 1, max_length = 500)]
        document: String,
    }

    /// An instalment was paid.
    #[schema(example = json!({"instalment": 1, "on": "2026-12-05"}))]
    PayInstalment {
        /// Its number.
        #[schema(minimum = 1)]
        instalment: u16,
        /// When.
        on: NaiveDate,
    }

    /// The client promises a day.
    #[schema(example = json!({"instalment": 1, "on": "2026-12-20", "said": {"by": "Casey Client", "channel": "phone", "at": "2026-12-08T09:00:00Z"}}))]
    PromisePayment {
        /// Number of the instalment.
        #[schema(minimum = 1)]
        instalment: u16,
        /// The promised day.
        on: NaiveDate,
        /// Who, how and when.
        said: Said,
    }

    /// What was missed is recorded, or the plan is given up.
    #[schema(example = json!({"give_up": false}))]
    BreakPlan {
        /// Give the plan up, after it was broken twice.
        #[serde(default)]
        give_up: bool,
    }

    /// An admin approves.
    #[schema(example = json!({"of": "shock", "invoice_on": "2026-12-01"}))]
    Approve {
        /// What.
        of: ApprovalOf,
        /// The invoice that grows; as announced when not stated.
        #[serde(default)]
        invoice_on: Option<NaiveDate>,
    }

    /// Give it to someone.
    Assign {
        /// To whom: the id of a member.
        owner: leakage_core::id::UserId,
    }
}

/// Why a correction begins again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ReopenBecause {
    /// An invoice fell short.
    VerificationFailed,
    /// The plan was broken twice.
    PlanBrokenTwice,
    /// Something came to light.
    NewEvidence,
    /// The client took its confirmation of a waiver back in writing.
    ConfirmationWithdrawn,
}

impl OfferPlan {
    /// As the core has it.
    pub(super) const fn terms(&self) -> Terms {
        Terms { count: self.count, cadence: self.cadence, first_on: self.first_on }
    }
}

impl AnswerDispute {
    /// What the core answers with.
    pub(super) fn answer(&self, correction: &Correction) -> Result<Answer, ApiError> {
        let day = |pointer: &str, day: Option<NaiveDate>| {
            day.ok_or_else(|| ApiError::invalid(pointer, "This answer needs a day."))
        };
        Ok(match self.reason {
            DisputeReason::UnauthorizedSeats => {
                Answer::UnauthorizedSeats { log: self.provisioning_log.clone() }
            }
            DisputeReason::LateBilling => {
                Answer::LateBilling { honest_delay: self.honest_delay.clone().unwrap_or_default() }
            }
            DisputeReason::ContractReview => {
                Answer::ContractReview { review_on: day("/review_on", self.review_on)? }
            }
            DisputeReason::CountWrong => Answer::CountWrong {
                audit: self.recount_audit_id.map(|audit| audit.to_string()).unwrap_or_default(),
                withdrawn: parts(&self.withdrawn, correction)?,
                credit_note: self.credit_note.clone(),
            },
            DisputeReason::AlreadyPaid => Answer::AlreadyPaid {
                payment: match &self.payment {
                    Some(payment) => Some((payment.clone(), parts(&self.paid, correction)?)),
                    None => None,
                },
                shown_not_to_match: self.shown_not_to_match.clone(),
            },
            DisputeReason::Price => {
                Answer::Price { conversation_on: day("/conversation_on", self.conversation_on)? }
            }
            DisputeReason::Refusal => Answer::Refusal,
        })
    }
}
