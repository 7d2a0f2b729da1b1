//! What the job of an import does: file to records, in one transaction, holding a few batches of them.
//!
//! The file is read on a thread of its own. Its records come through a channel that holds few, so that
//! reading waits for storing and memory does not grow with the file. Whether the file can be used is known
//! at its end only: until then nothing is committed.

use super::bounds::Bounds;
use super::findings::{count, error_rows, findings, incomplete, open_questions, rows_refused, unreadable};
use super::profiles::{Profiles, question};
use super::source::{again, names_one_client, options, original, threads};
use super::{ImportAnswers, findings};
use crate::app::App;
use crate::error::ApiError;
use crate::files::LocalFile;
use crate::services::organizations::{self, OrganizationSettings};
use crate::storage::import_errors;
use crate::storage::imports::{self, ImportRow};
use crate::storage::records::Writer;
use crate::storage::{OrgTx, StorageError};
use chrono::{DateTime, Utc};
use leakage_core::id::{ImportId, OrgId};
use leakage_core::ingest::{FileError, FileReport, Progress, ReadOptions, Stage, Taker, read_source};
use leakage_core::records::Sourced;
use serde_json::Value;
use std::ops::ControlFlow;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

/// Batches that are read and not stored yet.
const WAITING: usize = 2;

/// How far an import is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportProgress {
    /// Bytes of the file that have been read.
    pub bytes: u64,
    /// Bytes of the file.
    pub size: u64,
    /// Rows that have been read; 0 while the file is looked at.
    pub rows: u64,
}

impl From<Progress> for ImportProgress {
    fn from(progress: Progress) -> Self {
        // A survey reads the file too, but is not what people wait for.
        let (bytes, rows) = match progress.stage {
            Stage::Survey => (0, 0),
            Stage::Rows => (progress.bytes, progress.rows),
        };
        Self { bytes, size: progress.size, rows }
    }
}

/// Reads the file of an import and stores what comes out: records, questions or refusals. The answer is the
/// transaction in which all of it is written, for the caller to commit.
pub async fn read(
    app: &App,
    org: OrgId,
    import: &ImportRow,
    progress: &watch::Sender<ImportProgress>,
) -> Result<OrgTx, ApiError> {
    let answers: ImportAnswers =
        serde_json::from_value(import.answers.clone()).map_err(ApiError::internal)?;
    let mut tx = app.db.begin(org).await?;
    let settings = OrganizationSettings::of(&organizations::find(&mut tx).await?)?;
    let profiles = Profiles::of(&mut tx).await?;
    tx.rollback().await?;
    let file = Arc::new(original(app, org, &import.sha256).await?);
    let mut read_with = options(app, &answers, threads());
    profiles.offer(&answers, &mut read_with);
    let reader = Reader { app, org, import, answers: &answers, file, progress, profiles };
    let mut pass = reader.pass(&read_with).await?;
    if let Some(options) = again(&read_with, &pass.outcome, settings.date_order) {
        pass.tx.rollback().await?;
        pass = reader.pass(&options).await?;
    }
    reader.conclude(pass).await
}

/// A file that is being read, and whose.
struct Reader<'a> {
    app: &'a App,
    org: OrgId,
    import: &'a ImportRow,
    answers: &'a ImportAnswers,
    file: Arc<LocalFile>,
    progress: &'a watch::Sender<ImportProgress>,
    profiles: Profiles,
}

/// A file that was read once.
struct Pass {
    outcome: Result<FileReport, FileError>,
    /// Holds the records, not committed.
    tx: OrgTx,
    written: i64,
}

