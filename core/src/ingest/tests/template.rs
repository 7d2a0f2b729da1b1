use super::*;
use crate::records::{Cycle, Held, LineType, RuleKind, RuleValue, Side, Term};
use crate::seat_states::seat_states;

const BILLING: &str = include_str!("../../../fixtures/template/billing.csv");

#[test]
fn billing_rows_are_read_and_every_broken_rule_is_listed() {
    let report = report(BILLING);
    assert_eq!(
        (report.format, report.sides.as_slice(), report.read),
        ("leakage_billing", &[Side::Billing][..], 10)
    );
    let rows = billing(&report);
    let (line, first) = rows[0];
    assert_eq!((line, first.client.name.as_deref()), (2, Some("Wide\nWorld")));
    assert_eq!(
        (first.unit_price.to_string(), first.currency.as_str(), first.recurring),
        ("22.00".to_owned(), "USD", true)
    );
    assert_eq!(first.span, Span { from: day("2026-02-01"), until: None });
    let (line, credit) = rows[1];
    assert_eq!(
        (line, credit.line_type, credit.recurring, credit.cycle),
        (4, LineType::Credit, false, Cycle::Annual)
    );
    let listed: Vec<_> = refusals(&report).into_iter().map(|(line, column, _)| (line, column)).collect();
    assert_eq!(
        listed,
        [
            (6, "Quantity"),
            (7, "Quantity"),
            (8, "Product"),
            (9, "From"),
            (10, "Until"),
            (11, "Included"),
            (12, "Currency"),
            (13, "")
        ]
    );
    assert_eq!(report.refused[0].value.as_deref(), Some("abc"));
    assert_eq!(report.refused[2].client.as_ref().unwrap().name.as_deref(), Some("Wide World"));
}

#[test]
fn the_same_rows_read_the_same_in_any_dress() {
    let csv = "client,product,quantity,unit_price,currency,from\nA,P,1,2.50,USD,2026-01-01\n";
    let plain = report(csv);
    for text in [
        csv.replace(',', ";"),
        csv.replace(',', "\t"),
        csv.replace('\n', "\r\n"),
        format!("\u{feff}{csv}"),
        format!("ï»¿{csv}"),
        format!("sep=,\n{csv}"),
        csv.replace("client,product", "\"*Client\", PRODUCT "),
        r#"[{"client":"A","product":"P","quantity":1,"unit_price":"2.50","currency":"USD","from":"2026-01-01"}]"#.to_owned(),
        r#"{"data":[{"client":"A","product":"P","quantity":"1","unit_price":2.50,"currency":"USD","from":"2026-01-01","until":null}]}"#.to_owned(),
    ] {
        let other = report(&text);
        assert_eq!(other.refused, [], "{text}");
        assert_eq!(billing(&other)[0].1, billing(&plain)[0].1, "{text}");
        assert_eq!(other.unknown_columns, Vec::<String>::new());
    }
}

#[test]
fn equal_rows_add_up_and_are_no_duplicates() {
    let report = report(
        "client,product,quantity,unit_price,currency,from\nA,P,1,2,USD,2026-01-01\nA,P,1,2,USD,2026-01-01\n",
    );
    assert_eq!((report.records.len(), report.notes_total), (2, 0));
}

#[test]
fn entitlements_need_one_of_the_counts() {
    let report = report(include_str!("../../../fixtures/template/entitlements.csv"));
    let rows = entitlements(&report);
    assert_eq!(
        (rows[0].1.purchased, rows[0].1.assigned, rows[0].1.term),
        (Some(dec("43")), None, Some(Term::Annual))
    );
    assert_eq!(rows[0].1.held, Held::During(Span::new(day("2026-02-10"), day("2026-04-16"))));
    assert_eq!(
        refusals(&report),
        [(3, "purchased", "is empty, and so are assigned and active; one of them is needed")]
    );
}

#[test]
fn cost_rows_are_charges_whose_seats_follow() {
    let report = report(include_str!("../../../fixtures/template/cost.csv"));
    let rows = charges(&report);
    assert_eq!((rows[1].0.amount, rows[1].0.charge_type.as_deref()), (dec("-220.00"), Some("add_quantity")));
    let seats: Vec<_> = seat_states(&rows).states.iter().map(|state| (state.from, state.quantity)).collect();
    assert_eq!(seats, [(day("2026-02-01"), dec("25")), (day("2026-02-15"), dec("27"))]);
}

#[test]
fn rules_name_what_their_kind_needs() {
    let report = report(include_str!("../../../fixtures/template/rules.csv"));
    let rules: Vec<_> = report
        .records
        .iter()
        .filter_map(|sourced| {
            if let Record::Rule(rule) = &sourced.record { Some((rule.kind, rule.value)) } else { None }
        })
        .collect();
    assert_eq!(
        rules,
        [(RuleKind::Exclude, RuleValue::All), (RuleKind::Bundle, RuleValue::Number(Decimal::ONE))]
    );
    let listed: Vec<_> = refusals(&report).into_iter().map(|(line, column, _)| (line, column)).collect();
    assert_eq!(listed, [(4, "owner"), (5, "parent_product")]);
}

#[test]
fn mappings_and_prices_are_read() {
    let mappings = report(include_str!("../../../fixtures/template/mappings.csv"));
    assert_eq!((mappings.format, mappings.records.len()), ("leakage_mappings", 2));
    assert_eq!(refusals(&mappings), [(4, "side", "is neither client nor product")]);
    let prices = report(include_str!("../../../fixtures/template/prices.csv"));
    assert_eq!((prices.format, prices.records.len()), ("leakage_prices", 1));
    assert_eq!(prices.refused[0].value.as_deref(), Some("15,50"), "a decimal comma is not guessed");
}

#[test]
fn a_lacking_column_is_named_and_unknown_ones_are_reported() {
    let text = "client,product,quantity,unit_price,from,remark\nA,P,1,2,2026-01-01,x\n";
    assert_eq!(
        error(text),
        FileError::MissingColumn { format: "leakage_billing", columns: vec!["currency".into()] }
    );
    let report = report(&text.replace("from,", "currency,from,").replace(",2026", ",USD,2026"));
    assert_eq!(report.unknown_columns, ["remark"]);
}
