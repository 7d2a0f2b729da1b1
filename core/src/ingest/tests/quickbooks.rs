use super::*;
use crate::records::LineType;

const INVOICES: &str = include_str!("../../../fixtures/quickbooks/invoices.json");
const A: &str = include_str!("../../../fixtures/quickbooks/invoice_import_a.csv");
const B: &str = include_str!("../../../fixtures/quickbooks/invoice_import_b.csv");

fn answered(text: &str) -> FileReport {
    let options = ReadOptions {
        invoice_timing: Some(InvoiceTiming::Advance),
        currency: Some(Currency::USD),
        ..ReadOptions::default()
    };
    read("upload", text.as_bytes(), &options).unwrap()
}

#[test]
fn only_sales_lines_are_products_also_inside_groups() {
    let report = answered(INVOICES);
    assert_eq!((report.format, report.refused_total), ("quickbooks_invoices", 0));
    let rows: Vec<_> = billing(&report)
        .into_iter()
        .map(|(_, row)| {
            (
                row.product.code.as_deref().unwrap(),
                row.product.name.as_deref().unwrap(),
                row.quantity,
                row.unit_price,
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            ("Licences:M365 BS", "Microsoft 365 Business Standard", dec("22"), dec("12.50")),
            ("Services:Setup", "Onboarding", dec("1"), dec("150.00")),
            ("EDR", "Endpoint protection", dec("20"), dec("3.00")),
            ("Security:Mail filter", "Mail filter", dec("20"), dec("1.50")),
            ("Licences:M365 BS", "Microsoft 365 Business Standard", dec("1"), dec("0")),
        ]
    );
    let codes = note_codes(&report);
    assert!(
        codes.contains(&(Some(1), "discount")) && codes.contains(&(Some(1), "amount_as_one")),
        "{codes:?}"
    );
}

#[test]
fn a_service_date_says_the_month_and_a_voided_invoice_charges_nothing() {
    let report = answered(INVOICES);
    let rows = billing(&report);
    assert_eq!(rows[0].1.span, Span::new(day("2026-02-01"), day("2026-03-01")));
    assert_eq!(rows[1].1.span, Span::new(day("2026-01-01"), day("2026-02-01")));
    assert_eq!((rows[0].1.billable, rows[4].1.billable), (true, false));
    assert_eq!((rows[4].1.source_id.as_deref(), rows[4].1.invoice.as_deref()), (Some("140"), Some("1038")));
    let asked: Vec<_> = super::report(INVOICES).needs_input.into_iter().map(|asked| asked.question).collect();
    assert_eq!(asked, ["invoice_timing"]);
}

#[test]
fn one_invoice_a_list_and_a_list_of_changes_read_alike() {
    let object: serde_json::Value = serde_json::from_str(INVOICES).unwrap();
    let invoices = object["QueryResponse"]["Invoice"].clone();
    for wrapped in [
        serde_json::json!({"Invoice": invoices[0], "time": "2026-03-01T09:20:16.310-07:00"}),
        serde_json::json!([invoices[0]]),
        invoices[0].clone(),
        serde_json::json!({"CDCResponse": [{"QueryResponse": [{"Invoice": [invoices[0], {"domain": "QBO", "status": "Deleted", "Id": "9"}]}]}]}),
    ] {
        let report = answered(&wrapped.to_string());
        assert_eq!(
            (report.format, billing(&report).len(), report.refused_total),
            ("quickbooks_invoices", 4, 0)
        );
    }
}

#[test]
fn credit_memos_give_back_and_bills_are_not_read() {
    let memo = INVOICES
        .replace("\"Invoice\": [", "\"CreditMemo\": [")
        .replace("\"Balance\": 0", "\"RemainingCredit\": 0");
    let report = answered(&memo);
    assert_eq!(
        (billing(&report)[0].1.line_type, billing(&report)[0].1.unit_price),
        (LineType::Credit, dec("-12.50"))
    );
    let bill = INVOICES.replace("\"CustomerRef\"", "\"VendorRef\"");
    assert_eq!(error(&bill).code(), "unknown_format");
    let receipt = INVOICES.replace("\"DueDate\"", "\"DepositToAccountRef\": {\"value\": \"4\"}, \"Due\"");
    let listed = answered(&receipt);
    assert_eq!((listed.refused_total, billing(&listed).len()), (1, 1), "a receipt or a refund, who knows");
}

#[test]
fn a_document_without_sales_lines_is_told() {
    let empty =
        INVOICES.replacen("\"SubTotalLineDetail\": {}}\n        ],", "\"SubTotalLineDetail\": {}}],", 1);
    let words = empty.replace(
        "\"Amount\": 0, \"DetailType\": \"SalesItemLineDetail\", \"SalesItemLineDetail\"",
        "\"DetailType\": \"DescriptionOnly\", \"DescriptionLineDetail\"",
    );
    let report = answered(&words);
    assert!(note_codes(&report).contains(&(Some(2), "no_sales_line")));
    assert_eq!((report.refused_total, billing(&report).len()), (0, 4));
}

#[test]
fn prices_that_contain_tax_are_taken_from_the_amount_before_it() {
    let taxed = r#"{"Invoice":{"Id":"1","TxnDate":"2026-02-01","CustomerRef":{"value":"1","name":"A"},"GlobalTaxCalculation":"TaxInclusive","TotalAmt":12,"Line":[
        {"Id":"1","Amount":10,"DetailType":"SalesItemLineDetail","SalesItemLineDetail":{"ItemRef":{"value":"1","name":"P"},"Qty":4,"UnitPrice":3,"TaxInclusiveAmt":12}},
        {"Id":"2","Amount":10,"DetailType":"SalesItemLineDetail","SalesItemLineDetail":{"ItemRef":{"value":"1","name":"P"},"Qty":4,"UnitPrice":3}}]}}"#;
    let report = answered(taxed);
    assert_eq!(billing(&report)[0].1.unit_price, dec("2.5"));
    assert_eq!(refusals(&report)[0].1, "Line[2].SalesItemLineDetail.TaxInclusiveAmt");
}

