//! What commands must know of gaps, audits, clients and members.

use crate::storage::{OrgTx, StorageError};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::id::{AuditId, CorrectionId};
use serde_json::Value;
use uuid::Uuid;

/// Gaps as audits found them: of one audit, or of the last one that saw each. Gap, audit, client, document.
pub async fn gaps(
    tx: &mut OrgTx,
    ids: &[String],
    audit: Option<AuditId>,
) -> Result<Vec<(String, Uuid, Option<Uuid>, Value)>, StorageError> {
    let org = tx.org().uuid();
    let sql = match audit {
        None => {
            "select g.id, f.audit_id, g.client_id, f.gaps::json -> (array_position(f.gap_ids, g.id) - 1)
             from gaps g
             join audit_findings f on f.org_id = g.org_id and f.audit_id = g.last_audit_id
                                  and f.first_position = g.last_findings
             where g.org_id = $1 and g.id = any($2) and $3::uuid is null
             order by g.id"
        }
        Some(_) => {
            "select g.id, a.audit_id, g.client_id, a.detail
             from gaps g
             join audit_gaps a on a.org_id = g.org_id and a.audit_id = $3 and a.client_key = any(g.client_keys)
                              and a.gap_id = g.id
             where g.org_id = $1 and g.id = any($2)
             order by g.id"
        }
    };
    Ok(sqlx::query_as(sql).bind(org).bind(ids).bind(audit.map(AuditId::uuid)).fetch_all(tx.conn()).await?)
}

/// Gaps of an audit by filter, for many at once: gap, audit, client, document.
pub async fn matching_gaps(
    tx: &mut OrgTx,
    audit: AuditId,
    client_id: Option<Uuid>,
    direction: Option<&str>,
    currency: Option<&str>,
    limit: i64,
) -> Result<Vec<(String, Uuid, Option<Uuid>, Value)>, StorageError> {
    let org = tx.org().uuid();
    // Documents are opened for those that are chosen only.
    Ok(sqlx::query_as(
        "with chosen as materialized (
           select a.position, a.first_position, g.id, g.client_id
           from audit_gaps a
           join gaps g on g.org_id = a.org_id and g.id = a.gap_id
           where a.org_id = $1 and a.audit_id = $2
             and ($3::uuid is null or g.client_id = $3)
             and ($4::text is null or g.direction = $4)
             and ($5::text is null or g.currency = $5)
           order by a.position
           limit $6
         )
         select c.id, f.audit_id, c.client_id, f.gaps::json -> (c.position - c.first_position)
         from chosen c
         join audit_findings f on f.org_id = $1 and f.audit_id = $2 and f.first_position = c.first_position
         order by c.position",
    )
    .bind(org)
    .bind(audit.uuid())
    .bind(client_id)
    .bind(direction)
    .bind(currency)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?)
}

/// The gaps that go the other way at the same client, entity, product and currency, by the gaps of these that
/// have one.
pub async fn opposite_gaps(tx: &mut OrgTx, gaps: &[String]) -> Result<Vec<(String, String)>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select g.id, o.id
         from gaps g
         join gaps o on o.org_id = g.org_id and o.client = g.client and o.product = g.product
                     and o.currency = g.currency and o.direction <> g.direction
                     and o.billing_entity is not distinct from g.billing_entity
         where g.org_id = $1 and g.id = any($2)
         order by g.id",
    )
    .bind(org)
    .bind(gaps)
    .fetch_all(tx.conn())
    .await?)
}

/// Members who could approve something.
pub async fn approvers(tx: &mut OrgTx) -> Result<i64, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_scalar("select count(*) from memberships where org_id = $1 and role <> 'viewer'")
        .bind(org)
        .fetch_one(tx.conn())
        .await?)
}

