//! What clients have: purchased, assigned and active seats over time.

use super::super::layout::{Cells, Field, Layout, Need};
use super::super::reader::Shape;
use super::super::sink::{Bad, Sink};
use super::super::{FileError, Fit, Format, ReadOptions};
use super::{CLIENT, CLIENT_ID, FROM, Kind, Names, PRODUCT, client_if_any, count, optional, span, term};
use crate::records::{ClientRef, Entitlement, Held, Record, Side};

pub(in super::super) const FORMAT: Format = Format {
    name: "leakage_entitlements",
    title: "Own template: entitlements",
    sides: &[Side::Entitlement],
    detect,
    read,
};

const LAYOUT: Layout = Layout {
    fields: &[
        CLIENT,
        CLIENT_ID,
        optional("domain"),
        PRODUCT,
        Field { name: "sku", aliases: &["skuid"], need: Need::Optional },
        Field { name: "part_number", aliases: &["skupartnumber"], need: Need::Optional },
        Field { name: "subscription", aliases: &["subscriptionid"], need: Need::Optional },
        optional("term"),
        Field { name: "purchased", aliases: &["purchasedseats"], need: Need::SignatureOneOf(1) },
        Field { name: "assigned", aliases: &["assignedseats"], need: Need::SignatureOneOf(1) },
        Field { name: "active", aliases: &["activeseats"], need: Need::SignatureOneOf(1) },
        FROM,
        Field { name: "until", aliases: &["validuntil"], need: Need::Optional },
    ],
    unread: &[],
    never: &["quantity", "unitprice", "unitcost"],
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
    client_if_any(cells, 0, 1, Some(2))
}

fn row(cells: &Cells<'_>, names: &mut Names, sink: &mut Sink) -> Result<(), Bad> {
    let client = names.client(cells, 0, 1, Some(2))?;
    let name = cells.need(3)?;
    let sku = cells.text(4).map(str::to_lowercase);
    let (purchased, assigned, active) = (count(cells, 8)?, count(cells, 9)?, count(cells, 10)?);
    if purchased.is_none() && assigned.is_none() && active.is_none() {
        return Err(cells.bad(8, "is empty, and so are assigned and active; one of them is needed"));
    }
    let record = Entitlement {
        client,
        product: names.product([Some(name), sku.as_deref(), cells.text(5), None]),
        subscription: cells.text(6).map(str::to_lowercase),
        term: term(cells, 7)?,
        purchased,
        assigned,
        active,
        free: false,
        // Only with a profile a file can have no such column: it shows what is so now.
        held: if cells.has(11) { Held::During(span(cells, 11, 12)?) } else { Held::Snapshot { on: None } },
    };
    sink.keep(cells.line(), Record::Entitlement(record));
    Ok(())
}
