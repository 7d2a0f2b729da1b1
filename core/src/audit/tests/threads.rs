//! The document does not tell how many threads made it.

use super::build::{billed, billing, entitlements, input, purchased};
use crate::audit::{digest_of, run_on};

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
        assert_eq!(run_on(&input, threads).unwrap(), alone);
    }
}
