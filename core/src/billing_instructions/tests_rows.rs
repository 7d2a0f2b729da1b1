//! Several rows of one instruction: other prices, other cycles, seats that are included, credits. Whichever form is
//! followed, the requests or the tables, it comes to the intended money to the cent.

use super::targets::ADAPTERS;
use super::tests::{PREMIUM, cents, correction, day, instructions, owed, row};
use super::{Instructions, Recurring, RowChange, Target, Why};
use crate::audit::BillingRow;
use crate::records::{Cycle, ProductRef};
use chrono::{Datelike as _, Days, Months, NaiveDate};
use proptest::prelude::*;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;
use std::collections::BTreeMap;

/// A row: seats that are charged, seats that are included, price in hundredths of a cent, whether it is of a year.
type Drawn = (i64, i64, i64, bool);

fn rows(drawn: &[Drawn], decimals: u32) -> Vec<BillingRow> {
    let of = |(at, (seats, included, price, annual)): (usize, &Drawn)| {
        let mut row = row("connectwise_agreements", seats + included, Decimal::new(*price, decimals));
        row.record.included = Decimal::from(*included);
        row.record.source_id = Some(format!("{}", 500 + at));
        row.record.cycle = if *annual { Cycle::Annual } else { Cycle::Monthly };
        row.record.product = ProductRef {
            name: Some(format!("Premium {at}")),
            code: Some(format!("{}", 100 + at)),
            ..ProductRef::default()
        }
        .into();
        row.record.span.from = day("2026-01-01") + Days::new(at as u64);
        row
    };
    drawn.iter().enumerate().map(of).collect()
}

fn table(made: &Instructions, part: &str) -> Vec<BTreeMap<String, String>> {
    let Some(table) = made.tables.iter().find(|table| table.part == part) else { return Vec::new() };
    let mut reader = csv::Reader::from_reader(table.csv.as_bytes());
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let rows = reader.records().map(|record| {
        header.iter().cloned().zip(record.unwrap().iter().map(str::to_owned)).collect::<BTreeMap<_, _>>()
    });
    rows.collect()
}

fn cell(row: &BTreeMap<String, String>, name: &str) -> Decimal {
    row[name].parse().unwrap_or_else(|_| panic!("{name} in {row:?}"))
}

/// Quantity and price of the lines that are charged once, by the columns of each system.
fn once(target: Target) -> (&'static str, &'static str) {
    match target {
        Target::Connectwise => ("Qty", "Unit Price"),
        Target::Autotask => ("Units", "Unit Price"),
        Target::Halopsa => ("Quantity", "Unit Price"),
        Target::Quickbooks => ("ItemQuantity", "ItemRate"),
        Target::Xero => ("*Quantity", "*UnitAmount"),
        Target::Generic => ("quantity", "unit_price"),
    }
}

/// What the table of lines comes to, in cents; only those that make up for a first period, or all.
fn charged_once(target: Target, made: &Instructions, first: bool) -> i64 {
    let (quantity, price) = once(target);
    let sum = |part: &str| {
        let own = table(made, part).into_iter();
        let own = own.filter(|row| !first || row.values().any(|cell| cell.contains("-0]")));
        own.map(|row| {
            let (quantity, price) = (cell(&row, quantity), cell(&row, price));
            assert!(!(quantity < Decimal::ZERO && price < Decimal::ZERO), "{row:?}");
            for amount in ["*ItemAmount", "amount"] {
                assert!(row.get(amount).is_none_or(|of| of.parse::<Decimal>().unwrap() == quantity * price));
            }
            cents(quantity * price)
        })
        .sum::<i64>()
    };
    sum("one_off") - sum("credit_memos")
}

