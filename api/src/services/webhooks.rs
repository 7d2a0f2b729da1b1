//! Webhooks: where events are sent, and what people do about deliveries. What sends is [`super::webhook_sending`].
//!
//! `GET /v1/events` stays the source of truth: a message names the event and its number, and whoever was away
//! reads on from the last number.

use super::idempotency::{self, Replay, Replied, Reply};
use super::{events::TYPES, text};
use crate::app::App;
use crate::auth::Actor;
use crate::error::{ApiError, Code};
use crate::jobs::{self, JobKind};
use crate::storage::webhook_deliveries::{self as deliveries, DeliveryRow};
use crate::storage::webhook_endpoints::{self as endpoints, Content, EndpointRow};
use crate::storage::{self, OrgTx, StorageError, organizations};
use crate::webhooks::signing;
use chrono::{DateTime, Duration, Utc};
use leakage_core::id::{OrgId, WebhookDeliveryId, WebhookEndpointId};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use uuid::Uuid;

/// Endpoints of an organization: each event is sent to all of them.
pub const MOST: i64 = 10;
/// Hours for which the secret before a rotation signs along.
const OVERLAP_HOURS: i64 = 24;
/// Days for which ended deliveries are kept.
pub const KEPT_DAYS: i64 = 90;

/// What of an endpoint is to change; none: it stays.
#[derive(Debug, Default)]
pub struct Change {
    /// Where events are sent.
    pub url: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Types of events that are sent; all, if that is none.
    pub event_types: Option<Option<Vec<String>>>,
    /// Whether events are sent.
    pub enabled: Option<bool>,
}

impl Change {
    /// The content that comes out, checked.
    fn onto(&self, app: &App, current: &Content) -> Result<Content, ApiError> {
        let url = self.url.as_deref().unwrap_or(&current.url).trim();
        app.webhooks.address(url).map_err(|reason| ApiError::invalid("/url", reason))?;
        let description = match self.description.as_deref().map(str::trim) {
            None => current.description.clone(),
            Some("") => String::new(),
            Some(said) => text::short("/description", said, 200)?,
        };
        let event_types = self.event_types.as_ref().unwrap_or(&current.event_types).clone();
        check_types(event_types.as_deref())?;
        let enabled = self.enabled.unwrap_or(current.enabled);
        Ok(Content { url: url.to_owned(), description, event_types, enabled })
    }
}

fn check_types(types: Option<&[String]>) -> Result<(), ApiError> {
    let Some(types) = types else { return Ok(()) };
    if types.is_empty() {
        return Err(ApiError::invalid("/event_types", "must name at least one type; null or absent: all"));
    }
    for (at, one) in types.iter().enumerate() {
        let pointer = || format!("/event_types/{at}");
        if !TYPES.contains(&one.as_str()) {
            return Err(ApiError::invalid(pointer(), format!("must be one of {}", TYPES.join(", "))));
        }
        if types[..at].contains(one) {
            return Err(ApiError::invalid(pointer(), "stands in the list already"));
        }
    }
    Ok(())
}

/// What a secret is sealed for: it cannot be put in another endpoint's place.
pub(super) fn about(org: OrgId, id: WebhookEndpointId) -> Vec<u8> {
    format!("webhook endpoint {id} of {org}").into_bytes()
}

/// A new secret: as it is shown, and as it is stored.
fn new_secret(app: &App, org: OrgId, id: WebhookEndpointId) -> Result<(SecretString, Vec<u8>), ApiError> {
    let secret =
        signing::new_secret().ok_or_else(|| ApiError::internal("the system gives no random numbers"))?;
    let sealed = app.sealer.seal(&about(org, id), &secret).map_err(ApiError::internal)?;
    Ok((signing::shown(&secret), sealed))
}

/// Adds the secret to the reply that made it: it is stored with no reply.
fn with_secret(mut replied: Replied, secret: &SecretString) -> Replied {
    if !replied.replayed {
        replied.reply.body["secret"] = secret.expose_secret().into();
    }
    replied
}

/// Makes an endpoint. The reply holds its secret at `/secret` the first time only.
///
/// # Errors
/// 409 when there are too many; 422 for a value that cannot be; those of [`idempotency::once`].
pub async fn create(
    app: &App,
    actor: &Actor,
    (replay, sha256): (&Replay, &[u8; 32]),
    new: &Change,
    show: impl Fn(&EndpointRow) -> Result<Value, ApiError>,
) -> Result<Replied, ApiError> {
    let nothing =
        Content { url: String::new(), description: String::new(), event_types: None, enabled: true };
    let content = new.onto(app, &nothing)?;
    let id = WebhookEndpointId::new(Uuid::now_v7());
    let (secret, sealed) = new_secret(app, actor.org, id)?;
    let replied = idempotency::once(app, actor, replay, sha256, async |tx| {
        organizations::lock(tx).await?;
        if endpoints::count(tx).await? >= MOST {
            let detail = format!("There are {MOST} webhook endpoints. Delete one of them first.");
            return Err(ApiError::new(Code::Conflict, detail));
        }
        let row = endpoints::insert(tx, app.clock.now(), id, &content, &sealed, &actor.label()).await?;
        Reply::created(format!("/v1/webhook-endpoints/{id}"), Some(row.version), &show(&row)?)
    })
    .await?;
    Ok(with_secret(replied, &secret))
}

