//! The engine against a slow reference: every day on its own, integers and fractions, no steps, no
//! sweeps. Written from the definitions, not from the engine.

use super::build::*;
use crate::audit::{AuditInput, Direction, GapKind, Proration};
use crate::period::{Month, Span};
use crate::records::{BillingLine, Cycle, Entitlement, Rule, RuleKind, RuleValue, Term};
use chrono::{Datelike, Days, Months, NaiveDate};
use proptest::prelude::*;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use std::collections::BTreeMap;

const SUITE: &str = "Suite";

/// A random history of one client and product.
#[derive(Clone, Debug)]
struct History {
    entitlements: Vec<Entitlement>,
    bills: Vec<BillingLine>,
    rules: Vec<Rule>,
    proration: Proration,
    as_of: NaiveDate,
}

/// One month of one direction: seat-days, and money as cents x 36 x days of the month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum {
    seat_days: i128,
    cents_36: i128,
    unpriced: bool,
}

#[derive(Debug, Default)]
struct Expected {
    gaps: BTreeMap<Direction, ExpectedGap>,
    /// Cents x 36 x days of the term mix, per month and pair of terms.
    mix: BTreeMap<(Month, Term, Term), i128>,
}

#[derive(Debug, Default)]
struct ExpectedGap {
    months: BTreeMap<Month, Sum>,
    seats: i64,
    /// Cents x 36 of the last day's state; none when it has not this direction.
    forward: Option<i128>,
}

fn int(value: Decimal) -> i64 {
    value.to_i64().unwrap()
}

fn cents_36(line: &BillingLine) -> i128 {
    i128::from(int(line.unit_price * Decimal::from(100))) * i128::from(36 / line.cycle.months())
}

fn in_span(span: Span, day: NaiveDate) -> bool {
    span.from <= day && span.until.is_none_or(|until| day < until)
}

fn held(row: &Entitlement) -> Span {
    match row.held {
        crate::records::Held::During(span) => span,
        crate::records::Held::Snapshot { .. } => unreachable!("this history has no snapshots"),
    }
}

