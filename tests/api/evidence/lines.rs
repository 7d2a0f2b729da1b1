//! Bundles of corrections whose lines rest on an invoice: reopened because it fell short, or opened because it
//! overshot. What is shown of a line is its own: seats, month and money of its ledger.

use super::{another, bundles, checked, content, keys};
use crate::corrections::{Desk, audited, billed, message, said, share};
use leakage_tests::{Caller, Org, TestApp, send};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

/// Billed and resolved with so many seats from December on; then the invoice of December bills so many.
async fn invoiced(app: &TestApp, agreed: u32, before: u32, december: u32) -> (Org<'_>, Desk) {
    let (mut org, gap) = audited(app, agreed, before, 8..=9).await;
    let owner = org.owner.caller.clone();
    let mut desk = Desk::open(&owner, &[&gap]).await.0;
    desk.ok(&owner, "communicate", message(agreed)).await;
    desk.ok(&owner, "bill", json!({"document": "INV-1", "on": "2026-12-01"})).await;
    desk.ok(&owner, "accept", json!({"said": said()})).await;
    desk.ok(&owner, "resolve", json!({"basis": "accepted"})).await;
    app.clock.advance(chrono::TimeDelta::days(10));
    org.owner = app.sign_in(&org.owner.email, Some(org.id)).await;
    org.import_whole("december.csv", billed(december, "22.00", "USD", 12..=12), "").await;
    (org, desk)
}

/// The files of an archive.
struct Files(zip::ZipArchive<std::io::Cursor<Vec<u8>>>);

impl Files {
    async fn of(caller: &Caller, bundle: &Value) -> Self {
        Self(zip::ZipArchive::new(std::io::Cursor::new(content(caller, bundle).await)).unwrap())
    }

    fn bytes(&mut self, name: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.0.by_name(name).unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    }

    fn text(&mut self, name: &str) -> String {
        String::from_utf8(self.bytes(name)).unwrap()
    }

    fn json(&mut self, name: &str) -> Value {
        serde_json::from_str(&self.text(name)).unwrap()
    }

    /// The rows of `gaps.csv`, without line and gap.
    fn gaps(&mut self) -> Vec<(String, String)> {
        let table = self.text("gaps.csv");
        let rows = table.lines().skip(1).map(|row| {
            let cells: Vec<&str> = row.split(',').collect();
            (cells[0].to_owned(), cells[4..].join(","))
        });
        rows.collect()
    }

