//! The audit document: what the service answers and the command prints, field for field.
//!
//! Seats and amounts are decimals written as text. Amounts are positive; `direction` says which way
//! the money goes. Lists are sorted by what they speak of, so that the same facts give the same text.

use super::input::{Basis, Proration};
use super::waste_document::WasteBatch;
use crate::money::{Currency, Money};
use crate::period::Month;
use crate::records::{Cycle, LineType, MappingSide, Side, Term};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// The result of an audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditDocument {
    /// The audited days.
    pub period: AuditPeriod,
    /// The policy where no override applies.
    pub policy: AppliedPolicy,
    /// SHA-256 of this document's canonical JSON (RFC 8785) without this field and file names.
    pub digest: String,
    /// Differences between what clients have and what they are charged.
    pub gaps: Vec<Gap>,
    /// Lines billed at another price than agreed. Never part of a gap.
    pub price_differences: Vec<PriceDifference>,
    /// Seats billed on another term than the one they are bought on. Never part of a gap.
    pub term_mix: Vec<TermMix>,
    /// Seats bought and not used (`commitment_unrecovered`). Never part of a gap.
    pub waste: Vec<Waste>,
    /// Where sources of one side disagree about a client; the one in `used` was counted.
    pub source_conflicts: Vec<SourceConflict>,
    /// What was compared, what was not, and why.
    pub coverage: Vec<Coverage>,
    /// How products of clients with several billing entities were shared over them, on the last compared day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allocated: Vec<AllocatedPart>,
    /// Matches that wait for a person.
    pub proposals: Vec<Proposal>,
    /// Sums of the gaps' rounded amounts, per currency.
    pub totals: Vec<Total>,
    /// Cost of waste per currency, where it is known.
    pub waste_totals: Vec<Money>,
    /// Gaps that have days without a price.
    pub unpriced_gaps: u32,
    /// Remarks on the input that change no number, such as a rule that names an unknown product.
    pub notes: Vec<String>,
}

/// The audited days: `from` and up to, not with, `until`, and none after `as_of`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditPeriod {
    /// First day.
    pub from: NaiveDate,
    /// Day after the last month.
    pub until: NaiveDate,
    /// The day on which the audit speaks.
    pub as_of: NaiveDate,
}

/// Count basis and proration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AppliedPolicy {
    /// Which seats are counted.
    pub basis: Basis,
    /// How changes inside a month count.
    pub proration: Proration,
}

/// A policy, and the month from which on it was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PolicyFrom {
    /// The first month.
    pub from: Month,
    /// The policy.
    pub policy: AppliedPolicy,
}

/// Which way a gap goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Less is billed than the client has.
    Under,
    /// More is billed than the client has.
    Over,
}

/// What kind of gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum GapKind {
    /// Some seats are billed, not all.
    UnderBilled,
    /// Nothing at all is billed for the product in the period.
    Unbilled,
    /// More seats are billed than the client has.
    OverBilled,
    /// Nothing of the product is provisioned in the period.
    BilledNotProvisioned,
}

/// How the two sides of a gap were found to be the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MatchMethod {
    /// The same id, or the same name that belongs to one id only.
    Exact,
    /// A mapping that a person confirmed.
    Mapping,
    /// A proposal that nobody has confirmed, used on request.
    Unconfirmed,
}

