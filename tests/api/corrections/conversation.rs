//! What is said after the letter: recounts, amended figures, contract reviews, plans that are not kept, evidence
//! that comes to light.

use super::{Desk, PREMIUM, audited, message, said, share};
use leakage_tests::{Org, TestApp, send};
use serde_json::{Value, json};

/// Two seats of two months, 88.00, told.
async fn told(app: &TestApp) -> (Org<'_>, Desk) {
    let (org, gap) = audited(app, 62, 60, 8..=9).await;
    let mut desk = Desk::open(&org.owner.caller, &[&gap]).await.0;
    let told = desk.ok(&org.owner.caller, "communicate", message(62)).await;
    assert_eq!(share(&told["balance"], "outstanding"), ("4.000000", "88.00"));
    (org, desk)
}

/// An audit of the same months on other facts; answers its id.
async fn recount(org: &Org<'_>, purchased: u32) -> Value {
    let corrected = format!("client,product,purchased,from\nContoso,{PREMIUM},{purchased},2026-08-01\n");
    org.import_whole("corrected.csv", corrected, "").await;
    org.audit(json!({"from": "2026-08", "to": "2026-09"})).await;
    org.read("/v1/audits").await["data"][0]["id"].clone()
}

async fn later(app: &TestApp, org: &mut Org<'_>, days: i64) {
    app.clock.advance(chrono::TimeDelta::days(days));
    org.owner = app.sign_in(&org.owner.email, Some(org.id)).await;
}

fn dispute(reason: &str, seats: u32) -> Value {
    json!({"reason": reason, "parts": [{"line": 1, "seats": seats}], "said": said()})
}

#[tokio::test]
async fn a_later_audit_amends_the_figures_and_asks_for_a_new_letter() {
    let app = TestApp::start().await;
    let (org, mut desk) = told(&app).await;
    let owner = &org.owner.caller;
    let frozen = desk.read(owner, "/frozen-facts").await;
    let first = desk.read(owner, "").await["audit_id"].clone();
    let same = desk.refused(owner, "amend", json!({ "audit_id": first })).await;
    assert_eq!(same, (422, vec!["amend_same_audit".to_owned()]));
    let unknown = json!({"audit_id": "01931f3e-7d5c-7b60-9f10-3f2a4b5c6d7e"});
    assert_eq!(desk.refused(owner, "amend", unknown).await.0, 422);

    let audit = recount(&org, 61).await;
    let amended = desk.ok(owner, "amend", json!({ "audit_id": audit })).await;
    assert_eq!((amended["state"].as_str(), &amended["audit_id"]), (Some("found"), &audit));
    assert_eq!(share(&amended["balance"], "found"), ("4.000000", "88.00"));
    assert_eq!(share(&amended["balance"], "withdrawn"), ("2.000000", "44.00"));
    assert_eq!(share(&amended["balance"], "outstanding"), ("2.000000", "44.00"));
    assert_eq!(amended["lines"][0]["agreed_seats"], 61);
    // The old letter's facts stay until a new one is sent.
    assert_eq!(desk.read(owner, "/frozen-facts").await, frozen);
    let bill = json!({"document": "INV-1", "on": "2026-12-01"});
    assert_eq!(desk.refused(owner, "bill", bill.clone()).await.1, ["command_not_allowed"]);
    desk.ok(owner, "communicate", message(61)).await;
    assert_ne!(desk.read(owner, "/frozen-facts").await["sha256"], frozen["sha256"]);
    assert_eq!(share(&desk.ok(owner, "bill", bill).await["balance"], "billed").1, "44.00");
}

