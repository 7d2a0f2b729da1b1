//! Deliveries of letters: sent by us, or handed out; and what became of them.

use crate::app::App;
use crate::auth::{Allowed, perm};
use crate::error::ApiError;
use crate::extract::{IfMatch, JsonBody};
use crate::page_type;
use crate::pagination::PageQuery;
use crate::routes::{self, respond};
use crate::services::deliveries::{self, Arrival, NewDelivery};
use crate::services::idempotency::{Replay, Reply, once};
use crate::storage::deliveries::{self as stored, AttemptRow, DeliveryRow};
use crate::storage::{OrgTx, letters};
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use leakage_core::id::{DeliveryId, JobId, LetterId};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// One thing that happened to a delivery.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryAttempt {
    /// `queued`, `begun`, `sent`, `refused`, `failed`, `handed_out` or `delivered`. New ones may be added.
    #[schema(max_length = 20, example = "sent")]
    pub outcome: String,
    /// What the mail server or the person said.
    #[schema(max_length = 1000)]
    pub detail: Option<String>,
    /// Who: `user:`, `api_key:` or `job:` and an id.
    #[schema(max_length = 300)]
    pub actor: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// A letter to one recipient.
#[derive(Debug, Serialize, ToSchema)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// The letter.
    pub letter_id: LetterId,
    /// To whom.
    #[schema(max_length = 320)]
    pub recipient: String,
    /// `smtp`: sent by us. `handed_out`: sent by a person or another system.
    #[schema(max_length = 20, example = "smtp")]
    pub channel: String,
    /// `queued`, `sent` (a mail server took it), `failed`, `handed_out` or `delivered`. New ones may be added.
    #[schema(max_length = 20, example = "sent")]
    pub status: String,
    /// Message-ID of the mail.
    #[schema(max_length = 500)]
    pub message_id: Option<String>,
    /// Digest of the letter.
    #[schema(max_length = 71)]
    pub letter_sha256: String,
    /// The job that sends it.
    pub job_id: Option<JobId>,
    /// When it arrived, as far as that is known.
    pub delivered_at: Option<DateTime<Utc>>,
    /// What happened, in order.
    #[schema(max_items = 100)]
    pub attempts: Vec<DeliveryAttempt>,
    /// Counts changes; its ETag is `"v<version>"`.
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    pub version: i64,
    /// Who asked for it.
    #[schema(max_length = 300)]
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

page_type!(DeliveryPage, Delivery);

fn delivery(row: DeliveryRow, attempts: &[AttemptRow]) -> Delivery {
    let own = attempts.iter().filter(|attempt| attempt.delivery_id == row.id);
    Delivery {
        id: row.id.into(),
        letter_id: row.letter_id.into(),
        recipient: row.recipient,
        channel: row.channel,
        status: row.status,
        message_id: row.message_id,
        letter_sha256: row.letter_sha256,
        job_id: row.job_id.map(JobId::new),
        delivered_at: row.delivered_at,
        attempts: own
            .map(|attempt| DeliveryAttempt {
                outcome: attempt.outcome.clone(),
                detail: attempt.detail.clone(),
                actor: attempt.actor.clone(),
                at: attempt.at,
            })
            .collect(),
        version: row.version,
        created_by: row.created_by,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}

async fn shown(tx: &mut OrgTx, row: DeliveryRow) -> Result<Delivery, ApiError> {
    let attempts = stored::attempts(tx, &[row.id]).await?;
    Ok(delivery(row, &attempts))
}

/// Deliver a letter
///
/// By mail where a mail server is configured (202: it is sent in the background, with retries); otherwise
/// it is handed out (201): read it with `GET /v1/letters/{letter_id}?format=html`, send it, and record that
/// it was delivered.
#[utoipa::path(tag = "letters", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("letters:write"))), request_body = NewDelivery,
    params(("letter_id" = LetterId, Path, description = "The letter"),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat", max_length = 255)),
    responses((status = 201, description = "Handed out", body = Delivery), (status = 202, description = "Being sent", body = Delivery)))]
