use super::*;
use crate::records::{Cycle, LineType};

const SERVICES: &str = include_str!("../../../fixtures/autotask/contract_services.json");
const ITEMS: &str = include_str!("../../../fixtures/autotask/billing_items.json");

fn answered(bytes: &[u8]) -> FileReport {
    let options = ReadOptions {
        invoice_timing: Some(InvoiceTiming::Advance),
        currency: Some(Currency::USD),
        ..ReadOptions::default()
    };
    read("upload", bytes, &options).unwrap()
}

/// The lists of the fixture, each an answer of its own.
fn answers() -> Vec<(String, String)> {
    let lists: serde_json::Map<String, serde_json::Value> = serde_json::from_str(SERVICES).unwrap();
    lists.into_iter().map(|(name, answer)| (format!("{name}.json"), answer.to_string())).collect()
}

#[test]
fn units_are_periods_with_names_and_prices_joined_by_id() {
    let report = answered(SERVICES.as_bytes());
    assert_eq!((report.format, report.refused_total), ("autotask_contract_services", 0));
    let rows = billing(&report);
    let (_, first) = rows[0];
    assert_eq!(
        (first.client.id.as_deref(), first.client.name.as_deref()),
        (Some("174"), Some("Proseware Inc"))
    );
    assert_eq!(first.product.name.as_deref(), Some("Microsoft 365 Business Premium"));
    assert_eq!(
        (first.product.code.as_deref(), first.agreement.as_deref()),
        (Some("77"), Some("Cloud services (8001)"))
    );
    assert_eq!(first.span, Span::new(day("2026-02-01"), day("2026-03-01")));
    assert_eq!((first.cycle, first.recurring, first.quantity), (Cycle::Monthly, false, dec("20")));
    let prices: Vec<_> = rows.iter().map(|(_, row)| row.unit_price.normalize()).collect();
    assert_eq!(prices, [dec("26.4"), dec("3"), dec("25"), dec("50")]);
    let codes = note_codes(&report);
    for code in ["price_differs", "not_posted", "adjustments_not_read", "unit_price_derived"] {
        assert!(codes.iter().any(|(_, note)| *note == code), "{code} in {codes:?}");
    }
}

#[test]
fn services_and_bundles_with_one_id_stay_apart() {
    let report = answered(SERVICES.as_bytes());
    let rows = billing(&report);
    assert_eq!(rows[3].1.product.code.as_deref(), Some("bundle 77"));
    assert_eq!(
        (rows[0].1.source_id.as_deref(), rows[3].1.source_id.as_deref()),
        (Some("50101"), Some("bundle 50101"))
    );
}

#[test]
fn an_archive_of_answers_and_capital_members_read_alike() {
    let expected: Vec<_> =
        billing(&answered(SERVICES.as_bytes())).into_iter().map(|(_, row)| row.clone()).collect();
    let answers = answers();
    let members: Vec<(&str, &str)> =
        answers.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let zipped = answered(&super::files::zip(&members));
    assert_eq!(zipped.format, "autotask_contract_services");
    let mut rows: Vec<_> = billing(&zipped).into_iter().map(|(_, row)| row.clone()).collect();
    rows.sort_by_key(|row| expected.iter().position(|other| other == row));
    assert_eq!(rows, expected);
    let capitals = SERVICES
        .replace("\"contractID\"", "\"ContractID\"")
        .replace("\"units\"", "\"Units\"")
        .replace("\"id\"", "\"Id\"");
    assert_eq!(billing(&answered(capitals.as_bytes())).len(), 4);
}

#[test]
fn units_of_one_unknown_contract_ask_whose_they_are_and_of_several_are_refused() {
    let units = &answers().into_iter().find(|(name, _)| name.starts_with("contractServiceUnits")).unwrap().1;
    let asking = report(units);
    let asked: Vec<_> = asking.needs_input.iter().map(|asked| asked.question.as_str()).collect();
    assert_eq!((asked, asking.names_client), (vec!["client", "currency"], false));
    assert_eq!(billing(&answered(units.as_bytes()))[0].1.unit_price, dec("26.4"), "the total by the units");
    let several = answered(units.replacen("8001", "8002", 1).as_bytes());
    assert_eq!(several.refused_total, 3);
    assert!(several.refused[0].reason.contains("upload contracts and companies"));
}

