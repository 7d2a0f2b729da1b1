//! Reading a table with a profile: each row is written as a row of the template kind, and read as one.

use super::super::date;
use super::super::error::FileError;
use super::super::layout::{Bound, Cells};
use super::super::number::Commas;
use super::super::reader::Shape;
use super::super::rows::Fields;
use super::super::sink::{Bad, Sink};
use super::super::table::{Row, is_error_value};
use super::super::template::Names;
use super::super::{DateOrder, ReadOptions};
use super::cells::{self, Holds};
use super::dates::{self, End};
use super::filled::{Filled, cell};
use super::known::{Absent, Place, place};
use super::names::folded;
use super::{DecimalSign, ImportProfile, ProfileKind, UntilIs, shapes};
use crate::records::LineType;
use chrono::NaiveDate;
use csv::StringRecord;
use rust_decimal::Decimal;
use std::collections::HashSet;

/// Reads all parts of a file.
///
/// # Errors
/// When a part cannot be read to its end, or columns that are named cannot be told apart.
pub(in super::super) fn read(
    parts: &[&Shape<'_>],
    profile: &ImportProfile,
    options: &ReadOptions,
    sink: &mut Sink,
) -> Result<(), FileError> {
    let named = ["client", "client_id"].iter().any(|field| profile.fields.contains_key(*field));
    if !named && profile.kind != ProfileKind::Prices {
        sink.names_client = false;
        sink.ask("client", &[]);
    }
    if profile.kind == ProfileKind::Entitlements && !profile.fields.contains_key("from") {
        sink.snapshot = true;
    }
    let mut plans = Vec::new();
    for part in parts {
        plans.push(Plan::new(part, profile, options)?);
    }
    let Some(order) = order(parts, &plans, options, sink)? else {
        for part in parts {
            part.table.rows(&options.limits, &mut |_| {
                sink.read += 1;
                Ok(true)
            })?;
        }
        return Ok(());
    };
    for (part, plan) in parts.iter().zip(&plans) {
        sink.reasons.extend(plan.shown.clone());
        plan.unknown_columns(&part.table.columns, sink);
        plan.rows(part, order, options, sink)?;
    }
    Ok(())
}

/// How the rows of one part become rows of the template.
struct Plan<'p> {
    profile: &'p ImportProfile,
    /// By the template's fields.
    fields: Vec<Option<Filled>>,
    holds: Vec<Holds>,
    /// The names that complaints give the fields: the file's own.
    names: Vec<String>,
    skip: Vec<(Place, HashSet<String>)>,
    commas: Commas,
    shown: Option<String>,
}

impl<'p> Plan<'p> {
    fn new(part: &Shape<'_>, profile: &'p ImportProfile, options: &ReadOptions) -> Result<Self, FileError> {
        let columns = &part.table.columns;
        let find = |column: &str| {
            place(columns, column, part.is_json()).map_err(|absent| match absent {
                Absent::Several(columns) => {
                    FileError::DuplicateColumn { columns, line: part.table.header_line }
                }
                Absent::None => FileError::ProfileMismatch {
                    profile: profile.name.clone(),
                    columns: vec![column.to_owned()],
                },
            })
        };
        let (mut fields, mut holds, mut names) = (Vec::new(), Vec::new(), Vec::new());
        for field in profile.kind.fields() {
            holds.push(Holds::of(field));
            let (filled, name) = match profile.fields.get(field) {
                None => (None, field.to_owned()),
                Some(source) => match (&source.column, &source.constant) {
                    (Some(column), _) => {
                        let values = source.values.iter();
                        let values =
                            values.map(|(written, value)| (folded(written), value.clone())).collect();
                        let place = find(column)?;
                        let written = columns.get(place.column).filter(|_| place.path.is_empty());
                        let name = written.unwrap_or(column).clone();
                        (Some(Filled::Column { place, values }), name)
                    }
                    (None, constant) => (constant.clone().map(Filled::Constant), field.to_owned()),
                },
            };
            fields.push(filled);
            names.push(name);
        }
        let mut skip = Vec::new();
        for rows in &profile.skip_rows {
            skip.push((find(&rows.column)?, rows.values.iter().map(|value| folded(value)).collect()));
        }
        let (commas, shown) = match profile.decimal {
            Some(DecimalSign::Comma) => (Commas::Decimal, None),
            Some(DecimalSign::Point) => (Commas::Thousands, None),
            None => part.table.commas(&options.limits),
        };
        Ok(Self { profile, fields, holds, names, skip, commas, shown })
    }

    fn unknown_columns(&self, columns: &[String], sink: &mut Sink) {
        let used = |column: usize| {
            let mapped = self.fields.iter().flatten().filter_map(|filled| match filled {
                Filled::Column { place, .. } => Some(place),
                Filled::Constant(_) => None,
            });
            mapped.chain(self.skip.iter().map(|(place, _)| place)).any(|place| place.column == column)
        };
        for (at, written) in columns.iter().enumerate().filter(|(at, _)| !used(*at)) {
            sink.unknown_column(if written.is_empty() {
                format!("(column {})", at + 1)
            } else {
                written.clone()
            });
        }
    }

