//! What an audit found of a gap, as its words on the gap's months.

use super::{Difference, Said, Word};
use crate::audit::{AuditError, Gap, GapMonth};
use crate::id::AuditId;
use crate::money::Money;
use chrono::{DateTime, Utc};
use rust_decimal::prelude::ToPrimitive as _;
use rust_decimal::{Decimal, RoundingStrategy};

/// The audit's words on the months in which it found the gap.
///
/// # Errors
/// When a figure is larger than can be exact.
pub fn words(gap: &Gap, audit: AuditId, known_at: DateTime<Utc>) -> Result<Vec<Word>, AuditError> {
    let word = |month: &GapMonth| {
        Ok(Word {
            month: month.month,
            said: Said { closed: !month.provisional, known_at, audit },
            difference: Some(difference(gap, month)?),
        })
    };
    gap.months.iter().map(word).collect()
}

fn difference(gap: &Gap, month: &GapMonth) -> Result<Difference, AuditError> {
    let money = gap.amount.map(|total| Money { amount: month.amount, currency: total.currency });
    let amount_minor = money.map(|money| money.minor().ok_or(AuditError::Overflow)).transpose()?;
    // Six decimals tell the whole number of seat-days that they were made from.
    let seat_days =
        month.seat_months.checked_mul(Decimal::from(month.month.days())).ok_or(AuditError::Overflow)?;
    Ok(Difference {
        billable: whole(month.billable)?,
        billed: whole(month.billed)?,
        seat_days: whole(seat_days)?,
        amount_minor,
        unpriced: month.unpriced,
        time_barred: month.time_barred,
        assumed: month.assumed,
    })
}

fn whole(value: Decimal) -> Result<i64, AuditError> {
    let rounded = value.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
    rounded.to_i64().ok_or(AuditError::Overflow)
}
