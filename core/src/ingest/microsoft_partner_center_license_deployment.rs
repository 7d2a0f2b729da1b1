//! Partner Center's licence deployment of a customer (`/analytics/customerlicensesinsights/deployment`): how
//! many licences were sold through this partner, and how many are given to users.
//!
//! Source: <https://learn.microsoft.com/partner-center/developer/get-customer-licenses-deployment-information>.
//! One row for each product, service and channel; `processedDateTime` is the day that it speaks of. The answer
//! of a whole partner names no customer and cannot be compared.

use super::date::{self, Written};
use super::json::Object;
use super::partner_center_items::{customer_id, each, fit, need, seats, text};
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::{FileError, Fit, Format, ReadOptions};
use crate::records::{ClientRef, Entitlement, Held, ProductRef, Record, Side};

pub(super) const FORMAT: Format = Format {
    name: "microsoft_partner_center_license_deployment",
    title: "Partner Center licence deployment of a customer",
    sides: &[Side::Entitlement],
    detect,
    read,
};

const KNOWN: &[&str] = &[
    "customerId",
    "customerName",
    "productName",
    "licensesDeployed",
    "deploymentPercent",
    "licensesSold",
    "processedDateTime",
    "serviceName",
    "channel",
    "attributes",
];

fn detect(shape: &Shape<'_>) -> Fit {
    fit(shape, &["licensesDeployed", "licensesSold", "processedDateTime"], &[])
}

fn read(shapes: &[&Shape<'_>], _: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    let named = |shape: &&Shape<'_>| {
        shape.table.columns.iter().any(|column| {
            column.eq_ignore_ascii_case("customerName") || column.eq_ignore_ascii_case("customerId")
        })
    };
    if !shapes.iter().all(named) {
        return Err(FileError::NothingToCompare {
            what: "the licence deployment of all customers of a partner",
            lacks: "adds them up and names none",
            instead: "export the subscriptions or the subscribed SKUs of each customer",
        });
    }
    each(shapes, KNOWN, sink, &|item| client(item).ok(), &mut |item, line, sink| {
        let on = need(item, "processedDateTime")?;
        let Some(Written::Iso(on)) = date::parse(&on) else {
            return Err(Bad::member("processedDateTime", Some(&on), "is not a date with the year first"));
        };
        let sold = seats(item, "licensesSold")?
            .ok_or_else(|| Bad::member("licensesSold", None, "is empty, and is needed"))?;
        let entitlement = Entitlement {
            client: client(item)?.into(),
            product: ProductRef { name: Some(need(item, "productName")?), ..ProductRef::default() }.into(),
            subscription: None,
            term: None,
            purchased: Some(sold),
            assigned: seats(item, "licensesDeployed")?,
            active: None,
            free: false,
            held: Held::Snapshot { on: Some(on) },
        };
        sink.keep(line, Record::Entitlement(entitlement));
        Ok(())
    })
}

fn client(item: &Object<'_>) -> Result<ClientRef, Bad> {
    let (id, name) = (text(item, "customerId").map(|id| customer_id(&id)), text(item, "customerName"));
    if id.is_none() && name.is_none() {
        return Err(Bad::member("customerName", None, "is empty, and is needed"));
    }
    Ok(ClientRef { id, name, domain: None })
}
