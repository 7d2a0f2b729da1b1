//! Imports: the uploaded files and what was found out about them. Their refused rows are in
//! [`super::import_errors`], the records read from them in [`super::records`].

use super::{OrgTx, StorageError, expect_rows};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::id::{AuditId, ImportId, JobId};
use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

/// An import as stored.
#[derive(Clone, Debug, FromRow)]
pub struct ImportRow {
    /// Its id.
    pub id: Uuid,
    /// Order in which the organization learned of its files.
    pub learned: i64,
    /// `processing`, `needs_input`, `refused`, `completed` or `voided`.
    pub status: String,
    /// Name of the file, without folders.
    pub file_name: String,
    /// As the uploader stated it.
    pub content_type: Option<String>,
    /// Bytes as uploaded.
    pub size_bytes: i64,
    /// Digest of the bytes as uploaded, `sha256:...`.
    pub sha256: String,
    /// What the uploader said of the file.
    pub answers: Value,
    /// The format it was read as.
    pub format: Option<String>,
    /// The sides it fills.
    pub sides: Vec<String>,
    /// How sure the detection is, 0.00 to 1.00.
    pub confidence: Option<rust_decimal::Decimal>,
    /// Text encoding.
    pub encoding: Option<String>,
    /// `csv`, `json`, `gzip` and so on.
    pub container: Option<String>,
    /// Why it was read as this format.
    pub reasons: Value,
    /// Columns that the format does not know.
    pub unknown_columns: Value,
    /// Rows that were kept but flagged.
    pub notes: Value,
    /// What must be answered before it can be read.
    pub questions: Value,
    /// Day of the snapshot, for files that are one.
    pub snapshot_on: Option<NaiveDate>,
    /// First day the file says it covers.
    pub stated_from: Option<NaiveDate>,
    /// Day after the last day the file says it covers.
    pub stated_until: Option<NaiveDate>,
    /// Rows read.
    pub rows_read: i64,
    /// Rows refused.
    pub rows_refused: i64,
    /// Records stored.
    pub records: i64,
    /// `none`, `clients` or `all`.
    pub incomplete: String,
    /// The clients whose rows were refused.
    pub incomplete_clients: Value,
    /// Why it was refused.
    pub problem: Option<Value>,
    /// The job that reads it.
    pub job_id: Option<Uuid>,
    /// Who uploaded it.
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When its rows were stored, or it was refused.
    pub completed_at: Option<DateTime<Utc>>,
    /// Why it was voided.
    pub void_reason: Option<String>,
    /// By whom.
    pub voided_by: Option<String>,
    /// When.
    pub voided_at: Option<DateTime<Utc>>,
    /// When the uploaded file was removed; what was read from it stays.
    pub file_erased_at: Option<DateTime<Utc>>,
    /// By whom.
    pub file_erased_by: Option<String>,
    /// The saved import profile that it was read with, the first of several.
    pub profile_id: Option<Uuid>,
    /// The import profiles that it was read with, as they were then.
    pub profiles: Value,
    /// For ETag and If-Match.
    pub version: i64,
}

/// The columns of [`ImportRow`], for the statements below.
macro_rules! select_import {
    ($rest:literal) => {
        concat!(
            "select id, learned, status, file_name, content_type, size_bytes, sha256, answers, format, sides, confidence,
                    encoding, container, reasons, unknown_columns, notes, questions, snapshot_on, stated_from, stated_until,
                    rows_read, rows_refused, records, incomplete, incomplete_clients, problem, job_id, created_by, created_at,
                    completed_at, void_reason, voided_by, voided_at, file_erased_at, file_erased_by, profile_id, profiles, version
             from imports ",
            $rest
        )
    };
}

/// An upload that is about to be read.
#[derive(Clone, Debug)]
pub struct NewImport<'a> {
    /// Its id.
    pub id: ImportId,
    /// Name of the file.
    pub file_name: &'a str,
    /// As stated.
    pub content_type: Option<&'a str>,
    /// Bytes.
    pub size_bytes: i64,
    /// Digest of the bytes.
    pub sha256: &'a str,
    /// What the uploader said.
    pub answers: &'a Value,
    /// Digest of file and answers.
    pub identity: &'a str,
    /// Who.
    pub created_by: &'a str,
}

