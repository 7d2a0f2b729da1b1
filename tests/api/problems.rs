//! Whatever goes wrong, the answer is a whole problem.

use leakage_api::error::Code;
use leakage_tests::{TestApp, assert_problem, body, send};
use reqwest::Method;

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
