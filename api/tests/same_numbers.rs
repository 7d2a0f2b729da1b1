//! The same files give the same document, whether the command reads them or the service stores them.
#![expect(clippy::unwrap_used, reason = "helpers of tests, outside the functions that clippy excepts")]

use leakage_tests::TestApp;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;

const LEAKAGE: &str = env!("CARGO_BIN_EXE_leakage");

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The document of the command, for words in which a file begins with `demo/` or `../`.
fn command(line: &str) -> Value {
    let words = line.split_whitespace().map(|word| match word.split_once('=') {
        Some((client, file)) => format!("{}={}", client.replace('_', " "), path(file).display()),
        None if word.contains('.') => path(word).display().to_string(),
        None => word.to_owned(),
    });
    let output = Command::new(LEAKAGE)
        .args(["audit", "--as-of", "2026-11-22", "--format", "json"])
        .args(words)
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The document of the service, from the files in the order in which the command was given them.
async fn service(files: &[(&str, &str)], from: &str, to: &str) -> Value {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    for (file, query) in files {
        let name = PathBuf::from(file);
        let name = name.file_name().unwrap().to_str().unwrap();
        org.import_whole(name, std::fs::read(path(file)).unwrap(), query).await;
    }
    org.audit(json!({"from": from, "to": to, "as_of": "2026-11-22"})).await
}

/// Without the names of files, which are no part of the digest, and without the digest.
fn facts(mut document: Value) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(members) => {
                members.remove("file");
                members.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    strip(&mut document);
    document.as_object_mut().unwrap().remove("digest");
    document
}

async fn assert_same(line: &str, files: &[(&str, &str)], from: &str, to: &str) -> Value {
    let ours = command(&format!("--from {from} --to {to} {line}"));
    let theirs = service(files, from, to).await;
    let digests = (ours["digest"].clone(), theirs["digest"].clone());
    assert_eq!(facts(theirs), facts(ours.clone()));
    assert_eq!(digests.0, digests.1);
    ours
}

const FIXTURES: &str = "../tests/fixtures/audit";

#[tokio::test]
async fn a_directory_joins_a_tenant_to_the_client_that_is_billed() {
    let file = |name: &str| format!("{FIXTURES}/directory/{name}");
    let (entitlements, billing) = (file("entitlements.csv"), file("billing.csv"));
    let customers = file("customers.json");
    let apart =
        command(&format!("--from 2026-02 --to 2026-02 --entitlements {entitlements} --billing {billing}"));
    assert_eq!(apart["gaps"], json!([]));
    let line = format!("--entitlements {entitlements} --billing {billing} --directory {customers}");
    let files = [(entitlements.as_str(), ""), (&billing, ""), (&customers, "")];
    let joined = assert_same(&line, &files, "2026-02", "2026-02").await;
    assert_eq!((&joined["gaps"][0]["seats"], &joined["gaps"][1]), (&json!("2"), &Value::Null));
    assert_eq!(joined["coverage"].as_array().unwrap().len(), 1, "{joined:#}");
}

#[tokio::test]
async fn dated_files_give_the_same_digest() {
    let (entitlements, billing) = (
        format!("{FIXTURES}/changing-seats/entitlements.csv"),
        format!("{FIXTURES}/changing-seats/billing.csv"),
    );
    let line = format!("--entitlements {entitlements} --billing {billing}");
    let document = assert_same(&line, &[(&entitlements, ""), (&billing, "")], "2026-02", "2026-06").await;
    assert_eq!(document["gaps"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn rules_and_limits_count_the_same_when_they_are_uploaded() {
    let [entitlements, billing, rules] =
        ["entitlements.csv", "billing.csv", "rules.csv"].map(|name| format!("{FIXTURES}/limits/{name}"));
    let line = format!("--entitlements {entitlements} --billing {billing} --rules {rules}");
    let files = [(entitlements.as_str(), ""), (billing.as_str(), ""), (rules.as_str(), "")];
    let document = assert_same(&line, &files, "2024-01", "2025-08").await;
    assert!(document["gaps"][0]["time_barred"].is_object());
}

#[tokio::test]
async fn price_lists_count_the_same_when_they_are_uploaded() {
    let [entitlements, billing, prices] =
        ["entitlements.csv", "billing.csv", "prices.csv"].map(|name| format!("{FIXTURES}/term-mix/{name}"));
    let line = format!("--entitlements {entitlements} --billing {billing} --prices {prices}");
    let files = [(entitlements.as_str(), ""), (billing.as_str(), ""), (prices.as_str(), "")];
    assert_same(&line, &files, "2026-03", "2026-03").await;
}

#[tokio::test]
async fn a_reconciliation_file_counts_the_same_when_it_is_uploaded() {
    let [cost, billing] =
        ["recon.csv", "billing.csv"].map(|name| format!("{FIXTURES}/partner-center/{name}"));
    let line = format!("--cost {cost} --billing {billing}");
    assert_same(&line, &[(&cost, ""), (&billing, "")], "2026-06", "2026-06").await;
}

#[tokio::test]
async fn a_snapshot_counts_the_same_when_its_day_is_not_stated() {
    let [licenses, billing] =
        ["licenses.csv", "billing.csv"].map(|name| format!("{FIXTURES}/snapshot/{name}"));
    let line = format!("--entitlements Contoso={licenses} --billing {billing}");
    assert_same(&line, &[(&licenses, "client=Contoso"), (&billing, "")], "2026-01", "2026-03").await;
}

#[tokio::test]
async fn the_demonstration_gives_the_same_digest() {
    let line = "--entitlements demo/entitlements.csv Contoso_Legal=demo/contoso-subscribed-skus.json \
                --billing demo/billing.csv demo/connectwise-agreements.json \
                --cost demo/partner-center-reconciliation.csv --prices demo/prices.csv";
    let files = [
        ("demo/entitlements.csv", ""),
        ("demo/contoso-subscribed-skus.json", "client=Contoso%20Legal"),
        ("demo/billing.csv", ""),
        ("demo/connectwise-agreements.json", ""),
        ("demo/partner-center-reconciliation.csv", ""),
        ("demo/prices.csv", ""),
    ];
    assert_same(line, &files, "2026-01", "2026-10").await;
}
