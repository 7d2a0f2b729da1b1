//! Rows of a block of delimited text: their cells, their lines, and what is wrong with their quotes.
//!
//! Cells are places in the block; only a cell with doubled quotes in it is written anew. Blank lines are
//! passed over.

use super::blocks::{lines, too_long};
use super::error::FileError;
use super::limits::Limits;
use csv::StringRecord;
use memchr::{memchr, memchr_iter, memchr2};

/// The longest row, in cells of the largest size.
const LONGEST_ROW: usize = 8;

/// Bytes of a row that are too many.
pub(super) const fn longest(limits: &Limits) -> usize {
    limits.field.saturating_mul(LONGEST_ROW)
}

/// Where the cells of a row are.
#[derive(Default)]
pub(super) struct Places {
    bounds: Vec<(u32, u32)>,
    /// Cells that stand nowhere as they are meant; their bounds have [`WRITTEN`] set.
    written: String,
}

const WRITTEN: u32 = 1 << 31;

/// The cells of a row.
#[derive(Clone, Copy)]
pub(super) enum Fields<'r> {
    /// Of delimited text: the row as it stands there, whether it has no quotes, and its block.
    Places {
        row: &'r str,
        plain: bool,
        block: &'r str,
        places: &'r Places,
    },
    Record(&'r StringRecord),
}

impl<'r> Fields<'r> {
    pub(super) fn len(self) -> usize {
        match self {
            Self::Places { places, .. } => places.bounds.len(),
            Self::Record(record) => record.len(),
        }
    }

    #[inline]
    pub(super) fn get(self, index: usize) -> Option<&'r str> {
        match self {
            Self::Places { block, places, .. } => {
                let &(start, end) = places.bounds.get(index)?;
                if start & WRITTEN == 0 {
                    block.get(start as usize..end as usize)
                } else {
                    places.written.get((start & !WRITTEN) as usize..end as usize)
                }
            }
            Self::Record(record) => record.get(index),
        }
    }

    pub(super) fn iter(self) -> impl Iterator<Item = &'r str> {
        (0..self.len()).map(move |index| self.get(index).unwrap_or_default())
    }

    /// The row as it stands in the file, where its cells are what stands between the delimiters.
    pub(super) const fn plain(self) -> Option<&'r str> {
        match self {
            Self::Places { row, plain: true, .. } => Some(row),
            _ => None,
        }
    }

    /// Whether any cell may hold this ASCII sign.
    pub(super) fn may_hold(self, sign: u8) -> bool {
        match self {
            Self::Places { row, .. } => memchr(sign, row.as_bytes()).is_some(),
            Self::Record(_) => true,
        }
    }
}

/// A row of a block.
pub(super) struct Written<'r> {
    pub(super) line: u32,
    pub(super) cells: Fields<'r>,
    /// What is wrong with its quotes.
    pub(super) broken: Option<String>,
}

/// Gives the rows of a block.
pub(super) struct Rows<'b> {
    block: &'b str,
    at: usize,
    line: u32,
    delimiter: u8,
    last: bool,
    /// No quotes, and line ends only where a line feed is.
    plain: bool,
    limits: &'b Limits,
}

impl<'b> Rows<'b> {
    pub(super) fn new(
        block: &'b str,
        line: u32,
        last: bool,
        quotes: bool,
        delimiter: u8,
        limits: &'b Limits,
    ) -> Self {
        let bytes = block.as_bytes();
        let plain = !quotes && memchr_iter(b'\r', bytes).all(|at| bytes.get(at + 1) == Some(&b'\n'));
        Self { block, at: 0, line, delimiter, last, plain, limits }
    }

