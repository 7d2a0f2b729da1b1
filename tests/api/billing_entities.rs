//! Billing entities of a client, and how its seats are shared over them.

use leakage_tests::{Org, TestApp, assert_problem, send};
use serde_json::{Value, json};

const PREMIUM: &str = "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46";
const BILLING: &str = "client,billing_entity,product,quantity,unit_price,currency,from,until\n\
    Contoso,Bonn,Microsoft 365 Business Premium,2,22.00,USD,2026-03-01,2026-05-01\n\
    Contoso,Kiel,Microsoft 365 Business Premium,1,22.00,USD,2026-03-01,2026-05-01\n";

/// Contoso has five seats.
fn entitlements() -> String {
    format!("client,product,sku,purchased,assigned,from\nContoso,,{PREMIUM},5,5,2026-03-01\n")
        .replace("Contoso,,", "Contoso,Microsoft 365 Business Premium,")
}

pub(crate) async fn contoso(org: &Org<'_>) -> String {
    let client = org.read("/v1/clients").await["data"][0]["id"].as_str().unwrap().to_owned();
    format!("/v1/clients/{client}")
}

pub(crate) async fn entity(org: &Org<'_>, name: &str) -> Value {
    let path = format!("{}/billing-entities", contoso(org).await);
    let (status, entity) = send(org.owner.caller.post(&path).json(&json!({"name": name}))).await;
    assert_eq!(status, 201, "{entity:#}");
    entity
}

pub(crate) async fn allocate(org: &Org<'_>, entity: &Value, kind: &str, value: Option<&str>) -> Value {
    let path = format!("{}/allocations", contoso(org).await);
    let body = json!({
        "billing_entity_id": entity["id"], "kind": kind, "value": value, "valid_from": "2026-01-01",
        "reason": "Agreed",
    });
    let (status, allocation) = send(org.owner.caller.post(&path).json(&body)).await;
    assert_eq!(status, 201, "{allocation:#}");
    allocation
}

/// Entity, seats and amount of each gap of March and April.
async fn gaps(org: &Org<'_>) -> (Vec<String>, Value) {
    let document = org.audit(json!({"from": "2026-03", "to": "2026-04"})).await;
    let text = |gap: &Value| {
        let entity = gap["billing_entity"].as_str().unwrap_or("-");
        let waits = if gap["needs_allocation"] == true { " waits" } else { "" };
        let amount = gap["amount"]["amount"].as_str().unwrap();
        format!(
            "{entity} {} {} {amount}{waits}",
            gap["direction"].as_str().unwrap(),
            gap["seats"].as_str().unwrap()
        )
    };
    let mut gaps: Vec<String> = document["gaps"].as_array().unwrap().iter().map(text).collect();
    gaps.sort();
    (gaps, document)
}

#[tokio::test]
async fn a_tenant_is_shared_over_its_offices_by_fixed_numbers_and_the_rest() {
    let app = TestApp::start().await;
    let org = app.audited_org(&entitlements(), BILLING).await;
    assert_eq!(gaps(&org).await.0, ["- under 2 88.00 waits"], "as a whole until it is allocated");
    let (bonn, kiel) = (entity(&org, "Bonn").await, entity(&org, "Kiel").await);
    assert_eq!(gaps(&org).await.0, ["- under 2 88.00 waits"]);
    allocate(&org, &bonn, "fixed", Some("1")).await;
    allocate(&org, &kiel, "fixed", Some("3")).await;
    let (found, document) = gaps(&org).await;
    assert_eq!(found, ["- under 1 44.00 waits", "Bonn over 1 44.00", "Kiel under 2 88.00"], "{document:#}");
    assert_eq!(document["allocated"].as_array().unwrap().len(), 3);
    let kiel_gap =
        document["gaps"].as_array().unwrap().iter().find(|gap| gap["billing_entity"] == "Kiel").unwrap();
    let path = format!("/v1/gaps/{}/explanation", kiel_gap["id"].as_str().unwrap());
    assert_eq!(org.read(&path).await["gap"], *kiel_gap);
    allocate(&org, &bonn, "rest", None).await;
    assert_eq!(gaps(&org).await.0, ["Kiel under 2 88.00"], "Bonn has two");
}

