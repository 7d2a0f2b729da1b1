//! Background work: done once, by one worker, fairly, and never lost.

use chrono::Duration;
use leakage_api::error::ApiError;
use leakage_api::jobs::runner::{Handler, MAX_ATTEMPTS, Runner};
use leakage_api::jobs::{self, JobError, JobKind};
use leakage_api::storage::jobs::JobRow;
use leakage_api::storage::{idempotency, jobs as stored};
use leakage_core::id::{JobId, OrgId};
use leakage_tests::TestApp;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::Arc;

async fn enqueue(app: &TestApp, org: OrgId) -> JobId {
    let mut tx = app.app.db.begin(org).await.unwrap();
    let job = jobs::enqueue(&mut tx, app.clock.now(), JobKind::Housekeeping, org.uuid(), Value::Null)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    job
}

async fn row(app: &TestApp, org: OrgId, job: JobId) -> JobRow {
    let mut tx = app.app.db.begin(org).await.unwrap();
    stored::find(&mut tx, job).await.unwrap().unwrap()
}

async fn backlog(app: &TestApp) -> (i64, i64) {
    let mut tx = app.app.db.begin_system().await.unwrap();
    stored::backlog(&mut tx).await.unwrap()
}

fn runner(app: &TestApp, handler: Handler) -> Runner {
    Runner::new(Arc::clone(&app.app)).with_handler(handler)
}

const DOES_ITS_WORK: Handler = |context| {
    Box::pin(async move {
        let tx = context.begin().await?;
        context.finish(tx, &json!({"attempt": context.attempt})).await
    })
};

const FAILS: Handler = |_| Box::pin(async { Err(JobError::Failed("a disk is full".into())) });

#[tokio::test]
async fn a_job_exists_only_if_its_cause_was_committed() {
    let app = TestApp::start().await;
    let org = app.database.organization().await;
    let mut tx = app.app.db.begin(org).await.unwrap();
    jobs::enqueue(&mut tx, app.clock.now(), JobKind::Housekeeping, org.uuid(), Value::Null).await.unwrap();
    drop(tx);
    assert_eq!(backlog(&app).await, (0, 0));
}

#[tokio::test]
async fn housekeeping_removes_old_replies_and_old_jobs_and_nothing_else() {
    let app = TestApp::start().await;
    let org = app.database.organization().await;
    let old = enqueue(&app, org).await;
    app.work().await;
    let start = app.clock.now();
    let reply = idempotency::Stored {
        method: "POST".to_owned(),
        path: "/v1/things".to_owned(),
        body_sha256: vec![0; 32],
        status: 201,
        location: None,
        version: None,
        body: Value::Null,
    };
    let mut tx = app.app.db.begin(org).await.unwrap();
    idempotency::store(&mut tx, start, "user:1", "old", &reply).await.unwrap();
    idempotency::store(&mut tx, start + Duration::days(30), "user:1", "new", &reply).await.unwrap();
    tx.commit().await.unwrap();

    app.clock.advance(Duration::days(31));
    let job = enqueue(&app, org).await;
    assert_eq!(app.work().await, 1);

    assert_eq!(
        row(&app, org, job).await.result,
        Some(json!({"idempotency_replies": 1, "jobs": 1, "webhook_deliveries": 0}))
    );
    let mut tx = app.app.db.begin(org).await.unwrap();
    assert!(stored::find(&mut tx, old).await.unwrap().is_none());
    assert!(idempotency::find(&mut tx, "user:1", "new", start).await.unwrap().is_some());
}

#[tokio::test]
async fn a_worker_that_lost_its_lease_commits_nothing() {
    let app = TestApp::start().await;
    let org = app.database.organization().await;
    let job = enqueue(&app, org).await;
    // The worker sleeps over its lease; another one does the job; then the first one goes on.
    let overslept = runner(&app, |context| {
        Box::pin(async move {
            let mut tx = context.begin().await?;
            let now = context.app.clock.now();
            jobs::enqueue(&mut tx, now, JobKind::Housekeeping, context.subject, json!("too late")).await?;
            context.app.clock.advance(Duration::seconds(61));
            let successor = Runner::new(Arc::clone(&context.app)).with_handler(DOES_ITS_WORK);
            assert_eq!(successor.drain().await?, 1);
            assert!(matches!(context.progress(1, None, "late").await, Err(JobError::LeaseLost)));
            let lost = context.finish(tx, &json!("late")).await;
            assert!(matches!(lost, Err(JobError::LeaseLost)));
            lost
        })
    });
    overslept.drain().await.unwrap();
    let done = row(&app, org, job).await;
    assert_eq!((done.status.as_str(), done.result), ("succeeded", Some(json!({"attempt": 2}))));
    assert_eq!(backlog(&app).await, (0, 0), "the late effect was committed");
}

#[tokio::test]
async fn a_job_whose_worker_died_is_begun_again_when_its_lease_is_over() {
    let app = TestApp::start().await;
    let org = app.database.organization().await;
    let job = enqueue(&app, org).await;
    assert_eq!(runner(&app, DOES_ITS_WORK).claim(10).await.unwrap().len(), 1);
    assert_eq!(app.work().await, 0, "the lease is not over");
    app.clock.advance(Duration::seconds(61));
    assert_eq!(app.work().await, 1);
    let done = row(&app, org, job).await;
    assert_eq!((done.status.as_str(), done.attempts), ("succeeded", 2));
}

