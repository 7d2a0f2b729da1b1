//! The commands, with what each needs.

use super::case::{ApprovalOf, GoingForward, KeptLetter, ResolutionBasis};
use super::dispute::{Answer, DisputeReason};
use super::finding::Finding;
use super::open::Elsewhere;
use super::plan::Terms;
use super::policy::{Channel, Said};
use super::quantity::Part;
use super::state::Action;
use super::verification::Verification;
use super::waiver::ConfirmationKind;
use crate::period::Month;
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};

/// What the client is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Why it happened.
    pub context: String,
    /// The figures.
    pub data: String,
    /// What happens next, in words.
    pub going_forward: String,
    /// The person who is told, where it is recorded.
    pub to: Option<String>,
    /// How, where it is recorded.
    pub channel: Option<Channel>,
    /// Where the letter is kept, if it is.
    pub reference: Option<String>,
    /// The letter that says so, where there is one.
    pub letter: Option<KeptLetter>,
    /// A change of price that the message speaks of. Refused: price and quantity are never mixed.
    pub price_change: Option<String>,
}

/// What a later audit says of a correction's gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recount {
    /// The audit.
    pub audit: String,
    /// The months that it compared in full, of each line: only there does its silence mean that nothing is
    /// missing.
    pub compared: BTreeMap<u32, BTreeSet<Month>>,
    /// Its gaps, less what other corrections hold of them.
    pub findings: Vec<Finding>,
}

/// Why seats are not there after all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ground {
    /// An audit on corrected facts no longer finds them.
    Audit(Recount),
    /// A rule explains them.
    Rule {
        /// The audit that was run with the rule, or the last one.
        audit: String,
        /// Its reason.
        reason: String,
        /// Whoever owns it.
        owner: String,
    },
}

/// Why a correction begins again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Because {
    /// The next invoice billed so many seats less (or, of over-billing, more) than agreed.
    VerificationFailed {
        /// What other corrections hold of these gaps.
        elsewhere: Elsewhere,
    },
    /// The plan was broken twice.
    PlanBrokenTwice,
    /// Something came to light.
    NewEvidence {
        /// What.
        evidence: String,
        /// Gaps that a later audit found.
        findings: Vec<Finding>,
        /// What corrections hold of these gaps, this one included.
        elsewhere: Elsewhere,
    },
    /// The client took its confirmation of a waiver back, in this writing.
    ConfirmationWithdrawn {
        /// Number of the writing.
        confirmation: u32,
        /// Number of the waiver.
        waiver: u32,
    },
}

