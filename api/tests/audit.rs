//! `leakage audit` with real files, as a person runs it.
#![expect(clippy::unwrap_used, reason = "helpers of tests, outside the functions that clippy excepts")]
#![expect(clippy::case_sensitive_file_extension_comparisons, reason = "the fixtures' names are ours")]

use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Output};

const LEAKAGE: &str = env!("CARGO_BIN_EXE_leakage");

fn fixture(name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/audit");
    folder.join(name).to_str().unwrap().to_owned()
}

/// Runs `leakage audit`; words that name a fixture become its path.
fn audit(line: &str) -> Output {
    let words = line.split_whitespace().map(|word| match word.split_once('=') {
        Some((client, file)) => format!("{client}={}", fixture(file)),
        None if word.ends_with(".csv") => fixture(word),
        None => word.to_owned(),
    });
    Command::new(LEAKAGE).args(["audit", "--as-of", "2026-11-22"]).args(words).output().unwrap()
}

fn document(line: &str) -> (i32, Value) {
    let output = audit(&format!("{line} --format json"));
    let code = output.status.code().unwrap();
    (code, serde_json::from_slice(&output.stdout).unwrap())
}

/// Seats, seat-months and amount of the only gap.
fn only_gap(line: &str) -> [String; 3] {
    let (code, document) = document(line);
    assert_eq!(code, 1, "{document:#}");
    let gaps = document["gaps"].as_array().unwrap();
    assert_eq!(gaps.len(), 1, "{document:#}");
    [&gaps[0]["seats"], &gaps[0]["seat_months"], &gaps[0]["amount"]["amount"]]
        .map(|value| value.as_str().unwrap().to_owned())
}

const CHANGING: &str = "--from 2026-02 --to 2026-06 --entitlements changing-seats/entitlements.csv \
                        --billing changing-seats/billing.csv";

#[test]
fn changing_seats_follow_the_proration() {
    assert_eq!(only_gap(CHANGING), ["6", "21.535714", "473.79"]);
    assert_eq!(only_gap(&format!("{CHANGING} --proration full_month")), ["6", "24.000000", "528.00"]);
    assert_eq!(only_gap(&format!("{CHANGING} --proration next_month")), ["6", "18.000000", "396.00"]);
}

#[test]
fn a_bundle_rule_and_a_price_list_are_read_from_files() {
    let bundle = "--from 2026-03 --to 2026-03 --entitlements bundle/entitlements.csv \
                  --billing bundle/billing.csv --rules bundle/rules.csv";
    assert_eq!(only_gap(bundle), ["3", "3.000000", "66.00"]);
    let terms = "--from 2026-03 --to 2026-03 --entitlements term-mix/entitlements.csv \
                 --billing term-mix/billing.csv --prices term-mix/prices.csv";
    assert_eq!(only_gap(terms), ["2", "2.000000", "52.80"]);
    let (_, document) = document(terms);
    assert_eq!(document["term_mix"][0]["amount"]["amount"], "13.20");
}

#[test]
fn a_reconciliation_file_stands_in_for_entitlements() {
    let line =
        "--from 2026-06 --to 2026-06 --cost partner-center/recon.csv --billing partner-center/billing.csv";
    assert_eq!(only_gap(line), ["1", "0.966667", "5.80"]);
    let (_, document) = document(line);
    assert_eq!(document["gaps"][0]["entitlement_from"], "cost");
}

#[test]
fn older_months_than_the_limit_are_time_barred() {
    let line = "--from 2024-01 --to 2025-08 --entitlements limits/entitlements.csv --billing limits/billing.csv \
                --rules limits/rules.csv";
    assert_eq!(only_gap(line), ["3", "36.000000", "792.00"]);
    let (_, document) = document(line);
    let barred = &document["gaps"][0]["time_barred"];
    assert_eq!((&barred["seat_months"], &barred["amount"]), (&"24.000000".into(), &"528.00".into()));
}

#[test]
fn a_snapshot_is_stretched_and_says_so() {
    let line = "--from 2026-01 --to 2026-03 --entitlements Contoso=snapshot/licenses.csv \
                --billing snapshot/billing.csv";
    assert_eq!(only_gap(line), ["2", "6.000000", "132.00"]);
    let (_, found) = document(line);
    assert_eq!(
        (&found["gaps"][0]["assumed"], &found["coverage"][0]["assumed"]),
        (&true.into(), &true.into())
    );
    let (code, _) = document(&format!("{line} --basis assigned"));
    assert_eq!(code, 0);
}

