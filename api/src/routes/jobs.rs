//! Background work as callers see it: ask, wait, or follow.

use crate::app::App;
use crate::auth::{Actor, Allowed, perm};
use crate::error::ApiError;
use crate::extract::{IfNoneMatch, Prefer};
use crate::jobs::JobKind;
use crate::page_type;
use crate::pagination::{PageQuery, PageRequest};
use crate::routes::{self, Moment};
use crate::storage::jobs::{self, JobRow};
use actix_web::http::header::{self, HeaderName};
use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::{DateTime, Utc};
use leakage_core::id::JobId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::{Duration, Instant};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// Registers the resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(list_jobs).service(get_job).service(follow_job);
}

/// How far a job is.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Progress {
    /// Units done.
    #[schema(minimum = 0)]
    pub done: i64,
    /// Units in all; absent while that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0)]
    pub total: Option<i64>,
    /// What has come out so far, such as rows of a file; absent for work that does not count them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0)]
    pub rows: Option<i64>,
    /// What is being done.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    pub note: Option<String>,
}

/// A unit of background work.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "01931f3e-7d5c-7b60-9f10-3f2a4b5c6d7e", "kind": "housekeeping",
    "subject": "01931f3e-7d5c-7b60-9f10-000000000001", "status": "succeeded", "attempts": 1,
    "progress": {"done": 2, "total": 2}, "result": {"jobs": 4}, "created_at": "2026-11-22T12:00:00Z",
    "started_at": "2026-11-22T12:00:01Z", "finished_at": "2026-11-22T12:00:02Z"
}))]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// What is done. New kinds may be added.
    #[schema(max_length = 64)]
    pub kind: String,
    /// Id of the import, audit or other thing that it works on.
    pub subject: Uuid,
    /// `queued`, `running`, `succeeded` or `failed`. New ones may be added.
    #[schema(max_length = 16)]
    pub status: String,
    /// How often it was begun: more than once when a worker or a service that it needs failed.
    #[schema(minimum = 0, maximum = 100)]
    pub attempts: i32,
    /// How far it is.
    pub progress: Progress,
    /// What came out; its form depends on the kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub result: Option<Value>,
    /// Why it failed: problem details, as in an error answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<crate::error::Problem>)]
    pub problem: Option<Value>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it was first begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<DateTime<Utc>>,
}

page_type!(JobPage, Job);

impl From<JobRow> for Job {
    fn from(row: JobRow) -> Self {
        Self {
            id: row.job_id.into(),
            kind: row.kind,
            subject: row.subject,
            status: row.status,
            attempts: row.attempts,
            progress: Progress {
                done: row.progress_done,
                total: row.progress_total,
                rows: row.progress_rows,
                note: row.progress_note,
            },
            result: row.result,
            problem: row.problem,
            created_at: row.created_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
        }
    }
}

/// Which jobs to list.
#[derive(Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct JobFilter {
    /// Only jobs with this status: `queued`, `running`, `succeeded` or `failed`.
    #[param(max_length = 16)]
    pub status: Option<String>,
    /// Only jobs of this kind.
    #[param(max_length = 64)]
    pub kind: Option<String>,
}

impl JobFilter {
    fn check(&self) -> Result<(), ApiError> {
        routes::known("status", self.status.as_deref(), &["queued", "running", "succeeded", "failed"])?;
        let kinds: Vec<&str> = JobKind::ALL.iter().map(|kind| kind.as_str()).collect();
        routes::known("kind", self.kind.as_deref(), &kinds)
    }
}

/// List jobs
///
/// Newest first.
#[utoipa::path(
    tag = "jobs",
    security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(PageQuery, JobFilter),
    responses((status = 200, description = "A page of jobs.", body = JobPage)),
)]
#[get("/jobs")]
async fn list_jobs(
    request: HttpRequest,
    actor: Allowed<perm::Read>,
    app: web::Data<App>,
    page: web::Query<PageQuery>,
    filter: web::Query<JobFilter>,
) -> Result<HttpResponse, ApiError> {
    filter.check()?;
    let page: PageRequest<(DateTime<Utc>, Uuid)> = page.read(&("jobs", &*filter))?;
    let mut tx = app.db.begin(actor.org).await?;
    let rows =
        jobs::list(&mut tx, filter.status.as_deref(), filter.kind.as_deref(), page.after, page.fetch())
            .await?;
    let paged = page.page(rows, |row| (row.created_at, row.job_id))?.map(Job::from);
    routes::list(&request, &JobPage::from(paged))
}

