//! The second factor of people: setting it up, signing in with it, what asks for it, taking it away.

use crate::client_link::with_mail;
use crate::corrections::{Desk, audited, message};
use chrono::{Duration, TimeDelta};
use leakage_api::auth::{Role, totp};
use leakage_api::services::lost_factors;
use leakage_tests::{Caller, PASSWORD, Person, SmtpServer, TestApp, assert_problem, body, send};
use serde_json::{Value, json};

/// Someone's app.
struct Phone(Vec<u8>);

impl Phone {
    /// Takes the secret of an answer, as a QR code would.
    fn of(begun: &Value) -> Self {
        let text = begun["secret"].as_str().unwrap();
        assert!(begun["otpauth_uri"].as_str().unwrap().contains(&format!("secret={text}&")));
        let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let bits = text.chars().map(|letter| format!("{:05b}", letters.find(letter).unwrap()));
        let bits = bits.collect::<Vec<_>>().concat();
        let bytes = bits.as_bytes().chunks_exact(8).map(|byte| std::str::from_utf8(byte).unwrap());
        Self(bytes.map(|byte| u8::from_str_radix(byte, 2).unwrap()).collect())
    }

    fn code(&self, app: &TestApp) -> String {
        totp::shown(&self.0, app.clock.now().timestamp())
    }
}

/// Sets a second factor up; the time goes on so that the next code is another.
async fn set_up(app: &TestApp, caller: &Caller) -> (Phone, Vec<String>) {
    let (status, begun) =
        send(caller.post("/v1/me/second-factor").json(&json!({"password": PASSWORD}))).await;
    assert_eq!(status, 201, "{begun:#}");
    let phone = Phone::of(&begun);
    let (status, confirmed) =
        send(caller.post("/v1/me/second-factor/confirm").json(&json!({"code": phone.code(app)}))).await;
    assert_eq!(status, 200, "{confirmed:#}");
    let codes = confirmed["recovery_codes"].as_array().unwrap();
    app.clock.advance(Duration::seconds(30));
    (phone, codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect())
}

async fn first_step(app: &TestApp, email: &str) -> (u16, Value) {
    send(app.post("/v1/sessions").json(&json!({"email": email, "password": PASSWORD}))).await
}

async fn second_step(app: &TestApp, challenge: &Value, code: &str) -> (u16, Value) {
    let request = json!({"challenge": challenge["challenge"], "code": code});
    send(app.post("/v1/sessions/second-factor").json(&request)).await
}

async fn signed_in(app: &TestApp, email: &str, phone: &Phone) -> Person {
    let (status, challenge) = first_step(app, email).await;
    assert_eq!(status, 200, "{challenge:#}");
    let (status, opened) = second_step(app, &challenge, &phone.code(app)).await;
    assert_eq!(status, 201, "{opened:#}");
    app.clock.advance(Duration::seconds(30));
    Person::of(app, &opened)
}