#[post("/letters/{letter_id}/deliveries")]
async fn create_delivery(
    app: web::Data<App>,
    actor: Allowed<perm::WriteLetters>,
    replay: Replay,
    path: web::Path<LetterId>,
    body: JsonBody<NewDelivery>,
) -> Result<HttpResponse, ApiError> {
    let replied = once(&app, &actor, &replay, &body.sha256, async |tx| {
        let row = deliveries::create(&app, tx, &actor, *path, &body.value).await?;
        let shown = shown(tx, row).await?;
        let location = format!("/v1/deliveries/{}", shown.id);
        match shown.job_id {
            Some(_) => Reply::accepted(location, &shown),
            None => Reply::created(location, Some(shown.version), &shown),
        }
    })
    .await?;
    app.work.notify_one();
    Ok(respond(replied))
}

/// List a letter's deliveries
///
/// Oldest first.
#[utoipa::path(tag = "letters", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("letter_id" = LetterId, Path, description = "The letter"), PageQuery),
    responses((status = 200, description = "One page", body = DeliveryPage)))]
#[get("/letters/{letter_id}/deliveries")]
async fn list_deliveries(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    request: HttpRequest,
    path: web::Path<LetterId>,
    page: web::Query<PageQuery>,
) -> Result<HttpResponse, ApiError> {
    let wanted = page.read::<(DateTime<Utc>, Uuid)>(&("deliveries", *path))?;
    let mut tx = app.db.begin(actor.org).await?;
    letters::find(&mut tx, *path).await?.ok_or_else(ApiError::not_found)?;
    let rows = stored::of_letter(&mut tx, *path, wanted.after, wanted.fetch()).await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let attempts = stored::attempts(&mut tx, &ids).await?;
    let page = wanted.page(rows, |row| (row.created_at, row.id))?;
    routes::list(&request, &DeliveryPage::from(page.map(|row| delivery(row, &attempts))))
}

/// Read a delivery
///
/// With every attempt.
#[utoipa::path(tag = "letters", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("delivery_id" = DeliveryId, Path, description = "The delivery")),
    responses((status = 200, description = "The delivery", body = Delivery)))]
#[get("/deliveries/{delivery_id}")]
async fn get_delivery(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    path: web::Path<DeliveryId>,
) -> Result<HttpResponse, ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    let row = stored::find(&mut tx, *path).await?.ok_or_else(ApiError::not_found)?;
    let shown = shown(&mut tx, row).await?;
    Ok(respond(Reply::ok(Some(shown.version), &shown)?.into()))
}

/// Record that a letter arrived
///
/// For a letter that was handed out, or of which is known that it was read. Needs `If-Match`.
#[utoipa::path(tag = "letters", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("letters:write"))), request_body = Arrival,
    params(("delivery_id" = DeliveryId, Path, description = "The delivery"),
           ("If-Match" = String, Header, description = "ETag of the version that you read", max_length = 100),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat", max_length = 255)),
    responses((status = 200, description = "Recorded", body = Delivery)))]
#[post("/deliveries/{delivery_id}/delivered")]
async fn record_delivered(
    app: web::Data<App>,
    actor: Allowed<perm::WriteLetters>,
    replay: Replay,
    path: web::Path<DeliveryId>,
    version: IfMatch,
    body: JsonBody<Arrival>,
) -> Result<HttpResponse, ApiError> {
    let version = version.required()?;
    let replied = Box::pin(once(&app, &actor, &replay, &body.sha256, async |tx| {
        let row = deliveries::arrive(&app, tx, &actor, *path, version, &body.value).await?;
        let shown = shown(tx, row).await?;
        Reply::ok(Some(shown.version), &shown)
    }))
    .await?;
    Ok(respond(replied))
}

/// Registers the routes of this file.
pub fn configure(config: &mut ServiceConfig) {
    config.service(create_delivery).service(list_deliveries).service(get_delivery).service(record_delivered);
}