#[tokio::test]
async fn users_of_a_domain_go_to_their_office_once_somebody_tells_the_users() {
    let app = TestApp::start().await;
    let org = app.audited_org(&entitlements(), BILLING).await;
    let (bonn, kiel) = (entity(&org, "Bonn").await, entity(&org, "Kiel").await);
    allocate(&org, &bonn, "domain", Some("Bonn.example")).await;
    allocate(&org, &kiel, "department", Some("Shipping")).await;
    let (found, document) = gaps(&org).await;
    assert!(found.is_empty(), "{document:#}");
    let reasons: Vec<&Value> =
        document["coverage"].as_array().unwrap().iter().map(|one| &one["reason"]).collect();
    assert!(reasons.contains(&&json!("allocation_needs_users")), "{document:#}");

    let user = |name: &str, department: &str| {
        json!({
            "id": format!("{:0>8}-0000-4000-8000-000000000000", name.len()), "userPrincipalName": name,
            "department": department, "accountEnabled": true, "userType": "Member",
            "assignedLicenses": [{"skuId": PREMIUM, "disabledPlans": []}], "licenseAssignmentStates": [],
        })
    };
    let users = [
        user("a@bonn.example", "Law"),
        user("bb@bonn.example", "Law"),
        user("ccc@bonn.example", "Law"),
        user("dddd@bonn.example", "Shipping"),
    ];
    let file = json!({"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users", "value": users});
    org.import_whole("users.json", file.to_string(), "client=Contoso&snapshot_on=2026-03-01").await;
    let (found, document) = gaps(&org).await;
    assert_eq!(found, ["- under 1 44.00 waits", "Bonn under 1 44.00"], "{document:#}");
}

#[tokio::test]
async fn a_renamed_entity_keeps_its_lines_and_its_gaps() {
    let app = TestApp::start().await;
    let org = app.audited_org(&entitlements(), BILLING).await;
    let (bonn, kiel) = (entity(&org, "Bonn").await, entity(&org, "Kiel").await);
    allocate(&org, &bonn, "fixed", Some("2")).await;
    allocate(&org, &kiel, "rest", None).await;
    let (_, before) = gaps(&org).await;
    let known_at = org.read("/v1/audits").await["data"][0]["known_at"].clone();
    app.clock.advance(chrono::TimeDelta::minutes(1));
    let path = format!("{}/billing-entities/{}", contoso(&org).await, kiel["id"].as_str().unwrap());
    let rename = |name: &str, tag: &str| {
        org.owner.caller.patch(&path).header("If-Match", tag).json(&json!({"name": name}))
    };
    assert_problem(&send(rename("BONN", "\"v1\"")).await, 409, "already_exists");
    assert_eq!(send(rename("Kiel Harbour", "\"v1\"")).await.0, 200);
    assert_problem(&send(rename("Kiel Port", "\"v1\"")).await, 412, "version_mismatch");
    let (found, after) = gaps(&org).await;
    assert_eq!(found, ["Kiel Harbour under 2 88.00"]);
    assert_eq!(after["gaps"][0]["id"], before["gaps"][0]["id"]);
    let then = org.audit(json!({"from": "2026-03", "to": "2026-04", "known_at": known_at})).await;
    assert_eq!(then["digest"], before["digest"]);
    // A former name is not free: lines with it are still Kiel's.
    let path = format!("{}/billing-entities", contoso(&org).await);
    let again = send(org.owner.caller.post(&path).json(&json!({"name": "kiel"}))).await;
    assert_problem(&again, 409, "already_exists");
}

