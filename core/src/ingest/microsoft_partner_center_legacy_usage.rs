//! Partner Center's usage-based reconciliation of legacy Azure subscriptions, as CSV and as JSON of the API
//! (`provider=azure`): money for metered use, no seats.
//!
//! Source: <https://learn.microsoft.com/partner-center/billing/usage-based-recon-files>. Prices may carry a
//! `$`; `PretaxCharges` is what sums to the invoice. The daily usage of the same invoice
//! (`invoicelineitemtype=usagelineitems`) counts units and states no money.

use super::charge_words::{cycle, is_known_charge_type, snake};
use super::english_dates::{self, Dates};
use super::layout::{Cells, Field, Layout, Need};
use super::partner_center_items::customer_id;
use super::reader::Shape;
use super::seen_lines::SeenLines;
use super::sink::{Bad, Sink};
use super::table::fold;
use super::{FileError, Fit, Format, ReadOptions};
use crate::period::{Span, day_after};
use crate::records::{ChargeKind, ClientRef, ProductRef, Record, Side, VendorCharge};

pub(super) const FORMAT: Format = Format {
    name: "microsoft_partner_center_legacy_usage",
    title: "Partner Center usage-based reconciliation (legacy)",
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
    SubscriptionDescription,
    Sku,
    ChargeStart,
    ChargeEnd,
    UsageDate,
    ChargeType,
    Consumed,
    ListPrice,
    EffectiveRate,
    Pretax,
    Currency,
    BillingCycle,
}

const fn field(name: &'static str, need: Need) -> Field {
    Field { name, aliases: &[], need }
}

const LAYOUT: Layout = Layout {
    fields: &[
        field("CustomerId", Need::Optional),
        field("CustomerCompanyName", Need::Signature),
        field("DomainName", Need::Optional),
        field("InvoiceNumber", Need::Optional),
        field("SubscriptionId", Need::Required),
        field("SubscriptionDescription", Need::Optional),
        field("Sku", Need::Optional),
        field("ChargeStartDate", Need::Required),
        field("ChargeEndDate", Need::Required),
        field("UsageDate", Need::Optional),
        field("ChargeType", Need::Optional),
        field("ConsumedQuantity", Need::Signature),
        field("ListPrice", Need::Optional),
        field("PretaxEffectiveRate", Need::Optional),
        // Lacking in the daily usage, which is told apart below.
        field("PretaxCharges", Need::Optional),
        field("Currency", Need::Optional),
        field("BillingCycleType", Need::Optional),
    ],
    unread: &[
        "partnerid",
        "partnername",
        "partnerbillableaccountid",
        "mpnid",
        "resellermpnid",
        "tier2mpnid",
        "subscriptionname",
        "orderid",
        "servicename",
        "servicetype",
        "resourceguid",
        "resourcename",
        "region",
        "detaillineitemid",
        "includedquantity",
        "overagequantity",
        "taxamount",
        "posttaxtotal",
        "posttaxeffectiverate",
        "unit",
        "customerbillableaccount",
        "meteredregion",
        "meteredservice",
        "meteredservicetype",
        "project",
        "serviceinfo",
        "invoicelineitemtype",
        "billingprovider",
        "attributes",
        "attributesobjecttype",
    ],
    never: &["billingpretaxtotal"],
};

const DATES: [usize; 3] = [F::ChargeStart as usize, F::ChargeEnd as usize, F::UsageDate as usize];

fn detect(shape: &Shape<'_>) -> Fit {
    LAYOUT.fit(&shape.table.columns)
}

fn read(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    let priced =
        |shape: &&Shape<'_>| shape.table.columns.iter().any(|column| fold(column) == "pretaxcharges");
    if !shapes.iter().all(priced) {
        return Err(FileError::NothingToCompare {
            what: "the daily usage of a legacy Partner Center invoice",
            lacks: "counts metered units and states no charges",
            instead: "export the invoice's billing line items (usage-based reconciliation) in its place",
        });
    }
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
        return Err(cells.bad(F::CustomerName as usize, "is empty, and so is CustomerId"));
    }
    Ok(ClientRef { id, name, domain: cells.text(F::Domain as usize).map(str::to_lowercase) })
}

fn charge(cells: &Cells<'_>, dates: &mut Dates) -> Result<VendorCharge, Bad> {
    let client = client(cells)?;
    let from = dates.need(cells, F::ChargeStart as usize)?;
    let last = dates.need(cells, F::ChargeEnd as usize)?;
    if last < from {
        return Err(cells.bad(F::ChargeEnd as usize, "is before the charge starts"));
    }
    let period = Span::new(from, day_after(last));
    let used = dates.of(cells, F::UsageDate as usize)?;
    let charge_type = cells.text(F::ChargeType as usize).map_or_else(|| "usage".to_owned(), snake);
    let list_price = cells.number(F::ListPrice as usize)?;
    let rate = cells.number(F::EffectiveRate as usize)?;
    Ok(VendorCharge {
        client: client.into(),
        product: ProductRef {
            name: cells.owned(F::SubscriptionDescription as usize),
            sku: Some(cells.text(F::Sku as usize).unwrap_or("MS-AZR-0145P").to_uppercase()),
            ..ProductRef::default()
        }
        .into(),
        subscription: Some(cells.need(F::Subscription as usize)?.to_lowercase()),
        invoice: cells.text(F::Invoice as usize).map(Into::into),
        reference: None,
        kind: ChargeKind::Usage,
        known_charge_type: is_known_charge_type(&charge_type),
        charge_type: Some(charge_type.into()),
        term: None,
        cycle: cycle(cells.text(F::BillingCycle as usize).unwrap_or_default(), "", period),
        quantity: cells.need_number(F::Consumed as usize)?,
        unit_price: rate.or(list_price).unwrap_or_default(),
        list_price,
        amount: cells.need_number(F::Pretax as usize)?,
        currency: cells.need_currency(F::Currency as usize)?,
        span: used.map_or(period, |day| Span::new(day, day_after(day))),
        subscription_span: None,
        ordered_on: None,
    })
}
