//! Refusals over HTTP: each has its code, its status and says what is missing.

use super::{Desk, audited, message, said, share};
use leakage_api::auth::{Role, Scope};
use leakage_tests::{TestApp, assert_problem, send};
use serde_json::json;

#[tokio::test]
async fn each_month_enters_one_open_correction() {
    let app = TestApp::start().await;
    let (org, gap) = audited(&app, 22, 20, 2..=9).await;
    let owner = &org.owner.caller;
    let (mut desk, _) = Desk::open(owner, &[&gap]).await;
    let again = send(owner.post("/v1/corrections").json(&json!({ "gaps": [gap] }))).await;
    assert_problem(&again, 409, "gap_in_another_correction");
    // Gaps tell who holds their months.
    let held = org.read(&format!("/v1/gaps/{gap}")).await;
    assert_eq!(held["settled_by"].as_array().unwrap().len(), 8, "{held:#}");
    assert_eq!(held["settled_by"][0]["correction_id"], desk.id.as_str());
    // So does the document of the next audit, and that nothing is left to charge.
    app.clock.advance(chrono::TimeDelta::seconds(1));
    let again = org.audit(json!({"from": "2026-02", "to": "2026-09"})).await;
    let found = &again["gaps"][0];
    assert_eq!(found["amount"]["amount"], "352.00", "what is found stays: {found:#}");
    assert_eq!(
        (&found["amount_unsettled"]["amount"], &found["seat_months_unsettled"]),
        (&json!("0.00"), &json!("0.000000"))
    );
    let settled = found["settled"].as_array().unwrap();
    assert_eq!(
        (settled.len(), &settled[0]["settled_by"], &settled[0]["open"]),
        (8, &json!(desk.id), &json!(true))
    );
    // A rule explains the seats: withdrawn, and the months are free again for what an audit still finds.
    let rule = json!({"rule": {"reason": "Shared mailboxes", "owner": "Bea"}});
    let withdrawn = desk.ok(owner, "withdraw", rule).await;
    assert_eq!(
        (withdrawn["state"].as_str(), share(&withdrawn["balance"], "withdrawn").1),
        (Some("resolved"), "352.00")
    );
    app.clock.advance(chrono::TimeDelta::seconds(1));
    let free = org.audit(json!({"from": "2026-02", "to": "2026-09"})).await;
    assert_eq!(
        free["gaps"][0]["settled"],
        serde_json::Value::Null,
        "what was withdrawn settles nothing: {free:#}"
    );
    let (_, reopened) = Desk::open(owner, &[&gap]).await;
    assert_eq!(share(&reopened["balance"], "outstanding").1, "352.00");
}

#[tokio::test]
async fn a_message_without_its_parts_is_refused_with_all_that_is_missing() {
    let app = TestApp::start().await;
    let (org, gap) = audited(&app, 61, 60, 9..=9).await;
    let owner = &org.owner.caller;
    let (desk, _) = Desk::open(owner, &[&gap]).await;
    let bare = json!({"message": {"context": "", "data": " ", "going_forward": "", "price_change": "24.00 from May"}});
    let (status, codes) = desk.refused(owner, "communicate", bare).await;
    assert_eq!(status, 422);
    assert_eq!(
        codes,
        [
            "gaps_not_confirmed",
            "message_context_missing",
            "message_data_missing",
            "message_price_change",
            "going_forward_missing"
        ]
    );
    let mut late = message(61);
    late["going_forward"]["invoice_on"] = json!("2026-11-24");
    assert_eq!(desk.refused(owner, "communicate", late).await.1, ["notice_too_short"]);
    let key = org.api_key(&[Scope::CorrectionsWrite]).await;
    assert_eq!(
        desk.refused(&key, "communicate", message(61)).await,
        (403, vec!["person_required".to_owned()])
    );
}

#[tokio::test]
async fn commands_that_the_state_does_not_allow_are_conflicts() {
    let app = TestApp::start().await;
    let (org, gap) = audited(&app, 61, 60, 9..=9).await;
    let owner = &org.owner.caller;
    let (mut desk, found) = Desk::open(owner, &[&gap]).await;
    assert!(found["commands"].as_array().unwrap().contains(&json!("communicate")));
    for (command, body) in [
        ("dispute", json!({"reason": "refusal", "said": said()})),
        ("answer", json!({"dispute": 1, "reason": "refusal"})),
        ("resolve", json!({"basis": "accepted"})),
        ("reopen", json!({"because": "verification_failed"})),
        ("bill", json!({"document": "INV-1", "on": "2026-12-01"})),
        ("credit", json!({"document": "CN-1"})),
        ("accept", json!({"said": said()})),
        ("deliver", json!({"on": "2026-11-22"})),
        ("remind", json!({})),
        ("promise", json!({"instalment": 1, "on": "2026-12-20", "said": said()})),
        ("break-plan", json!({"give_up": true})),
        ("invoice-instalment", json!({"instalment": 1, "document": "I"})),
        ("pay-instalment", json!({"instalment": 1, "on": "2026-12-01"})),
        ("decide", json!({"reason": "x", "write_off": true, "evidence_shown": true})),
        ("end-review", json!({"outcome": "x"})),
    ] {
        assert_eq!(
            desk.refused(owner, command, body).await,
            (409, vec!["command_not_allowed".to_owned()]),
            "{command}"
        );
    }
    let stale = Desk { id: desk.id.clone(), version: 7 };
    assert_problem(&stale.ask(owner, "communicate", message(61)).await, 412, "version_mismatch");
    let path = format!("/v1/corrections/{}/communicate", desk.id);
    assert_problem(&send(owner.post(&path).json(&message(61))).await, 428, "precondition_required");
    desk.ok(owner, "communicate", message(61)).await;
    // Whoever does what is done already hears so, whatever version they have read.
    assert_eq!(stale.ask(owner, "communicate", message(61)).await.0, 409);
}

