//! Imports that are read as a stream: how far they are, that they are all or nothing, and looking first.

use leakage_api::jobs::runner::Runner;
use leakage_api::jobs::{JobError, JobFuture};
use leakage_api::storage::jobs::JobProgress;
use leakage_tests::{Org, TestApp, assert_problem, send};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::sync::Arc;

const HEADER: &str = "client,product,quantity,unit_price,currency,from,until\n";

/// A billing file of this many rows, each with its number as quantity; every client has a thousand.
fn billing(rows: u32) -> String {
    let mut file = HEADER.to_owned();
    for row in 1..=rows {
        let client = row / 1000;
        writeln!(file, "Client {client},Seat,{row},22.00,USD,2026-02-01,2026-03-01").unwrap();
    }
    file
}

fn path(import: &Value) -> String {
    format!("/v1/imports/{}", import["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_file_of_many_batches_keeps_its_rows_in_order() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let import = org.import_whole("billing.csv", billing(12_345), "").await;
    assert_eq!((import["records"].as_i64(), import["rows_read"].as_i64()), (Some(12_345), Some(12_345)));
    assert_eq!(import["progress"], Value::Null, "nothing is read any more");
    let mut next = format!("{}/rows?limit=500", path(&import));
    let mut expected = 1;
    loop {
        let page = org.read(&next).await;
        for row in page["data"].as_array().unwrap() {
            assert_eq!(row["quantity"], expected.to_string(), "{row:#}");
            assert_eq!(row["line"], expected + 1, "{row:#}");
            expected += 1;
        }
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        next = format!("{}/rows?limit=500&cursor={cursor}", path(&import));
    }
    assert_eq!(expected, 12_346);
    let job = org.read(&format!("/v1/jobs/{}", import["job_id"].as_str().unwrap())).await;
    assert_eq!(
        (&job["progress"]["rows"], &job["progress"]["done"]),
        (&json!(12_345), &job["progress"]["total"]),
        "{job:#}"
    );
}

#[tokio::test]
async fn one_refused_row_at_the_end_of_many_leaves_nothing_of_the_others() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let file = billing(11_000) + "Client 0,Seat,many,22.00,USD,2026-02-01,2026-03-01\n";
    let import = org.import("billing.csv", file.clone(), "").await;
    assert_eq!((import["status"].as_str(), import["records"].as_i64()), (Some("refused"), Some(0)));
    assert_eq!(import["problem"]["errors"][0]["line"], 11_002, "{import:#}");
    assert_eq!(org.read(&format!("{}/rows", path(&import))).await["data"], json!([]));
    assert_eq!(org.read("/v1/clients").await["data"], json!([]), "not even the names of its clients");
    let taken = org.import_whole("billing.csv", file, "accept_partial=true").await;
    assert_eq!(taken["records"], 11_000);
}

#[tokio::test]
async fn a_stated_client_names_all_rows_of_one_client_and_of_several_none_that_have_a_name() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let mut several = billing(999) + &billing(6_000)[HEADER.len()..];
    several.push_str("Late Client,Seat,1,22.00,USD,2026-02-01,2026-03-01\n");
    let named = async |import: Value| {
        let rows = org.read(&format!("{}/rows?limit=1", path(&import))).await;
        rows["data"][0]["client"].as_str().unwrap().to_owned()
    };
    let one = org.import_whole("one.csv", billing(999), "client=Contoso").await;
    assert_eq!(named(one).await, "Contoso");
    let import = org.import_whole("several.csv", several, "client=Contoso").await;
    assert_eq!(named(import).await, "Client 0", "the second client comes after the first batch");
}

/// A worker that tells how far it is and fails then.
fn half_way(context: leakage_api::jobs::JobContext) -> JobFuture {
    Box::pin(async move {
        let progress = JobProgress { done: 70, total: Some(140), rows: Some(2), note: "reading the file" };
        context.tell(progress).await?;
        Err(JobError::Failed("the machine stopped".into()))
    })
}

