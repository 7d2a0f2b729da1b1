//! Xero's export of invoices as CSV: one row per line, with the totals of the invoice on every row.
//!
//! Source: <https://central.xero.com/s/article/Export-invoices-and-bills>. Totals are never added; together
//! with the line amounts of the invoice they show whether amounts contain tax. Dates are written in the
//! order of the organisation's region, so the order is proven by the file or asked. The invoice's number is
//! the id of all its lines: an invoice that comes again replaces what it said before, voided ones charge nothing.

use super::invoice_period::{self, signed};
use super::layout::{Cells, Field, Layout, Need};
use super::members::first_line_of;
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::table::fold;
use super::table_answers::{currency, date_order};
use super::xero_line::{Numbers, Tax, price, too_large};
use super::{DateOrder, FileError, Fit, Format, ReadOptions};
use crate::records::{BillingLine, ClientRef, Cycle, ProductRef, Record, Side};
use rust_decimal::Decimal;
use std::collections::HashMap;

pub(super) const FORMAT: Format = Format {
    name: "xero_invoice_export",
    title: "Xero invoices (CSV export)",
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
    Total,
    TaxTotal,
    Code,
    Description,
    Quantity,
    Unit,
    Discount,
    Amount,
    Tax,
    Currency,
    Type,
    Status,
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
        field("Total", Need::Optional),
        field("TaxTotal", Need::Optional),
        field("InventoryItemCode", Need::OneOf(1)),
        field("Description", Need::OneOf(1)),
        field("Quantity", Need::Required),
        field("UnitAmount", Need::Signature),
        field("Discount", Need::Optional),
        field("LineAmount", Need::Signature),
        field("TaxAmount", Need::Optional),
        field("Currency", Need::Optional),
        field("Type", Need::Required),
        field("Status", Need::Required),
    ],
    unread: UNREAD,
    never: &[],
};

/// Columns of both Xero tables that say nothing of what is charged.
pub(super) const UNREAD: &[&str] = &[
    "emailaddress",
    "poaddressline1",
    "poaddressline2",
    "poaddressline3",
    "poaddressline4",
    "pocity",
    "poregion",
    "popostalcode",
    "pocountry",
    "saaddressline1",
    "saaddressline2",
    "saaddressline3",
    "saaddressline4",
    "sacity",
    "saregion",
    "sapostalcode",
    "sacountry",
    "reference",
    "planneddate",
    "invoiceamountpaid",
    "invoiceamountdue",
    "accountcode",
    "taxtype",
    "trackingname1",
    "trackingoption1",
    "trackingname2",
    "trackingoption2",
    "sent",
    "brandingtheme",
];

fn detect(shape: &Shape<'_>) -> Fit {
    LAYOUT.fit(&shape.table.columns)
}

/// What an invoice's rows sum to, and what it says itself.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    lines: Decimal,
    count: u64,
    total: Option<Decimal>,
    tax: Option<Decimal>,
    /// Tax of the lines, where the invoice does not say its own.
    taxes: Decimal,
    broken: bool,
}

impl Sums {
    /// Whether the amounts contain tax, as the totals prove.
    fn tax(&self) -> Tax {
        let (Some(total), false) = (self.total, self.broken) else { return Tax::Untold };
        let tax = self.tax.unwrap_or(self.taxes);
        if tax.is_zero() {
            return Tax::Outside;
        }
        // Lines are rounded one by one, so sums are off by a cent for each.
        let cents = Decimal::new(1, 2).checked_mul(Decimal::from(self.count.saturating_add(1)));
        let near = |a: Decimal, b: Decimal| cents.is_some_and(|cents| (a.abs() - b.abs()).abs() <= cents);
        let Some(taxed) = self.lines.checked_add(tax) else { return Tax::Untold };
        match (near(taxed, total), near(self.lines, total)) {
            (true, false) => Tax::Outside,
            (false, true) => Tax::Inside,
            _ => Tax::Untold,
        }
    }
}

