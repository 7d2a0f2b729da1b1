//! What distributors charge the MSP.

use super::*;
use crate::catalog::Catalog;
use crate::matching::ProductIndex;
use crate::records::{ChargeKind, Cycle, ProductRef, Term};
use crate::seat_states::seat_states;

const PAX8_SUBSCRIPTIONS: &str = include_str!("../../../fixtures/pax8/subscriptions.json");
const PAX8_ITEMS: &str = include_str!("../../../fixtures/pax8/invoice_items.json");
const SHERWEB: &str = include_str!("../../../fixtures/sherweb/payable_charges.json");
const STREAMONE: &str = include_str!("../../../fixtures/td_synnex/streamone_subscriptions.json");
const ANNUITY: &str = include_str!("../../../fixtures/dicker_data/annuity_details.csv");
const DICKER_INVOICE: &str = include_str!("../../../fixtures/dicker_data/invoice_details.csv");
const XARIOS: &str = include_str!("../../../fixtures/xarios/charges.csv");
const PORTAL: &str = include_str!("../../../fixtures/msp_hub/partner_invoice.csv");
const CRAYON: &str = include_str!("../../../fixtures/crayon/usage_cost.csv");

fn in_currency(text: &str, code: &str) -> FileReport {
    let options = ReadOptions { currency: Some(code.parse().unwrap()), ..ReadOptions::default() };
    read("upload", text.as_bytes(), &options).unwrap()
}

/// From, until and seats of each state that follows from the charges.
fn seats(report: &FileReport) -> Vec<(String, String, String)> {
    let states = seat_states(&charges(report)).states;
    let mut seats: Vec<_> = states
        .iter()
        .map(|state| {
            (state.from.to_string(), state.until.to_string(), state.quantity.normalize().to_string())
        })
        .collect();
    seats.sort();
    seats
}

fn state(from: &str, until: &str, quantity: &str) -> (String, String, String) {
    (from.to_owned(), until.to_owned(), quantity.to_owned())
}

fn questions(report: &FileReport) -> Vec<&str> {
    report.needs_input.iter().map(|asked| asked.question.as_str()).collect()
}

#[test]
fn pax8_subscriptions_are_what_the_msp_pays_and_never_the_clients_bill() {
    let report = report(PAX8_SUBSCRIPTIONS);
    assert_eq!((report.format, report.refused_total, report.read), ("pax8_subscriptions", 0, 3));
    assert_eq!((report.sides.as_slice(), billing(&report).len()), ([Side::Cost].as_slice(), 0));
    assert_eq!(report.unknown_columns, Vec::<String>::new());
    let rows = charges(&report);
    let (first, line) = rows[0];
    assert_eq!(
        (line, first.quantity, first.unit_price, first.amount),
        (1, dec("25"), dec("18.7"), dec("467.5"))
    );
    assert_eq!(first.span, Span { from: day("2026-02-03"), until: None });
    assert_eq!((first.term, first.cycle), (Some(Term::Annual), Cycle::Monthly));
    assert_eq!(first.subscription_span, Some(Span::new(day("2026-02-03"), day("2027-02-01"))));
    assert_eq!(first.client.id.as_deref(), Some("c-wideworld"));
    assert_eq!(first.product.sku, None, "Pax8's own id is not one of Microsoft's");
    let (leaving, _) = rows[1];
    assert_eq!(leaving.span, Span::new(day("2026-01-01"), day("2026-07-01")), "still charged until its end");
    assert_eq!((leaving.cycle, leaving.list_price), (Cycle::Annual, Some(dec("200.05"))));
    assert_eq!((rows.len(), note_codes(&report)[1]), (2, (Some(3), "not_billed")));
}

