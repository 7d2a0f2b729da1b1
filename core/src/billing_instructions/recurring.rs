//! From now on: which rows of the system change, from when on, and what the first period comes to.

use super::charges::{self, Of};
use super::instructions::{OneOff, Recurring, RowChange, Why};
use super::proration::{Change, Entered, Move, Period, intended};
use super::targets::Adapter;
use super::{Asked, TooLarge};
use crate::audit::BillingRow;
use crate::correction::finding::Line;
use crate::matching::fold;
use crate::money::{Currency, Money};
use chrono::NaiveDate;
use rust_decimal::prelude::ToPrimitive as _;
use rust_decimal::{Decimal, RoundingStrategy};
use std::collections::{BTreeMap, BTreeSet};

/// Decimals of a unit price that every system takes.
const PRICE_DIGITS: u32 = 4;

/// The rows of the correction's currency and, if it has one, of its billing entity; those of its products first. Rows
/// without a billing entity are its rows where no row has one.
pub(super) fn own_rows<'a>(asked: &Asked<'a>) -> Vec<&'a BillingRow> {
    let subject = &asked.correction.subject;
    let of_currency = asked.rows.iter().filter(|row| row.record.currency == subject.currency);
    let mut rows: Vec<&BillingRow> = of_currency.collect();
    let named = |row: &BillingRow| row.billing_entity.as_deref().map(fold);
    let several = rows.iter().map(|row| named(row)).collect::<BTreeSet<_>>().len() > 1;
    if let Some(entity) = subject.billing_entity.as_deref().map(fold) {
        // What another entity is billed is nothing to change here, also where no row names this one.
        rows.retain(|row| named(row).map_or(!several, |named| named == entity));
    }
    let ours = |row: &&BillingRow| {
        asked.correction.lines.iter().any(|line| fold(&line.product) == fold(&row.product))
    };
    rows.sort_by_key(|row| (!ours(row), std::cmp::Reverse(row.record.span.from)));
    rows
}

/// The rows that bill a product now: those that go on; else those of its last period.
pub(super) fn rows_of<'a>(asked: &Asked<'a>, product: &str) -> Vec<&'a BillingRow> {
    let own = own_rows(asked).into_iter().filter(|row| fold(&row.product) == fold(product));
    let own: Vec<&BillingRow> = own.filter(|row| row.record.billable).collect();
    let goes_on = |row: &&BillingRow| {
        row.record.recurring && row.record.span.until.is_none_or(|until| until > asked.today)
    };
    let going_on: Vec<&BillingRow> = own.iter().copied().filter(goes_on).collect();
    if !going_on.is_empty() {
        return going_on;
    }
    let last = own.iter().map(|row| row.record.span.from).max();
    own.into_iter().filter(|row| Some(row.record.span.from) == last).collect()
}

/// The rows that bill a product on a day: a change that was entered already begins there, and the row before it has
/// ended. Where no row tells, those that bill it now.
fn rows_on<'a>(asked: &Asked<'a>, product: &str, on: NaiveDate) -> Vec<&'a BillingRow> {
    let own = own_rows(asked).into_iter().filter(|row| fold(&row.product) == fold(product));
    let active =
        own.filter(|row| row.record.billable && row.record.recurring && row.record.span.contains(on));
    let active: Vec<&BillingRow> = active.collect();
    if active.is_empty() { rows_of(asked, product) } else { active }
}

/// The changes, and the lines that make up for their first periods.
pub(super) fn changes(
    asked: &Asked<'_>,
    own: &[&BillingRow],
    adapter: &Adapter,
) -> Result<(Vec<Recurring>, Vec<OneOff>), TooLarge> {
    let lines = &asked.correction.lines;
    let last_of_gap =
        |line: &&Line| !lines.iter().any(|other| other.gap == line.gap && other.number > line.number);
    let (mut changes, mut first) = (Vec::new(), Vec::new());
    if asked.correction.forward_verified() {
        return Ok((changes, first));
    }
    for line in lines.iter().filter(last_of_gap) {
        for (change, own_line) in of_line(asked, line, own, adapter)? {
            changes.push(change);
            first.extend(own_line);
        }
    }
    Ok((changes, first))
}

/// Seats that rows bill; none where there are none, or they are no whole number.
fn billed(rows: &[&BillingRow]) -> Option<i64> {
    let seats: Decimal = rows.iter().map(|row| row.record.quantity - row.record.included).sum();
    Some(seats.normalize()).filter(|seats| !rows.is_empty() && seats.is_integer())?.to_i64()
}

