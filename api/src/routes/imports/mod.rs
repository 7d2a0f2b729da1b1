//! Imports: upload a file, see what was read and what was refused, void it.

mod file;
mod upload;
mod view;

use crate::app::App;
use crate::auth::{Actor, Allowed, perm};
use crate::error::{ApiError, Code, FieldError};
use crate::extract::{IfMatch, IfNoneMatch, JsonBody, Prefer, etag};
use crate::pagination::PageQuery;
use crate::routes::{self, Moment, respond};
use crate::services::idempotency::{Replay, Replied, Reply, once};
use crate::services::imports::{self, ImportAnswers};
use crate::storage::import_errors;
use crate::storage::imports::{self as stored, ImportRow};
use crate::storage::{jobs, records};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use leakage_core::id::{ImportId, JobId};
use leakage_core::ingest::record_json;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;
use view::{Import, ImportErrorPage, ImportPage, ImportRecordPage};

/// Registers the resource.
pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .service(create_import)
        .service(list_imports)
        .service(get_import)
        .service(follow_import)
        .service(list_import_rows)
        .service(list_import_errors)
        .service(answer_import)
        .service(void_import);
    file::configure(config);
}

/// Upload a file
///
/// As `multipart/form-data` with one part `file`, or as the raw body. What the file does not say is
/// said by fields of the form or by query parameters of the same names. The file is kept, and read in
/// the background: 202, or with `Prefer: wait=20` the outcome. Then: 201 with the import; 422 when the
/// file or rows of it are refused, with line, column, value and reason (nothing is imported, unless
/// `accept_partial=true`); an import with status `needs_input` asks questions, answered at
/// `/v1/imports/{import_id}/answers`. The same file with the same answers is the same import: 200.
///
/// With `dry_run=true` nothing is kept: 200 with what the file would be read as.
#[utoipa::path(
    tag = "imports",
    security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("imports:write"))),
    params(
        upload::UploadQuery,
        ("Prefer" = Option<String>, Header, description = "`wait=20`: wait for the outcome, at most 60 seconds.", max_length = 100),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat.", max_length = 255),
    ),
    request_body(content(
        (upload::UploadForm = "multipart/form-data"),
        (view::FileBytes = "application/octet-stream"),
        (String = "text/csv"),
        (String = "application/json"),
    ), description = "The file."),
    responses(
        (status = 200, description = "The same file with the same answers was there already; of a dry run, what the file would be read as.",
         body = view::UploadAnswer),
        (status = 201, description = "Read: completed, or in need of input.", body = Import),
        (status = 202, description = "Kept, and being read.", body = Import),
    ),
)]
#[post("/imports")]
async fn create_import(
    app: web::Data<App>,
    actor: Allowed<perm::WriteImports>,
    request: HttpRequest,
    replay: Replay,
    prefer: Prefer,
    query: web::Query<upload::UploadQuery>,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let upload = upload::receive(&app, &request, query.into_inner(), payload).await?;
    if upload.dry_run {
        let document = imports::inspect(&app, actor.org, &upload.file(), &upload.answers).await?;
        return Ok(HttpResponse::Ok().json(view::Inspection(document)));
    }
    imports::keep_file(&app, actor.org, &upload.file()).await?;
    let digest = fingerprint(&upload.sha256, &upload.answers)?;
    let replied = once(&app, &actor, &replay, &digest, async |tx| {
        begun(imports::create(&app, tx, &actor, &upload.file(), &upload.answers).await?)
    })
    .await?;
    app.work.notify_one();
    let id = replied.reply.body.get("id").and_then(|id| id.as_str()).and_then(|id| id.parse().ok());
    match (id, replied.reply.status, prefer.wait_seconds) {
        (Some(id), 202, Some(_)) => outcome(&app, &actor, id, prefer, replied.replayed).await,
        _ => Ok(respond(replied)),
    }
}

