//! Pax8 invoices: totals, without the lines that could be compared.
//!
//! Source: the partner API, `GET /v1/invoices` (<https://docs.pax8.com>).

use super::reader::Shape;
use super::sink::Sink;
use super::vendor_item::Rows;
use super::{FileError, Fit, Format, ReadOptions};
use crate::records::Side;

pub(super) const FORMAT: Format =
    Format { name: "pax8_invoices", title: "Pax8 invoices", sides: &[Side::Cost], detect, read };

const ROWS: Rows = Rows {
    paths: &[&["content"]],
    keys: &["invoiceDate", "dueDate", "carriedBalance", "balance", "total"],
    never: &["startPeriod", "lines"],
    known: &[],
};

fn detect(shape: &Shape<'_>) -> Fit {
    ROWS.fit(shape)
}

fn read(_: &[&Shape<'_>], _: &ReadOptions, _: &mut Sink) -> Result<(), FileError> {
    Err(FileError::NothingToCompare {
        what: "a list of Pax8 invoices",
        lacks: "has totals and no lines",
        instead: "export the items of the invoice",
    })
}
