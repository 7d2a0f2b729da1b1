//! Gaps as they are known over all audits: for lists, for their history, for reports.

use super::{OrgTx, StorageError};
use crate::storage::compared;
use crate::storage::gap_histories::GapMonths;
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::audit::Direction;
use leakage_core::history::reports::KnownGap;
use leakage_core::history::{ComparedClient, RootCause};
use leakage_core::id::ClientId;
use leakage_core::money::{Currency, Money};
use serde_json::Value;
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

/// A gap's identity and what the last audit that saw it found.
#[derive(Clone, Debug, FromRow)]
pub struct GapRow {
    /// Hash of its identity.
    pub id: String,
    /// The client's resource.
    pub client_id: Option<Uuid>,
    /// Which client, in what audits compared: every key by which they found it.
    pub client_keys: Vec<String>,
    /// The product's folded name.
    pub product_key: String,
    /// Its currency.
    pub currency: Option<String>,
    /// First audit that saw it.
    pub first_audit_id: Uuid,
    /// When.
    pub first_seen_at: DateTime<Utc>,
    /// Last audit that saw it.
    pub last_audit_id: Uuid,
    /// When.
    pub last_seen_at: DateTime<Utc>,
    /// For ETag and If-Match.
    pub version: i64,
    /// Why it came about.
    pub root_cause: Option<String>,
    /// What was written to it.
    pub note: Option<String>,
    /// Who set it.
    pub set_by: Option<String>,
    /// When.
    pub set_at: Option<DateTime<Utc>>,
    /// What the last audit found.
    pub detail: Value,
}

/// The columns of [`GapRow`], for the statements below.
macro_rules! select_gap {
    ($rest:literal) => {
        concat!(
            "select g.id, g.client_id, g.client_keys, g.product_key, g.currency, g.first_audit_id, g.first_seen_at,
                    g.last_audit_id, g.last_seen_at, g.version, g.root_cause, c.note, c.set_by, c.set_at,
                    f.gaps::json -> (array_position(f.gap_ids, g.id) - 1) as detail
             from gaps g
             join audit_findings f on f.org_id = g.org_id and f.audit_id = g.last_audit_id
                                  and f.first_position = g.last_findings
             left join gap_root_causes c on c.org_id = g.org_id and c.gap_id = g.id and c.version = g.version ",
            $rest
        )
    };
}

/// One gap.
pub async fn find(tx: &mut OrgTx, id: &str) -> Result<Option<GapRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(select_gap!("where g.org_id = $1 and g.id = $2"))
        .bind(org)
        .bind(id)
        .fetch_optional(tx.conn())
        .await?)
}

/// What a list of gaps asks for.
#[derive(Clone, Debug, Default)]
pub struct GapFilter<'a> {
    /// Of this client.
    pub client_id: Option<Uuid>,
    /// `under` or `over`.
    pub direction: Option<&'a str>,
    /// In this currency.
    pub currency: Option<&'a str>,
    /// With this cause; `not_set`: without one.
    pub root_cause: Option<&'a str>,
    /// Set aside and not corrected since, or not.
    pub set_aside: Option<bool>,
    /// Set aside, and owned by this one.
    pub set_aside_owner: Option<&'a str>,
}

/// The newest word on a gap that is set aside and was not corrected since.
#[derive(Clone, Debug, FromRow)]
pub struct SetAsideRow {
    /// The gap.
    pub gap_id: String,
    /// Why.
    pub reason: String,
    /// Who owns the decision.
    pub owner: String,
    /// The owner's name, where that is a member.
    pub owner_name: Option<String>,
    /// When to look again.
    pub review_on: NaiveDate,
    /// When it was set aside.
    pub set_aside_at: DateTime<Utc>,
}

/// Those of these gaps that are set aside.
pub async fn set_aside(tx: &mut OrgTx, ids: &[String]) -> Result<Vec<SetAsideRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select s.gap_id, s.reason, s.owner, u.name as owner_name, s.review_on, s.set_aside_at
         from gaps_to_look_at_again s
         left join memberships m on m.org_id = s.org_id and 'user:' || m.user_id::text = s.owner
         left join users u on u.id = m.user_id
         where s.org_id = $1 and s.gap_id = any($2)",
    )
    .bind(org)
    .bind(ids)
    .fetch_all(tx.conn())
    .await?)
}

