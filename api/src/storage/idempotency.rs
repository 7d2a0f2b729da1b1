//! Stored replies: table `idempotency_replies`.

use super::{OrgTx, StorageError, expect_rows};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// One stored reply and the request it answered.
#[derive(Debug, sqlx::FromRow)]
pub struct Stored {
    /// HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// SHA-256 of the body, 32 bytes.
    pub body_sha256: Vec<u8>,
    /// HTTP status.
    pub status: i16,
    /// `Location`.
    pub location: Option<String>,
    /// Version behind the `ETag`.
    pub version: Option<i64>,
    /// The body.
    pub body: Value,
}

/// Takes the key for the rest of the transaction; false: another transaction has it. The lock ends
/// with the transaction, however that ends.
pub async fn lock(tx: &mut OrgTx, caller: &str, key: &str) -> Result<bool, StorageError> {
    let mut digest = Sha256::new();
    digest.update(tx.org().uuid().as_bytes());
    digest.update(caller.as_bytes());
    digest.update([0]);
    digest.update(key.as_bytes());
    let digest: [u8; 32] = digest.finalize().into();
    // Of two keys in 2^64 that share these bits, one waits for the other: no more than that.
    let bits = digest.first_chunk::<8>().map_or(0, |bits| i64::from_be_bytes(*bits));
    Ok(sqlx::query_scalar("select pg_try_advisory_xact_lock($1)").bind(bits).fetch_one(tx.conn()).await?)
}

/// The reply stored under a key after `since`.
pub async fn find(
    tx: &mut OrgTx,
    caller: &str,
    key: &str,
    since: DateTime<Utc>,
) -> Result<Option<Stored>, StorageError> {
    Ok(sqlx::query_as(
        "select method, path, body_sha256, status, location, version, body
         from idempotency_replies
         where org_id = $1 and caller = $2 and key = $3 and created_at > $4",
    )
    .bind(tx.org().uuid())
    .bind(caller)
    .bind(key)
    .bind(since)
    .fetch_optional(tx.conn())
    .await?)
}

/// Stores a reply; takes the place of one under the same key that is no longer given.
pub async fn store(
    tx: &mut OrgTx,
    now: DateTime<Utc>,
    caller: &str,
    key: &str,
    reply: &Stored,
) -> Result<(), StorageError> {
    let done = sqlx::query(
        "insert into idempotency_replies
           (org_id, caller, key, method, path, body_sha256, status, location, version, body, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         on conflict (org_id, caller, key) do update
         set method = excluded.method, path = excluded.path, body_sha256 = excluded.body_sha256,
             status = excluded.status, location = excluded.location, version = excluded.version,
             body = excluded.body, created_at = excluded.created_at",
    )
    .bind(tx.org().uuid())
    .bind(caller)
    .bind(key)
    .bind(&reply.method)
    .bind(&reply.path)
    .bind(&reply.body_sha256)
    .bind(reply.status)
    .bind(&reply.location)
    .bind(reply.version)
    .bind(&reply.body)
    .bind(now)
    .execute(tx.conn())
    .await?;
    expect_rows(done.rows_affected(), 1)
}

/// Whether the organization keeps replies from before `until`.
pub async fn any_before(tx: &mut OrgTx, until: DateTime<Utc>) -> Result<bool, StorageError> {
    Ok(sqlx::query_scalar(
        "select exists (select from idempotency_replies where org_id = $1 and created_at <= $2)",
    )
    .bind(tx.org().uuid())
    .bind(until)
    .fetch_one(tx.conn())
    .await?)
}

/// Removes the organization's replies from before `until`; answers how many.
pub async fn remove_before(tx: &mut OrgTx, until: DateTime<Utc>) -> Result<u64, StorageError> {
    let done = sqlx::query("delete from idempotency_replies where org_id = $1 and created_at <= $2")
        .bind(tx.org().uuid())
        .bind(until)
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected())
}
