//! A request that arrives twice is done once.

use chrono::Duration;
use leakage_api::auth::{Actor, Identity, Role};
use leakage_api::error::{ApiError, Code};
use leakage_api::extract::empty_sha256;
use leakage_api::jobs::{self, JobKind};
use leakage_api::services::idempotency::{Replay, Replied, Reply, once};
use leakage_api::storage::{OrgTx, jobs as stored};
use leakage_core::id::{OrgId, UserId};
use leakage_tests::TestApp;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use uuid::Uuid;

fn actor(org: OrgId) -> Actor {
    Actor { org, identity: Identity::User { id: UserId::new(Uuid::now_v7()), role: Role::Owner } }
}

fn keyed(key: &str) -> Replay {
    Replay { key: Some(key.to_owned()), method: "POST".to_owned(), path: "/v1/things".to_owned() }
}

/// An effect that can be counted: one more job.
async fn effect(app: &TestApp, tx: &mut OrgTx) -> Result<Reply, ApiError> {
    let job = jobs::enqueue(tx, app.clock.now(), JobKind::Housekeeping, tx.org().uuid(), Value::Null).await?;
    Reply::created(format!("/v1/things/{job}"), Some(1), &json!({"id": job}))
}

async fn do_it(app: &TestApp, actor: &Actor, replay: &Replay, body: &[u8; 32]) -> Result<Replied, ApiError> {
    once(&app.app, actor, replay, body, async |tx| effect(app, tx).await).await
}

async fn effects(app: &TestApp) -> i64 {
    let mut tx = app.app.db.begin_system().await.unwrap();
    stored::backlog(&mut tx).await.unwrap().0
}

#[tokio::test]
async fn the_second_request_gets_the_first_ones_reply() {
    let app = TestApp::start().await;
    app.jobs_may_be_left();
    let actor = actor(app.database.organization().await);
    let first = do_it(&app, &actor, &keyed("a"), &empty_sha256()).await.unwrap();
    let second = do_it(&app, &actor, &keyed("a"), &empty_sha256()).await.unwrap();
    assert!(!first.replayed && second.replayed);
    assert_eq!(first.reply, second.reply);
    assert_eq!(effects(&app).await, 1);
}

#[tokio::test]
async fn without_a_key_each_request_is_done() {
    let app = TestApp::start().await;
    app.jobs_may_be_left();
    let actor = actor(app.database.organization().await);
    let bare = Replay { key: None, ..keyed("") };
    for _ in 0..2 {
        assert!(!do_it(&app, &actor, &bare, &empty_sha256()).await.unwrap().replayed);
    }
    assert_eq!(effects(&app).await, 2);
}

#[tokio::test]
async fn a_key_with_another_body_path_or_method_is_refused() {
    let app = TestApp::start().await;
    app.jobs_may_be_left();
    let actor = actor(app.database.organization().await);
    do_it(&app, &actor, &keyed("a"), &empty_sha256()).await.unwrap();
    let others = [
        (keyed("a"), [1; 32]),
        (Replay { path: "/v1/things?draft=true".to_owned(), ..keyed("a") }, empty_sha256()),
        (Replay { method: "PUT".to_owned(), ..keyed("a") }, empty_sha256()),
    ];
    for (replay, body) in others {
        let error = do_it(&app, &actor, &replay, &body).await.unwrap_err();
        assert_eq!(error.code(), Code::IdempotencyReused, "{replay:?}");
    }
    assert_eq!(effects(&app).await, 1);
}

#[tokio::test]
async fn callers_and_organizations_do_not_share_keys() {
    let app = TestApp::start().await;
    app.jobs_may_be_left();
    let org = app.database.organization().await;
    for actor in [actor(org), actor(org), actor(app.database.organization().await)] {
        assert!(!do_it(&app, &actor, &keyed("a"), &empty_sha256()).await.unwrap().replayed);
    }
    assert_eq!(effects(&app).await, 3);
}

