//! Imports as callers see them.

use crate::page_type;
use crate::storage::import_errors::ImportErrorRow;
use crate::storage::imports::ImportRow;
use crate::storage::jobs::JobRow;
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::id::{ImportId, ImportProfileId, JobId};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// How far the reading of a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ImportProgress)]
pub(super) struct ReadingProgress {
    /// Bytes of the file that have been read.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    bytes_read: i64,
    /// Bytes of the file.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    bytes_total: i64,
    /// Rows that have been read.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    rows_read: i64,
}

/// An uploaded file and what was read from it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "01931f3e-7d5c-7b60-9f10-3f2a4b5c6d7e", "status": "completed", "progress": null, "file_name": "billing.csv",
    "content_type": "text/csv", "size_bytes": 1834,
    "sha256": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "answers": {},
    "format": "leakage_billing", "sides": ["billing"], "confidence": "1.00", "encoding": "utf-8", "container": "csv",
    "reasons": ["has the columns client, product, quantity, unit_price, currency, from"], "unknown_columns": [],
    "notes": [], "questions": [], "snapshot_on": null, "stated_from": null, "stated_until": null, "rows_read": 41,
    "rows_refused": 0, "records": 41, "incomplete": "none", "incomplete_clients": [], "problem": null,
    "job_id": "01931f3e-7d5c-7b60-9f10-000000000001", "created_by": "user:01931f3e-7d5c-7b60-9f10-000000000002",
    "created_at": "2026-11-22T12:00:00Z", "completed_at": "2026-11-22T12:00:01Z", "void_reason": null,
    "voided_by": null, "voided_at": null, "file_erased_at": null, "profile_id": null, "profiles": [], "version": 2
}))]
pub(super) struct Import {
    /// Its id.
    pub(super) id: ImportId,
    /// `processing`, `needs_input`, `refused`, `completed` or `voided`. New ones may be added.
    #[schema(max_length = 16)]
    pub(super) status: String,
    /// How far it is, while it is `processing`. Lists do not tell; `/v1/imports/{import_id}/events` does.
    progress: Option<ReadingProgress>,
    /// Name of the file, without folders.
    #[schema(max_length = 300)]
    file_name: String,
    /// As the uploader stated it.
    #[schema(max_length = 200)]
    content_type: Option<String>,
    /// Bytes.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    size_bytes: i64,
    /// Digest of the file.
    #[schema(max_length = 71)]
    sha256: String,
    /// What the uploader said of the file.
    #[schema(value_type = crate::services::imports::ImportAnswers)]
    answers: Value,
    /// The format that it was read as; of files read with an import profile `profile_` and its name. New ones
    /// may be added.
    #[schema(max_length = 200)]
    format: Option<String>,
    /// The sides that it fills: `entitlement`, `billing`, `cost`, `activity`.
    #[schema(max_items = 4)]
    sides: Vec<String>,
    /// How sure the detection is, 0.00 to 1.00.
    #[schema(max_length = 4)]
    confidence: Option<String>,
    /// Text encoding.
    #[schema(max_length = 40)]
    encoding: Option<String>,
    /// `csv`, `json`, `zip` and so on.
    #[schema(max_length = 40)]
    container: Option<String>,
    /// Why it was read as this format.
    #[schema(value_type = Vec<String>, max_items = 50)]
    reasons: Value,
    /// Columns that the format does not know.
    #[schema(value_type = Vec<String>, max_items = 1000)]
    unknown_columns: Value,
    /// Rows that were kept but flagged, with their lines.
    #[schema(value_type = Vec<Object>, max_items = 1000)]
    notes: Value,
    /// What must be answered before it can be read: `question` and its `choices`. The question `profile` (of a
    /// file of no known format) also holds `columns` with samples, a `proposed_profile` to correct, the
    /// `proposal` behind it, and `other_tables`.
    #[schema(value_type = Vec<Object>, max_items = 10)]
    questions: Value,
    /// Day that its snapshot shows.
    snapshot_on: Option<NaiveDate>,
    /// First day that the file says it covers.
    stated_from: Option<NaiveDate>,
    /// Day after the last one that the file says it covers.
    stated_until: Option<NaiveDate>,
    /// Rows read.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    rows_read: i64,
    /// Rows refused.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    rows_refused: i64,
    /// Records stored.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    records: i64,
    /// Whose data may be missing because rows were refused: `none`, `clients` (listed) or `all`.
    #[schema(max_length = 16)]
    incomplete: String,
    /// The clients whose rows were refused.
    #[schema(value_type = Vec<Object>, max_items = 1000)]
    incomplete_clients: Value,
    /// Why it was refused.
    #[schema(value_type = Option<crate::error::Problem>)]
    problem: Option<Value>,
    /// The job that reads it; follow it for progress.
    job_id: Option<JobId>,
    /// Who uploaded it: `user:` or `api_key:` and an id.
    #[schema(max_length = 300)]
    created_by: String,
    /// When.
    created_at: DateTime<Utc>,
    /// When its rows were stored, or it was refused.
    completed_at: Option<DateTime<Utc>>,
    /// Why it was voided.
    #[schema(max_length = 1000)]
    void_reason: Option<String>,
    /// By whom.
    #[schema(max_length = 300)]
    voided_by: Option<String>,
    /// When.
    voided_at: Option<DateTime<Utc>>,
    /// When the uploaded file was removed; what was read from it stays.
    file_erased_at: Option<DateTime<Utc>>,
    /// The saved import profile that it was read with, the first of several.
    profile_id: Option<ImportProfileId>,
    /// The import profiles that it was read with: id, version, digest and definition as they were then.
    #[schema(value_type = Vec<Object>, max_items = 100)]
    profiles: Value,
    /// Counts changes; its ETag is `"v<version>"`.
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    pub(super) version: i64,
}

