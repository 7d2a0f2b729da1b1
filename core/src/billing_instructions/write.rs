//! What the files of the systems have in common: the draft that they write down, numbers, tables, what is missing.

use super::instructions::{Missing, OneOff, Recurring, Request, RowChange, Table};
use super::reference::Reference;
use crate::audit::defused;
use crate::money::Currency;
use crate::records::ClientRef;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::Value;
use std::collections::BTreeMap;

/// What is to be written down.
pub(super) struct Draft<'a> {
    pub(super) reference: &'a Reference,
    /// As the system names the client.
    pub(super) client: &'a ClientRef,
    /// As we do.
    pub(super) client_name: &'a str,
    pub(super) currency: Currency,
    /// The past is given back.
    pub(super) gives_back: bool,
    pub(super) one_off: &'a [OneOff],
    pub(super) recurring: &'a [Recurring],
}

impl Draft<'_> {
    /// The client's name there.
    pub(super) fn named(&self) -> &str {
        self.client.name.as_deref().unwrap_or(self.client_name)
    }

    /// Lines of one day and direction make one document. Amounts of credit notes are positive.
    pub(super) fn documents(&self) -> Vec<Document<'_>> {
        let mut documents: BTreeMap<(NaiveDate, bool), Vec<&OneOff>> = BTreeMap::new();
        for line in self.one_off {
            documents.entry((line.on, line.minor < 0)).or_default().push(line);
        }
        let of = |((on, credit), lines)| Document { on, credit, lines };
        documents.into_iter().map(of).collect()
    }

    /// Each row that changes, with its change.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&Recurring, &RowChange)> {
        self.recurring.iter().flat_map(|change| change.rows.iter().map(move |row| (change, row)))
    }
}

/// An invoice or credit note.
pub(super) struct Document<'a> {
    pub(super) on: NaiveDate,
    pub(super) credit: bool,
    pub(super) lines: Vec<&'a OneOff>,
}

impl Document<'_> {
    pub(super) fn kind(&self) -> &'static str {
        if self.credit { "credit note" } else { "invoice" }
    }

    /// A line's amount on it.
    pub(super) fn amount(&self, line: &OneOff) -> Decimal {
        if self.credit { -line.amount.amount } else { line.amount.amount }
    }
}

/// What a system's file writes.
#[derive(Default)]
pub(super) struct Written {
    pub(super) requests: Vec<Request>,
    pub(super) tables: Vec<Table>,
    pub(super) missing: Vec<Missing>,
    pub(super) notes: Vec<String>,
}

impl Written {
    pub(super) fn request(&mut self, purpose: String, method: &str, path: String, body: Value) {
        self.requests.push(Request { purpose, method: method.to_owned(), path, body });
    }

    /// Names what is missing, once.
    pub(super) fn lacks(&mut self, field: &str, detail: &str) {
        if !self.missing.iter().any(|one| one.field == field) {
            self.missing.push(Missing { field: field.to_owned(), detail: detail.to_owned() });
        }
    }

    /// An id of a billing row, or `null`, and then it is missing.
    pub(super) fn id(&mut self, id: Option<&str>, field: &str, detail: &str) -> Value {
        let Some(id) = id else {
            self.lacks(field, detail);
            return Value::Null;
        };
        number_of(id).unwrap_or_else(|| Value::from(id))
    }

    /// A code, which is text whatever it looks like, or `null`, and then it is missing.
    pub(super) fn code(&mut self, code: Option<&str>, field: &str, detail: &str) -> Value {
        if code.is_none() {
            self.lacks(field, detail);
        }
        code.map_or(Value::Null, Value::from)
    }

    /// An id as a part of a path, or its name in braces, and then it is missing.
    pub(super) fn segment(&mut self, id: Option<&str>, field: &str, detail: &str) -> String {
        let fits = |id: &&str| {
            !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        };
        if let Some(id) = id.filter(fits) {
            return id.to_owned();
        }
        self.lacks(field, detail);
        format!("{{{field}}}")
    }

    /// A table, if it has rows.
    pub(super) fn table(&mut self, part: &str, header: &[&str], rows: Vec<Vec<Cell>>) {
        if rows.is_empty() {
            return;
        }
        let mut writer = csv::Writer::from_writer(Vec::new());
        // Writing to memory cannot fail.
        let _ = writer.write_record(header);
        for row in rows {
            let _ = writer.write_record(row.into_iter().map(Cell::text));
        }
        let bytes = writer.into_inner().unwrap_or_default();
        self.tables.push(Table { part: part.to_owned(), csv: String::from_utf8(bytes).unwrap_or_default() });
    }
}

/// A cell of a table.
pub(super) enum Cell {
    /// Defused, where a spreadsheet would run it.
    Text(String),
    /// As it is: numbers and dates.
    Plain(String),
}

impl Cell {
    fn text(self) -> String {
        match self {
            Self::Text(text) => defused(&text),
            Self::Plain(text) => text,
        }
    }

    pub(super) fn of(text: Option<&str>) -> Self {
        Self::Text(text.unwrap_or_default().to_owned())
    }

    pub(super) fn empty() -> Self {
        Self::Plain(String::new())
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Decimal> for Cell {
    fn from(number: Decimal) -> Self {
        Self::Plain(number.to_string())
    }
}

impl From<NaiveDate> for Cell {
    fn from(day: NaiveDate) -> Self {
        Self::Plain(day.to_string())
    }
}

/// A number of JSON with the digits that it has.
pub(super) fn number(value: Decimal) -> Value {
    let text = value.normalize().to_string();
    text.parse::<serde_json::Number>().map_or_else(|_| Value::from(text.clone()), Value::Number)
}

/// An id that is a number there is one here.
fn number_of(id: &str) -> Option<Value> {
    let plain = !id.starts_with('0') && id.len() < 16 && id.bytes().all(|b| b.is_ascii_digit());
    id.parse::<u64>().ok().filter(|_| plain).map(Value::from)
}

/// The id of an agreement or contract: imported rows name it as `Name (id)`, or by the id alone.
pub(super) fn agreement_id(name: Option<&str>) -> Option<&str> {
    let name = name?;
    let within = name.strip_suffix(')').and_then(|name| name.rsplit_once('(')).map(|(_, id)| id);
    within.or(Some(name)).filter(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()))
}

/// Midnight, as APIs write days.
pub(super) fn midnight(day: NaiveDate) -> String {
    format!("{day}T00:00:00Z")
}
