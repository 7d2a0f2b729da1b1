//! Xero's repeating invoices, as JSON of the API: what clients are charged again and again.
//!
//! Source: <https://developer.xero.com/documentation/api/accounting/repeatinginvoices>. `Schedule` says how
//! often (`Period` times `Unit`), since when (`StartDate`, the first invoice of this version of it) and until
//! when (`EndDate`, the last day on which an invoice may be made). Whether an invoice charges what comes or
//! what was is asked (`invoice_timing`). Weekly schedules fit no calendar month and are refused.

use super::invoice_period::{cycle_of_months, schedule, signed, timing};
use super::json::{Object, Raw};
use super::members::{
    Refused, Seen, check_once, currency, day, expand, fit, need_number, refused, text, within,
};
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::xero_invoices::client;
use super::xero_line::{Charged, Tax, charged, too_large};
use super::{FileError, Fit, Format, ReadOptions};
use crate::period::Span;
use crate::records::{BillingLine, ClientRef, Cycle, LineType, Record, Side};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

pub(super) const FORMAT: Format = Format {
    name: "xero_repeating_invoices",
    title: "Xero repeating invoices (API)",
    sides: &[Side::Billing],
    detect,
    read,
};

const LISTS: &[&str] = &["RepeatingInvoices"];

fn detect(shape: &Shape<'_>) -> Fit {
    fit(shape, LISTS, &is_template, "has Xero repeating invoices: items with Schedule, Contact and LineItems")
}

fn is_template(item: &Object<'_>) -> bool {
    item.has(&["Schedule", "Type", "Contact"])
        && (item.has(&["RepeatingInvoiceID"]) || item.has(&["LineItems"]))
        && item.text("Type").is_some_and(|kind| kind.trim().to_ascii_uppercase().starts_with("ACC"))
}

