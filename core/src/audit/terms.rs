//! Terms of one day: which terms the seats of the gap have, and which are billed on another term.

use super::document::Direction;
use super::pricing::Rate;
use crate::records::Term;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// Seats of one term; none: seats that only a contract minimum asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TermSeats {
    pub term: Option<Term>,
    pub rate: Option<Rate>,
    pub seats: i64,
}

/// Seats that are billed on `from` and bought on `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub from: Term,
    pub to: Term,
    pub seats: i64,
    /// Rate of `to` less rate of `from`; none where one of them is unknown.
    pub rate: Option<Decimal>,
}

/// One day by terms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TermDays {
    /// The seats of the gap.
    pub gap: Vec<TermSeats>,
    /// Seats billed on another term.
    pub mix: Vec<Pair>,
}

/// Splits a day's gap by terms.
///
/// What the waterfall takes off is taken from the terms of which more is bought than billed, the
/// dearest first, so that it is never the client who pays for the choice; then from the others, the
/// dearest first. Seats that a minimum adds have no term.
pub(super) fn split(
    counted: &BTreeMap<Term, i64>,
    billed: &BTreeMap<Term, i64>,
    billable: i64,
    price: impl Fn(Option<Term>, Direction) -> Option<Rate>,
    has_own_price: impl Fn(Term, Direction) -> bool,
) -> Option<TermDays> {
    let total = |seats: &BTreeMap<Term, i64>| seats.values().try_fold(0_i64, |sum, n| sum.checked_add(*n));
    let gap = billable.checked_sub(total(billed)?)?;
    let direction = if gap < 0 { Direction::Over } else { Direction::Under };
    let mut wanted = counted.clone();
    let mut off = total(counted)?.checked_sub(billable)?;
    let of = |seats: &BTreeMap<Term, i64>, term: Term| seats.get(&term).copied().unwrap_or(0);
    let mut dearest: Vec<(Option<Rate>, Term)> =
        counted.keys().map(|term| (price(Some(*term), direction), *term)).collect();
    dearest.sort_unstable_by(|a, b| b.cmp(a));
    for only_surplus in [true, false] {
        for (_, term) in &dearest {
            let have = of(&wanted, *term);
            let most = if only_surplus { have - of(billed, *term).max(0) } else { have };
            let taken = off.min(most).max(0);
            wanted.insert(*term, have - taken);
            off -= taken.min(off.max(0));
        }
    }
    let terms: std::collections::BTreeSet<Term> = wanted.keys().chain(billed.keys()).copied().collect();
    let mut more: Vec<TermSeats> = Vec::new();
    let mut less: Vec<TermSeats> = Vec::new();
    for term in terms {
        let difference = of(&wanted, term) - of(billed, term);
        let seats =
            TermSeats { term: Some(term), rate: price(Some(term), direction), seats: difference.abs() };
        match difference.signum() {
            1 => more.push(seats),
            -1 => less.push(seats),
            _ => {}
        }
    }
    if off < 0 {
        more.push(TermSeats { term: None, rate: price(None, direction), seats: -off });
    }
    cheapest_first(&mut more);
    cheapest_first(&mut less);
    let (mut same, mut other) = if gap < 0 { (less, more) } else { (more, less) };
    let in_gap = take(&mut same, gap.abs());
    let (mut excess, mut lacking) = if gap < 0 { (same, std::mem::take(&mut other)) } else { (other, same) };
    let mix = pairs(&mut excess, &mut lacking, |term| has_own_price(term, direction));
    Some(TermDays { gap: in_gap, mix })
}

/// Cheapest first; a term without a price comes last.
fn cheapest_first(seats: &mut [TermSeats]) {
    seats.sort_by_key(|seats| (seats.rate.is_none(), seats.rate, seats.term));
}

/// Takes so many seats off the front.
fn take(seats: &mut Vec<TermSeats>, count: i64) -> Vec<TermSeats> {
    let mut taken = Vec::new();
    let mut left = count;
    for entry in seats.iter_mut() {
        let some = left.min(entry.seats);
        if some > 0 {
            taken.push(TermSeats { seats: some, ..*entry });
            entry.seats -= some;
            left -= some;
        }
    }
    seats.retain(|entry| entry.seats > 0);
    taken
}

/// Joins billed terms with the terms that lack, seat by seat. A difference of prices is only one where
/// each term has a price of its own: the product's price in place of a term's would make it 0.
fn pairs(
    excess: &mut Vec<TermSeats>,
    lacking: &mut Vec<TermSeats>,
    has_own_price: impl Fn(Term) -> bool,
) -> Vec<Pair> {
    let mut pairs = Vec::new();
    while let (Some(from), Some(to)) = (excess.first().copied(), lacking.first().copied()) {
        let seats = from.seats.min(to.seats);
        take(excess, seats);
        take(lacking, seats);
        if seats == 0 {
            break;
        }
        if let (Some(from_term), Some(to_term)) = (from.term, to.term) {
            let known = has_own_price(from_term) && has_own_price(to_term);
            let rates = to.rate.zip(from.rate).filter(|_| known);
            let rate = rates.and_then(|(to, from)| to.0.checked_sub(from.0));
            pairs.push(Pair { from: from_term, to: to_term, seats, rate });
        }
    }
    pairs
}
