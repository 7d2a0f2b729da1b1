//! What a file is read from, and who takes what is read.
//!
//! A file may be larger than memory. So it is a [`Source`] that is opened as often as a pass over it is
//! needed, and its records go to a [`Taker`] in batches while reading goes on.

use super::FileReport;
use crate::records::Sourced;
use std::io::{self, Cursor, Read, Seek};
use std::ops::ControlFlow;

/// Bytes that can be read from any place.
pub trait ReadSeek: Read + Seek {}

impl<T: Read + Seek + ?Sized> ReadSeek for T {}

/// The bytes of a file. They must stay the same while they are read.
pub trait Source: Send + Sync {
    /// Opens the bytes at their beginning, each time anew.
    fn open(&self) -> io::Result<Box<dyn ReadSeek + Send + '_>>;

    /// How many bytes there are.
    fn size(&self) -> u64;
}

impl Source for &[u8] {
    fn open(&self) -> io::Result<Box<dyn ReadSeek + Send + '_>> {
        Ok(Box::new(Cursor::new(*self)))
    }

    fn size(&self) -> u64 {
        self.len() as u64
    }
}

impl Source for Vec<u8> {
    fn open(&self) -> io::Result<Box<dyn ReadSeek + Send + '_>> {
        Ok(Box::new(Cursor::new(self.as_slice())))
    }

    fn size(&self) -> u64 {
        self.len() as u64
    }
}

/// What a pass over a file does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Looks at what the file is: no records yet.
    Survey,
    /// Reads its rows.
    Rows,
}

/// How far the reading of a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What the pass does.
    pub stage: Stage,
    /// Bytes of the source that this pass has read.
    pub bytes: u64,
    /// Bytes of the source.
    pub size: u64,
    /// Rows read in this pass, refused ones included.
    pub rows: u64,
}

/// Takes the records of a file while it is read.
///
/// Whether a file can be used is known at its end only: a row of it may be refused, and a question may
/// be open. So what is taken counts once [`read_source`](super::read_source) has answered with a report.
pub trait Taker: Send {
    /// The next records, in the order of the file. A break ends the reading with
    /// [`FileError::Stopped`](super::FileError::Stopped).
    fn take(&mut self, records: Vec<Sourced>, progress: Progress) -> ControlFlow<()>;

    /// All that was taken so far is void: the file is read anew in another way, or asks a question
    /// other than `client` first.
    fn discard(&mut self);

    /// Reading goes on, and there are no records to take.
    fn progress(&mut self, _progress: Progress) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// Keeps all records in memory.
#[derive(Debug, Default)]
pub(super) struct Collect(Vec<Sourced>);

impl Collect {
    pub(super) fn into(self, mut report: FileReport) -> FileReport {
        report.records = self.0;
        report
    }
}

impl Taker for Collect {
    fn take(&mut self, mut records: Vec<Sourced>, _: Progress) -> ControlFlow<()> {
        if self.0.is_empty() {
            self.0 = records;
        } else {
            self.0.append(&mut records);
        }
        ControlFlow::Continue(())
    }

    fn discard(&mut self) {
        self.0.clear();
    }
}
