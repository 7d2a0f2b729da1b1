//! `leakage audit`: files to gaps, offline.
//!
//! Reads the files that it is given, runs the same audit as the service, and prints the document.
//! Knows `leakage_core` and files; no database, no network.

use super::answer::{OutputFormat, Wanted, answer};
use super::profile;
use crate::clock::Clock;
use crate::files::{Collect, LocalFile};
use chrono::NaiveDate;
use leakage_core::audit::{self, AuditInput, Basis, Proration, Source};
use leakage_core::ingest::{
    self, DateOrder, FORMATS, FileError, FileReport, InvoiceTiming, ReadOptions, Refusal,
};
use leakage_core::money::Currency;
use leakage_core::parallel;
use leakage_core::period::Month;
use leakage_core::records::{Decision, Record, Side};
use rust_decimal::Decimal;
use std::io::{self, Write};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Arguments of `leakage audit`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// First month, such as 2026-02.
    #[arg(long, value_name = "MONTH")]
    from: Month,
    /// Last month, inclusive.
    #[arg(long, value_name = "MONTH")]
    to: Month,
    /// The day on which the audit speaks: later days are not audited. Default: today.
    #[arg(long, value_name = "DATE")]
    as_of: Option<NaiveDate>,
    /// What clients have. CLIENT= names the client of a file that names none.
    #[arg(long, value_name = "[CLIENT=]FILE", num_args = 1..)]
    entitlements: Vec<String>,
    /// What clients are charged.
    #[arg(long, value_name = "[CLIENT=]FILE", num_args = 1..)]
    billing: Vec<String>,
    /// What the vendor charges.
    #[arg(long, value_name = "[CLIENT=]FILE", num_args = 1..)]
    cost: Vec<String>,
    /// Who used what.
    #[arg(long, value_name = "[CLIENT=]FILE", num_args = 1..)]
    activity: Vec<String>,
    /// Lists of clients or products, which say what ids and names belong together: customers, tenants,
    /// subscribed SKUs.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    directory: Vec<String>,
    /// Confirmed mappings of clients and products.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    mappings: Vec<String>,
    /// Exclusions, bundles, allowances, minimums and back-billing limits.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    rules: Vec<String>,
    /// Prices where billing lines give none.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    prices: Vec<String>,
    /// How seats are counted, prorated and limited for a client, an agreement or a product, where that differs.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    policies: Vec<String>,
    /// The parts of clients that are billed by themselves.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    billing_entities: Vec<String>,
    /// Which seats of a client go to which of its billing entities.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    allocations: Vec<String>,
    /// Months of gaps that were charged, credited or given up before.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    settled: Vec<String>,
    /// Import profiles, JSON files: how the columns of files of no known format are read.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    profile: Vec<PathBuf>,
    /// Which seats are counted: purchased, assigned or active.
    #[arg(long, default_value_t)]
    basis: Basis,
    /// How changes inside a month count: daily, `full_month` or `next_month`.
    #[arg(long, default_value_t)]
    proration: Proration,
    /// Order of day and month in dates such as 03/09/2026: dmy or mdy.
    #[arg(long, value_name = "ORDER")]
    date_order: Option<DateOrder>,
    /// Currency of prices in a file that names none.
    #[arg(long, value_name = "CODE")]
    currency: Option<Currency>,
    /// When an invoice without a service period charges its months: advance (the month of its date) or
    /// arrears (the month before).
    #[arg(long, value_name = "TIMING")]
    invoice_timing: Option<InvoiceTiming>,
    /// How the document is printed.
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
    /// Use undecided matches with at least this score, marked `unconfirmed`.
    #[arg(long, value_name = "SCORE", value_parser = score)]
    accept_proposals: Option<Decimal>,
    /// Print the same facts under every proration, side by side, instead of the document: totals, agreements,
    /// and which of them leak by their setting.
    #[arg(long)]
    what_if: bool,
    /// With --what-if: under every count basis too.
    #[arg(long, requires = "what_if")]
    all_bases: bool,
    /// Print what is billed against what the vendor charges, instead of the document.
    #[arg(long, conflicts_with = "what_if")]
    margins: bool,
}

fn score(text: &str) -> Result<Decimal, String> {
    let score: Option<Decimal> = text.parse().ok();
    score
        .filter(|score| (Decimal::ZERO..=Decimal::ONE).contains(score))
        .ok_or_else(|| format!("`{text}` is not a score from 0 to 1, such as 0.90"))
}

