//! What is answered: lines, changes of quantities, requests and tables.

use super::targets::Target;
use crate::money::Money;
use crate::period::Month;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Why a line is charged or given back once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = BillingLineReason))]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// A month of the past.
    Month,
    /// An instalment of an accepted plan.
    Instalment,
    /// What the system does not bill by itself for the first period of another quantity.
    FirstPeriod,
}

/// A line that is charged or given back once: quantity 1 at its amount, so that nothing is rounded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = BillingInstructionLine))]
pub struct OneOff {
    /// Counts from 1.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 100_000))]
    pub number: u32,
    /// Why.
    pub why: Why,
    /// Number of the correction's line; none: of several (an instalment).
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 200))]
    pub line: Option<u32>,
    /// The product, or what the instalment is of.
    #[cfg_attr(feature = "openapi", schema(max_length = 500))]
    pub product: String,
    /// The month that it is for.
    pub month: Option<Month>,
    /// Number of the instalment.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 65535))]
    pub instalment: Option<u16>,
    /// The day to date it with.
    pub on: NaiveDate,
    /// The billing period that holds the day, half-open.
    pub period_from: NaiveDate,
    /// Its end.
    pub period_until: NaiveDate,
    /// Before tax; negative: given back.
    pub amount: Money,
    /// The reference that the line carries.
    #[cfg_attr(feature = "openapi", schema(max_length = 40, example = "LF-7KQ2M9XAC-2"))]
    pub reference: String,
    /// The line's text: product, reference, what it is for. Keep the reference in it.
    #[cfg_attr(feature = "openapi", schema(max_length = 1000))]
    pub description: String,
    /// The product's code in the system, where billing rows name it.
    #[cfg_attr(feature = "openapi", schema(max_length = 500))]
    pub product_code: Option<String>,
    /// The agreement or contract, where billing rows name it.
    #[cfg_attr(feature = "openapi", schema(max_length = 500))]
    pub agreement: Option<String>,
    #[serde(skip)]
    pub(super) minor: i64,
}

/// A row of the system whose quantity changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = BillingRowChange))]
pub struct RowChange {
    /// The system's id of the row (an addition, a recurring invoice), where billing rows name it.
    #[cfg_attr(feature = "openapi", schema(max_length = 500))]
    pub source_id: Option<String>,
    /// Its agreement or contract.
    #[cfg_attr(feature = "openapi", schema(max_length = 500))]
    pub agreement: Option<String>,
    /// The product's code there.
    #[cfg_attr(feature = "openapi", schema(max_length = 500))]
    pub product_code: Option<String>,
    /// The product's name there.
    #[cfg_attr(feature = "openapi", schema(max_length = 500))]
    pub product_name: Option<String>,
    /// Quantity as it is.
    #[cfg_attr(feature = "openapi", schema(value_type = String, max_length = 40))]
    pub from_quantity: Decimal,
    /// Quantity as it becomes.
    #[cfg_attr(feature = "openapi", schema(value_type = String, max_length = 40))]
    pub to_quantity: Decimal,
    /// What of the quantity the agreement includes without a charge; it stays so.
    #[cfg_attr(feature = "openapi", schema(value_type = String, max_length = 40))]
    pub included: Decimal,
    /// The row's own price of a billing period; of a row that no import shows, that of the change.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, max_length = 40))]
    pub unit_price: Option<Decimal>,
    /// Digest of the imported file that shows the row; empty where no import does.
    #[cfg_attr(feature = "openapi", schema(max_length = 100))]
    pub import: String,
    /// Its line there.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 4_294_967_295_i64))]
    pub row: u32,
}

