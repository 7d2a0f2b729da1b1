//! Rows of cells, whether they come from delimited text, a sheet, or JSON objects: one shape, so that
//! a format is written once.
//!
//! Headers are compared folded (letters and digits, lower case), so that `Unit Price`, `unit_price`,
//! `*UnitPrice` and `String_ Id` are what they mean. Lines are true lines of the file.

use super::blocks::{Block, Splitter};
use super::error::FileError;
use super::items::Items;
use super::json;
use super::limits::Limits;
use super::number::{Commas, Evidence};
use super::parallel;
use super::rows::{Fields, Places, Rows, Written, longest};
use super::survey::Text;
use csv::StringRecord;
use std::collections::HashMap;
use std::io::Read as _;

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

/// A table that is not read yet but for its header.
pub(super) struct Table<'a> {
    /// Sheet or archive member.
    pub(super) part: Option<String>,
    /// Columns as written, in order.
    pub(super) columns: Vec<String>,
    /// Line of the header; 0 for JSON.
    pub(super) header_line: u32,
    /// Threads that may read its rows.
    threads: usize,
    source: Source<'a>,
}

enum Source<'a> {
    Text(Delimited<'a>),
    Rows(&'a [(u32, StringRecord)]),
    Items(&'a Items<'a>),
}

/// Delimited text.
pub(super) struct Delimited<'a> {
    text: &'a Text<'a>,
    /// Bytes of a line before the header that names the delimiter.
    skipped: usize,
    pub(super) delimiter: u8,
}