/// 202 for a new import, 200 for one that was there already.
fn begun(created: imports::CreatedImport) -> Result<Reply, ApiError> {
    let import = Import::from(created.import);
    if created.existed {
        return Reply::ok(Some(import.version), &import);
    }
    Reply::accepted(format!("/v1/imports/{}", import.id), &import)
}

/// What the upload was, for `Idempotency-Key`: the file and what was said of it.
fn fingerprint(sha256: &str, answers: &ImportAnswers) -> Result<[u8; 32], ApiError> {
    let answers = serde_json::to_vec(answers).map_err(ApiError::internal)?;
    Ok(Sha256::new().chain_update(sha256).chain_update(answers).finalize().into())
}

async fn find(app: &App, actor: &Actor, id: ImportId) -> Result<ImportRow, ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    stored::find(&mut tx, id).await?.ok_or_else(ApiError::not_found)
}

/// Waits as long as the caller likes, and answers how the import stands then.
async fn outcome(
    app: &App,
    actor: &Actor,
    id: ImportId,
    prefer: Prefer,
    replayed: bool,
) -> Result<HttpResponse, ApiError> {
    let mut row = find(app, actor, id).await?;
    // Of one that has ended the job may be gone already.
    if let (Some(job), "processing") = (row.job_id, row.status.as_str()) {
        routes::jobs::wait(app, actor, JobId::new(job), prefer).await?;
        row = find(app, actor, id).await?;
    }
    let location = format!("/v1/imports/{id}");
    if row.status == "refused" {
        return Err(refusal(&row, location));
    }
    let import = Import::from(row);
    let reply = if import.status == "processing" {
        Reply::accepted(location, &import)?
    } else {
        Reply::created(location, Some(import.version), &import)?
    };
    Ok(respond(Replied { reply, replayed }))
}

/// The stored problem as an answer.
fn refusal(row: &ImportRow, location: String) -> ApiError {
    let problem = row.problem.clone().unwrap_or_default();
    let code = Code::parse(problem["code"].as_str().unwrap_or_default()).unwrap_or(Code::Internal);
    let errors: Vec<FieldError> = serde_json::from_value(problem["errors"].clone()).unwrap_or_default();
    ApiError::new(code, problem["detail"].as_str().unwrap_or_default()).with_all(errors).at(location)
}

/// What a list of imports asks for.
#[derive(Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ImportFilter {
    /// Only imports with this status: `processing`, `needs_input`, `refused`, `completed` or `voided`.
    #[param(max_length = 16)]
    status: Option<String>,
}

/// List imports
///
/// Newest first.
#[utoipa::path(
    tag = "imports",
    security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(PageQuery, ImportFilter),
    responses((status = 200, description = "A page of imports.", body = ImportPage)),
)]
#[get("/imports")]
async fn list_imports(
    request: HttpRequest,
    actor: Allowed<perm::Read>,
    app: web::Data<App>,
    page: web::Query<PageQuery>,
    filter: web::Query<ImportFilter>,
) -> Result<HttpResponse, ApiError> {
    let statuses = ["processing", "needs_input", "refused", "completed", "voided"];
    routes::known("status", filter.status.as_deref(), &statuses)?;
    let page = page.read::<(DateTime<Utc>, Uuid)>(&("imports", &*filter))?;
    let mut tx = app.db.begin(actor.org).await?;
    let rows = stored::list(&mut tx, filter.status.as_deref(), page.after, page.fetch()).await?;
    let paged = page.page(rows, |row| (row.created_at, row.id))?.map(Import::from);
    routes::list(&request, &ImportPage::from(paged))
}

