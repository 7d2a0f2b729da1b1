//! API keys of integrations: made and revoked by admins, shown once.

use super::idempotency::{self, Replay, Replied, Reply};
use super::text;
use crate::app::App;
use crate::auth::api_keys::LIVE_PER_NAME;
use crate::auth::{Actor, Identity, Scope, secrets};
use crate::error::{ApiError, Code};
use crate::storage::api_keys::{self, ApiKeyRow, NewApiKey};
use crate::storage::organizations;
use chrono::{DateTime, Utc};
use leakage_core::id::ApiKeyId;
use secrecy::ExposeSecret as _;
use uuid::Uuid;

/// A key to be.
#[derive(Debug)]
pub struct Create {
    /// The integration.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// From when it is refused.
    pub expires_at: Option<DateTime<Utc>>,
}

impl Create {
    fn check(&self, now: DateTime<Utc>) -> Result<String, ApiError> {
        if self.scopes.is_empty() {
            return Err(ApiError::invalid("/scopes", "must name at least one scope"));
        }
        for (at, scope) in self.scopes.iter().enumerate() {
            if self.scopes[..at].contains(scope) {
                return Err(ApiError::invalid(format!("/scopes/{at}"), "stands in the list already"));
            }
        }
        if self.expires_at.is_some_and(|end| end <= now) {
            return Err(ApiError::invalid("/expires_at", "must be in the future"));
        }
        text::short("/name", &self.name, 100)
    }
}

/// Makes a key. The reply holds it at `/key` the first time only: it is not stored.
///
/// # Errors
/// 409 when the integration has two live keys; 422 for a value that cannot be; those of
/// [`idempotency::once`].
pub async fn create(
    app: &App,
    actor: &Actor,
    replay: &Replay,
    body_sha256: &[u8; 32],
    create: &Create,
    show: impl Fn(&ApiKeyRow) -> Result<serde_json::Value, ApiError>,
) -> Result<Replied, ApiError> {
    let now = app.clock.now();
    let name = create.check(now)?;
    let Identity::User { id: created_by, .. } = actor.identity else {
        return Err(ApiError::new(Code::InsufficientScope, "No API key may do this."));
    };
    let id = ApiKeyId::new(Uuid::now_v7());
    let secret = secrets::API_KEY.generate(actor.org, id.uuid()).map_err(ApiError::internal)?;
    let new = NewApiKey {
        id,
        name: &name,
        scopes: &create.scopes,
        secret_sha256: secret.hash.as_bytes(),
        last_four: &secret.last_four,
        created_by,
        expires_at: create.expires_at,
    };
    let mut replied = idempotency::once(app, actor, replay, body_sha256, async |tx| {
        organizations::lock(tx).await?;
        if api_keys::count_live(tx, now, &name).await? >= LIVE_PER_NAME {
            let detail = format!("`{name}` has {LIVE_PER_NAME} live keys. Revoke one of them first.");
            return Err(ApiError::new(Code::Conflict, detail));
        }
        let row = api_keys::insert(tx, now, &new).await?;
        Reply::created(format!("/v1/api-keys/{id}"), None, &show(&row)?)
    })
    .await?;
    if !replied.replayed {
        replied.reply.body["key"] = secret.text.expose_secret().into();
    }
    Ok(replied)
}

/// Revokes a key, at once; one that is revoked already stays so.
///
/// # Errors
/// 404 when there is none.
pub async fn revoke(app: &App, actor: &Actor, id: ApiKeyId) -> Result<(), ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    if !api_keys::revoke(&mut tx, app.clock.now(), id).await? {
        return api_keys::find(&mut tx, id).await?.map(|_| ()).ok_or_else(ApiError::not_found);
    }
    tx.commit().await?;
    Ok(())
}
