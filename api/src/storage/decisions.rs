//! What the organization decides, each with its days: rules, prices, policies, allocations. What a decision
//! says never changes; it is ended, and every state that it was in is kept.

use super::{OrgTx, StorageError};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::id::{BillingEntityId, ClientId};
use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

/// What kind of thing a decision is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// A step of the waterfall or a limit.
    Rule,
    /// A price of the price list.
    Price,
    /// How seats of a client, an agreement or a product are counted.
    Policy,
    /// How a client's seats are shared over its billing entities.
    Allocation,
}

impl Resource {
    /// The name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Price => "price",
            Self::Policy => "policy",
            Self::Allocation => "allocation",
        }
    }
}

/// A decision as stored.
#[derive(Clone, Debug, FromRow)]
pub struct DecisionRow {
    /// Its id.
    pub id: Uuid,
    /// Of a rule or an allocation: its kind.
    pub kind: Option<String>,
    /// For this client only.
    pub client_id: Option<Uuid>,
    /// Of an allocation: to whom the seats go.
    pub billing_entity_id: Option<Uuid>,
    /// When it is looked at again.
    pub review_date: Option<NaiveDate>,
    /// What it says.
    pub detail: Value,
    /// First day it holds.
    pub valid_from: NaiveDate,
    /// Day after the last one.
    pub valid_until: Option<NaiveDate>,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Who made it what it is now.
    pub changed_by: String,
    /// When.
    pub updated_at: DateTime<Utc>,
    /// Why it was ended.
    pub end_reason: Option<String>,
    /// For ETag and If-Match.
    pub version: i64,
}

/// The columns of [`DecisionRow`], for the statements below.
macro_rules! columns {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            " id, kind, client_id, billing_entity_id, review_date, detail, valid_from, valid_until, created_by,
              created_at, changed_by, updated_at, end_reason, version ",
            $after
        )
    };
}

/// A decision to be stored.
#[derive(Clone, Debug)]
pub struct NewDecision<'a> {
    /// Its id.
    pub id: Uuid,
    /// What it is.
    pub resource: Resource,
    /// Of a rule or an allocation: its kind.
    pub kind: Option<&'a str>,
    /// For this client only.
    pub client: Option<ClientId>,
    /// Of an allocation: to whom the seats go.
    pub billing_entity: Option<BillingEntityId>,
    /// Folded name of the product that it is for.
    pub product_key: Option<String>,
    /// When it is looked at again.
    pub review_date: Option<NaiveDate>,
    /// What it says.
    pub detail: Value,
    /// First day it holds.
    pub valid_from: NaiveDate,
    /// Day after the last one.
    pub valid_until: Option<NaiveDate>,
}

/// Stores a decision.
pub async fn insert(
    tx: &mut OrgTx,
    new: &NewDecision<'_>,
    by: &str,
    now: DateTime<Utc>,
) -> Result<DecisionRow, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(columns!(
        "insert into decisions (org_id, id, resource, kind, client_id, billing_entity_id, product_key, review_date,
                                detail, valid_from, valid_until, created_by, created_at, changed_by, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $12, $13)
         returning",
        ""
    ))
    .bind(org)
    .bind(new.id)
    .bind(new.resource.name())
    .bind(new.kind)
    .bind(new.client.map(ClientId::uuid))
    .bind(new.billing_entity.map(BillingEntityId::uuid))
    .bind(&new.product_key)
    .bind(new.review_date)
    .bind(&new.detail)
    .bind(new.valid_from)
    .bind(new.valid_until)
    .bind(by)
    .bind(now)
    .fetch_one(tx.conn())
    .await?)
}

/// One decision.
pub async fn find(tx: &mut OrgTx, resource: Resource, id: Uuid) -> Result<Option<DecisionRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(columns!("select", "from decisions where org_id = $1 and id = $2 and resource = $3"))
        .bind(org)
        .bind(id)
        .bind(resource.name())
        .fetch_optional(tx.conn())
        .await?)
}

/// Which decisions a list is of.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this client.
    pub client: Option<ClientId>,
    /// Of this kind.
    pub kind: Option<String>,
    /// Of the product with this folded name.
    pub product_key: Option<String>,
    /// Holding on this day.
    pub on: Option<NaiveDate>,
    /// To be looked at again by this day.
    pub review_by: Option<NaiveDate>,
}

