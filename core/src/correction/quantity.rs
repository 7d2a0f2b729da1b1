//! Seats and money of a part of a correction, and how a part of a line is found.

use super::refusal::{Code, Refusal};
use super::share::{largest, narrow};
use crate::period::Month;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

/// Seat-days and money, in the minor unit of the correction's currency.
///
/// Sums cannot overflow: what is opened is bounded (see `open`), and nothing else brings in figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantity {
    /// One seat for one day, each.
    pub seat_days: i64,
    /// Minor units.
    pub minor: i64,
}

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self { seat_days: 0, minor: 0 };

    /// Seat-days and minor units.
    pub const fn new(seat_days: i64, minor: i64) -> Self {
        Self { seat_days, minor }
    }

    /// Whether there are neither seats nor money.
    pub const fn is_zero(self) -> bool {
        self.seat_days == 0 && self.minor == 0
    }

    /// Whether neither is below nothing.
    pub const fn is_whole(self) -> bool {
        self.seat_days >= 0 && self.minor >= 0
    }

    /// Whether it is no more than the other, in seats and in money.
    pub const fn fits(self, other: Self) -> bool {
        self.seat_days <= other.seat_days && self.minor <= other.minor
    }

    /// The lesser of both, in seats and in money.
    #[must_use]
    pub fn least(self, other: Self) -> Self {
        Self { seat_days: self.seat_days.min(other.seat_days), minor: self.minor.min(other.minor) }
    }

    /// What is left of it without the other, never below nothing.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        self - self.least(other)
    }
}

impl Add for Quantity {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { seat_days: self.seat_days + other.seat_days, minor: self.minor + other.minor }
    }
}

impl Sub for Quantity {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Neg for Quantity {
    type Output = Self;

    fn neg(self) -> Self {
        Self { seat_days: -self.seat_days, minor: -self.minor }
    }
}

impl AddAssign for Quantity {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Quantity {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl std::iter::Sum for Quantity {
    fn sum<I: Iterator<Item = Self>>(quantities: I) -> Self {
        quantities.fold(Self::ZERO, Add::add)
    }
}

/// One month of one line: the smallest place that holds seats and money. Ordered by month, then line, so
/// that what is taken in order takes the oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The month.
    pub month: Month,
    /// Number of the line.
    pub line: u32,
}

/// Seats and money at their places.
pub type Cells = BTreeMap<Place, Quantity>;

/// The sum of cells.
pub fn total(cells: &Cells) -> Quantity {
    cells.values().copied().sum()
}

/// Seat-months of cells: the seat-days of each month over its days, six decimals.
pub fn seat_months(cells: &Cells) -> Decimal {
    let mut days: BTreeMap<u32, i64> = BTreeMap::new();
    for (place, quantity) in cells {
        *days.entry(place.month.days()).or_default() += quantity.seat_days;
    }
    let sum: Decimal = days.iter().map(|(of, days)| Decimal::from(*days) / Decimal::from(*of)).sum();
    let mut shown = sum.round_dp_with_strategy(6, RoundingStrategy::MidpointAwayFromZero);
    shown.rescale(6);
    shown
}

/// How much of a line is meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// All of it.
    All,
    /// So many of its seats, in these months (none: in all of them).
    Seats {
        /// How many.
        seats: u32,
        /// In which months.
        months: Option<Vec<Month>>,
    },
    /// These seat-days.
    SeatDays(BTreeMap<Month, i64>),
    /// So much of its money, the oldest months first.
    Amount(i64),
}

/// A part of a correction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Number of the line.
    pub line: u32,
    /// How much of it.
    pub extent: Extent,
}

/// Takes seat-days out of cells, with their share of the money.
///
/// The money of the part is its share by seat-days, rounded once for the part as a whole to the nearest
/// minor unit (a half goes to the part); over its months it is divided by largest remainder. Whoever takes
/// all that is left of a month takes all of its money, so that parts sum to the line.
pub fn take_seat_days(from: &Cells, wanted: &BTreeMap<Place, i64>) -> Result<Cells, Refusal> {
    let mut shares = Vec::with_capacity(wanted.len());
    let mut exact = Decimal::ZERO;
    for (place, days) in wanted.iter().filter(|(_, days)| **days > 0) {
        let held = from.get(place).copied().unwrap_or_default();
        if *days > held.seat_days {
            return Err(too_large(place.line));
        }
        let product = i128::from(held.minor) * i128::from(*days);
        let whole = i128::from(held.seat_days);
        shares.push((*place, *days, product.div_euclid(whole), (product.rem_euclid(whole), whole)));
        exact += Decimal::from_i128_with_scale(product.rem_euclid(whole), 0) / Decimal::from(held.seat_days);
    }
    // Twelve decimals: three thirds are a whole.
    let left = exact.round_dp(12).round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
    let left = narrow(left.mantissa());
    let fractions: Vec<(i128, i128)> = shares.iter().map(|share| share.3).collect();
    let mut money: Vec<i64> = shares.iter().map(|share| narrow(share.2)).collect();
    for at in largest(&fractions, left) {
        if let Some(money) = money.get_mut(at) {
            *money += 1;
        }
    }
    Ok(shares.iter().zip(money).map(|(share, minor)| (share.0, Quantity::new(share.1, minor))).collect())
}

