//! Imports: what is read, what is refused and how, and that nothing is lost or counted twice.

use leakage_tests::{TestApp, assert_problem, send};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

const BILLING: &str = "client,product,quantity,unit_price,currency,from,until\n\
    Contoso,Microsoft 365 Business Premium,20,22.00,USD,2026-02-01,2026-03-01\n\
    Fabrikam,Microsoft 365 Business Basic,5,7.20,USD,2026-02-01,2026-03-01\n";

const BROKEN: &str = "client,product,quantity,unit_price,currency,from,until\n\
    Contoso,Microsoft 365 Business Premium,abc,22.00,USD,2026-02-01,2026-03-01\n\
    Fabrikam,Microsoft 365 Business Basic,5,7.20,USD,2026-02-01,2026-03-01\n";

#[tokio::test]
async fn an_upload_is_detected_with_reasons_and_its_rows_keep_their_lines() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let import = org.import_whole("billing.csv", BILLING, "").await;
    assert_eq!(
        (import["sides"][0].as_str(), import["rows_read"].as_i64()),
        (Some("billing"), Some(2)),
        "{import:#}"
    );
    assert!(import["reasons"].as_array().is_some_and(|reasons| !reasons.is_empty()), "{import:#}");
    let rows = org.read(&format!("/v1/imports/{}/rows", import["id"].as_str().unwrap())).await;
    let lines: Vec<i64> =
        rows["data"].as_array().unwrap().iter().map(|row| row["line"].as_i64().unwrap()).collect();
    assert_eq!(lines, [2, 3], "{rows:#}");
    assert_eq!(rows["data"][0]["client"], "Contoso");
    assert_eq!(rows["data"][0]["quantity"], "20");
}

#[tokio::test]
async fn rows_and_errors_come_in_pages() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let id = org.import_whole("billing.csv", BILLING, "").await["id"].as_str().unwrap().to_owned();
    let first = org.read(&format!("/v1/imports/{id}/rows?limit=1")).await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = org.read(&format!("/v1/imports/{id}/rows?limit=1&cursor={cursor}")).await;
    assert_eq!(second["data"][0]["line"], 3, "{second:#}");
    assert_eq!(second["has_more"], false);
}

#[tokio::test]
async fn a_form_says_what_the_file_does_not() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let file = "Product Title,Total Licenses,Expired Licenses,Assigned licenses\nMicrosoft 365 E3,10,2,7\n";
    let form = Form::new()
        .text("client", "Contoso")
        .text("snapshot_on", "2026-10-01")
        .part("file", Part::text(file).file_name("../../licences.csv"));
    let (status, import) = send(org.owner.caller.post("/v1/imports").multipart(form)).await;
    assert_eq!(status, 202, "{import:#}");
    assert_eq!(import["file_name"], "licences.csv");
    app.work().await;
    let id = import["id"].as_str().unwrap();
    let import = org.read(&format!("/v1/imports/{id}")).await;
    assert_eq!(
        (import["status"].as_str(), import["snapshot_on"].as_str()),
        (Some("completed"), Some("2026-10-01"))
    );
    let rows = org.read(&format!("/v1/imports/{id}/rows")).await;
    assert_eq!(rows["data"][0]["client"], "Contoso", "{rows:#}");
}

#[tokio::test]
async fn a_form_without_a_file_or_with_an_unknown_field_is_refused_by_name() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    for (form, field) in
        [(Form::new().text("client", "Contoso"), "file"), (Form::new().text("klient", "Contoso"), "klient")]
    {
        let answer = send(org.owner.caller.post("/v1/imports").multipart(form)).await;
        assert_problem(&answer, 422, "validation_failed");
        assert_eq!(answer.1["errors"][0]["pointer"], field);
    }
}

