//! Which charges add seats and which take them away.
//!
//! The sign of the amount tells, except where there is none to tell by (a price of zero) or where a
//! row moves money alone (credits, discounts, fees).

use super::Step;
use crate::records::VendorCharge;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What is known of changes outside one subscription: a trial's refund and the paid seats that it turns
/// into may stand on two subscriptions with one reference.
pub(super) struct Elsewhere {
    /// References, and the subscriptions on which they have a charge above zero.
    charged: HashMap<String, BTreeSet<Option<String>>>,
}

impl Elsewhere {
    pub(super) fn of(charges: &[(&VendorCharge, u32)]) -> Self {
        let mut by_reference: HashMap<String, BTreeSet<Option<String>>> = HashMap::new();
        for (charge, _) in charges {
            if let Some(reference) = charge.reference.as_ref().filter(|_| sign(charge) == Some(1)) {
                by_reference.entry(reference.clone()).or_default().insert(charge.subscription.clone());
            }
        }
        Self { charged: by_reference }
    }

    fn charges(&self, charge: &VendorCharge) -> bool {
        let others = charge.reference.as_ref().and_then(|reference| self.charged.get(reference));
        others.is_some_and(|others| others.iter().any(|other| *other != charge.subscription))
    }
}

/// The halves of one change: those with its reference, or of one kind on one day.
type Change<'a> = (Option<&'a str>, Option<&'a str>, NaiveDate);

fn change(charge: &VendorCharge) -> Change<'_> {
    match charge.reference.as_deref() {
        Some(reference) => (Some(reference), None, charge.span.from),
        None => (None, charge.charge_type.as_deref(), charge.span.from),
    }
}

/// 1 for a charge, -1 for a refund, none at a price of zero (unless the quantity itself is negative).
fn sign(charge: &VendorCharge) -> Option<i32> {
    let number = if charge.amount.is_zero() { charge.unit_price } else { charge.amount };
    if number.is_zero() {
        (charge.quantity < Decimal::ZERO).then_some(-1)
    } else if number.is_sign_negative() {
        Some(-1)
    } else {
        Some(1)
    }
}

type Note<'n> = dyn FnMut(&'static str, BTreeSet<u32>, String) + 'n;

/// The charges of one subscription and product as steps.
pub(super) fn steps(group: &[(&VendorCharge, u32)], elsewhere: &Elsewhere, note: &mut Note<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut zero: BTreeMap<Change<'_>, Vec<(&VendorCharge, u32)>> = BTreeMap::new();
    let mut signed: BTreeMap<Change<'_>, i32> = BTreeMap::new();
    let known = group.iter().any(|(charge, _)| charge.known_charge_type && !moves_money_alone(charge));
    let pairs = pairs(group);
    let group = one_of_each_part(group, note);
    for &(charge, line) in &group {
        if moves_money_alone(charge) || charge.quantity.is_zero() {
            continue;
        }
        if !charge.known_charge_type {
            let kind = charge.charge_type.as_deref().unwrap_or_default();
            let counts = pairs.contains(&change(charge)) || !known;
            let how = if counts { "its seats are counted" } else { "taken as money alone, without seats" };
            note(
                "unknown_charge_type",
                BTreeSet::from([line]),
                format!("the charge type `{kind}` is not known: {how}"),
            );
            if !counts {
                continue;
            }
        }
        match sign(charge) {
            Some(sign) => {
                *signed.entry(change(charge)).or_default() += sign;
                steps.push(step(charge, line, sign));
            }
            None => zero.entry(change(charge)).or_default().push((charge, line)),
        }
    }
    for (change, halves) in zero {
        let signed = signed.get(&change).copied();
        pair(&halves, signed, elsewhere, &mut steps, note);
    }
    steps
}

fn step(charge: &VendorCharge, line: u32, sign: i32) -> Step {
    Step {
        from: charge.span.from,
        until: charge.span.until.unwrap_or(NaiveDate::MAX),
        seats: charge.quantity.abs() * Decimal::from(sign),
        term: charge.term,
        line,
    }
}