/// Read an import
///
/// Its status, how far it is, what it was read as and why, and what was refused.
#[utoipa::path(
    tag = "imports",
    security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("import_id" = ImportId, Path, description = "The import."),
           ("If-None-Match" = Option<String>, Header, description = "ETag of what you have.", max_length = 200)),
    responses((status = 200, description = "The import.", body = Import),
              (status = 304, description = "You have this version.")),
)]
#[get("/imports/{import_id}")]
async fn get_import(
    actor: Allowed<perm::Read>,
    app: web::Data<App>,
    path: web::Path<ImportId>,
    if_none_match: IfNoneMatch,
) -> Result<HttpResponse, ApiError> {
    let (import, _) = standing(&app, &actor, *path).await?;
    if import.is_processing() {
        // Its version stays while it is read, and how far it is does not.
        return Ok(HttpResponse::Ok().insert_header((header::ETAG, etag(import.version))).json(import));
    }
    Ok(routes::found(&if_none_match, import.version, &import))
}

/// An import as it stands, and the version of the job that reads or has read it: 0 when it is gone.
async fn standing(app: &App, actor: &Actor, id: ImportId) -> Result<(Import, i64), ApiError> {
    let mut tx = app.db.begin_snapshot(actor.org).await?;
    let row = stored::find(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    let job = match row.job_id {
        Some(job) => jobs::find(&mut tx, JobId::new(job)).await?,
        None => None,
    };
    Ok((Import::from(row).with_progress(job.as_ref()), job.map_or(0, |job| job.version)))
}

/// Follow an import
///
/// Server-sent events: `progress` whenever there is some, with bytes and rows read so far, and `ended` as the
/// last one, when the import is read or asks something; the data is the import. After a break, `Last-Event-ID`
/// continues without repeating what was seen. A stream ends after five minutes at most: follow it again.
#[utoipa::path(
    tag = "imports",
    security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(
        ("import_id" = ImportId, Path, description = "The import."),
        ("Last-Event-ID" = Option<String>, Header, description = "Id of the last event that was seen.", max_length = 50),
    ),
    responses((status = 200, description = "Events.", body = String, content_type = "text/event-stream",
               example = "event: ended\nid: 2.5\ndata: {\"status\":\"completed\"}\n\n")),
)]
#[get("/imports/{import_id}/events")]
async fn follow_import(
    request: HttpRequest,
    actor: Allowed<perm::Read>,
    app: web::Data<App>,
    path: web::Path<ImportId>,
) -> Result<HttpResponse, ApiError> {
    let (actor, id) = (Actor::clone(&actor), *path);
    standing(&app, &actor, id).await?;
    Ok(routes::follow(&request, move || {
        let (app, actor) = (app.clone(), actor.clone());
        async move {
            let (import, job) = standing(&app, &actor, id).await?;
            Moment::of((import.version, job), !import.is_processing(), &import)
        }
    }))
}

/// List an import's rows
///
/// The canonical records read from the file, each with its line.
#[utoipa::path(
    tag = "imports",
    security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("import_id" = ImportId, Path, description = "The import."), PageQuery),
    responses((status = 200, description = "A page of records.", body = ImportRecordPage)),
)]
#[get("/imports/{import_id}/rows")]
async fn list_import_rows(
    request: HttpRequest,
    actor: Allowed<perm::Read>,
    app: web::Data<App>,
    path: web::Path<ImportId>,
    page: web::Query<PageQuery>,
) -> Result<HttpResponse, ApiError> {
    let page = page.read::<i32>(&("import rows", *path))?;
    let mut tx = app.db.begin(actor.org).await?;
    stored::find(&mut tx, *path).await?.ok_or_else(ApiError::not_found)?;
    let rows = records::page(&mut tx, *path, page.after.unwrap_or(-1), page.fetch()).await?;
    let paged = page.page(rows, |row| row.0)?.map(|(_, record)| record_json(&record));
    routes::list(&request, &ImportRecordPage::from(paged))
}

