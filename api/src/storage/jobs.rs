//! Background work: tables `jobs` (what an organization sees) and `job_queue` (what workers see).
//!
//! The queue's `fence` grows with every claim. All that a worker writes is conditional on the fence it
//! claimed the job with, so that a worker that was thought dead cannot commit after its successor.

use super::{OrgTx, StorageError, SystemTx, expect_rows};
use chrono::{DateTime, Utc};
use leakage_core::id::{JobId, OrgId};
use serde_json::Value;
use uuid::Uuid;

/// A job as its organization sees it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct JobRow {
    /// Its id.
    pub job_id: Uuid,
    /// Name of its kind.
    pub kind: String,
    /// What it works on.
    pub subject: Uuid,
    /// `queued`, `running`, `succeeded` or `failed`.
    pub status: String,
    /// How often it was begun.
    pub attempts: i32,
    /// Units done.
    pub progress_done: i64,
    /// Units in all, once known.
    pub progress_total: Option<i64>,
    /// What is being done.
    pub progress_note: Option<String>,
    /// What has come out so far, such as rows of a file.
    pub progress_rows: Option<i64>,
    /// What came out.
    pub result: Option<Value>,
    /// Why it failed: problem details.
    pub problem: Option<Value>,
    /// Grows with every change.
    pub version: i64,
    /// When it was enqueued.
    pub created_at: DateTime<Utc>,
    /// When it was first begun.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}

/// A job that a worker has claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Which job.
    pub job: JobId,
    /// Whose.
    pub org: OrgId,
    /// The number that this claim's writes are conditional on.
    pub fence: i64,
    /// How often it has been claimed, this time included.
    pub attempt: i32,
}

/// How far a job is.
#[derive(Clone, Copy, Debug)]
pub struct JobProgress<'a> {
    /// Units done.
    pub done: i64,
    /// Units in all, once known.
    pub total: Option<i64>,
    /// What has come out so far, such as rows of a file.
    pub rows: Option<i64>,
    /// What is being done.
    pub note: &'a str,
}

/// Adds a job, to run at once, in the transaction that causes it.
pub async fn enqueue(
    tx: &mut OrgTx,
    now: DateTime<Utc>,
    job: JobId,
    kind: &str,
    subject: Uuid,
    payload: &Value,
) -> Result<(), StorageError> {
    enqueue_at(tx, (now, now), job, kind, subject, payload).await
}

/// The same, to run at a later time.
pub async fn enqueue_at(
    tx: &mut OrgTx,
    (now, run_at): (DateTime<Utc>, DateTime<Utc>),
    job: JobId,
    kind: &str,
    subject: Uuid,
    payload: &Value,
) -> Result<(), StorageError> {
    sqlx::query(
        "insert into jobs (org_id, job_id, kind, subject, payload, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $6)",
    )
    .bind(tx.org().uuid())
    .bind(job.uuid())
    .bind(kind)
    .bind(subject)
    .bind(payload)
    .bind(now)
    .execute(tx.conn())
    .await?;
    sqlx::query(
        "insert into job_queue (job_id, organization, kind, run_at, created_at)
         values ($1, $2, $3, $5, $4)",
    )
    .bind(job.uuid())
    .bind(tx.org().uuid())
    .bind(kind)
    .bind(now)
    .bind(run_at)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Claims up to `limit` jobs until `lease_until`: those whose time has come and that nobody works on.
/// Organizations take turns: one that has many jobs waiting or running comes after one that has few.
pub async fn claim(
    tx: &mut SystemTx,
    now: DateTime<Utc>,
    lease_until: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Claim>, StorageError> {
    let rows: Vec<(Uuid, Uuid, i64, i32)> = sqlx::query_as(
        "with running as (
           select organization, count(*) as jobs
           from job_queue
           where dead_at is null and lease_until > $1
           group by organization
         ), ready as (
           select job_id, run_at,
                  row_number() over (partition by organization order by run_at, job_id)
                    + coalesce(running.jobs, 0) as turn
           from job_queue
           left join running using (organization)
           where dead_at is null and run_at <= $1 and (lease_until is null or lease_until <= $1)
         ), picked as (
           select job_queue.job_id
           from job_queue
           join ready using (job_id)
           where job_queue.dead_at is null
             and job_queue.run_at <= $1
             and (job_queue.lease_until is null or job_queue.lease_until <= $1)
           order by ready.turn, ready.run_at, job_queue.job_id
           limit $3
           for update of job_queue skip locked
         )
         update job_queue
         set lease_until = $2, fence = fence + 1, attempts = attempts + 1
         from picked
         where job_queue.job_id = picked.job_id
         returning job_queue.job_id, organization, fence, attempts",
    )
    .bind(now)
    .bind(lease_until)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|(job, org, fence, attempt)| Claim { job: job.into(), org: org.into(), fence, attempt })
        .collect())
}

