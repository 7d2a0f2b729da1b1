//! Dates as files write them. The order of day and month is never guessed: it is the source's, or
//! the file proves it, or the user is asked.

use super::DateOrder;
use chrono::NaiveDate;

/// A date as written, before the order of day and month is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// Year first: nothing to settle.
    Iso(NaiveDate),
    /// Two numbers and a year.
    Two {
        first: u32,
        second: u32,
        year: i32,
        /// Written in a way that is not the en-US export's own: with points or hyphens, or with a leading zero.
        foreign: bool,
    },
    /// A date that stands for no date (year 1 or 9999).
    None,
}

impl Written {
    /// The day, in this order; `Err` when there is no such day.
    pub(super) fn day(self, order: DateOrder) -> Result<Option<NaiveDate>, ()> {
        match self {
            Self::None => Ok(None),
            Self::Iso(day) => Ok(Some(day)),
            Self::Two { first, second, year, .. } => {
                let (month, day) = match order {
                    DateOrder::Mdy => (first, second),
                    DateOrder::Dmy => (second, first),
                };
                NaiveDate::from_ymd_opt(year, month, day).map(Some).ok_or(())
            }
        }
    }
}

/// Reads a date, with or without a time of day; the day is kept as written, whatever the offset.
pub(super) fn parse(text: &str) -> Option<Written> {
    plain(text.as_bytes()).or_else(|| parse_any(text))
}

/// `4/30/2026` and `2026-04-30`, which is nearly every date of a million-row file.
fn plain(text: &[u8]) -> Option<Written> {
    let digits = |digits: &[u8]| {
        digits.iter().try_fold(0_u32, |number, byte| {
            byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0'))
        })
    };
    if let [year @ .., b'-', m1, m2, b'-', d1, d2] = text
        && year.len() == 4
    {
        let year = i32::try_from(digits(year)?).ok()?;
        let day = NaiveDate::from_ymd_opt(year, digits(&[*m1, *m2])?, digits(&[*d1, *d2])?)?;
        return if no_date(year) { None } else { Some(Written::Iso(day)) };
    }
    let (numbers, year) = text.split_last_chunk::<5>()?;
    let [b'/', year @ ..] = year else { return None };
    let year = i32::try_from(digits(year)?).ok()?;
    let (first, second) = match numbers {
        [first @ .., b'/', b] => (first, std::slice::from_ref(b)),
        [first @ .., b'/', _, _] => (first, &numbers[numbers.len() - 2..]),
        _ => return None,
    };
    let plain = |number: &[u8]| matches!(number.len(), 1 | 2) && number[0] != b'0';
    if !plain(first) || !plain(second) || no_date(year) {
        return None;
    }
    let (first, second) = (digits(first)?, digits(second)?);
    (first <= 31 && second <= 31).then_some(Written::Two { first, second, year, foreign: false })
}

fn parse_any(text: &str) -> Option<Written> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let text = text.strip_prefix('\'').unwrap_or(text);
    let (date, time) = match text.find(['T', 't', ' ', '\u{a0}', '\u{202f}']) {
        Some(at) => {
            let mut rest = text[at..].chars();
            rest.next();
            (&text[..at], Some(rest.as_str()))
        }
        None => (text, None),
    };
    if time.is_some_and(|time| !is_time(time)) {
        return None;
    }
    let separator = date.chars().find(|c| !c.is_ascii_digit())?;
    if !matches!(separator, '-' | '/' | '.') {
        return None;
    }
    let mut numbers = date.split(separator);
    let (a, b, c) = (numbers.next()?, numbers.next()?, numbers.next()?);
    if numbers.next().is_some() {
        return None;
    }
    if a.len() == 4 {
        // Year first is ISO with hyphens, and common with slashes.
        if separator == '.'
            || b.len() > 2
            || c.len() > 2
            || (separator == '-' && (b.len() != 2 || c.len() != 2))
        {
            return None;
        }
        let (year, month, day) = (number(a)?, number(b)?, number(c)?);
        let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
        return Some(if no_date(i32::try_from(year).ok()?) { Written::None } else { Written::Iso(date) });
    }
    if c.len() != 4 || !(1..=2).contains(&a.len()) || !(1..=2).contains(&b.len()) {
        return None;
    }
    let (first, second, year) = (number(a)?, number(b)?, i32::try_from(number(c)?).ok()?);
    if !(1..=31).contains(&first) || !(1..=31).contains(&second) {
        return None;
    }
    if no_date(year) {
        return Some(Written::None);
    }
    let foreign = separator != '/' || a.starts_with('0') || b.starts_with('0');
    Some(Written::Two { first, second, year, foreign })
}

