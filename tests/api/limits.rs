//! Rate limits: counted in Redis or here, told on every answer, and never a reason to fail.

use chrono::Duration;
use leakage_api::auth::Scope;
use leakage_api::config::Config;
use leakage_tests::{Caller, TestApp, assert_problem, body};
use reqwest::Response;

/// A quota of 60 units a minute for a network that no other test has.
async fn limited(redis_url: Option<String>) -> TestApp {
    TestApp::start_with(|config: &mut Config| {
        config.limits.network_per_minute = 60;
        config.trusted_proxies = 1;
        config.redis_url = redis_url.map(Into::into);
    })
    .await
}

async fn ask(app: &TestApp, from: &str) -> Response {
    app.get("/openapi.json").header("X-Forwarded-For", from).send().await.unwrap()
}

fn remaining(response: &Response) -> i64 {
    let state = response.headers()["ratelimit"].to_str().unwrap();
    let after = state.split_once("\"network\";r=").unwrap().1;
    after.split(';').next().unwrap().parse().unwrap()
}

async fn exhaust(app: &TestApp, from: &str) {
    for left in (0..60).rev() {
        let response = ask(app, from).await;
        assert_eq!((response.status().as_u16(), remaining(&response)), (200, left));
    }
}

async fn assert_refused(app: &TestApp, from: &str) {
    let response = ask(app, from).await;
    assert_eq!(response.headers()["ratelimit-policy"], "\"network\";q=60;w=60");
    assert_eq!(response.headers()["retry-after"], "1");
    let answer = (response.status().as_u16(), body(response).await);
    assert_problem(&answer, 429, "rate_limited");
}

/// A database of the test Redis that only the named test uses.
fn redis(number: u8) -> String {
    let url =
        std::env::var("TEST_REDIS_URL").expect("TEST_REDIS_URL is not set; run the tests with scripts/test");
    if url.contains("unix:") {
        format!("{url}?db={number}")
    } else {
        format!("{}/{number}", url.trim_end_matches('/'))
    }
}

#[tokio::test]
async fn a_network_that_asks_too_much_is_told_when_to_come_back() {
    let app = limited(None).await;
    exhaust(&app, "192.0.2.7").await;
    assert_refused(&app, "192.0.2.7").await;
    // The next house, the same street.
    assert_refused(&app, "192.0.2.200").await;
    assert_eq!(ask(&app, "198.51.100.1").await.status(), 200);
    app.clock.advance(Duration::seconds(2));
    assert_eq!(remaining(&ask(&app, "192.0.2.7").await), 1);
}

#[tokio::test]
async fn an_ipv6_customer_is_one_network() {
    let app = limited(None).await;
    exhaust(&app, "2001:db8:1:2::1").await;
    assert_refused(&app, "2001:db8:1:2:ffff::9").await;
    assert_eq!(ask(&app, "2001:db8:1:3::1").await.status(), 200);
}

#[tokio::test]
async fn addresses_that_the_caller_wrote_itself_are_not_believed() {
    let app = limited(None).await;
    for n in 0..60 {
        ask(&app, &format!("203.0.{n}.1, 192.0.2.7")).await;
    }
    assert_refused(&app, "203.0.113.1, 192.0.2.7").await;
}

#[tokio::test]
async fn liveness_is_never_refused() {
    let app = limited(None).await;
    for _ in 0..70 {
        assert_eq!(app.get("/livez").send().await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn nodes_that_share_a_redis_count_together_and_a_flush_harms_nothing() {
    let (one, other) = (limited(Some(redis(1))).await, limited(Some(redis(1))).await);
    let mut connection =
        redis::Client::open(redis(1)).unwrap().get_multiplexed_async_connection().await.unwrap();
    let mut flush = async || redis::cmd("FLUSHDB").query_async::<()>(&mut connection).await.unwrap();
    flush().await;
    // Redis keeps its own time: units come back while the test runs, so count to the refusal.
    let mut answered = 0;
    while ask(if answered % 2 == 0 { &one } else { &other }, "192.0.2.7").await.status() == 200 {
        answered += 1;
        assert!(answered < 120, "the nodes do not count together");
    }
    assert!(answered >= 60);
    flush().await;
    assert_eq!(remaining(&ask(&one, "192.0.2.7").await), 59);
}

#[tokio::test]
async fn without_its_redis_a_node_counts_for_itself() {
    let app = limited(Some("redis://127.0.0.1:1/".to_owned())).await;
    exhaust(&app, "192.0.2.7").await;
    assert_refused(&app, "192.0.2.7").await;
}

#[tokio::test]
async fn a_key_that_asks_too_much_is_refused_and_the_others_of_its_organization_are_not() {
    let app = TestApp::start_with(|config| config.limits.key_per_minute = 60).await;
    let org = app.org("Example MSP").await;
    let key = org.api_key(&[Scope::Read]).await;
    let ask = async |caller: &Caller| caller.get("/v1/organization").send().await.unwrap();
    for left in (0..60).rev() {
        let response = ask(&key).await;
        assert_eq!(response.status(), 200);
        let state = response.headers()["ratelimit"].to_str().unwrap().to_owned();
        assert!(
            state.starts_with(&format!("\"key\";r={left};")) && state.contains("\"organization\";r="),
            "{state}"
        );
    }
    let refused = ask(&key).await;
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_problem(&(refused.status().as_u16(), body(refused).await), 429, "rate_limited");
    assert_eq!(ask(&org.api_key(&[Scope::Read]).await).await.status(), 200);
}

#[tokio::test]
async fn an_organization_shares_one_limit_and_others_do_not_feel_it() {
    let app = TestApp::start_with(|config| config.limits.organization_per_minute = 60).await;
    let (busy, quiet) = (app.org("Busy").await, app.org("Quiet").await);
    let one = busy.api_key(&[Scope::Read]).await;
    let other = busy.api_key(&[Scope::Read]).await;
    let mut answered = 0;
    while (if answered % 2 == 0 { &one } else { &other }).get("/v1/jobs").send().await.unwrap().status()
        == 200
    {
        answered += 1;
        assert!(answered <= 60, "no limit for the organization");
    }
    assert!(answered > 40, "{answered}");
    assert_eq!(quiet.owner.caller.get("/v1/jobs").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn credentials_that_nobody_looks_at_do_not_get_around_the_networks_limit() {
    let app = limited(None).await;
    let sign_in = |n: u32| {
        let request = app.caller("junk").post("/v1/sessions").header("X-Forwarded-For", "192.0.2.7");
        // Each time another account: one account's own delays are not meant here.
        request.json(&serde_json::json!({"email": format!("nobody{n}@example.com"), "password": "three green bottles"}))
    };
    let mut refused = 0;
    for n in 0..10 {
        refused += i32::from(sign_in(n).send().await.unwrap().status() == 429);
    }
    assert_eq!(refused, 4, "six sign-ins of ten units each are 60");
}

#[tokio::test]
async fn wrong_credentials_are_charged_to_the_network() {
    let app = limited(None).await;
    let ask = async || {
        let request = app.caller("wrong").get("/v1/jobs").header("X-Forwarded-For", "192.0.2.7");
        request.send().await.unwrap().status().as_u16()
    };
    for _ in 0..60 {
        assert_eq!(ask().await, 401);
    }
    assert_eq!(ask().await, 429);
}
