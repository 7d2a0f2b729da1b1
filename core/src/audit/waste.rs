//! Seats that are bought and not used, and what the vendor charges for them.

use super::AuditError;
use super::calendar::{date, day};
use super::client::{Context, Subject};
use super::compare::{MonthSum, SeatMonths, times};
use super::document::{Direction, Waste};
use super::gaps::{closed, plus};
use super::input::{Basis, Proration};
use super::pricing::{PriceLine, Rate, decide};
use super::series::Changes;
use crate::money::{Currency, Money};
use crate::records::ChargeKind;
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};

/// The waste of a product: on each day bought less used, over the rows that tell both. Use is by
/// activity where it is known, else by assignment. Free SKUs cost nothing and are left out.
pub(super) fn find(context: &Context<'_>, subject: &Subject<'_>) -> Result<Option<Waste>, AuditError> {
    let mut unused = Changes::default();
    let mut measured_by = Basis::Active;
    for count in subject.counts.iter().filter(|count| !count.free) {
        if let (Some(bought), Some((basis, used))) = (count.purchased.known(), count.used()) {
            unused.add(count.days, bought.checked_sub(used).ok_or(AuditError::Overflow)?);
            if basis == Basis::Assigned {
                measured_by = Basis::Assigned;
            }
        }
    }
    let unused = unused.series().ok_or(AuditError::Overflow)?;
    let lines = cost_lines(subject);
    let currencies: BTreeSet<Currency> = lines.iter().map(|line| line.currency).collect();
    let currency = currencies.first().copied().filter(|_| currencies.len() == 1);
    let mut changes: Vec<i32> = unused.days().collect();
    changes.extend(lines.iter().flat_map(|line| [line.days.from, line.days.until]));
    changes.sort_unstable();
    let mut months: BTreeMap<usize, MonthSum> = BTreeMap::new();
    let mut seats = 0;
    for chunk in context.calendar.chunks(&subject.entitled, &changes, Proration::Daily) {
        let unused = unused.at(chunk.at).max(0);
        if unused > 0 {
            seats = unused;
            let rate = decide(lines.iter(), chunk.at, Direction::Under).map(|line| line.rate);
            let cost = rate.map_or(Ok(Decimal::ZERO), |rate| times(rate.0, unused))?;
            let assumed = chunk.at < subject.assumed_before;
            months.entry(chunk.month).or_default().add(chunk.days, unused, cost, rate.is_none(), assumed)?;
        }
    }
    if months.is_empty() {
        return Ok(None);
    }
    let priced = months.values().all(|month| !month.unpriced);
    let mut cost = currency.filter(|_| priced).map(Money::zero);
    let mut seat_months = SeatMonths::default();
    for (month, days) in closed(context, &months) {
        seat_months.add(days.seat_days, month)?;
        if let Some(total) = &mut cost {
            total.amount = plus(total.amount, days.money(month, total.currency)?.amount)?;
        }
    }
    Ok(Some(Waste {
        client: context.identity.client_name(subject.client).to_owned(),
        product: context.identity.product_name(subject.product).to_owned(),
        measured_by,
        seats: Decimal::from(seats),
        seat_months: seat_months.shown()?,
        cost,
        drop_by: drop_by(context, subject).map(date),
    }))
}

/// What the vendor charges per seat: the list price of a whole cycle where it is stated, for what is
/// charged may be for a part of one.
fn cost_lines(subject: &Subject<'_>) -> Vec<PriceLine> {
    let licences = subject.charges.iter().filter(|charge| charge.record.kind == ChargeKind::Licence);
    licences
        .filter_map(|charge| {
            let record = charge.record;
            let price = record.list_price.unwrap_or(record.unit_price);
            Some(PriceLine {
                days: charge.days,
                quantity: record.quantity,
                rate: Rate::of(price, record.cycle).filter(|rate| rate.0 > Decimal::ZERO)?,
                term: record.term,
                currency: record.currency,
            })
        })
        .collect()
}

/// The last day of the first subscription term that is still to end when the audit is made: a term that
/// is over by then has renewed, and its seats are bought again.
fn drop_by(context: &Context<'_>, subject: &Subject<'_>) -> Option<i32> {
    let ends = subject.charges.iter().filter_map(|charge| charge.record.subscription_span?.until).map(day);
    ends.map(|end| end.saturating_sub(1)).filter(|last| *last >= day(context.input.as_of)).min()
}
