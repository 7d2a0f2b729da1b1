//! The items of a JSON text, one by one: of a list, of pages in a list or one after another, with any
//! envelope, or one value a line.
//!
//! Only one item is in memory at a time, or a page that is no larger than an item may be. Of a larger page
//! the list that comes first is read as its rows.

use super::encoding::CHUNK;
use super::error::FileError;
use super::json::{self, ENVELOPES, Object, Raw, Start};
use super::limits::Limits;
use super::survey::Text;
use serde_json::value::RawValue;
use std::collections::HashSet;
use std::io::Read;

/// The items of a text, not read yet but for the first ones and all keys.
pub(super) struct Items<'s> {
    text: &'s Text<'s>,
    limits: Limits,
    keys: Vec<String>,
    sample: Vec<Box<RawValue>>,
}

/// Items that are looked at to tell a format, and their bytes.
const SAMPLE: usize = 200;
const SAMPLE_BYTES: usize = 8 << 20;

impl<'s> Items<'s> {
    /// Looks through all items.
    ///
    /// # Errors
    /// Not JSON (with line and column), over a limit, or more different keys than there may be columns:
    /// every row would be as wide as all of them.
    pub(super) fn survey(text: &'s Text<'s>, limits: &Limits) -> Result<Self, FileError> {
        let mut items = Self { text, limits: *limits, keys: Vec::new(), sample: Vec::new() };
        let (mut keys, mut seen, mut sample) = (Vec::new(), HashSet::new(), Vec::new());
        let mut sampled = 0;
        items.each(&mut |line, item| {
            if sample.is_empty() || (sample.len() < SAMPLE && sampled + item.get().len() <= SAMPLE_BYTES) {
                sampled += item.get().len();
                sample.push(item.to_owned());
            }
            for (key, _) in Object::of(item).unwrap_or_default().0 {
                if !seen.contains(&*key) {
                    seen.insert(key.clone().into_owned());
                    keys.push(key.into_owned());
                }
            }
            if keys.len() > limits.columns {
                return Err(FileError::TooLarge {
                    what: "the number of different keys",
                    limit: limits.columns.to_string(),
                    line: Some(line),
                });
            }
            Ok(true)
        })?;
        (items.keys, items.sample) = (keys, sample);
        Ok(items)
    }

    pub(super) fn keys(&self) -> &[String] {
        &self.keys
    }

    /// The first items.
    pub(super) fn sample(&self) -> impl Iterator<Item = Raw<'_>> {
        self.sample.iter().map(|item| &**item)
    }

    /// Gives every item with its place, 1-based, until the callback says `false`.
    pub(super) fn each(&self, each: &mut EachItem<'_>) -> Result<(), FileError> {
        self.text.read(&mut |text| {
            let mut stream = Stream {
                text,
                limits: &self.limits,
                bytes: Vec::new(),
                at: 0,
                end: false,
                line: 1,
                column: 0,
                count: 0,
                each: &mut *each,
            };
            match stream.documents() {
                Err(Halt::Enough) | Ok(()) => Ok(()),
                Err(Halt::Error(error)) => Err(error),
            }
        })
    }
}

/// Takes an item and its place; answers whether to go on.
pub(super) type EachItem<'e> = dyn FnMut(u32, Raw<'_>) -> Result<bool, FileError> + 'e;

/// Why the reading of a text ends before the text does.
enum Halt {
    Enough,
    Error(FileError),
}

impl From<FileError> for Halt {
    fn from(error: FileError) -> Self {
        Self::Error(error)
    }
}

struct Stream<'r, 'e> {
    text: &'r mut dyn Read,
    limits: &'r Limits,
    bytes: Vec<u8>,
    /// What comes next, in `bytes`.
    at: usize,
    end: bool,
    line: u32,
    /// Bytes of the line before what comes next.
    column: usize,
    count: u32,
    each: &'r mut EachItem<'e>,
}

/// How far a value reaches.
enum Reach {
    Whole(usize),
    /// Further than an item may.
    TooFar,
}

impl Stream<'_, '_> {
    fn documents(&mut self) -> Result<(), Halt> {
        while let Some(byte) = self.peek()? {
            if byte == b'[' {
                self.list(0, &mut |stream| stream.page(1))?;
            } else {
                self.page(0)?;
            }
        }
        Ok(())
    }

    /// A list whose elements are read one by one.
    fn list(
        &mut self,
        depth: usize,
        element: &mut dyn FnMut(&mut Self) -> Result<(), Halt>,
    ) -> Result<(), Halt> {
        if depth >= self.limits.json_depth {
            return Err(FileError::TooDeep { limit: self.limits.json_depth, line: self.line }.into());
        }
        self.pass(1);
        if self.peek()? == Some(b']') {
            self.pass(1);
            return Ok(());
        }
        loop {
            element(self)?;
            match self.peek()? {
                Some(b',') => {
                    self.pass(1);
                    if self.peek()? == Some(b']') {
                        return Err(self.broken("trailing comma"));
                    }
                }
                Some(b']') => {
                    self.pass(1);
                    return Ok(());
                }
                Some(_) => return Err(self.broken("expected `,` or `]`")),
                None => return Err(self.broken("EOF while parsing a list")),
            }
        }
    }

