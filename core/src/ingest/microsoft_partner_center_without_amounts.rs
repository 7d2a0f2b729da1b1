//! A Partner Center reconciliation that someone cut down to its names: no quantities, no amounts, no days.
//!
//! Such a file says which products a customer has and nothing that can be compared; it is told so by name
//! rather than by a list of missing columns.

use super::layout::{Field, Layout, Need};
use super::reader::Shape;
use super::sink::Sink;
use super::{Detection, FileError, Fit, Format, ReadOptions};
use crate::records::Side;
use rust_decimal::Decimal;

pub(super) const FORMAT: Format = Format {
    name: "microsoft_partner_center_without_amounts",
    title: "Partner Center reconciliation without quantities and amounts",
    sides: &[Side::Cost],
    detect,
    read,
};

const fn field(name: &'static str) -> Field {
    Field { name, aliases: &[], need: Need::Signature }
}

const LAYOUT: Layout = Layout {
    fields: &[field("ProductId"), field("SkuId"), field("ChargeType"), field("TermAndBillingCycle")],
    unread: &[],
    never: &[
        "quantity",
        "billablequantity",
        "subtotal",
        "total",
        "totalforcustomer",
        "unitprice",
        "effectiveunitprice",
        "chargestartdate",
        "partnersubtotal",
    ],
};

fn detect(shape: &Shape<'_>) -> Fit {
    match LAYOUT.fit(&shape.table.columns) {
        // Whatever can read the file reads it.
        Fit::Yes(detection) => Fit::Yes(Detection { confidence: Decimal::new(80, 2), ..detection }),
        other => other,
    }
}

fn read(_: &[&Shape<'_>], _: &ReadOptions, _: &mut Sink) -> Result<(), FileError> {
    Err(FileError::NothingToCompare {
        what: "a Partner Center reconciliation cut down to a few columns",
        lacks: "has neither quantities nor amounts nor charge dates",
        instead: "upload the reconciliation file with all its columns, as Partner Center exports it",
    })
}
