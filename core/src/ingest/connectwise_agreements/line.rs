//! One addition, with its agreement, as a billing line.

use super::super::json::Object;
use super::super::members::{day, need_number, number};
use super::super::sink::{Bad, Sink};
use super::super::table::fold;
use super::{Context, Found, agreement_id, client, is_addition};
use crate::billing_instructions::named;
use crate::money::Currency;
use crate::period::{Span, day_after};
use crate::records::{BillingLine, ClientRef, Cycle, LineType, ProductRef};
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// The billing line of an addition; none when nothing is billed, or while a question is open.
pub(super) fn line(
    found: &Found,
    context: &Context<'_>,
    sink: &mut Sink,
) -> Result<Option<BillingLine>, Bad> {
    let item = Object::of(&found.raw).ok_or_else(|| Bad::row("the item is not an object"))?;
    if !is_addition(&item) {
        return Err(Bad::row(
            "the item is neither an agreement nor an addition (product.identifier, quantity, unitPrice)",
        ));
    }
    let agreement = context.agreement(found);
    let nested = [item.object("product"), item.object("agreement"), item.object("currency")];
    for object in [Some(&item), agreement].into_iter().flatten().chain(nested.iter().flatten()) {
        if let Some(key) = object.repeated() {
            return Err(Bad::member(key, None, "stands twice in the item"));
        }
    }
    let id = agreement_id(found);
    let Some(client) = context.client(found).or_else(|| context.one_orphan.then(ClientRef::default)) else {
        let id = id.as_deref().unwrap_or("?");
        let reason = format!(
            "the agreement {id} is not in the file, so the client is not known; upload agreements and additions together"
        );
        return Err(Bad::member("agreementId", Some(id), reason));
    };
    let quantity = need_number(&item, "quantity")?;
    let included = number(&item, "lessIncluded")?.unwrap_or_default();
    let billable = billable(&item, found, sink)?;
    let unit_price = match number(&item, "unitPrice")? {
        Some(price) => price,
        None if !billable => Decimal::ZERO,
        None => return Err(Bad::member("unitPrice", None, "is missing")),
    };
    let line_type = if quantity < Decimal::ZERO || unit_price < Decimal::ZERO {
        sink.note(Some(found.line), "credit", "quantity or price is negative: read as a credit");
        LineType::Credit
    } else {
        LineType::Regular
    };
    if line_type == LineType::Regular && (included < Decimal::ZERO || included > quantity) {
        let text = included.to_string();
        return Err(Bad::member("lessIncluded", Some(&text), "is below zero or above the quantity"));
    }
    if line_type == LineType::Regular {
        note_doubts(&item, agreement, quantity - included, unit_price, found.line, sink)?;
    }
    let Some(span) = span(&item, agreement, found, sink)? else { return Ok(None) };
    let Some(currency) = currency(&item, agreement, context, sink)? else { return Ok(None) };
    Ok(Some(BillingLine {
        client: client.into(),
        billing_entity: agreement.and_then(billing_entity),
        product: product(&item)?.into(),
        agreement: agreement_name(agreement, id.as_deref()),
        invoice: None,
        source_id: item.text("id").map(std::borrow::Cow::into_owned),
        term: None,
        cycle: cycle(&item, agreement, found, sink)?,
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

/// Notes what the file itself says differently, and prices that are part of the agreement's own amount.
fn note_doubts(
    item: &Object<'_>,
    agreement: Option<&Object<'_>>,
    billed: Decimal,
    unit_price: Decimal,
    line: u32,
    sink: &mut Sink,
) -> Result<(), Bad> {
    if let Some(told) = number(item, "billedQuantity")?
        && told != billed
    {
        let text =
            format!("billedQuantity is {told}, quantity less lessIncluded is {billed}; read as the latter");
        sink.note(Some(line), "billed_quantity_differs", text);
    }
    let amount = agreement.map(|agreement| number(agreement, "billAmount")).transpose()?.flatten();
    if unit_price.is_zero()
        && let Some(amount) = amount.filter(|amount| *amount > Decimal::ZERO)
    {
        let text =
            format!("the price is 0 under an agreement that bills {amount} as a whole: part of a bundle");
        sink.note(Some(line), "in_bundle", text);
    }
    Ok(())
}

fn product(item: &Object<'_>) -> Result<ProductRef, Bad> {
    let code = item
        .object("product")
        .and_then(|product| product.text("identifier"))
        .ok_or_else(|| Bad::member("product.identifier", None, "is empty, and is needed"))?;
    let (name, invoiced) = (item.text("description"), item.text("invoiceDescription"));
    let name = named(name.as_deref().or(invoiced.as_deref()), invoiced.as_deref());
    let name = name.and_then(|name| name.lines().next().map(|line| line.trim().to_owned()));
    Ok(ProductRef { name, code: Some(code.trim().to_owned()), ..ProductRef::default() })
}

fn billable(item: &Object<'_>, found: &Found, sink: &mut Sink) -> Result<bool, Bad> {
    let Some(text) = item.text("billCustomer") else { return Ok(true) };
    match text.to_lowercase().as_str() {
        "billable" => Ok(true),
        "donotbill" | "nocharge" => Ok(false),
        "nodefault" => {
            let text = "billCustomer is NoDefault: read as billable";
            sink.note(Some(found.line), "bill_customer_default", text);
            Ok(true)
        }
        _ => Err(Bad::member("billCustomer", Some(&text), "is none of Billable, DoNotBill, NoCharge")),
    }
}

/// The days charged; none when the addition ended before it began.
fn span(
    item: &Object<'_>,
    agreement: Option<&Object<'_>>,
    found: &Found,
    sink: &mut Sink,
) -> Result<Option<Span>, Bad> {
    let from = match (day(item, "effectiveDate")?, agreement) {
        (Some(from), _) => from,
        (None, Some(agreement)) => {
            let start = day(agreement, "billStartDate")?.or(day(agreement, "startDate")?);
            let start = start.ok_or_else(|| {
                Bad::member("effectiveDate", None, "is missing, and so is the agreement's start")
            })?;
            let text = format!("effectiveDate is missing: read as the agreement's start {start}");
            sink.note(Some(found.line), "start_of_agreement", text);
            start
        }
        (None, None) => return Err(Bad::member("effectiveDate", None, "is missing")),
    };
    let cancelled = day(item, "cancelledDate")?;
    let ends = agreement.map(agreement_end).transpose()?.flatten();
    let until = match (cancelled, ends) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    let span = Span { from, until };
    if span.is_empty() {
        sink.note(Some(found.line), "never_active", "the addition ended before it began: nothing is billed");
        return Ok(None);
    }
    Ok(Some(span))
}

/// The first day on which the agreement no longer bills: after `endDate`, or the day of cancellation.
fn agreement_end(agreement: &Object<'_>) -> Result<Option<NaiveDate>, Bad> {
    let flag = |key| agreement.text(key).is_some_and(|text| text == "true");
    let end = if flag("noEndingDateFlag") { None } else { day(agreement, "endDate")?.map(day_after) };
    let cancelled = day(agreement, "dateCancelled")?.or(day(agreement, "cancelledDate")?);
    if flag("cancelledFlag") && cancelled.is_none() && end.is_none() {
        return Err(Bad::member(
            "cancelledFlag",
            Some("true"),
            "the agreement is cancelled, but has neither dateCancelled nor endDate",
        ));
    }
    Ok(match (end, cancelled) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    })
}

/// The currency of the addition, of its agreement, or the answer to the question.
fn currency(
    item: &Object<'_>,
    agreement: Option<&Object<'_>>,
    context: &Context<'_>,
    sink: &mut Sink,
) -> Result<Option<Currency>, Bad> {
    let of = |item: &Object<'_>| {
        item.text("currency")
            .or_else(|| item.object("currency")?.text("currencyCode"))
            .or_else(|| item.object("agreement")?.object("currency")?.text("currencyCode"))
            .map(std::borrow::Cow::into_owned)
    };
    if let Some(code) = of(item).or_else(|| agreement.and_then(of)) {
        let bad = |_| Bad::member("currency.currencyCode", Some(&code), "is not a currency code such as USD");
        return code.parse().map(Some).map_err(bad);
    }
    if context.options.currency.is_none() {
        sink.ask("currency", &[]);
    }
    Ok(context.options.currency)
}

fn cycle(
    item: &Object<'_>,
    agreement: Option<&Object<'_>>,
    found: &Found,
    sink: &mut Sink,
) -> Result<Cycle, Bad> {
    let of = |item: &Object<'_>| {
        item.object("billingCycle")
            .and_then(|cycle| cycle.text("name"))
            .or_else(|| item.object("agreement")?.object("billingCycle")?.text("name"))
            .map(std::borrow::Cow::into_owned)
    };
    let Some(name) = of(item).or_else(|| agreement.and_then(of)) else {
        sink.note(Some(found.line), "assumed_cycle", "the billing cycle is not stated: read as monthly");
        return Ok(Cycle::Monthly);
    };
    match fold(&name).as_str() {
        "monthly" | "month" => Ok(Cycle::Monthly),
        "quarterly" | "quarter" => Ok(Cycle::Quarterly),
        "annual" | "annually" | "yearly" | "year" => Ok(Cycle::Annual),
        "triennial" | "triennially" | "3years" => Ok(Cycle::Triennial),
        _ => {
            Err(Bad::member("billingCycle", Some(&name), "is none of monthly, quarterly, annual, triennial"))
        }
    }
}

/// Who pays, when that is not the company itself.
fn billing_entity(agreement: &Object<'_>) -> Option<String> {
    let (payer, company) = (agreement.object("billToCompany")?, agreement.object("company")?);
    if payer.text("id") == company.text("id") { None } else { client(&payer).name }
}

fn agreement_name(agreement: Option<&Object<'_>>, id: Option<&str>) -> Option<String> {
    let name = agreement.and_then(|agreement| agreement.text("name"));
    match (name, id) {
        (Some(name), Some(id)) => Some(format!("{} ({id})", name.trim())),
        (Some(name), None) => Some(name.trim().to_owned()),
        (None, id) => id.map(str::to_owned),
    }
}
