//! Jobs as callers see them: read, wait, list, follow.

use leakage_api::auth::Role;
use leakage_api::auth::tokens::Subject;
use leakage_api::jobs::{self, JobKind};
use leakage_core::id::{JobId, OrgId, SessionId, UserId};
use leakage_tests::{Caller, TestApp, assert_problem, body, send};
use serde_json::{Value, json};
use uuid::Uuid;

/// A viewer; for reads, a token is enough.
fn viewer(app: &TestApp, org: OrgId) -> Caller {
    let subject = Subject {
        user: UserId::new(Uuid::now_v7()),
        session: SessionId::new(Uuid::now_v7()),
        membership: Some((org, Role::Viewer)),
    };
    app.caller(app.app.tokens.issue(&subject).unwrap().token)
}

async fn enqueue(app: &TestApp, org: OrgId) -> JobId {
    let mut tx = app.app.db.begin(org).await.unwrap();
    let job = jobs::enqueue(&mut tx, app.clock.now(), JobKind::Housekeeping, org.uuid(), Value::Null)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    job
}

#[tokio::test]
async fn a_job_is_read_and_read_again_for_nothing() {
    let app = TestApp::start().await;
    let org = app.database.organization().await;
    let viewer = viewer(&app, org);
    let job = enqueue(&app, org).await;
    app.work().await;
    let response = viewer.get(&format!("/v1/jobs/{job}")).send().await.unwrap();
    let (etag, left) = (response.headers()["etag"].clone(), response.headers()["ratelimit"].clone());
    let read = body(response).await;
    assert_eq!(read["status"], "succeeded");
    assert_eq!(read["result"], json!({"idempotency_replies": 0, "jobs": 0, "webhook_deliveries": 0}));

    let again = viewer.get(&format!("/v1/jobs/{job}")).header("If-None-Match", &etag).send().await.unwrap();
    assert_eq!(again.status(), 304);
    assert_eq!(again.headers()["etag"], etag);
    assert_eq!(again.headers()["ratelimit"], left, "a conditional read that finds nothing new is free");
}

#[tokio::test]
async fn another_organizations_job_is_as_absent_as_one_that_never_was() {
    let app = TestApp::start().await;
    let (ours, theirs) = (app.database.organization().await, app.database.organization().await);
    let job = enqueue(&app, theirs).await;
    app.work().await;
    let viewer = viewer(&app, ours);
    for suffix in ["", "/events"] {
        let mut foreign = send(viewer.get(&format!("/v1/jobs/{job}{suffix}"))).await;
        let mut absent = send(viewer.get(&format!("/v1/jobs/{}{suffix}", Uuid::now_v7()))).await;
        assert_problem(&foreign, 404, "not_found");
        for answer in [&mut foreign, &mut absent] {
            answer.1["request_id"].take();
        }
        assert_eq!(foreign, absent);
    }
    assert_eq!(send(viewer.get("/v1/jobs")).await.1["data"], json!([]));
    assert_problem(&send(viewer.get("/v1/jobs/not-an-id")).await, 404, "not_found");
}

#[tokio::test]
async fn a_caller_who_prefers_to_wait_gets_the_finished_job() {
    let app = TestApp::start().await;
    let org = app.database.organization().await;
    let viewer = viewer(&app, org);
    let job = enqueue(&app, org).await;
    assert_eq!(send(viewer.get(&format!("/v1/jobs/{job}"))).await.1["status"], "queued");
    let waiting = send(viewer.get(&format!("/v1/jobs/{job}")).header("Prefer", "respond-async, wait=20"));
    let ((status, waited), begun) = tokio::join!(waiting, app.work());
    assert_eq!((status, waited["status"].as_str(), begun), (200, Some("succeeded"), 1));
}

#[tokio::test]
async fn jobs_are_listed_newest_first_page_by_page() {
    let app = TestApp::start().await;
    let org = app.database.organization().await;
    let mut expected = Vec::new();
    for _ in 0..5 {
        expected.insert(0, json!(enqueue(&app, org).await));
        app.clock.advance(chrono::Duration::seconds(1));
    }
    app.work().await;
    let viewer = viewer(&app, org);
    let (mut found, mut path) = (Vec::new(), "/v1/jobs?status=succeeded&limit=2".to_owned());
    loop {
        let response = viewer.get(&path).send().await.unwrap();
        let link = response.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
        let page = body(response).await;
        found.extend(page["data"].as_array().unwrap().iter().map(|job| job["id"].clone()));
        assert_eq!(page["has_more"], page["next_cursor"].is_string());
        let Some(link) = link else { break };
        path = link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned();
    }
    assert_eq!(found, expected);
    let cursor = path.split("cursor=").nth(1).unwrap();
    let elsewhere = send(viewer.get(&format!("/v1/jobs?status=failed&cursor={cursor}"))).await;
    assert_problem(&elsewhere, 400, "unreadable_request");
    for bad in ["status=done", "kind=magic", "limit=0", "limit=501", "limit=many", "cursor=x"] {
        assert_problem(&send(viewer.get(&format!("/v1/jobs?{bad}"))).await, 400, "unreadable_request");
    }
}

fn events(text: &str) -> Vec<(String, i64, Value)> {
    let field = |event: &str, name: &str| {
        event.lines().find_map(|line| line.strip_prefix(&format!("{name}: "))).unwrap().to_owned()
    };
    let events = text.split("\n\n").filter(|event| event.starts_with("event"));
    events
        .map(|event| {
            let data = serde_json::from_str(&field(event, "data")).unwrap();
            (field(event, "event"), field(event, "id").parse().unwrap(), data)
        })
        .collect()
}

#[tokio::test]
async fn a_job_can_be_followed_to_its_end_and_from_where_one_left_off() {
    let app = TestApp::start().await;
    let org = app.database.organization().await;
    let viewer = viewer(&app, org);
    let job = enqueue(&app, org).await;
    let path = format!("/v1/jobs/{job}/events");
    let mut response = viewer.get(&path).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let first = response.chunk().await.unwrap().unwrap();
    let seen = events(std::str::from_utf8(&first).unwrap());
    assert_eq!((seen[0].0.as_str(), &seen[0].2["status"]), ("progress", &json!("queued")));
    app.work().await;
    let seen = events(&response.text().await.unwrap());
    let (name, id, data) = seen.last().unwrap();
    assert_eq!((name.as_str(), &data["status"]), ("ended", &json!("succeeded")));

    let again = viewer.get(&path).header("Last-Event-ID", "1").send().await.unwrap().text().await.unwrap();
    let rest = events(&again);
    assert_eq!(rest.len(), 1);
    assert_eq!((rest[0].0.as_str(), rest[0].1), ("ended", *id));
}