#[tokio::test]
async fn signing_in_takes_a_code_once_the_factor_is_confirmed() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let owner = &org.owner.caller;
    let wrong = send(owner.post("/v1/me/second-factor").json(&json!({"password": "not the password"}))).await;
    assert_problem(&wrong, 401, "invalid_credentials");
    let begun = owner.post("/v1/me/second-factor").json(&json!({"password": PASSWORD})).send().await.unwrap();
    assert_eq!(begun.headers()["cache-control"], "no-store");
    let first = Phone::of(&body(begun).await);
    assert_eq!(first_step(&app, &org.owner.email).await.0, 201, "not in use yet");
    let (phone, codes) = set_up(&app, owner).await;
    assert_ne!(first.0, phone.0, "begun anew");
    assert_eq!(codes.len(), 10);
    let (_, status) = send(owner.get("/v1/me/second-factor")).await;
    assert_eq!((&status["enabled"], &status["recovery_codes_left"]), (&json!(true), &json!(10)));
    let again = send(owner.post("/v1/me/second-factor").json(&json!({"password": PASSWORD}))).await;
    assert_problem(&again, 409, "conflict");

    let (status, challenge) = first_step(&app, &org.owner.email).await;
    assert_eq!(status, 200, "{challenge:#}");
    assert!(challenge.get("tokens").is_none());
    assert_problem(&second_step(&app, &challenge, "000000").await, 401, "second_factor_wrong");
    let code = phone.code(&app);
    let (status, opened) = second_step(&app, &challenge, &code).await;
    assert_eq!((status, &opened["current"]["role"]), (201, &json!("owner")), "{opened:#}");
    assert_problem(&second_step(&app, &challenge, &code).await, 401, "unauthenticated");
    // Neither this code nor an older one opens another session.
    let (_, challenge) = first_step(&app, &org.owner.email).await;
    assert_problem(&second_step(&app, &challenge, &code).await, 401, "second_factor_wrong");
    app.clock.advance(Duration::minutes(6));
    let late = second_step(&app, &challenge, &phone.code(&app)).await;
    assert_problem(&late, 401, "unauthenticated");
    // The database keeps neither secret nor codes.
    let mut connection = app.database.owner().await;
    let sealed: Vec<u8> =
        sqlx::query_scalar("select secret from second_factors").fetch_one(&mut connection).await.unwrap();
    assert!(!sealed.windows(phone.0.len()).any(|part| part == phone.0));
}

#[tokio::test]
async fn a_recovery_code_is_good_once() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let (phone, codes) = set_up(&app, &org.owner.caller).await;
    let (_, challenge) = first_step(&app, &org.owner.email).await;
    let typed = codes[3].to_lowercase().replace('-', " ");
    let (status, opened) = second_step(&app, &challenge, &typed).await;
    assert_eq!(status, 201, "{opened:#}");
    let (_, challenge) = first_step(&app, &org.owner.email).await;
    assert_problem(&second_step(&app, &challenge, &codes[3]).await, 401, "second_factor_wrong");
    let person = Person::of(&app, &opened);
    let (_, status) = send(person.caller.get("/v1/me/second-factor")).await;
    assert_eq!(status["recovery_codes_left"], 9);
    let request = json!({"password": PASSWORD, "code": phone.code(&app)});
    let (status, new) = send(person.caller.post("/v1/me/second-factor/recovery-codes").json(&request)).await;
    assert_eq!(status, 200, "{new:#}");
    let (_, challenge) = first_step(&app, &org.owner.email).await;
    assert_problem(&second_step(&app, &challenge, &codes[0]).await, 401, "second_factor_wrong");
    let fresh = new["recovery_codes"][0].as_str().unwrap();
    assert_eq!(second_step(&app, &challenge, fresh).await.0, 201);
}

#[tokio::test]
async fn guessing_codes_has_to_wait_and_a_challenge_ends_after_five() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let (phone, _) = set_up(&app, &org.owner.caller).await;
    let (_, challenge) = first_step(&app, &org.owner.email).await;
    for _ in 0..5 {
        assert_problem(&second_step(&app, &challenge, "000000").await, 401, "second_factor_wrong");
    }
    assert_problem(&second_step(&app, &challenge, &phone.code(&app)).await, 401, "unauthenticated");
    let (_, challenge) = first_step(&app, &org.owner.email).await;
    let waits = second_step(&app, &challenge, &phone.code(&app)).await;
    assert_problem(&waits, 429, "rate_limited");
    app.clock.advance(Duration::seconds(30));
    assert_eq!(second_step(&app, &challenge, &phone.code(&app)).await.0, 201, "nobody is locked out");
}

#[tokio::test]
async fn taking_it_away_takes_password_and_code() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let owner = &org.owner.caller;
    let (phone, _) = set_up(&app, owner).await;
    let disable = async |password: &str, code: &str| {
        let request = json!({"password": password, "code": code});
        send(owner.post("/v1/me/second-factor/disable").json(&request)).await
    };
    assert_problem(&disable("not the password", &phone.code(&app)).await, 401, "invalid_credentials");
    assert_problem(&disable(PASSWORD, "000000").await, 401, "second_factor_wrong");
    assert_eq!(disable(PASSWORD, &phone.code(&app)).await.0, 204);
    assert_eq!(first_step(&app, &org.owner.email).await.0, 201);
    assert_problem(&disable(PASSWORD, "000000").await, 409, "conflict");
}