/// From the first day to the last; open ends reach as far as anybody looks.
fn hull(spans: impl Iterator<Item = Span>) -> Option<(NaiveDate, NaiveDate)> {
    spans
        .filter(|span| span.until.is_none_or(|until| span.from < until))
        .map(|span| (span.from, span.until.unwrap_or(NaiveDate::MAX)))
        .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

impl History {
    fn counted(&self, on: NaiveDate) -> i64 {
        self.entitlements
            .iter()
            .filter(|row| in_span(held(row), on))
            .map(|row| int(row.purchased.unwrap()))
            .sum()
    }

    fn billable(&self, on: NaiveDate) -> i64 {
        let rules = |kind| self.rules.iter().filter(move |rule| rule.kind == kind && in_span(rule.span, on));
        let number = |rule: &Rule| match rule.value {
            RuleValue::Number(value) => int(value),
            RuleValue::All => i64::MAX / 4,
        };
        let mut seats = self.counted(on);
        seats = (seats - rules(RuleKind::Exclude).map(number).sum::<i64>()).max(0);
        let given: i64 = if rules(RuleKind::Allowance).count() > 0 {
            rules(RuleKind::Allowance).map(number).sum()
        } else {
            self.bills.iter().filter(|line| in_span(line.span, on)).map(|line| int(line.included)).sum()
        };
        seats = (seats - given).max(0);
        rules(RuleKind::Minimum).map(number).fold(seats, i64::max)
    }

    fn billed(&self, on: NaiveDate) -> i64 {
        let active = self.bills.iter().filter(|line| in_span(line.span, on));
        active.map(|line| int(line.quantity - line.included)).sum()
    }

    /// The price on a day, as cents x 36.
    fn price(&self, on: NaiveDate, direction: Direction, term: Option<Term>) -> Option<i128> {
        let of_term = |line: &&BillingLine| term.is_none() || line.term == term;
        let lines: Vec<&BillingLine> =
            self.bills.iter().filter(of_term).filter(|line| line.unit_price > Decimal::ZERO).collect();
        let sign = if direction == Direction::Under { -1 } else { 1 };
        let rank = |line: &&&BillingLine| (line.span.from, line.quantity, sign * cents_36(line));
        let active = lines.iter().filter(|line| in_span(line.span, on)).max_by_key(rank);
        let ended = || {
            let past = lines.iter().filter(|line| {
                line.span.until.is_some_and(|until| {
                    until <= on && on < until.checked_add_months(Months::new(12)).unwrap()
                })
            });
            past.max_by_key(|line| (line.span.until, rank(line)))
        };
        let found = active.or_else(ended).map(|line| cents_36(line));
        if found.is_none() && term.is_some() { self.price(on, direction, None) } else { found }
    }

    fn terms(&self, on: NaiveDate) -> Option<BTreeMap<Term, i64>> {
        let mut differences = BTreeMap::new();
        let (mut have, mut charge) = (false, false);
        for row in self.entitlements.iter().filter(|row| in_span(held(row), on)) {
            if int(row.purchased.unwrap()) != 0 {
                *differences.entry(row.term?).or_insert(0) += int(row.purchased.unwrap());
                have = true;
            }
        }
        for line in self.bills.iter().filter(|line| in_span(line.span, on)) {
            if int(line.quantity - line.included) != 0 {
                *differences.entry(line.term?).or_insert(0) -= int(line.quantity - line.included);
                charge = true;
            }
        }
        (have && charge).then_some(differences)
    }

    /// Compares day by day.
    fn expected(&self, input: &AuditInput) -> Expected {
        let mut expected = Expected::default();
        let Some(entitled) = hull(self.entitlements.iter().map(held)) else { return expected };
        let Some(billed) = hull(self.bills.iter().map(|line| line.span)) else { return expected };
        let covered = |on: NaiveDate| entitled.0 <= on && on < entitled.1 && billed.0 <= on && on < billed.1;
        let audited: Vec<NaiveDate> = input
            .from
            .first_day()
            .iter_days()
            .take_while(|on| *on < input.to.end() && *on <= input.as_of && *on < day("2030-01-01"))
            .filter(|on| covered(*on))
            .collect();
        let last = audited.last().copied();
        for on in &audited {
            let month = Month::of(*on);
            let taken = match self.proration {
                Proration::Daily => *on,
                Proration::FullMonth => *audited.iter().rfind(|day| Month::of(**day) == month).unwrap(),
                Proration::NextMonth => on.with_day(1).unwrap(),
            };
            if !covered(taken) {
                continue;
            }
            let gap = self.billable(taken) - self.billed(taken);
            let direction = if gap < 0 { Direction::Over } else { Direction::Under };
            let (cost, unpriced, mix) = self.cost(taken, gap, direction);
            for (from, to, cents) in mix {
                *expected.mix.entry((month, from, to)).or_insert(0) += cents;
            }
            if gap == 0 {
                continue;
            }
            let found = expected.gaps.entry(direction).or_default();
            found.seats = gap.abs();
            let sum = found.months.entry(month).or_default();
            sum.seat_days += i128::from(gap.abs());
            sum.cents_36 += cost;
            sum.unpriced |= unpriced;
            if Some(*on) == last {
                found.forward = Some(cost);
            }
        }
        expected
    }

    /// What a day's gap costs, whether a price lacks, and the day's term mix: seat by seat.
    fn cost(&self, on: NaiveDate, gap: i64, direction: Direction) -> (i128, bool, Vec<(Term, Term, i128)>) {
        let differences = if self.rules.is_empty() { self.terms(on) } else { None };
        let Some(differences) = differences else {
            let price = self.price(on, direction, None);
            return (price.unwrap_or(0) * i128::from(gap.abs()), gap != 0 && price.is_none(), Vec::new());
        };
        // One entry per seat, cheapest first.
        let seats = |sign: i64| {
            let mut seats: Vec<(i128, Term)> = Vec::new();
            for (term, difference) in &differences {
                for _ in 0..(difference * sign).max(0) {
                    seats.push((self.price(on, direction, Some(*term)).unwrap_or(i128::MAX), *term));
                }
            }
            seats.sort_unstable();
            seats
        };
        let (more, less) = (seats(1), seats(-1));
        let count = usize::try_from(gap.abs()).unwrap();
        let own = if gap < 0 { &less } else { &more };
        let unpriced = own[..count].iter().any(|seat| seat.0 == i128::MAX);
        let cost = own[..count].iter().map(|seat| if seat.0 == i128::MAX { 0 } else { seat.0 }).sum();
        let rest = &own[count..];
        let (lacking, excess) = if gap < 0 { (&more[..], rest) } else { (rest, &less[..]) };
        let pairs = lacking.iter().zip(excess).map(|(to, from)| (from.1, to.1, to.0 - from.0));
        (cost, unpriced, pairs.collect())
    }
}

/// Cents, half away from zero.
fn rounded(numerator: i128, denominator: i128) -> Decimal {
    let twice = 2 * numerator.abs() + denominator;
    Decimal::from_i128_with_scale((twice / (2 * denominator)) * numerator.signum(), 2)
}

fn days_of(month: Month) -> i128 {
    i128::from(month.days())
}

fn dates() -> impl Strategy<Value = NaiveDate> {
    (0_u64..300).prop_map(|days| day("2025-11-01") + Days::new(days))
}

fn spans() -> impl Strategy<Value = Span> {
    (dates(), proptest::option::of(1_u64..150))
        .prop_map(|(from, length)| Span { from, until: length.map(|days| from + Days::new(days)) })
}

fn terms() -> impl Strategy<Value = Option<Term>> {
    prop_oneof![
        1 => Just(None),
        5 => Just(Some(Term::Monthly)),
        5 => Just(Some(Term::Annual)),
        2 => Just(Some(Term::Triennial)),
    ]
}

fn entitlement() -> impl Strategy<Value = Entitlement> {
    (spans(), 0_u32..30, terms()).prop_map(|(span, seats, term)| Entitlement {
        term,
        held: crate::records::Held::During(span),
        ..purchased("Contoso", SUITE, &seats.to_string(), "2026-01-01..")
    })
}

fn bill() -> impl Strategy<Value = BillingLine> {
    let cycles = prop_oneof![Just(Cycle::Monthly), Just(Cycle::Quarterly), Just(Cycle::Annual)];
    let prices = prop_oneof![Just(0_i64), Just(1999), Just(2200), 1_i64..30_000];
    (spans(), 0_u32..30, 0_u32..4, prices, cycles, terms()).prop_map(
        |(span, seats, included, price, cycle, term)| BillingLine {
            span,
            term,
            cycle,
            included: Decimal::from(included.min(seats)),
            unit_price: Decimal::new(price, 2),
            ..billed("Contoso", SUITE, &seats.to_string(), "1", "2026-01-01..")
        },
    )
}

fn waterfall_rule() -> impl Strategy<Value = Rule> {
    let kinds = prop_oneof![Just(RuleKind::Exclude), Just(RuleKind::Allowance), Just(RuleKind::Minimum)];
    (kinds, 0_u32..8, spans(), any::<bool>(), any::<bool>()).prop_map(|(kind, value, span, who, what)| Rule {
        span,
        ..rule(kind, &value.to_string(), if who { "Contoso" } else { "" }, if what { SUITE } else { "" })
    })
}

fn history() -> impl Strategy<Value = History> {
    let prorations =
        prop_oneof![Just(Proration::Daily), Just(Proration::FullMonth), Just(Proration::NextMonth)];
    let rules =
        prop_oneof![Just(Vec::new()).boxed(), proptest::collection::vec(waterfall_rule(), 0..4).boxed(),];
    (
        proptest::collection::vec(entitlement(), 1..6),
        proptest::collection::vec(bill(), 1..6),
        rules,
        prorations,
        (31_u64..240).prop_map(|days| day("2026-01-01") + Days::new(days)),
        any::<bool>(),
    )
        .prop_map(|(mut entitlements, mut bills, drawn, proration, as_of, plain)| {
            // The same rule twice holds once.
            let mut rules: Vec<Rule> = Vec::new();
            for rule in drawn {
                if !rules.contains(&rule) {
                    rules.push(rule);
                }
            }
            // The reference splits by terms only where nothing is taken off; included seats are.
            if plain || !rules.is_empty() {
                for row in &mut entitlements {
                    row.term = None;
                }
                for line in &mut bills {
                    line.term = None;
                }
            } else {
                for line in &mut bills {
                    line.included = Decimal::ZERO;
                }
            }
            History { entitlements, bills, rules, proration, as_of }
        })
}

fn wanted(history: &History) -> AuditInput {
    let sources = vec![entitlements(history.entitlements.clone()), billing(history.bills.clone())];
    let mut wanted = input("2026-01", "2026-05", sources);
    wanted.as_of = history.as_of;
    wanted.policy.proration = history.proration;
    wanted.rules.clone_from(&history.rules);
    wanted
}

fn closed(month: Month, as_of: NaiveDate) -> bool {
    month.end() <= as_of + Days::new(1)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_agrees_with_the_day_by_day_reference(history in history(), limit in proptest::option::of(1_u32..4)) {
        let mut wanted = wanted(&history);
        if let Some(months) = limit {
            wanted.rules.push(rule(RuleKind::BackBillingMonths, &months.to_string(), "", ""));
        }
        let document = audit(&wanted);
        let expected = history.expected(&wanted);
        let directions: Vec<Direction> = document.gaps.iter().map(|gap| gap.direction).collect();
        prop_assert_eq!(directions, expected.gaps.keys().copied().collect::<Vec<_>>());
        let last_closed = (0..5).map(|n| month("2026-01").plus(n)).rfind(|month| closed(*month, history.as_of));
        for gap in &document.gaps {
            let wanted_gap = &expected.gaps[&gap.direction];
            prop_assert_eq!(gap.seats, Decimal::from(wanted_gap.seats));
            prop_assert_eq!(gap.months.len(), wanted_gap.months.len());
            let before = limit
                .filter(|_| gap.direction == Direction::Under)
                .and_then(|months| Some(last_closed?.plus(1 - i32::try_from(months).unwrap())));
            let (mut amount, mut barred) = (Decimal::ZERO, Decimal::ZERO);
            let mut seat_months = Decimal::ZERO;
            for found in &gap.months {
                let sum = wanted_gap.months[&found.month];
                let money = rounded(sum.cents_36, 36 * days_of(found.month));
                prop_assert_eq!((found.amount, found.unpriced), (money, sum.unpriced));
                let share = Decimal::from_i128_with_scale(sum.seat_days, 0) / Decimal::from(found.month.days());
                prop_assert!((found.seat_months - share).abs() <= dec("0.0000005"));
                prop_assert_eq!(found.provisional, !closed(found.month, history.as_of));
                if before.is_some_and(|before| found.month < before) {
                    barred += money;
                    prop_assert!(found.time_barred);
                } else if !found.provisional {
                    amount += money;
                    seat_months += share;
                }
            }
            prop_assert_eq!(gap.amount.unwrap().amount, amount);
            prop_assert_eq!(gap.time_barred.amount, barred);
            prop_assert!((gap.seat_months - seat_months).abs() <= dec("0.0000006"));
            let forward = rounded(wanted_gap.forward.unwrap_or(0), 36);
            prop_assert_eq!(gap.monthly_forward.unwrap().amount, forward);
            let end = wanted.to.end().min(history.as_of + Days::new(1));
            let ever = |seats: &dyn Fn(NaiveDate) -> i64| {
                wanted.from.first_day().iter_days().take_while(|on| *on < end).any(|on| seats(on) != 0)
            };
            let kind = match gap.direction {
                Direction::Under if ever(&|on| history.billed(on)) => GapKind::UnderBilled,
                Direction::Under => GapKind::Unbilled,
                Direction::Over if ever(&|on| history.counted(on)) => GapKind::OverBilled,
                Direction::Over => GapKind::BilledNotProvisioned,
            };
            prop_assert_eq!(gap.kind, kind);
        }
        let mut mixes: BTreeMap<(Term, Term), Decimal> = BTreeMap::new();
        for ((month, from, to), cents) in &expected.mix {
            let money = if closed(*month, history.as_of) { rounded(*cents, 36 * days_of(*month)) } else { Decimal::ZERO };
            *mixes.entry((*from, *to)).or_default() += money;
        }
        let found: BTreeMap<(Term, Term), Decimal> = document
            .term_mix
            .iter()
            .filter_map(|mix| Some(((mix.from_term, mix.to_term), mix.amount?.amount)))
            .collect();
        for (pair, amount) in found {
            prop_assert_eq!(Some(&amount), mixes.get(&pair));
        }
        prop_assert!(document.term_mix.len() == mixes.len());
    }

    #[test]
    fn the_order_of_files_and_rows_changes_nothing(history in history(), seed in any::<u64>()) {
        let straight = wanted(&history);
        let mut shuffled = straight.clone();
        shuffled.sources.reverse();
        for source in &mut shuffled.sources {
            let count = source.records.len();
            source.records.rotate_left(usize::try_from(seed).unwrap_or(1) % count);
            source.records.reverse();
        }
        shuffled.rules.reverse();
        prop_assert_eq!(audit(&straight), audit(&shuffled));
    }

    #[test]
    fn totals_are_the_sums_of_what_is_shown(history in history()) {
        let document = audit(&wanted(&history));
        let sum = |direction| -> Decimal {
            let of = document.gaps.iter().filter(|gap| gap.direction == direction);
            of.flat_map(|gap| &gap.months).filter(|m| !m.provisional && !m.time_barred).map(|m| m.amount).sum()
        };
        for total in &document.totals {
            prop_assert_eq!((total.under, total.over), (sum(Direction::Under), sum(Direction::Over)));
            prop_assert_eq!(total.kinds.iter().map(|kind| kind.amount).sum::<Decimal>(), total.under + total.over);
        }
        prop_assert_eq!(document.totals.is_empty(), document.gaps.is_empty());
    }

    /// Every gap's explanation has the gap's own days and money.
    #[test]
    fn the_steps_of_an_explanation_make_the_numbers_of_its_gap(history in history()) {
        let input = wanted(&history);
        for gap in audit(&input).gaps {
            let explanation = crate::audit::explain(&input, &gap.id).unwrap().unwrap();
            prop_assert_eq!(&explanation.gap, &gap);
            for (month, shown) in explanation.months.iter().zip(&gap.months) {
                let seat_months = Decimal::from(month.seat_days) / Decimal::from(month.days);
                prop_assert_eq!(seat_months.round_dp_with_strategy(6, rust_decimal::RoundingStrategy::MidpointAwayFromZero), shown.seat_months.normalize());
                let exact = month.calculation.split("= ").nth(1).unwrap().split(',').next().unwrap();
                let exact: Decimal = exact.parse().unwrap();
                let rounded = exact.round_dp_with_strategy(2, rust_decimal::RoundingStrategy::MidpointAwayFromZero);
                prop_assert_eq!(rounded, shown.amount, "{}", month.calculation);
            }
        }
    }
}
