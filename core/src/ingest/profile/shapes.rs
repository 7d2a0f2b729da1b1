//! What the values of a column look like.

use super::super::date::{self, Written};
use super::super::number::{self, Commas};
use super::cells;
use super::dates::{self, Dated, End};
use super::seen::Sampled;
use chrono::{Datelike as _, NaiveDate};

/// What the values of a column are. Several can hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each says one thing of the same values, and several hold")]
pub(super) struct Looks {
    /// Values that are not blank.
    pub(super) filled: usize,
    /// Dates, months or periods.
    pub(super) dates: bool,
    /// Both ends of a period in one cell, or a month.
    pub(super) periods: bool,
    /// Numbers, whether their commas are decimal or not.
    pub(super) numbers: bool,
    /// Whole numbers.
    pub(super) whole: bool,
    /// Some number has decimals or a currency.
    pub(super) money: bool,
    /// Codes such as `EUR`.
    pub(super) currency: bool,
    /// A currency stands beside the numbers, the same in all of them.
    pub(super) beside: Option<crate::money::Currency>,
    /// GUIDs.
    pub(super) guid: bool,
    /// `contoso.com`
    pub(super) domain: bool,
    /// Words with letters, no dates and no numbers.
    pub(super) text: bool,
    /// Terms or cycles.
    pub(super) spans: bool,
}

pub(super) fn looks(column: &Sampled) -> Looks {
    let values: Vec<&str> = column.filled().collect();
    let all = |is: &dyn Fn(&str) -> bool| !values.is_empty() && values.iter().all(|value| is(value));
    // A sum, a note or a typing error among them does not make them something else.
    let most = |is: &dyn Fn(&str) -> bool| {
        let others = values.iter().filter(|value| !is(value)).count();
        !values.is_empty() && others * 5 <= values.len()
    };
    let is_date = |value: &str| dates::parse(value, End::First).is_some();
    let amount = |value: &str| {
        cells::amount(value, Commas::Decimal).or_else(|_| cells::amount(value, Commas::Thousands)).ok()
    };
    let dates = most(&is_date);
    let numbers = !dates && most(&|value| amount(value).is_some());
    let amounts: Vec<_> = values.iter().filter_map(|value| amount(value)).collect();
    let first = amounts.first().and_then(|(_, currency)| *currency);
    Looks {
        filled: values.len(),
        dates,
        periods: dates && most(&is_period),
        numbers,
        whole: numbers
            && most(&|value| {
                number::parse(value, Commas::Thousands).is_ok_and(|number| number.fract().is_zero())
            }),
        money: numbers && values.iter().any(|value| value.contains(['.', ',', '€', '$', '£'])),
        currency: all(&|value| value.len() == 3 && value.bytes().all(|b| b.is_ascii_uppercase())),
        beside: first.filter(|_| numbers && amounts.iter().all(|(_, currency)| *currency == first)),
        guid: all(&|value| uuid::Uuid::try_parse(value).is_ok()),
        domain: all(&is_domain),
        text: !dates && !numbers && values.iter().any(|value| value.contains(char::is_alphabetic)),
        spans: most(&|value| {
            cells::word(value, cells::Holds::Term).is_some()
                || cells::word(value, cells::Holds::Cycle).is_some()
        }),
    }
}

fn is_domain(value: &str) -> bool {
    value.contains('.')
        && value.len() <= 253
        && value
            .split('.')
            .all(|label| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-'))
        && value
            .rsplit('.')
            .next()
            .is_some_and(|last| last.len() >= 2 && last.chars().all(char::is_alphabetic))
}

fn is_period(value: &str) -> bool {
    let (first, last) =
        (dates::parse(value, End::First), dates::parse(value, End::Last(super::UntilIs::LastDay)));
    matches!(first, Some(Dated::Month(_))) || first != last
}

/// The order of day and month that the dates of these columns show, if they show one.
pub(super) fn order(columns: &[&Sampled]) -> Option<super::DateOrder> {
    let mut evidence = date::Evidence::default();
    for cell in columns.iter().flat_map(|column| column.filled()) {
        weigh(cell, 0, &mut evidence);
    }
    match (&evidence.dmy, &evidence.mdy) {
        (Some(_), None) => Some(super::DateOrder::Dmy),
        (None, Some(_)) => Some(super::DateOrder::Mdy),
        _ => None,
    }
}

/// Takes what a cell says of the order of day and month into the evidence.
pub(super) fn weigh(cell: &str, line: u32, evidence: &mut date::Evidence) {
    for end in [End::First, End::Last(super::UntilIs::DayAfter)] {
        if let Some(Dated::Written(Written::Two { first, second, year, .. })) = dates::parse(cell, end) {
            let before = (evidence.dmy.is_some(), evidence.mdy.is_some());
            evidence.add(&format!("{first}/{second}/{year}"), line);
            // What is told is what the file says.
            for (new, had) in [(&mut evidence.dmy, before.0), (&mut evidence.mdy, before.1)] {
                if let (Some((text, _)), false) = (new, had) {
                    cell.clone_into(text);
                }
            }
        }
    }
}

/// What the ends of periods are, if they show it: ends of months are last days, firsts are days after.
pub(super) fn until(
    first: &Sampled,
    last: &Sampled,
    order: Option<super::DateOrder>,
) -> Option<super::UntilIs> {
    let order = order.unwrap_or(super::DateOrder::Dmy);
    let end = End::Last(super::UntilIs::DayAfter);
    let written = |cell: &str, end| -> Option<NaiveDate> {
        match dates::parse(cell, end)? {
            Dated::Month(_) => None,
            dated @ Dated::Written(_) => dates::day(dated, order, end).ok().flatten(),
        }
    };
    if last.filled().any(|cell| matches!(dates::parse(cell, end), Some(Dated::Month(_)))) {
        return Some(super::UntilIs::LastDay);
    }
    let pairs = first.cells.iter().zip(&last.cells);
    let ends: Vec<(Option<NaiveDate>, NaiveDate)> =
        pairs.filter_map(|(first, last)| Some((written(first, End::First), written(last, end)?))).collect();
    let of =
        |is: &dyn Fn(Option<NaiveDate>, NaiveDate) -> bool| ends.iter().filter(|(a, b)| is(*a, *b)).count();
    // A period that ends on the day of the month on which it began goes up to that day.
    let after = of(&|first, last| first.is_some_and(|first| first.day() == last.day() && first < last));
    let inside = of(&|first, last| {
        let next = last.succ_opt();
        next.is_some_and(|next| next.day() == 1 || first.is_some_and(|first| first.day() == next.day()))
    });
    match (after, inside) {
        (0, 0) => None,
        (after, inside) if after > inside => Some(super::UntilIs::DayAfter),
        _ => Some(super::UntilIs::LastDay),
    }
}

/// Whether the commas of numbers are decimal, if they show it.
pub(super) fn decimal(columns: &[&Sampled]) -> Option<super::DecimalSign> {
    let mut evidence = number::Evidence::default();
    for cell in columns.iter().flat_map(|column| column.filled()) {
        let bare: String = cell.chars().filter(|c| !c.is_alphabetic() && !c.is_whitespace()).collect();
        evidence.add(&bare, 0);
    }
    match (evidence.comma.is_some(), evidence.point) {
        (true, false) => Some(super::DecimalSign::Comma),
        (false, true) => Some(super::DecimalSign::Point),
        _ => None,
    }
}
