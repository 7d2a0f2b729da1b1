//! Mappings: proposed, approved, rejected and withdrawn.

use super::{OrgTx, StorageError};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::audit::Basis;
use leakage_core::id::{ImportId, MappingId};
use leakage_core::period::Span;
use leakage_core::records::{MappingRow, MappingSide};
use rust_decimal::Decimal;
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

/// A mapping as stored.
#[derive(Clone, Debug, FromRow)]
pub struct StoredMapping {
    /// Its id.
    pub id: Uuid,
    /// `client` or `product`.
    pub side: String,
    /// Name or id as the source writes it.
    pub source: String,
    /// What it stands for.
    pub target: String,
    /// `proposed`, `approved`, `rejected` or `withdrawn`.
    pub status: String,
    /// `proposal`, `manual` or `import`.
    pub origin: String,
    /// Of a proposal, 0.00 to 0.99.
    pub score: Option<Decimal>,
    /// Why it was proposed.
    pub reasons: Json<Vec<String>>,
    /// First day it holds.
    pub valid_from: Option<NaiveDate>,
    /// Day after the last one.
    pub valid_until: Option<NaiveDate>,
    /// Who decided.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<DateTime<Utc>>,
    /// Which seats of the product are counted.
    pub basis: Option<String>,
    /// Of a proposal: ids that go by the source's name.
    pub source_ids: Vec<String>,
    /// Ids that go by the target's name.
    pub target_ids: Vec<String>,
    /// For ETag and If-Match.
    pub version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// A mapping to be stored.
#[derive(Clone, Debug)]
pub struct NewMapping<'a> {
    /// Its id.
    pub id: MappingId,
    /// Clients or products.
    pub side: MappingSide,
    /// As the source writes it.
    pub source: &'a str,
    /// What it stands for.
    pub target: &'a str,
    /// Days it holds.
    pub valid_from: Option<NaiveDate>,
    /// Day after the last one.
    pub valid_until: Option<NaiveDate>,
    /// Which seats of the product are counted; none: as the policies say.
    pub basis: Option<Basis>,
}

/// The name of a side in the database.
pub const fn side_name(side: MappingSide) -> &'static str {
    match side {
        MappingSide::Client => "client",
        MappingSide::Product => "product",
    }
}

fn side(text: &str) -> Result<MappingSide, StorageError> {
    match text {
        "client" => Ok(MappingSide::Client),
        "product" => Ok(MappingSide::Product),
        _ => Err(StorageError::Corrupt { column: "mappings.side" }),
    }
}

/// Stores a mapping that a person confirmed, by hand or in a mappings file.
pub async fn insert_approved(
    tx: &mut OrgTx,
    new: &NewMapping<'_>,
    import: Option<ImportId>,
    approved_by: &str,
    now: DateTime<Utc>,
) -> Result<StoredMapping, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "insert into mappings (org_id, id, side, source, target, status, origin, import_id,
                               valid_from, valid_until, decided_by, decided_at, created_at, updated_at, basis)
         values ($1, $2, $3, $4, $5, 'approved', case when $6::uuid is null then 'manual' else 'import' end, $6,
                 $7, $8, $9, $10, $10, $10, $11)
         returning id, side, source, target, status, origin, score, reasons, valid_from, valid_until,
                   decided_by, decided_at, basis, source_ids, target_ids, version, created_at",
    )
    .bind(org)
    .bind(new.id.uuid())
    .bind(side_name(new.side))
    .bind(new.source)
    .bind(new.target)
    .bind(import.map(ImportId::uuid))
    .bind(new.valid_from)
    .bind(new.valid_until)
    .bind(approved_by)
    .bind(now)
    .bind(new.basis.map(|basis| basis.to_string()))
    .fetch_one(tx.conn())
    .await?)
}

/// What an audit found out about a pair.
#[derive(Clone, Copy, Debug)]
pub struct Proposed<'a> {
    /// How alike, from 0 to 1.
    pub score: Decimal,
    /// Why.
    pub reasons: &'a [String],
    /// Ids that go by the source's name.
    pub source_ids: &'a [String],
    /// Ids that go by the target's name.
    pub target_ids: &'a [String],
}

