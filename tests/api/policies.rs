//! Policies as a resource: by client, agreement and product, with their days; and the basis of a mapping.

use leakage_api::auth::Role;
use leakage_tests::{Org, TestApp, assert_problem, send};
use serde_json::{Value, json};

const ENTITLEMENTS: &str = "client,product,purchased,assigned,from,until\nContoso,Seat,20,18,2026-03-01,2026-03-17\n\
    Contoso,Seat,22,18,2026-03-17,\n";
const BILLING: &str = "client,product,quantity,unit_price,currency,from,until,agreement\n\
    Contoso,Seat,16,31.00,USD,2026-03-01,2026-06-01,Gold\n";

async fn make(org: &Org<'_>, policy: Value) -> Value {
    let mut body = json!({"valid_from": "2026-01-01", "reason": "Contract of 2026"});
    for (key, value) in policy.as_object().unwrap() {
        body[key] = value.clone();
    }
    let (status, policy) = send(org.owner.caller.post("/v1/policies").json(&body)).await;
    assert_eq!(status, 201, "{policy:#}");
    policy
}

async fn months(org: &Org<'_>, request: Value) -> (Vec<String>, Value) {
    let document = org.audit(request).await;
    let months = document["gaps"][0]["months"].as_array().cloned().unwrap_or_default();
    let amounts = months.iter().map(|month| month["amount"].as_str().unwrap().to_owned()).collect();
    (amounts, document)
}

fn period() -> Value {
    json!({"from": "2026-03", "to": "2026-04"})
}

#[tokio::test]
async fn a_clients_policy_counts_and_its_agreements_before_it_each_for_its_months() {
    let app = TestApp::start().await;
    let org = app.audited_org(ENTITLEMENTS, BILLING).await;
    let client = org.read("/v1/clients").await["data"][0]["id"].clone();
    assert_eq!(months(&org, period()).await.0, ["154.00", "186.00"]);
    make(&org, json!({"client_id": client, "proration": "full_month"})).await;
    assert_eq!(months(&org, period()).await.0, ["186.00", "186.00"]);
    let gold =
        json!({"client_id": client, "agreement": "gold", "basis": "assigned", "valid_from": "2026-04-01"});
    make(&org, gold).await;
    let (amounts, document) = months(&org, period()).await;
    assert_eq!(amounts, ["186.00", "62.00"], "{document:#}");
    let gap = &document["gaps"][0];
    assert_eq!(
        gap["policies"][1],
        json!({"from": "2026-04", "policy": {"basis": "assigned", "proration": "full_month"}})
    );
}

#[tokio::test]
async fn a_policy_is_ended_and_was_known_as_it_was() {
    let app = TestApp::start().await;
    let org = app.audited_org(ENTITLEMENTS, BILLING).await;
    let policy =
        make(&org, json!({"product": "Seat", "proration": "next_month", "back_billing_months": 1})).await;
    let (amounts, first) = months(&org, period()).await;
    assert_eq!(
        (amounts, first["gaps"][0]["amount"]["amount"].as_str()),
        (vec!["124.00".to_owned(), "186.00".to_owned()], Some("186.00"))
    );
    let known_at = org.read("/v1/audits").await["data"][0]["known_at"].clone();
    app.clock.advance(chrono::TimeDelta::minutes(1));
    let path = format!("/v1/policies/{}", policy["id"].as_str().unwrap());
    let end = org.owner.caller.post(&format!("{path}/end")).header("If-Match", "\"v1\"");
    assert_eq!(send(end.json(&json!({"valid_until": "2026-04-01", "reason": "New contract"}))).await.0, 200);
    let (amounts, document) = months(&org, period()).await;
    assert_eq!(amounts, ["124.00", "186.00"], "March keeps its policy");
    assert_eq!(document["gaps"][0]["amount"]["amount"], "310.00", "and nothing is barred any more");
    let mut then = period();
    then["known_at"] = known_at;
    assert_eq!(org.audit(then).await["digest"], first["digest"]);
    assert_eq!(org.read(&path).await["history"].as_array().unwrap().len(), 2);
    assert_eq!(org.read("/v1/policies?active_on=2026-04-01").await["data"], json!([]));
}

#[tokio::test]
async fn a_mapping_says_which_seats_of_its_product_count_while_it_is_approved() {
    let app = TestApp::start().await;
    let org = app.audited_org(&ENTITLEMENTS.replace("Seat", "Suite"), BILLING).await;
    let body = json!({"side": "product", "source": "Seat", "target": "Suite", "basis": "assigned"});
    let (status, mapping) = send(org.owner.caller.post("/v1/mappings").json(&body)).await;
    assert_eq!((status, mapping["basis"].as_str()), (201, Some("assigned")), "{mapping:#}");
    assert_eq!(months(&org, period()).await.0, ["62.00", "62.00"]);
    let path = format!("/v1/mappings/{}/withdraw", mapping["id"].as_str().unwrap());
    assert_eq!(send(org.owner.caller.post(&path).header("If-Match", "\"v1\"")).await.0, 200);
    org.map_product("Seat", "Suite").await;
    assert_eq!(months(&org, period()).await.0, ["154.00", "186.00"]);
    let client = json!({"side": "client", "source": "A", "target": "B", "basis": "assigned"});
    let answer = send(org.owner.caller.post("/v1/mappings").json(&client)).await;
    assert_eq!(answer.1["errors"][0]["pointer"], "/basis", "{:#}", answer.1);
}

#[tokio::test]
async fn policies_are_for_something_say_something_and_are_made_by_admins() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let good =
        json!({"product": "Seat", "basis": "assigned", "valid_from": "2026-01-01", "reason": "Agreed"});
    for (change, pointer) in [
        (json!({"product": null}), "/client_id"),
        (json!({"basis": null}), ""),
        (json!({"basis": "sold"}), "/basis"),
        (json!({"back_billing_months": 6, "credit_back_months": 3}), "/credit_back_months"),
        (json!({"back_billing_months": 1201}), "/back_billing_months"),
        (json!({"valid_until": "2025-12-31"}), "/valid_until"),
        (json!({"agreement": " "}), "/agreement"),
    ] {
        let mut body = good.clone();
        for (key, value) in change.as_object().unwrap() {
            body[key] = value.clone();
        }
        let answer = send(org.owner.caller.post("/v1/policies").json(&body)).await;
        assert_problem(&answer, 422, "validation_failed");
        assert_eq!(answer.1["errors"][0]["pointer"], pointer, "{:#}", answer.1);
    }
    let biller = org.member(Role::Biller).await.caller;
    assert_problem(&send(biller.post("/v1/policies").json(&good)).await, 403, "insufficient_role");
    let admin = org.member(Role::Admin).await.caller;
    assert_eq!(send(admin.post("/v1/policies").json(&good)).await.0, 201);
}
