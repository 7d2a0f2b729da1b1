//! Partner Center `GET /customers/{id}/subscribedskus`: what a customer's tenant holds of each SKU, at the
//! moment of asking.
//!
//! Source: <https://learn.microsoft.com/partner-center/developer/get-a-list-of-available-licenses>.
//! `totalUnits` is active plus warning (the grace time after expiry): what can be used. `productSku.id` is
//! Graph's `skuId`. The customer stands in the address alone: the uploader says whose it is. The answer states
//! no day.

use super::json::Object;
use super::partner_center_items::{each, fit, seats, text};
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::{FileError, Fit, Format, ReadOptions};
use crate::records::{ClientRef, Entitlement, Held, ProductRef, Record, Side};
use std::collections::HashMap;

pub(super) const FORMAT: Format = Format {
    name: "microsoft_partner_center_subscribed_skus",
    title: "Partner Center subscribed SKUs of a customer",
    sides: &[Side::Entitlement],
    detect,
    read,
};

const KNOWN: &[&str] = &[
    "availableUnits",
    "activeUnits",
    "consumedUnits",
    "suspendedUnits",
    "totalUnits",
    "warningUnits",
    "productSku",
    "servicePlans",
    "capabilityStatus",
    "attributes",
];

fn detect(shape: &Shape<'_>) -> Fit {
    fit(shape, &["productSku", "consumedUnits"], &["totalUnits", "activeUnits"])
}

fn read(shapes: &[&Shape<'_>], _: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    sink.snapshot = true;
    sink.names_client = false;
    sink.ask("client", &[]);
    let mut first_lines: HashMap<String, u32> = HashMap::new();
    each(shapes, KNOWN, sink, &|_| None, &mut |item, line, sink| {
        let entitlement = entitlement(item)?;
        let sku = entitlement.product.sku.clone().unwrap_or_default();
        if let Some(first) = first_lines.get(&sku) {
            // Answers of several customers in one file: which is whose is not said.
            let reason =
                format!("the SKU stands in item {first} with other values; upload one customer's answer");
            return Err(Bad::member("productSku.id", Some(&sku), reason));
        }
        first_lines.insert(sku, line);
        sink.keep(line, Record::Entitlement(entitlement));
        Ok(())
    })
}

fn entitlement(item: &Object<'_>) -> Result<Entitlement, Bad> {
    let lacks = |key: &str| Bad::member(key, None, "is empty, and is needed");
    let product = item.object("productSku").ok_or_else(|| lacks("productSku"))?;
    let sku = text(&product, "id").ok_or_else(|| lacks("productSku.id"))?.to_lowercase();
    let total = if let Some(total) = seats(item, "totalUnits")? {
        total
    } else {
        let active = seats(item, "activeUnits")?.ok_or_else(|| lacks("totalUnits"))?;
        active + seats(item, "warningUnits")?.unwrap_or_default()
    };
    // SKUs of the tenant as a whole are never assigned to users: nothing assigned is not unused.
    let tenant = text(&product, "targetType").is_some_and(|to| to.eq_ignore_ascii_case("tenant"));
    let assigned = seats(item, "consumedUnits")?;
    Ok(Entitlement {
        client: ClientRef::default().into(),
        product: ProductRef {
            name: text(&product, "name"),
            sku: Some(sku),
            part_number: text(&product, "skuPartNumber"),
            code: None,
        }
        .into(),
        subscription: None,
        term: None,
        purchased: Some(total),
        assigned: if tenant { None } else { assigned },
        active: None,
        free: false,
        held: Held::Snapshot { on: None },
    })
}
