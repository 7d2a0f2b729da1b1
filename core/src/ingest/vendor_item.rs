//! What the formats of distributors and per-seat tools share: items inside their envelopes, members read as
//! numbers and days, and rows that stand in a file twice.
//!
//! An envelope that is no list of rows (`data.sites` of `SentinelOne`, `organizations` of Huntress) comes here as
//! one item that is the whole document; rows are told apart by their keys and never by their depth.

use super::date::{self, Written};
use super::json::{self, Object, Raw};
use super::layout::{Cells, Layout};
use super::number::{self, Commas};
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::{Detection, FileError, Fit, ReadOptions};
use crate::matching::stock_code;
use crate::money::Currency;
use crate::records::{ClientRef, Entitlement, Held, ProductRef, Record, VendorCharge};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::{BuildHasher as _, Hasher as _};

/// Rows of an envelope that are looked at to tell a format.
const SAMPLE: usize = 50;

/// How the rows of a format are found in JSON.
pub(super) struct Rows {
    /// Members that lead to the list of rows, from the document down; a row that stands by itself is read too.
    pub(super) paths: &'static [&'static [&'static str]],
    /// Members that every row has.
    pub(super) keys: &'static [&'static str],
    /// Members that show another format.
    pub(super) never: &'static [&'static str],
    /// Members that are documented: others are reported.
    pub(super) known: &'static [&'static str],
}

