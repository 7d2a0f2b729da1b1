//! The monthly cycle: a schedule, reminders, audits that start by themselves, and what they announce.
//!
//! The schedule of these tests: invoiced on the 5th for the month before, imports due two days earlier. For
//! November 2026 that is: files must tell of 23 November at least, due on 3 December, invoice on 5 December.

use chrono::{DateTime, Utc};
use leakage_tests::{Org, TestApp, assert_problem, send};
use serde_json::{Value, json};

const SCHEDULE: &str = "/v1/reconciliation-schedule";

/// Moves the clock forward to a time, lets the worker look, and signs the owner in again.
async fn at(app: &TestApp, org: &mut Org<'_>, time: &str) {
    let time: DateTime<Utc> = time.parse().unwrap();
    app.clock.advance(time - app.clock.now());
    app.work().await;
    org.owner = app.sign_in(&org.owner.email, Some(org.id)).await;
}

async fn put(org: &Org<'_>, path: &str, version: i64, schedule: Value) -> (u16, Value) {
    let request = org.owner.caller.put(path).header("If-Match", format!("\"v{version}\""));
    send(request.json(&schedule)).await
}

/// An organization that is invoiced on the 5th.
async fn scheduled(app: &TestApp) -> Org<'_> {
    let org = app.org("Example MSP").await;
    let (status, set) = put(&org, SCHEDULE, 1, json!({"invoice_day": 5})).await;
    assert_eq!((status, set["version"].as_i64()), (200, Some(2)), "{set:#}");
    app.work().await;
    org
}

/// Types of the events from a number on, with the last number.
async fn events(org: &Org<'_>, after: i64) -> (Vec<Value>, i64) {
    let page = org.read(&format!("/v1/events?after={after}&limit=500")).await;
    assert_eq!(page["has_more"], false);
    let events = page["data"].as_array().unwrap().clone();
    let last = events.last().map_or(after, |event| event["sequence"].as_i64().unwrap());
    (events, last)
}

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

/// Name, status and missing sides of each client of a month.
async fn clients(org: &Org<'_>, month: &str) -> Vec<(String, String, Vec<String>)> {
    let page = org.read(&format!("/v1/cycles/{month}/clients")).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut clients: Vec<_> = page["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|client| {
            let missing = client["missing"].as_array().unwrap().iter().map(|missing| text(&missing["side"]));
            (text(&client["name"]), text(&client["status"]), missing.collect())
        })
        .collect();
    clients.sort();
    clients
}

fn stands(name: &str, status: &str, missing: &[&str]) -> (String, String, Vec<String>) {
    (name.to_owned(), status.to_owned(), missing.iter().map(|side| (*side).to_owned()).collect())
}

async fn audits(org: &Org<'_>) -> usize {
    org.read("/v1/audits").await["data"].as_array().unwrap().len()
}

const ENTITLEMENTS: &str = "client,product,purchased,from,until\n\
    Contoso,Business Premium,10,2026-11-01,\n\
    Fabrikam,Business Premium,5,2026-11-01,\n";

/// What Contoso is billed for a month.
fn billing(quantity: u32, from: &str, until: &str) -> String {
    format!(
        "client,product,quantity,unit_price,currency,from,until\n\
         Contoso,Business Premium,{quantity},22.00,USD,{from},{until}\n"
    )
}

