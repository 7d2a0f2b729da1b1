//! One client's product: billable against billed on every covered day, and the gaps that follow.

use super::AuditError;
use super::allocation::Share;
use super::calendar::{AuditMonth, Chunk, Day};
use super::document::Direction;
use super::pricing::{Prices, RATE_MONTHS};
use super::rules::{Fall, Steps};
use super::series::Series;
use super::terms::{self, Pair, TermDays, TermSeats};
use crate::money::{Currency, Money};
use crate::records::Term;
use rust_decimal::{Decimal, RoundingStrategy};
use std::collections::BTreeMap;

/// What is known of one client's product over time.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    /// Seats of the basis, free ones included.
    pub counted: Series,
    /// Seats of the basis that are not free, by term.
    pub counted_by_term: BTreeMap<Option<Term>, Series>,
    /// Billed seats by currency. Without any line: the one currency in which seats would be priced,
    /// or none.
    pub billed: Vec<(Option<Currency>, Series)>,
    /// Billed seats by term, all currencies.
    pub billed_by_term: BTreeMap<Option<Term>, Series>,
    pub steps: Steps,
    pub prices: Prices,
    /// Days before this one are assumed.
    pub assumed_before: Day,
    /// Of a billing entity's part: which of the billable seats are its own.
    pub share: Option<Share>,
}

/// One day.
pub(super) struct State {
    pub fall: Fall,
    /// Per currency: gap and billed seats.
    pub parts: Vec<Part>,
}

/// One currency's part of a day.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub currency: Option<Currency>,
    pub gap: i64,
    pub billed: i64,
}

/// A month of a gap, as it adds up.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct MonthSum {
    pub seat_days: i64,
    /// Sum of seats x rate over its days.
    pub rate_days: Decimal,
    pub unpriced: bool,
    pub assumed: bool,
}

/// A gap, as it adds up.
#[derive(Clone, Debug, Default)]
pub(super) struct GapSum {
    pub months: BTreeMap<usize, MonthSum>,
    /// |gap| on the last day that has one.
    pub seats: i64,
    /// The waterfall of that day.
    pub fall: Fall,
    /// Seats and rate sum of the last audited day, if it has this gap.
    pub forward: Option<(Decimal, bool)>,
}

/// Everything that comparing one product gives.
#[derive(Debug, Default)]
pub(super) struct Compared {
    pub gaps: BTreeMap<(Option<Currency>, Direction), GapSum>,
    /// Billable and billed seats on each month's last audited day.
    pub closing: BTreeMap<(usize, Option<Currency>), (i64, i64)>,
    pub mixes: BTreeMap<(Term, Term), GapSum>,
}

impl Timeline {
    /// All days on which a quantity, a rule or a price changes, ascending.
    pub(super) fn changes(&self) -> Vec<Day> {
        let series = self.counted_by_term.values().chain(self.billed_by_term.values());
        let series = series.chain(std::iter::once(&self.counted)).chain(self.billed.iter().map(|(_, s)| s));
        let mut days: Vec<Day> = series.flat_map(Series::days).collect();
        days.extend(self.steps.days().chain(self.prices.days()));
        days.extend(self.share.iter().flat_map(Share::days));
        days.push(self.assumed_before);
        days.sort_unstable();
        days.dedup();
        days
    }

    /// Billable, billed and the gap on a day.
    ///
    /// A product billed in several currencies is several gaps, but its seats exist once. So a seat too
    /// few is missing in the currency of the line that would give its price, and seats too many are
    /// those of the lines that began last, never more than a currency bills.
    pub(super) fn on(&self, day: Day) -> Result<State, AuditError> {
        let fall = self.steps.on(day, self.counted.at(day)).ok_or(AuditError::Overflow)?;
        let fall = self.share.as_ref().map_or(fall, |share| share.of(day, fall));
        let mut parts: Vec<Part> = self
            .billed
            .iter()
            .map(|(currency, series)| Part { currency: *currency, gap: 0, billed: series.at(day) })
            .collect();
        let billed = parts.iter().try_fold(0_i64, |sum, part| sum.checked_add(part.billed));
        let gap = billed.and_then(|billed| fall.billable.checked_sub(billed)).ok_or(AuditError::Overflow)?;
        if let [only] = parts.as_mut_slice() {
            only.gap = gap;
        } else if gap != 0 {
            self.share(day, gap, &mut parts);
        }
        Ok(State { fall, parts })
    }