/// List an import's refused rows
///
/// The first 1,000, in the order of the file: line, column, value and reason.
#[utoipa::path(
    tag = "imports",
    security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("import_id" = ImportId, Path, description = "The import."), PageQuery),
    responses((status = 200, description = "A page of refused rows.", body = ImportErrorPage)),
)]
#[get("/imports/{import_id}/errors")]
async fn list_import_errors(
    request: HttpRequest,
    actor: Allowed<perm::Read>,
    app: web::Data<App>,
    path: web::Path<ImportId>,
    page: web::Query<PageQuery>,
) -> Result<HttpResponse, ApiError> {
    let page = page.read::<i32>(&("import errors", *path))?;
    let mut tx = app.db.begin(actor.org).await?;
    stored::find(&mut tx, *path).await?.ok_or_else(ApiError::not_found)?;
    let rows = import_errors::page(&mut tx, *path, page.after.unwrap_or(-1), page.fetch()).await?;
    let paged = page.page(rows, |row| row.position)?.map(view::ImportError::from);
    routes::list(&request, &ImportErrorPage::from(paged))
}

/// Answer an import's questions
///
/// Of an import with status `needs_input`; the file is read again with the answers. Needs `If-Match`.
#[utoipa::path(
    tag = "imports",
    security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("imports:write"))),
    request_body = ImportAnswers,
    params(("import_id" = ImportId, Path, description = "The import."),
           ("If-Match" = String, Header, description = "ETag of the version that you read.", max_length = 100),
           ("Prefer" = Option<String>, Header, description = "`wait=20`: wait for the outcome, at most 60 seconds.", max_length = 100),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat.", max_length = 255)),
    responses((status = 201, description = "Read again.", body = Import),
              (status = 202, description = "Being read again.", body = Import)),
)]
#[post("/imports/{import_id}/answers")]
async fn answer_import(
    app: web::Data<App>,
    actor: Allowed<perm::WriteImports>,
    replay: Replay,
    prefer: Prefer,
    path: web::Path<ImportId>,
    version: IfMatch,
    body: JsonBody<ImportAnswers>,
) -> Result<HttpResponse, ApiError> {
    let version = version.required()?;
    let replied = once(&app, &actor, &replay, &body.sha256, async |tx| {
        let import = Import::from(imports::answer(&app, tx, &actor, *path, version, &body.value).await?);
        Reply::accepted(format!("/v1/imports/{}", import.id), &import)
    })
    .await?;
    app.work.notify_one();
    if prefer.wait_seconds.is_some() {
        outcome(&app, &actor, *path, prefer, replied.replayed).await
    } else {
        Ok(respond(replied))
    }
}

/// Why an import is voided.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "Export of the wrong month"}))]
struct VoidImport {
    /// For whoever reads the audits that used it.
    #[schema(min_length = 1, max_length = 1000)]
    reason: String,
}

/// Void an import
///
/// It stays readable and counts no more from the next audit on; the same file can be uploaded again.
/// Needs `If-Match`.
#[utoipa::path(
    tag = "imports",
    security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("imports:write"))),
    request_body = VoidImport,
    params(("import_id" = ImportId, Path, description = "The import."),
           ("If-Match" = String, Header, description = "ETag of the version that you read.", max_length = 100),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat.", max_length = 255)),
    responses((status = 200, description = "Voided.", body = Import)),
)]
#[post("/imports/{import_id}/void")]
async fn void_import(
    app: web::Data<App>,
    actor: Allowed<perm::WriteImports>,
    replay: Replay,
    path: web::Path<ImportId>,
    version: IfMatch,
    body: JsonBody<VoidImport>,
) -> Result<HttpResponse, ApiError> {
    let version = version.required()?;
    if body.value.reason.chars().count() > 1000 {
        return Err(ApiError::invalid("/reason", "At most 1000 characters."));
    }
    let replied = once(&app, &actor, &replay, &body.sha256, async |tx| {
        let import = Import::from(imports::void(&app, tx, &actor, *path, version, &body.value.reason).await?);
        Reply::ok(Some(import.version), &import)
    })
    .await?;
    Ok(respond(replied))
}
