//! The log of what was done: checkpoints that commit to it, proofs, and whether it still is what it was.

mod check;

pub use check::{Checked, FirstBad, Outside, check};

use crate::app::App;
use crate::error::{ApiError, Code};
use crate::services::signing_keys::{self, SigningKey};
use crate::storage::timeline_log::{self as stored, CheckpointRow};
use crate::storage::{OrgTx, StorageError};
use leakage_core::id::OrgId;
use leakage_core::log::{Checkpoint, CheckpointError, Hash, NoteKey, consistency_proof, inclusion_proof};
use serde_json::{Value, json};

/// Entries that are exported at once.
const EXPORTED: i64 = 1000;

/// Which log: the first line of its checkpoints, and the name of the keys that sign them.
pub fn origin(org: OrgId) -> String {
    format!("leakage-finder.timeline/{org}")
}

/// A key as checkpoints name it.
pub fn note_key(org: OrgId, public: [u8; 32]) -> Result<NoteKey, ApiError> {
    NoteKey::new(&origin(org), public).map_err(ApiError::internal)
}

#[derive(Debug, thiserror::Error)]
enum SignError {
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error("the key cannot sign")]
    Key,
}

/// Signs a checkpoint of the log as it stands, unless the newest one is of it; answers the newest one. None:
/// the log is empty.
pub async fn seal(app: &App, tx: &mut OrgTx) -> Result<Option<CheckpointRow>, ApiError> {
    // First the key, which stays: so a rotation, which the log takes note of, is not half seen.
    let key = signing_keys::current(app, tx).await?;
    let frontier = stored::head(tx).await?;
    if frontier.size() == 0 {
        return Ok(None);
    }
    let size = i64::try_from(frontier.size()).map_err(ApiError::internal)?;
    let last = stored::last_checkpoint(tx).await?;
    if let Some(last) = last.filter(|last| last.size >= size) {
        return Ok(Some(last));
    }
    let checkpoint = Checkpoint::of(&origin(tx.org()), &frontier);
    let row = CheckpointRow {
        size,
        root: checkpoint.root.bytes().to_vec(),
        note: note(tx.org(), &checkpoint, &key)?,
        signing_key_id: key.id,
        signed_at: app.clock.now(),
    };
    stored::insert_checkpoint(tx, &row).await?;
    Ok(stored::last_checkpoint(tx).await?)
}

fn note(org: OrgId, checkpoint: &Checkpoint, key: &SigningKey) -> Result<String, ApiError> {
    let name = note_key(org, *key.public())?;
    let signed = checkpoint.sign::<SignError>(&name, |message| key.sign(message).map_err(|_| SignError::Key));
    Ok(signed.map_err(ApiError::internal)?.to_string())
}

/// A proof with what it proves.
#[derive(Clone, Debug)]
pub struct Proved {
    /// The checkpoint that it leads to.
    pub checkpoint: CheckpointRow,
    /// The hashes.
    pub proof: Vec<Hash>,
}

/// Proves that an entry is among those of the newest checkpoint.
///
/// # Errors
/// 404 when there is no such entry; 409 while no checkpoint commits to it.
pub async fn inclusion(tx: &mut OrgTx, place: u64) -> Result<Proved, ApiError> {
    if place >= stored::head(tx).await?.size() {
        return Err(ApiError::not_found());
    }
    let checkpoint = stored::last_checkpoint(tx).await?;
    let checkpoint = checkpoint.filter(|row| u64::try_from(row.size).is_ok_and(|size| place < size));
    let checkpoint = checkpoint.ok_or_else(|| {
        ApiError::new(
            Code::Conflict,
            "No checkpoint commits to this entry yet: one is signed within a minute.",
        )
    })?;
    let size = u64::try_from(checkpoint.size).map_err(ApiError::internal)?;
    let leaves = whole(tx, size).await?;
    let place = usize::try_from(place).map_err(ApiError::internal)?;
    let proof = inclusion_proof(&leaves, place).map_err(ApiError::internal)?;
    Ok(Proved { checkpoint, proof })
}

/// Proves that the newest checkpoint only adds to the first entries.
///
/// # Errors
/// 409 while there is no checkpoint; 422 when it commits to fewer entries.
pub async fn consistency(tx: &mut OrgTx, first: u64) -> Result<Option<Proved>, ApiError> {
    let Some(checkpoint) = stored::last_checkpoint(tx).await? else {
        return if first == 0 { Ok(None) } else { Err(beyond()) };
    };
    let size = u64::try_from(checkpoint.size).map_err(ApiError::internal)?;
    if first > size {
        return Err(beyond());
    }
    let leaves = whole(tx, size).await?;
    let first = usize::try_from(first).map_err(ApiError::internal)?;
    let proof = consistency_proof(&leaves, first).map_err(ApiError::internal)?;
    Ok(Some(Proved { checkpoint, proof }))
}

/// Entries after a place as lines of JSON, as `leakage verify-log` reads them, and where to go on; after the last
/// of them the checkpoints.
pub async fn lines(tx: &mut OrgTx, after: i64) -> Result<(String, Option<i64>), ApiError> {
    let mut lines = String::new();
    let mut line = |value: Value| {
        lines.push_str(&value.to_string());
        lines.push('\n');
    };
    let rows = stored::entries(tx, None, after, EXPORTED).await?;
    let next = rows.last().map(|row| row.place);
    for row in rows {
        line(json!({ "place": row.place, "leaf": row.hash()?, "entry": row.entry }));
    }
    if next.is_none() {
        for checkpoint in stored::checkpoints(tx).await? {
            line(json!({ "note": checkpoint.note }));
        }
    }
    Ok((lines, next))
}

fn beyond() -> ApiError {
    ApiError::invalid("first", "The newest checkpoint commits to fewer entries.")
}

/// So many leaves, or a fault: the log lacks some.
pub(super) async fn whole(tx: &mut OrgTx, size: u64) -> Result<Vec<Hash>, ApiError> {
    let leaves = stored::leaves(tx, size).await?;
    if u64::try_from(leaves.len()).is_ok_and(|found| found == size) {
        return Ok(leaves);
    }
    Err(StorageError::Corrupt { column: "timeline_log.place" }.into())
}
