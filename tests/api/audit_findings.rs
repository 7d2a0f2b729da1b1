//! The same facts under other policies, margins, and unused seats with their dates.

use leakage_tests::{Org, TestApp, assert_problem, send};
use serde_json::{Value, json};
use std::fmt::Write as _;

const ENTITLEMENTS: &str = "client,product,purchased,from,until\nContoso,Seat,40,2026-02-01,2026-02-10\n\
    Contoso,Seat,43,2026-02-10,2026-04-16\nContoso,Seat,46,2026-04-16,\n";
const BILLING: &str = "client,product,quantity,unit_price,currency,from,until,agreement\n\
    Contoso,Seat,40,22.00,USD,2026-02-01,2026-07-01,Managed\n";

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value:#}"))
}

async fn latest_audit(org: &Org<'_>) -> String {
    text(&org.read("/v1/audits").await["data"][0]["id"]).to_owned()
}

/// Proration, seat-months and money under each setting.
fn under(comparison: &Value) -> Vec<[&str; 3]> {
    let settings = comparison["settings"].as_array().unwrap();
    let mut rows = Vec::new();
    for under in settings {
        let figures = &under["figures"];
        let row = [&under["setting"]["proration"], &figures["under_seat_months"], &figures["under"]];
        rows.push(row.map(text));
    }
    rows
}

const EXPECTED: [[&str; 3]; 3] = [
    ["daily", "21.535714", "473.79"],
    ["full_month", "24.000000", "528.00"],
    ["next_month", "18.000000", "396.00"],
];

#[tokio::test]
async fn an_audit_and_a_gap_are_read_under_every_proration() {
    let app = TestApp::start().await;
    let org = app.audited_org(ENTITLEMENTS, BILLING).await;
    let document = org.audit(json!({"from": "2026-02", "to": "2026-06"})).await;
    let audit = latest_audit(&org).await;
    let found = org.read(&format!("/v1/audits/{audit}/what-if")).await;
    assert_eq!(under(&found["totals"][0]), EXPECTED, "{found:#}");
    assert_eq!(under(&found["clients"][0]["comparison"]), EXPECTED);
    assert_eq!(under(&found["lines"][0]["comparison"]), EXPECTED);
    let agreement = &found["agreements"][0];
    assert_eq!(
        (under(&agreement["comparison"]), &agreement["agreements"]),
        (EXPECTED.to_vec(), &json!(["Managed"]))
    );
    assert_eq!(agreement["comparison"]["leaks_by_setting"], false);

    // What is learned later changes nothing of it.
    org.import_whole("late.csv", "client,product,purchased,from\nContoso,Seat,99,2026-05-01\n", "").await;
    assert_eq!(org.read(&format!("/v1/audits/{audit}/what-if")).await, found);

    let gap = text(&document["gaps"][0]["id"]);
    let of_gap = org.read(&format!("/v1/gaps/{gap}/what-if?audit_id={audit}")).await;
    let amounts: Vec<&str> =
        of_gap["settings"].as_array().unwrap().iter().map(|under| text(&under["amount"]["amount"])).collect();
    assert_eq!(amounts, ["473.79", "528.00", "396.00"]);
    assert_eq!(of_gap["settings"][0]["months"], document["gaps"][0]["months"]);

    let all = org.read(&format!("/v1/audits/{audit}/what-if?all_bases=true")).await;
    assert_eq!(all["settings"].as_array().unwrap().len(), 9);
    let unknown = format!("/v1/gaps/{}/what-if", "0".repeat(64));
    assert_problem(&send(org.owner.caller.get(&unknown)).await, 404, "not_found");
}

