//! Imports: an upload becomes a stored file, the file becomes records, and the whole is one fact.
//!
//! [`create`] keeps the file first and then, in one transaction, the import and the job that reads it.
//! [`read`](fn@read) runs in that job: it stores all records or none.

mod bounds;
mod findings;
mod profiles;
mod read;
mod source;

pub use findings::side_name;
pub use profiles::ProfileAnswer;
pub use read::{ImportProgress, give_up, read};

use crate::app::App;
use crate::auth::Actor;
use crate::error::{ApiError, Code};
use crate::files::LocalFile;
use crate::jobs::{self, JobKind};
use crate::services::cycles;
use crate::services::organizations::{self, OrganizationSettings};
use crate::services::text;
use crate::storage::imports::{self, ImportRow, NewImport};
use crate::storage::{OrgTx, clients, import_files};
use chrono::NaiveDate;
use leakage_core::digest;
use leakage_core::id::{ClientId, ImportId, OrgId};
use leakage_core::ingest::{DateOrder, InvoiceTiming};
use leakage_core::money::Currency;
use profiles::Profiles;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use source::options;
use std::path::Path;
use uuid::Uuid;

/// What the uploader says of a file, because the file does not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportAnswers {
    /// Whose file it is, for files that name no client: a name, or the id of a client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 300, example = "Contoso")]
    pub client: Option<String>,
    /// Order of day and month, for files that do not show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "dmy", pattern = "^(dmy|mdy)$", max_length = 3)]
    pub date_order: Option<DateOrder>,
    /// Currency of the prices, for files that do not name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// When an invoice without a service period charges its months, for files that do not tell: `advance`
    /// (the month of its date) or `arrears` (the month before).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "arrears", pattern = "^(advance|arrears)$", max_length = 7)]
    pub invoice_timing: Option<InvoiceTiming>,
    /// Day that a snapshot shows; the day of the upload when not stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot_on: Option<NaiveDate>,
    /// How a file of no known format is read: the id or name of a saved import profile, or a definition. Wins
    /// over the formats that are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<ProfileAnswer>,
    /// Name under which the definition in `profile` is saved, to read such files from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 60)]
    pub save_as: Option<String>,
    /// Go on without the refused rows. The clients they name are then `insufficient_data`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub accept_partial: bool,
}

/// A file that was received whole and lies in a temporary place.
#[derive(Debug)]
pub struct ReceivedFile<'a> {
    /// Name without folders, cut to 300 characters.
    pub file_name: &'a str,
    /// As the uploader stated it.
    pub content_type: Option<&'a str>,
    /// Bytes.
    pub size_bytes: u64,
    /// `sha256:...`
    pub sha256: &'a str,
    /// Where it lies.
    pub path: &'a Path,
}

/// Where the original file of an import is kept.
pub fn object_key(org: OrgId, sha256: &str) -> String {
    format!("{org}/imports/{}", sha256.trim_start_matches("sha256:"))
}

/// An import, and whether it was there already.
#[derive(Clone, Debug)]
pub struct CreatedImport {
    /// The import.
    pub import: ImportRow,
    /// The same file with the same answers had been uploaded before.
    pub existed: bool,
}

/// Keeps the original file. Done before any transaction: an upload that fails later leaves at most
/// an unused copy, never an import without its file.
pub async fn keep_file(app: &App, org: OrgId, file: &ReceivedFile<'_>) -> Result<(), ApiError> {
    let source = tokio::fs::File::open(file.path).await.map_err(ApiError::internal)?;
    let stream = tokio_util::io::ReaderStream::with_capacity(source, 256 * 1024);
    app.objects.put_stream(&object_key(org, file.sha256), stream).await.map_err(ApiError::internal)
}