#[tokio::test]
async fn a_month_goes_from_reminders_to_an_audit_before_the_invoice_and_the_next_one_follows() {
    let app = TestApp::start().await;
    let mut org = scheduled(&app).await;
    at(&app, &mut org, "2026-11-24T08:00:00Z").await;
    org.import_whole("seats.csv", ENTITLEMENTS, "").await;
    assert_eq!(
        clients(&org, "2026-11").await,
        [stands("Contoso", "due", &["billing"]), stands("Fabrikam", "due", &["billing"])]
    );
    assert_eq!(events(&org, 0).await, (vec![], 0), "it is too early to remind");

    // Five days before the due date, and never again for that day.
    at(&app, &mut org, "2026-11-28T00:00:00Z").await;
    at(&app, &mut org, "2026-11-28T12:00:00Z").await;
    at(&app, &mut org, "2026-11-29T12:00:00Z").await;
    let (reminders, seen) = events(&org, 0).await;
    assert_eq!(types(&reminders), ["import.due_soon"], "{reminders:#?}");
    let data = &reminders[0]["data"];
    assert_eq!((&data["due_date"], &data["clients"]), (&json!("2026-12-03"), &json!(2)), "{data:#}");
    assert_eq!(data["missing"], json!([{"side": "billing", "source": null}]));
    at(&app, &mut org, "2026-12-02T07:00:00Z").await;
    let (reminders, seen) = events(&org, seen).await;
    assert_eq!(types(&reminders), ["import.due_soon"]);

    // The other side of one client: its audit runs by itself.
    assert_eq!(audits(&org).await, 0);
    org.import_whole("billing.csv", billing(8, "2026-11-01", "2026-12-01"), "").await;
    let (happened, seen) = events(&org, seen).await;
    assert_eq!(types(&happened), ["cycle.ready", "audit.completed", "gap.found"], "{happened:#?}");
    let gap = &happened[2];
    assert_eq!((&gap["month"], &gap["data"]["seats"]), (&json!("2026-11"), &json!("2")), "{gap:#}");
    assert_eq!(gap["data"]["amount"], json!({"amount": "44.00", "currency": "USD"}), "{gap:#}");
    assert_eq!(gap["audit_id"], happened[0]["audit_id"]);
    let found = org.read(&format!("/v1/gaps/{}", gap["gap_id"].as_str().unwrap())).await;
    assert_eq!(found["client_id"], gap["client_id"]);
    assert_eq!(
        clients(&org, "2026-11").await,
        [stands("Contoso", "audited", &[]), stands("Fabrikam", "due", &["billing"])]
    );

    // Who is missing is overdue and stays so, also when the invoice has gone out.
    at(&app, &mut org, "2026-12-04T00:00:00Z").await;
    let (happened, seen) = events(&org, seen).await;
    assert_eq!(types(&happened), ["import.overdue"], "{happened:#?}");
    assert_eq!((&happened[0]["data"]["clients"], happened[0]["client_id"].is_string()), (&json!(1), true));
    at(&app, &mut org, "2026-12-09T00:00:00Z").await;
    assert_eq!(
        clients(&org, "2026-11").await,
        [stands("Contoso", "audited", &[]), stands("Fabrikam", "overdue", &["billing"])]
    );
    let both: &[&str] = &["entitlement", "billing"];
    assert_eq!(
        clients(&org, "2026-12").await,
        [stands("Contoso", "waiting", both), stands("Fabrikam", "waiting", both)]
    );
    let november = org.read("/v1/cycles/2026-11").await;
    assert_eq!(november["caught"]["beginning_unknown"], 1, "October was not audited: {november:#}");
    assert_eq!(november["caught"]["share"], Value::Null);
    assert_eq!(november["clients"]["overdue"], 1);
    assert_eq!(events(&org, seen).await.0, Vec::<Value>::new());

    // December: the first gap is corrected, another one begins, found before the invoice of 5 January.
    at(&app, &mut org, "2027-01-02T09:00:00Z").await;
    let (_, seen) = events(&org, seen).await;
    let more = format!("{ENTITLEMENTS}Contoso,Visio Plan 2,3,2026-12-10,\n");
    org.import_whole("seats2.csv", more, "").await;
    org.import_whole("billing2.csv", billing(10, "2026-12-01", "2027-01-01"), "").await;
    let (happened, _) = events(&org, seen).await;
    let gaps: Vec<&str> = types(&happened).into_iter().filter(|kind| kind.starts_with("gap.")).collect();
    assert_eq!(gaps, ["gap.found", "gap.closed"], "{happened:#?}");
    let december = org.read("/v1/cycles/2026-12").await;
    assert_eq!(
        december["caught"],
        json!({"began": 1, "found_before_invoice": 1, "share": "1.0000", "beginning_unknown": 0, "continued": 0})
    );
    let months: Vec<Value> = org.read("/v1/cycles").await["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|cycle| cycle["month"].clone())
        .collect();
    assert_eq!(months, [json!("2026-12"), json!("2026-11")]);
}

#[tokio::test]
async fn a_gap_that_is_found_after_the_invoice_is_not_caught() {
    let app = TestApp::start().await;
    let mut org = scheduled(&app).await;
    at(&app, &mut org, "2026-12-01T08:00:00Z").await;
    org.import_whole("seats.csv", ENTITLEMENTS, "").await;
    org.import_whole("billing.csv", billing(10, "2026-11-01", "2026-12-01"), "").await;
    let (happened, _) = events(&org, 0).await;
    assert_eq!(
        types(&happened),
        ["import.due_soon", "cycle.ready", "audit.completed"],
        "no gap: {happened:#?}"
    );
    // December's files come after the invoice of 5 January.
    at(&app, &mut org, "2027-01-07T08:00:00Z").await;
    let more = ENTITLEMENTS.replace(",10,2026-11-01,", ",12,2026-12-10,");
    org.import_whole("seats2.csv", more, "").await;
    org.import_whole("billing2.csv", billing(10, "2026-12-01", "2027-01-01"), "").await;
    assert_eq!(clients(&org, "2026-12").await[0], stands("Contoso", "late", &[]));
    let december = org.read("/v1/cycles/2026-12").await;
    assert_eq!(
        december["caught"],
        json!({"began": 1, "found_before_invoice": 0, "share": "0.0000", "beginning_unknown": 0, "continued": 0})
    );
}

#[tokio::test]
async fn a_corrected_file_is_audited_again_and_closes_the_gap_and_another_brings_it_back() {
    let app = TestApp::start().await;
    let mut org = scheduled(&app).await;
    at(&app, &mut org, "2026-12-01T08:00:00Z").await;
    org.import_whole("seats.csv", ENTITLEMENTS, "").await;
    org.import_whole("billing.csv", billing(8, "2026-11-01", "2026-12-01"), "").await;
    let (_, seen) = events(&org, 0).await;
    app.clock.advance(chrono::TimeDelta::minutes(1));
    let corrected = org.import_whole("billing2.csv", billing(10, "2026-11-01", "2026-12-01"), "").await;
    let (happened, seen) = events(&org, seen).await;
    assert_eq!(types(&happened), ["cycle.ready", "audit.completed", "gap.closed"], "{happened:#?}");
    assert_eq!(happened[0]["data"]["newly_complete"], 0);
    // The correction was a mistake.
    app.clock.advance(chrono::TimeDelta::minutes(1));
    let path = format!("/v1/imports/{}/void", corrected["id"].as_str().unwrap());
    let request = org.owner.caller.post(&path).header("If-Match", format!("\"v{}\"", corrected["version"]));
    assert_eq!(send(request.json(&json!({"reason": "Wrong month"}))).await.0, 200);
    app.work().await;
    let (happened, seen) = events(&org, seen).await;
    assert_eq!(types(&happened), ["cycle.ready", "audit.completed", "gap.recurred"], "{happened:#?}");
    // The same facts again: nothing.
    app.clock.advance(chrono::TimeDelta::minutes(1));
    at(&app, &mut org, "2026-12-02T08:00:00Z").await;
    assert_eq!(types(&events(&org, seen).await.0), ["import.due_soon"], "Fabrikam's, and nothing of Contoso");
    assert_eq!(audits(&org).await, 3);
}

#[tokio::test]
async fn a_setting_that_audits_read_starts_another_audit_and_no_other_setting_does() {
    let app = TestApp::start().await;
    let mut org = scheduled(&app).await;
    at(&app, &mut org, "2026-12-01T08:00:00Z").await;
    // Two seats from the middle of the month on.
    let seats = "client,product,purchased,from,until\n\
                 Contoso,Business Premium,8,2026-11-01,2026-11-16\nContoso,Business Premium,10,2026-11-16,\n";
    org.import_whole("seats.csv", seats, "").await;
    org.import_whole("billing.csv", billing(8, "2026-11-01", "2026-12-01"), "").await;
    let (_, mut seen) = events(&org, 0).await;
    assert_eq!(audits(&org).await, 1);
    let mut change = async |what: Value| {
        app.clock.advance(chrono::TimeDelta::minutes(1));
        let tag = org.owner.caller.get("/v1/organization").send().await.unwrap().headers()["etag"].clone();
        let request = org.owner.caller.patch("/v1/organization").header("If-Match", tag).json(&what);
        let (status, answer) = send(request).await;
        assert_eq!(status, 200, "{answer:#}");
        app.work().await;
        let (happened, last) = events(&org, seen).await;
        seen = last;
        (types(&happened).iter().map(ToString::to_string).collect::<Vec<_>>(), audits(&org).await)
    };
    for other in [
        json!({"name": "Another name"}),
        json!({"settings": {"invitation_days": 3, "evidence_retention_months": 24}}),
        json!({"settings": {"proration": "daily", "basis": "purchased", "source_order": []}}),
    ] {
        assert_eq!(change(other.clone()).await, (vec![], 1), "{other}");
    }
    let (happened, count) = change(json!({"settings": {"proration": "full_month"}})).await;
    assert_eq!((happened, count), (vec!["cycle.ready".to_owned(), "audit.completed".to_owned()], 2));
    assert_eq!(
        org.read("/v1/gaps").await["data"][0]["latest"]["amount"]["amount"],
        "44.00",
        "of the whole month"
    );
    assert_eq!(change(json!({"settings": {"proration": "daily"}})).await.1, 3, "back again is a change, too");
    assert_eq!(change(json!({"settings": {"source_order": ["template_entitlements"]}})).await.1, 4);
    assert_eq!(change(json!({"settings": {"proration": "daily"}})).await, (vec![], 4), "no change");
    // After the invoice what was audited stays.
    at(&app, &mut org, "2026-12-06T08:00:00Z").await;
    let before = audits(&org).await;
    let request = org.owner.caller.patch("/v1/organization");
    let tag = org.owner.caller.get("/v1/organization").send().await.unwrap().headers()["etag"].clone();
    let changed =
        send(request.header("If-Match", tag).json(&json!({"settings": {"proration": "next_month"}}))).await;
    assert_eq!(changed.0, 200);
    app.work().await;
    assert_eq!(audits(&org).await, before);
}

#[tokio::test]
async fn two_imports_at_once_start_one_audit() {
    let app = TestApp::start().await;
    let mut org = scheduled(&app).await;
    at(&app, &mut org, "2026-12-01T08:00:00Z").await;
    assert_eq!(org.upload("seats.csv", ENTITLEMENTS, "").await.0, 202);
    assert_eq!(org.upload("billing.csv", billing(8, "2026-11-01", "2026-12-01"), "").await.0, 202);
    tokio::join!(app.work(), app.work(), app.work());
    app.work().await;
    assert_eq!(audits(&org).await, 1);
    let (happened, _) = events(&org, 0).await;
    let mut types = types(&happened);
    types.sort_unstable();
    // The first of the two may have been looked at alone: then who is missing was reminded.
    types.retain(|kind| !kind.starts_with("import."));
    assert_eq!(types, ["audit.completed", "cycle.ready", "gap.found"]);
}

#[tokio::test]
async fn a_month_that_was_audited_while_it_ran_is_audited_once_more_when_it_is_over() {
    let app = TestApp::start().await;
    let mut org = scheduled(&app).await;
    at(&app, &mut org, "2026-11-25T08:00:00Z").await;
    org.import_whole("seats.csv", ENTITLEMENTS, "").await;
    org.import_whole("billing.csv", billing(8, "2026-11-01", "2026-12-01"), "").await;
    assert_eq!(audits(&org).await, 1);
    for time in
        ["2026-11-27T00:00:00Z", "2026-11-30T23:00:00Z", "2026-12-02T00:00:00Z", "2026-12-07T00:00:00Z"]
    {
        at(&app, &mut org, time).await;
    }
    let audits = org.read("/v1/audits").await["data"].as_array().unwrap().clone();
    let days: Vec<&str> = audits.iter().map(|audit| audit["as_of"].as_str().unwrap()).collect();
    assert_eq!(days, ["2026-11-30", "2026-11-25"], "{audits:#?}");
    let found = events(&org, 0).await.0.into_iter().filter(|event| event["type"] == "gap.found").count();
    assert_eq!(found, 1, "the same gap is no news");
}

#[tokio::test]
async fn two_names_that_a_mapping_joins_are_one_client_of_the_cycle() {
    let app = TestApp::start().await;
    let mut org = scheduled(&app).await;
    at(&app, &mut org, "2026-12-01T08:00:00Z").await;
    let seats = "client,product,purchased,from,until\nContoso,Business Premium,10,2026-11-01,\n";
    org.import_whole("seats.csv", seats, "").await;
    let bill = billing(8, "2026-11-01", "2026-12-01").replace("Contoso", "Contoso Legal Ltd");
    org.import_whole("billing.csv", bill, "").await;
    assert_eq!(audits(&org).await, 0, "each name misses the other's file");
    let body = json!({"side": "client", "source": "Contoso Legal Ltd", "target": "Contoso"});
    assert_eq!(send(org.owner.caller.post("/v1/mappings").json(&body)).await.0, 201);
    app.work().await;
    assert_eq!(audits(&org).await, 1);
    assert_eq!(clients(&org, "2026-11").await, [stands("Contoso", "audited", &[])], "the two are one");
    let (happened, _) = events(&org, 0).await;
    assert!(types(&happened).contains(&"gap.found"), "{happened:#?}");
}

#[tokio::test]
async fn a_client_that_an_audit_could_not_compare_is_not_audited_and_the_reason_is_told() {
    let app = TestApp::start().await;
    let mut org = scheduled(&app).await;
    at(&app, &mut org, "2026-12-01T08:00:00Z").await;
    org.import_whole("seats.csv", ENTITLEMENTS, "").await;
    let partial = format!("{}Contoso,Visio,many,9,USD,2026-11-01,\n", billing(8, "2026-11-01", "2026-12-01"));
    let partial = org.import_whole("billing.csv", partial, "accept_partial=true").await;
    let page = org.read("/v1/cycles/2026-11/clients?status=ready").await;
    assert_eq!(page["data"][0]["not_compared"], "incomplete_import", "{page:#}");
    let (happened, seen) = events(&org, 0).await;
    assert!(!types(&happened).contains(&"gap.found"), "{happened:#?}");
    // Nobody audits it again for the same facts.
    at(&app, &mut org, "2026-12-02T08:00:00Z").await;
    assert_eq!(audits(&org).await, 1);
    let path = format!("/v1/imports/{}/void", partial["id"].as_str().unwrap());
    let void = org.owner.caller.post(&path).header("If-Match", format!("\"v{}\"", partial["version"]));
    assert_eq!(send(void.json(&json!({"reason": "A row is wrong"}))).await.0, 200);
    org.import_whole("billing2.csv", billing(8, "2026-11-01", "2026-12-01"), "").await;
    assert_eq!(clients(&org, "2026-11").await[0], stands("Contoso", "audited", &[]));
    assert!(types(&events(&org, seen).await.0).contains(&"gap.found"));
}

#[tokio::test]
async fn a_product_that_could_not_be_compared_is_no_sign_that_its_gap_is_gone() {
    let app = TestApp::start().await;
    let mut org = scheduled(&app).await;
    at(&app, &mut org, "2026-12-01T08:00:00Z").await;
    org.import_whole("seats.csv", ENTITLEMENTS, "").await;
    org.import_whole("billing.csv", billing(8, "2026-11-01", "2026-12-01"), "").await;
    at(&app, &mut org, "2027-01-01T08:00:00Z").await;
    let (_, seen) = events(&org, 0).await;
    org.import_whole("seats2.csv", format!("{ENTITLEMENTS}Contoso,Visio,1,2026-12-01,\n"), "").await;
    let half = billing(8, "2026-12-01", "2027-01-01").replace(",8,", ",8.5,");
    org.import_whole("billing2.csv", half, "").await;
    assert_eq!(clients(&org, "2026-12").await[0], stands("Contoso", "audited", &[]));
    let (happened, _) = events(&org, seen).await;
    let gaps: Vec<&Value> = happened.iter().filter(|event| event["gap_id"].is_string()).collect();
    assert_eq!(gaps.len(), 1, "only Visio's: {gaps:#?}");
    assert_eq!((&gaps[0]["type"], &gaps[0]["data"]["product"]), (&json!("gap.found"), &json!("Visio")));
}

#[tokio::test]
async fn what_is_decided_before_the_invoice_is_audited_again() {
    let app = TestApp::start().await;
    let mut org = scheduled(&app).await;
    at(&app, &mut org, "2026-12-01T08:00:00Z").await;
    org.import_whole("seats.csv", ENTITLEMENTS, "").await;
    org.import_whole("billing.csv", billing(8, "2026-11-01", "2026-12-01"), "").await;
    let (_, mut seen) = events(&org, 0).await;
    assert_eq!(audits(&org).await, 1);
    let clients = org.read("/v1/clients").await["data"].as_array().unwrap().clone();
    let id = |name: &str| clients.iter().find(|client| client["name"] == name).unwrap()["id"].clone();
    let (contoso, fabrikam) = (id("Contoso"), id("Fabrikam"));
    let entities = format!("/v1/clients/{}/billing-entities", contoso.as_str().unwrap());
    let rule = |client: &Value| {
        json!({"kind": "exclude", "value": "2", "product": "Business Premium", "client_id": client,
               "valid_from": "2026-11-01", "reason": "Internal", "owner": "Dana"})
    };
    for (path, body, happens) in [
        ("/v1/rules", rule(&contoso), &["cycle.ready", "audit.completed", "gap.closed"][..]),
        ("/v1/rules", rule(&fabrikam), &[]),
        (
            "/v1/prices",
            json!({"product": "Business Premium", "unit_price": "23.00", "currency": "USD", "valid_from": "2026-01-01"}),
            &["cycle.ready", "audit.completed"],
        ),
        (
            "/v1/policies",
            json!({"client_id": contoso, "proration": "full_month", "valid_from": "2026-01-01", "reason": "Agreed"}),
            &["cycle.ready", "audit.completed"],
        ),
        (entities.as_str(), json!({"name": "Harbour"}), &["cycle.ready", "audit.completed"]),
    ] {
        app.clock.advance(chrono::TimeDelta::minutes(1));
        let (status, made) = send(org.owner.caller.post(path).json(&body)).await;
        assert_eq!(status, 201, "{made:#}");
        app.work().await;
        let (happened, last) = events(&org, seen).await;
        assert_eq!(types(&happened), happens, "{path} {body}: {happened:#?}");
        seen = last;
    }
    // After the invoice there is nothing left to correct on it.
    at(&app, &mut org, "2026-12-06T08:00:00Z").await;
    let before = audits(&org).await;
    assert_eq!(send(org.owner.caller.post("/v1/rules").json(&rule(&contoso))).await.0, 201);
    app.work().await;
    assert_eq!(audits(&org).await, before);
}

#[tokio::test]
async fn gaps_of_audits_that_people_start_are_announced_once() {
    let app = TestApp::start().await;
    let org = app.audited_org(ENTITLEMENTS, &billing(8, "2026-11-01", "2026-12-01")).await;
    let gaps = async |request: Value, after: i64| {
        app.clock.advance(chrono::TimeDelta::minutes(1));
        org.audit(request).await;
        let (happened, last) = events(&org, after).await;
        let gaps = types(&happened).into_iter().filter(|kind| kind.starts_with("gap.")).map(str::to_owned);
        (gaps.collect::<Vec<_>>(), last)
    };
    let november = json!({"from": "2026-11", "to": "2026-11", "as_of": "2026-11-22"});
    let (happened, seen) = gaps(november.clone(), 0).await;
    assert_eq!(happened, ["gap.found"]);
    let (happened, seen) = gaps(november.clone(), seen).await;
    assert_eq!(happened, [""; 0], "the same gap is no news");
    org.import_whole("billing2.csv", billing(10, "2026-11-01", "2026-12-01"), "").await;
    let (happened, seen) = gaps(november.clone(), seen).await;
    assert_eq!(happened, ["gap.closed"]);
    let mut then = november.clone();
    then["known_at"] = org.read("/v1/audits").await["data"][1]["known_at"].clone();
    let (happened, seen) = gaps(then, seen).await;
    assert_eq!(happened, [""; 0], "what was known then is no news now");
    org.import_whole("billing3.csv", billing(9, "2026-11-01", "2026-12-01"), "").await;
    assert_eq!(gaps(november, seen).await.0, ["gap.recurred"]);
}

#[tokio::test]
async fn a_schedule_is_set_with_the_version_that_was_read() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let unset = org.read(SCHEDULE).await;
    assert_eq!((&unset["version"], &unset["schedule"]["enabled"]), (&json!(1), &json!(false)));
    assert_eq!((&unset["set_by"], &unset["current_month"]), (&Value::Null, &Value::Null));
    let without = org.owner.caller.put(SCHEDULE).json(&json!({"invoice_day": 5}));
    assert_problem(&send(without).await, 428, "precondition_required");
    assert_problem(&put(&org, SCHEDULE, 7, json!({"invoice_day": 5})).await, 412, "version_mismatch");
    let (status, set) = put(&org, SCHEDULE, 1, json!({"invoice_day": 31, "due_days_before": 3})).await;
    assert_eq!(status, 200, "{set:#}");
    let days = (&set["current_month"], &set["due_date"], &set["invoice_date"]);
    assert_eq!(days, (&json!("2026-10"), &json!("2026-11-27"), &json!("2026-11-30")));
    assert_problem(&put(&org, SCHEDULE, 1, json!({"invoice_day": 5})).await, 412, "version_mismatch");
    for (bad, pointer) in [
        (json!({"invoice_day": 0}), "/invoice_day"),
        (json!({"invoice_day": 5, "expected": [{"side": "billing"}]}), "/expected"),
        (json!({"invoice_day": 5, "remind_days_before": [99]}), "/remind_days_before/0"),
        (json!({"invoice_day": 5, "invoiced": "sometimes"}), "/invoiced"),
        (json!({"invoice_day": 5, "day": 3}), "/day"),
    ] {
        let answer = put(&org, SCHEDULE, 2, bad.clone()).await;
        assert_problem(&answer, 422, "validation_failed");
        assert_eq!(answer.1["errors"][0]["pointer"], pointer, "{bad}");
    }
    app.work().await;
}

