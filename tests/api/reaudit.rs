//! Audits of some clients: the same numbers as those of all, from few rows.

use leakage_tests::{Org, TestApp, assert_problem, send};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }

    fn one_of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }
}

/// Some resemble each other, so that proposals wait; most are strangers.
const CLIENTS: [&str; 16] = [
    "Adatum",
    "Alpine Ski House",
    "Bellows College",
    "Contoso",
    "Contoso Ltd",
    "Fabrikam",
    "Fabrikam Inc",
    "Humongous",
    "Litware",
    "Lucerne",
    "Margie Travel",
    "Northwind",
    "Proseware",
    "Tailspin",
    "Wingtip",
    "Woodgrove",
];
const PRODUCTS: [&str; 5] =
    ["Backup", "Microsoft 365 Business Premium", "M365 Business Premium", "Visio Plan 2", "Defender"];
const DAYS: [&str; 5] =
    ["2026-01-01,", "2026-01-01,2026-02-01", "2026-01-15,2026-03-01", "2026-02-01,2026-03-01", "2026-02-10,"];

/// Rows in no order: a client's do not stand together.
fn seats(numbers: &mut Numbers) -> String {
    let mut text = String::from("client,product,purchased,from,until\n");
    for _ in 0..90 {
        let (client, product) = (numbers.one_of(&CLIENTS), numbers.one_of(&PRODUCTS));
        let (count, days) = (numbers.below(20), numbers.one_of(&DAYS));
        writeln!(text, "{client},{product},{count},{days}").unwrap();
    }
    text
}

fn lines(numbers: &mut Numbers) -> String {
    let mut text = String::from("client,product,quantity,unit_price,currency,from,until\n");
    for _ in 0..90 {
        let (client, product) = (numbers.one_of(&CLIENTS), numbers.one_of(&PRODUCTS));
        let (count, days) = (numbers.below(20), numbers.one_of(&DAYS));
        let price = 5 + numbers.below(20);
        writeln!(text, "{client},{product},{count},{price}.00,USD,{days}").unwrap();
    }
    text
}

fn charges(numbers: &mut Numbers) -> String {
    let mut text = String::from("client,product,sku,quantity,unit_cost,currency,from,until,charge_type\n");
    for _ in 0..60 {
        let (client, product) = (numbers.one_of(&CLIENTS), numbers.one_of(&PRODUCTS));
        let (count, sku) = (numbers.below(20), if product == "Defender" { "V-1" } else { "" });
        let kind = numbers.one_of(&["", "new", "add_quantity"]);
        writeln!(text, "{client},{product},{sku},{count},4.00,USD,2026-01-01,2026-02-01,{kind}").unwrap();
    }
    text
}

/// What a document says of one client.
fn of_client(document: &Value, name: &str) -> Value {
    let mut own = json!({});
    for list in ["gaps", "price_differences", "term_mix", "waste", "source_conflicts", "coverage"] {
        let rows = document[list].as_array().unwrap();
        own[list] = rows.iter().filter(|row| row["client"] == name).cloned().collect();
    }
    let ours = |row: &&Value| row["side"] == "client" && (row["source"] == name || row["target"] == name);
    own["proposals"] = document["proposals"].as_array().unwrap().iter().filter(ours).cloned().collect();
    own
}

async fn client_id(org: &Org<'_>, name: &str) -> Value {
    let clients = org.read("/v1/clients?limit=100").await;
    let found = clients["data"].as_array().unwrap().iter().find(|client| client["name"] == name);
    found.unwrap()["id"].clone()
}

#[tokio::test]
async fn an_audit_of_one_client_finds_what_the_audit_of_all_finds_of_it() {
    let app = TestApp::start().await;
    for seed in 0..3 {
        let mut numbers = Numbers(seed);
        let org = app.org("Example MSP").await;
        for file in 0..2 {
            org.import_whole(&format!("seats{file}.csv"), seats(&mut numbers), "").await;
            org.import_whole(&format!("billing{file}.csv"), lines(&mut numbers), "").await;
        }
        org.import_whole("cost.csv", charges(&mut numbers), "").await;
        let rule = json!({"kind": "exclude", "value": "1", "product": "Backup", "client_id": client_id(&org, "Adatum").await,
                          "valid_from": "2026-01-01", "reason": "Internal", "owner": "Dana"});
        assert_eq!(send(org.owner.caller.post("/v1/rules").json(&rule)).await.0, 201);
        let months = json!({"from": "2026-01", "to": "2026-03"});
        let all = org.audit(months.clone()).await;
        let mut found = 0;
        for name in CLIENTS {
            let mut asked = months.clone();
            asked["clients"] = json!([client_id(&org, name).await]);
            let one = org.audit(asked).await;
            assert_eq!(of_client(&one, name), of_client(&all, name), "{seed} {name}");
            let only = one["gaps"].as_array().unwrap().iter().all(|gap| gap["client"] == name);
            assert!(
                only && one["coverage"].as_array().unwrap().iter().all(|row| row["client"] == name),
                "{one:#}"
            );
            found += one["gaps"].as_array().unwrap().len();
        }
        assert!(found > 10, "{found} gaps are too few to tell anything");
        assert_eq!(found, all["gaps"].as_array().unwrap().len());
    }
}

