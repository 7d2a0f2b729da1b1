//! Google's table of products and SKUs: which id is which product.
//!
//! Source: <https://developers.google.com/workspace/admin/licensing/v1/how-tos/products>, as CSV. It holds no
//! seats; its names make Google's SKU ids readable. Only the SKU id is kept, which is one product's alone: a
//! reseller's subscription names no product id.

use super::layout::{Field, Layout, Need};
use super::limits::Limits;
use super::reader::Shape;
use super::sink::Sink;
use super::table::{clean, fold};
use super::{FileError, Fit, Format, ReadOptions};
use crate::records::{ProductRef, Record};

pub(super) const FORMAT: Format =
    Format { name: "google_workspace_products", title: "Google products and SKUs", sides: &[], detect, read };

const SKU: usize = 1;
const NAME: usize = 2;

const LAYOUT: Layout = Layout {
    fields: &[
        Field { name: "productId", aliases: &[], need: Need::Signature },
        Field { name: "skuId", aliases: &[], need: Need::Signature },
        Field { name: "name", aliases: &["skuname", "productname"], need: Need::Signature },
    ],
    unread: &[],
    never: &["availabilityid", "quantity", "userid", "market", "currency"],
};

fn detect(shape: &Shape<'_>) -> Fit {
    let fit = LAYOUT.fit(&shape.table.columns);
    let product = shape.table.columns.iter().position(|column| fold(column) == "productid");
    let Some(product) = product.filter(|_| matches!(fit, Fit::Yes(_))) else { return fit };
    // The columns are common words; the ids are Google's own.
    let mut google = false;
    let looked = shape.table.rows(&Limits::default(), &mut |row| {
        let id = clean(row.cells.get(product).unwrap_or_default());
        google = id.starts_with("Google-") || (id.len() == 6 && id.starts_with("101"));
        Ok(!google)
    });
    if google && looked.is_ok() { fit } else { Fit::No { shared: 0 } }
}

fn read(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    for shape in shapes {
        LAYOUT.read(&shape.table, &options.limits, sink, &|_| None, &mut |cells, sink| {
            let sku = cells.need(SKU)?.to_owned();
            let name = cells.need(NAME)?.to_owned();
            let product = ProductRef { name: Some(name), sku: Some(sku), ..ProductRef::default() };
            sink.keep(cells.line(), Record::Product(product));
            Ok(())
        })?;
    }
    Ok(())
}