#[test]
fn rows_of_an_import_take_customer_and_dates_from_the_first_of_their_invoice() {
    let report = answered(A);
    assert_eq!(
        (report.format, report.refused_total, report.unknown_columns.len()),
        ("quickbooks_invoice_import", 0, 0)
    );
    let rows = billing(&report);
    assert_eq!((rows[0].1.quantity, rows[0].1.unit_price), (dec("92"), dec("12.50")));
    let (line, second) = rows[1];
    assert_eq!(
        (line, second.client.name.as_deref(), second.unit_price),
        (3, Some("Lamna Healthcare"), dec("1150.50"))
    );
    assert_eq!(second.span.from, day("2026-01-01"), "its own service date");
    assert_eq!(rows[2].1.product.name.as_deref(), Some("M365 BS"));
    assert_eq!(rows[2].1.span.from, day("2026-02-01"));
    let asked: Vec<_> = super::report(A).needs_input.into_iter().map(|asked| asked.question).collect();
    assert_eq!(asked, ["currency", "invoice_timing"]);
}

#[test]
fn a_row_without_a_customer_before_it_is_refused() {
    let report = answered(&A.replace("2001,Lamna Healthcare", "2001,"));
    let listed: Vec<_> = refusals(&report).into_iter().map(|(line, column, _)| (line, column)).collect();
    assert_eq!(listed, [(2, "*Customer"), (3, "*Customer")]);
}

#[test]
fn both_variants_and_a_bare_header_are_known() {
    let report = answered(B);
    assert_eq!(
        (report.format, report.unknown_columns.len(), billing(&report).len()),
        ("quickbooks_invoice_import", 0, 1)
    );
    for text in [A, B] {
        let bare = error(text.lines().next().unwrap());
        assert_eq!(bare, FileError::NoRows { known: Some("quickbooks_invoice_import") });
    }
}
