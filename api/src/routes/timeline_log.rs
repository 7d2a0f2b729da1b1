//! The log of what was done: entries, checkpoints, proofs, and whether it still is what it was.

use crate::app::App;
use crate::auth::{Allowed, perm};
use crate::error::ApiError;
use crate::extract::JsonBody;
use crate::page_type;
use crate::pagination::PageQuery;
use crate::routes;
use crate::services::timeline_log::{self, Checked, Proved};
use crate::storage::timeline_log::{self as stored, CheckpointRow, LogRow};
use actix_web::http::header::{self, ContentDisposition, DispositionParam, DispositionType};
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use leakage_core::log::Hash;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// A checkpoint: so many entries, and the root over them, signed.
#[derive(Debug, Serialize, ToSchema)]
struct LogCheckpoint {
    /// How many entries it commits to.
    #[schema(minimum = 0)]
    size: i64,
    /// The signed note (c2sp.org/tlog-checkpoint). Keep it elsewhere: a log that was rewritten no longer fits.
    #[schema(max_length = 10000)]
    note: String,
    /// Id of the key that signed it.
    signing_key_id: Uuid,
    /// When.
    signed_at: DateTime<Utc>,
}

impl From<CheckpointRow> for LogCheckpoint {
    fn from(row: CheckpointRow) -> Self {
        Self { size: row.size, note: row.note, signing_key_id: row.signing_key_id, signed_at: row.signed_at }
    }
}

/// The newest checkpoint.
#[derive(Debug, Serialize, ToSchema)]
struct NewestCheckpoint {
    /// Which log: the first line of its checkpoints.
    #[schema(max_length = 200)]
    origin: String,
    /// The checkpoint; null while nothing was done.
    checkpoint: Option<LogCheckpoint>,
}

/// Read the newest checkpoint
///
/// Signed by a worker within a minute of what is done. Keep it where we cannot reach it: with it, nobody can
/// rewrite what stands before it unseen. Every evidence bundle holds one.
#[utoipa::path(tag = "evidence", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    responses((status = 200, description = "The checkpoint", body = NewestCheckpoint)))]
#[get("/timeline-log/checkpoint")]
async fn get_log_checkpoint(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
) -> Result<HttpResponse, ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    let checkpoint = stored::last_checkpoint(&mut tx).await?.map(LogCheckpoint::from);
    let origin = timeline_log::origin(actor.org);
    Ok(HttpResponse::Ok().json(NewestCheckpoint { origin, checkpoint }))
}

/// An entry of the log.
#[derive(Debug, Serialize, ToSchema)]
struct LogEntry {
    /// Its place, from 0.
    #[schema(minimum = 0)]
    place: i64,
    /// Its leaf hash (RFC 9162), base64.
    #[schema(max_length = 44)]
    leaf: String,
    /// The canonical JSON that the hash was made of: who, when, what, before, after, why; none once erased.
    #[schema(max_length = 1_000_000)]
    entry: Option<String>,
    /// When it was erased.
    erased_at: Option<DateTime<Utc>>,
}

page_type!(LogEntryPage, LogEntry);

impl TryFrom<LogRow> for LogEntry {
    type Error = ApiError;

    fn try_from(row: LogRow) -> Result<Self, ApiError> {
        let leaf = row.hash()?.to_string();
        Ok(Self { place: row.place, leaf, entry: row.entry, erased_at: row.erased_at })
    }
}

/// List the entries of the log
///
/// In order. Each holds a random salt, so that its hash alone tells nothing of what it said.
#[utoipa::path(tag = "evidence", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))), params(PageQuery),
    responses((status = 200, description = "One page", body = LogEntryPage)))]
#[get("/timeline-log/entries")]
async fn list_log_entries(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    request: HttpRequest,
    page: web::Query<PageQuery>,
) -> Result<HttpResponse, ApiError> {
    let page = page.read::<i64>(&"timeline log")?;
    let mut tx = app.db.begin(actor.org).await?;
    let rows = stored::entries(&mut tx, None, page.after.unwrap_or(-1), page.fetch()).await?;
    let paged = page.page(rows, |row| row.place)?.try_map(LogEntry::try_from)?;
    routes::list(&request, &LogEntryPage::from(paged))
}

