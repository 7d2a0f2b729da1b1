//! Dates of exports that are written in American English (`4/30/2026`), for whichever export it is.
//!
//! The order is the source's own, month before day, unless the file shows that something rewrote its
//! dates: a spreadsheet of another country makes `30.04.2026` of them. Then what the dates prove counts,
//! and if they prove nothing, the user is asked. The usual file is read once.

use super::date::{self, Evidence, Written};
use super::layout::{Cells, Layout};
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::{DateOrder, FileError, ReadOptions};
use chrono::NaiveDate;

/// How dates are read, and whether any looked otherwise than the export writes them.
pub(super) struct Dates {
    order: DateOrder,
    doubt: bool,
}

impl Dates {
    /// The day in this cell; none where it is blank or stands for no date.
    pub(super) fn of(&mut self, cells: &Cells<'_>, field: usize) -> Result<Option<NaiveDate>, Bad> {
        let written = cells.text(field).and_then(date::parse);
        let day = cells.date(field, self.order);
        if let Some(Written::Two { foreign, .. }) = written {
            self.doubt |= foreign || day.is_err();
        }
        day
    }

    /// The day in this cell, which must hold one.
    pub(super) fn need(&mut self, cells: &Cells<'_>, field: usize) -> Result<NaiveDate, Bad> {
        self.of(cells, field)?.ok_or_else(|| cells.bad(field, "is empty, and is needed"))
    }
}

/// Reads rows whose dates stand in these fields.
pub(super) fn read(
    layout: &Layout,
    fields: &[usize],
    shapes: &[&Shape<'_>],
    options: &ReadOptions,
    sink: &mut Sink,
    rows: &mut dyn FnMut(&mut Dates, &mut Sink) -> Result<(), FileError>,
) -> Result<(), FileError> {
    if let Some(order) = options.date_order {
        return rows(&mut Dates { order, doubt: false }, sink);
    }
    let mark = sink.mark();
    let mut dates = Dates { order: DateOrder::Mdy, doubt: false };
    rows(&mut dates, sink)?;
    if !dates.doubt {
        return Ok(());
    }
    sink.restart(mark);
    let mut evidence = Evidence::default();
    let mut scratch = Sink::new(&options.limits);
    for shape in shapes {
        layout.read(&shape.table, &options.limits, &mut scratch, &|_| None, &mut |cells, _| {
            for text in fields.iter().filter_map(|&field| cells.text(field)) {
                evidence.add(text, cells.line());
            }
            Ok(())
        })?;
    }
    match (&evidence.dmy, &evidence.mdy) {
        (Some((text, line)), None) => {
            sink.reasons
                .push(format!("dates are day/month/year: `{text}` in line {line} can be nothing else"));
            rows(&mut Dates { order: DateOrder::Dmy, doubt: false }, sink)
        }
        (None, None) if evidence.foreign => {
            sink.ask("date_order", &["dmy", "mdy"]);
            sink.read = scratch.read;
            sink.unknown_columns = scratch.unknown_columns;
            Ok(())
        }
        // Both: the rows that are no month/day/year are refused one by one.
        _ => rows(&mut Dates { order: DateOrder::Mdy, doubt: false }, sink),
    }
}
