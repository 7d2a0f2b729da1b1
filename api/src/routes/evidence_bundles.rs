//! Evidence bundles: asked for, looked at, downloaded.

use crate::app::App;
use crate::auth::{Allowed, perm};
use crate::error::{ApiError, Code};
use crate::extract::JsonBody;
use crate::page_type;
use crate::pagination::PageQuery;
use crate::routes::{self, respond};
use crate::services::corrections;
use crate::services::evidence::{self, EvidenceNames, object_key};
use crate::services::idempotency::{Replay, Reply, once};
use crate::storage::corrections as stored_corrections;
use crate::storage::evidence_bundles::{self as stored, BundleRow};
use actix_web::http::header::{self, ContentDisposition, DispositionParam, DispositionType};
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use leakage_core::id::{CorrectionId, JobId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// An evidence bundle.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "01931f3e-7d5c-7b60-9f10-3f2a4b5c6d7e", "correction_id": "01931f3e-7d5c-7b60-9f10-000000000001",
    "bundle_version": 1, "correction_version": 4, "of_message": true, "names": "full", "status": "built",
    "sha256": "sha256:0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0", "size_bytes": 48213,
    "created_by": "user:01931f3e-7d5c-7b60-9f10-000000000002", "created_at": "2026-11-22T12:00:00Z"
}))]
struct EvidenceBundle {
    /// Its id.
    id: Uuid,
    /// The correction that it proves.
    correction_id: CorrectionId,
    /// Counts the correction's bundles from 1.
    #[schema(minimum = 1)]
    bundle_version: i32,
    /// The version of the correction whose facts it holds.
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    correction_version: i64,
    /// A message to the client rests on it: it was asked for by `communicate`.
    of_message: bool,
    /// Whether persons are named.
    #[schema(max_length = 20)]
    names: String,
    /// `waiting`, `building`, `built`, `failed` or `erased`. New ones may be added.
    #[schema(max_length = 20)]
    status: String,
    /// The bundle before it, whose manifest it names.
    #[serde(skip_serializing_if = "Option::is_none")]
    predecessor: Option<Uuid>,
    /// The job that builds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    job_id: Option<JobId>,
    /// Digest of its facts, which the log names.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 71)]
    frozen_digest: Option<String>,
    /// Place of the log's entry that names them.
    #[serde(skip_serializing_if = "Option::is_none")]
    log_place: Option<i64>,
    /// How many entries its checkpoint commits to.
    #[serde(skip_serializing_if = "Option::is_none")]
    checkpoint_size: Option<i64>,
    /// Digest of the archive: its `ETag`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 71)]
    sha256: Option<String>,
    /// Bytes of the archive.
    #[serde(skip_serializing_if = "Option::is_none")]
    size_bytes: Option<i64>,
    /// Digest of its manifest. It stays when the content is erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 71)]
    manifest_sha256: Option<String>,
    /// Why it could not be built: problem details.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<crate::error::Problem>)]
    problem: Option<Value>,
    /// Who asked for it.
    #[schema(max_length = 300)]
    created_by: String,
    /// When: what happened later is not in it.
    created_at: DateTime<Utc>,
    /// When it was built.
    #[serde(skip_serializing_if = "Option::is_none")]
    built_at: Option<DateTime<Utc>>,
    /// When its content was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    erased_at: Option<DateTime<Utc>>,
    /// Why: `person` or `retention`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    erased_because: Option<String>,
}

page_type!(EvidenceBundlePage, EvidenceBundle);

impl From<BundleRow> for EvidenceBundle {
    fn from(row: BundleRow) -> Self {
        Self {
            id: row.id,
            correction_id: row.correction_id.into(),
            bundle_version: row.number,
            correction_version: row.correction_version,
            of_message: row.of_message,
            names: row.names,
            status: row.status,
            predecessor: row.predecessor,
            job_id: row.job_id.map(JobId::new),
            frozen_digest: row.frozen_digest,
            log_place: row.log_place,
            checkpoint_size: row.checkpoint_size,
            sha256: row.sha256,
            size_bytes: row.size_bytes,
            manifest_sha256: row.manifest_sha256,
            problem: row.problem,
            created_by: row.created_by,
            created_at: row.created_at,
            built_at: row.built_at,
            erased_at: row.erased_at,
            erased_because: row.erased_because,
        }
    }
}

/// What to ask for.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"names": "pseudonymous"}))]
struct NewEvidenceBundle {
    /// How it names persons; as the organization's settings say when not stated.
    #[serde(default)]
    names: Option<EvidenceNames>,
}

/// Ask for an evidence bundle
///
/// Of the correction as it is now. It is built in the background; `communicate` asks for one by itself, of the
/// facts that are frozen with the message. A bundle that is built never changes: later facts are a new one, which
/// names the one before it.
#[utoipa::path(tag = "evidence", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("corrections:write"))), request_body = NewEvidenceBundle,
    params(("correction_id" = CorrectionId, Path, description = "The correction"),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat", max_length = 255)),
    responses((status = 202, description = "Being built", body = EvidenceBundle)))]
