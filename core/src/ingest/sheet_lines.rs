//! Rows of a workbook as lines of text, so that a workbook can be read in a process of its own: what
//! reads its XML is not ours, holds all of it, and a hostile file may take it down.
//!
//! The process calls [`write_sheets`], the reader of the file [`read_sheets`]. Each line is one JSON value:
//!
//! - `{"sheet":"name"}` begins a sheet, also one without rows;
//! - `[5,["a","","c"]]` is a row of it: its number (1-based), then its cells from the first column on;
//! - `{"error":{"code":"damaged_file",..}}` ends the lines: the workbook cannot be read;
//! - `{"end":true}` ends the lines. Without it the process died, and the workbook cannot be read.

use super::error::FileError;
use super::limits::Limits;
use super::sheet;
use super::source::Source;
use serde::{Deserialize, Serialize};
use std::fmt::Debug;
use std::io::{self, BufRead, Read as _, Write};

/// A part of a workbook, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SheetEvent<'e> {
    /// A sheet of this name begins.
    Sheet(&'e str),
    /// A row of it: its number (1-based), and its cells from the first column on.
    Row(u32, &'e [String]),
}

/// Takes the parts of a workbook. An error of it ends the reading.
pub type EachSheetEvent<'e> = dyn FnMut(SheetEvent<'_>) -> Result<(), FileError> + 'e;

/// Reads workbooks somewhere else than in the caller's own process.
pub trait SheetReader: Send + Sync + Debug {
    /// Gives all rows of the workbook, sheet by sheet; usually by [`read_sheets`] from the output of a
    /// process that runs [`write_sheets`] and is killed when it takes too much time or memory.
    ///
    /// # Errors
    /// What `each` or [`read_sheets`] answers; [`FileError::unreadable_workbook`] for all else.
    fn read(
        &self,
        workbook: &dyn Source,
        limits: &Limits,
        each: &mut EachSheetEvent<'_>,
    ) -> Result<(), FileError>;
}

/// A line that is no row.
#[derive(Default, Serialize, Deserialize)]
struct Mark {
    #[serde(skip_serializing_if = "Option::is_none")]
    sheet: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    end: bool,
}

/// A [`FileError`] that a workbook can have.
#[derive(Serialize, Deserialize)]
struct Failure {
    code: String,
    detail: String,
    #[serde(default)]
    limit: String,
    line: Option<u32>,
    column: Option<u32>,
}

/// What of a workbook may be over a limit.
const MEASURED: &[&str] = &[
    "the number of columns",
    "a cell",
    "the number of cells",
    "the text of all cells",
    "the unpacked spreadsheet",
    "the unpacked file",
    "the file",
];

impl Failure {
    fn of(error: &FileError) -> Self {
        let (detail, limit) = match error {
            FileError::TooLarge { what, limit, .. } => ((*what).to_owned(), limit.clone()),
            FileError::Broken { detail, .. } => (detail.clone(), String::new()),
            other => (other.to_string(), String::new()),
        };
        Self { code: error.code().to_owned(), detail, limit, line: error.line(), column: error.column() }
    }

    fn error(self) -> FileError {
        let what = MEASURED.iter().find(|what| **what == self.detail);
        match (self.code.as_str(), what, self.line) {
            ("file_too_large", Some(what), line) => FileError::TooLarge { what, limit: self.limit, line },
            ("binary_data", _, Some(line)) => {
                FileError::NulByte { line, column: self.column.unwrap_or_default() }
            }
            (_, _, line) => {
                FileError::Broken { container: "xlsx", detail: self.detail, line, column: self.column }
            }
        }
    }
}

/// Reads a workbook and writes its rows as lines. A workbook that cannot be read is a line too.
///
/// # Errors
/// When the lines cannot be written.
pub fn write_sheets(workbook: &[u8], limits: &Limits, out: &mut dyn Write) -> io::Result<()> {
    let mut broken = None;
    let outcome = sheet::read(workbook, limits, &mut |event| {
        let written = match event {
            SheetEvent::Sheet(name) => {
                write_line(out, &Mark { sheet: Some(name.to_owned()), ..Mark::default() })
            }
            SheetEvent::Row(number, cells) => write_line(out, &(number, cells)),
        };
        written.map_err(|error| {
            broken = Some(error);
            FileError::Stopped
        })
    });
    if let Some(error) = broken {
        return Err(error);
    }
    let last = match outcome {
        Ok(()) => Mark { end: true, ..Mark::default() },
        Err(error) => Mark { error: Some(Failure::of(&error)), ..Mark::default() },
    };
    write_line(out, &last)?;
    out.flush()
}

fn write_line(out: &mut dyn Write, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}

/// Reads the lines that [`write_sheets`] writes.
///
/// # Errors
/// What `each` answers, what the other process said, or that it did not come to an end.
pub fn read_sheets(
    lines: &mut dyn BufRead,
    limits: &Limits,
    each: &mut EachSheetEvent<'_>,
) -> Result<(), FileError> {
    let longest = limits.spreadsheet_inflated.saturating_mul(LONGEST_LINE).saturating_add(1 << 20);
    let mut line = Vec::new();
    let wrong = |error: serde_json::Error| FileError::unreadable_workbook(&error);
    loop {
        line.clear();
        let read = (&mut *lines).take(longest).read_until(b'\n', &mut line);
        read.map_err(|error| FileError::unreadable_workbook(&error))?;
        if line.last() != Some(&b'\n') {
            return Err(FileError::unreadable_workbook(&"its reader came to no end; save it as CSV"));
        }
        if line.first() == Some(&b'[') {
            let (number, cells): (u32, Vec<String>) = serde_json::from_slice(&line).map_err(wrong)?;
            each(SheetEvent::Row(number, &cells))?;
            continue;
        }
        let mark: Mark = serde_json::from_slice(&line).map_err(wrong)?;
        if let Some(error) = mark.error {
            return Err(error.error());
        }
        if let Some(name) = mark.sheet {
            each(SheetEvent::Sheet(&name))?;
        } else if mark.end {
            return Ok(());
        }
    }
}

/// Bytes of a line for each byte of text: an escape is six.
const LONGEST_LINE: u64 = 6;