#[test]
fn what_has_no_quantity_is_nothing_to_compare_and_directories_stand_alone() {
    for (name, text) in answers() {
        let outcome = read("upload", text.as_bytes(), &ReadOptions::default());
        match name.trim_end_matches(".json") {
            "companies" => {
                let report = outcome.unwrap();
                assert!(
                    matches!(&report.records[0].record, Record::Client(client) if client.name.as_deref() == Some("Proseware Inc"))
                );
            }
            "services" => assert!(matches!(&outcome.unwrap().records[0].record, Record::Product(_))),
            "contracts" | "contractServices" | "contractServiceAdjustments" => {
                assert_eq!(outcome.unwrap_err().code(), "nothing_to_compare", "{name}");
            }
            _ => assert!(outcome.is_ok(), "{name}"),
        }
    }
    let one = r#"{"item":{"id":174,"companyName":"Proseware Inc","companyType":1}}"#;
    assert_eq!(report(one).records.len(), 1);
}

#[test]
fn a_part_of_a_month_takes_the_services_price_and_a_year_is_one_cycle() {
    let part =
        SERVICES.replacen("2026-02-01T00:00:00Z", "2026-02-15T00:00:00Z", 1).replacen("528.0", "264.0", 1);
    let report = answered(part.as_bytes());
    assert_eq!(billing(&report)[0].1.unit_price, dec("26.4"));
    assert!(note_codes(&report).iter().any(|(_, code)| *code == "partial_period"));
    let year = SERVICES.replacen("2026-02-28T00:00:00.000Z", "2027-01-31T23:59:59Z", 1);
    assert_eq!(billing(&answered(year.as_bytes()))[0].1.cycle, Cycle::Annual);
}

#[test]
fn billing_items_of_services_recur_and_others_are_charged_once() {
    let report = answered(ITEMS.as_bytes());
    assert_eq!((report.format, report.refused_total), ("autotask_billing_items", 0));
    let rows = billing(&report);
    let kinds: Vec<_> = rows.iter().map(|(_, row)| (row.line_type, row.billable, row.unit_price)).collect();
    assert_eq!(
        kinds,
        [
            (LineType::Regular, true, dec("26.4")),
            (LineType::OneOff, true, dec("90.0")),
            (LineType::Regular, false, dec("3.0"))
        ]
    );
    assert_eq!(rows[0].1.client.id.as_deref(), Some("174"));
    assert!(note_codes(&report).contains(&(Some(2), "not_invoiced")));
    let asked: Vec<_> = super::report(ITEMS).needs_input.into_iter().map(|asked| asked.question).collect();
    assert_eq!(asked, ["invoice_timing", "currency"]);
}

#[test]
fn items_of_a_voided_invoice_charge_nothing_and_companies_name_their_clients() {
    let company = r#"{"id":174,"companyName":"Proseware Inc","companyType":1}"#;
    let invoice = r#"{"id":5001,"companyID":174,"invoiceNumber":"77","invoiceTotal":558.0,"isVoided":true}"#;
    let all = format!(r#"{{"billingItems":{ITEMS},"companies":[{company}],"invoices":[{invoice}]}}"#);
    let report = answered(all.as_bytes());
    let rows = billing(&report);
    assert_eq!(rows[0].1.client.name.as_deref(), Some("Proseware Inc"));
    assert_eq!(rows.iter().map(|(_, row)| row.billable).collect::<Vec<_>>(), [false, true, false]);
    assert_eq!(error(&format!("[{invoice}]")).code(), "nothing_to_compare");
    let mixed = format!(
        r#"{{"billingItems":{ITEMS},"more":0,"contractServiceUnits":{}}}"#,
        answers().into_iter().find(|(name, _)| name.starts_with("contractServiceUnits")).unwrap().1
    );
    assert_eq!(error(&mixed).code(), "mixed_formats");
}
