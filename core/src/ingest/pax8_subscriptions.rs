//! Pax8 subscriptions: what the MSP pays for each, as it stands now.
//!
//! Source: the partner API, `GET /v1/subscriptions` (<https://docs.pax8.com>), pages of `content` and `page`.
//! `partnerCost` is what the MSP pays; `price` is what Pax8 suggests that the customer pays, and no bill:
//! the client's bill is the PSA's, so the file is cost and nothing else. `PendingCancel` still bills until
//! its end. The list holds the quantities of today, so each subscription is read as unchanged since it began
//! to bill; where invoice items are at hand too, they count before it.
//!
//! Pax8's product id has the shape of a Microsoft id and is none: it is kept as a code, `pax8:` in front.

use super::date;
use super::json::Object;
use super::pax8_terms::{self, Pays};
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::table::fold;
use super::vendor_item::{Rows, currency, day, named, need, need_count, need_number, text};
use super::{FileError, Fit, Format, ReadOptions};
use crate::period::{Span, day_after};
use crate::records::{ChargeKind, ClientRef, ProductRef, Record, Side, VendorCharge};

pub(super) const FORMAT: Format =
    Format { name: "pax8_subscriptions", title: "Pax8 subscriptions", sides: &[Side::Cost], detect, read };

const ROWS: Rows = Rows {
    paths: &[&["content"]],
    keys: &["companyId", "productId", "quantity", "billingTerm", "startDate", "status"],
    never: &["startPeriod"],
    known: &[
        "id",
        "parentSubscriptionId",
        "companyId",
        "companyName",
        "productId",
        "productName",
        "vendorName",
        "vendorSubscriptionId",
        "vendorSkuId",
        "quantity",
        "startDate",
        "endDate",
        "createdDate",
        "updatedDate",
        "billingStart",
        "status",
        "price",
        "currencyCode",
        "partnerCost",
        "billingTerm",
        "commitmentTerm",
        "commitment",
        "provisioningDetails",
    ],
};

fn detect(shape: &Shape<'_>) -> Fit {
    ROWS.fit(shape)
}

fn read(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    let text = "quantities and costs are those of the day of the export; earlier changes are not in the list";
    sink.note(None, "quantities_of_today", text);
    ROWS.read(shapes, sink, &|item| client(item).ok(), &mut |item, line, sink| {
        match standing(item, line, sink) {
            Standing::Bills => {}
            Standing::Not(why) => {
                let status = text_of_status(item);
                sink.note(Some(line), "not_billed", format!("the status is {status}: {why}"));
                return Ok(());
            }
        }
        let Some(charge) = charge(item, line, options, sink)? else { return Ok(()) };
        sink.keep(line, Record::VendorCharge(charge));
        Ok(())
    })
}

/// Whether a subscription is charged.
enum Standing {
    Bills,
    Not(&'static str),
}

fn text_of_status(item: &Object<'_>) -> String {
    text(item, "status").unwrap_or_default()
}

fn standing(item: &Object<'_>, line: u32, sink: &mut Sink) -> Standing {
    let status = text_of_status(item);
    match fold(&status).as_str() {
        "active" | "activated" | "pendingcancel" => Standing::Bills,
        // Charged until its end; without one nobody can say for which days.
        "cancelled" | "canceled" if item.text("endDate").is_some() => Standing::Bills,
        "cancelled" | "canceled" => Standing::Not("it has ended, and its last day is not stated"),
        "trial" => Standing::Not("a trial is not charged"),
        "converted" => Standing::Not("another subscription took its place"),
        "pendingmanual" | "pendingautomated" | "waitingfordetails" | "pendingactivation" => {
            Standing::Not("it is ordered and not yet delivered")
        }
        _ => {
            let text = format!("the status `{status}` is not documented; read as charged");
            sink.note(Some(line), "unknown_status", text);
            Standing::Bills
        }
    }
}

/// By name where there is one; else Pax8's own id stands for the company.
fn client(item: &Object<'_>) -> Result<ClientRef, Bad> {
    match text(item, "companyName") {
        Some(name) => Ok(named(name)),
        None => Ok(ClientRef { id: Some(need(item, "companyId")?), ..ClientRef::default() }),
    }
}

fn charge(
    item: &Object<'_>,
    line: u32,
    options: &ReadOptions,
    sink: &mut Sink,
) -> Result<Option<VendorCharge>, Bad> {
    let quantity = need_count(item, "quantity")?;
    let unit_price = need_number(item, "partnerCost")?;
    let amount = quantity.checked_mul(unit_price).ok_or_else(|| {
        Bad::member("partnerCost", None, "times the quantity is more than can be kept exactly")
    })?;
    let billing = need(item, "billingTerm")?;
    let pays = pax8_terms::pays(&billing).ok_or_else(|| {
        Bad::member("billingTerm", Some(&billing), "is none of Monthly, Annual, 2-Year, 3-Year, One-Time")
    })?;
    let from = match day(item, "billingStart")? {
        Some(day) => day,
        None => day(item, "startDate")?
            .ok_or_else(|| Bad::member("startDate", None, "is empty, and is needed"))?,
    };
    let span = Span { from, until: day(item, "endDate")?.map(day_after) };
    if span.is_empty() {
        sink.note(
            Some(line),
            "never_active",
            "the subscription ended before it began to bill: nothing is charged",
        );
        return Ok(None);
    }
    let commitment = item.object("commitmentTerm").or_else(|| item.object("commitment"));
    let term =
        commitment.as_ref().and_then(|term| text(term, "term")).and_then(|term| pax8_terms::term(&term));
    let ends =
        commitment.as_ref().and_then(|term| term.text("endDate")).and_then(|text| date::parse_iso(&text));
    let Some(currency) = currency(text(item, "currencyCode").as_deref(), "currencyCode", options, sink)?
    else {
        return Ok(None);
    };
    let code = need(item, "productId")?;
    Ok(Some(VendorCharge {
        client: client(item)?.into(),
        product: ProductRef {
            name: text(item, "productName"),
            code: Some(format!("pax8:{code}")),
            ..ProductRef::default()
        }
        .into(),
        // Pax8's own id, which is on its invoice items too; the vendor's id may be shared or lacking.
        subscription: text(item, "id")
            .or_else(|| text(item, "vendorSubscriptionId"))
            .map(|id| id.to_lowercase()),
        invoice: None,
        reference: None,
        kind: if matches!(pays, Pays::Once) { ChargeKind::OneTime } else { ChargeKind::Licence },
        charge_type: None,
        known_charge_type: true,
        term,
        cycle: pays.cycle(),
        quantity,
        unit_price,
        list_price: pays.per_cycle(unit_price),
        amount,
        currency,
        span,
        subscription_span: ends.map(|last| Span { from, until: Some(day_after(last)) }),
        ordered_on: day(item, "createdDate")?,
    }))
}