    /// The next row; its cells are in `places` until the next.
    pub(super) fn next<'r>(&mut self, places: &'r mut Places) -> Result<Option<Written<'r>>, FileError>
    where
        'b: 'r,
    {
        let bytes = self.block.as_bytes();
        while let Some(byte @ (b'\n' | b'\r')) = bytes.get(self.at) {
            self.line = self.line.saturating_add(u32::from(*byte == b'\n'));
            self.at += 1;
        }
        if self.at == bytes.len() {
            return Ok(None);
        }
        let (start, line) = (self.at, self.line);
        places.bounds.clear();
        places.written.clear();
        let mut broken = None;
        let end = memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |end| start + end);
        let text = &bytes[start..end];
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let plain = self.plain || memchr2(b'"', b'\r', text).is_none();
        if plain {
            split(text, start, self.delimiter, places);
            self.at = end;
        } else {
            let (end, mistaken) =
                Quotes { block: self.block, delimiter: self.delimiter }.split(start, places);
            self.at = end;
            self.line = line.saturating_add(lines(&bytes[start..end]));
            let written = &bytes[start..end];
            if written.len() > longest(self.limits) {
                return Err(too_long(longest(self.limits), line));
            }
            let rest = &bytes[end..];
            if self.last && rest.iter().all(|byte| matches!(byte, b'\n' | b'\r')) {
                check_quotes(written, line)?;
            }
            broken = if mistaken { misquoted(written, self.delimiter) } else { None };
        }
        self.check(places, self.at - start, line)?;
        let end = if plain { start + text.len() } else { self.at };
        let row = self.block.get(start..end).unwrap_or_default();
        Ok(Some(Written { line, cells: Fields::Places { row, plain, block: self.block, places }, broken }))
    }

    fn check(&self, places: &Places, length: usize, line: u32) -> Result<(), FileError> {
        if places.bounds.len() > self.limits.columns {
            return Err(FileError::TooLarge {
                what: "the number of columns",
                limit: self.limits.columns.to_string(),
                line: Some(line),
            });
        }
        if length > self.limits.field
            && places
                .bounds
                .iter()
                .any(|&(start, end)| (end - (start & !WRITTEN)) as usize > self.limits.field)
        {
            return Err(FileError::TooLarge {
                what: "a cell",
                limit: format!("{} bytes; is a quote never closed?", self.limits.field),
                line: Some(line),
            });
        }
        Ok(())
    }
}

/// Cells of a row without quotes. Cells are short, so the delimiters are looked for in eight bytes at a
/// time: a search that begins anew behind each of them costs more than the bytes between.
fn split(row: &[u8], start: usize, delimiter: u8, places: &mut Places) {
    let mut from = place(start);
    let mut cell = |at: usize| {
        let end = place(start + at);
        places.bounds.push((from, end));
        from = end + 1;
    };
    let (words, rest) = row.as_chunks::<8>();
    for (word, at) in words.iter().zip((0..).step_by(8)) {
        let mut found = bytes_equal(u64::from_le_bytes(*word), delimiter);
        while found != 0 {
            cell(at + (found.trailing_zeros() / 8) as usize);
            found &= found - 1;
        }
    }
    for (byte, at) in rest.iter().zip(words.len() * 8..) {
        if *byte == delimiter {
            cell(at);
        }
    }
    places.bounds.push((from, place(start + row.len())));
}

/// The highest bit of each byte of the word that is this byte.
const fn bytes_equal(word: u64, byte: u8) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const LOW: u64 = ONES * 0x7f;
    let other = word ^ (ONES * byte as u64);
    // A byte that is not 0 has one of its low bits, which carry into the highest, or the highest itself.
    !((((other & LOW) + LOW) | other) | LOW)
}

/// Blocks are far smaller than this.
fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(WRITTEN - 1).min(WRITTEN - 1)
}

struct Quotes<'b> {
    block: &'b str,
    delimiter: u8,
}