/// What the quantities of the table change a whole period by, in cents, each row rounded for itself.
fn tabled(target: Target, made: &Instructions) -> i64 {
    let moves: Vec<&RowChange> = made.recurring.iter().flat_map(|change| &change.rows).collect();
    let price_of = |name: &str| {
        let row = moves.iter().find(|row| row.product_name.as_deref() == Some(name)).unwrap();
        row.unit_price.unwrap()
    };
    let of = |row: BTreeMap<String, String>| {
        let number = |name: &str| cell(&row, name);
        let (from, to, price) = match target {
            Target::Connectwise => {
                let charged = number("Qty") - number("Less Included");
                let ends = row["What to do"] == "End the addition";
                let (from, to) = if ends { (charged, Decimal::ZERO) } else { (Decimal::ZERO, charged) };
                (from, to, number("Unit Price"))
            }
            Target::Autotask => {
                let units = number("Units");
                (units - number("Unit Change"), units, price_of(&row["Service"]))
            }
            Target::Halopsa => (number("Was"), number("Quantity"), price_of(&row["Item"])),
            Target::Quickbooks => (number("Was"), number("ItemQuantity"), number("ItemRate")),
            Target::Xero => (number("Was"), number("Quantity"), number("UnitAmount")),
            Target::Generic => {
                let included = number("included");
                (number("from_quantity") - included, number("to_quantity") - included, number("unit_price"))
            }
        };
        assert!(from >= Decimal::ZERO && to >= Decimal::ZERO && price >= Decimal::ZERO, "{row:?}");
        cents(price * to) - cents(price * from)
    };
    table(made, "recurring").into_iter().map(of).sum()
}

/// The same by the bodies of the requests, where they hold a quantity.
fn requested(target: Target, made: &Instructions) -> Option<i64> {
    let moves: Vec<&RowChange> = made.recurring.iter().flat_map(|change| &change.rows).collect();
    let number = |of: &Value| of.to_string().trim_matches('"').parse::<Decimal>().unwrap();
    let charged = |row: &RowChange| cents((row.from_quantity - row.included) * row.unit_price.unwrap());
    let requests = made.requests.iter().filter(|one| !one.body.to_string().contains("LF-"));
    let of = |(one, row): (&super::Request, Option<&&RowChange>)| match target {
        Target::Connectwise if one.method == "PATCH" => {
            let ended = moves.iter().find(|row| one.path.ends_with(row.source_id.as_deref().unwrap()));
            -charged(ended.unwrap())
        }
        Target::Connectwise => {
            let quantity = number(&one.body["quantity"]) - number(&one.body["lessIncluded"]);
            cents(quantity * number(&one.body["unitPrice"]))
        }
        Target::Autotask => {
            let row = row.unwrap();
            let to = row.from_quantity - row.included + number(&one.body["unitChange"]);
            cents(to * row.unit_price.unwrap()) - charged(row)
        }
        Target::Halopsa => {
            let row = row.unwrap();
            cents(number(&one.body[0]["lines"][0]["qty_order"]) * row.unit_price.unwrap()) - charged(row)
        }
        _ => {
            let line = &one.body["RecurringTransaction"]["Invoice"]["Line"][0];
            let detail = &line["SalesItemLineDetail"];
            let whole = cents(number(&detail["Qty"]) * number(&detail["UnitPrice"]));
            assert_eq!(cents(number(&line["Amount"])), whole, "{line}");
            whole - charged(row.unwrap())
        }
    };
    let rows = moves.iter().map(Some).chain(std::iter::repeat(None));
    match target {
        Target::Xero | Target::Generic => None,
        _ => Some(requests.zip(rows).map(of).sum()),
    }
}

/// What ConnectWise prorates of what is added, each unit rounded before it is multiplied.
fn prorated(change: &Recurring, billing_day: u32) -> i64 {
    let mut from = change.owed_from;
    while from.day() != billing_day {
        from = from.pred_opt().unwrap();
    }
    let until = from.checked_add_months(Months::new(1)).unwrap();
    let days = |from: NaiveDate| Decimal::from((until - from).num_days());
    let of = |row: &RowChange| {
        let unit = row.unit_price.unwrap() * days(change.effective_on) / days(from);
        let unit = unit.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
        cents(unit * (row.to_quantity - row.from_quantity))
    };
    change.rows.iter().map(of).sum()
}

fn drawn() -> impl Strategy<Value = Vec<Drawn>> {
    let annual = proptest::bool::weighted(0.2);
    proptest::collection::vec((0..30_i64, 0..4_i64, 1..60_000_i64, annual), 1..5)
}

fn difference(made: &Instructions) -> Decimal {
    let rows = made.recurring.iter().flat_map(|change| &change.rows);
    rows.map(|row| row.to_quantity - row.from_quantity).sum()
}

