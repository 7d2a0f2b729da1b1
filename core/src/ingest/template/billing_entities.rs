//! The parts of clients that are billed by themselves.

use super::super::layout::{Cells, Field, Layout, Need};
use super::super::reader::Shape;
use super::super::sink::{Bad, Sink};
use super::super::{FileError, Fit, Format, ReadOptions};
use super::{CLIENT, CLIENT_ID, client_if_any, needed_client, optional};
use crate::audit::BillingEntity;
use crate::records::{Decision, Record};

pub(in super::super) const FORMAT: Format = Format {
    name: "leakage_billing_entities",
    title: "Own template: billing entities",
    sides: &[],
    detect,
    read,
};

const LAYOUT: Layout = Layout {
    fields: &[
        CLIENT,
        CLIENT_ID,
        Field { name: "billing_entity", aliases: &[], need: Need::Signature },
        // Its name of old, by which its gaps are known.
        optional("first_name"),
    ],
    unread: &[],
    never: &["by", "quantity", "unitprice", "product", "purchased"],
};

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
    let name = cells.need(2)?.to_owned();
    let names = cells.owned(3).filter(|first| *first != name).into_iter().chain([name]).collect();
    let entity = BillingEntity { client: needed_client(cells, 0, 1)?, names };
    sink.keep(cells.line(), Record::Decision(Box::new(Decision::BillingEntity(entity))));
    Ok(())
}