pub(super) async fn load(app: &App, actor: &Actor, job: JobId) -> Result<JobRow, ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    jobs::find(&mut tx, job).await?.ok_or_else(ApiError::not_found)
}

/// Read a job
///
/// With `Prefer: wait=20` the answer comes when the job has ended, or after that many seconds.
#[utoipa::path(
    tag = "jobs",
    security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(
        ("job_id" = JobId, Path, description = "Id of the job."),
        ("If-None-Match" = Option<String>, Header, description = "ETag of what you have.", max_length = 200),
        ("Prefer" = Option<String>, Header, description = "`wait=20`: wait for its end, at most 60 seconds.",
         max_length = 100),
    ),
    responses(
        (status = 200, description = "The job.", body = Job, headers(("ETag" = String, description = "Its version."))),
        (status = 304, description = "You have this version."),
    ),
)]
#[get("/jobs/{job_id}")]
async fn get_job(
    actor: Allowed<perm::Read>,
    app: web::Data<App>,
    job: web::Path<JobId>,
    if_none_match: IfNoneMatch,
    prefer: Prefer,
) -> Result<HttpResponse, ApiError> {
    let row = wait(&app, &actor, *job, prefer).await?;
    Ok(routes::found(&if_none_match, row.version, &Job::from(row)))
}

/// Follow a job
///
/// Server-sent events: `progress` for each change, and `ended` as the last one; the data is the job, the
/// id its version. After a break, `Last-Event-ID` continues without repeating what was seen. A stream
/// ends after five minutes at most: follow it again.
#[utoipa::path(
    tag = "jobs",
    security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(
        ("job_id" = JobId, Path, description = "Id of the job."),
        ("Last-Event-ID" = Option<i64>, Header, description = "Id of the last event that was seen.", minimum = 0),
    ),
    responses((status = 200, description = "Events.", body = String, content_type = "text/event-stream",
               example = "event: ended\nid: 3\ndata: {\"status\":\"succeeded\"}\n\n")),
)]
#[get("/jobs/{job_id}/events")]
async fn follow_job(
    request: HttpRequest,
    actor: Allowed<perm::Read>,
    app: web::Data<App>,
    job: web::Path<JobId>,
) -> Result<HttpResponse, ApiError> {
    load(&app, &actor, *job).await?;
    let (actor, job) = (Actor::clone(&actor), *job);
    Ok(routes::follow(&request, move || {
        let (app, actor) = (app.clone(), actor.clone());
        async move {
            let row = load(&app, &actor, job).await?;
            Moment::of((0, row.version), row.finished_at.is_some(), &Job::from(row))
        }
    }))
}

/// Answers for a job that was just enqueued (and committed): 202 with where to ask, or, with
/// `Prefer: wait`, 200 with the job once it has ended.
pub async fn answer(app: &App, actor: &Actor, job: JobId, prefer: Prefer) -> Result<HttpResponse, ApiError> {
    app.work.notify_one();
    let row = wait(app, actor, job, prefer).await?;
    let location = format!("/v1/jobs/{job}");
    let (ended, version) = (row.finished_at.is_some(), row.version);
    let mut response = if ended { HttpResponse::Ok() } else { HttpResponse::Accepted() };
    response
        .insert_header((header::LOCATION, location))
        .insert_header((header::ETAG, crate::extract::etag(version)));
    if !ended {
        response.insert_header((header::RETRY_AFTER, routes::POLL_SECONDS));
    }
    if let (true, Some(seconds)) = (ended, prefer.wait_seconds) {
        response.insert_header((HeaderName::from_static("preference-applied"), format!("wait={seconds}")));
    }
    Ok(response.json(Job::from(row)))
}

/// The job, when it has ended or the caller's patience has.
pub(super) async fn wait(app: &App, actor: &Actor, job: JobId, prefer: Prefer) -> Result<JobRow, ApiError> {
    let until = Instant::now() + Duration::from_secs(prefer.wait_seconds.unwrap_or(0));
    let mut pause = Duration::from_millis(25);
    loop {
        // Listens before it looks: an end in between is heard.
        let mut ended = std::pin::pin!(app.ended.notified());
        ended.as_mut().enable();
        let row = load(app, actor, job).await?;
        if row.finished_at.is_some() || Instant::now() >= until {
            return Ok(row);
        }
        // Jobs also end in other processes. Many may end at once in this one.
        tokio::select! {
            () = ended => tokio::time::sleep(Duration::from_millis(5)).await,
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(Duration::from_millis(500)),
        }
    }
}
