//! The order of day and month in the tables of distributors, whose exports follow the reader's locale.
//!
//! Taken from the caller's answer, else from what the dates of the file prove; where they prove nothing it is
//! asked. Months by name (`30-AUG-2025`) and dates with the year first need no order.

use super::date::{self, Evidence, Written};
use super::layout::{Cells, Layout};
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::{DateOrder, FileError, ReadOptions};
use crate::records::ClientRef;
use chrono::NaiveDate;

/// The order of a file's dates; none when it must be asked first: then the rows are counted and the question
/// stands.
pub(super) fn order(
    layout: &Layout,
    dates: &[usize],
    shapes: &[&Shape<'_>],
    options: &ReadOptions,
    sink: &mut Sink,
) -> Result<Option<DateOrder>, FileError> {
    if let Some(order) = options.date_order {
        return Ok(Some(order));
    }
    let mut evidence = Evidence::default();
    let mut scratch = Sink::new(&options.limits);
    for shape in shapes {
        layout.read(&shape.table, &options.limits, &mut scratch, &|_| None, &mut |cells, _| {
            for date in dates {
                if let Some(text) = cells.text(*date) {
                    evidence.add(text, cells.line());
                }
            }
            Ok(())
        })?;
    }
    let (order, seen, name) = match (evidence.dmy, evidence.mdy) {
        (Some(seen), None) => (DateOrder::Dmy, seen, "day/month/year"),
        (None, Some(seen)) => (DateOrder::Mdy, seen, "month/day/year"),
        (None, None) if !evidence.either => return Ok(Some(DateOrder::Dmy)),
        // Nothing proves an order, or the dates prove both: a person must say which.
        _ => {
            sink.ask("date_order", &["dmy", "mdy"]);
            for shape in shapes {
                layout.read(&shape.table, &options.limits, sink, &|_| None, &mut |_, _| Ok(()))?;
            }
            return Ok(None);
        }
    };
    let (text, line) = seen;
    sink.reasons.push(format!("dates are {name}: `{text}` in line {line} can be nothing else"));
    Ok(Some(order))
}

/// The day of a cell, in any spelling that the tables of distributors have.
pub(super) fn day(cells: &Cells<'_>, field: usize, order: DateOrder) -> Result<Option<NaiveDate>, Bad> {
    match cells.text(field).and_then(named_month) {
        Some(day) => Ok(Some(day)),
        None => cells.date(field, order),
    }
}

/// The same, of a cell that must hold a day.
pub(super) fn need_day(cells: &Cells<'_>, field: usize, order: DateOrder) -> Result<NaiveDate, Bad> {
    day(cells, field, order)?.ok_or_else(|| cells.bad(field, "is empty, and is needed"))
}

/// Whether a cell says midnight in so many digits: then an end is the day after the last.
pub(super) fn at_midnight(text: &str) -> bool {
    matches!(date::parse(text), Some(Written::Iso(_) | Written::Two { .. })) && text.contains("00:00:00")
}

/// `30-AUG-2025`, `30 Aug 2025`.
fn named_month(text: &str) -> Option<NaiveDate> {
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let mut parts = text.split(['-', ' ', '/']);
    let (day, name, year) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 || !(1..=2).contains(&day.len()) {
        return None;
    }
    let name = name.to_lowercase();
    let month = (1..).zip(MONTHS).find(|(_, month)| name == *month)?.0;
    NaiveDate::from_ymd_opt(year.parse().ok()?, month, day.parse().ok()?)
}

/// The client of a row by its name, to say whose comparison a refused row spoils.
pub(super) fn client_named(cells: &Cells<'_>, field: usize) -> Option<ClientRef> {
    cells.owned(field).map(|name| ClientRef { name: Some(name), ..ClientRef::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_by_name_are_days_in_any_letter_case() {
        let august = NaiveDate::from_ymd_opt(2025, 8, 30);
        for text in ["30-AUG-2025", "30-Aug-2025", "30 aug 2025"] {
            assert_eq!(named_month(text), august, "{text}");
        }
        for text in ["30-08-2025", "31-FEB-2025", "30-AUG-25", "AUG-30-2025", "30-AUG-2025-1"] {
            assert_eq!(named_month(text), None, "{text}");
        }
    }
}