    /// Gives a gap to the currencies of a product that has several.
    fn share(&self, day: Day, gap: i64, parts: &mut [Part]) {
        let mut left = gap;
        if gap < 0 {
            let began = |currency: Option<Currency>| {
                let lines = self.prices.lines.iter();
                let active = lines.filter(|line| Some(line.currency) == currency && line.days.contains(day));
                active.map(|line| line.days.from).max()
            };
            let mut order: Vec<usize> = (0..parts.len()).collect();
            order.sort_by_key(|index| {
                parts.get(*index).map(|part| (std::cmp::Reverse(began(part.currency)), part.currency))
            });
            for index in order {
                if let Some(part) = parts.get_mut(index) {
                    let taken = left.max(part.billed.max(0).saturating_neg());
                    part.gap = taken;
                    left -= taken;
                }
            }
        }
        if left != 0 {
            let direction = if left > 0 { Direction::Under } else { Direction::Over };
            let leading = self.prices.leading(day, direction);
            let index = parts.iter().position(|part| part.currency == leading).unwrap_or(0);
            if let Some(part) = parts.get_mut(index) {
                part.gap = part.gap.saturating_add(left);
            }
        }
    }

    /// The seats of a day's gap with their prices, by term where both sides state terms.
    pub(super) fn priced(&self, day: Day, part: Part, terms: Option<&TermDays>) -> Vec<TermSeats> {
        let Some(currency) = part.currency else {
            return vec![TermSeats { term: None, rate: None, seats: part.gap.saturating_abs() }];
        };
        if let Some(terms) = terms {
            return terms.gap.clone();
        }
        let rate = self.prices.on(day, currency, direction_of(part.gap));
        vec![TermSeats { term: None, rate, seats: part.gap.saturating_abs() }]
    }

    /// What a day's seats of one direction cost: the sum of their rates, and whether a price lacks.
    fn cost(&self, day: Day, part: Part, terms: Option<&TermDays>) -> Result<(Decimal, bool), AuditError> {
        let seats = self.priced(day, part, terms).into_iter().map(|seats| (seats.rate, seats.seats));
        let mut sum = Decimal::ZERO;
        let mut unpriced = false;
        for (rate, seats) in seats {
            match rate {
                Some(rate) => sum = add(sum, times(rate.0, seats)?)?,
                None => unpriced |= seats != 0,
            }
        }
        Ok((sum, unpriced))
    }

    /// Compares every covered day.
    pub(super) fn compare(&self, chunks: &[Chunk]) -> Result<Compared, AuditError> {
        let mut compared = Compared::default();
        let last = chunks.last().map(|chunk| (chunk.month, chunk.at));
        for chunk in chunks {
            let state = self.on(chunk.at)?;
            let terms = self.terms(chunk.at, &state);
            if let Some(terms) = &terms {
                self.mix(chunk, terms, &mut compared)?;
            }
            for part in &state.parts {
                let closing = (part.billed.saturating_add(part.gap), part.billed);
                compared.closing.insert((chunk.month, part.currency), closing);
                if part.gap == 0 {
                    continue;
                }
                let sum = compared.gaps.entry((part.currency, direction_of(part.gap))).or_default();
                let (cost, unpriced) = self.cost(chunk.at, *part, terms.as_ref())?;
                sum.seats = part.gap.saturating_abs();
                sum.fall = state.fall;
                sum.forward = (last == Some((chunk.month, chunk.at))).then_some((cost, unpriced));
                let assumed = chunk.at < self.assumed_before;
                sum.months
                    .entry(chunk.month)
                    .or_default()
                    .add(chunk.days, sum.seats, cost, unpriced, assumed)?;
            }
        }
        Ok(compared)
    }

    /// The day's terms, where both sides state them and one currency prices them.
    pub(super) fn terms(&self, day: Day, state: &State) -> Option<TermDays> {
        let [part] = state.parts.as_slice() else { return None };
        let currency = part.currency?;
        let on = |by_term: &BTreeMap<Option<Term>, Series>| -> Option<BTreeMap<Term, i64>> {
            let mut seats = BTreeMap::new();
            for (term, series) in by_term {
                let on = series.at(day);
                if on != 0 {
                    seats.insert((*term)?, on);
                }
            }
            (!seats.is_empty()).then_some(seats)
        };
        let (counted, billed) = (on(&self.counted_by_term)?, on(&self.billed_by_term)?);
        let price = |term: Option<Term>, direction| match term {
            Some(term) => self.prices.of_term(day, currency, direction, term),
            None => self.prices.on(day, currency, direction),
        };
        let own = |term, direction| self.prices.has_own(day, currency, direction, term);
        terms::split(&counted, &billed, state.fall.billable, price, own)
    }

