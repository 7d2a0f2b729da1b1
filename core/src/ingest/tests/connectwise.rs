use super::*;
use crate::records::{Cycle, LineType};

const NESTED: &str = include_str!("../../../fixtures/connectwise/agreements_with_additions.json");
const ADDITIONS: &str = include_str!("../../../fixtures/connectwise/additions.json");
const LIST: &str = include_str!("../../../fixtures/connectwise/addition_list.csv");
const AGREEMENT: &str = r#"{"id":77,"name":"Cloud","company":{"id":5,"name":"Fabrikam"},"startDate":"2025-01-01T00:00:00Z",
    "cancelledFlag":false,"noEndingDateFlag":false,"endDate":"2026-06-30T00:00:00Z","billingCycle":{"name":"Monthly"},"currency":{"currencyCode":"EUR"}}"#;

#[test]
fn additions_are_a_history_with_included_seats_and_lines_that_charge_nothing() {
    let report = report(NESTED);
    assert_eq!((report.format, report.refused_total), ("connectwise_agreements", 0));
    let rows = billing(&report);
    let (_, first) = rows[0];
    assert_eq!((first.quantity, first.included, first.unit_price), (dec("24"), dec("4"), dec("66.0")));
    assert_eq!(first.span, Span::new(day("2025-11-01"), day("2026-03-01")));
    assert_eq!((first.cycle, first.recurring, first.billable), (Cycle::Quarterly, true, true));
    assert_eq!((first.source_id.as_deref(), first.product.code.as_deref()), (Some("1"), Some("M365-BP")));
    assert_eq!(
        (first.client.id.as_deref(), first.client.name.as_deref()),
        (Some("250"), Some("Wide World Importers"))
    );
    assert_eq!(first.billing_entity.as_deref(), Some("Wide World Holding"));
    assert_eq!(first.agreement.as_deref(), Some("Monthly Services (314)"));
    let (_, second) = rows[1];
    assert_eq!((second.span.until, second.billable, second.line_type), (None, false, LineType::Regular));
}

