//! Persons whose names are erased: on request, or because the time for which they are kept is over. Here the requests;
//! `rows` has what was read from files, `texts` what people wrote, `log` what the log says.
//!
//! Which names are the same is decided by [`leakage_core::person`], never by the database.

mod log;
mod rows;
mod texts;

pub use log::{erase_log_entries, timeline_names};
pub use rows::{Given, erase_captured, files_that_name, replace_in_rows, spellings};
pub use texts::{Rewritten, aliases, current_contacts, rewrite_corrections, rewrite_texts, rewrite_timeline};

use super::{OrgTx, StorageError, expect_rows};
use chrono::{DateTime, Utc};
use leakage_core::id::JobId;
use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

/// A request as stored.
#[derive(Clone, Debug, FromRow)]
pub struct ErasureRow {
    /// Its id.
    pub id: Uuid,
    /// The name or address, until it is erased.
    pub person: Option<String>,
    /// Why.
    pub reason: String,
    /// `waiting`, `erasing`, `erased` or `failed`.
    pub status: String,
    /// How much was erased, by kind.
    pub erased: Value,
    /// Digests of archives to be removed.
    pub objects: Vec<String>,
    /// Imports whose file may still name the person.
    pub files: Value,
    /// What else names the person and is kept, with the reason.
    pub kept: Value,
    /// Why it failed last.
    pub problem: Option<Value>,
    /// When it is tried again.
    pub retry_at: Option<DateTime<Utc>>,
    /// The job that does it.
    pub job_id: Option<Uuid>,
    /// Who asked for it.
    pub requested_by: String,
    /// When.
    pub requested_at: DateTime<Utc>,
    /// When it was done.
    pub erased_at: Option<DateTime<Utc>>,
}

/// The columns of [`ErasureRow`], for the statements below.
macro_rules! select_erasure {
    ($rest:literal) => {
        concat!(
            "select id, person, reason, status, erased, objects, files, kept, problem, retry_at, job_id, requested_by,
                    requested_at, erased_at
             from erasures ",
            $rest
        )
    };
}

/// Adds a request, with the job that fulfils it.
pub async fn insert(
    tx: &mut OrgTx,
    (id, job): (Uuid, JobId),
    (person, reason): (&str, &str),
    by: &str,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    sqlx::query(
        "insert into erasures (org_id, id, person, reason, job_id, requested_by, requested_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(org)
    .bind(id)
    .bind(person)
    .bind(reason)
    .bind(job.uuid())
    .bind(by)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// One request.
pub async fn find(tx: &mut OrgTx, id: Uuid) -> Result<Option<ErasureRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(select_erasure!("where org_id = $1 and id = $2"))
        .bind(org)
        .bind(id)
        .fetch_optional(tx.conn())
        .await?)
}

/// Requests, the newest first.
pub async fn list(tx: &mut OrgTx, before: Option<Uuid>, limit: i64) -> Result<Vec<ErasureRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(select_erasure!(
        "where org_id = $1 and ($2::uuid is null or id < $2)
         order by id desc
         limit $3"
    ))
    .bind(org)
    .bind(before)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?)
}

/// Lets what erases persons and what freezes their names in a bundle take their turns, until the transaction ends.
pub async fn lock(tx: &mut OrgTx) -> Result<(), StorageError> {
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('evidence persons ' || $1::text, 0))")
        .bind(tx.org().uuid())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// How many requests have been fulfilled: facts that were gathered before the last one may name its person.
pub async fn fulfilled(tx: &mut OrgTx) -> Result<i64, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_scalar("select count(*) from erasures where org_id = $1 and person is null")
        .bind(org)
        .fetch_one(tx.conn())
        .await?)
}

/// Whether a bundle is being built from facts that are frozen already.
pub async fn any_building(tx: &mut OrgTx) -> Result<bool, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_scalar(
        "select exists (select from evidence_bundles where org_id = $1 and status = 'building')",
    )
    .bind(org)
    .fetch_one(tx.conn())
    .await?)
}

/// Notes what was erased, and the archives that are still to be removed.
pub async fn erasing(
    tx: &mut OrgTx,
    id: Uuid,
    (erased, files, kept): (&Value, &Value, &Value),
    objects: &[String],
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    let done = sqlx::query(
        "update erasures
         set status = 'erasing', person = null, erased = $3, objects = $4, files = $5, kept = $6
         where org_id = $1 and id = $2 and status = 'waiting'",
    )
    .bind(org)
    .bind(id)
    .bind(erased)
    .bind(objects)
    .bind(files)
    .bind(kept)
    .execute(tx.conn())
    .await?;
    expect_rows(done.rows_affected(), 1)
}

/// Ends a request.
pub async fn end(tx: &mut OrgTx, id: Uuid, now: DateTime<Utc>) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    sqlx::query(
        "update erasures
         set status = 'erased', objects = '{}', erased_at = $3, problem = null, retry_at = null
         where org_id = $1 and id = $2 and status = 'erasing'",
    )
    .bind(org)
    .bind(id)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Notes that a request could not be fulfilled, and when it is tried again. What it still needs stays: the name before
/// anything was erased, the archives afterwards.
pub async fn fail(
    tx: &mut OrgTx,
    id: Uuid,
    problem: &Value,
    retry_at: DateTime<Utc>,
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    let done = sqlx::query(
        "update erasures
         set status = 'failed', problem = $3, retry_at = $4
         where org_id = $1 and id = $2 and status in ('waiting', 'erasing')",
    )
    .bind(org)
    .bind(id)
    .bind(problem)
    .bind(retry_at)
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 1 {
        super::evidence_clock::set(tx, "tend", retry_at).await?;
    }
    Ok(())
}

/// Failed requests whose time has come, to be taken up where they were.
pub async fn to_retry(tx: &mut OrgTx, now: DateTime<Utc>) -> Result<Vec<Uuid>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_scalar(
        "select id
         from erasures
         where org_id = $1 and status = 'failed' and (retry_at is null or retry_at <= $2)
         order by id
         for no key update",
    )
    .bind(org)
    .bind(now)
    .fetch_all(tx.conn())
    .await?)
}

/// Takes a failed request up again: without a name its persons are erased already, and archives are left to remove.
pub async fn retry(tx: &mut OrgTx, id: Uuid, job: JobId) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    let done = sqlx::query(
        "update erasures
         set status = case when person is null then 'erasing' else 'waiting' end, job_id = $3, retry_at = null
         where org_id = $1 and id = $2 and status = 'failed'",
    )
    .bind(org)
    .bind(id)
    .bind(job.uuid())
    .execute(tx.conn())
    .await?;
    expect_rows(done.rows_affected(), 1)
}