impl From<ImportRow> for Import {
    fn from(row: ImportRow) -> Self {
        Self {
            id: row.id.into(),
            progress: None,
            status: row.status,
            file_name: row.file_name,
            content_type: row.content_type,
            size_bytes: row.size_bytes,
            sha256: row.sha256,
            answers: row.answers,
            format: row.format,
            sides: row.sides,
            confidence: row.confidence.map(|confidence| format!("{confidence:.2}")),
            encoding: row.encoding,
            container: row.container,
            reasons: row.reasons,
            unknown_columns: row.unknown_columns,
            notes: row.notes,
            questions: row.questions,
            snapshot_on: row.snapshot_on,
            stated_from: row.stated_from,
            stated_until: row.stated_until,
            rows_read: row.rows_read,
            rows_refused: row.rows_refused,
            records: row.records,
            incomplete: row.incomplete,
            incomplete_clients: row.incomplete_clients,
            problem: row.problem,
            job_id: row.job_id.map(JobId::new),
            created_by: row.created_by,
            created_at: row.created_at,
            completed_at: row.completed_at,
            void_reason: row.void_reason,
            voided_by: row.voided_by,
            voided_at: row.voided_at,
            file_erased_at: row.file_erased_at,
            profile_id: row.profile_id.map(ImportProfileId::new),
            profiles: row.profiles,
            version: row.version,
        }
    }
}

impl Import {
    /// Whether it is still being read.
    pub(super) fn is_processing(&self) -> bool {
        self.status == "processing"
    }

    /// With how far the job is that reads it.
    pub(super) fn with_progress(mut self, job: Option<&JobRow>) -> Self {
        self.progress = self.is_processing().then(|| ReadingProgress {
            bytes_read: job.map_or(0, |job| job.progress_done),
            bytes_total: self.size_bytes,
            rows_read: job.and_then(|job| job.progress_rows).unwrap_or(0),
        });
        self
    }
}

page_type!(pub(super) ImportPage, Import);

/// A refused row.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ImportError {
    /// Sheet, of a spreadsheet.
    #[schema(max_length = 200)]
    sheet: Option<String>,
    /// Line of the file.
    #[schema(minimum = 0, maximum = 2_147_483_647)]
    line: i32,
    /// Column.
    #[schema(max_length = 500)]
    column: Option<String>,
    /// The refused value, cut to 200 characters.
    #[schema(max_length = 200)]
    value: Option<String>,
    /// What is wrong with it, and what would be right.
    #[schema(max_length = 1000)]
    reason: String,
}

impl From<ImportErrorRow> for ImportError {
    fn from(row: ImportErrorRow) -> Self {
        Self {
            sheet: row.sheet,
            line: row.line,
            column: row.column_name,
            value: row.value,
            reason: row.reason,
        }
    }
}

page_type!(pub(super) ImportErrorPage, ImportError);

/// A canonical record, in the same form as `leakage inspect --rows` prints it: `record` names its kind,
/// `line` its line in the file.
pub(super) type ImportRecord = Value;

page_type!(pub(super) ImportRecordPage, ImportRecord);

/// What a file would be read as, as `leakage inspect` prints it: format, sides, confidence, reasons, rows
/// read and refused, what it asks; or the error that keeps it from being read.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "file": "billing.csv", "format": "leakage_billing", "sides": ["billing"], "confidence": "1.00",
    "reasons": ["has the columns client, product, quantity, unit_price, currency, from"], "encoding": "utf-8",
    "container": "csv", "read": 41, "refused": [], "refused_total": 0, "unknown_columns": [], "needs_input": [],
    "notes": [], "notes_total": 0
}))]
#[schema(value_type = Object)]
#[serde(transparent)]
pub(super) struct Inspection(pub(super) Value);

/// What an upload is answered with when there is nothing to wait for.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents the two answers")]
#[serde(untagged)]
pub(super) enum UploadAnswer {
    /// The import that was there already.
    Import(Box<Import>),
    /// Of a dry run.
    Inspection(Inspection),
}

/// The bytes of a file.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary, max_length = 536_870_912)]
#[expect(dead_code, reason = "documents bodies that are streamed")]
pub(super) struct FileBytes(Vec<u8>);
