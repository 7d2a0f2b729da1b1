//! Confirmed mappings: a source's name or id, and the client or product that it stands for.

use super::super::layout::{Cells, Field, Layout, Need};
use super::super::reader::Shape;
use super::super::sink::{Bad, Sink};
use super::super::table::fold;
use super::super::{FileError, Fit, Format, ReadOptions};
use super::{optional, span};
use crate::records::{MappingRow, MappingSide, Record};

pub(in super::super) const FORMAT: Format =
    Format { name: "leakage_mappings", title: "Own template: mappings", sides: &[], detect, read };

const LAYOUT: Layout = Layout {
    fields: &[
        Field { name: "side", aliases: &[], need: Need::Signature },
        Field { name: "source", aliases: &[], need: Need::Signature },
        Field { name: "target", aliases: &[], need: Need::Signature },
        Field { name: "approved_by", aliases: &[], need: Need::Required },
        optional("from"),
        optional("until"),
    ],
    unread: &[],
    never: &[],
};

fn detect(shape: &Shape<'_>) -> Fit {
    LAYOUT.fit(&shape.table.columns)
}

fn read(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    for shape in shapes {
        LAYOUT.read(&shape.table, &options.limits, sink, &|_| None, &mut row)?;
    }
    Ok(())
}

fn row(cells: &Cells<'_>, sink: &mut Sink) -> Result<(), Bad> {
    let side = match fold(cells.need(0)?).as_str() {
        "client" | "clients" => MappingSide::Client,
        "product" | "products" => MappingSide::Product,
        _ => return Err(cells.bad(0, "is neither client nor product")),
    };
    let source = cells.need(1)?.to_owned();
    let target = cells.need(2)?.to_owned();
    let approved_by = cells.need(3)?.to_owned();
    let span = match (cells.text(4), cells.text(5)) {
        (None, None) => None,
        (None, Some(_)) => return Err(cells.bad(4, "is empty; a mapping with an end needs its beginning")),
        _ => Some(span(cells, 4, 5)?),
    };
    sink.keep(cells.line(), Record::Mapping(MappingRow { side, source, target, approved_by, span }));
    Ok(())
}
