//! API keys of an organization's integrations: table `api_keys`.

use super::{OrgTx, StorageError};
use crate::auth::Scope;
use chrono::{DateTime, Utc};
use leakage_core::id::{ApiKeyId, UserId};
use sqlx::FromRow;
use uuid::Uuid;

/// An API key as stored.
#[derive(Clone, Debug, FromRow)]
pub struct ApiKeyRow {
    /// Its id.
    pub id: Uuid,
    /// The integration.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// SHA-256 of the key.
    pub secret_sha256: Vec<u8>,
    /// The key's last four characters.
    pub last_four: String,
    /// Who made it.
    pub created_by: Uuid,
    /// When.
    pub created_at: DateTime<Utc>,
    /// From when it is refused; none: it does not end by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// When it was last used, to the quarter of an hour.
    pub last_used_at: Option<DateTime<Utc>>,
}

impl ApiKeyRow {
    /// What it may do.
    pub fn scopes(&self) -> Result<Vec<Scope>, StorageError> {
        let corrupt = StorageError::Corrupt { column: "api_keys.scopes" };
        self.scopes.iter().map(|scope| Scope::parse(scope)).collect::<Option<_>>().ok_or(corrupt)
    }
}

/// An API key to be.
#[derive(Clone, Copy, Debug)]
pub struct NewApiKey<'a> {
    /// Its id.
    pub id: ApiKeyId,
    /// The integration.
    pub name: &'a str,
    /// What it may do; not empty.
    pub scopes: &'a [Scope],
    /// SHA-256 of the key.
    pub secret_sha256: &'a [u8; 32],
    /// The key's last four characters.
    pub last_four: &'a str,
    /// Who makes it.
    pub created_by: UserId,
    /// From when it is refused.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Adds an API key.
pub async fn insert(
    tx: &mut OrgTx,
    now: DateTime<Utc>,
    new: &NewApiKey<'_>,
) -> Result<ApiKeyRow, StorageError> {
    let org = tx.org().uuid();
    let scopes: Vec<&str> = new.scopes.iter().map(|scope| scope.as_str()).collect();
    Ok(sqlx::query_as(
        "insert into api_keys
           (org_id, id, name, scopes, secret_sha256, last_four, created_by, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         returning id, name, scopes, secret_sha256, last_four, created_by, created_at, expires_at,
                   revoked_at, last_used_at",
    )
    .bind(org)
    .bind(new.id.uuid())
    .bind(new.name)
    .bind(scopes)
    .bind(new.secret_sha256.as_slice())
    .bind(new.last_four)
    .bind(new.created_by.uuid())
    .bind(now)
    .bind(new.expires_at)
    .fetch_one(tx.conn())
    .await?)
}

/// How many live keys an integration has. Lock the organization first, or two at once do not see
/// each other.
pub async fn count_live(tx: &mut OrgTx, now: DateTime<Utc>, name: &str) -> Result<i64, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_scalar(
        "select count(*)
         from api_keys
         where org_id = $1
           and name = $2
           and revoked_at is null
           and (expires_at is null or expires_at > $3)",
    )
    .bind(org)
    .bind(name)
    .bind(now)
    .fetch_one(tx.conn())
    .await?)
}

/// One key.
pub async fn find(tx: &mut OrgTx, id: ApiKeyId) -> Result<Option<ApiKeyRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select id, name, scopes, secret_sha256, last_four, created_by, created_at, expires_at,
                revoked_at, last_used_at
         from api_keys
         where org_id = $1 and id = $2",
    )
    .bind(org)
    .bind(id.uuid())
    .fetch_optional(tx.conn())
    .await?)
}

/// Keys, newest first, after the key `after`.
pub async fn list(tx: &mut OrgTx, after: Option<Uuid>, limit: i64) -> Result<Vec<ApiKeyRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select id, name, scopes, secret_sha256, last_four, created_by, created_at, expires_at,
                revoked_at, last_used_at
         from api_keys
         where org_id = $1 and ($2::uuid is null or id < $2)
         order by id desc
         limit $3",
    )
    .bind(org)
    .bind(after)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?)
}

/// Revokes a key; false if there is none to revoke.
pub async fn revoke(tx: &mut OrgTx, now: DateTime<Utc>, id: ApiKeyId) -> Result<bool, StorageError> {
    let org = tx.org().uuid();
    let changed = sqlx::query(
        "update api_keys
         set revoked_at = $3
         where org_id = $1 and id = $2 and revoked_at is null",
    )
    .bind(org)
    .bind(id.uuid())
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(changed.rows_affected() == 1)
}

/// Notes that a key was used, unless that was noted after `noted_before`.
pub async fn note_use(
    tx: &mut OrgTx,
    now: DateTime<Utc>,
    noted_before: DateTime<Utc>,
    id: ApiKeyId,
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    sqlx::query(
        "update api_keys
         set last_used_at = $3
         where org_id = $1 and id = $2 and (last_used_at is null or last_used_at < $4)",
    )
    .bind(org)
    .bind(id.uuid())
    .bind(now)
    .bind(noted_before)
    .execute(tx.conn())
    .await?;
    Ok(())
}
