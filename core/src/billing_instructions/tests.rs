//! Following the instructions comes to the intended money, in every system, to the cent.

use super::targets::ADAPTERS;
use super::{Asked, Instructions, Recurring, Reference, Target, Why, instruct};
use crate::audit::{BillingRow, Direction};
use crate::correction::Correction;
use crate::correction::case::GoingForward;
use crate::correction::finding::{Finding, FoundMonth};
use crate::correction::open::{Elsewhere, open};
use crate::correction::plan::{Cadence, Plan, Terms, schedule};
use crate::correction::policy::{Actor, Channel, Context, Facts, Policy, Said};
use crate::correction::quantity::{Quantity, total};
use crate::correction::state::State;
use crate::id::CorrectionId;
use crate::money::{Currency, Money};
use crate::period::{Month, Span};
use crate::records::{BillingLine, ClientRef, Cycle, LineType, ProductRef};
use chrono::{Datelike as _, Days, Months, NaiveDate};
use proptest::prelude::*;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) const PREMIUM: &str = "Microsoft 365 Business Premium";

pub(super) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub(super) fn correction(billed: i64, billable: i64, price: Decimal, months: &[i64]) -> Correction {
    let direction = if billable >= billed { Direction::Under } else { Direction::Over };
    let seats = (billable - billed).abs();
    let start: Month = "2026-02".parse().unwrap();
    let of = |(at, minor): (i32, &i64)| {
        let month = start.plus(at);
        let quantity = Quantity::new(seats * i64::from(month.days()), *minor);
        (month, FoundMonth { quantity, seats, time_barred: false })
    };
    let finding = Finding {
        audit: "audit-1".to_owned(),
        gap: "gap".to_owned(),
        client: "Contoso".to_owned(),
        billing_entity: None,
        needs_allocation: false,
        product: PREMIUM.to_owned(),
        sku: None,
        currency: Some(Currency::USD),
        direction,
        unpriced: false,
        unconfirmed: false,
        assumed: false,
        billed,
        billable,
        forward: Money::round(price * Decimal::from(seats), Currency::USD).minor().unwrap(),
        price: Some(price),
        adjusted: 0,
        adjusted_by: Vec::new(),
        months: (0..).zip(months).map(of).collect(),
    };
    let actor = Actor { label: "user:biller".to_owned(), person: true, admin: false };
    let now = "2026-11-22T12:00:00Z".parse().unwrap();
    let (policy, facts) = (Policy::default(), Facts::default());
    let context = Context { actor: &actor, now, today: now.date_naive(), policy: &policy, facts: &facts };
    let mut correction = open(&[finding], &Elsewhere::default(), &context).unwrap();
    correction.state = State::Communicated;
    correction.going_forward = Some(GoingForward {
        invoice_on: day("2026-12-05"),
        quantities: [(1, billable)].into(),
        corrected: false,
    });
    correction
}

pub(super) fn row(format: &str, quantity: i64, unit_price: Decimal) -> BillingRow {
    let client = ClientRef {
        id: Some("250".to_owned()),
        name: Some("Contoso Ltd".to_owned()),
        ..ClientRef::default()
    };
    let product = ProductRef {
        name: Some(PREMIUM.to_owned()),
        code: Some("M365BP".to_owned()),
        ..ProductRef::default()
    };
    let record = BillingLine {
        client: client.into(),
        billing_entity: None,
        product: product.into(),
        agreement: Some("Cloud (77)".to_owned()),
        invoice: None,
        source_id: Some("4711".to_owned()),
        term: None,
        cycle: Cycle::Monthly,
        quantity: Decimal::from(quantity),
        included: Decimal::ZERO,
        unit_price,
        currency: Currency::USD,
        span: Span { from: day("2026-01-01"), until: None },
        recurring: true,
        line_type: LineType::Regular,
        billable: true,
    };
    let import = "sha256:1".to_owned();
    BillingRow {
        client: "Contoso".to_owned(),
        billing_entity: None,
        product: PREMIUM.to_owned(),
        format: format.to_owned(),
        import,
        line: 2,
        record,
    }
}

pub(super) fn reference() -> Reference {
    Reference::of(CorrectionId::new(uuid::Uuid::from_u128(7)))
}

pub(super) fn instructions(
    correction: &Correction,
    rows: &[BillingRow],
    target: Option<Target>,
    effective_on: Option<NaiveDate>,
    billing_day: u32,
) -> Instructions {
    let reference = reference();
    let today = day("2026-11-22");
    let billable = &BTreeMap::new();
    let reference = &reference;
    let untold = 0;
    let asked =
        Asked { correction, reference, target, rows, billable, untold, today, effective_on, billing_day };
    instruct(&asked).unwrap()
}

