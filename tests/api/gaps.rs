//! Gaps over many audits: how old they are, what they came to, when they end and come again, and why.

use leakage_tests::{Org, TestApp, assert_problem, send};
use serde_json::{Value, json};

const PREMIUM: &str = "Microsoft 365 Business Premium";
const BILLING_HEADER: &str = "client,product,quantity,unit_price,currency,from,until\n";

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value:#}"))
}

/// A bill over each of these months of 2026: `billed("Contoso", 20, 1..=8)`.
fn billed(client: &str, seats: u32, months: std::ops::RangeInclusive<u32>) -> String {
    let row = |month: u32| {
        format!("{client},{PREMIUM},{seats},22.00,USD,2026-{month:02}-01,2026-{:02}-01\n", month + 1)
    };
    months.map(row).collect()
}

fn entitled(client: &str, seats: u32) -> String {
    format!("client,product,purchased,from\n{client},{PREMIUM},{seats},2026-01-01\n")
}

/// A later billing file; time passes, so that it is known after what was there.
async fn bill(app: &TestApp, org: &Org<'_>, file: &str, rows: &str) {
    app.clock.advance(chrono::TimeDelta::seconds(10));
    org.import_whole(file, format!("{BILLING_HEADER}{rows}"), "").await;
    app.clock.advance(chrono::TimeDelta::seconds(10));
}

async fn audit(org: &Org<'_>, from: u32, to: u32) -> Value {
    org.audit(json!({"from": format!("2026-{from:02}"), "to": format!("2026-{to:02}")})).await
}

async fn only_gap(org: &Org<'_>) -> Value {
    let gaps = org.read("/v1/gaps").await;
    assert_eq!(gaps["data"].as_array().unwrap().len(), 1, "{gaps:#}");
    let gap = gaps["data"][0].clone();
    assert_eq!(org.read(&format!("/v1/gaps/{}", text(&gap["id"]))).await, gap);
    gap
}

async fn history(org: &Org<'_>, gap: &Value) -> Value {
    org.read(&format!("/v1/gaps/{}/history", text(&gap["id"]))).await
}

/// Seat-months and money.
fn sum(value: &Value) -> (&str, &str) {
    (text(&value["seat_months"]), text(&value["amount"]["amount"]))
}

/// `2026-01 gap` and so on.
fn months(history: &Value) -> Vec<String> {
    let month = |month: &Value| format!("{} {}", text(&month["month"]), text(&month["status"]));
    history["months"].as_array().unwrap().iter().map(month).collect()
}