/// A date with the year first, as our own template writes it.
pub(super) fn parse_iso(text: &str) -> Option<NaiveDate> {
    match parse(text)? {
        Written::Iso(day) if !text.contains('/') => Some(day),
        _ => None,
    }
}

fn no_date(year: i32) -> bool {
    year <= 1 || year == 9999
}

fn number(text: &str) -> Option<u32> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) { None } else { text.parse().ok() }
}

/// Whether a text could be a time of day: `0:00`, `12:00:00 AM`, `09:22:40.1767993-08:00`, `19:49:35Z`.
fn is_time(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.contains(':')
        && text.len() <= 32
        && text.chars().all(|c| {
            c.is_ascii_digit()
                || matches!(
                    c,
                    ':' | '.' | '+' | '-' | 'Z' | 'z' | ' ' | '\u{202f}' | 'A' | 'P' | 'M' | 'a' | 'p' | 'm'
                )
        })
}

/// What the dates of a file say about the order of day and month.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Evidence {
    /// First date that only day-month-year can be, and its line.
    pub(super) dmy: Option<(String, u32)>,
    /// First date that only month-day-year can be, and its line.
    pub(super) mdy: Option<(String, u32)>,
    /// Dates that both can be.
    pub(super) either: bool,
    /// Written otherwise than the source writes.
    pub(super) foreign: bool,
}

impl Evidence {
    /// Takes one more date in.
    pub(super) fn add(&mut self, text: &str, line: u32) {
        if let Some(Written::Two { first, second, foreign, .. }) = parse(text) {
            self.foreign |= foreign;
            let seen = || Some((text.trim().to_owned(), line));
            match (first > 12, second > 12) {
                (true, false) if self.dmy.is_none() => self.dmy = seen(),
                (false, true) if self.mdy.is_none() => self.mdy = seen(),
                (false, false) => self.either = true,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn reads_the_spellings_of_real_files() {
        for (text, iso) in [
            ("10/3/2020", "2020-10-03"),
            ("2/1/2019 0:00", "2019-02-01"),
            ("2/1/2019 12:00:00 AM", "2019-02-01"),
            ("2019-02-04T09:22:40.1767993-08:00", "2019-02-04"),
            ("2021-05-20T00:00:00Z", "2021-05-20"),
            ("2022-03-18 19:49:35Z", "2022-03-18"),
            (" 2026-02-01\u{a0}", "2026-02-01"),
        ] {
            assert_eq!(parse(text).unwrap().day(DateOrder::Mdy), Ok(Some(day(iso))), "{text}");
        }
    }

    #[test]
    fn the_order_is_the_callers() {
        let written = parse("03.09.2020").unwrap();
        assert_eq!(written.day(DateOrder::Dmy), Ok(Some(day("2020-09-03"))));
        assert_eq!(written.day(DateOrder::Mdy), Ok(Some(day("2020-03-09"))));
        assert_eq!(parse("30.09.2020").unwrap().day(DateOrder::Mdy), Err(()));
    }

    #[test]
    fn year_one_and_9999_are_no_date() {
        for text in ["0001-01-01T00:00:00", "1/1/0001", "11/30/9999 11:59:59 PM", "9999-12-31"] {
            assert_eq!(parse(text), Some(Written::None), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "2026",
            "2026-13-01",
            "2026-02-30",
            "1/2/21",
            "32/1/2020",
            "2026-2-1",
            "tomorrow",
            "1-2/2020",
            "2026-02-01Tx",
            "44927",
            "2026-02-01 noon",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse_iso("2026/02/01"), None);
    }

    #[test]
    fn evidence_tells_which_orders_fit() {
        let mut evidence = Evidence::default();
        evidence.add("3/9/2020", 2);
        assert_eq!((evidence.either, evidence.foreign), (true, false));
        evidence.add("30.09.2020", 3);
        assert_eq!(
            (evidence.dmy, evidence.mdy, evidence.foreign),
            (Some(("30.09.2020".into(), 3)), None, true)
        );
    }

    #[test]
    fn plain_dates_are_read_as_all_others() {
        for text in
            ["4/30/2026", "12/1/2026", "31/31/2026", "2026-04-30", "1/2/2026", "4/32/2026", "04/1/2026"]
        {
            assert_eq!(parse(text), parse_any(text), "{text}");
        }
        assert!(plain(b"4/30/2026").is_some() && plain(b"2026-04-30").is_some());
    }

    proptest::proptest! {
        #[test]
        fn plain_is_never_otherwise(text in "[0-9/-]{6,11}") {
            if let Some(written) = plain(text.as_bytes()) {
                proptest::prop_assert_eq!(Some(written), parse_any(&text));
            }
        }

        #[test]
        fn never_panics(text in "\\PC{0,30}") {
            let _ = parse(&text);
        }
    }
}
