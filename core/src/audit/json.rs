//! The audit document as JSON for people and programs, its gaps written by several threads.

use super::document::{AuditDocument, Gap};
use crate::parallel;
use serde::Serialize as _;
use serde_json::Serializer;
use serde_json::ser::Formatter;
use std::io::{self, Write};

/// Gaps that are written together.
const PIECE: usize = 64;

/// Bytes of a gap, more or less.
const SIZE: usize = 4 << 10;

const NO_GAPS: &str = "\n  \"gaps\": []";

/// Writes the document with indents and a line end: the same text as `serde_json` gives, with any number of
/// threads. It goes out piece by piece.
///
/// # Errors
/// What `out` answers, or that the document has no JSON form.
pub fn json(mut document: AuditDocument, threads: usize, out: &mut dyn Write) -> io::Result<()> {
    let gaps = std::mem::take(&mut document.gaps);
    let around = serde_json::to_string_pretty(&document)?;
    // A line break stands in no text of a document: it is escaped.
    let Some((before, after)) = around.split_once(NO_GAPS).filter(|_| !gaps.is_empty()) else {
        document.gaps = gaps;
        return writeln!(out, "{}", serde_json::to_string_pretty(&document)?);
    };
    write!(out, "{before}\n  \"gaps\": [")?;
    let pieces: Vec<&[Gap]> = gaps.chunks(PIECE).collect();
    let mut first = true;
    parallel::in_order(&pieces, threads, |gaps| piece(gaps), &mut |piece: io::Result<Vec<u8>>| {
        let piece = piece?;
        // Each gap has a comma before it.
        out.write_all(piece.get(usize::from(std::mem::take(&mut first))..).unwrap_or_default())
    })?;
    writeln!(out, "\n  ]{after}")
}

/// Gaps as they lie in the document, each with a comma before it.
fn piece(gaps: &[Gap]) -> io::Result<Vec<u8>> {
    let mut text = Vec::with_capacity(gaps.len() * SIZE);
    for gap in gaps {
        let indents = Indents { depth: 2, filled: false };
        indents.next(&mut text, false)?;
        gap.serialize(&mut Serializer::with_formatter(&mut text, indents))?;
    }
    Ok(text)
}

/// Indents as `serde_json` does, but writes a line break with its indent at once: half of what an audit prints
/// are numbers of lines, one each.
struct Indents {
    depth: usize,
    filled: bool,
}

/// A comma, a line break and the deepest indent that is written at once.
const BREAK: &[u8] = b",\n                                ";

impl Indents {
    /// Begins the next line; behind the first value it ends with a comma.
    fn next<W: ?Sized + Write>(&self, out: &mut W, first: bool) -> io::Result<()> {
        let (from, until) = (usize::from(first), 2 + 2 * self.depth);
        out.write_all(BREAK.get(from..until.min(BREAK.len())).unwrap_or_default())?;
        (BREAK.len()..until).try_for_each(|_| out.write_all(b" "))
    }

    fn open<W: ?Sized + Write>(&mut self, out: &mut W, sign: &[u8]) -> io::Result<()> {
        self.depth += 1;
        self.filled = false;
        out.write_all(sign)
    }

    fn close<W: ?Sized + Write>(&mut self, out: &mut W, sign: &[u8]) -> io::Result<()> {
        self.depth -= 1;
        if self.filled {
            self.next(out, true)?;
        }
        self.filled = true;
        out.write_all(sign)
    }
}

impl Formatter for Indents {
    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.open(out, b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.close(out, b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.filled = true;
        self.next(out, first)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.open(out, b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.close(out, b"}")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.filled = true;
        self.next(out, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }
}
