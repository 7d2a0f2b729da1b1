//! The audit without an account: the built-in sample, and files that are not kept.

use leakage_core::sample;
use leakage_tests::{TestApp, assert_problem, send};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use std::time::Instant;

const ENTITLEMENTS: &str = "client,product,purchased,from\nContoso,Seat,10,2026-03-01\n";
const BILLING: &str =
    "client,product,quantity,unit_price,currency,from,until\nContoso,Seat,8,5.00,USD,2026-03-01,2026-06-01\n";

fn form(files: &[(&str, &str)], request: &Value) -> Form {
    let mut form = Form::new();
    if !request.is_null() {
        form = form.text("request", request.to_string());
    }
    for (name, text) in files {
        form = form.part("file", Part::bytes(text.as_bytes().to_vec()).file_name((*name).to_owned()));
    }
    form
}

async fn ask(app: &TestApp, files: &[(&str, &str)], request: &Value) -> (u16, Value) {
    send(app.post("/v1/sample-audit").multipart(form(files, request))).await
}

async fn edit(app: &TestApp, request: &Value) -> (u16, Value) {
    send(app.post("/v1/sample-audit").json(request)).await
}

fn sample_files() -> Vec<(&'static str, &'static str)> {
    sample::FILES.iter().map(|file| (file.name, file.text)).collect()
}

#[tokio::test]
async fn the_sample_is_answered_and_each_of_its_gaps_explained() {
    let app = TestApp::start().await;
    let (status, answer) = send(app.get("/v1/sample-audit")).await;
    assert_eq!(status, 200);
    assert_eq!((&answer["questions"], &answer["explanation"]), (&json!([]), &Value::Null));
    let gaps = answer["audit"]["gaps"].as_array().unwrap();
    assert!(gaps.len() >= 8);
    for gap in gaps {
        let id = gap["id"].as_str().unwrap();
        let (status, explained) = send(app.get(&format!("/v1/sample-audit?explain={id}"))).await;
        assert_eq!((status, &explained["explanation"]["gap"]), (200, gap));
        assert_eq!(explained["audit"], answer["audit"]);
    }
    let unknown = send(app.get("/v1/sample-audit?explain=none")).await;
    assert_problem(&unknown, 400, "unreadable_request");
    let begun = Instant::now();
    for _ in 0..20 {
        send(app.get("/v1/sample-audit")).await;
    }
    assert!(begun.elapsed().as_millis() < 20 * 20 * 5, "{:?} for 20 answers", begun.elapsed());
}

#[tokio::test]
async fn the_samples_own_files_give_the_samples_digest() {
    let app = TestApp::start().await;
    let (_, builtin) = send(app.get("/v1/sample-audit")).await;
    let (_, listed) = send(app.get("/v1/sample-audit/files")).await;
    let listed: Vec<(String, String)> = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| (file["name"].as_str().unwrap().to_owned(), file["text"].as_str().unwrap().to_owned()))
        .collect();
    let files: Vec<(&str, &str)> = listed.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let request = json!({"from": "2026-01", "to": "2026-08", "as_of": "2026-08-31"});
    let (status, answer) = ask(&app, &files, &request).await;
    assert_eq!((status, &answer["audit"]), (200, &builtin["audit"]));
    let (_, unchanged) = edit(&app, &json!({})).await;
    assert_eq!(unchanged["audit"], builtin["audit"]);
}

#[tokio::test]
async fn files_are_compared_over_the_months_that_they_share() {
    let app = TestApp::start().await;
    let (status, answer) = ask(&app, &[("e.csv", ENTITLEMENTS), ("b.csv", BILLING)], &Value::Null).await;
    assert_eq!(status, 200);
    assert_eq!(answer["months"], json!({"from": "2026-03", "to": "2026-05", "chosen": true}));
    assert_eq!(answer["audit"]["totals"][0]["under"], "30.00");
    assert_eq!(answer["files"][0]["format"], "leakage_entitlements");
    let gap = answer["audit"]["gaps"][0]["id"].clone();
    let (_, explained) =
        ask(&app, &[("e.csv", ENTITLEMENTS), ("b.csv", BILLING)], &json!({"explain": gap})).await;
    assert_eq!(explained["explanation"]["gap"]["id"], gap);
}

