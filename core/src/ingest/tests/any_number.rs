//! No number in a billing file stops it: what cannot be reckoned with is refused row by row.

use super::*;

const FILES: [&str; 15] = [
    include_str!("../../../fixtures/autotask/billing_items.json"),
    include_str!("../../../fixtures/autotask/contract_services.json"),
    include_str!("../../../fixtures/connectwise/addition_list.csv"),
    include_str!("../../../fixtures/connectwise/agreements_with_additions.json"),
    include_str!("../../../fixtures/halopsa/invoices.json"),
    include_str!("../../../fixtures/halopsa/licences.json"),
    include_str!("../../../fixtures/halopsa/recurring_invoices.json"),
    include_str!("../../../fixtures/quickbooks/invoice_import_a.csv"),
    include_str!("../../../fixtures/quickbooks/invoice_import_b.csv"),
    include_str!("../../../fixtures/quickbooks/invoices.json"),
    include_str!("../../../fixtures/syncro/schedules.json"),
    include_str!("../../../fixtures/xero/invoice_export.csv"),
    include_str!("../../../fixtures/xero/invoice_import.csv"),
    include_str!("../../../fixtures/xero/invoices.json"),
    include_str!("../../../fixtures/xero/repeating_invoices.json"),
];

const NUMBERS: [&str; 8] = [
    "79228162514264337593543950335",
    "-79228162514264337593543950335",
    "0",
    "-1",
    "0.0000000000000000000000000001",
    "8210266876799999",
    "-8334601228800000",
    "",
];

#[test]
fn no_number_stops_a_file() {
    let options = ReadOptions {
        date_order: Some(DateOrder::Dmy),
        currency: Some(Currency::USD),
        invoice_timing: Some(InvoiceTiming::Arrears),
        ..ReadOptions::default()
    };
    for text in FILES {
        let digit = |at: usize| text.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
        let starts = (0..text.len()).filter(|&at| digit(at) && (at == 0 || !digit(at - 1)));
        for (turn, start) in starts.enumerate() {
            let outside = |at: &usize| !digit(*at) && text.as_bytes().get(*at) != Some(&b'.');
            let end = (start..=text.len()).find(outside).unwrap();
            // Each number meets some of these; all together meet all.
            for number in NUMBERS.iter().cycle().skip(turn).take(3) {
                let other = format!("{}{number}{}", &text[..start], &text[end..]);
                if let Ok(report) = read("upload", other.as_bytes(), &options) {
                    assert!(report.refused_total <= report.read, "{number} at {start}");
                }
            }
        }
    }
}