#[tokio::test]
async fn a_recount_that_does_not_show_the_seats_confirms_nothing() {
    let app = TestApp::start().await;
    let (org, mut desk) = told(&app).await;
    let owner = &org.owner.caller;
    desk.ok(owner, "dispute", dispute("count_wrong", 1)).await;
    let answer = |audit: &Value, withdrawn: Value| json!({"dispute": 1, "reason": "count_wrong", "recount_audit_id": audit, "withdrawn": withdrawn});
    let confirmed = recount(&org, 63).await;
    let fewer = recount(&org, 61).await;
    let refused = desk.refused(owner, "answer", answer(&fewer, json!([]))).await;
    assert_eq!(refused, (422, vec!["recount_not_confirming".to_owned()]));
    // An audit of one month says nothing of the other.
    org.audit(json!({"from": "2026-09", "to": "2026-09"})).await;
    let short = org.read("/v1/audits").await["data"][0]["id"].clone();
    assert_eq!(desk.refused(owner, "answer", answer(&short, json!([]))).await.1, ["recount_not_confirming"]);
    let withdrawn = Desk { id: desk.id.clone(), version: desk.version }
        .ok(owner, "answer", answer(&fewer, json!([{"line": 1}])))
        .await;
    assert_eq!(withdrawn["state"], "communicated");
    assert_eq!(share(&withdrawn["balance"], "withdrawn").1, "44.00");
    desk.read(owner, "").await;
    let again = json!({"reason": "count_wrong", "parts": [{"line": 1, "amount": {"amount": "22.00", "currency": "USD"}}], "said": said()});
    desk.ok(owner, "dispute", again).await;
    let mut second = answer(&confirmed, json!([]));
    second["dispute"] = json!(2);
    assert_eq!(desk.ok(owner, "answer", second).await["state"], "communicated");
}

