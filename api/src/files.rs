//! Files on this machine's disk, as readers of any size of file want them.

use leakage_core::digest;
use leakage_core::ingest::{FileReport, Progress, ReadSeek, Source, Taker};
use leakage_core::records::Sourced;
use sha2::{Digest as _, Sha256};
use std::io::{self, Read as _};
use std::ops::ControlFlow;
use std::path::PathBuf;
use tempfile::TempPath;

/// A file on disk.
#[derive(Debug)]
pub struct LocalFile {
    path: PathBuf,
    size: u64,
    /// Removed when this is dropped; none for a file that is kept.
    _temporary: Option<TempPath>,
}

impl LocalFile {
    /// A file that is kept by someone else.
    pub fn at(path: PathBuf) -> io::Result<Self> {
        let size = std::fs::metadata(&path)?.len();
        Ok(Self { path, size, _temporary: None })
    }

    /// A file that is removed when it is read.
    pub fn temporary(path: TempPath, size: u64) -> Self {
        Self { path: path.to_path_buf(), size, _temporary: Some(path) }
    }

    /// Digest of its bytes, `sha256:...`.
    pub fn digest(&self) -> io::Result<String> {
        let (mut file, mut sha256) = (std::fs::File::open(&self.path)?, Sha256::new());
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(digest::text(&sha256.finalize())),
                read => sha256.update(buffer.get(..read).unwrap_or_default()),
            }
        }
    }
}

impl Source for LocalFile {
    fn open(&self) -> io::Result<Box<dyn ReadSeek + Send + '_>> {
        Ok(Box::new(std::fs::File::open(&self.path)?))
    }

    fn size(&self) -> u64 {
        self.size
    }
}

/// Records that room is made for on the word of the first ones.
const MOST_GUESSED: usize = 1 << 21;

/// Keeps all records in memory, or none.
#[derive(Debug)]
pub struct Collect {
    records: Vec<Sourced>,
    keep: bool,
}

impl Collect {
    /// For whoever wants the records.
    pub const fn all() -> Self {
        Self { records: Vec::new(), keep: true }
    }

    /// For whoever only wants to know what the file is.
    pub const fn none() -> Self {
        Self { records: Vec::new(), keep: false }
    }

    /// Room for what the rest of the file will bring if it goes on as it began: to grow by and by would
    /// copy everything some times, and need half as much memory again.
    fn make_room(&mut self, more: usize, progress: Progress) {
        let needed = self.records.len() + more;
        if needed <= self.records.capacity() {
            return;
        }
        let rest = progress.size.saturating_sub(progress.bytes);
        let expected = u128::from(rest) * needed as u128 / u128::from(progress.bytes.max(1));
        let expected = usize::try_from(expected).unwrap_or(usize::MAX);
        // Never more than it would grow by itself, but for the first guess. Room that is not used costs nothing.
        let most = needed.max(MOST_GUESSED);
        self.records.reserve(more + (expected + expected / 8).min(most));
    }

    /// Puts them into the report.
    pub fn into_report(self, report: FileReport) -> FileReport {
        FileReport { records: self.records, ..report }
    }
}

impl Taker for Collect {
    fn take(&mut self, mut records: Vec<Sourced>, progress: Progress) -> ControlFlow<()> {
        if self.keep {
            self.make_room(records.len(), progress);
            self.records.append(&mut records);
        }
        ControlFlow::Continue(())
    }

    fn discard(&mut self) {
        self.records.clear();
    }
}
