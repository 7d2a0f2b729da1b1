//! What is read off a document for the history of gaps: what it compared, and what it found month by month.

use super::build::*;
use crate::audit::{AuditDocument, CoverageStatus};
use crate::history::{self, ComparedClient};
use crate::id::AuditId;
use crate::matching::fold;
use chrono::TimeZone as _;
use std::collections::BTreeMap;

const SUITE: &str = "Suite";
const VAULT: &str = "Vault";

fn compared(document: &AuditDocument) -> BTreeMap<String, ComparedClient> {
    history::compared(document, fold)
}

#[test]
fn a_product_whose_source_covers_less_than_its_client_is_listed_with_the_months_it_lacks() {
    let mut of_distributor = entitlements(vec![purchased("Contoso", VAULT, "5", "2026-01-01..2026-03-01")]);
    "pax8_subscriptions".clone_into(&mut of_distributor.format);
    let sources = vec![
        entitlements(vec![purchased("Contoso", SUITE, "22", "2026-01-01..2026-04-01")]),
        of_distributor,
        billing(vec![
            billed("Contoso", SUITE, "22", "10.00", "2026-01-01..2026-04-01"),
            billed("Contoso", VAULT, "4", "10.00", "2026-01-01..2026-04-01"),
        ]),
    ];
    let document = audit(&input("2026-01", "2026-03", sources));
    let months: Vec<String> = only(&document).months.iter().map(|month| month.month.to_string()).collect();
    assert_eq!(months, ["2026-01", "2026-02"]);
    let entry = document.coverage.iter().find(|entry| entry.product.as_deref() == Some(VAULT)).unwrap();
    assert_eq!(
        (entry.status, &entry.missing_months),
        (CoverageStatus::Compared, &vec![month("2026-03")]),
        "{entry:#?}"
    );
    let client = &compared(&document)["contoso"];
    assert!(client.product("suite", month("2026-03")).is_some());
    assert!(client.product("vault", month("2026-02")).is_some());
    assert!(client.product("vault", month("2026-03")).is_none(), "nobody looked at it");
    assert!(client.product("unheard of", month("2026-03")).is_some(), "both sides know nothing of it");
    assert_eq!((client.lacking(month("2026-02")), client.lacking(month("2026-03"))), (0, 1));
}

#[test]
fn months_that_are_not_covered_or_not_over_are_told_apart() {
    let mut wanted = input(
        "2026-01",
        "2026-05",
        vec![
            entitlements(vec![
                purchased("Contoso", SUITE, "22", "2026-01-15.."),
                purchased("Fabrikam", SUITE, "1", "2026-01-01.."),
            ]),
            billing(vec![
                billed("Contoso", SUITE, "22", "10.00", "2026-01-01..2026-03-01"),
                billed("Contoso", SUITE, "22", "10.00", "2026-04-01.."),
            ]),
        ],
    );
    wanted.as_of = day("2026-04-20");
    let clients = compared(&audit(&wanted));
    let shown: Vec<String> = clients["contoso"]
        .months
        .iter()
        .map(|(at, one)| format!("{at} {} {} {}", one.compared, one.closed, one.partial))
        .collect();
    assert_eq!(
        shown,
        [
            "2026-01 true true true",
            "2026-02 true true false",
            "2026-03 true true false",
            "2026-04 true false false"
        ]
    );
    assert!(clients["fabrikam"].months.values().all(|month| !month.compared), "it has no billing");
}

#[test]
fn clients_that_cannot_be_told_apart_were_compared_only_where_both_were() {
    let sources = vec![
        entitlements(vec![
            purchased("Contoso", SUITE, "22", "2026-01-01.."),
            purchased("Fabrikam", SUITE, "1", "2026-01-01.."),
        ]),
        billing(vec![
            billed("Contoso", SUITE, "22", "10.00", "2026-01-01..2026-03-01"),
            billed("Fabrikam", SUITE, "1", "10.00", "2026-02-01..2026-03-01"),
        ]),
    ];
    let document = audit(&input("2026-01", "2026-02", sources));
    let clients = history::compared(&document, |_| "both".to_owned());
    let both = &clients["both"];
    assert!(
        both.product("suite", month("2026-01")).is_none()
            && both.product("suite", month("2026-02")).is_some()
    );
}

#[test]
fn words_on_a_gap_hold_its_whole_seat_days_and_the_months_money() {
    let sources = vec![
        entitlements(vec![
            purchased("Contoso", SUITE, "40", "2026-02-01..2026-02-10"),
            purchased("Contoso", SUITE, "43", "2026-02-10.."),
        ]),
        billing(vec![billed("Contoso", SUITE, "40", "22.00", "2026-02-01..2026-04-01")]),
    ];
    let document = audit(&input("2026-02", "2026-03", sources));
    let known_at = chrono::Utc.with_ymd_and_hms(2026, 5, 1, 0, 0, 0).unwrap();
    let audit = AuditId::new(uuid::Uuid::from_u128(7));
    let words = history::words(only(&document), audit, known_at).unwrap();
    let shown: Vec<_> = words
        .iter()
        .map(|word| {
            let found = word.difference.unwrap();
            (word.month.to_string(), found.seat_days, found.amount_minor, found.billable, found.billed)
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("2026-02".to_owned(), 19 * 3, Some(4479), 43, 40),
            ("2026-03".to_owned(), 31 * 3, Some(6600), 43, 40)
        ]
    );
}
