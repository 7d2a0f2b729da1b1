//! One line of a Xero document, whichever document it stands in: product, quantity, price before tax.
//!
//! Source: <https://developer.xero.com/documentation/api/accounting/invoices>. `LineAmount` is quantity x
//! unit amount less the discount; with `LineAmountTypes` Inclusive it contains the tax.

use super::json::Object;
use super::members::{first_line, number, text};
use super::sink::{Bad, Sink};
use crate::records::ProductRef;
use rust_decimal::Decimal;

/// Whether amounts contain tax.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tax {
    Outside,
    Inside,
    Untold,
}

impl Tax {
    /// What `LineAmountTypes` of a document says.
    pub(super) fn of(document: &Object<'_>) -> Result<Self, Bad> {
        let Some(told) = text(document, "LineAmountTypes") else { return Ok(Self::Untold) };
        match told.to_ascii_lowercase().as_str() {
            "exclusive" | "notax" => Ok(Self::Outside),
            "inclusive" => Ok(Self::Inside),
            _ => Err(Bad::member("LineAmountTypes", Some(&told), "is none of Exclusive, Inclusive, NoTax")),
        }
    }
}

/// What a line charges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Charged {
    pub(super) product: ProductRef,
    pub(super) quantity: Decimal,
    pub(super) unit_price: Decimal,
}

/// Numbers of a line, from JSON or from a table.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Numbers {
    pub(super) quantity: Option<Decimal>,
    pub(super) unit: Option<Decimal>,
    pub(super) amount: Option<Decimal>,
    pub(super) tax: Option<Decimal>,
    pub(super) discount_percent: Option<Decimal>,
    pub(super) discount_amount: Option<Decimal>,
}

/// A line of a JSON document; none for a line that only says something.
pub(super) fn charged(
    item: &Object<'_>,
    tax: Tax,
    line: u32,
    sink: &mut Sink,
) -> Result<Option<Charged>, Bad> {
    let numbers = Numbers {
        quantity: number(item, "Quantity")?,
        unit: number(item, "UnitAmount")?,
        amount: number(item, "LineAmount")?,
        tax: number(item, "TaxAmount")?,
        discount_percent: number(item, "DiscountRate")?,
        discount_amount: number(item, "DiscountAmount")?,
    };
    let Some((quantity, unit_price)) = price(&numbers, tax, line, sink)? else { return Ok(None) };
    let code = text(item, "ItemCode").or_else(|| text(&item.object("Item")?, "Code"));
    let name = first_line(item, "Description");
    if code.is_none() && name.is_none() {
        return Err(Bad::member("Description", None, "is empty, and so is ItemCode"));
    }
    let product = ProductRef { name, code, ..ProductRef::default() };
    Ok(Some(Charged { product, quantity, unit_price }))
}

/// Quantity and unit price after discount and before tax; none for a line that charges nothing and counts
/// nothing.
pub(super) fn price(
    numbers: &Numbers,
    tax: Tax,
    line: u32,
    sink: &mut Sink,
) -> Result<Option<(Decimal, Decimal)>, Bad> {
    let zero = |number: Option<Decimal>| number.is_none_or(|number| number.is_zero());
    if numbers.quantity.is_none() && zero(numbers.unit) && zero(numbers.amount) {
        sink.note(
            Some(line),
            "description_only",
            "a line that only says something charges nothing: not read",
        );
        return Ok(None);
    }
    let quantity = numbers.quantity.unwrap_or_else(|| {
        sink.note(Some(line), "amount_as_one", "the line has no quantity: read as a quantity of 1");
        Decimal::ONE
    });
    let per_unit = |amount: Decimal, column: &str| {
        amount
            .checked_div(quantity)
            .ok_or_else(|| Bad::member(column, Some(&amount.to_string()), "is charged for a quantity of 0"))
    };
    let taxed = numbers.tax.is_none_or(|tax| !tax.is_zero());
    if tax == Tax::Inside && taxed {
        let (Some(amount), Some(tax)) = (numbers.amount, numbers.tax) else {
            return Err(Bad::member("TaxAmount", None, "is missing, and the amounts contain tax"));
        };
        sink.note(
            Some(line),
            "tax_taken_off",
            "the amounts contain tax; the price is the amount less its tax",
        );
        let net = amount.checked_sub(tax).ok_or_else(too_large)?;
        return Ok(Some((quantity, per_unit(net, "LineAmount")?)));
    }
    if tax == Tax::Untold && numbers.tax.is_some_and(|tax| !tax.is_zero()) {
        return Err(Bad::member(
            "LineAmount",
            None,
            "may contain the tax or not: neither LineAmountTypes nor the totals tell",
        ));
    }
    let hundred = Decimal::ONE_HUNDRED;
    let unit = match (numbers.unit, numbers.amount) {
        (Some(unit), _) => unit,
        (None, Some(amount)) => return Ok(Some((quantity, per_unit(amount, "LineAmount")?))),
        (None, None) => return Err(Bad::member("UnitAmount", None, "is missing, and so is LineAmount")),
    };
    let discounts = [numbers.discount_percent, numbers.discount_amount].map(|d| d.filter(|d| !d.is_zero()));
    let unit_price = match discounts {
        [None, None] => return Ok(Some((quantity, unit))),
        [Some(percent), _] if percent > hundred || percent < Decimal::ZERO => {
            return Err(Bad::member("DiscountRate", Some(&percent.to_string()), "is no percentage"));
        }
        [Some(percent), _] => unit.checked_mul((hundred - percent) / hundred).ok_or_else(too_large)?,
        [None, Some(amount)] => {
            let whole = quantity.checked_mul(unit).and_then(|whole| whole.checked_sub(amount));
            per_unit(whole.ok_or_else(too_large)?, "DiscountAmount")?
        }
    };
    sink.note(Some(line), "discount", format!("the price is {unit} less a discount"));
    Ok(Some((quantity, unit_price.normalize())))
}

/// The rule of numbers that no money has.
pub(super) fn too_large() -> Bad {
    Bad::row("the numbers of the line are too large")
}
