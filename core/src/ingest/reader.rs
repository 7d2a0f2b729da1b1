//! One file from bytes to a report: survey, find the format, read.

use super::error::FileError;
use super::items::Items;
use super::json::{self, Raw};
use super::layout::seen;
use super::limits::Limits;
use super::profile::{self, Match, SeenTable};
use super::sheet;
use super::sink::Sink;
use super::source::{Collect, Progress, Source, Stage, Taker};
use super::survey::{self, Body, Run, Surveyed, Text, Wrapping};
use super::table::Table;
use super::{Detection, FORMATS, FileReport, Fit, Format, PROFILE_FORMAT, ReadOptions, TEMPLATE};
use crate::records::Side;
use csv::StringRecord;
use rust_decimal::Decimal;
use std::sync::atomic::Ordering;

/// A part of a file as a format sees it: a table, and the JSON items behind it where it is JSON.
pub(super) struct Shape<'a> {
    pub(super) table: Table<'a>,
    items: Option<&'a Items<'a>>,
    run: &'a Run,
    /// Sheets may be left unread, members of an archive may not.
    sheet: bool,
}

impl<'a> Shape<'a> {
    /// Whether the rows are JSON items.
    pub(super) const fn is_json(&self) -> bool {
        self.items.is_some()
    }

    /// The first JSON items, to tell a format by; none for tables.
    pub(super) fn sample(&self) -> impl Iterator<Item = Raw<'a>> {
        self.items.into_iter().flat_map(Items::sample)
    }

    /// Gives every JSON item with its place in the part, 1-based. An item does not outlive the call:
    /// files are larger than memory.
    pub(super) fn each_item(
        &self,
        each: &mut dyn FnMut(u32, Raw<'_>) -> Result<(), FileError>,
    ) -> Result<(), FileError> {
        let Some(items) = self.items else { return Ok(()) };
        items.each(&mut |line, item| {
            each(line, item)?;
            self.run.go_on()?;
            Ok(true)
        })
    }
}

/// A part that was looked through.
enum Loaded<'a> {
    Text(Option<&'a str>, &'a Text<'a>),
    Items(Option<&'a str>, Items<'a>),
    Sheet(String, Vec<(u32, StringRecord)>),
}

/// Reads a file of any size: its records are handed to the taker in batches, in the order of the file,
/// and are not in the report. The name is only for messages: content decides.
///
/// Memory does not grow with the file, but for about thirty bytes a row where repeated rows must be
/// recognised, and for ConnectWise's agreements and additions, which are joined. A workbook is held
/// whole, under its own limits.
///
/// # Errors
/// When the file as a whole cannot be read (see [`FileError`]), or the taker wants no more.
pub fn read_source(
    file_name: &str,
    source: &dyn Source,
    options: &ReadOptions,
    taker: &mut dyn Taker,
) -> Result<FileReport, FileError> {
    let (run, size) = (Run::default(), source.size());
    let mut tick = || {
        let bytes = run.bytes.load(Ordering::Relaxed);
        let progress = Progress { stage: Stage::Survey, bytes, size, rows: 0 };
        if taker.progress(progress).is_break() { Err(FileError::Stopped) } else { Ok(()) }
    };
    let surveyed = survey::survey(file_name, source, &options.limits, &run, &mut tick)?;
    let loaded = load(&surveyed, options)?;
    let container = container(&surveyed, &loaded);
    let mut shapes = Vec::new();
    for part in &loaded {
        shapes.extend(shape(part, options, &run)?);
    }
    if shapes.is_empty() {
        return Err(FileError::Empty);
    }
    let mut sink = Sink::to(taker, &run, size, &options.limits);
    let found = find(&shapes, options, &mut sink)?;
    for (how, parts, _) in &found {
        how.read(parts, options, &mut sink)?;
    }
    if sink.read == 0 {
        return Err(FileError::NoRows { known: found.first().map(|(how, _, _)| how.template().name) });
    }
    if sink.questions.iter().any(|asked| asked.question != "client") {
        sink.discard();
    }
    // All of it was read, also what is no row.
    sink.text_bytes = None;
    sink.flush();
    sink.go_on()?;
    Ok(report(&found, sink, surveyed.encodings.join("+"), container))
}