#[tokio::test]
async fn an_organization_can_ask_all_its_members_for_it() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let owner = &org.owner.caller;
    let biller = org.member(Role::Biller).await;
    let ask = async |version: &str| {
        let change = json!({"settings": {"second_factor_required": true}});
        send(owner.patch("/v1/organization").header("If-Match", version).json(&change)).await
    };
    assert_problem(&ask("\"v1\"").await, 403, "second_factor_missing");
    let (phone, _) = set_up(&app, owner).await;
    let (status, changed) = ask("\"v1\"").await;
    assert_eq!((status, &changed["settings"]["second_factor_required"]), (200, &json!(true)), "{changed:#}");

    // Writes are refused at once; a refreshed session acts nowhere until the factor is set up.
    let write = json!({"name": "Contoso"});
    let refused = send(biller.caller.post("/v1/clients").json(&write)).await;
    assert_problem(&refused, 401, "unauthenticated");
    let refresh = async |token: &str, wanted: Value| {
        let mut request = json!({"refresh_token": token});
        if wanted.is_string() {
            request["organization_id"] = wanted;
        }
        send(app.post("/v1/sessions/refresh").json(&request)).await
    };
    let (status, bare) = refresh(&biller.refresh_token, Value::Null).await;
    assert_eq!((status, bare.get("current")), (200, None), "{bare:#}");
    assert_eq!(bare["organizations"][0]["second_factor_required"], true);
    let token = bare["tokens"]["refresh_token"].as_str().unwrap().to_owned();
    assert_problem(&refresh(&token, json!(org.id)).await, 403, "second_factor_missing");
    let caller = app.caller(bare["tokens"]["access_token"].as_str().unwrap());
    assert_problem(&send(caller.get("/v1/clients")).await, 403, "insufficient_role");
    set_up(&app, &caller).await;
    let (status, opened) = refresh(&token, json!(org.id)).await;
    assert_eq!((status, &opened["current"]["role"]), (200, &json!("biller")), "{opened:#}");
    let caller = app.caller(opened["tokens"]["access_token"].as_str().unwrap());
    assert_eq!(send(caller.post("/v1/clients").json(&write)).await.0, 201);

    let request = json!({"password": PASSWORD, "code": phone.code(&app)});
    let kept = send(owner.post("/v1/me/second-factor/disable").json(&request)).await;
    assert_problem(&kept, 409, "conflict");
}

#[tokio::test]
async fn a_password_alone_opens_no_session_by_other_ways() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let (phone, _) = set_up(&app, &org.owner.caller).await;
    let mut sign_up = json!({
        "organization_name": "Second MSP", "name": "Olive Owner", "email": org.owner.email, "password": PASSWORD,
    });
    let refused = send(app.post("/v1/organizations").json(&sign_up)).await;
    assert_problem(&refused, 403, "second_factor_missing");
    sign_up["second_factor_code"] = json!(phone.code(&app));
    assert_eq!(send(app.post("/v1/organizations").json(&sign_up)).await.0, 201);
    let other = app.org("Third MSP").await;
    let invitation = other.invite(&org.owner.email, Role::Viewer).await;
    let accept = json!({"token": invitation["token"], "password": PASSWORD});
    let refused = send(app.post("/v1/invitations/accept").json(&accept)).await;
    assert_problem(&refused, 403, "second_factor_missing");
    let accept = json!({"token": invitation["token"]});
    assert_eq!(send(org.owner.caller.post("/v1/invitations/accept").json(&accept)).await.0, 200);
}

