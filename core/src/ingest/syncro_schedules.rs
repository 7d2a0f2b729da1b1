//! Syncro's invoice schedules: what clients are charged again and again.
//!
//! Source: <https://api-docs.syncromsp.com/>, `GET /schedules` and `GET /schedules/{id}`. A schedule has no start,
//! only its next run, and shows what it is now. So its lines are read for the cycle that runs until then, and
//! the id of every line is that of the schedule with its next run: exports of several months are a history, and a
//! newer export of the same cycle replaces the older one. Paused schedules charge nothing. A quantity that
//! is counted from assets or contacts is counted when the invoice is made. Clients go by id only.

use super::invoice_period::{cycle_of_months, months_of_word, signed};
use super::json::{Object, Raw};
use super::members::{
    Refused, Seen, check_once, currency, day, expand, first_line, fit, flag, need_number, number, refused,
    text, within,
};
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::{FileError, Fit, Format, ReadOptions};
use crate::period::{Month, Span};
use crate::records::{BillingLine, ClientRef, LineType, ProductRef, Record, Side};
use rust_decimal::Decimal;

pub(super) const FORMAT: Format = Format {
    name: "syncro_schedules",
    title: "Syncro invoice schedules",
    sides: &[Side::Billing],
    detect,
    read,
};

const LISTS: &[&str] = &["schedules", "schedule"];

fn detect(shape: &Shape<'_>) -> Fit {
    fit(shape, LISTS, &is_schedule, "has Syncro schedules: items with customer_id, frequency and next_run")
}

fn is_schedule(item: &Object<'_>) -> bool {
    item.has(&["frequency", "next_run", "customer_id"])
}

fn read(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    let (mut seen, mut line, mut with_lines) = (Seen::default(), 0, false);
    for shape in shapes {
        let part = shape.table.part.as_deref();
        shape.each_item(&mut |_, raw| {
            for raw in expand(raw, LISTS, &is_schedule) {
                line += 1;
                match schedule(raw, line, part, options, &mut seen, sink) {
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
            what: "a list of Syncro schedules",
            lacks: "has no lines",
            instead: "export each schedule with its lines (GET /schedules/{id})",
        });
    }
    Ok(())
}

/// Reads a schedule; answers whether it has lines.
fn schedule(
    raw: Raw<'_>,
    line: u32,
    part: Option<&str>,
    options: &ReadOptions,
    seen: &mut Seen,
    sink: &mut Sink,
) -> Result<bool, Refused> {
    let Some(item) = Object::of(raw).filter(is_schedule) else {
        sink.read += 1;
        return Err(refused(Bad::row("the item is no schedule (customer_id, frequency, next_run)"), None));
    };
    let lines = item.list("lines").unwrap_or_default();
    sink.read += u64::try_from(lines.len().max(1)).unwrap_or(1);
    let Some(customer) = text(&item, "customer_id") else {
        return Err(refused(Bad::member("customer_id", None, "is missing"), None));
    };
    let name = text(&item, "customer_business_then_name");
    let client = ClientRef { id: Some(customer), name, domain: None };
    let bad = |bad: Bad| refused(bad, Some(client.clone()));
    check_once(&[Some(&item)]).map_err(bad)?;
    let id = text(&item, "id");
    if !seen.first(id.as_deref(), raw.get(), line, sink).map_err(bad)? {
        return Ok(true);
    }
    if lines.is_empty() {
        sink.note(
            Some(line),
            "schedule_without_lines",
            "the schedule has no lines here; nothing follows from it",
        );
        return Ok(false);
    }
    let frequency = text(&item, "frequency").unwrap_or_default();
    let found = months_of_word(&frequency).and_then(|months| Some((months, cycle_of_months(months)?)));
    let Some((months, (cycle, times))) = found else {
        let rule = "is no cycle of whole months that says one thing: days and weeks cannot be compared";
        return Err(bad(Bad::member("frequency", Some(&frequency), rule)));
    };
    let next = day(&item, "next_run").map_err(bad)?;
    let next = next.ok_or_else(|| bad(Bad::member("next_run", None, "is missing")))?;
    let end = Month::of(next);
    let span = Span::new(end.plus(-i32::try_from(months).unwrap_or(1)).first_day(), end.first_day());
    let Some(currency) = currency(None, "currency", options, sink).map_err(bad)? else { return Ok(true) };
    let billable = !flag(&item, "paused");
    if !billable {
        sink.note(Some(line), "paused", "the schedule is paused: its lines charge nothing");
    }
    let agreement = match (text(&item, "name"), &id) {
        (Some(name), Some(id)) => Some(format!("{name} ({id})")),
        (name, id) => name.or_else(|| id.clone()),
    };
    for (index, raw) in lines.into_iter().enumerate() {
        let charged = match charged(raw, times, line, sink) {
            Ok(charged) => charged,
            Err(bad) => {
                sink.refuse(part, line, within(bad, "lines", index), Some(client.clone()));
                continue;
            }
        };
        let record = BillingLine {
            client: client.clone().into(),
            billing_entity: None,
            product: charged.product.into(),
            agreement: agreement.clone(),
            invoice: None,
            source_id: id.as_ref().map(|id| format!("{id} until {end}")),
            term: None,
            cycle,
            quantity: charged.quantity,
            included: Decimal::ZERO,
            unit_price: charged.unit_price,
            currency,
            span,
            recurring: charged.line_type == LineType::Regular,
            line_type: charged.line_type,
            billable,
        };
        sink.keep(line, Record::BillingLine(record));
    }
    Ok(true)
}

/// What a line charges.
struct Charged {
    product: ProductRef,
    quantity: Decimal,
    unit_price: Decimal,
    line_type: LineType,
}

fn charged(raw: Raw<'_>, times: Decimal, line: u32, sink: &mut Sink) -> Result<Charged, Bad> {
    let item = Object::of(raw).ok_or_else(|| Bad::row("the line is not an object"))?;
    check_once(&[Some(&item)])?;
    let quantity = need_number(&item, "quantity")?;
    let cents = number(&item, "retail_cents")?;
    let cents = cents.map(|cents| cents / Decimal::ONE_HUNDRED);
    let price = match (number(&item, "price_retail")?, cents) {
        (Some(price), Some(cents)) if price.round_dp(2) != cents.round_dp(2) => {
            let rule = format!("is not what retail_cents says ({cents})");
            return Err(Bad::member("price_retail", Some(&price.to_string()), rule));
        }
        (Some(price), _) | (None, Some(price)) => price,
        (None, None) => return Err(Bad::member("price_retail", None, "is missing, and so is retail_cents")),
    };
    let counted = ["saved_asset_search_id", "asset_type_id", "recurring_type_id", "contact_field_type_id"];
    if counted.iter().any(|key| text(&item, key).is_some_and(|id| id != "0")) {
        let text =
            "the quantity is counted when the invoice is made; what stands here may not be what is billed";
        sink.note(Some(line), "quantity_computed", text);
    }
    let name = first_line(&item, "name").or_else(|| first_line(&item, "description"));
    let code = text(&item, "product_id").filter(|id| id != "0");
    if name.is_none() && code.is_none() {
        return Err(Bad::member("name", None, "is empty, and so is product_id"));
    }
    let unit_price =
        price.checked_mul(times).ok_or_else(|| Bad::row("the numbers of the line are too large"))?;
    let (unit_price, mut line_type) = signed(false, quantity, unit_price);
    if flag(&item, "one_time_charge") {
        line_type = LineType::OneOff;
    }
    Ok(Charged {
        product: ProductRef { name, code, ..ProductRef::default() },
        quantity,
        unit_price,
        line_type,
    })
}