    fn rows(
        &self,
        part: &Shape<'_>,
        order: DateOrder,
        options: &ReadOptions,
        sink: &mut Sink,
    ) -> Result<(), FileError> {
        let kind = self.profile.kind.template();
        // What a line below zero is stands in no column.
        let filled_in = self.profile.below_zero.and_then(|_| self.field("line_type"));
        let there =
            self.fields.iter().enumerate().map(|(at, filled)| filled.is_some() || filled_in == Some(at));
        let bound = Bound::of_fields(there);
        let (mut filled, mut names) = (StringRecord::new(), Names::default());
        part.table.rows(&options.limits, &mut |row| {
            sink.read += 1;
            if let Some(reason) = &row.broken {
                sink.refuse(part.table.part.as_deref(), row.line, Bad::row(reason.clone()), None);
                return Ok(true);
            }
            if let Some(value) = self.skips(&row) {
                let text = format!("the row is no data by the profile (`{value}`); it was not read");
                sink.note(Some(row.line), "skipped_row", text);
                return Ok(true);
            }
            let written = self.fill(&row, order, &mut filled);
            let row_of_ours = Row { line: row.line, cells: Fields::Record(&filled), broken: None };
            let cells = Cells::new(&row_of_ours, &bound, kind.layout, &self.names);
            if let Err(mut bad) = written.and_then(|()| (kind.row)(&cells, &mut names, sink)) {
                self.as_written(&mut bad, &row);
                sink.refuse(part.table.part.as_deref(), row.line, bad, (kind.client)(&cells));
            }
            sink.go_on()?;
            Ok(true)
        })
    }

    /// The value by which a row is no data.
    fn skips(&self, row: &Row<'_>) -> Option<String> {
        self.skip.iter().find_map(|(place, values)| {
            let cell = cell(row, place);
            values.contains(&folded(&cell)).then(|| cell.chars().take(80).collect())
        })
    }

    /// Writes the row as the template has it: all that can be read of it, and the first fault.
    fn fill(&self, row: &Row<'_>, order: DateOrder, into: &mut StringRecord) -> Result<(), Bad> {
        into.clear();
        let mut fault = None;
        let mut texts: Vec<String> = Vec::with_capacity(self.fields.len());
        let mut amounts = Vec::new();
        for (at, filled) in self.fields.iter().enumerate() {
            let text = filled.as_ref().map(|filled| filled.text(row)).unwrap_or_default();
            let value = self.value(&text, at, order, filled.as_ref(), &mut amounts);
            let value = value.unwrap_or_else(|reason| {
                fault.get_or_insert(Bad {
                    column: self.names.get(at).cloned(),
                    value: Some(text.into_owned()),
                    reason,
                });
                String::new()
            });
            texts.push(value);
        }
        let fault =
            fault.or_else(|| self.other_currency(&amounts, &texts)).or_else(|| self.backwards(&texts));
        self.below_zero(&mut texts);
        for text in &texts {
            into.push_field(text);
        }
        fault.map_or(Ok(()), Err)
    }

    /// One value as the template writes it.
    fn value(
        &self,
        text: &str,
        at: usize,
        order: DateOrder,
        filled: Option<&Filled>,
        amounts: &mut Vec<(usize, crate::money::Currency)>,
    ) -> Result<String, String> {
        if text.is_empty() {
            return Ok(String::new());
        }
        if is_error_value(text) {
            return Err(
                "is a spreadsheet's error or a formula without its value; save the file again with values"
                    .to_owned(),
            );
        }
        let holds = self.holds.get(at).copied().unwrap_or(Holds::Text);
        match holds {
            Holds::Text => Ok(text.to_owned()),
            Holds::Number | Holds::Money => {
                // What the profile itself says has a point.
                let commas =
                    if matches!(filled, Some(Filled::Constant(_))) { Commas::Thousands } else { self.commas };
                let (number, currency) = cells::amount(text, commas)?;
                amounts.extend(currency.filter(|_| holds == Holds::Money).map(|currency| (at, currency)));
                Ok(number.to_string())
            }
            Holds::Currency => {
                Ok(cells::currency(text).map_or_else(|| text.to_owned(), |code| code.to_string()))
            }
            Holds::First => date_text(text, order, End::First),
            Holds::Last => {
                let of_column = matches!(filled, Some(Filled::Column { .. }));
                let is = self.profile.until_is.filter(|_| of_column).unwrap_or(UntilIs::DayAfter);
                date_text(text, order, End::Last(is))
            }
            Holds::Term | Holds::Cycle | Holds::LineType => {
                Ok(cells::word(text, holds).map_or_else(|| text.to_owned(), str::to_owned))
            }
        }
    }

