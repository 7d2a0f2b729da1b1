//! Signing in, refreshing and ending sessions; what passes for an access token.

use chrono::Duration;
use leakage_api::auth::Role;
use leakage_tests::{PASSWORD, Person, TestApp, assert_problem, body, new_email, send};
use serde_json::{Value, json};

async fn refresh(app: &TestApp, token: &str) -> (u16, Value) {
    send(app.post("/v1/sessions/refresh").json(&json!({"refresh_token": token}))).await
}

fn token(answer: &Value) -> String {
    answer["tokens"]["refresh_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn signing_in_answers_tokens_that_work_and_are_kept_nowhere() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let request = json!({"email": org.owner.email.to_uppercase(), "password": PASSWORD});
    let response =
        app.post("/v1/sessions").header("User-Agent", "Test/1").json(&request).send().await.unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(response.headers()["cache-control"], "no-store");
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let answer = body(response).await;
    assert_eq!(location, format!("/v1/sessions/{}", answer["session_id"].as_str().unwrap()));
    assert_eq!(answer["current"]["organization_id"], json!(org.id));
    assert_eq!(answer["current"]["role"], "owner");
    assert_eq!(answer["tokens"]["access_token_expires_at"], "2026-11-22T12:10:00Z");
    let person = Person::of(&app, &answer);
    let (status, me) = send(person.caller.get("/v1/me")).await;
    assert_eq!((status, &me["user"]["email"]), (200, &json!(org.owner.email)));
    let (_, sessions) = send(person.caller.get("/v1/sessions")).await;
    assert_eq!(sessions["data"][0]["user_agent"], "Test/1");
    assert_eq!(
        (&sessions["data"][0]["current"], &sessions["data"][1]["current"]),
        (&json!(true), &json!(false))
    );
}

#[tokio::test]
async fn unknown_people_and_wrong_passwords_get_the_same_answer() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let mut answers = Vec::new();
    for email in [org.owner.email.as_str(), "nobody@example.com"] {
        let request = json!({"email": email, "password": "not the password"});
        let response = app.post("/v1/sessions").json(&request).send().await.unwrap();
        assert!(response.headers().contains_key("www-authenticate"));
        let mut answer = (response.status().as_u16(), body(response).await);
        assert_problem(&answer, 401, "invalid_credentials");
        answer.1["request_id"] = Value::Null;
        answers.push(answer);
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn an_unknown_person_costs_a_password_hash_too() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    for email in [org.owner.email.as_str(), "nobody@example.com"] {
        let before = app.app.passwords.hashes();
        let request = json!({"email": email, "password": "not the password"});
        assert_eq!(send(app.post("/v1/sessions").json(&request)).await.0, 401);
        assert_eq!(app.app.passwords.hashes(), before + 1, "{email}");
    }
}

#[tokio::test]
async fn failures_delay_the_next_attempt_and_never_lock_anyone_out() {
    let app = TestApp::start_with(|config| config.trusted_proxies = 1).await;
    let org = app.org("Example MSP").await;
    let attempt = async |network: &str, password: &str| {
        let request = json!({"email": org.owner.email, "password": password});
        let response =
            app.post("/v1/sessions").header("X-Forwarded-For", network).json(&request).send().await.unwrap();
        let wait = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        (response.status().as_u16(), wait)
    };
    for _ in 0..5 {
        assert_eq!(attempt("192.0.2.1", "not the password").await, (401, None));
    }
    // Too early: not even the right password is looked at, so guessing on is useless.
    assert_eq!(attempt("192.0.2.1", PASSWORD).await, (429, Some("1".to_owned())));
    // Elsewhere nothing has happened.
    assert_eq!(attempt("198.51.100.1", PASSWORD).await.0, 201);
    app.clock.advance(Duration::seconds(1));
    assert_eq!(attempt("192.0.2.1", "not the password").await.0, 401);
    assert_eq!(attempt("192.0.2.1", PASSWORD).await, (429, Some("2".to_owned())));
    app.clock.advance(Duration::seconds(2));
    assert_eq!(attempt("192.0.2.1", PASSWORD).await.0, 201);
    // Success forgets.
    for _ in 0..5 {
        assert_eq!(attempt("192.0.2.1", "not the password").await.0, 401);
    }
}

#[tokio::test]
async fn attempts_at_once_are_counted_each() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let request = json!({"email": org.owner.email, "password": "not the password"});
    let all = (0..12).map(|_| {
        let request = app.post("/v1/sessions").json(&request);
        tokio::spawn(async move { send(request).await.0 })
    });
    let mut looked_at = 0;
    for attempt in all.collect::<Vec<_>>() {
        looked_at += usize::from(attempt.await.unwrap() == 401);
    }
    assert_eq!(looked_at, 5);
}

