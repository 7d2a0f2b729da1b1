//! The licences page of the Microsoft 365 admin centre, exported as CSV.
//!
//! `Total Licenses` holds the expired ones too: usable is total less expired. Free products may have no
//! limit (`Unlimited`): how many were bought is then not a number. The file names neither
//! tenant nor day: the uploader says whose it is.

use super::layout::{Cells, Field, Layout, Need};
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::{FileError, Fit, Format, ReadOptions};
use crate::records::{ClientRef, Entitlement, Held, ProductRef, Record, Side};
use rust_decimal::Decimal;

pub(super) const FORMAT: Format = Format {
    name: "microsoft_admin_center_licenses",
    title: "Microsoft 365 admin centre, licences page",
    sides: &[Side::Entitlement],
    detect,
    read,
};

const TITLE: usize = 0;
const TOTAL: usize = 1;
const EXPIRED: usize = 2;
const ASSIGNED: usize = 3;

const LAYOUT: Layout = Layout {
    fields: &[
        Field { name: "Product Title", aliases: &["producttitles"], need: Need::Signature },
        Field { name: "Total Licenses", aliases: &["totallicences"], need: Need::Signature },
        Field { name: "Expired Licenses", aliases: &["expiredlicences"], need: Need::Optional },
        Field { name: "Assigned licenses", aliases: &["assignedlicences"], need: Need::Required },
    ],
    unread: &["renewaldate", "statusmessage"],
    never: &[],
};

fn detect(shape: &Shape<'_>) -> Fit {
    LAYOUT.fit(&shape.table.columns)
}

fn read(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    sink.snapshot = true;
    sink.names_client = false;
    sink.ask("client", &[]);
    for shape in shapes {
        LAYOUT.read(&shape.table, &options.limits, sink, &|_| None, &mut row)?;
    }
    Ok(())
}

fn row(cells: &Cells<'_>, sink: &mut Sink) -> Result<(), Bad> {
    let title = cells.need(TITLE)?;
    let expired = count(cells, EXPIRED)?.unwrap_or_default();
    let purchased = if cells.need(TOTAL)?.eq_ignore_ascii_case("unlimited") {
        sink.note(
            Some(cells.line()),
            "unlimited_seats",
            "without a limit there is no number of seats bought",
        );
        None
    } else {
        let total = count(cells, TOTAL)?.unwrap_or_default();
        if expired > total {
            return Err(cells.bad(EXPIRED, "is more than the total"));
        }
        Some(total - expired)
    };
    let assigned = count(cells, ASSIGNED)?;
    sink.keep(
        cells.line(),
        Record::Entitlement(Entitlement {
            client: ClientRef::default().into(),
            product: ProductRef { name: Some(title.to_owned()), ..ProductRef::default() }.into(),
            subscription: None,
            term: None,
            purchased,
            assigned,
            active: None,
            free: false,
            held: Held::Snapshot { on: None },
        }),
    );
    Ok(())
}

fn count(cells: &Cells<'_>, field: usize) -> Result<Option<Decimal>, Bad> {
    let number = cells.number(field)?;
    if number.is_some_and(|number| number < Decimal::ZERO) {
        return Err(cells.bad(field, "is below zero"));
    }
    Ok(number)
}