/// Lets one transaction at a time weigh and give a client's waivers, so that two of them cannot both be
/// below the threshold. Ends with the transaction.
pub async fn lock_waivers(tx: &mut OrgTx, client: &str) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    sqlx::query("select pg_advisory_xact_lock(hashtextextended($1::text || ' waivers ' || $2, 0))")
        .bind(org)
        .bind(client)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Lets one transaction at a time weigh and announce what a client's invoices grow by, so that two of them
/// cannot both be below the limit. Ends with the transaction.
pub async fn lock_announcements(tx: &mut OrgTx, client: &str) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    sqlx::query("select pg_advisory_xact_lock(hashtextextended($1::text || ' announcements ' || $2, 0))")
        .bind(org)
        .bind(client)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Money waived for a client in a currency since an instant, less what came back of it: what came back of an
/// older waiver takes nothing off.
pub async fn waived_since(
    tx: &mut OrgTx,
    client: &str,
    currency: &str,
    since: DateTime<Utc>,
) -> Result<i64, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_scalar(
        "select coalesce(sum(e.minor), 0)::bigint
         from corrections c
         join correction_entries e on e.org_id = c.org_id and e.correction_id = c.id and e.bucket = 'waived'
         left join correction_entries o on o.org_id = e.org_id and o.correction_id = e.correction_id
                                        and o.seq = e.contra_of
         where c.org_id = $1 and c.client = $2 and c.currency = $3 and coalesce(o.at, e.at) >= $4",
    )
    .bind(org)
    .bind(client)
    .bind(currency)
    .bind(since)
    .fetch_one(tx.conn())
    .await?)
}

/// What other corrections of a client announced for an invoice in a currency: past and forward.
pub async fn announced(
    tx: &mut OrgTx,
    but: CorrectionId,
    client: &str,
    currency: &str,
    invoice_on: NaiveDate,
) -> Result<(i64, i64), StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select coalesce(sum(announced_retro_minor), 0)::bigint, coalesce(sum(announced_forward_minor), 0)::bigint
         from corrections
         where org_id = $1 and id <> $2 and client = $3 and currency = $4 and invoice_on = $5 and direction = 'under'",
    )
    .bind(org)
    .bind(but.uuid())
    .bind(client)
    .bind(currency)
    .bind(invoice_on)
    .fetch_one(tx.conn())
    .await?)
}

/// A word on gaps that are set aside.
#[derive(Clone, Debug)]
pub struct SetAside<'a> {
    /// Why.
    pub reason: &'a str,
    /// Who owns the decision.
    pub owner: &'a str,
    /// When to look again.
    pub review_on: NaiveDate,
    /// Who set them aside.
    pub by: &'a str,
}

/// Sets gaps aside.
pub async fn set_aside(
    tx: &mut OrgTx,
    gaps: &[String],
    word: &SetAside<'_>,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    sqlx::query(
        "insert into gap_set_asides (org_id, gap_id, set_aside_at, reason, owner, review_on, set_aside_by)
         select $1, n.gap_id, $2, $3, $4, $5, $6
         from unnest($7::text[]) as n (gap_id)
         order by n.gap_id
         on conflict (org_id, gap_id, set_aside_at) do nothing",
    )
    .bind(org)
    .bind(now)
    .bind(word.reason)
    .bind(word.owner)
    .bind(word.review_on)
    .bind(word.by)
    .bind(gaps)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Those of these gaps that are set aside beyond a day.
pub async fn are_set_aside(
    tx: &mut OrgTx,
    gaps: &[String],
    today: NaiveDate,
) -> Result<Vec<String>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_scalar(
        "select n.gap_id
         from unnest($2::text[]) as n (gap_id)
         join lateral (select review_on
                       from gap_set_asides
                       where org_id = $1 and gap_id = n.gap_id
                       order by set_aside_at desc
                       limit 1) s on s.review_on > $3
         order by n.gap_id",
    )
    .bind(org)
    .bind(gaps)
    .bind(today)
    .fetch_all(tx.conn())
    .await?)
}
