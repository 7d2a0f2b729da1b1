//! Google Workspace subscriptions of a reseller: what each customer has bought.
//!
//! Source: <https://developers.google.com/workspace/admin/reseller/reference/rest/v1/subscriptions>. An annual
//! plan is bought by `seats.numberOfSeats`. A flexible plan buys nothing ahead: `maximumNumberOfSeats` is its
//! cap, and `licensedNumberOfSeats` what Google charges. Trials and free plans are never billable. A
//! subscription that is not active holds no seats that anyone can use.

use super::json::Object;
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::vendor_item::{Rows, count, is_true, need, text};
use super::{FileError, Fit, Format, ReadOptions};
use crate::records::{ClientRef, Entitlement, Held, ProductRef, Record, Side, Term};

pub(super) const FORMAT: Format = Format {
    name: "google_reseller_subscriptions",
    title: "Google Workspace reseller subscriptions",
    sides: &[Side::Entitlement],
    detect,
    read,
};

const ROWS: Rows = Rows {
    paths: &[&["subscriptions"]],
    keys: &["customerId", "subscriptionId", "skuId", "plan", "seats"],
    never: &[],
    known: &[
        "kind",
        "customerId",
        "customerDomain",
        "subscriptionId",
        "skuId",
        "skuName",
        "creationTime",
        "plan",
        "seats",
        "trialSettings",
        "renewalSettings",
        "transferInfo",
        "purchaseOrderId",
        "status",
        "suspensionReasons",
        "resourceUiUrl",
        "billingMethod",
        "dealCode",
    ],
};

fn detect(shape: &Shape<'_>) -> Fit {
    ROWS.fit(shape)
}

fn read(shapes: &[&Shape<'_>], _: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    sink.snapshot = true;
    ROWS.read(shapes, sink, &|item| client(item).ok(), &mut |item, line, sink| {
        let status = text(item, "status").unwrap_or_default();
        if !status.is_empty() && !status.eq_ignore_ascii_case("active") {
            let text = format!("the subscription is {}: it holds no seats in use", status.to_lowercase());
            sink.note(Some(line), "not_active", text);
            return Ok(());
        }
        sink.keep(line, Record::Entitlement(entitlement(item)?));
        Ok(())
    })
}

/// By the domain; Google's own customer id where there is none.
fn client(item: &Object<'_>) -> Result<ClientRef, Bad> {
    match text(item, "customerDomain") {
        Some(domain) => Ok(ClientRef { domain: Some(domain.to_lowercase()), ..ClientRef::default() }),
        None => Ok(ClientRef { id: Some(need(item, "customerId")?), ..ClientRef::default() }),
    }
}

fn entitlement(item: &Object<'_>) -> Result<Entitlement, Bad> {
    let lacks = |key: &str| Bad::member(key, None, "is empty, and is needed");
    let plan = item.object("plan").ok_or_else(|| lacks("plan"))?;
    let seats = item.object("seats").ok_or_else(|| lacks("seats"))?;
    let plan_name = text(&plan, "planName").ok_or_else(|| lacks("plan.planName"))?.to_uppercase();
    let trial = item.object("trialSettings").is_some_and(|trial| is_true(&trial, "isInTrial"));
    let licensed = count(&seats, "licensedNumberOfSeats")?;
    let bought = count(&seats, "numberOfSeats")?;
    let annual = plan_name.starts_with("ANNUAL");
    let purchased = match plan_name.as_str() {
        _ if annual => Some(bought.ok_or_else(|| lacks("seats.numberOfSeats"))?),
        "FLEXIBLE" => Some(licensed.ok_or_else(|| lacks("seats.licensedNumberOfSeats"))?),
        "TRIAL" | "FREE" => bought.or(licensed),
        _ => {
            return Err(Bad::member(
                "plan.planName",
                Some(&plan_name),
                "is none of ANNUAL.., FLEXIBLE, TRIAL, FREE",
            ));
        }
    };
    let sku = need(item, "skuId")?;
    Ok(Entitlement {
        client: client(item)?.into(),
        product: ProductRef { name: text(item, "skuName"), sku: Some(sku), ..ProductRef::default() }.into(),
        subscription: text(item, "subscriptionId").map(|id| id.to_lowercase()),
        term: match plan_name.as_str() {
            _ if annual => Some(Term::Annual),
            "FLEXIBLE" => Some(Term::Monthly),
            _ => None,
        },
        purchased,
        assigned: licensed,
        active: None,
        free: trial || matches!(plan_name.as_str(), "TRIAL" | "FREE"),
        held: Held::Snapshot { on: None },
    })
}
