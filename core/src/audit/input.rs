//! What an audit is made from: files already read, and the organization's policies, mappings, rules
//! and prices.
//!
//! Everything that can change a number is in here, so that the same input gives the same document on
//! any machine. Times are passed in; nothing here knows where a file came from.

use crate::period::{Month, Span};
use crate::records::{ClientRef, MappingRow, MappingSide, Price, ProductRef, Rule, Side, Sourced};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Which seats are counted on the entitlement side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Seats bought.
    #[default]
    Purchased,
    /// Seats given to users.
    Assigned,
    /// Seats in use.
    Active,
}

/// How a change inside a month counts for that month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Proration {
    /// Each day counts as it is.
    #[default]
    Daily,
    /// Every audited day of a month counts as its last audited day.
    FullMonth,
    /// Every day of a month counts as its first day.
    NextMonth,
}

/// The text names no such choice.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not one of {choices}")]
pub struct ChoiceError {
    given: String,
    choices: &'static str,
}

impl ChoiceError {
    fn new(given: &str, choices: &'static str) -> Self {
        Self { given: given.chars().take(40).collect(), choices }
    }
}

impl FromStr for Basis {
    type Err = ChoiceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "purchased" => Ok(Self::Purchased),
            "assigned" => Ok(Self::Assigned),
            "active" => Ok(Self::Active),
            _ => Err(ChoiceError::new(text, "purchased, assigned, active")),
        }
    }
}

impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Purchased => "purchased",
            Self::Assigned => "assigned",
            Self::Active => "active",
        })
    }
}

impl FromStr for Proration {
    type Err = ChoiceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "daily" => Ok(Self::Daily),
            "full_month" => Ok(Self::FullMonth),
            "next_month" => Ok(Self::NextMonth),
            _ => Err(ChoiceError::new(text, "daily, full_month, next_month")),
        }
    }
}

impl fmt::Display for Proration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Daily => "daily",
            Self::FullMonth => "full_month",
            Self::NextMonth => "next_month",
        })
    }
}

/// How seats are counted and prorated: the organization's choice, and where it is overridden.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Which seats are counted.
    pub basis: Basis,
    /// How changes inside a month count.
    pub proration: Proration,
    /// Exceptions, per client, agreement and product.
    #[serde(default)]
    pub overrides: Vec<PolicyOverride>,
}

/// An exception to the organization's policy: of a client, of one of its agreements, or of a product. How
/// several fit together is said in `policies`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyOverride {
    /// The client, by any name or id that a source gives it; none: all.
    #[serde(default)]
    pub client: Option<String>,
    /// Only for products billed under this agreement, as billing lines name it.
    #[serde(default)]
    pub agreement: Option<String>,
    /// Only for this product.
    #[serde(default)]
    pub product: Option<ProductRef>,
    /// Only for months whose first day is one of these; none: for all.
    #[serde(default)]
    pub span: Option<Span>,
    /// Another count basis.
    #[serde(default)]
    pub basis: Option<Basis>,
    /// Another proration.
    #[serde(default)]
    pub proration: Option<Proration>,
    /// Closed months that may be charged back.
    #[serde(default)]
    pub back_billing_months: Option<u32>,
    /// Closed months that must be credited back.
    #[serde(default)]
    pub credit_back_months: Option<u32>,
}

/// A part of a client that is billed by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillingEntity {
    /// The client, by any name or id that a source gives it.
    pub client: String,
    /// Its names, under any of which billing lines may name it: the first is what its gaps are known by, the
    /// last how it is shown.
    pub names: Vec<String>,
}

/// By what seats go to a billing entity, in the order in which they are taken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AllocateBy {
    /// Those of users who have the licence from this group, by its id.
    Group(String),
    /// Those of users of this department.
    Department(String),
    /// Those of users whose name ends in this domain.
    Domain(String),
    /// This many.
    Fixed(u32),
    /// All that are left.
    Rest,
}

impl AllocateBy {
    /// Its place in the order in which seats are taken.
    pub const fn order(&self) -> u8 {
        match self {
            Self::Group(_) => 0,
            Self::Department(_) => 1,
            Self::Domain(_) => 2,
            Self::Fixed(_) => 3,
            Self::Rest => 4,
        }
    }

    /// Whether it has to be known who holds the seats.
    pub const fn needs_users(&self) -> bool {
        matches!(self, Self::Group(_) | Self::Department(_) | Self::Domain(_))
    }
}

/// Seats of a client that go to one of its billing entities.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocation {
    /// The client, by any name or id that a source gives it.
    pub client: String,
    /// The first name of the entity.
    pub entity: String,
    /// Of this product only; none: of all.
    pub product: Option<ProductRef>,
    /// Which seats.
    pub by: AllocateBy,
    /// Days it holds.
    pub span: Span,
}