type Invoices = HashMap<(String, String), Sums>;

fn read(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    let order = date_order(&LAYOUT, shapes, &[F::Date as usize, F::DueDate as usize], options, sink)?;
    let invoices = sums(shapes, options)?;
    let (mut sales, mut purchases) = (0_u64, 0_u64);
    for shape in shapes {
        LAYOUT.read(
            &shape.table,
            &options.limits,
            sink,
            &|cells| client(cells).ok(),
            &mut |cells, sink| {
                let kind = cells.need(F::Type as usize)?;
                let credit = match fold(kind).as_str() {
                    "salesinvoice" => false,
                    "salescreditnote" => true,
                    "salesoverpayment" | "salesprepayment" => {
                        sales += 1;
                        sink.note(
                            Some(cells.line()),
                            "no_charge",
                            format!("a {kind} is money received; not read"),
                        );
                        return Ok(());
                    }
                    folded if folded.starts_with("bill") || folded.starts_with("purchase") => {
                        purchases += 1;
                        let text = format!("a {kind} is not what a client is charged; not read");
                        sink.note(Some(cells.line()), "not_a_sale", text);
                        return Ok(());
                    }
                    _ => {
                        return Err(
                            cells.bad(F::Type as usize, "is no type of sales or purchase that Xero has")
                        );
                    }
                };
                sales += 1;
                row(cells, credit, order, &invoices, options, sink)
            },
        )?;
    }
    if purchases > 0 && sales == 0 && sink.refused_total == 0 {
        return Err(FileError::NothingToCompare {
            what: "an export of Xero bills",
            lacks: "says what suppliers charge and not what clients are charged",
            instead: "export the sales invoices",
        });
    }
    Ok(())
}