#[tokio::test]
async fn an_agreement_that_bills_whole_months_leaks_by_its_setting() {
    let app = TestApp::start().await;
    let billing = "client,product,quantity,unit_price,currency,from,until,agreement\n\
        Contoso,Seat,43,22.00,USD,2026-02-01,2026-04-01,Managed\nContoso,Seat,46,22.00,USD,2026-04-01,2026-07-01,Managed\n\
        Fabrikam,Seat,5,22.00,USD,2026-02-01,2026-07-01,Other\n";
    let more = "Fabrikam,Seat,6,2026-02-01,\n";
    let org = app.audited_org(&format!("{ENTITLEMENTS}{more}"), billing).await;
    org.audit(json!({"from": "2026-02", "to": "2026-06"})).await;
    let audit = latest_audit(&org).await;
    let found = org.read(&format!("/v1/audits/{audit}/what-if")).await;
    let agreements: Vec<(&str, bool, &str)> = found["agreements"]
        .as_array()
        .unwrap()
        .iter()
        .map(|own| {
            let comparison = &own["comparison"];
            let fit = text(&comparison["best_fit"]["proration"]);
            (text(&own["client"]), comparison["leaks_by_setting"].as_bool().unwrap(), fit)
        })
        .collect();
    assert_eq!(agreements, [("Contoso", true, "full_month"), ("Fabrikam", false, "daily")]);

    let clients = org.read("/v1/clients").await;
    let fabrikam = clients["data"].as_array().unwrap().iter().find(|client| client["name"] == "Fabrikam");
    let id = text(&fabrikam.unwrap()["id"]);
    let narrowed = org.read(&format!("/v1/audits/{audit}/what-if?client_id={id}")).await;
    assert_eq!(narrowed["lines"].as_array().unwrap().len(), 1);
    assert_eq!(narrowed["lines"][0]["client"], "Fabrikam");
    let nobody = format!("/v1/audits/{audit}/what-if?client_id=01931f3e-7d5c-7b60-9f10-000000000001");
    assert_problem(&send(org.owner.caller.get(&nobody)).await, 404, "not_found");
}

/// A client with 46 seats of which 40 are used, bought from a vendor by the month.
async fn with_cost(app: &TestApp) -> Org<'_> {
    let entitlements = "client,product,purchased,assigned,from\nContoso,Seat,46,40,2026-02-01\n\
        Fabrikam,Seat,9,8,2026-02-01\n";
    let billing = "client,product,quantity,unit_price,currency,from,until\n\
        Contoso,Seat,40,22.00,USD,2026-02-01,2026-07-01\nFabrikam,Seat,9,22.00,EUR,2026-02-01,2026-07-01\n";
    let cost = "client,product,quantity,unit_cost,currency,from,until,term,subscription\n\
        Contoso,Seat,46,17.60,USD,2026-02-01,2026-03-01,monthly,s-1\n\
        Contoso,Seat,46,17.60,USD,2026-03-01,2026-04-01,monthly,s-1\n\
        Fabrikam,Seat,9,17.60,USD,2026-02-01,2026-03-01,annual,s-2\n";
    let org = app.audited_org(entitlements, billing).await;
    org.import_whole("cost.csv", cost, "").await;
    org.audit(json!({"from": "2026-02", "to": "2026-03", "as_of": "2026-04-10"})).await;
    org
}

#[tokio::test]
async fn margins_are_shown_where_the_cost_is_known() {
    let app = TestApp::start().await;
    let org = with_cost(&app).await;
    let audit = latest_audit(&org).await;
    let found = org.read(&format!("/v1/audits/{audit}/margins")).await;
    let figures = &found["totals"][0]["figures"];
    let shown = |figures: &Value| {
        [&figures["billed"], &figures["cost"], &figures["margin"], &figures["margin_percent"]]
            .map(|value| text(value).to_owned())
    };
    assert_eq!(shown(figures), ["1760.00", "1619.20", "140.80", "8.00"], "{found:#}");
    assert_eq!(
        (text(&figures["at_billable"]["margin"]), text(&figures["at_billable"]["margin_percent"])),
        ("404.80", "20.00")
    );
    assert_eq!(found["products"].as_array().unwrap().len(), 1);
    assert_eq!(found["products"][0]["months"], json!([]));
    let other = &found["not_compared"][0];
    assert_eq!((text(&other["client"]), text(&other["reason"])), ("Fabrikam", "currency_differs"));

    let clients = org.read("/v1/clients").await;
    let contoso = clients["data"].as_array().unwrap().iter().find(|client| client["name"] == "Contoso");
    let id = text(&contoso.unwrap()["id"]);
    let found = org.read(&format!("/v1/audits/{audit}/margins?client_id={id}")).await;
    let months = found["products"][0]["months"].as_array().unwrap();
    assert_eq!(months.iter().map(|month| text(&month["month"])).collect::<Vec<_>>(), ["2026-02", "2026-03"]);
}

