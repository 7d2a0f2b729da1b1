//! The sample's files give the same numbers everywhere, and strangers' files are worked on in a process of
//! their own, which may die.

use leakage_api::visits::VisitProcess;
use leakage_tests::{TestApp, assert_problem, send};
use reqwest::multipart::{Form, Part};
use serde_json::Value;
use std::fmt::Write as _;
use std::process::Command;

const LEAKAGE: &str = env!("CARGO_BIN_EXE_leakage");

async fn served(process: VisitProcess) -> TestApp {
    TestApp::start_made(|_| {}, |app| app.visits.process = Some(process)).await
}

async fn ask(app: &TestApp, files: &[(&str, Vec<u8>)]) -> (u16, Value) {
    let mut form = Form::new();
    for (name, bytes) in files {
        form = form.part("file", Part::bytes(bytes.clone()).file_name((*name).to_owned()));
    }
    send(app.post("/v1/sample-audit").multipart(form)).await
}

#[tokio::test]
async fn the_command_gives_the_same_document_from_the_samples_files() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("sample");
    let written = Command::new(LEAKAGE).arg("sample").arg(&place).output().unwrap();
    assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
    let said = String::from_utf8(written.stdout).unwrap();
    let line = said.lines().nth(1).unwrap();
    assert!(line.starts_with("leakage audit "), "{said}");
    let words = line.split_whitespace().skip(1).chain(["--format", "json"]);
    let audited = Command::new(LEAKAGE).args(words).current_dir(&place).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&audited.stderr), "");
    let command: Value = serde_json::from_slice(&audited.stdout).unwrap();
    let app = served(VisitProcess::of(LEAKAGE)).await;
    let (_, answer) = send(app.get("/v1/sample-audit")).await;
    assert_eq!(answer["audit"], command);
    // Not a second time over files that may have been changed.
    assert!(!Command::new(LEAKAGE).arg("sample").arg(&place).output().unwrap().status.success());
}

#[tokio::test]
async fn the_process_answers_as_this_one_does() {
    let app = served(VisitProcess::of(LEAKAGE)).await;
    let files: Vec<(&str, Vec<u8>)> =
        leakage_core::sample::FILES.iter().map(|file| (file.name, file.text.into())).collect();
    let (status, outside) = ask(&app, &files).await;
    assert_eq!(status, 200);
    let app = TestApp::start().await;
    let (_, inside) = ask(&app, &files).await;
    assert_eq!(outside, inside);
}

#[tokio::test]
async fn a_process_that_dies_is_the_answer_to_one_request_and_no_more() {
    let entitlements = b"client,product,purchased,from\nContoso,Seat,10,2026-03-01\n".to_vec();
    // More than it can read in its second.
    let mut many = String::from("client,product,purchased,from\n");
    for client in 0..40_000 {
        writeln!(many, "Client {client},Seat,10,2026-03-01").unwrap();
    }
    let starved = served(VisitProcess::of(LEAKAGE).limited(1 << 20, 1)).await;
    let answer = ask(&starved, &[("e.csv", many.into_bytes())]).await;
    assert_problem(&answer, 422, "file_unreadable");
    assert_eq!(starved.app.visits.turns.available_permits(), 2);
    let gone = served(VisitProcess::of("/nowhere/leakage")).await;
    // No file is to blame for that.
    assert_problem(&ask(&gone, &[("e.csv", entitlements.clone())]).await, 500, "internal_error");
    let well = served(VisitProcess::of(LEAKAGE)).await;
    // Plain noise beside a good file.
    let noise: Vec<u8> = (0..4096_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    let (status, answer) = ask(&well, &[("noise.xlsx", noise), ("e.csv", entitlements)]).await;
    assert_eq!(status, 200, "{answer:#}");
    assert!(answer["files"][0]["error"].is_object() && answer["files"][1]["used"] == true, "{answer:#}");
}