/// Changes an endpoint that still has this version. What waits for one that is disabled is cancelled.
///
/// # Errors
/// 404, 412, 422.
pub async fn change(
    app: &App,
    org: OrgId,
    (id, version): (WebhookEndpointId, i64),
    change: &Change,
) -> Result<EndpointRow, ApiError> {
    let mut tx = app.db.begin(org).await?;
    let row = endpoints::find(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    let enabled = row.status == "enabled";
    let current =
        Content { url: row.url, description: row.description, event_types: row.event_types, enabled };
    let content = change.onto(app, &current)?;
    let changed = endpoints::update(&mut tx, app.clock.now(), id, version, &content).await?;
    let changed = changed.ok_or_else(ApiError::stale)?;
    deliveries::cancel_of_disabled(&mut tx).await?;
    tx.commit().await?;
    Ok(changed)
}

/// Gives an endpoint that still has this version a new secret, shown once; the old one signs along for a day.
///
/// # Errors
/// 404, 412; those of [`idempotency::once`].
pub async fn rotate(
    app: &App,
    actor: &Actor,
    (replay, sha256): (&Replay, &[u8; 32]),
    (id, version): (WebhookEndpointId, i64),
    show: impl Fn(&EndpointRow) -> Result<Value, ApiError>,
) -> Result<Replied, ApiError> {
    let (secret, sealed) = new_secret(app, actor.org, id)?;
    let replied = idempotency::once(app, actor, replay, sha256, async |tx| {
        endpoints::find(tx, id).await?.ok_or_else(ApiError::not_found)?;
        let now = app.clock.now();
        let until = now + Duration::hours(OVERLAP_HOURS);
        let row = endpoints::rotate(tx, now, id, version, &sealed, until).await?;
        let row = row.ok_or_else(ApiError::stale)?;
        Reply::ok(Some(row.version), &show(&row)?)
    })
    .await?;
    Ok(with_secret(replied, &secret))
}

fn disabled() -> ApiError {
    ApiError::new(
        Code::WebhookDisabled,
        "Nothing is sent to a webhook endpoint that is disabled. Enable it first (`PATCH` with `enabled`: true).",
    )
}

/// Has a test sent to an endpoint, once.
///
/// # Errors
/// 404; 409 when it is disabled.
pub async fn test(app: &App, tx: &mut OrgTx, id: WebhookEndpointId) -> Result<DeliveryRow, ApiError> {
    endpoints::find(tx, id).await?.ok_or_else(ApiError::not_found)?;
    endpoints::lock(tx, id).await?.ok_or_else(disabled)?;
    let now = app.clock.now();
    let delivery = WebhookDeliveryId::new(Uuid::now_v7());
    deliveries::insert_test(tx, now, delivery, id).await?;
    // A person waits: now, however it answered before.
    endpoints::pause(tx, id, now).await?;
    send_soon(tx, now).await?;
    deliveries::find(tx, delivery).await?.ok_or_else(ApiError::not_found)
}

/// Has a delivery sent again, with the same id, whatever came of it before.
///
/// # Errors
/// 404; 409 when its endpoint is disabled.
pub async fn retry(app: &App, tx: &mut OrgTx, id: WebhookDeliveryId) -> Result<DeliveryRow, ApiError> {
    let row = deliveries::find(tx, id).await?.ok_or_else(ApiError::not_found)?;
    endpoints::lock(tx, row.endpoint_id.into()).await?.ok_or_else(disabled)?;
    let now = app.clock.now();
    deliveries::retry(tx, now, id).await?;
    endpoints::pause(tx, row.endpoint_id.into(), now).await?;
    send_soon(tx, now).await?;
    deliveries::find(tx, id).await?.ok_or_else(ApiError::not_found)
}

/// Makes the deliveries of events that the transaction has written, from the first number to the last.
pub async fn fan_out(tx: &mut OrgTx, now: DateTime<Utc>, written: (i64, i64)) -> Result<(), StorageError> {
    if deliveries::fan_out(tx, now, written).await? == 0 { Ok(()) } else { send_soon(tx, now).await }
}

/// Has what is due sent when the transaction commits.
async fn send_soon(tx: &mut OrgTx, now: DateTime<Utc>) -> Result<(), StorageError> {
    let kind = JobKind::SendWebhooks;
    // A job that has not begun will see this too; one that has begun may not.
    if !storage::jobs::hold_waiting(tx, kind.as_str(), now).await? {
        let org = tx.org().uuid();
        jobs::enqueue(tx, now, kind, org, Value::Null).await?;
    }
    Ok(())
}