#[tokio::test]
async fn a_gap_of_eight_months_is_one_gap_that_ends_and_comes_again() {
    let app = TestApp::start().await;
    let org = app
        .audited_org(&entitled("Contoso", 22), &format!("{BILLING_HEADER}{}", billed("Contoso", 20, 1..=8)))
        .await;
    audit(&org, 1, 1).await;
    let first = only_gap(&org).await;
    let figures = &first["figures"];
    assert_eq!((sum(&figures["accumulated"]), &figures["age_months"]), (("2.000000", "44.00"), &json!(1)));

    app.clock.advance(chrono::TimeDelta::seconds(10));
    audit(&org, 1, 8).await;
    let eight = only_gap(&org).await;
    let figures = &eight["figures"];
    assert_eq!((&eight["id"], &eight["first_audit_id"]), (&first["id"], &first["first_audit_id"]));
    assert_eq!((&figures["age_months"], &figures["months"]), (&json!(8), &json!(8)));
    assert_eq!(sum(&figures["accumulated"]), ("16.000000", "352.00"));
    assert_eq!(sum(&figures["found_in_month_one"]), ("2.000000", "44.00"));
    assert_eq!((&figures["status"], &figures["began"]), (&json!("open"), &json!("2026-01")));
    assert_eq!(figures["recurrences"], 0);

    // Billing is put right from September on: the gap has ended, and what it came to stands.
    bill(&app, &org, "september.csv", &billed("Contoso", 22, 9..=9)).await;
    assert_eq!(audit(&org, 1, 9).await["gaps"][0]["id"], first["id"]);
    let closed = only_gap(&org).await;
    assert_eq!(
        (&closed["figures"]["status"], &closed["figures"]["age_months"]),
        (&json!("closed"), &json!(8))
    );
    assert_eq!(sum(&closed["figures"]["accumulated"]), ("16.000000", "352.00"));

    // And then the same again.
    bill(&app, &org, "october.csv", &billed("Contoso", 20, 10..=10)).await;
    audit(&org, 9, 10).await;
    let again = only_gap(&org).await;
    let figures = &again["figures"];
    assert_eq!((&again["id"], &figures["recurrences"]), (&first["id"], &json!(1)));
    assert_eq!((&figures["status"], &figures["age_months"]), (&json!("open"), &json!(1)));
    assert_eq!(sum(&figures["accumulated"]), ("18.000000", "396.00"));
    let episodes: Vec<[&str; 3]> = figures["episodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| [text(&one["status"]), text(&one["first_month"]), text(&one["last_month"])])
        .collect();
    assert_eq!(episodes, [["closed", "2026-01", "2026-08"], ["open", "2026-10", "2026-10"]]);
    let history = history(&org, &again).await;
    assert_eq!(months(&history)[7..], ["2026-08 gap", "2026-09 equal", "2026-10 gap"]);
    assert_eq!(history["audits"].as_array().unwrap().len(), 4, "{history:#}");
    assert_eq!(history["figures"], *figures);
}

#[tokio::test]
async fn months_that_a_later_audit_finds_equal_are_corrected_and_an_old_one_run_again_brings_none_back() {
    let app = TestApp::start().await;
    let org = app
        .audited_org(&entitled("Contoso", 22), &format!("{BILLING_HEADER}{}", billed("Contoso", 20, 1..=4)))
        .await;
    audit(&org, 1, 4).await;
    let known_at = org.read("/v1/audits").await["data"][0]["known_at"].clone();
    let before = only_gap(&org).await;
    // The corrected file tells February to April again.
    bill(&app, &org, "corrected.csv", &billed("Contoso", 22, 2..=4)).await;
    audit(&org, 1, 4).await;
    let corrected = only_gap(&org).await;
    assert_eq!(sum(&corrected["figures"]["accumulated"]), ("2.000000", "44.00"));
    assert_eq!(
        (&corrected["figures"]["status"], &corrected["figures"]["corrected_months"]),
        (&json!("closed"), &json!(3))
    );
    let shown = ["2026-01 gap", "2026-02 corrected", "2026-03 corrected", "2026-04 corrected"];
    let history_now = history(&org, &corrected).await;
    assert_eq!(months(&history_now), shown);

    app.clock.advance(chrono::TimeDelta::seconds(10));
    let then = org.audit(json!({"from": "2026-01", "to": "2026-04", "known_at": known_at})).await;
    assert_eq!(then["gaps"][0]["seat_months"], "8.000000", "{then:#}");
    let after = only_gap(&org).await;
    assert_eq!(after["figures"], corrected["figures"]);
    assert_eq!(
        (&after["last_audit_id"], &after["latest"]),
        (&corrected["last_audit_id"], &corrected["latest"])
    );
    assert_ne!(after["latest"], before["latest"]);
    let history_then = history(&org, &after).await;
    assert_eq!(months(&history_then), shown);
    assert_eq!(history_then["audits"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn what_an_audit_does_not_compare_it_does_not_close() {
    let app = TestApp::start().await;
    let entitlements = format!("{}Fabrikam,{PREMIUM},9,2026-01-01\n", entitled("Contoso", 22));
    let rows = format!("{}{}", billed("Contoso", 20, 1..=3), billed("Fabrikam", 9, 1..=5));
    let org = app.audited_org(&entitlements, &format!("{BILLING_HEADER}{rows}")).await;
    audit(&org, 1, 3).await;
    let open = only_gap(&org).await["figures"].clone();
    assert_eq!((&open["status"], &open["age_months"]), (&json!("open"), &json!(3)));
    // April and May of Contoso are not known, and an audit of Fabrikam says nothing of Contoso.
    app.clock.advance(chrono::TimeDelta::seconds(10));
    audit(&org, 1, 5).await;
    let clients = org.read("/v1/clients").await;
    let fabrikam =
        clients["data"].as_array().unwrap().iter().find(|client| client["name"] == "Fabrikam").unwrap();
    org.audit(json!({"from": "2026-01", "to": "2026-05", "clients": [fabrikam["id"]]})).await;
    assert_eq!(only_gap(&org).await["figures"], open);
    // May is audited, with the gap; April is still not known: it is the same time at which it is there.
    bill(&app, &org, "may.csv", &billed("Contoso", 20, 5..=5)).await;
    audit(&org, 5, 5).await;
    let figures = only_gap(&org).await["figures"].clone();
    assert_eq!((&figures["recurrences"], &figures["months"]), (&json!(0), &json!(4)), "{figures:#}");
    assert_eq!((&figures["age_months"], &figures["episodes"][0]["months"]), (&json!(5), &json!(4)));
}

#[tokio::test]
async fn a_gap_that_is_found_later_knows_what_audits_before_had_compared() {
    let app = TestApp::start().await;
    let rows = format!("{}{}", billed("Contoso", 20, 1..=3), billed("Contoso", 22, 4..=6));
    let org = app.audited_org(&entitled("Contoso", 22), &format!("{BILLING_HEADER}{rows}")).await;
    assert_eq!(audit(&org, 4, 6).await["gaps"], json!([]));
    app.clock.advance(chrono::TimeDelta::seconds(10));
    audit(&org, 1, 3).await;
    let gap = only_gap(&org).await;
    assert_eq!((&gap["figures"]["status"], &gap["figures"]["age_months"]), (&json!("closed"), &json!(3)));
    let history = history(&org, &gap).await;
    assert_eq!(months(&history)[2..], ["2026-03 gap", "2026-04 equal", "2026-05 equal", "2026-06 equal"]);
}

#[tokio::test]
async fn a_root_cause_is_one_of_a_list_has_a_note_and_keeps_its_history() {
    let app = TestApp::start().await;
    let org = app
        .audited_org(&entitled("Contoso", 22), &format!("{BILLING_HEADER}{}", billed("Contoso", 20, 1..=2)))
        .await;
    audit(&org, 1, 2).await;
    let gap = only_gap(&org).await;
    let path = format!("/v1/gaps/{}", text(&gap["id"]));
    assert_eq!(gap["root_cause"], Value::Null);
    let set = async |version: Option<&str>, cause: &str, note: &str| {
        let mut request = org.owner.caller.patch(&path).json(&json!({"root_cause": cause, "note": note}));
        if let Some(version) = version {
            request = request.header("If-Match", version);
        }
        send(request).await
    };
    assert_problem(&set(None, "unknown", "Looked.").await, 428, "precondition_required");
    assert_problem(&set(Some("\"v9\""), "unknown", "Looked.").await, 412, "version_mismatch");
    assert_problem(&set(Some("\"v1\""), "gremlins", "Looked.").await, 422, "validation_failed");
    assert_problem(&set(Some("\"v1\""), "unknown", "  ").await, 422, "validation_failed");
    let (status, first) = set(Some("\"v1\""), "unknown", "Nothing in the tickets.").await;
    assert_eq!((status, &first["version"]), (200, &json!(2)), "{first:#}");
    app.clock.advance(chrono::TimeDelta::seconds(10));
    let (_, second) = set(Some("\"v2\""), "missed_addition", "Two hires in January.").await;
    assert_eq!(second["root_cause"]["root_cause"], "missed_addition", "{second:#}");
    assert_eq!(second["root_cause"]["set_by"], format!("user:{}", org.owner.id));
    let history = history(&org, &gap).await;
    let causes: Vec<&str> =
        history["root_causes"].as_array().unwrap().iter().map(|cause| text(&cause["root_cause"])).collect();
    assert_eq!(causes, ["missed_addition", "unknown"]);
    // The next audit changes figures, not what a person said.
    audit(&org, 1, 2).await;
    assert_eq!(only_gap(&org).await["root_cause"], second["root_cause"]);
    for (filter, found) in [
        ("root_cause=missed_addition", 1),
        ("root_cause=not_set", 0),
        ("direction=over", 0),
        ("currency=USD&direction=under", 1),
    ] {
        let gaps = org.read(&format!("/v1/gaps?{filter}")).await;
        assert_eq!(gaps["data"].as_array().unwrap().len(), found, "{filter}");
    }
    let bad = send(org.owner.caller.get("/v1/gaps?root_cause=gremlins")).await;
    assert_problem(&bad, 400, "unreadable_request");
}
