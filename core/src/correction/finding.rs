//! What an audit found, in the form that a correction takes it over: whole seat-days and minor units.

use super::open::Elsewhere;
use super::quantity::Quantity;
use super::refusal::{Code, Refusal};
use crate::audit::{Direction, Gap, MatchMethod};
use crate::money::{Currency, Money};
use crate::period::Month;
use chrono::NaiveDate;
use rust_decimal::prelude::ToPrimitive as _;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Seat-days and minor units of one month at most: sums of everything in a correction then fit.
const MOST_SEAT_DAYS: i64 = 10_000_000_000;
const MOST_MINOR: i64 = 100_000_000_000_000;

/// One closed month of a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundMonth {
    /// How much.
    pub quantity: Quantity,
    /// Seats that differ on its last audited day.
    pub seats: i64,
    /// Older than the back-billing limit.
    pub time_barred: bool,
}

/// A gap of an audit.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, as in the audit document")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The audit.
    pub audit: String,
    /// The gap's id.
    pub gap: String,
    /// The client.
    pub client: String,
    /// Its billing entity.
    pub billing_entity: Option<String>,
    /// The client has several billing entities and no allocation.
    pub needs_allocation: bool,
    /// The product.
    pub product: String,
    /// The vendor's id of it.
    pub sku: Option<String>,
    /// The currency; none where no price is known.
    pub currency: Option<Currency>,
    /// Which way.
    pub direction: Direction,
    /// Some days have no price.
    pub unpriced: bool,
    /// Its sides were matched by a proposal that nobody confirmed.
    pub unconfirmed: bool,
    /// Some days rest on a later snapshot.
    pub assumed: bool,
    /// What was billed at its end.
    pub billed: i64,
    /// What should be billed from now on.
    pub billable: i64,
    /// What the difference costs in a whole month, minor units.
    pub forward: i64,
    /// Price of one seat for a whole month, exact; none where nothing differs now.
    pub price: Option<Decimal>,
    /// What one-off lines had settled already, minor units.
    pub adjusted: i64,
    /// Their invoices.
    pub adjusted_by: Vec<String>,
    /// Its closed months.
    pub months: BTreeMap<Month, FoundMonth>,
}

fn exact(value: Decimal) -> Result<i64, Refusal> {
    let rounded = value.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
    rounded.to_i64().filter(|whole| (0..=MOST_MINOR).contains(whole)).ok_or_else(|| {
        Refusal::new(
            Code::TooLarge,
            "A figure of the gap is too large. Look for a quantity or price that cannot be right.",
        )
    })
}

fn minor(amount: Decimal, currency: Option<Currency>) -> Result<i64, Refusal> {
    let Some(currency) = currency else { return Ok(0) };
    let minor = Money { amount, currency }.minor().map(Decimal::from);
    exact(minor.unwrap_or(Decimal::MAX))
}

impl Finding {
    /// From a gap of an audit. Months that are not closed are no part of it: they only go forward.
    ///
    /// # Errors
    /// When a figure cannot be right.
    pub fn of(audit: &str, gap: &Gap) -> Result<Self, Refusal> {
        let currency = gap.amount.map(|amount| amount.currency);
        let mut months = BTreeMap::new();
        for month in gap.months.iter().filter(|month| !month.provisional) {
            // Six decimals of a month tell its whole number of seat-days.
            let seat_days = exact(month.seat_months * Decimal::from(month.month.days()))?;
            if seat_days > MOST_SEAT_DAYS {
                return Err(Refusal::new(
                    Code::TooLarge,
                    "A month of the gap has more seat-days than can be right.",
                ));
            }
            let quantity = Quantity::new(seat_days, minor(month.amount, currency)?);
            let seats = exact((month.billable - month.billed).abs())?;
            months.insert(month.month, FoundMonth { quantity, seats, time_barred: month.time_barred });
        }
        let last = gap.months.last();
        let forward = minor(gap.monthly_forward.map_or(Decimal::ZERO, |money| money.amount), currency)?;
        let left = gap.amount_after_adjustments.map_or(Decimal::ZERO, |money| money.amount);
        let found = gap.amount.map_or(Decimal::ZERO, |money| money.amount);
        let price = gap.monthly_forward.filter(|_| gap.seats > Decimal::ZERO && forward > 0);
        Ok(Self {
            audit: audit.to_owned(),
            gap: gap.id.clone(),
            client: gap.client.clone(),
            billing_entity: gap.billing_entity.clone(),
            needs_allocation: gap.needs_allocation,
            product: gap.product.clone(),
            sku: gap.sku.clone(),
            currency,
            direction: gap.direction,
            unpriced: gap.unpriced || currency.is_none(),
            unconfirmed: gap.method == MatchMethod::Unconfirmed,
            assumed: gap.assumed,
            billed: exact(last.map_or(Decimal::ZERO, |month| month.billed))?,
            billable: exact(last.map_or(Decimal::ZERO, |month| month.billable))?,
            forward,
            price: price.and_then(|money| money.amount.checked_div(gap.seats)),
            adjusted: minor(found - left, currency)?,
            adjusted_by: gap.adjustments.iter().filter_map(|one| one.invoice.clone()).collect(),
            months,
        })
    }

