//! Deliveries of letters, and what happened to each: entries that are only added.

use super::{OrgTx, StorageError, expect_rows};
use chrono::{DateTime, Utc};
use leakage_core::id::{CorrectionId, DeliveryId, JobId, LetterId};
use sqlx::FromRow;
use uuid::Uuid;

/// A delivery as stored.
#[derive(Clone, Debug, FromRow)]
pub struct DeliveryRow {
    /// Its id.
    pub id: Uuid,
    /// The letter.
    pub letter_id: Uuid,
    /// To whom.
    pub recipient: String,
    /// `smtp` or `handed_out`.
    pub channel: String,
    /// `queued`, `sent`, `failed`, `handed_out` or `delivered`.
    pub status: String,
    /// Of the message; the same in every attempt.
    pub message_id: Option<String>,
    /// Digest of the letter.
    pub letter_sha256: String,
    /// The job that sends it.
    pub job_id: Option<Uuid>,
    /// For ETag and If-Match.
    pub version: i64,
    /// Who asked for it.
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// When it arrived.
    pub delivered_at: Option<DateTime<Utc>>,
}

/// One thing that happened.
#[derive(Clone, Debug, FromRow)]
pub struct AttemptRow {
    /// Of which delivery.
    pub delivery_id: Uuid,
    /// Counts up from 1.
    pub position: i32,
    /// What.
    pub outcome: String,
    /// What the mail server or the person said.
    pub detail: Option<String>,
    /// Who.
    pub actor: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// A delivery to be stored.
#[derive(Clone, Debug)]
pub struct NewDelivery<'a> {
    /// Its id.
    pub id: DeliveryId,
    /// The letter.
    pub letter: LetterId,
    /// Digest of the letter.
    pub letter_sha256: &'a str,
    /// To whom.
    pub recipient: &'a str,
    /// Of the message that we send; none: it is handed out.
    pub message_id: Option<&'a str>,
    /// The job that sends it.
    pub job: Option<JobId>,
    /// Who asks for it.
    pub by: &'a str,
}

/// The columns of [`DeliveryRow`], for the statements below.
macro_rules! columns {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            " id, letter_id, recipient, channel, status, message_id, letter_sha256, job_id, version, created_by,
              created_at, updated_at, delivered_at ",
            $after
        )
    };
}

/// Stores a delivery: queued when it has a message id, handed out otherwise.
pub async fn insert(
    tx: &mut OrgTx,
    new: &NewDelivery<'_>,
    now: DateTime<Utc>,
) -> Result<DeliveryRow, StorageError> {
    let org = tx.org().uuid();
    let (channel, status) =
        if new.message_id.is_some() { ("smtp", "queued") } else { ("handed_out", "handed_out") };
    let row: DeliveryRow = sqlx::query_as(columns!(
        "insert into deliveries (org_id, id, letter_id, recipient, channel, status, message_id, letter_sha256, job_id,
                                 created_by, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
         returning",
        ""
    ))
    .bind(org)
    .bind(new.id.uuid())
    .bind(new.letter.uuid())
    .bind(new.recipient)
    .bind(channel)
    .bind(status)
    .bind(new.message_id)
    .bind(new.letter_sha256)
    .bind(new.job.map(JobId::uuid))
    .bind(new.by)
    .bind(now)
    .fetch_one(tx.conn())
    .await?;
    note(tx, new.id, status, None, new.by, now).await?;
    Ok(row)
}

/// Adds an entry of what happened.
pub async fn note(
    tx: &mut OrgTx,
    id: DeliveryId,
    outcome: &str,
    detail: Option<&str>,
    actor: &str,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    let done = sqlx::query(
        "insert into delivery_attempts (org_id, delivery_id, position, outcome, detail, actor, at)
         select $1, $2, coalesce(max(position), 0) + 1, $3, $4, $5, $6
         from delivery_attempts
         where org_id = $1 and delivery_id = $2",
    )
    .bind(org)
    .bind(id.uuid())
    .bind(outcome)
    .bind(detail)
    .bind(actor)
    .bind(now)
    .execute(tx.conn())
    .await?;
    expect_rows(done.rows_affected(), 1)
}

/// Ends a queued delivery as `sent` or `failed`; false: it is not queued any more.
pub async fn end(
    tx: &mut OrgTx,
    id: DeliveryId,
    status: &str,
    now: DateTime<Utc>,
) -> Result<bool, StorageError> {
    let org = tx.org().uuid();
    let done = sqlx::query(
        "update deliveries
         set status = $3, updated_at = $4, version = version + 1
         where org_id = $1 and id = $2 and status = 'queued'",
    )
    .bind(org)
    .bind(id.uuid())
    .bind(status)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Records that a delivery of this version arrived; none where it is another version, or not out yet.
pub async fn deliver(
    tx: &mut OrgTx,
    id: DeliveryId,
    version: i64,
    delivered_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Option<DeliveryRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(columns!(
        "update deliveries
         set status = 'delivered', delivered_at = $4, updated_at = $5, version = version + 1
         where org_id = $1 and id = $2 and version = $3 and status in ('sent', 'handed_out')
         returning",
        ""
    ))
    .bind(org)
    .bind(id.uuid())
    .bind(version)
    .bind(delivered_at)
    .bind(now)
    .fetch_optional(tx.conn())
    .await?)
}

/// One delivery.
pub async fn find(tx: &mut OrgTx, id: DeliveryId) -> Result<Option<DeliveryRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(columns!("select", "from deliveries where org_id = $1 and id = $2"))
        .bind(org)
        .bind(id.uuid())
        .fetch_optional(tx.conn())
        .await?)
}

/// The deliveries of a letter, oldest first, after a position.
pub async fn of_letter(
    tx: &mut OrgTx,
    letter: LetterId,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<DeliveryRow>, StorageError> {
    let org = tx.org().uuid();
    let (after_time, after_id) = after.unzip();
    Ok(sqlx::query_as(columns!(
        "select",
        "from deliveries
         where org_id = $1 and letter_id = $2
           and ($3::timestamptz is null or (created_at, id) > ($3, $4))
         order by created_at, id
         limit $5"
    ))
    .bind(org)
    .bind(letter.uuid())
    .bind(after_time)
    .bind(after_id)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?)
}

/// The last delivery of any letter of a correction that did not fail.
pub async fn last_of_correction(
    tx: &mut OrgTx,
    correction: CorrectionId,
) -> Result<Option<DeliveryRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select d.id, d.letter_id, d.recipient, d.channel, d.status, d.message_id, d.letter_sha256, d.job_id, d.version,
                d.created_by, d.created_at, d.updated_at, d.delivered_at
         from letters l
         join deliveries d on d.org_id = l.org_id and d.letter_id = l.id
         where l.org_id = $1 and l.correction_id = $2 and d.status <> 'failed'
         order by d.created_at desc, d.id desc
         limit 1",
    )
    .bind(org)
    .bind(correction.uuid())
    .fetch_optional(tx.conn())
    .await?)
}

/// What happened to some deliveries, in order.
pub async fn attempts(tx: &mut OrgTx, deliveries: &[Uuid]) -> Result<Vec<AttemptRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select delivery_id, position, outcome, detail, actor, at
         from delivery_attempts
         where org_id = $1 and delivery_id = any($2)
         order by delivery_id, position",
    )
    .bind(org)
    .bind(deliveries)
    .fetch_all(tx.conn())
    .await?)
}