#[tokio::test]
async fn unused_seats_are_listed_by_client_and_by_the_day_they_must_go() {
    let app = TestApp::start().await;
    let org = with_cost(&app).await;
    let audit = latest_audit(&org).await;
    let path = format!("/v1/audits/{audit}/waste");
    let all = org.read(&path).await;
    assert_eq!(all["data"], org.read(&format!("/v1/audits/{audit}/document")).await["waste"]);
    let [contoso, fabrikam] = all["data"].as_array().unwrap().as_slice() else { panic!("{all:#}") };
    let batch = &contoso["batches"][0];
    assert_eq!((text(&batch["seats"]), text(&batch["reason"])), ("6", "monthly_term"), "{batch:#}");
    assert_eq!((text(&batch["drop_by"]), text(&batch["subscription"])), ("2026-04-30", "s-1"));
    assert_eq!(text(&batch["cost_until"]["amount"]), "70.40", "twenty days of April");
    assert_eq!(text(&batch["unrecovered_if_missed"]["amount"]), "105.60", "May");
    assert_eq!(text(&fabrikam["batches"][0]["reason"]), "unknown");

    let clients_of = |page: &Value| -> Vec<String> {
        page["data"].as_array().unwrap().iter().map(|waste| text(&waste["client"]).to_owned()).collect()
    };
    assert_eq!(clients_of(&org.read(&format!("{path}?drop_by_before=2026-05-01")).await), ["Contoso"]);
    assert!(clients_of(&org.read(&format!("{path}?drop_by_before=2026-04-30")).await).is_empty());
    let clients = org.read("/v1/clients").await;
    let of_name = clients["data"].as_array().unwrap().iter().find(|client| client["name"] == "Fabrikam");
    let id = text(&of_name.unwrap()["id"]);
    assert_eq!(clients_of(&org.read(&format!("{path}?client_id={id}")).await), ["Fabrikam"]);

    let first = org.read(&format!("{path}?limit=1")).await;
    assert_eq!((clients_of(&first), &first["has_more"]), (vec!["Contoso".to_owned()], &json!(true)));
    let cursor = text(&first["next_cursor"]);
    let second = org.read(&format!("{path}?limit=1&cursor={cursor}")).await;
    assert_eq!((clients_of(&second), &second["has_more"]), (vec!["Fabrikam".to_owned()], &json!(false)));
    let foreign = format!("{path}?cursor={cursor}&drop_by_before=2026-05-01");
    let (status, problem) = send(org.owner.caller.get(&foreign)).await;
    assert_eq!(status, 400, "{problem:#}");
}

#[tokio::test]
async fn an_audit_that_is_not_completed_has_no_findings() {
    let app = TestApp::start().await;
    let org = app.audited_org(ENTITLEMENTS, BILLING).await;
    let request = json!({"from": "2026-02", "to": "2026-06"});
    let (status, audit) = send(org.owner.caller.post("/v1/audits").json(&request)).await;
    assert_eq!(status, 202, "{audit:#}");
    for finding in ["what-if", "margins", "waste"] {
        let path = format!("/v1/audits/{}/{finding}", text(&audit["id"]));
        assert_problem(&send(org.owner.caller.get(&path)).await, 409, "conflict");
    }
    app.work().await;
}

/// Entitlements and billing of three clients, with 70, 3 and 40 products of which every third is billed too much and
/// the others too little.
fn many() -> (String, String) {
    let mut entitlements = "client,product,purchased,from,until\n".to_owned();
    let mut billing = "client,product,quantity,unit_price,currency,from,until\n".to_owned();
    for (client, products) in [("Adatum", 70), ("Contoso", 3), ("Fabrikam", 40)] {
        for number in 0..products {
            let billed = if number % 3 == 0 { 12 } else { 9 };
            writeln!(entitlements, "{client},Part {number:02},10,2026-02-01,2026-05-01").unwrap();
            writeln!(billing, "{client},Part {number:02},{billed},5.00,USD,2026-02-01,2026-05-01").unwrap();
        }
    }
    (entitlements, billing)
}

/// All items of a list, page by page.
async fn pages(org: &Org<'_>, path: &str, limit: usize) -> Vec<Value> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = org.read(&format!("{path}limit={limit}{cursor}")).await;
        let data = page["data"].as_array().unwrap();
        assert!(data.len() == limit || page["has_more"] == false, "a page is full unless it is the last");
        items.extend(data.clone());
        if page["has_more"] == false {
            return items;
        }
        cursor = format!("&cursor={}", text(&page["next_cursor"]));
    }
}