/// Which clients a file does not tell in full, because rows of it were refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Incomplete {
    /// Every row was read.
    #[default]
    None,
    /// Rows of these clients were refused.
    Clients(Vec<ClientRef>),
    /// A refused row named no client that could be read: none of the file's sides is complete for
    /// any client.
    All,
}

/// What rows of a file name that are not among its records: who is who is settled by all rows of all files,
/// whichever of them are compared. See `needed`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Clients of rows that are compared.
    #[serde(default)]
    pub clients: Vec<Arc<ClientRef>>,
    /// Products of rows that are compared.
    #[serde(default)]
    pub products: Vec<Arc<ProductRef>>,
    /// Clients of rows that hold nothing to compare, such as entries of logs. They settle no identity.
    #[serde(default)]
    pub others: Vec<Arc<ClientRef>>,
}

/// A month of a gap that was charged, credited or given up before, or that is being worked on: it must not be
/// charged again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SettledMonth {
    /// Id of the gap.
    pub gap: String,
    /// The month.
    pub month: Month,
    /// What settled it: a correction, an invoice, a credit note.
    pub settled_by: String,
    /// Whether that is still worked on.
    #[serde(default)]
    pub open: bool,
    /// Seats, each counted on each of its days.
    pub seat_days: i64,
    /// Money, in the gap's currency.
    pub amount: Decimal,
    /// Invoices and credit notes by which it was settled: lines of theirs are not counted once more.
    #[serde(default)]
    pub documents: Vec<String>,
}

/// One file, as it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Digest of the file's bytes, `sha256:` and hex: the same file is the same import anywhere.
    pub import: String,
    /// The file's name, for people. Never part of the document's digest.
    pub file: String,
    /// The format it was read as. Files of one format are one source: a newer row replaces an older.
    pub format: String,
    /// The sides it speaks of; says what is incomplete when rows were refused.
    pub sides: Vec<Side>,
    /// Order in which we learned of it: the larger number is the newer file.
    pub learned: u64,
    /// Day on which its snapshot rows were seen, as the uploader states it; a day in the file wins.
    pub snapshot_on: Option<NaiveDate>,
    /// Whose file it is, stated by the uploader. Names the client of a file that speaks of one only.
    pub client: Option<String>,
    /// Days that the file says it tells in full, for the clients in it.
    pub stated_span: Option<Span>,
    /// Which clients it does not tell in full.
    pub incomplete: Incomplete,
    /// Its rows.
    pub records: Vec<Sourced>,
    /// What else it names, where not all of its rows are here.
    #[serde(default)]
    pub left_out: LeftOut,
}

/// Everything that an audit is made from.
#[derive(Clone, Debug)]
pub struct AuditInput {
    /// First month.
    pub from: Month,
    /// Last month, inclusive.
    pub to: Month,
    /// The day on which the audit speaks: later days are not audited.
    pub as_of: NaiveDate,
    /// Count basis and proration.
    pub policy: Policy,
    /// The files.
    pub sources: Vec<Source>,
    /// Confirmed mappings of clients and products.
    pub mappings: Vec<MappingRow>,
    /// Waterfall rules and back-billing limits.
    pub rules: Vec<Rule>,
    /// The organization's price list.
    pub prices: Vec<Price>,
    /// The clients' billing entities.
    pub entities: Vec<BillingEntity>,
    /// How clients' seats are shared over their billing entities.
    pub allocations: Vec<Allocation>,
    /// Audit only these clients, each by any name or id that a source gives it.
    pub clients: Option<Vec<String>>,
    /// Which source is used where several speak of one side of a client: format names, first wins.
    /// Formats that are not named follow in the default order.
    pub source_order: Vec<String>,
    /// Use undecided proposals with at least this score, marked `unconfirmed`.
    pub accept_proposals: Option<Decimal>,
    /// Proposals that a person has rejected: side, source, target.
    pub rejected_proposals: Vec<(MappingSide, String, String)>,
    /// Months of gaps that are settled, or being settled.
    pub settled: Vec<SettledMonth>,
    /// Stretch a snapshot without a date over the whole period (`assumed`). Otherwise its clients
    /// cannot be compared.
    pub stretch_snapshots: bool,
}

impl AuditInput {
    /// An audit of whole months with the default policy and no files yet.
    pub fn new(from: Month, to: Month, as_of: NaiveDate) -> Self {
        Self {
            from,
            to,
            as_of,
            policy: Policy::default(),
            sources: Vec::new(),
            mappings: Vec::new(),
            rules: Vec::new(),
            prices: Vec::new(),
            entities: Vec::new(),
            allocations: Vec::new(),
            clients: None,
            source_order: Vec::new(),
            accept_proposals: None,
            rejected_proposals: Vec::new(),
            settled: Vec::new(),
            stretch_snapshots: false,
        }
    }
}