impl Reader<'_> {
    const fn id(&self) -> ImportId {
        ImportId::new(self.import.id)
    }

    async fn pass(&self, options: &ReadOptions) -> Result<Pass, ApiError> {
        let (give, mut records) = mpsc::channel(WAITING);
        let hand = Hand {
            give,
            progress: self.progress.clone(),
            stated: self.answers.client.clone(),
            alone: false,
            bounds: Bounds::default(),
        };
        let (name, file, options) = (self.import.file_name.clone(), Arc::clone(&self.file), options.clone());
        let reading = tokio::task::spawn_blocking(move || hand.read(&name, &file, &options));
        let mut store = Store::begin(self.app, self.org, self.id()).await?;
        while let Some(handed) = records.recv().await {
            match handed {
                Handed::Records(records) => store.write(self.app, &records).await?,
                Handed::Discard if store.writer.written() == 0 => {}
                Handed::Discard => {
                    store.tx.rollback().await?;
                    store = Store::begin(self.app, self.org, self.id()).await?;
                }
            }
        }
        let outcome = reading.await.map_err(ApiError::internal)?;
        if let Err(FileError::Unreadable(error)) = outcome {
            return Err(ApiError::internal(format!("the kept file cannot be read: {error}")));
        }
        store.writer.finish(&mut store.tx).await?;
        Ok(Pass { outcome, written: store.writer.written(), tx: store.tx })
    }

    /// Writes what was found out, and lets go of the records of a file that cannot be used (yet).
    async fn conclude(&self, pass: Pass) -> Result<OrgTx, ApiError> {
        let (id, now) = (self.id(), self.app.clock.now());
        let report = match pass.outcome {
            Ok(report) => report,
            Err(error) => {
                let mut tx = self.afresh(pass.tx).await?;
                let found = question(&error).map_or_else(|| unreadable(&error), Ok)?;
                imports::conclude(&mut tx, id, &found, now).await?;
                return Ok(tx);
            }
        };
        let questions = open_questions(&report, self.answers);
        let source = report.source();
        let mut found = findings(&report)?;
        found.format = Some(&source);
        let uploaded_on = self.import.created_at.date_naive();
        found.snapshot_on = report.snapshot.then(|| self.answers.snapshot_on.unwrap_or(uploaded_on));
        if questions.as_array().is_some_and(|questions| !questions.is_empty()) {
            found.status = "needs_input";
            found.questions = questions;
        } else if report.refused_total > 0 && !self.answers.accept_partial {
            found.status = "refused";
            found.problem = Some(rows_refused(&report)?);
        } else {
            found.records = count(pass.written)?;
            (found.incomplete, found.incomplete_clients) = incomplete(&report.refused, report.refused_total)?;
        }
        let mut tx = if found.status == "completed" { pass.tx } else { self.afresh(pass.tx).await? };
        import_errors::replace(&mut tx, id, &error_rows(&report.refused)).await?;
        imports::conclude(&mut tx, id, &found, now).await?;
        self.profiles.note_use(&mut tx, id, &report, self.answers).await?;
        Ok(tx)
    }

    async fn afresh(&self, used: OrgTx) -> Result<OrgTx, ApiError> {
        used.rollback().await?;
        Ok(self.app.db.begin(self.org).await?)
    }
}

/// Where the records go.
struct Store {
    tx: OrgTx,
    writer: Writer,
}

impl Store {
    async fn begin(app: &App, org: OrgId, id: ImportId) -> Result<Self, StorageError> {
        // Between two batches it waits for the file.
        let mut tx = app.db.begin_long(org).await?;
        let writer = Writer::begin(&mut tx, id).await?;
        Ok(Self { tx, writer })
    }

    async fn write(&mut self, app: &App, records: &[Sourced]) -> Result<(), StorageError> {
        self.writer.write(&mut self.tx, records, app.clock.now(), Uuid::now_v7).await
    }
}

/// What the reading thread hands to the one that stores.
enum Handed {
    Records(Vec<Sourced>),
    /// What was handed so far is void.
    Discard,
}

/// The reading thread's end.
struct Hand {
    give: mpsc::Sender<Handed>,
    progress: watch::Sender<ImportProgress>,
    /// The client that the uploader states.
    stated: Option<String>,
    /// The file names one client at most: then the stated name is used for all its rows.
    alone: bool,
    bounds: Bounds,
}

impl Hand {
    fn read(mut self, name: &str, file: &LocalFile, options: &ReadOptions) -> Result<FileReport, FileError> {
        self.alone = self.stated.is_some() && names_one_client(name, file, options);
        let mut report = read_source(name, file, options, &mut self)?;
        self.bounds.report(&mut report);
        Ok(report)
    }

    fn give(&self, handed: Handed) -> ControlFlow<()> {
        // Whoever stores is gone: an error ended it, and is told there.
        if self.give.blocking_send(handed).is_ok() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    }
}

impl Taker for Hand {
    fn take(&mut self, mut records: Vec<Sourced>, progress: Progress) -> ControlFlow<()> {
        self.bounds.refuse_unstorable(&mut records);
        if let Some(stated) = &self.stated {
            name_client(&mut records, stated, self.alone);
        }
        if !records.is_empty() {
            self.give(Handed::Records(records))?;
        }
        Taker::progress(self, progress)
    }

    fn discard(&mut self) {
        self.bounds = Bounds::default();
        let _ = self.give(Handed::Discard);
    }

    fn progress(&mut self, progress: Progress) -> ControlFlow<()> {
        self.progress.send_replace(progress.into());
        if self.give.is_closed() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// Names the client as the uploader does: where the file names one client or none, everywhere; else
/// where a row carries no name. Audits read the stored rows by the same rule.
fn name_client(records: &mut [Sourced], stated: &str, alone: bool) {
    for client in records.iter_mut().filter_map(|sourced| sourced.record.client_mut()) {
        if alone || client.name.is_none() {
            client.name = Some(stated.to_owned());
        }
    }
}

/// Ends an import whose job was refused or given up, if it still waits for it.
pub async fn give_up(
    tx: &mut OrgTx,
    id: ImportId,
    problem: &Value,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    match imports::find(tx, id).await? {
        Some(import) if import.status == "processing" => {
            imports::conclude(tx, id, &findings::refused(problem.clone()), now).await
        }
        _ => Ok(()),
    }
}
