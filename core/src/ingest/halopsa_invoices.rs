//! HaloPSA's invoices: what clients were charged.
//!
//! Source: see [`super::halopsa_line`]. A line covers the days of its own `startdate` and `enddate`, else the period of
//! the header, else the month that the answer to `invoice_timing` gives to the invoice's date. The id of
//! every line is that of its invoice, so that a newer export replaces all of it.

use super::halopsa_line::{LISTS, between, charged, client, currency_code, is_header, is_recurring};
use super::invoice_period::{self, cycle_of_months, signed, whole_months};
use super::json::{Object, Raw};
use super::members::{Refused, Seen, check_once, currency, day, expand, fit, refused, text, within};
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::{FileError, Fit, Format, ReadOptions};
use crate::period::Span;
use crate::records::{BillingLine, ClientRef, Cycle, Record, Side};
use rust_decimal::Decimal;

pub(super) const FORMAT: Format =
    Format { name: "halopsa_invoices", title: "HaloPSA invoices", sides: &[Side::Billing], detect, read };

fn detect(shape: &Shape<'_>) -> Fit {
    let is_ours = |item: &Object<'_>| is_header(item) && !is_recurring(item);
    fit(shape, LISTS, &is_ours, "has HaloPSA invoices: items with client_id, invoice_date and lines")
}

fn read(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    let (mut seen, mut line, mut with_lines) = (Seen::default(), 0, false);
    for shape in shapes {
        let part = shape.table.part.as_deref();
        shape.each_item(&mut |_, raw| {
            for raw in expand(raw, LISTS, &is_header) {
                line += 1;
                match header(raw, line, part, options, &mut seen, sink) {
                    Ok(has_lines) => with_lines |= has_lines,
                    Err(refused) => {
                        let (bad, client) = *refused;
                        sink.refuse(part, line, bad, client);
                    }
                }
            }
            Ok(())
        })?;
    }
    if !with_lines && sink.refused_total == 0 {
        return Err(FileError::NothingToCompare {
            what: "a list of HaloPSA invoices",
            lacks: "has totals and no lines",
            instead: "export it with lines (includelines=true)",
        });
    }
    Ok(())
}

fn header(
    raw: Raw<'_>,
    line: u32,
    part: Option<&str>,
    options: &ReadOptions,
    seen: &mut Seen,
    sink: &mut Sink,
) -> Result<bool, Refused> {
    let Some(item) = Object::of(raw).filter(|item| is_header(item) && !is_recurring(item)) else {
        sink.read += 1;
        return Err(refused(Bad::row("the item is no invoice (client_id, invoice_date, lines)"), None));
    };
    let lines = item.list("lines").unwrap_or_default();
    sink.read += u64::try_from(lines.len().max(1)).unwrap_or(1);
    let client = client(&item);
    let bad = |bad: Bad| refused(bad, client.clone());
    check_once(&[Some(&item)]).map_err(bad)?;
    let id = text(&item, "id");
    if !seen.first(id.as_deref(), raw.get(), line, sink).map_err(bad)? {
        return Ok(true);
    }
    let Some(client) = client.clone() else {
        return Err(refused(Bad::member("client_id", None, "is empty, and so is client_name"), None));
    };
    if lines.is_empty() {
        sink.note(
            Some(line),
            "invoice_without_lines",
            "the invoice has no lines here; nothing follows from it",
        );
        return Ok(false);
    }
    for (index, raw) in lines.into_iter().enumerate() {
        match billing(&item, raw, &client, line, options, sink) {
            Ok(Some(record)) => sink.keep(line, Record::BillingLine(record)),
            Ok(None) => {}
            Err(bad) => sink.refuse(part, line, within(bad, "lines", index), Some(client.clone())),
        }
    }
    Ok(true)
}

fn billing(
    header: &Object<'_>,
    raw: Raw<'_>,
    client: &ClientRef,
    line: u32,
    options: &ReadOptions,
    sink: &mut Sink,
) -> Result<Option<BillingLine>, Bad> {
    let item = Object::of(raw).ok_or_else(|| Bad::row("the line is not an object"))?;
    check_once(&[Some(&item)])?;
    let Some(charged) = charged(&item, line, sink)? else { return Ok(None) };
    let code = currency_code(header);
    let currency = currency(code.as_deref(), "currency_code_name", options, sink)?;
    let span = span(header, &item, options, sink)?;
    let (Some(currency), Some(span)) = (currency, span) else { return Ok(None) };
    let (cycle, times) =
        whole_months(span).and_then(cycle_of_months).unwrap_or((Cycle::Monthly, Decimal::ONE));
    let unit_price = charged.unit_price.checked_mul(times);
    let unit_price = unit_price.ok_or_else(|| Bad::row("the numbers of the line are too large"))?;
    let credit = text(header, "creditlinkedtoinvoiceid").is_some_and(|id| id != "0");
    let (unit_price, line_type) = signed(credit, charged.quantity, unit_price);
    Ok(Some(BillingLine {
        client: client.clone().into(),
        billing_entity: None,
        product: charged.product.into(),
        agreement: text(header, "contract_ref"),
        invoice: text(header, "invoicenumber").or_else(|| text(header, "id")),
        source_id: text(header, "id"),
        term: None,
        cycle,
        quantity: charged.quantity,
        included: Decimal::ZERO,
        unit_price,
        currency,
        span,
        recurring: false,
        line_type,
        billable: true,
    }))
}

/// The days of a line; none while the question is open.
fn span(
    header: &Object<'_>,
    item: &Object<'_>,
    options: &ReadOptions,
    sink: &mut Sink,
) -> Result<Option<Span>, Bad> {
    let stated = match between(item, "startdate", "enddate")? {
        Some(span) => Some(span),
        None => between(header, "period_start_date", "period_end_date")?,
    };
    if stated.is_some() {
        return Ok(stated);
    }
    let date = day(header, "invoice_date")?.ok_or_else(|| Bad::member("invoice_date", None, "is missing"))?;
    Ok(invoice_period::month(date, options, sink))
}
