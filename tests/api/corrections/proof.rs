//! Proof by the next invoice and by documents, where something has changed meanwhile or another correction has to
//! do with it.

use super::{Desk, PREMIUM, audited, billed, message, said, share};
use leakage_api::auth::Role;
use leakage_tests::{Org, TestApp, send};
use serde_json::{Value, json};

/// One seat of one month at 22.00, billed by an invoice and resolved, with so many seats agreed from December on.
async fn resolved(app: &TestApp, agreed: u32) -> (Org<'_>, Desk, String) {
    let (org, gap) = audited(app, 61, 60, 9..=9).await;
    let mut desk = Desk::open(&org.owner.caller, &[&gap]).await.0;
    settle(&mut desk, &org, agreed, "INV-1").await;
    (org, desk, gap)
}

async fn settle(desk: &mut Desk, org: &Org<'_>, agreed: u32, document: &str) {
    let owner = &org.owner.caller;
    desk.ok(owner, "communicate", message(agreed)).await;
    desk.ok(owner, "bill", json!({"document": document, "on": "2026-12-01"})).await;
    desk.ok(owner, "accept", json!({"said": said()})).await;
    assert_eq!(desk.ok(owner, "resolve", json!({"basis": "accepted"})).await["state"], "resolved");
}

/// Some days later, when tokens have ended.
async fn later(app: &TestApp, org: &mut Org<'_>, days: i64) {
    app.clock.advance(chrono::TimeDelta::days(days));
    org.owner = app.sign_in(&org.owner.email, Some(org.id)).await;
}

async fn read(desk: &mut Desk, org: &Org<'_>) -> Value {
    let owner = org.owner.caller.clone();
    desk.read(&owner, "").await
}

fn last_outcome(correction: &Value) -> &Value {
    &correction["verifications"].as_array().unwrap().last().unwrap_or_else(|| panic!("{correction:#}"))["outcome"]
}

#[tokio::test]
async fn fewer_seats_than_are_billable_are_proved_when_fewer_were_agreed() {
    let app = TestApp::start().await;
    let (mut org, mut desk, _) = resolved(&app, 60).await;
    later(&app, &mut org, 10).await;
    org.import_whole("december.csv", billed(60, "22.00", "USD", 12..=12), "").await;
    let verified = read(&mut desk, &org).await;
    assert_eq!(verified["state"], "resolved", "{:#}", verified["verifications"]);
    assert_eq!(last_outcome(&verified), &json!({"kind": "forward_verified", "line": 1, "seats": 60}));
}

#[tokio::test]
async fn a_seat_that_came_after_the_agreement_is_to_be_billed_too() {
    for (december, state, outcome) in [
        (62, "resolved", json!({"kind": "forward_verified", "line": 1, "seats": 62})),
        (61, "found", json!({"kind": "shortfall", "line": 1, "seats": 1, "billed": 61})),
    ] {
        let app = TestApp::start().await;
        let (mut org, mut desk, _) = resolved(&app, 61).await;
        later(&app, &mut org, 10).await;
        let more = format!(
            "client,product,purchased,from,until\nContoso,{PREMIUM},61,2026-09-01,2026-11-25\n\
             Contoso,{PREMIUM},62,2026-11-25,\n"
        );
        org.import_whole("more.csv", more, "").await;
        org.import_whole("december.csv", billed(december, "22.00", "USD", 12..=12), "").await;
        let proved = read(&mut desk, &org).await;
        assert_eq!(last_outcome(&proved), &outcome, "{december}");
        assert_eq!(proved["state"], state, "{december}");
        if state == "found" {
            let line = &proved["lines"][1];
            assert_eq!((line["billed_seats"].as_i64(), line["agreed_seats"].as_i64()), (Some(61), Some(62)));
            assert_eq!(share(&line["balance"], "outstanding"), ("1.000000", "22.00"));
        }
    }
}

