//! A product's rows as quantities over time.

use super::calendar::Calendar;
use super::client::Subject;
use super::compare::Timeline;
use super::identity::ProductId;
use super::pricing::{PriceLine, Prices, Rate};
use super::rules::Steps;
use super::series::{Changes, Series};
use crate::money::Currency;
use crate::records::Term;
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Builds a product's timeline. `None` when a sum does not fit.
pub(super) fn timeline(subject: &Subject<'_>, calendar: &Calendar) -> Option<Timeline> {
    let (mut counted, mut free) = (Changes::default(), Changes::default());
    let mut by_term: BTreeMap<Option<Term>, Changes> = BTreeMap::new();
    for count in &subject.counts {
        for (days, seats) in subject.policy.seats(calendar, count) {
            let seats = seats.known().unwrap_or(0);
            counted.add(days, seats);
            if count.free {
                free.add(days, seats);
            } else {
                by_term.entry(count.term).or_default().add(days, seats);
            }
        }
    }
    let mut billed: BTreeMap<Option<Currency>, Changes> = BTreeMap::new();
    let mut billed_by_term: BTreeMap<Option<Term>, Changes> = BTreeMap::new();
    let mut included = Changes::default();
    let mut prices = Prices { lines: Vec::new(), list: subject.list.clone() };
    for bill in subject.bills.iter().filter(|bill| bill.regular()) {
        let seats = bill.billed.known().unwrap_or(0);
        billed.entry(Some(bill.record.currency)).or_default().add(bill.days, seats);
        billed_by_term.entry(bill.record.term).or_default().add(bill.days, seats);
        included.add(bill.days, bill.included.known().unwrap_or(0));
        if bill.record.unit_price > Decimal::ZERO {
            prices.lines.push(PriceLine {
                days: bill.days,
                quantity: bill.record.quantity,
                rate: Rate::of(bill.record.unit_price, bill.record.cycle)?,
                term: bill.record.term,
                currency: bill.record.currency,
            });
        }
    }
    if billed.is_empty() {
        billed.insert(currency_of_list(subject), Changes::default());
    }
    let mut parents: HashMap<ProductId, Changes> = HashMap::new();
    for bill in &subject.parents {
        parents.entry(bill.product).or_default().add(bill.days, bill.billed.known().unwrap_or(0));
    }
    let parents: Option<HashMap<ProductId, Series>> =
        parents.into_iter().map(|(product, changes)| Some((product, changes.series()?))).collect();
    let steps = Steps {
        rules: subject.steps.clone(),
        free: free.series()?,
        included: included.series()?,
        parents: parents?,
    };
    Some(Timeline {
        counted: counted.series()?,
        counted_by_term: all(by_term)?,
        billed: billed
            .into_iter()
            .map(|(of, changes)| Some((of, changes.series()?)))
            .collect::<Option<_>>()?,
        billed_by_term: all(billed_by_term)?,
        steps,
        prices,
        assumed_before: subject.assumed_before,
        share: None,
    })
}

/// Whether as many seats are billed as the client has, by the rows alone and on every day: then there is no
/// gap and no mix of terms. Most products are so, and need no comparison day by day.
pub(super) fn alike(subject: &Subject<'_>, calendar: &Calendar) -> bool {
    let bills = || subject.bills.iter().filter(|bill| bill.regular());
    let Some(currency) = bills().next().map(|bill| bill.record.currency) else { return false };
    let one_term = subject.counts.iter().all(|count| count.term.is_none())
        || bills().all(|bill| bill.record.term.is_none());
    if !one_term || !subject.steps.is_empty() {
        return false;
    }
    let (mut counted, mut billed) = (Changes::default(), Changes::default());
    for count in &subject.counts {
        for (days, seats) in subject.policy.seats(calendar, count) {
            match seats.known() {
                Some(seats) if seats >= 0 && !count.free => counted.add(days, seats),
                _ => return false,
            }
        }
    }
    for bill in bills() {
        match (bill.billed.known(), bill.included.known()) {
            (Some(seats), Some(0)) if seats >= 0 && bill.record.currency == currency => {
                billed.add(bill.days, seats);
            }
            _ => return false,
        }
    }
    match (counted.series(), billed.series()) {
        (Some(counted), Some(billed)) => counted.same_as(&billed),
        _ => false,
    }
}

fn all(changes: BTreeMap<Option<Term>, Changes>) -> Option<BTreeMap<Option<Term>, Series>> {
    changes.into_iter().map(|(term, changes)| Some((term, changes.series()?))).collect()
}

/// The currency in which a product without any line is priced: the client's own price's, else the one
/// that the client is billed in, else the only one of the price list.
fn currency_of_list(subject: &Subject<'_>) -> Option<Currency> {
    let own: BTreeSet<Currency> =
        subject.list.iter().filter(|price| price.client.is_some()).map(|price| price.currency).collect();
    let all: BTreeSet<Currency> = subject.list.iter().map(|price| price.currency).collect();
    let only = |set: &BTreeSet<Currency>| set.first().copied().filter(|_| set.len() == 1);
    only(&own).or(subject.client_currency).or(only(&all))
}
