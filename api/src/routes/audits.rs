//! Audits: compare a period, read the document and its gaps.

use crate::app::App;
use crate::auth::{Actor, Allowed, perm};
use crate::error::{ApiError, Problem};
use crate::extract::{JsonBody, Prefer};
use crate::page_type;
use crate::pagination::PageQuery;
use crate::routes::{self, respond};
use crate::services::audits::{self, NewAudit};
use crate::services::corrections::settled::{SettledMonth, settled};
use crate::services::idempotency::{Replay, Replied, Reply, once};
use crate::storage::audits::{self as stored, AuditRow};
use crate::storage::gaps;
use actix_web::http::header::ContentType;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::audit::{AuditDocument, Delta, Gap, Total};
use leakage_core::id::{AuditId, ClientId, ImportId, JobId};
use leakage_core::period::Month;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// Registers the resource.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(create_audit)
        .service(list_audits)
        .service(get_audit)
        .service(get_audit_document)
        .service(get_audit_delta)
        .service(list_audit_gaps);
}

/// An audit: one comparison over a period, immutable once completed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "01931f3e-7d5c-7b60-9f10-3f2a4b5c6d7e", "status": "completed", "from": "2026-02", "to": "2026-06",
    "as_of": "2026-11-22", "known_at": "2026-11-22T12:00:00Z", "request": {"from": "2026-02", "to": "2026-06"},
    "digest": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "gap_count": 1, "unpriced_gaps": 0,
    "totals": [{"currency": "USD", "under": "473.79", "over": "0.00", "forward_under": "132.00", "forward_over": "0.00", "time_barred": "0.00",
        "kinds": [{"kind": "under_billed", "gaps": 1, "amount": "473.79"}]}],
    "imports": [], "problem": null, "job_id": "01931f3e-7d5c-7b60-9f10-000000000001",
    "created_by": "user:01931f3e-7d5c-7b60-9f10-000000000002", "created_at": "2026-11-22T12:00:00Z",
    "completed_at": "2026-11-22T12:00:01Z"
}))]
struct Audit {
    /// Its id.
    id: AuditId,
    /// `running`, `completed` or `failed`.
    #[schema(max_length = 16)]
    status: String,
    /// First month.
    from: Month,
    /// Last month, included.
    to: Month,
    /// Last day that is audited.
    as_of: NaiveDate,
    /// It knew everything that had been learned up to this instant; none until it has read its facts.
    known_at: Option<DateTime<Utc>>,
    /// The request as asked.
    #[schema(value_type = NewAudit)]
    request: Value,
    /// Digest of the document: the same facts give the same digest.
    #[schema(max_length = 71)]
    digest: Option<String>,
    /// Number of gaps.
    #[schema(minimum = 0)]
    gap_count: Option<i32>,
    /// Number of gaps that have seats but no price.
    #[schema(minimum = 0)]
    unpriced_gaps: Option<i32>,
    /// Per currency, and in each per kind; currencies are never added.
    #[schema(value_type = Option<Vec<Total>>, max_items = 200)]
    totals: Option<Value>,
    /// The imports that it read; only when one audit is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 100_000)]
    imports: Option<Vec<AuditImport>>,
    /// Why it failed.
    #[schema(value_type = Option<Problem>)]
    problem: Option<Value>,
    /// The job that runs it; follow it for progress.
    job_id: Option<JobId>,
    /// Who ran it: `user:` or `api_key:` and an id.
    #[schema(max_length = 300)]
    created_by: String,
    /// When.
    created_at: DateTime<Utc>,
    /// When it was done.
    completed_at: Option<DateTime<Utc>>,
}

/// A file that an audit read.
#[derive(Debug, Serialize, ToSchema)]
struct AuditImport {
    /// The import.
    id: ImportId,
    /// Digest of its file, as in the `sources` of gaps.
    #[schema(max_length = 71)]
    sha256: String,
}

impl From<AuditRow> for Audit {
    fn from(row: AuditRow) -> Self {
        Self {
            id: row.id.into(),
            status: row.status,
            from: Month::of(row.from_month),
            to: Month::of(row.to_month),
            as_of: row.as_of,
            known_at: row.known_at,
            request: row.request,
            digest: row.digest,
            gap_count: row.gap_count,
            unpriced_gaps: row.unpriced_gaps,
            totals: row.totals,
            imports: None,
            problem: row.problem,
            job_id: row.job_id.map(JobId::new),
            created_by: row.created_by,
            created_at: row.created_at,
            completed_at: row.completed_at,
        }
    }
}

