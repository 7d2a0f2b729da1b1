//! Partner Center's license-based reconciliation of legacy (not new-commerce) subscriptions, as CSV and as
//! JSON of the API (`provider=office`).
//!
//! Source: <https://learn.microsoft.com/partner-center/billing/license-based-recon-files> and
//! <https://learn.microsoft.com/partner-center/billing/recon-file-charge-types>. The subscription's id is
//! `SyndicationPartnerSubscriptionNumber` and the product's is `DurableOfferId`; `SubscriptionId` and `OfferId`
//! are the billing platform's own. A change of seats is minus the whole cycle and then one row for each
//! sub-period with its seats, all of the charge type `Cycle instance prorate`; the sign is on `UnitPrice` and
//! `Amount`. So the seats of a day are the signed sum of the rows that cover it, as in new commerce, and the
//! last sub-period holds the newest state (see [`crate::seat_states`]). `ChargeEndDate` is the last day
//! charged, at 23:59. `Amount` is what sums to the invoice's charges; discounts stand apart on both.
//!
//! These subscriptions run a year and can be cancelled at any time, so that no commitment is stated.

use super::charge_words::{cycle, is_known_charge_type, snake};
use super::english_dates::{self, Dates};
use super::layout::{Cells, Field, Layout, Need};
use super::partner_center_items::customer_id;
use super::reader::Shape;
use super::seen_lines::SeenLines;
use super::sink::{Bad, Sink};
use super::{FileError, Fit, Format, ReadOptions};
use crate::period::{Span, day_after};
use crate::records::{ChargeKind, ClientRef, ProductRef, Record, Side, VendorCharge};

pub(super) const FORMAT: Format = Format {
    name: "microsoft_partner_center_legacy_licenses",
    title: "Partner Center license-based reconciliation (legacy)",
    sides: &[Side::Cost],
    detect,
    read,
};

/// Places in [`LAYOUT`].
#[derive(Clone, Copy)]
#[repr(usize)]
enum F {
    CustomerId,
    CustomerName,
    Domain,
    Invoice,
    Subscription,
    Offer,
    OfferName,
    SubscriptionDescription,
    SubscriptionStart,
    SubscriptionEnd,
    ChargeStart,
    ChargeEnd,
    ChargeType,
    UnitPrice,
    Quantity,
    Amount,
    Currency,
    BillingCycle,
}

const fn field(name: &'static str, need: Need) -> Field {
    Field { name, aliases: &[], need }
}

const LAYOUT: Layout = Layout {
    fields: &[
        field("CustomerId", Need::OneOf(1)),
        field("CustomerName", Need::OneOf(1)),
        field("DomainName", Need::Optional),
        field("InvoiceNumber", Need::Optional),
        field("SyndicationPartnerSubscriptionNumber", Need::Signature),
        field("DurableOfferId", Need::Signature),
        field("OfferName", Need::Optional),
        field("SubscriptionDescription", Need::Optional),
        field("SubscriptionStartDate", Need::Optional),
        field("SubscriptionEndDate", Need::Optional),
        field("ChargeStartDate", Need::Required),
        field("ChargeEndDate", Need::Required),
        field("ChargeType", Need::Required),
        field("UnitPrice", Need::Required),
        field("Quantity", Need::Required),
        field("Amount", Need::Required),
        field("Currency", Need::Required),
        field("BillingCycleType", Need::Optional),
    ],
    unread: &[
        "partnerid",
        "mpnid",
        "resellermpnid",
        "tier2mpnid",
        "orderid",
        "subscriptionid",
        "offerid",
        "totalotherdiscount",
        "subtotal",
        "tax",
        "totalforcustomer",
        "subscriptionname",
        "invoicelineitemtype",
        "billingprovider",
        "attributes",
        "attributesobjecttype",
    ],
    never: &[],
};

const DATES: [usize; 4] = [
    F::SubscriptionStart as usize,
    F::SubscriptionEnd as usize,
    F::ChargeStart as usize,
    F::ChargeEnd as usize,
];

fn detect(shape: &Shape<'_>) -> Fit {
    LAYOUT.fit(&shape.table.columns)
}

fn read(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    english_dates::read(&LAYOUT, &DATES, shapes, options, sink, &mut |dates, sink| {
        let mut seen = SeenLines::new();
        for shape in shapes {
            LAYOUT.read(&shape.table, &options.limits, sink, &client_of, &mut |cells, sink| {
                let charge = charge(cells, dates)?;
                if let Some(first) = seen.earlier(cells.all(), cells.line()) {
                    let text = format!("the same as line {first}; counted once");
                    sink.note(Some(cells.line()), "duplicate_line", text);
                    return Ok(());
                }
                if let Some(kind) = charge.charge_type.as_deref().filter(|_| !charge.known_charge_type) {
                    let text = format!("the charge type `{kind}` is not documented; the charge is kept");
                    sink.note(Some(cells.line()), "unknown_charge_type", text);
                }
                sink.keep(cells.line(), Record::VendorCharge(charge));
                Ok(())
            })?;
        }
        Ok(())
    })
}

fn client_of(cells: &Cells<'_>) -> Option<ClientRef> {
    client(cells).ok()
}

fn client(cells: &Cells<'_>) -> Result<ClientRef, Bad> {
    let id = cells.text(F::CustomerId as usize).map(customer_id);
    let name = cells.owned(F::CustomerName as usize);
    if id.is_none() && name.is_none() {
        return Err(cells.bad(F::CustomerId as usize, "is empty, and so is CustomerName"));
    }
    // Blank until the second cycle, and it may change.
    Ok(ClientRef { id, name, domain: cells.text(F::Domain as usize).map(str::to_lowercase) })
}

fn charge(cells: &Cells<'_>, dates: &mut Dates) -> Result<VendorCharge, Bad> {
    let client = client(cells)?;
    let charge_type = snake(cells.need(F::ChargeType as usize)?);
    let from = dates.need(cells, F::ChargeStart as usize)?;
    let last = dates.need(cells, F::ChargeEnd as usize)?;
    if last < from {
        return Err(cells.bad(F::ChargeEnd as usize, "is before the charge starts"));
    }
    let span = Span::new(from, day_after(last));
    let start = dates.of(cells, F::SubscriptionStart as usize)?;
    // The day on which the subscription ends or renews, at 0:00.
    let end =
        dates.of(cells, F::SubscriptionEnd as usize)?.filter(|end| start.is_some_and(|start| *end > start));
    let name =
        cells.owned(F::OfferName as usize).or_else(|| cells.owned(F::SubscriptionDescription as usize));
    Ok(VendorCharge {
        client: client.into(),
        product: ProductRef {
            name,
            sku: Some(cells.need(F::Offer as usize)?.to_lowercase()),
            ..ProductRef::default()
        }
        .into(),
        subscription: Some(cells.need(F::Subscription as usize)?.to_lowercase()),
        invoice: cells.text(F::Invoice as usize).map(Into::into),
        reference: None,
        kind: ChargeKind::Licence,
        known_charge_type: is_known_charge_type(&charge_type),
        charge_type: Some(charge_type.into()),
        term: None,
        cycle: cycle(cells.text(F::BillingCycle as usize).unwrap_or_default(), "", span),
        quantity: cells.need_number(F::Quantity as usize)?,
        unit_price: cells.need_number(F::UnitPrice as usize)?,
        list_price: None,
        amount: cells.need_number(F::Amount as usize)?,
        currency: cells.need_currency(F::Currency as usize)?,
        span,
        subscription_span: start.map(|from| Span { from, until: end }),
        ordered_on: None,
    })
}
