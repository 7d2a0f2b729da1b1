//! Why a command is refused: values with stable codes, all that is missing at once.

use super::state::{Action, State, named};
use serde::{Deserialize, Serialize};
use std::fmt;

named! {
    /// Stable names of everything that a command can be refused for. New ones may be added.
    Code {
        /// The state does not allow the command.
        CommandNotAllowed = "command_not_allowed",
        /// No gap is named.
        NoGaps = "no_gaps",
        /// The gaps are of several clients.
        SeveralClients = "several_clients",
        /// The gaps are of several billing entities.
        SeveralBillingEntities = "several_billing_entities",
        /// The gaps are of several currencies.
        SeveralCurrencies = "several_currencies",
        /// The gaps go both ways.
        SeveralDirections = "several_directions",
        /// A gap has days without a price.
        Unpriced = "gap_unpriced",
        /// The client's billing entities have no allocation.
        NotAllocated = "gap_not_allocated",
        /// Its two sides were matched by a proposal that nobody confirmed.
        MappingUnconfirmed = "gap_mapping_unconfirmed",
        /// All its months are settled already.
        AlreadySettled = "gap_already_settled",
        /// A month of it is in another open correction.
        InAnotherCorrection = "gap_in_another_correction",
        /// It has no closed month with seats.
        NothingToCorrect = "nothing_to_correct",
        /// A figure is larger than can be exact.
        TooLarge = "figure_too_large",
        /// Nobody confirmed the gaps.
        GapsNotConfirmed = "gaps_not_confirmed",
        /// A person must do this.
        PersonRequired = "person_required",
        /// The message lacks its context.
        ContextMissing = "message_context_missing",
        /// The message lacks its data.
        DataMissing = "message_data_missing",
        /// The message does not say what happens next, or the quantity and date of it are missing.
        GoingForwardMissing = "going_forward_missing",
        /// The message mixes in a price change.
        PriceChange = "message_price_change",
        /// A line rests on no gap of an audit and on no invoice.
        FactsMissing = "facts_missing",
        /// The facts were not frozen.
        EvidenceNotFrozen = "evidence_not_frozen",
        /// Seats rest on a later snapshot, without proof of when they were provisioned.
        ProvisioningEvidenceMissing = "provisioning_evidence_missing",
        /// The invoice shock asks for an offer of payment in parts.
        PlanOfferMissing = "plan_offer_missing",
        /// The invoice shock asks for an admin's approval.
        ShockApprovalMissing = "shock_approval_missing",
        /// An instalment with the forward increase is too large: a longer plan or an approval.
        InstalmentTooLarge = "instalment_too_large",
        /// The invoice date is too near.
        NoticeTooShort = "notice_too_short",
        /// It is not said who spoke for the client, or how.
        SpeakerMissing = "speaker_missing",
        /// No part is named.
        PartMissing = "part_missing",
        /// The part names a line or month that is not there.
        PartUnknown = "part_unknown",
        /// The part is more than there is.
        PartTooLarge = "part_exceeds_line",
        /// There is no such dispute, or it is answered.
        DisputeUnknown = "dispute_unknown",
        /// The answer is one for another reason.
        AnswerDoesNotFit = "answer_does_not_fit",
        /// The provisioning log with dates is missing.
        ProvisioningLogMissing = "provisioning_log_missing",
        /// The text that owns the delay is missing.
        HonestDelayMissing = "honest_delay_missing",
        /// The agreed day of the review is missing or past.
        ReviewDateMissing = "review_date_missing",
        /// The correction was frozen once already.
        AlreadyFrozen = "already_frozen",
        /// There is no review.
        NotFrozen = "not_frozen",
        /// The recount audit is missing.
        RecountMissing = "recount_missing",
        /// The recount does not show all the disputed seats that it is to confirm.
        RecountUnconfirmed = "recount_not_confirming",
        /// The payment is not named, or not shown not to match.
        PaymentMissing = "payment_missing",
        /// The price conversation has no day.
        PriceConversationMissing = "price_conversation_missing",
        /// A refusal needs a plan offer or a relationship decision.
        RefusalUnanswered = "refusal_unanswered",
        /// The audit is the one that the correction rests on.
        SameAudit = "amend_same_audit",
        /// The later audit has the same figures.
        NoDifference = "amend_no_difference",
        /// What would go has been billed or given up already.
        AlreadyDisposed = "already_disposed",
        /// Money is left that nothing was done about.
        MoneyOutstanding = "money_outstanding",
        /// A dispute is open.
        DisputeOpen = "dispute_open",
        /// No acceptance is recorded.
        AcceptanceMissing = "acceptance_missing",
        /// It is not recorded that the message arrived.
        NotDelivered = "not_delivered",
        /// The client may still reply.
        ReplyByNotPassed = "reply_by_not_passed",
        /// No reminder was sent.
        ReminderMissing = "reminder_missing",
        /// The client objected.
        Objection = "objection_recorded",
        /// Not everything was credited.
        NotFullyCredited = "not_fully_credited",
        /// No relationship decision is recorded.
        DecisionMissing = "relationship_decision_missing",
        /// An admin must do this.
        AdminRequired = "admin_required",
        /// It must be decided by someone other than who bills.
        DecidedByBiller = "decided_by_biller",
        /// The evidence was not shown to the client.
        EvidenceNotShown = "evidence_not_shown",
        /// Neither an audit without the seats nor a rule that explains them is named.
        WithdrawalUnfounded = "withdrawal_unfounded",
        /// A second person must approve.
        SecondApproverRequired = "second_approver_required",
        /// Whoever approves alone needs a second factor.
        SecondFactorRequired = "second_factor_required",
        /// Whoever approves alone waits a day.
        WaitingPeriod = "waiting_period",
        /// The client's written confirmation is missing.
        ConfirmationMissing = "confirmation_missing",
        /// The confirmation cannot be shown to come from the client.
        ConfirmationUnauthenticated = "confirmation_unauthenticated",
        /// The confirmation belongs to another waiver.
        ConfirmationUsed = "confirmation_used",
        /// The confirmation is for less.
        ConfirmationTooSmall = "confirmation_too_small",
        /// There is no such request for a waiver.
        WaiverRequestUnknown = "waiver_request_unknown",
        /// Over-billing is never waived.
        OverBillingWaived = "over_billing_not_waivable",
        /// Over-billing is given back, not charged.
        OverBillingBilled = "over_billing_not_billable",
        /// Over-billing is given back whole and at once.
        CreditNotWhole = "credit_not_whole",
        /// Money that was owed back needs an apology.
        ApologyMissing = "apology_missing",
        /// Nothing was billed that could be credited.
        NothingBilled = "nothing_billed",
        /// There is nothing left to do this with.
        NothingOutstanding = "nothing_outstanding",
        /// The reason is missing.
        ReasonMissing = "reason_missing",
        /// The document is missing.
        DocumentMissing = "document_missing",
        /// There is no such document among the entries.
        DocumentUnknown = "document_unknown",
        /// The invoice is dated before the announced one.
        InvoiceTooEarly = "invoice_before_announcement",
        /// The plan has no or too many instalments.
        PlanCount = "plan_count",
        /// The first instalment is in the past.
        PlanStart = "plan_start_past",
        /// No plan is offered.
        PlanNotOffered = "plan_not_offered",
        /// There are too many ways to pay, or one of them twice.
        PlanWays = "plan_ways",
        /// It is not said which of several ways to pay the client chose.
        PlanChoiceMissing = "plan_choice_missing",
        /// No such way to pay is offered.
        PlanChoiceUnknown = "plan_choice_unknown",
        /// There is a plan already.
        PlanExists = "plan_exists",
        /// There is no plan.
        NoPlan = "no_plan",
        /// There is no such instalment.
        InstalmentUnknown = "instalment_unknown",
        /// The instalment's state does not allow this.
        InstalmentState = "instalment_state",
        /// The promised day is not after today.
        PromisePast = "promise_past",
        /// Nothing was missed yet.
        NotMissed = "nothing_missed",
        /// The plan was not broken twice.
        PlanNotBrokenTwice = "plan_not_broken_twice",
        /// No verification has failed.
        VerificationNotFailed = "verification_not_failed",
        /// The new evidence is not named.
        EvidenceMissing = "evidence_missing",
        /// The client has not taken its confirmation back in writing.
        ConfirmationNotWithdrawn = "confirmation_not_withdrawn",
        /// The owner is missing.
        OwnerMissing = "owner_missing",
        /// What was entered where the client is billed is in another currency.
        ReceiptCurrency = "receipt_currency",
        /// Its amount cannot be one.
        ReceiptAmount = "receipt_amount",
        /// It is more than is outstanding.
        ReceiptTooLarge = "receipt_over_outstanding",
        /// The document is known with another amount.
        ReceiptDiffers = "receipt_differs",
        /// The document is known with another date.
        ReceiptDateDiffers = "receipt_date_differs",
        /// The document is known for another instalment, or for none.
        ReceiptInstalmentDiffers = "receipt_instalment_differs",
        /// The state takes no such document.
        ReceiptState = "receipt_state",
    }
}

