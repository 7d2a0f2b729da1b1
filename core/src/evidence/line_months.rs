//! What each line of a correction comes to, month by month: seats and money as its ledger has them, billed and
//! billable as the audit or the invoice has it that the line rests on.
//!
//! A gap alone does not say it: some of its months may be settled by another correction, and a line that was reopened
//! is of one invoice and not of the gap that it stands for.

use super::facts::Facts;
use crate::audit::{Direction, Gap, GapKind, GapMonth};
use crate::correction::finding::{Line, OnInvoice};
use crate::correction::ledger::Balance;
use crate::correction::quantity::{Place, Quantity, seat_months};
use crate::money::{Currency, Money};
use crate::period::Month;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What becomes of the seats of a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum CountsAs {
    /// Charged or given back.
    Claimed,
    /// Too old.
    TimeBarred,
    /// Found, and not there after all.
    Withdrawn,
    /// The month was not closed: it only goes forward, and is no part of the ledger.
    Provisional,
}

impl CountsAs {
    fn of(month: &GapMonth) -> Self {
        match (month.provisional, month.time_barred) {
            (true, _) => Self::Provisional,
            (false, true) => Self::TimeBarred,
            (false, false) => Self::Claimed,
        }
    }
}

/// What of a month of a line counts alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LineMonth {
    /// The correction's line.
    pub(super) line: u32,
    /// The gap's id.
    pub(super) gap: String,
    /// The product.
    pub(super) product: String,
    /// The vendor's id of it.
    pub(super) sku: Option<String>,
    /// Which way.
    pub(super) direction: Direction,
    /// What kind.
    pub(super) kind: GapKind,
    /// The month.
    pub(super) month: Month,
    /// Billable seats on its last audited day; none where a later audit finds no difference in it.
    pub(super) billable: Option<Decimal>,
    /// Billed seats on that day.
    pub(super) billed: Option<Decimal>,
    /// Seat-months.
    pub(super) seat_months: Decimal,
    /// Money; none: unpriced.
    pub(super) amount: Option<Decimal>,
    /// Its currency.
    pub(super) currency: Option<Currency>,
    /// What becomes of it.
    pub(super) counts_as: CountsAs,
    /// Whether some of its days have no price.
    pub(super) unpriced: bool,
    /// Whether some of its days rest on a later snapshot.
    pub(super) assumed: bool,
}

impl LineMonth {
    /// A month of a gap as its audit has it.
    pub(super) fn of_gap(line: u32, gap: &Gap, month: &GapMonth) -> Self {
        Self {
            line,
            gap: gap.id.clone(),
            product: gap.product.clone(),
            sku: gap.sku.clone(),
            direction: gap.direction,
            kind: gap.kind,
            month: month.month,
            billable: Some(month.billable),
            billed: Some(month.billed),
            seat_months: month.seat_months,
            amount: gap.amount.map(|_| month.amount),
            currency: gap.amount.map(|amount| amount.currency),
            counts_as: CountsAs::of(month),
            unpriced: month.unpriced,
            assumed: month.assumed,
        }
    }
}

/// The invoice of a line, if this is its month.
pub(super) fn invoice_of(line: &Line, month: Month) -> Option<&OnInvoice> {
    line.invoice.as_ref().filter(|invoice| Month::of(invoice.on) == month)
}

/// The parts of a balance that count alike, with what they count as.
pub(super) fn parts(balance: &Balance) -> impl Iterator<Item = (CountsAs, Quantity)> {
    let claimed = balance.found - balance.time_barred - balance.withdrawn;
    let parts = [
        (CountsAs::Claimed, claimed),
        (CountsAs::TimeBarred, balance.time_barred),
        (CountsAs::Withdrawn, balance.withdrawn),
    ];
    parts.into_iter().filter(|(_, quantity)| !quantity.is_zero())
}

/// Seat-months and money of a quantity, as they are shown.
pub(super) fn shown(place: Place, quantity: Quantity, currency: Currency) -> (Decimal, Decimal) {
    (seat_months(&[(place, quantity)].into()), Money::from_minor(quantity.minor, currency).amount)
}

