//! The table that is imported into QuickBooks Online as invoices, and that other tools export for it.
//!
//! Source: <https://quickbooks.intuit.com/learn-support/en-us/help-article/import-export-data-files/import-multiple-invoices/L2hYDWqN8_US_en_US>.
//! Customer and dates stand only on the first row of an invoice, or on all. Items are written `Parent:Child`. The
//! table names no currency, and dates in the order that is chosen while importing.

use super::invoice_period::{self, signed};
use super::layout::{Cells, Field, Layout, Need};
use super::members::first_line_of;
use super::quickbooks_invoices::leaf;
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::table_answers::{currency, date_order};
use super::{DateOrder, FileError, Fit, Format, ReadOptions};
use crate::period::Month;
use crate::records::{BillingLine, ClientRef, Cycle, ProductRef, Record, Side};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::collections::HashMap;

pub(super) const FORMAT: Format = Format {
    name: "quickbooks_invoice_import",
    title: "QuickBooks Online invoices (import CSV)",
    sides: &[Side::Billing],
    detect,
    read,
};

/// Places in [`LAYOUT`].
#[derive(Clone, Copy)]
#[repr(usize)]
enum F {
    Invoice,
    Customer,
    Date,
    DueDate,
    Item,
    Description,
    Quantity,
    Rate,
    Amount,
    ServiceDate,
    Currency,
}

const LAYOUT: Layout = Layout {
    fields: &[
        Field { name: "InvoiceNo", aliases: &["invoicenumber", "invoiceno"], need: Need::Signature },
        Field { name: "Customer", aliases: &["customername"], need: Need::Signature },
        Field { name: "InvoiceDate", aliases: &["txndate"], need: Need::Required },
        Field { name: "DueDate", aliases: &[], need: Need::Optional },
        Field {
            name: "Item(Product/Service)",
            aliases: &["productservice", "item"],
            need: Need::SignatureOneOf(1),
        },
        Field { name: "ItemDescription", aliases: &[], need: Need::SignatureOneOf(1) },
        Field { name: "ItemQuantity", aliases: &["itemqty"], need: Need::Optional },
        Field { name: "ItemRate", aliases: &[], need: Need::OneOf(2) },
        Field { name: "ItemAmount", aliases: &[], need: Need::OneOf(2) },
        Field { name: "Service Date", aliases: &[], need: Need::Optional },
        Field { name: "Currency", aliases: &["currencycode"], need: Need::Optional },
    ],
    unread: &["terms", "location", "memo", "itemtaxcode", "itemtaxamount", "taxable", "taxrate", "class"],
    never: &["vendor", "billno"],
};

fn detect(shape: &Shape<'_>) -> Fit {
    LAYOUT.fit(&shape.table.columns)
}

/// What the first row of an invoice says of all its rows.
struct Head {
    client: ClientRef,
    date: Option<NaiveDate>,
}

fn read(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    let columns = [F::Date as usize, F::DueDate as usize, F::ServiceDate as usize];
    let order = date_order(&LAYOUT, shapes, &columns, options, sink)?;
    for shape in shapes {
        let mut heads: HashMap<String, Head> = HashMap::new();
        let mut last: Option<String> = None;
        let client = |cells: &Cells<'_>| cells.owned(F::Customer as usize).map(named);
        LAYOUT.read(&shape.table, &options.limits, sink, &client, &mut |cells, sink| {
            let number = cells.owned(F::Invoice as usize).or_else(|| last.clone());
            let number = number.ok_or_else(|| cells.bad(F::Invoice as usize, "is empty, and is needed"))?;
            last = Some(number.clone());
            if let Some(customer) = cells.owned(F::Customer as usize) {
                let date = match order {
                    Some(order) => cells.date(F::Date as usize, order)?,
                    None => None,
                };
                let before = heads.get(&number).filter(|head| head.client.name.as_deref() == Some(&customer));
                let date = date.or_else(|| before.and_then(|head| head.date));
                heads.insert(number.clone(), Head { client: named(customer), date });
            }
            let head = heads.get(&number).ok_or_else(|| {
                cells.bad(
                    F::Customer as usize,
                    "is empty, and no row of the invoice before it names a customer",
                )
            })?;
            row(cells, number, head, order, options, sink)
        })?;
    }
    Ok(())
}

