//! Gaps: their identity, which lasts across audits, and what each audit found of them.

use super::{OrgTx, StorageError, expect_rows};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::id::AuditId;
use serde_json::Value;
use sqlx::FromRow;
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
    /// Which client, in what audits compared.
    pub client_key: String,
    /// Billing entity.
    pub billing_entity: Option<String>,
    /// Name of the product.
    pub product: String,
    /// Its folded name.
    pub product_key: String,
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
    /// First day of its first month.
    pub first_month: Option<NaiveDate>,
    /// The gap as the document has it, as JSON.
    pub detail: String,
}

/// Lets the audits of an organization that end at once take their turns, until the transaction ends: what
/// is known of gaps is read, weighed and written.
pub async fn lock(tx: &mut OrgTx) -> Result<(), StorageError> {
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('gaps ' || $1::text, 0))")
        .bind(tx.org().uuid())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// A gap whose keys SQL made.
#[derive(Clone, Debug, FromRow)]
pub struct UnfoldedGap {
    /// Hash of its identity.
    pub id: String,
    /// Name of the client.
    pub client: String,
    /// The client's resource.
    pub client_id: Option<Uuid>,
    /// Name of the product.
    pub product: String,
}

/// Gaps whose keys SQL made.
pub async fn unfolded(tx: &mut OrgTx) -> Result<Vec<UnfoldedGap>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select id, client, client_id, product
         from gaps
         where org_id = $1 and not keys_folded
         order by id",
    )
    .bind(org)
    .fetch_all(tx.conn())
    .await?)
}

/// Keeps the keys of gaps: id, client and product.
pub async fn set_keys(tx: &mut OrgTx, keys: &[(String, String, String)]) -> Result<(), StorageError> {
    if keys.is_empty() {
        return Ok(());
    }
    let org = tx.org().uuid();
    let changed = sqlx::query(
        "update gaps g
         set client_key = n.client_key, product_key = n.product_key, keys_folded = true
         from unnest($2::text[], $3::text[], $4::text[]) as n (id, client_key, product_key)
         where g.org_id = $1 and g.id = n.id",
    )
    .bind(org)
    .bind(keys.iter().map(|(id, ..)| id.as_str()).collect::<Vec<_>>())
    .bind(keys.iter().map(|(_, client, _)| client.as_str()).collect::<Vec<_>>())
    .bind(keys.iter().map(|(.., product)| product.as_str()).collect::<Vec<_>>())
    .execute(tx.conn())
    .await?
    .rows_affected();
    expect_rows(changed, u64::try_from(keys.len()).unwrap_or(u64::MAX))
}

/// Stores the gaps of an audit, in the document's order, and keeps their identities. What a gap is called,
/// and which audit saw it last, an audit tells only if none of them knew more.
pub async fn insert(
    tx: &mut OrgTx,
    audit: AuditId,
    gaps: &[NewGap],
    known_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    sqlx::query(
        "insert into gaps (org_id, id, client, client_id, client_key, billing_entity, product, product_key, sku, currency,
                           direction, first_month, first_audit_id, first_seen_at, last_audit_id, last_seen_at,
                           last_known_at, keys_folded)
         select $1, n.id, n.client, n.client_id, n.client_key, n.billing_entity, n.product, n.product_key, n.sku,
                n.currency, n.direction, n.first_month, $2, $3, $2, $3, $4, true
         from unnest($5::text[], $6::text[], $7::uuid[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[],
                     $13::text[], $14::text[], $15::date[])
           as n (id, client, client_id, client_key, billing_entity, product, product_key, sku, currency, direction,
                 first_month)
         order by n.id
         on conflict (org_id, id) do update
         set client = excluded.client, client_id = excluded.client_id, client_key = excluded.client_key,
             product = excluded.product, product_key = excluded.product_key, sku = excluded.sku,
             last_audit_id = excluded.last_audit_id, last_seen_at = excluded.last_seen_at,
             last_known_at = excluded.last_known_at, keys_folded = true
         where gaps.last_known_at is null or gaps.last_known_at <= excluded.last_known_at",
    )
    .bind(org)
    .bind(audit.uuid())
    .bind(now)
    .bind(known_at)
    .bind(gaps.iter().map(|g| g.id.clone()).collect::<Vec<_>>())
    .bind(gaps.iter().map(|g| g.client.clone()).collect::<Vec<_>>())
    .bind(gaps.iter().map(|g| g.client_id).collect::<Vec<_>>())
    .bind(gaps.iter().map(|g| g.client_key.clone()).collect::<Vec<_>>())
    .bind(gaps.iter().map(|g| g.billing_entity.clone()).collect::<Vec<_>>())
    .bind(gaps.iter().map(|g| g.product.clone()).collect::<Vec<_>>())
    .bind(gaps.iter().map(|g| g.product_key.clone()).collect::<Vec<_>>())
    .bind(gaps.iter().map(|g| g.sku.clone()).collect::<Vec<_>>())
    .bind(gaps.iter().map(|g| g.currency.clone()).collect::<Vec<_>>())
    .bind(gaps.iter().map(|g| g.direction.clone()).collect::<Vec<_>>())
    .bind(gaps.iter().map(|g| g.first_month).collect::<Vec<_>>())
    .execute(tx.conn())
    .await?;
    sqlx::query(
        "update gaps g
         set first_month = n.first_month
         from unnest($2::text[], $3::date[]) as n (id, first_month)
         where g.org_id = $1 and g.id = n.id and (g.first_month is null or n.first_month < g.first_month)",
    )
    .bind(org)
    .bind(gaps.iter().map(|g| g.id.clone()).collect::<Vec<_>>())
    .bind(gaps.iter().map(|g| g.first_month).collect::<Vec<_>>())
    .execute(tx.conn())
    .await?;
    let positions: Vec<i32> = (0..).take(gaps.len()).collect();
    sqlx::query(
        "insert into audit_gaps (org_id, audit_id, position, gap_id, kind, amount_minor, detail, client_id, direction)
         select $1, $2, n.position, n.gap_id, n.kind, n.amount_minor, n.detail::json, n.client_id, n.direction
         from unnest($3::int[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::uuid[], $9::text[])
           as n (position, gap_id, kind, amount_minor, detail, client_id, direction)",
    )
    .bind(org)
    .bind(audit.uuid())
    .bind(positions)
    .bind(gaps.iter().map(|g| g.id.clone()).collect::<Vec<_>>())
    .bind(gaps.iter().map(|g| g.kind.clone()).collect::<Vec<_>>())
    .bind(gaps.iter().map(|g| g.amount_minor).collect::<Vec<_>>())
    .bind(gaps.iter().map(|g| g.detail.as_str()).collect::<Vec<_>>())
    .bind(gaps.iter().map(|g| g.client_id).collect::<Vec<_>>())
    .bind(gaps.iter().map(|g| g.direction.as_str()).collect::<Vec<_>>())
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
    // Two texts: each is found by an index from the position on, whatever the planner knows of the table.
    let sql = match filter.client_id {
        None => {
            "select position, detail
             from audit_gaps
             where org_id = $1 and audit_id = $2 and position > $3
               and $4::uuid is null
               and ($5::text is null or direction = $5)
               and ($6::text is null or kind = $6)
             order by position
             limit $7"
        }
        Some(_) => {
            "select position, detail
             from audit_gaps
             where org_id = $1 and audit_id = $2 and client_id = $4 and position > $3
               and ($5::text is null or direction = $5)
               and ($6::text is null or kind = $6)
             order by position
             limit $7"
        }
    };
    Ok(sqlx::query_as(sql)
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