/// A difference of seats: one client, billing entity, product, currency and direction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Gap {
    /// Hash of the gap's identity: the same in every audit.
    pub id: String,
    /// The client.
    pub client: String,
    /// Its billing entity: the one that its seats are allocated to, or the only one that its lines name.
    pub billing_entity: Option<String>,
    /// True when the client's lines name several billing entities and the gap is the client's as a whole, or
    /// of seats that no allocation gives to an entity: it must be allocated before it is corrected.
    pub needs_allocation: bool,
    /// The product.
    pub product: String,
    /// The vendor's id of the product, where known.
    pub sku: Option<String>,
    /// Which way.
    pub direction: Direction,
    /// What kind.
    pub kind: GapKind,
    /// How the sides were matched.
    pub method: MatchMethod,
    /// Difference on the last audited day that has one.
    pub seats: Decimal,
    /// Seat-months of closed months that are not time-barred, six decimals.
    pub seat_months: Decimal,
    /// Money of the same months: the sum of the months' rounded amounts. None where no currency is
    /// known.
    pub amount: Option<Money>,
    /// Whether some of its days have no price; they count in seats and seat-months, not in money.
    pub unpriced: bool,
    /// What the state on the last audited day costs in a whole month; 0 when closed by then.
    pub monthly_forward: Option<Money>,
    /// Older than the back-billing limit: outside `seat_months` and `amount`.
    pub time_barred: TimeBarred,
    /// Lines of the same product and period that are not compared: prorations, credits, one-offs.
    pub adjustments: Vec<Adjustment>,
    /// `amount` less what adjustments already charged (under) or gave back (over), never below 0.
    pub amount_after_adjustments: Option<Money>,
    /// Months that are settled, or being settled. Absent where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settled: Vec<Settled>,
    /// What is left of `amount` when settled months and adjustments are taken off: only a difference is to be
    /// charged or credited again. Absent where nothing is settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_unsettled: Option<Money>,
    /// What is left of `seat_months` without the settled months. Absent where nothing is settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seat_months_unsettled: Option<Decimal>,
    /// The policy used; of the last audited month, where it changed.
    pub policy: AppliedPolicy,
    /// Where the policy changed within the period: from which month on which one was used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<PolicyFrom>,
    /// Which side the seats come from.
    pub entitlement_from: Side,
    /// Whether days before a snapshot, or a snapshot without a date, count in it.
    pub assumed: bool,
    /// How the counted seats became billable on the last audited day that has a gap.
    pub waterfall: Waterfall,
    /// The months that have days with this gap.
    pub months: Vec<GapMonth>,
    /// The rows behind it.
    pub sources: Vec<GapSource>,
}

/// A month of a gap that was charged, credited or given up before, or is worked on: it is not charged again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Settled {
    /// The month.
    pub month: Month,
    /// By what: a correction, an invoice, a credit note. Never part of the document's digest.
    pub settled_by: String,
    /// Whether that is still worked on.
    pub open: bool,
    /// Seat-months that it settles, six decimals.
    pub seat_months: Decimal,
    /// Money that it settles, in the gap's currency.
    pub amount: Decimal,
}

/// Money that is too old to be charged or need not be credited any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TimeBarred {
    /// Seat-months, six decimals.
    pub seat_months: Decimal,
    /// Money, in the gap's currency.
    pub amount: Decimal,
    /// Months before this day are barred; none without a limit.
    pub before: Option<NaiveDate>,
}

/// One month of a gap.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and a field of the document")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GapMonth {
    /// The month.
    pub month: Month,
    /// Billable seats on its last audited day.
    pub billable: Decimal,
    /// Billed seats on its last audited day.
    pub billed: Decimal,
    /// Sum over its days of the difference, over its number of days; six decimals.
    pub seat_months: Decimal,
    /// Money, rounded once.
    pub amount: Decimal,
    /// Whether some of its days have no price.
    pub unpriced: bool,
    /// Not closed on `as_of`: outside `seat_months` and `amount` of the gap.
    pub provisional: bool,
    /// Older than the back-billing limit: counted in `time_barred`.
    pub time_barred: bool,
    /// Whether some of its days rest on a snapshot taken later or without a date.
    pub assumed: bool,
}

/// Rows of one file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GapSource {
    /// Digest of the file.
    pub import: String,
    /// Its name.
    pub file: String,
    /// Lines, ascending.
    pub lines: Vec<u32>,
}

