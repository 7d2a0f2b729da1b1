//! Which seats of a client go to which of its billing entities.

use super::super::layout::{Cells, Field, Layout, Need};
use super::super::reader::Shape;
use super::super::sink::{Bad, Sink};
use super::super::table::fold;
use super::super::{FileError, Fit, Format, ReadOptions};
use super::{CLIENT, CLIENT_ID, FROM, client_if_any, needed_client, optional, product_if_any, span};
use crate::audit::{AllocateBy, Allocation};
use crate::records::{Decision, Record};

pub(in super::super) const FORMAT: Format =
    Format { name: "leakage_allocations", title: "Own template: allocations", sides: &[], detect, read };

const LAYOUT: Layout = Layout {
    fields: &[
        CLIENT,
        CLIENT_ID,
        // As it was named first, if it has another name by now.
        Field { name: "billing_entity", aliases: &[], need: Need::Signature },
        Field { name: "by", aliases: &[], need: Need::Signature },
        optional("value"),
        Field { name: "product", aliases: &["productname"], need: Need::Optional },
        FROM,
        Field { name: "until", aliases: &["validuntil"], need: Need::Optional },
        optional("reason"),
    ],
    unread: &[],
    never: &["quantity", "unitprice", "purchased"],
};

/// More seats than any client has.
const MOST_SEATS: u32 = 1_000_000_000;

fn detect(shape: &Shape<'_>) -> Fit {
    LAYOUT.fit(&shape.table.columns)
}

fn read(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    for shape in shapes {
        let client = |cells: &Cells<'_>| client_if_any(cells, 0, 1, None);
        LAYOUT.read(&shape.table, &options.limits, sink, &client, &mut row)?;
    }
    Ok(())
}

fn row(cells: &Cells<'_>, sink: &mut Sink) -> Result<(), Bad> {
    let allocation = Allocation {
        client: needed_client(cells, 0, 1)?,
        entity: cells.need(2)?.to_owned(),
        product: product_if_any(cells, 5),
        by: by(cells)?,
        span: span(cells, 6, 7)?,
    };
    sink.keep(cells.line(), Record::Decision(Box::new(Decision::Allocation(allocation))));
    Ok(())
}

fn by(cells: &Cells<'_>) -> Result<AllocateBy, Bad> {
    let value = || cells.need(4).map(str::to_owned);
    Ok(match fold(cells.need(3)?).as_str() {
        "group" => AllocateBy::Group(value()?),
        "department" => AllocateBy::Department(value()?),
        "domain" => AllocateBy::Domain(value()?.to_lowercase()),
        "fixed" => {
            let seats = cells.need(4)?.parse().ok().filter(|seats| *seats <= MOST_SEATS);
            AllocateBy::Fixed(seats.ok_or_else(|| cells.bad(4, "is not a whole number of seats"))?)
        }
        "rest" if cells.text(4).is_some() => {
            return Err(cells.bad(4, "has no meaning for the rest: it is what is left"));
        }
        "rest" => AllocateBy::Rest,
        _ => return Err(cells.bad(3, "is none of group, department, domain, fixed, rest")),
    })
}
