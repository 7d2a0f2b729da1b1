//! The two worked examples, step by step, both endings.

use super::{Desk, PREMIUM, audited, billed, message, said, share};
use leakage_api::auth::Role;
use leakage_tests::{Org, TestApp, send};
use serde_json::{Value, json};

/// Twelve seats of eight months, up to the resolution.
async fn resolved(app: &TestApp) -> (Org<'_>, Desk) {
    let (org, gap) = audited(app, 72, 60, 2..=9).await;
    let biller = org.member(Role::Biller).await.caller;
    let admin = org.owner.caller.clone();
    let (mut desk, found) = Desk::open(&biller, &[&gap]).await;
    assert_eq!(share(&found["balance"], "found"), ("96.000000", "2112.00"));
    assert_eq!((found["state"].as_str(), found["direction"].as_str()), (Some("found"), Some("under")));

    // (2,112 + 264) / 1,320 = 180 %: so a plan and an approval.
    let preview = desk.read(&biller, "/preview?invoice_on=2026-12-01").await;
    assert_eq!(preview["last_invoices"].as_array().unwrap().len(), 3);
    assert_eq!(preview["before"]["amount"], "1320.00");
    assert_eq!(
        (preview["retro"]["amount"].as_str(), preview["forward"]["amount"].as_str()),
        (Some("2112.00"), Some("264.00"))
    );
    assert_eq!(
        (preview["percent"].as_str(), preview["band"].as_str()),
        (Some("180.00"), Some("plan_and_approval"))
    );
    assert_eq!(preview["after"]["amount"], "3696.00");
    let refused = desk.refused(&biller, "communicate", message(72)).await;
    assert_eq!(refused, (422, vec!["plan_offer_missing".to_owned(), "shock_approval_missing".to_owned()]));
    desk.ok(&biller, "plan", json!({"count": 12, "cadence": "monthly", "first_on": "2026-12-01"})).await;
    assert_eq!(desk.refused(&biller, "approve", json!({"of": "shock"})).await.0, 403);
    desk.ok(&admin, "approve", json!({"of": "shock"})).await;
    desk.ok(&admin, "approve", json!({"of": "instalments"})).await;
    let told = desk.ok(&biller, "communicate", message(72)).await;
    assert_eq!(told["state"], "communicated");
    let frozen = desk.read(&biller, "/frozen-facts").await;
    assert_eq!(frozen["sha256"], told["announcement"]["frozen_facts"]);
    assert!(frozen["facts"].as_str().unwrap().contains(PREMIUM));

    // Four seats of eight months are 704.00; the log answers two of them.
    let dispute = json!({"reason": "unauthorized_seats", "parts": [{"line": 1, "seats": 4}], "said": said()});
    let disputed = desk.ok(&biller, "dispute", dispute).await;
    assert_eq!(disputed["disputes"][0]["disputed"]["amount"]["amount"], "704.00");
    assert_eq!(disputed["disputes"][0]["disputed"]["seat_months"], "32.000000");
    let bare = json!({"dispute": 1, "reason": "unauthorized_seats"});
    assert_eq!(desk.refused(&biller, "answer", bare).await.1, ["provisioning_log_missing"]);
    let log = json!([{"on": "2026-02-01", "seat": "ana@contoso.example"}, {"on": "2026-02-01", "seat": "ben@contoso.example"}]);
    let answer = json!({"dispute": 1, "reason": "unauthorized_seats", "provisioning_log": log});
    assert_eq!(desk.ok(&biller, "answer", answer).await["state"], "communicated");

    // The other two are waived: refused until the written confirmation and a second approver are there.
    let waive = json!({"parts": [{"line": 1, "seats": 2}], "reason": "No order for two of the seats"});
    let refused = desk.refused(&biller, "waive", waive.clone()).await;
    assert_eq!(
        refused,
        (422, vec!["confirmation_missing".to_owned(), "second_approver_required".to_owned()])
    );
    let asked = desk.ok(&biller, "request-waiver", waive).await;
    assert_eq!(asked["waiver_requests"][0]["amount"]["amount"], "352.00");
    let granted = json!({"request": 1, "confirmation": 1});
    assert_eq!(desk.refused(&admin, "waive", granted.clone()).await.1, ["confirmation_missing"]);
    let (status, attached) = desk
        .attach(&biller, "kind=waiver&channel=email&amount=352.00&file_name=mail.eml", "We confirm.")
        .await;
    assert_eq!((status, attached["confirmations"][0]["kind"].as_str()), (200, Some("waiver")));
    assert_eq!(desk.refused(&biller, "waive", granted.clone()).await.1, ["second_approver_required"]);
    let waived = desk.ok(&admin, "waive", granted).await;
    assert_eq!(
        (waived["state"].as_str(), share(&waived["balance"], "waived")),
        (Some("communicated"), ("16.000000", "352.00"))
    );
    assert_eq!(share(&waived["balance"], "outstanding"), ("80.000000", "1760.00"));

    // The rest in six: 42 %, so an approval or a longer plan.
    desk.ok(&biller, "plan", json!({"count": 6, "cadence": "monthly", "first_on": "2026-12-01"})).await;
    let preview = desk.read(&biller, "/preview").await;
    assert_eq!(preview["plan"]["percent"], "42.22");
    assert_eq!(preview["plan"]["instalments"][0]["amount"], "293.34");
    let accept = json!({"said": said(), "plan": true});
    assert_eq!(desk.refused(&biller, "accept", accept.clone()).await.1, ["instalment_too_large"]);
    desk.ok(&admin, "approve", json!({"of": "instalments"})).await;
    let planned = desk.ok(&biller, "accept", accept).await;
    let amounts: Vec<&str> = planned["plan"]["instalments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["amount"]["amount"].as_str().unwrap())
        .collect();
    assert_eq!(amounts, ["293.34", "293.34", "293.33", "293.33", "293.33", "293.33"]);
    let resolved = desk.ok(&biller, "resolve", json!({"basis": "accepted"})).await;
    assert_eq!(resolved["state"], "resolved");
    assert_eq!(resolved["going_forward"]["quantities"]["1"], 72);
    assert_eq!(share(&resolved["balance"], "billed"), ("80.000000", "1760.00"));
    assert_eq!(share(&resolved["balance"], "outstanding"), ("0.000000", "0.00"));
    (org, desk)
}

/// The invoice of December with so many seats, on the day after it.
async fn next_invoice(app: &TestApp, org: &mut Org<'_>, seats: u32) {
    app.clock.advance(chrono::TimeDelta::days(10));
    org.owner = app.sign_in(&org.owner.email, Some(org.id)).await;
    org.import_whole("december.csv", billed(seats, "22.00", "USD", 12..=12), "").await;
}

fn commands(timeline: &Value) -> Vec<&str> {
    timeline["data"].as_array().unwrap().iter().map(|entry| entry["command"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn twelve_seats_of_eight_months_end_verified_when_the_next_invoice_has_72() {
    let app = TestApp::start().await;
    let (mut org, mut desk) = resolved(&app).await;
    next_invoice(&app, &mut org, 72).await;
    let owner = org.owner.caller.clone();
    let verified = desk.read(&owner, "").await;
    assert_eq!(verified["state"], "resolved", "{verified:#}");
    assert_eq!(verified["verifications"][0]["outcome"]["kind"], "forward_verified");
    assert_eq!(verified["verifications"][0]["outcome"]["seats"], 72);
    let ledger = desk.read(&owner, "/ledger").await;
    assert_eq!(share(&ledger["balance"], "found"), ("96.000000", "2112.00"));
    assert_eq!(
        (share(&ledger["balance"], "billed").1, share(&ledger["balance"], "waived").1),
        ("1760.00", "352.00")
    );
    // Recovered is only what an import proves.
    assert_eq!(verified["recovered"]["amount"], "0.00");
    desk.ok(&owner, "invoice-instalment", json!({"instalment": 1, "document": "INV-7"})).await;
    let file = format!(
        "client,product,quantity,unit_price,currency,from,until,invoice,line_type\n\
         Contoso,{PREMIUM},1,293.34,USD,2026-12-01,2027-01-01,INV-7,one_off\n"
    );
    org.import_whole("invoice.csv", file, "").await;
    let proved = desk.read(&owner, "").await;
    assert_eq!(proved["recovered"]["amount"], "293.34", "{:#}", proved["verifications"]);
    let timeline = desk.read(&owner, "/timeline").await;
    let done = commands(&timeline);
    assert_eq!(done[0], "open");
    assert_eq!(done.iter().filter(|command| **command == "verify").count(), 2, "{done:?}");
    assert_eq!(timeline["data"][1]["before"]["state"], "found");
}

#[tokio::test]
async fn twelve_seats_of_eight_months_are_reopened_when_the_next_invoice_has_71() {
    let app = TestApp::start().await;
    let (mut org, mut desk) = resolved(&app).await;
    next_invoice(&app, &mut org, 71).await;
    let owner = org.owner.caller.clone();
    let reopened = desk.read(&owner, "").await;
    assert_eq!(reopened["state"], "found", "{reopened:#}");
    let line = &reopened["lines"][1];
    assert_eq!((line["agreed_seats"].as_i64(), line["billed_seats"].as_i64()), (Some(72), Some(71)));
    assert_eq!(share(&line["balance"], "outstanding"), ("1.000000", "22.00"));
    assert_eq!(share(&reopened["balance"], "found").1, "2134.00");
    let timeline = desk.read(&owner, "/timeline").await;
    let done = commands(&timeline);
    assert_eq!(done[done.len() - 2..], ["verify", "reopen"]);
    // An audit brings no other news: nothing is opened twice.
    org.audit(json!({"from": "2026-12", "to": "2026-12"})).await;
    assert_eq!(desk.read(&owner, "").await["lines"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn three_seats_too_many_for_three_months_are_given_back_whole() {
    let app = TestApp::start().await;
    let entitlements = format!("client,product,purchased,from\nContoso,{PREMIUM},47,2026-03-01\n");
    let org = app.audited_org(&entitlements, &billed(50, "11.70", "EUR", 3..=5)).await;
    let document = org.audit(json!({"from": "2026-03", "to": "2026-05"})).await;
    let gap = document["gaps"][0]["id"].as_str().unwrap();
    let biller = org.member(Role::Biller).await.caller;
    let (mut desk, found) = Desk::open(&biller, &[gap]).await;
    assert_eq!((found["direction"].as_str(), found["currency"].as_str()), (Some("over"), Some("EUR")));
    assert_eq!(share(&found["balance"], "found"), ("9.000000", "105.30"));
    for command in ["waive", "request-waiver"] {
        let refused = desk.refused(&biller, command, json!({"reason": "small"})).await;
        assert_eq!(refused.1, ["over_billing_not_waivable"]);
    }
    let preview = desk.read(&biller, "/preview").await;
    assert_eq!(preview["band"], "send", "credits are no shock");
    desk.ok(&biller, "communicate", message(47)).await;
    let bill = json!({"document": "INV-1", "on": "2026-12-01"});
    assert_eq!(desk.refused(&biller, "bill", bill).await.1, ["over_billing_not_billable"]);
    let part = json!({"document": "CN-1", "parts": [{"line": 1, "seats": 1}], "apology": "Sorry"});
    assert_eq!(desk.refused(&biller, "credit", part).await.1, ["credit_not_whole"]);
    assert_eq!(desk.refused(&biller, "credit", json!({"document": "CN-1"})).await.1, ["apology_missing"]);
    let early = desk.refused(&biller, "resolve", json!({"basis": "not_needed"})).await;
    assert_eq!(early.1, ["money_outstanding", "not_fully_credited"]);
    let credit = json!({"document": "CN-1", "apology": "We are sorry: we billed three seats too many."});
    let credited = desk.ok(&biller, "credit", credit).await;
    assert_eq!(share(&credited["balance"], "credited"), ("9.000000", "105.30"));
    let resolved = desk.ok(&biller, "resolve", json!({"basis": "not_needed"})).await;
    assert_eq!(resolved["state"], "resolved");

    // Its months are settled: nothing is left to open.
    let again = send(biller.post("/v1/corrections").json(&json!({ "gaps": [gap] }))).await;
    assert_eq!((again.0, again.1["code"].as_str()), (409, Some("gap_already_settled")));
}
