//! Doing something once, however often the request arrives.
//!
//! The reply is stored in the transaction of the effect, under the caller's key, and given again for
//! 72 hours. While the first request runs, it holds a lock of its transaction: a second one is told
//! to come back, and a crash releases the lock with the transaction, so no key is ever stuck.
//! A request that fails stores nothing: its key may be used again.

use crate::app::App;
use crate::auth::Actor;
use crate::error::{ApiError, Code};
use crate::jobs::{self, JobKind};
use crate::storage::idempotency::{self, Stored};
use crate::storage::{self, OrgTx, StorageError};
use chrono::{DateTime, Duration, Utc};
use serde::Serialize;
use serde_json::Value;

/// How long a reply is kept.
pub const KEPT_HOURS: i64 = 72;

/// What identifies a request that may arrive again. The HTTP side fills it in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// The caller's key; none: the request is done each time it arrives.
    pub key: Option<String>,
    /// HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
}

/// What a request is answered with, in a form that can be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status, 200 to 299.
    pub status: u16,
    /// Address of what was made.
    pub location: Option<String>,
    /// Version of what is answered, for its `ETag`.
    pub version: Option<i64>,
    /// The body; null: none.
    pub body: Value,
}

impl Reply {
    /// 201: something was made at `location`.
    pub fn created(
        location: impl Into<String>,
        version: Option<i64>,
        body: &impl Serialize,
    ) -> Result<Self, ApiError> {
        Ok(Self { status: 201, location: Some(location.into()), version, body: json(body)? })
    }

    /// 200.
    pub fn ok(version: Option<i64>, body: &impl Serialize) -> Result<Self, ApiError> {
        Ok(Self { status: 200, location: None, version, body: json(body)? })
    }

    /// 202: work was begun; `location` tells how it goes.
    pub fn accepted(location: impl Into<String>, body: &impl Serialize) -> Result<Self, ApiError> {
        Ok(Self { status: 202, location: Some(location.into()), version: None, body: json(body)? })
    }

    /// 204.
    pub const fn no_content() -> Self {
        Self { status: 204, location: None, version: None, body: Value::Null }
    }
}

fn json(body: &impl Serialize) -> Result<Value, ApiError> {
    serde_json::to_value(body).map_err(ApiError::internal)
}

/// A reply, and whether it is an old one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replied {
    /// The reply.
    pub reply: Reply,
    /// It was stored by an earlier request.
    pub replayed: bool,
}

impl From<Reply> for Replied {
    /// A reply that was just made.
    fn from(reply: Reply) -> Self {
        Self { reply, replayed: false }
    }
}

/// Runs `effect` in a transaction of the actor's organization and commits it, once for each key.
///
/// # Errors
/// Those of `effect`; `idempotency_key_reused` (422) when the key came with another method, path or
/// body before; `idempotency_in_flight` (409, come back in a second) while the first one runs.
pub async fn once(
    app: &App,
    actor: &Actor,
    request: &Replay,
    body_sha256: &[u8; 32],
    effect: impl AsyncFnOnce(&mut OrgTx) -> Result<Reply, ApiError>,
) -> Result<Replied, ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    match attempt(app, actor, request, body_sha256, &mut tx, effect).await {
        Ok(replied) => {
            tx.commit().await?;
            Ok(replied)
        }
        Err(error) => {
            // At once, so that the key is free before the caller hears of it. When the connection is gone,
            // so is the transaction.
            if let Err(lost) = tx.rollback().await {
                tracing::warn!(error = &lost as &dyn std::error::Error, "a transaction was lost");
            }
            Err(error)
        }
    }
}

async fn attempt(
    app: &App,
    actor: &Actor,
    request: &Replay,
    body_sha256: &[u8; 32],
    tx: &mut OrgTx,
    effect: impl AsyncFnOnce(&mut OrgTx) -> Result<Reply, ApiError>,
) -> Result<Replied, ApiError> {
    let Some(key) = &request.key else {
        return Ok(Replied { reply: effect(tx).await?, replayed: false });
    };
    // A key belongs to one user or API key: another one's replies are none of theirs.
    let caller = actor.label();
    if !idempotency::lock(tx, &caller, key).await? {
        return Err(ApiError::new(
            Code::IdempotencyInFlight,
            "The first request with this Idempotency-Key is still running. Send it again in a moment.",
        )
        .retry_after(1));
    }
    let now = app.clock.now();
    if let Some(kept) = idempotency::find(tx, &caller, key, now - Duration::hours(KEPT_HOURS)).await? {
        return answer_again(request, body_sha256, kept);
    }
    let reply = effect(tx).await?;
    idempotency::store(tx, now, &caller, key, &to_store(request, body_sha256, &reply)).await?;
    tidy(tx, now).await?;
    Ok(Replied { reply, replayed: false })
}

/// Has old replies removed, outside the request, when there are any.
async fn tidy(tx: &mut OrgTx, now: DateTime<Utc>) -> Result<(), StorageError> {
    let kind = JobKind::Housekeeping;
    if idempotency::any_before(tx, now - Duration::hours(KEPT_HOURS)).await?
        && !storage::jobs::any_unfinished(tx, kind.as_str()).await?
    {
        let org = tx.org().uuid();
        jobs::enqueue(tx, now, kind, org, Value::Null).await?;
    }
    Ok(())
}

fn to_store(request: &Replay, body_sha256: &[u8; 32], reply: &Reply) -> Stored {
    Stored {
        method: request.method.clone(),
        path: request.path.clone(),
        body_sha256: body_sha256.to_vec(),
        status: i16::try_from(reply.status).unwrap_or(i16::MAX),
        location: reply.location.clone(),
        version: reply.version,
        body: reply.body.clone(),
    }
}

fn answer_again(request: &Replay, body_sha256: &[u8; 32], kept: Stored) -> Result<Replied, ApiError> {
    let same = kept.method == request.method
        && kept.path == request.path
        && kept.body_sha256.as_slice() == body_sha256.as_slice();
    if !same {
        return Err(ApiError::new(
            Code::IdempotencyReused,
            "This Idempotency-Key was used with another method, path or body in the last 72 hours. Use a new \
             key for a new request.",
        ));
    }
    let status = u16::try_from(kept.status).map_err(ApiError::internal)?;
    let reply = Reply { status, location: kept.location, version: kept.version, body: kept.body };
    Ok(Replied { reply, replayed: true })
}
