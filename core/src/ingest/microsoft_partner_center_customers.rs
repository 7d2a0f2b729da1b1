//! Partner Center `GET /customers`: which tenant id, company name and domain belong together.
//!
//! Source: <https://learn.microsoft.com/partner-center/developer/get-a-list-of-customers>. A customer's `id` is
//! its tenant id. A directory has no seats and no prices.

use super::json::Object;
use super::partner_center_items::{each, fit, need, text};
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::{FileError, Fit, Format, ReadOptions};
use crate::records::{ClientRef, Record};

pub(super) const FORMAT: Format = Format {
    name: "microsoft_partner_center_customers",
    title: "Partner Center customers",
    sides: &[],
    detect,
    read,
};

const KNOWN: &[&str] = &[
    "id",
    "commerceId",
    "companyProfile",
    "billingProfile",
    "relationshipToPartner",
    "allowDelegatedAccess",
    "customDomains",
    "associatedPartnerId",
    "userCredentials",
    "links",
    "attributes",
];

fn detect(shape: &Shape<'_>) -> Fit {
    fit(shape, &["id", "companyProfile"], &["relationshipToPartner", "billingProfile", "attributes"])
}

fn read(shapes: &[&Shape<'_>], _: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    each(shapes, KNOWN, sink, &|_| None, &mut |item, line, sink| {
        sink.keep(line, Record::Client(client(item)?));
        Ok(())
    })
}

fn client(item: &Object<'_>) -> Result<ClientRef, Bad> {
    let id = need(item, "id")?.to_lowercase();
    let profile = item
        .object("companyProfile")
        .ok_or_else(|| Bad::member("companyProfile", None, "is empty, and is needed"))?;
    let name = text(&profile, "companyName");
    Ok(ClientRef { id: Some(id), name, domain: text(&profile, "domain").map(|domain| domain.to_lowercase()) })
}
