//! Vendor charges to seats over time.
//!
//! Vendors tell a change of seats by money: a refund of the old total and a charge of the new one, with a
//! positive quantity on both. On any day, seats are the sum of |quantity| x sign(amount) over the
//! charges that cover the day; charge dates give the steps inside a cycle. Rows of a price of zero have
//! no sign; there the halves of one change are paired by the change's reference (see [`signs`]).
//!
//! Legacy subscriptions tell a change as a refund of the whole cycle and one charge for each sub-period with
//! its seats, all of the charge type `cycle_instance_prorate`. The same sum holds: on a day of a sub-period
//! the old charge and its refund cancel out, and the sub-period's seats are left.
//!
//! [`seat_states`] is a pure function of a multiset of charges: the order of rows and files changes
//! nothing, and charges of several files are given together. It knows no formats, prices or periods.

mod signs;

use crate::period::Span;
use crate::records::{ChargeKind, ClientRef, ProductRef, Term, VendorCharge};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Seats of one client's product on one subscription, the same on all its days.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeatState {
    /// Whose.
    pub client: ClientRef,
    /// Of what.
    pub product: ProductRef,
    /// Subscription id, where charges name one.
    pub subscription: Option<String>,
    /// Commitment term: of the newest charge on these days, unless several terms are held at once; then
    /// each has its own state.
    pub term: Option<Term>,
    /// First day.
    pub from: NaiveDate,
    /// Day after the last; [`NaiveDate::MAX`] when the charges have no end.
    pub until: NaiveDate,
    /// Seats; 0 after a cancellation, for as long as the refund says.
    pub quantity: Decimal,
    /// Lines of the charges that it follows from, sorted.
    pub lines: Vec<u32>,
}

impl SeatState {
    /// Its days.
    pub fn span(&self) -> Span {
        Span { from: self.from, until: (self.until != NaiveDate::MAX).then_some(self.until) }
    }
}

/// Something about charges that a person should see.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct SeatNote {
    /// Stable, lower snake case: `earlier_charge_missing`, `unknown_charge_type`, `unpaired_zero_price`,
    /// `split_price`, `below_zero`.
    pub code: &'static str,
    /// Subscription id, where charges name one.
    pub subscription: Option<String>,
    /// Lines of the charges, sorted.
    pub lines: Vec<u32>,
    /// For people.
    pub text: String,
}

/// What follows from charges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeatStates {
    /// By client, product and subscription, then by day; days without any charge have none.
    pub states: Vec<SeatState>,
    /// What could not be followed, or only with care.
    pub notes: Vec<SeatNote>,
}

/// A charge with its sign settled: so many seats more (or fewer) on these days.
#[derive(Clone, Debug)]
struct Step {
    from: NaiveDate,
    until: NaiveDate,
    seats: Decimal,
    term: Option<Term>,
    line: u32,
}

/// Client, product and subscription, by id where there is one: names change.
type Key = (String, String, Option<String>);

/// Charges to seats over time. Metered use and one-time purchases are no seats and are passed over.
///
/// A charge whose span has no end holds on. Charges of one client, product and subscription are taken
/// together; several subscriptions of one product are several series of states, to be added.
pub fn seat_states(charges: &[(&VendorCharge, u32)]) -> SeatStates {
    let mut groups: BTreeMap<Key, Vec<(&VendorCharge, u32)>> = BTreeMap::new();
    for &(charge, line) in charges.iter().filter(|(charge, _)| charge.kind == ChargeKind::Licence) {
        groups.entry(key(charge)).or_default().push((charge, line));
    }
    let elsewhere = signs::Elsewhere::of(charges);
    let mut out = SeatStates::default();
    for group in groups.values_mut() {
        group.sort_by(|a, b| order(a).cmp(&order(b)));
        follow(group, &elsewhere, &mut out);
    }
    out.states.sort();
    out.notes.sort();
    out
}

/// Whose charges are taken together: those of one id, else of one name.
pub(crate) fn client_key(client: &ClientRef) -> String {
    match &client.id {
        Some(id) => format!("id:{}", id.to_lowercase()),
        None => format!("name:{}", client.name.as_deref().unwrap_or_default().trim().to_lowercase()),
    }
}

