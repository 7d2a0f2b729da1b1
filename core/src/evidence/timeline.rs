//! `timeline.json`: what happened, entry by entry, each with the proof that it stands in the organization's
//! log, which cannot be rewritten unseen.

use super::BundleError;
use super::facts::LogEntry;
use super::renderer::{File, Material, Renderer};
use crate::log::{Hash, leaf, leaf_hash, verify_inclusion};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(super) const RENDERER: Renderer = Renderer { name: PATH, frozen: false, render };
pub(super) const PATH: &str = "timeline.json";

/// The file.
#[derive(Serialize, Deserialize)]
pub(super) struct Document {
    /// Which log.
    pub(super) origin: String,
    /// Its size at the checkpoint.
    pub(super) size: u64,
    /// Its root at the checkpoint.
    pub(super) root: Hash,
    /// Place of the entry that names the digest of what is frozen.
    pub(super) frozen_at: u64,
    /// Entries that concern the correction, by place.
    pub(super) entries: Vec<Proved>,
}

/// An entry with its proof.
#[derive(Serialize, Deserialize)]
pub(super) struct Proved {
    /// Its place in the log, from 0.
    pub(super) place: u64,
    /// Its leaf hash.
    pub(super) leaf: Hash,
    /// Whether the entry gives the leaf.
    pub(super) state: EntryState,
    /// The entry; its canonical JSON is what the leaf is the hash of.
    pub(super) entry: Option<Value>,
    /// The hashes beside its way to the root.
    pub(super) proof: Vec<Hash>,
}

/// How much of an entry is there.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum EntryState {
    /// All of it.
    Shown,
    /// With persons replaced: the leaf is of other words.
    Pseudonymised,
    /// Nothing but its leaf.
    Erased,
}

fn render(material: &Material<'_>) -> Result<Vec<File>, BundleError> {
    let (log, checkpoint) = (material.log()?, material.checkpoint()?);
    let replaced = material.facts.pseudonyms.is_some();
    let mut entries: Vec<Proved> = Vec::new();
    for entry in &log.entries {
        let place = entry.place;
        let wrong = |reason| BundleError::Entry { place, reason };
        if entries.last().is_some_and(|last| last.place >= place) {
            return Err(wrong("entries are in the order of their places, each once"));
        }
        verify_inclusion(entry.leaf, place, checkpoint.size, &entry.proof, checkpoint.root)
            .map_err(|_| wrong("its proof does not come to the checkpoint"))?;
        entries.push(proved(entry, replaced).map_err(wrong)?);
    }
    let document = Document {
        origin: checkpoint.origin,
        size: checkpoint.size,
        root: checkpoint.root,
        frozen_at: log.frozen_at,
        entries,
    };
    Ok(vec![File::json(PATH, &document)?])
}

fn proved(entry: &LogEntry, replaced: bool) -> Result<Proved, &'static str> {
    let mut proved = Proved {
        place: entry.place,
        leaf: entry.leaf,
        state: EntryState::Erased,
        entry: None,
        proof: entry.proof.clone(),
    };
    let Some(text) = &entry.entry else { return Ok(proved) };
    let value: Value = serde_json::from_str(text).map_err(|_| "it is not JSON")?;
    // What is shown must give the leaf when it is written anew.
    proved.state = if gives(&value, entry.leaf) {
        EntryState::Shown
    } else if replaced {
        EntryState::Pseudonymised
    } else {
        return Err("its text does not give its leaf");
    };
    proved.entry = Some(value);
    Ok(proved)
}

/// Whether the canonical form of an entry has this leaf hash.
pub(super) fn gives(entry: &Value, expected: Hash) -> bool {
    leaf(entry).is_ok_and(|bytes| leaf_hash(&bytes) == expected)
}
