//! Files' rows as the engine reads them: names as numbers, days as integers, seats as whole numbers.
//!
//! Rows borrow what they came from; nothing is copied but what the comparison touches.

use super::calendar::{Day, Days, OPEN, day};
use super::identity::{ClientId, Identity, ProductId};
use super::input::{Basis, Source};
use crate::parallel;
use crate::period::Span;
use crate::records::{BillingLine, Entitlement, Held, LineType, Record, Sourced, Term, VendorCharge};
use chrono::Months;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// More seats than any client has; a larger number is a mistake and is not counted with.
const MOST_SEATS: i64 = 1_000_000_000;

/// Where a row stands: index of its source, and line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Line {
    pub source: u32,
    pub line: u32,
}

/// A number of seats as a source tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seats {
    /// Not told.
    Unknown,
    /// This many.
    Whole(i32),
    /// A part of a seat, or more seats than there are: never rounded, so not comparable.
    NotWhole,
}

impl Seats {
    pub(super) fn of(quantity: Option<Decimal>) -> Self {
        match quantity {
            None => Self::Unknown,
            Some(quantity) => whole(quantity).map_or(Self::NotWhole, Self::some),
        }
    }

    /// So many, at most twice [`MOST_SEATS`].
    fn some(seats: i64) -> Self {
        i32::try_from(seats).map_or(Self::NotWhole, Self::Whole)
    }

    pub(super) fn known(self) -> Option<i64> {
        match self {
            Self::Whole(seats) => Some(i64::from(seats)),
            Self::Unknown | Self::NotWhole => None,
        }
    }
}

/// A whole number of seats within reason.
pub(super) fn whole(quantity: Decimal) -> Option<i64> {
    let whole = match quantity.scale() {
        // Nearly always.
        0 => i64::try_from(quantity.mantissa()).ok(),
        _ if quantity.fract().is_zero() => quantity.to_i64(),
        _ => None,
    };
    whole.filter(|seats| seats.abs() <= MOST_SEATS)
}

/// Seats that a client has of a product on some days, by an entitlement row or by vendor charges.
#[derive(Clone, Debug)]
pub(super) struct Count {
    pub client: ClientId,
    pub product: ProductId,
    /// Index of the format in the order of use.
    pub rank: u32,
    pub days: Days,
    pub term: Option<Term>,
    pub purchased: Seats,
    pub assigned: Seats,
    pub active: Seats,
    pub free: bool,
    pub line: Line,
    /// Further lines, where one state follows from several.
    pub more: Box<[Line]>,
}

impl Count {
    /// Seats of the chosen basis.
    pub(super) const fn seats(&self, basis: Basis) -> Seats {
        match basis {
            Basis::Purchased => self.purchased,
            Basis::Assigned => self.assigned,
            Basis::Active => self.active,
        }
    }

    /// What use is measured by, and how many seats are in use.
    pub(super) fn used(&self) -> Option<(Basis, i64)> {
        let active = self.active.known().map(|seats| (Basis::Active, seats));
        active.or_else(|| self.assigned.known().map(|seats| (Basis::Assigned, seats)))
    }
}

/// A line that a client is charged.
#[derive(Clone, Debug)]
pub(super) struct Bill<'a> {
    pub client: ClientId,
    pub product: ProductId,
    pub rank: u32,
    pub days: Days,
    /// Quantity less included; 0 on lines that charge nothing.
    pub billed: Seats,
    /// Free seats inside the quantity of a line that charges.
    pub included: Seats,
    pub record: &'a BillingLine,
    pub line: Line,
}

impl Bill<'_> {
    pub(super) fn regular(&self) -> bool {
        self.record.line_type == LineType::Regular
    }
}

/// A line that the vendor charges.
#[derive(Clone, Debug)]
pub(super) struct Charge<'a> {
    pub client: ClientId,
    pub product: ProductId,
    pub rank: u32,
    pub days: Days,
    pub record: &'a VendorCharge,
    pub line: Line,
}

/// An entitlement row before it is known how long a snapshot holds.
#[derive(Clone, Debug)]
pub(super) struct RawEntitlement<'a> {
    /// Its seats; of a snapshot on the day on which they were seen.
    pub count: Count,
    pub held: RawHeld,
    pub record: &'a Entitlement,
}

/// When a raw entitlement holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RawHeld {
    During(Days),
    /// Seen on this day, or on a day that nobody stated.
    Seen(Option<Day>),
}

/// All rows, before any is left out.
#[derive(Debug, Default)]
pub(super) struct RawRows<'a> {
    pub entitlements: Vec<RawEntitlement<'a>>,
    pub bills: Vec<Bill<'a>>,
    pub charges: Vec<Charge<'a>>,
}

