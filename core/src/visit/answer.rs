//! What a visitor is answered.

use crate::audit::{AuditDocument, Explanation};
use crate::ingest::{FileError, Refusal};
use crate::period::Month;
use crate::records::Side;
use serde::{Deserialize, Serialize};

/// The audit, and what it could not use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VisitAnswer {
    /// The audit document, as `leakage audit` prints it. None while questions are open.
    pub audit: Option<AuditDocument>,
    /// Why there is no document.
    pub not_audited: Option<String>,
    /// The audited months.
    pub months: Option<MonthsUsed>,
    /// What each file was read as.
    pub files: Vec<VisitFile>,
    /// What only the visitor knows. Matches that wait are in the document's `proposals`.
    pub questions: Vec<OpenQuestion>,
    /// The explanation of the gap that was asked for.
    pub explanation: Option<Explanation>,
}

/// The audited months.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MonthsUsed {
    /// The first.
    pub from: Month,
    /// The last, included.
    pub to: Month,
    /// They were taken from the files, not from the request.
    pub chosen: bool,
}

/// What was found in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VisitFile {
    /// Its name.
    pub name: String,
    /// Digest of its bytes.
    pub digest: String,
    /// Whether it is part of the audit.
    pub used: bool,
    /// What it was read as.
    pub format: Option<String>,
    /// The same for people.
    pub title: Option<String>,
    /// Why it was taken for that.
    pub reasons: Vec<String>,
    /// The sides that it speaks of; none for prices, rules and mappings.
    pub sides: Vec<Side>,
    /// Rows that were read, refused ones included.
    pub rows: u64,
    /// Rows that were refused. Their clients are not compared.
    pub refused_total: u64,
    /// The first of them.
    pub refused: Vec<RefusedRow>,
    /// Remarks on rows that were read.
    pub notes: Vec<String>,
    /// Why it could not be read.
    pub error: Option<UnreadFile>,
}

/// A row that was not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RefusedRow {
    /// Sheet of a workbook or member of an archive.
    pub sheet: Option<String>,
    /// Line of the file.
    pub line: u32,
    /// Column, as the file writes it.
    pub column: Option<String>,
    /// The cell.
    pub value: Option<String>,
    /// The rule that it broke.
    pub reason: String,
}

impl From<&Refusal> for RefusedRow {
    fn from(refusal: &Refusal) -> Self {
        Self {
            sheet: refusal.sheet.clone(),
            line: refusal.line,
            column: refusal.column.clone(),
            value: refusal.value.clone(),
            reason: refusal.reason.clone(),
        }
    }
}

/// A file that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UnreadFile {
    /// Stable name of what is wrong.
    pub code: String,
    /// What is wrong, and what to do.
    pub message: String,
    /// Line of the file, where known.
    pub line: Option<u32>,
}

impl From<&FileError> for UnreadFile {
    fn from(error: &FileError) -> Self {
        Self { code: error.code().to_owned(), message: error.to_string(), line: error.line() }
    }
}

/// Something that a file does not say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OpenQuestion {
    /// The file.
    pub file: String,
    /// `client`, `date_order`, `currency` or `invoice_timing`: the member of the request's `files` that answers it.
    pub question: String,
    /// The answers to choose from; none when it is free.
    pub choices: Vec<String>,
}
