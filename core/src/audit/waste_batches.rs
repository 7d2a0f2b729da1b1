//! When unused seats can be dropped: the batches in which seats were bought, and the day of each.
//!
//! Microsoft's new commerce lets seats go within 168 hours of the purchase, of the renewal, or of the increase
//! that brought them: each batch of added seats has its own window, and other seats stay to the end of the
//! term. Files tell days, not hours, so a window is the purchase day and the six days after it, all of them
//! whole days inside the 168 hours. Other vendors' seats, and legacy ones, go at the end of the term.
//!
//! Batches follow from the seat states of a subscription's charges: a rise is a batch, bought on the day on
//! which it is seen; a fall takes the newest seats first. The seats that a term began with are one batch,
//! bought on the term's first day. Of several batches the unused seats are taken to be in those that can be
//! dropped soonest: which of the seats nobody uses is the MSP's choice.

use super::AuditError;
use super::calendar::{Day, Days, OPEN, date, day};
use super::client::{Context, Subject};
use super::compare::{add, times};
use super::document::Direction;
use super::pricing::{PriceLine, RATE_MONTHS, Rate, decide};
use super::rows::whole;
use super::waste_document::{DropReason, WasteBatch};
use crate::money::{Currency, Money};
use crate::period::Month;
use crate::records::{ChargeKind, Term, VendorCharge};
use crate::seat_states::seat_states;
use chrono::Months;
use rust_decimal::Decimal;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Whole days of the window in which seats can be given back, the purchase day included.
const WINDOW_DAYS: Day = 7;

/// Product ids of Microsoft's new commerce begin so.
const NEW_COMMERCE_ID: &str = "CFQ7TTC";

/// The files of Microsoft's older licences, whose seats have no such window.
const LEGACY: &str = "microsoft_partner_center_legacy_licenses";

/// The unused seats of a product, by the batches that they can be dropped with; soonest first.
pub(super) fn batches(
    context: &Context<'_>,
    subject: &Subject<'_>,
    unused: i64,
) -> Result<Vec<WasteBatch>, AuditError> {
    let as_of = day(context.input.as_of);
    let mut held: Vec<Batch> = Vec::new();
    for subscription in subscriptions(context, subject) {
        held.extend(subscription.batches(as_of));
    }
    held.sort_by(|a, b| a.order().cmp(&b.order()));
    let mut left = unused;
    let mut found = Vec::new();
    for batch in held {
        let seats = batch.seats.min(left);
        if seats > 0 {
            left -= seats;
            found.push(batch.shown(seats, as_of)?);
        }
    }
    if left > 0 {
        found.push(Batch::unknown().shown(left, as_of)?);
    }
    Ok(found)
}

/// The charges of one subscription.
struct Subscription<'a> {
    id: Option<&'a str>,
    charges: Vec<&'a VendorCharge>,
    new_commerce: bool,
}

/// The subscriptions of the vendor's file that is used; charges that name none are one for each term.
fn subscriptions<'a>(context: &Context<'a>, subject: &Subject<'a>) -> Vec<Subscription<'a>> {
    let licences = || subject.charges.iter().filter(|charge| charge.record.kind == ChargeKind::Licence);
    let Some(rank) = licences().map(|charge| charge.rank).min() else { return Vec::new() };
    let format = context.formats.name(rank);
    let microsoft = context.identity.microsoft(subject.product);
    let mut lines = BTreeMap::new();
    for charge in licences().filter(|charge| charge.rank == rank) {
        // A charge that a mapping's date cuts in parts is told once.
        lines.entry(charge.line).or_insert(charge.record);
    }
    let mut groups: BTreeMap<(Option<&str>, Option<Term>), Vec<&VendorCharge>> = BTreeMap::new();
    for charge in lines.into_values() {
        let id = charge.subscription.as_deref();
        let term = if id.is_none() { charge.term } else { None };
        groups.entry((id, term)).or_default().push(charge);
    }
    let of_new_commerce = |charge: &&VendorCharge| {
        let sku = charge.product.sku.as_deref().unwrap_or_default();
        let own_id =
            sku.get(..NEW_COMMERCE_ID.len()).is_some_and(|id| id.eq_ignore_ascii_case(NEW_COMMERCE_ID));
        own_id || microsoft || format == "microsoft_partner_center_new_commerce"
    };
    let group = |((id, _), charges): ((Option<&'a str>, _), Vec<&'a VendorCharge>)| Subscription {
        id,
        new_commerce: format != LEGACY && charges.iter().any(of_new_commerce),
        charges,
    };
    groups.into_iter().map(group).collect()
}

/// A term: its first day, if it is known, and the day after its last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TermDays {
    from: Option<Day>,
    until: Day,
    /// It follows the one that a file states, which is over.
    renewed: bool,
}