#[test]
fn a_missing_side_finds_nothing_and_says_why() {
    let (code, document) =
        document("--from 2026-02 --to 2026-06 --entitlements changing-seats/entitlements.csv");
    assert_eq!((code, document["gaps"].as_array().unwrap().len()), (0, 0));
    assert_eq!(document["coverage"][0]["reason"], "no_billing");
}

#[test]
fn tables_and_csv_show_the_same_amount() {
    let table = String::from_utf8(audit(CHANGING).stdout).unwrap();
    assert!(table.contains("473.79 USD") && table.contains("21.535714"), "{table}");
    let csv = String::from_utf8(audit(&format!("{CHANGING} --format csv")).stdout).unwrap();
    let amounts: Vec<&str> = csv.lines().skip(1).filter_map(|line| line.split(',').nth(13)).collect();
    assert_eq!(amounts, ["44.79", "66.00", "99.00", "132.00", "132.00"]);
}

#[test]
fn every_problem_is_a_line_that_names_file_line_and_column() {
    let output = audit(
        "--from 2026-01 --to 2026-03 --entitlements snapshot/licenses.csv --billing bad-row/billing.csv missing.csv \
         --rules limits/billing.csv",
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let errors = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<&str> = errors.lines().collect();
    assert_eq!(lines.len(), 5, "{errors}");
    for (line, parts) in lines.iter().zip([
        ["licenses.csv", "CLIENT="],
        ["billing.csv:2: column `quantity`", "twenty"],
        ["billing.csv:3: column `from`", "2026-13-01"],
        ["missing.csv", "cannot be read"],
        ["billing.csv", "no rules"],
    ]) {
        assert!(parts.iter().all(|part| line.contains(part)), "{line}");
    }
}

#[test]
fn wrong_words_on_the_command_line_are_unusable_input() {
    for line in [
        "--from 2026-01",
        "--from 2026-01 --to 2026-13",
        "--from 2026-05 --to 2026-01 --billing limits/billing.csv",
        "--from 2027-05 --to 2027-06 --billing limits/billing.csv",
        "--from 2026-01 --to 2026-02",
        "--from 2026-01 --to 2026-02 --billing limits/billing.csv --accept-proposals 93",
        "--from 2026-01 --to 2026-02 --billing limits/billing.csv --basis bought",
    ] {
        assert_eq!(audit(line).status.code(), Some(2), "{line}");
    }
}

#[test]
fn the_same_files_are_shown_under_every_proration() {
    let (code, found) = document(&format!("{CHANGING} --what-if"));
    assert_eq!(code, 1);
    let settings = found["totals"][0]["settings"].as_array().unwrap();
    let shown: Vec<[&str; 3]> = settings
        .iter()
        .map(|under| {
            let figures = &under["figures"];
            [&under["setting"]["proration"], &figures["under_seat_months"], &figures["under"]]
                .map(|value| value.as_str().unwrap())
        })
        .collect();
    assert_eq!(
        shown,
        [
            ["daily", "21.535714", "473.79"],
            ["full_month", "24.000000", "528.00"],
            ["next_month", "18.000000", "396.00"],
        ]
    );
    let (_, all) = document(&format!("{CHANGING} --what-if --all-bases"));
    assert_eq!(all["settings"].as_array().unwrap().len(), 9);
    let table = String::from_utf8(audit(&format!("{CHANGING} --what-if")).stdout).unwrap();
    assert!(["473.79", "528.00", "396.00"].iter().all(|money| table.contains(money)), "{table}");
    let csv = String::from_utf8(audit(&format!("{CHANGING} --what-if --format csv")).stdout).unwrap();
    assert_eq!(csv.lines().count(), 4, "{csv}");
    assert_eq!(audit(&format!("{CHANGING} --all-bases")).status.code(), Some(2));
}

#[test]
fn margins_are_printed_where_a_cost_is_known() {
    let line = "--from 2026-06 --to 2026-06 --cost partner-center/recon.csv --billing partner-center/billing.csv --margins";
    let (code, found) = document(line);
    assert_eq!(code, 0);
    let figures = &found["totals"][0]["figures"];
    assert_eq!((&figures["billed"], &figures["cost"]), (&"6.00".into(), &"7.87".into()), "{found:#}");
    assert_eq!((&figures["margin"], &figures["margin_percent"]), (&"-1.87".into(), &"-31.17".into()));
    let (_, none) = document(&format!("{CHANGING} --margins"));
    assert!(none["products"].as_array().unwrap().is_empty());
}