    fn mix(&self, chunk: &Chunk, terms: &TermDays, compared: &mut Compared) -> Result<(), AuditError> {
        for Pair { from, to, seats, rate } in terms.mix.iter().copied() {
            let sum = compared.mixes.entry((from, to)).or_default();
            sum.seats = seats;
            let cost = rate.map_or(Ok(Decimal::ZERO), |rate| times(rate, seats))?;
            let assumed = chunk.at < self.assumed_before;
            let month = sum.months.entry(chunk.month).or_default();
            month.add(chunk.days, seats, cost, rate.is_none(), assumed)?;
        }
        Ok(())
    }
}

impl MonthSum {
    /// Adds days on which so many seats cost so much a day.
    pub(super) fn add(
        &mut self,
        days: i64,
        seats: i64,
        cost: Decimal,
        unpriced: bool,
        assumed: bool,
    ) -> Result<(), AuditError> {
        let seat_days = days.checked_mul(seats).ok_or(AuditError::Overflow)?;
        self.seat_days = self.seat_days.checked_add(seat_days).ok_or(AuditError::Overflow)?;
        self.rate_days = add(self.rate_days, times(cost, days)?)?;
        self.unpriced |= unpriced;
        self.assumed |= assumed;
        Ok(())
    }

    /// The month's money, rounded once.
    pub(super) fn money(&self, month: &AuditMonth, currency: Currency) -> Result<Money, AuditError> {
        let over = Decimal::from(month.days.count()) * Decimal::from(RATE_MONTHS);
        let exact = self.rate_days.checked_div(over).ok_or(AuditError::Overflow)?;
        Ok(Money::round(exact, currency))
    }
}

/// What a day's cost makes in a whole month.
pub(super) fn whole_month(cost: Decimal, currency: Currency) -> Result<Money, AuditError> {
    let exact = cost.checked_div(Decimal::from(RATE_MONTHS)).ok_or(AuditError::Overflow)?;
    Ok(Money::round(exact, currency))
}

pub(super) const fn direction_of(gap: i64) -> Direction {
    if gap < 0 { Direction::Over } else { Direction::Under }
}

pub(super) fn times(amount: Decimal, count: i64) -> Result<Decimal, AuditError> {
    amount.checked_mul(Decimal::from(count)).ok_or(AuditError::Overflow)
}

pub(super) fn add(a: Decimal, b: Decimal) -> Result<Decimal, AuditError> {
    a.checked_add(b).ok_or(AuditError::Overflow)
}

/// Seat-days of months of different lengths as seat-months, exact until they are shown.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SeatMonths {
    /// Seat-days by the number of days of their month, 28 to 31.
    by_length: [i64; 4],
}

/// Days that divide by every length of a month.
const COMMON_DAYS: i64 = 28 * 29 * 30 * 31 / 2;

impl SeatMonths {
    pub(super) fn add(&mut self, seat_days: i64, month: &AuditMonth) -> Result<(), AuditError> {
        let length = usize::try_from(month.days.count() - 28).unwrap_or(0);
        if let Some(sum) = self.by_length.get_mut(length) {
            *sum = sum.checked_add(seat_days).ok_or(AuditError::Overflow)?;
        }
        Ok(())
    }

    /// Seat-months with six decimals, rounded once, half away from zero.
    pub(super) fn shown(self) -> Result<Decimal, AuditError> {
        let mut sum = Decimal::ZERO;
        for (length, seat_days) in (28_i64..).zip(self.by_length) {
            sum = add(sum, times(Decimal::from(COMMON_DAYS / length), seat_days)?)?;
        }
        let exact = sum.checked_div(Decimal::from(COMMON_DAYS)).ok_or(AuditError::Overflow)?;
        let mut shown = exact.round_dp_with_strategy(6, RoundingStrategy::MidpointAwayFromZero);
        shown.rescale(6);
        Ok(shown)
    }
}
