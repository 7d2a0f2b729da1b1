//! Signing up, and the organization that the caller acts in.

use leakage_api::auth::{Role, Scope};
use leakage_tests::{PASSWORD, Person, TestApp, assert_problem, body, new_email, send};
use serde_json::{Value, json};

fn sign_up(organization: &str, email: &str, password: &str) -> Value {
    json!({"organization_name": organization, "name": "Ann Example", "email": email, "password": password})
}

#[tokio::test]
async fn signing_up_makes_an_organization_and_its_owner() {
    let app = TestApp::start().await;
    let request = sign_up(" Example MSP ", "Ann@Example.com", PASSWORD);
    let response = app.post("/v1/organizations").json(&request).send().await.unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["location"], "/v1/organization");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let answer = body(response).await;
    assert_eq!(answer["organization"]["name"], "Example MSP");
    assert_eq!(answer["organization"]["settings"]["invitation_days"], 7);
    assert_eq!(answer["session"]["user"]["email"], "Ann@Example.com");
    assert_eq!(answer["session"]["current"]["role"], "owner");
    let owner = Person::of(&app, &answer["session"]);
    assert_eq!(send(owner.caller.get("/v1/organization")).await, (200, answer["organization"].clone()));
}

#[tokio::test]
async fn an_existing_account_needs_its_password_for_another_organization() {
    let app = TestApp::start().await;
    let email = app.org("First MSP").await.owner.email;
    let wrong = sign_up("Second MSP", &email, "not the password");
    assert_problem(&send(app.post("/v1/organizations").json(&wrong)).await, 401, "invalid_credentials");
    let right = sign_up("Second MSP", &email.to_uppercase(), PASSWORD);
    let (status, answer) = send(app.post("/v1/organizations").json(&right)).await;
    assert_eq!(status, 201, "{answer:#}");
    assert_eq!(answer["session"]["organizations"].as_array().unwrap().len(), 2);
    assert_eq!(answer["session"]["user"]["name"], "Olive Owner", "the account keeps its name");
}

#[tokio::test]
async fn guessing_passwords_through_sign_up_is_delayed_too() {
    let app = TestApp::start().await;
    let email = app.org("First MSP").await.owner.email;
    let guess = sign_up("Second MSP", &email, "not the password");
    for _ in 0..5 {
        assert_eq!(send(app.post("/v1/organizations").json(&guess)).await.0, 401);
    }
    assert_problem(&send(app.post("/v1/organizations").json(&guess)).await, 429, "rate_limited");
}

#[tokio::test]
async fn a_key_signs_up_once_and_stores_no_token() {
    let app = TestApp::start().await;
    let email = new_email();
    let post =
        |request: &Value| app.post("/v1/organizations").header("Idempotency-Key", "once").json(request);
    let request = sign_up("Example MSP", &email, PASSWORD);
    let (status, first) = send(post(&request)).await;
    assert_eq!(status, 201);
    let response = post(&request).send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["idempotency-replayed"]),
        (201, &"true".parse().unwrap())
    );
    let second = body(response).await;
    assert_eq!(second["organization"], first["organization"]);
    assert_ne!(second["session"]["tokens"]["refresh_token"], first["session"]["tokens"]["refresh_token"]);
    let other = sign_up("Other MSP", &email, PASSWORD);
    assert_problem(&send(post(&other)).await, 422, "idempotency_key_reused");
    // The key alone opens nothing.
    let wrong = sign_up("Example MSP", &email, "not the password");
    assert_problem(&send(post(&wrong)).await, 401, "invalid_credentials");
    // Somebody else's key of the same name is another key.
    assert_ne!(
        send(post(&sign_up("Example MSP", &new_email(), PASSWORD))).await.1["organization"],
        first["organization"]
    );
}