#[tokio::test]
async fn an_organization_of_one_waives_alone_a_day_later_with_a_fresh_second_factor() {
    let app = TestApp::start().await;
    let (org, gap) = audited(&app, 67, 60, 2..=9).await;
    let (phone, _) = set_up(&app, &org.owner.caller).await;
    let owner = signed_in(&app, &org.owner.email, &phone).await;
    let (mut desk, _) = Desk::open(&owner.caller, &[&gap]).await;
    desk.ok(&owner.caller, "plan", json!({"count": 12, "cadence": "monthly", "first_on": "2026-12-01"}))
        .await;
    desk.ok(&owner.caller, "approve", json!({"of": "shock"})).await;
    desk.ok(&owner.caller, "approve", json!({"of": "instalments"})).await;
    desk.ok(&owner.caller, "communicate", message(67)).await;
    let waive = json!({"parts": [{"line": 1, "seats": 2}], "reason": "No order for two of the seats"});
    desk.ok(&owner.caller, "request-waiver", waive).await;
    let attached = desk.attach(&owner.caller, "kind=waiver&channel=email&amount=352.00", "We confirm.").await;
    assert_eq!(attached.0, 200);
    let granted = json!({"request": 1, "confirmation": 1});
    let early = desk.refused(&owner.caller, "waive", granted.clone()).await;
    assert_eq!(early.1, ["waiting_period"], "the factor was shown just now");
    app.clock.advance(TimeDelta::hours(24));
    // A session that is signed in with the factor counts for ten minutes.
    let owner = signed_in(&app, &org.owner.email, &phone).await;
    app.clock.advance(TimeDelta::minutes(9) + TimeDelta::seconds(45));
    let stale = desk.refused(&owner.caller, "waive", granted.clone()).await;
    assert_eq!(stale.1, ["second_factor_required"]);
    let verify = json!({"code": phone.code(&app)});
    let shown = send(owner.caller.post("/v1/me/second-factor/verify").json(&verify)).await;
    assert_eq!(shown.0, 204, "{:#}", shown.1);
    let waived = desk.ok(&owner.caller, "waive", granted).await;
    let is = &waived["waivers"][0];
    assert_eq!((&is["alone"], &is["above_threshold"]), (&json!(true), &json!(true)), "{is:#}");
}

/// What the last entry of an organization's log says.
fn last_entry(log: &Value) -> Value {
    let last = log["data"].as_array().unwrap().last().unwrap();
    serde_json::from_str(last["entry"].as_str().unwrap()).unwrap()
}

/// Takes a member's second factor away, with a reason.
async fn reset(caller: &Caller, person: &Person) -> (u16, Value) {
    let path = format!("/v1/members/{}/second-factor/reset", person.id);
    send(caller.post(&path).json(&json!({"reason": "Lost the telephone; called back"}))).await
}

