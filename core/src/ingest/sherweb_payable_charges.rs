//! Sherweb's payable charges: what the MSP pays the distributor for a billing period.
//!
//! Source: the distributor API, `GET /billing/payable-charges`
//! (<https://github.com/sherweb/Public-Apis>). The customer stands only in `tags`, as `CustomerDisplayName`.
//! `periodTo` is the last day. Recurring charges are seats; setup charges happen once, and usage is metered.
//! A product may consist of several charges: the first recurring one of a product and period counts seats, a
//! further one with another `chargeId` is money alone. Amounts are as Sherweb prints them, digit by digit.

use super::charge_words::snake;
use super::json::Object;
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::table::fold;
use super::vendor_item::{Rows, coded, currency, day, named, need, need_number, number, text};
use super::{FileError, Fit, Format, ReadOptions};
use crate::period::{Span, day_after};
use crate::records::{ChargeKind, ClientRef, Cycle, ProductRef, Record, Side, VendorCharge};
use rust_decimal::Decimal;
use std::collections::HashMap;
use std::sync::Arc;

pub(super) const FORMAT: Format = Format {
    name: "sherweb_payable_charges",
    title: "Sherweb payable charges",
    sides: &[Side::Cost],
    detect,
    read,
};

const ROWS: Rows = Rows {
    paths: &[&["charges"]],
    keys: &["chargeName", "chargeType", "billingCycleType", "quantity", "subTotal"],
    never: &[],
    known: &[
        "productId",
        "productName",
        "sku",
        "chargeId",
        "chargeName",
        "chargeType",
        "billingCycleType",
        "periodFrom",
        "periodTo",
        "quantity",
        "costPrice",
        "listPrice",
        "netPrice",
        "netPriceProrated",
        "subTotal",
        "currency",
        "isBilled",
        "isProratable",
        "deductions",
        "fees",
        "invoice",
        "taxes",
        "tags",
    ],
};

fn detect(shape: &Shape<'_>) -> Fit {
    ROWS.fit(shape)
}

/// A product of a client in a period.
type Held = (Arc<ClientRef>, Arc<ProductRef>, Span);

fn read(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    let mut counted: HashMap<Held, Option<String>> = HashMap::new();
    ROWS.read(shapes, sink, &|item| client(item).ok(), &mut |item, line, sink| {
        let Some(mut charge) = charge(item, line, options, sink)? else { return Ok(()) };
        if charge.kind == ChargeKind::Licence {
            let held = (charge.client.clone(), charge.product.clone(), charge.span);
            let id = text(item, "chargeId");
            if *counted.entry(held).or_insert_with(|| id.clone()) != id {
                let text = "another charge of the same product and period: its seats are counted already";
                sink.note(Some(line), "further_charge", text);
                charge.kind = ChargeKind::Usage;
            }
        }
        sink.keep(line, Record::VendorCharge(charge));
        Ok(())
    })
}

fn client(item: &Object<'_>) -> Result<ClientRef, Bad> {
    let tags = item.list("tags").unwrap_or_default();
    let named_tag = tags.iter().filter_map(|tag| Object::of(tag)).find_map(|tag| {
        let customer = text(&tag, "name").is_some_and(|name| fold(&name) == "customerdisplayname");
        text(&tag, "value").filter(|_| customer)
    });
    named_tag
        .map(named)
        .ok_or_else(|| Bad::member("tags", None, "holds no CustomerDisplayName: whose charge is it?"))
}

fn charge(
    item: &Object<'_>,
    line: u32,
    options: &ReadOptions,
    sink: &mut Sink,
) -> Result<Option<VendorCharge>, Bad> {
    let client = client(item)?;
    let charge_type = need(item, "chargeType")?;
    let cycle_type = text(item, "billingCycleType").unwrap_or_default();
    let once = fold(&cycle_type) == "onetime";
    let (kind, known) = match fold(&charge_type).as_str() {
        "setup" => (ChargeKind::OneTime, true),
        "usage" => (ChargeKind::Usage, true),
        _ if once => (ChargeKind::OneTime, true),
        "recurring" => (ChargeKind::Licence, true),
        _ => (ChargeKind::Licence, false),
    };
    if !known {
        let text = format!("the charge type `{charge_type}` is not known; the charge is kept");
        sink.note(Some(line), "unknown_charge_type", text);
    }
    let cycle = match fold(&cycle_type).as_str() {
        "monthly" | "onetime" | "" => Cycle::Monthly,
        "yearly" | "annual" => Cycle::Annual,
        _ => {
            return Err(Bad::member(
                "billingCycleType",
                Some(&cycle_type),
                "is none of OneTime, Monthly, Yearly",
            ));
        }
    };
    let quantity = need_number(item, "quantity")?;
    let net = number(item, "netPrice")?;
    let amount = need_number(item, "subTotal")?;
    let unit_price = number(item, "netPriceProrated")?.or(net).or(number(item, "listPrice")?);
    let from =
        day(item, "periodFrom")?.ok_or_else(|| Bad::member("periodFrom", None, "is empty, and is needed"))?;
    let last =
        day(item, "periodTo")?.ok_or_else(|| Bad::member("periodTo", None, "is empty, and is needed"))?;
    if last < from {
        return Err(Bad::member("periodTo", Some(&last.to_string()), "is before the period starts"));
    }
    let Some(currency) = currency(text(item, "currency").as_deref(), "currency", options, sink)? else {
        return Ok(None);
    };
    Ok(Some(VendorCharge {
        client: client.into(),
        product: product(item)?.into(),
        subscription: None,
        invoice: item.object("invoice").and_then(|invoice| text(&invoice, "number")).map(Into::into),
        reference: None,
        kind,
        charge_type: Some(snake(&charge_type).into()),
        known_charge_type: known,
        term: None,
        cycle,
        quantity,
        unit_price: unit_price.unwrap_or(Decimal::ZERO),
        // What a whole cycle costs the MSP: the net price before proration.
        list_price: net,
        amount,
        currency,
        span: Span { from, until: Some(day_after(last)) },
        subscription_span: None,
        ordered_on: None,
    }))
}

fn product(item: &Object<'_>) -> Result<ProductRef, Bad> {
    let name = text(item, "productName").or_else(|| text(item, "chargeName"));
    let own = || text(item, "productId").map(|id| format!("sherweb:{id}"));
    let code = text(item, "sku").or_else(own);
    if name.is_none() && code.is_none() {
        return Err(Bad::member("productName", None, "is empty, and so are chargeName, sku and productId"));
    }
    Ok(coded(name, code))
}
