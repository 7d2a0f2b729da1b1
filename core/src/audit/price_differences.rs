//! Lines that are billed at another price than the price list agrees.

use super::AuditError;
use super::calendar::{Days, date, intersect};
use super::client::{Context, Subject};
use super::compare::{GapSum, times};
use super::document::{Direction, PriceDifference};
use super::gaps::{closed, plus};
use super::pricing::{ListPrice, Rate, listed};
use super::rows::Bill;
use super::series::Changes;
use crate::money::{Currency, Money};
use crate::records::Cycle;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// What makes two differences one: they have the same prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    currency: Currency,
    cycle: Cycle,
    expected: Decimal,
    billed: Decimal,
    /// Agreed less billed rate: positive is billed too low.
    rate: Decimal,
}

/// The price differences of a product. Seats and days count as everywhere: less included, on covered
/// and audited days, prorated by the policy.
pub(super) fn find(context: &Context<'_>, subject: &Subject<'_>) -> Result<Vec<PriceDifference>, AuditError> {
    if subject.list.is_empty() {
        return Ok(Vec::new());
    }
    let covered = intersect(&subject.billed, &[context.calendar.audited]);
    let mut seats: BTreeMap<Key, Changes> = BTreeMap::new();
    for bill in subject.bills.iter().filter(|bill| bill.regular() && bill.record.billable) {
        for (days, key) in parts(bill, &subject.list)? {
            seats.entry(key).or_default().add(days, bill.billed.known().unwrap_or(0));
        }
    }
    let mut found = Vec::new();
    for (key, changes) in seats {
        let series = changes.series().ok_or(AuditError::Overflow)?;
        let days: Vec<i32> = series.days().collect();
        let mut sum = GapSum::default();
        let mut from = None;
        for chunk in subject.policy.chunks(context.calendar, &covered, &days) {
            let seats = series.at(chunk.at);
            if seats > 0 {
                from.get_or_insert(chunk.at);
                sum.seats = seats;
                let cost = times(key.rate.abs(), seats)?;
                sum.months.entry(chunk.month).or_default().add(chunk.days, seats, cost, false, false)?;
            }
        }
        let Some(from) = from else { continue };
        let mut amount = Money::zero(key.currency);
        for (month, days) in closed(context, &sum.months) {
            amount.amount = plus(amount.amount, days.money(month, key.currency)?.amount)?;
        }
        found.push(PriceDifference {
            client: context.identity.client_name(subject.client).to_owned(),
            product: context.identity.product_name(subject.product).to_owned(),
            from: date(from),
            direction: if key.rate > Decimal::ZERO { Direction::Under } else { Direction::Over },
            expected: key.expected,
            billed: key.billed,
            cycle: key.cycle,
            seats: Decimal::from(sum.seats),
            amount,
        });
    }
    Ok(found)
}

/// The days of a line on which the list agrees another price.
fn parts(bill: &Bill<'_>, list: &[ListPrice]) -> Result<Vec<(Days, Key)>, AuditError> {
    let record = bill.record;
    let of_currency = || list.iter().filter(|price| price.currency == record.currency);
    let billed = Rate::of(record.unit_price, record.cycle).ok_or(AuditError::Overflow)?;
    let mut cuts: Vec<i32> = of_currency().flat_map(|price| [price.days.from, price.days.until]).collect();
    cuts.retain(|cut| bill.days.from < *cut && *cut < bill.days.until);
    cuts.push(bill.days.from);
    cuts.sort_unstable();
    cuts.dedup();
    let ends = cuts.iter().skip(1).copied().chain([bill.days.until]);
    let mut parts = Vec::new();
    for (from, until) in cuts.iter().copied().zip(ends) {
        let own = of_currency().filter(|price| price.term.is_some() && price.term == record.term);
        let any = of_currency().filter(|price| price.term.is_none());
        let agreed = listed(own, from, Direction::Under).or_else(|| listed(any, from, Direction::Under));
        let Some(agreed) = agreed.filter(|agreed| agreed.rate != billed) else { continue };
        let expected = if agreed.cycle == record.cycle {
            agreed.unit_price
        } else {
            let exact = agreed.rate.0.checked_mul(Decimal::from(record.cycle.months()));
            (exact.ok_or(AuditError::Overflow)? / Decimal::from(36)).round_dp(10).normalize()
        };
        let rate = agreed.rate.0.checked_sub(billed.0).ok_or(AuditError::Overflow)?;
        let key =
            Key { currency: record.currency, cycle: record.cycle, expected, billed: record.unit_price, rate };
        parts.push((Days { from, until }, key));
    }
    Ok(parts)
}
