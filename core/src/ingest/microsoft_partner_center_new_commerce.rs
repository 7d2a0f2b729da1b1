//! Partner Center's new-commerce invoice reconciliation, as CSV and as JSON of the API.
//!
//! Source: <https://learn.microsoft.com/partner-center/billing/modern-invoice-reconciliation-file>. A change
//! of seats is two rows, minus the old total and plus the new one, with a positive `BillableQuantity` on
//! both; the sign is only on price and `Subtotal`. So rows are kept as charges, and seats follow from them
//! in [`crate::seat_states`]. `ChargeEndDate` is the last day charged. Dates are days as written, whatever
//! their offset. `AvailabilityId` changes over time and is not part of a product's id.

mod words;

use super::charge_words::{cycle, term};
use super::date::{self, Evidence, Written};
use super::json::{self, Object};
use super::layout::{Cells, Field, Layout, Need};
use super::partner_center_items::{RECKONED, reckoned_id};
use super::reader::Shape;
use super::repeats::Repeats;
use super::sink::{Bad, Sink};
use super::{DateOrder, FileError, Fit, Format, ReadOptions};
use crate::period::{Span, day_after};
use crate::records::{ChargeKind, ClientRef, Cycle, ProductRef, Record, Side, VendorCharge};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::sync::Arc;
use words::{ChargeType, Frequency, TermWords, Words, has, lower};

pub(super) const FORMAT: Format = Format {
    name: "microsoft_partner_center_new_commerce",
    title: "Partner Center new-commerce invoice reconciliation",
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
    SkuId,
    SkuName,
    ProductName,
    ChargeType,
    UnitPrice,
    Quantity,
    Subtotal,
    Currency,
    SubscriptionDescription,
    SubscriptionId,
    ChargeStart,
    ChargeEnd,
    Term,
    EffectiveUnitPrice,
    BillableQuantity,
    Frequency,
    SubscriptionStart,
    SubscriptionEnd,
    Reference,
}

const fn field(name: &'static str, need: Need) -> Field {
    Field { name, aliases: &[], need }
}

const LAYOUT: Layout = Layout {
    fields: &[
        field("CustomerId", Need::OneOf(1)),
        field("CustomerName", Need::OneOf(1)),
        field("CustomerDomainName", Need::Optional),
        field("InvoiceNumber", Need::Optional),
        field("OrderDate", Need::Optional),
        field("ProductId", Need::Signature),
        field("SkuId", Need::Signature),
        field("SkuName", Need::Optional),
        field("ProductName", Need::Optional),
        field("ChargeType", Need::Required),
        field("UnitPrice", Need::Optional),
        field("Quantity", Need::OneOf(2)),
        field("Subtotal", Need::Required),
        field("Currency", Need::Required),
        field("SubscriptionDescription", Need::Optional),
        field("SubscriptionId", Need::Required),
        field("ChargeStartDate", Need::Required),
        field("ChargeEndDate", Need::Required),
        field("TermAndBillingCycle", Need::Optional),
        field("EffectiveUnitPrice", Need::Optional),
        field("BillableQuantity", Need::OneOf(2)),
        field("BillingFrequency", Need::Optional),
        field("SubscriptionStartDate", Need::Optional),
        field("SubscriptionEndDate", Need::Optional),
        field("ReferenceId", Need::Optional),
    ],
    unread: &[
        "partnerid",
        "partnername",
        "customercountry",
        "mpnid",
        "resellermpnid",
        "tier2mpnid",
        "orderid",
        "availabilityid",
        "taxtotal",
        "total",
        "totalforcustomer",
        "priceadjustmentdescription",
        "publishername",
        "publisherid",
        "publisherdiscount",
        "discountdetails",
        "productcategory",
        "unittype",
        "alternateid",
        "pricingcurrency",
        "pctobcexchangerate",
        "pctobcexchangeratedate",
        "meterdescription",
        "reservationorderid",
        "creditreasoncode",
        "productqualifiers",
        "promotionid",
        "invoicelineitemtype",
        "billingprovider",
        "attributes",
        "attributesobjecttype",
        "providername",
        "providerid",
        "quoteid",
    ],
    // Daily usage, price sheets and partners' own invoices share many of these columns.
    never: &[
        "usagedate",
        "meterid",
        "partnerunitprice",
        "partnersubtotal",
        "pricingtierrangemin",
        "durableofferid",
    ],
};

