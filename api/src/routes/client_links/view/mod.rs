//! A correction as its client sees it.

mod make;

use crate::services::client_links::LinkAction;
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::money::{Currency, Money};
use leakage_core::period::Month;
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

/// Seats and money.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ClientShare {
    /// Seat-months, six decimals.
    #[schema(value_type = String, example = "16.000000", max_length = 40)]
    seat_months: Decimal,
    /// Money.
    amount: Money,
}

/// What became of the correction.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ClientTotals {
    /// What it is about, without what is too old or was not there after all.
    claimed: ClientShare,
    /// Charged, or to be charged by an agreed plan.
    billed: ClientShare,
    /// Given back.
    credited: ClientShare,
    /// Not charged.
    given_up: ClientShare,
    /// Open.
    open: ClientShare,
}

/// What the client was told.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ClientMessage {
    /// When.
    on: NaiveDate,
    /// Why it happened.
    #[schema(max_length = 20000)]
    context: String,
    /// The figures.
    #[schema(max_length = 20000)]
    data: String,
    /// What happens next.
    #[schema(max_length = 20000)]
    going_forward: String,
    /// Until when an answer is asked for.
    reply_by: NaiveDate,
}

/// The letter that was sent last.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ClientLetter {
    /// One line.
    #[schema(max_length = 2000)]
    subject: String,
    /// Its text.
    #[schema(max_length = 2_000_000)]
    text: String,
    /// When it left.
    sent_at: DateTime<Utc>,
}

/// One month of a product.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ClientLineMonth {
    /// The month.
    month: Month,
    /// Seats that were to be billed on its last day.
    #[schema(value_type = String, max_length = 40)]
    billable: Decimal,
    /// Seats that were billed on its last day.
    #[schema(value_type = String, max_length = 40)]
    billed: Decimal,
    /// The difference over all its days.
    #[schema(value_type = String, max_length = 40)]
    seat_months: Decimal,
    /// The difference in money.
    amount: Money,
    /// Too old: it is not asked for.
    time_barred: bool,
}

/// Rows of a file.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ClientSourceRows {
    /// Name of the file.
    #[schema(max_length = 500)]
    file: String,
    /// Its digest.
    #[schema(max_length = 100)]
    sha256: String,
    /// Lines, the first 200.
    #[schema(max_items = 200)]
    lines: Vec<u32>,
    /// Lines beyond these.
    #[schema(minimum = 0)]
    more: usize,
}

/// One product.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ClientLine {
    /// Counts from 1.
    #[schema(minimum = 1)]
    number: u32,
    /// The product.
    #[schema(max_length = 500)]
    product: String,
    /// Seats that were billed.
    #[schema(minimum = 0)]
    billed_seats: i64,
    /// Seats on the next invoice.
    #[schema(minimum = 0)]
    next_seats: i64,
    /// Agreed price of one seat for a month, where it was one price.
    #[schema(value_type = Option<String>, max_length = 40)]
    unit_price: Option<Decimal>,
    /// Seats that differ in every one of its months: so many can be objected to by number.
    #[schema(minimum = 0)]
    seats: i64,
    /// Month by month.
    #[schema(max_items = 1200)]
    months: Vec<ClientLineMonth>,
    /// Where the figures come from.
    #[schema(max_items = 1000)]
    sources: Vec<ClientSourceRows>,
}

/// An objection.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ClientObjection {
    /// Counts from 1.
    #[schema(minimum = 1)]
    number: u32,
    /// Why.
    #[schema(max_length = 40)]
    reason: String,
    /// To how much.
    disputed: ClientShare,
    /// When.
    said_at: DateTime<Utc>,
    /// Until when an answer is owed.
    reply_by: NaiveDate,
    /// It waits for an answer.
    open: bool,
    /// What was answered.
    #[schema(max_length = 20000)]
    answer: Option<String>,
}

/// One part of a payment.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ClientPlanPart {
    /// When.
    due_on: NaiveDate,
    /// How much.
    amount: Money,
    /// `scheduled`, `invoiced` or `paid`.
    #[schema(max_length = 20)]
    state: &'static str,
}

