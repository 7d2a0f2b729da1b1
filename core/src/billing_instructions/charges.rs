//! The past: a line for each month and product, or for each instalment of an accepted plan.

use super::instructions::{OneOff, Why};
use super::proration::Period;
use super::recurring::rows_of;
use super::reference::{FIRST_PERIOD, Reference};
use super::{Asked, TooLarge};
use crate::correction::plan::InstalmentState;
use crate::correction::quantity::{Place, Quantity, seat_months};
use crate::money::Money;
use crate::period::Month;
use chrono::NaiveDate;
use std::collections::BTreeMap;

/// What a line is of.
pub(super) struct Of<'a> {
    pub(super) why: Why,
    pub(super) line: Option<u32>,
    pub(super) product: &'a str,
    pub(super) month: Option<Month>,
    pub(super) instalment: Option<u16>,
    pub(super) on: NaiveDate,
    pub(super) minor: i64,
    /// What the text says after the reference.
    pub(super) text: String,
}

/// A line, with what billing rows know of its product.
pub(super) fn line(asked: &Asked<'_>, of: &Of<'_>) -> OneOff {
    let period = Period::of(of.on, asked.billing_day, 1);
    let known = of.line.and_then(|_| rows_of(asked, of.product).into_iter().next());
    let part = if of.why == Why::FirstPeriod { Some(FIRST_PERIOD) } else { of.instalment };
    let reference = part.map_or_else(|| asked.reference.clone(), |number| asked.reference.part(number));
    OneOff {
        number: 0,
        why: of.why,
        line: of.line,
        product: of.product.to_owned(),
        month: of.month,
        instalment: of.instalment,
        on: of.on,
        period_from: period.from,
        period_until: period.until,
        amount: Money::from_minor(of.minor, asked.correction.subject.currency),
        description: description(of.product, &reference, &of.text),
        reference: reference.to_string(),
        product_code: known.and_then(|row| row.record.product.code.clone()),
        agreement: known.and_then(|row| row.record.agreement.clone()),
        minor: of.minor,
    }
}

/// The product comes first, then the reference: so both are read back from it.
fn description(product: &str, reference: &Reference, text: &str) -> String {
    let product: String = product.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect();
    format!("{product} [{reference}] {text}")
}

/// The lines of the past, in the order of their days.
pub(super) fn of(asked: &Asked<'_>) -> Result<Vec<OneOff>, TooLarge> {
    let correction = asked.correction;
    // What is owed to the client goes back whole, disputed or not.
    let cells = if correction.is_under() { correction.available() } else { correction.ledger.outstanding() };
    let mut lines = instalments(asked);
    for (place, quantity) in cells.iter().filter(|(_, quantity)| quantity.minor > 0) {
        lines.push(month(asked, *place, *quantity)?);
    }
    lines.sort_by_key(|line| (line.on, line.month, line.line, line.instalment));
    Ok(lines)
}

fn month(asked: &Asked<'_>, place: Place, quantity: Quantity) -> Result<OneOff, TooLarge> {
    let correction = asked.correction;
    let product = correction.line(place.line).map_or("", |line| line.product.as_str());
    let seats = seat_months(&BTreeMap::from([(place, quantity)])).normalize();
    let sign = if correction.is_under() { 1 } else { -1 };
    let what =
        if correction.is_under() { "seat-months not billed before" } else { "seat-months billed too much" };
    Ok(line(
        asked,
        &Of {
            why: Why::Month,
            line: Some(place.line),
            product,
            month: Some(place.month),
            instalment: None,
            on: dated(asked),
            minor: quantity.minor.checked_mul(sign).ok_or(TooLarge)?,
            text: format!("{}: {seats} {what}", place.month),
        },
    ))
}

/// Instalments to come, each under its own number.
fn instalments(asked: &Asked<'_>) -> Vec<OneOff> {
    let plan = asked.correction.plan.as_ref().filter(|plan| !plan.given_up);
    let all = plan.map_or_else(Vec::new, |plan| {
        let count = plan.instalments.len();
        let to_come = plan.instalments.iter().filter(|one| one.state == InstalmentState::Scheduled);
        to_come.filter(|one| one.minor > 0).map(|one| (one, count)).collect()
    });
    let products: Vec<&str> = asked.correction.lines.iter().map(|line| line.product.as_str()).collect();
    let single = products.first().filter(|first| products.iter().all(|other| other == *first));
    let line_number = asked.correction.lines.first().filter(|_| single.is_some()).map(|line| line.number);
    let of = |(one, count): (&crate::correction::plan::Instalment, usize)| {
        line(
            asked,
            &Of {
                why: Why::Instalment,
                line: line_number,
                product: single.copied().unwrap_or("Licences"),
                month: None,
                instalment: Some(one.number),
                on: one.due_on,
                minor: one.minor,
                text: format!("instalment {} of {count}", one.number),
            },
        )
    };
    all.into_iter().map(of).collect()
}

/// The day of the announced invoice, or the beginning of the next month. What is owed to the client is given
/// back at once.
pub(super) fn dated(asked: &Asked<'_>) -> NaiveDate {
    if !asked.correction.is_under() {
        return asked.today;
    }
    let announced = asked.correction.going_forward.as_ref().map(|forward| forward.invoice_on);
    announced.map_or_else(|| Month::of(asked.today).end(), |on| on.max(asked.today))
}

/// The day of the announced invoice, whether it is past or not; else the beginning of the next month.
pub(super) fn dated_forward(asked: &Asked<'_>) -> NaiveDate {
    let announced = asked.correction.going_forward.as_ref().map(|forward| forward.invoice_on);
    announced.unwrap_or_else(|| Month::of(asked.today).end())
}