/// Credits and discounts that change no seats.
fn moves_money_alone(charge: &VendorCharge) -> bool {
    charge.charge_type.as_deref().is_some_and(|kind| {
        matches!(kind, "customer_credit" | "credit" | "offset_a_line_item") || kind.ends_with("_discount")
    })
}

/// Seats whose price comes in parts stand on a line for each part (a suite with telephony: the telephony and
/// the rest), with one reference, the same days and the same quantity. They are one number of seats.
fn one_of_each_part<'a>(
    group: &[(&'a VendorCharge, u32)],
    note: &mut Note<'_>,
) -> Vec<(&'a VendorCharge, u32)> {
    let sign_of = |charge: &VendorCharge| {
        let plain = charge.charge_type.as_deref().is_some_and(plain);
        sign(charge).or_else(|| plain.then_some(1))
    };
    let mut parts: BTreeMap<_, Vec<(&'a VendorCharge, u32)>> = BTreeMap::new();
    for &(charge, line) in group {
        if let (Some(reference), Some(sign)) = (charge.reference.as_deref(), sign_of(charge)) {
            let kind = charge.charge_type.as_deref();
            parts
                .entry((reference, kind, charge.span, charge.quantity.abs(), sign))
                .or_default()
                .push((charge, line));
        }
    }
    let mut more = BTreeSet::new();
    for ((.., seats, _), lines) in parts {
        let prices: BTreeSet<(Decimal, Decimal)> = lines
            .iter()
            .map(|(charge, _)| (charge.list_price.unwrap_or(charge.unit_price), charge.amount))
            .collect();
        let distinct: BTreeSet<Decimal> = prices.iter().map(|(price, _)| *price).collect();
        if lines.len() < 2 || distinct.len() < lines.len() {
            continue;
        }
        let text = format!(
            "{} seats stand on {} lines of one change with different prices; they are counted once",
            seats.normalize(),
            lines.len()
        );
        note("split_price", lines.iter().map(|(_, line)| *line).collect(), text);
        // The line with the largest amount keeps the sign where another part is free.
        let kept = lines.iter().max_by_key(|(charge, line)| (charge.amount.abs(), std::cmp::Reverse(*line)));
        let kept = kept.map(|(_, line)| *line);
        more.extend(lines.iter().map(|(_, line)| *line).filter(|line| Some(*line) != kept));
    }
    group.iter().copied().filter(|(_, line)| !more.contains(line)).collect()
}

/// Charge types that put seats there and take none away, so that they need no sign.
fn plain(kind: &str) -> bool {
    matches!(
        kind,
        "new"
            | "renew"
            | "cycle_charge"
            | "purchase"
            | "regular"
            | "recurring"
            | "activation_fee"
            | "purchase_fee"
            | "cycle_fee"
            | "new_purchase_cycle_fee"
            | "prorate_fees_when_purchase"
            | "prorate_fees_when_buy"
            | "prorate_fees_when_activate"
            | "prorate_fee_when_renew"
            | "prorate_fees_when_renew"
    )
}

/// The changes that hold a refund and a charge and have a reference: rows of an unknown type among them
/// change seats.
fn pairs<'a>(group: &[(&'a VendorCharge, u32)]) -> BTreeSet<Change<'a>> {
    let mut signs: BTreeMap<Change<'a>, BTreeSet<i32>> = BTreeMap::new();
    for &(charge, _) in group.iter().filter(|(charge, _)| charge.reference.is_some()) {
        signs.entry(change(charge)).or_default().extend(sign(charge));
    }
    signs.into_iter().filter(|(_, signs)| signs.len() == 2).map(|(change, _)| change).collect()
}

