//! Delimited text cut into blocks of whole rows, each with the line where it begins, so that blocks can
//! be read apart from each other.
//!
//! A row ends at a line end outside quotes. A quote opens only at the beginning of a cell, and two quotes
//! inside of quotes are one that is meant (RFC 4180).

use super::error::FileError;
use memchr::{memchr, memchr_iter, memrchr};
use std::io::Read;

/// Whole rows.
pub(super) struct Block {
    pub(super) bytes: Vec<u8>,
    /// Line of the first byte.
    pub(super) line: u32,
    /// Nothing follows.
    pub(super) last: bool,
    /// A quote stands in it.
    pub(super) quotes: bool,
}

/// Cuts a text.
pub(super) struct Splitter<'r> {
    text: &'r mut dyn Read,
    delimiter: u8,
    /// The text has quotes somewhere.
    quotes: bool,
    /// Bytes of a row that are too many.
    longest: usize,
    line: u32,
    rest: Vec<u8>,
    end: bool,
}

/// Bytes of a block, more or less. Fuzzers make small files, and are to see many blocks.
const SIZE: usize = if cfg!(fuzzing) { 256 } else { 1 << 18 };

impl<'r> Splitter<'r> {
    pub(super) fn new(
        text: &'r mut dyn Read,
        delimiter: u8,
        quotes: bool,
        longest: usize,
        line: u32,
    ) -> Self {
        Self { text, delimiter, quotes, longest, line, rest: Vec::new(), end: false }
    }

    /// The next block; none at the end.
    ///
    /// # Errors
    /// What reading answers, or a row that does not end.
    pub(super) fn next(&mut self) -> Result<Option<Block>, FileError> {
        let mut bytes = Vec::with_capacity(SIZE + SIZE / 4);
        bytes.append(&mut self.rest);
        let mut wanted = SIZE;
        let cut = loop {
            self.fill(&mut bytes, wanted)?;
            if self.end {
                break bytes.len();
            }
            let cut = self.cut(&bytes);
            // Whether anything follows must be known of the last row.
            if cut > 0 && cut < bytes.len() {
                break cut;
            }
            if cut == 0 && bytes.len() > self.longest.max(SIZE) {
                let blank = bytes.iter().take_while(|&&byte| matches!(byte, b'\n' | b'\r'));
                let line = self.line.saturating_add(lines(&bytes[..blank.count()]));
                return Err(too_long(self.longest, line));
            }
            wanted = if cut == 0 { bytes.len() * 2 } else { bytes.len() + 1 };
        };
        if bytes.is_empty() {
            return Ok(None);
        }
        self.rest.extend_from_slice(&bytes[cut..]);
        bytes.truncate(cut);
        let line = self.line;
        self.line = line.saturating_add(lines(&bytes));
        let last = self.end && self.rest.is_empty();
        let quotes = self.quotes && memchr(b'"', &bytes).is_some();
        Ok(Some(Block { bytes, line, last, quotes }))
    }

    fn fill(&mut self, bytes: &mut Vec<u8>, wanted: usize) -> Result<(), FileError> {
        while !self.end && bytes.len() < wanted {
            let missing = (wanted - bytes.len()).max(64) as u64;
            let count = (&mut *self.text).take(missing).read_to_end(bytes).map_err(FileError::of_io)?;
            self.end = count == 0;
        }
        Ok(())
    }

    /// Where the last whole row ends; 0 if none does.
    fn cut(&self, bytes: &[u8]) -> usize {
        let cut = if self.quotes {
            cut_quoted(bytes, self.delimiter, b'\n')
        } else {
            memrchr(b'\n', bytes).map_or(0, |at| at + 1)
        };
        if cut > 0 {
            return cut;
        }
        // Line ends of old Macintosh programs; the last byte could be half of a line end.
        let bytes = &bytes[..bytes.len().saturating_sub(1)];
        if self.quotes {
            cut_quoted(bytes, self.delimiter, b'\r')
        } else {
            memrchr(b'\r', bytes).map_or(0, |at| at + 1)
        }
    }
}

fn cut_quoted(bytes: &[u8], delimiter: u8, end: u8) -> usize {
    let (mut at, mut cut) = (0, 0);
    loop {
        let outside = memchr(b'"', &bytes[at..]).map_or(bytes.len(), |quote| at + quote);
        if let Some(newline) = memrchr(end, &bytes[at..outside]) {
            cut = at + newline + 1;
        }
        if outside == bytes.len() {
            return cut;
        }
        at = outside + 1;
        let opens = outside == 0 || {
            let before = bytes[outside - 1];
            before == delimiter || matches!(before, b'\n' | b'\r')
        };
        if !opens {
            continue;
        }
        loop {
            let Some(close) = memchr(b'"', &bytes[at..]) else { return cut };
            at += close + 1;
            if bytes.get(at) != Some(&b'"') {
                break;
            }
            at += 1;
        }
    }
}

/// Lines that end in these bytes.
pub(super) fn lines(bytes: &[u8]) -> u32 {
    u32::try_from(memchr_iter(b'\n', bytes).count()).unwrap_or(u32::MAX)
}

/// A row of too many bytes begins in this line.
pub(super) fn too_long(longest: usize, line: u32) -> FileError {
    FileError::TooLarge {
        what: "a row",
        limit: format!("{longest} bytes; is a quote never closed?"),
        line: Some(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_cut_outside_quotes_only() {
        for (text, cut) in [
            ("a,b\nc,\"d\ne", 4),
            ("a,\"b\n\"\nc", 7),
            ("5\" pipe,b\nc", 10),
            ("a,\"b\"\"\n\",c\nd", 11),
            ("\"a\"b\"\nc", 6),
            ("\"a\n", 0),
        ] {
            assert_eq!(cut_quoted(text.as_bytes(), b',', b'\n'), cut, "{text:?}");
        }
    }

    #[test]
    fn blocks_together_are_the_text_and_know_their_lines() {
        for end in ["\n", "\r\n", "\r"] {
            let text = format!("row 1,\"a \"\"quoted\"\"{end}cell\",x{end}").repeat(60_000);
            let mut bytes = text.as_bytes();
            let mut splitter = Splitter::new(&mut bytes, b',', true, 1 << 23, 1);
            let (mut together, mut blocks) = (Vec::new(), 0);
            while let Some(block) = splitter.next().unwrap() {
                assert_eq!(block.line, 1 + lines(&together));
                assert_eq!(block.last, together.len() + block.bytes.len() == text.len());
                assert!(block.bytes.starts_with(b"row ") || (end == "\r\n" && block.bytes[0] == b'\n'));
                together.extend_from_slice(&block.bytes);
                blocks += 1;
            }
            assert!(blocks > 1);
            assert_eq!(together, text.as_bytes());
        }
    }
}
