//! What a table may not say itself: the order of day and month in its dates, and the currency of its
//! prices. The answer to the question is taken, or what the file says or proves, or the question is asked.

use super::date::Evidence;
use super::layout::{Cells, Layout};
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::{DateOrder, FileError, ReadOptions};
use crate::money::Currency;

/// The order in which these columns write their dates; none, and asked, when nothing tells it.
pub(super) fn date_order(
    layout: &Layout,
    shapes: &[&Shape<'_>],
    columns: &[usize],
    options: &ReadOptions,
    sink: &mut Sink,
) -> Result<Option<DateOrder>, FileError> {
    if options.date_order.is_some() {
        return Ok(options.date_order);
    }
    let mut evidence = Evidence::default();
    let mut scratch = Sink::new(&options.limits);
    for shape in shapes {
        layout.read(&shape.table, &options.limits, &mut scratch, &|_| None, &mut |cells, _| {
            for text in columns.iter().filter_map(|&column| cells.text(column)) {
                evidence.add(text, cells.line());
            }
            Ok(())
        })?;
    }
    let proof = |order: &str, (text, line): &(String, u32)| {
        format!("dates are {order}: `{text}` in line {line} can be nothing else")
    };
    Ok(match (&evidence.dmy, &evidence.mdy) {
        (Some(shown), None) => {
            sink.reasons.push(proof("day/month/year", shown));
            Some(DateOrder::Dmy)
        }
        (None, Some(shown)) => {
            sink.reasons.push(proof("month/day/year", shown));
            Some(DateOrder::Mdy)
        }
        // Only dates with the year first: any order reads them.
        (None, None) if !evidence.either => Some(DateOrder::Dmy),
        _ => {
            sink.ask("date_order", &["dmy", "mdy"]);
            None
        }
    })
}

/// The currency of a row: its own, else the answer to the question `currency`; none while that is open.
pub(super) fn currency(
    cells: &Cells<'_>,
    column: usize,
    options: &ReadOptions,
    sink: &mut Sink,
) -> Result<Option<Currency>, Bad> {
    if cells.text(column).is_some() {
        return cells.need_currency(column).map(Some);
    }
    if options.currency.is_none() {
        sink.ask("currency", &[]);
    }
    Ok(options.currency)
}
