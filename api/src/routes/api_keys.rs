//! API keys of the organization's integrations.

use crate::app::App;
use crate::auth::{Allowed, Scope, perm};
use crate::error::ApiError;
use crate::extract::JsonBody;
use crate::pagination::{PageQuery, PageRequest};
use crate::services::api_keys::{self, Create};
use crate::services::idempotency::Replay;
use crate::storage::StorageError;
use crate::storage::api_keys::{ApiKeyRow, find, list};
use crate::{page_type, routes};
use actix_web::{HttpRequest, HttpResponse, delete, get, post, web};
use chrono::{DateTime, Utc};
use leakage_core::id::{ApiKeyId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// Registers the resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(create_api_key).service(list_api_keys).service(get_api_key).service(delete_api_key);
}

/// An API key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "01931f3e-7d5c-7b60-9f10-3f2a4b5c6d7e", "name": "Nightly import", "scopes": ["read", "imports:write"],
    "last_four": "x7Qa", "created_by": "01931f3e-7d5c-7b60-9f10-000000000002",
    "created_at": "2026-11-22T12:00:00Z", "expires_at": "2027-11-22T12:00:00Z"
}))]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// The integration.
    #[schema(max_length = 100)]
    pub name: String,
    /// What it may do.
    #[schema(max_items = 20)]
    pub scopes: Vec<Scope>,
    /// The key's last four characters.
    #[schema(max_length = 4)]
    pub last_four: String,
    /// Who made it.
    pub created_by: UserId,
    /// When.
    pub created_at: DateTime<Utc>,
    /// From when it is refused; absent: it does not end by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<DateTime<Utc>>,
    /// When it was last used, to the quarter of an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<DateTime<Utc>>,
    /// The key. Only in the answer that made it, and not in its repetitions: it is not stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100)]
    pub key: Option<String>,
}

page_type!(ApiKeyPage, ApiKey);

impl TryFrom<&ApiKeyRow> for ApiKey {
    type Error = StorageError;

    fn try_from(row: &ApiKeyRow) -> Result<Self, StorageError> {
        Ok(Self {
            id: row.id.into(),
            name: row.name.clone(),
            scopes: row.scopes()?,
            last_four: row.last_four.clone(),
            created_by: row.created_by.into(),
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
            last_used_at: row.last_used_at,
            key: None,
        })
    }
}

/// A key to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Nightly import", "scopes": ["read", "imports:write"], "expires_at": "2027-11-22T12:00:00Z"
}))]
pub struct ApiKeyRequest {
    /// The integration. Two live keys at most have the same name.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// What it may do.
    #[schema(min_items = 1, max_items = 20)]
    pub scopes: Vec<Scope>,
    /// From when it is refused; absent: it does not end by itself.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Make an API key
///
/// The answer holds the key, once. It is not stored: a repetition with the same `Idempotency-Key` answers
/// without it; if it was lost, revoke it and make another one. An integration has two live keys at most, so
/// that one can be exchanged without a gap.
#[utoipa::path(
    tag = "api_keys",
    security(("access_token" = [])),
    extensions(("x-permission" = json!("api_keys:manage"))),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes one key, however often it is sent.",
            max_length = 257)),
    request_body = ApiKeyRequest,
    responses((status = 201, description = "Made.", body = ApiKey,
               headers(("Location" = String, description = "The key.")))),
)]
#[post("/api-keys")]
async fn create_api_key(
    actor: Allowed<perm::ManageApiKeys>,
    app: web::Data<App>,
    replay: Replay,
    body: JsonBody<ApiKeyRequest>,
) -> Result<HttpResponse, ApiError> {
    let ApiKeyRequest { name, scopes, expires_at } = body.value;
    let create = Create { name, scopes, expires_at };
    let show = |row: &ApiKeyRow| serde_json::to_value(ApiKey::try_from(row)?).map_err(ApiError::internal);
    let replied = api_keys::create(&app, &actor, &replay, &body.sha256, &create, show).await?;
    Ok(routes::respond_unkept(replied))
}

/// List API keys
///
/// Newest first, also those that are revoked or expired.
#[utoipa::path(
    tag = "api_keys",
    security(("access_token" = [])),
    extensions(("x-permission" = json!("api_keys:manage"))),
    params(PageQuery),
    responses((status = 200, description = "A page of API keys.", body = ApiKeyPage)),
)]
#[get("/api-keys")]
async fn list_api_keys(
    request: HttpRequest,
    actor: Allowed<perm::ManageApiKeys>,
    app: web::Data<App>,
    page: web::Query<PageQuery>,
) -> Result<HttpResponse, ApiError> {
    let page: PageRequest<Uuid> = page.read(&"api_keys")?;
    let mut tx = app.db.begin(actor.org).await?;
    let rows = list(&mut tx, page.after, page.fetch()).await?;
    let paged = page.page(rows, |row| row.id)?.try_map(|row| ApiKey::try_from(&row))?;
    routes::list(&request, &ApiKeyPage::from(paged))
}

/// Read an API key
#[utoipa::path(
    tag = "api_keys",
    security(("access_token" = [])),
    extensions(("x-permission" = json!("api_keys:manage"))),
    params(("api_key_id" = ApiKeyId, Path, description = "Id of the key.")),
    responses((status = 200, description = "The key, without its secret.", body = ApiKey)),
)]
#[get("/api-keys/{api_key_id}")]
async fn get_api_key(
    actor: Allowed<perm::ManageApiKeys>,
    app: web::Data<App>,
    key: web::Path<ApiKeyId>,
) -> Result<HttpResponse, ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    let row = find(&mut tx, *key).await?.ok_or_else(ApiError::not_found)?;
    Ok(HttpResponse::Ok().json(ApiKey::try_from(&row)?))
}

/// Revoke an API key
///
/// It is refused from the next request on.
#[utoipa::path(
    tag = "api_keys",
    security(("access_token" = [])),
    extensions(("x-permission" = json!("api_keys:manage"))),
    params(("api_key_id" = ApiKeyId, Path, description = "Id of the key.")),
    responses((status = 204, description = "Revoked.")),
)]
#[delete("/api-keys/{api_key_id}")]
async fn delete_api_key(
    actor: Allowed<perm::ManageApiKeys>,
    app: web::Data<App>,
    key: web::Path<ApiKeyId>,
) -> Result<HttpResponse, ApiError> {
    api_keys::revoke(&app, &actor, *key).await?;
    Ok(HttpResponse::NoContent().finish())
}
