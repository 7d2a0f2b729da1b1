//! Webhook endpoints: addresses that the organization's events are sent to.

use super::present;
use super::webhook_deliveries::WebhookDelivery;
use crate::app::App;
use crate::auth::{Allowed, perm};
use crate::error::ApiError;
use crate::extract::{IfMatch, JsonBody, empty_sha256};
use crate::pagination::PageQuery;
use crate::services::idempotency::{Replay, Reply, once};
use crate::services::webhooks::{self, Change};
use crate::storage::webhook_endpoints::{self as stored, EndpointRow};
use crate::{page_type, routes};
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, web};
use chrono::{DateTime, Utc};
use leakage_core::id::WebhookEndpointId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// An address that events are sent to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "01931f3e-7d5c-7b60-9f10-3f2a4b5c6d7e", "url": "https://hooks.example.com/leakage",
    "description": "Tickets in the PSA", "event_types": ["gap.found", "gap.recurred"], "status": "enabled",
    "created_by": "user:01931f3e-7d5c-7b60-9f10-000000000002", "created_at": "2026-11-22T12:00:00Z",
    "updated_at": "2026-11-22T12:00:00Z", "version": 1
}))]
pub struct WebhookEndpoint {
    /// Its id.
    pub id: WebhookEndpointId,
    /// Where events are sent.
    #[schema(max_length = 2000)]
    pub url: String,
    /// What it is for.
    #[schema(max_length = 200)]
    pub description: String,
    /// Types of events that are sent; null: all, new ones too.
    #[schema(max_items = 50)]
    pub event_types: Option<Vec<String>>,
    /// `enabled` or `disabled`. New states may be added.
    #[schema(max_length = 20)]
    pub status: String,
    /// Of a disabled one: `by_person`; `gone` (it answered 410); `failing` (a delivery failed for three days).
    /// New reasons may be added.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 20)]
    pub disabled_reason: Option<String>,
    /// When it was disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<DateTime<Utc>>,
    /// After a rotation: until when the secret before signs along.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_secret_until: Option<DateTime<Utc>>,
    /// Who made it.
    #[schema(max_length = 300)]
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it changed last.
    pub updated_at: DateTime<Utc>,
    /// Counts changes; its ETag is `"v<version>"`.
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    pub version: i64,
    /// What messages are signed with. Only in the answer that made it, and not in its repetitions.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100)]
    pub secret: Option<String>,
}

page_type!(WebhookEndpointPage, WebhookEndpoint);

impl WebhookEndpoint {
    fn of(row: &EndpointRow, now: DateTime<Utc>) -> Self {
        Self {
            id: row.id.into(),
            url: row.url.clone(),
            description: row.description.clone(),
            event_types: row.event_types.clone(),
            status: row.status.clone(),
            disabled_reason: row.disabled_reason.clone(),
            disabled_at: row.disabled_at,
            previous_secret_until: row.previous_until.filter(|until| now < *until),
            created_by: row.created_by.clone(),
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
            secret: None,
        }
    }
}

/// An endpoint to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "url": "https://hooks.example.com/leakage", "description": "Tickets in the PSA", "event_types": ["gap.found"]
}))]
pub struct WebhookEndpointRequest {
    /// Where events are sent: https, in the public internet, without user name and password.
    #[schema(min_length = 1, max_length = 2000)]
    pub url: String,
    /// What it is for.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub description: Option<String>,
    /// Types of events to send, such as `gap.found`; null or absent: all, new ones too.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 50)]
    pub event_types: Option<Vec<String>>,
}

/// What of an endpoint changes; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"enabled": true}))]
pub struct WebhookEndpointChange {
    /// Where events are sent. The secret stays.
    #[serde(default, deserialize_with = "present")]
    #[schema(min_length = 1, max_length = 2000)]
    pub url: Option<String>,
    /// What it is for.
    #[serde(default, deserialize_with = "present")]
    #[schema(max_length = 200)]
    pub description: Option<String>,
    /// Types of events to send; null: all.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<String>>, min_items = 1, max_items = 50)]
    pub event_types: Option<Option<Vec<String>>>,
    /// Whether events are sent. False cancels what waits; after true only new events are sent.
    #[serde(default, deserialize_with = "present")]
    pub enabled: Option<bool>,
}

