//! Gaps: their identity, which lasts across audits, and what each audit found of them, some of one client a row.

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
         set client_key = n.client_key, product_key = n.product_key, keys_folded = true,
             client_keys = case when n.client_key = any(g.client_keys) then g.client_keys
                                else g.client_keys || n.client_key end
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

/// Gaps of a client that stand in one row, at most: see the table.
const TOGETHER: u8 = 32;

/// Stores what an audit found, in the document's order. Answers for each gap the first position of its row.
pub async fn insert_findings(
    tx: &mut OrgTx,
    audit: AuditId,
    gaps: &[NewGap],
) -> Result<Vec<i32>, StorageError> {
    let of_clients = gaps.chunk_by(|a, b| a.client_key == b.client_key);
    let together: Vec<&[NewGap]> =
        of_clients.flat_map(|of_client| of_client.chunks(TOGETHER.into())).collect();
    let mut firsts = Vec::with_capacity(gaps.len());
    for some in together.chunks(1_000) {
        let (mut first_positions, mut contents) = (Vec::new(), Vec::new());
        for gaps in some {
            let first = i32::try_from(firsts.len()).map_err(|_| DAMAGED)?;
            firsts.resize(firsts.len() + gaps.len(), first);
            first_positions.push(first);
            let details: Vec<&str> = gaps.iter().map(|gap| gap.detail.as_str()).collect();
            contents.push(format!("[{}]", details.join(",")));
        }
        // A list in a list: an array of arrays has one length for all of them.
        let listed = |of: fn(&NewGap) -> &String, distinct| {
            let lists = some.iter().map(|gaps| {
                let mut list: Vec<&String> = gaps.iter().map(of).collect();
                if distinct {
                    list.sort_unstable();
                    list.dedup();
                }
                list
            });
            lists.map(|list| serde_json::to_string(&list).map_err(|_| DAMAGED)).collect::<Result<Vec<_>, _>>()
        };
        sqlx::query(
            "insert into audit_findings (org_id, audit_id, first_position, client_key, gap_ids, kinds, directions, gaps)
             select $1, $2, n.first_position, n.client_key,
                    array(select json_array_elements_text(n.gap_ids::json)),
                    array(select json_array_elements_text(n.kinds::json)),
                    array(select json_array_elements_text(n.directions::json)), n.gaps
             from unnest($3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
               as n (first_position, client_key, gap_ids, kinds, directions, gaps)",
        )
        .bind(tx.org().uuid())
        .bind(audit.uuid())
        .bind(first_positions)
        .bind(some.iter().filter_map(|gaps| Some(gaps.first()?.client_key.as_str())).collect::<Vec<_>>())
        .bind(listed(|gap| &gap.id, false)?)
        .bind(listed(|gap| &gap.kind, true)?)
        .bind(listed(|gap| &gap.direction, true)?)
        .bind(contents)
        .execute(tx.conn())
        .await?;
    }
    Ok(firsts)
}

const DAMAGED: StorageError = StorageError::Corrupt { column: "audit_findings.gaps" };

/// A gap that the audit which knew most found.
#[derive(Clone, Copy, Debug)]
pub struct SeenGap<'a> {
    /// What it is.
    pub gap: &'a NewGap,
    /// The first position of the row that has it.
    pub findings: i32,
    /// What is known of its months, as JSON; none: nothing new.
    pub history: Option<&'a str>,
}

