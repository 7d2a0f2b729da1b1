//! What the job of an import does: file to records, in one transaction.

use super::bounds::{refuse_unstorable, shown};
use super::{ImportAnswers, object_key};
use crate::app::App;
use crate::error::{ApiError, Code, FieldError};
use crate::storage::import_errors::{self, ImportErrorRow};
use crate::storage::imports::{self, Findings, ImportRow};
use crate::storage::records;
use crate::storage::{OrgTx, StorageError};
use chrono::{DateTime, Utc};
use leakage_core::id::{ImportId, OrgId};
use leakage_core::ingest::{self, FileError, FileReport, Limits, ReadOptions, Refusal};
use leakage_core::records::{ClientRef, Side};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;
use uuid::Uuid;

/// Rows of an import that is refused are listed in its problem up to this many.
const LISTED_ERRORS: usize = 1_000;

/// Bytes from which on only one file is read at a time in a process. Low, for a packed file holds up to
/// 200 times as much.
const LARGE_FILE: i64 = 4 << 20;

/// Reads the file of an import outside any transaction; the answer is what [`Reading::store`] writes.
pub async fn read(app: &App, org: OrgId, import: &ImportRow) -> Result<Reading, ApiError> {
    let answers: ImportAnswers =
        serde_json::from_value(import.answers.clone()).map_err(ApiError::internal)?;
    let turn = if import.size_bytes > LARGE_FILE {
        Some(Arc::clone(&app.large_file).acquire_owned().await.map_err(ApiError::internal)?)
    } else {
        None
    };
    let bytes = app.objects.get_bytes(&object_key(org, &import.sha256)).await.map_err(ApiError::internal)?;
    // Packed or not: what comes out counts, for it is held in memory.
    let most = app.config.limits.upload_bytes;
    let mut limits = Limits { bytes: most, ..Limits::default() };
    limits.inflated = limits.inflated.min(most);
    limits.spreadsheet_inflated = limits.spreadsheet_inflated.min(most);
    let options = ReadOptions {
        date_order: answers.date_order,
        currency: answers.currency,
        limits,
        ..ReadOptions::default()
    };
    let file_name = import.file_name.clone();
    let outcome = tokio::task::spawn_blocking(move || {
        let mut report = ingest::read(&file_name, &bytes, &options)?;
        refuse_unstorable(&mut report);
        Ok(report)
    })
    .await
    .map_err(ApiError::internal)?;
    Ok(Reading { answers, outcome, uploaded_on: import.created_at.date_naive(), _turn: turn })
}

/// A file that was read, and what the uploader said of it.
#[derive(Debug)]
pub struct Reading {
    answers: ImportAnswers,
    outcome: Result<FileReport, FileError>,
    uploaded_on: chrono::NaiveDate,
    /// Given back when the rows are stored and gone.
    _turn: Option<OwnedSemaphorePermit>,
}

impl Reading {
    /// Stores the outcome: records, questions or refusals, in the caller's transaction.
    pub async fn store(self, app: &App, tx: &mut OrgTx, id: ImportId) -> Result<(), ApiError> {
        let now = app.clock.now();
        let mut report = match self.outcome {
            Ok(report) => report,
            Err(error) => {
                imports::conclude(tx, id, &unreadable(&error)?, now).await?;
                return Ok(());
            }
        };
        import_errors::replace(tx, id, &error_rows(&report.refused)).await?;
        let questions = open_questions(&report, &self.answers);
        let refused = report.refused_total > 0 && !self.answers.accept_partial;
        let mut found = findings(&report)?;
        found.snapshot_on = report.snapshot.then(|| self.answers.snapshot_on.unwrap_or(self.uploaded_on));
        if questions.as_array().is_some_and(|questions| !questions.is_empty()) {
            found.status = "needs_input";
            found.questions = questions;
        } else if refused {
            found.status = "refused";
            found.problem = Some(rows_refused(&report)?);
        } else {
            found.records = count(report.records.len())?;
            (found.incomplete, found.incomplete_clients) = incomplete(&report.refused, report.refused_total)?;
        }
        imports::conclude(tx, id, &found, now).await?;
        if found.status == "completed" {
            if let Some(client) = &self.answers.client {
                name_client(&mut report, client);
            }
            records::insert(tx, id, &report.records, now, Uuid::now_v7).await?;
        }
        Ok(())
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
            imports::conclude(tx, id, &refused(problem.clone()), now).await
        }
        _ => Ok(()),
    }
}

fn count(number: impl TryInto<i64>) -> Result<i64, ApiError> {
    number.try_into().map_err(|_| ApiError::internal("a count is larger than the database can hold"))
}

