//! Audits, and the gaps that they found.

use super::{OrgTx, StorageError, expect_rows};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::id::{AuditId, ImportId, JobId};
use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

/// An audit as stored, without its document.
#[derive(Clone, Debug, FromRow)]
pub struct AuditRow {
    /// Its id.
    pub id: Uuid,
    /// `running`, `completed` or `failed`.
    pub status: String,
    /// First month.
    pub from_month: NaiveDate,
    /// Last month, included.
    pub to_month: NaiveDate,
    /// Last day that was audited.
    pub as_of: NaiveDate,
    /// Everything learned up to this instant was known to it; none until it has read its facts.
    pub known_at: Option<DateTime<Utc>>,
    /// The request as asked.
    pub request: Value,
    /// Digest of the document.
    pub digest: Option<String>,
    /// Version of the program that made it; none: it was made before that was recorded.
    pub engine_version: Option<String>,
    /// Totals per currency.
    pub totals: Option<Value>,
    /// Number of gaps.
    pub gap_count: Option<i32>,
    /// Number of gaps without a price.
    pub unpriced_gaps: Option<i32>,
    /// Why it failed.
    pub problem: Option<Value>,
    /// The job that runs it.
    pub job_id: Option<Uuid>,
    /// Who ran it.
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it was done.
    pub completed_at: Option<DateTime<Utc>>,
}

/// The columns of [`AuditRow`], for the statements below.
macro_rules! select_audit {
    ($rest:literal) => {
        concat!(
            "select id, status, from_month, to_month, as_of, known_at, request, digest, engine_version, totals, gap_count,
                    unpriced_gaps, problem, job_id, created_by, created_at, completed_at
             from audits ",
            $rest
        )
    };
}

/// An audit that is about to run.
#[derive(Clone, Debug)]
pub struct NewAudit<'a> {
    /// Its id.
    pub id: AuditId,
    /// First day of the first month.
    pub from_month: NaiveDate,
    /// First day of the last month.
    pub to_month: NaiveDate,
    /// Last day to audit.
    pub as_of: NaiveDate,
    /// The request as asked.
    pub request: &'a Value,
    /// The job that runs it.
    pub job: JobId,
    /// Who.
    pub created_by: &'a str,
}

/// Stores an audit as `running`.
pub async fn insert(tx: &mut OrgTx, new: &NewAudit<'_>, now: DateTime<Utc>) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    sqlx::query(
        "insert into audits (org_id, id, status, from_month, to_month, as_of, request, job_id, created_by,
                             created_at)
         values ($1, $2, 'running', $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(org)
    .bind(new.id.uuid())
    .bind(new.from_month)
    .bind(new.to_month)
    .bind(new.as_of)
    .bind(new.request)
    .bind(new.job.uuid())
    .bind(new.created_by)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// One audit.
pub async fn find(tx: &mut OrgTx, id: AuditId) -> Result<Option<AuditRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(select_audit!("where org_id = $1 and id = $2"))
        .bind(org)
        .bind(id.uuid())
        .fetch_optional(tx.conn())
        .await?)
}

/// Audits, newest first.
pub async fn list(
    tx: &mut OrgTx,
    before: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<AuditRow>, StorageError> {
    let org = tx.org().uuid();
    let (before_time, before_id) = before.unzip();
    Ok(sqlx::query_as(select_audit!(
        "where org_id = $1 and ($2::timestamptz is null or (created_at, id) < ($2, $3))
         order by created_at desc, id desc
         limit $4"
    ))
    .bind(org)
    .bind(before_time)
    .bind(before_id)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?)
}

/// The last completed audit of the same months that was made before this one.
pub async fn before(tx: &mut OrgTx, id: AuditId) -> Result<Option<AuditId>, StorageError> {
    let org = tx.org().uuid();
    let found: Option<Uuid> = sqlx::query_scalar(
        "select b.id
         from audits a
         join audits b on b.org_id = a.org_id and b.from_month = a.from_month and b.to_month = a.to_month
         where a.org_id = $1 and a.id = $2 and b.status = 'completed'
           and (b.created_at, b.id) < (a.created_at, a.id)
         order by b.created_at desc, b.id desc
         limit 1",
    )
    .bind(org)
    .bind(id.uuid())
    .fetch_optional(tx.conn())
    .await?;
    Ok(found.map(AuditId::new))
}

/// Completed audits that span a month (all of them when none is stated), the newest first, each with the
/// first day of its last month.
pub async fn covering(
    tx: &mut OrgTx,
    month: Option<NaiveDate>,
    limit: i64,
) -> Result<Vec<(AuditId, NaiveDate)>, StorageError> {
    let org = tx.org().uuid();
    let rows: Vec<(Uuid, NaiveDate)> = sqlx::query_as(
        "select id, to_month
         from audits
         where org_id = $1 and status = 'completed' and ($2::date is null or (from_month <= $2 and to_month >= $2))
         order by created_at desc, id desc
         limit $3",
    )
    .bind(org)
    .bind(month)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|(id, last)| (AuditId::new(id), last)).collect())
}

