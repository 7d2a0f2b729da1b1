//! Partner Center's service costs of a customer (`/customers/{id}/servicecosts/mostrecent/lineitems`): what
//! this partner was charged for one customer in the newest billing period.
//!
//! Source: <https://learn.microsoft.com/partner-center/developer/get-a-customer-s-service-costs-line-items>.
//! `pretaxTotal` is the amount, `endDate` the last day charged. Lines of `Recurring` invoices are legacy
//! subscriptions and named by their offer; those of `OneTime` invoices are new commerce and named by
//! `ProductId:SkuId`. Charge types are those of the reconciliation files, in capitals.

use super::charge_words::{self, cycle, is_known_charge_type, snake};
use super::date::{self, Written};
use super::json::Object;
use super::partner_center_items::{customer_id, each, fit, need, number, text};
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::{FileError, Fit, Format, ReadOptions};
use crate::period::{Span, day_after};
use crate::records::{ChargeKind, ClientRef, ProductRef, Record, Side, VendorCharge};
use chrono::NaiveDate;
use rust_decimal::Decimal;

pub(super) const FORMAT: Format = Format {
    name: "microsoft_partner_center_service_costs",
    title: "Partner Center service costs of a customer",
    sides: &[Side::Cost],
    detect,
    read,
};

const KNOWN: &[&str] = &[
    "afterTaxTotal",
    "chargeType",
    "currencyCode",
    "currencySymbol",
    "customerId",
    "customerName",
    "endDate",
    "offerId",
    "offerName",
    "orderId",
    "pretaxTotal",
    "quantity",
    "resellerMPNId",
    "startDate",
    "subscriptionFriendlyName",
    "subscriptionId",
    "tax",
    "unitPrice",
    "invoiceNumber",
    "invoiceType",
    "productId",
    "skuId",
    "availabilityId",
    "productName",
    "skuName",
    "publisherName",
    "publisherId",
    "termAndBillingCycle",
    "discountDetails",
    "attributes",
];

fn detect(shape: &Shape<'_>) -> Fit {
    fit(shape, &["pretaxTotal", "afterTaxTotal", "chargeType", "quantity", "startDate", "endDate"], &[])
}

fn read(shapes: &[&Shape<'_>], _: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    each(shapes, KNOWN, sink, &|item| client(item).ok(), &mut |item, line, sink| {
        let charge = charge(item)?;
        if let Some(kind) = charge.charge_type.as_deref().filter(|_| !charge.known_charge_type) {
            let text = format!("the charge type `{kind}` is not documented; the charge is kept");
            sink.note(Some(line), "unknown_charge_type", text);
        }
        sink.keep(line, Record::VendorCharge(charge));
        Ok(())
    })
}

fn client(item: &Object<'_>) -> Result<ClientRef, Bad> {
    let (id, name) = (text(item, "customerId").map(|id| customer_id(&id)), text(item, "customerName"));
    if id.is_none() && name.is_none() {
        return Err(Bad::member("customerId", None, "is empty, and so is customerName"));
    }
    Ok(ClientRef { id, name, domain: None })
}

fn charge(item: &Object<'_>) -> Result<VendorCharge, Bad> {
    let charge_type = snake(&need(item, "chargeType")?.to_lowercase());
    let (from, last) = (day(item, "startDate")?, day(item, "endDate")?);
    if last < from {
        return Err(Bad::member("endDate", Some(&last.to_string()), "is before the charge starts"));
    }
    let span = Span::new(from, day_after(last));
    let amount = needed(item, "pretaxTotal")?;
    let words = text(item, "termAndBillingCycle").unwrap_or_default();
    let one_time = text(item, "invoiceType").is_some_and(|kind| kind.eq_ignore_ascii_case("onetime"));
    let kind = match () {
        () if charge_type.contains("usage") => ChargeKind::Usage,
        // As in the reconciliation: what has no term is bought once.
        () if one_time && words.is_empty() => ChargeKind::OneTime,
        () => ChargeKind::Licence,
    };
    let currency = need(item, "currencyCode")?;
    Ok(VendorCharge {
        client: client(item)?.into(),
        product: product(item, one_time)?.into(),
        subscription: text(item, "subscriptionId").map(|id| id.to_lowercase()),
        invoice: text(item, "invoiceNumber").map(Into::into),
        reference: None,
        kind,
        known_charge_type: is_known_charge_type(&charge_type),
        charge_type: Some(charge_type.into()),
        term: if one_time { charge_words::term(&words, None) } else { None },
        cycle: cycle("", &words.to_lowercase(), span),
        quantity: needed(item, "quantity")?,
        unit_price: number(item, "unitPrice")?.unwrap_or_default(),
        list_price: None,
        amount,
        currency: currency.parse().map_err(|_| {
            Bad::member("currencyCode", Some(&currency), "is not a currency code such as USD")
        })?,
        span,
        subscription_span: None,
        ordered_on: None,
    })
}

fn product(item: &Object<'_>, new_commerce: bool) -> Result<ProductRef, Bad> {
    let own = |names: [&str; 2], sku: Option<String>| {
        let name = text(item, names[0]).or_else(|| text(item, names[1]));
        (sku.is_some() || name.is_some()).then(|| ProductRef { name, sku, ..ProductRef::default() })
    };
    let offer =
        || own(["offerName", "subscriptionFriendlyName"], text(item, "offerId").map(|id| id.to_lowercase()));
    let sku = || {
        let (product, sku) = (text(item, "productId")?, text(item, "skuId")?);
        own(["skuName", "productName"], Some(format!("{product}:{sku}").to_uppercase()))
    };
    let found = if new_commerce { sku().or_else(offer) } else { offer().or_else(sku) };
    found.ok_or_else(|| Bad::member("offerId", None, "is empty, and so is productId"))
}

fn needed(item: &Object<'_>, key: &str) -> Result<Decimal, Bad> {
    number(item, key)?.ok_or_else(|| Bad::member(key, None, "is empty, and is needed"))
}

fn day(item: &Object<'_>, key: &str) -> Result<NaiveDate, Bad> {
    let written = need(item, key)?;
    match date::parse(&written) {
        Some(Written::Iso(day)) => Ok(day),
        _ => Err(Bad::member(key, Some(&written), "is not a date with the year first")),
    }
}
