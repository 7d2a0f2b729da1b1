//! Autotask's billing items: what was approved and posted to be charged.
//!
//! Source: the REST API, <https://autotask.net/help/developerhelp/Content/APIs/REST/Entities/BillingItemsEntity.htm>.
//! An item of a service or a bundle is the recurring charge; all others are charged once. `itemDate` is all that
//! is said of the period, so it is asked whether it begins or follows it (`invoice_timing`). Items name the
//! company and the service by id; Companies and Services in the same JSON name them, and Invoices there tell
//! which are voided.

use super::autotask_names::{Entity, LISTS, Names, code, entity};
use super::invoice_period::{self, signed};
use super::json::Object;
use super::members::{Seen, check_once, currency, day, expand, first_line, fit, flag, number, text};
use super::reader::Shape;
use super::sink::{Bad, Sink};
use super::{FileError, Fit, Format, ReadOptions};
use crate::period::Month;
use crate::records::{BillingLine, ClientRef, Cycle, LineType, ProductRef, Record, Side};
use rust_decimal::Decimal;
use std::collections::HashSet;

pub(super) const FORMAT: Format = Format {
    name: "autotask_billing_items",
    title: "Autotask billing items",
    sides: &[Side::Billing],
    detect,
    read,
};

fn detect(shape: &Shape<'_>) -> Fit {
    let is_item = |item: &Object<'_>| entity(item) == Some(Entity::BillingItem);
    fit(shape, LISTS, &is_item, "has Autotask billing items: items with billingItemType, itemDate and rate")
}

/// A billing line whose names are still ids.
struct Unnamed {
    line: u32,
    company: String,
    product: Option<String>,
    invoice: Option<String>,
    contract: Option<String>,
    record: BillingLine,
}

