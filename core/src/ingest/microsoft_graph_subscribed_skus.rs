//! Microsoft Graph `GET /subscribedSkus`: what a tenant holds of each SKU, at the moment of asking.
//!
//! Source: <https://learn.microsoft.com/graph/api/subscribedsku-list>. Purchased is `enabled` plus
//! `warning` (the grace time after expiry, in which users still work); `suspended` and `lockedOut` seats
//! cannot be used. `consumedUnits` may exceed what is enabled. The answer states no day, and its `id` is
//! `{tenant}_{sku}`; older answers and cut-down exports lack it and then name no client.

use super::graph_json::{self, Before, Keys, Seen};
use super::json::{Object, Raw};
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::{FileError, Fit, Format, ReadOptions};
use crate::records::{ClientRef, Entitlement, Held, ProductRef, Record, Side};

pub(super) const FORMAT: Format = Format {
    name: "microsoft_graph_subscribed_skus",
    title: "Microsoft Graph subscribedSkus",
    sides: &[Side::Entitlement],
    detect,
    read,
};

const KEYS: Keys = Keys {
    signature: &[&["prepaidUnits"], &["skuId", "skuPartNumber"]],
    required: &[],
    never: &["totalLicenses", "productSku"],
    known: &[
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
        "AdditionalProperties",
    ],
};

fn detect(shape: &Shape<'_>) -> Fit {
    KEYS.fit(shape)
}

fn read(shapes: &[&Shape<'_>], _: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    sink.snapshot = true;
    KEYS.unknown(shapes, sink);
    let mut seen = Seen::new();
    for shape in shapes {
        let part = shape.table.part.as_deref();
        shape.each_item(&mut |line, item| {
            sink.read += 1;
            match sku(item) {
                Err(bad) => sink.refuse(part, line, bad, Object::of(item).map(|object| client(&object))),
                Ok(sku) => match seen.add(sku.key, line, item.get()) {
                    Before::Same(first) => graph_json::note_repeated(sink, line, first),
                    Before::Other(first) => {
                        let reason = format!("the SKU stands in item {first} with other values");
                        let bad = Bad::member("skuId", None, reason);
                        sink.refuse(part, line, bad, Some(ClientRef::clone(&sku.entitlement.client)));
                    }
                    Before::Never => {
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
    let sku = graph_json::id_of(&object, "skuId");
    let part_number = graph_json::words(&object, "skuPartNumber");
    let Some(key) = sku.clone().or_else(|| part_number.as_deref().map(graph_json::id)) else {
        return Err(Bad::member("skuId", None, "is empty, and is needed"));
    };
    let prepaid = prepaid.ok_or_else(|| Bad::member("prepaidUnits", None, "is empty, and is needed"))?;
    let enabled = graph_json::seats(&prepaid, "enabled")?
        .ok_or_else(|| Bad::member("prepaidUnits.enabled", None, "is empty, and is needed"))?;
    let warning = graph_json::seats(&prepaid, "warning")?.unwrap_or_default();
    let assigned = graph_json::seats(&object, "consumedUnits")?;
    // SKUs of the company as a whole are never assigned to users: nothing assigned is not unused.
    let company = object.text("appliesTo").is_some_and(|to| to.eq_ignore_ascii_case("company"));
    let client = client(&object);
    Ok(Sku {
        key: (client.id.clone(), key),
        entitlement: Entitlement {
            client: client.into(),
            product: ProductRef { sku, part_number, ..ProductRef::default() }.into(),
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
    let tenant = graph_json::id_of(object, "id")
        .and_then(|id| id.split_once('_').map(|(tenant, _)| tenant.to_owned()))
        .filter(|tenant| !tenant.is_empty());
    let id = tenant.or_else(|| graph_json::id_of(object, "accountId"));
    let name = graph_json::words(object, "accountName").filter(|_| id.is_some());
    ClientRef { name, id, domain: None }
}
