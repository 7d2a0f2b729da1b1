//! Which columns a format has, how they are found under a header, and how their cells are read.

use super::batch::Batch;
use super::blocks::Block;
use super::date::{self, Written};
use super::error::FileError;
use super::limits::Limits;
use super::number::{self, Commas};
use super::parallel;
use super::repeats::Repeats;
use super::sink::{Bad, Sink};
use super::table::{Row, Table, clean, fold, is_error_value};
use super::{DateOrder, Detection, Fit};
use crate::money::Currency;
use crate::records::ClientRef;
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// One column of a format.
pub(super) struct Field {
    /// As the format's own documents write it.
    pub(super) name: &'static str,
    /// Other spellings, folded. They count only where the name itself is not a column.
    pub(super) aliases: &'static [&'static str],
    pub(super) need: Need,
}

/// Whether a format can do without a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// A file without it is not this format, nor nearly.
    Signature,
    /// A file of this format without it is refused.
    Required,
    /// One of the columns with this number is required.
    OneOf(u8),
    /// One of the columns with this number is required, and a file with none is not nearly this format.
    SignatureOneOf(u8),
    Optional,
}

/// The columns of a format. Row readers name a field by its place in `fields`.
pub(super) struct Layout {
    pub(super) fields: &'static [Field],
    /// Documented columns that are not read, folded: not reported as unknown.
    pub(super) unread: &'static [&'static str],
    /// Columns that show another format, folded.
    pub(super) never: &'static [&'static str],
}

/// A layout's columns in one table.
pub(super) struct Bound {
    places: Vec<Option<usize>>,
    missing: Vec<&'static str>,
    signature: bool,
    aliased: bool,
}

impl Bound {
    /// A table whose cells stand in the order of the fields, those that it has.
    pub(super) fn of_fields(there: impl Iterator<Item = bool>) -> Self {
        let places = there.enumerate().map(|(place, there)| there.then_some(place)).collect();
        Self { places, missing: Vec::new(), signature: true, aliased: false }
    }
}

impl Layout {
    fn bind(&self, columns: &[String]) -> Bound {
        let folded: Vec<String> = columns.iter().map(|column| fold(column)).collect();
        let mut aliased = false;
        let places: Vec<Option<usize>> = self
            .fields
            .iter()
            .map(|field| {
                let own = fold(field.name);
                folded.iter().position(|column| *column == own).or_else(|| {
                    let other = folded.iter().position(|column| field.aliases.contains(&column.as_str()));
                    aliased |= other.is_some();
                    other
                })
            })
            .collect();
        let there = |need: Need| {
            self.fields.iter().zip(&places).any(|(field, place)| field.need == need && place.is_some())
        };
        let mut missing = Vec::new();
        let mut signature = true;
        for (field, place) in self.fields.iter().zip(&places) {
            let absent = match field.need {
                Need::Optional => false,
                Need::Signature | Need::Required => place.is_none(),
                // Named once, by the first of them.
                Need::OneOf(_) | Need::SignatureOneOf(_) => {
                    !there(field.need)
                        && self
                            .fields
                            .iter()
                            .find(|other| other.need == field.need)
                            .is_some_and(|first| first.name == field.name)
                }
            };
            if absent {
                missing.push(field.name);
                signature &= !matches!(field.need, Need::Signature | Need::SignatureOneOf(_));
            }
        }
        signature &= !folded.iter().any(|column| self.never.contains(&column.as_str()));
        Bound { places, missing, signature, aliased }
    }

    /// How well a table fits.
    pub(super) fn fit(&self, columns: &[String]) -> Fit {
        let bound = self.bind(columns);
        let needed: Vec<&str> = self
            .fields
            .iter()
            .zip(&bound.places)
            .filter(|(field, place)| field.need != Need::Optional && place.is_some())
            .map(|(_, place)| place.map_or("", |place| columns[place].as_str()))
            .collect();
        // A file that shares columns with this format by other names, and lacks some, is another format.
        if !bound.signature || (bound.aliased && !bound.missing.is_empty()) {
            return Fit::No { shared: needed.len() };
        }
        if !bound.missing.is_empty() {
            let missing = bound.missing.iter().map(|&name| name.to_owned()).collect();
            return Fit::Near { missing, shared: needed.len() };
        }
        let mut reasons = vec![format!("has the columns {}", needed.join(", "))];
        if bound.aliased {
            reasons.push("some columns go by other names than the format's own".to_owned());
        }
        let confidence = Decimal::new(if bound.aliased { 90 } else { 100 }, 2);
        Fit::Yes(Detection { confidence, reasons })
    }

