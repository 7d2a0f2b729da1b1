//! The audit document as JSON for people and programs, its gaps written by several threads.

use leakage_core::audit::{AuditDocument, Gap};
use serde::Serialize;
use std::panic::resume_unwind;
use std::thread;

/// Some of a document's gaps, as deep as they lie in it.
#[derive(Serialize)]
struct Piece<'a> {
    gaps: &'a [Gap],
}

const NO_GAPS: &str = "\n  \"gaps\": []";
const BEFORE: &str = "{\n  \"gaps\": [\n";
const AFTER: &str = "\n  ]\n}";

/// The document with indents and a line end, in pieces that follow one another: the same text as
/// `serde_json` gives, with any number of threads.
///
/// # Errors
/// When the document has no JSON form.
pub(super) fn pretty(mut document: AuditDocument, threads: usize) -> Result<Vec<String>, serde_json::Error> {
    let gaps = std::mem::take(&mut document.gaps);
    let around = serde_json::to_string_pretty(&document)?;
    // A line break stands in no text of a document: it is escaped.
    let Some((before, after)) = around.split_once(NO_GAPS).filter(|_| !gaps.is_empty()) else {
        document.gaps = gaps;
        return Ok(vec![serde_json::to_string_pretty(&document)?, "\n".to_owned()]);
    };
    let size = gaps.len().div_ceil(threads.max(1));
    let written = thread::scope(|scope| {
        let workers: Vec<_> = gaps.chunks(size).map(|gaps| scope.spawn(move || piece(gaps))).collect();
        let join = |worker: thread::ScopedJoinHandle<'_, _>| {
            worker.join().unwrap_or_else(|panic| resume_unwind(panic))
        };
        workers.into_iter().map(join).collect::<Result<Vec<String>, serde_json::Error>>()
    })?;
    let mut pieces = vec![format!("{before}\n  \"gaps\": [\n")];
    for (index, piece) in written.into_iter().enumerate() {
        if index > 0 {
            pieces.push(",\n".to_owned());
        }
        pieces.push(piece);
    }
    pieces.push(format!("\n  ]{after}\n"));
    Ok(pieces)
}

/// Gaps, with commas and line breaks between them.
fn piece(gaps: &[Gap]) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(&Piece { gaps })?;
    text.truncate(text.len() - AFTER.len());
    text.drain(..BEFORE.len());
    Ok(text)
}
