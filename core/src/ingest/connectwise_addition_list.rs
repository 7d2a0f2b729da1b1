//! ConnectWise PSA's list of agreement additions as it is exported from the screen.
//!
//! Source: the columns of the list views of additions, on one agreement and in the search over all
//! (<https://docs.connectwise.com>). Columns can be chosen and have spaces. On one agreement the list names
//! neither company nor agreement, so it is asked whose it is; it never names a currency. Dates are in the order
//! of the user's region. Billed is quantity less what is included; the cancelled date is the first day that is not charged.

use super::invoice_period::{cycle_of_months, months_of_word, signed};
use super::layout::{Cells, Field, Layout, Need};
use super::members::first_line_of;
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::table::fold;
use super::table_answers::{currency, date_order};
use super::{DateOrder, FileError, Fit, Format, ReadOptions};
use crate::period::Span;
use crate::records::{BillingLine, ClientRef, Cycle, LineType, ProductRef, Record, Side};
use rust_decimal::Decimal;

pub(super) const FORMAT: Format = Format {
    name: "connectwise_addition_list",
    title: "ConnectWise PSA agreement additions (list export)",
    sides: &[Side::Billing],
    detect,
    read,
};

/// Places in [`LAYOUT`].
#[derive(Clone, Copy)]
#[repr(usize)]
enum F {
    Agreement,
    Company,
    Product,
    Description,
    Quantity,
    Included,
    Price,
    Bill,
    Effective,
    Cancelled,
    Currency,
    Cycle,
    Id,
}

