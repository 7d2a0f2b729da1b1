//! The log that cannot be rewritten unseen: leaves, what they said, the right edge of the tree, checkpoints.
//!
//! Entries are appended when a transaction commits ([`OrgTx::commit`](super::OrgTx::commit)), after everything
//! else that it writes: so the edge is the last row that any transaction locks, it is locked for one round trip
//! only, and transactions that append cannot wait for each other in a circle.

mod read;

pub use read::{
    CheckedRow, CheckpointRow, LogRow, checkpoint, checkpoints, entries, entry, head, insert_checkpoint,
    last_checkpoint, leaves, not_in_log, of_correction, to_check,
};

use super::{OrgTx, StorageError, expect_rows};
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use leakage_core::digest;
use leakage_core::log::{Frontier, Hash, TimelineEntry, leaf, leaf_hash};
use serde_json::{Value, json};
use sqlx::FromRow;
use uuid::Uuid;

/// Entries that are made of an organization's earlier timeline at once.
const BATCH: i64 = 500;

/// Something that was done, to be appended when the transaction commits.
#[derive(Clone, Debug)]
pub struct NewLogEntry {
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: String,
    /// What.
    pub command: String,
    /// Of what: its kind, a colon, its id.
    pub subject: String,
    /// What was so before; null: nothing.
    pub before: Value,
    /// What is so since: an object.
    pub after: Value,
    /// Why.
    pub reason: Option<String>,
    /// The entry of a correction's timeline that it is of.
    pub source: Option<(Uuid, i64)>,
}

/// What the log says of an entry of a correction's timeline: `asked` is the digest of what was asked.
pub fn after_with(after: &Value, asked: &Value) -> Result<Value, StorageError> {
    let mut after = after.clone();
    let asked = digest::of_json(asked).map_err(|_| StorageError::Corrupt { column: "detail" })?;
    if let Some(members) = after.as_object_mut() {
        members.insert("asked".to_owned(), json!(asked));
    }
    Ok(after)
}

/// Leaves that were made and are not written yet.
struct Appending {
    frontier: Frontier,
    places: Vec<i64>,
    leaves: Vec<Vec<u8>>,
    entries: Vec<String>,
    sources: Vec<Option<Uuid>>,
    seqs: Vec<Option<i64>>,
}

impl Appending {
    fn push(&mut self, tx: &OrgTx, new: NewLogEntry) -> Result<(), StorageError> {
        let place = self.frontier.size();
        let entry = TimelineEntry {
            organization: tx.org(),
            place,
            at: new.at,
            actor: new.actor,
            command: new.command,
            subject: new.subject,
            before: new.before,
            after: salted(new.after)?,
            reason: new.reason,
        };
        let bytes = leaf(&entry)?;
        let hash = leaf_hash(&bytes);
        self.frontier.append(hash);
        self.places.push(stored(place)?);
        self.leaves.push(hash.bytes().to_vec());
        self.entries.push(
            String::from_utf8(bytes)
                .map_err(|_| StorageError::Corrupt { column: "timeline_log_entries.entry" })?,
        );
        let (source, seq) = new.source.unzip();
        self.sources.push(source);
        self.seqs.push(seq);
        Ok(())
    }

    async fn write(&mut self, tx: &mut OrgTx) -> Result<(), StorageError> {
        let org = tx.org().uuid();
        sqlx::query(
            "insert into timeline_log (org_id, place, leaf)
             select $1, n.place, n.leaf
             from unnest($2::bigint[], $3::bytea[]) as n (place, leaf)",
        )
        .bind(org)
        .bind(&self.places)
        .bind(&self.leaves)
        .execute(tx.conn())
        .await?;
        sqlx::query(
            "insert into timeline_log_entries (org_id, place, entry, correction_id, seq)
             select $1, n.place, n.entry, n.correction_id, n.seq
             from unnest($2::bigint[], $3::text[], $4::uuid[], $5::bigint[]) as n (place, entry, correction_id, seq)",
        )
        .bind(org)
        .bind(&self.places)
        .bind(&self.entries)
        .bind(&self.sources)
        .bind(&self.seqs)
        .execute(tx.conn())
        .await?;
        let moved = sqlx::query("update timeline_log_heads set size = $2, peaks = $3 where org_id = $1")
            .bind(org)
            .bind(stored(self.frontier.size())?)
            .bind(self.frontier.peaks().iter().map(|peak| peak.bytes().to_vec()).collect::<Vec<_>>())
            .execute(tx.conn())
            .await?;
        (self.places, self.leaves, self.entries) = (Vec::new(), Vec::new(), Vec::new());
        (self.sources, self.seqs) = (Vec::new(), Vec::new());
        expect_rows(moved.rows_affected(), 1)
    }
}