    /// A page of rows, or a row itself.
    fn page(&mut self, depth: usize) -> Result<(), Halt> {
        match self.reach(depth)? {
            Reach::Whole(length) => {
                let raw = parse(&self.bytes[self.at..self.at + length], self.start(depth), self.limits)?;
                for row in json::page(raw) {
                    self.count = self.count.saturating_add(1);
                    if !(self.each)(self.count, row)? {
                        return Err(Halt::Enough);
                    }
                }
                self.pass(length);
                Ok(())
            }
            Reach::TooFar if self.peek()? == Some(b'{') => self.large_page(depth),
            Reach::TooFar => Err(self.too_large()),
        }
    }

    /// An object that is larger than an item may be.
    fn large_page(&mut self, depth: usize) -> Result<(), Halt> {
        self.pass(1);
        let mut read: Option<usize> = None;
        loop {
            let Reach::Whole(length) = self.reach(depth)? else { return Err(self.too_large()) };
            if self.peek()? != Some(b'"') {
                return Err(self.broken("key must be a string"));
            }
            let raw = parse(&self.bytes[self.at..self.at + length], self.start(depth), self.limits)?;
            let key = json::scalar(raw).unwrap_or_default().into_owned();
            self.pass(length);
            if self.peek()? != Some(b':') {
                return Err(self.broken("expected `:`"));
            }
            self.pass(1);
            let value = self.peek()?;
            let rank = ENVELOPES.iter().position(|name| name.eq_ignore_ascii_case(&key));
            match rank.filter(|_| value == Some(b'[')) {
                Some(rank) if read.is_none() => {
                    read = Some(rank);
                    self.list(depth + 1, &mut |stream| stream.row(depth + 2))?;
                }
                // Whether its rows are these or those is known too late.
                Some(rank) if read.is_some_and(|read| rank < read) => return Err(self.too_large()),
                _ if key.eq_ignore_ascii_case("id") => return Err(self.too_large()),
                _ => {
                    let Reach::Whole(length) = self.reach(depth + 1)? else { return Err(self.too_large()) };
                    parse(&self.bytes[self.at..self.at + length], self.start(depth + 1), self.limits)?;
                    self.pass(length);
                }
            }
            match self.peek()? {
                Some(b',') => self.pass(1),
                Some(b'}') if read.is_some() => {
                    self.pass(1);
                    return Ok(());
                }
                Some(b'}') => return Err(self.too_large()),
                Some(_) => return Err(self.broken("expected `,` or `}`")),
                None => return Err(self.broken("EOF while parsing an object")),
            }
            self.peek()?;
        }
    }

    fn row(&mut self, depth: usize) -> Result<(), Halt> {
        let Reach::Whole(length) = self.reach(depth)? else { return Err(self.too_large()) };
        let raw = parse(&self.bytes[self.at..self.at + length], self.start(depth), self.limits)?;
        self.count = self.count.saturating_add(1);
        if !(self.each)(self.count, raw)? {
            return Err(Halt::Enough);
        }
        self.pass(length);
        Ok(())
    }

    fn start(&self, depth: usize) -> Start {
        Start { line: self.line, column: self.column, depth }
    }

    fn broken(&self, detail: &str) -> Halt {
        Halt::Error(FileError::Broken {
            container: "json",
            detail: detail.to_owned(),
            line: Some(self.line),
            column: Some(u32::try_from(self.column + 1).unwrap_or(u32::MAX)),
        })
    }

    fn too_large(&self) -> Halt {
        Halt::Error(FileError::TooLarge {
            what: "a JSON item",
            limit: format!("{} bytes", self.limits.item),
            line: Some(self.line),
        })
    }

    /// The next byte that is no blank.
    fn peek(&mut self) -> Result<Option<u8>, FileError> {
        loop {
            let rest = &self.bytes[self.at..];
            let blank = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count();
            let next = rest.get(blank).copied();
            self.pass(blank);
            if next.is_some() || !self.more()? {
                return Ok(next);
            }
        }
    }

    /// Goes over bytes that were read.
    fn pass(&mut self, length: usize) {
        for &byte in &self.bytes[self.at..self.at + length] {
            if byte == b'\n' {
                self.line = self.line.saturating_add(1);
                self.column = 0;
            } else {
                self.column += 1;
            }
        }
        self.at += length;
    }

    /// Reads on; false at the end.
    fn more(&mut self) -> Result<bool, FileError> {
        if self.end {
            return Ok(false);
        }
        self.bytes.drain(..self.at);
        self.at = 0;
        let before = self.bytes.len();
        // Ever more at once: what is looked at again for each piece stays little.
        let wanted = CHUNK.max(before) as u64;
        (&mut *self.text).take(wanted).read_to_end(&mut self.bytes).map_err(FileError::of_io)?;
        self.end = self.bytes.len() == before;
        Ok(!self.end)
    }