/// The first day of the billing period that holds a day, and of the next one, counted day by day.
fn period(of: NaiveDate, billing_day: u32) -> (NaiveDate, NaiveDate) {
    let mut from = of;
    while from.day() != billing_day {
        from = from.pred_opt().unwrap();
    }
    (from, from.checked_add_months(Months::new(1)).unwrap())
}

pub(super) fn cents(exact: Decimal) -> i64 {
    let rounded = exact.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
    i64::try_from(
        (rounded * Decimal::ONE_HUNDRED).trunc().mantissa()
            / 10_i128.pow((rounded * Decimal::ONE_HUNDRED).trunc().scale()),
    )
    .unwrap()
}

/// What a system bills more (or less) in the period that holds the day from which seats are owed: each by what is
/// published of it.
fn billed(target: Target, change: &Recurring, billing_day: u32) -> i64 {
    let (from, until) = period(change.owed_from, billing_day);
    let seats = Decimal::from(change.to_seats - change.from_seats);
    let price = change.unit_price.unwrap();
    if change.effective_on >= until {
        return 0;
    }
    if change.effective_on == from {
        assert!(!change.prorate, "there is nothing to prorate");
        return cents(price * seats);
    }
    assert!(change.prorate, "{target:?} would bill a whole period");
    assert_eq!(target, Target::Connectwise, "of no other system the rule is published");
    let days = |from: NaiveDate| from.iter_days().take_while(|day| *day < until).count();
    let share = price * Decimal::from(days(change.effective_on)) / Decimal::from(days(from));
    let unit = share.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
    cents(unit * seats)
}

/// A difference of so many cents a month, from a day to the end of the period, month by month, in whole numbers.
pub(super) fn owed(monthly: i64, on: NaiveDate, billing_day: u32) -> i64 {
    const ALL: i128 = 28 * 29 * 30 * 31;
    let until = period(on, billing_day).1;
    let of_day = |day: NaiveDate| i128::from(monthly) * (ALL / i128::from(Month::of(day).days()));
    let sum: i128 = on.iter_days().take_while(|day| *day < until).map(of_day).sum();
    let half = (sum.abs() * 2 + ALL) / (2 * ALL);
    i64::try_from(half * sum.signum()).unwrap()
}

/// Quantity and price of everything that is charged once, as the bodies of the requests have it, in cents; of
/// credit notes negative.
fn charged_once(instructions: &Instructions) -> i64 {
    fn walk(value: &Value, sum: &mut Decimal) {
        let number = |of: &Value, key: &str| of.get(key)?.to_string().parse::<Decimal>().ok();
        let keys = [
            ("quantity", "unitPrice"),
            ("unitQuantity", "unitPrice"),
            ("qty_order", "unit_price"),
            ("Qty", "UnitPrice"),
            ("Quantity", "UnitAmount"),
        ];
        for (quantity, price) in keys {
            if let (Some(quantity), Some(price)) = (number(value, quantity), number(value, price)) {
                *sum += quantity * price;
            }
        }
        match value {
            Value::Object(members) => members.values().for_each(|member| walk(member, sum)),
            Value::Array(items) => items.iter().for_each(|item| walk(item, sum)),
            _ => {}
        }
    }
    let mut all = Decimal::ZERO;
    let once = |body: &str| body.contains("LF-");
    for request in instructions.requests.iter().filter(|one| once(&one.body.to_string())) {
        let mut sum = Decimal::ZERO;
        walk(&request.body, &mut sum);
        let credit = request.path.contains("creditmemo") || request.path.contains("CreditNotes");
        all += if credit { -sum } else { sum };
    }
    cents(all)
}

fn sum(instructions: &Instructions, why: impl Fn(Why) -> bool) -> i64 {
    instructions.one_off.iter().filter(|line| why(line.why)).map(|line| line.minor).sum()
}