/// One thing that is missing, or stands against a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Its stable name.
    pub code: Code,
    /// What to do about it, in plain words.
    pub detail: String,
}

/// A refused command: everything that stands against it, the weightiest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    first: Fault,
    more: Vec<Fault>,
}

impl Refusal {
    /// For one reason.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { first: Fault { code, detail: detail.into() }, more: Vec::new() }
    }

    /// For several reasons, the first of which leads; none: it is not refused.
    ///
    /// # Errors
    /// Where there is a reason.
    pub fn unless_none(faults: impl IntoIterator<Item = Fault>) -> Result<(), Self> {
        let mut faults = faults.into_iter();
        faults.next().map_or(Ok(()), |first| Err(Self { first, more: faults.collect() }))
    }

    /// The state does not allow it.
    pub fn of_state(action: Action, state: State) -> Self {
        let from: Vec<&str> = action.from().iter().map(|state| state.as_str()).collect();
        Self::new(
            Code::CommandNotAllowed,
            format!("{action} is not possible in the state {state}; it is in: {}.", from.join(", ")),
        )
    }

    /// The weightiest reason.
    pub const fn code(&self) -> Code {
        self.first.code
    }

    /// Every reason.
    pub fn faults(&self) -> impl Iterator<Item = &Fault> {
        std::iter::once(&self.first).chain(&self.more)
    }

    /// Whether this is among the reasons.
    pub fn has(&self, code: Code) -> bool {
        self.faults().any(|fault| fault.code == code)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.first.detail)?;
        self.more.iter().try_for_each(|fault| write!(f, " {}", fault.detail))
    }
}

