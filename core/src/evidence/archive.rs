//! The zip around a bundle: the same files give the same bytes.
//!
//! Files stand in the order in which they are added, all from the first moment that a zip can name, with one
//! compression, without a comment or anything between them. So [`super::verify`] can account for every byte.

use super::BundleError;
use std::io::{Seek, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// A zip that is being written.
pub(super) struct Archive<W: Write + Seek> {
    zip: ZipWriter<W>,
}

fn options() -> SimpleFileOptions {
    SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(6))
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644)
}

impl<W: Write + Seek> Archive<W> {
    /// Begins at the beginning of `out`.
    pub(super) fn new(out: W) -> Self {
        Self { zip: ZipWriter::new(out) }
    }

    /// Adds a file.
    pub(super) fn add(&mut self, path: &str, bytes: &[u8]) -> Result<(), BundleError> {
        self.zip.start_file(path, options())?;
        self.zip.write_all(bytes)?;
        Ok(())
    }

    /// Ends it.
    pub(super) fn finish(self) -> Result<W, BundleError> {
        Ok(self.zip.finish()?)
    }
}
