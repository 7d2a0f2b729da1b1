//! Pax8 invoice items: what the MSP was charged, line by line.
//!
//! Source: the partner API, `GET /v1/invoices/{id}/items` (<https://docs.pax8.com>), pages of `content` and
//! `page`, and the same fields as CSV. `cost` and `costTotal` are what the MSP pays; `price`, `subTotal` and
//! `total` are what Pax8 suggests that the customer pays, and are no bill. `flat_rate` lines and the terms
//! Trial, Arrears (metered, charged afterwards), Rebate, One Time and Activation are money without seats.
//! A wrong invoice is `Credited` and stays visible beside the new one: where the file says so, its items do
//! not count.

use super::charge_words::cycle;
use super::day_order::{client_named, need_day, order};
use super::json::Object;
use super::layout::{Cells, Field, Layout, Need};
use super::pax8_terms::{self, Pays};
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::table::fold;
use super::vendor_item::{certain, coded, currency, named, read_charges};
use super::{DateOrder, Detection, FileError, Fit, Format, ReadOptions};
use crate::period::{Span, day_after};
use crate::records::{ChargeKind, ClientRef, ProductRef, Side, Term, VendorCharge};

pub(super) const FORMAT: Format =
    Format { name: "pax8_invoice_items", title: "Pax8 invoice items", sides: &[Side::Cost], detect, read };

/// Places in [`LAYOUT`].
#[derive(Clone, Copy)]
#[repr(usize)]
enum F {
    CompanyName,
    CompanyId,
    ProductName,
    ProductId,
    Sku,
    Subscription,
    Quantity,
    Cost,
    CostTotal,
    Start,
    End,
    Currency,
    ChargeType,
    Type,
    Term,
    Invoice,
    InvoiceStatus,
}

const fn field(name: &'static str, need: Need) -> Field {
    Field { name, aliases: &[], need }
}

const LAYOUT: Layout = Layout {
    fields: &[
        field("companyName", Need::OneOf(1)),
        field("companyId", Need::OneOf(1)),
        field("productName", Need::OneOf(2)),
        field("productId", Need::OneOf(2)),
        field("sku", Need::Optional),
        field("subscriptionId", Need::Optional),
        field("quantity", Need::Required),
        field("cost", Need::SignatureOneOf(3)),
        field("costTotal", Need::SignatureOneOf(3)),
        field("startPeriod", Need::Signature),
        field("endPeriod", Need::Signature),
        field("currencyCode", Need::Optional),
        field("chargeType", Need::Optional),
        field("type", Need::Optional),
        field("term", Need::Optional),
        Field { name: "invoiceNumber", aliases: &["invoiceid"], need: Need::Optional },
        field("invoiceStatus", Need::Optional),
    ],
    unread: &[
        "id",
        "price",
        "subtotal",
        "total",
        "amountdue",
        "billingfee",
        "billingfeerate",
        "salestax",
        "ratetype",
        "unitofmeasure",
        "vendorname",
        "offeredby",
        "billedbypax8",
        "description",
        "details",
        "purchaseordernumber",
        "externalid",
        "invoicedate",
    ],
    never: &["usagedate"],
};

const DATES: [usize; 2] = [F::Start as usize, F::End as usize];

fn detect(shape: &Shape<'_>) -> Fit {
    if field_lists(shape) {
        let reasons = vec!["it has lists of Pax8's field names".to_owned()];
        return Fit::Yes(Detection { confidence: certain(), reasons });
    }
    LAYOUT.fit(&shape.table.columns)
}

/// Whether this is Pax8's documentation: the names of fields, and no items.
fn field_lists(shape: &Shape<'_>) -> bool {
    let lists = |item: &Object<'_>| {
        ["InvoiceItem", "Subscription", "Invoice"].iter().any(|name| {
            let names = item.list(name).unwrap_or_default();
            names.len() > 2 && names.iter().all(|name| name.get().starts_with('"'))
        })
    };
    shape.is_json() && shape.sample().filter_map(Object::of).any(|item| lists(&item))
}

fn read(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    if shapes.iter().any(|shape| field_lists(shape)) {
        return Err(FileError::Schema { evidence: "it lists the names of Pax8's fields".to_owned() });
    }
    let Some(order) = order(&LAYOUT, &DATES, shapes, options, sink)? else { return Ok(()) };
    let client = |cells: &Cells<'_>| client_named(cells, F::CompanyName as usize);
    read_charges(&LAYOUT, shapes, options, sink, &client, &|cells, sink| charge(cells, order, options, sink))
}