fn read(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    let (mut seen, mut line) = (Seen::default(), 0);
    for shape in shapes {
        let part = shape.table.part.as_deref();
        shape.each_item(&mut |_, raw| {
            for raw in expand(raw, LISTS, &is_template) {
                line += 1;
                if let Err(refused) = template(raw, line, part, options, &mut seen, sink) {
                    let (bad, client) = *refused;
                    sink.refuse(part, line, bad, client);
                }
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn template(
    raw: Raw<'_>,
    line: u32,
    part: Option<&str>,
    options: &ReadOptions,
    seen: &mut Seen,
    sink: &mut Sink,
) -> Result<(), Refused> {
    let Some(item) = Object::of(raw).filter(is_template) else {
        sink.read += 1;
        return Err(refused(Bad::row("the item is no repeating invoice (Schedule, Type, Contact)"), None));
    };
    let lines = item.list("LineItems").unwrap_or_default();
    sink.read += u64::try_from(lines.len().max(1)).unwrap_or(1);
    let client = item.object("Contact").map(|contact| client(&contact));
    let client = client.filter(|client| *client != ClientRef::default());
    let bad = |bad: Bad| refused(bad, client.clone());
    check_once(&[Some(&item), item.object("Contact").as_ref(), item.object("Schedule").as_ref()])
        .map_err(bad)?;
    let id = text(&item, "RepeatingInvoiceID").or_else(|| text(&item, "ID"));
    if !seen.first(id.as_deref(), raw.get(), line, sink).map_err(bad)? {
        return Ok(());
    }
    let kind = text(&item, "Type").unwrap_or_default();
    if !kind.eq_ignore_ascii_case("ACCREC") {
        let text = format!("a repeating invoice of type {kind}: not what a client is charged; not read");
        sink.note(Some(line), "not_a_sale", text);
        return Ok(());
    }
    let status = text(&item, "Status").unwrap_or_default().to_ascii_uppercase();
    let billable = match status.as_str() {
        "AUTHORISED" => true,
        "DRAFT" => {
            let text = "it makes drafts, which charge only when someone approves them; read as charged";
            sink.note(Some(line), "makes_drafts", text);
            true
        }
        "DELETED" | "VOIDED" => false,
        _ => {
            let rule = "is none of AUTHORISED, DRAFT, DELETED";
            return Err(bad(Bad::member("Status", Some(&status), rule)));
        }
    };
    let Some(client) = client.clone() else {
        return Err(refused(Bad::member("Contact", None, "has neither ContactID nor Name"), None));
    };
    if lines.is_empty() {
        return Err(bad(Bad::member("LineItems", None, "is empty: there is nothing to compare")));
    }
    let tax = Tax::of(&item).map_err(bad)?;
    let Some((span, cycle, times)) = days(&item, line, options, sink).map_err(bad)? else { return Ok(()) };
    let code = text(&item, "CurrencyCode");
    let Some(currency) = currency(code.as_deref(), "CurrencyCode", options, sink).map_err(bad)? else {
        return Ok(());
    };
    for (index, raw) in lines.into_iter().enumerate() {
        let charged = Object::of(raw)
            .ok_or_else(|| Bad::row("the line is not an object"))
            .and_then(|item| check_once(&[Some(&item)]).and_then(|()| charged(&item, tax, line, sink)));
        let Charged { product, quantity, unit_price } = match charged {
            Ok(Some(charged)) => charged,
            Ok(None) => continue,
            Err(bad) => {
                sink.refuse(part, line, within(bad, "LineItems", index), Some(client.clone()));
                continue;
            }
        };
        let Some(unit_price) = unit_price.checked_mul(times) else {
            sink.refuse(part, line, within(too_large(), "LineItems", index), Some(client.clone()));
            continue;
        };
        let (unit_price, line_type) = signed(false, quantity, unit_price);
        let record = BillingLine {
            client: client.clone().into(),
            billing_entity: None,
            product: product.into(),
            agreement: text(&item, "Reference").or_else(|| id.clone()),
            invoice: None,
            source_id: id.clone(),
            term: None,
            cycle,
            quantity,
            included: Decimal::ZERO,
            unit_price,
            currency,
            span,
            recurring: line_type == LineType::Regular,
            line_type,
            billable,
        };
        sink.keep(line, Record::BillingLine(record));
    }
    Ok(())
}

/// Days, cycle and what the price is multiplied by; none when nothing is charged, or while a question is open.
fn days(
    item: &Object<'_>,
    line: u32,
    options: &ReadOptions,
    sink: &mut Sink,
) -> Result<Option<(Span, Cycle, Decimal)>, Bad> {
    let schedule_of =
        item.object("Schedule").ok_or_else(|| Bad::member("Schedule", None, "is not an object"))?;
    let unit = text(&schedule_of, "Unit").unwrap_or_default();
    let of_unit = match unit.to_ascii_uppercase().as_str() {
        "MONTHLY" => 1,
        "YEARLY" => 12,
        _ => {
            let rule = "is neither MONTHLY nor YEARLY: other cycles fit no calendar month";
            return Err(Bad::member("Schedule.Unit", Some(&unit), rule));
        }
    };
    let period = need_number(&schedule_of, "Period")?;
    let months =
        period.to_u32().filter(|_| period.fract().is_zero()).and_then(|period| period.checked_mul(of_unit));
    let found = months.and_then(|months| Some((months, cycle_of_months(months)?)));
    let Some((months, (cycle, times))) = found else {
        let rule = "is not a number of months that prices can be compared by";
        return Err(Bad::member("Schedule.Period", Some(&period.to_string()), rule));
    };
    if times != Decimal::ONE {
        let text = format!("the price of {months} months is shown as the price of {} months", cycle.months());
        sink.note(Some(line), "cycle_restated", text);
    }
    let first = if let Some(first) = day(&schedule_of, "StartDate")? {
        first
    } else {
        let next = day(&schedule_of, "NextScheduledDate")?
            .ok_or_else(|| Bad::member("Schedule.StartDate", None, "is missing"))?;
        let text = format!("the schedule has no StartDate: read from its next invoice on, {next}");
        sink.note(Some(line), "assumed_start", text);
        next
    };
    let last = day(&schedule_of, "EndDate")?;
    let Some(timing) = timing(options, sink) else { return Ok(None) };
    let span = schedule(first, last, i32::try_from(months).unwrap_or(1), timing);
    if span.is_empty() {
        sink.note(Some(line), "never_active", "the schedule ends before it begins: nothing is billed");
        return Ok(None);
    }
    Ok(Some((span, cycle, times)))
}