/// Reads a file in memory, and puts its records into the report. The name is only for messages: content
/// decides.
///
/// # Errors
/// When the file as a whole cannot be read; see [`FileError`].
pub fn read(file_name: &str, bytes: &[u8], options: &ReadOptions) -> Result<FileReport, FileError> {
    let mut all = Collect::default();
    let report = read_source(file_name, &bytes, options, &mut all)?;
    Ok(all.into(report))
}

/// How a part is read.
enum How<'o> {
    Format(&'static Format),
    Profile(Match<'o>),
}

impl How<'_> {
    fn name(&self) -> &'static str {
        match self {
            Self::Format(format) => format.name,
            Self::Profile(_) => PROFILE_FORMAT,
        }
    }

    /// The format, or the one of our own template that a profile stands for.
    fn template(&self) -> &'static Format {
        match self {
            Self::Format(format) => format,
            Self::Profile(found) => found.profile.kind.template().format,
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Format(a), Self::Format(b)) => a.name == b.name,
            (Self::Profile(a), Self::Profile(b)) => a.profile == b.profile,
            _ => false,
        }
    }

    fn read(&self, parts: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
        match self {
            Self::Format(format) => (format.read)(parts, options, sink),
            Self::Profile(found) => profile::read(parts, found.profile, options, sink),
        }
    }
}

type Found<'s, 'a> = (How<'s>, Vec<&'s Shape<'a>>, Detection);

fn report(found: &[Found<'_, '_>], sink: Sink<'_>, encoding: String, container: String) -> FileReport {
    let mut sides: Vec<Side> =
        found.iter().flat_map(|(how, _, _)| how.template().sides.iter().copied()).collect();
    sides.dedup();
    let mut reasons: Vec<String> =
        found.iter().flat_map(|(_, _, detection)| detection.reasons.clone()).collect();
    reasons.extend(sink.reasons);
    FileReport {
        format: match found {
            [(first, _, _), others @ ..] if others.iter().all(|(how, _, _)| how.name() == first.name()) => {
                first.name()
            }
            _ => TEMPLATE,
        },
        profiles: found
            .iter()
            .filter_map(|(how, _, _)| match how {
                How::Profile(found) => Some(found.used.clone()),
                How::Format(_) => None,
            })
            .collect(),
        sides,
        confidence: found.iter().map(|(_, _, detection)| detection.confidence).min().unwrap_or(Decimal::ZERO),
        reasons,
        encoding,
        container,
        read: sink.read,
        refused: sink.refused,
        refused_total: sink.refused_total,
        unknown_columns: sink.unknown_columns,
        needs_input: sink.questions,
        notes: sink.notes,
        notes_total: sink.notes_total,
        names_client: sink.names_client,
        snapshot: sink.snapshot,
        stated_span: sink.stated_span,
        records: Vec::new(),
    }
}

fn load<'a>(surveyed: &'a Surveyed<'a>, options: &ReadOptions) -> Result<Vec<Loaded<'a>>, FileError> {
    let limits = &options.limits;
    let mut loaded = Vec::new();
    for part in &surveyed.parts {
        let member = part.member.as_deref();
        match &part.body {
            Body::Workbook(bytes) => {
                let sheets = sheet::sheets(bytes, options.sheets.as_deref(), limits)
                    .map_err(|error| error.in_member(member))?;
                loaded.extend(sheets.into_iter().map(|sheet| Loaded::Sheet(sheet.name, sheet.rows)));
            }
            Body::Text(text) if text.json => {
                let items = Items::survey(text, limits).map_err(|error| error.in_member(member))?;
                loaded.push(Loaded::Items(member, items));
            }
            Body::Text(text) => loaded.push(Loaded::Text(member, text)),
        }
    }
    Ok(loaded)
}

fn container(surveyed: &Surveyed<'_>, loaded: &[Loaded<'_>]) -> String {
    let inside = match loaded.first() {
        Some(Loaded::Sheet(..)) => "xlsx",
        Some(Loaded::Items(..)) => "json",
        _ => "csv",
    };
    match surveyed.wrapping {
        Wrapping::Plain => inside.to_owned(),
        Wrapping::Gzip => format!("{inside}.gz"),
        Wrapping::Zip => "zip".to_owned(),
    }
}

