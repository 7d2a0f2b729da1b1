//! What a system makes of a quantity that changes inside a billing period, and what it should make of it.
//!
//! A system is trusted with a part of a period only where its rule is published to the cent. That is
//! ConnectWise PSA: the price of a unit is prorated by the days left of the month, the first one included, and
//! rounded before it is multiplied; 22.00 from 15 March on is 12.06, and with April 34.06
//! (<https://idsync.atlassian.net/wiki/spaces/ISK/pages/349077552/FAQ+-+Billing+Connectors>). Without the option to
//! prorate it bills the whole amount
//! (<https://support.ceojuice.com/hc/en-us/articles/35868833724052-Syncing-Prorated-Agreements-from-ConnectWise-to-e-automate>).
//! Autotask always prorates by the effective date of a change, in lines of their own; only a change at the beginning
//! of a period is not prorated
//! (<https://support.sync365.app/support/solutions/articles/51000464972-autotask-feature-disable-prorate>).
//! HaloPSA prorates only by rows that are asked for
//! (<https://usehalo.com/guide/pro-rata-pro-rating-on-recurring-invoices/>). QuickBooks Online and Xero bill quantity
//! times price of a template.
//!
//! So a part of a period is billed by a line of its own, and the quantity changes with the next period, unless the
//! rule gives the very same amount. Where a whole period differs (a price in the system that is not the
//! agreed one), a line makes up for the first; the price is for a conversation.

use crate::money::{Currency, Money};
use crate::period::Month;
use chrono::{Datelike as _, Months, NaiveDate};
use rust_decimal::{Decimal, RoundingStrategy};

/// How a system rounds and prorates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// By the days left of a month, the unit's price rounded first.
    UnitByDaysOfMonth,
    /// Not, or by a rule that is not published.
    Whole,
}

impl Rule {
    /// Whether more seats are a row of their own there, and not another quantity of the row that there is.
    const fn adds_rows(self) -> bool {
        matches!(self, Self::UnitByDaysOfMonth)
    }
}

/// A billing period, half-open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Period {
    pub(super) from: NaiveDate,
    pub(super) until: NaiveDate,
}

impl Period {
    /// The period that holds a day, of so many months, that begins on a day of the month. Of a longer period only
    /// its length is known, not where it begins: it begins with the month that holds the day.
    pub(super) fn of(day: NaiveDate, begins_on: u32, months: u32) -> Self {
        let begins_on = begins_on.clamp(1, 28);
        let this = day.with_day(begins_on).unwrap_or(day);
        let from = if this <= day { this } else { this.checked_sub_months(Months::new(1)).unwrap_or(this) };
        Self { from, until: from.checked_add_months(Months::new(months.max(1))).unwrap_or(from) }
    }
}

/// A row whose quantity changes: what it charges for, without what is included.
#[derive(Clone, Copy, Debug)]
pub(super) struct Move {
    pub(super) from: Decimal,
    pub(super) to: Decimal,
    /// Price of a seat and period in the system.
    pub(super) unit_price: Decimal,
}

impl Move {
    fn costs(&self, quantity: Decimal, currency: Currency) -> Option<i64> {
        Money::round(self.unit_price.checked_mul(quantity)?, currency).minor()
    }
}

/// A quantity that changes, in one row or several.
#[derive(Clone, Debug)]
pub(super) struct Change {
    /// Seats that come (or, negative, go).
    pub(super) seats: i64,
    /// The rows.
    pub(super) moves: Vec<Move>,
    /// From when on.
    pub(super) on: NaiveDate,
    pub(super) period: Period,
    pub(super) currency: Currency,
}

/// How a change is entered so that it comes to the intended money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entered {
    /// The date to enter.
    pub(super) on: NaiveDate,
    /// Whether the system is to prorate.
    pub(super) prorate: bool,
    /// What a line of its own adds, minor units; negative: gives back.
    pub(super) line: i64,
}

impl Change {
    /// What a whole period changes by, as the system bills it, each row rounded for itself, minor units.
    pub(super) fn whole(&self, rule: Rule) -> Option<i64> {
        let of = |row: &Move| {
            if row.to > row.from && rule.adds_rows() {
                return row.costs(row.to - row.from, self.currency);
            }
            row.costs(row.to, self.currency)?.checked_sub(row.costs(row.from, self.currency)?)
        };
        self.moves.iter().try_fold(0_i64, |sum, row| sum.checked_add(of(row)?))
    }

    /// What a month changes by at the rows' prices, in minor units, not rounded.
    pub(super) fn monthly(&self, months: u32) -> Option<Decimal> {
        let whole = self.moves.iter().try_fold(Decimal::ZERO, |sum, row| {
            sum.checked_add(row.unit_price.checked_mul(row.to - row.from)?)
        });
        let scale = Decimal::from(10_i64.checked_pow(self.currency.minor_digits())?);
        whole?.checked_mul(scale)?.checked_div(Decimal::from(months.max(1)))
    }

    /// What the system bills from the day on, to the end of the period, if it prorates.
    fn part(&self, rule: Rule) -> Option<i64> {
        let month = self.period.from.checked_add_months(Months::new(1)) == Some(self.period.until);
        // More than a month, and seats that go, are not in the published examples.
        if rule != Rule::UnitByDaysOfMonth || !month || self.moves.iter().any(|row| row.to < row.from) {
            return None;
        }
        let days = |from: NaiveDate| Decimal::from((self.period.until - from).num_days());
        let of = |row: &Move| {
            let unit = row.unit_price.checked_mul(days(self.on))?.checked_div(days(self.period.from))?;
            let unit_price = Money::round(unit, self.currency).amount;
            Move { unit_price, ..*row }.costs(row.to - row.from, self.currency)
        };
        self.moves.iter().try_fold(0_i64, |sum, row| sum.checked_add(of(row)?))
    }

    /// How to enter it. `intended`: what it should come to in the period, minor units.
    pub(super) fn enter(&self, rule: Rule, intended: i64) -> Option<Entered> {
        if self.on <= self.period.from {
            let line = intended.checked_sub(self.whole(rule)?)?;
            return Some(Entered { on: self.period.from, prorate: false, line });
        }
        if self.part(rule) == Some(intended) {
            return Some(Entered { on: self.on, prorate: true, line: 0 });
        }
        Some(Entered { on: self.period.until, prorate: false, line: intended })
    }
}

/// What a difference of so many minor units a month comes to from a day on to the end of the period: each month by its days,
/// rounded once, as an audit counts it.
pub(super) fn intended(monthly: Decimal, on: NaiveDate, until: NaiveDate) -> Option<i64> {
    let mut exact = Decimal::ZERO;
    let mut from = on;
    while from < until {
        let month = Month::of(from);
        let to = month.end().min(until);
        let days = Decimal::from((to - from).num_days());
        let share = monthly.checked_mul(days)?.checked_div(Decimal::from(month.days()))?;
        exact = exact.checked_add(share)?;
        from = to;
    }
    let whole = exact.round_dp(12).round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
    i64::try_from(whole.mantissa()).ok()
}