/// A random salt in each entry: its hash alone tells nothing of what it said.
fn salted(after: Value) -> Result<Value, StorageError> {
    let mut salt = [0; 16];
    rand::fill(&mut salt).map_err(|_unspecified| StorageError::NoRandomness)?;
    let mut after = if after.is_object() { after } else { json!({ "value": after }) };
    if let Some(members) = after.as_object_mut() {
        members.insert("salt".to_owned(), json!(STANDARD.encode(salt)));
    }
    Ok(after)
}

fn stored(number: u64) -> Result<i64, StorageError> {
    i64::try_from(number).map_err(|_| StorageError::Corrupt { column: "timeline_log_heads.size" })
}

/// Appends what the transaction did; answers the place of the last entry. The last thing before the commit, for
/// others who append wait from here on.
pub async fn flush(tx: &mut OrgTx) -> Result<Option<u64>, StorageError> {
    let pending = std::mem::take(&mut tx.log);
    let Some(now) = pending.iter().map(|entry| entry.at).max() else { return Ok(None) };
    let frontier = match lock_head(tx).await? {
        Some(frontier) => frontier,
        None => make_head(tx).await?,
    };
    let is_first = frontier.size() == 0;
    let (places, leaves, entries) = (Vec::new(), Vec::new(), Vec::new());
    let mut appending =
        Appending { frontier, places, leaves, entries, sources: Vec::new(), seqs: Vec::new() };
    if is_first {
        // What was done before there was a log; what this transaction did stands there already.
        backfill(tx, &mut appending).await?;
    }
    for entry in pending.into_iter().filter(|entry| !is_first || entry.source.is_none()) {
        appending.push(tx, entry)?;
    }
    appending.write(tx).await?;
    super::evidence_clock::set(tx, "seal", now).await?;
    Ok(appending.frontier.size().checked_sub(1))
}

async fn lock_head(tx: &mut OrgTx) -> Result<Option<Frontier>, StorageError> {
    let org = tx.org().uuid();
    let row: Option<(i64, Vec<Vec<u8>>)> =
        sqlx::query_as("select size, peaks from timeline_log_heads where org_id = $1 for no key update")
            .bind(org)
            .fetch_optional(tx.conn())
            .await?;
    row.map(|(size, peaks)| frontier(size, peaks)).transpose()
}

/// Of two that make it at once the second one waits, and sees what the first one appended.
async fn make_head(tx: &mut OrgTx) -> Result<Frontier, StorageError> {
    let org = tx.org().uuid();
    sqlx::query(
        "insert into timeline_log_heads (org_id, size, peaks) values ($1, 0, '{}') on conflict do nothing",
    )
    .bind(org)
    .execute(tx.conn())
    .await?;
    lock_head(tx).await?.ok_or(StorageError::Corrupt { column: "timeline_log_heads.org_id" })
}

fn hash(bytes: Vec<u8>) -> Result<Hash, StorageError> {
    bytes.try_into().map(Hash::new).map_err(|_| StorageError::Corrupt { column: "timeline_log.leaf" })
}

fn frontier(size: i64, peaks: Vec<Vec<u8>>) -> Result<Frontier, StorageError> {
    let corrupt = || StorageError::Corrupt { column: "timeline_log_heads.peaks" };
    let peaks = peaks.into_iter().map(hash).collect::<Result<Vec<_>, _>>()?;
    Frontier::of(u64::try_from(size).map_err(|_| corrupt())?, peaks).ok_or_else(corrupt)
}

#[derive(FromRow)]
struct EarlierRow {
    correction_id: Uuid,
    seq: i64,
    at: DateTime<Utc>,
    actor: String,
    command: String,
    before: Option<Value>,
    after: Value,
    reason: Option<String>,
    detail: Value,
}

/// Appends the timelines that there were before the log, in the order in which things were done.
async fn backfill(tx: &mut OrgTx, appending: &mut Appending) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    let mut after: Option<(DateTime<Utc>, Uuid, i64)> = None;
    loop {
        let rows: Vec<EarlierRow> = sqlx::query_as(
            "select correction_id, seq, at, actor, command, before, after, reason, detail
             from correction_timeline
             where org_id = $1 and ($2::timestamptz is null or (at, correction_id, seq) > ($2, $3, $4))
             order by at, correction_id, seq
             limit $5",
        )
        .bind(org)
        .bind(after.map(|(at, _, _)| at))
        .bind(after.map(|(_, id, _)| id))
        .bind(after.map(|(_, _, seq)| seq))
        .bind(BATCH)
        .fetch_all(tx.conn())
        .await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = Some((last.at, last.correction_id, last.seq));
        for row in rows {
            let entry = NewLogEntry {
                after: after_with(&row.after, &row.detail)?,
                at: row.at,
                actor: row.actor,
                command: row.command,
                subject: format!("correction:{}", row.correction_id),
                before: row.before.unwrap_or_default(),
                reason: row.reason,
                source: Some((row.correction_id, row.seq)),
            };
            appending.push(tx, entry)?;
        }
        appending.write(tx).await?;
    }
}
