//! Building a bundle: gather its facts, freeze them in the log, sign a checkpoint over that, seal the archive.
//!
//! Each step is committed and the next one begins from what is stored, so a worker that dies takes nothing with
//! it but its own work: the facts are gathered once, and from then on the bytes are decided.

use super::facts::gather;
use super::{object_key, person};
use crate::app::App;
use crate::error::{ApiError, Code};
use crate::services::signing_keys::{self, SigningKey};
use crate::services::timeline_log::{self, whole};
use crate::storage::evidence_bundles::{self as stored, BuiltBundle, BundleRow};
use crate::storage::timeline_log::{self as log, NewLogEntry};
use crate::storage::{OrgTx, StorageError, erasures};
use bytes::Bytes;
use leakage_core::correction::case::Correction;
use leakage_core::correction::ledger::Ledger;
use leakage_core::correction::state::State;
use leakage_core::digest;
use leakage_core::evidence::facts::{Facts, LogEntry, LogFacts, Predecessor};
use leakage_core::evidence::{Seal, SealError, freezing, frozen_digest, named, write};
use leakage_core::id::{CorrectionId, OrgId};
use leakage_core::log::inclusion_proof;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Cursor;
use uuid::Uuid;

/// Visits by the client's links that a bundle shows at most. Today so many are hardly noted; timelines of before hold
/// every single one.
const MOST_VISITS: i64 = 500;

/// The organization's keys, for one bundle.
struct Keys {
    signing: SigningKey,
    pseudonyms: [u8; 32],
}