/// A line that is not compared and may already have settled a part of a gap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Adjustment {
    /// What kind of line.
    pub line_type: LineType,
    /// First day.
    pub from: NaiveDate,
    /// Day after the last one.
    pub until: Option<NaiveDate>,
    /// Quantity on the line, less included.
    pub quantity: Decimal,
    /// Price on the line.
    pub unit_price: Decimal,
    /// What was charged; negative where money was given back.
    pub amount: Money,
    /// Invoice, where known.
    pub invoice: Option<String>,
    /// Digest of the file.
    pub import: String,
    /// Line of the file.
    pub line: u32,
}

/// The steps from counted to billable seats on one day; each stops at 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Waterfall {
    /// Seats of the chosen basis.
    pub counted: Decimal,
    /// Taken off by exclusions (free and trial SKUs, internal, blocked, shared).
    pub excluded: Decimal,
    /// Included in bundles that are billed.
    pub bundled: Decimal,
    /// Given free.
    pub allowance: Decimal,
    /// Seats of the three steps that found nothing to take off.
    pub not_fitting: Decimal,
    /// The contract minimum.
    pub minimum: Decimal,
    /// Of a billing entity's gap: seats that are to be billed to the others. Absent where nothing is shared.
    #[serde(default, skip_serializing_if = "Decimal::is_zero")]
    pub elsewhere: Decimal,
    /// What should be billed.
    pub billable: Decimal,
}

/// A billing entity's part of a client's product, or the part that no allocation takes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AllocatedPart {
    /// The client.
    pub client: String,
    /// The product.
    pub product: String,
    /// The billing entity; none: nobody's, and nothing can be corrected until it is allocated.
    pub billing_entity: Option<String>,
    /// Its billable seats. The parts sum to those of the whole.
    pub billable: Decimal,
    /// Seats that it is billed for.
    pub billed: Decimal,
}

/// A price that differs from the agreed one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PriceDifference {
    /// The client.
    pub client: String,
    /// The product.
    pub product: String,
    /// First audited day of the difference.
    pub from: NaiveDate,
    /// Under: billed below the agreed price.
    pub direction: Direction,
    /// Agreed price per seat and cycle.
    pub expected: Decimal,
    /// Billed price per seat and cycle.
    pub billed: Decimal,
    /// The cycle of both prices.
    pub cycle: Cycle,
    /// Seats on the last audited day that has the difference.
    pub seats: Decimal,
    /// What it makes over the closed months, rounded once a month.
    pub amount: Money,
}

/// Seats billed on another term than they are bought on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TermMix {
    /// The client.
    pub client: String,
    /// The product.
    pub product: String,
    /// Seats on the last audited day that has the mix.
    pub seats: Decimal,
    /// Seat-months of closed months, six decimals.
    pub seat_months: Decimal,
    /// The term that is billed.
    pub from_term: Term,
    /// The term that they are bought on.
    pub to_term: Term,
    /// Seats x (price of `to_term` - price of `from_term`), rounded once a month; negative where the
    /// billed term is the dearer. None where a price is unknown.
    pub amount: Option<Money>,
}

/// Seats bought and not used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Waste {
    /// The client.
    pub client: String,
    /// The product.
    pub product: String,
    /// What use was measured by.
    pub measured_by: Basis,
    /// Unused seats on the last audited day.
    pub seats: Decimal,
    /// Over closed months, six decimals.
    pub seat_months: Decimal,
    /// What the vendor charges for them, where known.
    pub cost: Option<Money>,
    /// The last day of the subscription's term, where known: the day by which the seats can be dropped.
    pub drop_by: Option<NaiveDate>,
    /// Of the unused seats on the last day: those that nobody has. None where no row tells it.
    #[serde(default)]
    pub unassigned: Option<Decimal>,
    /// Of the unused seats on the last day: those of users who are not active. None where no row tells who is
    /// active: a seat that somebody has is then in use.
    #[serde(default)]
    pub inactive: Option<Decimal>,
    /// The unused seats by when they can be dropped, soonest first.
    #[serde(default)]
    pub batches: Vec<WasteBatch>,
}