/// Export the log
///
/// Every entry, one JSON object a line, then every checkpoint: what `leakage verify-log` checks without us.
#[utoipa::path(tag = "evidence", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    responses((status = 200, description = "The log", body = String, content_type = "application/x-ndjson")))]
#[get("/timeline-log/export")]
async fn export_log(app: web::Data<App>, actor: Allowed<perm::Read>) -> Result<HttpResponse, ApiError> {
    // A transaction for each piece: a reader who waits holds no connection. Entries are only ever added, and the
    // checkpoints come from the snapshot that had no more entries.
    let org = actor.org;
    let lines = futures_util::stream::try_unfold(Some(-1), move |state| {
        let app = app.clone();
        async move {
            let Some(after) = state else { return Ok(None) };
            let mut tx = app.db.begin_snapshot(org).await?;
            let (lines, next) = timeline_log::lines(&mut tx, after).await?;
            tx.commit().await?;
            Ok::<_, ApiError>(Some((Bytes::from(lines), next)))
        }
    });
    let disposition = ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![DispositionParam::Filename("timeline-log.ndjson".to_owned())],
    };
    Ok(HttpResponse::Ok()
        .content_type("application/x-ndjson")
        .insert_header((header::CONTENT_DISPOSITION, disposition))
        .streaming(lines))
}

/// Proof that leads to a checkpoint.
#[derive(Debug, Serialize, ToSchema)]
struct LogProof {
    /// The checkpoint; null while nothing was done.
    checkpoint: Option<LogCheckpoint>,
    /// The hashes, base64 (RFC 9162, sections 2.1.3 and 2.1.4).
    #[schema(max_items = 200)]
    proof: Vec<String>,
}

impl LogProof {
    fn of(proved: Option<Proved>) -> Self {
        let (checkpoint, proof) = proved.map(|proved| (proved.checkpoint, proved.proof)).unzip();
        let proof: Vec<Hash> = proof.unwrap_or_default();
        Self {
            checkpoint: checkpoint.map(Into::into),
            proof: proof.iter().map(ToString::to_string).collect(),
        }
    }
}

/// Prove that an entry is in the log
///
/// It is among those that the newest checkpoint commits to.
#[utoipa::path(tag = "evidence", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("log_place" = u64, Path, description = "Place of the entry, from 0", minimum = 0)),
    responses((status = 200, description = "The proof", body = LogProof)))]
#[get("/timeline-log/proofs/{log_place}")]
async fn get_log_proof(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    path: web::Path<u64>,
) -> Result<HttpResponse, ApiError> {
    let mut tx = app.db.begin_snapshot(actor.org).await?;
    let proved = timeline_log::inclusion(&mut tx, *path).await?;
    Ok(HttpResponse::Ok().json(LogProof::of(Some(proved))))
}

/// From which checkpoint.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ConsistencyQuery {
    /// How many entries the earlier checkpoint commits to.
    #[param(minimum = 0, default = 0)]
    first: Option<u64>,
}

/// Prove that the log only grew
///
/// The newest checkpoint commits to all that an earlier one did, and to what came since.
#[utoipa::path(tag = "evidence", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))), params(ConsistencyQuery),
    responses((status = 200, description = "The proof", body = LogProof)))]
#[get("/timeline-log/consistency-proof")]
async fn get_log_consistency(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    query: web::Query<ConsistencyQuery>,
) -> Result<HttpResponse, ApiError> {
    let mut tx = app.db.begin_snapshot(actor.org).await?;
    let proved = timeline_log::consistency(&mut tx, query.first.unwrap_or(0)).await?;
    Ok(HttpResponse::Ok().json(LogProof::of(proved)))
}

/// What the log is held against.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({}))]
struct LogCheck {
    /// A signed checkpoint that was kept elsewhere.
    #[serde(default)]
    #[schema(max_length = 10000)]
    checkpoint: Option<String>,
}

/// Check the log
///
/// Every entry is looked at beside what it is of, the tree is computed anew and held against every checkpoint,
/// and the first entry that is not what it was is named. With a checkpoint that was kept elsewhere, a log that
/// was rewritten together with its own checkpoints is found out, too.
#[utoipa::path(tag = "evidence", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))), request_body = LogCheck,
    responses((status = 200, description = "What was found", body = Checked)))]
#[post("/timeline-log/check")]
async fn check_log(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    body: JsonBody<LogCheck>,
) -> Result<HttpResponse, ApiError> {
    let checked = timeline_log::check(&app, actor.org, body.value.checkpoint.as_deref()).await?;
    Ok(HttpResponse::Ok().json(checked))
}

/// Registers the resource.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(get_log_checkpoint)
        .service(list_log_entries)
        .service(export_log)
        .service(get_log_proof)
        .service(get_log_consistency)
        .service(check_log);
}