/// Stores an upload as `processing`. False when the same file with the same answers is there
/// already: then nothing was stored.
pub async fn insert(tx: &mut OrgTx, new: &NewImport<'_>, now: DateTime<Utc>) -> Result<bool, StorageError> {
    let org = tx.org().uuid();
    let done = sqlx::query(
        "insert into imports (org_id, id, status, file_name, content_type, size_bytes, sha256, answers,
                              identity, created_by, created_at)
         values ($1, $2, 'processing', $3, $4, $5, $6, $7, $8, $9, $10)
         on conflict (org_id, identity) where status in ('processing', 'needs_input', 'completed') do nothing",
    )
    .bind(org)
    .bind(new.id.uuid())
    .bind(new.file_name)
    .bind(new.content_type)
    .bind(new.size_bytes)
    .bind(new.sha256)
    .bind(new.answers)
    .bind(new.identity)
    .bind(new.created_by)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The living import of this file and answers.
pub async fn find_by_identity(tx: &mut OrgTx, identity: &str) -> Result<Option<ImportRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(select_import!(
        "where org_id = $1 and identity = $2 and status in ('processing', 'needs_input', 'completed')"
    ))
    .bind(org)
    .bind(identity)
    .fetch_optional(tx.conn())
    .await?)
}

/// One import.
pub async fn find(tx: &mut OrgTx, id: ImportId) -> Result<Option<ImportRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(select_import!("where org_id = $1 and id = $2"))
        .bind(org)
        .bind(id.uuid())
        .fetch_optional(tx.conn())
        .await?)
}

/// Imports, newest first, of one status if given.
pub async fn list(
    tx: &mut OrgTx,
    status: Option<&str>,
    before: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<ImportRow>, StorageError> {
    let org = tx.org().uuid();
    let (before_time, before_id) = before.unzip();
    Ok(sqlx::query_as(select_import!(
        "where org_id = $1
           and ($2::text is null or status = $2)
           and ($3::timestamptz is null or (created_at, id) < ($3, $4))
         order by created_at desc, id desc
         limit $5"
    ))
    .bind(org)
    .bind(status)
    .bind(before_time)
    .bind(before_id)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?)
}

/// The imports that were completed at that time, as audits read them, in the order in which they were
/// learned. One that was voided before it was completed still has its questions.
pub async fn completed(tx: &mut OrgTx, known_at: DateTime<Utc>) -> Result<Vec<ImportRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(select_import!(
        "where org_id = $1 and status in ('completed', 'voided') and completed_at <= $2
           and (voided_at is null or voided_at > $2) and questions = '[]'::jsonb
         order by learned"
    ))
    .bind(org)
    .bind(known_at)
    .fetch_all(tx.conn())
    .await?)
}

/// The imports that an audit read, voided since or not.
pub async fn of_audit(tx: &mut OrgTx, audit: AuditId) -> Result<Vec<ImportRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(select_import!(
        "where org_id = $1
           and id in (select import_id from audit_imports where org_id = $1 and audit_id = $2)
         order by learned"
    ))
    .bind(org)
    .bind(audit.uuid())
    .fetch_all(tx.conn())
    .await?)
}

/// Notes the job that reads an import.
pub async fn set_job(tx: &mut OrgTx, id: ImportId, job: JobId) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    let done =
        sqlx::query("update imports set job_id = $3 where org_id = $1 and id = $2 and status = 'processing'")
            .bind(org)
            .bind(id.uuid())
            .bind(job.uuid())
            .execute(tx.conn())
            .await?;
    expect_rows(done.rows_affected(), 1)
}

