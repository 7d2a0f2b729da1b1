//! Billing entities: the parts of a client that are billed by themselves.

use crate::app::App;
use crate::auth::{Allowed, perm};
use crate::error::ApiError;
use crate::extract::{IfMatch, JsonBody};
use crate::page_type;
use crate::pagination::PageQuery;
use crate::routes::{self, respond};
use crate::services::billing_entities;
use crate::services::idempotency::{Replay, Reply, once};
use crate::storage::billing_entities::{self as stored, BillingEntityRow};
use actix_web::{HttpRequest, HttpResponse, get, patch, post, web};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::id::{BillingEntityId, ClientId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// A part of a client that is billed by itself, such as an office.
#[derive(Debug, Serialize, ToSchema)]
pub struct BillingEntity {
    /// Its id.
    pub id: BillingEntityId,
    /// Whose.
    pub client_id: ClientId,
    /// Its name, as billing lines name it. Lines with a former name are still its own.
    #[schema(max_length = 200, example = "Contoso Bonn")]
    pub name: String,
    /// Its name at first; its gaps stay the same gaps when it is renamed.
    #[schema(max_length = 200, example = "Contoso Bonn")]
    pub first_name: String,
    /// The day from which it is billed no more; null: still billed.
    pub ended_on: Option<NaiveDate>,
    /// Who made it: `user:` or `api_key:` and an id.
    #[schema(max_length = 300)]
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Who changed it last.
    #[schema(max_length = 300)]
    pub changed_by: String,
    /// When.
    pub updated_at: DateTime<Utc>,
    /// Counts changes; its ETag is `"v<version>"`.
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    pub version: i64,
}

impl From<BillingEntityRow> for BillingEntity {
    fn from(row: BillingEntityRow) -> Self {
        Self {
            id: row.id.into(),
            client_id: row.client_id.into(),
            name: row.name,
            first_name: row.first_name,
            ended_on: row.ended_on,
            created_by: row.created_by,
            created_at: row.created_at,
            changed_by: row.changed_by,
            updated_at: row.updated_at,
            version: row.version,
        }
    }
}

page_type!(BillingEntityPage, BillingEntity);

/// A billing entity to be added or renamed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Contoso Bonn"}))]
pub struct NewBillingEntity {
    /// Its name, as billing lines name it; unique in the client apart from case, spaces and punctuation.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
}

/// An end that is set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"ended_on": "2026-07-01"}))]
pub struct BillingEntityEnd {
    /// The day from which it is billed no more: its allocations take nothing from then on.
    pub ended_on: NaiveDate,
}

/// Add a billing entity
///
/// Seats of the client go to it by allocations. Without any the client is compared as a whole.
#[utoipa::path(tag = "billing_entities", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("catalog:write"))), request_body = NewBillingEntity,
    params(("client_id" = ClientId, Path, description = "The client"),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat", max_length = 255)),
    responses((status = 201, description = "Added", body = BillingEntity)))]
#[post("/clients/{client_id}/billing-entities")]
async fn create_billing_entity(
    app: web::Data<App>,
    actor: Allowed<perm::WriteCatalog>,
    replay: Replay,
    path: web::Path<ClientId>,
    body: JsonBody<NewBillingEntity>,
) -> Result<HttpResponse, ApiError> {
    let name = &body.value.name;
    let replied = once(&app, &actor, &replay, &body.sha256, async |tx| {
        let made = billing_entities::create(tx, &actor, *path, name, app.clock.now()).await?;
        let entity = BillingEntity::from(made);
        let location = format!("/v1/clients/{}/billing-entities/{}", entity.client_id, entity.id);
        Reply::created(location, Some(entity.version), &entity)
    })
    .await?;
    Ok(respond(replied))
}

/// List the billing entities of a client
///
/// In the order in which they were made, ended ones too.
#[utoipa::path(tag = "billing_entities", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("client_id" = ClientId, Path, description = "The client"), PageQuery),
    responses((status = 200, description = "One page", body = BillingEntityPage)))]
