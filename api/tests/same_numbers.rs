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

#[tokio::test]
async fn policies_entities_and_allocations_count_the_same_when_they_are_uploaded() {
    let file = |name: &str| format!("{FIXTURES}/decided/{name}");
    let [entitlements, billing, policies] = ["entitlements.csv", "billing.csv", "policies.csv"].map(file);
    let [entities, allocations] = ["billing_entities.csv", "allocations.json"].map(file);
    let line = format!(
        "--entitlements {entitlements} --billing {billing} --policies {policies} --billing-entities {entities} \
         --allocations {allocations}"
    );
    let files =
        [(entitlements.as_str(), ""), (&billing, ""), (&policies, ""), (&entities, ""), (&allocations, "")];
    let document = assert_same(&line, &files, "2026-02", "2026-04").await;
    let parts: Vec<(&Value, &Value, &Value)> = document["allocated"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|part| !part["billing_entity"].is_null())
        .map(|part| (&part["billing_entity"], &part["billable"], &part["billed"]))
        .collect();
    let text = |text: &str| json!(text);
    // 24 assigned seats, not 30 purchased: 8 go to the harbour office, the rest to the head office.
    let expected = [["Harbour Office", "8", "6"], ["Head Office", "16", "15"]].map(|part| part.map(text));
    assert_eq!(parts, expected.each_ref().map(|[entity, billable, billed]| (entity, billable, billed)));
    let fabrikam =
        document["gaps"].as_array().unwrap().iter().find(|gap| gap["client"] == "Fabrikam").unwrap();
    // Two of three months are older than the limit of the agreement; the one left counts whole.
    assert_eq!(
        (&fabrikam["seat_months"], &fabrikam["policy"]["proration"]),
        (&text("2.000000"), &text("full_month"))
    );
}

#[tokio::test]
async fn settled_months_count_the_same_when_they_are_uploaded() {
    let folder = std::env::temp_dir().join(format!("leakage-settled-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let [entitlements, billing] =
        ["entitlements.csv", "billing.csv"].map(|name| format!("{FIXTURES}/decided/{name}"));
    let found =
        command(&format!("--from 2026-02 --to 2026-04 --entitlements {entitlements} --billing {billing}"));
    let gap = found["gaps"].as_array().unwrap().iter().find(|gap| gap["client"] == "Fabrikam").unwrap();
    let march = gap["months"].as_array().unwrap().iter().find(|month| month["month"] == "2026-03").unwrap();
    let settled = folder.join("settled.csv");
    let rows = format!(
        "gap,month,seat_months,amount,settled_by\n{},2026-03,{},{},INV-7\n",
        gap["id"].as_str().unwrap(),
        march["seat_months"].as_str().unwrap(),
        march["amount"].as_str().unwrap()
    );
    std::fs::write(&settled, rows).unwrap();
    let settled = settled.to_str().unwrap();
    let line = format!("--entitlements {entitlements} --billing {billing} --settled {settled}");
    let files = [(entitlements.as_str(), ""), (&billing, ""), (settled, "")];
    let again = assert_same(&line, &files, "2026-02", "2026-04").await;
    let of_fabrikam =
        again["gaps"].as_array().unwrap().iter().find(|gap| gap["client"] == "Fabrikam").unwrap();
    assert_eq!(of_fabrikam["amount"], gap["amount"], "what is found stays");
    assert_eq!(of_fabrikam["settled"][0]["settled_by"], "INV-7");
    let minor = |value: &Value| value["amount"].as_str().unwrap().replace('.', "").parse::<i64>().unwrap();
    let left = minor(&of_fabrikam["amount_unsettled"]);
    assert_eq!(left, minor(&gap["amount"]) - minor(march), "{of_fabrikam:#}");
    std::fs::remove_dir_all(&folder).unwrap();
}
