//! Sources of one side that disagree: the one that is used, and the others beside it.

use super::calendar::{Calendar, Days, date, intersect};
use super::client::{ClientDays, ClientRows, Context, of_product};
use super::document::SourceConflict;
use super::identity::{ClientId, ProductId};
use super::input::{Basis, Proration};
use super::rows::{Bill, Count};
use super::series::{Changes, Series};
use super::sides::covered_by;
use crate::records::Side;
use rust_decimal::Decimal;

/// Lists where sources differ about a client's product, on the last audited day on which they do.
///
/// Vendor charges are held against entitlement records too: they say what was bought.
pub(super) fn find(
    context: &Context<'_>,
    client: ClientId,
    product: ProductId,
    rows: ClientRows<'_>,
    days: &ClientDays<'_>,
    conflicts: &mut Vec<SourceConflict>,
) {
    let sources = |side| days.ranks(side).len();
    if sources(Side::Entitlement) + sources(Side::Cost) < 2 && sources(Side::Billing) < 2 {
        return;
    }
    let basis = context.input.policy.basis;
    let counts = of_product(rows.counts, product, |count| count.product);
    let states = of_product(rows.states, product, |count| count.product);
    let bills = of_product(rows.bills, product, |bill| bill.product);
    let entitled = |rank: u32, basis: Basis| counted(&counts, rank, basis);
    let mut report = |side: Side, used: (u32, Option<Series>, Side), other: (u32, Option<Series>, Side)| {
        let covered_of = |rank: u32, of: Side| covered_by(days.ranks(of), rank, context.calendar.audited);
        let both = intersect(&covered_of(used.0, used.2), &covered_of(other.0, other.2));
        let (Some(own), Some(theirs)) = (used.1, other.1) else { return };
        if let Some((on, own, theirs)) = last_difference(context.calendar, &both, &own, &theirs) {
            conflicts.push(SourceConflict {
                client: context.identity.client_name(client).to_owned(),
                side,
                product: context.identity.product_name(product).to_owned(),
                used: context.formats.name(used.0).to_owned(),
                used_seats: Decimal::from(own),
                other: context.formats.name(other.0).to_owned(),
                other_seats: Decimal::from(theirs),
                on: date(on),
            });
        }
    };
    let used = days.used_entitlement(context, product, &counts, basis);
    if let Some(used) = used {
        for (other, _) in days.ranks(Side::Entitlement).iter().filter(|(rank, _)| *rank != used) {
            if counts.iter().any(|count| count.rank == *other) {
                let (own, theirs) = (entitled(used, basis), entitled(*other, basis));
                report(
                    Side::Entitlement,
                    (used, own, Side::Entitlement),
                    (*other, theirs, Side::Entitlement),
                );
            }
        }
        for (other, _) in days.ranks(Side::Cost) {
            if states.iter().any(|state| state.rank == *other) {
                let (own, theirs) =
                    (entitled(used, Basis::Purchased), counted(&states, *other, Basis::Purchased));
                report(Side::Cost, (used, own, Side::Entitlement), (*other, theirs, Side::Cost));
            }
        }
    } else if let Some(used) = states.iter().map(|state| state.rank).min() {
        for (other, _) in days.ranks(Side::Cost).iter().filter(|(rank, _)| *rank != used) {
            if states.iter().any(|state| state.rank == *other) {
                let seats = |rank| counted(&states, rank, Basis::Purchased);
                report(Side::Cost, (used, seats(used), Side::Cost), (*other, seats(*other), Side::Cost));
            }
        }
    }
    let Some((used, _)) = days.ranks(Side::Billing).first() else { return };
    for (other, _) in days.ranks(Side::Billing).iter().skip(1) {
        if bills.iter().any(|bill| bill.rank == *other) {
            let (own, theirs) = (billed(&bills, *used), billed(&bills, *other));
            report(Side::Billing, (*used, own, Side::Billing), (*other, theirs, Side::Billing));
        }
    }
}

/// Seats of one format over time; none where it does not tell them.
fn counted(counts: &[&Count], rank: u32, basis: Basis) -> Option<Series> {
    let mut changes = Changes::default();
    for count in counts.iter().filter(|count| count.rank == rank) {
        changes.add(count.days, count.seats(basis).known()?);
    }
    changes.series()
}

fn billed(bills: &[&Bill<'_>], rank: u32) -> Option<Series> {
    let mut changes = Changes::default();
    for bill in bills.iter().filter(|bill| bill.rank == rank && bill.regular()) {
        changes.add(bill.days, bill.billed.known()?);
    }
    changes.series()
}

/// The last day on which two differ, and their seats on it.
fn last_difference(
    calendar: &Calendar,
    both: &[Days],
    own: &Series,
    theirs: &Series,
) -> Option<(i32, i64, i64)> {
    let mut changes: Vec<i32> = own.days().chain(theirs.days()).collect();
    changes.sort_unstable();
    let chunks = calendar.chunks(both, &changes, Proration::Daily);
    let differ = |at: i32| own.at(at) != theirs.at(at);
    let chunk = chunks.iter().rev().find(|chunk| differ(chunk.at))?;
    let days = i32::try_from(chunk.days).unwrap_or(1);
    Some((chunk.at.saturating_add(days - 1), own.at(chunk.at), theirs.at(chunk.at)))
}