fn detect(shape: &Shape<'_>) -> Fit {
    LAYOUT.fit(&shape.table.columns)
}

fn read(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    let mark = sink.mark();
    rows(shapes, options, options.date_order, sink)?;
    // The usual file is read once; only one whose dates were rewritten is read again.
    if !sink.again {
        return Ok(());
    }
    sink.restart(mark);
    match order(shapes, options, sink)? {
        Some(order) => rows(shapes, options, Some(order), sink),
        None => count(shapes, options, sink),
    }
}

/// Reads the rows; where the order of day and month is not settled, as the export's own, up to a date that
/// looks otherwise than the export writes it.
fn rows(
    shapes: &[&Shape<'_>],
    options: &ReadOptions,
    settled: Option<DateOrder>,
    sink: &mut Sink,
) -> Result<(), FileError> {
    let order = settled.unwrap_or(DateOrder::Mdy);
    // The same line twice counts once.
    let mut repeats = Repeats::new();
    for shape in shapes {
        let (table, repeats) = (&shape.table, Some(&mut repeats));
        LAYOUT.read_rows(table, &options.limits, sink, repeats, &client_of, &|cells, words, sink| {
            let mut dates = Dates { order, doubt: false };
            let charge = charge(cells, &mut dates, words, sink);
            sink.again |= settled.is_none() && dates.doubt;
            let charge = charge?;
            if let Some(kind) = charge.charge_type.as_deref().filter(|_| !charge.known_charge_type) {
                let text = format!("the charge type `{kind}` is not documented; the charge is kept");
                sink.note(Some(cells.line()), "unknown_charge_type", text);
            }
            if charge.quantity < Decimal::ZERO && charge.kind == ChargeKind::Licence {
                let text = "the quantity is negative; its sign is taken from the subtotal";
                sink.note(Some(cells.line()), "negative_quantity", text);
            }
            sink.keep(cells.line(), Record::VendorCharge(charge));
            Ok(())
        })?;
        if sink.again {
            break;
        }
    }
    Ok(())
}

/// How dates are read, and whether any looked otherwise than the export writes them.
struct Dates {
    order: DateOrder,
    doubt: bool,
}

impl Dates {
    fn of(&mut self, cells: &Cells<'_>, field: F) -> Result<Option<NaiveDate>, Bad> {
        let written = cells.text(field as usize).and_then(date::parse);
        let day = match written {
            Some(written) => {
                written.day(self.order).map_or_else(|()| cells.date(field as usize, self.order), Ok)
            }
            None => cells.date(field as usize, self.order),
        };
        self.doubt |= match written {
            Some(Written::Two { foreign, .. }) => foreign || day.is_err(),
            _ => false,
        };
        day
    }
}

/// Counts the rows of a file that cannot be read before a question is answered.
fn count(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    for shape in shapes {
        LAYOUT.read(&shape.table, &options.limits, sink, &client_of, &mut |_, _| Ok(()))?;
    }
    Ok(())
}

/// The order of day and month where no answer was given: the export's own month/day/year, unless the file shows
/// that something rewrote its dates. Then what the dates prove, and if they prove nothing, a question.
fn order(
    shapes: &[&Shape<'_>],
    options: &ReadOptions,
    sink: &mut Sink,
) -> Result<Option<DateOrder>, FileError> {
    let mut evidence = Evidence::default();
    let dates = [F::OrderDate, F::ChargeStart, F::ChargeEnd, F::SubscriptionStart, F::SubscriptionEnd];
    let mut scratch = Sink::new(&options.limits);
    for shape in shapes {
        LAYOUT.read(&shape.table, &options.limits, &mut scratch, &|_| None, &mut |cells, _| {
            for date in dates {
                if let Some(text) = cells.text(date as usize) {
                    evidence.add(text, cells.line());
                }
            }
            Ok(())
        })?;
    }
    Ok(match (&evidence.dmy, &evidence.mdy) {
        (Some((text, line)), None) => {
            sink.reasons
                .push(format!("dates are day/month/year: `{text}` in line {line} can be nothing else"));
            Some(DateOrder::Dmy)
        }
        (None, None) if evidence.foreign => {
            sink.ask("date_order", &["dmy", "mdy"]);
            None
        }
        // Both: the rows that are no month/day/year are refused one by one.
        _ => Some(DateOrder::Mdy),
    })
}

fn client_of(cells: &Cells<'_>) -> Option<ClientRef> {
    client(cells).ok()
}

fn client(cells: &Cells<'_>) -> Result<ClientRef, Bad> {
    let id = cells.text(F::CustomerId as usize).map(|id| {
        let bare =
            if id.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("org:")) { &id[4..] } else { id };
        lower(bare)
    });
    let name = cells.owned(F::CustomerName as usize);
    if id.is_none() && name.is_none() {
        return Err(cells.bad(F::CustomerId as usize, "is empty, and so is CustomerName"));
    }
    Ok(ClientRef { id, name, domain: cells.text(F::CustomerDomain as usize).map(lower) })
}

/// Rows of one client share what they say of it.
fn known_client(cells: &Cells<'_>, words: &mut Words) -> Result<Arc<ClientRef>, Bad> {
    let texts = texts(cells, [F::CustomerId, F::CustomerName, F::CustomerDomain]);
    if let Some(known) = words.clients.get(texts) {
        return Ok(known);
    }
    Ok(words.clients.put(texts, client(cells)?.into()))
}

fn texts<'r, const N: usize>(cells: &Cells<'r>, fields: [F; N]) -> [&'r str; N] {
    fields.map(|field| cells.text(field as usize).unwrap_or_default())
}