/// A quantity that is another from a date on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = BillingQuantityChange))]
pub struct Recurring {
    /// Number of the correction's line.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 200))]
    pub line: u32,
    /// The product.
    #[cfg_attr(feature = "openapi", schema(max_length = 500))]
    pub product: String,
    /// Seats as rows bill them on that day; as found where no row tells.
    pub from_seats: i64,
    /// Seats as agreed, plus or minus what became billable since.
    pub to_seats: i64,
    /// From when on the client owes them.
    pub owed_from: NaiveDate,
    /// The effective date to enter.
    pub effective_on: NaiveDate,
    /// Whether the system is to prorate the first period. `false`: switch it off.
    pub prorate: bool,
    /// Price of a seat and cycle in the system, as billing rows say; as agreed where there are none.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, max_length = 40))]
    pub unit_price: Option<Decimal>,
    /// Months that the price pays for.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 36))]
    pub cycle_months: u32,
    /// What the first period is to come to; negative: less.
    pub first_period: Money,
    /// Of that, what a line of its own brings (see the lines); the rest comes with the quantity.
    pub first_period_line: Money,
    /// The price in the system is not the agreed one.
    pub price_differs: bool,
    /// The rows to change.
    #[cfg_attr(feature = "openapi", schema(max_items = 1000))]
    pub rows: Vec<RowChange>,
}

/// A request of the system's public API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = BillingRequest))]
pub struct Request {
    /// What it does.
    #[cfg_attr(feature = "openapi", schema(max_length = 1000))]
    pub purpose: String,
    /// HTTP method.
    #[cfg_attr(feature = "openapi", schema(max_length = 10, example = "POST"))]
    pub method: String,
    /// Path below the API's address; `{name}` stands for what is missing.
    #[cfg_attr(feature = "openapi", schema(max_length = 500))]
    pub path: String,
    /// The body; `null` stands for what is missing.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub body: Value,
}

/// A table as the system imports it, or, where it imports none, to enter by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = BillingTable))]
pub struct Table {
    /// `one_off`, `recurring`, or `credit_memos` of QuickBooks.
    #[cfg_attr(feature = "openapi", schema(max_length = 20, example = "one_off"))]
    pub part: String,
    /// CSV, with its header.
    #[cfg_attr(feature = "openapi", schema(max_length = 10_000_000))]
    pub csv: String,
}

/// What the system needs and the imported billing rows do not hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = BillingMissing))]
pub struct Missing {
    /// The system's name of it.
    #[cfg_attr(feature = "openapi", schema(max_length = 100, example = "agreementId"))]
    pub field: String,
    /// Where to find it.
    #[cfg_attr(feature = "openapi", schema(max_length = 1000))]
    pub detail: String,
}

/// What to enter where the client is billed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = BillingInstructions))]
pub struct Instructions {
    /// The correction's reference: keep it in the text of every line.
    #[cfg_attr(feature = "openapi", schema(max_length = 40, example = "LF-7KQ2M9XAC"))]
    pub reference: String,
    /// The system.
    pub target: Target,
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(max_length = 100, example = "ConnectWise PSA"))]
    pub target_title: String,
    /// Whether it may be entered now. Not so while the client was not told.
    pub ready: bool,
    /// Lines of the past together, before tax; negative: given back.
    pub one_off_total: Money,
    /// Charged or given back once.
    #[cfg_attr(feature = "openapi", schema(max_items = 100_000))]
    pub one_off: Vec<OneOff>,
    /// Quantities that are others from now on.
    #[cfg_attr(feature = "openapi", schema(max_items = 200))]
    pub recurring: Vec<Recurring>,
    /// The same as requests of the system's API.
    #[cfg_attr(feature = "openapi", schema(max_items = 100_000))]
    pub requests: Vec<Request>,
    /// The same as tables.
    #[cfg_attr(feature = "openapi", schema(max_items = 10))]
    pub tables: Vec<Table>,
    /// What is missing: look it up in the system.
    #[cfg_attr(feature = "openapi", schema(max_items = 1000))]
    pub missing: Vec<Missing>,
    /// What to know beside it.
    #[cfg_attr(feature = "openapi", schema(max_items = 1000))]
    pub notes: Vec<String>,
}