#[tokio::test]
async fn a_file_that_names_no_client_asks_whose_it_is_and_goes_on_when_answered() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let file = "Product Title,Total Licenses,Expired Licenses,Assigned licenses\nMicrosoft 365 E3,10,2,7\n";
    let import = org.import("licences.csv", file, "").await;
    assert_eq!(import["status"], "needs_input", "{import:#}");
    assert_eq!(import["questions"][0]["question"], "client");
    let path = format!("/v1/imports/{}", import["id"].as_str().unwrap());
    let answer = || org.owner.caller.post(&format!("{path}/answers")).json(&json!({"client": "Contoso"}));
    assert_problem(&send(answer()).await, 428, "precondition_required");
    assert_problem(&send(answer().header("If-Match", "\"v99\"")).await, 412, "version_mismatch");
    let current = format!("\"v{}\"", import["version"]);
    let (status, import) = send(answer().header("If-Match", current)).await;
    assert_eq!(status, 202, "{import:#}");
    app.work().await;
    let import = org.read(&path).await;
    assert_eq!(
        (import["status"].as_str(), import["records"].as_i64()),
        (Some("completed"), Some(1)),
        "{import:#}"
    );
    // Nothing is asked any more.
    let again = answer().header("If-Match", format!("\"v{}\"", import["version"]));
    assert_problem(&send(again).await, 409, "conflict");
}

#[tokio::test]
async fn one_refused_row_refuses_the_import_and_says_where() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let import = org.import("billing.csv", BROKEN, "").await;
    assert_eq!(
        (import["status"].as_str(), import["records"].as_i64()),
        (Some("refused"), Some(0)),
        "{import:#}"
    );
    assert_eq!(import["problem"]["code"], "rows_refused");
    let errors = org.read(&format!("/v1/imports/{}/errors", import["id"].as_str().unwrap())).await;
    let error = &errors["data"][0];
    assert_eq!(
        (error["line"].as_i64(), error["column"].as_str(), error["value"].as_str()),
        (Some(2), Some("quantity"), Some("abc")),
        "{errors:#}"
    );
    let rows = org.read(&format!("/v1/imports/{}/rows", import["id"].as_str().unwrap())).await;
    assert_eq!(rows["data"], json!([]), "nothing is half imported");
}

#[tokio::test]
async fn a_part_is_accepted_on_request_and_the_refused_clients_are_not_compared() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let import = org.import_whole("billing.csv", BROKEN, "accept_partial=true").await;
    assert_eq!(
        (import["records"].as_i64(), import["incomplete"].as_str()),
        (Some(1), Some("clients")),
        "{import:#}"
    );
    org.import_whole(
        "entitlements.csv",
        "client,product,purchased,from\nContoso,Microsoft 365 Business Premium,22,2026-02-01\n\
         Fabrikam,Microsoft 365 Business Basic,7,2026-02-01\n",
        "",
    )
    .await;
    let document = org.audit(json!({"from": "2026-02", "to": "2026-02"})).await;
    let clients: Vec<&str> =
        document["gaps"].as_array().unwrap().iter().map(|gap| gap["client"].as_str().unwrap()).collect();
    assert_eq!(clients, ["Fabrikam"], "{document:#}");
    let contoso =
        document["coverage"].as_array().unwrap().iter().find(|line| line["client"] == "Contoso").unwrap();
    assert_eq!(contoso["status"], "insufficient_data", "{contoso:#}");
}

#[tokio::test]
async fn with_prefer_wait_the_outcome_is_the_answer() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let upload = |content: &'static str| {
        org.owner
            .caller
            .post("/v1/imports")
            .header("Prefer", "wait=30")
            .header("Content-Type", "text/csv")
            .body(content)
    };
    let work = async || {
        // The worker begins when the upload is there.
        while app.work().await == 0 {
            tokio::task::yield_now().await;
        }
    };
    let (answer, ()) = tokio::join!(send(upload(BILLING)), work());
    assert_eq!((answer.0, answer.1["status"].as_str()), (201, Some("completed")), "{:#}", answer.1);
    let (answer, ()) = tokio::join!(send(upload(BROKEN)), work());
    assert_problem(&answer, 422, "rows_refused");
    assert_eq!(answer.1["errors"][0]["line"], 2, "{:#}", answer.1);
    let (answer, ()) = tokio::join!(send(upload("\u{1}\u{2}nothing that is known")), work());
    assert_problem(&answer, 422, "file_unreadable");
}

#[tokio::test]
async fn the_same_file_with_the_same_answers_is_the_same_import_until_it_is_voided() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let first = org.import_whole("billing.csv", BILLING, "").await;
    let (status, second) = org.upload("renamed.csv", BILLING, "").await;
    assert_eq!((status, &second["id"]), (200, &first["id"]));
    let (status, other) = org.upload("billing.csv", BILLING, "client=Contoso").await;
    assert_eq!(status, 202, "other answers make another import");
    assert_ne!(other["id"], first["id"]);
    app.work().await;

    let path = format!("/v1/imports/{}", first["id"].as_str().unwrap());
    let void = org
        .owner
        .caller
        .post(&format!("{path}/void"))
        .header("If-Match", format!("\"v{}\"", first["version"]))
        .json(&json!({"reason": "wrong month"}));
    let (status, voided) = send(void).await;
    assert_eq!((status, voided["status"].as_str()), (200, Some("voided")), "{voided:#}");
    let (status, third) = org.upload("billing.csv", BILLING, "").await;
    assert_eq!(status, 202);
    assert_ne!(third["id"], first["id"]);
    app.work().await;
}

