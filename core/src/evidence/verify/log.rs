//! Whether what happened stands in the log, in order, and the log's checkpoint is signed; and whether the log
//! knew the files before the bundle was made.

use super::super::timeline::{self, Document, EntryState, Proved};
use super::super::{bundle, checkpoint, manifest};
use super::Opened;
use super::report::{Fault, Verification};
use crate::log::{Checkpoint, NoteKey, verify_inclusion};
use chrono::{DateTime, TimeDelta, Utc};
use std::fmt::Write as _;

/// How far the clocks of servers, and requests that cross, may put an entry before the one that it follows.
const CROSSED: TimeDelta = TimeDelta::minutes(10);

pub(super) fn check(opened: &Opened<'_>, out: &mut Verification) {
    match signed(opened) {
        Ok(checkpoint) => {
            out.holding(
                Some(checkpoint::PATH),
                format!(
                    "checkpoint.txt is signed with the key: the log {} of {} entries.",
                    checkpoint.origin, checkpoint.size
                ),
            );
            out.take(timeline::PATH, proofs(opened, &checkpoint));
            out.take(manifest::PATH, frozen(opened));
        }
        Err(fault) => out.take(checkpoint::PATH, Err(fault)),
    }
}

/// The checkpoint, signed with the bundle's key, or another that the reader knows: keys are changed.
fn signed(opened: &Opened<'_>) -> Result<Checkpoint, Fault> {
    let text = String::from_utf8_lossy(&opened.container.read(checkpoint::PATH)?).into_owned();
    let origin = &opened.manifest.checkpoint.origin;
    let mut refused = None;
    for key in std::iter::once(&opened.key).chain(opened.known) {
        let key = NoteKey::new(origin, *key).map_err(|error| format!("checkpoint.txt: {error}."))?;
        match Checkpoint::open(&text, origin, &key, opened.verify) {
            Ok(checkpoint) => return named(opened, checkpoint),
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    let reason = refused.map_or_else(String::new, |error| error.to_string());
    Err(format!("checkpoint.txt does not hold: {reason}.").into())
}

fn named(opened: &Opened<'_>, checkpoint: Checkpoint) -> Result<Checkpoint, Fault> {
    let named = &opened.manifest.checkpoint;
    if (checkpoint.size, checkpoint.root) == (named.size, named.root) {
        Ok(checkpoint)
    } else {
        Err("checkpoint.txt is another checkpoint than the manifest names.".into())
    }
}

fn document(opened: &Opened<'_>) -> Result<Document, Fault> {
    let bytes = opened.container.read(timeline::PATH)?;
    serde_json::from_slice(&bytes).map_err(|error| format!("timeline.json cannot be read: {error}.").into())
}

fn proofs(opened: &Opened<'_>, checkpoint: &Checkpoint) -> Result<String, Fault> {
    let document = document(opened)?;
    if (&document.origin, document.size, document.root)
        != (&checkpoint.origin, checkpoint.size, checkpoint.root)
    {
        return Err("timeline.json is of another checkpoint than checkpoint.txt.".into());
    }
    let (mut place, mut last) = (None, None);
    let (mut replaced, mut erased) = (0_usize, 0_usize);
    for entry in &document.entries {
        let at = entry.place;
        if place.is_some_and(|before| before >= at) {
            return Err(format!("timeline.json: entry {at} is not in the order of the log.").into());
        }
        verify_inclusion(entry.leaf, at, checkpoint.size, &entry.proof, checkpoint.root)
            .map_err(|error| format!("timeline.json: entry {at} is not in the log: {error}."))?;
        match entry.state {
            EntryState::Shown if entry.entry.is_some() => {}
            EntryState::Pseudonymised if entry.entry.is_some() && opened.manifest.pseudonyms.is_some() => {
                replaced += 1;
            }
            EntryState::Erased if entry.entry.is_none() => erased += 1,
            _ => return Err(format!("timeline.json: entry {at} does not show what it should.").into()),
        }
        let when = shown(opened, entry)?;
        if let (Some(last), Some(when)) = (last, when)
            && when.checked_add_signed(CROSSED).is_some_and(|when| when < last)
        {
            return Err(
                format!("timeline.json: entry {at} is of {when}, before the entry that it follows.").into()
            );
        }
        place = Some(at);
        last = when.or(last);
    }
    let mut says = format!(
        "The {} entries of the timeline are in order, and each is proved to stand in the log",
        document.entries.len()
    );
    // Writing to a String cannot fail.
    if replaced > 0 {
        let _ =
            write!(says, "; in {replaced} of them persons are replaced, so that only their place is proved");
    }
    if erased > 0 {
        let _ = write!(says, "; of {erased} nothing is left but the proof that they were there");
    }
    says.push('.');
    Ok(says)
}

/// Whether the words of an entry are those that the log has, and when it was.
fn shown(opened: &Opened<'_>, entry: &Proved) -> Result<Option<DateTime<Utc>>, Fault> {
    let at = entry.place;
    let Some(value) = &entry.entry else { return Ok(None) };
    if entry.state == EntryState::Shown && !timeline::gives(value, entry.leaf) {
        return Err(format!("timeline.json: entry {at} is not what the log has: its hash is another.").into());
    }
    if value["place"].as_u64() != Some(at)
        || value["organization"].as_str() != Some(opened.manifest.organization.id.to_string().as_str())
    {
        return Err(format!("timeline.json: entry {at} says that it is another entry.").into());
    }
    let when = value["at"].as_str().and_then(|at| DateTime::parse_from_rfc3339(at).ok());
    let when = when.ok_or_else(|| format!("timeline.json: entry {at} does not say when it was."))?;
    Ok(Some(when.to_utc()))
}

/// The digest of the files, and the log's entry that names it.
fn frozen(opened: &Opened<'_>) -> Result<String, Fault> {
    let digest = manifest::frozen_digest(&opened.manifest.files);
    let frozen = &opened.manifest.frozen;
    if digest != frozen.digest {
        return Err("manifest.json: the digest of what was frozen is not that of the files.".into());
    }
    let document = document(opened)?;
    let entry = document.entries.iter().find(|entry| entry.place == frozen.place);
    let named = entry.filter(|entry| entry.state == EntryState::Shown).and_then(|entry| entry.entry.as_ref());
    if document.frozen_at != frozen.place || !named.is_some_and(|entry| bundle::names_frozen(entry, &digest))
    {
        return Err(Fault {
            file: Some(timeline::PATH.to_owned()),
            says: format!("timeline.json: entry {} does not name the digest of these files.", frozen.place),
        });
    }
    let when =
        named.and_then(|entry| entry["at"].as_str()).map_or_else(String::new, |at| format!(" on {at}"));
    Ok(format!(
        "Entry {} of the log names the digest of these files{when}: they were frozen then.",
        frozen.place
    ))
}
