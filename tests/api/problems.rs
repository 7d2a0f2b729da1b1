//! Whatever goes wrong, the answer is a whole problem.

use leakage_api::error::Code;
use leakage_tests::{TestApp, assert_problem, body, send};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn an_unknown_address_is_a_problem_with_the_callers_request_id() {
    let app = TestApp::start().await;
    let response = app.get("/v1/nothing").header("X-Request-Id", "my-request-17").send().await.unwrap();
    assert_eq!(response.headers()["x-request-id"], "my-request-17");
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    let answer = (response.status().as_u16(), body(response).await);
    assert_problem(&answer, 404, "not_found");
    assert_eq!(answer.1["request_id"], "my-request-17");
}

#[tokio::test]
async fn an_insane_request_id_is_replaced() {
    let app = TestApp::start().await;
    for bad in ["short", "with space in it", "quote\"and{brace}", &"x".repeat(65)] {
        let response = app.get("/livez").header("X-Request-Id", bad).send().await.unwrap();
        let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
        assert_ne!(id, bad);
        assert_eq!(id.parse::<uuid::Uuid>().unwrap().get_version_num(), 7);
    }
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let app = TestApp::start().await;
    let wrong = [
        (Method::DELETE, "/livez"),
        (Method::POST, "/v1/jobs"),
        (Method::PUT, "/v1/jobs/01931f3e-7d5c-7b60-9f10-3f2a4b5c6d7e"),
    ];
    for (method, path) in wrong {
        let response = app.stranger().request(method, path).send().await.unwrap();
        assert_eq!(response.headers()["allow"], "GET", "{path}");
        let answer = (response.status().as_u16(), body(response).await);
        assert_problem(&answer, 405, "method_not_allowed");
    }
}

#[tokio::test]
async fn the_nul_character_in_an_address_is_unreadable_and_not_a_fault_of_ours() {
    let app = TestApp::start().await;
    for path in ["/v1/jobs?kind=%00", "/v1/jobs/%00"] {
        assert_problem(&send(app.get(path)).await, 400, "unreadable_request");
    }
}

#[tokio::test]
async fn a_misspelt_parameter_is_refused_and_told_the_right_ones() {
    let app = TestApp::start().await;
    let answer = send(app.get("/v1/jobs?stat=failed&kind=housekeeping")).await;
    assert_problem(&answer, 400, "unreadable_request");
    let faults = answer.1["errors"].as_array().unwrap();
    assert_eq!((faults.len(), faults[0]["pointer"].as_str()), (1, Some("stat")));
    assert!(faults[0]["reason"].as_str().unwrap().contains("status"));
}

#[tokio::test]
async fn every_problem_type_resolves_to_its_section() {
    let app = TestApp::start().await;
    let page = app.get("/docs/errors").send().await.unwrap().text().await.unwrap();
    for code in Code::ALL {
        assert!(page.contains(&format!("id=\"{}\"", code.as_str())), "{}", code.as_str());
    }
}

#[tokio::test]
async fn the_interactive_documentation_works_without_other_servers() {
    let app = TestApp::start().await;
    let response = app.get("/docs/").send().await.unwrap();
    assert_eq!(response.status(), 200);
    let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"), "{policy}");
    let page = response.text().await.unwrap();
    assert!(!page.contains("https://") && page.contains("swagger-ui"), "{page}");
    // Everything that the page loads is there and is not refused by the page's own policy.
    for asset in page.split(['"', '\'']).filter(|text| text.starts_with("./")) {
        let response = app.get(&format!("/docs/{}", &asset[2..])).send().await.unwrap();
        assert_eq!(response.status(), 200, "{asset}");
    }
    assert!(!page.contains("<script>"), "an inline script would be refused: {page}");
}

