//! Days and months: half-open spans of dates and calendar months.

use chrono::{Datelike, Days, Months, NaiveDate};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A calendar month, written `2026-02`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, pattern = r"^\d{4}-(0[1-9]|1[0-2])$", example = "2026-02", min_length = 7, max_length = 7))]
#[serde(try_from = "String", into = "String")]
pub struct Month(NaiveDate);

impl Month {
    /// The month that holds this day.
    pub fn of(day: NaiveDate) -> Self {
        Self(day.with_day(1).unwrap_or(day))
    }

    /// Its first day.
    pub const fn first_day(self) -> NaiveDate {
        self.0
    }

    /// The first day of the month after it.
    pub fn end(self) -> NaiveDate {
        self.next().0
    }

    /// Its number of days.
    pub fn days(self) -> u32 {
        u32::try_from((self.end() - self.0).num_days()).unwrap_or(31)
    }

    /// The month after it.
    #[must_use]
    pub fn next(self) -> Self {
        self.plus(1)
    }

    /// The month `months` later (earlier when negative).
    #[must_use]
    pub fn plus(self, months: i32) -> Self {
        let step = Months::new(months.unsigned_abs());
        let moved =
            if months < 0 { self.0.checked_sub_months(step) } else { self.0.checked_add_months(step) };
        Self(moved.unwrap_or(self.0))
    }

    /// All its days as a span.
    pub fn span(self) -> Span {
        Span { from: self.0, until: Some(self.end()) }
    }
}

/// The text is not a month.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a month; write it as 2026-02")]
pub struct MonthError(pub String);

impl FromStr for Month {
    type Err = MonthError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || MonthError(text.chars().take(40).collect());
        let (year, month) = text.trim().split_once('-').ok_or_else(error)?;
        if year.len() != 4
            || month.len() != 2
            || !year.bytes().chain(month.bytes()).all(|b| b.is_ascii_digit())
        {
            return Err(error());
        }
        let (year, month) = (year.parse().map_err(|_| error())?, month.parse().map_err(|_| error())?);
        NaiveDate::from_ymd_opt(year, month, 1).map(Self).ok_or_else(error)
    }
}

impl TryFrom<String> for Month {
    type Error = MonthError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Month> for String {
    fn from(month: Month) -> Self {
        month.to_string()
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0.year(), self.0.month())
    }
}

/// Half-open days: `from` counts, `until` does not; no `until` means still so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// First day.
    pub from: NaiveDate,
    /// Day after the last one.
    pub until: Option<NaiveDate>,
}

impl Span {
    /// Days from `from` up to, not with, `until`.
    pub const fn new(from: NaiveDate, until: NaiveDate) -> Self {
        Self { from, until: Some(until) }
    }

    /// Whether the day is inside.
    pub fn contains(self, day: NaiveDate) -> bool {
        self.from <= day && self.until.is_none_or(|until| day < until)
    }

    /// Whether no day is inside.
    pub fn is_empty(self) -> bool {
        self.until.is_some_and(|until| until <= self.from)
    }

    /// The days that are in both, if any.
    pub fn intersection(self, other: Self) -> Option<Self> {
        let until = match (self.until, other.until) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        let both = Self { from: self.from.max(other.from), until };
        (!both.is_empty()).then_some(both)
    }
}

/// The day after, at the end of time the day itself.
pub fn day_after(day: NaiveDate) -> NaiveDate {
    day.checked_add_days(Days::new(1)).unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_know_their_days() {
        let feb: Month = "2028-02".parse().unwrap();
        assert_eq!(
            (feb.days(), feb.next().to_string(), feb.plus(-2).to_string()),
            (29, "2028-03".into(), "2027-12".into())
        );
    }

    #[test]
    fn sloppy_months_are_refused() {
        for bad in ["2026", "2026-13", "2026-2", "26-02", "2026-02-01", "+026-02", ""] {
            assert!(bad.parse::<Month>().is_err(), "{bad}");
        }
    }
}