fn charge(
    cells: &Cells<'_>,
    dates: &mut Dates,
    words: &mut Words,
    sink: &mut Sink,
) -> Result<VendorCharge, Bad> {
    let client = known_client(cells, words)?;
    let charge_type = words.charge_type(cells.need(F::ChargeType as usize)?);
    let from = dates
        .of(cells, F::ChargeStart)?
        .ok_or_else(|| cells.bad(F::ChargeStart as usize, "is empty, and is needed"))?;
    let last = dates.of(cells, F::ChargeEnd)?;
    if last.is_some_and(|last| last < from) {
        return Err(cells.bad(F::ChargeEnd as usize, "is before the charge starts"));
    }
    let span = Span { from, until: last.map(day_after) };
    let start = dates.of(cells, F::SubscriptionStart)?;
    let end = dates.of(cells, F::SubscriptionEnd)?;
    let subscription_span = start.map(|from| Span { from, until: end.map(day_after) });
    let quantity = match cells.number(F::BillableQuantity as usize)? {
        Some(quantity) => quantity,
        None => cells.need_number(F::Quantity as usize)?,
    };
    let list_price = cells.number(F::UnitPrice as usize)?;
    let effective = cells.number(F::EffectiveUnitPrice as usize)?;
    let amount = cells.need_number(F::Subtotal as usize)?;
    let term_text = cells.text(F::Term as usize).unwrap_or_default();
    let frequency_text = cells.text(F::Frequency as usize).unwrap_or_default();
    let (told, frequency) = (words.term(term_text), words.frequency(frequency_text));
    let kind = kind(cells, &charge_type, told, frequency, last.is_none());
    Ok(VendorCharge {
        client,
        product: known_product(cells, kind, words, sink)?,
        subscription: cells.text(F::SubscriptionId as usize).map(lower),
        invoice: cells.text(F::Invoice as usize).map(|invoice| words.invoice(invoice)),
        reference: cells.text(F::Reference as usize).map(reference),
        kind,
        known_charge_type: charge_type.known,
        charge_type: Some(charge_type.name),
        term: told.term.or_else(|| term("", subscription_span)),
        cycle: charge_cycle(frequency_text, term_text, span),
        quantity,
        unit_price: effective.or(list_price).unwrap_or_default(),
        list_price,
        amount,
        currency: cells.need_currency(F::Currency as usize)?,
        span,
        subscription_span,
        ordered_on: dates.of(cells, F::OrderDate)?,
    })
}