const fn field(name: &'static str, aliases: &'static [&'static str], need: Need) -> Field {
    Field { name, aliases, need }
}

const COMPANY: [&str; 2] = ["company", "companyname"];

const LAYOUT: Layout = Layout {
    fields: &[
        field("Agreement", &["agreementname"], Need::Optional),
        field("Company", &["companyname"], Need::Optional),
        field("Product", &["productid", "productidentifier"], Need::SignatureOneOf(1)),
        field("Description", &["productdescription", "invoicedescription"], Need::SignatureOneOf(1)),
        field("Qty", &["quantity"], Need::Signature),
        field("Less Included", &["included"], Need::Optional),
        field("Unit Price", &["price"], Need::Required),
        field("Bill", &["billcustomer", "billable"], Need::Signature),
        field("Effective Date", &["effective"], Need::Signature),
        field("Cancelled Date", &["cancelled", "canceled", "canceleddate"], Need::Optional),
        field("Currency", &["currencycode"], Need::Optional),
        field("Billing Cycle", &[], Need::Optional),
        field("Addition ID", &["additionrecid", "agreementadditionid"], Need::Optional),
    ],
    unread: &[
        "sequence",
        "extprice",
        "cost",
        "unitcost",
        "extcost",
        "prorateprice",
        "proratecost",
        "tax",
        "taxable",
        "margin",
        "level",
        "additionlevel",
        "agreementtype",
        "agreementstatus",
        "additionstatus",
        "productclass",
        "recurringrevenue",
        "recurringcost",
        "purchaseitem",
        "dropship",
        "specialorder",
        "serial",
        "uom",
        "department",
        "location",
        "opportunitysummary",
        "billedquantity",
        "billedqty",
    ],
    never: &[],
};

fn detect(shape: &Shape<'_>) -> Fit {
    // The API's additions have members of the same names.
    if shape.is_json() { Fit::No { shared: 0 } } else { LAYOUT.fit(&shape.table.columns) }
}

fn read(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    let dates = [F::Effective as usize, F::Cancelled as usize];
    let order = date_order(&LAYOUT, shapes, &dates, options, sink)?;
    let mut assumed = false;
    for shape in shapes {
        let named = shape.table.columns.iter().any(|column| COMPANY.contains(&fold(column).as_str()));
        if !named {
            sink.names_client = false;
            sink.ask("client", &[]);
        }
        let client = |cells: &Cells<'_>| cells.owned(F::Company as usize).map(company);
        LAYOUT.read(&shape.table, &options.limits, sink, &client, &mut |cells, sink| {
            let client = if named {
                company(cells.need(F::Company as usize)?.to_owned())
            } else {
                ClientRef::default()
            };
            let Some(line) = line(cells, client, order, options, sink)? else { return Ok(()) };
            assumed |= cells.text(F::Cycle as usize).is_none();
            sink.keep(cells.line(), Record::BillingLine(line));
            Ok(())
        })?;
    }
    if assumed {
        sink.note(None, "assumed_cycle", "the list states no billing cycle: prices are read as monthly");
    }
    Ok(())
}

fn company(name: String) -> ClientRef {
    ClientRef { name: Some(name), ..ClientRef::default() }
}

/// The billing line of a row; none when nothing is billed, or while a question is open.
fn line(
    cells: &Cells<'_>,
    client: ClientRef,
    order: Option<DateOrder>,
    options: &ReadOptions,
    sink: &mut Sink,
) -> Result<Option<BillingLine>, Bad> {
    let code = cells.owned(F::Product as usize);
    let name = cells.text(F::Description as usize).and_then(first_line_of);
    if code.is_none() && name.is_none() {
        return Err(cells.bad(F::Product as usize, "is empty, and so is the description"));
    }
    let quantity = cells.need_number(F::Quantity as usize)?;
    let included = cells.number(F::Included as usize)?.unwrap_or_default();
    let billable = billable(cells)?;
    let unit_price = match cells.number(F::Price as usize)? {
        Some(price) => price,
        None if !billable => Decimal::ZERO,
        None => return Err(cells.bad(F::Price as usize, "is empty, and is needed")),
    };
    let (cycle, times) = match cells.text(F::Cycle as usize) {
        None => (Cycle::Monthly, Decimal::ONE),
        Some(word) => months_of_word(word).and_then(cycle_of_months).ok_or_else(|| {
            cells.bad(F::Cycle as usize, "is no cycle of months that prices can be compared by")
        })?,
    };
    let unit_price =
        unit_price.checked_mul(times).ok_or_else(|| cells.bad(F::Price as usize, "is too large"))?;
    let (unit_price, line_type) = signed(false, quantity, unit_price);
    if line_type == LineType::Regular && (included < Decimal::ZERO || included > quantity) {
        return Err(cells.bad(F::Included as usize, "is below zero or above the quantity"));
    }
    let currency = currency(cells, F::Currency as usize, options, sink)?;
    let Some(order) = order else { return Ok(None) };
    let from = cells.date(F::Effective as usize, order)?;
    let from = from.ok_or_else(|| cells.bad(F::Effective as usize, "is empty, and is needed"))?;
    let span = Span { from, until: cells.date(F::Cancelled as usize, order)? };
    if span.is_empty() {
        let text = "the addition ended before it began: nothing is billed";
        sink.note(Some(cells.line()), "never_active", text);
        return Ok(None);
    }
    let Some(currency) = currency else { return Ok(None) };
    Ok(Some(BillingLine {
        client: client.into(),
        billing_entity: None,
        product: ProductRef { name, code, ..ProductRef::default() }.into(),
        agreement: cells.owned(F::Agreement as usize),
        invoice: None,
        source_id: cells.owned(F::Id as usize),
        term: None,
        cycle,
        quantity,
        included,
        unit_price,
        currency,
        span,
        recurring: true,
        line_type,
        billable,
    }))
}

/// `Billable`, `Do Not Bill`, `No Charge`; or whether the box is checked.
fn billable(cells: &Cells<'_>) -> Result<bool, Bad> {
    let text = cells.need(F::Bill as usize)?;
    match fold(text).as_str() {
        "billable" | "bill" | "yes" | "y" | "true" | "1" | "checked" => Ok(true),
        "donotbill" | "nocharge" | "no" | "n" | "false" | "0" | "unchecked" => Ok(false),
        _ => Err(cells.bad(F::Bill as usize, "is none of Billable, Do Not Bill, No Charge, or yes and no")),
    }
}
