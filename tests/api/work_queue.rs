//! The work queue, a client's history, and what objections come to.

use crate::corrections::{Desk, PREMIUM, audited, billed, message, said};
use chrono::TimeDelta;
use leakage_api::auth::Role;
use leakage_tests::{Org, TestApp, assert_problem, send};
use serde_json::{Value, json};

fn kinds(queue: &Value) -> Vec<&str> {
    queue["data"].as_array().unwrap().iter().map(|item| item["kind"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_queue_says_what_to_do_next_for_whom_and_until_when() {
    let app = TestApp::start().await;
    let (org, gap) = audited(&app, 102, 100, 2..=9).await;
    let biller = org.member(Role::Biller).await;
    let manager = org.member(Role::AccountManager).await;
    let schedule = org.owner.caller.put("/v1/reconciliation-schedule").header("If-Match", "\"v1\"");
    assert_eq!(send(schedule.json(&json!({"invoice_day": 1}))).await.0, 200);
    app.work().await;
    let (mut desk, _) = Desk::open(&biller.caller, &[&gap]).await;
    let queue = org.read("/v1/work-queue").await;
    let item = &queue["data"][0];
    assert_eq!(
        (&item["kind"], &item["commands"]),
        (&json!("communicate"), &json!(["communicate"])),
        "{queue:#}"
    );
    // The invoice of the schedule, less the days of notice.
    assert_eq!((&item["next_invoice_on"], &item["due_on"]), (&json!("2026-12-01"), &json!("2026-11-26")));
    assert_eq!(item["amount"], json!({"amount": "352.00", "currency": "USD"}));
    assert_eq!((&item["owner_name"], &item["version"]), (&json!("Mem biller"), &json!(1)));
    let of = async |who: &leakage_tests::Caller, query: &str| {
        let (status, queue) = send(who.get(&format!("/v1/work-queue?{query}"))).await;
        assert_eq!(status, 200, "{queue:#}");
        queue["data"].as_array().unwrap().len()
    };
    assert_eq!((of(&biller.caller, "owner=me").await, of(&manager.caller, "owner=me").await), (1, 0));
    desk.ok(&biller.caller, "assign", json!({"owner": manager.id})).await;
    assert_eq!((of(&biller.caller, "owner=me").await, of(&manager.caller, "owner=me").await), (0, 1));
    for (query, found) in [
        ("owner=none", 0),
        ("state=found", 1),
        ("state=resolved", 0),
        ("kind=reply_by", 0),
        ("overdue=true", 0),
        ("overdue=false", 1),
        ("due_by=2026-11-25", 0),
        ("due_by=2026-11-26", 1),
    ] {
        assert_eq!(of(&manager.caller, query).await, found, "{query}");
    }
    for query in ["kind=everything", "state=lost"] {
        let problem = send(manager.caller.get(&format!("/v1/work-queue?{query}"))).await;
        assert_problem(&problem, 400, "unreadable_request");
    }

    desk.ok(&biller.caller, "communicate", message(102)).await;
    let queue = org.read("/v1/work-queue").await;
    assert_eq!((kinds(&queue), &queue["data"][0]["why"]), (vec!["reply_by"], &json!("not_delivered")));
    let dispute = json!({"reason": "late_billing", "parts": [{"line": 1, "seats": 1}], "said": said()});
    desk.ok(&biller.caller, "dispute", dispute).await;
    let queue = org.read("/v1/work-queue").await;
    assert_eq!(
        (kinds(&queue), &queue["data"][0]["commands"]),
        (vec!["evidence_by"], &json!(["offer_plan", "answer"]))
    );
}

#[tokio::test]
async fn pages_of_the_queue_hold_each_item_once_soonest_invoice_first() {
    let app = TestApp::start().await;
    let header = "client,product,purchased,from\n".to_owned();
    let clients = ["Alfa", "Bravo", "Charlie", "Delta", "Echo"];
    let entitlements =
        clients.iter().fold(header, |file, client| file + &format!("{client},Seat,102,2026-08-01\n"));
    let header = "client,product,quantity,unit_price,currency,from,until\n".to_owned();
    let billing = clients
        .iter()
        .fold(header, |file, client| file + &format!("{client},Seat,100,22.00,USD,2026-08-01,2026-09-01\n"));
    let org = app.audited_org(&entitlements, &billing).await;
    let document = org.audit(json!({"from": "2026-08", "to": "2026-08"})).await;
    let owner = &org.owner.caller;
    let mut open = Vec::new();
    for gap in document["gaps"].as_array().unwrap() {
        open.push(Desk::open(owner, &[gap["id"].as_str().unwrap()]).await);
    }
    assert_eq!(open.len(), 5);
    // Two are told, for an invoice that is announced: they come first, the sooner one before the other.
    for (at, day) in [(3, "2026-12-03"), (1, "2026-12-02")] {
        let mut told = message(102);
        told["going_forward"]["invoice_on"] = json!(day);
        open[at].0.ok(owner, "communicate", told).await;
    }
    let whole = org.read("/v1/work-queue").await;
    let ids = |queue: &Value| -> Vec<String> {
        let items = queue["data"].as_array().unwrap().iter();
        items.map(|item| item["correction_id"].as_str().unwrap().to_owned()).collect()
    };
    let all = ids(&whole);
    assert_eq!((all.len(), &all[0], &all[1]), (5, &open[1].0.id, &open[3].0.id), "{whole:#}");
    let (mut paged, mut path) = (Vec::new(), "/v1/work-queue?limit=2".to_owned());
    loop {
        let page = org.read(&path).await;
        paged.extend(ids(&page));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/work-queue?limit=2&cursor={cursor}");
    }
    assert_eq!(paged, all);
}

/// Two seats of eight months, objected to, answered, billed and ended; then the invoices that prove it.
async fn proved(app: &TestApp) -> (Org<'_>, Desk) {
    let (mut org, gap) = audited(app, 102, 100, 2..=9).await;
    let owner = org.owner.caller.clone();
    let (mut desk, _) = Desk::open(&owner, &[&gap]).await;
    desk.ok(&owner, "communicate", message(102)).await;
    let dispute = json!({"reason": "unauthorized_seats", "parts": [{"line": 1, "seats": 1}], "said": said()});
    desk.ok(&owner, "dispute", dispute).await;
    let log = json!([{"on": "2026-02-01", "seat": "ana@contoso.example"}]);
    let answer = json!({"dispute": 1, "reason": "unauthorized_seats", "provisioning_log": log});
    desk.ok(&owner, "answer", answer).await;
    desk.ok(&owner, "bill", json!({"document": "INV-7", "on": "2026-12-01"})).await;
    desk.ok(&owner, "accept", json!({"said": said()})).await;
    desk.ok(&owner, "resolve", json!({"basis": "accepted"})).await;
    let queue = org.read("/v1/work-queue").await;
    assert_eq!((kinds(&queue), &queue["data"][0]["commands"]), (vec!["verification_by"], &json!(["import"])));
    app.clock.advance(TimeDelta::days(10));
    org.owner = app.sign_in(&org.owner.email, Some(org.id)).await;
    org.import_whole("december.csv", billed(102, "22.00", "USD", 12..=12), "").await;
    let file = format!(
        "client,product,quantity,unit_price,currency,from,until,invoice,line_type\n\
         Contoso,{PREMIUM},1,352.00,USD,2026-12-01,2027-01-01,INV-7,one_off\n"
    );
    org.import_whole("invoice.csv", file, "").await;
    (org, desk)
}

#[tokio::test]
async fn a_clients_history_has_sums_and_what_happened() {
    let app = TestApp::start().await;
    let (org, desk) = proved(&app).await;
    assert_eq!(org.read("/v1/work-queue").await["data"], json!([]), "what is proved needs nobody");
    let client = org.read("/v1/clients").await["data"][0]["id"].as_str().unwrap().to_owned();
    let history = org.read(&format!("/v1/clients/{client}/history")).await;
    let money = &history["money"][0];
    let amount = |name: &str| money[name]["amount"].as_str().unwrap();
    assert_eq!(
        (amount("found"), amount("billed"), amount("waived"), amount("verified")),
        ("352.00", "352.00", "0.00", "352.00"),
        "{history:#}"
    );
    assert_eq!(
        (&money["direction"], &money["corrections"], &money["open"]),
        (&json!("under"), &json!(1), &json!(0))
    );
    let waivers = &history["waivers"][0];
    assert_eq!(
        (&waivers["amount"]["amount"], &waivers["threshold"]["amount"], &waivers["left"]["amount"]),
        (&json!("0.00"), &json!("100.00"), &json!("100.00"))
    );
    let dispute = &history["disputes"][0];
    assert_eq!(
        (&dispute["reason"], &dispute["stood"]),
        (&json!("unauthorized_seats"), &json!(1)),
        "{history:#}"
    );
    assert_eq!((&history["gaps"]["found"], &history["promises"]["broken"]), (&json!(1), &json!(0)));
    let happened: Vec<&str> = kinds(&history);
    assert_eq!((happened[0], *happened.last().unwrap()), ("proved", "gap_found"), "{happened:?}");
    for kind in ["opened", "told", "disputed", "answered", "accepted", "ended"] {
        assert!(happened.contains(&kind), "{kind}: {happened:?}");
    }
    assert_eq!(history["data"][0]["correction_id"], desk.id.as_str());
    let (mut paged, mut path) = (Vec::new(), format!("/v1/clients/{client}/history?limit=3"));
    loop {
        let page = org.read(&path).await;
        paged.extend(page["data"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/clients/{client}/history?limit=3&cursor={cursor}");
    }
    assert_eq!(json!(paged), history["data"]);
}

#[tokio::test]
async fn objections_are_reported_with_what_came_back_of_what_was_found() {
    let app = TestApp::start().await;
    let (org, _) = proved(&app).await;
    let report = org.read("/v1/reports/disputes").await;
    let row = &report["rows"][0];
    assert_eq!(
        (&row["group"], &row["stood"], &row["stood_share"]),
        (&json!("unauthorized_seats"), &json!(1), &json!("1.0000"))
    );
    assert_eq!((&row["disputed"]["amount"], &row["median_days_to_answer"]), (&json!("176.00"), &json!(0)));
    let total = &report["totals"][0];
    assert_eq!(
        (&total["found"]["amount"], &total["recovered"]["amount"], &total["recovered_share"]),
        (&json!("352.00"), &json!("352.00"), &json!("1.0000")),
        "{report:#}"
    );
    for (by, group) in [
        ("age", "7_to_12"),
        ("outcome", "stood"),
        ("evidence", "provisioning_log"),
        ("client", "Contoso"),
        ("product", PREMIUM),
    ] {
        let report = org.read(&format!("/v1/reports/disputes?by={by}")).await;
        assert_eq!(report["rows"][0]["group"], group, "{by}");
    }
    let csv = org.owner.caller.get("/v1/reports/disputes?format=csv").send().await.unwrap();
    assert!(csv.headers()["content-type"].to_str().unwrap().starts_with("text/csv"));
    let csv = csv.text().await.unwrap();
    assert!(csv.contains("unauthorized_seats,USD,1,0,0,1,0,0,1.0000,0,176.00,352.00,352.00,1.0000"), "{csv}");
    assert_eq!(org.read("/v1/reports/disputes?from=2026-12").await["rows"], json!([]));
}

#[tokio::test]
async fn a_statement_says_what_was_proved_in_its_month() {
    let app = TestApp::start().await;
    let (org, _) = proved(&app).await;
    org.audit(json!({"from": "2026-12", "to": "2026-12"})).await;
    let client = org.read("/v1/clients").await["data"][0]["id"].as_str().unwrap().to_owned();
    let statement = org.read(&format!("/v1/clients/{client}/statement?month=2026-12")).await;
    let fixed = &statement["statement"]["fixed"];
    assert_eq!(fixed.as_array().unwrap().len(), 1, "{statement:#}");
    assert_eq!((&fixed[0]["product"], &fixed[0]["document"]), (&json!(PREMIUM), &json!("INV-7")));
    assert_eq!(
        (&fixed[0]["amount"]["amount"], &fixed[0]["verified_on"]),
        (&json!("352.00"), &json!("2026-12-02"))
    );
    assert!(statement["text"].as_str().unwrap().contains("INV-7"), "{}", statement["text"]);
    let before = org.read(&format!("/v1/clients/{client}/statement?month=2026-09")).await;
    assert_eq!(before["statement"]["fixed"], json!([]));
}