#[tokio::test]
async fn an_admin_resets_a_lost_second_factor_and_the_log_and_the_member_hear_of_it() {
    let server = SmtpServer::start();
    let app = TestApp::start_with(with_mail(&server)).await;
    let org = app.org("Example MSP").await;
    let (admin, biller) = (org.member(Role::Admin).await, org.member(Role::Biller).await);
    assert_problem(&reset(&admin.caller, &biller).await, 409, "conflict");
    let (phone, codes) = set_up(&app, &biller.caller).await;
    let (_, waiting) = first_step(&app, &biller.email).await;
    let challenge = waiting["challenge"].as_str().unwrap_or_default().to_owned();
    let bare = send(
        admin
            .caller
            .post(&format!("/v1/members/{}/second-factor/reset", biller.id))
            .json(&json!({"reason": " "})),
    );
    assert_problem(&bare.await, 422, "validation_failed");
    // Not by those who manage no members, not one's own.
    let viewer = org.member(Role::Viewer).await;
    assert_problem(&reset(&viewer.caller, &biller).await, 403, "insufficient_role");
    set_up(&app, &admin.caller).await;
    assert_problem(&reset(&admin.caller, &admin).await, 403, "insufficient_role");
    set_up(&app, &org.owner.caller).await;
    assert_problem(&reset(&admin.caller, &org.owner).await, 403, "insufficient_role");
    let stranger = app.org("Other MSP").await;
    assert_eq!(reset(&stranger.owner.caller, &biller).await.0, 404);

    let before = server.taken().len();
    assert_eq!(reset(&admin.caller, &biller).await.0, 204);
    // Sessions end, and what waited for a code; the password alone opens the next one.
    let write = json!({"name": "Contoso"});
    assert_problem(&send(biller.caller.post("/v1/clients").json(&write)).await, 401, "unauthenticated");
    let refresh = json!({"refresh_token": biller.refresh_token});
    assert_eq!(send(app.post("/v1/sessions/refresh").json(&refresh)).await.0, 401);
    for code in [phone.code(&app), codes[0].clone()] {
        let late = json!({"challenge": challenge, "code": code});
        assert_eq!(send(app.post("/v1/sessions/second-factor").json(&late)).await.0, 401);
    }
    let again = app.sign_in(&biller.email, Some(org.id)).await;
    assert_eq!(send(again.caller.get("/v1/me/second-factor")).await.1["enabled"], false);
    assert_problem(&reset(&admin.caller, &biller).await, 409, "conflict");

    // The member is told, and the log says who did it and why.
    app.work().await;
    let mails = server.taken();
    let told = &mails[before..];
    assert_eq!((told.len(), &told[0].to), (1, &vec![biller.email.clone()]));
    assert!(told[0].data.contains("Mem admin") && told[0].data.contains("second factor"), "{}", told[0].data);
    let log = org.read("/v1/timeline-log/entries").await;
    let entry = last_entry(&log);
    assert_eq!(
        (&entry["command"], &entry["actor"], &entry["subject"]),
        (
            &json!("reset_second_factor"),
            &json!(format!("user:{}", admin.id)),
            &json!(format!("user:{}", biller.id))
        ),
        "{log:#}"
    );
    assert_eq!(entry["reason"], "Lost the telephone; called back");
    set_up(&app, &again.caller).await;
}

#[tokio::test]
async fn nobody_resets_what_guards_another_organization_too_but_whoever_runs_the_service() {
    let app = TestApp::start().await;
    let (org, other) = (app.org("Example MSP").await, app.org("Other MSP").await);
    let invitation = other.invite(&org.owner.email, Role::Biller).await;
    let accept = json!({"token": invitation["token"]});
    assert_eq!(send(org.owner.caller.post("/v1/invitations/accept").json(&accept)).await.0, 200);
    set_up(&app, &org.owner.caller).await;
    assert_problem(&reset(&other.owner.caller, &org.owner).await, 409, "conflict");
    let (status, _) = first_step(&app, &org.owner.email).await;
    assert_eq!(status, 200, "a code is still asked for");

    let by_operator = async |email: &str, reason: &str| {
        lost_factors::by_operator(&app.app.db, (email, reason), false, app.clock.now()).await
    };
    for (email, reason) in [("nobody@example.com", "x"), (org.owner.email.as_str(), " "), ("none", "x")] {
        assert!(by_operator(email, reason).await.is_err(), "{email}");
    }
    let done = by_operator(&org.owner.email.to_uppercase(), "Called back").await.unwrap();
    assert_eq!((done.email, done.organizations.len()), (org.owner.email.clone(), 2));
    assert!(done.sessions > 0);
    assert!(by_operator(&org.owner.email, "Again").await.is_err(), "there is none any more");
    assert_eq!(first_step(&app, &org.owner.email).await.0, 201);
    let owner = app.sign_in(&org.owner.email, Some(org.id)).await.caller;
    for caller in [&owner, &other.owner.caller] {
        let log = send(caller.get("/v1/timeline-log/entries")).await.1;
        let entry = last_entry(&log);
        assert_eq!(
            (&entry["command"], &entry["actor"]),
            (&json!("reset_second_factor"), &json!("system:operator")),
            "{log:#}"
        );
    }
}