#[test]
fn pax8_invoice_items_tell_seats_from_money() {
    let report = report(PAX8_ITEMS);
    assert_eq!((report.format, report.refused_total), ("pax8_invoice_items", 0));
    let told: Vec<_> = charges(&report)
        .iter()
        .map(|(row, line)| {
            (*line, row.kind, row.charge_type.as_deref().unwrap().to_owned(), row.amount.to_string())
        })
        .collect();
    let row = |line, kind, word: &str, amount: &str| (line, kind, word.to_owned(), amount.to_owned());
    assert_eq!(
        told,
        [
            row(1, ChargeKind::Licence, "recurring", "467.5"),
            row(2, ChargeKind::Licence, "proration", "18.7"),
            row(3, ChargeKind::Usage, "usage", "91.17"),
            row(4, ChargeKind::Usage, "flat_rate", "50"),
            row(5, ChargeKind::OneTime, "credit", "-12.5"),
        ]
    );
    assert_eq!(
        seats(&report),
        [state("2026-04-01", "2026-04-16", "25"), state("2026-04-16", "2026-05-01", "27")]
    );
    let (first, _) = charges(&report)[0];
    assert_eq!((first.product.sku.as_deref(), first.term), (Some("CFQ7TTC0LCHC:0002"), None));
    assert_eq!(first.client.name.as_deref(), Some("Wide World Importers"));
}

#[test]
fn pax8_invoice_items_are_the_same_as_a_table_and_a_credited_invoice_counts_once() {
    let text = "Company Name,Product Name,sku,Subscription Id,Quantity,Cost,Cost Total,Currency Code,Charge Type,Term,Start Period,End Period,Invoice Number,Invoice Status,Region\n\
        Fabrikam,Premium,CFQ7TTC0LCHC-0002,S-9,25,18.70,467.50,USD,per_unit,Monthly,2026-04-01,2026-04-30,1001,Credited,EU\n\
        Fabrikam,Premium,CFQ7TTC0LCHC-0002,S-9,24,18.70,448.80,USD,per_unit,Monthly,2026-04-01,2026-04-30,1002,Unpaid,EU\n";
    let report = report(text);
    assert_eq!((report.format, &report.unknown_columns), ("pax8_invoice_items", &vec!["Region".to_owned()]));
    assert_eq!(seats(&report), [state("2026-04-01", "2026-05-01", "24")]);
    assert_eq!(note_codes(&report), [(Some(2), "credited_invoice")]);
}

#[test]
fn dates_of_a_table_that_could_be_read_in_two_ways_are_asked() {
    let table = |start: &str, end: &str| {
        format!(
            "companyName,productName,quantity,cost,currencyCode,startPeriod,endPeriod\nA,P,1,2,USD,{start},{end}\n"
        )
    };
    let asking = report(&table("04/01/2026", "05/01/2026"));
    assert_eq!((questions(&asking), asking.records.len(), asking.read), (vec!["date_order"], 0, 1));
    let proven = report(&table("01/04/2026", "30/04/2026"));
    assert_eq!(charges(&proven)[0].0.span, Span::new(day("2026-04-01"), day("2026-05-01")));
}

#[test]
fn lists_of_field_names_are_no_data() {
    let names =
        r#"{"InvoiceItem":["id","productId","quantity"],"Subscription":["id","companyId","quantity"]}"#;
    let map = r#"{"Microsoft":{"CustomerName":"CustomerName","ProductId":"ProductId","SkuId":"SkuId","Quantity":"Quantity","Subtotal":"Subtotal"},
        "Partner":{"CustomerName":"CustomerName","ProductId":"ProductId","SkuId":["PartNumber","SkuName"],"Quantity":"Quantity","Subtotal":"PartnerSubTotal"}}"#;
    for text in [names, map] {
        assert_eq!(error(text).code(), "schema_not_data", "{text}");
    }
}