/// What reading a file found out.
#[derive(Clone, Debug)]
pub struct Findings<'a> {
    /// The state that follows: `needs_input`, `refused` or `completed`.
    pub status: &'a str,
    /// The format.
    pub format: Option<&'a str>,
    /// The sides.
    pub sides: Vec<String>,
    /// How sure.
    pub confidence: Option<rust_decimal::Decimal>,
    /// Text encoding.
    pub encoding: Option<&'a str>,
    /// Container.
    pub container: Option<&'a str>,
    /// Why this format.
    pub reasons: Value,
    /// Columns not known.
    pub unknown_columns: Value,
    /// Flagged rows.
    pub notes: Value,
    /// What must be answered.
    pub questions: Value,
    /// Day of the snapshot.
    pub snapshot_on: Option<NaiveDate>,
    /// First day covered, as stated.
    pub stated_from: Option<NaiveDate>,
    /// Day after the last one covered, as stated.
    pub stated_until: Option<NaiveDate>,
    /// Rows read.
    pub rows_read: i64,
    /// Rows refused.
    pub rows_refused: i64,
    /// Records to be stored.
    pub records: i64,
    /// `none`, `clients` or `all`.
    pub incomplete: &'a str,
    /// The clients whose rows were refused.
    pub incomplete_clients: Value,
    /// Why it was refused.
    pub problem: Option<Value>,
}

/// Stores what reading a file found out, once: only a `processing` import takes it.
pub async fn conclude(
    tx: &mut OrgTx,
    id: ImportId,
    found: &Findings<'_>,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    let done = sqlx::query(
        "update imports
         set status = $3, format = $4, sides = $5, confidence = $6, encoding = $7, container = $8, reasons = $9,
             unknown_columns = $10, notes = $11, questions = $12, snapshot_on = $13, stated_from = $14,
             stated_until = $15, rows_read = $16, rows_refused = $17, records = $18, incomplete = $19,
             incomplete_clients = $20, problem = $21, completed_at = $22, version = version + 1
         where org_id = $1 and id = $2 and status = 'processing'",
    )
    .bind(org)
    .bind(id.uuid())
    .bind(found.status)
    .bind(found.format)
    .bind(&found.sides)
    .bind(found.confidence)
    .bind(found.encoding)
    .bind(found.container)
    .bind(&found.reasons)
    .bind(&found.unknown_columns)
    .bind(&found.notes)
    .bind(&found.questions)
    .bind(found.snapshot_on)
    .bind(found.stated_from)
    .bind(found.stated_until)
    .bind(found.rows_read)
    .bind(found.rows_refused)
    .bind(found.records)
    .bind(found.incomplete)
    .bind(&found.incomplete_clients)
    .bind(&found.problem)
    .bind(now)
    .execute(tx.conn())
    .await?;
    expect_rows(done.rows_affected(), 1)
}

/// Takes the answers to an import's questions and sends it back to `processing`. `None` when it asks
/// nothing (any more), has another version, or is not there.
pub async fn answer(
    tx: &mut OrgTx,
    id: ImportId,
    version: i64,
    answers: &Value,
    identity: &str,
) -> Result<Option<ImportRow>, StorageError> {
    let org = tx.org().uuid();
    let changed: Option<(Uuid,)> = sqlx::query_as(
        "update imports
         set status = 'processing', answers = $4, identity = $5, questions = '[]', version = version + 1
         where org_id = $1 and id = $2 and version = $3 and status = 'needs_input'
         returning id",
    )
    .bind(org)
    .bind(id.uuid())
    .bind(version)
    .bind(answers)
    .bind(identity)
    .fetch_optional(tx.conn())
    .await?;
    match changed {
        Some(_) => find(tx, id).await,
        None => Ok(None),
    }
}

/// Voids a completed import: it keeps its rows and counts no more. False when it is not completed,
/// has another version, or is not there.
pub async fn void(
    tx: &mut OrgTx,
    id: ImportId,
    version: i64,
    reason: &str,
    by: &str,
    now: DateTime<Utc>,
) -> Result<bool, StorageError> {
    let org = tx.org().uuid();
    let done = sqlx::query(
        "update imports
         set status = 'voided', void_reason = $4, voided_by = $5, voided_at = $6, version = version + 1
         where org_id = $1 and id = $2 and version = $3 and status in ('completed', 'needs_input')",
    )
    .bind(org)
    .bind(id.uuid())
    .bind(version)
    .bind(reason)
    .bind(by)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}
