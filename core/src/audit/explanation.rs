//! The explanation of one gap: from the rows of files to the cent, as structured steps and as text.
//!
//! Everything in it is what the comparison itself used; nothing is calculated a second time in another
//! way. The text is for the client who is to be charged or credited.

use super::document::{Gap, Waterfall};
use crate::period::Month;
use crate::records::{Cycle, MappingSide, RuleKind, Term};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// How one gap came about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Explanation {
    /// The gap, as the audit's document has it.
    pub gap: Gap,
    /// The rows behind it, as they were read.
    pub rows: Vec<ExplainedRow>,
    /// How the files name the client and the product, and what each name stands for.
    pub names: Vec<ExplainedName>,
    /// The rules that hold for the client's product in the period, with who answers for them.
    pub rules: Vec<ExplainedRule>,
    /// The covered days of the gap's months, in runs that count alike, in order of time.
    pub stretches: Vec<Stretch>,
    /// The months, each with its calculation.
    pub months: Vec<ExplainedMonth>,
    /// The same for people, one paragraph each.
    pub text: Vec<String>,
}

/// What a row was used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RowRole {
    /// Its seats were counted.
    Counted,
    /// Its seats are billed.
    Billed,
    /// A bundle's line, which includes seats of the product.
    BundleParent,
    /// Listed beside the gap, not compared: a proration, credit or one-off line.
    Adjustment,
}

/// A row of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExplainedRow {
    /// What it was used for.
    pub role: RowRole,
    /// Digest of the file.
    pub import: String,
    /// Name of the file.
    pub file: String,
    /// Its line, 1-based; of a JSON file the place of the item.
    pub line: u32,
    /// The canonical record that was read from it, as `leakage inspect --rows` prints it.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub record: serde_json::Value,
}

/// A name as files write it, and what it stands for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExplainedName {
    /// Client or product.
    pub side: MappingSide,
    /// Name and ids as one file writes them, joined with ` / `.
    pub written: String,
    /// The client or product of the gap.
    pub stands_for: String,
    /// The confirmed mapping that says so; none: the same id or the same name.
    pub mapping: Option<String>,
}

/// A rule of the waterfall, or a limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExplainedRule {
    /// What it does.
    pub kind: RuleKind,
    /// `all`, or a number of seats or months.
    pub value: String,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// First day.
    pub from: NaiveDate,
    /// Day after the last one; none: still so.
    pub until: Option<NaiveDate>,
    /// When it is looked at again.
    pub review_date: Option<NaiveDate>,
}

/// Days that count alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Stretch {
    /// Their month.
    pub month: Month,
    /// How many days.
    pub days: u32,
    /// The day whose quantities and prices they take. Under `daily` it is the first of them; `full_month`
    /// takes all as the month's last audited day, `next_month` as its first day.
    pub taken_as: NaiveDate,
    /// From counted to billable seats.
    pub waterfall: Waterfall,
    /// Billed seats.
    pub billed: Decimal,
    /// Billable less billed, of the gap's direction; 0 where there is no such gap.
    pub gap: Decimal,
    /// The gap's seats with their prices.
    pub prices: Vec<ExplainedPrice>,
}

/// Seats of one price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExplainedPrice {
    /// How many.
    pub seats: Decimal,
    /// Their term, where both sides state terms.
    pub term: Option<Term>,
    /// Price of a seat and `cycle`, exact; none: no price is known.
    pub price: Option<Decimal>,
    /// What `price` pays for: a month, unless the price of a month is no exact decimal.
    pub cycle: Cycle,
}

/// A month's calculation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExplainedMonth {
    /// The month.
    pub month: Month,
    /// Its days, the divisor.
    pub days: u32,
    /// Sum of the gap over its days.
    pub seat_days: u64,
    /// The calculation as text: `(19 days x 3 seats x 22.00) / 28 = 44.7857142857`.
    pub calculation: String,
    /// Money, rounded once, half away from zero.
    pub amount: Decimal,
    /// What becomes of it: `claimed`, `provisional` (the month is not closed) or `time_barred`.
    pub counts_as: String,
}
