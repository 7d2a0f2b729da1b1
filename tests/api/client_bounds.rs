//! What holders of a client's link cannot do: fill the log, or hear of what the client was not told; and what an
//! integration cannot stand for.
#![expect(clippy::disallowed_types, reason = "the test writes what an older service wrote")]

use crate::client_link::{CASEY, Case, Holder, code_in, told, with_mail};
use crate::corrections::{Desk, audited, message};
use chrono::TimeDelta;
use leakage_api::auth::{Role, Scope};
use leakage_tests::{SmtpServer, TestApp, assert_problem, send};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

async fn visits(case: &Case<'_>) -> usize {
    let timeline = case.timeline(&case.org.owner.caller).await;
    timeline.iter().filter(|entry| entry["command"] == "client_visited").count()
}

/// Entries of the organization's log.
async fn logged(case: &Case<'_>) -> usize {
    case.org.read("/v1/timeline-log/entries?limit=500").await["data"].as_array().unwrap().len()
}

async fn enter(connection: &mut PgConnection, case: &Case<'_>) {
    sqlx::query("select set_config('app.org_id', $1, false)")
        .bind(case.org.id.to_string())
        .execute(connection)
        .await
        .unwrap();
}

/// Looks from a network of its own, as a proxy tells.
async fn look_from(app: &TestApp, token: &str, address: &str) -> u16 {
    let request = app.get("/v1/client-link").header("Client-Link", token).header("X-Forwarded-For", address);
    send(request).await.0
}

#[tokio::test]
async fn a_page_that_is_opened_again_and_again_is_noted_once_an_hour_for_each_link_and_network() {
    let app = TestApp::start_with(|config| config.trusted_proxies = 1).await;
    let mut case = told(&app).await;
    let (_, token) = case.hand_out(json!({})).await;
    let (_, other) = case.hand_out(json!({})).await;
    let before = logged(&case).await;
    for _ in 0..30 {
        assert_eq!(look_from(&app, &token, "192.0.2.7").await, 200);
    }
    assert_eq!((visits(&case).await, logged(&case).await), (1, before + 1));
    assert_eq!(look_from(&app, &token, "192.0.2.200").await, 200);
    assert_eq!(visits(&case).await, 1, "the same network");
    assert_eq!(look_from(&app, &token, "198.51.100.7").await, 200);
    assert_eq!(look_from(&app, &other, "192.0.2.7").await, 200);
    assert_eq!(visits(&case).await, 3, "another network, and another link");
    // All at once they are one, too.
    let asked: Vec<_> = (0..8)
        .map(|_| {
            let request = app.get("/v1/client-link").header("Client-Link", &other);
            tokio::spawn(send(request.header("X-Forwarded-For", "203.0.113.1")))
        })
        .collect();
    for one in asked {
        assert_eq!(one.await.unwrap().0, 200);
    }
    assert_eq!(visits(&case).await, 4);
    app.clock.advance(TimeDelta::minutes(60));
    case.org.owner = app.sign_in(&case.org.owner.email, Some(case.org.id)).await;
    for _ in 0..3 {
        assert_eq!(look_from(&app, &token, "192.0.2.7").await, 200);
    }
    assert_eq!(visits(&case).await, 5, "an hour later it is a visit again");
    // From however many networks, a link is noted so often and no more.
    for network in 0..60 {
        assert_eq!(look_from(&app, &token, &format!("10.0.{network}.1")).await, 200);
    }
    assert_eq!(visits(&case).await, 4 + 20);
}