fn shape<'a>(
    loaded: &'a Loaded<'a>,
    options: &ReadOptions,
    run: &'a Run,
) -> Result<Option<Shape<'a>>, FileError> {
    Ok(match loaded {
        Loaded::Text(member, text) => {
            let table = Table::of_text(text, member.map(str::to_owned), &options.limits, options.threads)
                .map_err(|error| error.in_member(*member))?;
            Some(Shape { table, items: None, run, sheet: false })
        }
        Loaded::Items(member, items) => {
            let table = Table::of_items(items, member.map(str::to_owned));
            Some(Shape { table, items: Some(items), run, sheet: false })
        }
        Loaded::Sheet(name, rows) => Table::of_rows(rows, Some(name.clone())).map(|table| Shape {
            table,
            items: None,
            run,
            sheet: true,
        }),
    })
}

/// The formats of a file, each with its parts.
fn find<'s, 'a>(
    shapes: &'s [Shape<'a>],
    options: &'s ReadOptions,
    sink: &mut Sink<'_>,
) -> Result<Vec<Found<'s, 'a>>, FileError> {
    let mut found: Vec<Found<'s, 'a>> = Vec::new();
    let mut unread = Vec::new();
    for shape in shapes {
        match detect(shape, options) {
            Ok((how, detection)) => match found.iter_mut().find(|(known, _, _)| known.is_same(&how)) {
                Some((_, parts, _)) => parts.push(shape),
                None => found.push((how, vec![shape], detection)),
            },
            Err(error) if shape.sheet && shapes.len() > 1 => unread.push((shape, error)),
            Err(error) => return Err(error.in_member(shape.table.part.as_deref())),
        }
    }
    if let Some(mismatch) = mismatch(shapes, options, &found) {
        return Err(mismatch);
    }
    if found.is_empty() {
        return Err(likeliest(unread));
    }
    for (shape, error) in unread {
        let sheet = shape.table.part.as_deref().unwrap_or_default();
        sink.note(None, "unread_sheet", format!("the sheet `{sheet}` was not read: {error}"));
    }
    // Only our own template is several files that may travel together.
    if found.len() > 1 && found.iter().any(|(how, _, _)| !how.template().name.starts_with("leakage_")) {
        return Err(FileError::MixedFormats {
            formats: found.iter().map(|(how, _, _)| how.name()).collect(),
        });
    }
    Ok(found)
}