/// The inputs could not be used.
const UNUSABLE: u8 = 2;

/// Runs the command: exit code 0 without gaps, 1 with gaps, 2 when the inputs could not be used.
pub fn run(arguments: &Arguments) -> ExitCode {
    let mut problems = Problems::default();
    let input = input(arguments, &Clock::system(), &mut problems);
    if !problems.0.is_empty() {
        return problems.tell();
    }
    let wanted = match arguments {
        Arguments { what_if: true, all_bases, .. } => Wanted::WhatIf { all_bases: *all_bases },
        Arguments { margins: true, .. } => Wanted::Margins,
        _ => Wanted::Document,
    };
    let mut out = io::stdout().lock();
    let outcome = answer(wanted, arguments.format, &input, threads(), &mut out);
    // The process ends soon: to give back a million rows one by one would only take time.
    std::mem::forget(input);
    match outcome {
        Ok((printed, code)) => end(printed.and_then(|()| out.flush()), code),
        Err(error) => {
            problems.0.push(error.to_string());
            problems.tell()
        }
    }
}

fn end(printed: io::Result<()>, code: u8) -> ExitCode {
    match printed {
        Ok(()) => {}
        // Whoever reads has seen enough (`| head`).
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        Err(error) => return Problems(vec![format!("the answer cannot be printed: {error}")]).tell(),
    }
    ExitCode::from(code)
}

/// What keeps the inputs from being used, one line each.
#[derive(Debug, Default)]
struct Problems(Vec<String>);

impl Problems {
    fn tell(self) -> ExitCode {
        let mut err = io::stderr().lock();
        for problem in self.0 {
            let one_line: String = problem.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            // Nowhere to tell that standard error is closed.
            let _ = writeln!(err, "{one_line}");
        }
        ExitCode::from(UNUSABLE)
    }
}

fn input(arguments: &Arguments, clock: &Clock, problems: &mut Problems) -> AuditInput {
    let as_of = arguments.as_of.unwrap_or_else(|| clock.today());
    let mut input = AuditInput::new(arguments.from, arguments.to, as_of);
    input.policy.basis = arguments.basis;
    input.policy.proration = arguments.proration;
    input.accept_proposals = arguments.accept_proposals;
    input.stretch_snapshots = true;
    let mut profiles = Vec::new();
    for path in &arguments.profile {
        match profile::load(path) {
            Ok(profile) => profiles.push(profile),
            Err(faults) => problems.0.extend(faults),
        }
    }
    let options = ReadOptions {
        date_order: arguments.date_order,
        currency: arguments.currency,
        invoice_timing: arguments.invoice_timing,
        profiles,
        ..super::read_options()
    };
    let sides = [
        (Side::Entitlement, &arguments.entitlements),
        (Side::Billing, &arguments.billing),
        (Side::Cost, &arguments.cost),
        (Side::Activity, &arguments.activity),
    ];
    let files: Vec<(Side, &String)> =
        sides.into_iter().flat_map(|(side, files)| files.iter().map(move |file| (side, file))).collect();
    for (source, told) in at_once(&files, &options) {
        problems.0.extend(told.0);
        // A file that is named later is the newer one.
        let learned = input.sources.last().map_or(1, |last| last.learned + 1);
        input.sources.extend(source.map(|source| Source { learned, ..source }));
    }
    let mut reader = Reader { options, problems };
    for file in &arguments.directory {
        let learned = input.sources.last().map_or(1, |last| last.learned + 1);
        input.sources.extend(reader.directory(file).map(|source| Source { learned, ..source }));
    }
    let tables = [
        (Table::Mappings, &arguments.mappings),
        (Table::Rules, &arguments.rules),
        (Table::Prices, &arguments.prices),
        (Table::Policies, &arguments.policies),
        (Table::BillingEntities, &arguments.billing_entities),
        (Table::Allocations, &arguments.allocations),
        (Table::Settled, &arguments.settled),
    ];
    for (wanted, files) in tables {
        for file in files {
            reader.table(wanted, file, &mut input);
        }
    }
    if input.sources.is_empty() && problems.0.is_empty() {
        problems.0.push("no files: give at least --entitlements or --cost, and --billing".to_owned());
    }
    input
}

/// The files that are no side of the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Table {
    Mappings,
    Rules,
    Prices,
    Policies,
    BillingEntities,
    Allocations,
    Settled,
}