#[tokio::test]
async fn a_clients_own_schedule_counts_until_it_is_withdrawn() {
    let app = TestApp::start().await;
    let mut org = scheduled(&app).await;
    at(&app, &mut org, "2026-11-24T08:00:00Z").await;
    org.import_whole("seats.csv", ENTITLEMENTS, "").await;
    let found = org.read("/v1/clients").await;
    let id = found["data"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/clients/{id}/reconciliation-schedule");
    let of = org.read(&path).await;
    assert_eq!((&of["of"], &of["version"]), (&json!("organization"), &json!(1)));
    // Invoiced on the 28th for the same month: due on the 26th.
    let own = json!({"invoice_day": 28, "invoiced": "advance"});
    assert_eq!(put(&org, &path, 1, own).await.0, 200);
    app.work().await;
    let page = org.read("/v1/cycles/2026-11/clients").await;
    for client in page["data"].as_array().unwrap() {
        let due = if client["client_id"] == id.as_str() { "2026-11-26" } else { "2026-12-03" };
        assert_eq!(client["due_date"], due, "{page:#}");
    }
    let cycle = org.read("/v1/cycles/2026-11").await;
    assert_eq!(
        (&cycle["first_invoice_date"], &cycle["last_invoice_date"]),
        (&json!("2026-11-28"), &json!("2026-12-05"))
    );

    let withdraw = org.owner.caller.delete(&path).header("If-Match", "\"v2\"");
    let (status, of) = send(withdraw).await;
    assert_eq!((status, &of["of"], &of["version"]), (200, &json!("organization"), &json!(3)), "{of:#}");
    app.work().await;
    let page = org.read("/v1/cycles/2026-11/clients").await;
    assert!(
        page["data"].as_array().unwrap().iter().all(|client| client["due_date"] == "2026-12-03"),
        "{page:#}"
    );
    // Set again, it goes on from there.
    assert_eq!(put(&org, &path, 3, json!({"invoice_day": 1, "enabled": false})).await.0, 200);
    app.work().await;
    assert_eq!(clients(&org, "2026-11").await, [stands("Fabrikam", "due", &["billing"])]);
    // And nobody is in a cycle when the organization's is not enabled.
    assert_eq!(put(&org, SCHEDULE, 2, json!({"invoice_day": 5, "enabled": false})).await.0, 200);
    app.work().await;
    assert_problem(&send(org.owner.caller.get("/v1/cycles/2026-11")).await, 404, "not_found");
}

#[tokio::test]
async fn events_are_numbered_without_holes_and_read_page_by_page() {
    let app = TestApp::start().await;
    let mut org = scheduled(&app).await;
    at(&app, &mut org, "2026-12-01T08:00:00Z").await;
    org.import_whole("seats.csv", ENTITLEMENTS, "").await;
    org.import_whole("billing.csv", billing(8, "2026-11-01", "2026-12-01"), "").await;
    let (all, last) = events(&org, 0).await;
    let numbers: Vec<i64> = all.iter().map(|event| event["sequence"].as_i64().unwrap()).collect();
    assert_eq!(numbers, (1..=last).collect::<Vec<_>>());
    let (mut paged, mut path) = (Vec::new(), "/v1/events?limit=1".to_owned());
    loop {
        let page = org.read(&path).await;
        paged.extend(page["data"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/events?limit=1&cursor={cursor}");
    }
    assert_eq!(paged, all);
    let gaps = org.read("/v1/events?type=gap.found").await;
    assert_eq!(gaps["data"].as_array().unwrap().len(), 1);
    assert_problem(&send(org.owner.caller.get("/v1/events?type=gap.lost")).await, 400, "unreadable_request");
}

#[tokio::test]
async fn another_organization_sees_nothing_of_it() {
    let app = TestApp::start().await;
    let mut org = scheduled(&app).await;
    let mut other = app.org("Other MSP").await;
    at(&app, &mut org, "2026-12-01T08:00:00Z").await;
    org.import_whole("seats.csv", ENTITLEMENTS, "").await;
    org.import_whole("billing.csv", billing(8, "2026-11-01", "2026-12-01"), "").await;
    other.owner = app.sign_in(&other.owner.email, Some(other.id)).await;
    assert_eq!(other.read("/v1/events").await["data"], json!([]));
    assert_eq!(other.read("/v1/cycles").await["data"], json!([]));
    for path in ["/v1/cycles/2026-11", "/v1/cycles/2026-11/clients"] {
        assert_eq!(org.read(path).await["month"].is_null(), path.ends_with("clients"));
        assert_problem(&send(other.owner.caller.get(path)).await, 404, "not_found");
    }
    assert_eq!(other.read(SCHEDULE).await["version"], 1);
}