/// Stores an upload and the job that reads it, unless the same file with the same answers is there.
pub async fn create(
    app: &App,
    tx: &mut OrgTx,
    actor: &Actor,
    file: &ReceivedFile<'_>,
    answers: &ImportAnswers,
) -> Result<CreatedImport, ApiError> {
    let mut answers = checked(tx, answers.clone()).await?;
    profiles::settle(app, tx, actor, &mut answers, &Value::Null).await?;
    let answers_json = serde_json::to_value(&answers).map_err(ApiError::internal)?;
    let identity = identity(file.sha256, &answers_json)?;
    let id = ImportId::new(Uuid::now_v7());
    let new = NewImport {
        id,
        file_name: file.file_name,
        content_type: file.content_type,
        size_bytes: i64::try_from(file.size_bytes).map_err(ApiError::internal)?,
        sha256: file.sha256,
        answers: &answers_json,
        identity: &identity,
        created_by: &actor.label(),
    };
    import_files::is_back(tx, file.sha256).await?;
    if !imports::insert(tx, &new, app.clock.now()).await? {
        let existing = imports::find_by_identity(tx, &identity).await?;
        let import = existing.ok_or_else(|| {
            ApiError::new(
                Code::Conflict,
                "The same file was being read or voided at this moment. Send it again.",
            )
        })?;
        return Ok(CreatedImport { import, existed: true });
    }
    let import = have_read(app, tx, id).await?;
    Ok(CreatedImport { import, existed: false })
}

/// What a file would be read as; nothing is kept. The document is that of `leakage inspect`.
pub async fn inspect(
    app: &App,
    org: OrgId,
    file: &ReceivedFile<'_>,
    answers: &ImportAnswers,
) -> Result<Value, ApiError> {
    let mut tx = app.db.begin(org).await?;
    checked(&mut tx, answers.clone()).await?;
    let saved = Profiles::of(&mut tx).await?;
    let mut answers = answers.clone();
    if let Some(ProfileAnswer::Saved(text)) = &answers.profile {
        answers.profile = Some(ProfileAnswer::Given(Box::new(profiles::saved(&mut tx, text).await?)));
    }
    let usual = OrganizationSettings::of(&organizations::find(&mut tx).await?)?.date_order;
    tx.rollback().await?;
    // Few at once: the others wait, and jobs go on beside them.
    let _turn = app.inspections.acquire().await.map_err(ApiError::internal)?;
    let local = LocalFile::at(file.path.to_owned()).map_err(ApiError::internal)?;
    let (name, mut options) = (file.file_name.to_owned(), options(app, &answers, 1));
    saved.offer(&answers, &mut options);
    let document = tokio::task::spawn_blocking(move || source::inspect(&name, &local, &options, usual));
    document.await.map_err(ApiError::internal)
}

/// Enqueues the job that reads an import.
async fn have_read(app: &App, tx: &mut OrgTx, id: ImportId) -> Result<ImportRow, ApiError> {
    let job = jobs::enqueue(tx, app.clock.now(), JobKind::ReadImport, id.uuid(), Value::Null).await?;
    imports::set_job(tx, id, job).await?;
    imports::find(tx, id).await?.ok_or_else(ApiError::not_found)
}

/// Answers the questions of an import that needs input, and has it read again.
pub async fn answer(
    app: &App,
    tx: &mut OrgTx,
    actor: &Actor,
    id: ImportId,
    version: i64,
    answers: &ImportAnswers,
) -> Result<ImportRow, ApiError> {
    let current = imports::find(tx, id).await?.ok_or_else(ApiError::not_found)?;
    let given: ImportAnswers = serde_json::from_value(current.answers.clone()).map_err(ApiError::internal)?;
    let mut answers = checked(tx, answers.clone()).await?;
    if current.version != version {
        return Err(ApiError::stale());
    }
    profiles::settle(app, tx, actor, &mut answers, &current.questions).await?;
    let merged = ImportAnswers {
        client: answers.client.or(given.client),
        date_order: answers.date_order.or(given.date_order),
        currency: answers.currency.or(given.currency),
        invoice_timing: answers.invoice_timing.or(given.invoice_timing),
        snapshot_on: answers.snapshot_on.or(given.snapshot_on),
        profile: answers.profile.or(given.profile),
        save_as: None,
        accept_partial: answers.accept_partial || given.accept_partial,
    };
    let merged = serde_json::to_value(&merged).map_err(ApiError::internal)?;
    let identity = identity(&current.sha256, &merged)?;
    if let Some(other) = imports::find_by_identity(tx, &identity).await?
        && other.id != current.id
    {
        return Err(ApiError::new(
            Code::AlreadyExists,
            format!("With these answers it is the same as import {}, which is there already.", other.id),
        ));
    }
    match imports::answer(tx, id, version, &merged, &identity).await? {
        Some(_) => have_read(app, tx, id).await,
        None => Err(refused_change(&current, version, "answered", "it needs input")),
    }
}

