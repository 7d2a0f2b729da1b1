//! Whether the log is what it was: each entry is looked at beside what it is of, the tree is computed anew, and
//! every checkpoint is held against it. The first entry that is not what it was is named.

use super::{note_key, origin};
use crate::app::App;
use crate::error::ApiError;
use crate::storage::OrgTx;
use crate::storage::signing_keys;
use crate::storage::timeline_log::{self as stored, CheckedRow, CheckpointRow};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use leakage_core::id::OrgId;
use leakage_core::log::{Checkpoint, Frontier, Hash, NoteKey, TimelineEntry, leaf, leaf_hash};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

/// Entries that are read at once.
const BATCH: i64 = 1000;

/// The first entry that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FirstBad {
    /// Its place, from 0. Where the tree is sound in itself and differs from a checkpoint, the first place that
    /// may differ: what stands before it is as the checkpoint before says.
    pub place: u64,
    /// What is wrong.
    #[schema(max_length = 500)]
    pub reason: String,
}

/// What the log says of a checkpoint that was kept elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Outside {
    /// How many entries it commits to.
    pub size: u64,
    /// Whether a key of the organization has signed it.
    pub signed: bool,
    /// Whether the log still begins with those entries.
    pub consistent: bool,
}

/// What came of looking at the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Checked {
    /// Whether nothing was found wrong.
    pub sound: bool,
    /// Number of entries.
    pub size: u64,
    /// The root over them, base64.
    #[schema(max_length = 44)]
    pub root: String,
    /// Checkpoints that were held against it.
    pub checkpoints: u64,
    /// Entries whose text was erased; their hashes stand.
    pub erased: u64,
    /// The first entry that is not what it was.
    pub first_bad: Option<FirstBad>,
    /// The checkpoint that was sent along.
    pub outside: Option<Outside>,
}

/// Looks at the whole log, in one snapshot. `outside`: a signed checkpoint that was kept elsewhere.
///
/// # Errors
/// 422 when `outside` is no checkpoint of this log.
pub async fn check(app: &App, org: OrgId, outside: Option<&str>) -> Result<Checked, ApiError> {
    let mut tx = app.db.begin_snapshot(org).await?;
    let keys = keys(&mut tx).await?;
    let outside = outside.map(|note| Claim::read(org, note, &keys)).transpose()?;
    let mut walk = Walk::new(org, stored::checkpoints(&mut tx).await?, keys);
    if let Some(claim) = &outside {
        walk.outside = Some((claim.checkpoint.size, claim.checkpoint.root, claim.checkpoint.size == 0));
    }
    let mut after = -1;
    loop {
        let rows = stored::to_check(&mut tx, after, BATCH).await?;
        let Some(last) = rows.last() else { break };
        after = last.place;
        for row in &rows {
            walk.entry(row);
        }
    }
    walk.end(&stored::head(&mut tx).await?);
    if let Some((correction, seq)) = stored::not_in_log(&mut tx).await? {
        let place = walk.tree.size();
        walk.bad(place, format!("Version {seq} of the timeline of correction {correction} has no entry."));
    }
    Ok(walk.outcome(outside))
}

async fn keys(tx: &mut OrgTx) -> Result<Vec<NoteKey>, ApiError> {
    let org = tx.org();
    let keys = signing_keys::public(tx).await?.into_iter();
    keys.map(|key| note_key(org, key.public_key.try_into().map_err(|_| ApiError::internal("a key"))?))
        .collect()
}

fn verified(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    UnparsedPublicKey::new(&ED25519, key).verify(message, signature).is_ok()
}

/// A checkpoint that was kept elsewhere.
struct Claim {
    checkpoint: Checkpoint,
    signed: bool,
}

impl Claim {
    fn read(org: OrgId, note: &str, keys: &[NoteKey]) -> Result<Self, ApiError> {
        let refused = || ApiError::invalid("/checkpoint", "This is no signed checkpoint of your log.");
        let text = leakage_core::log::SignedNote::parse(note).map_err(|_| refused())?;
        let checkpoint = Checkpoint::parse(text.unverified_text()).map_err(|_| refused())?;
        if checkpoint.origin != origin(org) {
            return Err(refused());
        }
        let signed = keys.iter().any(|key| Checkpoint::open(note, &origin(org), key, verified).is_ok());
        Ok(Self { checkpoint, signed })
    }
}

/// A walk over the entries.
struct Walk {
    org: OrgId,
    keys: Vec<NoteKey>,
    tree: Frontier,
    checkpoints: BTreeMap<u64, CheckpointRow>,
    /// Entries that the last sound checkpoint commits to.
    committed: u64,
    held: u64,
    /// Erased, and not yet named by an erasure.
    erased: BTreeSet<u64>,
    erased_count: u64,
    /// Size and root to be met, and whether they were.
    outside: Option<(u64, Hash, bool)>,
    first_bad: Option<FirstBad>,
}

impl Walk {
    fn new(org: OrgId, checkpoints: Vec<CheckpointRow>, keys: Vec<NoteKey>) -> Self {
        let checkpoints =
            checkpoints.into_iter().filter_map(|row| Some((u64::try_from(row.size).ok()?, row))).collect();
        Self {
            org,
            keys,
            tree: Frontier::default(),
            checkpoints,
            committed: 0,
            held: 0,
            erased: BTreeSet::new(),
            erased_count: 0,
            outside: None,
            first_bad: None,
        }
    }

