//! What a vendor's charge comes to on some of its days.
//!
//! A charge's amount pays for its days, evenly, and keeps the file's own digits: parts are rounded on the
//! running sum, so that the parts of a charge, however it is cut, make its amount. A charge without an end, or
//! over more than one cycle, states what each cycle costs: then a month has its share of a cycle.

use super::AuditError;
use super::calendar::{AuditMonth, Days, OPEN, date, day};
use super::compare::times;
use crate::records::VendorCharge;
use chrono::Months;
use rust_decimal::{Decimal, RoundingStrategy};

/// The part of a charge that falls on these days, which all lie in the month.
pub(super) fn share(charge: &VendorCharge, days: Days, month: &AuditMonth) -> Result<Decimal, AuditError> {
    let span = Days::of(charge.span);
    let days = days.and(span).and(month.days);
    if days.is_empty() {
        return Ok(Decimal::ZERO);
    }
    let digits = charge.amount.scale().max(charge.currency.minor_digits());
    let part = |numerator: i64, denominator: i64| {
        let exact = times(charge.amount, numerator)?.checked_div(Decimal::from(denominator.max(1)));
        let exact = exact.ok_or(AuditError::Overflow)?;
        Ok(exact.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero))
    };
    if repeats(charge, span) {
        let cycle = i64::from(charge.cycle.months());
        return part(days.count(), month.days.count() * cycle);
    }
    let before = |until| part(Days { from: span.from, until }.count(), span.count());
    let (until, from) = (before(days.until)?, before(days.from)?);
    until.checked_sub(from).ok_or(AuditError::Overflow)
}

/// Whether the amount is that of each cycle. A cycle is a day longer in some files, which state both ends.
fn repeats(charge: &VendorCharge, span: Days) -> bool {
    if span.until == OPEN {
        return true;
    }
    let cycle = date(span.from).checked_add_months(Months::new(charge.cycle.months()));
    cycle.is_some_and(|end| span.until > day(end).saturating_add(1))
}