#[tokio::test]
async fn two_uploads_of_one_file_at_once_make_one_import() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let ((a, one), (b, two)) =
        tokio::join!(org.upload("a.csv", BILLING, ""), org.upload("b.csv", BILLING, ""));
    let mut statuses = [a, b];
    statuses.sort_unstable();
    assert_eq!((statuses, &one["id"]), ([200, 202], &two["id"]));
    assert_eq!(app.work().await, 1);
}

#[tokio::test]
async fn the_original_file_comes_back_byte_for_byte_and_never_as_a_page() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let content = format!("\u{feff}{BILLING}");
    let import = org.import_whole("billing.csv", content.clone(), "").await;
    let path = format!("/v1/imports/{}/file", import["id"].as_str().unwrap());
    let response = org.owner.caller.get(&path).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/octet-stream");
    assert!(response.headers()["content-disposition"].to_str().unwrap().contains("billing.csv"));
    assert_eq!(response.bytes().await.unwrap(), content.as_bytes());
}

#[tokio::test]
async fn unreadable_files_are_refused_with_what_was_seen() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let files: [(&str, Vec<u8>); 4] = [
        ("unknown.csv", b"colour,size\nred,4\n".to_vec()),
        ("header.csv", b"client,product,quantity,unit_price,currency,from\n".to_vec()),
        ("nul.csv", b"client,product,quantity,unit_price,currency,from\nA\0,B,1,1,USD,2026-01-01\n".to_vec()),
        ("broken.json", b"{\"value\": [".to_vec()),
    ];
    for (name, content) in files {
        let import = org.import(name, content, "").await;
        assert_eq!(import["status"], "refused", "{name}: {import:#}");
        assert_eq!(import["problem"]["code"], "file_unreadable", "{name}: {import:#}");
        let detail = import["problem"]["detail"].as_str().unwrap();
        assert!(detail.len() > 30 && !detail.contains("/tmp"), "{name}: {detail}");
    }
    let empty = org.upload("empty.csv", Vec::new(), "").await;
    assert_problem(&empty, 422, "file_unreadable");
}

#[tokio::test]
async fn a_file_over_the_limit_is_refused_and_nothing_is_kept() {
    let app = TestApp::start_with(|config| config.limits.upload_bytes = 100).await;
    let org = app.org("Example MSP").await;
    assert_problem(&org.upload("large.csv", vec![b'x'; 101], "").await, 413, "too_large");
    let list = org.read("/v1/imports").await;
    assert_eq!(list["data"], json!([]));
}

#[tokio::test]
async fn a_repeated_request_with_a_key_is_answered_from_the_record() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let upload = |content: &'static str| {
        org.owner.caller.post("/v1/imports").header("Idempotency-Key", "march").body(content)
    };
    let (_, first) = send(upload(BILLING)).await;
    let response = upload(BILLING).send().await.unwrap();
    assert_eq!(response.headers()["idempotency-replayed"], "true");
    let second: Value = response.json().await.unwrap();
    assert_eq!(second["id"], first["id"]);
    assert_problem(&send(upload(BROKEN)).await, 422, "idempotency_key_reused");
    app.work().await;
}

#[tokio::test]
async fn imports_are_listed_newest_first_and_by_status() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    org.import_whole("one.csv", BILLING, "").await;
    app.clock.advance(chrono::Duration::minutes(1));
    org.import("two.csv", BROKEN, "").await;
    let names = |list: &Value| -> Vec<String> {
        list["data"].as_array().unwrap().iter().map(|i| i["file_name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&org.read("/v1/imports").await), ["two.csv", "one.csv"]);
    assert_eq!(names(&org.read("/v1/imports?status=completed").await), ["one.csv"]);
    let answer = send(org.owner.caller.get("/v1/imports?status=done")).await;
    assert_problem(&answer, 400, "unreadable_request");
}