/// Gaps, those seen last first.
pub async fn list(
    tx: &mut OrgTx,
    filter: &GapFilter<'_>,
    before: Option<(DateTime<Utc>, String)>,
    limit: i64,
) -> Result<Vec<GapRow>, StorageError> {
    let org = tx.org().uuid();
    let (before_time, before_id) = before.unzip();
    Ok(sqlx::query_as(select_gap!(
        "where g.org_id = $1
           and ($2::uuid is null or g.client_id = $2)
           and ($3::timestamptz is null or g.last_seen_at < $3 or (g.last_seen_at = $3 and g.id > $4))
           and ($6::text is null or g.direction = $6)
           and ($7::text is null or g.currency = $7)
           and ($8::text is null or coalesce(g.root_cause, 'not_set') = $8)
           and ($9::bool is null
                or $9 = exists (select from gaps_to_look_at_again s where s.org_id = $1 and s.gap_id = g.id))
           and ($10::text is null
                or exists (select
                           from gaps_to_look_at_again s
                           where s.org_id = $1 and s.gap_id = g.id and s.owner = $10))
         order by g.last_seen_at desc, g.id
         limit $5"
    ))
    .bind(org)
    .bind(filter.client_id)
    .bind(before_time)
    .bind(before_id)
    .bind(limit)
    .bind(filter.direction)
    .bind(filter.currency)
    .bind(filter.root_cause)
    .bind(filter.set_aside)
    .bind(filter.set_aside_owner)
    .fetch_all(tx.conn())
    .await?)
}

/// A gap, as it matters for what audits say of its months.
#[derive(Clone, Debug, FromRow)]
pub struct GapIdentity {
    /// Hash of its identity.
    pub id: String,
    /// Which client.
    pub client_key: String,
    /// The product's folded name.
    pub product_key: String,
    /// The first month that ever had a difference.
    pub first_month: Option<NaiveDate>,
    /// What the audit knew that tells what it is called; none: it was never said.
    pub last_known_at: Option<DateTime<Utc>>,
}

/// All gaps of these clients, and those with these ids.
pub async fn identities(
    tx: &mut OrgTx,
    client_keys: &[String],
    ids: &[String],
) -> Result<Vec<GapIdentity>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select id, client_key, product_key, first_month, last_known_at
         from gaps
         where org_id = $1 and (client_key = any($2) or id = any($3))",
    )
    .bind(org)
    .bind(client_keys)
    .bind(ids)
    .fetch_all(tx.conn())
    .await?)
}

#[derive(FromRow)]
struct ReportRow {
    id: String,
    client_key: String,
    client: String,
    client_id: Option<Uuid>,
    product: String,
    sku: Option<String>,
    currency: Option<String>,
    direction: String,
    root_cause: Option<String>,
    first_seen_at: DateTime<Utc>,
}

/// All gaps for reports, with their months; of one client or currency if given.
pub async fn for_reports(
    tx: &mut OrgTx,
    client_id: Option<Uuid>,
    currency: Option<&str>,
    mut months: GapMonths,
) -> Result<Vec<KnownGap>, StorageError> {
    let org = tx.org().uuid();
    let rows: Vec<ReportRow> = sqlx::query_as(
        "select id, client_key, client, client_id, product, sku, currency, direction, root_cause, first_seen_at
         from gaps
         where org_id = $1
           and ($2::uuid is null or client_id = $2)
           and ($3::text is null or currency = $3)
         order by id",
    )
    .bind(org)
    .bind(client_id)
    .bind(currency)
    .fetch_all(tx.conn())
    .await?;
    let gap = |row: ReportRow| {
        Ok(KnownGap {
            months: months.remove(&row.id).unwrap_or_default(),
            currency: parse_currency(row.currency.as_deref())?,
            root_cause: parse_cause(row.root_cause.as_deref())?,
            direction: if row.direction == "over" { Direction::Over } else { Direction::Under },
            client_key: row.client_key,
            client: row.client,
            client_id: row.client_id.map(ClientId::new),
            product: row.product,
            sku: row.sku,
            first_seen_at: row.first_seen_at,
        })
    };
    rows.into_iter().map(gap).collect()
}

/// A stored currency.
pub fn parse_currency(text: Option<&str>) -> Result<Option<Currency>, StorageError> {
    let parse = |text: &str| text.parse().map_err(|_| StorageError::Corrupt { column: "gaps.currency" });
    text.map(parse).transpose()
}