#[tokio::test]
async fn of_two_at_once_one_is_told_to_come_back() {
    let app = TestApp::start().await;
    app.jobs_may_be_left();
    let actor = actor(app.database.organization().await);
    let (begun, wait_for_begun) = oneshot::channel::<()>();
    let (go_on, wait_to_go_on) = oneshot::channel::<()>();
    let (replay, body) = (keyed("a"), empty_sha256());
    let first = once(&app.app, &actor, &replay, &body, async |tx| {
        begun.send(()).unwrap();
        wait_to_go_on.await.unwrap();
        effect(&app, tx).await
    });
    let second = async {
        wait_for_begun.await.unwrap();
        let refused = do_it(&app, &actor, &keyed("a"), &empty_sha256()).await.unwrap_err();
        // Another key is not held up.
        do_it(&app, &actor, &keyed("b"), &empty_sha256()).await.unwrap();
        go_on.send(()).unwrap();
        refused
    };
    let (first, refused) = tokio::join!(first, second);
    assert!(!first.unwrap().replayed);
    assert_eq!(refused.code(), Code::IdempotencyInFlight);
    assert!(do_it(&app, &actor, &keyed("a"), &empty_sha256()).await.unwrap().replayed);
    assert_eq!(effects(&app).await, 2);
}

#[tokio::test]
async fn a_request_that_failed_or_broke_off_leaves_its_key_free() {
    let app = TestApp::start().await;
    app.jobs_may_be_left();
    let actor = actor(app.database.organization().await);
    let failed = once(&app.app, &actor, &keyed("a"), &empty_sha256(), async |tx| {
        effect(&app, tx).await?;
        Err(ApiError::invalid("/name", "is taken"))
    })
    .await;
    assert_eq!(failed.unwrap_err().code(), Code::Invalid);
    {
        // The process dies in the middle: the future is dropped.
        let (replay, body) = (keyed("a"), empty_sha256());
        let broken_off = once(&app.app, &actor, &replay, &body, async |tx| {
            effect(&app, tx).await?;
            std::future::pending().await
        });
        assert!(tokio::time::timeout(std::time::Duration::from_millis(200), broken_off).await.is_err());
    }
    // The rollback of what was dropped happens beside us.
    let mut done = do_it(&app, &actor, &keyed("a"), &empty_sha256()).await;
    while done.as_ref().is_err_and(|error| error.code() == Code::IdempotencyInFlight) {
        done = do_it(&app, &actor, &keyed("a"), &empty_sha256()).await;
    }
    assert!(!done.unwrap().replayed);
    assert_eq!(effects(&app).await, 1);
}

#[tokio::test]
async fn a_reply_is_given_for_72_hours_and_removed_after() {
    let app = TestApp::start().await;
    let org = app.database.organization().await;
    let actor = actor(org);
    let nothing = async |key: &str| {
        once(&app.app, &actor, &keyed(key), &empty_sha256(), async |_| Ok(Reply::no_content())).await.unwrap()
    };
    assert!(!nothing("a").await.replayed);
    app.clock.advance(Duration::hours(72) - Duration::seconds(1));
    assert!(nothing("a").await.replayed);
    app.clock.advance(Duration::seconds(1));
    assert!(!nothing("a").await.replayed, "the old reply is no longer given, and its place is taken");

    app.clock.advance(Duration::hours(72));
    nothing("b").await;
    assert_eq!(app.work().await, 1, "old replies are removed by a job");
    let mut owner = app.database.owner().await;
    let mut tx = sqlx::Connection::begin(&mut owner).await.unwrap();
    sqlx::query("select set_config('app.org_id', $1, true)")
        .bind(org.to_string())
        .execute(&mut *tx)
        .await
        .unwrap();
    let keys: Vec<String> =
        sqlx::query_scalar("select key from idempotency_replies").fetch_all(&mut *tx).await.unwrap();
    assert_eq!(keys, ["b"]);
}
