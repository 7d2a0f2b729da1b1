//! Rows of cells, whether they come from delimited text, a sheet, or JSON objects: one shape, so that
//! a format is written once.
//!
//! Headers are compared folded (letters and digits, lower case), so that `Unit Price`, `unit_price`,
//! `*UnitPrice` and `String_ Id` are what they mean. Lines are true lines of the file.

use super::decode::to_u32;
use super::error::FileError;
use super::json::{self, Raw};
use super::limits::Limits;
use super::number::{Commas, Evidence};
use csv::StringRecord;
use std::cell::Cell;
use std::collections::{HashMap, HashSet};

/// A table that is not read yet but for its header.
pub(super) struct Table<'a> {
    /// Sheet or archive member.
    pub(super) part: Option<String>,
    /// Columns as written, in order.
    pub(super) columns: Vec<String>,
    /// Line of the header; 0 for JSON.
    pub(super) header_line: u32,
    source: Source<'a>,
}

enum Source<'a> {
    Text { text: &'a str, delimiter: u8 },
    Rows(&'a [(u32, StringRecord)]),
    Items(&'a [Raw<'a>]),
}

/// Stands in a cell whose formula was never calculated.
pub(super) const NOT_CALCULATED: &str = "#NOT CALCULATED!";

/// Whether a cell holds no value but a spreadsheet's error; also when it was saved as text.
pub(super) fn is_error_value(cell: &str) -> bool {
    cell.starts_with('#')
        && matches!(
            cell,
            "#REF!"
                | "#N/A"
                | "#VALUE!"
                | "#DIV/0!"
                | "#NAME?"
                | "#NUM!"
                | "#NULL!"
                | "#SPILL!"
                | "#CALC!"
                | "#GETTING_DATA"
                | NOT_CALCULATED
        )
}

/// One row under the header.
pub(super) struct Row<'r> {
    pub(super) line: u32,
    pub(super) cells: &'r StringRecord,
    /// Why the row as a whole cannot be read.
    pub(super) broken: Option<String>,
}

