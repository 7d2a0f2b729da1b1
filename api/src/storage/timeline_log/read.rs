//! Reading the log: the edge, leaves, entries, checkpoints, and what entries must say.

use super::{frontier, hash, stored};
use crate::storage::{OrgTx, StorageError};
use chrono::{DateTime, Utc};
use leakage_core::id::CorrectionId;
use leakage_core::log::{Frontier, Hash};
use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

/// The right edge of the tree as it stands; empty while there is none.
pub async fn head(tx: &mut OrgTx) -> Result<Frontier, StorageError> {
    let org = tx.org().uuid();
    let row: Option<(i64, Vec<Vec<u8>>)> =
        sqlx::query_as("select size, peaks from timeline_log_heads where org_id = $1")
            .bind(org)
            .fetch_optional(tx.conn())
            .await?;
    row.map_or_else(|| Ok(Frontier::default()), |(size, peaks)| frontier(size, peaks))
}

/// The first leaves, by place.
pub async fn leaves(tx: &mut OrgTx, size: u64) -> Result<Vec<Hash>, StorageError> {
    let org = tx.org().uuid();
    let rows: Vec<Vec<u8>> =
        sqlx::query_scalar("select leaf from timeline_log where org_id = $1 and place < $2 order by place")
            .bind(org)
            .bind(stored(size)?)
            .fetch_all(tx.conn())
            .await?;
    rows.into_iter().map(hash).collect()
}

/// An entry as stored.
#[derive(Clone, Debug, FromRow)]
pub struct LogRow {
    /// Its place, from 0.
    pub place: i64,
    /// Its hash.
    pub leaf: Vec<u8>,
    /// What it said; none once erased.
    pub entry: Option<String>,
    /// When it was erased.
    pub erased_at: Option<DateTime<Utc>>,
}

impl LogRow {
    /// Its hash.
    pub fn hash(&self) -> Result<Hash, StorageError> {
        hash(self.leaf.clone())
    }
}

/// Entries after a place, in order; those of one correction if given.
pub async fn entries(
    tx: &mut OrgTx,
    correction: Option<CorrectionId>,
    after: i64,
    limit: i64,
) -> Result<Vec<LogRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select l.place, l.leaf, e.entry, e.erased_at
         from timeline_log l
         join timeline_log_entries e on e.org_id = l.org_id and e.place = l.place
         where l.org_id = $1 and l.place > $2 and ($3::uuid is null or e.correction_id = $3)
         order by l.place
         limit $4",
    )
    .bind(org)
    .bind(after)
    .bind(correction.map(CorrectionId::uuid))
    .bind(limit)
    .fetch_all(tx.conn())
    .await?)
}

/// The entries of a correction's timeline up to a version, by place, among the first `size` of the log. Of visits
/// by the client's links the first of each link, network and hour, the last `visits` of them.
pub async fn of_correction(
    tx: &mut OrgTx,
    correction: CorrectionId,
    (version, size): (i64, i64),
    visits: i64,
) -> Result<Vec<LogRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "with own as (
           select l.place, l.leaf, e.entry, e.erased_at, t.command, t.actor, t.detail ->> 'network' as network,
                  date_trunc('hour', t.at, 'UTC') as hour
           from timeline_log_entries e
           join timeline_log l on l.org_id = e.org_id and l.place = e.place
           join correction_timeline t on t.org_id = e.org_id and t.correction_id = e.correction_id and t.seq = e.seq
           where e.org_id = $1 and e.correction_id = $2 and l.place < $4
             -- Entries of an older service had their version as their place.
             and coalesce((t.after ->> 'version')::bigint, t.seq) <= $3
         ), visits as (
           select place
           from (select distinct on (actor, network, hour) place
                 from own
                 where command = 'client_visited'
                 order by actor, network, hour, place) v
           order by place desc
           limit $5
         )
         select place, leaf, entry, erased_at
         from own
         where command <> 'client_visited' or place in (select place from visits)
         order by place",
    )
    .bind(org)
    .bind(correction.uuid())
    .bind(version)
    .bind(size)
    .bind(visits)
    .fetch_all(tx.conn())
    .await?)
}

/// One entry.
pub async fn entry(tx: &mut OrgTx, place: i64) -> Result<Option<LogRow>, StorageError> {
    Ok(entries(tx, None, place - 1, 1).await?.into_iter().find(|row| row.place == place))
}