proptest! {
    #[test]
    fn rows_of_other_prices_and_with_included_seats_come_to_the_intended_money(
        drawn in drawn(), decimals in 2..=4_u32, after in 0..120_i64, price in 1..60_000_i64, on in 0..400_u64,
        billing_day in 1..=28_u32,
    ) {
        let before: i64 = drawn.iter().map(|(seats, ..)| seats).sum();
        prop_assume!(before != after);
        let price = Decimal::new(price, 2);
        let on = day("2026-02-01") + Days::new(on);
        let rows = rows(&drawn, decimals);
        let correction = correction(before, after, price, &[1000]);
        for adapter in ADAPTERS {
            let made = instructions(&correction, &rows, Some(adapter.target), Some(on), billing_day);
            let intended: i64 = made.recurring.iter().map(|one| one.first_period.minor().unwrap()).sum();
            prop_assert_eq!(difference(&made), Decimal::from(after - before));
            let ends = made.recurring.windows(2).all(|pair| pair[0].to_seats == pair[1].from_seats);
            prop_assert!(ends && made.recurring[0].from_seats == before);
            prop_assert_eq!(made.recurring.last().unwrap().to_seats, after);
            if drawn.iter().all(|(.., annual)| !annual) && decimals == 2 {
                prop_assert_eq!(intended, owed(cents(price * Decimal::from(after - before)), on, billing_day));
            }
            let lines = charged_once(adapter.target, &made, true);
            let of_lines: i64 =
                made.one_off.iter().filter(|line| line.why == Why::FirstPeriod).map(|line| line.minor).sum();
            prop_assert_eq!(lines, of_lines, "{:?}", adapter.target);
            let begins = made.recurring.iter().all(|one| one.effective_on == on && !one.prorate);
            let prorates = made.recurring.iter().any(|one| one.prorate);
            if begins {
                prop_assert_eq!(on.day(), billing_day);
                prop_assert_eq!(tabled(adapter.target, &made) + lines, intended, "{:#?}", made.recurring);
                if let Some(requested) = requested(adapter.target, &made) {
                    prop_assert_eq!(requested + lines, intended, "{:#?}", made.requests);
                }
            } else if prorates {
                prop_assert_eq!(adapter.target, Target::Connectwise);
                prop_assert_eq!(prorated(&made.recurring[0], billing_day) + lines, intended);
            } else {
                prop_assert_eq!(lines, intended, "the quantity begins with the next period");
            }
            let rest: Vec<&RowChange> = made.recurring.iter().flat_map(|change| &change.rows).collect();
            prop_assert!(rest.iter().all(|row| row.to_quantity >= row.included), "what is included stays");
        }
    }

    #[test]
    fn lines_that_are_charged_or_given_back_once_are_the_same_in_tables(
        drawn in drawn(), under: bool, months in proptest::collection::vec(1..5_000_000_i64, 1..12), on in 0..60_u64,
    ) {
        let (before, after) = if under { (3, 9) } else { (9, 3) };
        let correction = correction(before, after, Decimal::new(2200, 2), &months);
        let on = day("2026-11-20") + Days::new(on);
        for adapter in ADAPTERS {
            let made = instructions(&correction, &rows(&drawn, 2), Some(adapter.target), Some(on), 1);
            let all: i64 = made.one_off.iter().map(|line| line.minor).sum();
            prop_assert_eq!(charged_once(adapter.target, &made, false), all, "{:?}", adapter.target);
            let past = all - charged_once(adapter.target, &made, true);
            prop_assert_eq!(past, months.iter().sum::<i64>() * if under { 1 } else { -1 });
            // Credit memos and credit notes have positive amounts.
            let credits: Vec<&Value> = made
                .requests
                .iter()
                .filter(|one| one.path.contains("creditmemo") || one.path.contains("CreditNotes"))
                .map(|one| &one.body)
                .collect();
            let negative = |body: &&Value| body.to_string().contains(":-");
            prop_assert!(!credits.iter().any(negative), "{:#?}", credits);
        }
    }

    #[test]
    fn what_rows_bill_already_is_not_entered_again(
        drawn in drawn(), billed in 0..40_i64, after in 0..120_i64, came in 0..5_i64,
    ) {
        let now: i64 = drawn.iter().map(|(seats, ..)| seats).sum();
        prop_assume!(billed != after);
        let correction = correction(billed, after, Decimal::new(2200, 2), &[1000]);
        let reference = super::tests::reference();
        let since = BTreeMap::from([(1, after + came)]);
        let rows = rows(&drawn, 2);
        for adapter in ADAPTERS {
            let made = super::instruct(&super::Asked {
                correction: &correction,
                reference: &reference,
                target: Some(adapter.target),
                rows: &rows,
                billable: &since,
                untold: 0,
                today: day("2026-11-22"),
                effective_on: None,
                billing_day: 1,
            })
            .unwrap();
            prop_assert_eq!(difference(&made), Decimal::from(after + came - now), "{:?}", made.recurring);
            prop_assert_eq!(made.recurring.is_empty(), after + came == now);
            let says = made.notes.iter().any(|note| note.contains("seats since the client was told"));
            prop_assert_eq!(says, came != 0 && !made.recurring.is_empty());
        }
    }
}