impl Quotes<'_> {
    /// Cells of a row that may have quotes; where it ends, and whether its quotes are wrong.
    fn split(&self, start: usize, places: &mut Places) -> (usize, bool) {
        let bytes = self.block.as_bytes();
        let (mut at, mut end, mut wrong) = (start, self.end_of_line(start), false);
        loop {
            let Some(open) = self.opening(at, end) else {
                split(&bytes[at..end], at, self.delimiter, places);
                return (end, wrong);
            };
            if open > at {
                split(&bytes[at..open - 1], at, self.delimiter, places);
            }
            at = self.quoted(open, places, &mut wrong);
            if bytes.get(at) != Some(&self.delimiter) {
                return (at, wrong);
            }
            at += 1;
            // Line breaks stood in the quotes.
            if at > end {
                end = self.end_of_line(at);
            }
        }
    }

    fn end_of_line(&self, from: usize) -> usize {
        let bytes = self.block.as_bytes();
        memchr2(b'\n', b'\r', &bytes[from..]).map_or(bytes.len(), |end| from + end)
    }

    /// The first cell from here on that begins with a quote.
    fn opening(&self, from: usize, end: usize) -> Option<usize> {
        let bytes = self.block.as_bytes();
        memchr_iter(b'"', &bytes[from..end])
            .map(|quote| from + quote)
            .find(|&quote| quote == from || bytes[quote - 1] == self.delimiter)
    }

    /// Where a cell ends that is not in quotes.
    fn unquoted(&self, from: usize) -> usize {
        let rest = &self.block.as_bytes()[from..];
        memchr::memchr3(self.delimiter, b'\n', b'\r', rest).map_or(self.block.len(), |end| from + end)
    }

    /// The cell whose quote opens here; where it ends.
    fn quoted(&self, open: usize, places: &mut Places, wrong: &mut bool) -> usize {
        let (bytes, begin) = (self.block.as_bytes(), places.written.len());
        let (mut at, mut piece) = (open + 1, open + 1);
        loop {
            let close = memchr(b'"', &bytes[at..]).map_or(bytes.len(), |close| at + close);
            if bytes.get(close + 1) == Some(&b'"') {
                places.written.push_str(self.block.get(piece..=close).unwrap_or_default());
                (at, piece) = (close + 2, close + 2);
                continue;
            }
            let after = (close + 1).min(bytes.len());
            let ends = |byte: &u8| *byte == self.delimiter || matches!(byte, b'\n' | b'\r');
            // Text after the closing quote belongs to the cell, and shows a mistake.
            let end = if bytes.get(after).is_none_or(ends) { after } else { self.unquoted(after) };
            *wrong |= end > after;
            if piece == open + 1 && end == after {
                places.bounds.push((place(piece), place(close)));
            } else {
                for part in [piece..close, after..end] {
                    places.written.push_str(self.block.get(part).unwrap_or_default());
                }
                places.bounds.push((place(begin) | WRITTEN, place(places.written.len())));
            }
            return end;
        }
    }
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

/// The last row of a file must not be one that a forgotten quote made of many lines.
fn check_quotes(row: &[u8], line: u32) -> Result<(), FileError> {
    if row.contains(&b'\n') && row.split(|&b| b == b'"').count() % 2 == 0 {
        return Err(FileError::UnclosedQuote { line });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<(u32, Vec<String>)> {
        let limits = Limits::default();
        let mut rows = Rows::new(text, 1, true, text.contains('"'), b',', &limits);
        let (mut places, mut out) = (Places::default(), Vec::new());
        while let Some(row) = rows.next(&mut places).unwrap() {
            out.push((row.line, row.cells.iter().map(str::to_owned).collect()));
        }
        out
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2_000))]
        #[test]
        fn cells_are_those_of_the_csv_crate(text in "[a\",\n\ré]{0,24}") {
            let mut reader =
                csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
            let theirs: Vec<Vec<String>> =
                reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
            let limits = Limits::default();
            // A quote that is never closed is told in place of the row.
            let mut ours = Rows::new(&text, 1, false, text.contains('"'), b',', &limits);
            let (mut places, mut read) = (Places::default(), Vec::new());
            while let Some(row) = ours.next(&mut places).unwrap() {
                read.push(row.cells.iter().map(str::to_owned).collect::<Vec<_>>());
            }
            proptest::prop_assert_eq!(read, theirs);
        }
    }

    #[test]
    fn lines_are_true_with_quoted_breaks_and_any_line_end() {
        let cell = |text: &str| vec![text.to_owned()];
        assert_eq!(rows("a\r\n\r\n\"b\nc\"\r\nd"), [(1, cell("a")), (3, cell("b\nc")), (5, cell("d"))]);
        assert_eq!(rows("a\rb\nc"), [(1, cell("a")), (1, cell("b")), (2, cell("c"))]);
    }
}
