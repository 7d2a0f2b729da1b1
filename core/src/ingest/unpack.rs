//! The way to the bytes of a part of a file, through the containers around it, each time anew.

use super::encoding;
use super::error::FileError;
use super::limits::Limits;
use super::source::{ReadSeek, Source};
use super::survey::Run;
use std::cell::RefCell;
use std::io::{self, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// How to come to the bytes of a part.
#[derive(Clone)]
pub(super) struct Way<'s> {
    pub(super) base: Base<'s>,
    /// A member of the base, if it is an archive.
    pub(super) member: Option<usize>,
    /// So many gzips around it.
    pub(super) gzips: u32,
}

#[derive(Clone)]
pub(super) enum Base<'s> {
    Source(&'s dyn Source),
    Held(Arc<Vec<u8>>),
}

impl Way<'_> {
    pub(super) fn seekable(&self) -> bool {
        self.member.is_none() && self.gzips == 0
    }

    pub(super) fn base<'b>(&'b self, run: &'b Run) -> Result<Box<dyn ReadSeek + 'b>, FileError> {
        match &self.base {
            Base::Held(bytes) => Ok(Box::new(Cursor::new(bytes.as_slice()))),
            Base::Source(source) => {
                let bytes = source.open().map_err(|error| FileError::unreadable(&error))?;
                Ok(Box::new(Passing { bytes, run }))
            }
        }
    }

    /// Gives the bytes from their beginning; with a budget, what comes out of containers is counted.
    pub(super) fn open(
        &self,
        run: &Run,
        budget: Option<&RefCell<Budget<'_>>>,
        each: &mut dyn FnMut(&mut dyn Read) -> Result<(), FileError>,
    ) -> Result<(), FileError> {
        let mut base = self.base(run)?;
        let Some(index) = self.member else { return unzip(&mut base, self.gzips, budget, each) };
        let mut archive = zip::ZipArchive::new(base).map_err(|error| broken("zip", &error))?;
        let entry = archive.by_index(index).map_err(|error| broken("zip", &error))?;
        unzip(&mut Unpacked { bytes: entry, container: "zip", budget }, self.gzips, budget, each)
    }
}

/// Takes the gzips off. All of their members are read: Partner Center's files come as several, and the
/// first alone is a part.
fn unzip(
    bytes: &mut dyn Read,
    gzips: u32,
    budget: Option<&RefCell<Budget<'_>>>,
    each: &mut dyn FnMut(&mut dyn Read) -> Result<(), FileError>,
) -> Result<(), FileError> {
    if gzips == 0 {
        return each(bytes);
    }
    let buffered = io::BufReader::with_capacity(encoding::CHUNK, bytes);
    let bytes = flate2::bufread::MultiGzDecoder::new(buffered);
    unzip(&mut Unpacked { bytes, container: "gzip", budget }, gzips - 1, budget, each)
}

/// Counts what is read of the source.
struct Passing<'r> {
    bytes: Box<dyn ReadSeek + Send + 'r>,
    run: &'r Run,
}

impl Read for Passing<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(into).map_err(|error| io::Error::other(FileError::unreadable(&error)))?;
        self.run.bytes.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

impl io::Seek for Passing<'_> {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.bytes.seek(to)
    }
}

/// What comes out of a container, and whose fault it is when nothing does.
struct Unpacked<'b, 'l, R> {
    bytes: R,
    container: &'static str,
    budget: Option<&'b RefCell<Budget<'l>>>,
}

impl<R: Read> Read for Unpacked<'_, '_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(into).map_err(|error| {
            let own = error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<FileError>);
            if own { error } else { io::Error::other(broken(self.container, &error)) }
        })?;
        if let Some(budget) = self.budget {
            budget.borrow_mut().take(count).map_err(io::Error::other)?;
        }
        Ok(count)
    }
}

/// Bytes that may still come out, shared by nested containers.
pub(super) struct Budget<'l> {
    pub(super) limits: &'l Limits,
    pub(super) packed: u64,
    pub(super) left: u64,
    pub(super) out: u64,
}

impl Budget<'_> {
    pub(super) fn take(&mut self, count: usize) -> Result<(), FileError> {
        let count = count as u64;
        self.out += count;
        if count > self.left {
            return Err(FileError::TooLarge {
                what: "the unpacked file",
                limit: bytes_text(self.limits.inflated),
                line: None,
            });
        }
        self.left -= count;
        if self.out > self.limits.ratio_from && self.out / self.packed.max(1) > self.limits.ratio {
            return Err(FileError::Ratio { limit: self.limits.ratio });
        }
        Ok(())
    }
}

pub(super) fn bytes_text(bytes: u64) -> String {
    match bytes {
        b if b >= 1 << 20 => format!("{} MiB", b >> 20),
        b if b >= 1 << 10 => format!("{} KiB", b >> 10),
        b => format!("{b} bytes"),
    }
}

pub(super) fn broken(container: &'static str, error: &dyn std::fmt::Display) -> FileError {
    FileError::Broken { container, detail: error.to_string(), line: None, column: None }
}
