//! Persons who asked to be forgotten.

use crate::app::App;
use crate::auth::{Allowed, perm};
use crate::error::ApiError;
use crate::extract::JsonBody;
use crate::page_type;
use crate::pagination::PageQuery;
use crate::routes::{self, respond};
use crate::services::erasures;
use crate::services::idempotency::{Replay, Reply, once};
use crate::storage::erasures::{self as stored, ErasureRow};
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use leakage_core::id::JobId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// A person to erase.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"person": "ana@contoso.example", "reason": "Asked by letter of 3 November."}))]
struct NewErasure {
    /// The whole name or address, as the vendors' records or letters write it. Case and accents' encoding do not matter;
    /// it is found as whole words. Ask for each name that the person goes by; a registered contact's name and address are
    /// taken together.
    #[schema(min_length = 3, max_length = 320)]
    person: String,
    /// Why. It stays: do not name the person here.
    #[schema(min_length = 1, max_length = 2000)]
    reason: String,
}

/// A request to erase a person. The name itself is in it nowhere.
#[derive(Debug, Serialize, ToSchema)]
struct Erasure {
    /// Its id.
    id: Uuid,
    /// `waiting`, `erasing`, `erased` or `failed`. One that failed is tried again, at `retry_at`.
    #[schema(max_length = 20)]
    status: String,
    /// Whether anything named the person; null until it is known. If nothing did, look how the records write the name.
    matched: Option<bool>,
    /// Why.
    #[schema(max_length = 2000)]
    reason: String,
    /// How much was erased: rows, captured evidence, bundles, entries of the log and of timelines, letters, deliveries,
    /// contacts, corrections, entries of ledgers, refused rows.
    #[schema(value_type = Object)]
    erased: Value,
    /// Imports whose uploaded file still names the person: `import_id` and `file`. Files are kept as they came, until
    /// you remove them: `DELETE /v1/imports/{import_id}/file`.
    #[schema(value_type = Vec<Object>, max_items = 10000)]
    files: Value,
    /// What else names the person and is kept: `what`, where, and `why`.
    #[schema(value_type = Vec<Object>, max_items = 100_000)]
    kept: Value,
    /// Why it failed last.
    #[schema(value_type = Option<Object>)]
    problem: Option<Value>,
    /// When one that failed is tried again.
    retry_at: Option<DateTime<Utc>>,
    /// The job that does it.
    job_id: Option<JobId>,
    /// Who asked for it.
    #[schema(max_length = 300)]
    requested_by: String,
    /// When.
    requested_at: DateTime<Utc>,
    /// When it was done.
    erased_at: Option<DateTime<Utc>>,
}

page_type!(ErasurePage, Erasure);

/// Whether something was erased, or is kept that names the person.
fn matched(row: &ErasureRow) -> Option<bool> {
    let counts = row.erased.as_object().filter(|counts| !counts.is_empty())?;
    let erased = counts.values().any(|count| count.as_u64().is_some_and(|count| count > 0));
    let listed =
        [&row.files, &row.kept].iter().any(|list| list.as_array().is_some_and(|list| !list.is_empty()));
    Some(erased || listed)
}

impl From<ErasureRow> for Erasure {
    fn from(row: ErasureRow) -> Self {
        Self {
            id: row.id,
            matched: matched(&row),
            status: row.status,
            reason: row.reason,
            erased: row.erased,
            files: row.files,
            kept: row.kept,
            problem: row.problem,
            retry_at: row.retry_at,
            job_id: row.job_id.map(JobId::new),
            requested_by: row.requested_by,
            requested_at: row.requested_at,
            erased_at: row.erased_at,
        }
    }
}

/// Erase a person
///
/// The name goes from provisioning and activity rows, from captured evidence, from letters and to whom they went, from
/// corrections, ledgers and timelines, from registered contacts and from the log's entries, and bundles that name the
/// person lose their content. Digests, dates and figures stay: the log can still be checked. What is kept although it
/// names the person is listed. A request that fails is tried again until it is done.
#[utoipa::path(tag = "evidence", security(("access_token" = [])),
    extensions(("x-permission" = json!("organization:manage"))), request_body = NewErasure,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat", max_length = 255)),
    responses((status = 202, description = "Begun", body = Erasure)))]
#[post("/erasures")]
async fn create_erasure(
    app: web::Data<App>,
    actor: Allowed<perm::ManageOrganization>,
    replay: Replay,
    body: JsonBody<NewErasure>,
) -> Result<HttpResponse, ApiError> {
    let replied = once(&app, &actor, &replay, &body.sha256, async |tx| {
        let new = (body.value.person.as_str(), body.value.reason.as_str());
        let row = erasures::request(&app, tx, new, &actor.label()).await?;
        Reply::accepted(format!("/v1/erasures/{}", row.id), &Erasure::from(row))
    })
    .await?;
    app.work.notify_one();
    Ok(respond(replied))
}

/// List the requests to erase persons
///
/// The newest first.
#[utoipa::path(tag = "evidence", security(("access_token" = [])),
    extensions(("x-permission" = json!("organization:manage"))), params(PageQuery),
    responses((status = 200, description = "One page", body = ErasurePage)))]
#[get("/erasures")]
async fn list_erasures(
    app: web::Data<App>,
    actor: Allowed<perm::ManageOrganization>,
    request: HttpRequest,
    page: web::Query<PageQuery>,
) -> Result<HttpResponse, ApiError> {
    let page = page.read::<Uuid>(&"erasures")?;
    let mut tx = app.db.begin(actor.org).await?;
    let rows = stored::list(&mut tx, page.after, page.fetch()).await?;
    let paged = page.page(rows, |row| row.id)?.map(Erasure::from);
    routes::list(&request, &ErasurePage::from(paged))
}

/// Read a request to erase a person
#[utoipa::path(tag = "evidence", security(("access_token" = [])),
    extensions(("x-permission" = json!("organization:manage"))),
    params(("erasure_id" = Uuid, Path, description = "The request")),
    responses((status = 200, description = "The request", body = Erasure)))]
#[get("/erasures/{erasure_id}")]
async fn get_erasure(
    app: web::Data<App>,
    actor: Allowed<perm::ManageOrganization>,
    path: web::Path<Uuid>,
) -> Result<HttpResponse, ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    Ok(HttpResponse::Ok().json(Erasure::from(erasures::find(&mut tx, *path).await?)))
}

/// Registers the resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(create_erasure).service(list_erasures).service(get_erasure);
}