fn charge_cycle(frequency: &str, term: &str, span: Span) -> Cycle {
    // What nearly every row says.
    if frequency == "Monthly" { Cycle::Monthly } else { cycle(frequency, term, span) }
}

fn known_product(
    cells: &Cells<'_>,
    kind: ChargeKind,
    words: &mut Words,
    sink: &mut Sink,
) -> Result<Arc<ProductRef>, Bad> {
    let texts = texts(cells, [F::ProductId, F::SkuId, F::SkuName, F::ProductName]);
    // Without a sku the kind decides; with a short one there is something to note of each row.
    let alike = texts[1].len() >= 4;
    if let Some(known) = words.products.get(texts).filter(|_| alike) {
        return Ok(known);
    }
    let product = product(cells, kind, sink)?.into();
    Ok(if alike { words.products.put(texts, product) } else { product })
}

/// `ProductId:SkuId`, and the name.
fn product(cells: &Cells<'_>, kind: ChargeKind, sink: &mut Sink) -> Result<ProductRef, Bad> {
    let product = cells.need(F::ProductId as usize)?;
    let sku = cells.text(F::SkuId as usize);
    if sku.is_none() && kind == ChargeKind::Licence {
        return Err(cells.bad(F::SkuId as usize, "is empty, and is needed"));
    }
    if sku.is_some_and(reckoned_id) {
        return Err(cells.bad(F::SkuId as usize, RECKONED));
    }
    let sku = sku.map(|sku| {
        // Ids have four characters; a spreadsheet makes 1 of 0001.
        if sku.len() < 4 && sku.bytes().all(|b| b.is_ascii_digit()) {
            let padded = format!("{sku:0>4}");
            let text = format!("the SkuId `{sku}` is read as `{padded}`; a spreadsheet dropped its zeros");
            sink.note(Some(cells.line()), "padded_sku", text);
            padded
        } else {
            sku.to_uppercase()
        }
    });
    let name = cells.owned(F::SkuName as usize).or_else(|| cells.owned(F::ProductName as usize));
    let mut id = String::with_capacity(product.len() + 1 + sku.as_ref().map_or(0, String::len));
    id.push_str(product);
    id.make_ascii_uppercase();
    if let Some(sku) = sku {
        id.push(':');
        id.push_str(&sku);
    }
    Ok(ProductRef { name, sku: Some(id), ..ProductRef::default() })
}

/// Seats, metered use, or bought once; by Microsoft's own page on how to tell the product category.
fn kind(
    cells: &Cells<'_>,
    charge_type: &ChargeType,
    term: TermWords,
    frequency: Frequency,
    endless: bool,
) -> ChargeKind {
    let text = |field: F| cells.text(field as usize).unwrap_or_default();
    let once = frequency.blank || frequency.once;
    let azure = charge_type.usage
        || has(text(F::SubscriptionDescription), "azure plan")
        || text(F::ProductName).eq_ignore_ascii_case("azure plan");
    if azure {
        ChargeKind::Usage
    } else if term.ahead {
        // Compute bought ahead: money, no seats.
        if once { ChargeKind::OneTime } else { ChargeKind::Usage }
    } else if endless || frequency.once || (term.blank && once) {
        ChargeKind::OneTime
    } else {
        ChargeKind::Licence
    }
}

/// The change event's id; newer files wrap it in JSON.
fn reference(text: &str) -> String {
    if !text.starts_with('{') {
        return lower(text);
    }
    serde_json::from_str::<&serde_json::value::RawValue>(text)
        .ok()
        .and_then(Object::of)
        .and_then(|object| object.get("id").and_then(json::scalar).map(|id| id.to_lowercase()))
        .unwrap_or_else(|| text.to_owned())
}
