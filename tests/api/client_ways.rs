//! Several ways to pay: offered through the API, shown by the client's link, chosen with a mailed code.

use crate::client_link::{Case, Holder, code_in, mails, told, with_mail};
use crate::corrections::{Desk, audited, message, said};
use leakage_tests::{SmtpServer, TestApp, assert_problem, send};
use reqwest::Method;
use serde_json::{Value, json};

/// All at once, in three parts, in six.
pub(crate) fn ways() -> Value {
    let way = |count: u16| json!({"count": count, "cadence": "monthly", "first_on": "2026-12-01"});
    json!({"count": 1, "cadence": "monthly", "first_on": "2026-12-01", "others": [way(3), way(6)]})
}

fn amounts(parts: &Value) -> Vec<&str> {
    let parts = parts.as_array().unwrap().iter();
    parts.map(|part| part["amount"]["amount"].as_str().unwrap()).collect()
}

/// Two seats in two months, 88.00, that can be paid in three ways.
pub(crate) async fn offered(app: &TestApp) -> Case<'_> {
    let mut case = told(app).await;
    let owner = case.org.owner.caller.clone();
    case.desk.ok(&owner, "plan", ways()).await;
    case
}

#[tokio::test]
async fn the_client_sees_every_way_and_the_one_that_it_chooses_is_the_plan() {
    let server = SmtpServer::start();
    let app = TestApp::start_with(with_mail(&server)).await;
    let mut case = offered(&app).await;
    let owner = case.org.owner.caller.clone();
    let correction = case.desk.read(&owner, "").await;
    let listed = &correction["offer"]["ways"];
    assert_eq!(amounts(&listed[1]["instalments"]), ["29.34", "29.33", "29.33"], "{listed:#}");
    let (_, token) = case.hand_out(json!({})).await;
    let client = Holder { app: &app, token: &token };
    let view = client.view().await;
    let shown = view["offered_ways"].as_array().unwrap();
    assert_eq!(amounts(&shown[0]["parts"]), ["88.00"]);
    assert_eq!(amounts(&shown[1]["parts"]), ["29.34", "29.33", "29.33"]);
    assert_eq!(amounts(&shown[2]["parts"]), ["14.67", "14.67", "14.67", "14.67", "14.66", "14.66"]);
    assert!(shown.iter().all(|way| way["allowed"] == true), "{shown:#?}");
    let version = view["version"].as_i64().unwrap();

    // A code is for one way.
    let ask = async |choice: Value| {
        client.ask(Method::POST, "/codes", 1, Some(json!({"action": "plan", "choice": choice}))).await
    };
    let unnamed = client.code("plan").await;
    assert_problem(&unnamed, 422, "validation_failed");
    assert_eq!(unnamed.1["errors"][0]["pointer"], "/choice");
    assert_problem(&ask(json!(4)).await, 409, "conflict");
    let stray = client.ask(Method::POST, "/codes", 1, Some(json!({"action": "accept", "choice": 1}))).await;
    assert_problem(&stray, 422, "validation_failed");
    assert_eq!(ask(json!(3)).await.0, 200);
    assert!(mails(&server).next().unwrap().contains("pay in 6 monthly parts, the first on 1 December 2026"));
    let code = code_in(&server);
    let other = client.act("plan", version, json!({"code": code, "choice": 2})).await;
    assert_problem(&other, 409, "code_ended");
    let (status, view) = client.act("plan", version, json!({"code": code, "choice": 3})).await;
    assert_eq!(status, 200, "{view:#}");
    assert_eq!(amounts(&view["agreed_plan"]), ["14.67", "14.67", "14.67", "14.67", "14.66", "14.66"]);
    assert_eq!(view["offered_ways"], json!([]));

    // Exactly as through the API.
    let chosen = case.desk.read(&owner, "").await;
    let timeline = case.timeline(&owner).await;
    let last = timeline.last().unwrap();
    assert_eq!((&last["command"], &last["detail"]["choice"]), (&json!("accept_plan"), &json!(3)), "{last:#}");
    let mut same = offered(&app).await;
    let owner = same.org.owner.caller.clone();
    let accept = json!({"said": said(), "plan": true, "choice": 3});
    let by_api = same.desk.ok(&owner, "accept", accept).await;
    for what in ["terms", "instalments"] {
        assert_eq!(chosen["plan"][what], by_api["plan"][what], "{what}");
    }
    assert_eq!(chosen["balance"], by_api["balance"]);
}

