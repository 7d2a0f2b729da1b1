//! Rules as a resource: made, ended, listed, and known when they were known.

use leakage_tests::{Org, TestApp, assert_problem, send};
use serde_json::{Value, json};

const ENTITLEMENTS: &str = "client,product,purchased,from\nContoso,Seat,14,2026-03-01\n";
const BILLING: &str = "client,product,quantity,unit_price,currency,from,until\n\
    Contoso,Seat,8,12.50,USD,2026-03-01,2026-05-01\n";

async fn contoso(org: &Org<'_>) -> Value {
    org.read("/v1/clients").await["data"][0]["id"].clone()
}

/// Makes a rule of Contoso's seats from March on.
async fn make(org: &Org<'_>, kind: &str, value: &str, reason: &str) -> Value {
    let body = json!({
        "kind": kind, "value": value, "client_id": contoso(org).await, "product": "Seat",
        "valid_from": "2026-03-01", "reason": reason, "owner": "Dana",
    });
    let (status, rule) = send(org.owner.caller.post("/v1/rules").json(&body)).await;
    assert_eq!(status, 201, "{rule:#}");
    rule
}

async fn end(org: &Org<'_>, rule: &Value, tag: &str, until: &str) -> (u16, Value) {
    let path = format!("/v1/rules/{}/end", rule["id"].as_str().unwrap());
    let body = json!({"valid_until": until, "reason": "The client pays for it now"});
    send(org.owner.caller.post(&path).header("If-Match", tag).json(&body)).await
}

async fn seats(org: &Org<'_>, request: Value) -> (String, Value) {
    let document = org.audit(request).await;
    let seats = document["gaps"][0]["seats"].as_str().unwrap_or("none").to_owned();
    (seats, document)
}

fn march() -> Value {
    json!({"from": "2026-03", "to": "2026-03"})
}

#[tokio::test]
async fn rules_take_off_give_free_and_keep_a_minimum() {
    let app = TestApp::start().await;
    let org = app.audited_org(ENTITLEMENTS, BILLING).await;
    make(&org, "exclude", "1", "Internal").await;
    make(&org, "allowance", "2", "Agreed").await;
    make(&org, "minimum", "5", "Contract").await;
    let (seats, document) = seats(&org, march()).await;
    assert_eq!(seats, "3", "{document:#}");
    assert_eq!(document["gaps"][0]["amount"]["amount"], "37.50");
    let gap = document["gaps"][0]["id"].as_str().unwrap();
    let explanation = org.read(&format!("/v1/gaps/{gap}/explanation")).await;
    assert_eq!(explanation["rules"].as_array().unwrap().len(), 3, "{explanation:#}");
}

#[tokio::test]
async fn the_same_rule_in_a_file_and_here_counts_once_and_another_reason_makes_another_rule() {
    let app = TestApp::start().await;
    let org = app.audited_org(ENTITLEMENTS, BILLING).await;
    let file =
        "kind,value,client,product,from,reason,owner\nexclude,2,Contoso,Seat,2026-03-01,Not for resale,Kim\n";
    org.import_whole("rules.csv", file, "").await;
    assert_eq!(seats(&org, march()).await.0, "4");
    let same = make(&org, "exclude", "2", "not for resale").await;
    assert_eq!(seats(&org, march()).await.0, "4", "said twice, it counts once");
    make(&org, "exclude", "2", "Blocked accounts").await;
    assert_eq!(seats(&org, march()).await.0, "2");
    // The file still says it.
    assert_eq!(end(&org, &same, "\"v1\"", "2026-03-01").await.0, 200);
    assert_eq!(seats(&org, march()).await.0, "2");
}

