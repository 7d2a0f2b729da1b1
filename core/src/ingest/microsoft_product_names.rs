//! Microsoft's published table of product names and service plan identifiers for licensing, as CSV.
//!
//! Source: <https://learn.microsoft.com/entra/identity/users/licensing-service-plan-reference>. One row for each
//! SKU and service plan; a SKU is kept once for each of its names. Copies of all years are alike but for
//! the encoding and a blank in `String_ Id`. Cells have stray blanks, no-break ones too. A name is no key:
//! some belong to two ids, and some ids have two names.
//!
//! Lists of ids and names without part numbers and plans go around as lists of SKUs to leave out (free and
//! trial ones). They say not why a SKU is in them, so they are not taken for names, nor for rules, of which each
//! has a reason and an owner.

use super::layout::{Cells, Field, Layout, Need};
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::table::fold;
use super::{FileError, Fit, Format, ReadOptions};
use crate::records::{ProductRef, Record};
use std::collections::HashSet;

pub(super) const FORMAT: Format = Format {
    name: "microsoft_product_names",
    title: "Microsoft's product names and service plan identifiers",
    sides: &[],
    detect,
    read,
};

const NAME: usize = 0;
const PART_NUMBER: usize = 1;
const GUID: usize = 2;

const LAYOUT: Layout = Layout {
    fields: &[
        Field { name: "Product_Display_Name", aliases: &["productname"], need: Need::Signature },
        Field { name: "String_Id", aliases: &[], need: Need::Optional },
        Field { name: "GUID", aliases: &[], need: Need::Signature },
    ],
    unread: &["serviceplanname", "serviceplanid", "serviceplansincludedfriendlynames"],
    never: &["prepaidunits", "consumedunits", "quantity", "unitprice"],
};

fn detect(shape: &Shape<'_>) -> Fit {
    LAYOUT.fit(&shape.table.columns)
}

fn read(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    let columns = shapes.iter().flat_map(|shape| &shape.table.columns);
    if !columns.map(|column| fold(column)).any(|column| column == "stringid") {
        return Err(FileError::NothingToCompare {
            what: "a list of product ids and names (such as the SKUs that a tool leaves out)",
            lacks: "has neither seats nor prices, and does not say what the list means",
            instead: "free and trial SKUs of Microsoft are known already; to leave out others, upload a file of rules of the kind `exclude`",
        });
    }
    let mut kept = HashSet::new();
    for shape in shapes {
        LAYOUT.read(&shape.table, &options.limits, sink, &|_| None, &mut |cells, sink| {
            let product = product(cells)?;
            if kept.insert(product.clone()) {
                sink.keep(cells.line(), Record::Product(product));
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn product(cells: &Cells<'_>) -> Result<ProductRef, Bad> {
    let guid = cells.need(GUID)?;
    let id = uuid::Uuid::parse_str(guid).map_err(|_| cells.bad(GUID, "is not a GUID"))?;
    let name = cells.need(NAME)?.replace('\u{a0}', " ");
    let part_number = cells.owned(PART_NUMBER);
    Ok(ProductRef { name: Some(name), sku: Some(id.to_string()), part_number, code: None })
}