#[tokio::test]
async fn a_bundle_shows_visits_of_an_older_service_once_an_hour_for_each_link_and_network() {
    let app = TestApp::start().await;
    let case = told(&app).await;
    let (_, token) = case.hand_out(json!({})).await;
    app.work().await;
    // An older service noted every one.
    let mut service = app.database.service().await;
    enter(&mut service, &case).await;
    for minute in 0..90 {
        app.clock.advance(TimeDelta::seconds(20));
        sqlx::query("delete from client_link_visits").execute(&mut service).await.unwrap();
        assert_eq!(Holder { app: &app, token: &token }.look().await.0, 200, "{minute}");
    }
    service.close().await.unwrap();
    let owner = app.sign_in(&case.org.owner.email, Some(case.org.id)).await.caller;
    let path = format!("/v1/corrections/{}", case.desk.id);
    let (status, asked) = send(owner.post(&format!("{path}/evidence-bundles")).json(&json!({}))).await;
    assert_eq!(status, 202, "{asked:#}");
    app.work().await;
    let built = send(owner.get(&format!("/v1/evidence-bundles/{}", asked["id"].as_str().unwrap()))).await.1;
    assert_eq!(built["status"], "built", "{built:#}");
    let archive = format!("/v1/evidence-bundles/{}/content", asked["id"].as_str().unwrap());
    let bytes = owner.get(&archive).send().await.unwrap().bytes().await.unwrap();
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let timeline: Value = serde_json::from_reader(archive.by_name("timeline.json").unwrap()).unwrap();
    let entries = timeline["entries"].as_array().unwrap();
    let shown = entries.iter().filter(|entry| entry["entry"]["command"] == "client_visited").count();
    assert_eq!(shown, 1, "thirty minutes of one hour");
    for kept in ["open", "communicate", "make_client_link"] {
        assert!(entries.iter().any(|entry| entry["entry"]["command"] == kept), "{kept}");
    }
}

#[tokio::test]
async fn before_the_client_is_told_its_page_has_no_figures() {
    let app = TestApp::start().await;
    let (org, gap) = audited(&app, 62, 60, 8..=9).await;
    let owner = org.owner.caller.clone();
    let (mut desk, _) = Desk::open(&owner, &[&gap]).await;
    let plan = json!({"count": 2, "cadence": "monthly", "first_on": "2026-12-01"});
    desk.ok(&owner, "plan", plan).await;
    let client = org.read("/v1/clients").await["data"][0]["id"].as_str().unwrap().to_owned();
    let mut case = Case { org, desk, client };
    let (_, token) = case.hand_out(json!({})).await;
    let holder = Holder { app: &app, token: &token };
    let view = holder.view().await;
    assert_eq!((&view["state"], &view["message"]), (&json!("found"), &Value::Null), "{view:#}");
    for sum in ["claimed", "billed", "credited", "given_up", "open"] {
        let share = &view["totals"][sum];
        assert_eq!(share["amount"]["amount"], "0.00", "{sum}: {view:#}");
        assert_eq!(share["seat_months"], "0.000000", "{sum}: {view:#}");
    }
    assert_eq!(view["monthly_forward"]["amount"], "0.00");
    for list in ["lines", "offered_plan", "offered_ways", "agreed_plan", "waivers", "objections"] {
        assert_eq!(view[list], json!([]), "{list}: {view:#}");
    }
    for nothing in ["letter", "next_invoice_on", "facts_sha256"] {
        assert_eq!(view[nothing], Value::Null, "{nothing}");
    }
    assert!(!view.to_string().contains("88.00") && !view.to_string().contains("44.00"), "{view:#}");
    case.desk.ok(&owner, "communicate", message(62)).await;
    let view = holder.view().await;
    assert_eq!(view["totals"]["claimed"]["amount"]["amount"], "88.00");
    assert_eq!(view["offered_ways"][0]["parts"][0]["amount"]["amount"], "44.00");
}

