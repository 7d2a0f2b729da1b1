use super::*;
use crate::records::{Cycle, LineType};

const INVOICES: &str = include_str!("../../../fixtures/xero/invoices.json");
const REPEATING: &str = include_str!("../../../fixtures/xero/repeating_invoices.json");
const EXPORT: &str = include_str!("../../../fixtures/xero/invoice_export.csv");
const IMPORT: &str = include_str!("../../../fixtures/xero/invoice_import.csv");

fn timed(text: &str, timing: InvoiceTiming) -> FileReport {
    let options = ReadOptions { invoice_timing: Some(timing), ..ReadOptions::default() };
    read("upload", text.as_bytes(), &options).unwrap()
}

fn advance(text: &str) -> FileReport {
    timed(text, InvoiceTiming::Advance)
}

#[test]
fn invoices_ask_when_they_charge_and_cover_whole_months() {
    let asking = report(INVOICES);
    let asked: Vec<_> = asking.needs_input.iter().map(|asked| asked.question.as_str()).collect();
    assert_eq!((asking.format, asked, asking.records.len()), ("xero_invoices", vec!["invoice_timing"], 0));
    for (timing, from, until) in [
        (InvoiceTiming::Advance, "2026-02-01", "2026-03-01"),
        (InvoiceTiming::Arrears, "2026-01-01", "2026-02-01"),
    ] {
        let report = timed(INVOICES, timing);
        assert!(report.needs_input.is_empty());
        for (_, row) in billing(&report) {
            assert_eq!(row.span, Span::new(day(from), day(until)));
            assert_eq!((row.cycle, row.recurring), (Cycle::Monthly, false));
        }
    }
}

#[test]
fn prices_are_before_tax_and_after_discount() {
    let report = advance(INVOICES);
    let rows = billing(&report);
    let prices: Vec<_> = rows.iter().map(|(line, row)| (*line, row.quantity, row.unit_price)).collect();
    assert_eq!(
        prices,
        [
            (1, dec("12"), dec("34.50")),
            (1, dec("2"), dec("18")),
            (2, dec("10"), dec("34.5")),
            (3, dec("3"), dec("34.50"))
        ]
    );
    let (_, first) = rows[0];
    assert_eq!(first.product.code.as_deref(), Some("M365-BP"));
    assert_eq!(first.product.name.as_deref(), Some("Microsoft 365 Business Premium"));
    assert_eq!(first.client.id.as_deref(), Some("c0000000-0000-4000-8000-000000000001"));
    assert_eq!((first.currency.as_str(), first.invoice.as_deref()), ("NZD", Some("INV-1001")));
    let unknown = INVOICES.replace(r#""LineAmountTypes": "Inclusive", "#, "");
    let listed = advance(&unknown);
    assert_eq!(
        refusals(&listed).iter().map(|r| (r.0, r.1)).collect::<Vec<_>>(),
        [(2, "LineItems[1].LineAmount")]
    );
}

#[test]
fn what_is_no_sale_or_not_billed_yet_is_told_and_a_voided_invoice_charges_nothing() {
    let report = advance(INVOICES);
    let codes = note_codes(&report);
    for note in [(Some(1), "description_only"), (Some(4), "not_billed_yet"), (Some(5), "not_a_sale")] {
        assert!(codes.contains(&note), "{note:?} in {codes:?}");
    }
    let voided: Vec<_> = billing(&report).into_iter().filter(|(_, row)| !row.billable).collect();
    assert_eq!(voided.len(), 1);
    assert_eq!(voided[0].1.invoice.as_deref(), Some("INV-1003"));
}

#[test]
fn all_lines_of_an_invoice_have_its_id_so_that_a_newer_export_replaces_them_together() {
    let report = advance(INVOICES);
    let ids: Vec<_> = billing(&report).iter().map(|(_, row)| row.source_id.clone().unwrap()).collect();
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[1], ids[2]);
}

#[test]
fn a_list_without_lines_says_what_to_export_and_among_others_is_refused() {
    let bare = r#"{"Invoices":[{"Type":"ACCREC","InvoiceID":"x","InvoiceNumber":"INV-1","Contact":{"Name":"A"},"DateString":"2026-02-01T00:00:00","Status":"PAID","LineAmountTypes":"Exclusive","LineItems":[],"Total":5,"CurrencyCode":"NZD"}]}"#;
    assert_eq!(error(bare).code(), "nothing_to_compare");
    let listed = advance(&format!("[{INVOICES},{bare}]"));
    assert_eq!(refusals(&listed).iter().map(|r| (r.0, r.1)).collect::<Vec<_>>(), [(6, "LineItems")]);
    let voided = bare.replace("PAID", "VOIDED");
    assert!(note_codes(&advance(&voided)).contains(&(Some(1), "voided_without_lines")));
    let bills = bare.replace("ACCREC", "ACCPAY");
    assert!(error(&bills).to_string().contains("suppliers"));
}

#[test]
fn pages_may_overlap_but_two_versions_of_an_invoice_are_refused() {
    let twice = advance(&format!("{INVOICES}{INVOICES}"));
    assert_eq!((billing(&twice).len(), twice.refused_total), (4, 0));
    let changed = advance(&format!("{INVOICES}{}", INVOICES.replace("12.0000", "13.0000")));
    assert_eq!(changed.refused_total, 1);
    assert_eq!(changed.refused[0].client.as_ref().unwrap().name.as_deref(), Some("Fabrikam Ltd"));
}