#[tokio::test]
async fn a_rule_holds_whatever_the_files_and_people_call_its_client() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let entitlements = "client,client_id,product,purchased,from\nContoso GmbH,c-1,Seat,14,2026-03-01\n";
    let billing = "client,client_id,product,quantity,unit_price,currency,from,until\n\
        Contoso,c-1,Seat,8,12.50,USD,2026-03-01,2026-05-01\n";
    org.import_whole("entitlements.csv", entitlements, "").await;
    org.import_whole("billing.csv", billing, "").await;
    let client = contoso(&org).await;
    let path = format!("/v1/clients/{}", client.as_str().unwrap());
    let renamed =
        org.owner.caller.patch(&path).header("If-Match", "\"v1\"").json(&json!({"name": "The lawyers"}));
    assert_eq!(send(renamed).await.0, 200);
    make(&org, "exclude", "4", "Internal").await;
    assert_eq!(seats(&org, march()).await.0, "2");
}

#[tokio::test]
async fn a_rule_is_ended_never_lengthened_and_its_states_are_kept() {
    let app = TestApp::start().await;
    let org = app.audited_org(ENTITLEMENTS, BILLING).await;
    let rule = make(&org, "exclude", "2", "Not for resale").await;
    assert_problem(&end(&org, &rule, "\"v2\"", "2026-06-01").await, 412, "version_mismatch");
    assert_problem(&end(&org, &rule, "\"v1\"", "2026-02-28").await, 422, "validation_failed");
    app.clock.advance(chrono::TimeDelta::minutes(1));
    let (status, ended) = end(&org, &rule, "\"v1\"", "2026-06-01").await;
    assert_eq!((status, ended["valid_until"].as_str()), (200, Some("2026-06-01")), "{ended:#}");
    assert_problem(&end(&org, &rule, "\"v2\"", "2026-07-01").await, 409, "conflict");
    assert_eq!(end(&org, &rule, "\"v2\"", "2026-04-01").await.0, 200);
    let read = org.read(&format!("/v1/rules/{}", rule["id"].as_str().unwrap())).await;
    let untils: Vec<&Value> =
        read["history"].as_array().unwrap().iter().map(|state| &state["valid_until"]).collect();
    assert_eq!(untils, [&Value::Null, &json!("2026-06-01"), &json!("2026-04-01")], "{read:#}");
    assert_eq!(read["history"][1]["reason"], "The client pays for it now");
}

#[tokio::test]
async fn an_audit_of_what_was_known_earlier_sees_the_rules_of_then() {
    let app = TestApp::start().await;
    let org = app.audited_org(ENTITLEMENTS, BILLING).await;
    let known = |audits: &Value| audits["data"][0]["known_at"].clone();
    let without = org.audit(march()).await;
    let before = known(&org.read("/v1/audits").await);
    app.clock.advance(chrono::TimeDelta::minutes(1));
    let rule = make(&org, "exclude", "2", "Not for resale").await;
    let with = org.audit(march()).await;
    let between = known(&org.read("/v1/audits").await);
    app.clock.advance(chrono::TimeDelta::minutes(1));
    // It never held, as is known now.
    assert_eq!(end(&org, &rule, "\"v1\"", "2026-03-01").await.0, 200);
    assert_eq!(org.audit(march()).await["digest"], without["digest"]);
    for (known_at, expected) in [(before, &without), (between, &with)] {
        let (_, again) = seats(&org, json!({"from": "2026-03", "to": "2026-03", "known_at": known_at})).await;
        assert_eq!(again["digest"], expected["digest"], "{again:#}");
    }
    assert_eq!(
        (with["gaps"][0]["seats"].as_str(), without["gaps"][0]["seats"].as_str()),
        (Some("4"), Some("6"))
    );
}

#[tokio::test]
async fn a_limit_of_back_billing_bars_older_months() {
    let app = TestApp::start().await;
    let org = app.audited_org(ENTITLEMENTS, BILLING).await;
    let body = json!({
        "kind": "back_billing_months", "value": "1", "valid_from": "2026-01-01", "reason": "Contract", "owner": "Dana",
    });
    assert_eq!(send(org.owner.caller.post("/v1/rules").json(&body)).await.0, 201);
    let document = org.audit(json!({"from": "2026-03", "to": "2026-04"})).await;
    let gap = &document["gaps"][0];
    assert_eq!(
        (gap["amount"]["amount"].as_str(), gap["time_barred"]["amount"].as_str()),
        (Some("75.00"), Some("75.00")),
        "{gap:#}"
    );
}

