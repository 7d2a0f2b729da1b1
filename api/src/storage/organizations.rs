//! The organization itself: table `organizations`.

use super::{OrgTx, StorageError};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

/// An organization as stored.
#[derive(Clone, Debug, FromRow)]
pub struct OrganizationRow {
    /// Its id.
    pub org_id: Uuid,
    /// Its name.
    pub name: String,
    /// Its settings; what is absent has its default.
    pub settings: Value,
    /// Digest of its logo, where it has one.
    pub logo_sha256: Option<String>,
    /// Points in a row of the logo.
    pub logo_width: Option<i32>,
    /// Rows of the logo.
    pub logo_height: Option<i32>,
    /// For `ETag` and `If-Match`.
    pub version: i64,
    /// When it signed up.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// Adds the organization that the transaction is in.
pub async fn insert(
    tx: &mut OrgTx,
    now: DateTime<Utc>,
    name: &str,
    settings: &Value,
) -> Result<OrganizationRow, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "insert into organizations (org_id, name, settings, created_at, updated_at)
         values ($1, $2, $3, $4, $4)
         returning org_id, name, settings, logo_sha256, logo_width, logo_height, version, created_at, updated_at",
    )
    .bind(org)
    .bind(name)
    .bind(settings)
    .bind(now)
    .fetch_one(tx.conn())
    .await?)
}

/// The organization that the transaction is in.
pub async fn find(tx: &mut OrgTx) -> Result<Option<OrganizationRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select org_id, name, settings, logo_sha256, logo_width, logo_height, version, created_at, updated_at
         from organizations
         where org_id = $1",
    )
    .bind(org)
    .fetch_optional(tx.conn())
    .await?)
}

/// The settings that held at a time; the first ones if it is earlier.
pub async fn settings_at(tx: &mut OrgTx, known_at: DateTime<Utc>) -> Result<Option<Value>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_scalar(
        "select settings
         from organization_settings_states
         where org_id = $1
         order by since <= $2 desc, case when since <= $2 then -version else version end
         limit 1",
    )
    .bind(org)
    .bind(known_at)
    .fetch_optional(tx.conn())
    .await?)
}

/// Every state of the settings with when it began, oldest first.
pub async fn settings_states(tx: &mut OrgTx) -> Result<Vec<(Value, DateTime<Utc>)>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select settings, since
         from organization_settings_states
         where org_id = $1
         order by version",
    )
    .bind(org)
    .fetch_all(tx.conn())
    .await?)
}

/// The latest time at which the organization learned or decided anything that an audit reads. Clocks of
/// several nodes differ: it can be later than this node's now.
pub async fn last_learned(tx: &mut OrgTx) -> Result<Option<DateTime<Utc>>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_scalar(
        "select greatest((select max(greatest(completed_at, voided_at)) from imports where org_id = $1),
                         (select max(since) from mapping_states where org_id = $1),
                         (select max(since) from decision_states where org_id = $1),
                         (select max(since) from billing_entity_states where org_id = $1),
                         (select max(since) from organization_settings_states where org_id = $1))",
    )
    .bind(org)
    .fetch_one(tx.conn())
    .await?)
}

/// Makes others wait who would add what is limited in number, until the transaction ends.
pub async fn lock(tx: &mut OrgTx) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    sqlx::query("select org_id from organizations where org_id = $1 for no key update")
        .bind(org)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Changes name and settings if `version` is still the current one; none if it is not.
pub async fn update(
    tx: &mut OrgTx,
    now: DateTime<Utc>,
    version: i64,
    name: &str,
    settings: &Value,
) -> Result<Option<OrganizationRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "update organizations
         set name = $3, settings = $4, version = version + 1, updated_at = $5
         where org_id = $1 and version = $2
         returning org_id, name, settings, logo_sha256, logo_width, logo_height, version, created_at, updated_at",
    )
    .bind(org)
    .bind(version)
    .bind(name)
    .bind(settings)
    .bind(now)
    .fetch_optional(tx.conn())
    .await?)
}

/// A logo to be kept.
#[derive(Clone, Debug)]
pub struct Logo<'a> {
    /// The file.
    pub png: &'a [u8],
    /// Its digest.
    pub sha256: String,
    /// Points in a row.
    pub width: i32,
    /// Rows.
    pub height: i32,
}

/// The organization's logo.
pub async fn logo(tx: &mut OrgTx) -> Result<Option<Vec<u8>>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_scalar::<_, Option<Vec<u8>>>("select logo from organizations where org_id = $1")
        .bind(org)
        .fetch_optional(tx.conn())
        .await?
        .flatten())
}

/// Replaces or removes the logo if `version` is still the current one; none if it is not.
pub async fn set_logo(
    tx: &mut OrgTx,
    now: DateTime<Utc>,
    version: i64,
    logo: Option<&Logo<'_>>,
) -> Result<Option<OrganizationRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "update organizations
         set logo = $3, logo_sha256 = $4, logo_width = $5, logo_height = $6, version = version + 1, updated_at = $7
         where org_id = $1 and version = $2
         returning org_id, name, settings, logo_sha256, logo_width, logo_height, version, created_at, updated_at",
    )
    .bind(org)
    .bind(version)
    .bind(logo.map(|logo| logo.png))
    .bind(logo.map(|logo| logo.sha256.as_str()))
    .bind(logo.map(|logo| logo.width))
    .bind(logo.map(|logo| logo.height))
    .bind(now)
    .fetch_optional(tx.conn())
    .await?)
}