#[tokio::test]
async fn of_two_sign_ups_with_one_address_at_once_one_account_comes() {
    let app = TestApp::start().await;
    let request = sign_up("Example MSP", &new_email(), PASSWORD);
    let post = || send(app.post("/v1/organizations").json(&request));
    let (one, other) = tokio::join!(post(), post());
    for answer in [&one, &other] {
        assert!([201, 409].contains(&answer.0), "{answer:#?}");
    }
    assert!(one.0 == 201 || other.0 == 201);
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_place() {
    let app = TestApp::start().await;
    let long = "x".repeat(201);
    let twelve = "x".repeat(257);
    for (field, value, pointer) in [
        ("organization_name", "  ", "/organization_name"),
        ("organization_name", long.as_str(), "/organization_name"),
        ("name", "Ann\nExample", "/name"),
        ("email", "ann at example.com", "/email"),
        ("password", "short", "/password"),
        ("password", "password1234", "/password"),
        ("password", twelve.as_str(), "/password"),
        ("plan", "gold", "/plan"),
    ] {
        let mut request = sign_up("Example MSP", "ann@example.com", PASSWORD);
        request[field] = json!(value);
        let answer = send(app.post("/v1/organizations").json(&request)).await;
        assert_problem(&answer, 422, "validation_failed");
        assert_eq!(answer.1["errors"][0]["pointer"], pointer, "{answer:#?}");
        assert!(!answer.1.to_string().contains("password1234"), "a password is not repeated");
    }
}

#[tokio::test]
async fn settings_change_field_by_field() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let response = org.owner.caller.get("/v1/organization").send().await.unwrap();
    let first = response.headers()["etag"].to_str().unwrap().to_owned();
    let patch = |etag: &str, change: Value| {
        org.owner.caller.patch("/v1/organization").header("If-Match", etag).json(&change)
    };
    let change =
        json!({"settings": {"basis": "assigned", "source_order": ["own_template", "graph_subscribed_skus"]}});
    let response = patch(&first, change).send().await.unwrap();
    let second = response.headers()["etag"].to_str().unwrap().to_owned();
    let changed = body(response).await;
    assert_eq!(changed["name"], "Example MSP");
    assert_eq!(
        changed["settings"],
        json!({"basis": "assigned", "proration": "daily", "source_order": ["own_template", "graph_subscribed_skus"], "date_order": null, "invitation_days": 7})
    );
    assert_problem(&send(patch(&first, json!({"name": "Late"}))).await, 412, "version_mismatch");
    let answer = send(org.owner.caller.patch("/v1/organization").json(&json!({"name": "Bare"}))).await;
    assert_problem(&answer, 428, "precondition_required");
    for (change, pointer) in [
        (json!({"settings": {"invitation_days": 31}}), "/settings/invitation_days"),
        (json!({"settings": {"source_order": ["a", "b", "a"]}}), "/settings/source_order/2"),
        (json!({"settings": {"source_order": ["No Such"]}}), "/settings/source_order/0"),
        (json!({"settings": {"currency": "USD"}}), "/settings/currency"),
        (json!({"settings": {"basis": null}}), "/settings/basis"),
        (json!({"name": null}), "/name"),
    ] {
        let answer = send(patch(&second, change)).await;
        assert_problem(&answer, 422, "validation_failed");
        assert_eq!(answer.1["errors"][0]["pointer"], pointer, "{answer:#?}");
    }
    // The new name is seen where organizations are listed before one is chosen.
    assert_eq!(send(patch(&second, json!({"name": "Renamed MSP"}))).await.0, 200);
    let (_, me) = send(org.owner.caller.get("/v1/me")).await;
    assert_eq!(me["organizations"][0]["organization_name"], "Renamed MSP");
}

#[tokio::test]
async fn only_admins_and_owners_change_the_organization() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    for (role, status) in
        [(Role::Viewer, 403), (Role::AccountManager, 403), (Role::Biller, 403), (Role::Admin, 412)]
    {
        let member = org.member(role).await;
        let change = member.caller.patch("/v1/organization").header("If-Match", "\"v9\"");
        assert_eq!(send(change.json(&json!({"name": "Changed"}))).await.0, status, "{role:?}");
        assert_eq!(send(member.caller.get("/v1/organization")).await.0, 200, "{role:?}");
    }
    let key = org.api_key(&Scope::ALL).await;
    let change = key.patch("/v1/organization").header("If-Match", "\"v1\"").json(&json!({"name": "Changed"}));
    assert_problem(&send(change).await, 403, "insufficient_scope");
    assert_eq!(send(key.get("/v1/organization")).await.1["name"], "Example MSP");
}