fn read(shapes: &[&Shape<'_>], options: &ReadOptions, sink: &mut Sink) -> Result<(), FileError> {
    let (mut names, mut seen, mut line) = (Names::default(), Seen::default(), 0);
    let (mut lines, mut voided) = (Vec::new(), HashSet::new());
    for shape in shapes {
        let part = shape.table.part.as_deref();
        shape.each_item(&mut |_, raw| {
            for raw in expand(raw, LISTS, &|item| entity(item).is_some()) {
                let item = Object::of(raw);
                if item.as_ref().is_some_and(|item| item.has(&["pageDetails"])) {
                    continue;
                }
                line += 1;
                sink.read += 1;
                let kind = item.as_ref().and_then(entity);
                let (Some(item), Some(kind)) = (item, kind) else {
                    let bad = Bad::row("the item is no Autotask entity that is known here");
                    sink.refuse(part, line, bad, None);
                    continue;
                };
                match kind {
                    Entity::BillingItem => match billing(&item, raw.get(), line, options, &mut seen, sink) {
                        Ok(found) => lines.extend(found),
                        Err(bad) => {
                            let client = text(&item, "companyID").map(|company| names.client(&company));
                            sink.refuse(part, line, bad, client);
                        }
                    },
                    Entity::Invoice if flag(&item, "isVoided") => voided.extend(text(&item, "id")),
                    Entity::Invoice => {}
                    Entity::Units | Entity::ContractService | Entity::Adjustment => {
                        return Err(FileError::MixedFormats {
                            formats: vec!["autotask_billing_items", "autotask_contract_services"],
                        });
                    }
                    _ => names.take(kind, &item, line, sink),
                }
            }
            Ok(())
        })?;
    }
    for found in lines {
        let Unnamed { line, company, product, invoice, contract, mut record } = found;
        record.client = names.client(&company).into();
        record.agreement = contract.map(|contract| names.agreement(&contract));
        if let Some(product) = product {
            record.product = names.product(&product, record.product.name.as_deref()).into();
        }
        record.billable &= !invoice.is_some_and(|invoice| voided.contains(&invoice));
        sink.keep(line, Record::BillingLine(record));
    }
    Ok(())
}

/// The line of a billing item; none while a question is open, or for one that came before.
fn billing(
    item: &Object<'_>,
    raw: &str,
    line: u32,
    options: &ReadOptions,
    seen: &mut Seen,
    sink: &mut Sink,
) -> Result<Option<Unnamed>, Bad> {
    check_once(&[Some(item)])?;
    let id = text(item, "id");
    if !seen.first(id.as_deref(), raw, line, sink)? {
        return Ok(None);
    }
    let company = text(item, "companyID").ok_or_else(|| Bad::member("companyID", None, "is missing"))?;
    let service = text(item, "serviceID").filter(|id| id != "0");
    let bundle = text(item, "serviceBundleID").filter(|id| id != "0");
    let product = bundle.map(|id| code(true, &id)).or_else(|| service.map(|id| code(false, &id)));
    let (quantity, unit_price) = price(item, line, sink)?;
    let (unit_price, mut line_type) = signed(false, quantity, unit_price);
    if product.is_none() && line_type == LineType::Regular {
        line_type = LineType::OneOff;
    }
    let date = match day(item, "itemDate")? {
        Some(date) => date,
        None => day(item, "postedDate")?.ok_or_else(|| Bad::member("itemDate", None, "is missing"))?,
    };
    let name = ["itemName", "lineItemFullDescription", "description"];
    let name = name.into_iter().find_map(|key| first_line(item, key));
    if name.is_none() && product.is_none() {
        return Err(Bad::member("itemName", None, "is empty, and so are the description and serviceID"));
    }
    let invoice = text(item, "invoiceID");
    if invoice.is_none() {
        sink.note(Some(line), "not_invoiced", "the item is posted and on no invoice yet; read as charged");
    }
    // What is charged once is charged on its day.
    let span = if product.is_none() {
        Some(Month::of(date).span())
    } else {
        invoice_period::month(date, options, sink)
    };
    let currency = currency(None, "currency", options, sink)?;
    let (Some(span), Some(currency)) = (span, currency) else { return Ok(None) };
    let billable =
        text(item, "nonBillable").is_none_or(|text| text == "0" || text.eq_ignore_ascii_case("false"));
    let record = BillingLine {
        client: ClientRef::default().into(),
        billing_entity: None,
        product: ProductRef { name, ..ProductRef::default() }.into(),
        agreement: None,
        invoice: invoice.clone(),
        source_id: id,
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
    Ok(Some(Unnamed { line, company, product, invoice, contract: text(item, "contractID"), record }))
}

/// Quantity and rate; without a rate the extended price by the quantity.
fn price(item: &Object<'_>, line: u32, sink: &mut Sink) -> Result<(Decimal, Decimal), Bad> {
    let extended = number(item, "extendedPrice")?;
    let Some(quantity) = number(item, "quantity")? else {
        let extended =
            extended.ok_or_else(|| Bad::member("quantity", None, "is missing, and so is extendedPrice"))?;
        sink.note(Some(line), "amount_as_one", "the item has no quantity: read as a quantity of 1");
        return Ok((Decimal::ONE, extended));
    };
    match (number(item, "rate")?, extended) {
        (Some(rate), Some(extended)) => {
            let whole = quantity.checked_mul(rate);
            if whole.is_none_or(|whole| (whole.abs() - extended.abs()).abs() > Decimal::new(1, 2)) {
                let text = format!(
                    "the extended price {extended} is not {quantity} x {rate}; read as quantity and rate"
                );
                sink.note(Some(line), "amount_differs", text);
            }
            Ok((quantity, rate))
        }
        (Some(rate), None) => Ok((quantity, rate)),
        (None, Some(extended)) => {
            let rule = "is charged for a quantity of 0";
            let bad = || Bad::member("extendedPrice", Some(&extended.to_string()), rule);
            Ok((quantity, extended.checked_div(quantity).ok_or_else(bad)?))
        }
        (None, None) => Err(Bad::member("rate", None, "is missing, and so is extendedPrice")),
    }
}