#[test]
fn sherweb_charges_keep_every_digit_and_count_a_products_seats_once() {
    let report = report(SHERWEB);
    assert_eq!((report.format, report.read, report.unknown_columns.len()), ("sherweb_payable_charges", 5, 0));
    let rows = charges(&report);
    let (first, _) = rows[0];
    assert_eq!((first.unit_price.to_string(), first.amount), ("18.700000000000003".to_owned(), dec("224.4")));
    assert_eq!((first.invoice.as_deref(), first.currency.as_str()), (Some("INV-7"), "CAD"));
    assert_eq!(first.product.sku.as_deref(), Some("CFQ7TTC0LCHC:0002"));
    let kinds: Vec<_> = rows.iter().map(|(row, _)| row.kind).collect();
    assert_eq!(kinds, [ChargeKind::Licence, ChargeKind::Usage, ChargeKind::OneTime, ChargeKind::Usage]);
    assert_eq!(seats(&report), [state("2026-03-01", "2026-04-01", "12")]);
    assert_eq!(refusals(&report), [(5, "tags", "holds no CustomerDisplayName: whose charge is it?")]);
    assert_eq!(note_codes(&report), [(Some(2), "further_charge")]);
}

#[test]
fn sherweb_pages_read_alike_in_any_wrapping() {
    let again = report(&format!("[{SHERWEB},{{\"charges\":[]}}]"));
    assert_eq!(again.records, report(SHERWEB).records);
    let none = r#"{"periodFrom":"2026-03-01","periodTo":"2026-03-31","charges":null}"#;
    assert_ne!(error(none).code(), "schema_not_data");
}

#[test]
fn streamone_counts_active_subscriptions_and_reads_the_code_without_separators() {
    let report = report(STREAMONE);
    assert_eq!(
        (report.format, report.snapshot, report.names_client),
        ("td_synnex_streamone_subscriptions", true, true)
    );
    let rows = entitlements(&report);
    let (_, row) = rows[0];
    assert_eq!((rows.len(), row.purchased, row.term), (1, Some(dec("14")), Some(Term::Annual)));
    assert_eq!(row.product.sku.as_deref(), Some("CFQ7TTC0LCHC:0002"));
    assert_eq!(row.product.code.as_deref(), Some("USCFQ7TTC0LCHC0002"));
    assert_eq!(row.client.id.as_deref(), Some("41001"));
    assert_eq!(row.subscription.as_deref(), Some("aaaa0000-1111-4222-8333-000000000001"));
    assert_eq!(note_codes(&report), [(Some(2), "not_active")]);
}

#[test]
fn streamone_reports_are_tables_of_columns_that_the_user_chose() {
    let report = report(
        "customerName;subscriptionName;subscriptionTotalLicenses;mfgPartNumber;cost;currency\n\
         Fabrikam;Premium;7;CFQ7TTC0LCHC:0002;18.70;USD\n",
    );
    let rows = entitlements(&report);
    assert_eq!((rows[0].1.purchased, rows[0].1.client.name.as_deref()), (Some(dec("7")), Some("Fabrikam")));
    let bare = super::report("subscriptionName,subscriptionTotalLicenses\nPremium,7\n");
    assert_eq!((questions(&bare), bare.names_client), (vec!["client"], false));
}

#[test]
fn dicker_annuities_have_the_price_of_a_year() {
    assert_eq!(questions(&report(ANNUITY)), ["currency"]);
    let report = in_currency(ANNUITY, "AUD");
    assert_eq!((report.format, report.refused_total), ("dicker_data_annuity_details", 0));
    let rows = charges(&report);
    let (first, _) = rows[0];
    assert_eq!(
        (first.quantity, first.unit_price, first.cycle),
        (dec("275.00"), dec("338.31"), Cycle::Annual)
    );
    assert_eq!(first.span, Span { from: day("2023-08-30"), until: None }, "the first start, and still so");
    assert_eq!(first.subscription_span, Some(Span::new(day("2025-08-30"), day("2026-08-30"))));
    assert_eq!(first.client.id.as_deref(), Some("aaaa0000-1111-4222-8333-444455556666"));
    assert_eq!((first.product.sku.as_deref(), first.term), (Some("CFQ7TTC0LCHC:0002"), Some(Term::Annual)));
    assert_eq!((rows[1].0.quantity, rows[1].0.amount), (dec("3"), dec("0.00")), "free seats are real");
    assert_eq!((rows.len(), note_codes(&report)[1]), (2, (Some(4), "not_billed")));
}

