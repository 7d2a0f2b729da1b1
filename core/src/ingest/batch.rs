//! Rows that are read apart from the rows before them, and how they come together with these: repeats are
//! only seen then.

use super::error::FileError;
use super::layout::{Cells, Under};
use super::limits::Limits;
use super::repeats::{Digest, Places, Repeats};
use super::sink::{Bad, Sink};
use super::table::Row;
use crate::records::ClientRef;
use std::ops::Range;

/// Rows that were read apart from the others.
pub(super) struct Batch {
    pub(super) sink: Sink<'static>,
    places: Option<Places>,
    comma: bool,
    /// Bytes of the text.
    bytes: usize,
    kept: Vec<Kept>,
    scratch: Vec<u8>,
    /// The rest of the block could not be read.
    pub(super) error: Option<FileError>,
}

/// A row that was taken, and which of the records and listed notes are its own.
struct Kept {
    digest: Digest,
    line: u32,
    records: Range<usize>,
    listed: Range<usize>,
    notes: u64,
}

impl Batch {
    pub(super) fn new(limits: &Limits, places: Option<Places>, comma: bool, bytes: usize) -> Self {
        let mut sink = Sink::new(limits);
        // Rows have some sixty bytes or more. What is not used costs nothing.
        sink.records.reserve(bytes / 64);
        Self { sink, places, comma, bytes, kept: Vec::new(), scratch: Vec::new(), error: None }
    }

    pub(super) fn row(
        &mut self,
        under: &Under<'_>,
        row: &Row<'_>,
        client: &dyn Fn(&Cells<'_>) -> Option<ClientRef>,
        each: &mut dyn FnMut(&Cells<'_>, &mut Sink<'_>) -> Result<(), Bad>,
    ) {
        let before = (self.sink.records.len(), self.sink.notes.len(), self.sink.notes_total);
        if under.row(row, &mut self.sink, client, each)
            && let Some(places) = self.places
        {
            let digest = places.digest(row.cells, self.comma, &mut self.scratch);
            let records = before.0..self.sink.records.len();
            let listed = before.1..self.sink.notes.len();
            let notes = self.sink.notes_total - before.2;
            self.kept.push(Kept { digest, line: row.line, records, listed, notes });
        }
    }

    pub(super) fn merge(
        mut self,
        into: &mut Sink<'_>,
        repeats: Option<&mut Repeats>,
    ) -> Result<(), FileError> {
        if let Some(repeats) = repeats {
            repeats.make_room(self.kept.len(), self.bytes, into.size());
            let repeated =
                self.kept.iter().filter_map(|row| Some((row, repeats.first(row.digest, row.line)?)));
            let repeated: Vec<(&Kept, u32)> = repeated.collect();
            if !repeated.is_empty() {
                take_out(&repeated, &mut self.sink);
            }
        }
        into.merge(self.sink, self.bytes);
        self.error.map_or(Ok(()), Err)
    }
}

/// Puts a note in the place of each of these rows.
fn take_out(repeated: &[(&Kept, u32)], sink: &mut Sink<'_>) {
    let (mut records, mut notes) = (0..sink.records.len(), 0..sink.notes.len());
    let mut old_records = std::mem::take(&mut sink.records).into_iter();
    let mut old_notes = std::mem::take(&mut sink.notes).into_iter();
    for (row, first) in repeated {
        sink.records.extend(old_records.by_ref().take(row.records.start - records.start));
        old_records.by_ref().take(row.records.len()).for_each(drop);
        records.start = row.records.end;
        sink.notes.extend(old_notes.by_ref().take(row.listed.start - notes.start));
        old_notes.by_ref().take(row.listed.len()).for_each(drop);
        notes.start = row.listed.end;
        sink.notes_total -= row.notes;
        let text = format!("the same as line {first}; counted once");
        sink.note(Some(row.line), "duplicate_line", text);
    }
    sink.records.extend(old_records);
    sink.notes.extend(old_notes);
}