/// Extends a claim; false: it is no longer ours.
pub async fn extend(
    tx: &mut SystemTx,
    claim: Claim,
    lease_until: DateTime<Utc>,
) -> Result<bool, StorageError> {
    let done = sqlx::query(
        "update job_queue set lease_until = $3 where job_id = $1 and fence = $2 and dead_at is null",
    )
    .bind(claim.job.uuid())
    .bind(claim.fence)
    .bind(lease_until)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Marks a claimed job as running and answers its kind, subject and payload; none: no longer ours.
pub async fn start(
    tx: &mut OrgTx,
    claim: Claim,
    now: DateTime<Utc>,
) -> Result<Option<(String, Uuid, Value)>, StorageError> {
    if !holds(tx, claim).await? {
        return Ok(None);
    }
    Ok(sqlx::query_as(
        "update jobs
         set status = 'running', attempts = $3, started_at = coalesce(started_at, $4), updated_at = $4,
             version = version + 1
         where org_id = $1 and job_id = $2 and finished_at is null
         returning kind, subject, payload",
    )
    .bind(tx.org().uuid())
    .bind(claim.job.uuid())
    .bind(claim.attempt)
    .bind(now)
    .fetch_optional(tx.conn())
    .await?)
}

/// Whether the claim is still ours; if so, it stays ours until the transaction ends.
async fn holds(tx: &mut OrgTx, claim: Claim) -> Result<bool, StorageError> {
    let held: Option<i32> = sqlx::query_scalar(
        "select 1 from job_queue where job_id = $1 and fence = $2 and dead_at is null for update",
    )
    .bind(claim.job.uuid())
    .bind(claim.fence)
    .fetch_optional(tx.conn())
    .await?;
    Ok(held.is_some())
}

/// Records how far a job is; false: it is no longer ours.
pub async fn progress(
    tx: &mut OrgTx,
    claim: Claim,
    now: DateTime<Utc>,
    progress: &JobProgress<'_>,
) -> Result<bool, StorageError> {
    if !holds(tx, claim).await? {
        return Ok(false);
    }
    let changed = sqlx::query(
        "update jobs
         set progress_done = $3, progress_total = $4, progress_note = $5, progress_rows = $6,
             updated_at = $7, version = version + 1
         where org_id = $1 and job_id = $2 and status = 'running'",
    )
    .bind(tx.org().uuid())
    .bind(claim.job.uuid())
    .bind(progress.done)
    .bind(progress.total)
    .bind(progress.note)
    .bind(progress.rows)
    .bind(now)
    .execute(tx.conn())
    .await?;
    expect_rows(changed.rows_affected(), 1)?;
    Ok(true)
}

/// Ends a job with a result, or with a problem; false: it is no longer ours, so roll back.
pub async fn finish(
    tx: &mut OrgTx,
    claim: Claim,
    now: DateTime<Utc>,
    outcome: Result<&Value, &Value>,
) -> Result<bool, StorageError> {
    let left = sqlx::query("delete from job_queue where job_id = $1 and fence = $2 and dead_at is null")
        .bind(claim.job.uuid())
        .bind(claim.fence)
        .execute(tx.conn())
        .await?;
    if left.rows_affected() == 0 {
        return Ok(false);
    }
    end(tx, claim.job, now, outcome).await?;
    Ok(true)
}

/// Gives a job up: it stays in the queue, dead, and has failed for its organization; false: it is no
/// longer ours.
pub async fn bury(
    tx: &mut OrgTx,
    claim: Claim,
    now: DateTime<Utc>,
    problem: &Value,
) -> Result<bool, StorageError> {
    let left = sqlx::query(
        "update job_queue set dead_at = $3, lease_until = null
         where job_id = $1 and fence = $2 and dead_at is null",
    )
    .bind(claim.job.uuid())
    .bind(claim.fence)
    .bind(now)
    .execute(tx.conn())
    .await?;
    if left.rows_affected() == 0 {
        return Ok(false);
    }
    end(tx, claim.job, now, Err(problem)).await?;
    Ok(true)
}

async fn end(
    tx: &mut OrgTx,
    job: JobId,
    now: DateTime<Utc>,
    outcome: Result<&Value, &Value>,
) -> Result<(), StorageError> {
    let status = if outcome.is_ok() { "succeeded" } else { "failed" };
    let changed = sqlx::query(
        "update jobs
         set status = $3, result = $4, problem = $5, finished_at = $6, updated_at = $6,
             version = version + 1
         where org_id = $1 and job_id = $2 and finished_at is null",
    )
    .bind(tx.org().uuid())
    .bind(job.uuid())
    .bind(status)
    .bind(outcome.ok())
    .bind(outcome.err())
    .bind(now)
    .execute(tx.conn())
    .await?;
    expect_rows(changed.rows_affected(), 1)
}

/// Gives a job back, to run again at `run_at`; false: it is no longer ours.
pub async fn release(
    tx: &mut OrgTx,
    claim: Claim,
    now: DateTime<Utc>,
    run_at: DateTime<Utc>,
) -> Result<bool, StorageError> {
    let left = sqlx::query(
        "update job_queue set lease_until = null, run_at = $3
         where job_id = $1 and fence = $2 and dead_at is null",
    )
    .bind(claim.job.uuid())
    .bind(claim.fence)
    .bind(run_at)
    .execute(tx.conn())
    .await?;
    if left.rows_affected() == 0 {
        return Ok(false);
    }
    let changed = sqlx::query(
        "update jobs set status = 'queued', updated_at = $3, version = version + 1
         where org_id = $1 and job_id = $2 and finished_at is null",
    )
    .bind(tx.org().uuid())
    .bind(claim.job.uuid())
    .bind(now)
    .execute(tx.conn())
    .await?;
    expect_rows(changed.rows_affected(), 1)?;
    Ok(true)
}

/// Takes all jobs from their workers, for a database of which it is known that no worker lives: they can
/// be begun again at once. One that lives nevertheless commits nothing, for its fence is passed.
pub async fn release_all(tx: &mut SystemTx) -> Result<u64, StorageError> {
    let done = sqlx::query("update job_queue set lease_until = null where lease_until is not null")
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected())
}