/// Keeps the identities of gaps that an audit found, if none knew more of them: it says what they are called, and is
/// the last that saw them.
pub async fn keep(
    tx: &mut OrgTx,
    audit: AuditId,
    seen: &[SeenGap<'_>],
    known_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    for seen in seen.chunks(5_000) {
        let texts = |of: fn(&NewGap) -> &str| seen.iter().map(|seen| of(seen.gap)).collect::<Vec<_>>();
        let options =
            |of: fn(&NewGap) -> Option<&str>| seen.iter().map(|seen| of(seen.gap)).collect::<Vec<_>>();
        sqlx::query(
            "insert into gaps (org_id, id, client, client_id, client_key, client_keys, billing_entity, product,
                               product_key, sku, currency, direction, first_month, history, last_findings,
                               first_audit_id, first_seen_at, last_audit_id, last_seen_at, last_known_at, keys_folded)
             select $1, n.id, n.client, n.client_id, n.client_key, array[n.client_key], n.billing_entity, n.product,
                    n.product_key, n.sku, n.currency, n.direction, n.first_month, n.history, n.findings, $2, $3, $2, $3,
                    $4, true
             from unnest($5::text[], $6::text[], $7::uuid[], $8::text[], $9::text[], $10::text[], $11::text[],
                         $12::text[], $13::text[], $14::text[], $15::date[], $16::text[], $17::int[])
               as n (id, client, client_id, client_key, billing_entity, product, product_key, sku, currency, direction,
                     first_month, history, findings)
             order by n.id
             on conflict (org_id, id) do update
             set client = excluded.client, client_id = excluded.client_id, client_key = excluded.client_key,
                 client_keys = case when excluded.client_key = any(gaps.client_keys) then gaps.client_keys
                                    else gaps.client_keys || excluded.client_key end,
                 product = excluded.product, product_key = excluded.product_key, sku = excluded.sku,
                 first_month = least(gaps.first_month, excluded.first_month),
                 history = coalesce(excluded.history, gaps.history),
                 last_findings = excluded.last_findings, last_audit_id = excluded.last_audit_id,
                 last_seen_at = excluded.last_seen_at, last_known_at = excluded.last_known_at, keys_folded = true",
        )
        .bind(tx.org().uuid())
        .bind(audit.uuid())
        .bind(now)
        .bind(known_at)
        .bind(texts(|gap| &gap.id))
        .bind(texts(|gap| &gap.client))
        .bind(seen.iter().map(|seen| seen.gap.client_id).collect::<Vec<_>>())
        .bind(texts(|gap| &gap.client_key))
        .bind(options(|gap| gap.billing_entity.as_deref()))
        .bind(texts(|gap| &gap.product))
        .bind(texts(|gap| &gap.product_key))
        .bind(options(|gap| gap.sku.as_deref()))
        .bind(options(|gap| gap.currency.as_deref()))
        .bind(texts(|gap| &gap.direction))
        .bind(seen.iter().map(|seen| seen.gap.first_month).collect::<Vec<_>>())
        .bind(seen.iter().map(|seen| seen.history).collect::<Vec<_>>())
        .bind(seen.iter().map(|seen| seen.findings).collect::<Vec<_>>())
        .execute(tx.conn())
        .await?;
    }
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

/// All gaps of an audit, as JSON lists that follow one another.
pub async fn texts(tx: &mut OrgTx, audit: AuditId) -> Result<Vec<String>, StorageError> {
    Ok(sqlx::query_scalar(
        "select gaps from audit_findings where org_id = $1 and audit_id = $2 order by first_position",
    )
    .bind(tx.org().uuid())
    .bind(audit.uuid())
    .fetch_all(tx.conn())
    .await?)
}

/// Rows that are read at once.
const ROWS: i64 = 64;

/// The gaps of an audit as its document has them, in its order, after a position.
pub async fn of_audit(
    tx: &mut OrgTx,
    audit: AuditId,
    filter: &AuditGapFilter<'_>,
    after: i32,
    limit: i64,
) -> Result<Vec<(i32, Value)>, StorageError> {
    let org = tx.org().uuid();
    let wanted = |gap: &Value| {
        let is = |member: &str, wanted: Option<&str>| {
            wanted.is_none_or(|wanted| gap.get(member).and_then(Value::as_str) == Some(wanted))
        };
        is("direction", filter.direction) && is("kind", filter.kind)
    };
    // Each has a gap that may be wanted, and one may lie before the position.
    let rows_at_once = limit.saturating_add(1).clamp(1, ROWS);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    // The row in which the position lies may begin before it.
    let (mut found, mut from) = (Vec::new(), after.saturating_sub(TOGETHER.into()));
    loop {
        let rows: Vec<(i32, String)> = sqlx::query_as(
            "select first_position, gaps
             from audit_findings
             where org_id = $1 and audit_id = $2
               and first_position > $3
               and ($4::text is null or client_key = $4)
               and ($5::text is null or $5 = any(kinds))
               and ($6::text is null or $6 = any(directions))
             order by first_position
             limit $7",
        )
        .bind(org)
        .bind(audit.uuid())
        .bind(from)
        .bind(filter.client_id.map(|id| id.to_string()))
        .bind(filter.kind)
        .bind(filter.direction)
        .bind(rows_at_once)
        .fetch_all(tx.conn())
        .await?;
        let more = i64::try_from(rows.len()) == Ok(rows_at_once);
        for (first, gaps) in rows {
            let gaps: Vec<Value> = serde_json::from_str(&gaps).map_err(|_| DAMAGED)?;
            for (position, gap) in
                (first..).zip(gaps).filter(|(position, gap)| *position > after && wanted(gap))
            {
                if found.len() >= limit {
                    return Ok(found);
                }
                found.push((position, gap));
            }
            from = first;
        }
        if !more {
            return Ok(found);
        }
    }
}