#[tokio::test]
async fn a_refresh_token_is_good_once() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let first = org.owner.refresh_token.clone();
    let (status, answer) = refresh(&app, &first).await;
    assert_eq!(status, 200);
    let second = token(&answer);
    let (status, answer) = refresh(&app, &second).await;
    assert_eq!(status, 200);
    let third = token(&answer);
    // Used up, and its successor too: somebody else has the family. Nobody keeps it.
    assert_problem(&refresh(&app, &first).await, 401, "unauthenticated");
    assert_problem(&refresh(&app, &third).await, 401, "unauthenticated");
    // Its access tokens write nothing any more.
    let caller = app.caller(answer["tokens"]["access_token"].as_str().unwrap());
    let request = json!({"email": new_email(), "role": "viewer"});
    assert_problem(&send(caller.post("/v1/invitations").json(&request)).await, 401, "unauthenticated");
}

#[tokio::test]
async fn a_lost_answer_does_not_end_the_session() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let first = org.owner.refresh_token.clone();
    let (_, lost) = refresh(&app, &first).await;
    let (status, kept) = refresh(&app, &first).await;
    assert_eq!(status, 200);
    let (status, next) = refresh(&app, &token(&kept)).await;
    assert_eq!(status, 200);
    // The lost one was passed over: whoever comes with it now is not the one who went on.
    assert_problem(&refresh(&app, &token(&lost)).await, 401, "unauthenticated");
    assert_problem(&refresh(&app, &token(&next)).await, 401, "unauthenticated");
}

#[tokio::test]
async fn of_two_refreshes_at_once_both_are_answered_and_one_goes_on() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let (one, other) =
        tokio::join!(refresh(&app, &org.owner.refresh_token), refresh(&app, &org.owner.refresh_token),);
    assert_eq!((one.0, other.0), (200, 200));
    assert_ne!(token(&one.1), token(&other.1));
    assert_eq!(refresh(&app, &token(&other.1)).await.0, 200);
}

#[tokio::test]
async fn a_session_ends_after_thirty_idle_days_and_after_ninety_in_any_case() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let idle = app.sign_in(&org.owner.email, None).await;
    let mut used = org.owner.refresh_token.clone();
    for _ in 0..4 {
        app.clock.advance(Duration::days(20));
        let (status, answer) = refresh(&app, &used).await;
        assert_eq!(status, 200);
        used = token(&answer);
    }
    assert_problem(&refresh(&app, &idle.refresh_token).await, 401, "unauthenticated");
    app.clock.advance(Duration::days(10));
    assert_problem(&refresh(&app, &used).await, 401, "unauthenticated");
}

#[tokio::test]
async fn signing_out_ends_this_session_and_no_other() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let other = app.sign_in(&org.owner.email, None).await;
    assert_eq!(send(org.owner.caller.post("/v1/sessions/sign-out")).await.0, 204);
    assert_problem(&refresh(&app, &org.owner.refresh_token).await, 401, "unauthenticated");
    assert_eq!(send(org.owner.caller.post("/v1/sessions/sign-out")).await.0, 401);
    assert_eq!(refresh(&app, &other.refresh_token).await.0, 200);
}

#[tokio::test]
async fn sessions_are_listed_and_ended_by_their_person_only() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let laptop = app.sign_in(&org.owner.email, None).await;
    let stranger = app.org("Other MSP").await.owner;
    let (_, mine) = send(laptop.caller.get("/v1/sessions?limit=1")).await;
    assert_eq!((mine["data"].as_array().unwrap().len(), &mine["has_more"]), (1, &json!(true)));
    let next = format!("/v1/sessions?cursor={}", mine["next_cursor"].as_str().unwrap());
    let (_, mine) = send(laptop.caller.get(&next)).await;
    let first = mine["data"][0]["id"].as_str().unwrap();
    let path = format!("/v1/sessions/{first}");
    assert_problem(&send(stranger.caller.delete(&path)).await, 404, "not_found");
    assert_eq!(send(laptop.caller.delete(&path)).await.0, 204);
    assert_problem(&send(laptop.caller.delete(&path)).await, 404, "not_found");
    assert_problem(&refresh(&app, &org.owner.refresh_token).await, 401, "unauthenticated");
    let (_, mine) = send(laptop.caller.get("/v1/sessions")).await;
    assert_eq!(mine["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_person_in_several_organizations_acts_in_one_at_a_time() {
    let app = TestApp::start().await;
    let one = app.org("One MSP").await;
    let two = app.org("Two MSP").await;
    let email = one.owner.email.clone();
    let invitation = two.invite(&email, Role::Viewer).await;
    let accept = json!({"token": invitation["token"]});
    assert_eq!(send(one.owner.caller.post("/v1/invitations/accept").json(&accept)).await.0, 200);

    let in_one = app.sign_in(&email, None).await;
    assert_eq!(send(in_one.caller.get("/v1/organization")).await.1["name"], "One MSP");
    let in_two = app.sign_in(&email, Some(two.id)).await;
    assert_eq!(send(in_two.caller.get("/v1/organization")).await.1["name"], "Two MSP");
    // An owner there, a viewer here.
    let invite = json!({"email": new_email(), "role": "viewer"});
    assert_problem(
        &send(in_two.caller.post("/v1/invitations").json(&invite)).await,
        403,
        "insufficient_role",
    );
    assert_eq!(send(in_one.caller.post("/v1/invitations").json(&invite)).await.0, 201);

    let switch = json!({"refresh_token": in_one.refresh_token, "organization_id": two.id});
    let (status, switched) = send(app.post("/v1/sessions/refresh").json(&switch)).await;
    assert_eq!((status, &switched["current"]["role"]), (200, &json!("viewer")));
    assert_eq!(switched["organizations"].as_array().unwrap().len(), 2);
    // The session stays where it switched to.
    let (_, stayed) = refresh(&app, &token(&switched)).await;
    assert_eq!(stayed["current"]["organization_id"], json!(two.id));
}

#[tokio::test]
async fn nobody_gets_a_token_for_an_organization_of_others() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let other = app.org("Other MSP").await;
    for wanted in [json!(other.id), json!("01931f3e-7d5c-7b60-9f10-3f2a4b5c6d7e")] {
        let request = json!({"email": org.owner.email, "password": PASSWORD, "organization_id": wanted});
        let answer = send(app.post("/v1/sessions").json(&request)).await;
        assert_problem(&answer, 422, "validation_failed");
        assert_eq!(answer.1["errors"][0]["pointer"], "/organization_id");
        let request = json!({"refresh_token": org.owner.refresh_token, "organization_id": wanted});
        assert_problem(
            &send(app.post("/v1/sessions/refresh").json(&request)).await,
            422,
            "validation_failed",
        );
    }
    // A refused switch does not use the token up.
    assert_eq!(refresh(&app, &org.owner.refresh_token).await.0, 200);
}