    /// Notes the first thing that is wrong: the walk goes in order.
    fn bad(&mut self, place: u64, reason: impl Into<String>) {
        if self.first_bad.is_none() {
            self.first_bad = Some(FirstBad { place, reason: reason.into() });
        }
    }

    fn entry(&mut self, row: &CheckedRow) {
        let place = self.tree.size();
        if u64::try_from(row.place).ok() != Some(place) {
            self.bad(place, "The entry of this place is gone.");
        } else if let Err(reason) = self.look(place, row) {
            self.bad(place, reason);
        }
        let leaf = row.leaf.clone().try_into().map_or_else(|_| leaf_hash(&[]), Hash::new);
        self.tree.append(leaf);
        let size = self.tree.size();
        if let Some((at, expected, met)) = &mut self.outside
            && *at == size
        {
            *met = *expected == self.tree.root();
        }
        if let Some(checkpoint) = self.checkpoints.remove(&size) {
            self.hold(&checkpoint);
        }
    }

    /// The entry by itself, and beside what it is of.
    fn look(&mut self, place: u64, row: &CheckedRow) -> Result<(), &'static str> {
        let Some(text) = &row.entry else {
            self.erased.insert(place);
            self.erased_count += 1;
            return if row.kept { Ok(()) } else { Err("What the entry said is gone.") };
        };
        if leaf_hash(text.as_bytes()).bytes().as_slice() != row.leaf.as_slice() {
            return Err("What the entry says is not what its hash was made of.");
        }
        let entry: TimelineEntry = serde_json::from_str(text).map_err(|_| "The entry cannot be read.")?;
        if leaf(&entry).map_err(|_| "The entry cannot be read.")? != text.as_bytes() {
            return Err("The entry is not in its canonical form.");
        }
        if entry.organization != self.org || entry.place != place {
            return Err("The entry was written for another place.");
        }
        for named in entry.after.get("erased_entries").and_then(Value::as_array).into_iter().flatten() {
            named.as_u64().map(|named| self.erased.remove(&named));
        }
        if row.correction_id.is_some() { same(&entry, row) } else { Ok(()) }
    }

    /// Where an entry is bad already, it is no news that the tree over it differs.
    fn hold(&mut self, checkpoint: &CheckpointRow) {
        self.held += 1;
        let (size, root) = (self.tree.size(), self.tree.root());
        let signed = self
            .keys
            .iter()
            .find_map(|key| Checkpoint::open(&checkpoint.note, &origin(self.org), key, verified).ok());
        let committed = self.committed;
        match signed {
            None => self.bad(
                committed,
                format!("The checkpoint of {size} entries is not signed with a key of yours."),
            ),
            Some(signed) if (signed.size, signed.root) != (size, root) => self.bad(
                committed,
                format!(
                    "The log differs from its signed checkpoint of {size} entries, from here on or later."
                ),
            ),
            Some(_) => self.committed = size,
        }
    }

    fn end(&mut self, head: &Frontier) {
        let size = self.tree.size();
        if let Some(missing) = self.checkpoints.keys().next_back().copied() {
            self.bad(size, format!("The entries from here on are gone: a checkpoint commits to {missing}."));
        }
        match head.size() {
            edge if edge < size => {
                self.bad(edge, "The entries from here on were added behind the log's edge.");
            }
            edge if edge > size => self.bad(size, "The entries from here on are gone."),
            _ if *head != self.tree => {
                let committed = self.committed;
                self.bad(committed, "The log's edge is not that of its entries, from here on or later.");
            }
            _ => {}
        }
        if let Some(place) = self.erased.first().copied()
            && self.first_bad.as_ref().is_none_or(|bad| place < bad.place)
        {
            self.first_bad = Some(FirstBad {
                place,
                reason: "What the entry said is gone, and no erasure names it.".to_owned(),
            });
        }
    }

    fn outcome(self, claim: Option<Claim>) -> Checked {
        let consistent = self.outside.is_some_and(|(_, _, met)| met);
        let outside =
            claim.map(|claim| Outside { size: claim.checkpoint.size, signed: claim.signed, consistent });
        let agreed = outside.as_ref().is_none_or(|outside| outside.signed && outside.consistent);
        Checked {
            sound: self.first_bad.is_none() && agreed,
            size: self.tree.size(),
            root: self.tree.root().to_string(),
            checkpoints: self.held,
            erased: self.erased_count,
            first_bad: self.first_bad,
            outside,
        }
    }
}

/// Whether the correction's timeline still says what the entry says.
fn same(entry: &TimelineEntry, row: &CheckedRow) -> Result<(), &'static str> {
    let (Some(at), Some(after), Some(detail)) = (row.at, &row.after, &row.detail) else {
        return Err("The timeline of the correction does not have it any more.");
    };
    let mut expected = stored::after_with(after, detail).map_err(|_| "The timeline cannot be read.")?;
    if let (Some(members), Some(salt)) = (expected.as_object_mut(), entry.after.get("salt")) {
        members.insert("salt".to_owned(), salt.clone());
    }
    let said = (
        entry.at,
        Some(entry.actor.as_str()),
        Some(entry.command.as_str()),
        &entry.before,
        &entry.after,
        entry.reason.as_deref(),
    );
    let null = json!(null);
    let is = (
        at,
        row.actor.as_deref(),
        row.command.as_deref(),
        row.before.as_ref().unwrap_or(&null),
        &expected,
        row.reason.as_deref(),
    );
    if said == is { Ok(()) } else { Err("The timeline of the correction says something else.") }
}