#[tokio::test]
async fn rules_are_listed_by_client_kind_day_and_review() {
    let app = TestApp::start().await;
    let org = app.audited_org(ENTITLEMENTS, BILLING).await;
    let first = make(&org, "exclude", "2", "Not for resale").await;
    make(&org, "minimum", "5", "Contract").await;
    assert_eq!(end(&org, &first, "\"v1\"", "2026-05-01").await.0, 200);
    let review = json!({
        "kind": "exclude", "value": "all", "product": "Trial", "valid_from": "2026-06-01", "reason": "Trial",
        "owner": "Dana", "review_date": "2026-09-01",
    });
    assert_eq!(send(org.owner.caller.post("/v1/rules").json(&review)).await.0, 201);
    let client = contoso(&org).await;
    let by_client = format!("client_id={}", client.as_str().unwrap());
    for (query, kinds) in [
        ("", vec!["exclude", "minimum", "exclude"]),
        (by_client.as_str(), vec!["exclude", "minimum"]),
        ("kind=minimum", vec!["minimum"]),
        ("active_on=2026-05-01", vec!["minimum"]),
        ("active_on=2026-04-30", vec!["exclude", "minimum"]),
        ("review_by=2026-08-31", vec![]),
        ("review_by=2026-09-01", vec!["exclude"]),
        ("product=TRIAL", vec!["exclude"]),
    ] {
        let list = org.read(&format!("/v1/rules?{query}")).await;
        let found: Vec<&str> =
            list["data"].as_array().unwrap().iter().map(|rule| rule["kind"].as_str().unwrap()).collect();
        assert_eq!(found, kinds, "{query}: {list:#}");
    }
    let page = org.read("/v1/rules?limit=2").await;
    let next = org.read(&format!("/v1/rules?limit=2&cursor={}", page["next_cursor"].as_str().unwrap())).await;
    assert_eq!(next["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_rule_that_says_nothing_sensible_is_refused_at_its_field() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let good = json!({
        "kind": "exclude", "value": "2", "product": "Seat", "valid_from": "2026-03-01", "reason": "Spare",
        "owner": "Dana",
    });
    for (field, value, pointer) in [
        ("value", json!("1.5"), "/value"),
        ("value", json!("-1"), "/value"),
        ("value", json!("many"), "/value"),
        ("kind", json!("bundle"), "/parent_product"),
        ("parent_product", json!("Suite"), "/parent_product"),
        ("reason", json!(" "), "/reason"),
        ("owner", json!(""), "/owner"),
        ("valid_until", json!("2026-03-01"), "/valid_until"),
        ("valid_from", json!("0001-01-01"), "/valid_from"),
        ("client_id", json!(uuid::Uuid::now_v7()), "/client_id"),
        ("colour", json!("red"), "/colour"),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let answer = send(org.owner.caller.post("/v1/rules").json(&body)).await;
        assert_problem(&answer, 422, "validation_failed");
        assert_eq!(answer.1["errors"][0]["pointer"], pointer, "{:#}", answer.1);
    }
    for kind in ["allowance", "minimum"] {
        let body =
            json!({"kind": kind, "value": "2", "valid_from": "2026-03-01", "reason": "x", "owner": "Dana"});
        let answer = send(org.owner.caller.post("/v1/rules").json(&body)).await;
        assert_eq!(answer.1["errors"][0]["pointer"], "/product", "{:#}", answer.1);
    }
}

#[tokio::test]
async fn a_rule_of_another_organizations_client_cannot_be_made() {
    let app = TestApp::start().await;
    let (ours, theirs) = (app.org("Ours").await, app.org("Theirs").await);
    let client = send(theirs.owner.caller.post("/v1/clients").json(&json!({"name": "Contoso"}))).await.1;
    let body = json!({
        "kind": "exclude", "value": "2", "client_id": client["id"], "valid_from": "2026-03-01", "reason": "x",
        "owner": "Dana",
    });
    assert_problem(&send(ours.owner.caller.post("/v1/rules").json(&body)).await, 422, "validation_failed");
}