page_type!(AuditPage, Audit);

/// Run an audit
///
/// Compares what clients have with what they are billed, over whole months. It runs in the background:
/// 202, or with `Prefer: wait=20` the outcome. It reads all completed imports; what cannot be compared
/// is listed in the document's `coverage` with the reason, never as money.
#[utoipa::path(
    tag = "audits",
    security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("audits:write"))),
    request_body(content = NewAudit, example = json!({"from": "2026-02", "to": "2026-06"})),
    params(("Prefer" = Option<String>, Header, description = "`wait=20`: wait for the outcome, at most 60 seconds.", max_length = 100),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat.", max_length = 255)),
    responses((status = 201, description = "Run: completed or failed.", body = Audit),
              (status = 202, description = "Running.", body = Audit)),
)]
#[post("/audits")]
async fn create_audit(
    app: web::Data<App>,
    actor: Allowed<perm::WriteAudits>,
    replay: Replay,
    prefer: Prefer,
    body: JsonBody<NewAudit>,
) -> Result<HttpResponse, ApiError> {
    let replied = once(&app, &actor, &replay, &body.sha256, async |tx| {
        let audit = Audit::from(audits::create(&app, tx, &actor, &body.value).await?);
        Reply::accepted(format!("/v1/audits/{}", audit.id), &audit)
    })
    .await?;
    app.work.notify_one();
    let text = |name: &str| replied.reply.body.get(name).and_then(Value::as_str);
    let (id, job) =
        (text("id").and_then(|id| id.parse().ok()), text("job_id").and_then(|id| id.parse().ok()));
    if let (Some(id), Some(job), Some(_)) = (id, job, prefer.wait_seconds) {
        let mut audit = read(&app, &actor, id).await?;
        // Of one that has ended the job may be gone already.
        if audit.status == "running" {
            routes::jobs::wait(&app, &actor, job, prefer).await?;
            audit = read(&app, &actor, id).await?;
        }
        if audit.status != "running" {
            let ended = Reply::created(format!("/v1/audits/{id}"), None, &audit)?;
            return Ok(respond(Replied { reply: ended, replayed: replied.replayed }));
        }
    }
    Ok(respond(replied))
}

async fn read(app: &App, actor: &Actor, id: AuditId) -> Result<Audit, ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    let mut audit = Audit::from(stored::find(&mut tx, id).await?.ok_or_else(ApiError::not_found)?);
    let imports = stored::imports(&mut tx, id).await?;
    audit.imports = Some(imports.into_iter().map(|(id, sha256)| AuditImport { id, sha256 }).collect());
    Ok(audit)
}

/// List audits
///
/// Newest first.
#[utoipa::path(
    tag = "audits",
    security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(PageQuery),
    responses((status = 200, description = "A page of audits.", body = AuditPage)),
)]
#[get("/audits")]
async fn list_audits(
    request: HttpRequest,
    actor: Allowed<perm::Read>,
    app: web::Data<App>,
    page: web::Query<PageQuery>,
) -> Result<HttpResponse, ApiError> {
    let page = page.read::<(DateTime<Utc>, Uuid)>(&"audits")?;
    let mut tx = app.db.begin(actor.org).await?;
    let rows = stored::list(&mut tx, page.after, page.fetch()).await?;
    let paged = page.page(rows, |row| (row.created_at, row.id))?.map(Audit::from);
    routes::list(&request, &AuditPage::from(paged))
}

/// Read an audit
///
/// Its status and totals, and the imports that it read.
#[utoipa::path(
    tag = "audits",
    security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("audit_id" = AuditId, Path, description = "The audit.")),
    responses((status = 200, description = "The audit.", body = Audit)),
)]
#[get("/audits/{audit_id}")]
async fn get_audit(
    actor: Allowed<perm::Read>,
    app: web::Data<App>,
    path: web::Path<AuditId>,
) -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Ok().json(read(&app, &actor, *path).await?))
}

