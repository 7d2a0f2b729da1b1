//! Invitations: who may invite whom, and who may accept.

use chrono::Duration;
use leakage_api::auth::Role;
use leakage_tests::{PASSWORD, TestApp, assert_problem, body, new_email, send};
use serde_json::{Value, json};

async fn accept(app: &TestApp, request: &Value) -> (u16, Value) {
    send(app.post("/v1/invitations/accept").json(request)).await
}

fn with_account(invitation: &Value) -> Value {
    json!({"token": invitation["token"], "name": "Ben Example", "password": PASSWORD})
}

#[tokio::test]
async fn a_new_person_accepts_with_a_name_and_a_password() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let email = new_email();
    let invitation = org.invite(&email, Role::Biller).await;
    assert_eq!(
        (&invitation["status"], &invitation["expires_at"]),
        (&json!("pending"), &json!("2026-11-29T12:00:00Z"))
    );
    let token = &invitation["token"];
    for (request, pointer) in [
        (json!({"token": token}), "/password"),
        (json!({"token": token, "password": PASSWORD}), "/name"),
        (json!({"token": token, "name": "Ben", "password": "short"}), "/password"),
    ] {
        let answer = accept(&app, &request).await;
        assert_problem(&answer, 422, "validation_failed");
        assert_eq!(answer.1["errors"][0]["pointer"], pointer);
    }
    let (status, answer) = accept(&app, &with_account(&invitation)).await;
    assert_eq!((status, &answer["current"]["role"]), (200, &json!("biller")), "{answer:#}");
    assert_eq!(app.sign_in(&email, Some(org.id)).await.email, email);
    let path = format!("/v1/invitations/{}", invitation["id"].as_str().unwrap());
    let (_, invitation) = send(org.owner.caller.get(&path)).await;
    assert_eq!((&invitation["status"], &invitation["token"]), (&json!("accepted"), &Value::Null));
}

#[tokio::test]
async fn accepting_again_is_the_same_for_the_same_person_and_refused_for_others() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let invitation = org.invite(&new_email(), Role::Viewer).await;
    let (_, first) = accept(&app, &with_account(&invitation)).await;
    let (status, second) = accept(&app, &with_account(&invitation)).await;
    assert_eq!((status, &second["user"]), (200, &first["user"]));
    let wrong = json!({"token": invitation["token"], "name": "Eve", "password": "not the password"});
    assert_problem(&accept(&app, &wrong).await, 401, "invalid_credentials");
    // Removed since: the old invitation is no way back.
    let path = format!("/v1/members/{}", first["user"]["id"].as_str().unwrap());
    assert_eq!(send(org.owner.caller.delete(&path)).await.0, 204);
    assert_problem(&accept(&app, &with_account(&invitation)).await, 409, "conflict");
}

#[tokio::test]
async fn an_existing_account_joins_a_second_organization_with_its_password_or_session() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let (ann, ben) = (app.org("Ann MSP").await.owner, app.org("Ben MSP").await.owner);

    let invitation = org.invite(&ann.email.to_uppercase(), Role::Admin).await;
    let wrong = json!({"token": invitation["token"], "password": "not the password"});
    assert_problem(&accept(&app, &wrong).await, 401, "invalid_credentials");
    let right = json!({"token": invitation["token"], "password": PASSWORD});
    let (status, answer) = accept(&app, &right).await;
    assert_eq!(status, 200, "{answer:#}");
    assert_eq!(answer["user"]["id"], json!(ann.id));
    assert_eq!(answer["organizations"].as_array().unwrap().len(), 2);

    let invitation = org.invite(&ben.email, Role::Viewer).await;
    let token = json!({"token": invitation["token"]});
    let answer = send(ann.caller.post("/v1/invitations/accept").json(&token)).await;
    assert_problem(&answer, 409, "conflict");
    // Credentials that are not valid are not passed over in silence.
    let answer = send(app.caller("x").post("/v1/invitations/accept").json(&token)).await;
    assert_problem(&answer, 401, "unauthenticated");
    assert_eq!(send(ben.caller.post("/v1/invitations/accept").json(&token)).await.0, 200);
}

