//! Import profiles: how the organization's files of no known format are read.

use crate::app::App;
use crate::auth::{Allowed, perm};
use crate::error::ApiError;
use crate::extract::{IfMatch, JsonBody};
use crate::page_type;
use crate::pagination::PageQuery;
use crate::routes::{self, respond};
use crate::services::idempotency::{Replay, Reply, once};
use crate::services::import_profiles;
use crate::storage::import_profiles::{self as stored, ProfileRow};
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, web};
use chrono::{DateTime, Utc};
use leakage_core::id::ImportProfileId;
use leakage_core::ingest::ImportProfile as Definition;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// A saved import profile.
#[derive(Debug, Serialize, ToSchema)]
pub struct SavedImportProfile {
    /// Its id.
    pub id: ImportProfileId,
    /// Its name.
    #[schema(max_length = 60, example = "Acme PSA invoices")]
    pub name: String,
    /// The name of its files' source, as imports show it in `format` and `source_order` takes it.
    #[schema(max_length = 64, example = "profile_acme_psa_invoices")]
    pub source: String,
    /// What it says.
    pub definition: Definition,
    /// Digest of the definition.
    #[schema(max_length = 71)]
    pub digest: String,
    /// Who made it: `user:` or `api_key:` and an id.
    #[schema(max_length = 300)]
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Who changed it last.
    #[schema(max_length = 300)]
    pub updated_by: String,
    /// When.
    pub updated_at: DateTime<Utc>,
    /// Who retired it; a retired one reads no file any more.
    #[schema(max_length = 300)]
    pub retired_by: Option<String>,
    /// When.
    pub retired_at: Option<DateTime<Utc>>,
    /// Counts changes; its ETag is `"v<version>"`.
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    pub version: i64,
}

impl From<ProfileRow> for SavedImportProfile {
    fn from(row: ProfileRow) -> Self {
        Self {
            id: row.id.into(),
            name: row.name,
            source: row.source,
            definition: row.definition.0,
            digest: row.digest,
            created_by: row.created_by,
            created_at: row.created_at,
            updated_by: row.updated_by,
            updated_at: row.updated_at,
            retired_by: row.retired_by,
            retired_at: row.retired_at,
            version: row.version,
        }
    }
}

page_type!(ImportProfilePage, SavedImportProfile);

/// Save an import profile
///
/// From the next upload on, files of no known format that have its columns are read with it. It can also
/// be saved with the answer to an import's question `profile`.
#[utoipa::path(tag = "imports", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("imports:write"))), request_body = Definition,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat", max_length = 255)),
    responses((status = 201, description = "Saved", body = SavedImportProfile)))]
#[post("/import-profiles")]
async fn create_import_profile(
    app: web::Data<App>,
    actor: Allowed<perm::WriteImports>,
    replay: Replay,
    body: JsonBody<Definition>,
) -> Result<HttpResponse, ApiError> {
    let replied = once(&app, &actor, &replay, &body.sha256, async |tx| {
        let id = ImportProfileId::new(Uuid::now_v7());
        let row = import_profiles::create(tx, &actor, "", body.value.clone(), id, app.clock.now()).await?;
        let saved = SavedImportProfile::from(row);
        Reply::created(format!("/v1/import-profiles/{id}"), Some(saved.version), &saved)
    })
    .await?;
    Ok(respond(replied))
}

/// List import profiles
///
/// Those in use, in the order in which they were made.
#[utoipa::path(tag = "imports", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))), params(PageQuery),
    responses((status = 200, description = "One page", body = ImportProfilePage)))]
#[get("/import-profiles")]
async fn list_import_profiles(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    request: HttpRequest,
    page: web::Query<PageQuery>,
) -> Result<HttpResponse, ApiError> {
    let wanted = page.read::<Uuid>(&"import profiles")?;
    let mut tx = app.db.begin(actor.org).await?;
    let rows = stored::list(&mut tx, wanted.after, wanted.fetch()).await?;
    let page = wanted.page(rows, |row| row.id)?;
    routes::list(&request, &ImportProfilePage::from(page.map(SavedImportProfile::from)))
}

/// Read an import profile
///
/// Also a retired one.
#[utoipa::path(tag = "imports", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("import_profile_id" = ImportProfileId, Path, description = "The profile")),
    responses((status = 200, description = "The profile", body = SavedImportProfile)))]
#[get("/import-profiles/{import_profile_id}")]
async fn get_import_profile(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    path: web::Path<ImportProfileId>,
) -> Result<HttpResponse, ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    let row = stored::find(&mut tx, *path).await?.ok_or_else(ApiError::not_found)?;
    let saved = SavedImportProfile::from(row);
    Ok(respond(Reply::ok(Some(saved.version), &saved)?.into()))
}

/// Change an import profile
///
/// The definition is replaced; its name stays. Imports that were read with it keep their rows, and say
/// with which version they were read. Needs `If-Match`.
#[utoipa::path(tag = "imports", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("imports:write"))), request_body = Definition,
    params(("import_profile_id" = ImportProfileId, Path, description = "The profile"),
           ("If-Match" = String, Header, description = "ETag of the version that you read", max_length = 100)),
    responses((status = 200, description = "Changed", body = SavedImportProfile)))]
#[patch("/import-profiles/{import_profile_id}")]
async fn update_import_profile(
    app: web::Data<App>,
    actor: Allowed<perm::WriteImports>,
    path: web::Path<ImportProfileId>,
    version: IfMatch,
    body: JsonBody<Definition>,
) -> Result<HttpResponse, ApiError> {
    let version = version.required()?;
    let mut tx = app.db.begin(actor.org).await?;
    let row = import_profiles::change(&mut tx, &actor, *path, version, body.value, app.clock.now()).await?;
    tx.commit().await?;
    let saved = SavedImportProfile::from(row);
    Ok(respond(Reply::ok(Some(saved.version), &saved)?.into()))
}

/// Retire an import profile
///
/// It reads no file any more, and its name is free. Imports that were read with it stay.
#[utoipa::path(tag = "imports", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("imports:write"))),
    params(("import_profile_id" = ImportProfileId, Path, description = "The profile")),
    responses((status = 204, description = "Retired")))]
#[delete("/import-profiles/{import_profile_id}")]
async fn delete_import_profile(
    app: web::Data<App>,
    actor: Allowed<perm::WriteImports>,
    path: web::Path<ImportProfileId>,
) -> Result<HttpResponse, ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    import_profiles::retire(&mut tx, &actor, *path, app.clock.now()).await?;
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Registers the routes of this file.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(create_import_profile)
        .service(list_import_profiles)
        .service(get_import_profile)
        .service(update_import_profile)
        .service(delete_import_profile);
}