#[tokio::test]
async fn gaps_of_an_audit_come_in_the_documents_order_whatever_is_asked_for() {
    let app = TestApp::start().await;
    let (entitlements, billing) = many();
    let org = app.audited_org(&entitlements, &billing).await;
    let document = org.audit(json!({"from": "2026-02", "to": "2026-04"})).await;
    let found = document["gaps"].as_array().unwrap();
    assert_eq!(found.len(), 113);
    let audit = latest_audit(&org).await;
    for limit in [7, 32, 33, 100] {
        assert_eq!(&pages(&org, &format!("/v1/audits/{audit}/gaps?"), limit).await, found);
    }
    for (member, value) in [("direction", "over"), ("direction", "under"), ("kind", "over_billed")] {
        let of_all: Vec<Value> = found.iter().filter(|gap| gap[member] == value).cloned().collect();
        assert!(!of_all.is_empty() && of_all.len() < found.len());
        assert_eq!(pages(&org, &format!("/v1/audits/{audit}/gaps?{member}={value}&"), 10).await, of_all);
    }
    let clients = org.read("/v1/clients").await;
    for client in clients["data"].as_array().unwrap() {
        let of_client: Vec<Value> =
            found.iter().filter(|gap| gap["client"] == client["name"]).cloned().collect();
        let path = format!("/v1/audits/{audit}/gaps?client_id={}&", text(&client["id"]));
        assert_eq!(pages(&org, &path, 9).await, of_client);
        let over: Vec<Value> = of_client.into_iter().filter(|gap| gap["direction"] == "over").collect();
        assert_eq!(pages(&org, &format!("{path}direction=over&"), 9).await, over);
    }
    // Each by itself, as the audit told it.
    for gap in found.iter().step_by(16) {
        let id = text(&gap["id"]);
        let known = org.read(&format!("/v1/gaps/{id}")).await;
        assert_eq!(known["latest"], *gap, "{known:#}");
        let history = org.read(&format!("/v1/gaps/{id}/history")).await;
        assert_eq!(history["audits"][0]["amount"], gap["amount"]);
        assert_eq!(history["months"].as_array().unwrap().len(), 3);
    }
}

#[tokio::test]
async fn a_gap_keeps_its_audits_when_its_client_becomes_a_resource() {
    let app = TestApp::start().await;
    let org = app.audited_org(ENTITLEMENTS, BILLING).await;
    // A person says what the client is called; nobody has this name yet.
    let body = json!({ "side": "client", "source": "Contoso", "target": "Contoso & Söhne Ltd" });
    assert_eq!(send(org.owner.caller.post("/v1/mappings").json(&body)).await.0, 201);
    let period = json!({"from": "2026-02", "to": "2026-06"});
    let before = org.audit(period.clone()).await;
    assert_eq!(before["gaps"][0]["method"], "mapping", "{before:#}");
    let body = json!({ "name": "Contoso & Söhne Ltd" });
    let (status, client) = send(org.owner.caller.post("/v1/clients").json(&body)).await;
    assert_eq!(status, 201, "{client:#}");
    let after = org.audit(period).await;
    assert_eq!(after["gaps"], before["gaps"]);
    let gap = text(&after["gaps"][0]["id"]);
    assert_eq!(org.read(&format!("/v1/gaps/{gap}")).await["client_id"], client["id"]);
    let history = org.read(&format!("/v1/gaps/{gap}/history")).await;
    let audits = history["audits"].as_array().unwrap();
    assert_eq!(audits.len(), 2, "{history:#}");
    for audit in audits {
        assert_eq!((&audit["found"], &audit["amount"]), (&json!(true), &after["gaps"][0]["amount"]));
    }
}

#[tokio::test]
async fn an_audit_that_knows_less_changes_what_is_known_of_months_and_not_what_a_gap_is() {
    let app = TestApp::start().await;
    let org = app.audited_org(ENTITLEMENTS, BILLING).await;
    let before = app.clock.now();
    app.clock.advance(chrono::Duration::minutes(5));
    org.import_whole("more.csv", "client,product,purchased,from\nContoso,Seat,50,2026-05-01\n", "").await;
    let now = org.audit(json!({"from": "2026-03", "to": "2026-06"})).await;
    let gap = text(&now["gaps"][0]["id"]);
    let newest = org.read(&format!("/v1/gaps/{gap}")).await;
    assert_eq!(newest["latest"], now["gaps"][0]);
    // One month more, as it was known before.
    let then = org.audit(json!({"from": "2026-02", "to": "2026-06", "known_at": before})).await;
    assert_ne!(then["gaps"][0]["seats"], now["gaps"][0]["seats"]);
    let after = org.read(&format!("/v1/gaps/{gap}")).await;
    assert_eq!((&after["latest"], &after["last_audit_id"]), (&newest["latest"], &newest["last_audit_id"]));
    let months = |history: &Value| history["months"].as_array().unwrap().len();
    let history = org.read(&format!("/v1/gaps/{gap}/history")).await;
    assert_eq!((months(&history), history["audits"].as_array().unwrap().len()), (5, 2), "{history:#}");
}
