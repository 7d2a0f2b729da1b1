//! What vendors charge. A plain recurring row is seats over its days; signs tell refund from charge.

use super::super::charge_words::{is_known_charge_type, snake};
use super::super::layout::{Cells, Field, Layout, Need};
use super::super::reader::Shape;
use super::super::sink::{Bad, Sink};
use super::super::{FileError, Fit, Format, ReadOptions};
use super::{
    CLIENT, CLIENT_ID, CURRENCY, FROM, Kind, Names, PRODUCT, QUANTITY, client_if_any, cycle, optional, span,
    term,
};
use crate::records::{ChargeKind, ClientRef, Record, Side, VendorCharge};
use rust_decimal::Decimal;

pub(in super::super) const FORMAT: Format =
    Format { name: "leakage_cost", title: "Own template: cost", sides: &[Side::Cost], detect, read };

const LAYOUT: Layout = Layout {
    fields: &[
        CLIENT,
        CLIENT_ID,
        PRODUCT,
        Field { name: "sku", aliases: &["skuid"], need: Need::Optional },
        Field { name: "subscription", aliases: &["subscriptionid"], need: Need::Optional },
        Field { name: "charge_type", aliases: &[], need: Need::Optional },
        optional("term"),
        optional("cycle"),
        QUANTITY,
        Field { name: "unit_cost", aliases: &["cost"], need: Need::Signature },
        CURRENCY,
        FROM,
        Field { name: "until", aliases: &["validuntil"], need: Need::Optional },
    ],
    unread: &[],
    never: &["unitprice"],
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
    let name = cells.need(2)?;
    let charge_type = cells.text(5).map(snake);
    let quantity = cells.need_number(8)?;
    let unit_price = cells.need_number(9)?;
    if quantity < Decimal::ZERO && charge_type.is_none() {
        return Err(cells.bad(8, "is below zero, which only a row with a charge_type may be"));
    }
    let amount = quantity
        .checked_mul(unit_price)
        .ok_or_else(|| cells.bad(9, "times the quantity is more than can be kept exactly"))?;
    let kind = match charge_type.as_deref() {
        Some("usage") => ChargeKind::Usage,
        Some("one_time" | "one_off" | "setup") => ChargeKind::OneTime,
        _ => ChargeKind::Licence,
    };
    let known_charge_type =
        charge_type.as_deref().is_none_or(|kind| is_known_charge_type(kind) || OWN.contains(&kind));
    if let Some(kind) = charge_type.as_deref().filter(|_| !known_charge_type) {
        sink.note(
            Some(cells.line()),
            "unknown_charge_type",
            format!("the charge type `{kind}` is not known; the charge is kept"),
        );
    }
    let record = VendorCharge {
        client,
        product: names.product([Some(name), cells.text(3), None, None]),
        subscription: cells.text(4).map(str::to_lowercase),
        invoice: None,
        reference: None,
        kind,
        known_charge_type,
        charge_type: charge_type.map(Into::into),
        term: term(cells, 6)?,
        cycle: cycle(cells, 7)?,
        quantity,
        unit_price,
        list_price: None,
        amount,
        currency: cells.need_currency(10)?,
        span: span(cells, 11, 12)?,
        subscription_span: None,
        ordered_on: None,
    };
    sink.keep(cells.line(), Record::VendorCharge(record));
    Ok(())
}

/// Charge types of the template beside Partner Center's.
const OWN: &[&str] = &["regular", "recurring", "credit", "one_time", "one_off", "setup"];
