//! Invoices of partner portals such as MSP-Hub and `SixDotOne`: Partner Center's lines at the MSP's prices.
//!
//! Source: <https://github.com/lukebarhoumeh/Reconciliation>, whose table of columns ties the portal's names to
//! Microsoft's: `PartNumber` (else `SkuName`) is the `SkuId`, `InternalReferenceId` the `ReferenceId`,
//! `PricingCurrency` the currency, `PartnerSubTotal` the `Subtotal`. A change of seats is two rows as in Partner
//! Center, the sign on the amount. A portal that passes ids through a spreadsheet loses the zeros of `0002`.

use super::charge_words::{cycle, is_known_charge_type, snake, term};
use super::day_order::{need_day, order};
use super::json::Object;
use super::layout::{Cells, Field, Layout, Need};
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::table::fold;
use super::vendor_item::{certain, currency, read_charges};
use super::{DateOrder, Detection, FileError, Fit, Format, ReadOptions, day_order};
use crate::matching::stock_code;
use crate::period::{Span, day_after};
use crate::records::{ChargeKind, ClientRef, ProductRef, Side, Term, VendorCharge};

pub(super) const FORMAT: Format = Format {
    name: "msp_hub_partner_invoice",
    title: "Partner portal invoice (MSP-Hub, SixDotOne)",
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
    CustomerDomain,
    Invoice,
    OrderDate,
    ProductId,
    PartNumber,
    SkuName,
    ProductName,
    ChargeType,
    UnitPrice,
    Quantity,
    Subtotal,
    Currency,
    Subscription,
    Start,
    End,
    Term,
    BillingCycle,
    EffectiveUnitPrice,
    Reference,
    SubscriptionStart,
    SubscriptionEnd,
}

const fn field(name: &'static str, aliases: &'static [&'static str], need: Need) -> Field {
    Field { name, aliases, need }
}

const LAYOUT: Layout = Layout {
    fields: &[
        field("CustomerId", &[], Need::OneOf(1)),
        field("CustomerName", &[], Need::OneOf(1)),
        field("CustomerDomainName", &[], Need::Optional),
        field("PartnerInvoiceNumber", &["invoicenumber"], Need::Optional),
        field("OrderDate", &[], Need::Optional),
        field("ProductId", &[], Need::Optional),
        field("PartNumber", &["skuid"], Need::Optional),
        field("SkuName", &[], Need::OneOf(2)),
        field("ProductName", &[], Need::OneOf(2)),
        field("ChargeType", &[], Need::Required),
        field("PartnerUnitPrice", &[], Need::SignatureOneOf(3)),
        field("Quantity", &["billablequantity"], Need::Required),
        field("PartnerSubTotal", &[], Need::Signature),
        field("PricingCurrency", &["currency"], Need::Optional),
        field("SubscriptionId", &[], Need::Optional),
        field("ChargeStartDate", &[], Need::Required),
        field("ChargeEndDate", &[], Need::Required),
        field("Term", &["termandbillingcycle"], Need::Optional),
        field("BillingCycle", &["billingfrequency"], Need::Optional),
        field("PartnerEffectiveUnitPrice", &[], Need::SignatureOneOf(3)),
        field("InternalReferenceId", &["referenceid"], Need::Optional),
        field("SubscriptionStartDate", &[], Need::Optional),
        field("SubscriptionEndDate", &[], Need::Optional),
    ],
    unread: &[
        "partnerid",
        "partnername",
        "customercountry",
        "ordernumber",
        "partnertaxtotal",
        "partnertotal",
        "productqualifiers",
        "availabilityid",
        "publishername",
    ],
    never: &[],
};

const DATES: [usize; 5] = [
    F::Start as usize,
    F::End as usize,
    F::OrderDate as usize,
    F::SubscriptionStart as usize,
    F::SubscriptionEnd as usize,
];

fn detect(shape: &Shape<'_>) -> Fit {
    if column_map(shape) {
        let reasons = vec!["it ties the names of columns to one another".to_owned()];
        return Fit::Yes(Detection { confidence: certain(), reasons });
    }
    LAYOUT.fit(&shape.table.columns)
}

/// Whether this is a table of columns, which tools for these files are set up with.
fn column_map(shape: &Shape<'_>) -> bool {
    const COLUMNS: [&str; 5] = ["CustomerName", "ProductId", "SkuId", "Quantity", "Subtotal"];
    let maps = |item: &Object<'_>| {
        item.0.iter().filter_map(|(_, value)| Object::of(value)).any(|map| {
            map.has(&COLUMNS) && map.0.iter().all(|(_, column)| column.get().starts_with(['"', '[']))
        })
    };
    shape.is_json() && shape.sample().filter_map(Object::of).any(|item| maps(&item))
}

fn read(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    if shapes.iter().any(|shape| column_map(shape)) {
        return Err(FileError::Schema { evidence: "it ties the names of columns to one another".to_owned() });
    }
    let Some(order) = order(&LAYOUT, &DATES, shapes, options, sink)? else { return Ok(()) };
    let client = |cells: &Cells<'_>| client(cells).ok();
    read_charges(&LAYOUT, shapes, options, sink, &client, &|cells, sink| charge(cells, order, options, sink))
}