    /// Binds, and reports what is unknown.
    ///
    /// # Errors
    /// Two columns of one meaning.
    fn open(&self, table: &Table<'_>, sink: &mut Sink) -> Result<Bound, FileError> {
        let folded: Vec<String> = table.columns.iter().map(|column| fold(column)).collect();
        for (place, column) in folded.iter().enumerate() {
            if let Some(first) =
                folded[..place].iter().position(|other| other == column && !column.is_empty())
            {
                let columns = vec![table.columns[first].clone(), table.columns[place].clone()];
                return Err(FileError::DuplicateColumn { columns, line: table.header_line });
            }
        }
        let bound = self.bind(&table.columns);
        for field in self.fields {
            let own = fold(field.name);
            let same: Vec<usize> =
                (0..folded.len()).filter(|&place| field.aliases.contains(&folded[place].as_str())).collect();
            if !folded.contains(&own) && same.len() > 1 {
                let columns = same.iter().map(|&place| table.columns[place].clone()).collect();
                return Err(FileError::DuplicateColumn { columns, line: table.header_line });
            }
        }
        for (place, column) in folded.iter().enumerate() {
            if !bound.places.contains(&Some(place)) && !self.unread.contains(&column.as_str()) {
                let written = &table.columns[place];
                sink.unknown_column(if written.is_empty() {
                    format!("(column {})", place + 1)
                } else {
                    written.clone()
                });
            }
        }
        Ok(bound)
    }

    /// Reads every row: counts it, and keeps either what it holds or why it is refused.
    pub(super) fn read(
        &self,
        table: &Table<'_>,
        limits: &Limits,
        sink: &mut Sink<'_>,
        client: &dyn Fn(&Cells<'_>) -> Option<ClientRef>,
        each: &mut dyn FnMut(&Cells<'_>, &mut Sink<'_>) -> Result<(), Bad>,
    ) -> Result<(), FileError> {
        let under = self.under(table, limits, sink)?;
        table.rows(limits, &mut |row| {
            under.row(&row, sink, client, each);
            sink.go_on()?;
            Ok(true)
        })
    }

    /// The same for rows of which each is read without the others: by several threads where there are.
    /// The state is a thread's own; it may make reading faster and must change nothing else. With
    /// `repeats`, a row that was kept before is not kept again but noted.
    pub(super) fn read_rows<S: Default>(
        &self,
        table: &Table<'_>,
        limits: &Limits,
        sink: &mut Sink<'_>,
        mut repeats: Option<&mut Repeats>,
        client: &(dyn Fn(&Cells<'_>) -> Option<ClientRef> + Sync),
        each: &(impl Fn(&Cells<'_>, &mut S, &mut Sink<'_>) -> Result<(), Bad> + Sync),
    ) -> Result<(), FileError> {
        let under = self.under(table, limits, sink)?;
        let places = repeats.as_ref().map(|repeats| repeats.places());
        let mut merge = |batch: Batch| {
            batch.merge(sink, repeats.as_deref_mut())?;
            sink.go_on()?;
            Ok(!sink.again)
        };
        let Some((text, threads)) = table.delimited() else {
            let (mut state, mut batch) = (S::default(), Batch::new(limits, places, false, 0));
            table.rows(limits, &mut |row| {
                batch.row(&under, &row, client, &mut |cells, sink| each(cells, &mut state, sink));
                if batch.sink.read < ROWS {
                    return Ok(true);
                }
                merge(std::mem::replace(&mut batch, Batch::new(limits, places, false, 0)))
            })?;
            return merge(batch).map(|_| ());
        };
        let work = |state: &mut S, block: Block| {
            let mut batch = Batch::new(limits, places, text.delimiter == b',', block.bytes.len());
            let read = text.rows(&block, limits, &mut |row| {
                if let Some(row) = table.under_header(row) {
                    batch.row(&under, &row, client, &mut |cells, sink| each(cells, state, sink));
                }
                Ok(true)
            });
            batch.error = read.err();
            batch
        };
        parallel::blocks(text, limits, threads, &work, &mut merge)
    }

    fn under<'t>(
        &'t self,
        table: &'t Table<'_>,
        limits: &Limits,
        sink: &mut Sink<'_>,
    ) -> Result<Under<'t>, FileError> {
        let bound = self.open(table, sink)?;
        let (commas, shown) = table.commas(limits);
        sink.reasons.extend(shown);
        Ok(Under { layout: self, bound, columns: &table.columns, part: table.part.as_deref(), commas })
    }
}

/// Rows of a sheet or a JSON that are read together.
const ROWS: u64 = 4_096;

/// What is known of all rows of a table.
pub(super) struct Under<'t> {
    layout: &'t Layout,
    bound: Bound,
    columns: &'t [String],
    part: Option<&'t str>,
    commas: Commas,
}