proptest! {
    #[test]
    fn a_change_comes_to_the_intended_money_in_every_system(
        before in 0..60_i64, after in 0..60_i64, price in 1..60_000_i64, listed in proptest::option::of(1..60_000_i64),
        on in 0..400_u64, billing_day in 1..=28_u32,
    ) {
        prop_assume!(before != after);
        let on = day("2026-01-01").checked_add_days(Days::new(on)).unwrap();
        let price = Decimal::new(price, 2);
        let correction = correction(before, after, price, &[1000]);
        for adapter in ADAPTERS {
            let rows = [row("connectwise_agreements", before, listed.map_or(price, |listed| Decimal::new(listed, 2)))];
            let made = instructions(&correction, &rows, Some(adapter.target), Some(on), billing_day);
            let change = &made.recurring[0];
            let monthly = cents(price * Decimal::from(after - before));
            let intended = owed(monthly, on, billing_day);
            prop_assert_eq!(change.first_period.minor(), Some(intended));
            let lines = sum(&made, |why| why == Why::FirstPeriod);
            prop_assert_eq!(billed(adapter.target, change, billing_day) + lines, intended, "{:?}", change);
            prop_assert_eq!(change.first_period_line.minor(), Some(lines));
            let moved: Decimal = change.rows.iter().map(|row| row.to_quantity - row.from_quantity).sum();
            prop_assert_eq!(moved, Decimal::from(after - before));
        }
    }

    #[test]
    fn the_past_comes_to_what_is_outstanding_in_every_system(
        under: bool, months in proptest::collection::vec(1..5_000_000_i64, 1..12), plan in 0..7_u16,
    ) {
        let (before, after) = if under { (3, 9) } else { (9, 3) };
        let mut correction = correction(before, after, Decimal::new(2200, 2), &months);
        let outstanding = total(&correction.ledger.outstanding()).minor;
        let planned = under && plan > 0 && i64::from(plan) <= outstanding;
        if planned {
            correction = with_plan(correction, plan);
        }
        let sign = if under { 1 } else { -1 };
        for adapter in ADAPTERS {
            let rows = [row("connectwise_agreements", before, Decimal::new(2200, 2))];
            let made = instructions(&correction, &rows, Some(adapter.target), None, 1);
            prop_assert_eq!(sum(&made, |why| why != Why::FirstPeriod), sign * outstanding);
            prop_assert_eq!(made.one_off_total.minor(), Some(sign * outstanding));
            if adapter.target != Target::Generic {
                prop_assert_eq!(charged_once(&made), sign * outstanding, "{:#?}", made.requests);
            }
            for line in &made.one_off {
                let (_, found) = Reference::find(&line.description).unwrap();
                prop_assert!(found.same_correction(&reference()));
                prop_assert_eq!(found.to_string(), line.reference.clone());
            }
            prop_assert_eq!(made.one_off.iter().filter(|line| line.why == Why::Instalment).count() > 0, planned);
        }
    }
}

fn with_plan(mut correction: Correction, count: u16) -> Correction {
    let outstanding = correction.ledger.outstanding();
    let terms = Terms { count, cadence: Cadence::Monthly, first_on: day("2026-12-31") };
    let instalments = schedule(total(&outstanding).minor, terms).unwrap();
    let at = "2026-11-25T09:00:00Z".parse().unwrap();
    let accepted = Said { by: "Casey Client".to_owned(), channel: Channel::Email, at };
    correction.plan = Some(Plan { terms, instalments, accepted, breaks: Vec::new(), given_up: false });
    let note = correction.ledger.entries()[0].note.clone();
    correction.ledger.post(&outstanding, crate::correction::ledger::Bucket::Billed, &note).unwrap();
    correction
}

#[test]
fn connectwise_is_let_prorate_where_it_comes_to_the_same_cent() {
    // 2 seats at 22.00 from 15 March on: 17 of 31 days, 12.06 a seat.
    let rows = [row("connectwise_agreements", 10, Decimal::new(2200, 2))];
    let two = correction(10, 12, Decimal::new(2200, 2), &[1000]);
    let made = instructions(&two, &rows, None, Some(day("2026-03-15")), 1);
    let change = &made.recurring[0];
    assert_eq!(made.target, Target::Connectwise);
    // 44.00 x 17 / 31 is 24.13; two units at 12.06 are 24.12.
    assert_eq!((change.prorate, change.effective_on), (false, day("2026-04-01")));
    assert_eq!(change.first_period_line.to_string(), "24.13 USD");
    let one = correction(10, 11, Decimal::new(2200, 2), &[1000]);
    let made = instructions(&one, &rows, None, Some(day("2026-03-15")), 1);
    let change = &made.recurring[0];
    assert_eq!((change.prorate, change.effective_on), (true, day("2026-03-15")));
    assert_eq!(
        (change.first_period.to_string(), sum(&made, |why| why == Why::FirstPeriod)),
        ("12.06 USD".to_owned(), 0)
    );
    let body = &made.requests.last().unwrap().body;
    assert_eq!(body["prorateCurrentPeriodFlag"], true);
    assert_eq!(body["effectiveDate"], "2026-03-15T00:00:00Z");
}

