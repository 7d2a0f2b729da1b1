//! Persons whose names are erased: on request, or because the time for which they are kept is over.

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
            "select id, person, reason, status, erased, objects, files, job_id, requested_by, requested_at, erased_at
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
    Ok(sqlx::query_scalar(
        "select count(*) from erasures where org_id = $1 and status in ('erasing', 'erased')",
    )
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

/// Imports whose rows name a person: id and name of the file.
pub async fn files_that_name(tx: &mut OrgTx, person: &str) -> Result<Vec<(Uuid, String)>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select i.id, i.file_name
         from imports i
         where i.org_id = $1
           and i.id in (select import_id from activities where org_id = $1 and lower(user_name) = $2
                        union
                        select import_id
                        from provisioning_events
                        where org_id = $1 and (lower(user_name) = $2 or lower(actor) = $2))
         order by i.id",
    )
    .bind(org)
    .bind(person)
    .fetch_all(tx.conn())
    .await?)
}

/// Whose names are replaced.
#[derive(Clone, Copy, Debug)]
pub enum Whose<'a> {
    /// This person's, in lower case.
    Person(&'a str),
    /// Everybody's, in what was read or captured before then, but for what open corrections rest on.
    Before(DateTime<Utc>),
}

impl<'a> Whose<'a> {
    const fn parts(self) -> (Option<&'a str>, Option<DateTime<Utc>>) {
        match self {
            Self::Person(person) => (Some(person), None),
            Self::Before(at) => (None, Some(at)),
        }
    }
}

/// Replaces names in the rows of imports by what tells persons apart and nobody who they are: `salt` is thrown
/// away. Answers for how many rows.
pub async fn replace_in_rows(tx: &mut OrgTx, whose: Whose<'_>, salt: &[u8]) -> Result<u64, StorageError> {
    let org = tx.org().uuid();
    let (person, before) = whose.parts();
    let activities = sqlx::query(
        "update activities a
         set user_name = 'erased-' || left(encode(sha256($4 || convert_to(lower(a.user_name), 'UTF8')), 'hex'), 16)
         where a.org_id = $1 and a.user_name not like 'erased-%'
           and ($2::text is null or lower(a.user_name) = $2)
           and ($3::timestamptz is null
                or a.import_id in (select id from imports where org_id = $1 and completed_at < $3))",
    )
    .bind(org)
    .bind(person)
    .bind(before)
    .bind(salt)
    .execute(tx.conn())
    .await?;
    let events = sqlx::query(
        "update provisioning_events p
         set user_name = case when p.user_name like 'erased-%' or lower(p.user_name) <> $2 then p.user_name
           else 'erased-' || left(encode(sha256($4 || convert_to(lower(p.user_name), 'UTF8')), 'hex'), 16) end,
             actor = case when p.actor like 'erased-%' or lower(p.actor) <> $2 then p.actor
           else 'erased-' || left(encode(sha256($4 || convert_to(lower(p.actor), 'UTF8')), 'hex'), 16) end
         where p.org_id = $1
           and ($2::text is null or lower(p.user_name) = $2 or lower(p.actor) = $2)
           and (p.user_name not like 'erased-%' or p.actor not like 'erased-%')
           and ($3::timestamptz is null
                or p.import_id in (select id from imports where org_id = $1 and completed_at < $3))",
    )
    .bind(org)
    .bind(person)
    .bind(before)
    .bind(salt)
    .execute(tx.conn())
    .await?;
    Ok(activities.rows_affected() + events.rows_affected())
}

/// Removes persons from captured evidence; the digest of what it said stays. Answers for how many rows.
pub async fn erase_captured(
    tx: &mut OrgTx,
    whose: Whose<'_>,
    now: DateTime<Utc>,
) -> Result<u64, StorageError> {
    let org = tx.org().uuid();
    let (person, before) = whose.parts();
    let done = sqlx::query(
        "update captured_evidence e
         set user_name = null, actor = null, erased_at = $4
         where e.org_id = $1 and e.erased_at is null
           and ($2::text is null or lower(e.user_name) = $2 or lower(e.actor) = $2)
           and ($3::timestamptz is null
                or (e.captured_at < $3
                    and not exists (select
                                    from correction_months m
                                    where m.org_id = e.org_id and m.gap_id = e.gap_id and m.open)))",
    )
    .bind(org)
    .bind(person)
    .bind(before)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}

/// Erases what entries of the log said of a person; their hashes stay. Answers their places.
///
/// A person is named by whole words of who did it, without the kind of actor, or of why. Entries that tell of
/// erasures are kept: they say which others were erased.
pub async fn erase_log_entries(
    tx: &mut OrgTx,
    person: &str,
    now: DateTime<Utc>,
) -> Result<Vec<i64>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_scalar(
        "update timeline_log_entries
         set entry = null, erased_at = $3
         where org_id = $1 and entry is not null and entry::json ->> 'command' <> 'erase_person'
           and position(words_of($2) in words_of(concat(
                 regexp_replace(entry::json ->> 'actor', '^[a-z_]+:', ''), ' ', entry::json ->> 'reason'))) > 0
         returning place",
    )
    .bind(org)
    .bind(person)
    .bind(now)
    .fetch_all(tx.conn())
    .await?)
}

/// Notes what was erased, and the archives that are still to be removed.
pub async fn erasing(
    tx: &mut OrgTx,
    id: Uuid,
    erased: &Value,
    objects: &[String],
    files: &Value,
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    let done = sqlx::query(
        "update erasures
         set status = 'erasing', person = null, erased = $3, objects = $4, files = $5
         where org_id = $1 and id = $2 and status = 'waiting'",
    )
    .bind(org)
    .bind(id)
    .bind(erased)
    .bind(objects)
    .bind(files)
    .execute(tx.conn())
    .await?;
    expect_rows(done.rows_affected(), 1)
}

/// Ends a request.
pub async fn end(tx: &mut OrgTx, id: Uuid, now: DateTime<Utc>) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    sqlx::query(
        "update erasures
         set status = 'erased', objects = '{}', erased_at = $3
         where org_id = $1 and id = $2 and status = 'erasing'",
    )
    .bind(org)
    .bind(id)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Notes that a request could not be fulfilled. The name stays, so that it can be asked for again.
pub async fn fail(tx: &mut OrgTx, id: Uuid, problem: &Value) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    sqlx::query(
        "update erasures
         set status = 'failed', problem = $3
         where org_id = $1 and id = $2 and status in ('waiting', 'erasing')",
    )
    .bind(org)
    .bind(id)
    .bind(problem)
    .execute(tx.conn())
    .await?;
    Ok(())
}