#[test]
fn credit_notes_give_money_back() {
    let note = r#"{"CreditNotes":[{"Type":"ACCRECCREDIT","CreditNoteID":"cn1","CreditNoteNumber":"CN-1","Contact":{"Name":"A"},"Date":"/Date(1770076800000+0000)/","Status":"PAID","LineAmountTypes":"Exclusive","CurrencyCode":"USD","LineItems":[{"Description":"Refund","Quantity":2,"UnitAmount":5,"LineAmount":10}]}]}"#;
    let report = advance(note);
    let rows = billing(&report);
    assert_eq!(
        (rows[0].1.line_type, rows[0].1.quantity, rows[0].1.unit_price),
        (LineType::Credit, dec("2"), dec("-5"))
    );
    assert_eq!(rows[0].1.span.from, day("2026-02-01"));
}

#[test]
fn numbers_that_no_invoice_has_are_refused_and_do_not_stop_the_file() {
    let huge = INVOICES
        .replace("\"Quantity\": 2.0", "\"Quantity\": 79228162514264337593543950335")
        .replace("\"DiscountRate\": 10.0", "\"DiscountAmount\": -79228162514264337593543950335");
    let report = advance(&huge);
    assert_eq!((report.refused_total, billing(&report).len()), (1, 3));
}

#[test]
fn repeating_invoices_are_schedules_in_months() {
    let report = advance(REPEATING);
    assert_eq!(report.format, "xero_repeating_invoices");
    let rows = billing(&report);
    let (_, monthly) = rows[0];
    assert_eq!((monthly.recurring, monthly.cycle), (true, Cycle::Monthly));
    assert_eq!(monthly.span, Span::new(day("2026-01-01"), day("2026-07-01")));
    let (_, half) = rows[1];
    assert_eq!((half.cycle, half.unit_price, half.span.until), (Cycle::Annual, dec("120"), None));
    assert!(note_codes(&report).contains(&(Some(2), "cycle_restated")));
    assert_eq!(refusals(&report)[0].1, "Schedule.Unit");
    let arrears = timed(REPEATING, InvoiceTiming::Arrears);
    assert_eq!(billing(&arrears)[0].1.span, Span::new(day("2025-12-01"), day("2026-06-01")));
}

#[test]
fn the_export_proves_date_order_and_tax_and_never_adds_totals() {
    let report = advance(EXPORT);
    assert_eq!((report.format, report.refused_total), ("xero_invoice_export", 0));
    assert!(report.reasons.iter().any(|reason| reason.contains("20/02/2026")));
    let rows = billing(&report);
    let prices: Vec<_> =
        rows.iter().map(|(line, row)| (*line, row.quantity, row.unit_price.normalize())).collect();
    assert_eq!(
        prices,
        [
            (2, dec("12"), dec("34.5")),
            (3, dec("2"), dec("18")),
            (4, dec("10"), dec("34.5")),
            (5, dec("3"), dec("34.5")),
            (6, dec("1"), dec("-34.5"))
        ]
    );
    assert_eq!(rows[4].1.line_type, LineType::Credit);
    assert_eq!(rows.iter().map(|(_, row)| row.billable).collect::<Vec<_>>(), [true, true, true, false, true]);
    assert!(rows.iter().all(|(_, row)| row.span.from == day("2026-02-01")));
}

#[test]
fn an_export_whose_dates_fit_both_orders_asks() {
    let doubtful = EXPORT.replace("20/02/2026", "05/02/2026").replace("28/02/2026", "05/02/2026");
    let asked: Vec<_> = report(&doubtful).needs_input.into_iter().map(|asked| asked.question).collect();
    assert_eq!(asked, ["date_order", "invoice_timing"]);
    let options = ReadOptions {
        date_order: Some(DateOrder::Mdy),
        invoice_timing: Some(InvoiceTiming::Advance),
        ..ReadOptions::default()
    };
    let answered = read("upload", doubtful.as_bytes(), &options).unwrap();
    assert_eq!(billing(&answered)[0].1.span.from, day("2026-03-01"));
}

#[test]
fn an_export_whose_totals_prove_nothing_is_refused_line_by_line() {
    let report = advance(&EXPORT.replace("517.5000", "480.0000"));
    assert_eq!(
        refusals(&report).iter().map(|r| (r.0, r.1)).collect::<Vec<_>>(),
        [(2, "LineAmount"), (3, "LineAmount")]
    );
}

#[test]
fn older_exports_and_other_column_orders_are_the_same_format() {
    let table: Vec<Vec<&str>> = EXPORT.lines().map(|line| line.split(',').collect()).collect();
    let gone = |column: &str| column.starts_with("SA") || column == "TaxTotal";
    let keep: Vec<usize> = (0..table[0].len()).filter(|&at| !gone(table[0][at])).rev().collect();
    let rows = |row: &Vec<&str>| keep.iter().map(|&at| row[at]).collect::<Vec<_>>().join(",");
    let older =
        table.iter().map(rows).collect::<Vec<_>>().join("\r\n").replacen("ContactName", "CONTACTNAME", 1);
    let report = advance(&older);
    assert_eq!(
        (report.format, billing(&report).len(), report.unknown_columns.len()),
        ("xero_invoice_export", 5, 0)
    );
}

#[test]
fn the_import_template_is_read_when_filled_and_has_no_rows_when_bare() {
    let report = advance(IMPORT);
    assert_eq!((report.format, report.unknown_columns.len()), ("xero_invoice_import", 0));
    let rows = billing(&report);
    assert_eq!((rows[1].1.quantity, rows[1].1.unit_price), (dec("2"), dec("18")));
    assert!(note_codes(&report).contains(&(None, "tax_not_stated")));
    let bare = error(IMPORT.lines().next().unwrap());
    assert_eq!(bare, FileError::NoRows { known: Some("xero_invoice_import") });
}
