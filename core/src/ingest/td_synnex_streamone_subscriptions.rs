//! TD SYNNEX `StreamOne` Ion subscriptions, as JSON of the API and as a report with the same columns.
//!
//! Source: <https://docs.streamone.cloud>. `subscriptionTotalLicenses` is the quantity, often written as
//! text; `subscriptionId` is Microsoft's, `id` is the platform's own. Deleted, cancelled and expired
//! subscriptions stay in the list and hold nothing. `ccpSkuId` is a country, Partner Center's product and its
//! SKU without anything between: `USCFQ7TTC0LCHC0002`. What the MSP pays may stand in the report, in columns
//! that each user chooses, and is not read: quantities are. The customer is named by name, or by a path such
//! as `accounts/5212/customers/49957`; a list of one customer names none.

use super::layout::{Cells, Field, Layout, Need};
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::table::fold;
use super::vendor_item::{Repeats, coded, named};
use super::{FileError, Fit, Format, ReadOptions};
use crate::records::{ClientRef, Entitlement, Held, Record, Side, Term};
use rust_decimal::Decimal;

pub(super) const FORMAT: Format = Format {
    name: "td_synnex_streamone_subscriptions",
    title: "TD SYNNEX StreamOne Ion subscriptions",
    sides: &[Side::Entitlement],
    detect,
    read,
};

/// Places in [`LAYOUT`].
#[derive(Clone, Copy)]
#[repr(usize)]
enum F {
    Name,
    Licenses,
    Status,
    Subscription,
    OwnId,
    Sku,
    CustomerName,
    CustomerId,
    Path,
    Term,
    Trial,
    Part,
}

const fn field(name: &'static str, aliases: &'static [&'static str], need: Need) -> Field {
    Field { name, aliases, need }
}

const LAYOUT: Layout = Layout {
    fields: &[
        field("subscriptionName", &[], Need::Required),
        field("subscriptionTotalLicenses", &["subscriptiontotallicences"], Need::Signature),
        field("subscriptionStatus", &[], Need::Optional),
        field("subscriptionId", &["vendorsubscriptionid"], Need::Optional),
        field("id", &[], Need::Optional),
        field("ccpSkuId", &[], Need::Optional),
        field("customerName", &["endcustomername"], Need::Optional),
        field("customerId", &[], Need::Optional),
        field("customer", &["customerpath", "path", "href"], Need::Optional),
        field("subscriptionBillingTerm", &[], Need::Optional),
        field("isTrial", &[], Need::Optional),
        field("mfgPartNumber", &[], Need::Optional),
    ],
    unread: &[
        "resellerid",
        "isvid",
        "cloudproviderid",
        "cloudprovidername",
        "resourcetype",
        "ccpproductid",
        "ccpplanid",
        "ccpproductinfo",
        "subscriptionproductid",
        "subscriptionskuid",
        "subscriptionofferid",
        "unittype",
        "subscriptionpurchaseddate",
        "subscriptionstartdate",
        "subscriptionenddate",
        "cancellationalloweduntildate",
        "subscriptionbillingtype",
        "subscriptionbillingcycle",
        "subscriptionrenewstatus",
        "resellerpo",
        "customerpo",
        "autorenew",
        "partnername",
        "lastupdateddate",
        "renewaldate",
        "price",
        "cost",
        "currency",
        "total",
        "msrp",
        "margin",
        "additionaldata",
        "attributes",
        "importdate",
    ],
    never: &[],
};

fn detect(shape: &Shape<'_>) -> Fit {
    LAYOUT.fit(&shape.table.columns)
}

fn read(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    sink.snapshot = true;
    let mut repeats = Repeats::default();
    for shape in shapes {
        let client_of =
            |cells: &Cells<'_>| Some(client(cells)).filter(|client| *client != ClientRef::default());
        LAYOUT.read(&shape.table, &options.limits, sink, &client_of, &mut |cells, sink| {
            let all: Vec<&str> = cells.all().collect();
            if let Some(first) = repeats.first(&all, cells.line()) {
                let text = format!("the same as line {first}; counted once");
                sink.note(Some(cells.line()), "duplicate_line", text);
                return Ok(());
            }
            row(cells, sink)
        })?;
    }
    if !sink.names_client {
        sink.ask("client", &[]);
    }
    Ok(())
}

fn row(cells: &Cells<'_>, sink: &mut Sink) -> Result<(), Bad> {
    let text = |field: F| cells.text(field as usize);
    let status = text(F::Status).unwrap_or_default();
    match fold(status).as_str() {
        "active" | "trial" | "pastdue" | "" => {}
        "deleted" | "canceled" | "cancelled" | "expired" | "suspended" | "pending" => {
            let text = format!("the subscription is {}: it holds no seats", status.to_lowercase());
            sink.note(Some(cells.line()), "not_active", text);
            return Ok(());
        }
        _ => {
            let text = format!("the status `{status}` is not documented; read as active");
            sink.note(Some(cells.line()), "unknown_status", text);
        }
    }
    let quantity = cells.need_number(F::Licenses as usize)?;
    if quantity < Decimal::ZERO {
        return Err(cells.bad(F::Licenses as usize, "is below zero"));
    }
    let name = cells.need(F::Name as usize)?.to_owned();
    let client = client(cells);
    sink.names_client &= client != ClientRef::default();
    let trial =
        fold(status) == "trial" || text(F::Trial).is_some_and(|trial| trial.eq_ignore_ascii_case("true"));
    sink.keep(
        cells.line(),
        Record::Entitlement(Entitlement {
            client: client.into(),
            product: coded(Some(name), text(F::Sku).or_else(|| text(F::Part)).map(str::to_owned)).into(),
            subscription: text(F::Subscription).or_else(|| text(F::OwnId)).map(str::to_lowercase),
            term: text(F::Term).and_then(term),
            purchased: Some(quantity),
            assigned: None,
            active: None,
            free: trial,
            held: Held::Snapshot { on: None },
        }),
    );
    Ok(())
}

fn term(text: &str) -> Option<Term> {
    match fold(text).as_str() {
        "p1m" | "m" | "monthly" | "1month" => Some(Term::Monthly),
        "p1y" | "y" | "annual" | "yearly" | "1year" => Some(Term::Annual),
        "p3y" | "3y" | "triennial" | "3years" => Some(Term::Triennial),
        _ => None,
    }
}

/// The customer's name; without one the number in its path, or the platform's own number.
fn client(cells: &Cells<'_>) -> ClientRef {
    if let Some(name) = cells.owned(F::CustomerName as usize) {
        return named(name);
    }
    let path = cells.text(F::Path as usize).and_then(|path| path.split("customers/").nth(1));
    let number = path.and_then(|rest| rest.split('/').next()).filter(|number| !number.is_empty());
    let id = number.or_else(|| cells.text(F::CustomerId as usize)).map(str::to_owned);
    ClientRef { id, ..ClientRef::default() }
}