#[tokio::test]
async fn what_ends_takes_nothing_from_then_on() {
    let app = TestApp::start().await;
    let org = app.audited_org(&entitlements(), BILLING).await;
    let (bonn, kiel) = (entity(&org, "Bonn").await, entity(&org, "Kiel").await);
    let fixed = allocate(&org, &bonn, "fixed", Some("4")).await;
    allocate(&org, &kiel, "rest", None).await;
    assert_eq!(gaps(&org).await.0, ["Bonn under 2 88.00"]);
    let client = contoso(&org).await;
    let end = |path: String, body: Value| {
        send(org.owner.caller.post(&path).header("If-Match", "\"v1\"").json(&body))
    };
    let path = format!("{client}/allocations/{}/end", fixed["id"].as_str().unwrap());
    assert_eq!(end(path.clone(), json!({"valid_until": "2026-04-01", "reason": "Moved"})).await.0, 200);
    assert_problem(
        &end(path, json!({"valid_until": "2026-03-01", "reason": "Moved"})).await,
        412,
        "version_mismatch",
    );
    // April: Bonn has none of five and is billed two; Kiel has all and is billed one.
    assert_eq!(gaps(&org).await.0, ["Bonn over 2 44.00", "Bonn under 2 44.00", "Kiel under 4 88.00"]);
    let path = format!("{client}/billing-entities/{}/end", kiel["id"].as_str().unwrap());
    assert_eq!(end(path, json!({"ended_on": "2026-04-01"})).await.0, 200);
    // Without any allocation April is the client's as a whole again.
    assert_eq!(gaps(&org).await.0, ["- under 2 44.00 waits", "Bonn under 2 44.00"]);
    let read = org.read(&format!("{client}/allocations/{}", fixed["id"].as_str().unwrap())).await;
    assert_eq!(read["history"].as_array().unwrap().len(), 2);
    assert_eq!(
        org.read(&format!("{client}/allocations?active_on=2026-04-01")).await["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(org.read(&format!("{client}/billing-entities?limit=1")).await["has_more"], true);
}

#[tokio::test]
async fn an_allocation_that_cannot_be_is_refused_at_its_field() {
    let app = TestApp::start().await;
    let org = app.audited_org(&entitlements(), BILLING).await;
    let bonn = entity(&org, "Bonn").await;
    let other = send(org.owner.caller.post("/v1/clients").json(&json!({"name": "Fabrikam"}))).await.1;
    let path = format!("/v1/clients/{}/billing-entities", other["id"].as_str().unwrap());
    let foreign = send(org.owner.caller.post(&path).json(&json!({"name": "Bonn"}))).await.1;
    let good = json!({
        "billing_entity_id": bonn["id"], "kind": "fixed", "value": "2", "valid_from": "2026-01-01", "reason": "Agreed",
    });
    let path = format!("{}/allocations", contoso(&org).await);
    for (field, value, pointer) in [
        ("value", json!("two"), "/value"),
        ("value", json!(null), "/value"),
        ("kind", json!("rest"), "/value"),
        ("kind", json!("domain"), "/value"),
        ("kind", json!("colour"), "/kind"),
        ("billing_entity_id", foreign["id"].clone(), "/billing_entity_id"),
        ("reason", json!(""), "/reason"),
        ("valid_until", json!("2026-01-01"), "/valid_until"),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let answer = send(org.owner.caller.post(&path).json(&body)).await;
        assert_problem(&answer, 422, "validation_failed");
        assert_eq!(answer.1["errors"][0]["pointer"], pointer, "{:#}", answer.1);
    }
    let made = send(org.owner.caller.post(&path).json(&good)).await.1;
    let elsewhere =
        format!("/v1/clients/{}/allocations/{}", other["id"].as_str().unwrap(), made["id"].as_str().unwrap());
    assert_problem(&send(org.owner.caller.get(&elsewhere)).await, 404, "not_found");
}
