//! The answer to "what if another setting were the policy": the same facts under each, side by side.
//!
//! A setting is a proration, with a count basis or with the one that the audit used. Each setting holds for
//! every client and product alike: exceptions to the policy are set aside under it. Amounts are positive;
//! as in the document they are of closed months that are not time-barred.

use super::document::{AppliedPolicy, AuditPeriod, Direction, GapMonth};
use super::input::{Basis, Proration};
use crate::money::{Currency, Money};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// A count basis and a proration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Setting {
    /// Which seats are counted; none: those that the audit counted.
    pub basis: Option<Basis>,
    /// How changes inside a month count.
    pub proration: Proration,
}

/// Seats and money of gaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SettingFigures {
    /// Under-billed seat-months, six decimals.
    pub under_seat_months: Decimal,
    /// Under-billed money.
    pub under: Decimal,
    /// Over-billed seat-months, six decimals.
    pub over_seat_months: Decimal,
    /// Over-billed money.
    pub over: Decimal,
    /// How many gaps.
    pub gaps: u32,
    /// Gaps that have days without a price: they count in seat-months, not in money.
    pub unpriced_gaps: u32,
}

/// The figures under one setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UnderSetting {
    /// The setting.
    pub setting: Setting,
    /// Whether every day that the audit compares is compared under this setting too. Where not, its figures
    /// are of fewer days, and it fits nothing.
    pub comparable: bool,
    /// What it finds.
    pub figures: SettingFigures,
}

/// The figures of the audit and of each setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SideBySide {
    /// What the audit itself finds, exceptions to its policy included.
    pub audited: SettingFigures,
    /// What each setting finds, in the order of `settings`.
    pub settings: Vec<UnderSetting>,
    /// The comparable setting with the fewest seat-months of gaps, under and over; of equals the audit's own,
    /// then the first. None where no setting is comparable.
    pub best_fit: Option<Setting>,
    /// There is a gap under the audit's policy, and none under another setting: not seats are missing on the
    /// bill, but the biller and the policy count a change inside a month differently.
    pub leaks_by_setting: bool,
}

/// One currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WhatIfTotal {
    /// The currency; none: gaps whose currency is not known.
    pub currency: Option<Currency>,
    /// What the audit itself finds.
    pub audited: SettingFigures,
    /// What each setting finds.
    pub settings: Vec<UnderSetting>,
}

/// One client in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClientWhatIf {
    /// The client.
    pub client: String,
    /// The currency.
    pub currency: Option<Currency>,
    /// The figures.
    pub comparison: SideBySide,
}

/// One agreement of a client in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AgreementWhatIf {
    /// The client.
    pub client: String,
    /// The agreement. Products that are billed under several at once are compared together, and all of those
    /// are named; none: the lines name no agreement, or nothing is billed.
    pub agreements: Vec<String>,
    /// The currency.
    pub currency: Option<Currency>,
    /// Its products that have a gap under the audit's policy or some setting.
    pub products: u32,
    /// Those of them that leak by their setting.
    pub products_leaking_by_setting: u32,
    /// The figures.
    pub comparison: SideBySide,
}

/// One product of a client in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WhatIfLine {
    /// The client.
    pub client: String,
    /// The product.
    pub product: String,
    /// The vendor's id of the product, where known.
    pub sku: Option<String>,
    /// The agreements of its regular lines in the period.
    pub agreements: Vec<String>,
    /// The currency.
    pub currency: Option<Currency>,
    /// The policy that the audit used.
    pub policy: AppliedPolicy,
    /// The gaps that the audit or some setting finds.
    pub gaps: Vec<String>,
    /// The figures.
    pub comparison: SideBySide,
}

/// The same facts under all settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WhatIf {
    /// The audited days.
    pub period: AuditPeriod,
    /// The audit's policy where no exception applies.
    pub policy: AppliedPolicy,
    /// The settings that are compared.
    pub settings: Vec<Setting>,
    /// Per currency; figures of different currencies are never added.
    pub totals: Vec<WhatIfTotal>,
    /// Per client and currency.
    pub clients: Vec<ClientWhatIf>,
    /// Per client, agreement and currency.
    pub agreements: Vec<AgreementWhatIf>,
    /// Per client, product and currency; those without a gap under any setting are not listed.
    pub lines: Vec<WhatIfLine>,
}

/// One gap under all settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GapWhatIf {
    /// The gap.
    pub gap: String,
    /// Which way.
    pub direction: Direction,
    /// The gap under each setting, in the order of the line's settings.
    pub settings: Vec<GapUnderSetting>,
    /// The product as a whole, both directions.
    pub line: WhatIfLine,
}

/// One gap under one setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GapUnderSetting {
    /// The setting.
    pub setting: Setting,
    /// Whether the setting finds the gap at all.
    pub found: bool,
    /// Difference on the last audited day that has one.
    pub seats: Decimal,
    /// Seat-months of closed months that are not time-barred.
    pub seat_months: Decimal,
    /// Money of the same months. None where no currency is known, or the gap is not found.
    pub amount: Option<Money>,
    /// What the last state costs in a whole month.
    pub monthly_forward: Option<Money>,
    /// Its months.
    pub months: Vec<GapMonth>,
}