    fn field(&self, name: &str) -> Option<usize> {
        self.profile.kind.fields().position(|field| field == name)
    }

    /// A price in another currency than its row.
    fn other_currency(&self, amounts: &[(usize, crate::money::Currency)], texts: &[String]) -> Option<Bad> {
        let stated = texts.get(self.field("currency")?)?;
        let (at, beside) =
            amounts.iter().find(|(_, beside)| beside.as_str() != stated && !stated.is_empty())?;
        Some(Bad {
            column: self.names.get(*at).cloned(),
            value: None,
            reason: format!("is in {beside}, but the row's currency is {stated}"),
        })
    }

    /// A period that ends before it begins, in the file's own terms.
    fn backwards(&self, texts: &[String]) -> Option<Bad> {
        let day = |name: &str| texts.get(self.field(name)?)?.parse::<NaiveDate>().ok();
        let (first, after, until) = (day("from")?, day("until")?, self.field("until")?);
        (after <= first && self.profile.until_is == Some(UntilIs::LastDay)).then(|| Bad {
            column: self.names.get(until).cloned(),
            value: None,
            reason: format!("is before the first day, {first}"),
        })
    }

    fn below_zero(&self, texts: &mut [String]) {
        let Some(word) = self.profile.below_zero.map(line_type) else { return };
        let negative = |name: &str| {
            let text = self.field(name).and_then(|at| texts.get(at));
            text.and_then(|text| text.parse::<Decimal>().ok()).is_some_and(|number| number < Decimal::ZERO)
        };
        if (negative("quantity") || negative("unit_price"))
            && let Some(text) = self.field("line_type").and_then(|at| texts.get_mut(at))
            && text.is_empty()
        {
            word.clone_into(text);
        }
    }

    /// Gives a complaint the value that the file has, not the one that it was written as.
    fn as_written(&self, bad: &mut Bad, row: &Row<'_>) {
        let Some(column) = &bad.column else { return };
        let at = self.names.iter().position(|name| name == column);
        if let Some(Some(Filled::Column { place, .. })) = at.and_then(|at| self.fields.get(at)) {
            let written = cell(row, place);
            bad.value = (!written.is_empty()).then(|| written.into_owned());
        }
    }
}

const fn line_type(of: LineType) -> &'static str {
    match of {
        LineType::Regular => "regular",
        LineType::Proration => "proration",
        LineType::Credit => "credit",
        LineType::OneOff => "one_off",
    }
}

fn date_text(text: &str, order: DateOrder, end: End) -> Result<String, String> {
    let day = dates::parse(text, end).and_then(|dated| dates::day(dated, order, end).ok());
    match day {
        Some(Some(day)) => Ok(day.to_string()),
        // A date that stands for none: an open end. As a beginning it is blank, and the template says so.
        Some(None) => Ok(String::new()),
        None => {
            let order = if order == DateOrder::Mdy { "month/day/year" } else { "day/month/year" };
            Err(format!("is not a date (read as year-month-day, or {order})"))
        }
    }
}

/// The order of day and month: the profile's, else the caller's, else what the file proves. `None`: it
/// must be asked.
fn order(
    parts: &[&Shape<'_>],
    plans: &[Plan<'_>],
    options: &ReadOptions,
    sink: &mut Sink,
) -> Result<Option<DateOrder>, FileError> {
    let stated = plans.first().and_then(|plan| plan.profile.date_order).or(options.date_order);
    if stated.is_some() {
        return Ok(stated);
    }
    let mut evidence = date::Evidence::default();
    for (part, plan) in parts.iter().zip(plans) {
        let dated: Vec<&Filled> = plan
            .fields
            .iter()
            .zip(&plan.holds)
            .filter(|(_, holds)| matches!(holds, Holds::First | Holds::Last))
            .filter_map(|(filled, _)| {
                filled.as_ref().filter(|filled| matches!(filled, Filled::Column { .. }))
            })
            .collect();
        if dated.is_empty() {
            continue;
        }
        part.table.rows(&options.limits, &mut |row| {
            if row.broken.is_none() {
                for filled in &dated {
                    shapes::weigh(&filled.text(&row), row.line, &mut evidence);
                }
            }
            Ok(evidence.dmy.is_none() || evidence.mdy.is_none())
        })?;
    }
    let shown = |name: &str, (text, line): &(String, u32)| {
        format!("dates are {name}: `{text}` in line {line} can be nothing else")
    };
    match (&evidence.dmy, &evidence.mdy) {
        (Some(seen), None) => {
            sink.reasons.push(shown("day/month/year", seen));
            Ok(Some(DateOrder::Dmy))
        }
        (None, Some(seen)) => {
            sink.reasons.push(shown("month/day/year", seen));
            Ok(Some(DateOrder::Mdy))
        }
        (None, None) if !evidence.either => Ok(Some(DateOrder::Dmy)),
        _ => {
            sink.ask("date_order", &["dmy", "mdy"]);
            Ok(None)
        }
    }
}