/// One job.
pub async fn find(tx: &mut OrgTx, job: JobId) -> Result<Option<JobRow>, StorageError> {
    Ok(sqlx::query_as(
        "select job_id, kind, subject, status, attempts, progress_done, progress_total, progress_note, progress_rows,
                result, problem, version, created_at, started_at, finished_at
         from jobs
         where org_id = $1 and job_id = $2",
    )
    .bind(tx.org().uuid())
    .bind(job.uuid())
    .fetch_optional(tx.conn())
    .await?)
}

/// Jobs, newest first, after a position; `status` and `kind` narrow them.
pub async fn list(
    tx: &mut OrgTx,
    status: Option<&str>,
    kind: Option<&str>,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<JobRow>, StorageError> {
    let (after_time, after_id) = after.unzip();
    Ok(sqlx::query_as(
        "select job_id, kind, subject, status, attempts, progress_done, progress_total, progress_note, progress_rows,
                result, problem, version, created_at, started_at, finished_at
         from jobs
         where org_id = $1
           and ($2::text is null or status = $2)
           and ($3::text is null or kind = $3)
           and ($4::timestamptz is null or (created_at, job_id) < ($4, $5))
         order by created_at desc, job_id desc
         limit $6",
    )
    .bind(tx.org().uuid())
    .bind(status)
    .bind(kind)
    .bind(after_time)
    .bind(after_id)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?)
}

/// Whether a job of this kind waits or runs for the organization.
pub async fn any_unfinished(tx: &mut OrgTx, kind: &str) -> Result<bool, StorageError> {
    Ok(sqlx::query_scalar(
        "select exists (select from jobs where org_id = $1 and kind = $2 and finished_at is null)",
    )
    .bind(tx.org().uuid())
    .bind(kind)
    .fetch_one(tx.conn())
    .await?)
}

/// Keeps a job of this kind that waits for a worker from being begun before the transaction ends, so that it
/// sees what the transaction writes. False: none waits, or another transaction keeps it.
pub async fn hold_waiting(tx: &mut OrgTx, kind: &str, now: DateTime<Utc>) -> Result<bool, StorageError> {
    let held: Option<i32> = sqlx::query_scalar(
        "select 1
         from job_queue
         where organization = $1 and kind = $2 and dead_at is null and lease_until is null and run_at <= $3
         limit 1
         for update skip locked",
    )
    .bind(tx.org().uuid())
    .bind(kind)
    .bind(now)
    .fetch_optional(tx.conn())
    .await?;
    Ok(held.is_some())
}

/// Whether a job of this kind waits for a worker that runs at a time or earlier.
pub async fn any_waiting_by(tx: &mut OrgTx, kind: &str, at: DateTime<Utc>) -> Result<bool, StorageError> {
    Ok(sqlx::query_scalar(
        "select exists (
           select from job_queue
           where organization = $1 and kind = $2 and dead_at is null and lease_until is null and run_at <= $3
         )",
    )
    .bind(tx.org().uuid())
    .bind(kind)
    .bind(at)
    .fetch_one(tx.conn())
    .await?)
}

/// Removes the organization's jobs that ended before `until`, but for those that an operator may start
/// again; answers how many.
pub async fn remove_ended_before(tx: &mut OrgTx, until: DateTime<Utc>) -> Result<u64, StorageError> {
    let done = sqlx::query(
        "delete from jobs
         where org_id = $1 and finished_at <= $2
           and not exists (select from job_queue where job_queue.job_id = jobs.job_id)",
    )
    .bind(tx.org().uuid())
    .bind(until)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}

/// How many jobs wait or run, and how many were given up, over all organizations.
pub async fn backlog(tx: &mut SystemTx) -> Result<(i64, i64), StorageError> {
    Ok(sqlx::query_as(
        "select count(*) filter (where dead_at is null), count(*) filter (where dead_at is not null)
         from job_queue",
    )
    .fetch_one(tx.conn())
    .await?)
}
