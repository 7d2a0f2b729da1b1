//! Which rows count: rows of one file add up, a newer file of one source replaces an older one, a
//! snapshot holds until the next, and vendor charges become seat states.
//!
//! Sources come in the order in which they were learned, so a larger source number is newer.

use super::calendar::{Calendar, Day, Days, OPEN, union};
use super::covered::{CoverageBuilder, Spans};
use super::identity::{ClientId, Identity, ProductId};
use super::input::Source;
use super::rows::{Bill, Charge, Count, Line, RawEntitlement, RawHeld, RawRows, Seats};
use super::vendor_lines::once;
use crate::money::Currency;
use crate::parallel;
use crate::records::{ChargeKind, LineType, Term, VendorCharge};
use crate::seat_states::seat_states;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The rows that count, and the days on which each client's sources speak.
#[derive(Debug, Default)]
pub(super) struct Chosen<'a> {
    /// Seats by entitlement rows.
    pub counts: Vec<Count>,
    /// Seats that follow from vendor charges.
    pub states: Vec<Count>,
    pub bills: Vec<Bill<'a>>,
    pub charges: Vec<Charge<'a>>,
    /// Days that a source covers of a client, per client and format rank, ascending and disjoint.
    pub entitled: Spans,
    pub billed: Spans,
    pub charged: Spans,
    /// Clients with a snapshot of which nobody knows the day.
    pub undated: BTreeSet<ClientId>,
    /// Days before this one are assumed, per client and format rank.
    pub assumed: HashMap<(ClientId, u32), Day>,
    /// Remarks, with the clients that they are about.
    pub notes: Vec<(BTreeSet<ClientId>, String)>,
}

impl Chosen<'_> {
    /// Gives rows and covered days the names that proposals in use say.
    pub(super) fn rename(&mut self, identity: &Identity) {
        for count in self.counts.iter_mut().chain(&mut self.states) {
            count.client = identity.client_alias(count.client);
            count.product = identity.product_alias(count.product);
        }
        for bill in &mut self.bills {
            bill.client = identity.client_alias(bill.client);
            bill.product = identity.product_alias(bill.product);
        }
        for charge in &mut self.charges {
            charge.client = identity.client_alias(charge.client);
            charge.product = identity.product_alias(charge.product);
        }
        for spans in [&mut self.entitled, &mut self.billed, &mut self.charged] {
            let mut renamed = Spans::new();
            for ((client, rank), days) in std::mem::take(spans) {
                renamed.entry((identity.client_alias(client), rank)).or_default().extend(days);
            }
            *spans = renamed.into_iter().map(|(key, days)| (key, union(days))).collect();
        }
        let assumed = std::mem::take(&mut self.assumed).into_iter();
        for ((client, rank), before) in assumed {
            let latest = self.assumed.entry((identity.client_alias(client), rank)).or_insert(before);
            *latest = (*latest).max(before);
        }
        self.undated = self.undated.iter().map(|client| identity.client_alias(*client)).collect();
    }
}

/// Marks the seats of products on the list of free, trial and viral SKUs: files do not say so.
fn mark_free(counts: &mut [Count], identity: &Identity) {
    let mut last = None;
    for count in counts {
        let free = match last {
            Some((product, free)) if product == count.product => free,
            _ => identity.free(count.product),
        };
        last = Some((count.product, free));
        count.free |= free;
    }
}

/// Chooses. `stretch`: a snapshot without a date holds over the whole period.
pub(super) fn choose<'a>(
    raw: RawRows<'a>,
    sources: &[&Source],
    identity: &Identity,
    calendar: &Calendar,
    stretch: bool,
    threads: usize,
) -> Chosen<'a> {
    let RawRows { entitlements, bills, charges } = raw;
    let held = || {
        let mut chosen = held(entitlements, sources, calendar, stretch);
        mark_free(&mut chosen.counts, identity);
        chosen
    };
    let money = || (billed(bills, sources), once(charges));
    let (mut chosen, ((bills, billed), charges)) = parallel::both(threads, held, money);
    (chosen.bills, chosen.billed) = (bills, billed);
    let mut by_vendor = CoverageBuilder::default();
    for charge in charges.iter().filter(|charge| charge.record.kind == ChargeKind::Licence) {
        by_vendor.add(charge.client, charge.rank, charge.days, stated(sources, charge.line));
    }
    chosen.charged = by_vendor.finish();
    states(&charges, &mut chosen);
    mark_free(&mut chosen.states, identity);
    chosen.charges = charges;
    chosen
}

