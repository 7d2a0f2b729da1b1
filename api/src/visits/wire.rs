//! What goes to the process and what comes back: a line of JSON, then bytes.

use crate::error::Code;
use bytes::Bytes;
use chrono::NaiveDate;
use leakage_core::digest;
use leakage_core::ingest::Limits;
use leakage_core::sample;
use leakage_core::visit::{self, GivenFile, Reading, VisitAnswer, VisitError, VisitRequest};
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, Write};

/// Bytes that the files of one request may unpack to.
const INFLATED: u64 = 64 << 20;

/// An audit that is to be run.
#[derive(Debug)]
pub struct Job {
    /// What is asked.
    pub request: VisitRequest,
    /// The files, by name; none: the sample's.
    pub files: Vec<(String, Bytes)>,
    /// The day it is.
    pub today: NaiveDate,
}

/// The line before the files.
#[derive(Serialize, Deserialize)]
struct Head {
    request: VisitRequest,
    today: NaiveDate,
    files: Vec<(String, usize)>,
}

/// How it ended.
#[derive(Debug)]
pub enum Outcome {
    /// The JSON of the answer.
    Answer(Bytes),
    /// The request cannot be answered.
    Refused(Refusal),
}

/// Why a request cannot be answered.
#[derive(Debug, Serialize, Deserialize)]
pub struct Refusal {
    /// Name of the problem's code.
    pub code: String,
    /// What is to be changed.
    pub pointer: Option<String>,
    /// Why, and what would be right.
    pub reason: String,
}

/// The line before the answer.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Tail {
    Answer,
    Refused(Refusal),
}

impl Job {
    /// Writes it for [`Job::read`].
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn written(&self) -> io::Result<Vec<u8>> {
        let files = self.files.iter().map(|(name, bytes)| (name.clone(), bytes.len())).collect();
        let head = Head { request: self.request.clone(), today: self.today, files };
        let mut out = serde_json::to_vec(&head)?;
        out.push(b'\n');
        for (_, bytes) in &self.files {
            out.extend_from_slice(bytes);
        }
        Ok(out)
    }

    /// Reads what [`Job::written`] wrote.
    ///
    /// # Errors
    /// When it is cut off.
    pub fn read(from: &mut impl BufRead) -> io::Result<Self> {
        let mut line = Vec::new();
        from.read_until(b'\n', &mut line)?;
        let head: Head = serde_json::from_slice(&line)?;
        let mut files = Vec::with_capacity(head.files.len());
        for (name, size) in head.files {
            let mut bytes = vec![0; size];
            from.read_exact(&mut bytes)?;
            files.push((name, Bytes::from(bytes)));
        }
        Ok(Self { request: head.request, files, today: head.today })
    }

    /// Audits.
    ///
    /// # Errors
    /// When the answer has no JSON form.
    pub fn work(&self) -> io::Result<Outcome> {
        Ok(match self.audit() {
            Ok(answer) => Outcome::Answer(serde_json::to_vec(&answer)?.into()),
            Err(error) => Outcome::Refused(Refusal::of(&error)),
        })
    }

    fn audit(&self) -> Result<VisitAnswer, VisitError> {
        let limits = Limits {
            bytes: super::MOST_BYTES as u64,
            inflated: INFLATED,
            spreadsheet_inflated: INFLATED,
            cells: 2_000_000,
            ..Limits::default()
        };
        if self.files.is_empty() {
            return sample::audit_within(&self.request, limits, super::MOST_ROWS);
        }
        let bytes: Vec<&[u8]> = self.files.iter().map(|(_, bytes)| bytes.as_ref()).collect();
        let given: Vec<GivenFile<'_>> = self
            .files
            .iter()
            .zip(&bytes)
            .map(|((name, _), bytes)| GivenFile { name, digest: digest::of_bytes(bytes), bytes })
            .collect();
        let reading = Reading { limits, rows: super::MOST_ROWS, sheets: None };
        visit::audit(&self.request, &given, &reading, self.today)
    }
}

impl Outcome {
    /// Writes it for [`Outcome::read`].
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(self, out: &mut impl Write) -> io::Result<()> {
        let (tail, bytes) = match self {
            Self::Answer(answer) => (Tail::Answer, answer),
            Self::Refused(refusal) => (Tail::Refused(refusal), Bytes::new()),
        };
        serde_json::to_writer(&mut *out, &tail)?;
        out.write_all(b"\n")?;
        out.write_all(&bytes)?;
        out.flush()
    }

    /// Reads what [`Outcome::write`] wrote.
    ///
    /// # Errors
    /// When nothing was written.
    pub fn read(written: &Bytes) -> io::Result<Self> {
        let end = written.iter().position(|byte| *byte == b'\n').ok_or(io::ErrorKind::UnexpectedEof)?;
        let (line, rest) = (written.slice(..end), written.slice(end + 1..));
        Ok(match serde_json::from_slice(&line)? {
            Tail::Answer if rest.is_empty() => return Err(io::ErrorKind::UnexpectedEof.into()),
            Tail::Answer => Self::Answer(rest),
            Tail::Refused(refusal) => Self::Refused(refusal),
        })
    }
}

impl Refusal {
    fn of(error: &VisitError) -> Self {
        let (code, pointer) = match error {
            VisitError::TooManyRows { .. } => (Code::TooLarge, None),
            VisitError::SameName { .. } => (Code::Invalid, Some("file".to_owned())),
            VisitError::NoSuchFile { index, .. } => (Code::Invalid, Some(format!("/files/{index}/name"))),
            VisitError::Months { member, .. } => (Code::Invalid, Some((*member).to_owned())),
            VisitError::NoSuchGap => (Code::Invalid, Some("/explain".to_owned())),
        };
        Self { code: code.as_str().to_owned(), pointer, reason: sentence(&error.to_string()) }
    }
}

/// A reason as a sentence.
fn sentence(reason: &str) -> String {
    let mut letters = reason.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}
