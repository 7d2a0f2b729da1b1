//! Two times: what was valid, and what was known. And the way from a gap back to its rows.

use leakage_tests::{Org, TestApp, assert_problem, send};
use serde_json::{Value, json};

const ENTITLEMENTS: &str = "client,product,purchased,from,until\nContoso,Seat,40,2026-02-01,2026-02-10\n\
    Contoso,Seat,43,2026-02-10,2026-04-16\nContoso,Seat,46,2026-04-16,\n";
const BILLING: &str = "client,product,quantity,unit_price,currency,from,until\n\
    Contoso,Seat,40,22.00,USD,2026-02-01,2026-07-01\n";

async fn latest_audit(org: &Org<'_>) -> Value {
    org.read("/v1/audits").await["data"][0].clone()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value:#}"))
}

#[tokio::test]
async fn a_gap_is_explained_from_its_rows_to_the_cent() {
    let app = TestApp::start().await;
    let org = app.audited_org(ENTITLEMENTS, BILLING).await;
    let document = org.audit(json!({"from": "2026-02", "to": "2026-06"})).await;
    let gap = &document["gaps"][0];
    let explanation = org.read(&format!("/v1/gaps/{}/explanation", text(&gap["id"]))).await;
    assert_eq!(explanation["gap"], *gap);
    let rows = explanation["rows"].as_array().unwrap();
    let roles: Vec<(&str, u64)> =
        rows.iter().map(|row| (text(&row["role"]), row["line"].as_u64().unwrap())).collect();
    assert_eq!(roles, [("counted", 2), ("counted", 3), ("counted", 4), ("billed", 2)]);
    assert_eq!(
        explanation["months"][0]["calculation"],
        "(19 days x 3 seats x 22.00) / 28 days = 44.7857142857, rounded 44.79 USD"
    );
    let words = explanation["text"].as_array().unwrap();
    assert!(words.iter().any(|words| text(words).contains("473.79 USD to charge")), "{words:#?}");
    let unknown = format!("/v1/gaps/{}/explanation", "0".repeat(64));
    assert_problem(&send(org.owner.caller.get(&unknown)).await, 404, "not_found");
}

#[tokio::test]
async fn a_month_is_run_again_as_it_was_known() {
    let app = TestApp::start().await;
    let org = app.audited_org(ENTITLEMENTS, BILLING).await;
    let period = json!({"from": "2026-02", "to": "2026-06"});
    let first = org.audit(period.clone()).await;
    let known_at = text(&latest_audit(&org).await["known_at"]).to_owned();
    app.clock.advance(chrono::TimeDelta::minutes(1));

    // A file that comes late, a mapping, another policy and a voided import: each changes what is found now.
    org.import_whole("late.csv", "client,product,purchased,from\nContoso,Seat,99,2026-05-01\n", "").await;
    org.map_product("Something", "Seat").await;
    let organization = org.owner.caller.get("/v1/organization").send().await.unwrap();
    let version = organization.headers()["etag"].clone();
    let (status, changed) = send(
        org.owner
            .caller
            .patch("/v1/organization")
            .header("If-Match", version)
            .json(&json!({"settings": {"proration": "full_month"}})),
    )
    .await;
    assert_eq!(status, 200, "{changed:#}");
    let now = org.audit(period.clone()).await;
    assert_ne!(now["digest"], first["digest"]);

    let mut then = period.clone();
    then["known_at"] = json!(known_at);
    let again = org.audit(then).await;
    assert_eq!(again["digest"], first["digest"], "{again:#}");
    assert_eq!(again["gaps"], first["gaps"]);

    // The explanation of what was found then still speaks of then.
    let audits = org.read("/v1/audits").await;
    let oldest = audits["data"].as_array().unwrap().last().unwrap();
    let path =
        format!("/v1/gaps/{}/explanation?audit_id={}", text(&first["gaps"][0]["id"]), text(&oldest["id"]));
    assert_eq!(org.read(&path).await["gap"], first["gaps"][0]);

    let mut future = period;
    future["known_at"] = json!("2999-01-01T00:00:00Z");
    assert_problem(&send(org.owner.caller.post("/v1/audits").json(&future)).await, 422, "validation_failed");
}

#[tokio::test]
async fn a_late_file_gives_a_delta_of_what_changed_and_nothing_else() {
    let app = TestApp::start().await;
    let other = "Fabrikam,Seat,5,2026-02-01,\n";
    let other_bill = "Fabrikam,Seat,4,22.00,USD,2026-02-01,2026-07-01\n";
    let org = app.audited_org(&format!("{ENTITLEMENTS}{other}"), &format!("{BILLING}{other_bill}")).await;
    let period = json!({"from": "2026-02", "to": "2026-06"});
    let first = org.audit(period.clone()).await;
    assert_eq!(first["gaps"].as_array().unwrap().len(), 2);
    let alone = text(&latest_audit(&org).await["id"]).to_owned();
    let answer = send(org.owner.caller.get(&format!("/v1/audits/{alone}/delta"))).await;
    assert_problem(&answer, 409, "conflict");

    app.clock.advance(chrono::TimeDelta::minutes(1));
    // June was billed in full, as a file that comes late says; and one client has a product that is not billed.
    let late = "client,product,quantity,unit_price,currency,from,until,agreement\n\
        Contoso,Seat,6,22.00,USD,2026-06-01,2026-07-01,late\n";
    org.import_whole("late.csv", late, "").await;
    let second = org.audit(period).await;
    let id = text(&latest_audit(&org).await["id"]).to_owned();
    let delta = org.read(&format!("/v1/audits/{id}/delta")).await;
    assert_eq!((&delta["before"], &delta["after"]), (&first["digest"], &second["digest"]));
    assert_eq!((delta["added"].as_array().unwrap().len(), delta["gone"].as_array().unwrap().len()), (0, 0));
    let changed = delta["changed"].as_array().unwrap();
    assert_eq!(changed.len(), 1, "{delta:#}");
    assert_eq!(changed[0]["client"], "Contoso");
    let months: Vec<&str> =
        changed[0]["months"].as_array().unwrap().iter().map(|month| text(&month["month"])).collect();
    assert_eq!(months, ["2026-06"], "{delta:#}");
    assert_eq!(delta["totals"][0]["under"], "-132.00");
}