/// Letters and digits of a header, lower case.
pub(super) fn fold(header: &str) -> String {
    header.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

impl<'a> Table<'a> {
    /// Delimited text. The delimiter is the header's, never the data's.
    pub(super) fn of_text(text: &'a str, part: Option<String>, limits: &Limits) -> Result<Self, FileError> {
        let (rest, skipped, named) = separator_line(text);
        let delimiter = named.unwrap_or_else(|| delimiter(rest));
        let mut header = None;
        read_text(text, skipped, delimiter, limits, &mut |line, cells, _| {
            header = Some((line, cells.iter().map(|cell| clean(cell).to_owned()).collect::<Vec<_>>()));
            Ok(false)
        })?;
        let (header_line, columns) = header.ok_or(FileError::Empty)?;
        Ok(Self { part, columns, header_line, source: Source::Text { text, delimiter } })
    }

    /// Rows of a sheet; the first that holds anything is the header. `None` for an empty sheet.
    pub(super) fn of_rows(rows: &'a [(u32, StringRecord)], part: Option<String>) -> Option<Self> {
        let ((header_line, header), data) = rows.split_first()?;
        let columns = header.iter().map(|cell| clean(cell).to_owned()).collect();
        Some(Self { part, columns, header_line: *header_line, source: Source::Rows(data) })
    }

    /// JSON objects; the columns are all their keys.
    ///
    /// # Errors
    /// More different keys than the limits allow: every row would be as wide as all of them.
    pub(super) fn of_items(
        items: &'a [Raw<'a>],
        part: Option<String>,
        limits: &Limits,
    ) -> Result<Self, FileError> {
        let mut columns = Vec::new();
        let mut seen = HashSet::new();
        for (index, item) in items.iter().enumerate() {
            for (key, _) in json::Object::of(item).unwrap_or_default().0 {
                if !seen.contains(&*key) {
                    seen.insert(key.clone().into_owned());
                    columns.push(key.into_owned());
                }
            }
            if columns.len() > limits.columns {
                return Err(FileError::TooLarge {
                    what: "the number of different keys",
                    limit: limits.columns.to_string(),
                    line: Some(to_u32(index + 1)),
                });
            }
        }
        Ok(Self { part, columns, header_line: 0, source: Source::Items(items) })
    }

    /// How commas in its numbers are to be read, and what in the file shows it where it is not the usual way.
    pub(super) fn commas(&self, limits: &Limits) -> (Commas, Option<String>) {
        let Source::Text { text, delimiter } = self.source else { return (Commas::Thousands, None) };
        // Between commas a number with a comma stands in quotes: hardly any file has one.
        let quoted =
            |pair: &[u8]| pair[0] == b'"' && (pair[1].is_ascii_digit() || b"-+$(.,".contains(&pair[1]));
        if delimiter == b',' && !text.as_bytes().windows(2).any(quoted) {
            return (Commas::Thousands, None);
        }
        let mut evidence = Evidence::default();
        // Between commas, only cells with a comma can be doubtful, and they are few.
        if delimiter == b',' {
            let _ = self.rows(limits, &mut |row| {
                let with_comma = row.cells.iter().filter(|cell| cell.as_bytes().contains(&b','));
                with_comma.for_each(|cell| evidence.add(cell, row.line));
                Ok(evidence.comma.is_none())
            });
            if evidence.comma.is_none() {
                return (Commas::Thousands, None);
            }
        }
        // A file that cannot be read to its end says so when its rows are read.
        let _ = self.rows(limits, &mut |row| {
            row.cells.iter().for_each(|cell| evidence.add(cell, row.line));
            Ok(evidence.comma.is_none() || !evidence.point)
        });
        match (evidence.comma, evidence.point) {
            (Some((number, line)), false) => {
                let reason =
                    format!("numbers have a decimal comma: `{number}` in line {line} can be nothing else");
                (Commas::Decimal, Some(reason))
            }
            (None, true) => (Commas::Thousands, None),
            _ => (Commas::Unclear, None),
        }
    }

    /// Gives every row that holds anything, in order, until the callback says `false`.
    pub(super) fn rows(
        &self,
        limits: &Limits,
        each: &mut dyn FnMut(Row<'_>) -> Result<bool, FileError>,
    ) -> Result<(), FileError> {
        match &self.source {
            Source::Text { text, delimiter } => {
                let (_, skipped, _) = separator_line(text);
                let mut header = true;
                read_text(text, skipped, *delimiter, limits, &mut |line, cells, broken| {
                    if std::mem::take(&mut header) {
                        return Ok(true);
                    }
                    each(Row { line, cells, broken: broken.or_else(|| self.ragged(cells, false)) })
                })
            }
            Source::Rows(rows) => {
                for (line, cells) in *rows {
                    if !each(Row { line: *line, cells, broken: self.ragged(cells, true) })? {
                        break;
                    }
                }
                Ok(())
            }
            Source::Items(items) => self.items(items, each),
        }
    }

    /// A row whose cells do not stand under the header: values would be read as other columns'.
    fn ragged(&self, cells: &StringRecord, short_is_blank: bool) -> Option<String> {
        let (has, wants) = (cells.len(), self.columns.len());
        if has > wants && cells.iter().skip(wants).any(|cell| !clean(cell).is_empty()) {
            return Some(format!(
                "the row has {has} cells, the header {wants}; a value with a delimiter in it must be quoted"
            ));
        }
        (has < wants && !short_is_blank)
            .then(|| format!("the row has {has} cells, the header {wants}; is the file cut off?"))
    }

    fn items(
        &self,
        items: &[Raw<'_>],
        each: &mut dyn FnMut(Row<'_>) -> Result<bool, FileError>,
    ) -> Result<(), FileError> {
        let places: HashMap<&str, usize> =
            self.columns.iter().enumerate().map(|(place, column)| (column.as_str(), place)).collect();
        let mut texts: Vec<std::borrow::Cow<'_, str>> = Vec::new();
        let mut cells = StringRecord::new();
        for (index, item) in items.iter().enumerate() {
            let mut broken = None;
            texts.clear();
            texts.resize(self.columns.len(), "".into());
            let mut filled = vec![false; self.columns.len()];
            match json::Object::of(item) {
                None => broken = Some("the item is not an object".to_owned()),
                Some(object) => {
                    for (key, raw) in object.0 {
                        let Some(&place) = places.get(&*key) else { continue };
                        if std::mem::replace(&mut filled[place], true) {
                            broken = Some(format!("the key `{key}` stands twice in the item"));
                        }
                        texts[place] = json::scalar(raw).unwrap_or(std::borrow::Cow::Borrowed(raw.get()));
                    }
                }
            }
            cells.clear();
            for text in &texts {
                cells.push_field(text);
            }
            if !each(Row { line: to_u32(index + 1), cells: &cells, broken })? {
                break;
            }
        }
        Ok(())
    }
}

/// Trims blanks of every kind, no-break spaces and stray byte order marks included.
pub(super) fn clean(cell: &str) -> &str {
    cell.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
}

/// The line `sep=;` that spreadsheets put before the header: the text after it, its bytes, its delimiter.
fn separator_line(text: &str) -> (&str, usize, Option<u8>) {
    let line = text.split('\n').next().unwrap_or_default();
    match line.trim_end().as_bytes() {
        [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', delimiter @ (b',' | b';' | b'\t' | b'|')] => {
            let skipped = (line.len() + 1).min(text.len());
            (&text[skipped..], skipped, Some(*delimiter))
        }
        _ => (text, 0, None),
    }
}

/// The delimiter that stands most often outside quotes in the header.
fn delimiter(text: &str) -> u8 {
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    let mut quoted = false;
    for byte in text.trim_start().bytes() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted => break,
            _ if !quoted => {
                if let Some(count) = counts.iter_mut().find(|count| count.0 == byte) {
                    count.1 += 1;
                }
            }
            _ => {}
        }
    }
    counts.into_iter().rev().max_by_key(|count| count.1).map_or(b',', |count| count.0)
}

/// Takes a row with its line and what is wrong with its quotes; answers whether to go on.
type EachRow<'e> = dyn FnMut(u32, &StringRecord, Option<String>) -> Result<bool, FileError> + 'e;

/// Reads delimited text row by row, with the line where each row begins. Blank rows are passed over.
fn read_text(
    text: &str,
    skipped: usize,
    delimiter: u8,
    limits: &Limits,
    each: &mut EachRow<'_>,
) -> Result<(), FileError> {
    let body = &text[skipped..];
    let extra = u64::from(skipped > 0);
    let window = Cell::new(0);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(Windowed { rest: body.as_bytes(), given: 0, window: &window });
    let mut cells = StringRecord::new();
    loop {
        let position = reader.position().clone();
        let longest = u64::try_from(limits.field).unwrap_or(u64::MAX).saturating_mul(LONGEST_ROW);
        window.set(position.byte().saturating_add(longest));
        let more = reader.read_record(&mut cells).map_err(|error| {
            let line = line_number(position.line() + extra);
            match error.kind() {
                // Where the row begins, below the blank lines before it.
                csv::ErrorKind::Io(_) => {
                    let start = usize::try_from(position.byte()).unwrap_or(usize::MAX).min(body.len());
                    FileError::TooLarge {
                        what: "a row",
                        limit: format!("{longest} bytes; is a quote never closed?"),
                        line: Some(line + leading_lines(&body.as_bytes()[start..]).1),
                    }
                }
                _ => FileError::Broken {
                    container: "csv",
                    detail: error.to_string(),
                    line: Some(line),
                    column: None,
                },
            }
        })?;
        if !more {
            return Ok(());
        }
        // The reader's position is where the row before ended; line ends and blank lines follow it.
        let start = usize::try_from(position.byte()).unwrap_or(usize::MAX).min(body.len());
        let (ends, newlines) = leading_lines(&body.as_bytes()[start..]);
        let line = line_number(position.line() + extra).saturating_add(newlines);
        let end = usize::try_from(reader.position().byte()).unwrap_or(usize::MAX).min(body.len());
        let written = &body.as_bytes()[(start + ends).min(end)..end];
        check_quotes(written, line, end == body.len())?;
        let broken = misquoted(written, delimiter);
        if cells.len() > limits.columns {
            return Err(FileError::TooLarge {
                what: "the number of columns",
                limit: limits.columns.to_string(),
                line: Some(line),
            });
        }
        if cells.as_slice().len() > limits.field && cells.iter().any(|cell| cell.len() > limits.field) {
            return Err(FileError::TooLarge {
                what: "a cell",
                limit: format!("{} bytes; is a quote never closed?", limits.field),
                line: Some(line),
            });
        }
        if cells.iter().all(|cell| clean(cell).is_empty()) {
            continue;
        }
        if !each(line, &cells, broken)? {
            return Ok(());
        }
    }
}

/// The longest row, in cells of the largest size.
const LONGEST_ROW: u64 = 8;

/// Gives bytes up to a moving end: a quote that is never closed would make one row of the whole file.
struct Windowed<'t> {
    rest: &'t [u8],
    given: u64,
    window: &'t Cell<u64>,
}