/// Voids an import: it stays readable and counts no more.
pub async fn void(
    app: &App,
    tx: &mut OrgTx,
    actor: &Actor,
    id: ImportId,
    version: i64,
    reason: &str,
) -> Result<ImportRow, ApiError> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(ApiError::invalid("/reason", "Say why, for whoever reads the audits that used it."));
    }
    if !imports::void(tx, id, version, reason, &actor.label(), app.clock.now()).await? {
        let current = imports::find(tx, id).await?.ok_or_else(ApiError::not_found)?;
        return Err(refused_change(&current, version, "voided", "it is completed or needs input"));
    }
    cycles::facts_changed(tx, app.clock.now()).await?;
    imports::find(tx, id).await?.ok_or_else(ApiError::not_found)
}

/// Removes the uploaded file of an import; what was read from it, and its digest, stay.
pub async fn erase_file(
    app: &App,
    tx: &mut OrgTx,
    actor: &Actor,
    id: ImportId,
    version: i64,
) -> Result<ImportRow, ApiError> {
    let erased = import_files::erase(tx, id, version, &actor.label(), app.clock.now()).await?;
    let current = imports::find(tx, id).await?.ok_or_else(ApiError::not_found)?;
    let Some(sha256) = erased else {
        if current.version == version && current.file_erased_at.is_some() {
            return Ok(current);
        }
        let (verb, when) = ("rid of its file", "no import of the same file is still to be read");
        return Err(refused_change(&current, version, verb, when));
    };
    // Before it is said to be gone: what is marked and still there would be found by nobody.
    app.objects.delete(&object_key(tx.org(), &sha256)).await.map_err(ApiError::internal)?;
    Ok(current)
}

fn refused_change(current: &ImportRow, version: i64, verb: &str, when: &str) -> ApiError {
    if current.version != version {
        return ApiError::stale();
    }
    ApiError::new(
        Code::Conflict,
        format!("An import that is {} cannot be {verb}; that is possible while {when}.", current.status),
    )
}

/// Refuses what nothing can be done with. A client named by its id is written by its name from here on:
/// that is what records carry.
async fn checked(tx: &mut OrgTx, mut answers: ImportAnswers) -> Result<ImportAnswers, ApiError> {
    if let Some(day) = answers.snapshot_on {
        text::day("/snapshot_on", day)?;
    }
    let Some(client) = answers.client.take() else { return Ok(answers) };
    let client = text::short("/client", &client, 300)?;
    let name = match client.parse::<ClientId>() {
        Ok(id) => match clients::find(tx, id).await? {
            Some(row) => row.name,
            None => return Err(ApiError::invalid("/client", "There is no client with this id.")),
        },
        Err(_) if !client.contains(char::is_alphanumeric) => {
            return Err(ApiError::invalid("/client", "Give the client's name or id."));
        }
        Err(_) => client,
    };
    answers.client = Some(name);
    Ok(answers)
}

/// The same file with the same answers is the same import.
fn identity(sha256: &str, answers: &Value) -> Result<String, ApiError> {
    digest::of_json(&json!({ "file": sha256, "answers": answers })).map_err(ApiError::internal)
}