impl RawRows<'_> {
    /// Takes the rows of the next source.
    fn append(&mut self, mut next: Self) {
        append(&mut self.entitlements, &mut next.entitlements);
        append(&mut self.bills, &mut next.bills);
        append(&mut self.charges, &mut next.charges);
    }

    /// Room for rows of a source that is all like its first one.
    fn reserve(&mut self, records: &[Sourced]) {
        match records.first().map(|first| &first.record) {
            Some(Record::Entitlement(_)) => self.entitlements.reserve(records.len()),
            Some(Record::BillingLine(_)) => self.bills.reserve(records.len()),
            Some(Record::VendorCharge(_)) => self.charges.reserve(records.len()),
            _ => {}
        }
    }
}

/// Appends without a copy where nothing is there.
fn append<T>(rows: &mut Vec<T>, next: &mut Vec<T>) {
    if rows.is_empty() {
        std::mem::swap(rows, next);
    } else {
        rows.append(next);
    }
}

/// Reads the sources' rows. A row whose mapping changes with time becomes one row per part of it.
///
/// `ranks`: per source, the index of its format in the order of use.
pub(super) fn raw_rows<'a>(
    sources: &[&'a Source],
    ranks: &[u32],
    identity: &Identity,
    threads: usize,
) -> RawRows<'a> {
    let numbered: Vec<(usize, &Source)> = sources.iter().copied().enumerate().collect();
    let read = parallel::each(&numbered, threads, |(index, source)| {
        rows_of(*index, source, ranks.get(*index).copied().unwrap_or(u32::MAX), identity)
    });
    let mut rows = RawRows::default();
    for next in read {
        rows.append(next);
    }
    rows
}

fn rows_of<'a>(index: usize, source: &'a Source, rank: u32, identity: &Identity) -> RawRows<'a> {
    let mut rows = RawRows::default();
    rows.reserve(&source.records);
    let source_id = u32::try_from(index).unwrap_or(u32::MAX);
    for (position, sourced) in source.records.iter().enumerate() {
        let line = Line { source: source_id, line: sourced.line };
        let Some((client, product)) = identity.refs(index, position) else { continue };
        match &sourced.record {
            Record::Entitlement(record) => {
                let held = match record.held {
                    Held::During(span) => RawHeld::During(Days::of(span)),
                    Held::Snapshot { on } => RawHeld::Seen(on.or(source.snapshot_on).map(day)),
                };
                let days = match held {
                    RawHeld::During(days) => days,
                    RawHeld::Seen(Some(on)) => Days { from: on, until: on.saturating_add(1) },
                    RawHeld::Seen(None) => Days { from: Day::MIN, until: Day::MIN + 1 },
                };
                let (purchased, assigned) = (Seats::of(record.purchased), Seats::of(record.assigned));
                let active = Seats::of(record.active);
                identity.parts(client, product, days, |days, client, product| {
                    let held = match held {
                        RawHeld::During(_) => RawHeld::During(days),
                        seen @ RawHeld::Seen(_) => seen,
                    };
                    let count = Count {
                        client,
                        product,
                        rank,
                        days,
                        term: record.term,
                        purchased,
                        assigned,
                        active,
                        free: record.free,
                        line,
                        more: Box::default(),
                    };
                    rows.entitlements.push(RawEntitlement { count, held, record });
                });
            }
            Record::BillingLine(record) => {
                let days = bill_days(record);
                let (billed, included) = billed(record);
                identity.parts(client, product, days, |days, client, product| {
                    rows.bills.push(Bill { client, product, rank, days, billed, included, record, line });
                });
            }
            Record::VendorCharge(record) => {
                identity.parts(client, product, Days::of(record.span), |days, client, product| {
                    rows.charges.push(Charge { client, product, rank, days, record, line });
                });
            }
            _ => {}
        }
    }
    rows
}

/// The days of a billing line: without an end an agreement line is still so, an invoice line (and a
/// line that charges once, wherever it stands) lasts one cycle.
fn bill_days(line: &BillingLine) -> Days {
    let Span { from, until } = line.span;
    if until.is_some() || (line.recurring && line.line_type == LineType::Regular) {
        return Days::of(line.span);
    }
    let end = from.checked_add_months(Months::new(line.cycle.months()));
    Days { from: day(from), until: end.map_or(OPEN, day) }
}

/// Billed and included seats of a line.
fn billed(line: &BillingLine) -> (Seats, Seats) {
    if !line.billable {
        return (Seats::Whole(0), Seats::Whole(0));
    }
    match (whole(line.quantity), whole(line.included)) {
        (Some(quantity), Some(included)) => {
            // More included than there are: the line charges nothing, and gives no more than it has.
            let included = if quantity >= 0 { included.min(quantity) } else { 0 };
            (Seats::some(quantity - included), Seats::some(included))
        }
        _ => (Seats::NotWhole, Seats::NotWhole),
    }
}
