//! What reading a file found out, as the import says it.

use super::ImportAnswers;
use super::bounds::shown;
use crate::error::{ApiError, Code, FieldError};
use crate::storage::import_errors::ImportErrorRow;
use crate::storage::imports::Findings;
use leakage_core::ingest::{FileError, FileReport, Refusal};
use leakage_core::records::{ClientRef, Side};
use serde_json::{Value, json};

/// Rows of an import that is refused are listed in its problem up to this many.
const LISTED_ERRORS: usize = 1_000;

pub(super) fn count(number: impl TryInto<i64>) -> Result<i64, ApiError> {
    number.try_into().map_err(|_| ApiError::internal("a count is larger than the database can hold"))
}

pub(super) fn findings(report: &FileReport) -> Result<Findings<'_>, ApiError> {
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
pub(super) fn open_questions(report: &FileReport, answers: &ImportAnswers) -> Value {
    let open = report.needs_input.iter().filter(|question| match question.question.as_str() {
        "client" => answers.client.is_none(),
        "date_order" => answers.date_order.is_none(),
        "currency" => answers.currency.is_none(),
        "invoice_timing" => answers.invoice_timing.is_none(),
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

/// Shows U+0000, which the database does not hold.
fn plain(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

pub(super) fn error_rows(refused: &[Refusal]) -> Vec<ImportErrorRow> {
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
pub(super) fn incomplete(refused: &[Refusal], total: u64) -> Result<(&'static str, Value), ApiError> {
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

pub(super) fn unreadable(error: &FileError) -> Result<Findings<'static>, ApiError> {
    let problem = ApiError::new(Code::FileUnreadable, format!("The file was not imported: {error}."));
    Ok(refused(shown(serde_json::to_value(problem.problem("")).map_err(ApiError::internal)?)))
}

/// Nothing is known of the file but why it was refused.
pub(super) fn refused(problem: Value) -> Findings<'static> {
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

pub(super) fn rows_refused(report: &FileReport) -> Result<Value, ApiError> {
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
        code: None,
    });
    let problem = ApiError::new(Code::RowsRefused, detail).with_all(errors);
    Ok(shown(serde_json::to_value(problem.problem("")).map_err(ApiError::internal)?))
}