#[tokio::test]
async fn an_integration_asks_for_no_waiver_grants_none_and_stands_for_no_confirmation() {
    let server = SmtpServer::start();
    let app = TestApp::start_with(with_mail(&server)).await;
    let mut case = told(&app).await;
    let owner = case.org.owner.caller.clone();
    let key = case
        .org
        .api_key(&[Scope::Read, Scope::CorrectionsWrite, Scope::CatalogWrite, Scope::LettersWrite])
        .await;
    let reason = json!({"reason": "The client is unhappy"});
    let person = (403, vec!["person_required".to_owned()]);
    assert_eq!(case.desk.refused(&key, "request-waiver", reason.clone()).await, person);

    // A person asks. The contact is written by the integration: nobody stands for it, so no second person's word
    // takes the place of 72 hours.
    case.desk.ok(&owner, "request-waiver", reason).await;
    assert_eq!(case.register(&key, "integration@msp.example").await.0, 200);
    let second = case.org.member(Role::AccountManager).await;
    let approve = format!("/v1/clients/{}/contacts/2/approve", case.client);
    for stranger in [&second.caller, &key] {
        assert_problem(&send(stranger.post(&approve)).await, 403, "insufficient_role");
    }
    // Nor does the integration for one that a person wrote.
    assert_eq!(case.register(&owner, CASEY).await.0, 200);
    let approve = format!("/v1/clients/{}/contacts/3/approve", case.client);
    assert_problem(&send(key.post(&approve)).await, 403, "insufficient_role");
    let token = case.mail_out(&app, &server, &owner).await;
    let casey = Holder { app: &app, token: &token };
    let asked = json!({"action": "confirm_waiver", "request": 1});
    let refused = casey.ask(Method::POST, "/codes", 1, Some(asked.clone())).await;
    assert_problem(&refused, 403, "link_unauthenticated");
    assert_eq!(send(second.caller.post(&approve)).await.0, 200, "a second person does");
    let version = casey.view().await["version"].as_i64().unwrap();
    assert_eq!(casey.ask(Method::POST, "/codes", 1, Some(asked)).await.0, 200);
    let body = json!({"code": code_in(&server), "request": 1});
    assert_eq!(casey.act("confirm-waiver", version, body).await.0, 200);

    // The client's writing is there, and the integration is no second approver either.
    case.desk.read(&owner, "").await;
    let granted = json!({"request": 1, "confirmation": 1});
    let refused = case.desk.refused(&key, "waive", granted.clone()).await;
    assert_eq!(refused, person);
    let waived = case.desk.ok(&owner, "waive", granted).await;
    assert_eq!(waived["state"], "waived", "below the threshold whoever asked may approve: {waived:#}");
}

#[tokio::test]
async fn a_correction_that_knows_its_client_by_name_has_a_link_once_a_client_has_the_name() {
    let server = SmtpServer::start();
    let app = TestApp::start_with(with_mail(&server)).await;
    let mut case = told(&app).await;
    // It was opened before there was a resource, under a name of its own.
    let mut connection = app.database.owner().await;
    enter(&mut connection, &case).await;
    let renamed = "update corrections set client_id = null, client = 'Contoso Holding', \
                   conversation = jsonb_set(conversation::jsonb, '{subject,client}', '\"Contoso Holding\"')::json";
    assert_eq!(sqlx::query(renamed).execute(&mut connection).await.unwrap().rows_affected(), 1);
    connection.close().await.unwrap();

    let owner = case.org.owner.caller.clone();
    let path = format!("/v1/corrections/{}/client-links", case.desk.id);
    let refused = send(owner.post(&path).json(&json!({}))).await;
    assert_problem(&refused, 409, "conflict");
    let detail = refused.1["detail"].as_str().unwrap();
    for said in ["Contoso Holding", "POST /v1/clients", "contact"] {
        assert!(detail.contains(said), "{detail}");
    }
    let (status, made) = send(owner.post("/v1/clients").json(&json!({"name": "contoso holding"}))).await;
    assert_eq!(status, 201, "{made:#}");
    case.client = made["id"].as_str().unwrap().to_owned();
    assert_eq!(case.register(&owner, CASEY).await.0, 200);
    let (_, token) = case.hand_out(json!({})).await;
    let casey = Holder { app: &app, token: &token };
    let version = casey.view().await["version"].as_i64().unwrap();
    assert_eq!(casey.code("accept").await.0, 200);
    let (status, view) = casey.act("accept", version, json!({"code": code_in(&server)})).await;
    assert_eq!((status, view["accepted_at"].is_string()), (200, true), "{view:#}");
}
