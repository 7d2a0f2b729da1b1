//! What the readers of Microsoft's JSON answers share: keys in any letter case, ids, moments, and items
//! that stand in a file twice.

use super::json::Object;
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::table::clean;
use super::{Detection, Fit, number};
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Utc};
use rust_decimal::Decimal;
use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::{BuildHasher as _, Hash};

/// The keys of an answer's items. Of each group one key is enough.
pub(super) struct Keys {
    /// Items without one of these are another answer.
    pub(super) signature: &'static [&'static [&'static str]],
    /// Items without one of these are this answer, and cannot be used.
    pub(super) required: &'static [&'static [&'static str]],
    /// Keys that show another answer.
    pub(super) never: &'static [&'static str],
    /// Documented keys, read or not: not reported as unknown.
    pub(super) known: &'static [&'static str],
}

/// Whether any item has the key.
pub(super) fn has(shape: &Shape<'_>, key: &str) -> bool {
    shape.table.columns.iter().any(|column| column.eq_ignore_ascii_case(key))
}

impl Keys {
    /// How well items fit.
    pub(super) fn fit(&self, shape: &Shape<'_>) -> Fit {
        if !shape.is_json() {
            return Fit::No { shared: 0 };
        }
        let found = |group: &&[&'static str]| group.iter().find(|key| has(shape, key)).copied();
        let shown: Vec<&str> = self.signature.iter().filter_map(found).collect();
        let also: Vec<&str> = self.required.iter().filter_map(found).collect();
        let shared = shown.len() + also.len();
        if shown.len() < self.signature.len() || self.never.iter().any(|key| has(shape, key)) {
            return Fit::No { shared };
        }
        let missing: Vec<String> = self
            .required
            .iter()
            .filter(|group| found(group).is_none())
            .filter_map(|group| group.first().map(|&key| key.to_owned()))
            .collect();
        if !missing.is_empty() {
            return Fit::Near { missing, shared };
        }
        let keys: Vec<&str> = shown.into_iter().chain(also).collect();
        let reasons = vec![format!("its items have the keys {}", keys.join(", "))];
        Fit::Yes(Detection { confidence: Decimal::new(100, 2), reasons })
    }

    /// Reports the keys that the answer does not have. Annotations (`@odata.type`) are no data.
    pub(super) fn unknown(&self, shapes: &[&Shape<'_>], sink: &mut Sink) {
        for column in shapes.iter().flat_map(|shape| &shape.table.columns) {
            let known = self.known.iter().any(|known| known.eq_ignore_ascii_case(column));
            if !known && !column.contains('@') {
                sink.unknown_column(column.clone());
            }
        }
    }
}

/// An id as it is compared: without blanks around it, lower case.
pub(super) fn id(text: &str) -> String {
    clean(text).to_lowercase()
}

/// The member as an id.
pub(super) fn id_of(object: &Object<'_>, key: &str) -> Option<String> {
    object.text(key).map(|text| id(&text)).filter(|id| !id.is_empty())
}

/// The member as written, without blanks around it.
pub(super) fn words(object: &Object<'_>, key: &str) -> Option<String> {
    object.text(key).map(|text| clean(&text).to_owned()).filter(|text| !text.is_empty())
}

/// The member as a count of seats.
pub(super) fn seats(object: &Object<'_>, key: &str) -> Result<Option<Decimal>, Bad> {
    let Some(text) = object.text(key) else { return Ok(None) };
    match number::parse(&text, number::Commas::Unclear) {
        Ok(number) if number >= Decimal::ZERO => Ok(Some(number)),
        _ => Err(Bad::member(key, Some(&text), "is not a count of seats")),
    }
}

/// The member as true or false.
pub(super) fn flag(object: &Object<'_>, key: &str) -> Result<Option<bool>, Bad> {
    let Some(text) = object.text(key) else { return Ok(None) };
    match id(&text).as_str() {
        "true" => Ok(Some(true)),
        "false" => Ok(Some(false)),
        _ => Err(Bad::member(key, Some(&text), "is neither true nor false")),
    }
}

/// The member as a moment; `None` also for the moments that stand for none (year 1 or 9999).
pub(super) fn moment(object: &Object<'_>, key: &str) -> Result<Option<DateTime<Utc>>, Bad> {
    let Some(text) = object.text(key) else { return Ok(None) };
    let at = instant(&text)
        .ok_or_else(|| Bad::member(key, Some(&text), "is not a moment written as 2026-02-01T09:30:00Z"))?;
    Ok(Some(at).filter(|at| at.year() > 1 && at.year() < 9999))
}

/// A moment with the year first. Without an offset it is UTC, as Microsoft's logs mean it. PowerShell 5
/// writes moments as `/Date(1539993600000)/`, milliseconds since 1970.
fn instant(text: &str) -> Option<DateTime<Utc>> {
    let text = clean(text);
    if let Some(rest) = text.strip_prefix("/Date(") {
        let number = rest.split(')').next()?;
        let end = number.char_indices().skip(1).find(|(_, c)| !c.is_ascii_digit());
        let millis = end.map_or(number, |(at, _)| &number[..at]).parse().ok()?;
        return DateTime::from_timestamp_millis(millis);
    }
    let text = text.replacen(' ', "T", 1);
    if let Ok(at) = DateTime::parse_from_rfc3339(&text) {
        return Some(at.to_utc());
    }
    let day = || text.parse::<NaiveDate>().ok()?.and_hms_opt(0, 0, 0);
    let local = NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.f").ok().or_else(day)?;
    Some(local.and_utc())
}

/// Items by their key: pages overlap, and answers are pasted twice.
pub(super) struct Seen<K> {
    first: HashMap<K, (u32, u64)>,
    state: RandomState,
}

/// What is known of an item's key.
pub(super) enum Before {
    /// Nothing: it is the first.
    Never,
    /// The same item stands here.
    Same(u32),
    /// An item of the same key with other values stands here.
    Other(u32),
}

impl<K: Eq + Hash> Seen<K> {
    pub(super) fn new() -> Self {
        Self { first: HashMap::new(), state: RandomState::new() }
    }

    /// Takes an item in.
    pub(super) fn add(&mut self, key: K, line: u32, text: impl Hash) -> Before {
        let hash = self.state.hash_one(text);
        match self.first.entry(key) {
            Entry::Vacant(place) => {
                place.insert((line, hash));
                Before::Never
            }
            Entry::Occupied(known) if known.get().1 == hash => Before::Same(known.get().0),
            Entry::Occupied(known) => Before::Other(known.get().0),
        }
    }
}

/// Says that an item was counted once.
pub(super) fn note_repeated(sink: &mut Sink, line: u32, first: u32) {
    sink.note(Some(line), "duplicate_line", format!("the same item as item {first}; counted once"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_utc_however_they_are_written() {
        let expected = instant("2026-05-18T21:42:25Z").unwrap();
        for text in [
            "2026-05-18T21:42:25",
            "2026-05-18 21:42:25Z",
            "2026-05-18T21:42:25.0000000Z",
            "2026-05-18T13:42:25-08:00",
            "/Date(1779140545000)/",
            "/Date(1779140545000+0200)/",
        ] {
            assert_eq!(instant(text), Some(expected), "{text}");
        }
        for text in ["18/05/2026", "yesterday", "", "/Date(x)/"] {
            assert_eq!(instant(text), None, "{text}");
        }
    }
}
