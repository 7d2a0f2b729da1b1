//! Seats that are bought and not used, and what the vendor charges for them.

use super::AuditError;
use super::calendar::{Day, date, day};
use super::client::{Context, Subject};
use super::compare::{MonthSum, SeatMonths, times};
use super::document::{Direction, Waste};
use super::gaps::{closed, plus};
use super::input::{Basis, Proration};
use super::pricing::{PriceLine, decide};
use super::series::Changes;
use super::waste_batches::{batches, cost_line};
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
    let (mut seats, mut last) = (0, Day::MIN);
    for chunk in context.calendar.chunks(&subject.entitled, &changes, Proration::Daily) {
        let unused = unused.at(chunk.at).max(0);
        if unused > 0 {
            (seats, last) = (unused, chunk.at);
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
    let (unassigned, inactive) = parts(subject, last);
    Ok(Some(Waste {
        client: context.identity.client_name(subject.client).to_owned(),
        product: context.identity.product_name(subject.product).to_owned(),
        measured_by,
        seats: Decimal::from(seats),
        seat_months: seat_months.shown()?,
        cost,
        drop_by: drop_by(context, subject).map(date),
        unassigned,
        inactive,
        batches: batches(context, subject, seats)?,
    }))
}

/// Of the rows on a day: seats bought and given to nobody, and seats given to somebody who is not active. Each
/// only over the rows that tell both its numbers: where activity is not told, nobody is said to be inactive.
fn parts(subject: &Subject<'_>, on: Day) -> (Option<Decimal>, Option<Decimal>) {
    let rows = || subject.counts.iter().filter(|count| !count.free && count.days.contains(on));
    let sum = |pairs: Vec<(i64, i64)>| {
        let less: i64 = pairs.iter().map(|(more, less)| (more - less).max(0)).sum();
        (!pairs.is_empty()).then(|| Decimal::from(less))
    };
    let unassigned = rows().filter_map(|count| Some((count.purchased.known()?, count.assigned.known()?)));
    let inactive = rows().filter_map(|count| Some((count.assigned.known()?, count.active.known()?)));
    (sum(unassigned.collect()), sum(inactive.collect()))
}

fn cost_lines(subject: &Subject<'_>) -> Vec<PriceLine> {
    let licences = subject.charges.iter().filter(|charge| charge.record.kind == ChargeKind::Licence);
    licences.filter_map(|charge| Some(PriceLine { days: charge.days, ..cost_line(charge.record)? })).collect()
}

/// The last day of the first subscription term that is still to end when the audit is made: a term that
/// is over by then has renewed, and its seats are bought again.
fn drop_by(context: &Context<'_>, subject: &Subject<'_>) -> Option<i32> {
    let ends = subject.charges.iter().filter_map(|charge| charge.record.subscription_span?.until).map(day);
    ends.map(|end| end.saturating_sub(1)).filter(|last| *last >= day(context.input.as_of)).min()
}