#[test]
fn the_announced_invoice_begins_the_change_with_its_period() {
    let rows = [row("autotask_contract_services", 10, Decimal::new(2200, 2))];
    let made = instructions(&correction(10, 12, Decimal::new(2200, 2), &[4400]), &rows, None, None, 1);
    assert_eq!((made.target, made.recurring[0].effective_on), (Target::Autotask, day("2026-12-01")));
    let adjust = made.requests.last().unwrap();
    assert_eq!(
        (adjust.path.as_str(), &adjust.body["unitChange"]),
        ("/V1.0/Contracts/77/ServiceAdjustments", &Value::from(2))
    );
    assert_eq!(made.requests[0].body["unitPrice"], Value::from(44));
    assert!(made.missing.iter().any(|one| one.field == "billingCodeID"), "{:?}", made.missing);
}

#[test]
fn fewer_seats_end_an_addition_and_begin_another() {
    let rows = [row("connectwise_addition_list", 10, Decimal::new(2200, 2))];
    let made = instructions(&correction(10, 8, Decimal::new(2200, 2), &[4400]), &rows, None, None, 1);
    let asked: Vec<(&str, &str)> =
        made.requests.iter().map(|one| (one.method.as_str(), one.path.as_str())).collect();
    assert_eq!(
        asked,
        [
            ("POST", "/finance/agreements/77/additions"),
            ("PATCH", "/finance/agreements/77/additions/4711"),
            ("POST", "/finance/agreements/77/additions"),
        ]
    );
    assert_eq!(made.requests[0].body["unitPrice"], Value::from(-44));
    assert_eq!(made.one_off[0].on, day("2026-11-22"), "given back at once");
    assert_eq!(made.requests[2].body["quantity"], Value::from(8));
    let table = &made.tables[1];
    assert_eq!((table.part.as_str(), table.csv.lines().count()), ("recurring", 3));
}

#[test]
fn a_price_of_a_year_is_no_other_price_for_its_cents() {
    let mut annual = row("halopsa_recurring_invoices", 10, Decimal::new(10_000, 2));
    annual.record.cycle = Cycle::Annual;
    // 100.00 a year are 8.333.. a month, and 16.67 for two.
    let correction = correction(10, 12, Decimal::new(8335, 3), &[1667]);
    let made = instructions(&correction, &[annual], None, None, 1);
    let change = &made.recurring[0];
    assert!(!change.price_differs, "{change:?}");
    assert_eq!(
        (change.first_period.to_string(), change.first_period_line.minor()),
        ("200.00 USD".to_owned(), Some(0))
    );
}

#[test]
fn without_rows_the_system_is_any_and_what_is_missing_is_named() {
    let correction = correction(10, 12, Decimal::new(2200, 2), &[4400]);
    let made = instructions(&correction, &[], None, None, 1);
    assert_eq!((made.target, made.requests.len(), made.tables.len()), (Target::Generic, 0, 2));
    let made = instructions(&correction, &[], Some(Target::Connectwise), None, 1);
    let missing: Vec<&str> = made.missing.iter().map(|one| one.field.as_str()).collect();
    assert_eq!(missing, ["agreementId", "product.identifier"]);
    assert_eq!(made.requests[0].path, "/finance/agreements/{agreementId}/additions");
}

#[test]
fn nothing_is_to_be_entered_before_the_client_was_told() {
    let mut correction = correction(10, 12, Decimal::new(2200, 2), &[4400]);
    correction.state = State::Found;
    let made = instructions(&correction, &[], None, None, 1);
    assert!(!made.ready && !made.notes.is_empty());
}

#[test]
fn cells_that_a_spreadsheet_would_run_are_defused() {
    let mut odd = row("xero_invoices", 10, Decimal::new(2200, 2));
    odd.record.client = ClientRef { name: Some("=1+1".to_owned()), ..ClientRef::default() }.into();
    let made = instructions(&correction(10, 12, Decimal::new(2200, 2), &[4400]), &[odd], None, None, 1);
    for table in &made.tables {
        assert!(table.csv.lines().skip(1).all(|line| !line.starts_with('=')), "{}", table.csv);
    }
}

#[test]
fn a_line_with_a_reference_comes_back_as_a_line_of_its_correction() {
    let made = instructions(&correction(10, 12, Decimal::new(2200, 2), &[4400]), &[], None, None, 1);
    let mut line = row("quickbooks_invoices", 1, Decimal::new(4400, 2)).record;
    line.product =
        ProductRef { name: Some(made.one_off[0].description.clone()), ..ProductRef::default() }.into();
    super::recognise(&mut line);
    assert_eq!((line.line_type, line.product.name.as_deref()), (LineType::OneOff, Some(PREMIUM)));
    assert_eq!(super::carried(&line), Some(reference()));
    let mut other = row("quickbooks_invoices", 1, Decimal::new(4400, 2)).record;
    other.agreement = Some(reference().to_string());
    assert_eq!(super::carried(&other), None, "a regular line is no correction's");
}
