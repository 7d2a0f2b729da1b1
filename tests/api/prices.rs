//! The price list as a resource: used where no billing line gives a price, known when it was known.

use leakage_tests::{Org, TestApp, assert_problem, send};
use serde_json::{Value, json};

const ENTITLEMENTS: &str =
    "client,product,purchased,from\nContoso,Seat,10,2026-03-01\nContoso,Backup,4,2026-03-01\n";
const BILLING: &str = "client,product,quantity,unit_price,currency,from,until\n\
    Contoso,Seat,10,12.50,USD,2026-03-01,2026-07-01\n";

async fn make(org: &Org<'_>, change: Value) -> Value {
    let mut body =
        json!({"product": "Backup", "unit_price": "3.00", "currency": "USD", "valid_from": "2026-01-01"});
    for (key, value) in change.as_object().unwrap() {
        body[key] = value.clone();
    }
    let (status, price) = send(org.owner.caller.post("/v1/prices").json(&body)).await;
    assert_eq!(status, 201, "{price:#}");
    price
}

/// Months and amounts of the one gap.
async fn amounts(org: &Org<'_>, request: Value) -> Vec<String> {
    let document = org.audit(request).await;
    assert_eq!(document["gaps"].as_array().unwrap().len(), 1, "{document:#}");
    let months = document["gaps"][0]["months"].as_array().unwrap().clone();
    months.iter().map(|month| month["amount"].as_str().unwrap().to_owned()).collect()
}

fn period() -> Value {
    json!({"from": "2026-03", "to": "2026-05"})
}

#[tokio::test]
async fn a_gap_without_a_billed_price_takes_the_list_price_of_each_day() {
    let app = TestApp::start().await;
    let org = app.audited_org(ENTITLEMENTS, BILLING).await;
    let document = org.audit(period()).await;
    assert_eq!(document["unpriced_gaps"], 1, "{document:#}");
    make(&org, json!({})).await;
    assert_eq!(amounts(&org, period()).await, ["12.00", "12.00", "12.00"]);
    // A price that begins later takes its place, and the client's own comes before both.
    make(&org, json!({"unit_price": "3.50", "valid_from": "2026-04-01"})).await;
    assert_eq!(amounts(&org, period()).await, ["12.00", "14.00", "14.00"]);
    let client = org.read("/v1/clients").await["data"][0]["id"].clone();
    let own =
        json!({"unit_price": "24", "cycle": "annual", "client_id": client, "valid_until": "2026-05-01"});
    make(&org, own).await;
    assert_eq!(amounts(&org, period()).await, ["8.00", "8.00", "14.00"]);
}

#[tokio::test]
async fn a_price_is_ended_and_was_known_as_it_was() {
    let app = TestApp::start().await;
    let org = app.audited_org(ENTITLEMENTS, BILLING).await;
    let price = make(&org, json!({})).await;
    let first = org.audit(period()).await;
    let known_at = org.read("/v1/audits").await["data"][0]["known_at"].clone();
    app.clock.advance(chrono::TimeDelta::minutes(1));
    let path = format!("/v1/prices/{}", price["id"].as_str().unwrap());
    let body = json!({"valid_until": "2026-04-01", "reason": "New list"});
    let end = org.owner.caller.post(&format!("{path}/end")).json(&body);
    assert_problem(&send(end.try_clone().unwrap()).await, 428, "precondition_required");
    assert_eq!(send(end.header("If-Match", "\"v1\"")).await.0, 200);
    assert_eq!(amounts(&org, period()).await, ["12.00", "0.00", "0.00"]);
    let mut then = period();
    then["known_at"] = known_at;
    assert_eq!(org.audit(then).await["digest"], first["digest"]);
    let read = org.read(&path).await;
    assert_eq!((read["history"].as_array().unwrap().len(), read["unit_price"].as_str()), (2, Some("3.00")));
}

#[tokio::test]
async fn prices_are_listed_by_product_client_and_day() {
    let app = TestApp::start().await;
    let org = app.audited_org(ENTITLEMENTS, BILLING).await;
    make(&org, json!({"valid_until": "2026-03-01"})).await;
    make(&org, json!({"product": "Seat", "term": "annual", "unit_price": "11.00"})).await;
    for (query, prices) in [
        ("", vec!["3.00", "11.00"]),
        ("product=backup", vec!["3.00"]),
        ("active_on=2026-03-01", vec!["11.00"]),
        ("client_id=01931f3e-7d5c-7b60-9f10-3f2a4b5c6d7e", vec![]),
    ] {
        let list = org.read(&format!("/v1/prices?{query}")).await;
        let found: Vec<&str> = list["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|price| price["unit_price"].as_str().unwrap())
            .collect();
        assert_eq!(found, prices, "{query}: {list:#}");
    }
}

#[tokio::test]
async fn a_price_that_is_none_is_refused_at_its_field() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let good =
        json!({"product": "Seat", "unit_price": "3.00", "currency": "USD", "valid_from": "2026-01-01"});
    for (field, value, pointer) in [
        ("unit_price", json!("0"), "/unit_price"),
        ("unit_price", json!("-1"), "/unit_price"),
        ("unit_price", json!("1e3"), "/unit_price"),
        ("unit_price", json!("1000000000000"), "/unit_price"),
        ("unit_price", json!("0.12345678901"), "/unit_price"),
        ("product", json!("..."), "/product"),
        ("currency", json!("dollars"), "/currency"),
        ("valid_until", json!("2026-01-01"), "/valid_until"),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let answer = send(org.owner.caller.post("/v1/prices").json(&body)).await;
        assert_problem(&answer, 422, "validation_failed");
        assert_eq!(answer.1["errors"][0]["pointer"], pointer, "{:#}", answer.1);
    }
}
