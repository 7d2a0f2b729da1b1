//! HaloPSA, Syncro and SuperOps.

use super::*;
use crate::records::{Cycle, Held, LineType, Term};

const RECURRING: &str = include_str!("../../../fixtures/halopsa/recurring_invoices.json");
const INVOICES: &str = include_str!("../../../fixtures/halopsa/invoices.json");
const LICENCES: &str = include_str!("../../../fixtures/halopsa/licences.json");
const SCHEDULES: &str = include_str!("../../../fixtures/syncro/schedules.json");
const CONTRACTS: &str = include_str!("../../../fixtures/superops/client_contracts.json");

fn answered(text: &str) -> FileReport {
    let options = ReadOptions {
        invoice_timing: Some(InvoiceTiming::Arrears),
        currency: Some(Currency::USD),
        ..ReadOptions::default()
    };
    read("upload", text.as_bytes(), &options).unwrap()
}

fn has_note(report: &FileReport, line: u32, code: &str) -> bool {
    note_codes(report).iter().any(|note| note.0 == Some(line) && note.1 == code)
}

#[test]
fn recurring_lines_run_on_and_pro_rata_rows_stand_apart() {
    let report = report(RECURRING);
    assert_eq!(
        (report.format, report.refused_total, report.needs_input.len()),
        ("halopsa_recurring_invoices", 0, 0)
    );
    let rows = billing(&report);
    let kinds: Vec<_> = rows.iter().map(|(_, row)| (row.line_type, row.quantity, row.billable)).collect();
    assert_eq!(
        kinds,
        [
            (LineType::Proration, dec("2"), true),
            (LineType::Regular, dec("15"), true),
            (LineType::Regular, dec("3"), false),
            (LineType::OneOff, dec("1"), true),
            (LineType::Regular, dec("4"), false),
        ]
    );
    assert_eq!(rows[0].1.span, Span::new(day("2026-03-16"), day("2026-04-01")));
    assert_eq!(rows[1].1.span, Span { from: day("2026-01-01"), until: None });
    assert_eq!(rows[2].1.span.until, Some(day("2026-03-01")));
    assert_eq!((rows[1].1.cycle, rows[4].1.cycle), (Cycle::Monthly, Cycle::Annual));
    assert_eq!((rows[1].1.recurring, rows[1].1.source_id.as_deref()), (true, Some("41")));
    assert_eq!((rows[1].1.client.id.as_deref(), rows[1].1.currency.as_str()), (Some("12"), "GBP"));
    assert!(has_note(&report, 1, "quantity_computed") && has_note(&report, 1, "description_only"));
}

#[test]
fn invoices_take_the_days_that_lines_state_or_ask() {
    let asking = report(INVOICES);
    assert_eq!(
        (asking.format, asking.needs_input[0].question.as_str()),
        ("halopsa_invoices", "invoice_timing")
    );
    let report = answered(INVOICES);
    let rows = billing(&report);
    assert_eq!(
        (rows[0].1.span, rows[0].1.cycle),
        (Span::new(day("2026-02-01"), day("2026-03-01")), Cycle::Monthly)
    );
    assert_eq!(
        (rows[1].1.span, rows[1].1.cycle),
        (Span::new(day("2026-01-01"), day("2026-04-01")), Cycle::Quarterly)
    );
    assert_eq!(rows[0].1.invoice.as_deref(), Some("SI-900"));
    let credit = answered(&INVOICES.replace("\"total\"", "\"creditlinkedtoinvoiceid\": 899, \"total\""));
    assert_eq!(
        (billing(&credit)[0].1.line_type, billing(&credit)[0].1.unit_price),
        (LineType::Credit, dec("-18.1"))
    );
}

#[test]
fn headers_without_lines_say_how_to_get_them() {
    for (text, from) in [(RECURRING, "\"lines\": ["), (INVOICES, "\"lines\": [")] {
        let bare = text.replace(from, "\"other_lines\": [");
        assert_eq!(error(&bare).code(), "nothing_to_compare");
        assert!(error(&bare).to_string().contains("includelines"));
    }
}

#[test]
fn licences_are_what_a_client_has_with_the_vendors_id() {
    let report = report(LICENCES);
    assert_eq!(
        (report.format, report.sides.as_slice(), report.snapshot),
        ("halopsa_licences", &[Side::Entitlement][..], true)
    );
    let rows = entitlements(&report);
    assert_eq!(rows.len(), 2);
    let (_, first) = rows[0];
    assert_eq!(
        (first.purchased, first.assigned, first.term),
        (Some(dec("17")), Some(dec("15")), Some(Term::Annual))
    );
    assert_eq!(first.product.sku.as_deref(), Some("CFQ7TTC0LCHC:0002"));
    assert_eq!(first.product.part_number.as_deref(), Some("SPB"));
    assert_eq!((first.client.id.as_deref(), first.held), (Some("12"), Held::Snapshot { on: None }));
    let (_, second) = rows[1];
    assert_eq!(
        (second.product.sku.as_deref(), second.product.code.as_deref()),
        (None, Some("MST-NCE-103-C100"))
    );
    assert!(has_note(&report, 3, "inactive_licence"));
}

#[test]
fn schedules_are_read_for_the_cycle_that_runs() {
    let asking = report(SCHEDULES);
    assert_eq!((asking.format, asking.needs_input[0].question.as_str()), ("syncro_schedules", "currency"));
    let report = answered(SCHEDULES);
    let rows = billing(&report);
    assert_eq!(rows.len(), 4);
    let (_, first) = rows[0];
    assert_eq!(first.span, Span::new(day("2026-03-01"), day("2026-04-01")));
    assert_eq!((first.quantity, first.unit_price, first.billable), (dec("5"), dec("12.5"), true));
    assert_eq!((first.client.id.as_deref(), first.product.code.as_deref()), (Some("340"), Some("55")));
    assert_eq!(rows[1].1.unit_price, dec("20"), "cents alone are enough");
    assert_eq!(rows[2].1.line_type, LineType::OneOff);
    let (_, paused) = rows[3];
    assert_eq!((paused.billable, paused.cycle, paused.unit_price), (false, Cycle::Annual, dec("120")));
    assert_eq!(paused.span, Span::new(day("2026-01-01"), day("2026-07-01")));
    assert!(has_note(&report, 1, "quantity_computed") && has_note(&report, 2, "paused"));
    assert_eq!(refusals(&report)[0].1, "frequency");
}

#[test]
fn a_schedule_whose_prices_differ_is_refused_and_one_without_lines_is_nothing() {
    let differ = answered(&SCHEDULES.replacen("\"retail_cents\": 1250", "\"retail_cents\": 1300", 1));
    assert_eq!(refusals(&differ)[0].1, "lines[1].price_retail");
    let bare = r#"{"schedules":[{"id":1,"customer_id":1,"frequency":"Monthly","name":"A","next_run":"2016-01-01T00:00:00.000Z","paused":false,"lines":[]}]}"#;
    assert_eq!(error(bare).code(), "nothing_to_compare");
}

#[test]
fn contracts_without_lines_are_known_and_nothing_to_compare() {
    let error = error(CONTRACTS);
    assert_eq!(error.code(), "nothing_to_compare");
    assert!(error.to_string().contains("SuperOps"));
}
