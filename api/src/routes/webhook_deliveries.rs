//! Webhook deliveries: events on their way to endpoints, and what came of it.

use crate::app::App;
use crate::auth::{Allowed, perm};
use crate::error::ApiError;
use crate::extract::empty_sha256;
use crate::pagination::PageQuery;
use crate::services::idempotency::{Replay, Reply, once};
use crate::services::{webhook_sending, webhooks};
use crate::storage::webhook_deliveries::{self as stored, DeliveryRow};
use crate::storage::webhook_endpoints;
use crate::{page_type, routes};
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use leakage_core::id::{WebhookDeliveryId, WebhookEndpointId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

const STATUSES: [&str; 4] = ["pending", "delivered", "failed", "cancelled"];

/// One event on its way to one endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "01931f3e-7d5c-4b60-9f10-3f2a4b5c6d7e", "webhook_endpoint_id": "01931f3e-7d5c-7b60-9f10-000000000002",
    "type": "gap.found", "sequence": 42, "status": "pending", "attempts": 2,
    "next_attempt_at": "2026-11-22T12:05:20Z", "last_attempt_at": "2026-11-22T12:00:06Z", "last_status": 500,
    "last_error": "answered 500 Internal Server Error", "last_answer": "out of memory",
    "created_at": "2026-11-22T12:00:00Z"
}))]
pub struct WebhookDelivery {
    /// Its id: the header `webhook-id` of every attempt.
    pub id: WebhookDeliveryId,
    /// Where it goes.
    pub webhook_endpoint_id: WebhookEndpointId,
    /// The event's type, or `webhook.test`.
    #[schema(max_length = 60)]
    pub r#type: String,
    /// The event's number, as in `GET /v1/events`; absent of a test.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    pub sequence: Option<i64>,
    /// `pending`, `delivered`, `failed` (for good) or `cancelled` (the endpoint was disabled). New states may be
    /// added.
    #[schema(max_length = 20)]
    pub status: String,
    /// How often it was tried.
    #[schema(minimum = 0, maximum = 1000)]
    pub attempts: i32,
    /// While pending: when it is tried next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// When it was tried last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_attempt_at: Option<DateTime<Utc>>,
    /// HTTP status of the last answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 100, maximum = 999)]
    pub last_status: Option<i32>,
    /// Why the last attempt does not count as delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 300)]
    pub last_error: Option<String>,
    /// How the body of the last answer begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    pub last_answer: Option<String>,
    /// When it was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

page_type!(WebhookDeliveryPage, WebhookDelivery);

impl From<DeliveryRow> for WebhookDelivery {
    fn from(row: DeliveryRow) -> Self {
        Self {
            id: row.id.into(),
            webhook_endpoint_id: row.endpoint_id.into(),
            r#type: row.kind.unwrap_or_else(|| webhook_sending::TEST.to_owned()),
            sequence: row.sequence,
            status: row.status,
            attempts: row.attempts,
            next_attempt_at: row.next_attempt_at,
            last_attempt_at: row.last_attempt_at,
            last_status: row.last_status,
            last_error: row.last_error,
            last_answer: row.last_answer,
            delivered_at: row.delivered_at,
            created_at: row.created_at,
        }
    }
}

/// Which deliveries to list.
#[derive(Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WebhookDeliveryQuery {
    /// `pending`, `delivered`, `failed` or `cancelled`.
    #[param(max_length = 20, example = "failed")]
    pub status: Option<String>,
    /// Items of a page.
    #[param(minimum = 1, maximum = 500, default = 50, example = 50)]
    pub limit: Option<u16>,
    /// `next_cursor` of the page before.
    #[param(max_length = 1000)]
    pub cursor: Option<String>,
}

/// List a webhook endpoint's deliveries
///
/// Newest first. Those that ended are kept for 90 days at least.
#[utoipa::path(tag = "webhooks", security(("access_token" = [])),
    extensions(("x-permission" = json!("webhooks:manage"))),
    params(("webhook_endpoint_id" = WebhookEndpointId, Path, description = "The endpoint"), WebhookDeliveryQuery),
    responses((status = 200, description = "One page", body = WebhookDeliveryPage)))]
#[get("/webhook-endpoints/{webhook_endpoint_id}/deliveries")]
async fn list_webhook_deliveries(
    app: web::Data<App>,
    actor: Allowed<perm::ManageWebhooks>,
    request: HttpRequest,
    path: web::Path<WebhookEndpointId>,
    query: web::Query<WebhookDeliveryQuery>,
) -> Result<HttpResponse, ApiError> {
    routes::known("status", query.status.as_deref(), &STATUSES)?;
    let paging = PageQuery { limit: query.limit, cursor: query.cursor.clone() };
    let wanted = paging.read::<(DateTime<Utc>, Uuid)>(&("webhook deliveries", *path, &query.status))?;
    let mut tx = app.db.begin(actor.org).await?;
    webhook_endpoints::find(&mut tx, *path).await?.ok_or_else(ApiError::not_found)?;
    let status = query.status.as_deref();
    let rows = stored::list(&mut tx, *path, status, wanted.after, wanted.fetch()).await?;
    let page = wanted.page(rows, |row| (row.created_at, row.id))?;
    routes::list(&request, &WebhookDeliveryPage::from(page.map(WebhookDelivery::from)))
}

/// Read a webhook delivery
#[utoipa::path(tag = "webhooks", security(("access_token" = [])),
    extensions(("x-permission" = json!("webhooks:manage"))),
    params(("webhook_delivery_id" = WebhookDeliveryId, Path, description = "The delivery")),
    responses((status = 200, description = "The delivery", body = WebhookDelivery)))]
#[get("/webhook-deliveries/{webhook_delivery_id}")]
async fn get_webhook_delivery(
    app: web::Data<App>,
    actor: Allowed<perm::ManageWebhooks>,
    path: web::Path<WebhookDeliveryId>,
) -> Result<HttpResponse, ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    let row = stored::find(&mut tx, *path).await?.ok_or_else(ApiError::not_found)?;
    Ok(routes::respond(Reply::ok(None, &WebhookDelivery::from(row))?.into()))
}

/// Send a webhook delivery again
///
/// At once, with the same `webhook-id`, whatever came of it before. If it fails, it is tried for three days again.
#[utoipa::path(tag = "webhooks", security(("access_token" = [])),
    extensions(("x-permission" = json!("webhooks:manage"))),
    params(("webhook_delivery_id" = WebhookDeliveryId, Path, description = "The delivery"),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat", max_length = 255)),
    responses((status = 202, description = "Being sent", body = WebhookDelivery)))]
#[post("/webhook-deliveries/{webhook_delivery_id}/retry")]
async fn retry_webhook_delivery(
    app: web::Data<App>,
    actor: Allowed<perm::ManageWebhooks>,
    replay: Replay,
    path: web::Path<WebhookDeliveryId>,
) -> Result<HttpResponse, ApiError> {
    let replied = once(&app, &actor, &replay, &empty_sha256(), async |tx| {
        let delivery = WebhookDelivery::from(webhooks::retry(&app, tx, *path).await?);
        Reply::accepted(format!("/v1/webhook-deliveries/{}", delivery.id), &delivery)
    })
    .await?;
    app.work.notify_one();
    Ok(routes::respond(replied))
}

/// Registers the routes of this file.
pub fn configure(config: &mut ServiceConfig) {
    config.service(list_webhook_deliveries).service(get_webhook_delivery).service(retry_webhook_delivery);
}