/// Every month of every line, by line and month. Months of a gap that are not closed stand with the line that the
/// gap is listed with, unless an invoice has brought them into the ledger.
pub(super) fn of(facts: &Facts) -> Vec<LineMonth> {
    let balances = facts.correction.ledger.balances();
    facts.correction.lines.iter().flat_map(|line| of_line(facts, &balances, line)).collect()
}

/// The months of one line. `balances`: those of the correction's ledger.
pub(super) fn of_line(facts: &Facts, balances: &BTreeMap<Place, Balance>, line: &Line) -> Vec<LineMonth> {
    let of_gap = || facts.gaps.iter().filter(|of| of.gap.id == line.gap);
    // Its own audit's word, or that of the line that it stands for.
    let gap = of_gap().find(|of| of.line == line.number).or_else(|| of_gap().next()).map(|of| &of.gap);
    let mut months = Vec::new();
    for (place, balance) in balances.iter().filter(|(place, _)| place.line == line.number) {
        for (counts_as, quantity) in parts(balance) {
            months.push(month(facts, line, gap, *place, (counts_as, quantity)));
        }
    }
    // The last audit's word on what goes forward.
    let last = of_gap().next_back().filter(|of| of.line == line.number);
    let held = held(&facts.correction.lines, balances, &line.gap);
    if let Some(of) = last {
        let open = of.gap.months.iter().filter(|month| month.provisional && !held.contains(&month.month));
        months.extend(open.map(|month| LineMonth::of_gap(line.number, &of.gap, month)));
    }
    months.sort_by_key(|one| (one.month, one.counts_as));
    months
}

/// The months that the ledger has of a gap, in whichever of its lines.
fn held(lines: &[Line], balances: &BTreeMap<Place, Balance>, gap: &str) -> BTreeSet<Month> {
    let own: BTreeSet<u32> = lines.iter().filter(|line| line.gap == gap).map(|line| line.number).collect();
    balances.keys().filter(|place| own.contains(&place.line)).map(|place| place.month).collect()
}

fn month(
    facts: &Facts,
    line: &Line,
    gap: Option<&Gap>,
    place: Place,
    (counts_as, quantity): (CountsAs, Quantity),
) -> LineMonth {
    let subject = &facts.correction.subject;
    let (direction, currency) = (subject.direction, subject.currency);
    let invoice = invoice_of(line, place.month);
    let known = gap.and_then(|gap| gap.months.iter().find(|month| month.month == place.month));
    let known = known.filter(|_| invoice.is_none());
    let seats = match (invoice, known) {
        (Some(invoice), _) => Some((Decimal::from(invoice.billable), Decimal::from(invoice.billed))),
        (None, known) => known.map(|month| (month.billable, month.billed)),
    };
    let (months, amount) = shown(place, quantity, currency);
    LineMonth {
        line: line.number,
        gap: line.gap.clone(),
        product: line.product.clone(),
        sku: line.sku.clone(),
        direction,
        kind: gap.filter(|_| invoice.is_none()).map_or_else(|| kind(direction, seats), |gap| gap.kind),
        month: place.month,
        billable: seats.map(|(billable, _)| billable),
        billed: seats.map(|(_, billed)| billed),
        seat_months: months,
        amount: Some(amount),
        currency: Some(currency),
        counts_as,
        unpriced: known.is_some_and(|month| month.unpriced),
        assumed: known.is_some_and(|month| month.assumed),
    }
}

/// The kind of a difference that no audit named, from billable and billed.
pub(super) fn kind(direction: Direction, seats: Option<(Decimal, Decimal)>) -> GapKind {
    match (direction, seats) {
        (Direction::Under, Some((_, billed))) if billed.is_zero() => GapKind::Unbilled,
        (Direction::Under, _) => GapKind::UnderBilled,
        (Direction::Over, Some((billable, _))) if billable.is_zero() => GapKind::BilledNotProvisioned,
        (Direction::Over, _) => GapKind::OverBilled,
    }
}