#[tokio::test]
async fn what_is_waived_before_a_letter_is_proved_on_the_next_invoice() {
    let app = TestApp::start().await;
    let (mut org, gap) = audited(&app, 61, 60, 9..=9).await;
    let owner = org.owner.caller.clone();
    let mut desk = Desk::open(&owner, &[&gap]).await.0;
    desk.attach(&owner, "kind=waiver&channel=email", "We confirm.").await;
    let forward = json!({"invoice_on": "2026-12-01", "lines": [{"line": 1, "seats": 61}]});
    let waive = json!({"reason": "Goodwill", "confirmation": 1, "going_forward": forward});
    assert_eq!(desk.ok(&owner, "waive", waive).await["state"], "waived");
    later(&app, &mut org, 10).await;
    org.import_whole("december.csv", billed(61, "22.00", "USD", 12..=12), "").await;
    let verified = read(&mut desk, &org).await;
    assert_eq!(last_outcome(&verified)["kind"], "forward_verified", "{:#}", verified["verifications"]);
    assert_eq!(verified["due_on"], Value::Null, "nothing waits for proof any more");
}

#[tokio::test]
async fn two_corrections_on_one_invoice_are_proved_by_what_it_bills_for_both() {
    let app = TestApp::start().await;
    let entitlements =
        "client,product,purchased,from\nContoso,Seat,11,2026-09-01\nContoso,Bolt,11,2026-09-01\n";
    let billing = "client,product,quantity,unit_price,currency,from,until\n\
                   Contoso,Seat,10,40.00,USD,2026-09-01,2026-10-01\nContoso,Bolt,10,40.00,USD,2026-09-01,2026-10-01\n";
    let mut org = app.audited_org(entitlements, billing).await;
    let document = org.audit(json!({"from": "2026-09", "to": "2026-09"})).await;
    let mut desks = Vec::new();
    for gap in document["gaps"].as_array().unwrap() {
        let mut desk = Desk::open(&org.owner.caller, &[gap["id"].as_str().unwrap()]).await.0;
        // (40 + 40) / 800 = 10 %, and with the second one 20 %.
        settle(&mut desk, &org, 11, "INV-1").await;
        desks.push(desk);
    }
    later(&app, &mut org, 10).await;
    let line = |product: &str| format!("Contoso,{product},1,40.00,USD,2026-12-01,2027-01-01,INV-1,one_off\n");
    let header = "client,product,quantity,unit_price,currency,from,until,invoice,line_type\n";
    org.import_whole("first.csv", format!("{header}{}", line("Seat")), "").await;
    for desk in &mut desks {
        let correction = read(desk, &org).await;
        assert_eq!(correction["recovered"]["amount"], "0.00", "one of the two is not on it");
        assert_eq!(last_outcome(&correction)["kind"], "document_differs");
    }
    org.import_whole("second.csv", format!("{header}{}", line("Bolt")), "").await;
    for desk in &mut desks {
        assert_eq!(read(desk, &org).await["recovered"]["amount"], "40.00");
    }
}

#[tokio::test]
async fn a_credit_that_is_booked_as_a_charge_is_not_proved() {
    let app = TestApp::start().await;
    let (mut org, gap) = audited(&app, 60, 61, 9..=9).await;
    let owner = org.owner.caller.clone();
    let mut desk = Desk::open(&owner, &[&gap]).await.0;
    desk.ok(&owner, "communicate", message(60)).await;
    desk.ok(&owner, "credit", json!({"document": "CN-1", "apology": "We are sorry."})).await;
    desk.ok(&owner, "resolve", json!({"basis": "not_needed"})).await;
    later(&app, &mut org, 10).await;
    let header = "client,product,quantity,unit_price,currency,from,until,invoice,line_type\n";
    let line = |kind: &str| format!("Contoso,{PREMIUM},1,22.00,USD,2026-12-01,2027-01-01,CN-1,{kind}\n");
    org.import_whole("wrong.csv", format!("{header}{}", line("one_off")), "").await;
    let wrong = read(&mut desk, &org).await;
    assert_eq!(
        last_outcome(&wrong),
        &json!({"kind": "document_differs", "document": "CN-1", "expected": -2200, "shown": 2200})
    );
    assert_eq!(wrong["recovered"]["amount"], "0.00");
    // 22.00 too much on it, and 44.00 given back by a line of kind credit: 22.00 are given back.
    org.import_whole(
        "right.csv",
        format!("{header}{}{}", line("credit"), line("credit").replace("12-01", "12-02")),
        "",
    )
    .await;
    let right = read(&mut desk, &org).await;
    assert_eq!(last_outcome(&right)["kind"], "document_verified", "{:#}", right["verifications"]);
    assert_eq!(right["recovered"]["amount"], "22.00");
}

