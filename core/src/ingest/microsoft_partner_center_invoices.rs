//! Partner Center answers that are known and hold nothing to compare: invoices and their summaries, use per
//! workload, the licences of one user, and the manifest of a bulk export. Each says what to export instead.
//!
//! Sources: <https://learn.microsoft.com/partner-center/developer/get-a-collection-of-invoices>,
//! <https://learn.microsoft.com/partner-center/developer/get-invoice-summaries>,
//! <https://learn.microsoft.com/partner-center/developer/get-customer-licenses-usage-information>,
//! <https://learn.microsoft.com/partner-center/developer/check-which-licenses-are-assigned-to-a-user>,
//! <https://learn.microsoft.com/graph/api/resources/partners-billing-manifest>.

use super::json::Object;
use super::partner_center_items::fit;
use super::reader::Shape;
use super::sink::Sink;
use super::{FileError, Fit, Format, ReadOptions};

pub(super) const FORMAT: Format = Format {
    name: "microsoft_partner_center_invoices",
    title: "Partner Center answers without seats or lines",
    sides: &[],
    detect,
    read,
};

/// A kind of answer: the keys that show it, and what to say.
struct Kind {
    keys: &'static [&'static str],
    /// One of these too, where there are any.
    any: &'static [&'static str],
    what: &'static str,
    lacks: &'static str,
    instead: &'static str,
}

const LINES: &str = "export the line items of the invoice, or its reconciliation file";
const SEATS: &str = "export the subscriptions or the subscribed SKUs of the customer";

const KINDS: &[Kind] = &[
    Kind {
        keys: &["invoiceDate", "totalCharges", "currencyCode"],
        any: &["invoiceDetails", "documentType", "invoiceType", "paidAmount"],
        what: "a list of Partner Center invoices",
        lacks: "has totals and no lines",
        instead: LINES,
    },
    Kind {
        keys: &["balanceAmount", "currencyCode", "firstInvoiceCreationDate"],
        any: &[],
        what: "a summary of Partner Center invoices",
        lacks: "has balances and no lines",
        instead: LINES,
    },
    Kind {
        keys: &["licensesActive", "licensesQualified", "workloadName"],
        any: &[],
        what: "Partner Center's licence usage by workload",
        lacks: "counts the same seats once for each workload",
        instead: SEATS,
    },
    Kind {
        keys: &["productSku", "servicePlans"],
        any: &[],
        what: "the licences of one user",
        lacks: "names neither the user nor a number of seats",
        instead: SEATS,
    },
    Kind {
        keys: &["blobCount", "blobs"],
        any: &[],
        what: "the manifest of a bulk export",
        lacks: "lists files and holds no lines",
        instead: "download the files that it lists and upload those",
    },
    Kind {
        keys: &["status", "resourceLocation"],
        any: &["createdDateTime", "lastActionDateTime"],
        what: "the state of a bulk export",
        lacks: "holds no lines",
        instead: "download the files that its manifest lists and upload those",
    },
];

fn detect(shape: &Shape<'_>) -> Fit {
    let fits = KINDS.iter().map(|kind| fit(shape, kind.keys, kind.any));
    fits.reduce(|best, fit| match (&best, &fit) {
        (Fit::Yes(_), _) => best,
        (_, Fit::Yes(_)) => fit,
        (Fit::No { shared: a }, Fit::No { shared: b }) if b > a => fit,
        _ => best,
    })
    // The licences of a user share keys with the subscribed SKUs, which have numbers.
    .filter(|_| !has_units(shape))
    .unwrap_or(Fit::No { shared: 0 })
}

fn has_units(shape: &Shape<'_>) -> bool {
    shape.sample().filter_map(Object::of).any(|item| item.has(&["consumedUnits"]))
}

fn read(shapes: &[&Shape<'_>], _: &ReadOptions, _: &mut Sink) -> Result<(), FileError> {
    let of =
        |shape: &Shape<'_>| KINDS.iter().find(|kind| matches!(fit(shape, kind.keys, kind.any), Fit::Yes(_)));
    match shapes.iter().find_map(|shape| of(shape)) {
        Some(kind) => {
            Err(FileError::NothingToCompare { what: kind.what, lacks: kind.lacks, instead: kind.instead })
        }
        None => Err(FileError::Empty),
    }
}
