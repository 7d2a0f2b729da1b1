//! From now on: which rows of the system change, from when on, and what the first period comes to.

use super::charges::{self, Of};
use super::instructions::{OneOff, Recurring, RowChange, Why};
use super::proration::{Change, Entered, Period, intended};
use super::targets::Adapter;
use super::{Asked, TooLarge};
use crate::audit::BillingRow;
use crate::correction::finding::Line;
use crate::matching::fold;
use crate::money::Money;
use rust_decimal::{Decimal, RoundingStrategy};

/// Decimals of a unit price that every system takes.
const PRICE_DIGITS: u32 = 4;

/// The rows of the correction's currency and, where rows name it, its billing entity; those of its products first.
pub(super) fn own_rows<'a>(asked: &Asked<'a>) -> Vec<&'a BillingRow> {
    let subject = &asked.correction.subject;
    let of_currency = asked.rows.iter().filter(|row| row.record.currency == subject.currency);
    let mut rows: Vec<&BillingRow> = of_currency.collect();
    let entity = subject.billing_entity.as_deref().map(fold);
    let of_entity =
        |row: &&BillingRow| entity.is_some() && row.record.billing_entity.as_deref().map(fold) == entity;
    if rows.iter().any(of_entity) {
        rows.retain(of_entity);
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
    for line in lines.iter().filter(last_of_gap) {
        let to_seats = agreed(asked, line);
        let done = asked.correction.forward_verified() || bills(asked, line, to_seats);
        if to_seats == line.billed || done {
            continue;
        }
        let (change, own_line) = change(asked, line, to_seats, own, adapter)?;
        changes.push(change);
        first.extend(own_line);
    }
    Ok((changes, first))
}

/// Whether the rows that go on bill so many seats already: the change was entered, and imported again.
fn bills(asked: &Asked<'_>, line: &Line, seats: i64) -> bool {
    let rows = rows_of(asked, &line.product);
    let billed: Decimal = rows.iter().map(|row| row.record.quantity - row.record.included).sum();
    !rows.is_empty() && billed == Decimal::from(seats)
}

fn agreed(asked: &Asked<'_>, line: &Line) -> i64 {
    let quantities = asked.correction.going_forward.as_ref().map(|forward| &forward.quantities);
    quantities.and_then(|of| of.get(&line.number)).copied().unwrap_or(line.agreed)
}

fn change(
    asked: &Asked<'_>,
    line: &Line,
    to_seats: i64,
    own: &[&BillingRow],
    adapter: &Adapter,
) -> Result<(Recurring, Option<OneOff>), TooLarge> {
    let currency = asked.correction.subject.currency;
    let rows = rows_of(asked, &line.product);
    let months = rows.first().map_or(1, |row| row.record.cycle.months());
    let announced = charges::dated_forward(asked);
    let on = asked.effective_on.unwrap_or_else(|| Period::of(announced, asked.billing_day, months).from);
    let period = Period::of(on, asked.billing_day, months);
    let seats = to_seats.checked_sub(line.billed).ok_or(TooLarge)?;
    let monthly = line.forward_at(to_seats, currency).checked_mul(seats.signum()).ok_or(TooLarge)?;
    let changed = row_changes(line, seats, &rows, own);
    let listed = changed.first().and_then(|row| row.unit_price);
    let one_price = changed.iter().all(|row| row.unit_price == listed);
    let agreed = line.price.and_then(|price| price.checked_mul(Decimal::from(months)));
    let agreed = agreed.map(|price| price.round_dp(PRICE_DIGITS));
    let unit_price = listed.or(agreed).unwrap_or_default();
    let whole = Change { seats, unit_price, on, period, currency };
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
        from_seats: line.billed,
        to_seats,
        owed_from: on,
        effective_on: entered.on,
        prorate: entered.prorate,
        unit_price: listed.or(agreed).map(|_| unit_price.normalize()),
        cycle_months: months,
        first_period: Money::from_minor(wanted, currency),
        first_period_line: Money::from_minor(entered.line, currency),
        price_differs: !same || !one_price,
        rows: changed,
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

/// Which rows change: more seats go to the newest row; fewer leave the largest first.
fn row_changes(line: &Line, seats: i64, rows: &[&BillingRow], own: &[&BillingRow]) -> Vec<RowChange> {
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
    if let (Some(newest), true) = (rows.first(), seats > Decimal::ZERO) {
        return vec![of(newest, newest.record.quantity + seats)];
    }
    let mut largest = rows.to_vec();
    largest.sort_by_key(|row| std::cmp::Reverse(row.record.quantity));
    let (mut left, mut changes) = (seats.abs(), Vec::new());
    for row in largest {
        let gone = left.min(row.record.quantity - row.record.included);
        if gone > Decimal::ZERO {
            changes.push(of(row, row.record.quantity - gone));
            left -= gone;
        }
    }
    if left > Decimal::ZERO {
        // No import shows the row; the agreement of the client's other rows is the likely one.
        let from = if rows.is_empty() { Decimal::from(line.billed) } else { left };
        changes.push(RowChange {
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
