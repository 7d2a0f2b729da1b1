//! What a single fact is read from, where that takes more than looking at one field.

use super::check::total;
use super::facts::{DueInstalment, LetterFacts, LineFacts, NextLine, StatementFacts};
use super::wording as say;
use crate::audit::Direction;
use crate::money::{Currency, Money};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

pub(super) fn some(facts: &LetterFacts, text: String) -> Option<String> {
    (!facts.lines.is_empty()).then_some(text)
}

pub(super) fn one(lines: &[LineFacts]) -> Option<&LineFacts> {
    if let [line] = lines { Some(line) } else { None }
}

/// What all lines have in common; none where one lacks it or differs.
pub(super) fn same<T: PartialEq>(lines: &[LineFacts], read: impl Fn(&LineFacts) -> Option<T>) -> Option<T> {
    let first = read(lines.first()?)?;
    lines.iter().all(|line| read(line).as_ref() == Some(&first)).then_some(first)
}

pub(super) fn products(facts: &LetterFacts) -> Option<String> {
    let mut names: Vec<String> = Vec::new();
    for line in &facts.lines {
        if !names.contains(&line.product) {
            names.push(line.product.clone());
        }
    }
    (!names.is_empty()).then(|| say::list(&names))
}

pub(super) fn active_seats(facts: &LetterFacts) -> Option<String> {
    let active = facts.lines.iter().map(|line| line.active_seats.map(u64::from)).sum::<Option<u64>>()?;
    (active > 0).then(|| say::part_of(active, facts.seats()))
}

/// Seats that the log added, less those that it took away again.
pub(super) fn logged(facts: &LetterFacts) -> u64 {
    let net: i64 = facts.provisioning.iter().map(|entry| i64::from(entry.seats)).sum();
    u64::try_from(net).unwrap_or(0)
}

pub(super) fn quantities(lines: &[NextLine]) -> Option<String> {
    match lines {
        [] => None,
        [line] => Some(say::seats(line.quantity)),
        _ => {
            let each: Vec<String> =
                lines.iter().map(|line| say::seats_of(line.quantity, &line.product)).collect();
            Some(say::list(&each))
        }
    }
}

pub(super) fn monthly(lines: &[NextLine]) -> Option<String> {
    let each = lines.iter().map(|line| line.monthly_amount).collect::<Option<Vec<Money>>>()?;
    total(each).map(say::money)
}

pub(super) fn by_month(facts: &LetterFacts, direction: Direction) -> Option<String> {
    let each = facts.lines.iter().map(|line| line.monthly).collect::<Option<Vec<Money>>>()?;
    let sum = total(each).filter(|sum| !sum.amount.is_zero() && facts.direction == Some(direction))?;
    Some(say::money(sum))
}

/// The instalment of which the client is reminded.
pub(super) fn due(facts: &LetterFacts) -> Option<&DueInstalment> {
    facts.reminder.as_ref()?.instalment.as_ref()
}

pub(super) fn recount_confirms(facts: &LetterFacts) -> bool {
    facts.recount.as_ref().is_some_and(|recount| {
        u64::from(recount.seats) == facts.seats()
            && facts.amount().is_some_and(|amount| amount.amount == recount.amount.amount)
    })
}

pub(super) fn rest(facts: &LetterFacts) -> Option<Money> {
    let (amount, waiver) = (facts.amount()?, facts.waiver.as_ref()?);
    let rest = Money { amount: amount.amount - waiver.amount.amount, currency: amount.currency };
    (rest.amount > Decimal::ZERO).then_some(rest)
}

/// Everything was compared for the whole of a month that is over, on its own facts, and nothing differs.
pub(super) fn settled(found: &StatementFacts) -> bool {
    found.compared
        && found.findings.is_empty()
        && found.not_compared.is_empty()
        && !found.provisional
        && !found.partial
        && !found.assumed
}

pub(super) fn found(facts: &LetterFacts, direction: Direction) -> Option<String> {
    let mut sums: BTreeMap<Currency, Decimal> = BTreeMap::new();
    let of = facts.statement.as_ref()?.findings.iter().filter(|finding| finding.direction == direction);
    for money in of.filter(|finding| !finding.time_barred).filter_map(|finding| finding.amount) {
        let sum = sums.entry(money.currency).or_default();
        *sum = sum.checked_add(money.amount)?;
    }
    let sums: Vec<(Currency, Decimal)> = sums.into_iter().collect();
    (!sums.is_empty()).then(|| say::sums(&sums))
}