#[tokio::test]
async fn a_month_that_another_correction_holds_is_asked_again_until_it_is_free() {
    let app = TestApp::start().await;
    let (mut org, gap) = audited(&app, 61, 60, 9..=12).await;
    // Only September is closed in what the correction rests on; what is billed later is known already.
    let (mut desk, first) = {
        let document = org.audit(json!({"from": "2026-09", "to": "2026-09"})).await;
        assert_eq!(document["gaps"][0]["id"], gap.as_str());
        Desk::open(&org.owner.caller, &[&gap]).await
    };
    assert_eq!(first["lines"][0]["months"], json!(["2026-09"]));
    app.clock.advance(chrono::TimeDelta::minutes(1));
    settle(&mut desk, &org, 61, "INV-1").await;
    later(&app, &mut org, 45).await;
    org.audit(json!({"from": "2026-10", "to": "2026-12"})).await;
    let owner = org.owner.caller.clone();
    let (mut other, opened) = Desk::open(&owner, &[&gap]).await;
    assert_eq!(opened["lines"][0]["months"], json!(["2026-10", "2026-11", "2026-12"]));
    org.import_whole("december.csv", billed(60, "22.000", "USD", 12..=12), "").await;
    let waits = read(&mut desk, &org).await;
    assert_eq!(last_outcome(&waits)["kind"], "shortfall", "{:#}", waits["verifications"]);
    assert_eq!(
        (waits["state"].as_str(), &waits["verifications"][0]["acted"]),
        (Some("resolved"), &json!(false))
    );
    let reopen = json!({"because": "verification_failed"});
    assert_eq!(
        desk.refused(&owner, "reopen", reopen).await,
        (409, vec!["gap_in_another_correction".to_owned()])
    );
    other.ok(&owner, "withdraw", json!({"rule": {"reason": "Shared mailboxes", "owner": "Bea"}})).await;
    org.audit(json!({"from": "2026-12", "to": "2026-12"})).await;
    let reopened = read(&mut desk, &org).await;
    assert_eq!(reopened["state"], "found", "{reopened:#}");
    assert_eq!(share(&reopened["lines"][1]["balance"], "outstanding"), ("1.000000", "22.00"));
}

#[tokio::test]
async fn what_overshot_is_one_linked_correction_however_often_it_is_compared() {
    let app = TestApp::start().await;
    let (mut org, mut desk, _) = resolved(&app, 61).await;
    let biller = org.member(Role::Biller).await;
    later(&app, &mut org, 10).await;
    org.import_whole("december.csv", billed(62, "22.00", "USD", 12..=12), "").await;
    org.audit(json!({"from": "2026-12", "to": "2026-12"})).await;
    let linked = org.read("/v1/corrections?direction=over").await;
    assert_eq!(linked["data"].as_array().unwrap().len(), 1, "{linked:#}");
    assert_eq!(linked["data"][0]["opened_from"], desk.id.as_str());
    assert_eq!(share(&linked["data"][0]["balance"], "outstanding").1, "22.00");
    assert_eq!(read(&mut desk, &org).await["state"], "resolved");
    // Whoever may read it sees the same.
    let biller = app.sign_in(&biller.email, Some(org.id)).await.caller;
    assert_eq!(send(biller.get("/v1/corrections?direction=over")).await.1, linked);
}
