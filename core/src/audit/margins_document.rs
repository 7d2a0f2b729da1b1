//! What clients are billed against what the vendor charges for the same product and month.
//!
//! Recurring money only: regular billing lines, and vendor charges for seats and metered use; prorations,
//! credits, one-off lines and one-time purchases are no part of a month's margin. Days count that both the
//! billing and the vendor's file cover. Where the cost is not known nothing is shown: a missing cost is not 0.

use super::document::AuditPeriod;
use crate::money::Currency;
use crate::period::Month;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Money billed, what it costs, and what is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MarginFigures {
    /// Billed, rounded once a month.
    pub billed: Decimal,
    /// The vendor's charges, with the digits of its file.
    pub cost: Decimal,
    /// Billed less cost.
    pub margin: Decimal,
    /// The margin in percent of what is billed, two decimals. None where nothing is billed.
    pub margin_percent: Option<Decimal>,
    /// The same if billing were right: billed and what is under-billed, less what is over-billed.
    pub at_billable: Option<BillableMargin>,
}

/// A margin as it would be if billing were right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BillableMargin {
    /// What should be billed.
    pub billed: Decimal,
    /// Less cost.
    pub margin: Decimal,
    /// In percent of what should be billed, two decimals.
    pub margin_percent: Option<Decimal>,
}

/// One month of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MarginMonth {
    /// The month; only closed ones are shown.
    pub month: Month,
    /// Its days that both the billing and the vendor's file cover.
    pub days: u32,
    /// The figures. `at_billable` is none where the gap of all these days is not known, or has no price.
    pub figures: MarginFigures,
}

/// One product of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Margin {
    /// The client.
    pub client: String,
    /// The product.
    pub product: String,
    /// The vendor's id of the product, where known.
    pub sku: Option<String>,
    /// The currency of both sides.
    pub currency: Currency,
    /// Sums of its months. `at_billable` is none where one of the months has none.
    pub figures: MarginFigures,
    /// Its months.
    pub months: Vec<MarginMonth>,
}

/// One client, or all, in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MarginTotal {
    /// The client; none: all of them.
    pub client: Option<String>,
    /// The currency; figures of different currencies are never added.
    pub currency: Currency,
    /// How many products.
    pub products: u32,
    /// The sums. For `at_billable` a product counts as it is billed where its gap is not known.
    pub figures: MarginFigures,
    /// Products that count as billed in `at_billable`, because the gap of some month is not known.
    pub unknown_gaps: u32,
}

/// Why a product that has a cost has no margin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum NoMargin {
    /// It is billed in other currencies than it costs.
    CurrencyDiffers,
    /// It is part of a bundle, and billed by the bundle's line.
    BilledInBundle,
}

/// A product that has a cost and no margin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MarginNotCompared {
    /// The client.
    pub client: String,
    /// The product.
    pub product: String,
    /// Why.
    pub reason: NoMargin,
    /// The currencies that it is billed in.
    pub billed: Vec<Currency>,
    /// The currencies that it costs.
    pub cost: Vec<Currency>,
    /// The months.
    pub months: Vec<Month>,
}

/// All margins of an audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Margins {
    /// The audited days.
    pub period: AuditPeriod,
    /// Per currency.
    pub totals: Vec<MarginTotal>,
    /// Per client and currency.
    pub clients: Vec<MarginTotal>,
    /// Per client and product.
    pub products: Vec<Margin>,
    /// Products whose cost is known and that have no margin all the same.
    pub not_compared: Vec<MarginNotCompared>,
}