/// A command with what it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Tell the client.
    Communicate {
        /// What it is told.
        message: Message,
        /// What is billed from now on.
        going_forward: Option<GoingForward>,
        /// The actor has looked at the gaps and stands for them.
        gaps_confirmed: bool,
        /// Until when the client may reply; the organization's days when not stated.
        reply_by: Option<NaiveDate>,
        /// Lines whose seats rest on a later snapshot: proof of when they were provisioned.
        provisioning_evidence: Vec<(u32, String)>,
    },
    /// The message arrived.
    Deliver {
        /// When.
        on: NaiveDate,
    },
    /// Remind the client, of the message or of an instalment.
    Remind {
        /// Of which instalment.
        instalment: Option<u16>,
    },
    /// The client accepts.
    Accept {
        /// Who, how and when.
        said: Said,
    },
    /// The client objects.
    Dispute {
        /// Why.
        reason: DisputeReason,
        /// To what; none: nothing is named.
        parts: Vec<Part>,
        /// What was said.
        note: Option<String>,
        /// Who, how and when.
        said: Said,
        /// Until when we owe an answer; the organization's days when not stated.
        reply_by: Option<NaiveDate>,
    },
    /// Answer an objection.
    Answer {
        /// Which one.
        dispute: u32,
        /// With what.
        answer: Answer,
        /// What was written to the client.
        text: Option<String>,
        /// What the audit of a recount says; only its figures are withdrawn.
        recount: Option<Recount>,
    },
    /// A contract review has ended.
    EndReview {
        /// What came of it.
        outcome: String,
    },
    /// Decide what a refusal means.
    Decide {
        /// Why so.
        reason: String,
        /// Give up what was refused.
        write_off: bool,
        /// The client was shown the evidence.
        evidence_shown: bool,
    },
    /// A later audit has other figures.
    Amend {
        /// The later audit.
        recount: Recount,
    },
    /// End it.
    Resolve {
        /// Why it may end.
        basis: ResolutionBasis,
        /// What is billed from now on; as announced when not stated.
        going_forward: Option<GoingForward>,
    },
    /// The seats are not there after all.
    Withdraw {
        /// Why.
        ground: Option<Ground>,
    },
    /// Ask for a waiver.
    RequestWaiver {
        /// Of what; none: of all that is outstanding.
        parts: Vec<Part>,
        /// Why.
        reason: String,
    },
    /// Attach what the client wrote.
    AttachConfirmation {
        /// What it is.
        kind: ConfirmationKind,
        /// Digest of the file.
        sha256: String,
        /// Who wrote it, how and when.
        said: Said,
        /// Whether it can be shown to come from the client.
        authenticated: bool,
        /// The money that it speaks of.
        minor: Option<i64>,
    },
    /// Give up what was asked for, or (up to the threshold) what is named here.
    Waive {
        /// The request that is granted.
        request: Option<u32>,
        /// Without a request: of what; none: of all that is outstanding.
        parts: Vec<Part>,
        /// Without a request: why.
        reason: String,
        /// Number of the client's writing.
        confirmation: Option<u32>,
        /// What is billed from now on; as announced when not stated.
        going_forward: Option<GoingForward>,
        /// For what is billed already.
        credit_note: Option<String>,
    },
    /// Charge.
    Bill {
        /// The invoice.
        document: String,
        /// Its date.
        on: NaiveDate,
        /// What; none: all that is available.
        parts: Vec<Part>,
    },
    /// Give back.
    Credit {
        /// The credit note or refund.
        document: String,
        /// What; none: everything.
        parts: Vec<Part>,
        /// The apology, of over-billing.
        apology: Option<String>,
        /// Why, of what was under-billed and charged too much.
        reason: Option<String>,
    },
    /// Offer payment in parts.
    OfferPlan {
        /// How.
        terms: Terms,
        /// Further ways of which the client may choose one.
        others: Vec<Terms>,
    },
    /// The client takes it.
    AcceptPlan {
        /// Who, how and when.
        said: Said,
        /// Number of the way that it chose; need not be named where there is one only.
        choice: Option<u16>,
    },
    /// An instalment was invoiced.
    InvoiceInstalment {
        /// Which one.
        instalment: u16,
        /// The invoice.
        document: String,
    },
    /// An instalment was paid.
    PayInstalment {
        /// Which one.
        instalment: u16,
        /// When.
        on: NaiveDate,
    },
    /// The client promises a day.
    Promise {
        /// For which instalment.
        instalment: u16,
        /// Which day.
        on: NaiveDate,
        /// Who, how and when.
        said: Said,
    },
    /// What was missed or broken by today is recorded.
    RecordBreak,
    /// Give the plan up.
    BreakPlan,
    /// An admin approves.
    Approve {
        /// What.
        of: ApprovalOf,
        /// The invoice that grows; as announced when not stated.
        invoice_on: Option<NaiveDate>,
    },
    /// Give it to someone.
    Assign {
        /// To whom.
        owner: String,
    },
    /// Imports prove or disprove.
    Verify {
        /// What was compared.
        verifications: Vec<Verification>,
    },
    /// Begin again.
    Reopen {
        /// Why.
        because: Because,
    },
}

impl Command {
    /// Its line of the table.
    pub const fn action(&self) -> Action {
        match self {
            Self::Communicate { .. } => Action::Communicate,
            Self::Deliver { .. } => Action::Deliver,
            Self::Remind { .. } => Action::Remind,
            Self::Accept { .. } => Action::Accept,
            Self::Dispute { .. } => Action::Dispute,
            Self::Answer { .. } => Action::Answer,
            Self::EndReview { .. } => Action::EndReview,
            Self::Decide { .. } => Action::Decide,
            Self::Amend { .. } => Action::Amend,
            Self::Resolve { .. } => Action::Resolve,
            Self::Withdraw { .. } => Action::Withdraw,
            Self::RequestWaiver { .. } => Action::RequestWaiver,
            Self::AttachConfirmation { .. } => Action::AttachConfirmation,
            Self::Waive { .. } => Action::Waive,
            Self::Bill { .. } => Action::Bill,
            Self::Credit { .. } => Action::Credit,
            Self::OfferPlan { .. } => Action::OfferPlan,
            Self::AcceptPlan { .. } => Action::AcceptPlan,
            Self::InvoiceInstalment { .. } => Action::InvoiceInstalment,
            Self::PayInstalment { .. } => Action::PayInstalment,
            Self::Promise { .. } => Action::Promise,
            Self::RecordBreak => Action::RecordBreak,
            Self::BreakPlan => Action::BreakPlan,
            Self::Approve { .. } => Action::Approve,
            Self::Assign { .. } => Action::Assign,
            Self::Verify { .. } => Action::Verify,
            Self::Reopen { .. } => Action::Reopen,
        }
    }
}

/// Remarks that are needed must say something.
pub(super) fn says(text: &str) -> bool {
    !text.trim().is_empty()
}
