//! Exact sums of seat-days and money over months.

use super::Difference;
use crate::audit::AuditError;
use crate::money::{Currency, Money};
use crate::period::Month;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

/// Seat-months and money. The money is a sum of months that were rounded each, so that it adds up to the
/// cent; seat-months are added exactly and rounded once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SeatsAndMoney {
    /// Six decimals.
    pub seat_months: Decimal,
    /// None where no currency is known.
    pub amount: Option<Money>,
}

/// The least number that 28, 29, 30 and 31 divide.
const UNITS: i128 = 377_580;

/// Adds differences up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Seat-months in parts of [`UNITS`].
    units: i128,
    minor: i128,
}

impl Tally {
    /// Adds a month's difference.
    pub fn add(&mut self, month: Month, difference: &Difference) {
        self.units += i128::from(difference.seat_days) * (UNITS / i128::from(month.days()));
        self.minor += i128::from(difference.amount_minor.unwrap_or(0));
    }

    /// Adds another tally.
    pub const fn plus(&mut self, other: Self) {
        self.units += other.units;
        self.minor += other.minor;
    }

    /// What it came to, as money of this currency.
    ///
    /// # Errors
    /// When it is larger than can be exact.
    pub fn sum(self, currency: Option<Currency>) -> Result<SeatsAndMoney, AuditError> {
        let units = Decimal::try_from_i128_with_scale(self.units, 0).map_err(|_| AuditError::Overflow)?;
        let exact = units.checked_div(Decimal::from(UNITS)).ok_or(AuditError::Overflow)?;
        let mut seat_months = exact.round_dp_with_strategy(6, RoundingStrategy::MidpointAwayFromZero);
        seat_months.rescale(6);
        let minor = i64::try_from(self.minor).map_err(|_| AuditError::Overflow)?;
        Ok(SeatsAndMoney { seat_months, amount: currency.map(|currency| Money::from_minor(minor, currency)) })
    }
}