impl Under<'_> {
    /// Reads a row; answers whether it was taken.
    pub(super) fn row(
        &self,
        row: &Row<'_>,
        sink: &mut Sink<'_>,
        client: &dyn Fn(&Cells<'_>) -> Option<ClientRef>,
        each: &mut dyn FnMut(&Cells<'_>, &mut Sink<'_>) -> Result<(), Bad>,
    ) -> bool {
        sink.read += 1;
        let cells = Cells {
            row,
            bound: &self.bound,
            layout: self.layout,
            columns: self.columns,
            commas: self.commas,
        };
        let outcome = match &row.broken {
            Some(reason) => Err(Bad { column: None, value: None, reason: reason.clone() }),
            None => cells.check_values().and_then(|()| each(&cells, sink)),
        };
        let Err(bad) = outcome else { return true };
        let client = if row.broken.is_some() { None } else { client(&cells) };
        sink.refuse(self.part, row.line, bad, client);
        false
    }
}

/// A row under its header.
pub(super) struct Cells<'r> {
    row: &'r Row<'r>,
    bound: &'r Bound,
    layout: &'r Layout,
    columns: &'r [String],
    commas: Commas,
}

impl<'r> Cells<'r> {
    /// A row that was written in the order of the fields, its numbers with a point.
    pub(super) const fn new(
        row: &'r Row<'r>,
        bound: &'r Bound,
        layout: &'r Layout,
        columns: &'r [String],
    ) -> Self {
        Self { row, bound, layout, columns, commas: Commas::Thousands }
    }

    /// Whether the file has a column for this field.
    pub(super) fn has(&self, field: usize) -> bool {
        self.bound.places.get(field).is_some_and(Option::is_some)
    }

    pub(super) fn line(&self) -> u32 {
        self.row.line
    }

    /// A cell that is read must not hold a spreadsheet's error in place of a value.
    fn check_values(&self) -> Result<(), Bad> {
        if !self.row.cells.may_hold(b'#') {
            return Ok(());
        }
        let wrong = (0..self.bound.places.len()).find(|&field| self.text(field).is_some_and(is_error_value));
        wrong.map_or(Ok(()), |field| {
            Err(self.bad(
                field,
                "is a spreadsheet's error or a formula without its value; save the file again with values",
            ))
        })
    }

    /// All cells, as written.
    pub(super) fn all(&self) -> impl Iterator<Item = &'r str> + use<'r> {
        self.row.cells.iter()
    }

    /// The cell, if the column is there and the cell is not blank.
    pub(super) fn text(&self, field: usize) -> Option<&'r str> {
        let cell = clean(self.row.cells.get(self.bound.places[field]?)?);
        (!cell.is_empty()).then_some(cell)
    }

    pub(super) fn owned(&self, field: usize) -> Option<String> {
        self.text(field).map(str::to_owned)
    }

    /// The cell, which must not be blank.
    pub(super) fn need(&self, field: usize) -> Result<&'r str, Bad> {
        self.text(field).ok_or_else(|| self.bad(field, "is empty, and is needed"))
    }

    pub(super) fn number(&self, field: usize) -> Result<Option<Decimal>, Bad> {
        self.text(field)
            .map(|text| number::parse(text, self.commas).map_err(|error| self.bad(field, &error.to_string())))
            .transpose()
    }

    pub(super) fn need_number(&self, field: usize) -> Result<Decimal, Bad> {
        self.number(field)?.ok_or_else(|| self.bad(field, "is empty, and is needed"))
    }

    /// A date with the year first; `None` also for dates that stand for none (year 1 or 9999).
    pub(super) fn iso_date(&self, field: usize) -> Result<Option<NaiveDate>, Bad> {
        self.text(field)
            .map(|text| match date::parse(text) {
                Some(Written::None) => Ok(None),
                Some(Written::Iso(day)) if !text.contains('/') => Ok(Some(day)),
                _ => Err(self.bad(field, "is not a date written as 2026-02-01")),
            })
            .transpose()
            .map(Option::flatten)
    }

    /// A date in any spelling; `None` also for dates that stand for none.
    pub(super) fn date(&self, field: usize, order: DateOrder) -> Result<Option<NaiveDate>, Bad> {
        let Some(text) = self.text(field) else { return Ok(None) };
        date::parse(text).and_then(|written: Written| written.day(order).ok()).ok_or_else(|| {
            let order = if order == DateOrder::Mdy { "month/day/year" } else { "day/month/year" };
            self.bad(field, &format!("is not a date (read as year-month-day, or {order})"))
        })
    }

    pub(super) fn need_currency(&self, field: usize) -> Result<Currency, Bad> {
        self.need(field)?.parse().map_err(|_| self.bad(field, "is not a currency code such as USD"))
    }

    /// What is wrong with this cell.
    pub(super) fn bad(&self, field: usize, reason: &str) -> Bad {
        let column =
            self.bound.places[field].map_or(self.layout.fields[field].name, |place| &self.columns[place]);
        Bad {
            column: Some(column.to_owned()),
            value: self.text(field).map(str::to_owned),
            reason: reason.to_owned(),
        }
    }
}

/// The first columns of a header as text for a message.
pub(super) fn seen(columns: &[String]) -> Vec<String> {
    columns
        .iter()
        .take(60)
        .map(|column| column.chars().take(80).filter(|c| !c.is_control()).collect())
        .collect()
}