#[test]
fn dicker_pro_rata_lines_are_no_seats_beside_the_whole_line() {
    let report = in_currency(DICKER_INVOICE, "AUD");
    assert_eq!((report.format, report.refused_total), ("dicker_data_invoice_details", 0));
    let kinds: Vec<_> = charges(&report).iter().map(|(row, _)| row.kind).collect();
    assert_eq!(kinds, [ChargeKind::OneTime, ChargeKind::Licence, ChargeKind::Licence, ChargeKind::Usage]);
    assert_eq!(
        seats(&report),
        [state("2025-07-31", "2025-08-31", "275"), state("2025-11-14", "2026-07-01", "2")],
        "a co-term that stands alone counts"
    );
    let (pro_rata, _) = charges(&report)[0];
    assert_eq!((pro_rata.amount, pro_rata.subscription_span), (dec("98.22"), None));
    let (co_term, _) = charges(&report)[2];
    assert_eq!((co_term.amount, co_term.cycle), (dec("3505.76"), Cycle::Annual));
}

#[test]
fn every_spelling_of_a_stock_code_is_one_product() {
    let spellings = [
        ("CFQ7TTC0LCHC-0002", true),
        ("P1Y:CFQ7TTC0LCHC:0002:1:", true),
        ("USCFQ7TTC0LCHC0002", true),
        ("#CFQ7TTC0LCHC:0002", true),
        ("CFQ7TTC0LCHC - A/M", false),
    ];
    let coded = |code: &str| {
        let report = report(&format!(
            "subscriptionName,subscriptionTotalLicenses,ccpSkuId,customerName\nOwn name of {code},1,{code},A\n"
        ));
        ProductRef::clone(&entitlements(&report)[0].1.product)
    };
    let vendor = ProductRef { sku: Some("CFQ7TTC0LCHC:0002".to_owned()), ..ProductRef::default() };
    let refs: Vec<ProductRef> = spellings.iter().map(|(code, _)| coded(code)).collect();
    let index = ProductIndex::build(refs.iter().chain([&vendor]), &[], Catalog::microsoft());
    let on = day("2026-01-01");
    let key = index.resolve(&vendor, on).unwrap().key;
    for ((code, same), product) in spellings.iter().zip(&refs) {
        assert_eq!(index.resolve(product, on).unwrap().key == key, *same, "{code}");
        assert_eq!(product.code.as_deref(), Some(*code));
    }
}

#[test]
fn xarios_rows_are_users_and_the_last_day_is_charged() {
    assert_eq!(questions(&report(XARIOS)), ["currency"]);
    let report = in_currency(XARIOS, "GBP");
    assert_eq!((report.format, report.refused_total), ("xarios_charges", 0));
    assert_eq!(seats(&report), [state("2026-04-01", "2026-05-01", "2")]);
    assert_eq!(note_codes(&report), [(Some(4), "duplicate_line")]);
    assert_eq!(charges(&report)[0].0.product.code.as_deref(), Some("#PM-TEAM"));
    let midnight = in_currency(&XARIOS.replace("2026-04-30 23:59:59", "2026-05-01 00:00:00"), "GBP");
    assert_eq!(seats(&midnight), seats(&report));
}

