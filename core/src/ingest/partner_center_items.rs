//! What Partner Center's formats share: items of JSON answers, and ids.

use super::FileError;
use super::json::Object;
use super::reader::Shape;
use super::seen_lines::SeenLines;
use super::sink::{Bad, Sink};
use super::{Detection, Fit, number};
use crate::records::ClientRef;
use rust_decimal::Decimal;

/// Fits when an item has all the needed keys and at least one of the others.
pub(super) fn fit(shape: &Shape<'_>, needed: &[&str], any: &[&str]) -> Fit {
    if !shape.is_json() {
        return Fit::No { shared: 0 };
    }
    let mut shared = 0;
    for item in shape.sample().filter_map(Object::of) {
        let has = |keys: &[&str]| keys.iter().filter(|key| item.has(&[key])).count();
        let others = has(any);
        if has(needed) == needed.len() && (any.is_empty() || others > 0) {
            let reasons = vec![format!("its items have the keys {}", needed.join(", "))];
            return Fit::Yes(Detection { confidence: Decimal::new(100, 2), reasons });
        }
        shared = shared.max(has(needed));
    }
    Fit::No { shared }
}

/// Gives every item that is a whole object, each once, and keeps why the others are refused.
pub(super) fn each(
    shapes: &[&Shape<'_>],
    known: &[&str],
    sink: &mut Sink,
    client: &dyn Fn(&Object<'_>) -> Option<ClientRef>,
    read: &mut dyn FnMut(&Object<'_>, u32, &mut Sink) -> Result<(), Bad>,
) -> Result<(), FileError> {
    let mut seen = SeenLines::new();
    for shape in shapes {
        for column in &shape.table.columns {
            if !known.iter().any(|known| known.eq_ignore_ascii_case(column)) {
                sink.unknown_column(column.clone());
            }
        }
        let part = shape.table.part.as_deref();
        shape.each_item(&mut |line, raw| {
            sink.read += 1;
            let Some(item) = Object::of(raw) else {
                sink.refuse(part, line, Bad::row("the item is not an object"), None);
                return Ok(());
            };
            if let Some(key) = item.repeated() {
                let bad = Bad::member(key, None, "stands twice in the item");
                sink.refuse(part, line, bad, client(&item));
            } else if let Some(first) = seen.earlier(std::iter::once(raw.get()), line) {
                let text = format!("the same item as item {first}; counted once");
                sink.note(Some(line), "duplicate_line", text);
            } else if let Err(bad) = read(&item, line, sink) {
                sink.refuse(part, line, bad, client(&item));
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// The member as trimmed text.
pub(super) fn text(item: &Object<'_>, key: &str) -> Option<String> {
    item.text(key).map(|text| text.trim().to_owned())
}

/// The member as text, which must be there.
pub(super) fn need(item: &Object<'_>, key: &str) -> Result<String, Bad> {
    text(item, key).ok_or_else(|| Bad::member(key, None, "is empty, and is needed"))
}

/// The member as a number; it may be written as text.
pub(super) fn number(item: &Object<'_>, key: &str) -> Result<Option<Decimal>, Bad> {
    let Some(text) = item.text(key) else { return Ok(None) };
    number::parse(&text, number::Commas::Unclear)
        .map(Some)
        .map_err(|error| Bad::member(key, Some(&text), error.to_string()))
}

/// A count of seats.
pub(super) fn seats(item: &Object<'_>, key: &str) -> Result<Option<Decimal>, Bad> {
    match number(item, key)? {
        Some(seats) if seats < Decimal::ZERO => {
            Err(Bad::member(key, Some(&seats.to_string()), "is not a count of seats"))
        }
        seats => Ok(seats),
    }
}

/// The customer in an address such as `/customers/{id}/subscriptions/{id}`.
pub(super) fn customer_of(uri: &str) -> Option<String> {
    let (_, rest) = uri.split_once("customers/")?;
    let id = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // Documents print a placeholder: `{customer-id}`, `<id>`.
    let plain = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    plain.then(|| id.to_lowercase())
}

/// A customer's id as it is compared: without `org:`, in lower case.
pub(super) fn customer_id(id: &str) -> String {
    let id = id.trim();
    let bare =
        if id.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("org:")) { &id[4..] } else { id };
    bare.to_lowercase()
}

/// What is wrong with such an id.
pub(super) const RECKONED: &str =
    "is a number that a spreadsheet made of an id; save the export as it was downloaded";

/// Whether a `SkuId` was reckoned: a spreadsheet reads `1E05` as a number and writes `1.00E+05` or `100000`.
pub(super) fn reckoned_id(sku: &str) -> bool {
    let upper = sku.to_ascii_uppercase();
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let scientific = upper.split_once('E').is_some_and(|(mantissa, exponent)| {
        digits(mantissa) && digits(exponent.trim_start_matches(['+', '-']))
    });
    sku.len() != 4 && (scientific || (sku.len() > 4 && digits(sku)))
}