fn show(row: &EndpointRow, now: DateTime<Utc>) -> Result<serde_json::Value, ApiError> {
    serde_json::to_value(WebhookEndpoint::of(row, now)).map_err(ApiError::internal)
}

/// Make a webhook endpoint
///
/// Events that happen from now on are sent to it. The answer holds the secret that messages are signed with,
/// once: a repetition with the same `Idempotency-Key` answers without it; if it was lost, rotate it.
#[utoipa::path(tag = "webhooks", security(("access_token" = [])),
    extensions(("x-permission" = json!("webhooks:manage"))), request_body = WebhookEndpointRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat", max_length = 255)),
    responses((status = 201, description = "Made", body = WebhookEndpoint)))]
#[post("/webhook-endpoints")]
async fn create_webhook_endpoint(
    app: web::Data<App>,
    actor: Allowed<perm::ManageWebhooks>,
    replay: Replay,
    body: JsonBody<WebhookEndpointRequest>,
) -> Result<HttpResponse, ApiError> {
    let WebhookEndpointRequest { url, description, event_types } = body.value;
    let new = Change { url: Some(url), description, event_types: Some(event_types), enabled: None };
    let show = |row: &EndpointRow| show(row, app.clock.now());
    let replied = webhooks::create(&app, &actor, (&replay, &body.sha256), &new, show).await?;
    Ok(routes::respond_unkept(replied))
}

/// List webhook endpoints
///
/// In the order in which they were made.
#[utoipa::path(tag = "webhooks", security(("access_token" = [])),
    extensions(("x-permission" = json!("webhooks:manage"))), params(PageQuery),
    responses((status = 200, description = "One page", body = WebhookEndpointPage)))]
#[get("/webhook-endpoints")]
async fn list_webhook_endpoints(
    app: web::Data<App>,
    actor: Allowed<perm::ManageWebhooks>,
    request: HttpRequest,
    page: web::Query<PageQuery>,
) -> Result<HttpResponse, ApiError> {
    let wanted = page.read::<Uuid>(&"webhook endpoints")?;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor.org).await?;
    let rows = stored::list(&mut tx, wanted.after, wanted.fetch()).await?;
    let page = wanted.page(rows, |row| row.id)?;
    routes::list(&request, &WebhookEndpointPage::from(page.map(|row| WebhookEndpoint::of(&row, now))))
}

/// Read a webhook endpoint
#[utoipa::path(tag = "webhooks", security(("access_token" = [])),
    extensions(("x-permission" = json!("webhooks:manage"))),
    params(("webhook_endpoint_id" = WebhookEndpointId, Path, description = "The endpoint")),
    responses((status = 200, description = "The endpoint, without its secret", body = WebhookEndpoint)))]
#[get("/webhook-endpoints/{webhook_endpoint_id}")]
async fn get_webhook_endpoint(
    app: web::Data<App>,
    actor: Allowed<perm::ManageWebhooks>,
    path: web::Path<WebhookEndpointId>,
) -> Result<HttpResponse, ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    let row = stored::find(&mut tx, *path).await?.ok_or_else(ApiError::not_found)?;
    Ok(routes::respond(Reply::ok(Some(row.version), &WebhookEndpoint::of(&row, app.clock.now()))?.into()))
}

/// Change a webhook endpoint
///
/// Also to enable one that was disabled: read the events that it missed from `GET /v1/events`. Needs `If-Match`.
#[utoipa::path(tag = "webhooks", security(("access_token" = [])),
    extensions(("x-permission" = json!("webhooks:manage"))), request_body = WebhookEndpointChange,
    params(("webhook_endpoint_id" = WebhookEndpointId, Path, description = "The endpoint"),
           ("If-Match" = String, Header, description = "ETag of the version that you read", max_length = 100)),
    responses((status = 200, description = "Changed", body = WebhookEndpoint)))]
