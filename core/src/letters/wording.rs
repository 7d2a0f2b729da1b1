//! How facts are written in English: money, dates, counts, lists, headings. The only place with words
//! besides the templates.

use super::facts::PlanWay;
use crate::audit::{Direction, Reason};
use crate::money::{Currency, Money};
use crate::period::Month;
use chrono::{Datelike as _, NaiveDate};
use rust_decimal::Decimal;

/// The language of letters, as HTML names it.
pub(crate) const LANGUAGE: &str = "en";

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

fn month_name(month: u32) -> &'static str {
    usize::try_from(month).ok().and_then(|month| MONTHS.get(month.saturating_sub(1))).copied().unwrap_or("")
}

/// `USD 2,112.00`: the code, because a sign alone does not tell which dollar.
pub(crate) fn money(money: Money) -> String {
    let rounded = Money::round(money.amount, money.currency);
    let text = rounded.amount.abs().to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let sign = if rounded.amount.is_sign_negative() && !rounded.amount.is_zero() { "-" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{} {sign}{}{point}{fraction}", money.currency, grouped(whole))
}

/// Digits in groups of three.
fn grouped(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 March 2026`.
pub(crate) fn date(day: NaiveDate) -> String {
    format!("{} {} {:04}", day.day(), month_name(day.month()), day.year())
}

/// `March 2026`.
pub(crate) fn month(month: Month) -> String {
    let day = month.first_day();
    format!("{} {:04}", month_name(day.month()), day.year())
}

/// `2 seats`, `1 seat`.
pub(crate) fn seats(count: impl Into<Decimal>) -> String {
    counted(count.into(), "seat", "seats")
}

/// `16 seat-months`.
pub(crate) fn seat_months(count: Decimal) -> String {
    counted(count, "seat-month", "seat-months")
}

/// `8 months`.
pub(super) fn months(count: u32) -> String {
    counted(count.into(), "month", "months")
}

/// Ways to pay, to be put behind "pay"; none: there is none.
pub(super) fn ways(ways: &[PlanWay]) -> Option<String> {
    let one = |way: &PlanWay| match way.instalments {
        1 => format!("all at once on {}", date(way.first_on)),
        count => format!(
            "in {} of {} at most, the first on {}",
            instalments(count.into()),
            money(way.amount),
            date(way.first_on)
        ),
    };
    let ways: Vec<String> = ways.iter().map(one).collect();
    (!ways.is_empty()).then(|| ways.join("; or "))
}

/// `6 instalments`.
pub(super) fn instalments(count: usize) -> String {
    counted(Decimal::from(count), "instalment", "instalments")
}

/// `instalment 2 of 6`.
pub(super) fn instalment_of(number: u16, of: u16) -> String {
    format!("instalment {number} of {of}")
}

/// `3 of 5 seats`.
pub(super) fn part_of(part: u64, whole: u64) -> String {
    format!("{part} of {}", seats(whole))
}

/// `22 seats of Business Premium`.
pub(super) fn seats_of(count: u32, product: &str) -> String {
    format!("{} of {product}", seats(count))
}

fn counted(count: Decimal, one: &str, many: &str) -> String {
    format!("{} {}", number(count), if count == Decimal::ONE { one } else { many })
}

/// A number without zeros at its end.
pub(crate) fn number(number: Decimal) -> String {
    let text = number.normalize().abs().to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let point = if fraction.is_empty() { "" } else { "." };
    let sign = if number.is_sign_negative() && !number.is_zero() { "-" } else { "" };
    format!("{sign}{}{point}{fraction}", grouped(whole))
}

/// `+3`, `-1`.
pub(super) fn change(seats: i32) -> String {
    if seats > 0 { format!("+{}", number(seats.into())) } else { number(seats.into()) }
}

/// `A`, `A and B`, `A, B and C`.
pub(crate) fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    }
}

/// Sums by currency, which are never added: `USD 352.00 and EUR 10.00`.
pub(crate) fn sums(sums: &[(Currency, Decimal)]) -> String {
    let each: Vec<String> =
        sums.iter().map(|(currency, amount)| money(Money { amount: *amount, currency: *currency })).collect();
    list(&each)
}

/// Which way a difference goes, for a table.
pub(super) const fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Under => "not billed",
        Direction::Over => "billed too much",
    }
}

/// The same, with what else is to be said of it.
pub(super) fn finding(way: Direction, time_barred: bool, adjusted: bool) -> String {
    let mut text = direction(way).to_owned();
    if time_barred {
        text.push_str("; too old to be corrected");
    }
    if adjusted {
        text.push_str("; other lines of the month may have settled it");
    }
    text
}

/// All of a client, in a list of what was not compared.
pub(super) const EVERYTHING: &str = "All products";

/// A difference without money.
pub(crate) const NO_PRICE: &str = "no price known";

/// Nothing to show in a cell.
pub(crate) const NONE: &str = "-";

/// Why something was not compared, for the client.
pub(super) const fn reason(reason: Option<Reason>) -> &'static str {
    match reason {
        Some(Reason::NoBilling) => "we have no billing records to compare with",
        Some(Reason::NoEntitlement) => "we have no licence records to compare with",
        Some(Reason::NoCommonDays) | None => "our records do not cover the same days",
        Some(Reason::UnconfirmedMapping) => "we have not yet confirmed which names mean the same",
        Some(Reason::IncompleteImport) => "the records that we received are incomplete",
        Some(Reason::FractionalQuantity) => "a quantity is not a whole number of seats",
        Some(Reason::BasisUnknown) => "the records do not tell the kind of seats that we count",
        Some(Reason::UndatedSnapshot) => "the records do not tell of which day they are",
        Some(Reason::AllocationNeedsUsers) => "the records do not tell which office a seat belongs to",
        Some(Reason::SourceConflict) => "two sources of our records do not agree",
    }
}

/// A heading or caption of a table.
pub(super) const fn heading(name: Heading) -> &'static str {
    match name {
        Heading::Product => "Product",
        Heading::Provisioned => "Provisioned",
        Heading::Billed => "Billed",
        Heading::Difference => "Difference",
        Heading::From => "From",
        Heading::To => "To",
        Heading::SeatMonths => "Seat-months",
        Heading::UnitPrice => "Per seat and month",
        Heading::Amount => "Amount",
        Heading::Date => "Date",
        Heading::Change => "Seats",
        Heading::RequestedBy => "Requested by",
        Heading::Reference => "Reference",
        Heading::Instalment => "Instalment",
        Heading::Why => "Why",
        Heading::Which => "What",
        Heading::Document => "Document",
        Heading::Verified => "Verified",
        Heading::Monthly => "Per month",
        Heading::Lines => "What the correction is made of",
        Heading::Log => "Changes of seats",
        Heading::Plan => "Instalments",
        Heading::Next => "What the next invoice holds",
        Heading::Findings => "What we found",
        Heading::Fixed => "What is put right",
        Heading::NotCompared => "What we could not compare",
    }
}

/// What a heading stands over.
#[derive(Clone, Copy, Debug)]
pub(super) enum Heading {
    Product,
    Provisioned,
    Billed,
    Difference,
    From,
    To,
    SeatMonths,
    UnitPrice,
    Amount,
    Date,
    Change,
    RequestedBy,
    Reference,
    Instalment,
    Why,
    Which,
    Document,
    Verified,
    Monthly,
    Lines,
    Log,
    Plan,
    Next,
    Findings,
    Fixed,
    NotCompared,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_has_its_code_and_the_digits_of_its_currency() {
        let of = |amount: &str, currency: &str| {
            money(Money { amount: amount.parse().unwrap(), currency: currency.parse().unwrap() })
        };
        for (amount, currency, text) in [
            ("352", "USD", "USD 352.00"),
            ("2112.00", "USD", "USD 2,112.00"),
            ("1234567.5", "EUR", "EUR 1,234,567.50"),
            ("-5", "USD", "USD -5.00"),
            ("1000", "JPY", "JPY 1,000"),
            ("1.5", "KWD", "KWD 1.500"),
            ("0", "USD", "USD 0.00"),
        ] {
            assert_eq!(of(amount, currency), text);
        }
    }

    #[test]
    fn days_and_counts_read_as_written_by_hand() {
        assert_eq!(date("2026-03-01".parse().unwrap()), "1 March 2026");
        assert_eq!(month("2026-12".parse().unwrap()), "December 2026");
        assert_eq!((seats(1), seats(1200)), ("1 seat".to_owned(), "1,200 seats".to_owned()));
        assert_eq!(seat_months("0.966667".parse().unwrap()), "0.966667 seat-months");
        assert_eq!(seat_months("16.000000".parse().unwrap()), "16 seat-months");
        assert_eq!((change(3), change(-1)), ("+3".to_owned(), "-1".to_owned()));
        let names = ["A".to_owned(), "B".to_owned(), "C".to_owned()];
        assert_eq!(
            (list(&names[..1]), list(&names[..2]), list(&names)),
            ("A".into(), "A and B".into(), "A, B and C".into())
        );
    }
}
