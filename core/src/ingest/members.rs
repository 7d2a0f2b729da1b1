//! Members of JSON items as numbers, days and names, and items found inside the envelopes of one API.
//!
//! Envelopes that every API shares are taken off before (see [`super::json`]); what is left here are the
//! lists that only one format has, such as `Invoices` or `QueryResponse.Invoice`.

use super::date::{self, Written};
use super::json::{self, Object, Raw};
use super::number::{self, Commas};
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::{Detection, Fit, ReadOptions};
use crate::money::Currency;
use crate::records::ClientRef;
use chrono::{DateTime, NaiveDate};
use rust_decimal::Decimal;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

/// The member as trimmed text, if it is not blank.
pub(super) fn text(item: &Object<'_>, key: &str) -> Option<String> {
    item.text(key).map(|text| text.trim().to_owned())
}

/// The first line of the member: descriptions run on over many.
pub(super) fn first_line(item: &Object<'_>, key: &str) -> Option<String> {
    first_line_of(&item.text(key)?)
}

/// The first line of a text that holds anything.
pub(super) fn first_line_of(text: &str) -> Option<String> {
    text.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)
}

/// Whether the member says yes.
pub(super) fn flag(item: &Object<'_>, key: &str) -> bool {
    item.text(key).is_some_and(|text| matches!(text.trim(), "1") || text.trim().eq_ignore_ascii_case("true"))
}

/// The member as a number; also when it is written as text.
pub(super) fn number(item: &Object<'_>, key: &str) -> Result<Option<Decimal>, Bad> {
    let Some(raw) = item.get(key) else { return Ok(None) };
    let text = json::scalar(raw).ok_or_else(|| Bad::member(key, None, "is not a number"))?;
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    number::parse(text, Commas::Unclear)
        .map(Some)
        .map_err(|error| Bad::member(key, Some(text), error.to_string()))
}

/// The member as a number that must be there.
pub(super) fn need_number(item: &Object<'_>, key: &str) -> Result<Decimal, Bad> {
    number(item, key)?.ok_or_else(|| Bad::member(key, None, "is missing"))
}

/// The member as a day: ISO as written, or milliseconds as `/Date(1539993600000+0000)/`. `None` also for
/// dates that stand for none (year 1, 1900 or 9999).
pub(super) fn day(item: &Object<'_>, key: &str) -> Result<Option<NaiveDate>, Bad> {
    let Some(text) = item.text(key) else { return Ok(None) };
    if let Some(day) = milliseconds(&text) {
        return Ok(Some(day));
    }
    match date::parse(&text) {
        Some(Written::Iso(day)) => Ok((day != EMPTY_1900).then_some(day)),
        Some(Written::None) => Ok(None),
        _ => Err(Bad::member(key, Some(&text), "is not a date written as 2026-02-01")),
    }
}

/// Databases without an empty date write this one.
const EMPTY_1900: NaiveDate = match NaiveDate::from_ymd_opt(1900, 1, 1) {
    Some(day) => day,
    None => NaiveDate::MIN,
};

/// The day of `/Date(1539993600000+0000)/`, in the offset that it is written with.
fn milliseconds(text: &str) -> Option<NaiveDate> {
    let inner = text.trim().strip_prefix("/Date(")?.strip_suffix(")/")?;
    let sign = inner.get(1..)?.find(['+', '-']).map(|at| at + 1);
    let (millis, offset) = inner.split_at(sign.unwrap_or(inner.len()));
    let minutes = match offset.len() {
        0 => 0,
        5 => {
            let (hours, minutes) =
                (offset.get(1..3)?.parse::<i64>().ok()?, offset.get(3..)?.parse::<i64>().ok()?);
            (hours * 60 + minutes) * if offset.starts_with('-') { -1 } else { 1 }
        }
        _ => return None,
    };
    let local = millis.parse::<i64>().ok()?.checked_add(minutes * 60_000)?;
    DateTime::from_timestamp_millis(local).map(|at| at.date_naive())
}

/// A currency code, or the answer to the question `currency`; none while that is open.
pub(super) fn currency(
    code: Option<&str>,
    key: &str,
    options: &ReadOptions,
    sink: &mut Sink,
) -> Result<Option<Currency>, Bad> {
    if let Some(code) = code {
        let bad = |_| Bad::member(key, Some(code), "is not a currency code such as USD");
        return code.parse().map(Some).map_err(bad);
    }
    if options.currency.is_none() {
        sink.ask("currency", &[]);
    }
    Ok(options.currency)
}