#[tokio::test]
async fn through_the_api_a_way_is_named_and_ways_are_few_and_differ() {
    let app = TestApp::start().await;
    let mut case = offered(&app).await;
    let owner = case.org.owner.caller.clone();
    let accept = |more: Value| {
        let mut body = json!({"said": said(), "plan": true});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let refused = |code: &str| (422, vec![code.to_owned()]);
    assert_eq!(case.desk.refused(&owner, "accept", accept(json!({}))).await, refused("plan_choice_missing"));
    let unknown = case.desk.refused(&owner, "accept", accept(json!({"choice": 4}))).await;
    assert_eq!(unknown, refused("plan_choice_unknown"));
    let stray = case.desk.ask(&owner, "accept", json!({"said": said(), "choice": 1})).await;
    assert_problem(&stray, 422, "validation_failed");
    let mut twice = ways();
    twice["others"][1] = twice["others"][0].clone();
    assert_eq!(case.desk.refused(&owner, "plan", twice).await, refused("plan_ways"));
    let planned = case.desk.ok(&owner, "accept", accept(json!({"choice": 1}))).await;
    assert_eq!(amounts(&planned["plan"]["instalments"]), ["88.00"]);
}

#[tokio::test]
async fn a_way_that_makes_the_invoice_grow_too_much_is_not_offered_to_the_client() {
    let server = SmtpServer::start();
    let app = TestApp::start_with(with_mail(&server)).await;
    // (2,112 + 264) / 1,320 = 180 %.
    let (org, gap) = audited(&app, 72, 60, 2..=9).await;
    let owner = org.owner.caller.clone();
    let (mut desk, _) = Desk::open(&owner, &[&gap]).await;
    let way = |count: u16| json!({"count": count, "cadence": "monthly", "first_on": "2026-12-01"});
    let mut offer = way(1);
    offer["others"] = json!([way(6), way(36)]);
    desk.ok(&owner, "plan", offer.clone()).await;
    let preview = desk.read(&owner, "/preview?invoice_on=2026-12-01").await;
    let possible: Vec<bool> =
        preview["ways"].as_array().unwrap().iter().map(|way| way["possible"].as_bool().unwrap()).collect();
    assert_eq!(possible, [false, false, true], "{preview:#}");
    let refused = desk.refused(&owner, "communicate", message(72)).await.1;
    assert_eq!(refused, ["shock_approval_missing", "instalment_too_large"]);
    desk.ok(&owner, "approve", json!({"of": "shock", "invoice_on": "2026-12-01"})).await;
    assert_eq!(desk.refused(&owner, "communicate", message(72)).await.1, ["instalment_too_large"]);
    // Without the six parts: all at once is the growth that was approved, and the others are small enough.
    offer["others"] = json!([way(36)]);
    desk.ok(&owner, "plan", offer).await;
    desk.ok(&owner, "communicate", message(72)).await;
    // One that is offered afterwards waits for its approval on the page, too.
    let mut later = way(36);
    later["others"] = json!([way(6)]);
    desk.ok(&owner, "plan", later).await;
    let client = org.read("/v1/clients").await["data"][0]["id"].as_str().unwrap().to_owned();
    let case = Case { org, desk, client };
    assert_eq!(case.register(&owner, crate::client_link::CASEY).await.0, 200);
    let (_, token) = case.hand_out(json!({})).await;
    let holder = Holder { app: &app, token: &token };
    let view = holder.view().await;
    let allowed: Vec<&Value> =
        view["offered_ways"].as_array().unwrap().iter().map(|way| &way["allowed"]).collect();
    assert_eq!(allowed, [true, false], "{view:#}");
    let ask = async |choice: u16| {
        let body = json!({"action": "plan", "choice": choice});
        holder.ask(Method::POST, "/codes", 1, Some(body)).await
    };
    assert_problem(&ask(2).await, 409, "conflict");
    let path = format!("/v1/corrections/{}/approve", case.desk.id);
    let version = case.org.read(&format!("/v1/corrections/{}", case.desk.id)).await["version"].clone();
    let approve = owner.post(&path).header("If-Match", format!("\"v{version}\""));
    assert_eq!(send(approve.json(&json!({"of": "instalments"}))).await.0, 200);
    assert_eq!(ask(2).await.0, 200);
    let view = holder.view().await;
    let version = view["version"].as_i64().unwrap();
    let (status, view) = holder.act("plan", version, json!({"code": code_in(&server), "choice": 2})).await;
    assert_eq!((status, view["agreed_plan"].as_array().map(Vec::len)), (200, Some(6)), "{view:#}");
}

#[tokio::test]
async fn a_letter_names_every_way() {
    let app = TestApp::start().await;
    let (org, gap) = audited(&app, 62, 60, 8..=9).await;
    let owner = org.owner.caller.clone();
    let (mut desk, _) = Desk::open(&owner, &[&gap]).await;
    desk.ok(&owner, "plan", ways()).await;
    let tell = json!({
        "letter": {"recipient": "carter@contoso.example", "channel": "handed_out"},
        "going_forward": {"invoice_on": "2026-12-01", "lines": [{"line": 1, "seats": 62}]}, "gaps_confirmed": true,
    });
    let told = desk.ok(&owner, "communicate", tell).await;
    let letter =
        org.read(&format!("/v1/letters/{}", told["announcement"]["letter_id"].as_str().unwrap())).await;
    let text = letter["text"].as_str().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "we offer 3 instalments, the first on 1 December 2026",
        "You may also choose to pay all at once on 1 December 2026; or in 6 instalments of USD 14.67 at most, the \
         first on 1 December 2026.",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}