impl std::io::Read for Windowed<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.given > self.window.get() {
            return Err(std::io::Error::other("the row is too long"));
        }
        let count = self.rest.read(into)?;
        self.given += count as u64;
        Ok(count)
    }
}

/// Line ends that lead a text: their bytes, and the lines that they end.
fn leading_lines(text: &[u8]) -> (usize, u32) {
    let ends = text.iter().take_while(|&&b| matches!(b, b'\n' | b'\r'));
    ends.fold((0, 0), |(all, lines), &b| (all + 1, lines + u32::from(b == b'\n')))
}

/// What is wrong with the quotes of a row. After the quote that closes a cell comes a delimiter or the
/// end; anything else shows that an earlier quote was forgotten, and that rows may have run together.
fn misquoted(row: &[u8], delimiter: u8) -> Option<String> {
    if !row.contains(&b'"') {
        return None;
    }
    let mut rest = row;
    let (mut start, mut lines) = (true, 0_usize);
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if !(start && byte == b'"') {
            start = byte == delimiter;
            continue;
        }
        // Inside quotes; two of them are one that is meant.
        loop {
            let close = rest.iter().position(|&b| b == b'"')?;
            lines += rest[..close].split(|&b| b == b'\n').count() - 1;
            rest = &rest[close + 1..];
            match rest.first() {
                Some(b'"') => rest = &rest[1..],
                None | Some(b'\n' | b'\r') => break,
                Some(&next) if next == delimiter => break,
                Some(_) => {
                    let runs = if lines > 0 {
                        format!(" (the row runs over {} lines)", lines + 1)
                    } else {
                        String::new()
                    };
                    return Some(format!(
                        "text follows a closing quote{runs}; quote whole cells and double the quotes in them"
                    ));
                }
            }
        }
        start = false;
    }
    None
}

