//! Encodings: which one a text is in, told by a pass over all of it, and the text as UTF-8 bytes.
//!
//! A byte order mark decides, else strict UTF-8, else Windows-1252: real exports come in all of them.

use super::error::FileError;
use encoding_rs::{CoderResult, DecoderResult, Encoding, UTF_8, WINDOWS_1252};
use memchr::{memchr, memchr_iter, memrchr};
use std::io::{self, Read};
use std::ops::Range;

/// What a pass over a text showed.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    encoding: &'static Encoding,
    /// Bytes of marks at its beginning that are no text.
    skip: usize,
    /// Nothing but blanks.
    pub(super) blank: bool,
    /// A quote stands somewhere.
    pub(super) quotes: bool,
    /// Somewhere a quote stands before what may be a number.
    pub(super) quoted_number: bool,
}

impl Facts {
    pub(super) fn name(&self) -> &'static str {
        match self.encoding.name() {
            "UTF-16LE" => "utf-16le",
            "UTF-16BE" => "utf-16be",
            "windows-1252" => "windows-1252",
            _ => "utf-8",
        }
    }

    /// The text as UTF-8.
    pub(super) fn decoded<'r>(&self, mut bytes: &'r mut dyn Read) -> io::Result<Box<dyn Read + 'r>> {
        io::copy(&mut (&mut bytes).take(self.skip as u64), &mut io::sink())?;
        if self.encoding == UTF_8 {
            return Ok(Box::new(bytes));
        }
        Ok(Box::new(Decoding {
            bytes,
            decoder: self.encoding.new_decoder_without_bom_handling(),
            raw: vec![0; CHUNK],
            kept: 0,
            end: false,
            text: vec![0; 2 * CHUNK],
            ready: 0..0,
            done: false,
        }))
    }
}

/// Bytes looked at together.
pub(super) const CHUNK: usize = 256 << 10;

/// Gives the text of bytes in another encoding.
struct Decoding<'r> {
    bytes: &'r mut dyn Read,
    decoder: encoding_rs::Decoder,
    raw: Vec<u8>,
    /// Bytes at the beginning of `raw` that are not decoded yet.
    kept: usize,
    end: bool,
    text: Vec<u8>,
    /// Bytes of `text` that were not given yet.
    ready: Range<usize>,
    /// The decoder is at its end.
    done: bool,
}

impl Read for Decoding<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.ready.is_empty() && !self.done {
            if !self.end {
                let count = self.bytes.read(&mut self.raw[self.kept..])?;
                self.end = count == 0;
                self.kept += count;
            }
            let raw = &self.raw[..self.kept];
            let (result, read, written, _) = self.decoder.decode_to_utf8(raw, &mut self.text, self.end);
            self.done = self.end && result == CoderResult::InputEmpty;
            self.raw.copy_within(read..self.kept, 0);
            self.kept -= read;
            self.ready = 0..written;
        }
        let count = into.len().min(self.ready.len());
        let start = self.ready.start;
        into[..count].copy_from_slice(&self.text[start..start + count]);
        self.ready.start += count;
        Ok(count)
    }
}

/// Where a text is while a pass goes over it.
struct Place {
    line: u32,
    /// Bytes since the line began.
    column: usize,
}

impl Place {
    fn at(&self, before: &[u8]) -> (u32, u32) {
        let mut place = Self { ..*self };
        place.pass(before);
        (place.line, u32::try_from(place.column + 1).unwrap_or(u32::MAX))
    }

    fn pass(&mut self, bytes: &[u8]) {
        let lines = u32::try_from(memchr_iter(b'\n', bytes).count()).unwrap_or(u32::MAX);
        self.line = self.line.saturating_add(lines);
        self.column = match memrchr(b'\n', bytes) {
            Some(newline) => bytes.len() - newline - 1,
            None => self.column + bytes.len(),
        };
    }
}

/// Looks through all bytes of a text.
///
/// # Errors
/// What is no text: NUL bytes, and letters that are not in the encoding that all else is in.
pub(super) fn survey(
    head: &[u8],
    bytes: &mut dyn Read,
    tick: &mut dyn FnMut() -> Result<(), FileError>,
) -> Result<Facts, FileError> {
    match Encoding::for_bom(head) {
        Some((encoding, mark)) if encoding != UTF_8 => survey_16(encoding, mark, bytes, tick),
        _ => survey_8(head, bytes, tick),
    }
}