impl Seal for Keys {
    fn public_key(&self) -> [u8; 32] {
        *self.signing.public()
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SealError> {
        self.signing.sign(message).map_err(|error| SealError(error.to_string()))
    }

    fn pseudonym_key(&self) -> [u8; 32] {
        self.pseudonyms
    }
}

/// A bundle whose archive is kept; the job's transaction notes it.
#[derive(Debug)]
pub struct Made {
    id: Uuid,
    sha256: String,
    size: i64,
    manifest_sha256: String,
    manifest: Value,
    persons: Vec<Vec<u8>>,
}

impl Made {
    /// Ends the building.
    pub async fn note(&self, app: &App, tx: &mut OrgTx) -> Result<(), ApiError> {
        let built = BuiltBundle {
            sha256: &self.sha256,
            size: self.size,
            manifest_sha256: &self.manifest_sha256,
            manifest: &self.manifest,
            persons: &self.persons,
        };
        Ok(stored::end(tx, self.id, &built, app.clock.now()).await?)
    }
}

/// Builds a bundle, from wherever an earlier attempt got to. None: it has ended already.
pub async fn build(app: &App, org: OrgId, id: Uuid) -> Result<Option<Made>, ApiError> {
    let mut tx = app.db.begin(org).await?;
    let mut row = super::find(&mut tx, id).await?;
    tx.commit().await?;
    if row.status == "waiting" {
        row = freeze(app, org, &row).await?;
    }
    if row.status != "building" {
        return Ok(None);
    }
    let (mut facts, keys) = proved(app, org, &row).await?;
    // With pseudonyms nobody is named.
    let named =
        if row.names == "full" { named(&mut facts).map_err(ApiError::internal)? } else { BTreeSet::new() };
    let persons = named.iter().map(|name| person(&keys.pseudonyms, name)).collect();
    let work = tokio::task::spawn_blocking(move || write(&facts, &keys, Cursor::new(Vec::new())));
    let (archive, sealed) = work.await.map_err(ApiError::internal)?.map_err(ApiError::internal)?;
    let archive = Bytes::from(archive.into_inner());
    let (sha256, size) = (digest::of_bytes(&archive), archive.len());
    // Noted first: an archive that is kept and has no bundle is then found, and removed.
    let mut tx = app.db.begin(org).await?;
    stored::writing(&mut tx, id, &sha256).await?;
    tx.commit().await?;
    let stream = futures_util::stream::once(std::future::ready(Ok::<_, std::io::Error>(archive)));
    app.objects.put_stream(&object_key(org, &sha256), stream).await.map_err(ApiError::internal)?;
    Ok(Some(Made {
        id,
        sha256,
        size: i64::try_from(size).map_err(ApiError::internal)?,
        manifest_sha256: sealed.manifest_sha256,
        manifest: serde_json::to_value(&sealed.manifest).map_err(ApiError::internal)?,
        persons,
    }))
}

/// Gathers the facts and enters their digest in the log, in one transaction.
async fn freeze(app: &App, org: OrgId, row: &BundleRow) -> Result<BundleRow, ApiError> {
    let mut tx = app.db.begin(org).await?;
    let (conversation, state, _) = stored::facts(&mut tx, row.id).await?.ok_or_else(gone)?;
    let fulfilled = erasures::fulfilled(&mut tx).await?;
    let (before, predecessor) = before(&mut tx, row).await?.unzip();
    let id = CorrectionId::new(row.correction_id);
    let mut entries = crate::storage::corrections::ledger::entries(&mut tx, &[row.correction_id]).await?;
    let keys = Keys {
        signing: signing_keys::current(app, &mut tx).await?,
        pseudonyms: signing_keys::pseudonym_key(app, &mut tx).await?,
    };
    tx.commit().await?;
    let mut correction: Correction = serde_json::from_value(conversation).map_err(ApiError::internal)?;
    let mut entries = entries.remove(&row.correction_id).unwrap_or_default();
    entries.truncate(usize::try_from(row.ledger_entries).map_err(ApiError::internal)?);
    correction.ledger = Ledger::of(entries).map_err(ApiError::internal)?;
    correction.state =
        State::parse(&state).ok_or(StorageError::Corrupt { column: "evidence_bundle_facts.state" })?;
    let facts = gather(app, org, row, correction, predecessor).await?;
    let work = tokio::task::spawn_blocking(move || {
        let digest = frozen_digest(&facts, &keys)?;
        Ok::<_, leakage_core::evidence::BundleError>((facts, digest))
    });
    let (facts, digest) = work.await.map_err(ApiError::internal)?.map_err(ApiError::internal)?;
    let text = serde_json::to_string(&facts).map_err(ApiError::internal)?;
    let mut tx = app.db.begin(org).await?;
    erasures::lock(&mut tx).await?;
    if erasures::fulfilled(&mut tx).await? != fulfilled {
        return Err(ApiError::new(
            Code::Unavailable,
            "A person was erased meanwhile: the facts are gathered anew.",
        ));
    }
    let locked = stored::lock(&mut tx, row.id).await?.ok_or_else(gone)?;
    if locked.status != "waiting" {
        // Another worker was faster.
        return Ok(locked);
    }
    tx.log(NewLogEntry {
        at: app.clock.now(),
        actor: "job:build_evidence".to_owned(),
        command: "freeze_evidence".to_owned(),
        subject: format!("correction:{id}"),
        before: Value::Null,
        after: freezing(&facts, &digest),
        reason: None,
        source: None,
    });
    let place = log::flush(&mut tx).await?.ok_or_else(|| ApiError::internal("the log took no entry"))?;
    stored::freeze(&mut tx, row.id, &text, &digest, (before, place)).await?;
    tx.commit().await?;
    let mut tx = app.db.begin(org).await?;
    super::find(&mut tx, row.id).await
}

fn gone() -> ApiError {
    ApiError::internal("a bundle has lost its facts")
}

/// The bundle before this one: it must have ended, for this one names its manifest.
async fn before(tx: &mut OrgTx, row: &BundleRow) -> Result<Option<(Uuid, Predecessor)>, ApiError> {
    let correction = CorrectionId::new(row.correction_id);
    for earlier in stored::of_correction(tx, correction, Some(row.number), 1000).await? {
        match (earlier.status.as_str(), earlier.manifest_sha256) {
            ("waiting" | "building", _) => {
                return Err(ApiError::new(
                    Code::Unavailable,
                    "The bundle before this one is still being built.",
                ));
            }
            (_, Some(manifest_sha256)) => {
                let version = u32::try_from(earlier.number).map_err(ApiError::internal)?;
                return Ok(Some((earlier.id, Predecessor { version, manifest_sha256 })));
            }
            _ => {}
        }
    }
    Ok(None)
}

/// The frozen facts with the log's word, under a checkpoint that is decided once.
async fn proved(app: &App, org: OrgId, row: &BundleRow) -> Result<(Facts, Keys), ApiError> {
    let place = row.log_place.and_then(|place| u64::try_from(place).ok()).ok_or_else(gone)?;
    let mut tx = app.db.begin(org).await?;
    let locked = stored::lock(&mut tx, row.id).await?.ok_or_else(gone)?;
    let size = if let Some(size) = locked.checkpoint_size {
        size
    } else {
        let sealed = timeline_log::seal(app, &mut tx).await?;
        let size = sealed.map(|checkpoint| checkpoint.size).ok_or_else(gone)?;
        stored::set_checkpoint(&mut tx, row.id, size).await?;
        size
    };
    let checkpoint = log::checkpoint(&mut tx, size).await?.ok_or_else(gone)?;
    let keys = Keys {
        signing: signing_keys::by_id(app, &mut tx, checkpoint.signing_key_id).await?,
        pseudonyms: signing_keys::pseudonym_key(app, &mut tx).await?,
    };
    let (_, _, facts) = stored::facts(&mut tx, row.id).await?.ok_or_else(gone)?;
    let mut facts: Facts = serde_json::from_str(&facts.ok_or_else(gone)?).map_err(ApiError::internal)?;
    let leaves = whole(&mut tx, u64::try_from(size).map_err(ApiError::internal)?).await?;
    let correction = CorrectionId::new(row.correction_id);
    let until = (row.correction_version, size);
    let mut rows = log::of_correction(&mut tx, correction, until, MOST_VISITS).await?;
    rows.extend(log::entry(&mut tx, i64::try_from(place).map_err(ApiError::internal)?).await?);
    tx.commit().await?;
    rows.sort_by_key(|row| row.place);
    let entry = |row: log::LogRow| {
        let place = usize::try_from(row.place).map_err(ApiError::internal)?;
        let (leaf, proof) = (row.hash()?, inclusion_proof(&leaves, place).map_err(ApiError::internal)?);
        Ok::<_, ApiError>(LogEntry { place: place as u64, leaf, entry: row.entry, proof })
    };
    let entries = rows.into_iter().map(entry).collect::<Result<Vec<_>, _>>()?;
    facts.log = Some(LogFacts { checkpoint: checkpoint.note, frozen_at: place, entries });
    Ok((facts, keys))
}