/// Seats as told.
fn told(asked: &Asked<'_>, line: &Line) -> i64 {
    let quantities = asked.correction.going_forward.as_ref().map(|forward| &forward.quantities);
    quantities.and_then(|of| of.get(&line.number)).copied().unwrap_or(line.agreed)
}

/// Seats that are to be billed from now on: as told, with what came or went since. The next invoice is proved by
/// the same.
pub(super) fn target(asked: &Asked<'_>, line: &Line) -> i64 {
    let then = line.billable.unwrap_or(line.agreed);
    let since = asked.billable.get(&line.number).map_or(0, |now| now.saturating_sub(then));
    told(asked, line).saturating_add(since).max(0)
}

/// What came (or, negative, went) since seats were told, of lines of which anything did.
pub(super) fn since(asked: &Asked<'_>, line: &Line) -> Option<i64> {
    Some(target(asked, line) - told(asked, line)).filter(|seats| *seats != 0)
}

/// The change of a line: for each billing cycle of the rows that change one, the next from where the last one ends.
/// What rows bill already is entered already.
fn of_line(
    asked: &Asked<'_>,
    line: &Line,
    own: &[&BillingRow],
    adapter: &Adapter,
) -> Result<Vec<(Recurring, Option<OneOff>)>, TooLarge> {
    let announced = charges::dated_forward(asked);
    let months = rows_of(asked, &line.product).first().map_or(1, |row| row.record.cycle.months());
    let on = asked.effective_on.unwrap_or_else(|| Period::of(announced, asked.billing_day, months).from);
    let rows = rows_on(asked, &line.product, on);
    let to = target(asked, line);
    if to == line.billed && to == told(asked, line) {
        return Ok(Vec::new());
    }
    let from = billed(&rows).unwrap_or(line.billed);
    let seats = to.checked_sub(from).ok_or(TooLarge)?;
    let (mut at, mut changes) = (from, Vec::new());
    for (months, moved) in row_changes(line, seats, &rows, own) {
        let step = Step { line, from, at, months, moved };
        let (change, own_line) = change(asked, adapter, step)?;
        at = change.to_seats;
        changes.push((change, own_line));
    }
    Ok(changes)
}

/// Rows of one cycle that change.
struct Step<'l> {
    line: &'l Line,
    /// Seats before any row changes.
    from: i64,
    /// Seats before these do.
    at: i64,
    /// Months of the cycle.
    months: u32,
    moved: Vec<RowChange>,
}

impl Step<'_> {
    /// What a month changes by, as agreed, from the seats before any row changes to so many, minor units.
    fn agreed(&self, seats: i64, currency: Currency) -> Result<i64, TooLarge> {
        let difference = seats.checked_sub(self.from).ok_or(TooLarge)?;
        if self.from == self.line.billed {
            let forward = self.line.forward_at(seats, currency);
            return if difference == 0 {
                Ok(0)
            } else {
                forward.checked_mul(difference.signum()).ok_or(TooLarge)
            };
        }
        let exact = self.line.price.unwrap_or_default().checked_mul(Decimal::from(difference));
        Money::round(exact.ok_or(TooLarge)?, currency).minor().ok_or(TooLarge)
    }
}

