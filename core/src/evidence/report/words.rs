//! How the report says things: numbers in columns, days, sentences from figures.

use super::facts::{Report, ReportGap};
use crate::audit::Direction;
use crate::letters::wording as say;
use crate::money::{Currency, Money};
use crate::period::Month;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use std::collections::BTreeSet;

/// Digits after the point that a column of numbers needs: none where all are whole, else six, so that
/// the points stand under each other.
pub(super) fn digits(values: impl IntoIterator<Item = Decimal>) -> u32 {
    if values.into_iter().all(|value| value.fract().is_zero()) { 0 } else { 6 }
}

/// A number with exactly so many digits after the point.
pub(super) fn fixed(value: Decimal, digits: u32) -> String {
    let text = say::number(value);
    if digits == 0 {
        return text;
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let wide = usize::try_from(digits).unwrap_or(0);
    format!("{whole}.{fraction:0<wide$}")
}

/// Money, or that there is none.
pub(super) fn money(amount: Option<Money>) -> String {
    amount.map_or_else(|| say::NO_PRICE.to_owned(), say::money)
}

/// A day, or nothing.
pub(super) fn day(on: Option<NaiveDate>) -> String {
    on.map_or_else(|| say::NONE.to_owned(), say::date)
}

/// A text, or a dash.
pub(super) fn text(of: Option<&String>) -> String {
    of.map(|text| text.trim()).filter(|text| !text.is_empty()).unwrap_or(say::NONE).to_owned()
}

/// `12 November 2026, 09:30 UTC`.
pub(super) fn time(at: DateTime<Utc>) -> String {
    format!("{}, {} UTC", say::date(at.date_naive()), at.format("%H:%M"))
}

/// `March 2026 to October 2026`.
pub(super) fn months(first: Month, last: Month) -> String {
    if first == last { say::month(first) } else { format!("{} to {}", say::month(first), say::month(last)) }
}

/// The months of a gap.
pub(super) fn gap_months(gap: &ReportGap) -> String {
    match (gap.months.first(), gap.months.last()) {
        (Some(first), Some(last)) => months(first.month, last.month),
        _ => say::NONE.to_owned(),
    }
}

/// Seats of gaps together: those of which a later one speaks again count once.
pub(super) fn seats<'g>(gaps: impl IntoIterator<Item = &'g ReportGap>) -> Decimal {
    gaps.into_iter().filter(|gap| !gap.superseded).map(|gap| gap.seats).sum()
}

/// What a gap is a month from here on, unless a later one says it.
pub(super) fn forward(gap: &ReportGap) -> Option<Money> {
    gap.monthly_forward.filter(|_| !gap.superseded)
}

/// With a sign in front.
pub(super) fn signed(value: Decimal) -> String {
    if value.is_sign_positive() && !value.is_zero() {
        format!("+{}", say::number(value))
    } else {
        say::number(value)
    }
}

/// Sums by currency, in the order in which currencies first come.
pub(super) fn sums(amounts: impl IntoIterator<Item = Money>) -> Vec<Money> {
    let mut sums: Vec<Money> = Vec::new();
    for amount in amounts {
        match sums.iter_mut().find(|sum| sum.currency == amount.currency) {
            Some(sum) => sum.amount = sum.amount.saturating_add(amount.amount),
            None => sums.push(amount),
        }
    }
    sums
}

/// Sums by currency in one text: they are never added.
pub(super) fn listed(sums: &[Money]) -> String {
    let pairs: Vec<(Currency, Decimal)> = sums.iter().map(|sum| (sum.currency, sum.amount)).collect();
    say::sums(&pairs)
}

/// The title of the report.
pub(super) fn title(report: &Report) -> String {
    match report.direction {
        Direction::Under => format!("Seats that we had not billed: {}", report.client),
        Direction::Over => format!("We over-billed you: {}", report.client),
    }
}

/// How it came about, where nobody wrote it.
pub(super) fn context(report: &Report) -> Vec<String> {
    let compared = format!(
        "We compared the licences that {} has with what we billed, month by month and seat by seat.",
        report.client
    );
    let found = match report.direction {
        Direction::Under => {
            "We had billed fewer seats than are provisioned. This is our oversight. You see the records behind every \
             number here, before anything of it appears on an invoice."
        }
        Direction::Over => {
            "We had billed more seats than you have. We over-billed you, and we are sorry. All of it is given back, \
             whole and at once; it is not set off against anything else."
        }
    };
    vec![format!("{compared} {found}")]
}

/// The figures in sentences, where nobody wrote them.
pub(super) fn data(report: &Report) -> Vec<String> {
    let seat_months: Decimal = report.gaps.iter().map(|gap| gap.seat_months).sum();
    let products: BTreeSet<&str> = report.gaps.iter().map(|gap| gap.product.as_str()).collect();
    let all = say::seats(seats(&report.gaps));
    let what = match (report.gaps.first(), products.len()) {
        (None, _) => return vec!["No difference is left.".to_owned()],
        (Some(one), 1) => format!("{all} of {}", one.product),
        (Some(_), many) => format!("{all} of {} products", say::number(Decimal::from(many))),
    };
    let period = report.months.map(|(first, last)| format!(", {}", months(first, last))).unwrap_or_default();
    let sums = sums(report.gaps.iter().filter_map(|gap| gap.amount));
    let money =
        if sums.is_empty() { String::new() } else { format!(", which is {} before tax", listed(&sums)) };
    let mut paragraphs =
        vec![format!("The difference is {what}{period}: {}{money}.", say::seat_months(seat_months))];
    let unpriced = report.gaps.iter().filter(|gap| gap.amount.is_none()).count();
    if unpriced > 0 {
        let products = if unpriced == 1 { "product has" } else { "products have" };
        paragraphs.push(format!(
            "{} {products} no known price: seats and seat-months are shown, and no money.",
            say::number(Decimal::from(unpriced))
        ));
    }
    paragraphs
}

/// What happens next, where nobody wrote it.
pub(super) fn going_forward(report: &Report) -> Vec<String> {
    let sums = sums(report.gaps.iter().filter_map(forward));
    let sums: Vec<Money> = sums.into_iter().filter(|sum| !sum.amount.is_zero()).collect();
    if sums.is_empty() {
        return vec!["The next regular invoice is not changed by it.".to_owned()];
    }
    let more = match report.direction {
        Direction::Under => "more",
        Direction::Over => "less",
    };
    vec![format!(
        "From the next invoice on, the right number of seats is billed: {} a month {more} than before.",
        listed(&sums)
    )]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dec(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn numbers_of_a_column_have_the_same_digits() {
        let ragged = [dec("16"), dec("21.535714"), dec("0.5")];
        let digits = digits(ragged);
        assert_eq!(ragged.map(|value| fixed(value, digits)), ["16.000000", "21.535714", "0.500000"]);
        assert_eq!(fixed(dec("1234.000000"), 0), "1,234");
    }

    #[test]
    fn currencies_are_never_added() {
        let usd = |minor| Money::from_minor(minor, Currency::USD);
        let all = sums([usd(100), Money::from_minor(5, Currency::EUR), usd(250)]);
        assert_eq!(listed(&all), "USD 3.50 and EUR 0.05");
    }
}