    /// Less what other corrections hold: months of open ones go, of settled months only what is more stays.
    #[must_use]
    pub fn less(mut self, elsewhere: &Elsewhere) -> Self {
        self.months.retain(|month, found| {
            let key = (self.gap.clone(), *month);
            let settled = elsewhere.settled.get(&key).copied().unwrap_or_default();
            found.quantity = found.quantity.without(settled);
            !elsewhere.open.contains(&key)
        });
        self
    }

    /// What one invoice bills too little or too much: seats of one month at the agreed price. `billed`: the
    /// seats that it bills; without them what was agreed is taken for what should be billed.
    pub(super) fn of_invoice(
        line: &Line,
        direction: Direction,
        currency: Currency,
        (seats, billed): (i64, Option<i64>),
        on: NaiveDate,
    ) -> Self {
        let month = Month::of(on);
        let cost = Money::round(line.price.unwrap_or_default() * Decimal::from(seats), currency);
        let money = cost.minor().unwrap_or_default();
        let quantity = Quantity::new(seats * i64::from(month.days()), money);
        let short = if direction == Direction::Under { seats } else { -seats };
        let billed = billed.unwrap_or(line.agreed - short);
        let billable = billed + short;
        Self {
            audit: line.audit.clone(),
            gap: line.gap.clone(),
            client: String::new(),
            billing_entity: None,
            needs_allocation: false,
            product: line.product.clone(),
            sku: line.sku.clone(),
            currency: Some(currency),
            direction,
            unpriced: line.price.is_none(),
            unconfirmed: false,
            assumed: false,
            billed,
            billable,
            forward: money,
            price: line.price,
            adjusted: 0,
            adjusted_by: Vec::new(),
            months: BTreeMap::from([(month, FoundMonth { quantity, seats, time_barred: false })]),
        }
    }
}

/// The invoice that a line rests on: what it got wrong, and not what an audit found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnInvoice {
    /// Its date. The line's month is the one that holds it.
    pub on: NaiveDate,
    /// Seats that it bills.
    pub billed: i64,
    /// Seats that it should bill.
    pub billable: i64,
    /// Digest of the file that shows it.
    pub import: String,
}

/// One gap inside a correction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Counts from 1.
    pub number: u32,
    /// The gap's id.
    pub gap: String,
    /// The audit that found it, or the last one that amended it.
    pub audit: String,
    /// The product.
    pub product: String,
    /// The vendor's id of it.
    pub sku: Option<String>,
    /// Seats that differ at the end of each month.
    pub seats: BTreeMap<Month, i64>,
    /// Billed when it was found.
    pub billed: i64,
    /// To be billed from now on, as announced to the client (until then as found).
    pub agreed: i64,
    /// Billable when that was agreed: only what came or went since then changes what the next invoice bills.
    #[serde(default)]
    pub billable: Option<i64>,
    /// What the difference costs in a whole month, minor units.
    pub forward: i64,
    /// Agreed price of one seat for a whole month.
    pub price: Option<Decimal>,
    /// Some days rest on a later snapshot.
    pub assumed: bool,
    /// Proof of when its seats were provisioned.
    pub provisioning_evidence: Option<String>,
    /// The invoice that it rests on; none: an audit found it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invoice: Option<OnInvoice>,
}

impl Line {
    pub(super) fn of(number: u32, finding: &Finding) -> Self {
        Self {
            number,
            gap: finding.gap.clone(),
            audit: finding.audit.clone(),
            product: finding.product.clone(),
            sku: finding.sku.clone(),
            seats: finding.months.iter().map(|(month, found)| (*month, found.seats)).collect(),
            billed: finding.billed,
            agreed: finding.billable,
            billable: Some(finding.billable),
            forward: finding.forward,
            price: finding.price,
            assumed: finding.assumed,
            provisioning_evidence: None,
            invoice: None,
        }
    }

    /// What so many seats from now on add to (or take from) an invoice, minor units, rounded once.
    pub fn forward_at(&self, agreed: i64, currency: Currency) -> i64 {
        let seats = (agreed - self.billed).abs();
        if agreed == self.agreed && self.forward > 0 {
            return self.forward;
        }
        let exact = self.price.unwrap_or_default().checked_mul(Decimal::from(seats)).unwrap_or(Decimal::MAX);
        Money::round(exact, currency).minor().unwrap_or(i64::MAX)
    }
}