#[patch("/webhook-endpoints/{webhook_endpoint_id}")]
async fn update_webhook_endpoint(
    app: web::Data<App>,
    actor: Allowed<perm::ManageWebhooks>,
    path: web::Path<WebhookEndpointId>,
    version: IfMatch,
    body: JsonBody<WebhookEndpointChange>,
) -> Result<HttpResponse, ApiError> {
    let version = version.required()?;
    let WebhookEndpointChange { url, description, event_types, enabled } = body.value;
    let change = Change { url, description, event_types, enabled };
    let row = webhooks::change(&app, actor.org, (*path, version), &change).await?;
    Ok(routes::respond(Reply::ok(Some(row.version), &WebhookEndpoint::of(&row, app.clock.now()))?.into()))
}

/// Delete a webhook endpoint
///
/// With its deliveries. The events stay.
#[utoipa::path(tag = "webhooks", security(("access_token" = [])),
    extensions(("x-permission" = json!("webhooks:manage"))),
    params(("webhook_endpoint_id" = WebhookEndpointId, Path, description = "The endpoint")),
    responses((status = 204, description = "Deleted")))]
#[delete("/webhook-endpoints/{webhook_endpoint_id}")]
async fn delete_webhook_endpoint(
    app: web::Data<App>,
    actor: Allowed<perm::ManageWebhooks>,
    path: web::Path<WebhookEndpointId>,
) -> Result<HttpResponse, ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    if !stored::remove(&mut tx, *path).await? {
        return Err(ApiError::not_found());
    }
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Rotate a webhook endpoint's secret
///
/// The answer holds the new secret, once. For 24 hours messages have two signatures, one with each secret: the
/// receiver can change over in between. Needs `If-Match`.
#[utoipa::path(tag = "webhooks", security(("access_token" = [])),
    extensions(("x-permission" = json!("webhooks:manage"))),
    params(("webhook_endpoint_id" = WebhookEndpointId, Path, description = "The endpoint"),
           ("If-Match" = String, Header, description = "ETag of the version that you read", max_length = 100),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat", max_length = 255)),
    responses((status = 200, description = "Rotated", body = WebhookEndpoint)))]
#[post("/webhook-endpoints/{webhook_endpoint_id}/rotate-secret")]
async fn rotate_webhook_secret(
    app: web::Data<App>,
    actor: Allowed<perm::ManageWebhooks>,
    replay: Replay,
    path: web::Path<WebhookEndpointId>,
    version: IfMatch,
) -> Result<HttpResponse, ApiError> {
    let (version, sha256) = (version.required()?, empty_sha256());
    let show = |row: &EndpointRow| show(row, app.clock.now());
    let replied = webhooks::rotate(&app, &actor, (&replay, &sha256), (*path, version), show).await?;
    Ok(routes::respond_unkept(replied))
}

/// Send a test to a webhook endpoint
///
/// A message of the type `webhook.test`, sent once. Read the delivery for what came of it.
#[utoipa::path(tag = "webhooks", security(("access_token" = [])),
    extensions(("x-permission" = json!("webhooks:manage"))),
    params(("webhook_endpoint_id" = WebhookEndpointId, Path, description = "The endpoint"),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat", max_length = 255)),
    responses((status = 202, description = "Being sent", body = WebhookDelivery)))]
#[post("/webhook-endpoints/{webhook_endpoint_id}/test")]
async fn test_webhook_endpoint(
    app: web::Data<App>,
    actor: Allowed<perm::ManageWebhooks>,
    replay: Replay,
    path: web::Path<WebhookEndpointId>,
) -> Result<HttpResponse, ApiError> {
    let replied = once(&app, &actor, &replay, &empty_sha256(), async |tx| {
        let delivery = WebhookDelivery::from(webhooks::test(&app, tx, *path).await?);
        Reply::accepted(format!("/v1/webhook-deliveries/{}", delivery.id), &delivery)
    })
    .await?;
    app.work.notify_one();
    Ok(routes::respond(replied))
}

/// Registers the routes of this file.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(create_webhook_endpoint)
        .service(list_webhook_endpoints)
        .service(get_webhook_endpoint)
        .service(update_webhook_endpoint)
        .service(delete_webhook_endpoint)
        .service(rotate_webhook_secret)
        .service(test_webhook_endpoint);
}