fn line_number(line: u64) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX)
}

/// The last row of a file must not be one that a forgotten quote made of many lines.
fn check_quotes(row: &[u8], line: u32, last: bool) -> Result<(), FileError> {
    let lines = || row.strip_suffix(b"\n").unwrap_or(row).contains(&b'\n');
    if last && row.split(|&b| b == b'"').count() % 2 == 0 && lines() {
        return Err(FileError::UnclosedQuote { line });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<(u32, Vec<String>)> {
        let limits = Limits::default();
        let table = Table::of_text(text, None, &limits).unwrap();
        let mut out = Vec::new();
        table
            .rows(&limits, &mut |row| {
                out.push((row.line, row.cells.iter().map(str::to_owned).collect()));
                Ok(true)
            })
            .unwrap();
        out
    }

    #[test]
    fn lines_are_true_with_quoted_breaks_blank_lines_and_any_line_end() {
        for end in ["\n", "\r\n"] {
            let text = ["a,b", "1,\"x", "y\"", "", "", "2,z", "3,w"].join(end);
            let read: Vec<u32> = lines(&text).into_iter().map(|(line, _)| line).collect();
            assert_eq!(read, [2, 6, 7], "{end:?}");
        }
    }

    #[test]
    fn a_separator_line_is_no_header() {
        assert_eq!(lines("sep=;\r\na;b\r\n1;2\r\n"), [(3, vec!["1".to_owned(), "2".to_owned()])]);
    }

    #[test]
    fn the_delimiter_is_the_headers() {
        assert_eq!(delimiter("a;b\n1,2,3,4"), b';');
        assert_eq!(delimiter("a\tb,c\td"), b'\t');
        assert_eq!(delimiter("\"a;b;c\",d"), b',');
    }

    #[test]
    fn an_unclosed_quote_is_told_with_its_line() {
        let limits = Limits::default();
        let table = Table::of_text("a,b\n1,2\n3,\"open\n4,5\n6,7\n", None, &limits).unwrap();
        let error = table.rows(&limits, &mut |_| Ok(true)).unwrap_err();
        assert_eq!(error, FileError::UnclosedQuote { line: 3 });
    }

    #[test]
    fn headers_fold_to_what_they_mean() {
        for (header, folded) in [
            ("String_ Id", "stringid"),
            (" ItemQuantity", "itemquantity"),
            ("*ContactName", "contactname"),
            ("MPNID", "mpnid"),
            ("PCToBCExchangeRate", "pctobcexchangerate"),
        ] {
            assert_eq!(fold(header), folded);
        }
    }
}