/// Two sources of one side that differ about a client's product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SourceConflict {
    /// The client.
    pub client: String,
    /// The side.
    pub side: Side,
    /// The product.
    pub product: String,
    /// Format that was counted.
    pub used: String,
    /// Its seats on the day.
    pub used_seats: Decimal,
    /// Format that was only compared.
    pub other: String,
    /// Its seats on the day.
    pub other_seats: Decimal,
    /// The last audited day on which they differ.
    pub on: NaiveDate,
}

/// Whether a client or a product could be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CoverageStatus {
    /// Compared on the days that both sides cover.
    Compared,
    /// Not compared: something is missing or undecided.
    InsufficientData,
}

/// Why a client or a product could not be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// No billing rows of the client.
    NoBilling,
    /// No entitlement rows of the client or product, and no vendor charges in their place.
    NoEntitlement,
    /// Both sides are there, on different days, or outside the audited days.
    NoCommonDays,
    /// A match waits for a person.
    UnconfirmedMapping,
    /// Rows of the client were refused in an import.
    IncompleteImport,
    /// A quantity or a rule is not a whole number of seats.
    FractionalQuantity,
    /// The source does not tell the seats of the chosen basis.
    BasisUnknown,
    /// A snapshot without a date.
    UndatedSnapshot,
    /// Seats go to billing entities by what is known of users, and no source tells who holds them.
    AllocationNeedsUsers,
    /// Only a source that is not used for this client knows the product.
    SourceConflict,
}

/// What was compared of a client, or why it or one of its products was not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Coverage {
    /// The client.
    pub client: String,
    /// The product that could not be compared; none: the client as a whole.
    pub product: Option<String>,
    /// Compared or not.
    pub status: CoverageStatus,
    /// Why not.
    pub reason: Option<Reason>,
    /// First and last audited month with entitlement rows.
    pub entitlement: Option<[Month; 2]>,
    /// First and last audited month with billing rows.
    pub billing: Option<[Month; 2]>,
    /// First and last audited month with vendor charges.
    pub cost: Option<[Month; 2]>,
    /// Audited months without a day that both sides cover: insufficient data.
    pub missing_months: Vec<Month>,
    /// Audited months of which only some days are covered by both sides.
    pub partial_months: Vec<Month>,
    /// Whether days before a snapshot, or a snapshot without a date, are used.
    pub assumed: bool,
}

/// A match that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Proposal {
    /// Clients or products.
    pub side: MappingSide,
    /// The billing side's name.
    pub source: String,
    /// The entitlement side's name.
    pub target: String,
    /// All ids that go by the first name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub source_ids: Vec<String>,
    /// All ids that go by the second name: to confirm the proposal takes them for one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub target_ids: Vec<String>,
    /// From 0 to 1.
    pub score: Decimal,
    /// What speaks for it.
    pub reasons: Vec<String>,
    /// Whether it waits, or was used on request.
    pub status: ProposalStatus,
}

/// What became of a proposal in this audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ProposalStatus {
    /// Not used: both its ends are not compared.
    Waiting,
    /// Used on request, though nobody confirmed it.
    Unconfirmed,
}

/// Sums of rounded gap amounts in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Total {
    /// The currency; figures of different currencies are never added.
    pub currency: Currency,
    /// To charge.
    pub under: Decimal,
    /// To credit.
    pub over: Decimal,
    /// To charge each month from now on.
    pub forward_under: Decimal,
    /// To stop charging each month from now on.
    pub forward_over: Decimal,
    /// Too old.
    pub time_barred: Decimal,
    /// The same amounts by kind.
    pub kinds: Vec<KindTotal>,
}

/// Gaps of one kind in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KindTotal {
    /// The kind.
    pub kind: GapKind,
    /// How many gaps.
    pub gaps: u32,
    /// Their amount.
    pub amount: Decimal,
}