#[tokio::test]
async fn a_recount_is_answered_by_a_letter_that_says_what_it_comes_to() {
    for (purchased, withdrawn, expected) in [
        (62, json!([]), ["2 seats and USD 88.00", "That is the same as in our first letter."]),
        (61, json!([{"line": 1}]), ["1 seat and USD 44.00", "Our first letter said 2 seats and USD 88.00"]),
    ] {
        let app = TestApp::start().await;
        let (org, mut desk) = told(&app).await;
        let owner = &org.owner.caller;
        desk.ok(owner, "dispute", dispute("count_wrong", 1)).await;
        let audit = recount(&org, purchased).await;
        let mut answer = json!({
            "dispute": 1, "reason": "count_wrong", "recount_audit_id": audit, "withdrawn": withdrawn,
            "letter": {"recipient": "casey@contoso.example", "contact": "Ms Carter"},
        });
        let answered = desk.ok(owner, "answer", answer.clone()).await;
        assert_eq!(answered["state"], "communicated", "{answered:#}");
        let letters = org.read(&format!("/v1/letters?correction_id={}", desk.id)).await;
        let letter = &letters["data"][0];
        assert_eq!(letter["kind"], "answer_count_wrong", "{letters:#}");
        let text = org.read(&format!("/v1/letters/{}", letter["id"].as_str().unwrap())).await.to_string();
        for said in expected {
            assert!(text.contains(said), "{said}\n{text}");
        }
        // What the recount does not bear out is refused before anything is written.
        desk.ok(owner, "dispute", dispute("count_wrong", 1)).await;
        answer["dispute"] = json!(2);
        answer["withdrawn"] = json!([]);
        answer["recount_audit_id"] = recount(&org, 60).await;
        let refused = desk.refused(owner, "answer", answer).await;
        assert_eq!(refused, (422, vec!["recount_not_confirming".to_owned()]));
        let after = org.read(&format!("/v1/letters?correction_id={}", desk.id)).await;
        assert_eq!(after["data"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_contract_review_freezes_the_past_until_its_outcome() {
    let app = TestApp::start().await;
    let (org, mut desk) = told(&app).await;
    let owner = &org.owner.caller;
    desk.ok(owner, "dispute", dispute("contract_review", 1)).await;
    let answer =
        |number: u32, on: &str| json!({"dispute": number, "reason": "contract_review", "review_on": on});
    assert_eq!(desk.refused(owner, "answer", answer(1, "2026-11-21")).await.1, ["review_date_missing"]);
    let frozen = desk.ok(owner, "answer", answer(1, "2026-11-30")).await;
    assert_eq!(frozen["state"], "communicated");
    assert_eq!(frozen["freeze"]["frozen"]["amount"]["amount"], "88.00");
    assert_eq!(frozen["freeze"]["outcome"], Value::Null);
    let deadlines = desk.read(owner, "/deadlines").await;
    let review = json!({
        "kind": "review_by", "about": 1, "due_on": "2026-11-30", "owner": frozen["owner"], "reminded_on": null,
    });
    assert!(deadlines["data"].as_array().unwrap().contains(&review), "{deadlines:#}");
    let bill = json!({"document": "INV-1", "on": "2026-12-01"});
    assert_eq!(desk.refused(owner, "bill", bill.clone()).await.1, ["nothing_outstanding"]);
    assert_eq!(desk.refused(owner, "end-review", json!({"outcome": " "})).await.1, ["reason_missing"]);
    let ended = desk.ok(owner, "end-review", json!({"outcome": "Clause 4 holds."})).await;
    assert_eq!(ended["freeze"]["outcome"], "Clause 4 holds.");
    assert_eq!(desk.refused(owner, "end-review", json!({"outcome": "Again"})).await.1, ["not_frozen"]);
    // It is frozen once.
    desk.ok(owner, "dispute", dispute("contract_review", 1)).await;
    assert_eq!(desk.refused(owner, "answer", answer(2, "2026-11-30")).await.1, ["already_frozen"]);
    let rest = desk.ok(owner, "bill", bill).await;
    assert_eq!(share(&rest["balance"], "billed").1, "44.00", "what is not disputed moves on");
}

#[tokio::test]
async fn a_plan_that_is_broken_twice_may_begin_again() {
    let app = TestApp::start().await;
    let (mut org, mut desk) = told(&app).await;
    let owner = org.owner.caller.clone();
    desk.ok(&owner, "plan", json!({"count": 2, "cadence": "monthly", "first_on": "2026-12-01"})).await;
    desk.ok(&owner, "accept", json!({"said": said(), "plan": true})).await;
    desk.ok(&owner, "resolve", json!({"basis": "accepted"})).await;
    desk.ok(&owner, "invoice-instalment", json!({"instalment": 1, "document": "INV-1"})).await;
    let reopen = json!({"because": "plan_broken_twice"});
    let refused = |codes: &str| (422, vec![codes.to_owned()]);
    assert_eq!(desk.refused(&owner, "reopen", reopen.clone()).await, refused("plan_not_broken_twice"));
    assert_eq!(desk.refused(&owner, "break-plan", json!({})).await, refused("nothing_missed"));

    later(&app, &mut org, 15).await;
    let owner = org.owner.caller.clone();
    let missed = desk.ok(&owner, "break-plan", json!({})).await;
    assert_eq!(missed["plan"]["breaks"].as_array().unwrap().len(), 1);
    assert_eq!(desk.refused(&owner, "break-plan", json!({})).await, refused("nothing_missed"));
    let promise = json!({"instalment": 1, "on": "2026-12-20", "said": said()});
    desk.ok(&owner, "promise", promise).await;
    assert_eq!(desk.refused(&owner, "reopen", reopen.clone()).await, refused("plan_not_broken_twice"));

    later(&app, &mut org, 15).await;
    let owner = org.owner.caller.clone();
    let broken = desk.ok(&owner, "break-plan", json!({})).await;
    let kinds: Vec<&str> = broken["plan"]["breaks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["missed", "promise_broken"]);
    let reopened = desk.ok(&owner, "reopen", reopen).await;
    assert_eq!((reopened["state"].as_str(), &reopened["plan"]["given_up"]), (Some("found"), &json!(true)));
    assert_eq!(share(&reopened["balance"], "billed").1, "44.00", "what stands on an invoice stays");
    assert_eq!(share(&reopened["balance"], "outstanding").1, "44.00");
}

#[tokio::test]
async fn evidence_that_comes_to_light_is_taken_in_by_the_rules_of_opening() {
    let app = TestApp::start().await;
    let entitlements = "client,product,purchased,from\nContoso,Seat,11,2026-08-01\nContoso,Bolt,11,2026-08-01\n\
                        Fabrikam,Seat,11,2026-08-01\n";
    let billing = "client,product,quantity,unit_price,currency,from,until\n\
                   Contoso,Seat,10,22.00,USD,2026-08-01,2026-09-01\nContoso,Bolt,10,40.00,USD,2026-08-01,2026-09-01\n\
                   Fabrikam,Seat,10,22.00,USD,2026-08-01,2026-09-01\n";
    let org = app.audited_org(entitlements, billing).await;
    let document = org.audit(json!({"from": "2026-08", "to": "2026-08"})).await;
    let gap = |client: &str, product: &str| {
        let gaps = document["gaps"].as_array().unwrap().iter();
        let mut own = gaps.filter(|gap| gap["client"] == client && gap["product"] == product);
        own.next().unwrap()["id"].as_str().unwrap().to_owned()
    };
    let owner = &org.owner.caller;
    let mut desk = Desk::open(owner, &[&gap("Contoso", "Seat")]).await.0;
    let rule = json!({"rule": {"reason": "Shared mailboxes", "owner": "Bea"}});
    desk.ok(owner, "withdraw", rule.clone()).await;
    let reopen = |gap: &str| json!({"because": "new_evidence", "evidence": "A log", "gaps": [gap]});
    let elsewhere = desk.refused(owner, "reopen", reopen(&gap("Fabrikam", "Seat"))).await;
    assert_eq!(elsewhere, (422, vec!["several_clients".to_owned()]));
    let mut other = Desk::open(owner, &[&gap("Contoso", "Bolt")]).await.0;
    let held = desk.refused(owner, "reopen", reopen(&gap("Contoso", "Bolt"))).await;
    assert_eq!(held, (409, vec!["gap_in_another_correction".to_owned()]));
    other.ok(owner, "withdraw", rule).await;
    // Withdrawn was not there: what an audit still finds can be taken in.
    let reopened = desk.ok(owner, "reopen", reopen(&gap("Contoso", "Bolt"))).await;
    assert_eq!(reopened["state"], "found");
    assert_eq!(share(&reopened["balance"], "outstanding").1, "40.00");
    assert_eq!(reopened["lines"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_only_goes_forward_is_opened_once() {
    let app = TestApp::start().await;
    // November is not closed.
    let (org, gap) = audited(&app, 61, 60, 11..=11).await;
    let owner = &org.owner.caller;
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..5 {
        let (owner, body) = (owner.clone(), json!({ "gaps": [gap] }));
        asked.spawn(async move { send(owner.post("/v1/corrections").json(&body)).await });
    }
    let mut opened = Vec::new();
    while let Some(answer) = asked.join_next().await {
        match answer.unwrap() {
            (201, correction) => opened.push(correction),
            (status, problem) => {
                assert_eq!((status, problem["code"].as_str()), (409, Some("gap_in_another_correction")));
            }
        }
    }
    assert_eq!(opened.len(), 1);
    assert_eq!(opened[0]["lines"][0]["months"], json!([]));
    // While its next invoice is not proved, it sees to what goes forward.
    let id = opened[0]["id"].as_str().unwrap().to_owned();
    let mut desk = Desk { id, version: 1 };
    desk.ok(owner, "communicate", message(61)).await;
    desk.ok(owner, "accept", json!({"said": said()})).await;
    desk.ok(owner, "resolve", json!({"basis": "accepted"})).await;
    let again = send(owner.post("/v1/corrections").json(&json!({ "gaps": [gap] }))).await;
    assert_eq!((again.0, again.1["code"].as_str()), (409, Some("gap_in_another_correction")));
}
