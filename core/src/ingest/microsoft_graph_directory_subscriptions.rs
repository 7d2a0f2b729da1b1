//! Microsoft Graph `GET /directory/subscriptions`: the seats of each commercial subscription of a tenant.
//!
//! Source: <https://learn.microsoft.com/graph/api/resources/companysubscription>. `subscribedSkus` adds the
//! subscriptions of a SKU up; here they stand apart. Both are listings of one tenant, and an audit uses one
//! of them, so nothing is added twice. A subscription that is suspended, locked out or deleted has no seats
//! to use (as in `subscribedSkus`, where such seats are not `enabled`); one in its grace time
//! (`Warning`) still has. The term is not in the answer, and is not inferred from its dates: a
//! subscription's next lifecycle date is no end of term. `ownerTenantId` is the partner's tenant, never the
//! client's, so the answer names no client.

use super::graph_json::{self, Before, Keys, Seen};
use super::json::{Object, Raw};
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::{FileError, Fit, Format, ReadOptions};
use crate::records::{ClientRef, Entitlement, Held, ProductRef, Record, Side};
use rust_decimal::Decimal;

pub(super) const FORMAT: Format = Format {
    name: "microsoft_graph_directory_subscriptions",
    title: "Microsoft Graph directory subscriptions",
    sides: &[Side::Entitlement],
    detect,
    read,
};

const KEYS: Keys = Keys {
    signature: &[
        &["totalLicenses"],
        &["skuId", "skuPartNumber"],
        &["status", "isTrial", "nextLifecycleDateTime", "commerceSubscriptionId"],
    ],
    required: &[&["status"]],
    never: &["prepaidUnits"],
    known: &[
        "id",
        "commerceSubscriptionId",
        "ocpSubscriptionId",
        "skuId",
        "skuPartNumber",
        "status",
        "totalLicenses",
        "isTrial",
        "createdDateTime",
        "nextLifecycleDateTime",
        "ownerId",
        "ownerTenantId",
        "ownerType",
        "serviceStatus",
        "AdditionalProperties",
    ],
};

fn detect(shape: &Shape<'_>) -> Fit {
    KEYS.fit(shape)
}

fn read(shapes: &[&Shape<'_>], _: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    sink.snapshot = true;
    sink.names_client = false;
    sink.ask("client", &[]);
    KEYS.unknown(shapes, sink);
    let mut seen = Seen::new();
    for shape in shapes {
        let part = shape.table.part.as_deref();
        shape.each_item(&mut |line, item| {
            sink.read += 1;
            match subscription(item, line, sink) {
                Err(bad) => sink.refuse(part, line, bad, None),
                Ok(row) => {
                    // Without ids the item as a whole tells them apart.
                    let key = row.subscription.clone().unwrap_or_else(|| item.get().to_owned());
                    match seen.add(key, line, item.get()) {
                        Before::Same(first) => graph_json::note_repeated(sink, line, first),
                        Before::Other(first) => {
                            let reason = format!("the subscription stands in item {first} with other values");
                            sink.refuse(part, line, Bad::member("id", None, reason), None);
                        }
                        Before::Never => sink.keep(line, Record::Entitlement(row)),
                    }
                }
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn subscription(item: Raw<'_>, line: u32, sink: &mut Sink) -> Result<Entitlement, Bad> {
    let object = Object::of(item).ok_or_else(|| Bad::row("the item is not an object"))?;
    if let Some(key) = object.repeated() {
        return Err(Bad::member(key, None, "stands twice in the item"));
    }
    let needed = |key| Bad::member(key, None, "is empty, and is needed");
    let sku = graph_json::id_of(&object, "skuId");
    let part_number = graph_json::words(&object, "skuPartNumber");
    if sku.is_none() && part_number.is_none() {
        return Err(needed("skuId"));
    }
    let total = graph_json::seats(&object, "totalLicenses")?.ok_or_else(|| needed("totalLicenses"))?;
    let status = graph_json::words(&object, "status").ok_or_else(|| needed("status"))?;
    let purchased = match graph_json::id(&status).as_str() {
        "enabled" | "warning" => total,
        "suspended" | "lockedout" | "deleted" => {
            let text = format!("the subscription is {status}: none of its {total} seats can be used");
            sink.note(Some(line), "unusable_subscription", text);
            Decimal::ZERO
        }
        _ => {
            let reason = "is not one of Enabled, Warning, Suspended, LockedOut, Deleted";
            return Err(Bad::member("status", Some(&status), reason));
        }
    };
    Ok(Entitlement {
        client: ClientRef::default().into(),
        product: ProductRef { sku, part_number, ..ProductRef::default() }.into(),
        subscription: graph_json::id_of(&object, "id")
            .or_else(|| graph_json::id_of(&object, "commerceSubscriptionId")),
        term: None,
        purchased: Some(purchased),
        assigned: None,
        active: None,
        free: graph_json::flag(&object, "isTrial")?.unwrap_or_default(),
        held: Held::Snapshot { on: None },
    })
}