fn survey_8(
    head: &[u8],
    bytes: &mut dyn Read,
    tick: &mut dyn FnMut() -> Result<(), FileError>,
) -> Result<Facts, FileError> {
    let mut facts =
        Facts { encoding: UTF_8, skip: marks(head), blank: true, quotes: false, quoted_number: false };
    let mut place = Place { line: 1, column: 0 };
    let (mut wrong, mut letters, mut damages) = (None, 0_u64, 0_u64);
    let mut buffer = vec![0; CHUNK];
    // The beginning of a letter whose rest is in the next chunk.
    let mut kept = 0;
    let mut before = [b'\n'; 2];
    loop {
        let count = bytes.read(&mut buffer[kept..]).map_err(FileError::of_io)?;
        let chunk = &buffer[..kept + count];
        if let Some(at) = memchr(0, chunk) {
            let (line, column) = place.at(&chunk[..at]);
            return Err(FileError::NulByte { line, column });
        }
        facts.look(chunk, &mut before);
        let mut rest = chunk;
        loop {
            let error = match std::str::from_utf8(rest) {
                Ok(text) => {
                    letters += count_letters(text.as_bytes());
                    rest = &[];
                    break;
                }
                Err(error) => error,
            };
            letters += count_letters(&rest[..error.valid_up_to()]);
            let after = error.error_len().or((count == 0).then(|| rest.len() - error.valid_up_to()));
            let Some(length) = after else {
                rest = &rest[error.valid_up_to()..];
                break;
            };
            damages += 1;
            let at = chunk.len() - rest.len() + error.valid_up_to();
            wrong = wrong.or_else(|| Some(place.at(&chunk[..at])));
            rest = &rest[error.valid_up_to() + length..];
        }
        kept = rest.len();
        let passed = chunk.len() - kept;
        place.pass(&chunk[..passed]);
        buffer.copy_within(passed..passed + kept, 0);
        tick()?;
        if count == 0 {
            break;
        }
    }
    if let Some(at) = wrong {
        // Text in Windows-1252 hardly ever has two letters in a row that are one in UTF-8; UTF-8 that is
        // damaged has other letters, which would be misread.
        if head.starts_with(b"\xef\xbb\xbf") || letters >= damages {
            return Err(not_encoded("utf-8", at));
        }
        facts.encoding = WINDOWS_1252;
        facts.skip = 0;
    }
    Ok(facts)
}

fn survey_16(
    encoding: &'static Encoding,
    mark: usize,
    bytes: &mut dyn Read,
    tick: &mut dyn FnMut() -> Result<(), FileError>,
) -> Result<Facts, FileError> {
    let mut facts = Facts { encoding, skip: mark, blank: true, quotes: false, quoted_number: false };
    io::copy(&mut (&mut *bytes).take(mark as u64), &mut io::sink()).map_err(FileError::of_io)?;
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut place = Place { line: 1, column: 0 };
    let (mut raw, mut text) = (vec![0; CHUNK], vec![0; 2 * CHUNK]);
    let (mut kept, mut nul, mut before) = (0, None, [b'\n'; 2]);
    loop {
        let count = bytes.read(&mut raw[kept..]).map_err(FileError::of_io)?;
        let filled = kept + count;
        let (result, read, written) =
            decoder.decode_to_utf8_without_replacement(&raw[..filled], &mut text, count == 0);
        let chunk = &text[..written];
        facts.look(chunk, &mut before);
        if nul.is_none() {
            nul = memchr(0, chunk).map(|at| place.at(&chunk[..at]));
        }
        if matches!(result, DecoderResult::Malformed(..)) {
            return Err(not_encoded(facts.name(), place.at(chunk)));
        }
        place.pass(chunk);
        raw.copy_within(read..filled, 0);
        kept = filled - read;
        tick()?;
        if count == 0 && result == DecoderResult::InputEmpty {
            break;
        }
    }
    match nul {
        Some((line, column)) => Err(FileError::NulByte { line, column }),
        None => Ok(facts),
    }
}

impl Facts {
    /// Takes in what does not depend on the encoding; `before` are the two bytes before the chunk.
    fn look(&mut self, chunk: &[u8], before: &mut [u8; 2]) {
        self.blank = self.blank && chunk.iter().all(u8::is_ascii_whitespace);
        if self.quoted_number || chunk.is_empty() {
            return;
        }
        // A quote within a cell opens nothing.
        let opens = |byte: u8| matches!(byte, b',' | b';' | b'\t' | b'|' | b'\n' | b'\r');
        let number = |byte: u8| byte.is_ascii_digit() || b"-+$(.,".contains(&byte);
        self.quoted_number = before[1] == b'"' && opens(before[0]) && number(chunk[0]);
        for at in memchr_iter(b'"', chunk) {
            self.quotes = true;
            let byte_before = if at == 0 { before[1] } else { chunk[at - 1] };
            if opens(byte_before) && chunk.get(at + 1).copied().is_some_and(number) {
                self.quoted_number = true;
                return;
            }
        }
        *before = match chunk {
            [.., a, b] => [*a, *b],
            [b] => [before[1], *b],
            [] => *before,
        };
    }
}

/// Letters beyond ASCII.
fn count_letters(text: &[u8]) -> u64 {
    // So few at a time that a byte can count them: processors then count many at once.
    let few = |bytes: &[u8]| u64::from(bytes.iter().map(|&byte| u8::from(byte >= 0xc0)).sum::<u8>());
    if text.is_ascii() { 0 } else { text.chunks(usize::from(u8::MAX)).map(few).sum() }
}

/// A letter at this place is not in the encoding that all else is in.
fn not_encoded(encoding: &'static str, (line, column): (u32, u32)) -> FileError {
    FileError::Broken {
        container: encoding,
        detail: format!("a letter in line {line} is not in this encoding; save the file again as UTF-8"),
        line: Some(line),
        column: Some(column),
    }
}

/// Byte order marks, also those that an earlier program read as Windows-1252 and saved as text.
fn marks(head: &[u8]) -> usize {
    let mut rest = head;
    for mark in ["\u{feff}", "ï»¿"] {
        while let Some(after) = rest.strip_prefix(mark.as_bytes()) {
            rest = after;
        }
    }
    head.len() - rest.len()
}