#[tokio::test]
async fn pages_of_the_gaps_of_one_client_begin_where_the_last_one_ended() {
    let app = TestApp::start().await;
    let mut numbers = Numbers(7);
    let org = app.org("Example MSP").await;
    org.import_whole("seats.csv", seats(&mut numbers), "").await;
    org.import_whole("billing.csv", lines(&mut numbers), "").await;
    let document = org.audit(json!({"from": "2026-01", "to": "2026-03"})).await;
    let audit = org.read("/v1/audits").await["data"][0]["id"].clone();
    let client = client_id(&org, "Litware").await;
    let (audit, client) = (audit.as_str().unwrap(), client.as_str().unwrap());
    for (filter, wanted) in [
        (format!("client_id={client}"), "Litware"),
        (format!("client_id={client}&direction=under"), "Litware"),
        ("direction=under".to_owned(), ""),
    ] {
        let under = filter.contains("direction");
        let expected = document["gaps"].as_array().unwrap().iter().filter(|gap| {
            (wanted.is_empty() || gap["client"] == wanted) && (!under || gap["direction"] == "under")
        });
        let expected: Vec<&Value> = expected.map(|gap| &gap["id"]).collect();
        let (mut listed, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = org.read(&format!("/v1/audits/{audit}/gaps?{filter}&limit=2{cursor}")).await;
            listed.extend(page["data"].as_array().unwrap().iter().map(|gap| gap["id"].clone()));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(listed.iter().collect::<Vec<_>>(), expected, "{filter}");
    }
}

#[tokio::test]
async fn which_seats_a_mapping_counts_is_said_when_it_is_approved_or_later() {
    let app = TestApp::start().await;
    let org = app
        .audited_org(
            "client,product,sku,purchased,assigned,active,from\n\
             Contoso,Microsoft 365 Business Standard,f245ecc8-75af-4f8e-b61f-27d8114de5f3,20,15,12,2026-10-01\n",
            "client,product,quantity,unit_price,currency,from\n\
             Contoso,Office 365 Business Premium,10,12.50,USD,2026-10-01\n",
        )
        .await;
    let request = json!({"from": "2026-10", "to": "2026-10"});
    let seats = async || {
        app.clock.advance(chrono::TimeDelta::seconds(1));
        org.audit(request.clone()).await["gaps"][0]["seats"].clone()
    };
    assert_eq!(seats().await, Value::Null, "the proposal waits");
    let proposal = org.read("/v1/mappings?status=proposed").await["data"][0].clone();
    let path = format!("/v1/mappings/{}", proposal["id"].as_str().unwrap());
    let caller = &org.owner.caller;
    let approve = || caller.post(&format!("{path}/approve")).header("If-Match", "\"v1\"");
    assert_problem(&send(approve().json(&json!({"basis": "all"}))).await, 422, "validation_failed");
    let (status, approved) = send(approve().json(&json!({"basis": "assigned"}))).await;
    assert_eq!((status, &approved["basis"], &approved["version"]), (200, &json!("assigned"), &json!(2)));
    assert_eq!(seats().await, "5");
    let change = |version: i64, body: Value| {
        send(caller.patch(&path).header("If-Match", format!("\"v{version}\"")).json(&body))
    };
    assert_problem(&change(1, json!({"basis": "active"})).await, 412, "version_mismatch");
    assert_problem(&change(2, json!({})).await, 422, "validation_failed");
    let before = org.read("/v1/audits").await["data"][0]["known_at"].clone();
    app.clock.advance(chrono::TimeDelta::seconds(1));
    assert_eq!(change(2, json!({"basis": "active"})).await.1["basis"], "active");
    assert_eq!(seats().await, "2");
    app.clock.advance(chrono::TimeDelta::seconds(1));
    assert_eq!(change(3, json!({"basis": null})).await.0, 200);
    assert_eq!(seats().await, "10");
    let mut then = request.clone();
    then["known_at"] = before;
    assert_eq!(org.audit(then).await["gaps"][0]["seats"], "5", "as it was known then");
    let client = json!({"side": "client", "source": "Kontoso", "target": "Contoso"});
    let client = send(caller.post("/v1/mappings").json(&client)).await.1;
    let path = format!("/v1/mappings/{}", client["id"].as_str().unwrap());
    let refused = caller.patch(&path).header("If-Match", "\"v1\"").json(&json!({"basis": "active"}));
    assert_problem(&send(refused).await, 422, "validation_failed");
}

#[tokio::test]
async fn to_approve_a_proposal_maps_all_ids_that_go_by_its_name() {
    let app = TestApp::start().await;
    let org = app
        .audited_org(
            "client,product,sku,purchased,from\n\
             Contoso,Microsoft 365 Business Premium,cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46,20,2026-10-01\n",
            "client,product,quantity,unit_price,currency,from\n\
             Contoso,M365 Business Premium,18,22.00,USD,2026-10-01\n",
        )
        .await;
    let cost = "client,product,sku,quantity,unit_cost,currency,from,until\n\
                Contoso,Microsoft 365 Business Premium,CFQ7TTC0LCHC:0002,20,18.00,USD,2026-10-01,2026-11-01\n";
    org.import_whole("cost.csv", cost, "").await;
    let request = json!({"from": "2026-10", "to": "2026-10"});
    assert_eq!(org.audit(request.clone()).await["gaps"], json!([]));
    let proposed = org.read("/v1/mappings?status=proposed").await["data"].as_array().unwrap().clone();
    let of_billed = proposed.iter().find(|one| one["source"] == "M365 Business Premium").unwrap();
    assert_eq!(of_billed["target_ids"].as_array().unwrap().len(), 2, "{proposed:#?}");
    let path = format!("/v1/mappings/{}/approve", of_billed["id"].as_str().unwrap());
    let (status, approved) = send(org.owner.caller.post(&path).header("If-Match", "\"v1\"")).await;
    assert_eq!(status, 200, "{approved:#}");
    app.clock.advance(chrono::TimeDelta::seconds(1));
    let document = org.audit(request).await;
    let gaps = document["gaps"].as_array().unwrap();
    assert_eq!((gaps.len(), &gaps[0]["seats"]), (1, &json!("2")), "one product, two seats: {document:#}");
    assert_eq!(document["proposals"], json!([]));
}
