//! Calls from pages of another origin.

use leakage_tests::TestApp;
use reqwest::Method;

const PAGE: &str = "https://app.example.com";

#[tokio::test]
async fn a_configured_page_may_call_and_read_what_it_needs() {
    let app = TestApp::start_with(|config| config.cors_origins = vec![PAGE.to_owned()]).await;
    let preflight = app
        .stranger()
        .request(Method::OPTIONS, "/v1/imports")
        .header("Origin", PAGE)
        .header("Access-Control-Request-Method", "POST")
        .header("Access-Control-Request-Headers", "authorization,idempotency-key,prefer")
        .send()
        .await
        .unwrap();
    assert_eq!(preflight.status(), 200);
    assert_eq!(preflight.headers()["access-control-allow-origin"], PAGE);
    let org = app.org("Example MSP").await;
    let answer = org.owner.caller.get("/v1/clients").header("Origin", PAGE).send().await.unwrap();
    assert_eq!(answer.headers()["access-control-allow-origin"], PAGE);
    let exposed = answer.headers()["access-control-expose-headers"].to_str().unwrap().to_ascii_lowercase();
    for header in ["etag", "link", "location", "retry-after", "ratelimit", "x-request-id"] {
        assert!(exposed.contains(header), "{header} in {exposed}");
    }
    assert!(!answer.headers().contains_key("access-control-allow-credentials"));
}

#[tokio::test]
async fn a_refused_request_tells_the_page_why() {
    let app = TestApp::start_with(|config| config.cors_origins = vec![PAGE.to_owned()]).await;
    let answer = app.get("/v1/clients").header("Origin", PAGE).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    assert_eq!(answer.headers()["access-control-allow-origin"], PAGE);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
}

#[tokio::test]
async fn any_other_page_may_not() {
    for origins in [vec![PAGE.to_owned()], Vec::new()] {
        let app = TestApp::start_with(|config| config.cors_origins = origins).await;
        let answer = app.get("/livez").header("Origin", "https://elsewhere.example").send().await.unwrap();
        assert!(!answer.headers().contains_key("access-control-allow-origin"), "{:?}", answer.headers());
    }
}