/// The sums of all invoices: rows of one may stand anywhere.
fn sums(shapes: &[&Shape<'_>], options: &ReadOptions) -> Result<Invoices, FileError> {
    let mut invoices = Invoices::new();
    let mut scratch = Sink::new(&options.limits);
    for shape in shapes {
        LAYOUT.read(&shape.table, &options.limits, &mut scratch, &|_| None, &mut |cells, _| {
            let Some(key) = key(cells) else { return Ok(()) };
            let sums = invoices.entry(key).or_default();
            sums.count += 1;
            let add = |sum: Decimal, field: F| match cells.number(field as usize) {
                Ok(amount) => sum.checked_add(amount.unwrap_or_default()),
                Err(_) => None,
            };
            let (lines, taxes) = (add(sums.lines, F::Amount), add(sums.taxes, F::Tax));
            sums.broken |= lines.is_none() || taxes.is_none();
            (sums.lines, sums.taxes) = (lines.unwrap_or_default(), taxes.unwrap_or_default());
            let told = |field: F| cells.number(field as usize).ok().flatten();
            (sums.total, sums.tax) = (told(F::Total).or(sums.total), told(F::TaxTotal).or(sums.tax));
            Ok(())
        })?;
    }
    Ok(invoices)
}

/// An invoice: its number, which credit notes may share, with its type.
fn key(cells: &Cells<'_>) -> Option<(String, String)> {
    Some((cells.text(F::Invoice as usize)?.to_owned(), fold(cells.text(F::Type as usize)?)))
}

fn client(cells: &Cells<'_>) -> Result<ClientRef, Bad> {
    let name = cells.need(F::Contact as usize)?.to_owned();
    Ok(ClientRef { name: Some(name), ..ClientRef::default() })
}

fn row(
    cells: &Cells<'_>,
    credit: bool,
    order: Option<DateOrder>,
    invoices: &Invoices,
    options: &ReadOptions,
    sink: &mut Sink,
) -> Result<(), Bad> {
    let client = client(cells)?;
    let number = cells.need(F::Invoice as usize)?.to_owned();
    let status = cells.need(F::Status as usize)?;
    let billable = match fold(status).as_str() {
        "paid" | "awaitingpayment" | "authorised" | "authorized" | "approved" => true,
        "voided" | "deleted" => false,
        "draft" | "awaitingapproval" | "submitted" => {
            let text = format!("the invoice {number} is `{status}`: it charges nothing yet; not read");
            sink.note(Some(cells.line()), "not_billed_yet", text);
            return Ok(());
        }
        _ => {
            return Err(cells.bad(
                F::Status as usize,
                "is none of Draft, Awaiting Approval, Awaiting Payment, Paid, Voided, Deleted",
            ));
        }
    };
    let numbers = Numbers {
        quantity: cells.number(F::Quantity as usize)?,
        unit: cells.number(F::Unit as usize)?,
        amount: cells.number(F::Amount as usize)?,
        tax: cells.number(F::Tax as usize)?,
        discount_percent: None,
        discount_amount: None,
    };
    let numbers = discounted(cells, numbers)?;
    let sums = key(cells).and_then(|key| invoices.get(&key)).copied().unwrap_or_default();
    let Some((quantity, unit_price)) = price(&numbers, sums.tax(), cells.line(), sink)? else {
        return Ok(());
    };
    let product = product(cells)?;
    let currency = currency(cells, F::Currency as usize, options, sink)?;
    let Some(order) = order else {
        invoice_period::timing(options, sink);
        return Ok(());
    };
    let date = cells.date(F::Date as usize, order)?;
    let date = date.ok_or_else(|| cells.bad(F::Date as usize, "is empty, and is needed"))?;
    let span = invoice_period::month(date, options, sink);
    let (Some(currency), Some(span)) = (currency, span) else { return Ok(()) };
    let (unit_price, line_type) = signed(credit, quantity, unit_price);
    let record = BillingLine {
        client: client.into(),
        billing_entity: None,
        product: product.into(),
        agreement: None,
        source_id: Some(format!("{number}{}", if credit { " (credit note)" } else { "" })),
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
        billable,
    };
    sink.keep(cells.line(), Record::BillingLine(record));
    Ok(())
}

/// Whether `Discount` is a percentage or an amount is what the line amount shows.
fn discounted(cells: &Cells<'_>, numbers: Numbers) -> Result<Numbers, Bad> {
    let Some(discount) = cells.number(F::Discount as usize)?.filter(|discount| !discount.is_zero()) else {
        return Ok(numbers);
    };
    let (Some(unit), Some(amount)) = (numbers.unit, numbers.amount) else {
        return Err(cells.bad(F::Discount as usize, "cannot be taken off: UnitAmount or LineAmount is empty"));
    };
    let whole = numbers.quantity.unwrap_or(Decimal::ONE).checked_mul(unit).ok_or_else(too_large)?;
    // The line amount is rounded to the cent.
    let near = |a: Option<Decimal>| a.is_some_and(|a| (a.abs() - amount.abs()).abs() < Decimal::new(1, 2));
    let share = Decimal::ONE_HUNDRED.checked_sub(discount).map(|left| left / Decimal::ONE_HUNDRED);
    if near(share.and_then(|share| whole.checked_mul(share))) {
        Ok(Numbers { discount_percent: Some(discount), ..numbers })
    } else if near(whole.checked_sub(discount)) {
        Ok(Numbers { discount_amount: Some(discount), ..numbers })
    } else {
        Err(cells.bad(F::Discount as usize, "does not lead from quantity x UnitAmount to LineAmount"))
    }
}

fn product(cells: &Cells<'_>) -> Result<ProductRef, Bad> {
    let code = cells.owned(F::Code as usize);
    let name = cells.text(F::Description as usize).and_then(first_line_of);
    if code.is_none() && name.is_none() {
        return Err(cells.bad(F::Description as usize, "is empty, and so is InventoryItemCode"));
    }
    Ok(ProductRef { name, code, ..ProductRef::default() })
}
