//! The table that is imported into Xero as sales invoices: what another system tells Xero to charge.
//!
//! Source: Xero's own template, `SalesInvoiceTemplate.csv`, with `*` before the headers that it needs
//! (<https://central.xero.com/s/article/Import-a-CSV-file-of-sales-invoices>). Whether prices contain tax is chosen
//! while importing and stands nowhere in the table: prices are read as before tax, and a note says so.

use super::invoice_period::{self, signed};
use super::layout::{Cells, Field, Layout, Need};
use super::members::first_line_of;
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::table_answers::{currency, date_order};
use super::xero_invoice_export::UNREAD;
use super::xero_line::{Numbers, Tax, price};
use super::{DateOrder, FileError, Fit, Format, ReadOptions};
use crate::records::{BillingLine, ClientRef, Cycle, ProductRef, Record, Side};
use rust_decimal::Decimal;

pub(super) const FORMAT: Format = Format {
    name: "xero_invoice_import",
    title: "Xero sales invoices (import template)",
    sides: &[Side::Billing],
    detect,
    read,
};

/// Places in [`LAYOUT`].
#[derive(Clone, Copy)]
#[repr(usize)]
enum F {
    Contact,
    Invoice,
    Date,
    DueDate,
    Code,
    Description,
    Quantity,
    Unit,
    Discount,
    Currency,
}

const fn field(name: &'static str, need: Need) -> Field {
    Field { name, aliases: &[], need }
}

const LAYOUT: Layout = Layout {
    fields: &[
        field("ContactName", Need::Signature),
        field("InvoiceNumber", Need::Signature),
        field("InvoiceDate", Need::Required),
        field("DueDate", Need::Optional),
        field("InventoryItemCode", Need::OneOf(1)),
        field("Description", Need::OneOf(1)),
        field("Quantity", Need::Required),
        field("UnitAmount", Need::Signature),
        field("Discount", Need::Optional),
        field("Currency", Need::Optional),
    ],
    unread: UNREAD,
    // The export has these; bills have no branding theme and no items.
    never: &["lineamount", "invoiceamountdue", "taxtotal", "status"],
};

fn detect(shape: &Shape<'_>) -> Fit {
    LAYOUT.fit(&shape.table.columns)
}

fn read(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    let order = date_order(&LAYOUT, shapes, &[F::Date as usize, F::DueDate as usize], options, sink)?;
    for shape in shapes {
        LAYOUT.read(
            &shape.table,
            &options.limits,
            sink,
            &|cells| client(cells).ok(),
            &mut |cells, sink| row(cells, order, options, sink),
        )?;
    }
    if !sink.records.is_empty() {
        let text = "whether prices contain tax is chosen while importing; they are read as before tax";
        sink.note(None, "tax_not_stated", text);
    }
    Ok(())
}

fn client(cells: &Cells<'_>) -> Result<ClientRef, Bad> {
    let name = cells.need(F::Contact as usize)?.to_owned();
    Ok(ClientRef { name: Some(name), ..ClientRef::default() })
}

fn row(
    cells: &Cells<'_>,
    order: Option<DateOrder>,
    options: &ReadOptions,
    sink: &mut Sink,
) -> Result<(), Bad> {
    let client = client(cells)?;
    let number = cells.need(F::Invoice as usize)?.to_owned();
    let numbers = Numbers {
        quantity: cells.number(F::Quantity as usize)?,
        unit: cells.number(F::Unit as usize)?,
        // The template's discount is a percentage.
        discount_percent: cells.number(F::Discount as usize)?,
        ..Numbers::default()
    };
    let Some((quantity, unit_price)) = price(&numbers, Tax::Outside, cells.line(), sink)? else {
        return Ok(());
    };
    let code = cells.owned(F::Code as usize);
    let name = cells.text(F::Description as usize).and_then(first_line_of);
    if code.is_none() && name.is_none() {
        return Err(cells.bad(F::Description as usize, "is empty, and so is InventoryItemCode"));
    }
    let currency = currency(cells, F::Currency as usize, options, sink)?;
    let Some(order) = order else {
        invoice_period::timing(options, sink);
        return Ok(());
    };
    let date = cells.date(F::Date as usize, order)?;
    let date = date.ok_or_else(|| cells.bad(F::Date as usize, "is empty, and is needed"))?;
    let span = invoice_period::month(date, options, sink);
    let (Some(currency), Some(span)) = (currency, span) else { return Ok(()) };
    let (unit_price, line_type) = signed(false, quantity, unit_price);
    let record = BillingLine {
        client: client.into(),
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