/// Gives the halves of a change at a price of zero their signs.
fn pair(
    halves: &[(&VendorCharge, u32)],
    signed: Option<i32>,
    elsewhere: &Elsewhere,
    steps: &mut Vec<Step>,
    note: &mut Note<'_>,
) {
    let Some(&(first, first_line)) = halves.first() else { return };
    let kind = first.charge_type.as_deref().unwrap_or_default();
    let all = |sign: i32, steps: &mut Vec<Step>| {
        steps.extend(halves.iter().map(|&(charge, line)| step(charge, line, sign)));
    };
    match kind {
        kind if kind.is_empty() || plain(kind) => return all(1, steps),
        "cancel_immediate"
        | "cancel"
        | "refund"
        | "transfer_out"
        | "cancel_fee"
        | "cancel_instance_prorate"
        | "prorate_fees_when_cancel" => {
            return all(-1, steps);
        }
        "cycle_instance_prorate" => return cycle_again(halves, steps, note),
        _ => {}
    }
    if let ([(charge, line)], Some(other)) = (halves, signed.filter(|sign| *sign != 0)) {
        // The other half has a price: this one is what it replaces, or what replaces it.
        steps.push(step(charge, *line, -other.signum()));
        return;
    }
    if halves.len() == 1 {
        let seats = match kind {
            _ if elsewhere.charges(first) => Some(-1),
            "add_quantity" | "convert" | "move_quantity" => Some(1),
            "remove_quantity" => Some(-1),
            _ => None,
        };
        let lines = BTreeSet::from([first_line]);
        match seats {
            Some(-1) if elsewhere.charges(first) => steps.push(step(first, first_line, -1)),
            Some(sign) => {
                note(
                    "unpaired_zero_price",
                    lines,
                    format!(
                        "`{kind}` at a price of zero has no other half; read as {sign:+} times its quantity"
                    ),
                );
                steps.push(step(first, first_line, sign));
            }
            None => note(
                "unpaired_zero_price",
                lines,
                format!("`{kind}` at a price of zero has no other half; not counted"),
            ),
        }
        return;
    }
    replace(halves, kind, steps, note);
}

/// Two or more halves at zero: a chain from the smallest total to the largest when seats are added, the
/// other way when they are removed.
fn replace(halves: &[(&VendorCharge, u32)], kind: &str, steps: &mut Vec<Step>, note: &mut Note<'_>) {
    let mut sorted: Vec<&(&VendorCharge, u32)> = halves.iter().collect();
    sorted.sort_by_key(|(charge, line)| (charge.quantity.abs(), *line));
    if kind == "remove_quantity" {
        sorted.reverse();
    } else if kind != "add_quantity"
        && sorted.iter().any(|half| half.0.quantity.abs() != sorted[0].0.quantity.abs())
    {
        let lines = halves.iter().map(|&(_, line)| line).collect();
        note(
            "unpaired_zero_price",
            lines,
            format!("`{kind}` at a price of zero: read as a change to the larger quantity"),
        );
    }
    if sorted.len() % 2 == 1 {
        let lines = halves.iter().map(|&(_, line)| line).collect();
        note(
            "unpaired_zero_price",
            lines,
            format!("`{kind}` at a price of zero has an odd number of halves"),
        );
    }
    // In a chain every total but the first is charged and every total but the last refunded; what is in
    // between cancels out.
    let (Some(&&(from, from_line)), Some(&&(to, to_line))) = (sorted.first(), sorted.last()) else { return };
    steps.push(step(from, from_line, -1));
    steps.push(step(to, to_line, 1));
}

/// A legacy cycle told again at a price of zero: the row over the whole cycle takes the old seats away, the
/// rows of its sub-periods put the new ones there.
fn cycle_again(halves: &[(&VendorCharge, u32)], steps: &mut Vec<Step>, note: &mut Note<'_>) {
    let longest = halves.iter().map(|(charge, _)| charge.span.until.unwrap_or(NaiveDate::MAX)).max();
    let whole = |charge: &VendorCharge| Some(charge.span.until.unwrap_or(NaiveDate::MAX)) == longest;
    // All of one change begin on one day here; later sub-periods are told apart by their own day.
    let several = halves.iter().any(|(charge, _)| !whole(charge));
    if !several && halves.len() > 1 {
        let lines = halves.iter().map(|&(_, line)| line).collect();
        note(
            "unpaired_zero_price",
            lines,
            "several lines over the same cycle at a price of zero: read as a change to the larger quantity"
                .to_owned(),
        );
        return replace(halves, "cycle_instance_prorate", steps, note);
    }
    steps.extend(
        halves
            .iter()
            .map(|&(charge, line)| step(charge, line, if several && whole(charge) { -1 } else { 1 })),
    );
}