    /// How far the value reaches that begins here. What does not end is a damage or too large.
    fn reach(&mut self, depth: usize) -> Result<Reach, Halt> {
        let (mut length, mut open, mut quoted) = (0, 0_usize, false);
        loop {
            while let Some(&byte) = self.bytes.get(self.at + length) {
                length += 1;
                match byte {
                    b'"' if quoted => quoted = false,
                    // What is escaped may be the next piece's first byte.
                    b'\\' if quoted => length += 1,
                    _ if quoted => continue,
                    b'"' => {
                        quoted = true;
                        continue;
                    }
                    b'{' | b'[' => {
                        open += 1;
                        continue;
                    }
                    b'}' | b']' if open > 0 => open -= 1,
                    // A number or a word ends before what follows it.
                    b'}' | b']' | b',' | b':' | b' ' | b'\t' | b'\r' | b'\n' if open == 0 => {
                        return Ok(Reach::Whole((length - 1).max(1)));
                    }
                    _ => continue,
                }
                if open == 0 && !quoted {
                    return Ok(Reach::Whole(length));
                }
            }
            if length > self.limits.item {
                let rest = String::from_utf8_lossy(&self.bytes[self.at..]);
                json::check(&rest, self.start(depth), self.limits)?;
                return Ok(Reach::TooFar);
            }
            if !self.more()? {
                return Ok(Reach::Whole(self.bytes.len() - self.at));
            }
        }
    }
}

/// The value that these bytes are.
fn parse<'b>(bytes: &'b [u8], start: Start, limits: &Limits) -> Result<Raw<'b>, FileError> {
    let text = std::str::from_utf8(bytes).map_err(|error| FileError::Broken {
        container: "json",
        detail: error.to_string(),
        line: Some(start.line),
        column: None,
    })?;
    json::check(text, start, limits)?;
    json::parse(text, start)
}

#[cfg(test)]
mod tests {
    use super::super::survey::{Body, Run, survey};
    use super::*;

    fn texts_within(text: &str, limits: &Limits) -> Result<Vec<String>, FileError> {
        let run = Run::default();
        let bytes = text.as_bytes();
        let found = survey("upload", &bytes, limits, &run, &mut || Ok(()))?;
        let Body::Text(text) = &found.parts[0].body else { unreachable!() };
        assert!(text.json);
        let items = Items::survey(text, limits)?;
        let mut out = Vec::new();
        items.each(&mut |line, item| {
            out.push(item.get().to_owned());
            assert_eq!(line as usize, out.len());
            Ok(true)
        })?;
        Ok(out)
    }

    fn texts(text: &str) -> Result<Vec<String>, FileError> {
        texts_within(text, &Limits::default())
    }

    #[test]
    fn pages_in_any_wrapping_give_the_same_rows() {
        for text in [
            r#"[{"a":1},{"a":2}]"#,
            r#"{"value":[{"a":1},{"a":2}]}"#,
            r#"[{"value":[{"a":1}]},{"value":[{"a":2}]}]"#,
            "{\"items\":[{\"a\":1}],\"totalCount\":9}\n{\"items\":[{\"a\":2}]}",
            "{\"a\":1}\n{\"a\":2}\n",
            "[{\"a\":1}][{\"a\":2}]",
        ] {
            assert_eq!(texts(text).unwrap(), [r#"{"a":1}"#, r#"{"a":2}"#], "{text}");
        }
    }

    #[test]
    fn a_page_larger_than_an_item_is_read_row_by_row() {
        let limits = Limits { item: 300 << 10, ..Limits::default() };
        let rows = vec![r#"{"a":"x\"]}"}"#; 100_000];
        let page = format!(r#"{{"context":"c","value":[{}],"next":null}}"#, rows.join(","));
        assert_eq!(texts_within(&page, &limits).unwrap().len(), 100_000);
        for (from, to) in [("\"next\":null", "\"id\":1"), ("\"value\"", "\"members\"")] {
            let error = texts_within(&page.replace(from, to), &limits).unwrap_err();
            assert!(error.to_string().starts_with("a JSON item is over"), "{error}");
        }
        assert_eq!(texts_within(&page[..page.len() - 1], &limits).unwrap_err().code(), "damaged_file");
    }

    #[test]
    fn broken_and_deep_json_say_where() {
        for (text, line, column) in [
            ("{\"a\":1,\n \"b\": tru }", 2, 10),
            ("[{\"a\":1},\n{\"b\":1} {\"c\":1}]", 2, 9),
            ("[{\"a\":1},\n {\"b\": 01}]", 2, 9),
            ("[{\"a\":1},\n]", 2, 1),
            ("[\n{\"a\":1}", 2, 8),
            ("{\"a\":1}\n}", 2, 1),
        ] {
            let error = texts(text).unwrap_err();
            assert_eq!(
                (error.code(), error.line(), error.column()),
                ("damaged_file", Some(line), Some(column)),
                "{text}: {error}"
            );
        }
        assert_eq!(texts(&"[".repeat(100_000)).unwrap_err().code(), "nested_too_deep");
    }
}
