//! Where an organization's events are sent: table `webhook_endpoints`. Their secrets are sealed, and read only
//! by what sends.

use super::{OrgTx, StorageError, expect_rows};
use chrono::{DateTime, Utc};
use leakage_core::id::WebhookEndpointId;
use sqlx::FromRow;
use uuid::Uuid;

/// An endpoint as stored, without its secrets.
#[derive(Clone, Debug, FromRow)]
pub struct EndpointRow {
    /// Its id.
    pub id: Uuid,
    /// Where events are sent.
    pub url: String,
    /// What it is for; empty: nobody said.
    pub description: String,
    /// Types of events that are sent; none: all.
    pub event_types: Option<Vec<String>>,
    /// `enabled` or `disabled`.
    pub status: String,
    /// `by_person`, `gone` or `failing`.
    pub disabled_reason: Option<String>,
    /// When it was disabled.
    pub disabled_at: Option<DateTime<Utc>>,
    /// Until when the secret before signs along.
    pub previous_until: Option<DateTime<Utc>>,
    /// For ETag and If-Match.
    pub version: i64,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it changed last.
    pub updated_at: DateTime<Utc>,
}

/// The columns of [`EndpointRow`], for the statements below.
macro_rules! columns {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            " id, url, description, event_types, status, disabled_reason, disabled_at, previous_until, version,
              created_by, created_at, updated_at ",
            $after
        )
    };
}

/// What people say of an endpoint.
#[derive(Clone, Debug)]
pub struct Content {
    /// Where events are sent.
    pub url: String,
    /// What it is for.
    pub description: String,
    /// Types of events that are sent; none: all.
    pub event_types: Option<Vec<String>>,
    /// Whether events are sent.
    pub enabled: bool,
}

/// Adds an endpoint.
pub async fn insert(
    tx: &mut OrgTx,
    now: DateTime<Utc>,
    id: WebhookEndpointId,
    content: &Content,
    secret: &[u8],
    by: &str,
) -> Result<EndpointRow, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(columns!(
        "insert into webhook_endpoints (org_id, id, url, description, event_types, status, secret, created_by,
                                        created_at, updated_at)
         values ($1, $2, $3, $4, $5, 'enabled', $6, $7, $8, $8)
         returning",
        ""
    ))
    .bind(org)
    .bind(id.uuid())
    .bind(&content.url)
    .bind(&content.description)
    .bind(&content.event_types)
    .bind(secret)
    .bind(by)
    .bind(now)
    .fetch_one(tx.conn())
    .await?)
}

/// One endpoint.
pub async fn find(tx: &mut OrgTx, id: WebhookEndpointId) -> Result<Option<EndpointRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(columns!("select", "from webhook_endpoints where org_id = $1 and id = $2"))
        .bind(org)
        .bind(id.uuid())
        .fetch_optional(tx.conn())
        .await?)
}

/// Endpoints in the order in which they were made, after the endpoint `after`.
pub async fn list(tx: &mut OrgTx, after: Option<Uuid>, limit: i64) -> Result<Vec<EndpointRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(columns!(
        "select",
        "from webhook_endpoints
         where org_id = $1 and ($2::uuid is null or id > $2)
         order by id
         limit $3"
    ))
    .bind(org)
    .bind(after)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?)
}

/// How many there are. Lock the organization first, or two at once do not see each other.
pub async fn count(tx: &mut OrgTx) -> Result<i64, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_scalar("select count(*) from webhook_endpoints where org_id = $1")
        .bind(org)
        .fetch_one(tx.conn())
        .await?)
}

/// Changes an endpoint that still has this version; none otherwise.
pub async fn update(
    tx: &mut OrgTx,
    now: DateTime<Utc>,
    id: WebhookEndpointId,
    version: i64,
    content: &Content,
) -> Result<Option<EndpointRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(columns!(
        "update webhook_endpoints
         set url = $4, description = $5, event_types = $6,
             status = case when $7 then 'enabled' else 'disabled' end,
             disabled_reason = case when $7 then null else coalesce(disabled_reason, 'by_person') end,
             disabled_at = case when $7 then null else coalesce(disabled_at, $8) end,
             paused_until = null, updated_at = $8, version = version + 1
         where org_id = $1 and id = $2 and version = $3
         returning",
        ""
    ))
    .bind(org)
    .bind(id.uuid())
    .bind(version)
    .bind(&content.url)
    .bind(&content.description)
    .bind(&content.event_types)
    .bind(content.enabled)
    .bind(now)
    .fetch_optional(tx.conn())
    .await?)
}

/// Gives an endpoint that still has this version a new secret; the one that it has signs along until
/// `previous_until`. None otherwise.
pub async fn rotate(
    tx: &mut OrgTx,
    now: DateTime<Utc>,
    id: WebhookEndpointId,
    version: i64,
    secret: &[u8],
    previous_until: DateTime<Utc>,
) -> Result<Option<EndpointRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(columns!(
        "update webhook_endpoints
         set secret = $4, previous_secret = secret, previous_until = $5, updated_at = $6, version = version + 1
         where org_id = $1 and id = $2 and version = $3
         returning",
        ""
    ))
    .bind(org)
    .bind(id.uuid())
    .bind(version)
    .bind(secret)
    .bind(previous_until)
    .bind(now)
    .fetch_optional(tx.conn())
    .await?)
}

/// Removes an endpoint with its deliveries; false: there is none.
pub async fn remove(tx: &mut OrgTx, id: WebhookEndpointId) -> Result<bool, StorageError> {
    let org = tx.org().uuid();
    let removed = sqlx::query("delete from webhook_endpoints where org_id = $1 and id = $2")
        .bind(org)
        .bind(id.uuid())
        .execute(tx.conn())
        .await?;
    Ok(removed.rows_affected() == 1)
}

/// Keeps an endpoint as it is until the transaction ends; whoever changes its deliveries does this first, so
/// that no two wait for each other. Events are written for it meanwhile. Answers its address if it is enabled.
pub async fn lock(tx: &mut OrgTx, id: WebhookEndpointId) -> Result<Option<String>, StorageError> {
    let org = tx.org().uuid();
    let found: Option<(String, bool)> = sqlx::query_as(
        "select url, status = 'enabled'
         from webhook_endpoints
         where org_id = $1 and id = $2
         for no key update",
    )
    .bind(org)
    .bind(id.uuid())
    .fetch_optional(tx.conn())
    .await?;
    Ok(found.and_then(|(url, enabled)| enabled.then_some(url)))
}

/// Disables an endpoint that is locked and enabled.
pub async fn disable(
    tx: &mut OrgTx,
    now: DateTime<Utc>,
    id: WebhookEndpointId,
    reason: &'static str,
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    let changed = sqlx::query(
        "update webhook_endpoints
         set status = 'disabled', disabled_reason = $3, disabled_at = $4, updated_at = $4, version = version + 1
         where org_id = $1 and id = $2 and status = 'enabled'",
    )
    .bind(org)
    .bind(id.uuid())
    .bind(reason)
    .bind(now)
    .execute(tx.conn())
    .await?;
    expect_rows(changed.rows_affected(), 1)
}

/// Sends nothing to an endpoint for a while. No change that people see.
pub async fn pause(tx: &mut OrgTx, id: WebhookEndpointId, until: DateTime<Utc>) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    sqlx::query("update webhook_endpoints set paused_until = $3 where org_id = $1 and id = $2")
        .bind(org)
        .bind(id.uuid())
        .bind(until)
        .execute(tx.conn())
        .await?;
    Ok(())
}