/// The profile that was named fits no part of the file.
fn mismatch(shapes: &[Shape<'_>], options: &ReadOptions, found: &[Found<'_, '_>]) -> Option<FileError> {
    let named = options.profile.as_ref()?;
    if found.iter().any(|(how, _, _)| matches!(how, How::Profile(found) if found.profile == named)) {
        return None;
    }
    let lacks = |shape: &Shape<'_>| profile::explicit(named, &shape.table.columns, shape.is_json()).err();
    let columns = shapes.iter().filter_map(lacks).min_by_key(Vec::len)?;
    Some(FileError::ProfileMismatch { profile: named.name.clone(), columns })
}

/// Why none of the sheets was read: the one that comes closest to something, and what all of them may be.
fn likeliest(unread: Vec<(&Shape<'_>, FileError)>) -> FileError {
    let score = |error: &FileError| error.tables().first().map(|table| table.proposal.score);
    let mut all: Vec<SeenTable> = unread.iter().flat_map(|(_, error)| error.tables().to_vec()).collect();
    all.sort_by_key(|table| std::cmp::Reverse(table.proposal.score));
    let top = unread.iter().filter_map(|(_, error)| score(error)).max();
    let chosen = unread.into_iter().find(|(_, error)| top.is_none() || score(error) == top);
    let Some((shape, mut error)) = chosen else { return FileError::Empty };
    if let FileError::UnknownFormat { tables, .. } = &mut error {
        *tables = all;
    }
    error.in_member(shape.table.part.as_deref())
}

fn detect<'s>(shape: &Shape<'_>, options: &'s ReadOptions) -> Result<(How<'s>, Detection), FileError> {
    let (columns, limits) = (&shape.table.columns, &options.limits);
    let named = options.profile.as_ref().map(|named| profile::explicit(named, columns, shape.is_json()));
    if let (Some(Err(absent)), false) = (&named, shape.sheet) {
        return Err(FileError::ProfileMismatch {
            profile: options.profile.as_ref().map(|named| named.name.clone()).unwrap_or_default(),
            columns: absent.clone(),
        });
    }
    let suited = profile::best(&options.profiles, columns, shape.is_json());
    if let Some(evidence) = json::schema_evidence(&shape.sample().collect::<Vec<_>>()) {
        return Err(FileError::Schema { evidence });
    }
    let mut best: Option<(&'static Format, Detection)> = None;
    let mut near: Vec<(usize, usize, &'static Format, Vec<String>)> = Vec::new();
    for format in FORMATS {
        match (format.detect)(shape) {
            Fit::Yes(detection) => {
                if best.as_ref().is_none_or(|(_, other)| other.confidence < detection.confidence) {
                    best = Some((format, detection));
                }
            }
            Fit::Near { missing, shared } => near.push((missing.len(), shared, format, missing)),
            Fit::No { shared } if shared >= 3 => near.push((usize::MAX, shared, format, Vec::new())),
            Fit::No { .. } => {}
        }
    }
    let mut rows = false;
    shape.table.rows(limits, &mut |_| {
        rows = true;
        Ok(false)
    })?;
    if !rows {
        let known = best.as_ref().map(|(format, _)| format.name);
        let profile = named.and_then(Result::ok).or_else(|| suited.ok().flatten());
        return Err(FileError::NoRows {
            known: known.or_else(|| profile.map(|found| found.profile.kind.name())),
        });
    }
    if let Some(Ok(found)) = named {
        let detection = found.detection.clone();
        return Ok((How::Profile(found), detection));
    }
    if let Some((format, detection)) = best {
        return Ok((How::Format(format), detection));
    }
    let fitting = match suited {
        Ok(Some(found)) => {
            let detection = found.detection.clone();
            return Ok((How::Profile(found), detection));
        }
        Ok(None) => Vec::new(),
        Err(fitting) => fitting,
    };
    near.sort_by_key(|(missing, shared, _, _)| (*missing, std::cmp::Reverse(*shared)));
    match near.first() {
        // Two thirds of what it needs: less is a coincidence of common words.
        Some((lacking @ 1..=2, shared, format, missing)) if *shared >= lacking * 2 => {
            Err(FileError::MissingColumn { format: format.name, columns: missing.clone() })
        }
        _ => {
            let nearest = near.iter().take(3).map(|(_, _, format, _)| format.name).collect();
            Err(unknown(shape, nearest, fitting, limits)?)
        }
    }
}

fn unknown(
    shape: &Shape<'_>,
    nearest: Vec<&'static str>,
    fitting: Vec<String>,
    limits: &Limits,
) -> Result<FileError, FileError> {
    let columns = seen(&shape.table.columns);
    let what = if shape.is_json() { "keys" } else { "columns" };
    let more = shape.table.columns.len().saturating_sub(columns.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let seen = if columns.is_empty() {
        format!("no {what} were found")
    } else {
        format!("{what} seen: {}{more}", columns.join(", "))
    };
    let tables = vec![profile::seen(shape, limits)?].into_iter().filter(|table| table.plausible).collect();
    Ok(FileError::UnknownFormat { columns, seen, nearest, tables, fitting })
}