#[tokio::test]
async fn an_import_tells_how_far_it_is() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let file = billing(3);
    let (_, import) = org.upload("billing.csv", file.clone(), "").await;
    let before = org.read(&path(&import)).await;
    let whole = json!(file.len());
    assert_eq!(before["progress"], json!({"bytes_read": 0, "bytes_total": whole, "rows_read": 0}));

    let runner = Runner::new(Arc::clone(&app.app)).with_handler(half_way);
    for claim in runner.claim(1).await.unwrap() {
        runner.work(claim).await;
    }
    let response = org.owner.caller.get(&path(&import)).send().await.unwrap();
    let etag = response.headers()["etag"].clone();
    let during: Value = response.json().await.unwrap();
    assert_eq!(during["progress"], json!({"bytes_read": 70, "bytes_total": whole, "rows_read": 2}));
    let again = org.owner.caller.get(&path(&import)).header("If-None-Match", etag);
    assert_eq!(send(again).await.0, 200, "how far it is changes without the version");

    app.clock.advance(chrono::Duration::minutes(1));
    app.work().await;
    let after = org.read(&path(&import)).await;
    assert_eq!((after["status"].as_str(), &after["progress"]), (Some("completed"), &Value::Null));
}

/// Name, id and data of each event.
fn events(text: &str) -> Vec<(String, String, Value)> {
    let field = |event: &str, name: &str| {
        event.lines().find_map(|line| line.strip_prefix(&format!("{name}: "))).unwrap().to_owned()
    };
    let events = text.split("\n\n").filter(|event| event.starts_with("event"));
    events
        .map(|event| {
            let data = serde_json::from_str(&field(event, "data")).unwrap();
            (field(event, "event"), field(event, "id"), data)
        })
        .collect()
}

#[tokio::test]
async fn an_import_can_be_followed_to_its_end_and_again_after_it_was_answered() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let file = "Product Title,Total Licenses,Expired Licenses,Assigned licenses\nMicrosoft 365 E3,10,2,7\n";
    let (_, import) = org.upload("licences.csv", file, "").await;
    let follow = |seen: &str| {
        let request = org.owner.caller.get(&format!("{}/events", path(&import)));
        if seen.is_empty() { request } else { request.header("Last-Event-ID", seen) }
    };
    let mut response = follow("").send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let first = response.chunk().await.unwrap().unwrap();
    let seen = events(std::str::from_utf8(&first).unwrap());
    assert_eq!((seen[0].0.as_str(), &seen[0].2["status"]), ("progress", &json!("processing")));
    app.work().await;
    let seen = events(&response.text().await.unwrap());
    let (name, id, data) = seen.last().unwrap().clone();
    assert_eq!((name.as_str(), &data["status"]), ("ended", &json!("needs_input")));

    // Answered, it goes on; who has seen its first end sees the second one.
    let answer = org.owner.caller.post(&format!("{}/answers", path(&import)));
    let version = data["version"].clone();
    let answer = answer.header("If-Match", format!("\"v{version}\"")).json(&json!({"client": "Contoso"}));
    assert_eq!(send(answer).await.0, 202);
    let mut response = follow(&id).send().await.unwrap();
    let next = response.chunk().await.unwrap().unwrap();
    assert_eq!(events(std::str::from_utf8(&next).unwrap())[0].0, "progress");
    app.work().await;
    let seen = events(&response.text().await.unwrap());
    assert_eq!(seen.last().unwrap().2["status"], "completed");
    let last = seen.last().unwrap().1.clone();
    let rest = events(&follow(&last).send().await.unwrap().text().await.unwrap());
    assert_eq!((rest.len(), rest[0].0.as_str()), (1, "ended"));
}

async fn dry_run(org: &Org<'_>, file: &str, query: &str) -> Value {
    let (status, document) = org.upload("file.csv", file, &format!("dry_run=true&{query}")).await;
    assert_eq!(status, 200, "{document:#}");
    document
}

