//! Proof by the next invoice where one client is billed to several billing entities: an office is compared with
//! what falls to it, and not with the client as a whole.

use super::{Desk, PREMIUM, message, said};
use crate::billing_entities::{allocate, contoso, entity};
use leakage_tests::{Org, TestApp, send};
use serde_json::{Value, json};

/// Contoso's lines of a month: office and seats.
fn lines(month: u32, offices: &[(&str, u32)]) -> String {
    let until = if month == 12 { "2027-01".to_owned() } else { format!("2026-{:02}", month + 1) };
    let line = |(office, seats): &(&str, u32)| {
        format!("Contoso,{office},{PREMIUM},{seats},22.00,USD,2026-{month:02}-01,{until}-01\n")
    };
    offices.iter().map(line).collect()
}

const HEADER: &str = "client,billing_entity,product,quantity,unit_price,currency,from,until\n";

/// Of 40 seats 20 go to Bonn and the rest to Kiel, which is billed 19; its correction is resolved with 20 seats from
/// December on.
async fn resolved(app: &TestApp) -> (Org<'_>, Desk) {
    let entitlements = format!("client,product,purchased,from\nContoso,{PREMIUM},40,2026-08-01\n");
    let months = (8..=9).map(|month| lines(month, &[("Bonn", 20), ("Kiel", 19)]));
    let billing: String = std::iter::once(HEADER.to_owned()).chain(months).collect();
    let mut org = app.audited_org(&entitlements, &billing).await;
    let (bonn, kiel) = (entity(&org, "Bonn").await, entity(&org, "Kiel").await);
    allocate(&org, &bonn, "fixed", Some("20")).await;
    allocate(&org, &kiel, "rest", None).await;
    let document = org.audit(json!({"from": "2026-08", "to": "2026-09"})).await;
    let gap = &document["gaps"][0];
    assert_eq!((&gap["billing_entity"], &gap["seats"]), (&json!("Kiel"), &json!("1")), "{document:#}");
    let owner = org.owner.caller.clone();
    let mut desk = Desk::open(&owner, &[gap["id"].as_str().unwrap()]).await.0;
    desk.ok(&owner, "communicate", message(20)).await;
    desk.ok(&owner, "bill", json!({"document": "INV-1", "on": "2026-12-01"})).await;
    desk.ok(&owner, "accept", json!({"said": said()})).await;
    desk.ok(&owner, "resolve", json!({"basis": "accepted"})).await;
    app.clock.advance(chrono::TimeDelta::days(10));
    org.owner = app.sign_in(&org.owner.email, Some(org.id)).await;
    (org, desk)
}

async fn outcomes(org: &Org<'_>, desk: &mut Desk) -> (String, Vec<Value>) {
    let correction = desk.read(&org.owner.caller, "").await;
    let noted = correction["verifications"].as_array().unwrap().iter();
    let seats = noted.map(|one| one["outcome"].clone()).filter(|outcome| outcome["line"] == 1);
    (correction["state"].as_str().unwrap().to_owned(), seats.collect())
}

#[tokio::test]
async fn an_office_is_proved_by_its_own_lines() {
    let proved = json!({"kind": "forward_verified", "line": 1, "seats": 20});
    let short = json!({"kind": "shortfall", "line": 1, "seats": 1, "billed": 19});
    let over = json!({"kind": "opposite", "line": 1, "seats": 2, "billed": 22});
    for (bonn, kiel, state, outcome) in [
        (20, 20, "resolved", &proved),
        // Another office's seats neither make up for it nor are held against it.
        (21, 19, "found", &short),
        (18, 20, "resolved", &proved),
        (18, 22, "resolved", &over),
    ] {
        let app = TestApp::start().await;
        let (org, mut desk) = resolved(&app).await;
        let file = format!("{HEADER}{}", lines(12, &[("Bonn", bonn), ("Kiel", kiel)]));
        org.import_whole("december.csv", file, "").await;
        assert_eq!(
            outcomes(&org, &mut desk).await,
            (state.to_owned(), vec![outcome.clone()]),
            "{bonn} {kiel}"
        );
        if outcome == &over {
            let linked = org.read("/v1/corrections?direction=over").await["data"][0].clone();
            assert_eq!(linked["billing_entity"], "Kiel", "{linked:#}");
            let document = org.audit(json!({"from": "2026-12", "to": "2026-12"})).await;
            let gaps = document["gaps"].as_array().unwrap();
            let own = gaps.iter().find(|gap| gap["billing_entity"] == "Kiel").unwrap();
            assert_eq!(own["id"], linked["lines"][0]["gap_id"], "{document:#}");
        }
    }
}

#[tokio::test]
async fn an_office_whose_invoice_is_not_there_yet_waits_for_it() {
    let app = TestApp::start().await;
    let (org, mut desk) = resolved(&app).await;
    org.import_whole("bonn.csv", format!("{HEADER}{}", lines(12, &[("Bonn", 20)])), "").await;
    assert_eq!(outcomes(&org, &mut desk).await, ("resolved".to_owned(), Vec::new()));
    org.import_whole("kiel.csv", format!("{HEADER}{}", lines(12, &[("Kiel", 20)])), "").await;
    assert_eq!(outcomes(&org, &mut desk).await.1[0]["kind"], "forward_verified");
}

#[tokio::test]
async fn a_seat_that_came_is_billed_to_the_office_that_it_falls_to_under_its_new_name_too() {
    for (kiel, state, outcome) in [
        (21, "resolved", json!({"kind": "forward_verified", "line": 1, "seats": 21})),
        (20, "found", json!({"kind": "shortfall", "line": 1, "seats": 1, "billed": 20})),
    ] {
        let app = TestApp::start().await;
        let (org, mut desk) = resolved(&app).await;
        let more = format!(
            "client,product,purchased,from,until\nContoso,{PREMIUM},40,2026-08-01,2026-11-25\n\
             Contoso,{PREMIUM},41,2026-11-25,\n"
        );
        org.import_whole("more.csv", more, "").await;
        let entities = org.read(&format!("{}/billing-entities", contoso(&org).await)).await;
        let office = entities["data"].as_array().unwrap().iter().find(|one| one["name"] == "Kiel").unwrap();
        let path = format!("{}/billing-entities/{}", contoso(&org).await, office["id"].as_str().unwrap());
        let renamed = org.owner.caller.patch(&path).header("If-Match", "\"v1\"");
        assert_eq!(send(renamed.json(&json!({"name": "Kiel Harbour"}))).await.0, 200);
        let file = format!("{HEADER}{}", lines(12, &[("Bonn", 20), ("Kiel Harbour", kiel)]));
        org.import_whole("december.csv", file, "").await;
        assert_eq!(outcomes(&org, &mut desk).await, (state.to_owned(), vec![outcome]), "{kiel}");
    }
}
