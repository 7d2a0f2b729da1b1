//! Many gaps at once, with a dry run first.

use super::audited;
use leakage_tests::{TestApp, assert_problem, send};
use serde_json::json;

#[tokio::test]
async fn a_dry_run_tells_and_keeps_nothing_then_gaps_are_opened_or_set_aside() {
    let app = TestApp::start().await;
    let entitlements = "client,product,purchased,from\nContoso,Seat,12,2026-08-01\nContoso,Bolt,5,2026-08-01\n\
                        Fabrikam,Seat,3,2026-08-01\n";
    let billing = "client,product,quantity,unit_price,currency,from,until\n\
                   Contoso,Seat,10,22.00,USD,2026-08-01,2026-09-01\nContoso,Bolt,4,10.00,USD,2026-08-01,2026-09-01\n\
                   Fabrikam,Seat,4,22.00,USD,2026-08-01,2026-09-01\n";
    let org = app.audited_org(entitlements, billing).await;
    let document = org.audit(json!({"from": "2026-08", "to": "2026-08"})).await;
    assert_eq!(document["gaps"].as_array().unwrap().len(), 3, "{document:#}");
    let audit = org.read("/v1/audits").await["data"][0]["id"].clone();
    let owner = &org.owner.caller;
    let bulk = |more: serde_json::Value| {
        let mut body = json!({"action": "open", "filter": {"audit_id": audit}});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        owner.post("/v1/corrections/bulk").json(&body)
    };
    let dry = send(bulk(json!({"dry_run": true}))).await;
    assert_eq!((dry.0, dry.1["groups"].as_array().unwrap().len()), (200, 2), "{:#}", dry.1);
    assert_eq!(dry.1["groups"][0]["amount"]["amount"], "54.00", "two gaps of Contoso in one letter");
    assert_eq!(org.read("/v1/corrections").await["data"], json!([]));

    let filter = json!({"audit_id": audit, "direction": "over"});
    let aside = json!({"action": "set_aside", "filter": filter});
    assert_problem(&send(bulk(aside.clone())).await, 422, "validation_failed");
    let mut aside = aside;
    for (name, value) in [("reason", "Renewal in December"), ("owner", "Bea"), ("review_on", "2026-12-15")] {
        aside[name] = json!(value);
    }
    let set = send(bulk(aside)).await;
    assert_eq!((set.0, set.1["set_aside"].as_array().unwrap().len()), (200, 1), "{:#}", set.1);
    let opened = send(bulk(json!({}))).await;
    assert_eq!(opened.1["groups"].as_array().unwrap().len(), 1, "what is set aside rests: {:#}", opened.1);
    let list = org.read("/v1/corrections").await;
    assert_eq!(list["data"][0]["lines"].as_array().unwrap().len(), 2);
    let again = send(bulk(json!({}))).await;
    assert_eq!(again.1["groups"][0]["refused"], "gap_in_another_correction");
}

#[tokio::test]
async fn the_organization_decides_where_bands_begin() {
    let app = TestApp::start().await;
    let (org, gap) = audited(&app, 61, 60, 7..=9).await;
    let owner = &org.owner.caller;
    let (status, _) = send(owner.post("/v1/corrections").json(&json!({ "gaps": [gap] }))).await;
    assert_eq!(status, 201);
    let id = org.read("/v1/corrections").await["data"][0]["id"].as_str().unwrap().to_owned();
    // (66 + 22) / 1,320 = 6.67 %
    let preview = org.read(&format!("/v1/corrections/{id}/preview")).await;
    assert_eq!((preview["percent"].as_str(), preview["band"].as_str()), (Some("6.67"), Some("send")));
    let settings = json!({"settings": {"corrections": {"bands": {"warn_from": 1, "plan_above": 2, "approval_above": 5}}}});
    let changed = owner.patch("/v1/organization").header("If-Match", "\"v1\"").json(&settings);
    let (status, answer) = send(changed).await;
    assert_eq!(status, 200, "{answer:#}");
    let preview = org.read(&format!("/v1/corrections/{id}/preview")).await;
    assert_eq!(preview["band"], "plan_and_approval");
}