fn findings(report: &FileReport) -> Result<Findings<'_>, ApiError> {
    let value = |value: Result<Value, serde_json::Error>| value.map(shown).map_err(ApiError::internal);
    Ok(Findings {
        status: "completed",
        format: Some(report.format),
        sides: report.sides.iter().map(|side| side_name(*side).to_owned()).collect(),
        confidence: Some(report.confidence.round_dp(2)),
        encoding: Some(&report.encoding),
        container: Some(&report.container),
        reasons: value(serde_json::to_value(&report.reasons))?,
        unknown_columns: value(serde_json::to_value(&report.unknown_columns))?,
        notes: value(serde_json::to_value(&report.notes))?,
        questions: json!([]),
        snapshot_on: None,
        stated_from: report.stated_span.map(|span| span.from),
        stated_until: report.stated_span.and_then(|span| span.until),
        rows_read: count(report.read)?,
        rows_refused: count(report.refused_total)?,
        records: 0,
        incomplete: "none",
        incomplete_clients: json!([]),
        problem: None,
    })
}

/// The name of a side on the wire and in the database.
pub const fn side_name(side: Side) -> &'static str {
    match side {
        Side::Entitlement => "entitlement",
        Side::Billing => "billing",
        Side::Cost => "cost",
        Side::Activity => "activity",
    }
}

/// What the file asks and the uploader has not answered.
fn open_questions(report: &FileReport, answers: &ImportAnswers) -> Value {
    let open = report.needs_input.iter().filter(|question| match question.question.as_str() {
        "client" => answers.client.is_none(),
        "date_order" => answers.date_order.is_none(),
        "currency" => answers.currency.is_none(),
        _ => true,
    });
    let mut open: Vec<Value> =
        open.map(|question| json!({ "question": question.question, "choices": question.choices })).collect();
    let asked = open.iter().any(|question| question["question"] == "client");
    if !report.names_client && answers.client.is_none() && !asked {
        open.push(json!({ "question": "client", "choices": [] }));
    }
    Value::Array(open)
}

/// Names the client as the uploader does: where the file names one client or none, everywhere; else
/// where a row carries no name. Audits read the stored rows by the same rule.
fn name_client(report: &mut FileReport, stated: &str) {
    let mut seen = report.records.iter().filter_map(|sourced| sourced.record.client());
    let alone = seen.next().is_none_or(|first| seen.all(|client| client == first));
    for client in report.records.iter_mut().filter_map(|sourced| sourced.record.client_mut()) {
        if alone || client.name.is_none() {
            client.name = Some(stated.to_owned());
        }
    }
}

/// Shows U+0000, which the database does not hold.
fn plain(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

fn error_rows(refused: &[Refusal]) -> Vec<ImportErrorRow> {
    refused
        .iter()
        .zip(0..)
        .map(|(refusal, position)| ImportErrorRow {
            position,
            sheet: refusal.sheet.as_deref().map(plain),
            line: i32::try_from(refusal.line).unwrap_or(i32::MAX),
            column_name: refusal.column.as_deref().map(plain),
            value: refusal.value.as_deref().map(plain),
            reason: plain(&refusal.reason),
        })
        .collect()
}

/// Whose data may be missing: the clients of the refused rows, or everyone when a row does not tell
/// or when there were more refusals than are listed.
fn incomplete(refused: &[Refusal], total: u64) -> Result<(&'static str, Value), ApiError> {
    if total == 0 {
        return Ok(("none", json!([])));
    }
    let listed = u64::try_from(refused.len()).unwrap_or(u64::MAX);
    let clients: Option<Vec<&ClientRef>> = refused.iter().map(|refusal| refusal.client.as_ref()).collect();
    match clients {
        Some(mut clients) if listed == total => {
            clients.sort();
            clients.dedup();
            Ok(("clients", shown(serde_json::to_value(clients).map_err(ApiError::internal)?)))
        }
        _ => Ok(("all", json!([]))),
    }
}

fn unreadable(error: &FileError) -> Result<Findings<'static>, ApiError> {
    let problem = ApiError::new(Code::FileUnreadable, format!("The file was not imported: {error}."));
    Ok(refused(shown(serde_json::to_value(problem.problem("")).map_err(ApiError::internal)?)))
}

/// Nothing is known of the file but why it was refused.
fn refused(problem: Value) -> Findings<'static> {
    Findings {
        status: "refused",
        format: None,
        sides: Vec::new(),
        confidence: None,
        encoding: None,
        container: None,
        reasons: json!([]),
        unknown_columns: json!([]),
        notes: json!([]),
        questions: json!([]),
        snapshot_on: None,
        stated_from: None,
        stated_until: None,
        rows_read: 0,
        rows_refused: 0,
        records: 0,
        incomplete: "none",
        incomplete_clients: json!([]),
        problem: Some(problem),
    }
}

fn rows_refused(report: &FileReport) -> Result<Value, ApiError> {
    let detail = format!(
        "{} of {} rows were refused, so nothing was imported. Correct the file, or upload it with accept_partial=true \
         to go on without them; the clients they name are then listed as insufficient_data.",
        report.refused_total, report.read
    );
    let errors = report.refused.iter().take(LISTED_ERRORS).map(|refusal| FieldError {
        pointer: None,
        line: Some(refusal.line),
        column: refusal.column.clone(),
        value: refusal.value.clone(),
        reason: refusal.reason.clone(),
    });
    let problem = ApiError::new(Code::RowsRefused, detail).with_all(errors);
    Ok(shown(serde_json::to_value(problem.problem("")).map_err(ApiError::internal)?))
}
