//! A portfolio to look at: twelve clients of an invented service provider, as its systems would export
//! them. What its vendor sold, what the vendor charges, what the PSA bills, a price list and a few rules.
//!
//! The files are ordinary exports and go through the ordinary readers; nothing of the result is written
//! down here. Every kind of difference occurs, one client cannot be compared, and one match waits for a
//! person.

use crate::digest;
use crate::ingest::Limits;
use crate::period::Month;
use crate::visit::{self, GivenFile, Reading, VisitAnswer, VisitError, VisitRequest};
use chrono::NaiveDate;

/// A file of the sample.
#[derive(Clone, Copy, Debug)]
pub struct SampleFile {
    /// Its name.
    pub name: &'static str,
    /// What it is, for people.
    pub title: &'static str,
    /// The flag with which `leakage audit` takes it.
    pub flag: &'static str,
    /// Its text.
    pub text: &'static str,
}

macro_rules! file {
    ($name:literal, $flag:literal, $title:literal) => {
        SampleFile { name: $name, title: $title, flag: $flag, text: include_str!(concat!("files/", $name)) }
    };
}

/// The files, in the order in which they are read.
pub const FILES: &[SampleFile] = &[
    file!(
        "vendor-entitlements.csv",
        "entitlements",
        "What clients have: seats bought and assigned, over time"
    ),
    file!("psa-billing.csv", "billing", "What clients are billed: agreement lines of the PSA"),
    file!("partner-center-reconciliation.csv", "cost", "What the vendor charges: eight months of invoices"),
    file!("prices.csv", "prices", "The price list"),
    file!("rules.csv", "rules", "Exclusions, allowances and limits, each with reason and owner"),
];

/// Rows that one audit of the sample, edited or not, may have.
pub const MOST_ROWS: u64 = 50_000;

/// The file of this name.
pub fn file(name: &str) -> Option<&'static SampleFile> {
    FILES.iter().find(|file| file.name == name)
}

/// The day on which the sample's audit speaks.
pub fn as_of() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 8, 31).unwrap_or_default()
}

/// The command that gives the same numbers from the same files.
pub fn command() -> String {
    let usual = request();
    let month = |month: Option<Month>| month.map(|month| month.to_string()).unwrap_or_default();
    let files: Vec<String> = FILES.iter().map(|file| format!("--{} {}", file.flag, file.name)).collect();
    format!(
        "leakage audit --from {} --to {} --as-of {} {}",
        month(usual.from),
        month(usual.to),
        as_of(),
        files.join(" ")
    )
}

/// The request that the sample is audited with.
pub fn request() -> VisitRequest {
    let last = Month::of(as_of());
    VisitRequest {
        from: Some(last.plus(-7)),
        to: Some(last),
        as_of: Some(as_of()),
        ..VisitRequest::default()
    }
}

/// Audits the sample with a request's answers; a file whose text the request gives stands in place of the
/// sample's of that name, or beside them.
///
/// # Errors
/// As [`visit::audit`].
pub fn audit(request: &VisitRequest) -> Result<VisitAnswer, VisitError> {
    audit_within(request, Limits::default(), MOST_ROWS)
}

/// As [`audit`], within these limits.
///
/// # Errors
/// As [`visit::audit`].
pub fn audit_within(request: &VisitRequest, limits: Limits, rows: u64) -> Result<VisitAnswer, VisitError> {
    let given = |name: &str| {
        request.files.iter().find(|said| said.name == name).and_then(|said| said.text.as_deref())
    };
    let mut texts: Vec<(&str, &str)> =
        FILES.iter().map(|file| (file.name, given(file.name).unwrap_or(file.text))).collect();
    for said in &request.files {
        if let (Some(text), None) = (&said.text, file(&said.name)) {
            texts.push((&said.name, text));
        }
    }
    let bytes: Vec<&[u8]> = texts.iter().map(|(_, text)| text.as_bytes()).collect();
    let files: Vec<GivenFile<'_>> = texts
        .iter()
        .zip(&bytes)
        .map(|((name, text), bytes)| GivenFile { name, digest: digest::of_bytes(text.as_bytes()), bytes })
        .collect();
    visit::audit(&completed(request), &files, &Reading { limits, rows, sheets: None }, as_of())
}

/// The request, with the sample's own months where it names none.
fn completed(asked: &VisitRequest) -> VisitRequest {
    let usual = request();
    VisitRequest {
        from: asked.from.or(usual.from),
        to: asked.to.or(usual.to),
        as_of: asked.as_of.or(usual.as_of),
        ..asked.clone()
    }
}

#[cfg(test)]
mod tests;