#[tokio::test]
async fn the_service_is_ready_when_its_database_answers() {
    let app = TestApp::start().await;
    for path in ["/livez", "/readyz"] {
        assert_eq!(send(app.get(path)).await, (200, serde_json::json!({"status": "ok"})));
    }
    app.app.db.close().await;
    assert_problem(&send(app.get("/readyz")).await, 503, "unavailable");
    assert_eq!(send(app.get("/livez")).await.0, 200);
}

/// Sends a body to an operation that reads JSON.
async fn sign_up(app: &TestApp, content_type: &str, body: impl Into<reqwest::Body>) -> (u16, Value) {
    send(app.post("/v1/organizations").header("Content-Type", content_type).body(body)).await
}

#[tokio::test]
async fn a_body_that_is_not_json_is_unreadable() {
    let app = TestApp::start().await;
    for bad in ["", "{", "nonsense", "{\"name\":1}}", "{\"name\": \"\u{1}\"}", "[1,]"] {
        assert_problem(&sign_up(&app, "application/json", bad).await, 400, "unreadable_request");
    }
    let invalid_utf8 = sign_up(&app, "application/json", b"{\"name\":\"\xff\"}".to_vec()).await;
    assert_problem(&invalid_utf8, 400, "unreadable_request");
    let half = sign_up(&app, "application/json", r#"{"name":"\ud800"}"#).await;
    assert_problem(&half, 400, "unreadable_request");
    let deep = "[".repeat(100_000);
    assert_problem(&sign_up(&app, "application/json", deep).await, 400, "unreadable_request");
}

#[tokio::test]
async fn a_body_of_another_type_is_refused_by_type() {
    let app = TestApp::start().await;
    for other in ["text/plain", "application/x-www-form-urlencoded", "application/xml", "json"] {
        assert_problem(&sign_up(&app, other, "{}").await, 415, "unsupported_media_type");
    }
    assert_eq!(sign_up(&app, "Application/JSON; charset=utf-8", "{}").await.0, 422);
}

#[tokio::test]
async fn a_compressed_body_is_refused_by_type() {
    let app = TestApp::start().await;
    let request = app.post("/v1/organizations").header("Content-Encoding", "gzip").json(&json!({}));
    assert_problem(&send(request).await, 415, "unsupported_media_type");
}

#[tokio::test]
async fn answers_are_compressed_for_who_accepts_it() {
    let app = TestApp::start().await;
    let response = app.get("/openapi.json").header("Accept-Encoding", "gzip").send().await.unwrap();
    assert_eq!(response.headers()["content-encoding"], "gzip");
    assert!(response.bytes().await.unwrap().starts_with(&[0x1f, 0x8b]));
    let plain = app.get("/openapi.json").send().await.unwrap();
    assert!(!plain.headers().contains_key("content-encoding"));
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_as_too_large() {
    let app = TestApp::start().await;
    let large = format!("{{\"name\":\"{}\"}}", "x".repeat(1024 * 1024));
    assert_problem(&sign_up(&app, "application/json", large).await, 413, "too_large");
}

#[tokio::test]
async fn a_fault_in_a_body_is_told_with_its_place() {
    let app = TestApp::start().await;
    let owner = app.org("Example MSP").await.owner.caller;
    let cases = [
        (json!({"settings": {"invitation_days": "seven"}}), "/settings/invitation_days", "expected"),
        (json!({"settings": {"source/~order": []}}), "/settings/source~1~0order", "unknown field"),
        (json!({"naem": "Typo"}), "/naem", "unknown field"),
        (json!({"settings": {"source_order": ["a", 2]}}), "/settings/source_order/1", "expected a string"),
        (json!([]), "", "must be a JSON object"),
        (json!(["Renamed"]), "", "must be a JSON object"),
    ];
    for (body, pointer, reason) in cases {
        let answer = send(owner.patch("/v1/organization").header("If-Match", "\"v1\"").json(&body)).await;
        assert_problem(&answer, 422, "validation_failed");
        let fault = &answer.1["errors"][0];
        assert_eq!(fault["pointer"], pointer, "{fault}");
        assert!(fault["reason"].as_str().unwrap().contains(reason), "{fault}");
        assert!(!fault["reason"].as_str().unwrap().contains("line 1"), "{fault}");
    }
}

#[tokio::test]
async fn the_nul_character_in_a_body_is_invalid_and_not_a_fault_of_ours() {
    let app = TestApp::start().await;
    let owner = app.org("Example MSP").await.owner.caller;
    let send_name = async |json: &'static str| {
        let request = owner.patch("/v1/organization").header("If-Match", "\"v1\"");
        send(request.header("Content-Type", "application/json").body(json)).await
    };
    assert_problem(&send_name(r#"{"name":"a\u0000b"}"#).await, 422, "validation_failed");
    assert_problem(&send_name(r#"{"name":"a\\\u0000b"}"#).await, 422, "validation_failed");
    assert_eq!(
        send_name(r#"{"name":"a\\u0000b"}"#).await.0,
        200,
        "an escaped backslash before letters is a text"
    );
}

#[tokio::test]
async fn a_change_needs_the_version_that_was_read() {
    let app = TestApp::start().await;
    let owner = app.org("Example MSP").await.owner.caller;
    let read = owner.get("/v1/organization").send().await.unwrap();
    let etag = read.headers()["etag"].to_str().unwrap().to_owned();
    let change = |tag: Option<&str>| {
        let request = owner.patch("/v1/organization").json(&json!({"name": "Renamed MSP"}));
        send(match tag {
            Some(tag) => request.header("If-Match", tag),
            None => request,
        })
    };
    for missing in [None, Some("*")] {
        assert_problem(&change(missing).await, 428, "precondition_required");
    }
    for stale in ["\"v7\"", "\"v0\"", "\"v01\"", "\"v+1\"", "\"other\"", "v1", &format!("W/{etag}")] {
        assert_problem(&change(Some(stale)).await, 412, "version_mismatch");
    }
    assert_problem(&change(Some(&format!("{etag}, \"v9\""))).await, 400, "unreadable_request");
    assert_eq!(change(Some(&etag)).await.0, 200);
    assert_problem(&change(Some(&etag)).await, 412, "version_mismatch");
}

#[tokio::test]
async fn of_two_changes_at_once_one_wins() {
    let app = TestApp::start().await;
    let owner = app.org("Example MSP").await.owner.caller;
    let change = |name: &str| {
        send(owner.patch("/v1/organization").header("If-Match", "\"v1\"").json(&json!({"name": name})))
    };
    let (a, b) = tokio::join!(change("One"), change("Other"));
    let mut statuses = [a.0, b.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
}

#[tokio::test]
async fn a_repeated_request_is_answered_as_the_first_time() {
    let app = TestApp::start().await;
    let owner = app.org("Example MSP").await.owner.caller;
    let body = json!({"email": "new@example.com", "role": "viewer"});
    let invite = |key: &str, body: &Value| {
        owner.post("/v1/invitations").header("Idempotency-Key", key).json(body).send()
    };
    let first = invite("\"k-1\"", &body).await.unwrap();
    assert!(!first.headers().contains_key("idempotency-replayed"));
    // Bare or quoted, it is the same key.
    let second = invite("k-1", &body).await.unwrap();
    assert_eq!(second.headers()["idempotency-replayed"], "true");
    assert_eq!(second.headers().get("location"), first.headers().get("location"));
    assert_eq!(second.status(), first.status());
    let other = json!({"email": "other@example.com", "role": "viewer"});
    let (status, problem) = {
        let r = invite("k-1", &other).await.unwrap();
        (r.status().as_u16(), leakage_tests::body(r).await)
    };
    assert_problem(&(status, problem), 422, "idempotency_key_reused");
    for bad in ["", "\"\"", "with space", &"x".repeat(256)] {
        let answer = invite(bad, &body).await.unwrap();
        assert_problem(
            &(answer.status().as_u16(), leakage_tests::body(answer).await),
            400,
            "unreadable_request",
        );
    }
}
