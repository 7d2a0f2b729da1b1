//! Where row readers put what they read: records, refusals, notes, questions.

use super::error::FileError;
use super::limits::Limits;
use super::source::{Progress, Stage, Taker};
use super::survey::Run;
use super::{Note, Question, Refusal};
use crate::billing_instructions::recognise;
use crate::period::Span;
use crate::records::{ClientRef, Record, Sourced};
use std::ops::ControlFlow;
use std::sync::atomic::Ordering;

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

/// What has been read so far. Row readers only add: records are passed on as they come.
pub(super) struct Sink<'t> {
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
    /// What was read is void: the file must be read in another way.
    pub(super) again: bool,
    /// Bytes of the text whose rows came here; none where rows are not read apart from one another.
    pub(super) text_bytes: Option<u64>,
    listed: usize,
    outlet: Option<Outlet<'t>>,
}

/// Where records go when there are some.
struct Outlet<'t> {
    taker: &'t mut dyn Taker,
    run: &'t Run,
    size: u64,
    /// Some went already.
    gave: bool,
}

/// Records that go together.
const BATCH: usize = 4_096;

/// How much a sink held at some time.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    read: u64,
    refused: (usize, u64),
    notes: (usize, u64),
    listed: [usize; 3],
}

impl<'t> Sink<'t> {
    /// Hands records over to a taker.
    pub(super) fn to(taker: &'t mut dyn Taker, run: &'t Run, size: u64, limits: &Limits) -> Self {
        Self { outlet: Some(Outlet { taker, run, size, gave: false }), ..Self::new(limits) }
    }

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
            again: false,
            text_bytes: None,
            listed: limits.listed,
            outlet: None,
        }
    }

    /// Hands over what is there. That the taker wants no more is seen by [`Sink::go_on`].
    pub(super) fn flush(&mut self) {
        let Some(outlet) = &mut self.outlet else { return };
        // Threads read ahead of what has come here.
        let bytes = outlet.run.bytes.load(Ordering::Relaxed);
        let bytes = self.text_bytes.map_or(bytes, |text| text.min(bytes));
        let progress = Progress { stage: Stage::Rows, bytes, size: outlet.size, rows: self.read };
        let records = std::mem::take(&mut self.records);
        let answer = if records.is_empty() {
            outlet.taker.progress(progress)
        } else {
            outlet.gave = true;
            outlet.taker.take(records, progress)
        };
        if answer == ControlFlow::Break(()) {
            outlet.run.stopped.store(true, Ordering::Relaxed);
        }
    }

    /// Bytes of the file; 0 where that is not known.
    pub(super) fn size(&self) -> u64 {
        self.outlet.as_ref().map_or(0, |outlet| outlet.size)
    }

    /// # Errors
    /// When the taker wants no more.
    pub(super) fn go_on(&self) -> Result<(), FileError> {
        self.outlet.as_ref().map_or(Ok(()), |outlet| outlet.run.go_on())
    }

    pub(super) fn mark(&self) -> Mark {
        Mark {
            read: self.read,
            refused: (self.refused.len(), self.refused_total),
            notes: (self.notes.len(), self.notes_total),
            listed: [self.unknown_columns.len(), self.questions.len(), self.reasons.len()],
        }
    }

    /// Forgets what was read since the mark, and all records.
    pub(super) fn restart(&mut self, mark: Mark) {
        self.read = mark.read;
        self.refused.truncate(mark.refused.0);
        self.notes.truncate(mark.notes.0);
        (self.refused_total, self.notes_total) = (mark.refused.1, mark.notes.1);
        let [columns, questions, reasons] = mark.listed;
        self.unknown_columns.truncate(columns);
        self.questions.truncate(questions);
        self.reasons.truncate(reasons);
        self.again = false;
        self.text_bytes = None;
        self.discard();
    }

    /// Forgets all records.
    pub(super) fn discard(&mut self) {
        self.records.clear();
        if let Some(outlet) = &mut self.outlet
            && std::mem::take(&mut outlet.gave)
        {
            outlet.taker.discard();
        }
    }

    /// Adds what another one holds of the rows that follow, in so many bytes of the text, and hands records
    /// over.
    pub(super) fn merge(&mut self, mut other: Sink<'_>, bytes: usize) {
        if bytes > 0 {
            *self.text_bytes.get_or_insert(0) += bytes as u64;
        }
        self.read += other.read;
        self.refused_total += other.refused_total;
        self.notes_total += other.notes_total;
        self.refused.extend(other.refused.into_iter().take(self.listed - self.refused.len()));
        self.notes.extend(other.notes.into_iter().take(self.listed - self.notes.len()));
        other.unknown_columns.into_iter().for_each(|column| self.unknown_column(column));
        for question in other.questions {
            if !self.questions.iter().any(|asked| asked.question == question.question) {
                self.questions.push(question);
            }
        }
        self.reasons.append(&mut other.reasons);
        self.again |= other.again;
        if self.records.is_empty() {
            self.records = other.records;
        } else {
            self.records.append(&mut other.records);
        }
        self.flush();
    }

    pub(super) fn keep(&mut self, line: u32, mut record: Record) {
        if let Record::BillingLine(row) = &mut record {
            recognise(row);
        }
        self.records.push(Sourced { line, record });
        if self.records.len() >= BATCH && self.outlet.is_some() {
            self.flush();
        }
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
