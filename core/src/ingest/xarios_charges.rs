//! Xarios billing export: what the MSP pays, one row for each user.
//!
//! No documentation is public; the columns are those of a published import script. `fromdate` and `todate` hold
//! times, and the last day ends at 23:59:59. `partnumber` begins with `#`. `value` is the amount of the row,
//! whose quantity is usually 1. The file names no currency, which is asked.

use super::charge_words::cycle;
use super::day_order::{at_midnight, client_named, need_day, order};
use super::layout::{Cells, Field, Layout, Need};
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::vendor_item::{coded, currency, named, read_charges};
use super::{DateOrder, FileError, Fit, Format, ReadOptions};
use crate::period::{Span, day_after};
use crate::records::{ChargeKind, ClientRef, Side, VendorCharge};
use rust_decimal::Decimal;

pub(super) const FORMAT: Format =
    Format { name: "xarios_charges", title: "Xarios billing export", sides: &[Side::Cost], detect, read };

/// Places in [`LAYOUT`].
#[derive(Clone, Copy)]
#[repr(usize)]
enum F {
    Quantity,
    Value,
    From,
    To,
    Product,
    Part,
    TenantCode,
    TenantName,
    UserName,
    UserId,
    Currency,
}

const fn field(name: &'static str, need: Need) -> Field {
    Field { name, aliases: &[], need }
}

const LAYOUT: Layout = Layout {
    fields: &[
        field("quantity", Need::Required),
        field("value", Need::Required),
        field("fromdate", Need::Signature),
        field("todate", Need::Required),
        field("productname", Need::Required),
        field("partnumber", Need::Optional),
        field("tenantcode", Need::Signature),
        field("tenantname", Need::Required),
        // Rows are alike but for the user: without one a repeated row could not be told from a further seat.
        field("username", Need::OneOf(1)),
        field("userid", Need::OneOf(1)),
        field("currency", Need::Optional),
    ],
    unread: &["id", "tenantcodeext", "resellercode", "resellercodeext", "resellername", "role"],
    never: &[],
};

const DATES: [usize; 2] = [F::From as usize, F::To as usize];

fn detect(shape: &Shape<'_>) -> Fit {
    LAYOUT.fit(&shape.table.columns)
}

fn read(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    let Some(order) = order(&LAYOUT, &DATES, shapes, options, sink)? else { return Ok(()) };
    let client = |cells: &Cells<'_>| client_named(cells, F::TenantName as usize);
    read_charges(&LAYOUT, shapes, options, sink, &client, &|cells, sink| charge(cells, order, options, sink))
}

fn client(cells: &Cells<'_>) -> Result<ClientRef, Bad> {
    match cells.owned(F::TenantName as usize) {
        Some(name) => Ok(named(name)),
        None => {
            Ok(ClientRef { id: Some(cells.need(F::TenantCode as usize)?.to_owned()), ..ClientRef::default() })
        }
    }
}

fn charge(
    cells: &Cells<'_>,
    order: DateOrder,
    options: &ReadOptions,
    sink: &mut Sink,
) -> Result<Option<VendorCharge>, Bad> {
    if cells.text(F::UserName as usize).or_else(|| cells.text(F::UserId as usize)).is_none() {
        return Err(cells.bad(F::UserName as usize, "is empty, and so is userid: whose seat is it?"));
    }
    let quantity = cells.need_number(F::Quantity as usize)?;
    let amount = cells.need_number(F::Value as usize)?;
    let from = need_day(cells, F::From as usize, order)?;
    let last = need_day(cells, F::To as usize, order)?;
    let midnight = last > from && cells.text(F::To as usize).is_some_and(at_midnight);
    let until = if midnight { last } else { day_after(last) };
    if until <= from {
        return Err(cells.bad(F::To as usize, "is before the charge starts"));
    }
    let unit_price = if quantity == Decimal::ONE {
        amount
    } else {
        let text = "the quantity is not 1: `value` is read as the amount of all of them";
        sink.note(Some(cells.line()), "value_of_several", text);
        amount.checked_div(quantity).unwrap_or_default()
    };
    let Some(currency) = currency(cells.text(F::Currency as usize), "currency", options, sink)? else {
        return Ok(None);
    };
    let span = Span { from, until: Some(until) };
    Ok(Some(VendorCharge {
        client: client(cells)?.into(),
        product: coded(Some(cells.need(F::Product as usize)?.to_owned()), cells.owned(F::Part as usize))
            .into(),
        subscription: None,
        invoice: None,
        reference: None,
        kind: ChargeKind::Licence,
        charge_type: None,
        known_charge_type: true,
        term: None,
        cycle: cycle("", "", span),
        quantity,
        unit_price,
        list_price: None,
        amount,
        currency,
        span,
        subscription_span: None,
        ordered_on: None,
    }))
}