#[test]
fn portal_invoices_read_as_partner_center_does() {
    let report = report(PORTAL);
    assert_eq!((report.format, report.refused_total), ("msp_hub_partner_invoice", 0));
    assert_eq!(report.unknown_columns, ["Resale note"]);
    let rows = charges(&report);
    assert_eq!(rows[0].0.product.sku.as_deref(), Some("CFQ7TTC0LCHC:0002"), "the zeros are back");
    assert_eq!(rows[3].0.product.sku.as_deref(), Some("DG7GMGF0FKZV:0003"), "the SKU stands in SkuName");
    assert_eq!(rows[3].0.product.name.as_deref(), Some("Windows Server"));
    assert_eq!((rows[0].0.term, rows[4].0.kind), (Some(Term::Annual), ChargeKind::Usage));
    assert_eq!(
        seats(&report),
        [
            state("2026-04-01", "2026-04-16", "10"),
            state("2026-04-01", "2026-05-01", "1"),
            state("2026-04-16", "2026-05-01", "12"),
        ]
    );
}

#[test]
fn a_reconciliation_without_amounts_is_named_and_not_read() {
    let text = "CustomerName,CustomerDomainName,ProductId,SkuId,ChargeType,TermAndBillingCycle,BillingFrequency\n\
        A,a.example,P1,0001,New,One-Year commitment for monthly/yearly billing,Monthly\n";
    assert_eq!(error(text).code(), "nothing_to_compare");
}

#[test]
fn a_list_of_pax8_invoices_says_what_to_export() {
    let text = r#"{"content":[{"id":"1","invoiceDate":"2026-04-01","dueDate":"2026-04-30","balance":10,"carriedBalance":0,
        "total":10,"partnerName":"Example MSP","status":"Unpaid"}],"page":{"size":10}}"#;
    assert_eq!(error(text).code(), "nothing_to_compare");
}

#[test]
fn crayon_days_are_money_without_seats() {
    let report = report(CRAYON);
    assert_eq!((report.format, report.refused_total), ("crayon_usage_cost", 0));
    let (first, _) = charges(&report)[0];
    assert_eq!((first.kind, first.amount.to_string()), (ChargeKind::Usage, "12.3456789012".to_owned()));
    assert_eq!(first.span, Span::new(day("2026-04-01"), day("2026-04-02")));
    assert!(seats(&report).is_empty());
}

#[test]
fn distributors_tables_are_known_in_any_order_of_columns_and_letter_case() {
    for (text, format) in [
        (ANNUITY, "dicker_data_annuity_details"),
        (DICKER_INVOICE, "dicker_data_invoice_details"),
        (XARIOS, "xarios_charges"),
        (PORTAL, "msp_hub_partner_invoice"),
        (CRAYON, "crayon_usage_cost"),
    ] {
        let mut lines = text.lines().map(|line| {
            // Cells with a delimiter stand in quotes.
            let line = line.replace("\"$1,000.00\"", "$1000.00").replace("\"$1,200.00\"", "$1200.00");
            let line = line.replace("\"$1,752.88\"", "$1752.88");
            line.rsplit(',').collect::<Vec<_>>().join(";")
        });
        let header = lines.next().unwrap().to_uppercase();
        let turned = format!("{header}\n{}\n", lines.collect::<Vec<_>>().join("\n"));
        let read = in_currency(&turned, "USD");
        assert_eq!((read.format, read.refused_total), (format, 0));
        assert_eq!(read.records.len(), in_currency(text, "USD").records.len());
    }
}

#[test]
fn bare_headers_have_no_rows() {
    for text in [ANNUITY, DICKER_INVOICE, XARIOS, PORTAL, CRAYON] {
        assert_eq!(error(text.lines().next().unwrap()).code(), "no_rows");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn no_change_of_a_distributors_file_makes_the_reader_panic(at in 0_usize..4000, byte in proptest::num::u8::ANY) {
        for good in [PAX8_SUBSCRIPTIONS, PAX8_ITEMS, SHERWEB, STREAMONE, ANNUITY, DICKER_INVOICE, XARIOS, PORTAL, CRAYON] {
            let mut bytes = good.as_bytes().to_vec();
            let at = at % bytes.len();
            bytes[at] = byte;
            let options = ReadOptions { currency: Some("USD".parse().unwrap()), ..ReadOptions::default() };
            let _ = read("upload", &bytes, &options);
        }
    }
}