#[test]
fn agreements_and_additions_in_one_upload_join_by_id_in_any_wrapping() {
    let list = &ADDITIONS.trim()[1..ADDITIONS.trim().len() - 1];
    let zip = super::files::zip(&[
        ("agreements.json", &format!("[{AGREEMENT}]")),
        ("pages/additions.json", ADDITIONS),
    ]);
    let wrapped: Vec<Vec<u8>> = vec![
        format!(r#"{{"agreements":[{AGREEMENT}],"additions":{ADDITIONS}}}"#).into_bytes(),
        format!("[{list},{AGREEMENT}]").into_bytes(),
        format!("{AGREEMENT}\n{ADDITIONS}").into_bytes(),
        zip,
    ];
    for bytes in wrapped {
        let report = read("upload", &bytes, &ReadOptions::default()).unwrap();
        assert_eq!(
            (report.format, report.needs_input.len(), report.refused_total),
            ("connectwise_agreements", 0, 0)
        );
        let rows = billing(&report);
        assert_eq!(rows.len(), 2);
        for (_, row) in rows {
            assert_eq!((row.client.name.as_deref(), row.currency.as_str()), (Some("Fabrikam"), "EUR"));
            assert_eq!(row.span.until, Some(day("2026-07-01")), "the agreement's last day is its own");
        }
    }
}

#[test]
fn additions_alone_ask_whose_they_are_and_in_which_currency() {
    let asking = report(ADDITIONS);
    let questions: Vec<_> = asking.needs_input.iter().map(|asked| asked.question.as_str()).collect();
    assert_eq!(
        (questions, asking.names_client, asking.records.len()),
        (vec!["client", "currency"], false, 0)
    );
    let options = ReadOptions { currency: Some(Currency::USD), ..ReadOptions::default() };
    let answered = read("upload", ADDITIONS.as_bytes(), &options).unwrap();
    assert_eq!(answered.records.len(), 2);
    assert_eq!(*billing(&answered)[0].1.client, ClientRef::default());
}

#[test]
fn additions_of_several_absent_agreements_are_refused_one_by_one() {
    let report = report(&ADDITIONS.replacen("\"agreementId\": 77", "\"agreementId\": 78", 1));
    let listed: Vec<_> = refusals(&report).into_iter().map(|(line, column, _)| (line, column)).collect();
    assert_eq!(listed, [(1, "agreementId"), (2, "agreementId")]);
    assert!(report.refused[0].reason.contains("upload agreements and additions together"));
}

#[test]
fn a_company_on_the_addition_itself_is_enough() {
    let text = ADDITIONS
        .replace("\"agreementId\": 77", "\"agreementId\": 77, \"company\": {\"id\": 5, \"name\": \"Fabrikam\"}, \"currency\": {\"currencyCode\": \"EUR\"}");
    let report = report(&text);
    assert_eq!((report.needs_input.len(), report.names_client, report.records.len()), (0, true, 2));
    assert_eq!(note_codes(&report), [(Some(1), "assumed_cycle"), (Some(2), "assumed_cycle")]);
}

#[test]
fn an_agreement_without_additions_says_that_nothing_follows() {
    let report = report(AGREEMENT);
    assert_eq!(
        (report.records.len(), note_codes(&report)),
        (0, vec![(Some(1), "agreement_without_additions")])
    );
}

#[test]
fn additions_that_cannot_be_understood_are_refused_with_the_member() {
    let bad = NESTED
        .replace("\"quantity\": 24", "\"quantity\": \"many\"")
        .replace("\"billCustomer\": \"DoNotBill\"", "\"billCustomer\": \"Perhaps\"");
    let listed: Vec<_> = report(&bad)
        .refused
        .into_iter()
        .map(|refusal| (refusal.line, refusal.column.unwrap(), refusal.value.unwrap()))
        .collect();
    assert_eq!(listed, [(2, "quantity".into(), "many".into()), (3, "billCustomer".into(), "Perhaps".into())]);
    let weekly = report(&NESTED.replace("Quarterly", "Weekly"));
    assert_eq!(weekly.refused_total, 2);
    let cancelled = report(&NESTED.replace("\"cancelledFlag\": false", "\"cancelledFlag\": true"));
    assert_eq!(cancelled.refused[0].column.as_deref(), Some("cancelledFlag"));
}

#[test]
fn one_addition_twice_counts_once_and_two_versions_are_refused() {
    let again = report(&NESTED.replace("\"id\": 2,", "\"id\": 1,"));
    assert_eq!((again.records.len(), again.refused[0].column.as_deref()), (1, Some("id")));
}

#[test]
fn additions_in_several_pages_are_one_list() {
    let additions = &ADDITIONS.trim()[1..ADDITIONS.trim().len() - 1];
    let pages = format!("[{AGREEMENT}]\n[{additions}]\n[{}]", additions.replace("\"id\": ", "\"id\": 9"));
    let report = report(&pages);
    assert_eq!((billing(&report).len(), report.refused_total), (4, 0));
    let again = super::report(&format!("[{AGREEMENT}][{additions}][{additions}]"));
    assert_eq!((billing(&again).len(), again.refused_total), (2, 0), "pages that overlap");
}

#[test]
fn what_the_file_says_differently_and_parts_of_a_bundle_are_noted() {
    let doubtful = NESTED
        .replacen("\"quantity\": 24", "\"billedQuantity\": 19, \"quantity\": 24", 1)
        .replacen("\"unitPrice\": 66.0", "\"unitPrice\": 0", 1)
        .replacen("\"cancelledFlag\": false", "\"billAmount\": 500, \"cancelledFlag\": false", 1);
    let codes: Vec<_> = note_codes(&report(&doubtful)).into_iter().map(|(_, code)| code).collect();
    assert!(codes.contains(&"billed_quantity_differs") && codes.contains(&"in_bundle"), "{codes:?}");
}

#[test]
fn the_list_of_the_screen_is_read_by_its_columns() {
    let options = ReadOptions { currency: Some(Currency::USD), ..ReadOptions::default() };
    let report = read("upload", LIST.as_bytes(), &options).unwrap();
    assert_eq!((report.format, report.unknown_columns.len()), ("connectwise_addition_list", 0));
    assert!(report.reasons.iter().any(|reason| reason.contains("2/28/2026")));
    let rows = billing(&report);
    assert_eq!(
        (rows[0].1.quantity, rows[0].1.included, rows[0].1.unit_price),
        (dec("24"), dec("4"), dec("1022.00"))
    );
    assert_eq!(rows[0].1.span, Span::new(day("2025-11-01"), day("2026-02-28")));
    assert_eq!((rows[1].1.span.until, rows[1].1.recurring), (None, true));
    assert_eq!((rows[2].1.billable, rows[2].1.agreement.as_deref()), (false, Some("Monthly Services")));
    let listed: Vec<_> = refusals(&report).into_iter().map(|(line, column, _)| (line, column)).collect();
    assert_eq!(listed, [(5, "Bill")]);
    assert_eq!(super::report(LIST).needs_input[0].question, "currency");
}

#[test]
fn the_list_of_one_agreement_asks_whose_it_is() {
    let one = "Product ID,Description,Quantity,Price,Bill,Effective,Cancelled,Margin\nM365-BP,Business Premium,5,22.00,Yes,2025-11-01,,10.00\n";
    let asked: Vec<_> = report(one).needs_input.into_iter().map(|asked| asked.question).collect();
    assert_eq!(asked, ["client", "currency"]);
    let bare = error(LIST.lines().next().unwrap());
    assert_eq!(bare, FileError::NoRows { known: Some("connectwise_addition_list") });
}

#[test]
fn the_list_of_agreements_has_nothing_to_compare() {
    let list = "Agreement Type,Agreement Name,Company Name,Amount,Billing Cycle,Date Start,Date End,Status\nManaged,Cloud,Fabrikam,500.00,Monthly,1/1/2026,,Active\n";
    assert_eq!(error(list).code(), "nothing_to_compare");
    assert!(error(list).to_string().contains("Additions tab"));
}