impl std::error::Error for Refusal {}

/// Collects what is missing, so that a person learns all of it at once.
#[derive(Debug, Default)]
pub(super) struct Missing(Vec<Fault>);

impl Missing {
    /// Unless it holds, this stands against the command.
    pub(super) fn unless(&mut self, holds: bool, code: Code, detail: &str) -> &mut Self {
        if !holds {
            self.0.push(Fault { code, detail: detail.to_owned() });
        }
        self
    }

    /// As [`Missing::unless`], with a text that is made only when needed.
    pub(super) fn unless_with(
        &mut self,
        holds: bool,
        code: Code,
        detail: impl FnOnce() -> String,
    ) -> &mut Self {
        if !holds {
            self.0.push(Fault { code, detail: detail() });
        }
        self
    }

    /// Adds what another check found.
    pub(super) fn with(&mut self, checked: Result<(), Refusal>) -> &mut Self {
        if let Err(refusal) = checked {
            self.0.push(refusal.first);
            self.0.extend(refusal.more);
        }
        self
    }

    /// Refused if anything is missing.
    pub(super) fn check(&mut self) -> Result<(), Refusal> {
        Refusal::unless_none(std::mem::take(&mut self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_missing_is_told_at_once_the_first_leads() {
        let mut missing = Missing::default();
        missing.unless(true, Code::NoGaps, "none");
        missing.unless(false, Code::ContextMissing, "Say why.");
        missing.with(Err(Refusal::new(Code::DataMissing, "Show the months.")));
        let refusal = missing.check().unwrap_err();
        assert_eq!(refusal.code(), Code::ContextMissing);
        assert!(refusal.has(Code::DataMissing) && !refusal.has(Code::NoGaps));
        assert_eq!(refusal.to_string(), "Say why. Show the months.");
    }

    #[test]
    fn codes_are_distinct() {
        let mut names: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Code::ALL.len());
    }
}
