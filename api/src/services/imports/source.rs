//! The file of an import as its reader sees it: bytes on this machine's disk, read as often as needed.

use super::{ImportAnswers, object_key};
use crate::app::App;
use crate::error::ApiError;
use crate::files::{Collect, LocalFile};
use futures_util::TryStreamExt as _;
use leakage_core::id::OrgId;
use leakage_core::ingest::{
    DateOrder, FileError, FileReport, Limits, Progress, ReadOptions, Source, Taker, read_source,
};
use leakage_core::records::{ClientRef, Sourced};
use std::io;
use std::ops::ControlFlow;
use tokio::io::AsyncWriteExt as _;
use tokio_util::io::StreamReader;

/// The original of an import: in its place when files are kept in a folder, else brought here.
pub(super) async fn original(app: &App, org: OrgId, sha256: &str) -> Result<LocalFile, ApiError> {
    let key = object_key(org, sha256);
    if let Some(path) = app.objects.local_path(&key).map_err(ApiError::internal)? {
        return LocalFile::at(path).map_err(ApiError::internal);
    }
    let (_, stream) = app.objects.get_stream(&key).await.map_err(ApiError::internal)?;
    let (file, path) = tempfile::NamedTempFile::new().map_err(ApiError::internal)?.into_parts();
    let mut file = tokio::io::BufWriter::with_capacity(256 * 1024, tokio::fs::File::from_std(file));
    let mut stream = std::pin::pin!(StreamReader::new(stream.map_err(io::Error::other)));
    let size = tokio::io::copy(&mut stream, &mut file).await.map_err(ApiError::internal)?;
    file.flush().await.map_err(ApiError::internal)?;
    Ok(LocalFile::temporary(path, size))
}

/// How a file is read: what its uploader said, within this service's limits.
pub(super) fn options(app: &App, answers: &ImportAnswers, threads: usize) -> ReadOptions {
    let most = app.config.limits.upload_bytes;
    // Packed or not: what comes out counts.
    let mut limits = Limits { bytes: most, ..Limits::default() };
    limits.inflated = limits.inflated.min(most);
    limits.spreadsheet_inflated = limits.spreadsheet_inflated.min(most);
    ReadOptions {
        date_order: answers.date_order,
        currency: answers.currency,
        invoice_timing: answers.invoice_timing,
        limits,
        threads,
        sheets: app.sheets.clone(),
        ..ReadOptions::default()
    }
}

/// The threads that read one file.
pub(super) fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// The options to read a file anew with, when it asks the order of day and month and the organization has
/// said what that is where nobody says it. What the file shows, and what its uploader says, come first.
pub(super) fn again(
    options: &ReadOptions,
    outcome: &Result<FileReport, FileError>,
    usual: Option<DateOrder>,
) -> Option<ReadOptions> {
    let Ok(report) = outcome else { return None };
    let asked = report.needs_input.iter().any(|question| question.question == "date_order");
    let usual = usual.filter(|_| asked && options.date_order.is_none())?;
    Some(ReadOptions { date_order: Some(usual), ..options.clone() })
}

/// Whether a file names one client at most. Ends at the second one.
pub(super) fn names_one_client(file_name: &str, source: &dyn Source, options: &ReadOptions) -> bool {
    let mut clients = Clients::default();
    // A file that cannot be read says so when its rows are read.
    let _ = read_source(file_name, source, options, &mut clients);
    !clients.several
}

#[derive(Default)]
struct Clients {
    first: Option<ClientRef>,
    several: bool,
}

impl Taker for Clients {
    fn take(&mut self, records: Vec<Sourced>, _: Progress) -> ControlFlow<()> {
        for client in records.iter().filter_map(|sourced| sourced.record.client()) {
            match &self.first {
                None => self.first = Some(client.clone()),
                Some(first) if first == client => {}
                Some(_) => {
                    self.several = true;
                    return ControlFlow::Break(());
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn discard(&mut self) {
        *self = Self::default();
    }
}

/// What a file would be read as, as `leakage inspect` says it.
pub(super) fn inspect(
    file_name: &str,
    source: &dyn Source,
    options: &ReadOptions,
    usual: Option<DateOrder>,
) -> serde_json::Value {
    let mut outcome = read_source(file_name, source, options, &mut Collect::none());
    if let Some(options) = again(options, &outcome, usual) {
        outcome = read_source(file_name, source, &options, &mut Collect::none());
    }
    leakage_core::ingest::inspect_document(file_name, &outcome, false)
}