/// Read an audit's document
///
/// The whole result, exactly as `leakage audit --format json` prints it for the same files: gaps with
/// their source lines, coverage, proposals, totals. 409 while the audit is not completed.
#[utoipa::path(
    tag = "audits",
    security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("audit_id" = AuditId, Path, description = "The audit.")),
    responses((status = 200, description = "The document.", body = AuditDocument)),
)]
#[get("/audits/{audit_id}/document")]
async fn get_audit_document(
    actor: Allowed<perm::Read>,
    app: web::Data<App>,
    path: web::Path<AuditId>,
) -> Result<HttpResponse, ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    let document = audits::document(&mut tx, *path).await?;
    tx.commit().await?;
    Ok(HttpResponse::Ok().content_type(ContentType::json()).body(document))
}

/// What to compare with.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DeltaQuery {
    /// The earlier audit; the last completed one of the same months before it when not stated.
    since: Option<AuditId>,
}

/// Read what changed since another audit
///
/// Gaps that came, went or have other figures, with the months that differ; totals as later less earlier;
/// clients and products that became comparable or ceased to be. What is the same is not listed: after a
/// late file, run the same period again and read the difference. 409 while one of them is not completed.
#[utoipa::path(
    tag = "audits",
    security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("audit_id" = AuditId, Path, description = "The later audit."), DeltaQuery),
    responses((status = 200, description = "The difference.", body = Delta)),
)]
#[get("/audits/{audit_id}/delta")]
async fn get_audit_delta(
    actor: Allowed<perm::Read>,
    app: web::Data<App>,
    path: web::Path<AuditId>,
    query: web::Query<DeltaQuery>,
) -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Ok().json(audits::delta(&app, actor.org, query.since, *path).await?))
}

/// Which gaps of an audit to list.
#[derive(Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AuditGapQuery {
    /// Only gaps of this client.
    client_id: Option<ClientId>,
    /// Only `under` or `over`.
    #[param(max_length = 10)]
    direction: Option<String>,
    /// Only this kind: `under_billed`, `unbilled`, `over_billed` or `billed_not_provisioned`.
    #[param(max_length = 40)]
    kind: Option<String>,
}

/// A gap as an audit found it, and what corrections hold of it by now.
#[derive(Debug, Serialize, ToSchema)]
struct AuditGap {
    /// As in the audit's document.
    #[serde(flatten)]
    gap: Gap,
    /// Its months that corrections hold or have settled; absent where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 10_000)]
    settled_by: Vec<SettledMonth>,
}

page_type!(AuditGapPage, AuditGap);

/// List an audit's gaps
///
/// In the document's order, with the months that corrections hold or have settled by now.
#[utoipa::path(
    tag = "audits",
    security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("audit_id" = AuditId, Path, description = "The audit."), PageQuery, AuditGapQuery),
    responses((status = 200, description = "A page of gaps.", body = AuditGapPage)),
)]
#[get("/audits/{audit_id}/gaps")]
async fn list_audit_gaps(
    request: HttpRequest,
    actor: Allowed<perm::Read>,
    app: web::Data<App>,
    path: web::Path<AuditId>,
    page: web::Query<PageQuery>,
    query: web::Query<AuditGapQuery>,
) -> Result<HttpResponse, ApiError> {
    routes::known("direction", query.direction.as_deref(), &["under", "over"])?;
    let kinds = ["under_billed", "unbilled", "over_billed", "billed_not_provisioned"];
    routes::known("kind", query.kind.as_deref(), &kinds)?;
    let page = page.read::<i32>(&("audit gaps", *path, &*query))?;
    let mut tx = app.db.begin(actor.org).await?;
    stored::find(&mut tx, *path).await?.ok_or_else(ApiError::not_found)?;
    let filter = gaps::AuditGapFilter {
        client_id: query.client_id.map(ClientId::uuid),
        direction: query.direction.as_deref(),
        kind: query.kind.as_deref(),
    };
    let rows = gaps::of_audit(&mut tx, *path, &filter, page.after.unwrap_or(-1), page.fetch()).await?;
    let id = |gap: &Value| gap.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let ids: Vec<String> = rows.iter().map(|(_, gap)| id(gap)).collect();
    let mut settled = settled(&mut tx, &ids).await?;
    let paged = page.page(rows, |row| row.0)?;
    let paged = paged.try_map(|(_, gap)| {
        let settled_by = settled.remove(&id(&gap)).unwrap_or_default();
        let gap = serde_json::from_value(gap).map_err(ApiError::internal)?;
        Ok::<_, ApiError>(AuditGap { gap, settled_by })
    })?;
    routes::list(&request, &AuditGapPage::from(paged))
}
