//! What clients are charged.

use super::super::layout::{Cells, Field, Layout, Need};
use super::super::reader::Shape;
use super::super::sink::{Bad, Sink};
use super::super::table::fold;
use super::super::{FileError, Fit, Format, ReadOptions};
use super::{
    CLIENT, CLIENT_ID, CURRENCY, FROM, Kind, Names, PRODUCT, QUANTITY, client_if_any, count, cycle, optional,
    span, term,
};
use crate::records::{BillingLine, ClientRef, LineType, Record, Side};
use rust_decimal::Decimal;

pub(in super::super) const FORMAT: Format =
    Format { name: "leakage_billing", title: "Own template: billing", sides: &[Side::Billing], detect, read };

const LAYOUT: Layout = Layout {
    fields: &[
        CLIENT,
        CLIENT_ID,
        optional("billing_entity"),
        PRODUCT,
        Field { name: "product_code", aliases: &["itemcode"], need: Need::Optional },
        optional("agreement"),
        Field { name: "invoice", aliases: &["invoicenumber"], need: Need::Optional },
        optional("term"),
        optional("cycle"),
        QUANTITY,
        optional("included"),
        Field { name: "unit_price", aliases: &["price"], need: Need::Signature },
        CURRENCY,
        FROM,
        Field { name: "until", aliases: &["validuntil"], need: Need::Optional },
        optional("line_type"),
    ],
    unread: &[],
    never: &["unitcost"],
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

fn row(cells: &Cells<'_>, names: &mut Names, sink: &mut Sink) -> Result<(), Bad> {
    let client = names.client(cells, 0, 1, None)?;
    let name = cells.need(3)?;
    let line_type = line_type(cells)?;
    let quantity = cells.need_number(9)?;
    let unit_price = cells.need_number(11)?;
    if line_type == LineType::Regular {
        let negative =
            [(9, quantity), (11, unit_price)].into_iter().find(|(_, number)| *number < Decimal::ZERO);
        if let Some((field, _)) = negative {
            return Err(cells.bad(
                field,
                "is below zero, which only a credit, proration or one_off line may be (line_type)",
            ));
        }
    }
    let included = count(cells, 10)?.unwrap_or_default();
    if !included.is_zero() && included > quantity {
        return Err(cells.bad(10, "is more than the quantity that it is part of"));
    }
    let invoice = cells.owned(6);
    let record = BillingLine {
        client,
        billing_entity: cells.owned(2),
        product: names.product([Some(name), None, None, cells.text(4)]),
        agreement: cells.owned(5),
        source_id: None,
        term: term(cells, 7)?,
        cycle: cycle(cells, 8)?,
        quantity,
        included,
        unit_price,
        currency: cells.need_currency(12)?,
        span: span(cells, 13, 14)?,
        // An invoice row covers one cycle; without an invoice the line is an agreement's and goes on.
        recurring: invoice.is_none(),
        invoice,
        line_type,
        billable: true,
    };
    sink.keep(cells.line(), Record::BillingLine(record));
    Ok(())
}

fn line_type(cells: &Cells<'_>) -> Result<LineType, Bad> {
    let Some(text) = cells.text(15) else { return Ok(LineType::Regular) };
    match fold(text).as_str() {
        "regular" => Ok(LineType::Regular),
        "proration" => Ok(LineType::Proration),
        "credit" => Ok(LineType::Credit),
        "oneoff" => Ok(LineType::OneOff),
        _ => Err(cells.bad(15, "is none of regular, proration, credit, one_off")),
    }
}
