//! Months of gaps that were settled before, or are worked on: what is left of a gap to charge or credit.
//!
//! A month that is settled keeps its figures: they are what the audit finds. Beside them stands what is left
//! when the settled part is taken off, never below 0, month by month: more in one month is not less in another.

use super::AuditError;
use super::document::{Adjustment, Direction, GapMonth, Settled};
use super::gaps::plus;
use super::input::{AuditInput, SettledMonth};
use crate::money::Money;
use rust_decimal::{Decimal, RoundingStrategy};
use std::collections::{BTreeMap, BTreeSet};

/// The settled months of an audit, by gap.
#[derive(Debug, Default)]
pub(super) struct Settlements<'a>(BTreeMap<&'a str, Vec<&'a SettledMonth>>);

/// What a gap shows of its settled months.
#[derive(Debug, Default)]
pub(super) struct Left {
    pub settled: Vec<Settled>,
    pub amount: Option<Money>,
    pub seat_months: Option<Decimal>,
}

impl<'a> Settlements<'a> {
    pub(super) fn of(input: &'a AuditInput) -> Self {
        let mut by_gap: BTreeMap<&str, Vec<&SettledMonth>> = BTreeMap::new();
        for month in &input.settled {
            by_gap.entry(&month.gap).or_default().push(month);
        }
        for months in by_gap.values_mut() {
            // By what an order can be known by without the ids of a database.
            let key = |one: &SettledMonth| (one.month, one.open, one.seat_days, one.amount);
            months.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| a.settled_by.cmp(&b.settled_by)));
        }
        Self(by_gap)
    }

    /// What is left of a gap of these months, with this amount and these adjustments.
    pub(super) fn left(
        &self,
        gap: &str,
        direction: Direction,
        amount: Option<Money>,
        months: &[GapMonth],
        adjustments: &[Adjustment],
    ) -> Result<Left, AuditError> {
        let Some(all) = self.0.get(gap) else { return Ok(Left::default()) };
        let known = |month: &&&SettledMonth| months.iter().any(|found| found.month == month.month);
        let settled: Vec<&SettledMonth> = all.iter().filter(known).copied().collect();
        if settled.is_empty() {
            return Ok(Left::default());
        }
        let (mut seats_left, mut money_left) = (Decimal::ZERO, Decimal::ZERO);
        for found in months.iter().filter(|month| !month.provisional && !month.time_barred) {
            let own = || settled.iter().filter(|one| one.month == found.month);
            let days = Decimal::from(found.month.days());
            let seats = own()
                .try_fold(found.seat_months, |left, one| left.checked_sub(seat_months(one.seat_days, days)?));
            let money = own().try_fold(found.amount, |left, one| left.checked_sub(one.amount));
            let (seats, money) = (seats.ok_or(AuditError::Overflow)?, money.ok_or(AuditError::Overflow)?);
            seats_left = plus(seats_left, seats.max(Decimal::ZERO))?;
            money_left = plus(money_left, money.max(Decimal::ZERO))?;
        }
        // A line of an invoice that settled a month is that settlement, and not another one.
        let told: BTreeSet<&str> =
            settled.iter().flat_map(|one| &one.documents).map(String::as_str).collect();
        let again = |line: &&Adjustment| line.invoice.as_deref().is_none_or(|number| !told.contains(number));
        for line in adjustments.iter().filter(again) {
            let taken = match direction {
                Direction::Under => line.amount.amount,
                Direction::Over => -line.amount.amount,
            };
            money_left = money_left.checked_sub(taken.max(Decimal::ZERO)).ok_or(AuditError::Overflow)?;
        }
        let shown = |one: &&SettledMonth| {
            let seat_months = seat_months(one.seat_days, Decimal::from(one.month.days()));
            Ok(Settled {
                month: one.month,
                settled_by: one.settled_by.clone(),
                open: one.open,
                seat_months: seat_months.ok_or(AuditError::Overflow)?,
                amount: one.amount,
            })
        };
        Ok(Left {
            settled: settled.iter().map(shown).collect::<Result<_, AuditError>>()?,
            amount: amount.map(|amount| Money::round(money_left.max(Decimal::ZERO), amount.currency)),
            seat_months: Some(six(seats_left)),
        })
    }
}

fn seat_months(seat_days: i64, days: Decimal) -> Option<Decimal> {
    Decimal::from(seat_days).checked_div(days).map(six)
}

fn six(exact: Decimal) -> Decimal {
    let mut shown = exact.round_dp_with_strategy(6, RoundingStrategy::MidpointAwayFromZero);
    shown.rescale(6);
    shown
}
