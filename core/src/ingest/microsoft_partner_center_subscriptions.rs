//! Partner Center's subscriptions, as JSON: of a customer, of a partner, or one alone. What a customer has
//! bought through this partner, at the moment of asking.
//!
//! Source: <https://learn.microsoft.com/partner-center/developer/subscription-resources>. A new-commerce
//! `offerId` is `ProductId:SkuId:AvailabilityId`, of which the first two are the product; a legacy one is a
//! GUID. An add-on is a subscription with a quantity of its own and is never added to its parent. Only
//! active subscriptions have seats that can be used. The customer stands in `links.self.uri`; where it
//! does not, the uploader says whose the file is. Metered subscriptions have no seats.

use super::charge_words;
use super::json::Object;
use super::partner_center_items::{customer_of, each, fit, seats, text};
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::{Detection, FileError, Fit, Format, ReadOptions};
use crate::records::{ClientRef, Entitlement, Held, ProductRef, Record, Side};
use rust_decimal::Decimal;
use std::collections::HashMap;

pub(super) const FORMAT: Format = Format {
    name: "microsoft_partner_center_subscriptions",
    title: "Partner Center subscriptions",
    sides: &[Side::Entitlement],
    detect,
    read,
};

const KNOWN: &[&str] = &[
    "id",
    "entitlementId",
    "offerId",
    "offerName",
    "friendlyName",
    "productType",
    "quantity",
    "unitType",
    "hasPurchasableAddons",
    "parentSubscriptionId",
    "creationDate",
    "effectiveStartDate",
    "commitmentEndDate",
    "commitmentEndDateTime",
    "cancellationAllowedUntilDate",
    "billingCycleEndDate",
    "billingCycleEndDateTime",
    "status",
    "autoRenewEnabled",
    "isTrial",
    "billingType",
    "billingCycle",
    "termDuration",
    "renewalTermDuration",
    "termLifeCycleState",
    "isMicrosoftProduct",
    "publisherName",
    "partnerId",
    "partnerBillingCycle",
    "attentionNeeded",
    "actionTaken",
    "contractType",
    "links",
    "orderId",
    "orderLineItemId",
    "refundOptions",
    "refundableQuantity",
    "promotionId",
    "migratedFromSubscriptionId",
    "customTermEndDate",
    "consumptionType",
    "suspensionReasons",
    "scheduledNextTermInstructions",
    "nextChargeInstructions",
    "attributes",
];

fn detect(shape: &Shape<'_>) -> Fit {
    let fit = fit(shape, &["quantity", "status", "effectiveStartDate"], &["offerId", "links"]);
    let Fit::Yes(Detection { confidence, reasons }) = fit else { return fit };
    // Other systems have subscriptions too.
    let own = ["commitmentEndDate", "autoRenewEnabled", "billingType", "entitlementId", "termDuration"];
    let has = |item: Object<'_>| own.iter().filter(|key| item.has(&[key])).count() >= 2;
    if shape.sample().filter_map(Object::of).any(has) {
        Fit::Yes(Detection { confidence, reasons })
    } else {
        Fit::No { shared: 3 }
    }
}

fn read(shapes: &[&Shape<'_>], _: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    sink.snapshot = true;
    let mut named = false;
    for shape in shapes {
        shape.each_item(&mut |_, raw| {
            named |= Object::of(raw).and_then(|item| client(&item)).is_some();
            Ok(())
        })?;
    }
    if !named {
        sink.names_client = false;
        sink.ask("client", &[]);
    }
    let mut first_lines: HashMap<String, u32> = HashMap::new();
    each(shapes, KNOWN, sink, &client, &mut |item, line, sink| {
        let lacks = |key: &str| Bad::member(key, None, "is empty, and is needed");
        let client = client(item);
        if named && client.is_none() {
            let reason = "names no customer, as other items do; upload the answers of one customer";
            return Err(Bad::member("links.self.uri", None, reason));
        }
        let id = text(item, "id").ok_or_else(|| lacks("id"))?.to_lowercase();
        if let Some(first) = first_lines.get(&id) {
            let reason = format!("the subscription stands in item {first} with other values");
            return Err(Bad::member("id", Some(&id), reason));
        }
        first_lines.insert(id.clone(), line);
        if let Some(metered) = metered(item) {
            let text = format!("the subscription is metered ({metered}): it has no seats");
            sink.note(Some(line), "usage_subscription", text);
            return Ok(());
        }
        let quantity = seats(item, "quantity")?.ok_or_else(|| lacks("quantity"))?;
        let status = text(item, "status").ok_or_else(|| lacks("status"))?.to_lowercase();
        if !STATUSES.contains(&status.as_str()) {
            return Err(Bad::member("status", Some(&status), "is not a status of a subscription"));
        }
        let active = status == "active";
        if !active {
            let text = format!("the subscription is {status}: none of its {quantity} seats can be used");
            sink.note(Some(line), "subscription_not_active", text);
        }
        let term = text(item, "termDuration");
        let entitlement = Entitlement {
            client: client.unwrap_or_default().into(),
            product: product(item).ok_or_else(|| lacks("offerId"))?.into(),
            subscription: Some(id),
            term: term.as_deref().and_then(|term| charge_words::term(term, None)),
            purchased: Some(if active { quantity } else { Decimal::ZERO }),
            assigned: None,
            active: None,
            free: text(item, "isTrial").is_some_and(|trial| trial.eq_ignore_ascii_case("true")),
            held: Held::Snapshot { on: None },
        };
        sink.keep(line, Record::Entitlement(entitlement));
        Ok(())
    })
}

const STATUSES: [&str; 7] = ["none", "active", "pending", "suspended", "expired", "disabled", "deleted"];

/// The customer, from the item's own address.
fn client(item: &Object<'_>) -> Option<ClientRef> {
    let uri = item.object("links")?.object("self")?.text("uri")?;
    customer_of(&uri).map(|id| ClientRef { id: Some(id), ..ClientRef::default() })
}

/// What shows that a subscription is paid by use.
fn metered(item: &Object<'_>) -> Option<String> {
    let of = |key: &str, words: &[&str]| {
        text(item, key).filter(|text| words.iter().any(|word| text.to_lowercase().starts_with(word)))
    };
    let kind = || item.object("productType").and_then(|kind| text(&kind, "id"));
    of("billingType", &["usage"])
        .or_else(|| of("unitType", &["usage"]))
        .or_else(|| kind().filter(|kind| kind.to_lowercase().starts_with("azure")))
}

/// The product: of a three-part offer id the first two, else the offer's GUID; from the offer's address
/// where the answer has no id.
fn product(item: &Object<'_>) -> Option<ProductRef> {
    let from_link = || {
        let uri = text(&item.object("links")?.object("offer")?, "uri")?;
        let path = uri.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/').to_owned();
        path.contains("offers/").then(|| path.rsplit('/').next().unwrap_or_default().to_owned())
    };
    let sku = text(item, "offerId").or_else(from_link).filter(|offer| !offer.is_empty()).map(|offer| {
        let parts: Vec<&str> = offer.split(':').collect();
        match parts[..] {
            [product, sku, ..] => format!("{product}:{sku}").to_uppercase(),
            _ => offer.to_lowercase(),
        }
    });
    let name = text(item, "offerName");
    (sku.is_some() || name.is_some()).then(|| ProductRef { name, sku, ..ProductRef::default() })
}
