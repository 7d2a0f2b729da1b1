//! Prices to use where billing lines give none.

use super::super::layout::{Cells, Field, Layout, Need};
use super::super::reader::Shape;
use super::super::sink::{Bad, Sink};
use super::super::{FileError, Fit, Format, ReadOptions};
use super::{
    CLIENT_ID, CLIENT_IF_ANY, CURRENCY, FROM, Kind, Names, PRODUCT, client_if_any, count, cycle, optional,
    span, term,
};
use crate::records::{ClientRef, Price, ProductRef, Record};

pub(in super::super) const FORMAT: Format =
    Format { name: "leakage_prices", title: "Own template: prices", sides: &[], detect, read };

const LAYOUT: Layout = Layout {
    fields: &[
        CLIENT_IF_ANY,
        CLIENT_ID,
        PRODUCT,
        optional("sku"),
        optional("term"),
        optional("cycle"),
        Field { name: "unit_price", aliases: &["price"], need: Need::Signature },
        CURRENCY,
        FROM,
        Field { name: "until", aliases: &["validuntil"], need: Need::Optional },
    ],
    unread: &[],
    // With a quantity it is a bill.
    never: &["quantity", "qty", "seats", "unitcost", "invoice"],
};

fn detect(shape: &Shape<'_>) -> Fit {
    LAYOUT.fit(&shape.table.columns)
}

fn read(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    for shape in shapes {
        LAYOUT.read_rows(&shape.table, &options.limits, sink, None, &client_of, &row)?;
    }
    Ok(())
}

pub(in super::super) const KIND: Kind = Kind { format: &FORMAT, layout: &LAYOUT, client: client_of, row };

fn client_of(cells: &Cells<'_>) -> Option<ClientRef> {
    client_if_any(cells, 0, 1, None)
}

fn row(cells: &Cells<'_>, _: &mut Names, sink: &mut Sink) -> Result<(), Bad> {
    let name = cells.need(2)?.to_owned();
    let unit_price = count(cells, 6)?.ok_or_else(|| cells.bad(6, "is empty, and is needed"))?;
    let record = Price {
        client: client_if_any(cells, 0, 1, None),
        product: ProductRef { name: Some(name), sku: cells.owned(3), ..ProductRef::default() },
        term: term(cells, 4)?,
        cycle: cycle(cells, 5)?,
        unit_price,
        currency: cells.need_currency(7)?,
        span: span(cells, 8, 9)?,
    };
    sink.keep(cells.line(), Record::Price(Box::new(record)));
    Ok(())
}