#[tokio::test]
async fn what_cannot_be_used_is_told_with_its_place() {
    let app = TestApp::start().await;
    let both = [("e.csv", ENTITLEMENTS), ("b.csv", BILLING)];
    for (request, pointer) in [
        (json!({"from": "2026-05", "to": "2026-03"}), "/to"),
        (json!({"files": [{"name": "c.csv"}]}), "/files/0/name"),
        (json!({"files": [{"name": "e.csv", "text": "x"}]}), "/files/0/text"),
        (json!({"explain": "none"}), "/explain"),
        (json!({"month": "2026-03"}), ""),
    ] {
        let answer = ask(&app, &both, &request).await;
        assert_problem(&answer, 422, "validation_failed");
        if !pointer.is_empty() {
            assert_eq!(answer.1["errors"][0]["pointer"], pointer, "{request}");
        }
    }
    let same = [("e.csv", ENTITLEMENTS), ("e.csv", BILLING)];
    assert_problem(&ask(&app, &same, &Value::Null).await, 422, "validation_failed");
    assert_problem(&ask(&app, &[], &json!({})).await, 422, "validation_failed");
    let form = Form::new().text("other", "x");
    assert_problem(&send(app.post("/v1/sample-audit").multipart(form)).await, 422, "validation_failed");
    let text = app.post("/v1/sample-audit").header("Content-Type", "text/plain").body("x");
    assert_problem(&send(text).await, 415, "unsupported_media_type");
}

#[tokio::test]
async fn too_much_is_refused() {
    let app = TestApp::start().await;
    let many = format!("{ENTITLEMENTS}{}", "Contoso,Seat,1,2026-03-01\n".repeat(50_001));
    assert_problem(&ask(&app, &[("e.csv", &many)], &Value::Null).await, 413, "too_large");
    let large = "x".repeat(10 * 1024 * 1024 + 1);
    assert_problem(&ask(&app, &[("e.csv", &large)], &Value::Null).await, 413, "too_large");
    let files: Vec<(String, &str)> = (0..21).map(|n| (format!("{n}.csv"), ENTITLEMENTS)).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    assert_problem(&ask(&app, &files, &Value::Null).await, 422, "validation_failed");
}

#[tokio::test]
async fn strangers_are_sent_away_first_and_others_are_served() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let places = u32::try_from(app.app.visits.places.available_permits()).unwrap();
    let taken = app.app.visits.places.clone().acquire_many_owned(places).await.unwrap();
    let response =
        app.post("/v1/sample-audit").multipart(form(&sample_files(), &Value::Null)).send().await.unwrap();
    assert_eq!(response.headers()["retry-after"], "5");
    assert_problem(&(response.status().as_u16(), response.json().await.unwrap()), 503, "unavailable");
    assert_eq!(send(app.get("/v1/sample-audit")).await.0, 200);
    org.import_whole("billing.csv", BILLING, "").await;
    drop(taken);
    assert_eq!(ask(&app, &sample_files(), &Value::Null).await.0, 200);
}

#[tokio::test]
async fn a_network_and_all_networks_together_have_limits() {
    let app = TestApp::start_with(|config| {
        config.limits.network_per_minute = 20;
        config.trusted_proxies = 1;
    })
    .await;
    let ask = async |from: String| {
        send(app.post("/v1/sample-audit").header("X-Forwarded-For", from).json(&json!({"to": "x"}))).await
    };
    for _ in 0..5 {
        assert_eq!(ask("192.0.2.1".to_owned()).await.0, 422);
    }
    assert_problem(&ask("192.0.2.1".to_owned()).await, 429, "rate_limited");
    for network in 0..235 {
        assert_eq!(ask(format!("198.51.{network}.1")).await.0, 422);
    }
    assert_problem(&ask("203.0.113.1".to_owned()).await, 503, "unavailable");
    assert_eq!(send(app.get("/v1/sample-audit").header("X-Forwarded-For", "203.0.113.1")).await.0, 200);
}

#[tokio::test]
async fn nothing_is_kept() {
    let app = TestApp::start().await;
    let before = files_below(app.files());
    let (status, _) = ask(&app, &[("e.csv", ENTITLEMENTS), ("b.csv", BILLING)], &Value::Null).await;
    assert_eq!(status, 200);
    assert_eq!(files_below(app.files()), before);
    let response = app.post("/v1/sample-audit").json(&json!({})).send().await.unwrap();
    assert_eq!(response.headers()["cache-control"], "no-store");
}

fn files_below(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}
