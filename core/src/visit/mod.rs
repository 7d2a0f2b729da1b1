//! One audit for a visitor: a few files in, the document and the open questions out, nothing kept.
//!
//! The files are read as everywhere, and the engine is the same one. What is special is only that
//! everything comes in one request and goes out in one answer: what a file does not say is asked in the
//! answer, and said in the next request. It must not know HTTP, accounts or processes.

mod answer;
mod months;
mod read;
mod request;
#[cfg(test)]
mod tests;

pub use answer::{MonthsUsed, OpenQuestion, RefusedRow, UnreadFile, VisitAnswer, VisitFile};
pub use request::{FileAnswers, NamedPair, VisitRequest};

use crate::audit::{self, AuditInput, Policy};
use crate::ingest::{Limits, SheetReader, Source};
use crate::records::{MappingRow, Side};
use chrono::NaiveDate;
use std::sync::Arc;

/// Months that one audit may span.
const MOST_MONTHS: i32 = 60;
/// Months that are taken where the request names none.
const CHOSEN_MONTHS: i32 = 24;
/// Who confirmed what a request says is the same.
const VISITOR: &str = "you";

/// A file, and what it is known by.
pub struct GivenFile<'a> {
    /// Its name, for people and for what a request says of it.
    pub name: &'a str,
    /// Digest of its bytes, `sha256:...`.
    pub digest: String,
    /// Its bytes.
    pub bytes: &'a dyn Source,
}

/// How files are read.
#[derive(Clone, Default)]
pub struct Reading {
    /// Caps on hostile files.
    pub limits: Limits,
    /// Rows of all files together.
    pub rows: u64,
    /// Reads workbooks; none: they are read here.
    pub sheets: Option<Arc<dyn SheetReader>>,
}

/// Why a request cannot be answered at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VisitError {
    /// More rows than one request may bring.
    #[error("the files have more than {most} rows together; send one month or a few clients")]
    TooManyRows {
        /// The limit.
        most: u64,
    },
    /// Two files that nothing tells apart.
    #[error("two files have the name `{name}`; rename one of them")]
    SameName {
        /// Their name.
        name: String,
    },
    /// What is said of a file that is not there.
    #[error("something is said of the file `{name}`, and there is no such file")]
    NoSuchFile {
        /// Its name.
        name: String,
        /// Its place in the request's list.
        index: usize,
    },
    /// The months cannot be audited.
    #[error("{reason}")]
    Months {
        /// The member of the request that is to be changed.
        member: &'static str,
        /// Why, and what would be right.
        reason: String,
    },
    /// The audit does not find this gap.
    #[error("the audit of these files finds no gap with this id")]
    NoSuchGap,
}

/// Audits the files of one request.
///
/// `today` stands for `as_of` where the request states none.
///
/// # Errors
/// When the request cannot be answered; what is wrong with a single file is in the answer.
pub fn audit(
    request: &VisitRequest,
    files: &[GivenFile<'_>],
    reading: &Reading,
    today: NaiveDate,
) -> Result<VisitAnswer, VisitError> {
    check_names(request, files)?;
    let gathered = read::files(request, files, reading)?;
    let as_of = request.as_of.unwrap_or(today);
    let waits = !gathered.questions.is_empty();
    let empty = gathered.sources.is_empty();
    let months = months::of(request, &gathered.sources, as_of)?;
    let mut answer = VisitAnswer {
        audit: None,
        not_audited: None,
        months: None,
        files: gathered.files,
        questions: gathered.questions,
        explanation: None,
    };
    if waits || empty {
        answer.not_audited = Some(why_not(waits));
        return Ok(answer);
    }
    let mut input = AuditInput::new(months.from, months.to, as_of);
    input.policy = Policy {
        basis: request.basis.unwrap_or_default(),
        proration: request.proration.unwrap_or_default(),
        overrides: Vec::new(),
    };
    input.stretch_snapshots = true;
    input.sources = gathered.sources;
    input.mappings = gathered.mappings;
    input.mappings.extend(request.mappings.iter().map(confirmed));
    input.rejected_proposals = request.rejected.iter().cloned().map(NamedPair::into_parts).collect();
    input.rules = gathered.rules;
    input.prices = gathered.prices;
    gathered.decisions.into_iter().for_each(|decision| decision.add_to(&mut input));
    match audit::run(&input) {
        Ok(document) => answer.audit = Some(document),
        Err(error) => {
            answer.not_audited = Some(format!("The audit cannot be made: {error}."));
            return Ok(answer);
        }
    }
    answer.months = Some(months);
    if let Some(gap) = &request.explain {
        answer.explanation = Some(explain(input, &answer, gap)?);
    }
    Ok(answer)
}

/// Explains one gap of the answer's document.
fn explain(mut input: AuditInput, answer: &VisitAnswer, gap: &str) -> Result<audit::Explanation, VisitError> {
    let gaps = answer.audit.iter().flat_map(|document| &document.gaps);
    let found = gaps.into_iter().find(|found| found.id == gap).ok_or(VisitError::NoSuchGap)?;
    // One client's rows decide about its gap.
    input.clients = Some(vec![found.client.clone()]);
    audit::explain(&input, gap).ok().flatten().ok_or(VisitError::NoSuchGap)
}

fn why_not(waits: bool) -> String {
    let reason = if waits {
        "The files leave questions open; answer them and send the files again."
    } else {
        "No file could be used: send what clients have, and what they are billed."
    };
    reason.to_owned()
}

fn confirmed(same: &NamedPair) -> MappingRow {
    MappingRow {
        side: same.side,
        source: same.source.clone(),
        target: same.target.clone(),
        approved_by: VISITOR.to_owned(),
        span: None,
    }
}

fn check_names(request: &VisitRequest, files: &[GivenFile<'_>]) -> Result<(), VisitError> {
    for (index, file) in files.iter().enumerate() {
        if files.iter().take(index).any(|earlier| earlier.name == file.name) {
            return Err(VisitError::SameName { name: file.name.to_owned() });
        }
    }
    for (index, said) in request.files.iter().enumerate() {
        if !files.iter().any(|file| file.name == said.name) {
            return Err(VisitError::NoSuchFile { name: said.name.clone(), index });
        }
    }
    Ok(())
}

/// The order in which the command is given files: of one format and side, a later one is the newer.
const fn place(side: Option<&Side>) -> u8 {
    match side {
        Some(Side::Entitlement) => 0,
        Some(Side::Billing) => 1,
        Some(Side::Cost) => 2,
        Some(Side::Activity) => 3,
        None => 4,
    }
}