/// Stores a proposal, unless this pair was proposed before with these ids (whatever was decided then). One that
/// waits takes in ids that are new.
pub async fn propose(
    tx: &mut OrgTx,
    new: &NewMapping<'_>,
    found: &Proposed<'_>,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    sqlx::query(
        "update mappings
         set source_ids = source_ids || array(select id from unnest($5::text[]) as n (id) where id <> all (source_ids)),
             target_ids = target_ids || array(select id from unnest($6::text[]) as n (id) where id <> all (target_ids)),
             version = version + 1, updated_at = $7
         where org_id = $1 and origin = 'proposal' and status = 'proposed' and side = $2 and source = $3
           and target = $4 and not (source_ids @> $5 and target_ids @> $6)",
    )
    .bind(org)
    .bind(side_name(new.side))
    .bind(new.source)
    .bind(new.target)
    .bind(found.source_ids)
    .bind(found.target_ids)
    .bind(now)
    .execute(tx.conn())
    .await?;
    sqlx::query(
        "insert into mappings (org_id, id, side, source, target, status, origin, score, reasons, source_ids, target_ids,
                               created_at, updated_at)
         select $1, $2, $3, $4, $5, 'proposed', 'proposal', $6, $7, $8, $9, $10, $10
         where not exists (select from mappings
                           where org_id = $1 and origin = 'proposal' and side = $3 and source = $4 and target = $5
                             and (status = 'proposed' or (source_ids @> $8 and target_ids @> $9)))
         on conflict do nothing",
    )
    .bind(org)
    .bind(new.id.uuid())
    .bind(side_name(new.side))
    .bind(new.source)
    .bind(new.target)
    .bind(found.score.round_dp(2))
    .bind(Json(found.reasons))
    .bind(found.source_ids)
    .bind(found.target_ids)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// One mapping.
pub async fn find(tx: &mut OrgTx, id: MappingId) -> Result<Option<StoredMapping>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select id, side, source, target, status, origin, score, reasons, valid_from, valid_until,
                decided_by, decided_at, basis, source_ids, target_ids, version, created_at
         from mappings
         where org_id = $1 and id = $2",
    )
    .bind(org)
    .bind(id.uuid())
    .fetch_optional(tx.conn())
    .await?)
}

/// Mappings in the order in which they were made, of one status and side if given.
pub async fn list(
    tx: &mut OrgTx,
    status: Option<&str>,
    side: Option<MappingSide>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<StoredMapping>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select id, side, source, target, status, origin, score, reasons, valid_from, valid_until,
                decided_by, decided_at, basis, source_ids, target_ids, version, created_at
         from mappings
         where org_id = $1
           and ($2::text is null or status = $2)
           and ($3::text is null or side = $3)
           and ($4::uuid is null or id > $4)
         order by id
         limit $5",
    )
    .bind(org)
    .bind(status)
    .bind(side.map(side_name))
    .bind(after)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?)
}

/// A decision on a mapping: where it may come from and where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A proposal, or one that was rejected, is confirmed.
    Approve,
    /// A proposal is refused, and not made again.
    Reject,
    /// A confirmed mapping counts no more.
    Withdraw,
}

impl Decision {
    /// States in which it may be taken.
    pub const fn from(self) -> &'static [&'static str] {
        match self {
            Self::Approve => &["proposed", "rejected", "withdrawn"],
            Self::Reject => &["proposed"],
            Self::Withdraw => &["approved"],
        }
    }

    /// The state that follows.
    pub const fn to(self) -> &'static str {
        match self {
            Self::Approve => "approved",
            Self::Reject => "rejected",
            Self::Withdraw => "withdrawn",
        }
    }
}

/// Takes a decision: state check, version check and write in one statement. `None` when the mapping
/// is not in a state that allows it, has another version, or is not there.
pub async fn decide(
    tx: &mut OrgTx,
    id: MappingId,
    version: i64,
    (decision, basis): (Decision, Option<Basis>),
    decided_by: &str,
    now: DateTime<Utc>,
) -> Result<Option<StoredMapping>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "update mappings
         set status = $5, decided_by = $6, decided_at = $7, updated_at = $7, version = version + 1,
             basis = coalesce($8, basis)
         where org_id = $1 and id = $2 and version = $3 and status = any($4)
         returning id, side, source, target, status, origin, score, reasons, valid_from, valid_until,
                   decided_by, decided_at, basis, source_ids, target_ids, version, created_at",
    )
    .bind(org)
    .bind(id.uuid())
    .bind(version)
    .bind(decision.from())
    .bind(decision.to())
    .bind(decided_by)
    .bind(now)
    .bind(basis.map(|basis| basis.to_string()))
    .fetch_optional(tx.conn())
    .await?)
}

/// Says which seats of a mapping's product are counted, or with none that the policies say it. `None` when the
/// mapping has another version, is one of clients, or is not there.
pub async fn set_basis(
    tx: &mut OrgTx,
    id: MappingId,
    version: i64,
    basis: Option<Basis>,
    now: DateTime<Utc>,
) -> Result<Option<StoredMapping>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "update mappings
         set basis = $4, updated_at = $5, version = version + 1
         where org_id = $1 and id = $2 and version = $3 and side = 'product'
         returning id, side, source, target, status, origin, score, reasons, valid_from, valid_until,
                   decided_by, decided_at, basis, source_ids, target_ids, version, created_at",
    )
    .bind(org)
    .bind(id.uuid())
    .bind(version)
    .bind(basis.map(|basis| basis.to_string()))
    .bind(now)
    .fetch_optional(tx.conn())
    .await?)
}