#[test]
fn a_change_that_was_entered_for_its_day_is_seen_beside_the_row_that_ends() {
    let mut ends = row("connectwise_agreements", 10, Decimal::new(2200, 2));
    ends.record.span.until = Some(day("2026-12-01"));
    let mut begins = row("connectwise_agreements", 8, Decimal::new(2200, 2));
    begins.record.span.from = day("2026-12-01");
    let fewer = correction(10, 8, Decimal::new(2200, 2), &[4400]);
    let made = instructions(&fewer, &[ends.clone(), begins], None, None, 1);
    assert!(made.recurring.is_empty(), "{:?}", made.recurring);
    // Another product's row is none of it.
    let mut other = row("connectwise_agreements", 8, Decimal::new(2200, 2));
    "Other".clone_into(&mut other.product);
    ends.record.span.until = None;
    let made = instructions(&fewer, &[ends, other], None, None, 1);
    assert_eq!((difference(&made), made.recurring[0].product.as_str()), (Decimal::from(-2), PREMIUM));
}

#[test]
fn rows_of_another_billing_entity_are_left_alone() {
    let of = |entity: &str, quantity| {
        let mut row = row("connectwise_agreements", quantity, Decimal::new(2200, 2));
        row.billing_entity = Some(entity.to_owned());
        row.record.source_id = Some(entity.to_owned());
        row
    };
    let mut more = correction(10, 12, Decimal::new(2200, 2), &[4400]);
    more.subject.billing_entity = Some("Kiel".to_owned());
    let made = instructions(&more, &[of("Bonn", 30), of("Kiel", 10)], None, None, 1);
    assert_eq!(made.recurring[0].rows[0].source_id.as_deref(), Some("Kiel"));
    for others in [vec![of("Bonn", 30), of("Berlin", 10)], vec![of("Bonn", 10)]] {
        let made = instructions(&more, &others, None, None, 1);
        assert_eq!(made.recurring[0].rows[0].source_id, None, "{:?}", made.recurring);
    }
}

#[test]
fn lines_that_were_entered_and_not_told_are_named() {
    use crate::audit::InvoicedReference;
    use crate::money::{Currency, Money};
    let more = correction(10, 12, Decimal::new(2200, 2), &[4400]);
    let own = super::tests::reference();
    let line = |reference: &super::Reference, document: &str, minor| InvoicedReference {
        reference: reference.clone(),
        document: Some(document.to_owned()),
        amount: Money::from_minor(minor, Currency::USD),
    };
    let lines =
        [line(&own, "INV-9", 4000), line(&own.part(2), "INV-9", 400), line(&own.part(0), "INV-9", 71)];
    let untold = super::untold(&lines, &own, &more);
    assert_eq!(untold, 4400);
    let asked = super::Asked {
        correction: &more,
        reference: &own,
        target: None,
        rows: &[],
        billable: &BTreeMap::new(),
        untold,
        today: day("2026-11-22"),
        effective_on: None,
        billing_day: 1,
    };
    let made = super::instruct(&asked).unwrap();
    assert!(made.notes.iter().any(|note| note.contains("44.00 USD together")), "{:?}", made.notes);
}