/// One of the ways to pay that are offered.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ClientWay {
    /// Its number: what is chosen.
    #[schema(minimum = 1, maximum = 5)]
    choice: u16,
    /// `weekly` or `monthly`, where there are several parts.
    #[schema(max_length = 20)]
    cadence: &'static str,
    /// What is paid when; one part: all at once.
    #[schema(max_items = 60)]
    parts: Vec<ClientPlanPart>,
    /// It can be chosen now.
    allowed: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000)]
    why: Option<String>,
}

/// A waiver that waits for the client.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ClientWaiver {
    /// Number of the request.
    #[schema(minimum = 1)]
    request: u32,
    /// What is not charged.
    amount: Money,
}

/// What can be done now, or why not.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ClientPossible {
    /// What.
    action: LinkAction,
    /// Number of the waiver request, of `confirm_waiver`.
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<u32>,
    /// It can be done now.
    allowed: bool,
    /// What is in the way: a stable name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64)]
    code: Option<&'static str>,
    /// The same in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000)]
    why: Option<String>,
}

/// A code that was mailed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CodeSent {
    /// The registered address, most of it hidden.
    #[schema(max_length = 300, example = "c\u{2022}\u{2022}\u{2022}@contoso.example")]
    pub(super) sent_to: String,
    /// From when the code is of no use.
    pub(super) expires_at: DateTime<Utc>,
}

/// A correction as its client sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ClientLinkView {
    /// Name of the MSP.
    #[schema(max_length = 300)]
    msp: String,
    /// Name of the client.
    #[schema(max_length = 500)]
    client: String,
    /// The part of the client that is billed.
    #[schema(max_length = 500)]
    billing_entity: Option<String>,
    /// To be quoted in questions.
    #[schema(max_length = 40)]
    reference: String,
    /// `found` (nothing was told yet, or it is looked at anew), `communicated`, `disputed`, `resolved` or `waived`.
    #[schema(max_length = 20, example = "communicated")]
    state: &'static str,
    /// Counts changes; its ETag is `"v<version>"`.
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    version: i64,
    /// `under`: to charge; `over`: to give back.
    #[schema(max_length = 10, example = "under")]
    direction: &'static str,
    /// The currency of all its money.
    currency: Currency,
    /// What the client was told last.
    message: Option<ClientMessage>,
    /// The letter that was sent last.
    letter: Option<ClientLetter>,
    /// What became of it.
    totals: ClientTotals,
    /// Date of the next invoice.
    next_invoice_on: Option<NaiveDate>,
    /// What each invoice changes by from then on.
    monthly_forward: Money,
    /// The products.
    #[schema(max_items = 200)]
    lines: Vec<ClientLine>,
    /// Objections.
    #[schema(max_items = 1000)]
    objections: Vec<ClientObjection>,
    /// Payment in parts that is offered: of several ways the first.
    #[schema(max_items = 60)]
    offered_plan: Vec<ClientPlanPart>,
    /// Every way to pay that is offered, of which one can be chosen.
    #[schema(max_items = 5)]
    offered_ways: Vec<ClientWay>,
    /// Payment in parts that was agreed.
    #[schema(max_items = 120)]
    agreed_plan: Vec<ClientPlanPart>,
    /// Waivers that wait for the client's confirmation.
    #[schema(max_items = 1000)]
    waivers: Vec<ClientWaiver>,
    /// When the client accepted.
    accepted_at: Option<DateTime<Utc>>,
    /// What can be done now.
    #[schema(max_items = 1000)]
    possible: Vec<ClientPossible>,
    /// The registered address, most of it hidden; none: codes cannot be mailed.
    #[schema(max_length = 300)]
    codes_to: Option<String>,
    /// Digest of the facts behind the message.
    #[schema(max_length = 71)]
    facts_sha256: Option<String>,
    /// From when the link is of no use.
    expires_at: DateTime<Utc>,
}