impl Subscription<'_> {
    /// The newest term that a charge states.
    fn term(&self) -> Option<Term> {
        let stated = self.charges.iter().filter(|charge| charge.term.is_some());
        stated.max_by_key(|charge| (charge.span, charge.term)).and_then(|charge| charge.term)
    }

    /// The term that runs on a day: the stated one; the last stated one renewed, where its length is known;
    /// of monthly seats without a stated term the month that their charge pays for.
    fn running(&self, as_of: Day) -> Option<TermDays> {
        let length = self.term();
        let begun = |days: &Days| days.from <= as_of && !days.is_empty();
        let stated = self.charges.iter().filter_map(|charge| charge.subscription_span.map(Days::of));
        let last = |spans: &mut dyn Iterator<Item = Days>| spans.max_by_key(|days| (days.until, days.from));
        let closed = |days: &Days| days.until != OPEN;
        if let Some(last) = last(&mut stated.filter(begun).filter(closed)) {
            let begins = length.map(|length| shifted(last.until, months(length), false));
            if last.until > as_of {
                // A subscription's span may be longer than the term that runs.
                let from = begins.map_or(last.from, |from| from.max(last.from));
                return Some(TermDays { from: Some(from), until: last.until, renewed: false });
            }
            return rolled(last.until, months(length?), as_of);
        }
        length.filter(|length| *length == Term::Monthly)?;
        let charged = last(&mut self.charges.iter().map(|charge| Days::of(charge.span)).filter(begun))?;
        let mut month = rolled(charged.from, 1, as_of)?;
        month.renewed = month.until > charged.until;
        Some(month)
    }

    /// The seats held on a day, by the day on which they were bought or renewed.
    fn held(&self, as_of: Day, term: Option<TermDays>) -> Vec<(Option<Day>, i64)> {
        let lines: Vec<(&VendorCharge, u32)> = self.charges.iter().copied().zip(0..).collect();
        let states: Vec<(Days, i64)> = seat_states(&lines)
            .states
            .into_iter()
            .filter_map(|state| Some((Days::of(state.span()), whole(state.quantity)?)))
            .collect();
        let mut days: Vec<Day> = states.iter().flat_map(|(days, _)| [days.from, days.until]).collect();
        days.retain(|day| *day <= as_of);
        days.sort_unstable();
        days.dedup();
        let mut batches: Vec<(Option<Day>, i64)> = Vec::new();
        let mut told = false;
        for on in days {
            let held = || states.iter().filter(|(days, _)| days.contains(on)).map(|(_, seats)| seats);
            if held().next().is_none() {
                told = false;
                continue;
            }
            let (seats, before): (i64, i64) = (held().sum(), batches.iter().map(|(_, seats)| seats).sum());
            if seats > before {
                // After days that no charge tells of, the day of the rise is not known.
                batches.push(((told || self.bought(on)).then_some(on), seats - before));
            } else {
                take_newest(&mut batches, before - seats);
            }
            told = true;
        }
        let Some(start) = term.and_then(|term| term.from) else { return batches };
        // What was there when the term began was bought for the term on that day.
        let (old, mut new): (Vec<_>, Vec<_>) =
            batches.into_iter().partition(|(bought, _)| bought.is_none_or(|bought| bought <= start));
        let old: i64 = old.into_iter().map(|(_, seats)| seats).sum();
        if old > 0 {
            new.insert(0, (Some(start), old));
        }
        new
    }

    /// Whether a charge says that seats were bought on this day.
    fn bought(&self, on: Day) -> bool {
        self.charges.iter().any(|charge| {
            let kind = charge.charge_type.as_deref().unwrap_or_default();
            matches!(kind, "new" | "renew" | "add_quantity") && day(charge.span.from) == on
        })
    }

    fn batches(&self, as_of: Day) -> Vec<Batch> {
        let length = self.term();
        let term = self.running(as_of);
        let (currency, rate) = self.rate(as_of);
        let batch = |(bought, seats): (Option<Day>, i64)| {
            let window =
                bought.filter(|_| self.new_commerce).map(|bought| bought.saturating_add(WINDOW_DAYS - 1));
            Batch {
                seats,
                subscription: self.id.map(str::to_owned),
                length,
                bought,
                window,
                term,
                droppable: droppable(as_of, window, term, length),
                currency,
                rate,
            }
        };
        self.held(as_of, term).into_iter().map(batch).collect()
    }

    /// What a seat costs on a day, by this subscription's own charges.
    fn rate(&self, as_of: Day) -> (Option<Currency>, Option<Rate>) {
        let lines: Vec<PriceLine> = self.charges.iter().filter_map(|charge| cost_line(charge)).collect();
        let line = decide(lines.iter(), as_of, Direction::Under);
        line.map(|line| (line.currency, line.rate)).unzip()
    }
}

/// What the vendor charges per seat: the list price of a whole cycle where it is stated, for what is charged
/// may be for a part of one.
pub(super) fn cost_line(record: &VendorCharge) -> Option<PriceLine> {
    Some(PriceLine {
        days: Days::of(record.span),
        quantity: record.quantity,
        rate: Rate::of(record.list_price.unwrap_or(record.unit_price), record.cycle)
            .filter(|rate| rate.0 > Decimal::ZERO)?,
        term: record.term,
        currency: record.currency,
    })
}

fn take_newest(batches: &mut Vec<(Option<Day>, i64)>, mut fewer: i64) {
    while fewer > 0
        && let Some((bought, seats)) = batches.pop()
    {
        if seats > fewer {
            batches.push((bought, seats - fewer));
        }
        fewer -= seats.min(fewer);
    }
}

