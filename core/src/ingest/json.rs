//! JSON values, and what of them the parser would let pass.
//!
//! Values stay the text they are in the file: a number such as `0.005001` or `9223372036854780000`
//! would lose digits on its way through a binary float.

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

/// Where a value begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    pub(super) line: u32,
    /// Bytes before it in its line.
    pub(super) column: usize,
    /// Lists and objects around it.
    pub(super) depth: usize,
}

/// The value that a text is.
///
/// # Errors
/// Not JSON, with line and column.
pub(super) fn parse(text: &str, start: Start) -> Result<Raw<'_>, FileError> {
    serde_json::from_str(text).map_err(|error| {
        let before = if error.line() <= 1 { start.column } else { 0 };
        FileError::Broken {
            container: "json",
            detail: detail(&error),
            line: Some(start.line.saturating_add(to_u32(error.line().saturating_sub(1)))),
            column: Some(to_u32(error.column() + before)),
        }
    })
}

fn to_u32(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The parser's words without the position, which stands beside them.
fn detail(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}

/// Where a check is.
struct Place {
    line: u32,
    /// Bytes of the value before its line; in the value's first line, bytes of the line before the value.
    line_start: Result<usize, usize>,
}

impl Place {
    fn column(&self, at: usize) -> u32 {
        to_u32(match self.line_start {
            Ok(start) => at - start + 1,
            Err(before) => at + before + 1,
        })
    }
}

/// Looks through a value for what the parser would let pass: nesting, texts of any length, and escapes
/// that stand for no letter.
pub(super) fn check(text: &str, start: Start, limits: &Limits) -> Result<(), FileError> {
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (start.depth, 0_usize);
    let mut place = Place { line: start.line, line_start: Err(start.column) };
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => at = check_text(text, at + 1, &place, limits)?,
            b'{' | b'[' => {
                depth += 1;
                if depth > limits.json_depth {
                    return Err(FileError::TooDeep { limit: limits.json_depth, line: place.line });
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'\n' => {
                place.line = place.line.saturating_add(1);
                place.line_start = Ok(at + 1);
            }
            _ => {}
        }
        at += 1;
    }
    Ok(())
}

/// Looks through the text that begins here; answers where its closing quote is.
fn check_text(text: &str, begin: usize, place: &Place, limits: &Limits) -> Result<usize, FileError> {
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
                line: Some(place.line),
                column: Some(place.column(high.unwrap_or(at))),
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
            line: Some(place.line),
        });
    }
    Ok(at)
}

/// Members that hold the rows of a page, in the APIs that are known.
pub(super) const ENVELOPES: &[&str] = &["value", "items", "data", "content", "results", "rows", "records"];

/// The rows of a page, or the row itself that it is.
pub(super) fn page(raw: Raw<'_>) -> Vec<Raw<'_>> {
    if let Some(object) = Object::of(raw)
        && let Some(rows) = ENVELOPES.iter().find_map(|key| object.list(key))
        && rows.first().is_none_or(|row| row.get().starts_with('{'))
        && !object.has(&["id"])
    {
        return rows;
    }
    vec![raw]
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

    #[test]
    fn numbers_keep_every_digit() {
        let start = Start { line: 1, column: 0, depth: 0 };
        let raw = parse(r#"{"q":0.0050010000000000000001,"max":9223372036854780000}"#, start).unwrap();
        let object = Object::of(raw).unwrap();
        assert_eq!(object.text("q").unwrap(), "0.0050010000000000000001");
        assert_eq!(object.text("max").unwrap(), "9223372036854780000");
    }
}