fn charge(
    cells: &Cells<'_>,
    order: DateOrder,
    options: &ReadOptions,
    sink: &mut Sink,
) -> Result<Option<VendorCharge>, Bad> {
    let text = |field: F| cells.text(field as usize);
    if let Some(status) = text(F::InvoiceStatus)
        && matches!(fold(status).as_str(), "credited" | "void" | "voided")
    {
        let text = format!("the invoice is {status}: another took its place, and its items do not count");
        sink.note(Some(cells.line()), "credited_invoice", text);
        return Ok(None);
    }
    let quantity = cells.need_number(F::Quantity as usize)?;
    let cost = cells.number(F::Cost as usize)?;
    let flat = text(F::ChargeType).is_some_and(|kind| fold(kind) == "flatrate");
    let amount = match (cells.number(F::CostTotal as usize)?, cost) {
        (Some(amount), _) => amount,
        (None, Some(cost)) if flat => cost,
        (None, Some(cost)) => quantity.checked_mul(cost).ok_or_else(|| {
            cells.bad(F::Cost as usize, "times the quantity is more than can be kept exactly")
        })?,
        (None, None) => return Err(cells.bad(F::Cost as usize, "is empty, and is needed")),
    };
    let from = need_day(cells, F::Start as usize, order)?;
    let last = need_day(cells, F::End as usize, order)?;
    if last < from {
        return Err(cells.bad(F::End as usize, "is before the period starts"));
    }
    let span = Span { from, until: Some(day_after(last)) };
    let term = text(F::Term).unwrap_or_default();
    let pays = pays(cells, span)?;
    let (kind, word) = kind(term, flat, pays);
    let Some(currency) = currency(text(F::Currency), "currencyCode", options, sink)? else { return Ok(None) };
    let unit_price = cost.unwrap_or(amount);
    // Pax8 documents no list of types: a line per unit holds seats, whatever it is called.
    let prorated = text(F::Type).is_some_and(|kind| fold(kind).starts_with("prorat"));
    Ok(Some(VendorCharge {
        client: client(cells)?.into(),
        product: product(cells)?.into(),
        subscription: text(F::Subscription).map(str::to_lowercase),
        invoice: cells.text(F::Invoice as usize).map(Into::into),
        reference: None,
        kind,
        charge_type: Some(word.unwrap_or(if prorated { "proration" } else { "recurring" }).into()),
        known_charge_type: true,
        // Billed by the month says nothing of the commitment.
        term: pax8_terms::term(term).filter(|term| *term != Term::Monthly),
        cycle: pays.cycle(),
        quantity,
        unit_price,
        list_price: pays.per_cycle(unit_price),
        amount,
        currency,
        span,
        subscription_span: None,
        ordered_on: None,
    }))
}

/// What the price pays for: by the term, else by the length of the period.
fn pays(cells: &Cells<'_>, span: Span) -> Result<Pays, Bad> {
    let Some(term) = cells.text(F::Term as usize) else {
        return Ok(Pays::Cycle(cycle("", "", span)));
    };
    match fold(term).as_str() {
        "trial" | "arrears" | "rebate" => Ok(Pays::Cycle(cycle("", "", span))),
        _ => pax8_terms::pays(term).ok_or_else(|| {
            let rule =
                "is none of Monthly, Annual, 2 Year, 3 Year, One Time, Activation, Trial, Arrears, Rebate";
            cells.bad(F::Term as usize, rule)
        }),
    }
}

/// Seats or money, and the word for it where the term gives one.
fn kind(term: &str, flat: bool, pays: Pays) -> (ChargeKind, Option<&'static str>) {
    match fold(term).as_str() {
        "trial" => (ChargeKind::OneTime, Some("trial")),
        "rebate" => (ChargeKind::OneTime, Some("credit")),
        "arrears" => (ChargeKind::Usage, Some("usage")),
        "activation" => (ChargeKind::OneTime, Some("setup")),
        _ if pays == Pays::Once => (ChargeKind::OneTime, Some("one_time")),
        _ if flat => (ChargeKind::Usage, Some("flat_rate")),
        _ => (ChargeKind::Licence, None),
    }
}

fn client(cells: &Cells<'_>) -> Result<ClientRef, Bad> {
    match cells.owned(F::CompanyName as usize) {
        Some(name) => Ok(named(name)),
        None => {
            Ok(ClientRef { id: Some(cells.need(F::CompanyId as usize)?.to_owned()), ..ClientRef::default() })
        }
    }
}

/// By the vendor's code where the line has one, else by Pax8's own, marked so that nobody takes it for
/// Microsoft's.
fn product(cells: &Cells<'_>) -> Result<ProductRef, Bad> {
    let own = cells.text(F::ProductId as usize).map(|id| format!("pax8:{id}"));
    let name = cells.owned(F::ProductName as usize);
    if name.is_none() && own.is_none() {
        return Err(cells.bad(F::ProductName as usize, "is empty, and so is productId"));
    }
    Ok(coded(name, cells.owned(F::Sku as usize).or(own)))
}