impl Delimited<'_> {
    /// Gives all blocks in order, until the callback says `false`.
    pub(super) fn blocks(
        &self,
        limits: &Limits,
        each: &mut dyn FnMut(Block) -> Result<bool, FileError>,
    ) -> Result<(), FileError> {
        self.text.read(&mut |text| {
            let mut skip = text.take(self.skipped as u64);
            std::io::copy(&mut skip, &mut std::io::sink()).map_err(FileError::of_io)?;
            let quotes = self.text.facts.quotes;
            let line = 1 + u32::from(self.skipped > 0);
            let mut splitter = Splitter::new(text, self.delimiter, quotes, longest(limits), line);
            while let Some(block) = splitter.next()? {
                if !each(block)? {
                    break;
                }
            }
            Ok(())
        })
    }

    /// Gives the rows of a block that hold anything, until the callback says `false`.
    pub(super) fn rows(
        &self,
        block: &Block,
        limits: &Limits,
        each: &mut dyn FnMut(Written<'_>) -> Result<bool, FileError>,
    ) -> Result<bool, FileError> {
        let text = std::str::from_utf8(&block.bytes).map_err(|error| FileError::Broken {
            container: "utf-8",
            detail: format!("the file was changed while it was read: {error}"),
            line: Some(block.line),
            column: None,
        })?;
        let mut rows = Rows::new(text, block.line, block.last, block.quotes, self.delimiter, limits);
        let mut places = Places::default();
        while let Some(row) = rows.next(&mut places)? {
            if row.cells.iter().any(|cell| !clean(cell).is_empty()) && !each(row)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// One row under the header.
pub(super) struct Row<'r> {
    pub(super) line: u32,
    pub(super) cells: Fields<'r>,
    /// Why the row as a whole cannot be read.
    pub(super) broken: Option<String>,
}

impl<'a> Table<'a> {
    /// Delimited text. The delimiter is the header's, never the data's.
    pub(super) fn of_text(
        text: &'a Text<'a>,
        part: Option<String>,
        limits: &Limits,
        threads: usize,
    ) -> Result<Self, FileError> {
        let mut head = Vec::new();
        text.read(&mut |text| text.take(HEAD).read_to_end(&mut head).map_err(FileError::of_io).map(|_| ()))?;
        let head = String::from_utf8_lossy(&head);
        let (rest, skipped, named) = separator_line(&head);
        let delimiter = named.unwrap_or_else(|| delimiter(rest));
        let source = Delimited { text, skipped, delimiter };
        let mut header = None;
        source.blocks(limits, &mut |block| {
            source.rows(&block, limits, &mut |row| {
                let columns = row.cells.iter().map(|cell| clean(cell).to_owned()).collect::<Vec<_>>();
                header = Some((row.line, columns));
                Ok(false)
            })
        })?;
        let (header_line, columns) = header.ok_or(FileError::Empty)?;
        Ok(Self { part, columns, header_line, threads, source: Source::Text(source) })
    }

    /// Rows of a sheet; the first that holds anything is the header. `None` for an empty sheet.
    pub(super) fn of_rows(rows: &'a [(u32, StringRecord)], part: Option<String>) -> Option<Self> {
        let ((header_line, header), data) = rows.split_first()?;
        let columns = header.iter().map(|cell| clean(cell).to_owned()).collect();
        Some(Self { part, columns, header_line: *header_line, threads: 1, source: Source::Rows(data) })
    }

    /// JSON objects; the columns are all their keys.
    pub(super) fn of_items(items: &'a Items<'a>, part: Option<String>) -> Self {
        let columns = items.keys().to_vec();
        Self { part, columns, header_line: 0, threads: 1, source: Source::Items(items) }
    }

    /// The text behind it, whose blocks can be read apart, and the threads for them.
    pub(super) const fn delimited(&self) -> Option<(&Delimited<'a>, usize)> {
        match &self.source {
            Source::Text(text) => Some((text, self.threads)),
            _ => None,
        }
    }

    /// How commas in its numbers are to be read, and what in the file shows it where it is not the usual way.
    pub(super) fn commas(&self, limits: &Limits) -> (Commas, Option<String>) {
        let Source::Text(text) = &self.source else { return (Commas::Thousands, None) };
        // Between commas a number with a comma stands in quotes: hardly any file has one.
        if text.delimiter == b',' && !text.text.facts.quoted_number {
            return (Commas::Thousands, None);
        }
        // Between commas, only cells with a comma can be doubtful, and they are few.
        let proof = |seen: &Evidence| seen.comma.is_some();
        if text.delimiter == b',' && !proof(&self.evidence(text, limits, false, &proof)) {
            return (Commas::Thousands, None);
        }
        let settled = |seen: &Evidence| seen.comma.is_some() && seen.point;
        let evidence = self.evidence(text, limits, true, &settled);
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

    /// What the numbers in these cells say, up to where it is settled.
    fn evidence(
        &self,
        text: &Delimited<'_>,
        limits: &Limits,
        all_cells: bool,
        settled: &(dyn Fn(&Evidence) -> bool + Sync),
    ) -> Evidence {
        let look = |(): &mut (), block: Block| {
            let mut seen = Evidence::default();
            // A file that cannot be read to its end says so when its rows are read.
            let _ = text.rows(&block, limits, &mut |row| {
                // Without quotes no cell between commas has one in it.
                if row.line > self.header_line && (all_cells || row.cells.plain().is_none()) {
                    let cells = row.cells.iter().filter(|cell| all_cells || cell.contains(','));
                    cells.for_each(|cell| seen.add(cell, row.line));
                }
                Ok(!settled(&seen))
            });
            seen
        };
        let mut all = Evidence::default();
        let _ = parallel::blocks(text, limits, self.threads, &look, &mut |seen| {
            all.comma = all.comma.take().or(seen.comma);
            all.point |= seen.point;
            Ok(!settled(&all))
        });
        all
    }

    /// Gives every row that holds anything, in order, until the callback says `false`.
    pub(super) fn rows(
        &self,
        limits: &Limits,
        each: &mut dyn FnMut(Row<'_>) -> Result<bool, FileError>,
    ) -> Result<(), FileError> {
        match &self.source {
            Source::Text(text) => text.blocks(limits, &mut |block| {
                text.rows(&block, limits, &mut |row| self.under_header(row).map_or(Ok(true), &mut *each))
            }),
            Source::Rows(rows) => {
                for (line, cells) in *rows {
                    let cells = Fields::Record(cells);
                    if !each(Row { line: *line, cells, broken: self.ragged(cells, true) })? {
                        break;
                    }
                }
                Ok(())
            }
            Source::Items(items) => self.items(items, each),
        }
    }

    /// A row of the text, unless it is the header.
    pub(super) fn under_header<'r>(&self, row: Written<'r>) -> Option<Row<'r>> {
        let Written { line, cells, broken } = row;
        (line > self.header_line).then(|| Row {
            line,
            cells,
            broken: broken.or_else(|| self.ragged(cells, false)),
        })
    }

    /// A row whose cells do not stand under the header: values would be read as other columns'.
    fn ragged(&self, cells: Fields<'_>, short_is_blank: bool) -> Option<String> {
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
        items: &Items<'_>,
        each: &mut dyn FnMut(Row<'_>) -> Result<bool, FileError>,
    ) -> Result<(), FileError> {
        let places: HashMap<&str, usize> =
            self.columns.iter().enumerate().map(|(place, column)| (column.as_str(), place)).collect();
        let mut cells = StringRecord::new();
        items.each(&mut |line, item| {
            let mut texts: Vec<Option<std::borrow::Cow<'_, str>>> = vec![None; self.columns.len()];
            let mut broken = None;
            match json::Object::of(item) {
                None => broken = Some("the item is not an object".to_owned()),
                Some(object) => {
                    for (key, raw) in object.0 {
                        let Some(&place) = places.get(&*key) else { continue };
                        let text = json::scalar(raw).unwrap_or(std::borrow::Cow::Borrowed(raw.get()));
                        if texts[place].replace(text).is_some() {
                            broken = Some(format!("the key `{key}` stands twice in the item"));
                        }
                    }
                }
            }
            cells.clear();
            for text in &texts {
                cells.push_field(text.as_deref().unwrap_or_default());
            }
            each(Row { line, cells: Fields::Record(&cells), broken })
        })
    }
}

/// Bytes in which the delimiter shows.
const HEAD: u64 = 64 << 10;

/// Letters and digits of a header, lower case.
pub(super) fn fold(header: &str) -> String {
    header.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Trims blanks of every kind, no-break spaces and stray byte order marks included.
pub(super) fn clean(cell: &str) -> &str {
    // Nearly every cell begins and ends with a sign that is plainly none.
    if let [first, .., last] | [first @ last] = cell.as_bytes()
        && (b'!'..=b'~').contains(first)
        && (b'!'..=b'~').contains(last)
    {
        return cell;
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_the_headers() {
        assert_eq!(delimiter("a;b\n1,2,3,4"), b';');
        assert_eq!(delimiter("a\tb,c\td"), b'\t');
        assert_eq!(delimiter("\"a;b;c\",d"), b',');
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