fn change(
    asked: &Asked<'_>,
    adapter: &Adapter,
    step: Step<'_>,
) -> Result<(Recurring, Option<OneOff>), TooLarge> {
    let (line, months) = (step.line, step.months);
    let currency = asked.correction.subject.currency;
    let announced = charges::dated_forward(asked);
    let on = asked.effective_on.unwrap_or_else(|| Period::of(announced, asked.billing_day, months).from);
    let period = Period::of(on, asked.billing_day, months);
    let difference: Decimal = step.moved.iter().map(|row| row.to_quantity - row.from_quantity).sum();
    let seats = Some(difference.normalize()).filter(Decimal::is_integer).and_then(|seats| seats.to_i64());
    let seats = seats.ok_or(TooLarge)?;
    let to_seats = step.at.checked_add(seats).ok_or(TooLarge)?;
    let monthly =
        step.agreed(to_seats, currency)?.checked_sub(step.agreed(step.at, currency)?).ok_or(TooLarge)?;
    let listed = step.moved.first().and_then(|row| row.unit_price);
    let one_price = step.moved.iter().all(|row| row.unit_price == listed);
    let agreed = line.price.and_then(|price| price.checked_mul(Decimal::from(months)));
    let agreed = agreed.map(|price| price.round_dp(PRICE_DIGITS));
    let unit_price = listed.or(agreed).unwrap_or_default();
    let moves = step.moved.iter().map(|row| Move {
        from: row.from_quantity - row.included,
        to: row.to_quantity - row.included,
        unit_price: row.unit_price.unwrap_or(unit_price),
    });
    let whole = Change { seats, moves: moves.collect(), on, period, currency };
    let exact = whole.monthly(months).ok_or(TooLarge)?;
    // A price of a year is agreed as its twelfth: to the cent, it is the same.
    let same =
        exact.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero) == Decimal::from(monthly);
    let monthly = if same { exact } else { Decimal::from(monthly) };
    let wanted = intended(monthly, on, period.until).ok_or(TooLarge)?;
    let entered = whole.enter(adapter.rule, wanted).ok_or(TooLarge)?;
    let change = Recurring {
        line: line.number,
        product: line.product.clone(),
        from_seats: step.at,
        to_seats,
        owed_from: on,
        effective_on: entered.on,
        prorate: entered.prorate,
        unit_price: listed.or(agreed).map(|_| unit_price.normalize()),
        cycle_months: months,
        first_period: Money::from_minor(wanted, currency),
        first_period_line: Money::from_minor(entered.line, currency),
        price_differs: !same || !one_price,
        rows: step.moved,
    };
    let own_line = (entered.line != 0).then(|| first_line(asked, line, &whole, entered));
    Ok((change, own_line))
}

fn first_line(asked: &Asked<'_>, line: &Line, change: &Change, entered: Entered) -> OneOff {
    let last = change.period.until.pred_opt().unwrap_or(change.period.until);
    charges::line(
        asked,
        &Of {
            why: Why::FirstPeriod,
            line: Some(line.number),
            product: &line.product,
            month: None,
            instalment: None,
            on: change.on.max(asked.today),
            minor: entered.line,
            text: format!("{} to {last}: {:+} seats", change.on, change.seats),
        },
    )
}

fn priced(row: &BillingRow) -> bool {
    row.record.unit_price > Decimal::ZERO
}

/// Which rows change, by the months of their cycle: more seats go to the newest row with a price; fewer leave rows
/// with a price first, and of those the largest.
fn row_changes(
    line: &Line,
    seats: i64,
    rows: &[&BillingRow],
    own: &[&BillingRow],
) -> BTreeMap<u32, Vec<RowChange>> {
    let of = |row: &BillingRow, to: Decimal| RowChange {
        source_id: row.record.source_id.clone(),
        agreement: row.record.agreement.clone(),
        product_code: row.record.product.code.clone(),
        product_name: row.record.product.name.clone(),
        from_quantity: row.record.quantity.normalize(),
        to_quantity: to.normalize(),
        included: row.record.included.normalize(),
        unit_price: Some(row.record.unit_price.normalize()),
        import: row.import.clone(),
        row: row.line,
    };
    let seats = Decimal::from(seats);
    let newest = rows.iter().find(|row| priced(row)).or(rows.first());
    let mut changes: BTreeMap<u32, Vec<RowChange>> = BTreeMap::new();
    let months = newest.map_or(1, |row| row.record.cycle.months());
    if let (Some(newest), true) = (newest, seats > Decimal::ZERO) {
        changes.entry(months).or_default().push(of(newest, newest.record.quantity + seats));
        return changes;
    }
    let mut largest = rows.to_vec();
    largest.sort_by_key(|row| (!priced(row), std::cmp::Reverse(row.record.quantity)));
    let mut left = seats.abs();
    for row in largest {
        // Whole seats leave.
        let gone = left.min((row.record.quantity - row.record.included).floor());
        if gone > Decimal::ZERO {
            let of_cycle = changes.entry(row.record.cycle.months()).or_default();
            of_cycle.push(of(row, row.record.quantity - gone));
            left -= gone;
        }
    }
    if left > Decimal::ZERO {
        // No import shows the row; the agreement of the client's other rows is the likely one.
        let from = if rows.is_empty() { Decimal::from(line.billed) } else { left };
        changes.entry(months).or_default().push(RowChange {
            source_id: None,
            agreement: own.first().and_then(|row| row.record.agreement.clone()),
            product_code: None,
            product_name: None,
            from_quantity: from,
            to_quantity: if rows.is_empty() { from + seats } else { Decimal::ZERO },
            included: Decimal::ZERO,
            unit_price: None,
            import: String::new(),
            row: 0,
        });
    }
    changes
}
