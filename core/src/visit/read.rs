//! Files to what an audit is made from.

use super::answer::{OpenQuestion, RefusedRow, UnreadFile, VisitFile};
use super::request::{FileAnswers, VisitRequest};
use super::{GivenFile, Reading, VisitError, place};
use crate::audit::{Incomplete, LeftOut, Source};
use crate::ingest::{FORMATS, FileError, FileReport, Progress, Question, ReadOptions, Taker, read_source};
use crate::records::{ClientRef, Decision, MappingRow, Price, Record, Rule, Side, Sourced};
use std::ops::ControlFlow;

/// Refused rows and remarks that an answer lists of one file.
const LISTED: usize = 20;

/// Everything that the files give.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) sources: Vec<Source>,
    pub(super) mappings: Vec<MappingRow>,
    pub(super) rules: Vec<Rule>,
    pub(super) prices: Vec<Price>,
    pub(super) decisions: Vec<Decision>,
    pub(super) files: Vec<VisitFile>,
    pub(super) questions: Vec<OpenQuestion>,
}

/// Reads the files, in the order in which they were given.
pub(super) fn files(
    request: &VisitRequest,
    files: &[GivenFile<'_>],
    reading: &Reading,
) -> Result<Gathered, VisitError> {
    let mut gathered = Gathered::default();
    let mut left = reading.rows;
    let none = FileAnswers::default();
    for file in files {
        let said = request.files.iter().find(|said| said.name == file.name).unwrap_or(&none);
        let mut rows = Rows { records: Vec::new(), left, over: false };
        let outcome = read_source(file.name, file.bytes, &options(said, reading), &mut rows);
        if rows.over {
            return Err(VisitError::TooManyRows { most: reading.rows });
        }
        match outcome {
            Ok(report) => {
                left = left.saturating_sub(report.read);
                gathered.take(file, said, &report, rows.records);
            }
            Err(error) => gathered.files.push(unread(file, &error)),
        }
    }
    gathered.sources.sort_by_key(|source| place(source.sides.first()));
    for (source, learned) in gathered.sources.iter_mut().zip(1..) {
        source.learned = learned;
    }
    Ok(gathered)
}

fn options(said: &FileAnswers, reading: &Reading) -> ReadOptions {
    ReadOptions {
        date_order: said.date_order,
        currency: said.currency,
        invoice_timing: said.invoice_timing,
        limits: reading.limits,
        threads: 1,
        sheets: reading.sheets.clone(),
        ..ReadOptions::default()
    }
}

/// Keeps the records of one file, as long as there are not too many.
struct Rows {
    records: Vec<Sourced>,
    left: u64,
    over: bool,
}

impl Taker for Rows {
    fn take(&mut self, mut records: Vec<Sourced>, progress: Progress) -> ControlFlow<()> {
        self.records.append(&mut records);
        self.progress(progress)
    }

    fn discard(&mut self) {
        self.records.clear();
    }

    fn progress(&mut self, progress: Progress) -> ControlFlow<()> {
        // One row can give several records, of a JSON file many.
        let records = u64::try_from(self.records.len()).unwrap_or(u64::MAX);
        self.over |= progress.rows.max(records) > self.left;
        if self.over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

impl Gathered {
    fn take(&mut self, file: &GivenFile<'_>, said: &FileAnswers, report: &FileReport, records: Vec<Sourced>) {
        let mut found = found(file, report);
        let open = open_questions(report, said);
        let wrong_side = said.side.filter(|side| !report.sides.contains(side));
        if let Some(side) = wrong_side {
            found.error = Some(not_of_side(report, side));
        } else if open.is_empty() {
            found.used = true;
            self.use_records(file, said, report, records);
        }
        self.questions.extend(open.into_iter().filter(|_| wrong_side.is_none()).map(|question| {
            OpenQuestion {
                file: file.name.to_owned(),
                question: question.question,
                choices: question.choices,
            }
        }));
        self.files.push(found);
    }

    fn use_records(
        &mut self,
        file: &GivenFile<'_>,
        said: &FileAnswers,
        report: &FileReport,
        records: Vec<Sourced>,
    ) {
        let mut rows = Vec::with_capacity(records.len());
        for sourced in records {
            match sourced.record {
                Record::Mapping(row) => self.mappings.push(row),
                Record::Rule(row) => self.rules.push(*row),
                Record::Price(row) => self.prices.push(*row),
                Record::Decision(row) => self.decisions.push(*row),
                _ if said.side.is_none_or(|side| is_of(&sourced.record, side)) => rows.push(sourced),
                _ => {}
            }
        }
        let sides = said.side.map_or_else(|| report.sides.clone(), |side| vec![side]);
        if rows.is_empty() && sides.is_empty() {
            return;
        }
        self.sources.push(Source {
            import: file.digest.clone(),
            file: file.name.to_owned(),
            format: report.source(),
            sides,
            learned: 0,
            snapshot_on: None,
            client: said.client.clone(),
            stated_span: report.stated_span,
            incomplete: incomplete(report),
            records: rows,
            left_out: LeftOut::default(),
        });
    }
}

const fn is_of(record: &Record, side: Side) -> bool {
    matches!(
        (record, side),
        (Record::Entitlement(_), Side::Entitlement)
            | (Record::BillingLine(_), Side::Billing)
            | (Record::VendorCharge(_), Side::Cost)
            | (Record::Activity(_), Side::Activity)
    )
}

/// What the file asks and the request does not say.
fn open_questions(report: &FileReport, said: &FileAnswers) -> Vec<Question> {
    let open = |question: &&Question| match question.question.as_str() {
        "client" => said.client.is_none(),
        "date_order" => said.date_order.is_none(),
        "currency" => said.currency.is_none(),
        "invoice_timing" => said.invoice_timing.is_none(),
        _ => true,
    };
    let mut questions: Vec<Question> = report.needs_input.iter().filter(open).cloned().collect();
    let asked = questions.iter().any(|question| question.question == "client");
    if !report.names_client && said.client.is_none() && !asked {
        questions.push(Question { question: "client".to_owned(), choices: Vec::new() });
    }
    questions
}

/// Whose data may be missing: the clients of the refused rows, or everyone when a row does not tell.
fn incomplete(report: &FileReport) -> Incomplete {
    if report.refused_total == 0 {
        return Incomplete::None;
    }
    let listed = u64::try_from(report.refused.len()).unwrap_or(u64::MAX);
    let clients: Option<Vec<ClientRef>> =
        report.refused.iter().map(|refusal| refusal.client.clone()).collect();
    match clients {
        Some(mut clients) if listed == report.refused_total => {
            clients.sort();
            clients.dedup();
            Incomplete::Clients(clients)
        }
        _ => Incomplete::All,
    }
}

fn found(file: &GivenFile<'_>, report: &FileReport) -> VisitFile {
    let title = FORMATS.iter().find(|format| format.name == report.format).map(|format| format.title);
    VisitFile {
        name: file.name.to_owned(),
        digest: file.digest.clone(),
        used: false,
        format: Some(report.format.to_owned()),
        title: title.map(str::to_owned),
        reasons: report.reasons.clone(),
        sides: report.sides.clone(),
        rows: report.read,
        refused_total: report.refused_total,
        refused: report.refused.iter().take(LISTED).map(RefusedRow::from).collect(),
        notes: report.notes.iter().take(LISTED).map(|note| note.text.clone()).collect(),
        error: None,
    }
}

fn unread(file: &GivenFile<'_>, error: &FileError) -> VisitFile {
    VisitFile {
        name: file.name.to_owned(),
        digest: file.digest.clone(),
        used: false,
        format: None,
        title: None,
        reasons: Vec::new(),
        sides: Vec::new(),
        rows: 0,
        refused_total: 0,
        refused: Vec::new(),
        notes: Vec::new(),
        error: Some(UnreadFile::from(error)),
    }
}

fn not_of_side(report: &FileReport, side: Side) -> UnreadFile {
    let side = match side {
        Side::Entitlement => "what clients have",
        Side::Billing => "what clients are billed",
        Side::Cost => "what the vendor charges",
        Side::Activity => "who used what",
    };
    UnreadFile {
        code: "wrong_side".to_owned(),
        message: format!("the file is read as {}, which says nothing of {side}", report.format),
        line: None,
    }
}
