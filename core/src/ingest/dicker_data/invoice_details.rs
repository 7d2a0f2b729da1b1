//! Dicker Data's invoice details: what the MSP was charged, line by line.
//!
//! `USAGE END` is the last day. Beside the line of a whole month or year stand pro-rata lines for seats that
//! came in between (6 seats from 13 to 30 July beside 275): the whole line holds them already, so a pro-rata
//! line is money alone wherever its subscription and stock code have a whole line in the file. A line that
//! stands alone counts its seats, also when it is shorter: a co-term billed by the year is so charged. The
//! term's dates of a pro-rata line may be those of the last term, and are not read.

use super::super::charge_words::cycle;
use super::super::day_order::{day, need_day, order};
use super::super::layout::{Cells, Field, Layout, Need};
use super::super::reader::Shape;
use super::super::sink::{Bad, Sink};
use super::super::vendor_item::{currency, read_charges};
use super::super::{DateOrder, FileError, Fit, Format, ReadOptions};
use super::{client, code, product};
use crate::period::{Span, day_after};
use crate::records::{ChargeKind, Side, VendorCharge};
use chrono::{Datelike as _, Months};
use std::collections::HashSet;

pub(in super::super) const FORMAT: Format = Format {
    name: "dicker_data_invoice_details",
    title: "Dicker Data invoice details",
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
    UsageStart,
    UsageEnd,
    Quantity,
    UnitPrice,
    TermStart,
    TermEnd,
    Amount,
    Currency,
    Invoice,
}

const fn field(name: &'static str, aliases: &'static [&'static str], need: Need) -> Field {
    Field { name, aliases, need }
}

const LAYOUT: Layout = Layout {
    fields: &[
        field("TENANT ID", &[], Need::OneOf(1)),
        field("TENANT NAME", &[], Need::OneOf(1)),
        field("SUBSCRIPTION ID", &[], Need::Required),
        field("STOCK CODE", &[], Need::Signature),
        field("STOCK DESCRIPTION", &[], Need::Optional),
        field("USAGE START", &[], Need::Signature),
        field("USAGE END", &[], Need::Required),
        field("QTY", &["quantity"], Need::Required),
        field("UNIT PRICE", &[], Need::Required),
        field("TERM START", &[], Need::Optional),
        field("TERM END", &[], Need::Optional),
        field("EXT PRICE", &["extprice", "extendedprice", "lineamount", "amount"], Need::Optional),
        field("CURRENCY", &[], Need::Optional),
        field("INVOICE NO", &["invoicenumber", "invoice"], Need::Optional),
    ],
    unread: &["reference", "chargetype", "unitrrp"],
    never: &["revaluationperiod"],
};

const DATES: [usize; 4] =
    [F::UsageStart as usize, F::UsageEnd as usize, F::TermStart as usize, F::TermEnd as usize];

fn detect(shape: &Shape<'_>) -> Fit {
    LAYOUT.fit(&shape.table.columns)
}

/// Subscription and stock code of a line, as they are compared.
type Key = (String, String);

fn key(cells: &Cells<'_>) -> Key {
    let text = |field: F| cells.text(field as usize).unwrap_or_default().to_lowercase();
    (text(F::Subscription), text(F::StockCode))
}

fn read(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    let Some(order) = order(&LAYOUT, &DATES, shapes, options, sink)? else { return Ok(()) };
    let mut whole: HashSet<Key> = HashSet::new();
    let mut scratch = Sink::new(&options.limits);
    for shape in shapes {
        LAYOUT.read(&shape.table, &options.limits, &mut scratch, &|_| None, &mut |cells, _| {
            if is_whole(span(cells, order)?) {
                whole.insert(key(cells));
            }
            Ok(())
        })?;
    }
    drop(scratch);
    let client = |cells: &Cells<'_>| client(cells, F::TenantId as usize, F::TenantName as usize).ok();
    read_charges(&LAYOUT, shapes, options, sink, &client, &|cells, sink| {
        charge(cells, order, &whole, options, sink)
    })
}

const PRO_RATA: &str = "pro_rata";

fn span(cells: &Cells<'_>, order: DateOrder) -> Result<Span, Bad> {
    let from = need_day(cells, F::UsageStart as usize, order)?;
    let last = need_day(cells, F::UsageEnd as usize, order)?;
    if last < from {
        return Err(cells.bad(F::UsageEnd as usize, "is before the usage starts"));
    }
    Ok(Span { from, until: Some(day_after(last)) })
}

/// Whether these days are a month, a year or three.
fn is_whole(span: Span) -> bool {
    let ends = |months| span.from.checked_add_months(Months::new(months));
    // A series that began on the 31st starts on the 30th or 28th of shorter months.
    let slack = if span.from.day() >= 28 { 3 } else { 0 };
    [1, 12, 36].iter().any(|months| {
        let (Some(end), Some(until)) = (ends(*months), span.until) else { return false };
        (until - end).num_days().abs() <= slack
    })
}

fn charge(
    cells: &Cells<'_>,
    order: DateOrder,
    whole: &HashSet<Key>,
    options: &ReadOptions,
    sink: &mut Sink,
) -> Result<Option<VendorCharge>, Bad> {
    let client = client(cells, F::TenantId as usize, F::TenantName as usize)?;
    let product = product(cells, F::StockCode as usize, F::Description as usize)?;
    let code = code(cells.need(F::StockCode as usize)?);
    let span = span(cells, order)?;
    let quantity = cells.need_number(F::Quantity as usize)?;
    let unit_price = cells.need_number(F::UnitPrice as usize)?;
    let amount = match cells.number(F::Amount as usize)? {
        Some(amount) => amount,
        None => quantity.checked_mul(unit_price).ok_or_else(|| {
            cells.bad(F::UnitPrice as usize, "times the quantity is more than can be kept exactly")
        })?,
    };
    let pro_rata = code.kind == ChargeKind::Licence && !is_whole(span) && whole.contains(&key(cells));
    if pro_rata {
        let text = "a part of a period beside a whole one: money alone, its seats are in the whole line";
        sink.note(Some(cells.line()), "pro_rata", text);
    }
    let term = match (day(cells, F::TermStart as usize, order)?, day(cells, F::TermEnd as usize, order)?) {
        (Some(from), Some(last)) if !pro_rata && last >= from => {
            Some(Span { from, until: Some(day_after(last)) })
        }
        _ => None,
    };
    let Some(currency) = currency(cells.text(F::Currency as usize), "CURRENCY", options, sink)? else {
        return Ok(None);
    };
    Ok(Some(VendorCharge {
        client: client.into(),
        product: product.into(),
        subscription: cells.text(F::Subscription as usize).map(str::to_lowercase),
        invoice: cells.text(F::Invoice as usize).map(Into::into),
        reference: None,
        kind: if pro_rata { ChargeKind::OneTime } else { code.kind },
        charge_type: Some(if pro_rata { PRO_RATA } else { "recurring" }.into()),
        known_charge_type: true,
        term: code.term,
        cycle: code.billed.unwrap_or_else(|| cycle("", "", span)),
        quantity,
        unit_price,
        list_price: None,
        amount,
        currency,
        span,
        subscription_span: term,
        ordered_on: None,
    }))
}