const fn months(term: Term) -> u32 {
    match term {
        Term::Monthly => 1,
        Term::Annual => 12,
        Term::Triennial => 36,
    }
}

/// A day so many months later, or earlier.
fn shifted(from: Day, months: u32, later: bool) -> Day {
    let months = Months::new(months);
    let shifted =
        if later { date(from).checked_add_months(months) } else { date(from).checked_sub_months(months) };
    shifted.map_or(from, day)
}

/// The term that runs on a day, of terms that follow one another from this day on. Counted from the same day
/// each time: the 31st stays the 31st where a month has one.
fn rolled(start: Day, months: u32, as_of: Day) -> Option<TermDays> {
    let nth = |number: u32| shifted(start, months.saturating_mul(number), true);
    let number = (1..=1200).find(|number| nth(*number) > as_of)?;
    Some(TermDays { from: Some(nth(number - 1)), until: nth(number), renewed: true })
}

/// When seats can be dropped, and why then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Droppable {
    /// The first day without them, if that is decided in time.
    from: Day,
    /// The last day on which it can be decided.
    by: Day,
    reason: DropReason,
}

fn droppable(
    as_of: Day,
    window: Option<Day>,
    term: Option<TermDays>,
    length: Option<Term>,
) -> Option<Droppable> {
    if let Some(last) = window.filter(|last| *last >= as_of) {
        return Some(Droppable { from: as_of, by: last, reason: DropReason::CancellationWindow });
    }
    let term = term?;
    let reason = if length == Some(Term::Monthly) { DropReason::MonthlyTerm } else { DropReason::Renewal };
    Some(Droppable { from: term.until, by: term.until.saturating_sub(1), reason })
}

/// Seats of one subscription that were bought on one day.
#[derive(Clone, Debug)]
struct Batch {
    seats: i64,
    subscription: Option<String>,
    length: Option<Term>,
    bought: Option<Day>,
    /// Last whole day of the cancellation window.
    window: Option<Day>,
    term: Option<TermDays>,
    droppable: Option<Droppable>,
    currency: Option<Currency>,
    rate: Option<Rate>,
}

impl Batch {
    /// Seats of which nothing is known but that they are not used.
    const fn unknown() -> Self {
        Self {
            seats: 0,
            subscription: None,
            length: None,
            bought: None,
            window: None,
            term: None,
            droppable: None,
            currency: None,
            rate: None,
        }
    }

    /// Soonest first, then the dearest, then the newest.
    fn order(&self) -> impl Ord + use<'_> {
        let droppable = self.droppable.map(|droppable| (droppable.from, droppable.by));
        (droppable.is_none(), droppable, Reverse(self.rate), &self.subscription, Reverse(self.bought))
    }

    fn shown(&self, seats: i64, as_of: Day) -> Result<WasteBatch, AuditError> {
        let tomorrow = as_of.saturating_add(1);
        let mut cost_until = None;
        let mut missed = None;
        if let Some(Droppable { by, reason, .. }) = self.droppable {
            let after = by.saturating_add(1);
            cost_until = self.cost(seats, Days { from: tomorrow, until: after })?;
            let next = match reason {
                DropReason::CancellationWindow => self.term.map(|term| term.until),
                _ => self.length.map(|length| shifted(after, months(length), true)),
            };
            if let Some(until) = next {
                missed = self.cost(seats, Days { from: after, until: until.max(after) })?;
            }
        }
        Ok(WasteBatch {
            seats: Decimal::from(seats),
            subscription: self.subscription.clone(),
            term: self.length,
            bought_on: self.bought.map(date),
            window_ends: self.window.map(date),
            droppable_from: self.droppable.map(|droppable| date(droppable.from)),
            drop_by: self.droppable.map(|droppable| date(droppable.by)),
            reason: self.droppable.map_or(DropReason::Unknown, |droppable| droppable.reason),
            renewed: self.term.is_some_and(|term| term.renewed),
            cost_until,
            unrecovered_if_missed: missed,
        })
    }

    /// What seats cost on these days, rounded once. None where it is not known.
    fn cost(&self, seats: i64, days: Days) -> Result<Option<Money>, AuditError> {
        let (Some(currency), Some(rate)) = (self.currency, self.rate) else { return Ok(None) };
        // Per length of a month, so that it is divided last.
        let mut by_length: BTreeMap<i64, i64> = BTreeMap::new();
        let mut month = Month::of(date(days.from));
        while !days.is_empty() && day(month.first_day()) < days.until {
            let own = Days::of(month.span());
            *by_length.entry(own.count()).or_default() += own.and(days).count();
            let next = month.next();
            if next == month {
                break;
            }
            month = next;
        }
        let each = times(rate.0, seats)?;
        let mut sum = Decimal::ZERO;
        for (length, days) in by_length {
            let part = times(each, days)?.checked_div(Decimal::from(length * RATE_MONTHS));
            sum = add(sum, part.ok_or(AuditError::Overflow)?)?;
        }
        Ok(Some(Money::round(sum, currency)))
    }
}
