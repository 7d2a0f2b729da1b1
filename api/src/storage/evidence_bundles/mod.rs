//! Evidence bundles: what they are of, how far they are, and which persons they name.

mod archives;

pub use archives::{erase, index, left, removed, unindexed, writing};

use super::{OrgTx, StorageError, expect_rows};
use chrono::{DateTime, Utc};
use leakage_core::id::{CorrectionId, JobId};
use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

/// A bundle as stored, without its facts.
#[derive(Clone, Debug, FromRow)]
pub struct BundleRow {
    /// Its id.
    pub id: Uuid,
    /// The correction that it proves.
    pub correction_id: Uuid,
    /// Counts the correction's bundles from 1.
    pub number: i32,
    /// The version of the correction whose facts it holds.
    pub correction_version: i64,
    /// How many entries the ledger had by then.
    pub ledger_entries: i32,
    /// Whether a message to the client rests on it.
    pub of_message: bool,
    /// `full` or `pseudonymous`.
    pub names: String,
    /// `waiting`, `building`, `built`, `failed` or `erased`.
    pub status: String,
    /// The one before it.
    pub predecessor: Option<Uuid>,
    /// The job that builds it.
    pub job_id: Option<Uuid>,
    /// Digest of its facts, once they are in the log.
    pub frozen_digest: Option<String>,
    /// Place of the log's entry that names it.
    pub log_place: Option<i64>,
    /// The checkpoint that it holds.
    pub checkpoint_size: Option<i64>,
    /// Digest of the archive.
    pub sha256: Option<String>,
    /// Its bytes.
    pub size_bytes: Option<i64>,
    /// Digest of its manifest.
    pub manifest_sha256: Option<String>,
    /// Why it could not be built.
    pub problem: Option<Value>,
    /// Who asked for it.
    pub created_by: String,
    /// When: what happened later is not in it.
    pub created_at: DateTime<Utc>,
    /// When it was built.
    pub built_at: Option<DateTime<Utc>>,
    /// When its content was erased.
    pub erased_at: Option<DateTime<Utc>>,
    /// Why.
    pub erased_because: Option<String>,
    /// For ETag.
    pub version: i64,
}

/// The columns of [`BundleRow`], for the statements below.
macro_rules! select_bundle {
    ($rest:literal) => {
        concat!(
            "select id, correction_id, number, correction_version, ledger_entries, of_message, names, status, predecessor,
                    job_id, frozen_digest, log_place, checkpoint_size, sha256, size_bytes, manifest_sha256, problem,
                    created_by, created_at, built_at, erased_at, erased_because, version
             from evidence_bundles ",
            $rest
        )
    };
}

/// A bundle that is asked for.
#[derive(Clone, Debug)]
pub struct NewBundle<'a> {
    /// Its id.
    pub id: Uuid,
    /// The correction.
    pub correction: CorrectionId,
    /// Its version.
    pub correction_version: i64,
    /// Entries of its ledger.
    pub ledger_entries: i32,
    /// Whether a message rests on it.
    pub of_message: bool,
    /// `full` or `pseudonymous`.
    pub names: &'a str,
    /// The correction as it is.
    pub conversation: &'a Value,
    /// Its state.
    pub state: &'a str,
    /// Who asks.
    pub by: &'a str,
}

/// Adds a bundle that waits to be built. The correction must be locked, for bundles are counted.
pub async fn insert(tx: &mut OrgTx, new: &NewBundle<'_>, now: DateTime<Utc>) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    sqlx::query(
        "insert into evidence_bundles (org_id, id, correction_id, number, correction_version, ledger_entries, of_message,
                                       names, created_by, created_at)
         select $1, $2, $3, coalesce(max(number), 0) + 1, $4, $5, $6, $7, $8, $9
         from evidence_bundles
         where org_id = $1 and correction_id = $3",
    )
    .bind(org)
    .bind(new.id)
    .bind(new.correction.uuid())
    .bind(new.correction_version)
    .bind(new.ledger_entries)
    .bind(new.of_message)
    .bind(new.names)
    .bind(new.by)
    .bind(now)
    .execute(tx.conn())
    .await?;
    sqlx::query(
        "insert into evidence_bundle_facts (org_id, bundle_id, correction, state)
         values ($1, $2, $3::json, $4)",
    )
    .bind(org)
    .bind(new.id)
    .bind(new.conversation)
    .bind(new.state)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// One bundle.
pub async fn find(tx: &mut OrgTx, id: Uuid) -> Result<Option<BundleRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(select_bundle!("where org_id = $1 and id = $2"))
        .bind(org)
        .bind(id)
        .fetch_optional(tx.conn())
        .await?)
}

/// The same, which nobody else changes until the transaction ends.
pub async fn lock(tx: &mut OrgTx, id: Uuid) -> Result<Option<BundleRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(select_bundle!("where org_id = $1 and id = $2 for no key update"))
        .bind(org)
        .bind(id)
        .fetch_optional(tx.conn())
        .await?)
}

/// The bundles of a correction, the newest first.
pub async fn of_correction(
    tx: &mut OrgTx,
    correction: CorrectionId,
    before: Option<i32>,
    limit: i64,
) -> Result<Vec<BundleRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(select_bundle!(
        "where org_id = $1 and correction_id = $2 and ($3::int is null or number < $3)
         order by number desc
         limit $4"
    ))
    .bind(org)
    .bind(correction.uuid())
    .bind(before)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?)
}

/// Bundles that wait and have no job yet.
pub async fn waiting(tx: &mut OrgTx) -> Result<Vec<Uuid>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_scalar(
        "select id
         from evidence_bundles
         where org_id = $1 and status = 'waiting' and job_id is null
         order by created_at, number
         for no key update",
    )
    .bind(org)
    .fetch_all(tx.conn())
    .await?)
}

