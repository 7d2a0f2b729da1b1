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
async fn what_is_refused_keeps_nothing_else_from_being_opened_and_a_dry_run_says_the_same() {
    let app = TestApp::start().await;
    let clients = ["Adatum", "Contoso", "Fabrikam", "Litware"];
    let rows = |row: &dyn Fn(&str) -> String| clients.iter().map(|client| row(client)).collect::<String>();
    let entitlements = rows(&|client| {
        format!("{client},Seat,12,2026-08-01\n{client},Bolt,5,2026-08-01\n{client},Unpriced,5,2026-08-01\n")
    });
    let billing = rows(&|client| {
        format!(
            "{client},Seat,10,22.00,USD,2026-08-01,2026-09-01\n{client},Bolt,4,10.00,USD,2026-08-01,2026-09-01\n"
        )
    });
    let entitlements = format!("client,product,purchased,from\n{entitlements}");
    let billing = format!("client,product,quantity,unit_price,currency,from,until\n{billing}");
    let org = app.audited_org(&entitlements, &billing).await;
    let document = org.audit(json!({"from": "2026-08", "to": "2026-08"})).await;
    let audit = org.read("/v1/audits").await["data"][0]["id"].clone();
    let owner = &org.owner.caller;
    let contoso = document["gaps"].as_array().unwrap().iter();
    let mut contoso = contoso.filter(|gap| gap["client"] == "Contoso" && gap["product"] == "Seat");
    super::Desk::open(owner, &[contoso.next().unwrap()["id"].as_str().unwrap()]).await;
    let bulk = async |dry_run: bool| {
        let body = json!({"action": "open", "filter": {"audit_id": audit}, "dry_run": dry_run});
        let (status, answer) = send(owner.post("/v1/corrections/bulk").json(&body)).await;
        assert_eq!(status, 200, "{answer:#}");
        answer
    };
    let dry = bulk(true).await;
    assert_eq!(org.read("/v1/corrections").await["data"].as_array().unwrap().len(), 1);
    let mut real = bulk(false).await;
    let told = |answer: &serde_json::Value| -> Vec<(String, Option<String>, Option<String>)> {
        let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
        let groups = answer["groups"].as_array().unwrap().iter();
        groups
            .map(|group| {
                (text(&group["client"]).unwrap(), text(&group["amount"]["amount"]), text(&group["refused"]))
            })
            .collect()
    };
    let expected = clients.iter().flat_map(|client| {
        let refused = |code: &str| ((*client).to_owned(), None, Some(code.to_owned()));
        let opened = |amount: &str| ((*client).to_owned(), Some(amount.to_owned()), None);
        if *client == "Contoso" {
            vec![refused("gap_unpriced"), refused("gap_in_another_correction"), opened("10.00")]
        } else {
            vec![refused("gap_unpriced"), opened("54.00")]
        }
    });
    let sorted = |mut groups: Vec<_>| {
        groups.sort();
        groups
    };
    assert_eq!(sorted(told(&real)), sorted(expected.collect()), "{real:#}");
    // Only the corrections' ids tell the two apart.
    let opened = real["groups"].as_array_mut().unwrap();
    assert_eq!(opened.iter().filter(|group| !group["correction_id"].is_null()).count(), 4);
    for group in opened {
        group["correction_id"] = serde_json::Value::Null;
    }
    assert_eq!(real["groups"], dry["groups"]);
    assert_eq!(org.read("/v1/corrections").await["data"].as_array().unwrap().len(), 5);
    let id = org.read("/v1/corrections").await["data"][0]["id"].as_str().unwrap().to_owned();
    let timeline = org.read(&format!("/v1/corrections/{id}/timeline")).await;
    assert_eq!(timeline["data"][0]["command"], "open");
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