impl Table {
    const fn name(self) -> &'static str {
        match self {
            Self::Mappings => "mappings",
            Self::Rules => "rules",
            Self::Prices => "prices",
            Self::Policies => "policies",
            Self::BillingEntities => "billing_entities",
            Self::Allocations => "allocations",
            Self::Settled => "settled",
        }
    }

    const fn decides(self, row: &Decision) -> bool {
        matches!(
            (self, row),
            (Self::Policies, Decision::Policy(_))
                | (Self::BillingEntities, Decision::BillingEntity(_))
                | (Self::Allocations, Decision::Allocation(_))
                | (Self::Settled, Decision::Settled(_))
        )
    }

    /// Takes a record of its kind into the input.
    fn take(self, record: Record, input: &mut AuditInput) -> bool {
        match (self, record) {
            (Self::Mappings, Record::Mapping(row)) => input.mappings.push(row),
            (Self::Rules, Record::Rule(row)) => input.rules.push(*row),
            (Self::Prices, Record::Price(row)) => input.prices.push(*row),
            (_, Record::Decision(row)) if self.decides(&row) => row.add_to(input),
            _ => return false,
        }
        true
    }
}

/// Threads that the machine has work for.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// Reads the files of the sides, several at once, and answers in the order of the files: what each holds, and
/// what is wrong with it.
fn at_once(files: &[(Side, &String)], options: &ReadOptions) -> Vec<(Option<Source>, Problems)> {
    // Each may use all threads: of the last and largest file they read blocks together.
    parallel::each(files, options.threads, |(side, file)| {
        let mut problems = Problems::default();
        let mut reader = Reader { options: options.clone(), problems: &mut problems };
        let source = reader.source(*side, file);
        (source, problems)
    })
}

/// Reads files and collects what is wrong with them.
struct Reader<'p> {
    options: ReadOptions,
    problems: &'p mut Problems,
}