#[tokio::test]
async fn a_job_that_panics_is_begun_again_later() {
    let app = TestApp::start().await;
    let org = app.database.organization().await;
    let job = enqueue(&app, org).await;
    let shaky = runner(&app, |context| {
        Box::pin(async move {
            assert!(context.attempt > 1, "the first attempt fails on purpose");
            let tx = context.begin().await?;
            context.finish(tx, &Value::Null).await
        })
    });
    assert_eq!(shaky.drain().await.unwrap(), 1);
    assert_eq!(row(&app, org, job).await.status, "queued");
    app.clock.advance(Duration::seconds(7));
    assert_eq!(shaky.drain().await.unwrap(), 1);
    assert_eq!(row(&app, org, job).await.status, "succeeded");
}

#[tokio::test]
async fn a_job_that_always_fails_is_given_up_and_stays_visible() {
    let app = TestApp::start().await;
    app.jobs_may_be_left();
    let org = app.database.organization().await;
    let job = enqueue(&app, org).await;
    for attempt in 1..=MAX_ATTEMPTS {
        assert_eq!(runner(&app, FAILS).drain().await.unwrap(), 1, "attempt {attempt}");
        app.clock.advance(Duration::minutes(7));
    }
    assert_eq!(runner(&app, FAILS).drain().await.unwrap(), 0);
    assert_eq!(backlog(&app).await, (0, 1));
    let dead = row(&app, org, job).await;
    let problem = dead.problem.unwrap();
    assert_eq!((dead.status.as_str(), &problem["code"]), ("failed", &json!("internal_error")));
    assert!(!problem.to_string().contains("disk"), "the cause is ours: {problem}");
}

#[tokio::test]
async fn a_job_that_kills_its_worker_each_time_is_given_up() {
    let app = TestApp::start().await;
    app.jobs_may_be_left();
    let org = app.database.organization().await;
    let job = enqueue(&app, org).await;
    for _ in 1..=MAX_ATTEMPTS {
        assert_eq!(runner(&app, DOES_ITS_WORK).claim(1).await.unwrap().len(), 1);
        app.clock.advance(Duration::seconds(61));
    }
    runner(&app, DOES_ITS_WORK).drain().await.unwrap();
    assert_eq!(row(&app, org, job).await.status, "failed");
    assert_eq!(backlog(&app).await, (0, 1));
}

#[tokio::test]
async fn a_refused_job_fails_at_once_and_tells_why() {
    let app = TestApp::start().await;
    let org = app.database.organization().await;
    let job = enqueue(&app, org).await;
    let refuses = runner(&app, |_| {
        Box::pin(async { Err(ApiError::invalid("/period", "ends before it begins").into()) })
    });
    assert_eq!(refuses.drain().await.unwrap(), 1);
    let failed = row(&app, org, job).await;
    let problem = failed.problem.unwrap();
    assert_eq!((failed.status.as_str(), &problem["code"]), ("failed", &json!("validation_failed")));
    assert_eq!(problem["errors"][0]["pointer"], "/period");
    assert_eq!(backlog(&app).await, (0, 0));
}

#[tokio::test]
async fn progress_is_seen_while_the_job_runs() {
    let app = TestApp::start().await;
    let org = app.database.organization().await;
    let job = enqueue(&app, org).await;
    let talks = runner(&app, |context| {
        Box::pin(async move {
            context.progress(3, Some(10), "reading rows").await?;
            let mut tx = context.begin().await?;
            let seen = stored::find(&mut tx, context.job).await?.unwrap();
            assert_eq!(
                (seen.status.as_str(), seen.progress_done, seen.progress_total),
                ("running", 3, Some(10))
            );
            context.finish(tx, &Value::Null).await
        })
    });
    talks.drain().await.unwrap();
    assert_eq!(row(&app, org, job).await.progress_note.as_deref(), Some("reading rows"));
}

#[tokio::test]
async fn an_organization_with_many_jobs_does_not_keep_others_waiting() {
    let app = TestApp::start().await;
    let (busy, quiet) = (app.database.organization().await, app.database.organization().await);
    for _ in 0..6 {
        enqueue(&app, busy).await;
    }
    let runner = runner(&app, DOES_ITS_WORK);
    let running = runner.claim(2).await.unwrap();
    assert!(running.iter().all(|claim| claim.org == busy));
    enqueue(&app, quiet).await;
    let next = runner.claim(1).await.unwrap();
    assert_eq!(next[0].org, quiet, "the quiet organization came later and is next");
    for claim in running.into_iter().chain(next) {
        runner.work(claim).await;
    }
    assert_eq!(runner.drain().await.unwrap(), 4);
}

#[tokio::test]
async fn workers_that_claim_at_once_never_get_the_same_job() {
    let app = TestApp::start().await;
    let org = app.database.organization().await;
    for _ in 0..40 {
        enqueue(&app, org).await;
    }
    let runner = runner(&app, DOES_ITS_WORK);
    let claims = tokio::join!(runner.claim(10), runner.claim(10), runner.claim(10), runner.claim(10));
    let all: Vec<_> = [claims.0, claims.1, claims.2, claims.3].into_iter().flat_map(Result::unwrap).collect();
    let jobs: HashSet<JobId> = all.iter().map(|claim| claim.job).collect();
    assert_eq!(jobs.len(), all.len());
    for claim in all {
        runner.work(claim).await;
    }
    runner.drain().await.unwrap();
}

#[tokio::test]
#[should_panic(expected = "jobs were left behind")]
async fn a_test_that_leaves_jobs_behind_fails() {
    let app = TestApp::start().await;
    let org = app.database.organization().await;
    enqueue(&app, org).await;
}