#[get("/clients/{client_id}/billing-entities")]
async fn list_billing_entities(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    request: HttpRequest,
    path: web::Path<ClientId>,
    page: web::Query<PageQuery>,
) -> Result<HttpResponse, ApiError> {
    let wanted = page.read::<Uuid>(&("billing entities", *path))?;
    let mut tx = app.db.begin(actor.org).await?;
    billing_entities::known_client(&mut tx, *path).await?;
    let rows = stored::list(&mut tx, *path, wanted.after, wanted.fetch()).await?;
    let page = wanted.page(rows, |row| row.id)?;
    routes::list(&request, &BillingEntityPage::from(page.map(BillingEntity::from)))
}

/// Read a billing entity
#[utoipa::path(tag = "billing_entities", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("client_id" = ClientId, Path, description = "The client"),
           ("billing_entity_id" = BillingEntityId, Path, description = "The billing entity")),
    responses((status = 200, description = "The billing entity", body = BillingEntity)))]
#[get("/clients/{client_id}/billing-entities/{billing_entity_id}")]
async fn get_billing_entity(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    path: web::Path<(ClientId, BillingEntityId)>,
) -> Result<HttpResponse, ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    let entity = BillingEntity::from(billing_entities::find(&mut tx, path.0, path.1).await?);
    Ok(respond(Reply::ok(Some(entity.version), &entity)?.into()))
}

/// Rename a billing entity
///
/// Billing lines with a former name are still its own, and its gaps stay the same gaps. Needs `If-Match`.
#[utoipa::path(tag = "billing_entities", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("catalog:write"))), request_body = NewBillingEntity,
    params(("client_id" = ClientId, Path, description = "The client"),
           ("billing_entity_id" = BillingEntityId, Path, description = "The billing entity"),
           ("If-Match" = String, Header, description = "ETag of the version that you read", max_length = 100)),
    responses((status = 200, description = "Renamed", body = BillingEntity)))]
#[patch("/clients/{client_id}/billing-entities/{billing_entity_id}")]
async fn update_billing_entity(
    app: web::Data<App>,
    actor: Allowed<perm::WriteCatalog>,
    path: web::Path<(ClientId, BillingEntityId)>,
    version: IfMatch,
    body: JsonBody<NewBillingEntity>,
) -> Result<HttpResponse, ApiError> {
    let version = version.required()?;
    let mut tx = app.db.begin(actor.org).await?;
    let (name, now) = (&body.value.name, app.clock.now());
    let renamed = billing_entities::rename(&mut tx, &actor, *path, version, name, now).await?;
    tx.commit().await?;
    let entity = BillingEntity::from(renamed);
    Ok(respond(Reply::ok(Some(entity.version), &entity)?.into()))
}

/// End a billing entity
///
/// From that day on its allocations take nothing; what it was billed before stays its own. Needs `If-Match`.
#[utoipa::path(tag = "billing_entities", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("catalog:write"))), request_body = BillingEntityEnd,
    params(("client_id" = ClientId, Path, description = "The client"),
           ("billing_entity_id" = BillingEntityId, Path, description = "The billing entity"),
           ("If-Match" = String, Header, description = "ETag of the version that you read", max_length = 100),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat", max_length = 255)),
    responses((status = 200, description = "Ended", body = BillingEntity)))]
#[post("/clients/{client_id}/billing-entities/{billing_entity_id}/end")]
async fn end_billing_entity(
    app: web::Data<App>,
    actor: Allowed<perm::WriteCatalog>,
    replay: Replay,
    path: web::Path<(ClientId, BillingEntityId)>,
    version: IfMatch,
    body: JsonBody<BillingEntityEnd>,
) -> Result<HttpResponse, ApiError> {
    let version = version.required()?;
    let on = body.value.ended_on;
    let replied = once(&app, &actor, &replay, &body.sha256, async |tx| {
        let ended = billing_entities::end(tx, &actor, *path, version, on, app.clock.now()).await?;
        let entity = BillingEntity::from(ended);
        Reply::ok(Some(entity.version), &entity)
    })
    .await?;
    Ok(respond(replied))
}

/// Registers the routes of this file.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(create_billing_entity)
        .service(list_billing_entities)
        .service(get_billing_entity)
        .service(update_billing_entity)
        .service(end_billing_entity);
}
