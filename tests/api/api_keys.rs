//! API keys: scopes, expiry, revocation, exchange.

use chrono::Duration;
use leakage_api::auth::{Role, Scope};
use leakage_tests::{TestApp, assert_problem, body, send};
use serde_json::{Value, json};

#[tokio::test]
async fn a_key_is_shown_once_and_works_in_either_header() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let request = json!({"name": "Nightly import", "scopes": ["read"]});
    let response = org.owner.caller.post("/v1/api-keys").json(&request).send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["cache-control"]),
        (201, &"no-store".parse().unwrap())
    );
    let path = response.headers()["location"].to_str().unwrap().to_owned();
    let made = body(response).await;
    let key = made["key"].as_str().unwrap();
    assert!(key.starts_with("lfk_live_") && key.ends_with(made["last_four"].as_str().unwrap()));
    assert_eq!(send(app.caller(key).get("/v1/organization")).await.0, 200);
    assert_eq!(send(app.get("/v1/organization").header("X-Api-Key", key)).await.0, 200);
    let (_, read) = send(org.owner.caller.get(&path)).await;
    assert_eq!((&read["key"], &read["last_used_at"]), (&Value::Null, &json!("2026-11-22T12:00:00Z")));
    let (_, page) = send(org.owner.caller.get("/v1/api-keys")).await;
    assert!(!page.to_string().contains(key));
}

#[tokio::test]
async fn scopes_limit_a_key_and_nothing_of_people_is_open_to_one() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let writer = org.api_key(&[Scope::ImportsWrite]).await;
    assert_problem(&send(writer.get("/v1/organization")).await, 403, "insufficient_scope");
    assert_problem(&send(writer.get("/v1/jobs")).await, 403, "insufficient_scope");
    let all = org.api_key(&Scope::ALL).await;
    assert_eq!(send(all.get("/v1/jobs")).await.0, 200);
    for path in ["/v1/members", "/v1/invitations", "/v1/api-keys", "/v1/me", "/v1/sessions"] {
        assert_problem(&send(all.get(path)).await, 403, "insufficient_scope");
    }
    let request = json!({"name": "Another", "scopes": ["read"]});
    assert_problem(&send(all.post("/v1/api-keys").json(&request)).await, 403, "insufficient_scope");
}

#[tokio::test]
async fn a_key_ends_by_time_or_at_once_by_revocation() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let make = async |name: &str| {
        let request = json!({"name": name, "scopes": ["read"], "expires_at": "2026-11-22T12:05:00Z"});
        let (status, made) = send(org.owner.caller.post("/v1/api-keys").json(&request)).await;
        assert_eq!(status, 201, "{made:#}");
        (app.caller(made["key"].as_str().unwrap()), format!("/v1/api-keys/{}", made["id"].as_str().unwrap()))
    };
    let (expiring, _) = make("expiring").await;
    let (revoked, path) = make("revoked").await;
    assert_problem(&send(app.org("Other MSP").await.owner.caller.delete(&path)).await, 404, "not_found");
    assert_eq!(send(revoked.get("/v1/organization")).await.0, 200);
    assert_eq!(send(org.owner.caller.delete(&path)).await.0, 204);
    assert_eq!(send(org.owner.caller.delete(&path)).await.0, 204);
    assert_problem(&send(revoked.get("/v1/organization")).await, 401, "unauthenticated");
    app.clock.advance(Duration::seconds(299));
    assert_eq!(send(expiring.get("/v1/organization")).await.0, 200);
    app.clock.advance(Duration::seconds(1));
    assert_problem(&send(expiring.get("/v1/organization")).await, 401, "unauthenticated");
}