/// A mapping that was confirmed at a time.
#[derive(FromRow)]
struct ApprovedRow {
    side: String,
    source: String,
    target: String,
    source_ids: Vec<String>,
    target_ids: Vec<String>,
    decided_by: Option<String>,
    valid_from: Option<NaiveDate>,
    valid_until: Option<NaiveDate>,
}

impl ApprovedRow {
    /// As the engine follows it: every name and id that was confirmed leads to one of the target's.
    fn rows(self) -> Result<Vec<MappingRow>, StorageError> {
        let side = side(&self.side)?;
        let target = meant(&self.target, &self.target_ids).to_owned();
        let mut sources = if self.source_ids.is_empty() { vec![self.source] } else { self.source_ids };
        sources.extend(self.target_ids);
        sources.retain(|source| *source != target);
        let row = |source| MappingRow {
            side,
            source,
            target: target.clone(),
            approved_by: self.decided_by.clone().unwrap_or_default(),
            span: span(self.valid_from, self.valid_until),
        };
        Ok(sources.into_iter().map(row).collect())
    }
}

/// What a target is written as: of its ids Microsoft's own, which seats are counted by, else the first; without
/// ids its name.
fn meant<'t>(name: &'t str, ids: &'t [String]) -> &'t str {
    ids.iter().find(|id| Uuid::parse_str(id).is_ok()).or_else(|| ids.first()).map_or(name, String::as_str)
}

/// The confirmed mappings, as audits use them: those that were confirmed at that time. Those of an import
/// that was voided by then do not count.
pub async fn approved(tx: &mut OrgTx, known_at: DateTime<Utc>) -> Result<Vec<MappingRow>, StorageError> {
    let org = tx.org().uuid();
    let rows: Vec<ApprovedRow> = sqlx::query_as(
        "select m.side, m.source, m.target, m.source_ids, m.target_ids, s.decided_by, m.valid_from, m.valid_until
         from mappings m
         join lateral (select status, decided_by
                       from mapping_states
                       where org_id = m.org_id and mapping_id = m.id and since <= $2
                       order by version desc
                       limit 1) s on s.status = 'approved'
         left join imports i on i.org_id = m.org_id and i.id = m.import_id
         where m.org_id = $1 and (i.voided_at is null or i.voided_at > $2)
         order by m.id",
    )
    .bind(org)
    .bind(known_at)
    .fetch_all(tx.conn())
    .await?;
    let mut mappings = Vec::with_capacity(rows.len());
    for row in rows {
        mappings.extend(row.rows()?);
    }
    Ok(mappings)
}

/// The pairs that a person had refused by that time: audits do not propose them again, nor wait for them.
pub async fn rejected(
    tx: &mut OrgTx,
    known_at: DateTime<Utc>,
) -> Result<Vec<(MappingSide, String, String)>, StorageError> {
    let org = tx.org().uuid();
    let rows: Vec<(String, String, String)> = sqlx::query_as(
        "select m.side, m.source, m.target
         from mappings m
         join lateral (select status
                       from mapping_states
                       where org_id = m.org_id and mapping_id = m.id and since <= $2
                       order by version desc
                       limit 1) s on s.status = 'rejected'
         where m.org_id = $1
         order by m.id",
    )
    .bind(org)
    .bind(known_at)
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(|(text, source, target)| Ok((side(&text)?, source, target))).collect()
}

/// Which seats of a product a mapping says are counted.
#[derive(Clone, Debug)]
pub struct CountedBy {
    /// The product.
    pub target: String,
    /// Which seats.
    pub basis: Basis,
    /// Days on which it holds; none: always.
    pub span: Option<Span>,
}

/// What the mappings that were confirmed at that time said of which seats are counted.
pub async fn counted(tx: &mut OrgTx, known_at: DateTime<Utc>) -> Result<Vec<CountedBy>, StorageError> {
    type Row = (String, Vec<String>, String, Option<NaiveDate>, Option<NaiveDate>);

    let org = tx.org().uuid();
    let rows: Vec<Row> = sqlx::query_as(
        "select m.target, m.target_ids, s.basis, m.valid_from, m.valid_until
         from mappings m
         join lateral (select status, basis
                       from mapping_states
                       where org_id = m.org_id and mapping_id = m.id and since <= $2
                       order by version desc
                       limit 1) s on s.status = 'approved' and s.basis is not null
         where m.org_id = $1
         order by m.id",
    )
    .bind(org)
    .bind(known_at)
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|(target, ids, basis, from, until)| {
            let basis = basis.parse().map_err(|_| StorageError::Corrupt { column: "mappings.basis" })?;
            Ok(CountedBy { target: meant(&target, &ids).to_owned(), basis, span: span(from, until) })
        })
        .collect()
}

fn span(from: Option<NaiveDate>, until: Option<NaiveDate>) -> Option<Span> {
    match (from, until) {
        (None, None) => None,
        (from, until) => Some(Span { from: from.unwrap_or(NaiveDate::MIN), until }),
    }
}
