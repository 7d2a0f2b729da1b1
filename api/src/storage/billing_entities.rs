//! Billing entities of clients, and the states that they were in.

use super::{OrgTx, StorageError};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::id::{BillingEntityId, ClientId};
use leakage_core::matching::fold;
use sqlx::FromRow;
use uuid::Uuid;

/// A billing entity as stored.
#[derive(Clone, Debug, FromRow)]
pub struct BillingEntityRow {
    /// Its id.
    pub id: Uuid,
    /// Whose.
    pub client_id: Uuid,
    /// Its name.
    pub name: String,
    /// Its name at first, by which its gaps are known.
    pub first_name: String,
    /// The day from which it is billed no more.
    pub ended_on: Option<NaiveDate>,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Who changed it last.
    pub changed_by: String,
    /// When.
    pub updated_at: DateTime<Utc>,
    /// For ETag and If-Match.
    pub version: i64,
}

/// The columns of [`BillingEntityRow`], for the statements below.
macro_rules! columns {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            " id, client_id, name, first_name, ended_on, created_by, created_at, changed_by, updated_at, version ",
            $after
        )
    };
}

/// Stores a billing entity. `None` when the client has one of this name, apart from case, spaces and
/// punctuation.
pub async fn insert(
    tx: &mut OrgTx,
    id: BillingEntityId,
    client: ClientId,
    name: &str,
    by: &str,
    now: DateTime<Utc>,
) -> Result<Option<BillingEntityRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(columns!(
        "insert into billing_entities (org_id, id, client_id, first_name, name, name_key, changed_by, created_by,
                                       created_at, updated_at)
         values ($1, $2, $3, $4, $4, $5, $6, $6, $7, $7)
         on conflict (org_id, client_id, name_key) do nothing
         returning",
        ""
    ))
    .bind(org)
    .bind(id.uuid())
    .bind(client.uuid())
    .bind(name)
    .bind(fold(name))
    .bind(by)
    .bind(now)
    .fetch_optional(tx.conn())
    .await?)
}

/// One billing entity of a client.
pub async fn find(
    tx: &mut OrgTx,
    client: ClientId,
    id: BillingEntityId,
) -> Result<Option<BillingEntityRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(columns!(
        "select",
        "from billing_entities where org_id = $1 and client_id = $2 and id = $3"
    ))
    .bind(org)
    .bind(client.uuid())
    .bind(id.uuid())
    .fetch_optional(tx.conn())
    .await?)
}

/// The billing entities of a client, in the order in which they were made.
pub async fn list(
    tx: &mut OrgTx,
    client: ClientId,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<BillingEntityRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(columns!(
        "select",
        "from billing_entities
         where org_id = $1 and client_id = $2 and ($3::uuid is null or id > $3)
         order by id
         limit $4"
    ))
    .bind(org)
    .bind(client.uuid())
    .bind(after)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?)
}

/// All names that a client's billing entities have or had.
pub async fn names(tx: &mut OrgTx, client: ClientId) -> Result<Vec<(Uuid, String)>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select e.id, s.name
         from billing_entities e
         join billing_entity_states s on s.org_id = e.org_id and s.billing_entity_id = e.id
         where e.org_id = $1 and e.client_id = $2
         order by e.id, s.version",
    )
    .bind(org)
    .bind(client.uuid())
    .fetch_all(tx.conn())
    .await?)
}

/// Makes others wait who would name a client's billing entities, until the transaction ends.
pub async fn lock(tx: &mut OrgTx, client: ClientId) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    sqlx::query("select id from clients where org_id = $1 and id = $2 for no key update")
        .bind(org)
        .bind(client.uuid())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Gives a billing entity another name if it still has this version; `None` when it has not, or is not there.
pub async fn rename(
    tx: &mut OrgTx,
    client: ClientId,
    id: BillingEntityId,
    version: i64,
    name: &str,
    by: &str,
    now: DateTime<Utc>,
) -> Result<Option<BillingEntityRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(columns!(
        "update billing_entities
         set name = $5, name_key = $6, changed_by = $7, updated_at = $8, version = version + 1
         where org_id = $1 and client_id = $2 and id = $3 and version = $4
         returning",
        ""
    ))
    .bind(org)
    .bind(client.uuid())
    .bind(id.uuid())
    .bind(version)
    .bind(name)
    .bind(fold(name))
    .bind(by)
    .bind(now)
    .fetch_optional(tx.conn())
    .await?)
}

/// Ends a billing entity that still has this version, on a day before the one on which it ends; `None`
/// otherwise.
pub async fn end(
    tx: &mut OrgTx,
    client: ClientId,
    id: BillingEntityId,
    version: i64,
    on: NaiveDate,
    by: &str,
    now: DateTime<Utc>,
) -> Result<Option<BillingEntityRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(columns!(
        "update billing_entities
         set ended_on = $5, changed_by = $6, updated_at = $7, version = version + 1
         where org_id = $1 and client_id = $2 and id = $3 and version = $4 and (ended_on is null or ended_on > $5)
         returning",
        ""
    ))
    .bind(org)
    .bind(client.uuid())
    .bind(id.uuid())
    .bind(version)
    .bind(on)
    .bind(by)
    .bind(now)
    .fetch_optional(tx.conn())
    .await?)
}

/// A billing entity as it was known at a time.
#[derive(Clone, Debug, FromRow)]
pub struct KnownEntity {
    /// Its id.
    pub id: Uuid,
    /// Whose.
    pub client_id: Uuid,
    /// Its names, the first one first and the one of that time last.
    pub names: Vec<String>,
    /// The day from which it is billed no more, as known then.
    pub ended_on: Option<NaiveDate>,
}

/// The billing entities of all clients as they were known at a time.
pub async fn known(tx: &mut OrgTx, known_at: DateTime<Utc>) -> Result<Vec<KnownEntity>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select e.id, e.client_id,
                array_agg(s.name order by s.version) as names,
                (array_agg(s.ended_on order by s.version desc))[1] as ended_on
         from billing_entities e
         join billing_entity_states s on s.org_id = e.org_id and s.billing_entity_id = e.id and s.since <= $2
         where e.org_id = $1
         group by e.id, e.client_id
         order by e.id",
    )
    .bind(org)
    .bind(known_at)
    .fetch_all(tx.conn())
    .await?)
}