impl Rows {
    /// The rows of an item that is an envelope.
    fn inside<'a>(&self, item: &Object<'a>) -> Option<Vec<Raw<'a>>> {
        self.paths.iter().find_map(|path| {
            let (last, way) = path.split_last()?;
            let mut holder = None;
            for key in way {
                holder = Some(holder.as_ref().unwrap_or(item).object(key)?);
            }
            holder.as_ref().unwrap_or(item).list(last)
        })
    }

    /// How well the items of a part fit.
    pub(super) fn fit(&self, shape: &Shape<'_>) -> Fit {
        let mut shared = 0;
        for item in shape.sample().filter_map(Object::of) {
            let rows = self.inside(&item);
            let inner = rows.iter().flatten().take(SAMPLE).filter_map(|row| Object::of(row));
            for row in inner.chain(rows.is_none().then(|| item.clone())) {
                if self.keys.iter().all(|key| row.has(&[key]))
                    && !self.never.iter().any(|key| row.has(&[key]))
                {
                    let reasons = vec![format!("its items have the keys {}", self.keys.join(", "))];
                    return Fit::Yes(Detection { confidence: certain(), reasons });
                }
                shared = shared.max(self.keys.iter().filter(|key| row.has(&[key])).count());
            }
        }
        Fit::No { shared }
    }

    /// Reads every row: counts it, and keeps either what it holds or why it is refused. A row that stands
    /// twice counts once.
    pub(super) fn read(
        &self,
        shapes: &[&Shape<'_>],
        sink: &mut Sink,
        client: &dyn Fn(&Object<'_>) -> Option<ClientRef>,
        each: &mut dyn FnMut(&Object<'_>, u32, &mut Sink) -> Result<(), Bad>,
    ) -> Result<(), FileError> {
        let mut line = 0;
        let mut repeats = Repeats::default();
        for shape in shapes {
            let part = shape.table.part.as_deref();
            let mut row = |raw: Raw<'_>, sink: &mut Sink| {
                line += 1;
                sink.read += 1;
                let Some(item) = Object::of(raw) else {
                    sink.refuse(part, line, Bad::row("the item is not an object"), None);
                    return;
                };
                let unknown = |key: &&str| !self.known.iter().any(|known| known.eq_ignore_ascii_case(key));
                for key in item.0.iter().map(|(key, _)| &**key).filter(unknown) {
                    sink.unknown_column(key.to_owned());
                }
                if let Some(key) = item.repeated() {
                    sink.refuse(
                        part,
                        line,
                        Bad::member(key, None, "stands twice in the item"),
                        client(&item),
                    );
                } else if let Some(first) = repeats.first(&[raw.get()], line) {
                    let text = format!("the same item as item {first}; counted once");
                    sink.note(Some(line), "duplicate_line", text);
                } else if let Err(bad) = each(&item, line, sink) {
                    sink.refuse(part, line, bad, client(&item));
                }
            };
            shape.each_item(&mut |_, raw| {
                match Object::of(raw).and_then(|item| self.inside(&item)) {
                    Some(rows) => rows.into_iter().for_each(|raw| row(raw, sink)),
                    None => row(raw, sink),
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// The confidence in a file that has all that shows a format.
pub(super) fn certain() -> Decimal {
    Decimal::new(100, 2)
}

/// Reads one row of a table; none where it gives no charge.
type ReadCharge<'c> = dyn Fn(&Cells<'_>, &mut Sink) -> Result<Option<VendorCharge>, Bad> + 'c;

/// Reads a table of charges: each row is kept, refused, or (where it gives none) noted by its reader. A row that
/// stands twice counts once.
pub(super) fn read_charges(
    layout: &Layout,
    shapes: &[&Shape<'_>],
    options: &ReadOptions,
    sink: &mut Sink,
    client: &dyn Fn(&Cells<'_>) -> Option<ClientRef>,
    charge: &ReadCharge<'_>,
) -> Result<(), FileError> {
    let mut repeats = Repeats::default();
    for shape in shapes {
        layout.read(&shape.table, &options.limits, sink, client, &mut |cells, sink| {
            let Some(charge) = charge(cells, sink)? else { return Ok(()) };
            let all: Vec<&str> = cells.all().collect();
            if let Some(first) = repeats.first(&all, cells.line()) {
                let text = format!("the same as line {first}; counted once");
                sink.note(Some(cells.line()), "duplicate_line", text);
                return Ok(());
            }
            sink.keep(cells.line(), Record::VendorCharge(charge));
            Ok(())
        })?;
    }
    Ok(())
}

/// Rows seen so far, as two hashes under random keys: 128 bits that no file can be made to meet.
pub(super) struct Repeats {
    keys: [RandomState; 2],
    seen: HashMap<[u64; 2], u32>,
}

impl Default for Repeats {
    fn default() -> Self {
        Self { keys: [RandomState::new(), RandomState::new()], seen: HashMap::new() }
    }
}

impl Repeats {
    /// The line where these cells stood first, if they did.
    pub(super) fn first(&mut self, cells: &[&str], line: u32) -> Option<u32> {
        let digest = self.keys.each_ref().map(|key| {
            let mut hash = key.build_hasher();
            for cell in cells {
                hash.write(cell.as_bytes());
                // No text holds this byte: it keeps cells apart.
                hash.write_u8(0xff);
            }
            hash.finish()
        });
        match self.seen.entry(digest) {
            Entry::Vacant(place) => {
                place.insert(line);
                None
            }
            Entry::Occupied(first) => Some(*first.get()),
        }
    }
}

/// The member as trimmed text.
pub(super) fn text(item: &Object<'_>, key: &str) -> Option<String> {
    item.text(key).map(|text| text.trim().to_owned())
}

/// The member, which must not be blank.
pub(super) fn need(item: &Object<'_>, key: &str) -> Result<String, Bad> {
    text(item, key).ok_or_else(|| Bad::member(key, None, "is empty, and is needed"))
}

/// The member as an exact number, written as a number or as text.
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

pub(super) fn need_number(item: &Object<'_>, key: &str) -> Result<Decimal, Bad> {
    number(item, key)?.ok_or_else(|| Bad::member(key, None, "is empty, and is needed"))
}

/// A count of seats: not below zero.
pub(super) fn count(item: &Object<'_>, key: &str) -> Result<Option<Decimal>, Bad> {
    let counted = number(item, key)?;
    match counted.filter(|number| *number < Decimal::ZERO) {
        Some(below) => Err(Bad::member(key, Some(&below.to_string()), "is below zero")),
        None => Ok(counted),
    }
}

pub(super) fn need_count(item: &Object<'_>, key: &str) -> Result<Decimal, Bad> {
    count(item, key)?.ok_or_else(|| Bad::member(key, None, "is empty, and is needed"))
}

/// A day with the year first, as written; year 1 is none.
pub(super) fn day(item: &Object<'_>, key: &str) -> Result<Option<NaiveDate>, Bad> {
    let Some(text) = item.text(key) else { return Ok(None) };
    match date::parse(&text) {
        Some(Written::Iso(day)) => Ok(Some(day)),
        Some(Written::None) => Ok(None),
        _ => Err(Bad::member(key, Some(&text), "is not a date written as 2026-02-01")),
    }
}

/// Whether a member is true.
pub(super) fn is_true(item: &Object<'_>, key: &str) -> bool {
    item.text(key).is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

/// The item's currency, or the answer to the question, which is asked where there is neither.
pub(super) fn currency(
    written: Option<&str>,
    column: &str,
    options: &ReadOptions,
    sink: &mut Sink,
) -> Result<Option<Currency>, Bad> {
    if let Some(code) = written {
        let bad = |_| Bad::member(column, Some(code), "is not a currency code such as USD");
        return code.parse().map(Some).map_err(bad);
    }
    if options.currency.is_none() {
        sink.ask("currency", &[]);
    }
    Ok(options.currency)
}

/// A product by a distributor's code: the code as written, and Partner Center's id where the code holds one.
pub(super) fn coded(name: Option<String>, code: Option<String>) -> ProductRef {
    ProductRef { name, sku: code.as_deref().and_then(stock_code), code, part_number: None }
}

/// A count that a tool's vendor bills by.
///
/// Such tools sell nothing ahead: what is deployed is what is charged. So the count is what is purchased, what
/// is assigned and what is active, and an audit finds it on whichever basis the organization counts.
pub(super) fn deployed(client: ClientRef, product: &str, seats: Decimal) -> Entitlement {
    Entitlement {
        client: client.into(),
        product: ProductRef { name: Some(product.to_owned()), ..ProductRef::default() }.into(),
        subscription: None,
        term: None,
        purchased: Some(seats),
        assigned: Some(seats),
        active: Some(seats),
        free: false,
        held: Held::Snapshot { on: None },
    }
}

/// A client by its name alone. A tool's or distributor's own number is not the PSA's, and beside the name it
/// would keep the two from being found to be the same.
pub(super) fn named(name: String) -> ClientRef {
    ClientRef { name: Some(name), ..ClientRef::default() }
}