#[tokio::test]
async fn a_dry_run_tells_what_a_file_is_and_keeps_nothing() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let document = dry_run(&org, &billing(3), "").await;
    assert_eq!((&document["format"], &document["read"]), (&json!("leakage_billing"), &json!(3)));
    assert_eq!(document["file"], "file.csv", "{document:#}");
    let broken = billing(1) + "Client 0,Seat,many,22.00,USD,2026-02-01,2026-03-01\n";
    assert_eq!(dry_run(&org, &broken, "").await["refused"][0]["line"], 3);
    let unknown = dry_run(&org, "colour,size\nred,4\n", "").await;
    assert_eq!(unknown["format"], Value::Null);
    assert!(unknown["error"]["message"].as_str().is_some_and(|text| text.len() > 20), "{unknown:#}");

    let form = Form::new().text("dry_run", "true").part("file", Part::text(billing(2)).file_name("b.csv"));
    let (status, document) = send(org.owner.caller.post("/v1/imports").multipart(form)).await;
    assert_eq!((status, &document["read"]), (200, &json!(2)), "{document:#}");

    assert_eq!(org.read("/v1/imports").await["data"], json!([]));
    assert_eq!(org.read("/v1/jobs").await["data"], json!([]));
    let kept = std::fs::read_dir(app.files().join("objects")).map_or(0, Iterator::count);
    assert_eq!(kept, 0, "no object is kept");
}

#[tokio::test]
async fn a_dry_run_uses_no_idempotency_key_and_has_the_limits_of_an_upload() {
    let app = TestApp::start_with(|config| config.limits.upload_bytes = 1_000).await;
    let org = app.org("Example MSP").await;
    let upload = |query: &str| {
        org.owner
            .caller
            .post(&format!("/v1/imports?{query}"))
            .header("Idempotency-Key", "one")
            .body(billing(2))
    };
    for _ in 0..2 {
        let response = upload("dry_run=true").send().await.unwrap();
        assert_eq!(
            (response.status(), response.headers().get("idempotency-replayed")),
            (200.try_into().unwrap(), None)
        );
    }
    assert_eq!(send(upload("")).await.0, 202, "the key is still free");
    app.work().await;
    let large = org.upload("large.csv", vec![b'x'; 1_001], "dry_run=true").await;
    assert_problem(&large, 413, "too_large");
    let unclear = org.upload("billing.csv", billing(1), "dry_run=perhaps").await;
    assert_problem(&unclear, 422, "validation_failed");
}

/// A reconciliation file whose dates do not tell day from month.
const UNCLEAR: &str = include_str!("../fixtures/imports/unclear-dates.csv");

#[tokio::test]
async fn an_organization_says_once_which_order_its_dates_have() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let asking = org.import("recon.csv", UNCLEAR, "").await;
    assert_eq!(asking["status"], "needs_input", "{asking:#}");
    assert_eq!(asking["questions"][0]["question"], "date_order");

    let change = async |date_order: Value| {
        let organization = org.owner.caller.get("/v1/organization").send().await.unwrap();
        let change = org.owner.caller.patch("/v1/organization");
        let change = change.header("If-Match", &organization.headers()["etag"]);
        let (status, changed) = send(change.json(&json!({"settings": {"date_order": date_order}}))).await;
        assert_eq!((status, &changed["settings"]["date_order"]), (200, &date_order), "{changed:#}");
    };
    let from = async |import: &Value| {
        let rows = org.read(&format!("{}/rows", path(import))).await;
        rows["data"][0]["from"].as_str().unwrap().to_owned()
    };
    change(json!("dmy")).await;
    assert_eq!(dry_run(&org, UNCLEAR, "").await["needs_input"], json!([]));
    let usual = org.import_whole("recon.csv", format!("{UNCLEAR}\n"), "").await;
    assert_eq!(from(&usual).await, "2026-04-01");
    let stated = org.import_whole("recon.csv", UNCLEAR, "date_order=mdy").await;
    assert_eq!(from(&stated).await, "2026-01-04", "what is said of the file itself comes first");
    change(Value::Null).await;
    let asking = org.import("recon.csv", format!("{UNCLEAR}\n\n"), "").await;
    assert_eq!(asking["status"], "needs_input", "{asking:#}");
}

#[tokio::test]
async fn what_is_said_of_invoices_is_kept_with_the_import() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let import = org.import_whole("billing.csv", billing(1), "invoice_timing=arrears").await;
    assert_eq!(import["answers"], json!({"invoice_timing": "arrears"}));
    let wrong = org.upload("billing.csv", billing(2), "invoice_timing=later").await;
    assert_problem(&wrong, 422, "validation_failed");
    assert_eq!(wrong.1["errors"][0]["pointer"], "invoice_timing");
}