fn named(name: String) -> ClientRef {
    ClientRef { name: Some(name), ..ClientRef::default() }
}

fn row(
    cells: &Cells<'_>,
    number: String,
    head: &Head,
    order: Option<DateOrder>,
    options: &ReadOptions,
    sink: &mut Sink,
) -> Result<(), Bad> {
    let Some((quantity, unit_price)) = price(cells, sink)? else { return Ok(()) };
    let code = cells.owned(F::Item as usize);
    let name = cells.text(F::Description as usize).and_then(first_line_of);
    let name = name.or_else(|| code.as_deref().map(leaf));
    if name.is_none() {
        return Err(cells.bad(F::Item as usize, "is empty, and so is the description"));
    }
    let currency = currency(cells, F::Currency as usize, options, sink)?;
    let Some(order) = order else {
        invoice_period::timing(options, sink);
        return Ok(());
    };
    let span = if let Some(served) = cells.date(F::ServiceDate as usize, order)? {
        Some(Month::of(served).span())
    } else {
        let date =
            head.date.ok_or_else(|| cells.bad(F::Date as usize, "is empty on the invoice's first row"))?;
        invoice_period::month(date, options, sink)
    };
    let (Some(currency), Some(span)) = (currency, span) else { return Ok(()) };
    let (unit_price, line_type) = signed(false, quantity, unit_price);
    let record = BillingLine {
        client: head.client.clone().into(),
        billing_entity: None,
        product: ProductRef { name, code, ..ProductRef::default() }.into(),
        agreement: None,
        source_id: Some(number.clone()),
        invoice: Some(number),
        term: None,
        cycle: Cycle::Monthly,
        quantity,
        included: Decimal::ZERO,
        unit_price,
        currency,
        span,
        recurring: false,
        line_type,
        billable: true,
    };
    sink.keep(cells.line(), Record::BillingLine(record));
    Ok(())
}

/// Quantity and price; none for a row that only says something. Without a quantity the amount is charged once.
fn price(cells: &Cells<'_>, sink: &mut Sink) -> Result<Option<(Decimal, Decimal)>, Bad> {
    let of = |field: F| cells.number(field as usize);
    let (quantity, rate, amount) = (of(F::Quantity)?, of(F::Rate)?, of(F::Amount)?);
    let line = Some(cells.line());
    Ok(Some(match (quantity, rate, amount) {
        (Some(quantity), Some(rate), amount) => {
            let whole = quantity.checked_mul(rate);
            if let Some(amount) = amount
                && whole.is_none_or(|whole| (whole.abs() - amount.abs()).abs() > Decimal::new(1, 2))
            {
                let text =
                    format!("the amount {amount} is not {quantity} x {rate}; read as quantity and rate");
                sink.note(line, "amount_differs", text);
            }
            (quantity, rate)
        }
        (Some(quantity), None, Some(amount)) => {
            let unit = amount.checked_div(quantity);
            (quantity, unit.ok_or_else(|| cells.bad(F::Amount as usize, "is charged for a quantity of 0"))?)
        }
        (None, _, Some(amount)) => {
            sink.note(line, "amount_as_one", "the row has no quantity: read as a quantity of 1");
            (Decimal::ONE, amount)
        }
        (None, Some(rate), None) => {
            sink.note(line, "amount_as_one", "the row has no quantity: read as a quantity of 1");
            (Decimal::ONE, rate)
        }
        (Some(_), None, None) => {
            return Err(cells.bad(F::Amount as usize, "is empty, and so is the rate"));
        }
        (None, None, None) => {
            sink.note(line, "description_only", "a row that only says something charges nothing: not read");
            return Ok(None);
        }
    }))
}
