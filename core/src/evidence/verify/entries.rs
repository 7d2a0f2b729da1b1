//! Checks a log that was exported whole: one entry a line, from place 0 on, with signed checkpoints
//! among them or beside.

use super::super::key::VerifySignature;
use super::super::timeline;
use super::report::Verification;
use crate::log::{Checkpoint, Frontier, Hash, NoteKey, SignedNote};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::BufRead;

/// Longer lines are no entries.
const MOST_LINE: usize = 1 << 24;

/// A log as it was exported.
pub struct LogFile<'f> {
    /// One JSON object a line: entries (`place`, `leaf`, `entry`) in order, and checkpoints (`note`) anywhere.
    pub lines: &'f mut dyn BufRead,
    /// Signed checkpoints that were kept elsewhere.
    pub checkpoints: &'f [String],
    /// Keys that sign this log.
    pub keys: &'f [[u8; 32]],
}

/// What was read so far.
#[derive(Default)]
struct Walk {
    tree: Frontier,
    erased: u64,
    /// Roots by size, at the sizes that checkpoints speak of.
    notes: Vec<(String, String)>,
    roots: BTreeMap<u64, Hash>,
}

/// Checks it, and names the first entry that does not hold.
pub fn verify_log(file: LogFile<'_>, verify: VerifySignature<'_>) -> Verification {
    let LogFile { lines, checkpoints, keys } = file;
    let mut out = Verification::default();
    let mut walk = Walk::default();
    let outside = checkpoints.iter().map(|note| ("a checkpoint that you gave".to_owned(), note.clone()));
    walk.notes.extend(outside);
    walk.roots.insert(0, walk.tree.root());
    if let Err(says) = read(lines, &mut walk) {
        out.failing(None, says);
        return out;
    }
    let size = walk.tree.size();
    let erased = if walk.erased == 0 { String::new() } else { format!(", {} of them erased", walk.erased) };
    out.holding(None, format!("{size} entries, from place 0 on, each with the hash of its words{erased}."));
    out.holding(None, format!("The root over them is {}.", walk.tree.root()));
    if walk.notes.is_empty() {
        out.remark(
            None,
            "No checkpoint was compared: a log that was rewritten as a whole looks as sound as another. Give a \
             checkpoint that was kept elsewhere.",
        );
    }
    for (name, note) in &walk.notes {
        checkpoint(&walk, (name, note), keys, verify, &mut out);
    }
    out
}

fn read(lines: &mut dyn BufRead, walk: &mut Walk) -> Result<(), String> {
    for number in 1_u64.. {
        let mut line = Vec::new();
        let read = std::io::Read::take(&mut *lines, MOST_LINE as u64 + 1).read_until(b'\n', &mut line);
        let read = read.map_err(|error| format!("Line {number} cannot be read: {error}."))?;
        if read == 0 {
            break;
        }
        if line.len() > MOST_LINE {
            return Err(format!("Line {number} is longer than an entry can be."));
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let value: Value =
            serde_json::from_slice(&line).map_err(|error| format!("Line {number} is not JSON: {error}."))?;
        match value["note"].as_str() {
            Some(note) => walk.notes.push((format!("the checkpoint of line {number}"), note.to_owned())),
            None => entry(&value, number, walk)?,
        }
    }
    Ok(())
}

fn entry(line: &Value, number: u64, walk: &mut Walk) -> Result<(), String> {
    let place = walk.tree.size();
    let first = |reason: &str| format!("Entry {place} (line {number}) does not hold: {reason}.");
    if line["place"].as_u64() != Some(place) {
        return Err(first("it is missing, and the line has another place"));
    }
    let leaf = line["leaf"].as_str().and_then(Hash::parse).ok_or_else(|| first("it has no leaf hash"))?;
    match &line["entry"] {
        Value::Null => walk.erased += 1,
        Value::String(words) => {
            let entry: Value = serde_json::from_str(words).map_err(|_| first("its words are not JSON"))?;
            if crate::log::leaf_hash(words.as_bytes()) != leaf {
                return Err(first("its hash is not that of its words"));
            }
            if entry["place"].as_u64() != Some(place) {
                return Err(first("it says that it is another entry"));
            }
        }
        entry if timeline::gives(entry, leaf) => {}
        _ => return Err(first("its hash is not that of its words")),
    }
    walk.tree.append(leaf);
    walk.roots.insert(walk.tree.size(), walk.tree.root());
    Ok(())
}

fn checkpoint(
    walk: &Walk,
    (name, note): (&str, &str),
    keys: &[[u8; 32]],
    verify: VerifySignature<'_>,
    out: &mut Verification,
) {
    let parsed = SignedNote::parse(note).ok();
    let parsed = parsed.and_then(|note| Checkpoint::parse(note.unverified_text()).ok());
    let Some(checkpoint) = parsed else {
        return out.failing(None, format!("{name} is no signed checkpoint."));
    };
    let size = checkpoint.size;
    match walk.roots.get(&size) {
        Some(root) if *root == checkpoint.root => {}
        Some(_) => {
            return out.failing(
                None,
                format!("{name} commits to {size} entries, and they are not these: one of the first {size} was changed."),
            );
        }
        None => {
            return out.failing(
                None,
                format!("{name} commits to {size} entries: entry {} is missing.", walk.tree.size()),
            );
        }
    }
    let signed = keys.iter().any(|key| {
        let key = NoteKey::new(&checkpoint.origin, *key);
        key.is_ok_and(|key| Checkpoint::open(note, &checkpoint.origin, &key, verify).is_ok())
    });
    let fits = format!("{name} commits to the first {size} entries as they are");
    match (keys.is_empty(), signed) {
        (true, _) => {
            out.remark(None, format!("{fits}. Its signature was not checked, since no key was given."));
        }
        (false, true) => out.holding(None, format!("{fits}, and is signed with a key that you gave.")),
        (false, false) => {
            out.failing(None, format!("{fits}, and none of the keys that you gave has signed it."));
        }
    }
}
