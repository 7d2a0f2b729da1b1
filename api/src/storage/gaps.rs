//! Gaps: their identity, which lasts across audits, and what each audit found of them.

use super::{OrgTx, StorageError};
use chrono::{DateTime, Utc};
use leakage_core::id::AuditId;
use serde_json::Value;
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

/// A gap of one audit, to be stored.
#[derive(Clone, Debug)]
pub struct NewGap {
    /// Hash of its identity.
    pub id: String,
    /// Name of the client.
    pub client: String,
    /// The client's resource.
    pub client_id: Option<Uuid>,
    /// Billing entity.
    pub billing_entity: Option<String>,
    /// Name of the product.
    pub product: String,
    /// The vendor's id.
    pub sku: Option<String>,
    /// Currency; none while unpriced.
    pub currency: Option<String>,
    /// `under` or `over`.
    pub direction: String,
    /// `under_billed` and so on.
    pub kind: String,
    /// Minor units; none while unpriced.
    pub amount_minor: Option<i64>,
    /// The gap as the document has it.
    pub detail: Value,
}

/// Stores the gaps of an audit, in the document's order, and keeps their identities.
pub async fn insert(
    tx: &mut OrgTx,
    audit: AuditId,
    gaps: &[NewGap],
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    sqlx::query(
        "insert into gaps (org_id, id, client, client_id, billing_entity, product, sku, currency, direction,
                           first_audit_id, first_seen_at, last_audit_id, last_seen_at)
         select $1, n.id, n.client, n.client_id, n.billing_entity, n.product, n.sku, n.currency, n.direction,
                $2, $3, $2, $3
         from unnest($4::text[], $5::text[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[])
           as n (id, client, client_id, billing_entity, product, sku, currency, direction)
         order by n.id
         on conflict (org_id, id) do update
         set client = excluded.client, client_id = excluded.client_id, product = excluded.product,
             last_audit_id = excluded.last_audit_id, last_seen_at = excluded.last_seen_at",
    )
    .bind(org)
    .bind(audit.uuid())
    .bind(now)
    .bind(gaps.iter().map(|g| g.id.clone()).collect::<Vec<_>>())
    .bind(gaps.iter().map(|g| g.client.clone()).collect::<Vec<_>>())
    .bind(gaps.iter().map(|g| g.client_id).collect::<Vec<_>>())
    .bind(gaps.iter().map(|g| g.billing_entity.clone()).collect::<Vec<_>>())
    .bind(gaps.iter().map(|g| g.product.clone()).collect::<Vec<_>>())
    .bind(gaps.iter().map(|g| g.sku.clone()).collect::<Vec<_>>())
    .bind(gaps.iter().map(|g| g.currency.clone()).collect::<Vec<_>>())
    .bind(gaps.iter().map(|g| g.direction.clone()).collect::<Vec<_>>())
    .execute(tx.conn())
    .await?;
    let positions: Vec<i32> = (0..).take(gaps.len()).collect();
    sqlx::query(
        "insert into audit_gaps (org_id, audit_id, position, gap_id, kind, amount_minor, detail)
         select $1, $2, n.position, n.gap_id, n.kind, n.amount_minor, n.detail
         from unnest($3::int[], $4::text[], $5::text[], $6::bigint[], $7::json[])
           as n (position, gap_id, kind, amount_minor, detail)",
    )
    .bind(org)
    .bind(audit.uuid())
    .bind(positions)
    .bind(gaps.iter().map(|g| g.id.clone()).collect::<Vec<_>>())
    .bind(gaps.iter().map(|g| g.kind.clone()).collect::<Vec<_>>())
    .bind(gaps.iter().map(|g| g.amount_minor).collect::<Vec<_>>())
    .bind(gaps.iter().map(|g| Json(&g.detail)).collect::<Vec<_>>())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What a list of an audit's gaps asks for.
#[derive(Clone, Debug, Default)]
pub struct AuditGapFilter<'a> {
    /// Of this client.
    pub client_id: Option<Uuid>,
    /// `under` or `over`.
    pub direction: Option<&'a str>,
    /// `under_billed` and so on.
    pub kind: Option<&'a str>,
}

/// The gaps of an audit as its document has them, in its order, after a position.
pub async fn of_audit(
    tx: &mut OrgTx,
    audit: AuditId,
    filter: &AuditGapFilter<'_>,
    after: i32,
    limit: i64,
) -> Result<Vec<(i32, Value)>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select a.position, a.detail
         from audit_gaps a
         join gaps g on g.org_id = a.org_id and g.id = a.gap_id
         where a.org_id = $1 and a.audit_id = $2 and a.position > $3
           and ($4::uuid is null or g.client_id = $4)
           and ($5::text is null or g.direction = $5)
           and ($6::text is null or a.kind = $6)
         order by a.position
         limit $7",
    )
    .bind(org)
    .bind(audit.uuid())
    .bind(after)
    .bind(filter.client_id)
    .bind(filter.direction)
    .bind(filter.kind)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?)
}

/// A gap's identity and what the last audit that saw it found.
#[derive(Clone, Debug, FromRow)]
pub struct GapRow {
    /// Hash of its identity.
    pub id: String,
    /// The client's resource.
    pub client_id: Option<Uuid>,
    /// First audit that saw it.
    pub first_audit_id: Uuid,
    /// When.
    pub first_seen_at: DateTime<Utc>,
    /// Last audit that saw it.
    pub last_audit_id: Uuid,
    /// When.
    pub last_seen_at: DateTime<Utc>,
    /// What that audit found.
    pub detail: Value,
}

/// One gap.
pub async fn find(tx: &mut OrgTx, id: &str) -> Result<Option<GapRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select g.id, g.client_id, g.first_audit_id, g.first_seen_at, g.last_audit_id, g.last_seen_at, a.detail
         from gaps g
         join audit_gaps a on a.org_id = g.org_id and a.gap_id = g.id and a.audit_id = g.last_audit_id
         where g.org_id = $1 and g.id = $2",
    )
    .bind(org)
    .bind(id)
    .fetch_optional(tx.conn())
    .await?)
}

/// Gaps, those seen last first.
pub async fn list(
    tx: &mut OrgTx,
    client_id: Option<Uuid>,
    before: Option<(DateTime<Utc>, String)>,
    limit: i64,
) -> Result<Vec<GapRow>, StorageError> {
    let org = tx.org().uuid();
    let (before_time, before_id) = before.unzip();
    Ok(sqlx::query_as(
        "select g.id, g.client_id, g.first_audit_id, g.first_seen_at, g.last_audit_id, g.last_seen_at, a.detail
         from gaps g
         join audit_gaps a on a.org_id = g.org_id and a.gap_id = g.id and a.audit_id = g.last_audit_id
         where g.org_id = $1
           and ($2::uuid is null or g.client_id = $2)
           and ($3::timestamptz is null or g.last_seen_at < $3 or (g.last_seen_at = $3 and g.id > $4))
         order by g.last_seen_at desc, g.id
         limit $5",
    )
    .bind(org)
    .bind(client_id)
    .bind(before_time)
    .bind(before_id)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?)
}