/// The document of a completed audit: everything but the gaps, which are in `audit_findings`.
pub async fn document(tx: &mut OrgTx, id: AuditId) -> Result<Option<Value>, StorageError> {
    let org = tx.org().uuid();
    let row: Option<(Option<Value>,)> =
        sqlx::query_as("select document from audits where org_id = $1 and id = $2")
            .bind(org)
            .bind(id.uuid())
            .fetch_optional(tx.conn())
            .await?;
    Ok(row.and_then(|(document,)| document))
}

/// The same as it was written.
pub async fn document_text(tx: &mut OrgTx, id: AuditId) -> Result<Option<String>, StorageError> {
    let org = tx.org().uuid();
    let row: Option<(Option<String>,)> =
        sqlx::query_as("select document::text from audits where org_id = $1 and id = $2")
            .bind(org)
            .bind(id.uuid())
            .fetch_optional(tx.conn())
            .await?;
    Ok(row.and_then(|(document,)| document))
}

/// What the last audit of all clients found bought and not used.
#[derive(Clone, Debug, FromRow)]
pub struct WasteRow {
    /// The audit.
    pub id: Uuid,
    /// First month.
    pub from_month: NaiveDate,
    /// Last month, included.
    pub to_month: NaiveDate,
    /// The document's list.
    pub waste: Value,
}

/// The waste of the completed audit of all clients that knew most.
pub async fn last_of_all_clients(tx: &mut OrgTx) -> Result<Option<WasteRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select id, from_month, to_month, document -> 'waste' as waste
         from audits
         where org_id = $1 and status = 'completed' and request -> 'clients' is null
         order by known_at desc, id desc
         limit 1",
    )
    .bind(org)
    .fetch_optional(tx.conn())
    .await?)
}

/// The list of unused seats in the document of a completed audit.
pub async fn waste(tx: &mut OrgTx, id: AuditId) -> Result<Option<Value>, StorageError> {
    let org = tx.org().uuid();
    let row: Option<(Option<Value>,)> =
        sqlx::query_as("select document->'waste' from audits where org_id = $1 and id = $2")
            .bind(org)
            .bind(id.uuid())
            .fetch_optional(tx.conn())
            .await?;
    Ok(row.and_then(|(waste,)| waste))
}

/// What an audit came to.
#[derive(Clone, Debug)]
pub struct AuditResult<'a> {
    /// Digest of the document.
    pub digest: &'a str,
    /// Totals per currency.
    pub totals: Value,
    /// The document without its gaps, as JSON.
    pub document: &'a str,
    /// Number of gaps.
    pub gap_count: i32,
    /// Number of gaps without a price.
    pub unpriced_gaps: i32,
    /// What was known.
    pub known_at: DateTime<Utc>,
    /// Version of the program that made it.
    pub engine_version: &'a str,
}

/// Completes a running audit.
pub async fn complete(
    tx: &mut OrgTx,
    id: AuditId,
    result: &AuditResult<'_>,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    let done = sqlx::query(
        "update audits
         set status = 'completed', digest = $3, totals = $4, document = $5::text::json, gap_count = $6,
             unpriced_gaps = $7, known_at = $8, completed_at = $9, engine_version = $10
         where org_id = $1 and id = $2 and status = 'running'",
    )
    .bind(org)
    .bind(id.uuid())
    .bind(result.digest)
    .bind(&result.totals)
    .bind(result.document)
    .bind(result.gap_count)
    .bind(result.unpriced_gaps)
    .bind(result.known_at)
    .bind(now)
    .bind(result.engine_version)
    .execute(tx.conn())
    .await?;
    expect_rows(done.rows_affected(), 1)
}

/// Marks a running audit as failed, with the reason.
pub async fn fail(
    tx: &mut OrgTx,
    id: AuditId,
    problem: &Value,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    let done = sqlx::query(
        "update audits
         set status = 'failed', problem = $3, completed_at = $4
         where org_id = $1 and id = $2 and status = 'running'",
    )
    .bind(org)
    .bind(id.uuid())
    .bind(problem)
    .bind(now)
    .execute(tx.conn())
    .await?;
    expect_rows(done.rows_affected(), 1)
}

/// Notes which files an audit read.
pub async fn insert_imports(tx: &mut OrgTx, id: AuditId, imports: &[Uuid]) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    sqlx::query(
        "insert into audit_imports (org_id, audit_id, import_id)
         select $1, $2, n.import_id
         from unnest($3::uuid[]) as n (import_id)",
    )
    .bind(org)
    .bind(id.uuid())
    .bind(imports)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The files that an audit read, by digest.
pub async fn imports(tx: &mut OrgTx, id: AuditId) -> Result<Vec<(ImportId, String)>, StorageError> {
    let org = tx.org().uuid();
    let rows: Vec<(Uuid, String)> = sqlx::query_as(
        "select i.id, i.sha256
         from audit_imports a
         join imports i on i.org_id = a.org_id and i.id = a.import_id
         where a.org_id = $1 and a.audit_id = $2
         order by i.learned",
    )
    .bind(org)
    .bind(id.uuid())
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|(id, sha256)| (ImportId::new(id), sha256)).collect())
}