fn key(charge: &VendorCharge) -> Key {
    let fold = |text: &Option<String>| text.as_deref().unwrap_or_default().trim().to_lowercase();
    let client = client_key(&charge.client);
    let product = match &charge.product.sku {
        Some(sku) => format!("sku:{}", sku.to_lowercase()),
        None => format!("name:{}|{}", fold(&charge.product.name), fold(&charge.product.part_number)),
    };
    (client, product, charge.subscription.as_ref().map(|id| id.to_lowercase()))
}

/// An order of charges that depends on nothing but the charges.
fn order<'a>(charge: &'a (&VendorCharge, u32)) -> impl Ord + use<'a> {
    let (c, line) = charge;
    (c.span, c.ordered_on, &c.reference, &c.charge_type, c.quantity, c.amount, c.unit_price, *line)
}

fn follow(group: &[(&VendorCharge, u32)], elsewhere: &signs::Elsewhere, out: &mut SeatStates) {
    let Some((client, product)) = names(group) else { return };
    let subscription = group.first().and_then(|(charge, _)| charge.subscription.clone());
    let mut note = |code, lines: BTreeSet<u32>, text: String| {
        out.notes.push(SeatNote {
            code,
            subscription: subscription.clone(),
            lines: lines.into_iter().collect(),
            text,
        });
    };
    let mut steps = signs::steps(group, elsewhere, &mut note);
    steps.extend(missing_charges(&steps, &mut note));
    for state in states(&steps, &mut note) {
        out.states.push(SeatState {
            client: client.clone(),
            product: product.clone(),
            subscription: subscription.clone(),
            ..state
        });
    }
}

/// The names of the newest charge: they change, ids do not.
fn names(group: &[(&VendorCharge, u32)]) -> Option<(ClientRef, ProductRef)> {
    let newest = group.iter().map(|(charge, _)| charge.span.from).max()?;
    let of_newest = || group.iter().map(|(charge, _)| charge).filter(|charge| charge.span.from == newest);
    let client = of_newest().map(|charge| &charge.client).max()?.clone();
    let product = of_newest().map(|charge| &charge.product).max()?.clone();
    Some((ClientRef::clone(&client), ProductRef::clone(&product)))
}