#[post("/corrections/{correction_id}/evidence-bundles")]
async fn create_evidence_bundle(
    app: web::Data<App>,
    actor: Allowed<perm::WriteCorrections>,
    replay: Replay,
    path: web::Path<CorrectionId>,
    body: JsonBody<NewEvidenceBundle>,
) -> Result<HttpResponse, ApiError> {
    let replied = once(&app, &actor, &replay, &body.sha256, async |tx| {
        stored_corrections::lock(tx, *path).await?;
        let loaded = corrections::load(tx, *path).await?;
        let row = evidence::request(&app, tx, &loaded, &actor.label(), body.value.names).await?;
        Reply::accepted(format!("/v1/evidence-bundles/{}", row.id), &EvidenceBundle::from(row))
    })
    .await?;
    app.work.notify_one();
    Ok(respond(replied))
}

/// List a correction's evidence bundles
///
/// The newest first.
#[utoipa::path(tag = "evidence", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("correction_id" = CorrectionId, Path, description = "The correction"), PageQuery),
    responses((status = 200, description = "One page", body = EvidenceBundlePage)))]
#[get("/corrections/{correction_id}/evidence-bundles")]
async fn list_evidence_bundles(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    request: HttpRequest,
    path: web::Path<CorrectionId>,
    page: web::Query<PageQuery>,
) -> Result<HttpResponse, ApiError> {
    let page = page.read::<i32>(&("evidence bundles", *path))?;
    let mut tx = app.db.begin(actor.org).await?;
    stored_corrections::find(&mut tx, *path).await?.ok_or_else(ApiError::not_found)?;
    let rows = stored::of_correction(&mut tx, *path, page.after, page.fetch()).await?;
    let paged = page.page(rows, |row| row.number)?.map(EvidenceBundle::from);
    routes::list(&request, &EvidenceBundlePage::from(paged))
}

/// Read an evidence bundle
///
/// How far it is, its digests, and the one before it.
#[utoipa::path(tag = "evidence", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("evidence_bundle_id" = Uuid, Path, description = "The bundle")),
    responses((status = 200, description = "The bundle", body = EvidenceBundle)))]
#[get("/evidence-bundles/{evidence_bundle_id}")]
async fn get_evidence_bundle(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    path: web::Path<Uuid>,
) -> Result<HttpResponse, ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    let row = evidence::find(&mut tx, *path).await?;
    Ok(HttpResponse::Ok().json(EvidenceBundle::from(row)))
}

/// Download an evidence bundle
///
/// A zip that is checked without us: `leakage verify` with the keys of
/// `/.well-known/evidence-keys/{organization_id}`, or plain `sha256sum` and `openssl`. Its `ETag` is its digest.
#[utoipa::path(tag = "evidence", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("evidence_bundle_id" = Uuid, Path, description = "The bundle"),
           ("If-None-Match" = Option<String>, Header, description = "ETag of what you have", max_length = 200)),
    responses((status = 200, description = "The archive", body = String, content_type = "application/zip"),
              (status = 304, description = "You have it")))]
#[get("/evidence-bundles/{evidence_bundle_id}/content")]
async fn get_evidence_bundle_content(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    request: HttpRequest,
    path: web::Path<Uuid>,
) -> Result<HttpResponse, ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    let row = evidence::find(&mut tx, *path).await?;
    // The store may be slow: no transaction waits for it.
    tx.commit().await?;
    let sha256 = there(&row)?;
    let tag = format!("\"{sha256}\"");
    let known = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known.is_some_and(|known| known.split(',').any(|one| one.trim() == tag)) {
        return Ok(HttpResponse::NotModified().insert_header((header::ETAG, tag)).finish());
    }
    let (size, stream) =
        app.objects.get_stream(&object_key(actor.org, sha256)).await.map_err(ApiError::internal)?;
    let name = format!("evidence-{}-{}.zip", row.correction_id, row.number);
    let disposition = ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![DispositionParam::Filename(name)],
    };
    Ok(HttpResponse::Ok()
        .content_type("application/zip")
        .insert_header((header::ETAG, tag))
        .insert_header((header::CONTENT_DISPOSITION, disposition))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        // Already packed: packed again it would take time, and have another digest on its way.
        .insert_header(header::ContentEncoding::Identity)
        .body(actix_web::body::SizedStream::new(size, stream)))
}

/// The digest of the archive, if there is one.
fn there(row: &BundleRow) -> Result<&str, ApiError> {
    let because = match (row.status.as_str(), &row.sha256) {
        ("built", Some(sha256)) => return Ok(sha256),
        ("erased", _) => "The content of this bundle was erased; its digests stay.",
        ("failed", _) => "The bundle could not be built: see its `problem`, and ask for another one.",
        _ => "The bundle is still being built: ask again in a moment.",
    };
    Err(ApiError::new(Code::Conflict, because))
}

/// Registers the resource.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(create_evidence_bundle)
        .service(list_evidence_bundles)
        .service(get_evidence_bundle)
        .service(get_evidence_bundle_content);
}