/// A key that stands twice in one of these objects: which value is meant cannot be known.
pub(super) fn check_once(objects: &[Option<&Object<'_>>]) -> Result<(), Bad> {
    match objects.iter().flatten().find_map(|object| object.repeated()) {
        Some(key) => Err(Bad::member(key, None, "stands twice in the item")),
        None => Ok(()),
    }
}

/// Why a document is refused, and whose it is where that could be read.
pub(super) type Refused = Box<(Bad, Option<ClientRef>)>;

/// A refused document.
pub(super) fn refused(bad: Bad, client: Option<ClientRef>) -> Refused {
    Box::new((bad, client))
}

/// The rule, with the place of the line in its document before the column.
pub(super) fn within(bad: Bad, list: &str, index: usize) -> Bad {
    let column = bad
        .column
        .map_or_else(|| format!("{list}[{}]", index + 1), |column| format!("{list}[{}].{column}", index + 1));
    Bad { column: Some(column), ..bad }
}

/// The items that a value holds: itself, when it is one, else those under these members, at any depth of
/// them. A value that holds none is given as it is, to be refused by whoever reads it.
pub(super) fn expand<'a>(
    raw: Raw<'a>,
    lists: &[&str],
    is_item: &dyn Fn(&Object<'_>) -> bool,
) -> Vec<Raw<'a>> {
    let Some(object) = Object::of(raw) else { return vec![raw] };
    if is_item(&object) {
        return vec![raw];
    }
    let inner: Vec<Raw<'a>> = lists.iter().filter_map(|key| object.get(key)).collect();
    if inner.is_empty() {
        return vec![raw];
    }
    let elements = inner.into_iter().flat_map(|raw| json::list(raw).unwrap_or_else(|| vec![raw]));
    elements.flat_map(|raw| expand(raw, lists, is_item)).collect()
}

/// How well JSON items fit: whether any of the first ones, or of those in them, is one of this format.
pub(super) fn fit(
    shape: &Shape<'_>,
    lists: &[&str],
    is_item: &dyn Fn(&Object<'_>) -> bool,
    reason: &str,
) -> Fit {
    let found = shape.is_json()
        && shape.sample().any(|raw| {
            expand(raw, lists, is_item).into_iter().filter_map(Object::of).any(|item| is_item(&item))
        });
    if found {
        Fit::Yes(Detection { confidence: Decimal::new(100, 2), reasons: vec![reason.to_owned()] })
    } else {
        Fit::No { shared: 0 }
    }
}

/// Documents by their id: pages overlap, and exports are pasted together.
#[derive(Default)]
pub(super) struct Seen {
    known: HashMap<String, (u32, u64)>,
    hasher: RandomState,
}

impl Seen {
    /// Whether this is the first time that the document comes. The same again is noted.
    ///
    /// # Errors
    /// It came with other values: which holds cannot be known.
    pub(super) fn first(
        &mut self,
        id: Option<&str>,
        raw: &str,
        line: u32,
        sink: &mut Sink,
    ) -> Result<bool, Bad> {
        let Some(id) = id else { return Ok(true) };
        let digest = self.hasher.hash_one(raw);
        let Some(&(first, known)) = self.known.get(id) else {
            self.known.insert(id.to_owned(), (line, digest));
            return Ok(true);
        };
        if known == digest {
            sink.note(Some(line), "duplicate_line", format!("the same as item {first}; counted once"));
            return Ok(false);
        }
        Err(Bad::member("id", Some(id), format!("stands in item {first} with other values")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_are_days_in_their_own_offset() {
        for (text, day) in [
            ("/Date(1539993600000+0000)/", Some("2018-10-20")),
            ("/Date(1551981658323)/", Some("2019-03-07")),
            ("/Date(1539950400000+1300)/", Some("2018-10-20")),
            ("/Date(-86400000)/", Some("1969-12-31")),
            ("/Date(1539993600000+00)/", None),
            ("/Date()/", None),
            ("1539993600000", None),
            ("/Date(99999999999999999999)/", None),
        ] {
            assert_eq!(milliseconds(text), day.map(|day| day.parse().unwrap()), "{text}");
        }
    }
}