#[tokio::test]
async fn a_waiver_needs_its_own_authenticated_writing() {
    let app = TestApp::start().await;
    let (org, gap) = audited(&app, 22, 20, 2..=9).await;
    let (owner, biller) = (&org.owner.caller, org.member(Role::Biller).await.caller);
    let (mut desk, _) = Desk::open(&biller, &[&gap]).await;
    for said in ["kind=waiver&channel=phone", "kind=withdrawal&channel=meeting"] {
        assert_problem(&desk.attach(&biller, said, "They agreed.").await, 422, "validation_failed");
    }
    desk.attach(&biller, "kind=waiver&channel=link", "clicked").await;
    let forward = json!({"invoice_on": "2026-12-01", "lines": [{"line": 1, "seats": 22}]});
    let small = |confirmation: u32| {
        json!({"parts": [{"line": 1, "amount": {"amount": "50.00", "currency": "USD"}}], "reason": "Goodwill",
               "confirmation": confirmation, "going_forward": forward})
    };
    assert_eq!(desk.refused(&biller, "waive", small(1)).await.1, ["confirmation_unauthenticated"]);
    desk.attach(&biller, "kind=waiver&channel=email&amount=49.99", "We confirm 49.99.").await;
    assert_eq!(desk.refused(&biller, "waive", small(2)).await.1, ["confirmation_too_small"]);
    let twice = desk.attach(&biller, "kind=waiver&channel=email", "We confirm 49.99.").await;
    assert_problem(&twice, 409, "confirmation_used");
    desk.attach(&biller, "kind=waiver&channel=email", "We confirm 50.").await;
    let without = json!({"parts": [{"line": 1, "amount": {"amount": "50.00", "currency": "USD"}}], "reason": "Goodwill", "confirmation": 3});
    assert_eq!(desk.refused(&biller, "waive", without).await.1, ["going_forward_missing"]);
    let waived = desk.ok(&biller, "waive", small(3)).await;
    assert_eq!((waived["state"].as_str(), share(&waived["balance"], "waived").1), (Some("found"), "50.00"));
    assert_eq!(desk.refused(&biller, "waive", small(3)).await, (409, vec!["confirmation_used".to_owned()]));
    // The threshold counts all waivers of the client: the next 60.00 are above it.
    desk.attach(&biller, "kind=waiver&channel=email", "We confirm 60.").await;
    let more = json!({"parts": [{"line": 1, "amount": {"amount": "60.00", "currency": "USD"}}], "reason": "Goodwill", "confirmation": 4});
    assert_eq!(desk.refused(&biller, "waive", more).await.1, ["second_approver_required"]);
    let file = send(owner.get(&format!("/v1/corrections/{}/confirmations/3", desk.id))).await;
    assert_eq!(file, (200, json!("We confirm 50.")));
}

#[tokio::test]
async fn parts_that_are_not_there_are_refused_at_their_place() {
    let app = TestApp::start().await;
    let (org, gap) = audited(&app, 22, 20, 2..=9).await;
    let owner = &org.owner.caller;
    let (desk, _) = Desk::open(owner, &[&gap]).await;
    for (part, code) in [
        (json!({"line": 2}), "part_unknown"),
        (json!({"line": 1, "seats": 3}), "part_exceeds_line"),
        (json!({"line": 1, "seats": 1, "months": ["2026-12"]}), "part_unknown"),
        (json!({"line": 1, "amount": {"amount": "352.01", "currency": "USD"}}), "part_exceeds_line"),
        (json!({"line": 1, "amount": {"amount": "1.00", "currency": "EUR"}}), "validation_failed"),
        (json!({"line": 1, "amount": {"amount": "1.001", "currency": "USD"}}), "validation_failed"),
        (
            json!({"line": 1, "seats": 1, "amount": {"amount": "1.00", "currency": "USD"}}),
            "validation_failed",
        ),
        (json!({"line": 1, "seat_days": {"2026-02": -1}}), "validation_failed"),
    ] {
        let body = json!({"parts": [part], "reason": "x"});
        let answer = desk.ask(owner, "request-waiver", body).await;
        assert_problem(&answer, 422, code);
    }
}

#[tokio::test]
async fn a_repeated_request_is_done_once() {
    let app = TestApp::start().await;
    let (org, gap) = audited(&app, 22, 20, 2..=9).await;
    let owner = &org.owner.caller;
    let open =
        || owner.post("/v1/corrections").header("Idempotency-Key", "open-1").json(&json!({ "gaps": [gap] }));
    let (first, second) = (send(open()).await, send(open()).await);
    assert_eq!((first.0, second.0), (201, 201));
    assert_eq!(first.1["id"], second.1["id"]);
    let list = org.read("/v1/corrections?state=found&direction=under&currency=USD").await;
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    assert_eq!(org.read("/v1/corrections?state=waived").await["data"], json!([]));
}
