//! Where row readers put what they read: records, refusals, notes, questions.

use super::limits::Limits;
use super::{Note, Question, Refusal};
use crate::period::Span;
use crate::records::{ClientRef, Record, Sourced};

/// Why a row is refused: the cell and the rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bad {
    pub(super) column: Option<String>,
    pub(super) value: Option<String>,
    pub(super) reason: String,
}

impl Bad {
    /// A rule about a whole row.
    pub(super) fn row(reason: impl Into<String>) -> Self {
        Self { column: None, value: None, reason: reason.into() }
    }

    /// A rule about a member of a JSON item.
    pub(super) fn member(column: &str, value: Option<&str>, reason: impl Into<String>) -> Self {
        Self { column: Some(column.to_owned()), value: value.map(str::to_owned), reason: reason.into() }
    }
}

/// What has been read so far. Row readers only add; so a later reader may pass records on as they come.
#[derive(Debug)]
pub(super) struct Sink {
    pub(super) read: u64,
    pub(super) refused: Vec<Refusal>,
    pub(super) refused_total: u64,
    pub(super) notes: Vec<Note>,
    pub(super) notes_total: u64,
    pub(super) unknown_columns: Vec<String>,
    pub(super) questions: Vec<Question>,
    pub(super) reasons: Vec<String>,
    pub(super) records: Vec<Sourced>,
    pub(super) names_client: bool,
    pub(super) snapshot: bool,
    pub(super) stated_span: Option<Span>,
    listed: usize,
}

impl Sink {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            read: 0,
            refused: Vec::new(),
            refused_total: 0,
            notes: Vec::new(),
            notes_total: 0,
            unknown_columns: Vec::new(),
            questions: Vec::new(),
            reasons: Vec::new(),
            records: Vec::new(),
            names_client: true,
            snapshot: false,
            stated_span: None,
            listed: limits.listed,
        }
    }

    /// Takes what another sink read in place of what was read here, and keeps what was noted before.
    pub(super) fn take_over(&mut self, other: Self) {
        let before = std::mem::replace(self, other);
        self.notes_total += before.notes_total;
        self.notes.splice(0..0, before.notes);
        self.reasons.splice(0..0, before.reasons);
    }

    pub(super) fn keep(&mut self, line: u32, record: Record) {
        self.records.push(Sourced { line, record });
    }

    pub(super) fn refuse(&mut self, sheet: Option<&str>, line: u32, bad: Bad, client: Option<ClientRef>) {
        self.refused_total += 1;
        if self.refused.len() < self.listed {
            self.refused.push(Refusal {
                sheet: sheet.map(str::to_owned),
                line,
                column: bad.column,
                value: bad.value.map(|value| value.chars().take(200).collect()),
                reason: bad.reason,
                client,
            });
        }
    }

    pub(super) fn note(&mut self, line: Option<u32>, code: &'static str, text: impl Into<String>) {
        self.notes_total += 1;
        if self.notes.len() < self.listed {
            self.notes.push(Note { line, code, text: text.into() });
        }
    }

    pub(super) fn unknown_column(&mut self, column: String) {
        if !self.unknown_columns.contains(&column) {
            self.unknown_columns.push(column);
        }
    }

    pub(super) fn ask(&mut self, question: &str, choices: &[&str]) {
        if !self.questions.iter().any(|asked| asked.question == question) {
            let choices = choices.iter().map(|&choice| choice.to_owned()).collect();
            self.questions.push(Question { question: question.to_owned(), choices });
        }
    }
}