impl Reader<'_> {
    /// Reads a file of one side.
    fn source(&mut self, side: Side, argument: &str) -> Option<Source> {
        let (client, path) = client_and_path(argument);
        let (digest, report) = self.read(path)?;
        let report = match report {
            // An export without rows is an empty side: the audit says what it misses.
            Err(FileError::NoRows { known: Some(format) }) if speaks_of(format, side) => return None,
            Err(error) => return self.refuse(path, &error),
            Ok(report) => self.checked(path, report)?,
        };
        if !report.sides.contains(&side) {
            self.wrong_use(path, side_flag(side), report.format);
            return None;
        }
        if !report.names_client && client.is_none() {
            self.problems.0.push(format!("{path}: the file names no client; write CLIENT={path}"));
            return None;
        }
        let mut source = Self::source_of(digest, path, report, |record| side_of(record) == Some(side));
        source.sides = vec![side];
        source.client = client.map(str::to_owned);
        Some(source)
    }

    /// Reads a list of clients or products: it has no side, and says who is who.
    fn directory(&mut self, path: &str) -> Option<Source> {
        let (digest, report) = self.read(path)?;
        let report = match report {
            Err(FileError::NoRows { known: Some(_) }) => return None,
            Err(error) => return self.refuse(path, &error),
            Ok(report) => self.checked(path, report)?,
        };
        let format = report.format;
        let source = Self::source_of(digest, path, report, |record| {
            matches!(record, Record::Client(_) | Record::Product(_))
        });
        if source.records.is_empty() {
            self.wrong_use(path, "list of clients or products", format);
            return None;
        }
        Some(source)
    }

    /// A file's records, of those that are wanted, as a source without a side.
    fn source_of(digest: String, path: &str, report: FileReport, wanted: impl Fn(&Record) -> bool) -> Source {
        let format = report.source();
        // They stay where they are.
        let mut records = report.records;
        records.retain(|sourced| wanted(&sourced.record));
        Source {
            import: digest,
            file: path.to_owned(),
            format,
            sides: Vec::new(),
            // Its place among the files is not known here.
            learned: 0,
            snapshot_on: None,
            client: None,
            stated_span: report.stated_span,
            incomplete: audit::Incomplete::None,
            records,
            left_out: audit::LeftOut::default(),
        }
    }

    /// Reads a file of mappings, rules or prices.
    fn table(&mut self, wanted: Table, path: &str, input: &mut AuditInput) {
        let Some((_, report)) = self.read(path) else { return };
        let report = match report {
            // A list without rows says nothing, and that is no mistake.
            Err(FileError::NoRows { known: Some(format) }) if format.ends_with(wanted.name()) => return,
            Err(error) => {
                self.refuse::<()>(path, &error);
                return;
            }
            Ok(report) => report,
        };
        let Some(report) = self.checked(path, report) else { return };
        let format = report.format;
        let taken = report.records.into_iter().filter(|sourced| wanted.take(sourced.record.clone(), input));
        if taken.count() == 0 {
            self.wrong_use(path, wanted.name(), format);
        }
    }

    /// The digest of a file, and what is in it.
    fn read(&mut self, path: &str) -> Option<(String, Result<FileReport, FileError>)> {
        let opened = LocalFile::at(path.into()).and_then(|file| Ok((file.digest()?, file)));
        let (digest, file) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                self.problems.0.push(format!("{path}: cannot be read: {error}"));
                return None;
            }
        };
        let mut records = Collect::all();
        let report = ingest::read_source(path, &file, &self.options, &mut records);
        Some((digest, report.map(|report| records.into_report(report))))
    }

    /// Passes a report whose rows can all be used. The question whose file it is is asked elsewhere.
    fn checked(&mut self, path: &str, report: FileReport) -> Option<FileReport> {
        let before = self.problems.0.len();
        self.problems.0.extend(report.refused.iter().map(|refusal| refused(path, refusal)));
        let listed = u64::try_from(report.refused.len()).unwrap_or(u64::MAX);
        if report.refused_total > listed {
            let more = report.refused_total - listed;
            self.problems.0.push(format!("{path}: {more} more rows are refused"));
        }
        for question in report.needs_input.iter().filter(|question| question.question != "client") {
            let flag = question.question.replace('_', "-");
            let choices = match question.choices.as_slice() {
                [] => String::new(),
                choices => format!(" {}", choices.join(" or ")),
            };
            self.problems.0.push(format!(
                "{path}: the file does not tell its {}; give --{flag}{choices}",
                question.question
            ));
        }
        (self.problems.0.len() == before).then_some(report)
    }

    fn refuse<T>(&mut self, path: &str, error: &FileError) -> Option<T> {
        let place = match (error.line(), error.column()) {
            (Some(line), Some(column)) => format!("{path}:{line}:{column}"),
            (Some(line), None) => format!("{path}:{line}"),
            _ => path.to_owned(),
        };
        let hint = if error.tables().is_empty() {
            String::new()
        } else {
            format!("; `leakage inspect {path}` proposes an import profile, to give as --profile")
        };
        self.problems.0.push(format!("{place}: {error}{hint}"));
        None
    }

    fn wrong_use(&mut self, path: &str, wanted: &str, format: &str) {
        self.problems.0.push(format!("{path}: is read as {format}, which holds no {wanted}"));
    }
}

/// A refused row: file, line, column, value and rule.
fn refused(path: &str, refusal: &Refusal) -> String {
    let sheet = refusal.sheet.as_ref().map_or_else(String::new, |sheet| format!(" ({sheet})"));
    let column = refusal.column.as_ref().map_or_else(String::new, |column| format!(" column `{column}`:"));
    let value = refusal.value.as_ref().map_or_else(String::new, |value| format!(" `{value}`"));
    format!("{path}{sheet}:{}:{column}{value} {}", refusal.line, refusal.reason)
}

/// Splits `CLIENT=FILE`. A file whose whole name is there is taken as it is, equals signs and all.
fn client_and_path(argument: &str) -> (Option<&str>, &str) {
    match argument.split_once('=') {
        Some((client, path)) if !client.trim().is_empty() && !Path::new(argument).exists() => {
            (Some(client.trim()), path)
        }
        _ => (None, argument),
    }
}

fn speaks_of(format: &str, side: Side) -> bool {
    FORMATS.iter().any(|known| known.name == format && known.sides.contains(&side))
}

const fn side_of(record: &Record) -> Option<Side> {
    match record {
        Record::Entitlement(_) => Some(Side::Entitlement),
        Record::BillingLine(_) => Some(Side::Billing),
        Record::VendorCharge(_) => Some(Side::Cost),
        Record::Activity(_) => Some(Side::Activity),
        _ => None,
    }
}

const fn side_flag(side: Side) -> &'static str {
    match side {
        Side::Entitlement => "entitlements",
        Side::Billing => "billing",
        Side::Cost => "cost",
        Side::Activity => "activity",
    }
}
