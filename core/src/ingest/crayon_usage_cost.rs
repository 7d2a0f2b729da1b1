//! Crayon's cost by day and subscription: amounts of metered use, without products and seats.
//!
//! Columns as of the billing API's usage report. `PartnerCost` is what the MSP pays for the day, `Rrp` what is
//! suggested for the customer. The lines are kept as metered cost; no seats follow from them, so nothing is
//! compared by this file alone.

use super::day_order::{need_day, order};
use super::layout::{Cells, Field, Layout, Need};
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::vendor_item::read_charges;
use super::{DateOrder, FileError, Fit, Format, ReadOptions};
use crate::period::{Span, day_after};
use crate::records::{ChargeKind, ClientRef, Cycle, ProductRef, Side, VendorCharge};
use rust_decimal::Decimal;

pub(super) const FORMAT: Format = Format {
    name: "crayon_usage_cost",
    title: "Crayon usage cost by day",
    sides: &[Side::Cost],
    detect,
    read,
};

/// Places in [`LAYOUT`].
#[derive(Clone, Copy)]
#[repr(usize)]
enum F {
    Subscription,
    VendorSubscription,
    Customer,
    Domain,
    Day,
    Currency,
    Cost,
}

const fn field(name: &'static str, need: Need) -> Field {
    Field { name, aliases: &[], need }
}

const LAYOUT: Layout = Layout {
    fields: &[
        field("SubscriptionId", Need::OneOf(1)),
        field("VendorSubscriptionId", Need::OneOf(1)),
        field("CustomerName", Need::Required),
        field("PrimaryDomain", Need::Optional),
        field("UsageDate", Need::Signature),
        field("Currency", Need::Required),
        field("PartnerCost", Need::Signature),
    ],
    unread: &["rrp", "vendorfxrate"],
    never: &["meterid", "billingpretaxtotal"],
};

fn detect(shape: &Shape<'_>) -> Fit {
    LAYOUT.fit(&shape.table.columns)
}

fn read(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    let Some(order) = order(&LAYOUT, &[F::Day as usize], shapes, options, sink)? else { return Ok(()) };
    sink.note(
        None,
        "no_seats",
        "the file holds amounts by day and no seats: nothing can be compared by it alone",
    );
    let client = |cells: &Cells<'_>| client(cells).ok();
    read_charges(&LAYOUT, shapes, options, sink, &client, &|cells, _| charge(cells, order).map(Some))
}

fn client(cells: &Cells<'_>) -> Result<ClientRef, Bad> {
    Ok(ClientRef {
        id: None,
        name: Some(cells.need(F::Customer as usize)?.to_owned()),
        domain: cells.text(F::Domain as usize).map(str::to_lowercase),
    })
}

fn charge(cells: &Cells<'_>, order: DateOrder) -> Result<VendorCharge, Bad> {
    let day = need_day(cells, F::Day as usize, order)?;
    let amount = cells.need_number(F::Cost as usize)?;
    let subscription =
        cells.text(F::VendorSubscription as usize).or_else(|| cells.text(F::Subscription as usize));
    let subscription = subscription
        .ok_or_else(|| cells.bad(F::Subscription as usize, "is empty, and so is VendorSubscriptionId"))?;
    Ok(VendorCharge {
        client: client(cells)?.into(),
        // The file names no product: the subscription is all that there is to tell lines apart.
        product: ProductRef { code: Some(format!("crayon:{subscription}")), ..ProductRef::default() }.into(),
        subscription: Some(subscription.to_lowercase()),
        invoice: None,
        reference: None,
        kind: ChargeKind::Usage,
        charge_type: Some("usage".into()),
        known_charge_type: true,
        term: None,
        cycle: Cycle::Monthly,
        quantity: Decimal::ONE,
        unit_price: amount,
        list_price: None,
        amount,
        currency: cells.need_currency(F::Currency as usize)?,
        span: Span { from: day, until: Some(day_after(day)) },
        subscription_span: None,
        ordered_on: None,
    })
}
