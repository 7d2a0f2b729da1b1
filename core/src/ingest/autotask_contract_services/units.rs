//! The units of a contract service in one period, as a billing line.

use super::super::autotask_names::code;
use super::super::invoice_period::{cycle_of_months, signed, whole_months};
use super::super::json::Object;
use super::super::members::{currency, day, need_number, number, text};
use super::super::sink::{Bad, Sink};
use super::super::{ReadOptions, members::flag};
use super::Contents;
use crate::period::{Span, day_after};
use crate::records::{BillingLine, ClientRef, Cycle};
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// A row of units, apart from the file.
pub(super) struct Units {
    pub(super) line: u32,
    pub(super) part: Option<String>,
    pub(super) id: Option<String>,
    pub(super) contract: Option<String>,
    /// Code of the contract service.
    service: Option<String>,
    /// Code of the product.
    product: Option<String>,
    posted: bool,
    numbers: Result<Numbers, Bad>,
}

/// What a row of units says in numbers.
#[derive(Clone, Copy)]
struct Numbers {
    from: NaiveDate,
    last: NaiveDate,
    units: Decimal,
    price: Option<Decimal>,
}

impl Units {
    pub(super) fn of(item: &Object<'_>, line: u32, part: Option<&str>) -> Self {
        let bundle = item.has(&["contractServiceBundleID"]);
        let (service, product) = if bundle {
            ("contractServiceBundleID", "serviceBundleID")
        } else {
            ("contractServiceID", "serviceID")
        };
        let numbers = || {
            let need = |key| day(item, key)?.ok_or_else(|| Bad::member(key, None, "is missing"));
            Ok(Numbers {
                from: need("startDate")?,
                last: need("endDate")?,
                units: need_number(item, "units")?,
                price: number(item, "price")?,
            })
        };
        Self {
            line,
            part: part.map(str::to_owned),
            id: text(item, "id").map(|id| code(bundle, &id)),
            contract: text(item, "contractID"),
            service: text(item, service).map(|id| code(bundle, &id)),
            product: text(item, product).map(|id| code(bundle, &id)),
            posted: item.get("approveAndPostDate").is_some() || flag(item, "isPosted"),
            numbers: numbers(),
        }
    }
}

/// The billing line of a row of units; none while a question is open.
pub(super) fn billing(
    units: &Units,
    client: Option<ClientRef>,
    contents: &Contents,
    options: &ReadOptions,
    sink: &mut Sink,
) -> Result<Option<BillingLine>, Bad> {
    let numbers = units.numbers.clone()?;
    let contract = units.contract.as_deref();
    let Some(client) = client else {
        let id = contract.unwrap_or("?");
        let reason = format!(
            "the contract {id} is not in the file, so the client is not known; upload contracts and companies together with the units"
        );
        return Err(Bad::member("contractID", Some(id), reason));
    };
    if numbers.last < numbers.from {
        return Err(Bad::member("endDate", Some(&numbers.last.to_string()), "is before the period starts"));
    }
    let span = Span::new(numbers.from, day_after(numbers.last));
    let service = units.service.as_ref().and_then(|service| contents.services.get(service));
    let product = units.product.as_deref().ok_or_else(|| Bad::member("serviceID", None, "is missing"))?;
    let product = contents.names.product(product, service.and_then(|service| service.description.as_deref()));
    let months = whole_months(span);
    let listed = service.and_then(|service| service.unit_price);
    let unit_price = unit_price(numbers, listed, months.is_some(), units.line, sink)?;
    let (cycle, times) = months.and_then(cycle_of_months).unwrap_or((Cycle::Monthly, Decimal::ONE));
    let unit_price =
        unit_price.checked_mul(times).ok_or_else(|| Bad::row("the numbers of the row are too large"))?;
    if months.is_none() {
        let text = "the units are of a part of a month, or of a period that is no cycle; read day by day";
        sink.note(Some(units.line), "partial_period", text);
    }
    if !units.posted {
        let text = "the period is not approved and posted yet; read as charged, as the contract says";
        sink.note(Some(units.line), "not_posted", text);
    }
    let Some(currency) = currency(None, "currency", options, sink)? else { return Ok(None) };
    let (unit_price, line_type) = signed(false, numbers.units, unit_price);
    Ok(Some(BillingLine {
        client: client.into(),
        billing_entity: None,
        product: product.into(),
        agreement: contract.map(|contract| contents.names.agreement(contract)),
        invoice: None,
        source_id: units.id.clone(),
        term: None,
        cycle,
        quantity: numbers.units,
        included: Decimal::ZERO,
        unit_price,
        currency,
        span,
        recurring: false,
        line_type,
        billable: true,
    }))
}

/// The price of one unit. Whether `price` is that or the total of the period is not documented: the
/// contract service's own price tells, and without it the price is taken for the total.
fn unit_price(
    numbers: Numbers,
    listed: Option<Decimal>,
    whole: bool,
    line: u32,
    sink: &mut Sink,
) -> Result<Decimal, Bad> {
    let Some(price) = numbers.price else {
        return listed
            .ok_or_else(|| Bad::member("price", None, "is missing, and so is the contract service"));
    };
    let Some(each) = price.checked_div(numbers.units) else { return Ok(listed.unwrap_or(price)) };
    let Some(listed) = listed else {
        if numbers.units != Decimal::ONE {
            let text = format!("the price {price} is read as the total of {} units", numbers.units);
            sink.note(Some(line), "unit_price_derived", text);
        }
        return Ok(each);
    };
    let away = |price: Decimal| price.checked_sub(listed).map_or(Decimal::MAX, |difference| difference.abs());
    // A total is rounded to the cent.
    let cent = Decimal::new(1, 2);
    if away(each) <= cent || away(price) <= cent || !whole {
        return Ok(listed);
    }
    let (told, as_what) = if away(each) <= away(price) { (each, "total") } else { (price, "unit price") };
    let text = format!(
        "the price {price}, read as the {as_what}, makes {told} a unit; the contract service now says {listed}"
    );
    sink.note(Some(line), "price_differs", text);
    Ok(told)
}
