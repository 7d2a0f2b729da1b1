//! The document does not tell how many threads made it.

use super::build::{billed, billing, entitlements, input, purchased};
use crate::audit::{digest_of, json, run_on};

#[test]
fn any_number_of_threads_gives_one_document() {
    let clients: Vec<String> = (0..300).map(|number| format!("Client {number:03}")).collect();
    let have = clients.iter().map(|who| purchased(who, "Backup", "5", "2026-01-01.."));
    let pay = clients.iter().map(|who| billed(who, "Backup", "3", "4", "2026-01-01.."));
    let sources = vec![entitlements(have.collect()), billing(pay.collect())];
    let input = input("2026-01", "2026-03", sources);
    let alone = run_on(&input, 1).unwrap();
    assert_eq!(alone.gaps.len(), 300);
    assert_eq!(digest_of(&alone).unwrap(), alone.digest);
    for threads in [0, 2, 5] {
        let document = run_on(&input, threads).unwrap();
        assert_eq!(document, alone);
        let mut printed = Vec::new();
        json(document, threads, &mut printed).unwrap();
        assert_eq!(String::from_utf8(printed).unwrap(), serde_json::to_string_pretty(&alone).unwrap() + "\n");
    }
}

#[test]
fn a_document_without_gaps_is_printed_too() {
    let sources = vec![billing(vec![billed("Oak", "Backup", "3", "4", "2026-01-01..")])];
    let document = run_on(&input("2026-01", "2026-03", sources), 2).unwrap();
    let whole = serde_json::to_string_pretty(&document).unwrap() + "\n";
    let mut printed = Vec::new();
    json(document, 2, &mut printed).unwrap();
    assert_eq!(String::from_utf8(printed).unwrap(), whole);
}