    /// The words of the report, one blank apart. None: nothing here reads a PDF.
    fn report(&mut self) -> Option<String> {
        let mut program = Command::new("pdftotext");
        let child = program.args(["-layout", "-", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let Ok(mut child) = child else {
            assert!(std::env::var_os("CI").is_none(), "pdftotext is not installed");
            return None;
        };
        let (mut input, bytes) = (child.stdin.take().unwrap(), self.bytes("report.pdf"));
        let writer = std::thread::spawn(move || input.write_all(&bytes));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

/// The money of the table's lines that is claimed, in cents, by line.
fn claimed(rows: &[(String, String)], line: &str) -> i64 {
    let own = rows.iter().filter(|(of, row)| of == line && row.contains(",claimed,"));
    let cents = own.map(|(_, row)| row.split(',').nth(6).unwrap().replace('.', "").parse::<i64>().unwrap());
    cents.sum()
}

#[tokio::test]
async fn a_reopened_line_is_shown_with_the_invoice_that_fell_short() {
    let app = TestApp::start().await;
    // 72 seats were agreed, and the next invoice bills 71.
    let (org, mut desk) = invoiced(&app, 72, 70, 71).await;
    let owner = org.owner.caller.clone();
    let correction = desk.read(&owner, "").await;
    assert_eq!(
        (correction["state"].as_str(), correction["lines"].as_array().unwrap().len()),
        (Some("found"), 2)
    );
    assert_eq!(correction["lines"][1]["invoice_on"], "2026-12-01");
    let bundle = another(&app, &owner, &desk, json!({})).await;
    let mut files = Files::of(&owner, &bundle).await;
    let outcome = checked(&content(&owner, &bundle).await, &keys(&app, &org).await);
    assert!(outcome.holds(), "{outcome:#?}");

    let rows = files.gaps();
    let own: Vec<(&str, &str)> = rows.iter().map(|(line, row)| (line.as_str(), row.as_str())).collect();
    assert_eq!(
        own,
        [
            ("1", "under,under_billed,2026-08,72,70,2.000000,44.00,USD,claimed,false,false"),
            ("1", "under,under_billed,2026-09,72,70,2.000000,44.00,USD,claimed,false,false"),
            ("2", "under,under_billed,2026-12,72,71,1.000000,22.00,USD,claimed,false,false"),
        ]
    );
    for (line, found) in [("1", "88.00"), ("2", "22.00")] {
        let of: usize = line.parse().unwrap();
        let balance = &correction["lines"][of - 1]["balance"];
        assert_eq!(share(balance, "found").1, found);
        assert_eq!(claimed(&rows, line), found.replace('.', "").parse::<i64>().unwrap());
    }
    let audit = files.json("audit.json");
    assert_eq!(audit["gaps"].as_array().unwrap().len(), 1, "a finding stands once");
    let line = &audit["lines"][2];
    assert_eq!(
        (&line["billable"], &line["billed"], &line["amount"], &line["month"]),
        (&json!("72"), &json!("71"), &json!("22.00"), &json!("2026-12"))
    );
    let kept = files.json("correction.json");
    assert_eq!(kept["lines"][1]["invoice"]["on"], "2026-12-01");
    assert_eq!(kept["ledger"]["balance"]["found"]["minor"], 11_000);
    // The rows of the invoice are there, with the file that they come from.
    let sources = files.text("source-rows.csv");
    let december = sources.lines().find(|row| row.contains("december.csv") && row.starts_with("row,"));
    assert!(december.is_some_and(|row| row.contains(",2,")), "{sources}");
    let manifest = files.json("manifest.json");
    assert!(manifest["inputs"].as_array().unwrap().iter().any(|input| input["file"] == "december.csv"));
    if let Some(words) = files.report() {
        for said in [
            "December 2026 72 71 +1 1 USD 22.00 the invoice of 1 December 2026",
            "September 2026 72 70 +2 2 USD 44.00",
            "Total in USD 1 5 USD 110.00",
            "Found 5 USD 110.00",
        ] {
            assert!(words.contains(said), "{said}\n{words}");
        }
    }
}

#[tokio::test]
async fn what_overshot_has_a_whole_bundle_before_any_audit_has_seen_it() {
    let app = TestApp::start().await;
    let (org, _) = invoiced(&app, 61, 60, 62).await;
    let owner = org.owner.caller.clone();
    let linked = org.read("/v1/corrections?direction=over").await["data"][0].clone();
    let id = linked["id"].as_str().unwrap_or_else(|| panic!("{linked:#}")).to_owned();
    let mut desk = Desk { id, version: linked["version"].as_i64().unwrap() };
    let mut body = message(61);
    body["going_forward"]["invoice_on"] = json!("2027-01-01");
    desk.ok(&owner, "communicate", body).await;
    let frozen = desk.read(&owner, "/frozen-facts").await;
    let facts: Value = serde_json::from_str(frozen["facts"].as_str().unwrap()).unwrap();
    let invoice = &facts["lines"][0]["invoice"];
    assert_eq!((&invoice["billed"], &invoice["billable"]), (&json!(62), &json!(61)), "{frozen:#}");
    app.work().await;
    let bundle = bundles(&owner, &desk).await.remove(0);
    assert_eq!(
        (bundle["status"].as_str(), &bundle["of_message"]),
        (Some("built"), &json!(true)),
        "{bundle:#}"
    );
    let outcome = checked(&content(&owner, &bundle).await, &keys(&app, &org).await);
    assert!(outcome.holds(), "{outcome:#?}");
    let mut files = Files::of(&owner, &bundle).await;
    assert_eq!(
        files.gaps(),
        [(
            "1".to_owned(),
            "over,over_billed,2026-12,61,62,1.000000,22.00,USD,claimed,false,false".to_owned()
        )]
    );
    assert!(files.text("source-rows.csv").contains("december.csv"), "the rows of the invoice");
    if let Some(words) = files.report() {
        assert!(words.contains("December 2026 61 62 -1 1 USD 22.00"), "{words}");
    }
    // It is known by what an audit would know it by.
    let document = org.audit(json!({"from": "2026-12", "to": "2026-12"})).await;
    assert_eq!(document["gaps"][0]["id"], linked["lines"][0]["gap_id"], "{document:#}");
}

#[tokio::test]
async fn nothing_is_frozen_of_a_line_that_rests_on_nothing() {
    let app = TestApp::start().await;
    let (org, gap) = audited(&app, 61, 60, 8..=9).await;
    let owner = &org.owner.caller;
    let desk = Desk::open(owner, &[&gap]).await.0;
    let mut superuser = app.database.superuser().await;
    let change = format!(
        "update corrections set conversation = replace(conversation::text, '{gap}', 'opposite-{gap}')::json
         where id = '{}'",
        desk.id
    );
    sqlx::query(AssertSqlSafe(change)).execute(&mut superuser).await.unwrap();
    let refused = desk.refused(owner, "communicate", message(61)).await;
    assert_eq!(refused, (422, vec!["facts_missing".to_owned()]));
    let path = format!("/v1/corrections/{}/evidence-bundles", desk.id);
    let (status, problem) = send(owner.post(&path).json(&json!({}))).await;
    assert_eq!((status, problem["code"].as_str()), (422, Some("facts_missing")), "{problem:#}");
    assert!(problem["detail"].as_str().unwrap().contains("Line 1"), "{problem:#}");
    assert!(bundles(owner, &desk).await.is_empty());
}
