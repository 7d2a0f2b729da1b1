//! Objections: what a client says against a correction, and what answers each of them.

use super::policy::Said;
use super::quantity::{Cells, Part, Quantity};
use super::state::named;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

named! {
    /// Why a client objects.
    DisputeReason {
        /// Nobody ordered these seats.
        UnauthorizedSeats = "unauthorized_seats",
        /// It comes too late.
        LateBilling = "late_billing",
        /// The contract is to be looked at.
        ContractReview = "contract_review",
        /// There are not so many seats.
        CountWrong = "count_wrong",
        /// It was paid.
        AlreadyPaid = "already_paid",
        /// The price is wrong.
        Price = "price",
        /// The client refuses.
        Refusal = "refusal",
    }
}

/// An objection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispute {
    /// Counts from 1 within the correction.
    pub number: u32,
    /// Why.
    pub reason: DisputeReason,
    /// What was said.
    pub note: Option<String>,
    /// To what.
    pub parts: Vec<Part>,
    /// What that comes to, place by place: it rests while the dispute is open.
    #[serde(with = "super::stored::cells")]
    pub cells: Cells,
    /// Who objected.
    pub said: Said,
    /// When we owe an answer.
    pub reply_by: NaiveDate,
    /// Who recorded it.
    pub recorded_by: String,
    /// When.
    pub recorded_at: DateTime<Utc>,
    /// The answer, once there is one.
    pub answer: Option<Answered>,
}

impl Dispute {
    /// Whether it waits for an answer.
    pub const fn is_open(&self) -> bool {
        self.answer.is_none()
    }

    /// What is objected to.
    pub fn quantity(&self) -> Quantity {
        super::quantity::total(&self.cells)
    }
}

/// An answer that was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// What was answered.
    pub answer: Answer,
    /// What was written to the client.
    pub text: Option<String>,
    /// Who.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// A seat that was provisioned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ProvisionedSeat {
    /// Since when.
    pub on: NaiveDate,
    /// For whom.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 300))]
    pub seat: String,
    /// Who ordered it, where the log says so.
    #[cfg_attr(feature = "openapi", schema(max_length = 300))]
    #[serde(default)]
    pub ordered_by: Option<String>,
}

/// What answers an objection; each fits one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The provisioning log, with dates.
    UnauthorizedSeats {
        /// Its entries.
        log: Vec<ProvisionedSeat>,
    },
    /// The text that owns the delay, and an offered plan.
    LateBilling {
        /// What it says.
        honest_delay: String,
    },
    /// A day on which the contract is looked at; the past rests until then.
    ContractReview {
        /// The agreed day.
        review_on: NaiveDate,
    },
    /// A recount.
    CountWrong {
        /// The audit that counted again.
        audit: String,
        /// The seats that it does not find; none: it confirms the count.
        withdrawn: Vec<Part>,
        /// The credit note for what had been billed of them.
        credit_note: Option<String>,
    },
    /// The payment was looked for.
    AlreadyPaid {
        /// It was found: by this document, for these parts.
        payment: Option<(String, Vec<Part>)>,
        /// It was not: how that was shown.
        shown_not_to_match: Option<String>,
    },
    /// The price is talked about apart from the quantity.
    Price {
        /// When.
        conversation_on: NaiveDate,
    },
    /// A plan was offered, or an admin decided.
    Refusal,
    /// Closed without an answer of its own: the correction was amended, waived or ended. Never given by hand.
    Superseded {
        /// What closed it.
        by: String,
    },
}

impl Answer {
    /// The reason that it answers; none where it closes any.
    pub const fn fits(&self) -> Option<DisputeReason> {
        Some(match self {
            Self::UnauthorizedSeats { .. } => DisputeReason::UnauthorizedSeats,
            Self::LateBilling { .. } => DisputeReason::LateBilling,
            Self::ContractReview { .. } => DisputeReason::ContractReview,
            Self::CountWrong { .. } => DisputeReason::CountWrong,
            Self::AlreadyPaid { .. } => DisputeReason::AlreadyPaid,
            Self::Price { .. } => DisputeReason::Price,
            Self::Refusal => DisputeReason::Refusal,
            Self::Superseded { .. } => return None,
        })
    }
}

/// What rests until a contract was looked at. A correction is frozen once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    /// The dispute that asked for it.
    pub dispute: u32,
    /// When the contract is looked at.
    pub review_on: NaiveDate,
    /// What rests.
    #[serde(with = "super::stored::cells")]
    pub cells: Cells,
    /// What came of it, once it has.
    pub outcome: Option<String>,
}

/// A talk about a price, apart from the correction of quantities.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceConversation {
    /// Why it was opened.
    pub why: String,
    /// The line that it is about; none: all.
    pub line: Option<u32>,
    /// When.
    pub on: NaiveDate,
}