/// A checkpoint as stored.
#[derive(Clone, Debug, FromRow)]
pub struct CheckpointRow {
    /// How many entries it commits to.
    pub size: i64,
    /// The root over them.
    pub root: Vec<u8>,
    /// The signed note.
    pub note: String,
    /// The key that signed it.
    pub signing_key_id: Uuid,
    /// When.
    pub signed_at: DateTime<Utc>,
}

/// Keeps a checkpoint. One of the same size is left as it is.
pub async fn insert_checkpoint(tx: &mut OrgTx, new: &CheckpointRow) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    sqlx::query(
        "insert into timeline_log_checkpoints (org_id, size, root, note, signing_key_id, signed_at)
         values ($1, $2, $3, $4, $5, $6)
         on conflict do nothing",
    )
    .bind(org)
    .bind(new.size)
    .bind(&new.root)
    .bind(&new.note)
    .bind(new.signing_key_id)
    .bind(new.signed_at)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The newest checkpoint.
pub async fn last_checkpoint(tx: &mut OrgTx) -> Result<Option<CheckpointRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select size, root, note, signing_key_id, signed_at
         from timeline_log_checkpoints
         where org_id = $1
         order by size desc
         limit 1",
    )
    .bind(org)
    .fetch_optional(tx.conn())
    .await?)
}

/// The checkpoint of so many entries.
pub async fn checkpoint(tx: &mut OrgTx, size: i64) -> Result<Option<CheckpointRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select size, root, note, signing_key_id, signed_at
         from timeline_log_checkpoints
         where org_id = $1 and size = $2",
    )
    .bind(org)
    .bind(size)
    .fetch_optional(tx.conn())
    .await?)
}

/// All checkpoints, the smallest first.
pub async fn checkpoints(tx: &mut OrgTx) -> Result<Vec<CheckpointRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select size, root, note, signing_key_id, signed_at
         from timeline_log_checkpoints
         where org_id = $1
         order by size",
    )
    .bind(org)
    .fetch_all(tx.conn())
    .await?)
}

/// An entry with what it must say: the correction's timeline as it stands.
#[derive(Clone, Debug, FromRow)]
pub struct CheckedRow {
    /// Its place.
    pub place: i64,
    /// Its hash.
    pub leaf: Vec<u8>,
    /// Whether there is what was said, erased or not.
    pub kept: bool,
    /// What it said.
    pub entry: Option<String>,
    /// The correction that it is of.
    pub correction_id: Option<Uuid>,
    /// The version that it led to.
    pub seq: Option<i64>,
    /// When; none where the correction's own entry is gone.
    pub at: Option<DateTime<Utc>>,
    /// Who.
    pub actor: Option<String>,
    /// What.
    pub command: Option<String>,
    /// Before.
    pub before: Option<Value>,
    /// After.
    pub after: Option<Value>,
    /// Why.
    pub reason: Option<String>,
    /// What was asked.
    pub detail: Option<Value>,
}

/// Entries after a place with what they must say.
pub async fn to_check(tx: &mut OrgTx, after: i64, limit: i64) -> Result<Vec<CheckedRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select l.place, l.leaf, e.place is not null as kept, e.entry, e.correction_id, e.seq, t.at, t.actor,
                t.command, t.before, t.after, t.reason, t.detail
         from timeline_log l
         left join timeline_log_entries e on e.org_id = l.org_id and e.place = l.place
         left join correction_timeline t on t.org_id = e.org_id and t.correction_id = e.correction_id and t.seq = e.seq
         where l.org_id = $1 and l.place > $2
         order by l.place
         limit $3",
    )
    .bind(org)
    .bind(after)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?)
}

/// The first entry of a correction's timeline that the log does not have, once there is a log.
pub async fn not_in_log(tx: &mut OrgTx) -> Result<Option<(Uuid, i64)>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select t.correction_id, t.seq
         from correction_timeline t
         where t.org_id = $1
           and not exists (select
                           from timeline_log_entries e
                           where e.org_id = t.org_id and e.correction_id = t.correction_id and e.seq = t.seq)
           and exists (select from timeline_log_heads h where h.org_id = t.org_id)
         order by t.at, t.correction_id, t.seq
         limit 1",
    )
    .bind(org)
    .fetch_optional(tx.conn())
    .await?)
}