/// The entitlement rows that count, and the days that they cover.
fn held<'a>(
    entitlements: Vec<RawEntitlement<'a>>,
    sources: &[&Source],
    calendar: &Calendar,
    stretch: bool,
) -> Chosen<'a> {
    let mut chosen = Chosen::default();
    let shared = shared(entitlements.iter().map(|row| (row.count.rank, row.count.line.source)));
    let mut entitled = CoverageBuilder::default();
    let mut snapshots = Vec::new();
    let mut during = Vec::new();
    if !shared {
        chosen.counts.reserve_exact(entitlements.len());
    }
    for row in entitlements {
        match row.held {
            // Nothing can replace it.
            RawHeld::During(days) if !shared => {
                entitled.add(row.count.client, row.count.rank, days, stated(sources, row.count.line));
                chosen.counts.push(row.count);
            }
            RawHeld::During(days) => during.push((row, days)),
            RawHeld::Seen(on) => snapshots.push((row, on)),
        }
    }
    if shared {
        replace(
            &mut during,
            |(row, days)| Entry {
                key: (
                    row.count.rank,
                    row.count.client,
                    row.count.product,
                    row.record.subscription.as_deref(),
                    row.record.term,
                ),
                from: days.from,
                open: days.until == OPEN,
                source: row.count.line.source,
            },
            |(_, days), until| days.until = days.until.min(until),
        );
    }
    chosen.counts.reserve_exact(during.len());
    for (row, days) in during {
        entitled.add(row.count.client, row.count.rank, days, stated(sources, row.count.line));
        chosen.counts.push(Count { days, ..row.count });
    }
    hold_snapshots(snapshots, calendar, stretch, &mut chosen, &mut entitled);
    chosen.entitled = entitled.finish();
    chosen
}

/// The billing lines that count, and the days that they cover.
fn billed<'a>(mut bills: Vec<Bill<'a>>, sources: &[&Source]) -> (Vec<Bill<'a>>, Spans) {
    if shared(bills.iter().map(|bill| (bill.rank, bill.line.source))) {
        replace(
            &mut bills,
            |bill| Entry {
                key: bill_key(bill),
                from: if bill.record.source_id.is_some() { Day::MIN } else { bill.days.from },
                open: bill.record.source_id.is_none() && bill.days.until == OPEN,
                source: bill.line.source,
            },
            |bill, until| bill.days.until = bill.days.until.min(until),
        );
    }
    let mut billed = CoverageBuilder::default();
    for bill in &bills {
        billed.add(bill.client, bill.rank, bill.days, stated(sources, bill.line));
    }
    bills.retain(|bill| !bill.days.is_empty());
    (bills, billed.finish())
}

/// Whether rows of one rank come from several sources: only then can a row replace another.
fn shared(mut rows: impl Iterator<Item = (u32, u32)>) -> bool {
    let mut sources: BTreeMap<u32, u32> = BTreeMap::new();
    let mut last = None;
    rows.any(|row| {
        // Rows of a source follow one another.
        let new = last.replace(row) != Some(row);
        new && *sources.entry(row.0).or_insert(row.1) != row.1
    })
}

fn stated(sources: &[&Source], line: Line) -> Option<Days> {
    sources.get(line.source as usize)?.stated_span.map(Days::of)
}

/// The natural key of a billing line without its first day: the source's own id of it, or what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum BillKey<'a> {
    Id(u32, &'a str),
    Of(u32, ClientId, ProductId, [Option<&'a str>; 3], Option<Term>, Currency, LineType),
}

fn bill_key<'a>(bill: &Bill<'a>) -> BillKey<'a> {
    let record = bill.record;
    if let Some(id) = &record.source_id {
        return BillKey::Id(bill.rank, id);
    }
    let names = [&record.billing_entity, &record.agreement, &record.invoice].map(Option::as_deref);
    let (term, line_type) = (record.term, record.line_type);
    BillKey::Of(bill.rank, bill.client, bill.product, names, term, record.currency, line_type)
}

/// What replacement looks at.
pub(super) struct Entry<K> {
    pub key: K,
    pub from: Day,
    pub open: bool,
    pub source: u32,
}

/// Leaves out rows whose key and first day a newer source tells again, and ends rows that were "still
/// so" where a newer source begins a row of the same key.
pub(super) fn replace<T, K: Ord>(
    rows: &mut Vec<T>,
    entry: impl Fn(&T) -> Entry<K>,
    end: impl Fn(&mut T, Day),
) {
    let mut order: Vec<(Entry<K>, usize)> = rows.iter().map(&entry).zip(0..).collect();
    order.sort_by(|(a, i), (b, j)| (&a.key, a.from, a.source, i).cmp(&(&b.key, b.from, b.source, j)));
    let mut ends: Vec<(usize, Day)> = Vec::new();
    for group in order.chunk_by(|(a, _), (b, _)| a.key == b.key) {
        if group.iter().all(|(entry, _)| Some(entry.source) == group.first().map(|(first, _)| first.source)) {
            continue;
        }
        // Per source, the first day of its rows that begin later than the row looked at.
        let mut later: BTreeMap<u32, Day> = BTreeMap::new();
        for same in group.chunk_by(|(a, _), (b, _)| a.from == b.from).rev() {
            let newest = same.iter().map(|(entry, _)| entry.source).max().unwrap_or(0);
            for (entry, index) in same {
                if entry.source < newest {
                    ends.push((*index, Day::MIN));
                } else if entry.open
                    && let Some(until) = later.range(entry.source + 1..).map(|(_, from)| *from).min()
                {
                    ends.push((*index, until));
                }
            }
            for (entry, _) in same {
                later.insert(entry.source, entry.from);
            }
        }
    }
    drop(order);
    let mut dropped = vec![false; rows.len()];
    for (index, until) in ends {
        if until == Day::MIN {
            if let Some(flag) = dropped.get_mut(index) {
                *flag = true;
            }
        } else if let Some(row) = rows.get_mut(index) {
            end(row, until);
        }
    }
    let mut dropped = dropped.into_iter();
    rows.retain(|_| !dropped.next().unwrap_or(false));
}