/// Decisions of one resource, in the order in which they were made.
pub async fn list(
    tx: &mut OrgTx,
    resource: Resource,
    filter: &Filter,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<DecisionRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(columns!(
        "select",
        "from decisions
         where org_id = $1
           and resource = $2
           and ($3::uuid is null or client_id = $3)
           and ($4::text is null or kind = $4)
           and ($5::text is null or product_key = $5)
           and ($6::date is null or (valid_from <= $6 and (valid_until is null or valid_until > $6)))
           and ($7::date is null or (review_date <= $7 and (valid_until is null or valid_until > $7)))
           and ($8::uuid is null or id > $8)
         order by id
         limit $9"
    ))
    .bind(org)
    .bind(resource.name())
    .bind(filter.client.map(ClientId::uuid))
    .bind(&filter.kind)
    .bind(&filter.product_key)
    .bind(filter.on)
    .bind(filter.review_by)
    .bind(after)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?)
}

/// An end that is set.
#[derive(Clone, Copy, Debug)]
pub struct End<'a> {
    /// The day after the last one.
    pub until: NaiveDate,
    /// Why.
    pub reason: &'a str,
}

/// Ends a decision if it still has this version, and the end comes before the one that it has: state check
/// and write in one statement. `None` when it does not, or is not there.
pub async fn end(
    tx: &mut OrgTx,
    resource: Resource,
    id: Uuid,
    version: i64,
    end: End<'_>,
    by: &str,
    now: DateTime<Utc>,
) -> Result<Option<DecisionRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(columns!(
        "update decisions
         set valid_until = $5, end_reason = $6, changed_by = $7, updated_at = $8, version = version + 1
         where org_id = $1 and id = $2 and resource = $3 and version = $4
           and valid_from <= $5 and (valid_until is null or valid_until > $5)
         returning",
        ""
    ))
    .bind(org)
    .bind(id)
    .bind(resource.name())
    .bind(version)
    .bind(end.until)
    .bind(end.reason)
    .bind(by)
    .bind(now)
    .fetch_optional(tx.conn())
    .await?)
}

/// A state that a decision was in.
#[derive(Clone, Debug, FromRow)]
pub struct StateRow {
    /// Counts the states.
    pub version: i64,
    /// Day after the last one on which it holds, as said then.
    pub valid_until: Option<NaiveDate>,
    /// Who made it so.
    pub changed_by: String,
    /// Why.
    pub reason: Option<String>,
    /// From when on.
    pub since: DateTime<Utc>,
}

/// The states of a decision, oldest first, the first hundred.
pub async fn states(tx: &mut OrgTx, id: Uuid) -> Result<Vec<StateRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select version, valid_until, changed_by, reason, since
         from decision_states
         where org_id = $1 and decision_id = $2
         order by version
         limit 100",
    )
    .bind(org)
    .bind(id)
    .fetch_all(tx.conn())
    .await?)
}

/// A decision as it was known at a time.
#[derive(Clone, Debug, FromRow)]
pub struct KnownDecision {
    /// For this client only.
    pub client_id: Option<Uuid>,
    /// Of an allocation: to whom the seats go.
    pub billing_entity_id: Option<Uuid>,
    /// What it says.
    pub detail: Value,
    /// First day it holds.
    pub valid_from: NaiveDate,
    /// Day after the last one.
    pub valid_until: Option<NaiveDate>,
}

/// The decisions of a resource as they were known at a time, without those that hold on no day.
pub async fn known(
    tx: &mut OrgTx,
    resource: Resource,
    known_at: DateTime<Utc>,
) -> Result<Vec<KnownDecision>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select d.client_id, d.billing_entity_id, d.detail, d.valid_from, s.valid_until
         from decisions d
         join lateral (select valid_until
                       from decision_states
                       where org_id = d.org_id and decision_id = d.id and since <= $3
                       order by version desc
                       limit 1) s on s.valid_until is null or s.valid_until > d.valid_from
         where d.org_id = $1 and d.resource = $2
         order by d.id",
    )
    .bind(org)
    .bind(resource.name())
    .bind(known_at)
    .fetch_all(tx.conn())
    .await?)
}