#[tokio::test]
async fn an_invitation_ends_by_time_or_by_revocation() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let email = new_email();
    let revoked = org.invite(&email, Role::Viewer).await;
    let path = format!("/v1/invitations/{}", revoked["id"].as_str().unwrap());
    assert_problem(&send(app.org("Other MSP").await.owner.caller.delete(&path)).await, 404, "not_found");
    assert_eq!(send(org.owner.caller.delete(&path)).await.0, 204);
    assert_eq!(send(org.owner.caller.delete(&path)).await.0, 204);
    assert_problem(&accept(&app, &with_account(&revoked)).await, 409, "conflict");

    let expired = org.invite(&email, Role::Viewer).await;
    app.clock.advance(Duration::days(7));
    assert_problem(&accept(&app, &with_account(&expired)).await, 409, "conflict");
    // An expired one is not in the way of a new one.
    let org_owner = app.sign_in(&org.owner.email, None).await;
    let request = json!({"email": email, "role": "viewer"});
    let (status, third) = send(org_owner.caller.post("/v1/invitations").json(&request)).await;
    assert_eq!(status, 201, "{third:#}");
    assert_eq!(accept(&app, &with_account(&third)).await.0, 200);
    let path = format!("/v1/invitations/{}", third["id"].as_str().unwrap());
    assert_problem(&send(org_owner.caller.delete(&path)).await, 409, "conflict");
    let (_, page) = send(org_owner.caller.get("/v1/invitations")).await;
    let found: Vec<&str> =
        page["data"].as_array().unwrap().iter().map(|i| i["status"].as_str().unwrap()).collect();
    assert_eq!(found, ["accepted", "revoked", "revoked"]);
}

#[tokio::test]
async fn no_one_is_invited_twice_or_as_a_member() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let email = new_email();
    org.invite(&email, Role::Viewer).await;
    for taken in [email.to_uppercase(), org.owner.email.clone()] {
        let request = json!({"email": taken, "role": "viewer"});
        assert_problem(
            &send(org.owner.caller.post("/v1/invitations").json(&request)).await,
            409,
            "already_exists",
        );
    }
}

#[tokio::test]
async fn only_owners_invite_owners() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let admin = org.member(Role::Admin).await;
    let request = |role: &str| json!({"email": new_email(), "role": role});
    let post = |role: &str| admin.caller.post("/v1/invitations").json(&request(role));
    assert_problem(&send(post("owner")).await, 403, "insufficient_role");
    assert_eq!(send(post("admin")).await.0, 201);
    assert_problem(&send(post("king")).await, 422, "validation_failed");
}

#[tokio::test]
async fn a_repeated_invitation_is_made_once_and_does_not_repeat_its_token() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let request = json!({"email": new_email(), "role": "viewer"});
    let post = || org.owner.caller.post("/v1/invitations").header("Idempotency-Key", "one").json(&request);
    let first = post().send().await.unwrap();
    assert_eq!(
        (first.status().as_u16(), &first.headers()["cache-control"]),
        (201, &"no-store".parse().unwrap())
    );
    let mut first = body(first).await;
    assert!(first["token"].is_string());
    let second = post().send().await.unwrap();
    assert_eq!(second.headers()["idempotency-replayed"], "true");
    first.as_object_mut().unwrap().shift_remove("token");
    assert_eq!(body(second).await, first);
}

#[tokio::test]
async fn a_token_that_was_not_given_out_opens_nothing() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let invitation = org.invite(&new_email(), Role::Owner).await;
    let token = invitation["token"].as_str().unwrap();
    let key = org.api_key(&[leakage_api::auth::Scope::Read]).await.token.unwrap();
    for bad in ["", "lfi_", &token[..token.len() - 1], &token.to_lowercase(), &key] {
        let request = json!({"token": bad, "name": "Eve", "password": PASSWORD});
        assert_problem(&accept(&app, &request).await, 404, "not_found");
    }
}

#[tokio::test]
async fn of_two_acceptances_at_once_one_membership_comes() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let invitation = org.invite(&new_email(), Role::Viewer).await;
    let request = with_account(&invitation);
    let (one, other) = tokio::join!(accept(&app, &request), accept(&app, &request));
    assert!(one.0 == 200 || other.0 == 200);
    assert!([200, 409].contains(&one.0) && [200, 409].contains(&other.0), "{one:#?} {other:#?}");
    let (_, members) = send(org.owner.caller.get("/v1/members")).await;
    assert_eq!(members["data"].as_array().unwrap().len(), 2);
}