/// Seats that a refund gives back and no charge here put there: their charge is in another file (a
/// change's refund names the whole old total). They count from the refund's day on; before it nothing is known.
fn missing_charges(steps: &[Step], note: &mut dyn FnMut(&'static str, BTreeSet<u32>, String)) -> Vec<Step> {
    let mut missing: Vec<Step> = Vec::new();
    let days: BTreeSet<NaiveDate> =
        steps.iter().filter(|step| step.seats < Decimal::ZERO).map(|step| step.from).collect();
    for day in days {
        let here: Vec<&Step> = steps.iter().filter(|step| step.from == day).collect();
        let before: Decimal = steps
            .iter()
            .chain(&missing)
            .filter(|step| step.from < day && day < step.until)
            .map(|step| step.seats)
            .sum();
        // What is put there and taken away on the same day is the inside of a chain of changes.
        // (Legacy sub-periods begin on that day too, and end before the cycle does.)
        let mut charged: Vec<(Decimal, NaiveDate)> = here
            .iter()
            .filter(|step| step.seats > Decimal::ZERO)
            .map(|step| (step.seats, step.until))
            .collect();
        let mut lines = BTreeSet::new();
        let mut refunded = Decimal::ZERO;
        let mut until = day;
        let mut terms: BTreeSet<Option<Term>> = BTreeSet::new();
        for refund in here.iter().filter(|step| step.seats < Decimal::ZERO) {
            if let Some(place) = charged.iter().position(|put| *put == (-refund.seats, refund.until)) {
                charged.swap_remove(place);
                continue;
            }
            refunded -= refund.seats;
            until = until.max(refund.until);
            lines.insert(refund.line);
            terms.insert(refund.term);
        }
        let lacking = refunded - before.max(Decimal::ZERO);
        if lacking <= Decimal::ZERO {
            continue;
        }
        let text = format!(
            "{} seats are refunded from {day} whose charge is not here: it is in another file",
            refunded.normalize()
        );
        let line = lines.first().copied().unwrap_or_default();
        note("earlier_charge_missing", lines, text);
        let term = terms.first().copied().flatten().filter(|_| terms.len() == 1);
        missing.push(Step { from: day, until, seats: lacking, term, line });
    }
    missing
}

/// Steps to states: the sum on every day, days of equal seats joined.
fn states(steps: &[Step], note: &mut dyn FnMut(&'static str, BTreeSet<u32>, String)) -> Vec<SeatState> {
    let days: BTreeSet<NaiveDate> = steps.iter().flat_map(|step| [step.from, step.until]).collect();
    let days: Vec<NaiveDate> = days.into_iter().collect();
    let mut states: Vec<SeatState> = Vec::new();
    // Day by day: what begins comes in, what ended goes out.
    let mut coming: Vec<&Step> = steps.iter().collect();
    coming.sort_by_key(|step| step.from);
    let mut coming = coming.into_iter().peekable();
    let mut active: Vec<&Step> = Vec::new();
    for pair in days.windows(2) {
        let &[from, until] = pair else { continue };
        while let Some(step) = coming.next_if(|step| step.from <= from) {
            active.push(step);
        }
        active.retain(|step| from < step.until);
        if active.is_empty() {
            continue;
        }
        let quantity: Decimal = active.iter().map(|step| step.seats).sum();
        let lines: BTreeSet<u32> = active.iter().map(|step| step.line).collect();
        if quantity < Decimal::ZERO {
            let text = format!(
                "more seats are refunded than charged from {from} to {until}; no seats are taken for these days"
            );
            note("below_zero", lines, text);
            continue;
        }
        for (term, quantity, lines) in by_term(&active).unwrap_or_else(|| {
            let charged = active.iter().filter(|step| step.seats > Decimal::ZERO);
            let newest = charged.max_by_key(|step| (step.from, step.term)).and_then(|step| step.term);
            vec![(newest, quantity, lines)]
        }) {
            let mut before = states.iter_mut().rev().take_while(|state| state.until >= from);
            if let Some(last) = before.find(|last| {
                last.until == from && last.quantity == quantity && (last.term == term || quantity.is_zero())
            }) {
                last.until = until;
                let all: BTreeSet<u32> = last.lines.iter().copied().chain(lines).collect();
                last.lines = all.into_iter().collect();
                continue;
            }
            states.push(SeatState {
                client: ClientRef::default(),
                product: ProductRef::default(),
                subscription: None,
                term,
                from,
                until,
                quantity,
                lines: lines.into_iter().collect(),
            });
        }
    }
    states
}

/// The seats of one term on some days, and the lines that they follow from.
type OfTerm = (Option<Term>, Decimal, BTreeSet<u32>);

/// Seats and lines per term: charges that name no subscription can speak of several terms at once.
/// `None` where no term has seats, or where a refund does not state the term of what it gives back, so
/// that the seats cannot be told apart.
fn by_term(active: &[&Step]) -> Option<Vec<OfTerm>> {
    let mut terms: BTreeMap<Option<Term>, (Decimal, BTreeSet<u32>)> = BTreeMap::new();
    for step in active {
        let (seats, lines) = terms.entry(step.term).or_default();
        *seats += step.seats;
        lines.insert(step.line);
    }
    if terms.values().any(|(seats, _)| *seats < Decimal::ZERO) {
        return None;
    }
    terms.retain(|_, (seats, _)| !seats.is_zero());
    if terms.len() == 1
        && let Some(mut only) = terms.first_entry()
    {
        only.get_mut().1 = active.iter().map(|step| step.line).collect();
    }
    let told = |(term, (seats, lines))| (term, seats, lines);
    (!terms.is_empty()).then(|| terms.into_iter().map(told).collect())
}

#[cfg(test)]
mod tests;
