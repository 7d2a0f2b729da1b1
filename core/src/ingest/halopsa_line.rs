//! One line of a HaloPSA invoice or recurring invoice.
//!
//! Source: the vendor's API description of `InvoiceHeader` and `InvoiceDetail`; both `GET /RecurringInvoice` and
//! `GET /Invoice` answer with it (<https://halopsa.com/apidocs/>). Lines come only with `includelines=true`.

use super::json::{Object, Raw};
use super::members::{day, first_line, flag, number, text};
use super::sink::{Bad, Sink};
use crate::period::{Month, Span, day_after};
use crate::records::{ClientRef, ProductRef};
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// Members that hold headers.
pub(super) const LISTS: &[&str] = &["invoices", "recurringinvoices", "recurring_invoices"];

/// Whether an item is a header, of either kind.
pub(super) fn is_header(item: &Object<'_>) -> bool {
    let any = |keys: &[&str]| keys.iter().filter(|key| item.has(&[key])).count();
    let whose = any(&["client_id", "client_name"]) > 0;
    let dated =
        any(&["invoice_date", "nextcreationdate", "invoicenumber", "is_recurring_invoice", "schedule_id"]);
    let ours =
        any(&["lines", "contract_ref", "currency_code_name", "third_party_invoice_number", "site_name"]);
    whose && dated >= 2 && ours > 0
}

/// Whether it makes invoices again and again.
pub(super) fn is_recurring(item: &Object<'_>) -> bool {
    flag(item, "is_recurring_invoice") || day(item, "nextcreationdate").is_ok_and(|next| next.is_some())
}

/// Whose it is.
pub(super) fn client(item: &Object<'_>) -> Option<ClientRef> {
    let client = ClientRef { id: text(item, "client_id"), name: text(item, "client_name"), domain: None };
    (client != ClientRef::default()).then_some(client)
}

/// The currency code; HaloPSA may also write a currency's name there, which is none.
pub(super) fn currency_code(item: &Object<'_>) -> Option<String> {
    ["currency_code_name", "currency"]
        .into_iter()
        .filter_map(|key| text(item, key))
        .find(|code| code.len() == 3 && code.bytes().all(|b| b.is_ascii_alphabetic()))
}

/// What a line charges.
pub(super) struct Charged {
    pub(super) product: ProductRef,
    pub(super) quantity: Decimal,
    pub(super) unit_price: Decimal,
}

/// Product, quantity and price; none for a line that only says something.
pub(super) fn charged(item: &Object<'_>, line: u32, sink: &mut Sink) -> Result<Option<Charged>, Bad> {
    let (quantity, unit, net) =
        (number(item, "qty_order")?, number(item, "unit_price")?, number(item, "net_amount")?);
    if flag(item, "isgroupdesc") || (quantity.is_none() && unit.is_none() && net.is_none()) {
        sink.note(
            Some(line),
            "description_only",
            "a line that only says something charges nothing: not read",
        );
        return Ok(None);
    }
    let quantity = quantity.ok_or_else(|| Bad::member("qty_order", None, "is missing"))?;
    let unit_price = match (unit, net) {
        (Some(unit), Some(net)) => {
            let whole = quantity.checked_mul(unit);
            if whole.is_none_or(|whole| (whole.abs() - net.abs()).abs() > Decimal::new(1, 2)) {
                let text = format!(
                    "the net amount {net} is not {quantity} x {unit}; read as quantity and unit price"
                );
                sink.note(Some(line), "amount_differs", text);
            }
            unit
        }
        (Some(unit), None) => unit,
        (None, Some(net)) => net.checked_div(quantity).ok_or_else(|| {
            Bad::member("net_amount", Some(&net.to_string()), "is charged for a quantity of 0")
        })?,
        (None, None) => return Err(Bad::member("unit_price", None, "is missing, and so is net_amount")),
    };
    Ok(Some(Charged { product: product(item)?, quantity, unit_price }))
}

fn product(item: &Object<'_>) -> Result<ProductRef, Bad> {
    let code = text(item, "item_code");
    let name = first_line(item, "item_shortdescription").or_else(|| first_line(item, "item_longdescription"));
    if code.is_none() && name.is_none() {
        return Err(Bad::member("item_shortdescription", None, "is empty, and so is item_code"));
    }
    Ok(ProductRef { name, code, ..ProductRef::default() })
}

/// Lists of what a quantity is counted from when the invoice is made.
const COUNTED: [&str; 4] =
    ["quantity_licences", "quantity_users", "quantity_assets", "quantity_subscriptions"];

/// Notes a quantity that is counted anew for every invoice: `qty_order` is then only the last one.
pub(super) fn note_counted(item: &Object<'_>, line: u32, sink: &mut Sink) {
    let lists: Vec<Raw<'_>> = COUNTED.iter().filter_map(|key| item.list(key)).flatten().collect();
    let kind = text(item, "recurring_invoice_quantity_type").filter(|kind| kind != "0");
    if lists.is_empty() && kind.is_none() && !flag(item, "_is_calculated_line") {
        return;
    }
    let free: Vec<String> = lists
        .into_iter()
        .filter_map(Object::of)
        .filter_map(|counted| text(&counted, "qty_free").filter(|free| free != "0"))
        .collect();
    let free = if free.is_empty() {
        String::new()
    } else {
        format!("; {} are free, which is taken as taken off already", free.join(" and "))
    };
    let text = format!("the quantity is counted when the invoice is made; qty_order is the last count{free}");
    sink.note(Some(line), "quantity_computed", text);
}

/// A part of a period, charged apart.
pub(super) struct Prorated {
    pub(super) name: Option<String>,
    pub(super) quantity: Decimal,
    pub(super) unit_price: Decimal,
    pub(super) span: Span,
}

/// The pro-rata rows of a line, each from its day to the end of its month.
pub(super) fn prorated(item: &Object<'_>) -> Vec<Result<Prorated, Bad>> {
    let row = |raw: Raw<'_>| {
        let row = Object::of(raw).ok_or_else(|| Bad::row("the pro-rata row is not an object"))?;
        let date = day(&row, "date")?.ok_or_else(|| Bad::member("date", None, "is missing"))?;
        let need = |key| {
            number(&row, key).and_then(|found| found.ok_or_else(|| Bad::member(key, None, "is missing")))
        };
        Ok(Prorated {
            name: first_line(&row, "shortdescription"),
            quantity: need("quantity")?,
            unit_price: need("unitprice")?,
            span: Span::new(date, Month::of(date).end()),
        })
    };
    item.list("prorata_data").unwrap_or_default().into_iter().map(row).collect()
}

/// The days between two members of one object, the last one included; none unless both are there.
pub(super) fn between(item: &Object<'_>, start: &str, end: &str) -> Result<Option<Span>, Bad> {
    let (Some(from), Some(last)) = (day(item, start)?, day(item, end)?) else { return Ok(None) };
    if last < from {
        return Err(Bad::member(end, Some(&last.to_string()), "is before the period starts"));
    }
    Ok(Some(Span::new(from, day_after(last))))
}

/// The first of these members that is a day.
pub(super) fn first_day(places: &[(&Object<'_>, &str)]) -> Result<Option<NaiveDate>, Bad> {
    for (item, key) in places {
        if let Some(day) = day(item, key)? {
            return Ok(Some(day));
        }
    }
    Ok(None)
}