/// Takes money out of cells, the oldest months first, with its share of the seat-days.
pub fn take_amount(from: &Cells, minor: i64) -> Result<Cells, Refusal> {
    let mut left = minor;
    let mut taken = Cells::new();
    for (place, held) in from {
        if left <= 0 {
            break;
        }
        if held.minor <= left {
            taken.insert(*place, *held);
            left -= held.minor;
        } else {
            // Rounded down: seats are left as long as money is.
            let days = i128::from(held.seat_days) * i128::from(left) / i128::from(held.minor);
            taken.insert(*place, Quantity::new(narrow(days), left));
            left = 0;
        }
    }
    if left > 0 {
        return Err(Refusal::new(
            Code::PartTooLarge,
            "The amount is more than there is. Name at most what is outstanding.",
        ));
    }
    Ok(taken)
}

pub(super) fn too_large(line: u32) -> Refusal {
    Refusal::new(
        Code::PartTooLarge,
        format!("The part of line {line} is more than the line has left. Name fewer seats or months."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cells(months: &[(&str, i64, i64)]) -> Cells {
        let cell = |(month, days, minor): &(&str, i64, i64)| {
            (Place { month: month.parse().unwrap(), line: 1 }, Quantity::new(*days, *minor))
        };
        months.iter().map(cell).collect()
    }

    #[test]
    fn a_third_of_eight_months_is_rounded_once() {
        let months: Vec<String> = (1..=8).map(|month| format!("2026-{month:02}")).collect();
        let line: Cells = months
            .iter()
            .map(|month| {
                let month: Month = month.parse().unwrap();
                let days = 3 * i64::from(month.days());
                (Place { month, line: 1 }, Quantity::new(days, 1000))
            })
            .collect();
        let third: BTreeMap<Place, i64> =
            line.iter().map(|(place, held)| (*place, held.seat_days / 3)).collect();
        let part = take_seat_days(&line, &third).unwrap();
        assert_eq!(total(&part).minor, 2667, "80.00 / 3 = 26.666...");
        assert_eq!(seat_months(&part).to_string(), "8.000000");
        let money: Vec<i64> = part.values().map(|quantity| quantity.minor).collect();
        assert_eq!(money, [334, 334, 334, 333, 333, 333, 333, 333]);
    }

    #[test]
    fn more_than_there_is_is_refused() {
        let line = cells(&[("2026-01", 31, 2200)]);
        let place = *line.keys().next().unwrap();
        let refused = take_seat_days(&line, &BTreeMap::from([(place, 32)])).unwrap_err();
        assert_eq!(refused.code(), Code::PartTooLarge);
        assert_eq!(take_amount(&line, 2201).unwrap_err().code(), Code::PartTooLarge);
    }

    #[test]
    fn an_amount_takes_the_oldest_months_first() {
        let line = cells(&[("2026-01", 310, 22_000), ("2026-02", 280, 22_000)]);
        let taken = take_amount(&line, 29_334).unwrap();
        let taken: Vec<Quantity> = taken.into_values().collect();
        assert_eq!(taken, [Quantity::new(310, 22_000), Quantity::new(93, 7_334)]);
    }

    proptest! {
        #[test]
        fn parts_taken_one_after_the_other_sum_to_the_line(
            months in proptest::collection::vec((1..500_i64, 0..100_000_i64), 1..8),
            parts in proptest::collection::vec(proptest::collection::vec(0..200_i64, 8), 0..6)
        ) {
            let start: Month = "2026-01".parse().unwrap();
            let mut left: Cells = months.iter().zip(0..).map(|((days, minor), at)| {
                (Place { month: start.plus(at), line: 1 }, Quantity::new(*days, *minor))
            }).collect();
            let whole = total(&left);
            let mut taken = Quantity::ZERO;
            for part in parts {
                let wanted: BTreeMap<Place, i64> = left.iter().zip(&part)
                    .map(|((place, held), days)| (*place, held.seat_days.min(*days))).collect();
                for (place, quantity) in take_seat_days(&left, &wanted).unwrap() {
                    let held = left.get_mut(&place).unwrap();
                    prop_assert!(quantity.fits(*held));
                    *held -= quantity;
                    taken += quantity;
                    prop_assert!(held.is_whole());
                    prop_assert!(held.seat_days > 0 || held.minor == 0, "no money without seats");
                }
            }
            prop_assert_eq!(taken + total(&left), whole);
        }
    }
}