/// Notes the job that builds it.
pub async fn give_job(tx: &mut OrgTx, id: Uuid, job: JobId) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    let done = sqlx::query(
        "update evidence_bundles
         set job_id = $3
         where org_id = $1 and id = $2 and status = 'waiting' and job_id is null",
    )
    .bind(org)
    .bind(id)
    .bind(job.uuid())
    .execute(tx.conn())
    .await?;
    expect_rows(done.rows_affected(), 1)
}

/// What a bundle is made from: the correction as it was, its state, and all facts once they are frozen.
pub async fn facts(
    tx: &mut OrgTx,
    id: Uuid,
) -> Result<Option<(Value, String, Option<String>)>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select correction, state, facts from evidence_bundle_facts where org_id = $1 and bundle_id = $2",
    )
    .bind(org)
    .bind(id)
    .fetch_optional(tx.conn())
    .await?)
}

/// Freezes the facts of a bundle that has none yet. The log's entry is written with it, at this place.
pub async fn freeze(
    tx: &mut OrgTx,
    id: Uuid,
    facts: &str,
    digest: &str,
    (predecessor, place): (Option<Uuid>, u64),
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    let place = i64::try_from(place).map_err(|_| StorageError::Corrupt { column: "log_place" })?;
    let done = sqlx::query(
        "update evidence_bundles
         set status = 'building', frozen_digest = $3, predecessor = $4, log_place = $5, version = version + 1
         where org_id = $1 and id = $2 and status = 'waiting' and frozen_digest is null",
    )
    .bind(org)
    .bind(id)
    .bind(digest)
    .bind(predecessor)
    .bind(place)
    .execute(tx.conn())
    .await?;
    expect_rows(done.rows_affected(), 1)?;
    let done = sqlx::query(
        "update evidence_bundle_facts set facts = $3 where org_id = $1 and bundle_id = $2 and facts is null",
    )
    .bind(org)
    .bind(id)
    .bind(facts)
    .execute(tx.conn())
    .await?;
    expect_rows(done.rows_affected(), 1)
}

/// Notes the checkpoint that a bundle holds, so that building it again gives the same bytes.
pub async fn set_checkpoint(tx: &mut OrgTx, id: Uuid, size: i64) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    let done = sqlx::query(
        "update evidence_bundles
         set checkpoint_size = $3
         where org_id = $1 and id = $2 and status = 'building' and checkpoint_size is null",
    )
    .bind(org)
    .bind(id)
    .bind(size)
    .execute(tx.conn())
    .await?;
    expect_rows(done.rows_affected(), 1)
}

/// A bundle that was built.
#[derive(Clone, Debug)]
pub struct BuiltBundle<'a> {
    /// Digest of the archive.
    pub sha256: &'a str,
    /// Its bytes.
    pub size: i64,
    /// Digest of its manifest.
    pub manifest_sha256: &'a str,
    /// Its manifest.
    pub manifest: &'a Value,
    /// Keyed digests of the persons that it names.
    pub persons: &'a [Vec<u8>],
}

/// Ends the building: what the bundle was made from goes, its archive is there.
pub async fn end(
    tx: &mut OrgTx,
    id: Uuid,
    built: &BuiltBundle<'_>,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    let done = sqlx::query(
        "update evidence_bundles
         set status = 'built', sha256 = $3, size_bytes = $4, manifest_sha256 = $5, manifest = $6::json, built_at = $7,
             writing = null, indexed = true, version = version + 1
         where org_id = $1 and id = $2 and status = 'building'",
    )
    .bind(org)
    .bind(id)
    .bind(built.sha256)
    .bind(built.size)
    .bind(built.manifest_sha256)
    .bind(built.manifest)
    .bind(now)
    .execute(tx.conn())
    .await?;
    expect_rows(done.rows_affected(), 1)?;
    sqlx::query(
        "insert into evidence_bundle_persons (org_id, bundle_id, person)
         select $1, $2, n.person
         from unnest($3::bytea[]) as n (person)
         on conflict do nothing",
    )
    .bind(org)
    .bind(id)
    .bind(built.persons)
    .execute(tx.conn())
    .await?;
    remove_facts(tx, id).await
}

async fn remove_facts(tx: &mut OrgTx, id: Uuid) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    sqlx::query("delete from evidence_bundle_facts where org_id = $1 and bundle_id = $2")
        .bind(org)
        .bind(id)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Notes that a bundle could not be built; its archive, if one was kept, is removed from then on. Harmless when it has
/// ended already.
pub async fn fail(
    tx: &mut OrgTx,
    id: Uuid,
    problem: &Value,
    tend_at: DateTime<Utc>,
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    let done = sqlx::query(
        "update evidence_bundles
         set status = 'failed', problem = $3, version = version + 1
         where org_id = $1 and id = $2 and status in ('waiting', 'building')",
    )
    .bind(org)
    .bind(id)
    .bind(problem)
    .execute(tx.conn())
    .await?;
    if done.rows_affected() != 1 {
        return Ok(());
    }
    super::evidence_clock::set(tx, "tend", tend_at).await?;
    remove_facts(tx, id).await
}

/// The manifest of a bundle that was built.
pub async fn manifest(tx: &mut OrgTx, id: Uuid) -> Result<Option<Value>, StorageError> {
    let org = tx.org().uuid();
    let row: Option<(Option<Value>,)> =
        sqlx::query_as("select manifest from evidence_bundles where org_id = $1 and id = $2")
            .bind(org)
            .bind(id)
            .fetch_optional(tx.conn())
            .await?;
    Ok(row.and_then(|(manifest,)| manifest))
}