/// A stored cause.
pub fn parse_cause(text: Option<&str>) -> Result<Option<RootCause>, StorageError> {
    let parse = |text: &str| text.parse().map_err(|_| StorageError::Corrupt { column: "gaps.root_cause" });
    text.map(parse).transpose()
}

/// Sets the cause of a gap that still has this version; whether it had.
pub async fn set_root_cause(
    tx: &mut OrgTx,
    id: &str,
    version: i64,
    cause: RootCause,
    note: &str,
    set_by: &str,
    now: DateTime<Utc>,
) -> Result<bool, StorageError> {
    let org = tx.org().uuid();
    let done = sqlx::query(
        "with changed as (
           update gaps
           set root_cause = $4, version = version + 1
           where org_id = $1 and id = $2 and version = $3
           returning version
         )
         insert into gap_root_causes (org_id, gap_id, version, root_cause, note, set_by, set_at)
         select $1, $2, changed.version, $4, $5, $6, $7
         from changed",
    )
    .bind(org)
    .bind(id)
    .bind(version)
    .bind(cause.as_str())
    .bind(note)
    .bind(set_by)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A cause that was set.
#[derive(Clone, Debug, FromRow)]
pub struct RootCauseRow {
    /// The cause.
    pub root_cause: String,
    /// What was written to it.
    pub note: String,
    /// Who.
    pub set_by: String,
    /// When.
    pub set_at: DateTime<Utc>,
}

/// Every cause that was set, newest first.
pub async fn root_causes(tx: &mut OrgTx, id: &str, limit: i64) -> Result<Vec<RootCauseRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select root_cause, note, set_by, set_at
         from gap_root_causes
         where org_id = $1 and gap_id = $2
         order by version desc
         limit $3",
    )
    .bind(org)
    .bind(id)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?)
}

/// An audit that found a gap, or compared its client.
#[derive(Clone, Debug, FromRow)]
pub struct GapAuditRow {
    /// The audit.
    pub id: Uuid,
    /// What it knew.
    pub known_at: DateTime<Utc>,
    /// Last day that was audited.
    pub as_of: NaiveDate,
    /// First month.
    pub from_month: NaiveDate,
    /// Last month, included.
    pub to_month: NaiveDate,
    /// Seats on the last day that has the gap; none: it did not find it.
    pub seats: Option<String>,
    /// Seat-months that it found.
    pub seat_months: Option<String>,
    /// Money that it found.
    pub amount: Option<Json<Money>>,
    compared: Option<Vec<NaiveDate>>,
    partial: Option<Vec<NaiveDate>>,
    without: Option<Value>,
}

impl GapAuditRow {
    /// What it compared of the client.
    pub fn client(&self) -> Result<ComparedClient, StorageError> {
        let days = |days: &Option<Vec<NaiveDate>>| days.clone().unwrap_or_default();
        let without = self.without.clone().unwrap_or_else(|| serde_json::json!({}));
        compared::client(self.as_of, &days(&self.compared), &days(&self.partial), without)
    }
}

/// The audits that found a gap or compared its client, those that knew most first.
pub async fn audits(
    tx: &mut OrgTx,
    id: &str,
    client_keys: &[String],
    limit: i64,
) -> Result<Vec<GapAuditRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select a.id, a.known_at, a.as_of, a.from_month, a.to_month, f.detail ->> 'seats' as seats,
                f.detail ->> 'seat_months' as seat_months, case when json_typeof(f.detail -> 'amount') = 'object' then f.detail -> 'amount' end as amount,
                c.compared, c.partial, c.without
         from audits a
         left join audit_gaps f on f.org_id = a.org_id and f.audit_id = a.id and f.client_key = any($3)
                               and f.gap_id = $2
         left join lateral (
           select c.client_key, c.compared, c.partial, c.without
           from audit_clients c
           where c.org_id = a.org_id and c.audit_id = a.id and c.client_key = any($3)
           order by c.client_key is distinct from f.client_key, c.client_key
           limit 1) c on true
         where a.org_id = $1 and a.status = 'completed' and (f.gap_id is not null or c.client_key is not null)
         order by a.known_at desc, a.id desc
         limit $4",
    )
    .bind(org)
    .bind(id)
    .bind(client_keys)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?)
}
