//! Dates of foreign files: every spelling of [`super::super::date`], and month names, years of two
//! digits, whole months, and a period in one cell.

use super::super::DateOrder;
use super::super::date::{self, Written};
use super::names::folded;
use super::{UntilIs, words};
use chrono::{Datelike as _, Months, NaiveDate};

/// What a cell says of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dated {
    /// As numbers, order not settled.
    Written(Written),
    /// A whole month, by its first day.
    Month(NaiveDate),
}

/// Which end of a period is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    First,
    Last(UntilIs),
}

/// Reads a cell with one date.
fn single(text: &str) -> Option<Dated> {
    if let Some(written) = date::parse(text) {
        return Some(Dated::Written(written));
    }
    let parts: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || matches!(c, '-' | '/' | '.' | ','))
        .filter(|part| !part.is_empty() && !matches!(*part, "de" | "del" | "of"))
        .collect();
    let number = |part: &str| part.parse::<u32>().ok().filter(|_| part.len() <= 4 && part.is_ascii());
    let year = |part: &str| {
        let number = number(part)?;
        let year = match part.len() {
            4 => number,
            2 => 2000 + number,
            _ => return None,
        };
        i32::try_from(year).ok()
    };
    let month = |part: &str| words::month(&folded(part));
    match parts.as_slice() {
        [one] if one.len() == 8 && one.bytes().all(|b| b.is_ascii_digit()) => {
            let day = NaiveDate::parse_from_str(one, "%Y%m%d").ok()?;
            (1990..2100).contains(&day.year()).then_some(Dated::Written(Written::Iso(day)))
        }
        [a, b] => {
            let (year, month) = if a.len() == 4 && number(a).is_some() {
                (year(a)?, number(b).filter(|_| b.len() <= 2).or_else(|| month(b))?)
            } else if b.len() == 4 || month(a).is_some() {
                (year(b)?, number(a).filter(|_| a.len() <= 2).or_else(|| month(a))?)
            } else {
                return None;
            };
            NaiveDate::from_ymd_opt(year, month, 1).map(Dated::Month)
        }
        [a, b, c] => {
            let iso = |year: i32, month: u32, day: u32| {
                NaiveDate::from_ymd_opt(year, month, day).map(|day| Dated::Written(Written::Iso(day)))
            };
            if let Some(month) = month(b) {
                let day = number(a).filter(|_| a.len() <= 2);
                return match (day, a.len()) {
                    (Some(day), _) => iso(year(c)?, month, day),
                    (None, 4) => iso(year(a)?, month, number(c)?),
                    _ => None,
                };
            }
            if let Some(month) = month(a) {
                return iso(year(c)?, month, number(b)?);
            }
            if a.len() == 4 {
                return iso(year(a)?, number(b)?, number(c)?);
            }
            let (first, second) = (number(a)?, number(b)?);
            let plausible = c.len() == 2 && (1..=31).contains(&first) && (1..=31).contains(&second);
            plausible.then_some(())?;
            Some(Dated::Written(Written::Two { first, second, year: year(c)?, foreign: true }))
        }
        _ => None,
    }
}

/// Between the two dates of a period in one cell.
const BETWEEN: &[&str] = &[
    " - ",
    " – ",
    " — ",
    "–",
    " bis ",
    " to ",
    " until ",
    " through ",
    " au ",
    " al ",
    " hasta ",
    " t/m ",
    " tot ",
];

/// Reads a cell: a date, a month, or one end of a period.
pub(super) fn parse(text: &str, end: End) -> Option<Dated> {
    if let Some(dated) = single(text) {
        return Some(dated);
    }
    if text.len() > 100 {
        return None;
    }
    let lower = text.to_lowercase();
    let (first, last) = BETWEEN.iter().find_map(|between| lower.split_once(between))?;
    let (first, last) = (single(first.trim())?, single(last.trim())?);
    Some(if end == End::First { first } else { last })
}

/// The day that a date stands for, half-open; `Ok(None)` for a date that stands for none, `Err` when
/// there is no such day.
pub(super) fn day(dated: Dated, order: DateOrder, end: End) -> Result<Option<NaiveDate>, ()> {
    match (dated, end) {
        (Dated::Month(first), End::Last(UntilIs::LastDay)) => {
            first.checked_add_months(Months::new(1)).map(Some).ok_or(())
        }
        (Dated::Month(first), _) => Ok(Some(first)),
        (Dated::Written(written), End::Last(UntilIs::LastDay)) => match written.day(order)? {
            Some(last) => last.succ_opt().map(Some).ok_or(()),
            None => Ok(None),
        },
        (Dated::Written(written), _) => written.day(order),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, end: End) -> Option<String> {
        day(parse(text, end)?, DateOrder::Dmy, end).ok().flatten().map(|day| day.to_string())
    }

    #[test]
    fn first_days_are_read_as_people_write_them() {
        for (text, iso) in [
            ("03.09.2026", "2026-09-03"),
            ("3.9.26", "2026-09-03"),
            ("30-AUG-2025", "2025-08-30"),
            ("1. März 2026", "2026-03-01"),
            ("1 mars 2026", "2026-03-01"),
            ("1 de febrero de 2026", "2026-02-01"),
            ("5 mei 2026", "2026-05-05"),
            ("Feb 14, 2026", "2026-02-14"),
            ("20260301", "2026-03-01"),
            ("2026-3-1", "2026-03-01"),
            ("2026-03", "2026-03-01"),
            ("03/2026", "2026-03-01"),
            ("Dezember 2025", "2025-12-01"),
            ("01.02.2026 - 28.02.2026", "2026-02-01"),
            ("01/02/2026 au 28/02/2026", "2026-02-01"),
        ] {
            assert_eq!(read(text, End::First).as_deref(), Some(iso), "{text}");
        }
    }

    #[test]
    fn an_end_is_made_the_day_after() {
        let last = End::Last(UntilIs::LastDay);
        for (text, iso) in [
            ("28.02.2026", "2026-03-01"),
            ("2026-02", "2026-03-01"),
            ("01.02.2026 bis 28.02.2026", "2026-03-01"),
            ("2026-02-28T23:59:59Z", "2026-03-01"),
        ] {
            assert_eq!(read(text, last).as_deref(), Some(iso), "{text}");
        }
        assert_eq!(read("01.03.2026", End::Last(UntilIs::DayAfter)).as_deref(), Some("2026-03-01"));
        assert_eq!(read("31.12.9999", last), None, "stands for no date");
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in
            ["", "12", "M365 E3", "1.5", "22,00", "31.02", "12345678", "soon", "1-2", "10 Seats 20", "3 GB"]
        {
            assert_eq!(parse(text, End::First), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,40}") {
            let _ = read(&text, End::First);
            let _ = read(&text, End::Last(UntilIs::LastDay));
        }
    }
}
