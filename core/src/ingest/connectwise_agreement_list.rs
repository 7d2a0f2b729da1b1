//! ConnectWise PSA's list of agreements as it is exported from the screen: known, and nothing to compare.
//!
//! Its amount is that of an agreement with all additions: neither products nor quantities. The list of additions
//! is [`super::connectwise_addition_list`].

use super::layout::{Field, Layout, Need};
use super::reader::Shape;
use super::sink::Sink;
use super::{FileError, Fit, Format, ReadOptions};
use crate::records::Side;

pub(super) const FORMAT: Format = Format {
    name: "connectwise_agreement_list",
    title: "ConnectWise PSA agreements (list export)",
    sides: &[Side::Billing],
    detect,
    read,
};

const fn field(name: &'static str, aliases: &'static [&'static str], need: Need) -> Field {
    Field { name, aliases, need }
}

const LAYOUT: Layout = Layout {
    fields: &[
        field("Agreement Name", &["agreement"], Need::Signature),
        field("Company Name", &["company"], Need::Signature),
        field("Date Start", &["startdate"], Need::Signature),
        field("Date End", &["enddate"], Need::SignatureOneOf(1)),
        field("Billing Cycle", &[], Need::SignatureOneOf(1)),
        field("Next Invoice Date", &[], Need::SignatureOneOf(1)),
    ],
    unread: &[],
    never: &["product", "productid", "item", "quantity", "qty", "unitprice"],
};

fn detect(shape: &Shape<'_>) -> Fit {
    if shape.is_json() { Fit::No { shared: 0 } } else { LAYOUT.fit(&shape.table.columns) }
}

fn read(_: &[&Shape<'_>], _: &ReadOptions, _: &mut Sink) -> Result<(), FileError> {
    Err(FileError::NothingToCompare {
        what: "a list of ConnectWise agreements",
        lacks: "has amounts and no additions",
        instead: "export the list of additions (the Additions tab of the agreement search)",
    })
}