fn client(cells: &Cells<'_>) -> Result<ClientRef, Bad> {
    let id = cells.text(F::CustomerId as usize).map(str::to_lowercase);
    let name = cells.owned(F::CustomerName as usize);
    if id.is_none() && name.is_none() {
        return Err(cells.bad(F::CustomerId as usize, "is empty, and so is CustomerName"));
    }
    Ok(ClientRef { id, name, domain: cells.text(F::CustomerDomain as usize).map(str::to_lowercase) })
}

fn charge(
    cells: &Cells<'_>,
    order: DateOrder,
    options: &ReadOptions,
    sink: &mut Sink,
) -> Result<Option<VendorCharge>, Bad> {
    let client = client(cells)?;
    let charge_type = snake(cells.need(F::ChargeType as usize)?);
    let known_charge_type = is_known_charge_type(&charge_type);
    let from = need_day(cells, F::Start as usize, order)?;
    let last = need_day(cells, F::End as usize, order)?;
    if last < from {
        return Err(cells.bad(F::End as usize, "is before the charge starts"));
    }
    let span = Span { from, until: Some(day_after(last)) };
    let start = day_order::day(cells, F::SubscriptionStart as usize, order)?;
    let end = day_order::day(cells, F::SubscriptionEnd as usize, order)?;
    let subscription_span = start.map(|from| Span { from, until: end.map(day_after) });
    let list_price = cells.number(F::UnitPrice as usize)?;
    let effective = cells.number(F::EffectiveUnitPrice as usize)?;
    let term_text = cells.text(F::Term as usize).unwrap_or_default();
    let billing = cells.text(F::BillingCycle as usize).unwrap_or_default();
    let kind = kind(cells, &charge_type, billing);
    if !known_charge_type {
        let text = format!("the charge type `{charge_type}` is not documented; the charge is kept");
        sink.note(Some(cells.line()), "unknown_charge_type", text);
    }
    let Some(currency) = currency(cells.text(F::Currency as usize), "PricingCurrency", options, sink)? else {
        return Ok(None);
    };
    Ok(Some(VendorCharge {
        client: client.into(),
        product: product(cells, sink).into(),
        subscription: cells.text(F::Subscription as usize).map(str::to_lowercase),
        invoice: cells.text(F::Invoice as usize).map(Into::into),
        reference: cells.text(F::Reference as usize).map(str::to_lowercase),
        kind,
        known_charge_type,
        charge_type: Some(charge_type.into()),
        term: word(term_text).or_else(|| term(term_text, subscription_span)),
        cycle: cycle(billing, term_text, span),
        quantity: cells.need_number(F::Quantity as usize)?,
        unit_price: effective.or(list_price).unwrap_or_default(),
        list_price,
        amount: cells.need_number(F::Subtotal as usize)?,
        currency,
        span,
        subscription_span,
        ordered_on: day_order::day(cells, F::OrderDate as usize, order)?,
    }))
}

/// The commitment in one word, as portals write it.
fn word(text: &str) -> Option<Term> {
    match fold(text).as_str() {
        "monthly" | "p1m" | "m" => Some(Term::Monthly),
        "annual" | "yearly" | "p1y" | "y" => Some(Term::Annual),
        "triennial" | "3years" | "p3y" => Some(Term::Triennial),
        _ => None,
    }
}

/// Seats, metered use (Azure plans among them), or bought once.
fn kind(cells: &Cells<'_>, charge_type: &str, billing: &str) -> ChargeKind {
    let azure = [F::ProductName, F::SkuName]
        .iter()
        .any(|field| cells.text(*field as usize).is_some_and(|name| fold(name).contains("azureplan")));
    if azure || charge_type.contains("usage") {
        ChargeKind::Usage
    } else if fold(billing) == "onetime" {
        ChargeKind::OneTime
    } else {
        ChargeKind::Licence
    }
}

/// `ProductId:SkuId` where the line has both, in whichever column the SKU stands; else the portal's own part
/// number as a code.
fn product(cells: &Cells<'_>, sink: &mut Sink) -> ProductRef {
    let text = |field: F| cells.text(field as usize);
    let product = text(F::ProductId).unwrap_or_default();
    let mut sku = None;
    for candidate in [text(F::PartNumber), text(F::SkuName)].into_iter().flatten() {
        // Ids have four characters; a spreadsheet makes 1 of 0001.
        let padded = if candidate.len() < 4 && candidate.bytes().all(|b| b.is_ascii_digit()) {
            format!("{candidate:0>4}")
        } else {
            candidate.to_owned()
        };
        sku = stock_code(candidate).or_else(|| stock_code(&format!("{product}:{padded}")));
        if sku.is_some() {
            if padded != candidate {
                let text =
                    format!("the SkuId `{candidate}` is read as `{padded}`; a spreadsheet dropped its zeros");
                sink.note(Some(cells.line()), "padded_sku", text);
            }
            break;
        }
    }
    let named = text(F::SkuName).filter(|name| name.len() > 4 && stock_code(name).is_none());
    let name = named.or_else(|| text(F::ProductName)).or_else(|| text(F::SkuName));
    let code = if sku.is_none() { text(F::PartNumber) } else { None };
    ProductRef { name: name.map(str::to_owned), sku, code: code.map(str::to_owned), part_number: None }
}