/// A snapshot holds from its day until the next one of that source and client; the first also
/// backwards to the period's beginning, assumed. Of two on one day the newer file counts.
fn hold_snapshots<'a>(
    mut rows: Vec<(RawEntitlement<'a>, Option<Day>)>,
    calendar: &Calendar,
    stretch: bool,
    chosen: &mut Chosen<'a>,
    entitled: &mut CoverageBuilder,
) {
    rows.retain(|(row, on)| {
        let usable = on.is_some() || stretch;
        if !usable {
            chosen.undated.insert(row.count.client);
        }
        usable
    });
    let start = calendar.period.from;
    rows.sort_by_key(|(row, on)| (row.count.client, row.count.rank, on.unwrap_or(start), row.count.line));
    let of = |row: &RawEntitlement<'_>| (row.count.client, row.count.rank);
    for source in rows.chunk_by(|(a, _), (b, _)| of(a) == of(b)) {
        let on = |on: Option<Day>| on.unwrap_or(start);
        let days: Vec<Day> = {
            let mut days: Vec<Day> = source.iter().map(|(_, seen)| on(*seen)).collect();
            days.dedup();
            days
        };
        for (index, seen) in source.chunk_by(|(_, a), (_, b)| on(*a) == on(*b)).enumerate() {
            let newest = seen.iter().map(|(row, _)| row.count.line.source).max();
            let first = index == 0;
            let undated = seen.iter().all(|(_, day)| day.is_none());
            let day = seen.first().map_or(start, |(_, day)| on(*day));
            let from = if first { day.min(start) } else { day };
            let held = Days { from, until: days.get(index + 1).copied().unwrap_or(OPEN) };
            let assumed = if undated {
                held.until
            } else if first {
                day
            } else {
                Day::MIN
            };
            for (row, _) in seen.iter().filter(|(row, _)| Some(row.count.line.source) == newest) {
                entitled.add(row.count.client, row.count.rank, held, None);
                chosen.counts.push(Count { days: held, ..row.count.clone() });
                let latest = chosen.assumed.entry((row.count.client, row.count.rank)).or_insert(Day::MIN);
                *latest = (*latest).max(assumed);
            }
        }
    }
}

/// Seats per subscription from vendor charges: those of one format together, for the halves of a change
/// may stand in different files.
///
/// A charge that a mapping's date cuts in parts is told once, and its states are cut in the same parts.
fn states(charges: &[Charge<'_>], chosen: &mut Chosen<'_>) {
    let mut parts: BTreeMap<(u32, Line), Vec<&Charge<'_>>> = BTreeMap::new();
    for charge in charges.iter().filter(|charge| charge.record.kind == ChargeKind::Licence) {
        parts.entry((charge.rank, charge.line)).or_default().push(charge);
    }
    let told: Vec<(u32, Vec<&Charge<'_>>)> =
        parts.into_iter().map(|((rank, _), parts)| (rank, parts)).collect();
    for of_format in told.chunk_by(|(a, _), (b, _)| a == b) {
        let lines: Vec<(&VendorCharge, u32)> = (0_u32..)
            .zip(of_format)
            .filter_map(|(index, (_, parts))| parts.first().map(|charge| (charge.record, index)))
            .collect();
        let found = seat_states(&lines);
        for note in found.notes {
            let lines = note.lines.iter().filter_map(|index| of_format.get(*index as usize));
            let clients = lines.flat_map(|(_, parts)| parts).map(|charge| charge.client).collect();
            chosen.notes.push((clients, note.text));
        }
        for state in found.states {
            let span = state.span();
            let mut own = state.lines.iter().filter_map(|index| of_format.get(*index as usize));
            let Some((rank, parts)) = own.next() else { continue };
            let more: Box<[Line]> =
                own.filter_map(|(_, parts)| parts.first()).map(|charge| charge.line).collect();
            for part in parts {
                let days = Days::of(span);
                let days = if parts.len() == 1 { days } else { days.and(part.days) };
                chosen.states.push(Count {
                    client: part.client,
                    product: part.product,
                    rank: *rank,
                    days,
                    term: state.term,
                    purchased: Seats::of(Some(state.quantity)),
                    assigned: Seats::Unknown,
                    active: Seats::Unknown,
                    free: false,
                    line: part.line,
                    more: more.clone(),
                });
            }
        }
    }
}
