//! The price of a seat on a day.
//!
//! A price pays for one seat and cycle. Here it is kept as a rate per 36 months, which is a whole
//! multiple of every cycle, so that it stays exact and is divided last.

use super::calendar::{Day, Days, OPEN, date, day};
use super::document::Direction;
use super::identity::{ClientId, Identity, ProductId};
use crate::money::Currency;
use crate::records::{Cycle, Price, Term};
use chrono::Months;
use rust_decimal::Decimal;
use std::cmp::Ordering;
use std::collections::HashMap;

/// Months that a [`Rate`] pays for.
pub(super) const RATE_MONTHS: i64 = 36;

/// Money per seat and 36 months.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rate(pub Decimal);

impl Rate {
    /// From a price per seat and cycle. `None` when it does not fit.
    pub(super) fn of(price: Decimal, cycle: Cycle) -> Option<Self> {
        let times = i64::from(36 / cycle.months());
        price.checked_mul(Decimal::from(times)).map(Self)
    }
}

/// A line that gives a price.
#[derive(Clone, Copy, Debug)]
pub(super) struct PriceLine {
    pub days: Days,
    pub quantity: Decimal,
    pub rate: Rate,
    pub term: Option<Term>,
    pub currency: Currency,
}

/// A price of the price list.
#[derive(Clone, Copy, Debug)]
pub(super) struct ListPrice {
    pub client: Option<ClientId>,
    pub term: Option<Term>,
    pub rate: Rate,
    pub unit_price: Decimal,
    pub cycle: Cycle,
    pub currency: Currency,
    pub days: Days,
}

/// The price list, by product and the client that a price is for, if it is for one.
#[derive(Debug, Default)]
pub(super) struct PriceList(HashMap<(ProductId, Option<ClientId>), Vec<ListPrice>>);

impl PriceList {
    pub(super) fn build<'a>(prices: impl Iterator<Item = &'a Price>, identity: &Identity) -> Self {
        let mut list = Self::default();
        for price in prices.filter(|price| price.unit_price > Decimal::ZERO) {
            let days = Days::of(price.span);
            let Some(rate) = Rate::of(price.unit_price, price.cycle) else { continue };
            let product = identity.product(&price.product, days.from);
            let client = price.client.as_ref().map(|client| identity.client(client, days.from));
            list.0.entry((product, client)).or_default().push(ListPrice {
                client,
                term: price.term,
                rate,
                unit_price: price.unit_price,
                cycle: price.cycle,
                currency: price.currency,
                days,
            });
        }
        list
    }

    /// The list's prices of a product for a client.
    pub(super) fn of(&self, client: ClientId, product: ProductId) -> Vec<ListPrice> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let prices = [Some(client), None].into_iter().filter_map(|client| self.0.get(&(product, client)));
        prices.flatten().copied().collect()
    }
}

/// The price of list that holds on a day: the client's own before everyone's, then the latest start,
/// then the lower if under, the higher if over.
pub(super) fn listed<'p>(
    prices: impl Iterator<Item = &'p ListPrice>,
    on: Day,
    direction: Direction,
) -> Option<&'p ListPrice> {
    prices.filter(|price| price.days.contains(on)).max_by(|a, b| {
        let particular = a.client.is_some().cmp(&b.client.is_some());
        particular.then(a.days.from.cmp(&b.days.from)).then(by_price(a.rate, b.rate, direction))
    })
}

/// What one client's product costs it, in any currency.
#[derive(Debug, Default)]
pub(super) struct Prices {
    pub lines: Vec<PriceLine>,
    pub list: Vec<ListPrice>,
}

impl Prices {
    /// The price of a seat on a day, of whatever term.
    pub(super) fn on(&self, day: Day, currency: Currency, direction: Direction) -> Option<Rate> {
        let lines = || self.lines.iter().filter(|line| line.currency == currency);
        let list = || self.list.iter().filter(|price| price.currency == currency);
        decide(lines(), day, direction)
            .map(|line| line.rate)
            .or_else(|| listed(list().filter(|price| price.term.is_none()), day, direction).map(|p| p.rate))
            .or_else(|| listed(list(), day, direction).map(|price| price.rate))
    }

    /// The price of a seat of a term: by lines of that term, then the list's price for it, then as for
    /// any seat of the product.
    pub(super) fn of_term(
        &self,
        day: Day,
        currency: Currency,
        direction: Direction,
        term: Term,
    ) -> Option<Rate> {
        self.of_lines(day, currency, direction, term)
            .or_else(|| self.of_list(day, currency, direction, term))
            .or_else(|| self.on(day, currency, direction))
    }

    /// Whether a term has a price of its own: by lines of that term, or by a list that prices it.
    pub(super) fn has_own(&self, day: Day, currency: Currency, direction: Direction, term: Term) -> bool {
        self.of_lines(day, currency, direction, term).is_some()
            || self.of_list(day, currency, direction, term).is_some()
    }

    fn of_lines(&self, day: Day, currency: Currency, direction: Direction, term: Term) -> Option<Rate> {
        let lines = self.lines.iter().filter(|line| line.currency == currency && line.term == Some(term));
        decide(lines, day, direction).map(|line| line.rate)
    }

    fn of_list(&self, day: Day, currency: Currency, direction: Direction, term: Term) -> Option<Rate> {
        let list = self.list.iter().filter(|price| price.currency == currency && price.term == Some(term));
        listed(list, day, direction).map(|price| price.rate)
    }

    /// The currency of the line that would give the price, across currencies.
    pub(super) fn leading(&self, day: Day, direction: Direction) -> Option<Currency> {
        decide(self.lines.iter(), day, direction).map(|line| line.currency)
    }

    /// The days on which a price may change.
    pub(super) fn days(&self) -> impl Iterator<Item = Day> + '_ {
        let lines =
            self.lines.iter().flat_map(|line| [line.days.from, line.days.until, stale(line.days.until)]);
        lines.chain(self.list.iter().flat_map(|price| [price.days.from, price.days.until]))
    }
}

/// The line that gives the price on a day. Active ones: the latest start, then the largest quantity,
/// then the lower price if under, the higher if over. None active: the one that ended last, within
/// twelve months, by the same order among several.
pub(super) fn decide<'l>(
    lines: impl Iterator<Item = &'l PriceLine> + Clone,
    on: Day,
    direction: Direction,
) -> Option<&'l PriceLine> {
    let better = |a: &&PriceLine, b: &&PriceLine| {
        let quantity = a.quantity.cmp(&b.quantity);
        let price = by_price(a.rate, b.rate, direction);
        a.days.from.cmp(&b.days.from).then(quantity).then(price).then(b.currency.cmp(&a.currency))
    };
    let active = lines.clone().filter(|line| line.days.contains(on)).max_by(better);
    active.or_else(|| {
        lines
            .filter(|line| line.days.until <= on && on < stale(line.days.until))
            .max_by(|a, b| a.days.until.cmp(&b.days.until).then(better(a, b)))
    })
}

/// The day from which a line that ended gives no price any more.
fn stale(until: Day) -> Day {
    if until == OPEN {
        return OPEN;
    }
    date(until).checked_add_months(Months::new(12)).map_or(OPEN, day)
}

fn by_price(a: Rate, b: Rate, direction: Direction) -> Ordering {
    match direction {
        Direction::Under => b.cmp(&a),
        Direction::Over => a.cmp(&b),
    }
}
