//! JSON as files hold it: one value, a list, pages in a list or one after another, with any envelope.
//!
//! Values stay the text they are in the file: a number such as `0.005001` or `9223372036854780000`
//! would lose digits on its way through a binary float.

use super::decode::to_u32;
use super::error::FileError;
use super::limits::Limits;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

/// A value as its text.
pub(super) type Raw<'a> = &'a RawValue;

/// An object's members in their order, duplicates kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Object<'a>(pub(super) Vec<(Cow<'a, str>, Raw<'a>)>);

impl<'a> Object<'a> {
    /// The object that this value is, if it is one.
    pub(super) fn of(raw: Raw<'a>) -> Option<Self> {
        if raw.get().starts_with('{') { serde_json::from_str(raw.get()).ok() } else { None }
    }

    /// The member, unless it is absent or null. Letter case does not matter: scripts write the
    /// members of an answer anew with capitals (`SkuId`).
    pub(super) fn get(&self, key: &str) -> Option<Raw<'a>> {
        self.0
            .iter()
            .find(|(k, _)| k.eq_ignore_ascii_case(key))
            .map(|&(_, raw)| raw)
            .filter(|raw| raw.get() != "null")
    }

    /// Whether all these members are there (null counts).
    pub(super) fn has(&self, keys: &[&str]) -> bool {
        keys.iter().all(|key| self.0.iter().any(|(k, _)| k.eq_ignore_ascii_case(key)))
    }

    /// A key that stands here twice: which of the values is meant cannot be known.
    pub(super) fn repeated(&self) -> Option<&str> {
        let mut seen = HashSet::new();
        self.0.iter().find(|(key, _)| !seen.insert(key.to_ascii_lowercase())).map(|(key, _)| &**key)
    }

    /// The member as trimmed text, if it is text, a number or a boolean and not blank.
    pub(super) fn text(&self, key: &str) -> Option<Cow<'a, str>> {
        let cell = scalar(self.get(key)?)?;
        (!cell.trim().is_empty()).then_some(cell)
    }

    /// The member as an object.
    pub(super) fn object(&self, key: &str) -> Option<Object<'a>> {
        Object::of(self.get(key)?)
    }

    /// The member as a list.
    pub(super) fn list(&self, key: &str) -> Option<Vec<Raw<'a>>> {
        list(self.get(key)?)
    }
}

struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(Key(key)) = map.next_key()? {
                    members.push((key, map.next_value()?));
                }
                Ok(Object(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// The list that this value is, if it is one.
pub(super) fn list(raw: Raw<'_>) -> Option<Vec<Raw<'_>>> {
    if raw.get().starts_with('[') { serde_json::from_str(raw.get()).ok() } else { None }
}

/// Text, number or boolean as a cell; null as a blank one; `None` for lists and objects.
pub(super) fn scalar(raw: Raw<'_>) -> Option<Cow<'_, str>> {
    match raw.get().as_bytes().first()? {
        b'"' => {
            Some(serde_json::from_str::<Key<'_>>(raw.get()).map_or(Cow::Borrowed(raw.get()), |key| key.0))
        }
        b'[' | b'{' => None,
        b'n' => Some(Cow::Borrowed("")),
        _ => Some(Cow::Borrowed(raw.get())),
    }
}

/// Whether a text is meant as JSON.
pub(super) fn looks_like(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
}

/// Every value of a text: one document, or several one after another (pages, or one item a line).
///
/// # Errors
/// Not JSON (with line and column), or nested too deeply.
pub(super) fn documents<'a>(text: &'a str, limits: &Limits) -> Result<Vec<Raw<'a>>, FileError> {
    check(text, limits)?;
    let values = serde_json::Deserializer::from_str(text).into_iter::<Raw<'a>>();
    let mut documents = Vec::new();
    for value in values {
        match value {
            Ok(value) => documents.push(value),
            Err(error) => {
                return Err(FileError::Broken {
                    container: "json",
                    detail: detail(&error),
                    line: Some(to_u32(error.line())),
                    column: Some(to_u32(error.column())),
                });
            }
        }
    }
    Ok(documents)
}

/// The parser's words without the position, which stands beside them.
fn detail(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}

/// Looks through the text once for what the parser would let pass: nesting, texts of any length, and
/// escapes that stand for no letter.
fn check(text: &str, limits: &Limits) -> Result<(), FileError> {
    let bytes = text.as_bytes();
    let (mut depth, mut line, mut line_start, mut at) = (0_usize, 1_u32, 0_usize, 0_usize);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => at = check_text(text, at + 1, line, line_start, limits)?,
            b'{' | b'[' => {
                depth += 1;
                if depth > limits.json_depth {
                    return Err(FileError::TooDeep { limit: limits.json_depth, line });
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'\n' => {
                line = line.saturating_add(1);
                line_start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    Ok(())
}

/// Looks through the text that begins here; answers where its closing quote is.
fn check_text(
    text: &str,
    begin: usize,
    line: u32,
    line_start: usize,
    limits: &Limits,
) -> Result<usize, FileError> {
    let bytes = text.as_bytes();
    // Where the first half of a letter stands that waits for its second.
    let (mut at, mut high) = (begin, None);
    while let Some(&byte) = bytes.get(at) {
        let unit = if byte == b'\\' && bytes.get(at + 1) == Some(&b'u') {
            text.get(at + 2..at + 6).and_then(|digits| u16::from_str_radix(digits, 16).ok())
        } else {
            None
        };
        let low = matches!(unit, Some(0xdc00..=0xdfff));
        if high.is_some() != low || unit == Some(0) {
            let what = if unit == Some(0) { "a NUL character" } else { "half a letter (a lone surrogate)" };
            return Err(FileError::Broken {
                container: "json",
                detail: format!("a text holds {what}"),
                line: Some(line),
                column: Some(to_u32(high.unwrap_or(at) - line_start + 1)),
            });
        }
        high = matches!(unit, Some(0xd800..=0xdbff)).then_some(at);
        match byte {
            b'"' => break,
            b'\\' => at += if unit.is_some() { 6 } else { 2 },
            _ => at += 1,
        }
    }
    if at - begin > limits.field {
        return Err(FileError::TooLarge {
            what: "a text",
            limit: format!("{} bytes", limits.field),
            line: Some(line),
        });
    }
    Ok(at)
}

/// Members that hold the rows of a page, in the APIs that are known.
const ENVELOPES: &[&str] = &["value", "items", "data", "content", "results", "rows", "records"];

/// The rows of all pages, in order: each document is a page with an envelope, a list of rows, a list
/// of pages, or a row itself.
pub(super) fn rows<'a>(documents: &[Raw<'a>]) -> Vec<Raw<'a>> {
    let mut out = Vec::new();
    for &document in documents {
        match list(document) {
            Some(elements) => elements.into_iter().for_each(|element| page(element, &mut out)),
            None => page(document, &mut out),
        }
    }
    out
}

fn page<'a>(raw: Raw<'a>, out: &mut Vec<Raw<'a>>) {
    if let Some(object) = Object::of(raw)
        && let Some(rows) = ENVELOPES.iter().find_map(|key| object.list(key))
        && rows.first().is_none_or(|row| row.get().starts_with('{'))
        && !object.has(&["id"])
    {
        out.extend(rows);
    } else {
        out.push(raw);
    }
}

/// What shows that these are descriptions of data and not data.
pub(super) fn schema_evidence(rows: &[Raw<'_>]) -> Option<String> {
    let object = Object::of(rows.first()?)?;
    for key in ["openapi", "swagger", "$schema", "asyncapi"] {
        if object.has(&[key]) {
            return Some(format!("it has `{key}`"));
        }
    }
    let mut seen = (0, 0);
    // The first rows show what the rest is.
    for row in rows.iter().take(50) {
        count_types(row, None, &mut seen);
    }
    (seen.0 >= 3 && seen.0 * 10 >= seen.1 * 7).then(|| "its values are names of types".to_owned())
}

const TYPES: &[&str] = &[
    "string",
    "text",
    "int",
    "integer",
    "int32",
    "int64",
    "number",
    "double",
    "float",
    "decimal",
    "bool",
    "boolean",
    "date",
    "datetime",
    "date-time",
    "array",
    "object",
    "uuid",
    "guid",
    "id",
    "list",
    "enum",
    "any",
];

/// Counts leaves that name a type, of all leaves with a value.
fn count_types(raw: Raw<'_>, key: Option<&str>, seen: &mut (usize, usize)) {
    if let Some(object) = Object::of(raw) {
        for (key, value) in &object.0 {
            count_types(value, Some(key), seen);
        }
    } else if let Some(elements) = list(raw) {
        for element in elements {
            count_types(element, key, seen);
        }
    } else if let Some(cell) = scalar(raw)
        && !cell.is_empty()
        && !key.is_some_and(|key| key.starts_with(['_', '@']))
    {
        seen.1 += 1;
        let lower = cell.to_lowercase();
        let word = lower.split(|c: char| !(c.is_alphanumeric() || c == '-')).next().unwrap_or_default();
        if raw.get().starts_with('"') && TYPES.contains(&word) {
            seen.0 += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        let documents = documents(text, &Limits::default()).unwrap();
        rows(&documents).iter().map(|row| row.get().to_owned()).collect()
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
            assert_eq!(texts(text), [r#"{"a":1}"#, r#"{"a":2}"#], "{text}");
        }
    }

    #[test]
    fn broken_and_deep_json_say_where() {
        let broken = documents("{\"a\":1,\n \"b\": tru }", &Limits::default()).unwrap_err();
        assert_eq!((broken.code(), broken.line()), ("damaged_file", Some(2)));
        let deep = "[".repeat(100_000);
        assert_eq!(documents(&deep, &Limits::default()).unwrap_err().code(), "nested_too_deep");
    }

    #[test]
    fn numbers_keep_every_digit() {
        let documents =
            documents(r#"{"q":0.0050010000000000000001,"max":9223372036854780000}"#, &Limits::default())
                .unwrap();
        let object = Object::of(documents[0]).unwrap();
        assert_eq!(object.text("q").unwrap(), "0.0050010000000000000001");
        assert_eq!(object.text("max").unwrap(), "9223372036854780000");
    }
}
