//! Import profiles of an organization, and which of them an import was read with.

use super::{OrgTx, StorageError, expect_rows};
use chrono::{DateTime, Utc};
use leakage_core::id::{ImportId, ImportProfileId};
use leakage_core::ingest::ImportProfile;
use serde_json::Value;
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

/// A profile as stored.
#[derive(Clone, Debug, FromRow)]
pub struct ProfileRow {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Name of its files' source in audits.
    pub source: String,
    /// What it says.
    pub definition: Json<ImportProfile>,
    /// Digest of the definition.
    pub digest: String,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Who changed it last.
    pub updated_by: String,
    /// When.
    pub updated_at: DateTime<Utc>,
    /// Who retired it.
    pub retired_by: Option<String>,
    /// When.
    pub retired_at: Option<DateTime<Utc>>,
    /// For ETag and If-Match.
    pub version: i64,
}

/// The columns of [`ProfileRow`], for the statements below.
macro_rules! columns {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            " id, name, source, definition, digest, created_by, created_at, updated_by, updated_at, retired_by,
              retired_at, version ",
            $after
        )
    };
}

/// Why a profile could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ProfileWriteError {
    /// Another profile has this name, apart from case, spaces and punctuation.
    #[error("a profile of this name exists")]
    NameTaken,
    /// Anything else.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Stores a profile.
pub async fn insert(
    tx: &mut OrgTx,
    id: ImportProfileId,
    profile: &ImportProfile,
    digest: &str,
    by: &str,
    now: DateTime<Utc>,
) -> Result<ProfileRow, ProfileWriteError> {
    let org = tx.org().uuid();
    let inserted: Option<ProfileRow> = sqlx::query_as(columns!(
        "insert into import_profiles (org_id, id, name, source, kind, definition, digest,
                                      created_by, created_at, updated_by, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $8, $9)
         on conflict (org_id, source) where retired_at is null do nothing
         returning",
        ""
    ))
    .bind(org)
    .bind(id.uuid())
    .bind(&profile.name)
    .bind(profile.source())
    .bind(profile.kind.name())
    .bind(Json(profile))
    .bind(digest)
    .bind(by)
    .bind(now)
    .fetch_optional(tx.conn())
    .await
    .map_err(StorageError::from)?;
    inserted.ok_or(ProfileWriteError::NameTaken)
}

/// Changes a profile's definition if it still has this version and is not retired; `None` otherwise.
pub async fn update(
    tx: &mut OrgTx,
    id: ImportProfileId,
    version: i64,
    profile: &ImportProfile,
    digest: &str,
    by: &str,
    now: DateTime<Utc>,
) -> Result<Option<ProfileRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(columns!(
        "update import_profiles
         set name = $4, kind = $5, definition = $6, digest = $7, updated_by = $8, updated_at = $9,
             version = version + 1
         where org_id = $1 and id = $2 and version = $3 and retired_at is null
         returning",
        ""
    ))
    .bind(org)
    .bind(id.uuid())
    .bind(version)
    .bind(&profile.name)
    .bind(profile.kind.name())
    .bind(Json(profile))
    .bind(digest)
    .bind(by)
    .bind(now)
    .fetch_optional(tx.conn())
    .await?)
}

/// Retires a profile: it is found again by no file. Once; later calls change nothing.
pub async fn retire(
    tx: &mut OrgTx,
    id: ImportProfileId,
    by: &str,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    sqlx::query(
        "update import_profiles
         set retired_by = $3, retired_at = $4, version = version + 1
         where org_id = $1 and id = $2 and retired_at is null",
    )
    .bind(org)
    .bind(id.uuid())
    .bind(by)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// One profile, retired or not.
pub async fn find(tx: &mut OrgTx, id: ImportProfileId) -> Result<Option<ProfileRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(columns!("select", "from import_profiles where org_id = $1 and id = $2"))
        .bind(org)
        .bind(id.uuid())
        .fetch_optional(tx.conn())
        .await?)
}

/// The profile in use whose files have this source.
pub async fn find_by_source(tx: &mut OrgTx, source: &str) -> Result<Option<ProfileRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(columns!(
        "select",
        "from import_profiles where org_id = $1 and source = $2 and retired_at is null"
    ))
    .bind(org)
    .bind(source)
    .fetch_optional(tx.conn())
    .await?)
}

/// The profiles in use, in the order in which they were made.
pub async fn list(tx: &mut OrgTx, after: Option<Uuid>, limit: i64) -> Result<Vec<ProfileRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(columns!(
        "select",
        "from import_profiles
         where org_id = $1 and retired_at is null and ($2::uuid is null or id > $2)
         order by id
         limit $3"
    ))
    .bind(org)
    .bind(after)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?)
}

/// Notes what an import was read with.
pub async fn note_use(
    tx: &mut OrgTx,
    import: ImportId,
    profile: Option<Uuid>,
    used: &Value,
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    let done = sqlx::query("update imports set profile_id = $3, profiles = $4 where org_id = $1 and id = $2")
        .bind(org)
        .bind(import.uuid())
        .bind(profile)
        .bind(used)
        .execute(tx.conn())
        .await?;
    expect_rows(done.rows_affected(), 1)
}
