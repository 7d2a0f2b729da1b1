//! What an admin approves is the growth that is announced: of all corrections, on one invoice.

use super::Desk;
use leakage_tests::{Caller, TestApp};
use serde_json::{Value, json};

fn letter(invoice_on: &str) -> Value {
    json!({
        "message": {"context": "Seats were not billed.", "data": "September 2026.", "going_forward": "We bill 14 seats."},
        "going_forward": {"invoice_on": invoice_on, "lines": [{"line": 1, "seats": 14}]},
        "gaps_confirmed": true,
    })
}

async fn offered(owner: &Caller, gap: &Value) -> Desk {
    let mut desk = Desk::open(owner, &[gap["id"].as_str().unwrap()]).await.0;
    desk.ok(owner, "plan", json!({"count": 8, "cadence": "monthly", "first_on": "2026-12-01"})).await;
    desk
}

#[tokio::test]
async fn before_the_first_letter_an_admin_approves_what_all_corrections_announce_for_the_invoice() {
    let app = TestApp::start().await;
    let entitlements =
        "client,product,purchased,from\nContoso,Seat,14,2026-09-01\nContoso,Bolt,14,2026-09-01\n";
    let billing = "client,product,quantity,unit_price,currency,from,until\n\
                   Contoso,Seat,10,10.00,USD,2026-09-01,2026-10-01\nContoso,Bolt,10,10.00,USD,2026-09-01,2026-10-01\n";
    let org = app.audited_org(entitlements, billing).await;
    let document = org.audit(json!({"from": "2026-09", "to": "2026-09"})).await;
    let owner = &org.owner.caller;
    // (40 + 40) / 200 = 40 %: a plan.
    let mut first = offered(owner, &document["gaps"][0]).await;
    first.ok(owner, "communicate", letter("2026-12-01")).await;
    // With it 80 %: an approval, too; and (5 + 80) / 200 = 42.5 % is too much for an instalment.
    let mut second = offered(owner, &document["gaps"][1]).await;
    let preview = second.read(owner, "/preview?invoice_on=2026-12-01").await;
    assert_eq!((preview["percent"].as_str(), &preview["approval_needed"]), (Some("80.00"), &json!(true)));
    assert_eq!(preview["plan"]["too_large"], true);
    let missing = ["shock_approval_missing", "instalment_too_large"].map(str::to_owned);
    assert_eq!(second.refused(owner, "communicate", letter("2026-12-01")).await.1, missing);
    // Without its date only its own growth is known, and on another date nothing else is announced.
    for approved in [json!(null), json!("2026-12-15")] {
        for of in ["shock", "instalments"] {
            second.ok(owner, "approve", json!({"of": of, "invoice_on": approved})).await;
        }
        assert_eq!(second.refused(owner, "communicate", letter("2026-12-01")).await.1, missing);
    }
    for of in ["shock", "instalments"] {
        second.ok(owner, "approve", json!({"of": of, "invoice_on": "2026-12-01"})).await;
    }
    let preview = second.read(owner, "/preview?invoice_on=2026-12-01").await;
    assert_eq!((&preview["approval_needed"], &preview["plan"]["approved"]), (&json!(false), &json!(true)));
    let told = second.ok(owner, "communicate", letter("2026-12-01")).await;
    assert_eq!(told["announcement"]["band"], "plan_and_approval");
}

#[tokio::test]
async fn an_approval_is_stale_when_more_is_announced_since() {
    let app = TestApp::start().await;
    let entitlements =
        "client,product,purchased,from\nContoso,Seat,14,2026-09-01\nContoso,Bolt,14,2026-09-01\n";
    let billing = "client,product,quantity,unit_price,currency,from,until\n\
                   Contoso,Seat,10,20.00,USD,2026-09-01,2026-10-01\nContoso,Bolt,10,10.00,USD,2026-09-01,2026-10-01\n";
    let org = app.audited_org(entitlements, billing).await;
    let document = org.audit(json!({"from": "2026-09", "to": "2026-09"})).await;
    let owner = &org.owner.caller;
    let gap = |product: &str| {
        document["gaps"].as_array().unwrap().iter().find(|gap| gap["product"] == product).unwrap().clone()
    };
    // (80 + 80) / 300 = 53 %.
    let mut seats = offered(owner, &gap("Seat")).await;
    for of in ["shock", "instalments"] {
        seats.ok(owner, "approve", json!({"of": of, "invoice_on": "2026-12-01"})).await;
    }
    let mut bolts = offered(owner, &gap("Bolt")).await;
    bolts.ok(owner, "communicate", letter("2026-12-01")).await;
    let refused = seats.refused(owner, "communicate", letter("2026-12-01")).await.1;
    assert_eq!(refused, ["shock_approval_missing", "instalment_too_large"]);
    for of in ["shock", "instalments"] {
        seats.ok(owner, "approve", json!({"of": of, "invoice_on": "2026-12-01"})).await;
    }
    seats.ok(owner, "communicate", letter("2026-12-01")).await;
}
