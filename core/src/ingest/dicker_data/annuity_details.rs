//! Dicker Data's annuity details: the subscriptions as they stand, with the price of a year.
//!
//! `UNIT PRICE` is the price of a whole year, also where it is billed by the month. `START USAGE` is the very
//! first day; the present term runs back from `REVALUATION PERIOD`, the day of its renewal. Quantities are
//! those of the day of the export; invoice details, where they are at hand, count before them.

use super::super::day_order::{day, need_day, order};
use super::super::layout::{Cells, Field, Layout, Need};
use super::super::reader::Shape;
use super::super::sink::{Bad, Sink};
use super::super::table::fold;
use super::super::vendor_item::{currency, read_charges};
use super::super::{DateOrder, FileError, Fit, Format, ReadOptions};
use super::{client, code, product};
use crate::period::{Span, day_after};
use crate::records::{Cycle, Side, Term, VendorCharge};
use chrono::{Months, NaiveDate};
use rust_decimal::Decimal;

pub(in super::super) const FORMAT: Format = Format {
    name: "dicker_data_annuity_details",
    title: "Dicker Data annuity details",
    sides: &[Side::Cost],
    detect,
    read,
};

/// Places in [`LAYOUT`].
#[derive(Clone, Copy)]
#[repr(usize)]
enum F {
    TenantId,
    TenantName,
    Subscription,
    StockCode,
    Description,
    Quantity,
    Status,
    Start,
    End,
    Revaluation,
    UnitPrice,
    Currency,
}

const fn field(name: &'static str, need: Need) -> Field {
    Field { name, aliases: &[], need }
}

const LAYOUT: Layout = Layout {
    fields: &[
        field("TENANT ID", Need::OneOf(1)),
        field("TENANT NAME", Need::OneOf(1)),
        field("SUBSCRIPTION ID", Need::Required),
        field("STOCK CODE", Need::Signature),
        field("STOCK DESCRIPTION", Need::Optional),
        Field { name: "QTY", aliases: &["quantity"], need: Need::Required },
        field("STATUS", Need::Optional),
        field("START USAGE", Need::Signature),
        field("END USAGE", Need::Optional),
        field("REVALUATION PERIOD", Need::Required),
        field("UNIT PRICE", Need::Required),
        field("CURRENCY", Need::Optional),
    ],
    unread: &["reference", "chargetype", "unitrrp"],
    never: &["usagestart"],
};

const DATES: [usize; 3] = [F::Start as usize, F::End as usize, F::Revaluation as usize];

fn detect(shape: &Shape<'_>) -> Fit {
    LAYOUT.fit(&shape.table.columns)
}

fn read(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    let text =
        "quantities and prices are those of the day of the export; earlier changes are not in the list";
    sink.note(None, "quantities_of_today", text);
    let Some(order) = order(&LAYOUT, &DATES, shapes, options, sink)? else { return Ok(()) };
    let client = |cells: &Cells<'_>| client(cells, F::TenantId as usize, F::TenantName as usize).ok();
    read_charges(&LAYOUT, shapes, options, sink, &client, &|cells, sink| charge(cells, order, options, sink))
}

fn charge(
    cells: &Cells<'_>,
    order: DateOrder,
    options: &ReadOptions,
    sink: &mut Sink,
) -> Result<Option<VendorCharge>, Bad> {
    let client = client(cells, F::TenantId as usize, F::TenantName as usize)?;
    let product = product(cells, F::StockCode as usize, F::Description as usize)?;
    let code = code(cells.need(F::StockCode as usize)?);
    let quantity = cells.need_number(F::Quantity as usize)?;
    let unit_price = cells.need_number(F::UnitPrice as usize)?;
    let amount = quantity.checked_mul(unit_price).ok_or_else(|| {
        cells.bad(F::UnitPrice as usize, "times the quantity is more than can be kept exactly")
    })?;
    if quantity < Decimal::ZERO {
        return Err(cells.bad(F::Quantity as usize, "is below zero"));
    }
    if code.term == Some(Term::Monthly) {
        let text = "a monthly term: its price is read as that of a year, like the others of the file";
        sink.note(Some(cells.line()), "price_of_a_year", text);
    }
    let from = need_day(cells, F::Start as usize, order)?;
    let last = day(cells, F::End as usize, order)?;
    let renewal = day(cells, F::Revaluation as usize, order)?;
    let status = cells.text(F::Status as usize).unwrap_or_default();
    let ended = !matches!(fold(status).as_str(), "" | "active" | "current");
    if ended && last.is_none() {
        let text = format!("the status is {status}, and the last day is not stated: nothing is charged");
        sink.note(Some(cells.line()), "not_billed", text);
        return Ok(None);
    }
    // The end of a running annuity is that of its present term, which renews.
    let span = Span { from, until: last.filter(|_| ended).map(day_after) };
    if span.is_empty() {
        return Err(cells.bad(F::End as usize, "is before the usage starts"));
    }
    let Some(currency) = currency(cells.text(F::Currency as usize), "CURRENCY", options, sink)? else {
        return Ok(None);
    };
    Ok(Some(VendorCharge {
        client: client.into(),
        product: product.into(),
        subscription: cells.text(F::Subscription as usize).map(str::to_lowercase),
        invoice: None,
        reference: None,
        kind: code.kind,
        charge_type: None,
        known_charge_type: true,
        term: code.term,
        cycle: Cycle::Annual,
        quantity,
        unit_price,
        list_price: None,
        amount,
        currency,
        span,
        subscription_span: renewal.and_then(|renewal| present_term(code.term, renewal)),
        ordered_on: None,
    }))
}

/// The term that ends with the renewal.
fn present_term(term: Option<Term>, renewal: NaiveDate) -> Option<Span> {
    let months = match term? {
        Term::Monthly => 1,
        Term::Annual => 12,
        Term::Triennial => 36,
    };
    let from = renewal.checked_sub_months(Months::new(months))?;
    Some(Span { from, until: Some(renewal) })
}
