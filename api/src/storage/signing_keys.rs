//! Keys that organizations sign with, and replace names with: tables `signing_keys`, `pseudonym_keys`.

use super::{OrgTx, StorageError};
use chrono::{DateTime, Utc};
use sqlx::FromRow;
use uuid::Uuid;

/// A key as others see it.
#[derive(Clone, Debug, FromRow)]
pub struct PublicKeyRow {
    /// Its id.
    pub id: Uuid,
    /// Its 32 bytes.
    pub public_key: Vec<u8>,
    /// From when it signs.
    pub valid_from: DateTime<Utc>,
    /// From when it signs no more.
    pub retired_at: Option<DateTime<Utc>>,
}

/// A key with its private half, sealed.
#[derive(Clone, Debug, FromRow)]
pub struct SealedKeyRow {
    /// Its id.
    pub id: Uuid,
    /// Its private half, sealed.
    pub private_key_sealed: Vec<u8>,
}

/// Adds the key that signs from now on; false: there is one already.
pub async fn insert(
    tx: &mut OrgTx,
    id: Uuid,
    public: &[u8],
    sealed: &[u8],
    by: &str,
    now: DateTime<Utc>,
) -> Result<bool, StorageError> {
    let org = tx.org().uuid();
    let done = sqlx::query(
        "insert into signing_keys (org_id, id, public_key, private_key_sealed, valid_from, created_by)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (org_id) where retired_at is null do nothing",
    )
    .bind(org)
    .bind(id)
    .bind(public)
    .bind(sealed)
    .bind(now)
    .bind(by)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The key that signs. It stays so until the transaction ends.
pub async fn current(tx: &mut OrgTx) -> Result<Option<SealedKeyRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select id, private_key_sealed
         from signing_keys
         where org_id = $1 and retired_at is null
         for share",
    )
    .bind(org)
    .fetch_optional(tx.conn())
    .await?)
}

/// A key, retired or not.
pub async fn find(tx: &mut OrgTx, id: Uuid) -> Result<Option<SealedKeyRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as("select id, private_key_sealed from signing_keys where org_id = $1 and id = $2")
        .bind(org)
        .bind(id)
        .fetch_optional(tx.conn())
        .await?)
}

/// Retires the key that signs; answers its id.
pub async fn retire(tx: &mut OrgTx, now: DateTime<Utc>) -> Result<Option<Uuid>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_scalar(
        "update signing_keys
         set retired_at = greatest($2, valid_from)
         where org_id = $1 and retired_at is null
         returning id",
    )
    .bind(org)
    .bind(now)
    .fetch_optional(tx.conn())
    .await?)
}

/// All keys as others see them, the newest first.
pub async fn public(tx: &mut OrgTx) -> Result<Vec<PublicKeyRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select id, public_key, valid_from, retired_at
         from signing_keys
         where org_id = $1
         order by retired_at is not null, valid_from desc, id desc",
    )
    .bind(org)
    .fetch_all(tx.conn())
    .await?)
}

/// The key of pseudonyms, sealed. Kept as it is when there is one already; answers the one that is kept.
pub async fn pseudonym_key(tx: &mut OrgTx, new: &[u8]) -> Result<Vec<u8>, StorageError> {
    let org = tx.org().uuid();
    sqlx::query("insert into pseudonym_keys (org_id, key_sealed) values ($1, $2) on conflict do nothing")
        .bind(org)
        .bind(new)
        .execute(tx.conn())
        .await?;
    Ok(sqlx::query_scalar("select key_sealed from pseudonym_keys where org_id = $1")
        .bind(org)
        .fetch_one(tx.conn())
        .await?)
}
