//! What vendors' logs and reports said of a gap's seats when it was found: table `captured_evidence`.

use super::{OrgTx, StorageError};
use chrono::{DateTime, Utc};
use leakage_core::id::AuditId;
use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

/// Rows of a gap and kind at most, the newest of them: more prove nothing more.
const MOST: i64 = 2_000;

/// The gaps of an audit whose evidence is captured.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Gaps, with the client of each.
    pub gaps: Vec<String>,
    /// Their clients.
    pub clients: Vec<Uuid>,
    /// Gaps, one for each of the refs that its product goes by.
    pub product_gaps: Vec<String>,
    /// Those refs.
    pub products: Vec<Uuid>,
}

/// Captures, in one statement, what the imports of an audit say of its gaps' seats. What is captured already,
/// also from another file, is left as it is; of an import that a gap was captured from, nothing is read again.
/// `salt` keys the digests. Answers for how many rows.
pub async fn capture(
    tx: &mut OrgTx,
    audit: AuditId,
    wanted: &Wanted,
    salt: &[u8],
    now: DateTime<Utc>,
) -> Result<u64, StorageError> {
    let org = tx.org().uuid();
    let done = sqlx::query(
        "with gap as materialized (
           select n.gap_id, c.id as client_ref
           from unnest($3::text[], $4::uuid[]) as n (gap_id, client_id)
           join client_refs c on c.org_id = $1 and c.client_id = n.client_id
         ), product as materialized (
           select n.gap_id, n.product_ref
           from unnest($5::text[], $6::uuid[]) as n (gap_id, product_ref)
         ), source as materialized (
           select i.id, i.completed_at
           from audit_imports a
           join imports i on i.org_id = a.org_id and i.id = a.import_id
           where a.org_id = $1 and a.audit_id = $2 and 'activity' = any(i.sides)
         ), done as materialized (
           select distinct gap_id, import_id
           from captured_evidence
           where org_id = $1 and gap_id = any($3)
         ), said as (
           select g.gap_id, 'provisioning' as kind, p.import_id, p.position, p.line, p.user_name, p.actor,
                  jsonb_build_object(
                    'client', jsonb_build_object('id', c.source_id, 'name', c.name, 'domain', c.domain),
                    'event', p.event, 'at', to_jsonb(p.at at time zone 'utc') #>> '{}' || 'Z', 'action', p.action,
                    'product', case when r.id is not null then jsonb_build_object(
                      'name', r.name, 'sku', r.sku, 'part_number', r.part_number, 'code', r.code) end,
                    'automatic', p.automatic) as record,
                  row_number() over (partition by g.gap_id order by p.at desc, p.import_id, p.position) as nth
           from source s
           join provisioning_events p on p.org_id = $1 and p.import_id = s.id
           join gap g on g.client_ref = p.client_ref
           join client_refs c on c.org_id = $1 and c.id = p.client_ref
           left join product_refs r on r.org_id = $1 and r.id = p.product_ref
           where (p.product_ref is null
                  or exists (select from product o where o.gap_id = g.gap_id and o.product_ref = p.product_ref))
             and not exists (select from done d where d.gap_id = g.gap_id and d.import_id = s.id)
           union all
           select g.gap_id, 'activity', p.import_id, p.position, p.line, p.user_name, null,
                  jsonb_build_object(
                    'client', jsonb_build_object('id', c.source_id, 'name', c.name, 'domain', c.domain),
                    'product', jsonb_build_object(
                      'name', r.name, 'sku', r.sku, 'part_number', r.part_number, 'code', r.code),
                    'last_active', p.last_active, 'as_of', p.as_of, 'blocked', p.blocked, 'deleted', p.deleted,
                    'guest', p.guest, 'concealed', p.concealed, 'assigned_by', p.assigned_by,
                    'assigned_on', p.assigned_on, 'department', p.department, 'licence_group', p.licence_group),
                  row_number() over (partition by g.gap_id order by s.completed_at desc, p.import_id, p.position)
           from source s
           join activities p on p.org_id = $1 and p.import_id = s.id
           join gap g on g.client_ref = p.client_ref
           join product o on o.gap_id = g.gap_id and o.product_ref = p.product_ref
           join client_refs c on c.org_id = $1 and c.id = p.client_ref
           join product_refs r on r.org_id = $1 and r.id = p.product_ref
           where not exists (select from done d where d.gap_id = g.gap_id and d.import_id = s.id)
         )
         insert into captured_evidence (org_id, gap_id, kind, content, import_id, position, line, audit_id, captured_at,
                                        user_name, actor, record)
         select $1, gap_id, kind,
                sha256($7 || convert_to(jsonb_build_array(kind, user_name, actor, record)::text, 'UTF8')),
                import_id, position, line, $2, $8, user_name, actor, record
         from said
         where nth <= $9
         order by gap_id, kind, import_id, position
         on conflict (org_id, gap_id, kind, content) do nothing",
    )
    .bind(org)
    .bind(audit.uuid())
    .bind(&wanted.gaps)
    .bind(&wanted.clients)
    .bind(&wanted.product_gaps)
    .bind(&wanted.products)
    .bind(salt)
    .bind(now)
    .bind(MOST)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}

/// A row as captured.
#[derive(Clone, Debug, FromRow)]
pub struct CapturedRow {
    /// `provisioning` or `activity`.
    pub kind: String,
    /// Keyed digest of what it said.
    pub content: Vec<u8>,
    /// The import.
    pub import_id: Uuid,
    /// The line of its file.
    pub line: i32,
    /// When it was captured.
    pub captured_at: DateTime<Utc>,
    /// The user.
    pub user_name: Option<String>,
    /// Who did it.
    pub actor: Option<String>,
    /// Everything else.
    pub record: Value,
    /// When its persons were erased.
    pub erased_at: Option<DateTime<Utc>>,
}

/// What was captured for gaps by an instant, each row once.
pub async fn of_gaps(
    tx: &mut OrgTx,
    gaps: &[String],
    until: DateTime<Utc>,
) -> Result<Vec<CapturedRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select distinct on (kind, content)
                kind, content, import_id, line, captured_at, user_name, actor, record, erased_at
         from captured_evidence
         where org_id = $1 and gap_id = any($2) and captured_at <= $3
         order by kind, content, captured_at, import_id, position",
    )
    .bind(org)
    .bind(gaps)
    .bind(until)
    .fetch_all(tx.conn())
    .await?)
}