#[tokio::test]
async fn an_access_token_ends_after_ten_minutes_and_a_changed_one_is_refused() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let token = org.owner.caller.token.clone().unwrap();
    let parts: Vec<&str> = token.split('.').collect();
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0";
    let swapped = format!("{}A", &parts[1][..parts[1].len() - 1]);
    for bad in [
        format!("{none}.{}.", parts[1]),
        format!("{none}.{}.{}", parts[1], parts[2]),
        format!("{}.{swapped}.{}", parts[0], parts[2]),
        format!("{}.{}.", parts[0], parts[1]),
        String::from("lfk_live_short"),
        String::from("x"),
    ] {
        let response = app.caller(&bad).get("/v1/organization").send().await.unwrap();
        assert!(response.headers()["www-authenticate"].to_str().unwrap().starts_with("Bearer"), "{bad}");
        assert_problem(&(response.status().as_u16(), body(response).await), 401, "unauthenticated");
    }
    app.clock.advance(Duration::seconds(629));
    assert_eq!(send(org.owner.caller.get("/v1/organization")).await.0, 200);
    app.clock.advance(Duration::seconds(1));
    assert_problem(&send(org.owner.caller.get("/v1/organization")).await, 401, "unauthenticated");
}

#[tokio::test]
async fn another_services_tokens_are_refused() {
    // Same code, same issuer, its own key.
    let (app, other) = tokio::join!(TestApp::start(), TestApp::start());
    let (org, stranger) = (app.org("Example MSP").await, other.org("Example MSP").await);
    let foreign = app.caller(stranger.owner.caller.token.clone().unwrap());
    assert_problem(&send(foreign.get("/v1/me")).await, 401, "unauthenticated");
    assert_eq!(send(org.owner.caller.get("/v1/me")).await.0, 200);
}

#[tokio::test]
async fn credentials_are_sent_once_and_in_a_known_form() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let token = org.owner.caller.token.clone().unwrap();
    for request in [
        app.get("/v1/organization"),
        app.get("/v1/organization").header("Authorization", &token),
        app.get("/v1/organization").header("Authorization", format!("Basic {token}")),
        app.get("/v1/organization").header("X-Api-Key", &token),
        app.get("/v1/organization").bearer_auth(&token).bearer_auth(&token),
        app.get("/v1/organization").bearer_auth(&token).header("X-Api-Key", "lfk_live_x"),
    ] {
        assert_problem(&send(request).await, 401, "unauthenticated");
    }
    assert_eq!(
        send(app.get("/v1/organization").header("Authorization", format!("bearer {token}"))).await.0,
        200
    );
}

#[tokio::test]
async fn the_keys_that_check_tokens_are_public() {
    let app = TestApp::start().await;
    let (status, keys) = send(app.get("/.well-known/jwks.json")).await;
    assert_eq!(status, 200);
    assert_eq!(keys["keys"].as_array().unwrap().len(), 1);
    assert_eq!(keys["keys"][0]["kty"], "OKP");
    assert!(keys["keys"][0]["d"].is_null(), "the private key is private");
}