#[tokio::test]
async fn a_key_with_a_changed_character_is_no_key() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let key = org.api_key(&[Scope::Read]).await.token.unwrap();
    for place in [0, 12, 40, 75, key.len() - 1] {
        let mut changed = key.clone().into_bytes();
        changed[place] = if changed[place] == b'x' { b'y' } else { b'x' };
        let caller = app.caller(String::from_utf8(changed).unwrap());
        assert_problem(&send(caller.get("/v1/organization")).await, 401, "unauthenticated");
    }
    // Well formed, right organization, right id, another secret.
    let presented = leakage_api::auth::secrets::API_KEY.parse(&key).unwrap();
    let forged = leakage_api::auth::secrets::API_KEY.generate(presented.org, presented.id).unwrap();
    let caller = app.caller(secret(&forged));
    assert_problem(&send(caller.get("/v1/organization")).await, 401, "unauthenticated");
    // Its secret under another organization's id.
    let other = app.org("Other MSP").await;
    let forged = leakage_api::auth::secrets::API_KEY.generate(other.id, presented.id).unwrap();
    assert_problem(&send(app.caller(secret(&forged)).get("/v1/organization")).await, 401, "unauthenticated");
}

fn secret(new: &leakage_api::auth::secrets::NewSecret) -> String {
    use secrecy::ExposeSecret as _;
    new.text.expose_secret().to_owned()
}

#[tokio::test]
async fn an_integration_has_two_live_keys_at_most() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let request = json!({"name": "Nightly import", "scopes": ["read"]});
    let make = || send(org.owner.caller.post("/v1/api-keys").json(&request));
    let (one, two, three, four) = tokio::join!(make(), make(), make(), make());
    let all = [one, two, three, four];
    assert_eq!(all.iter().filter(|answer| answer.0 == 201).count(), 2);
    for refused in all.iter().filter(|answer| answer.0 != 201) {
        assert_problem(refused, 409, "conflict");
    }
    let live = all.iter().find(|answer| answer.0 == 201).unwrap().1["id"].as_str().unwrap().to_owned();
    assert_eq!(send(org.owner.caller.delete(&format!("/v1/api-keys/{live}"))).await.0, 204);
    assert_eq!(make().await.0, 201);
    // Another organization's integration of the same name is another one.
    let other = app.org("Other MSP").await;
    assert_eq!(send(other.owner.caller.post("/v1/api-keys").json(&request)).await.0, 201);
}

#[tokio::test]
async fn a_repeated_request_makes_one_key_and_does_not_repeat_it() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let request = json!({"name": "Nightly import", "scopes": ["read"]});
    let post = || org.owner.caller.post("/v1/api-keys").header("Idempotency-Key", "\"one\"").json(&request);
    let (_, first) = send(post()).await;
    let (status, second) = send(post()).await;
    assert_eq!((status, &second["id"], &second["key"]), (201, &first["id"], &Value::Null));
    assert!(first["key"].is_string());
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_place() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    for (request, pointer) in [
        (json!({"name": "", "scopes": ["read"]}), "/name"),
        (json!({"name": "N", "scopes": []}), "/scopes"),
        (json!({"name": "N", "scopes": ["read", "read"]}), "/scopes/1"),
        (json!({"name": "N", "scopes": ["everything"]}), "/scopes/0"),
        (json!({"name": "N", "scopes": ["read"], "expires_at": "2026-11-22T12:00:00Z"}), "/expires_at"),
        (json!({"name": "N", "scopes": ["read"], "key": "mine"}), "/key"),
    ] {
        let answer = send(org.owner.caller.post("/v1/api-keys").json(&request)).await;
        assert_problem(&answer, 422, "validation_failed");
        assert_eq!(answer.1["errors"][0]["pointer"], pointer, "{answer:#?}");
    }
}

#[tokio::test]
async fn a_key_outlives_the_member_who_made_it() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let admin = org.member(Role::Admin).await;
    let request = json!({"name": "Nightly import", "scopes": ["read"]});
    let (_, made) = send(admin.caller.post("/v1/api-keys").json(&request)).await;
    assert_eq!(send(org.owner.caller.delete(&format!("/v1/members/{}", admin.id))).await.0, 204);
    assert_eq!(send(app.caller(made["key"].as_str().unwrap()).get("/v1/organization")).await.0, 200);
}
