//! Microsoft Graph `GET /subscribedSkus`: what a tenant holds of each SKU, at the moment of asking.
//!
//! Source: <https://learn.microsoft.com/graph/api/subscribedsku-list>. Purchased is `enabled` plus
//! `warning` (the grace time after expiry, in which users still work); `suspended` and `lockedOut` seats
//! cannot be used. `consumedUnits` may exceed what is enabled. The answer states no day, and its `id` is
//! `{tenant}_{sku}`; older answers and cut-down exports lack it and then name no client.

use super::json::{Object, Raw};
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::{Detection, FileError, Fit, Format, ReadOptions, number};
use crate::records::{ClientRef, Entitlement, Held, ProductRef, Record, Side};
use rust_decimal::Decimal;
use std::collections::HashMap;

pub(super) const FORMAT: Format = Format {
    name: "microsoft_graph_subscribed_skus",
    title: "Microsoft Graph subscribedSkus",
    sides: &[Side::Entitlement],
    detect,
    read,
};

const KEYS: [&str; 4] = ["skuId", "skuPartNumber", "consumedUnits", "prepaidUnits"];
const KNOWN: &[&str] = &[
    "id",
    "accountId",
    "accountName",
    "skuId",
    "skuPartNumber",
    "appliesTo",
    "capabilityStatus",
    "consumedUnits",
    "prepaidUnits",
    "servicePlans",
    "subscriptionIds",
    "@odata.type",
    "@odata.id",
];

fn detect(shape: &Shape<'_>) -> Fit {
    let columns = &shape.table.columns;
    let shared =
        KEYS.iter().filter(|key| columns.iter().any(|column| column.eq_ignore_ascii_case(key))).count();
    if !shape.is_json() || shared < KEYS.len() {
        return Fit::No { shared: if shape.is_json() { shared } else { 0 } };
    }
    let reasons = vec![format!("its items have the keys {}", KEYS.join(", "))];
    Fit::Yes(Detection { confidence: Decimal::new(100, 2), reasons })
}

fn read(shapes: &[&Shape<'_>], _: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    sink.snapshot = true;
    let mut seen: HashMap<(Option<String>, String), (u32, String)> = HashMap::new();
    let mut line = 0;
    for shape in shapes {
        for column in &shape.table.columns {
            if !KNOWN.iter().any(|known| known.eq_ignore_ascii_case(column)) {
                sink.unknown_column(column.clone());
            }
        }
        shape.each_item(&mut |_, item| {
            line += 1;
            sink.read += 1;
            let part = shape.table.part.as_deref();
            match sku(item) {
                Err(bad) => sink.refuse(part, line, bad, Object::of(item).map(|object| client(&object))),
                Ok(sku) => match seen.get(&sku.key) {
                    // Pages that overlap, or one answer pasted twice.
                    Some((first, text)) if text == item.get() => {
                        sink.note(
                            Some(line),
                            "duplicate_line",
                            format!("the same item as item {first}; counted once"),
                        );
                    }
                    Some((first, _)) => {
                        let reason = format!("the SKU stands in item {first} with other values");
                        sink.refuse(
                            part,
                            line,
                            Bad::member("skuId", None, reason),
                            Some(sku.entitlement.client),
                        );
                    }
                    None => {
                        seen.insert(sku.key, (line, item.get().to_owned()));
                        sink.names_client &= sku.entitlement.client.id.is_some();
                        sink.keep(line, Record::Entitlement(sku.entitlement));
                    }
                },
            }
            Ok(())
        })?;
    }
    if !sink.names_client {
        sink.ask("client", &[]);
    }
    Ok(())
}

struct Sku {
    /// What makes an item the same as another.
    key: (Option<String>, String),
    entitlement: Entitlement,
}

fn sku(item: Raw<'_>) -> Result<Sku, Bad> {
    let object = Object::of(item).ok_or_else(|| Bad::row("the item is not an object"))?;
    let prepaid = object.object("prepaidUnits");
    if let Some(key) = object.repeated().or_else(|| prepaid.as_ref()?.repeated()) {
        return Err(Bad::member(key, None, "stands twice in the item"));
    }
    let sku = object.text("skuId").ok_or_else(|| Bad::member("skuId", None, "is empty, and is needed"))?;
    let part_number = object.text("skuPartNumber").map(std::borrow::Cow::into_owned);
    let prepaid = prepaid.ok_or_else(|| Bad::member("prepaidUnits", None, "is empty, and is needed"))?;
    let enabled = units(&prepaid, "enabled")?
        .ok_or_else(|| Bad::member("prepaidUnits.enabled", None, "is empty, and is needed"))?;
    let warning = units(&prepaid, "warning")?.unwrap_or_default();
    let assigned = units(&object, "consumedUnits")?;
    // SKUs of the company as a whole are never assigned to users: nothing assigned is not unused.
    let company = object.text("appliesTo").is_some_and(|to| to.eq_ignore_ascii_case("company"));
    let client = client(&object);
    Ok(Sku {
        key: (client.id.clone(), sku.to_lowercase()),
        entitlement: Entitlement {
            client,
            product: ProductRef { sku: Some(sku.to_lowercase()), part_number, ..ProductRef::default() },
            subscription: None,
            term: None,
            purchased: Some(enabled + warning),
            assigned: if company { None } else { assigned },
            active: None,
            free: false,
            held: Held::Snapshot { on: None },
        },
    })
}

/// The tenant: the first half of `id`; the account where only that is given.
fn client(object: &Object<'_>) -> ClientRef {
    let tenant = object.text("id").and_then(|id| id.split_once('_').map(|(tenant, _)| tenant.to_lowercase()));
    let account = || object.text("accountId").map(|id| id.to_lowercase());
    let id = tenant.filter(|tenant| !tenant.is_empty()).or_else(account);
    let name = object.text("accountName").map(|name| name.trim().to_owned());
    ClientRef { name: if id.is_some() { name } else { None }, id, domain: None }
}

/// A count of seats.
fn units(object: &Object<'_>, key: &str) -> Result<Option<Decimal>, Bad> {
    let Some(text) = object.text(key) else { return Ok(None) };
    match number::parse(&text, number::Commas::Unclear) {
        Ok(number) if number >= Decimal::ZERO => Ok(Some(number)),
        _ => Err(Bad::member(key, Some(&text), "is not a count of seats")),
    }
}
