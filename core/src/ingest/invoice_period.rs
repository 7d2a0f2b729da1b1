//! Which days are charged by an invoice that states only its date, and by a schedule that makes invoices;
//! and which of their lines give money back.
//!
//! Accounting systems keep no service period. Whether a seat is charged before or after its month is the
//! MSP's own habit, so it is asked (`invoice_timing`). An invoice row then covers one whole calendar month:
//! that of the invoice date when billed in advance, the month before it when billed in arrears.

use super::sink::Sink;
use super::table::fold;
use super::{InvoiceTiming, ReadOptions};
use crate::period::{Month, Span};
use crate::records::{Cycle, LineType};
use chrono::{Datelike as _, Months, NaiveDate};
use rust_decimal::Decimal;

/// Whether invoices charge what comes or what was; none, and asked, without an answer.
pub(super) fn timing(options: &ReadOptions, sink: &mut Sink) -> Option<InvoiceTiming> {
    if options.invoice_timing.is_none() {
        sink.ask("invoice_timing", &["advance", "arrears"]);
    }
    options.invoice_timing
}

/// The month that an invoice of this day charges; none while the question is open.
pub(super) fn month(date: NaiveDate, options: &ReadOptions, sink: &mut Sink) -> Option<Span> {
    let back = match timing(options, sink)? {
        InvoiceTiming::Advance => 0,
        InvoiceTiming::Arrears => -1,
    };
    Some(Month::of(date).plus(back).span())
}

/// The days that a schedule charges: from the cycle of its first invoice to that of its last. `last` is
/// the last day on which an invoice may be made.
pub(super) fn schedule(
    first: NaiveDate,
    last: Option<NaiveDate>,
    months: i32,
    timing: InvoiceTiming,
) -> Span {
    let back = match timing {
        InvoiceTiming::Advance => 0,
        InvoiceTiming::Arrears => -months,
    };
    let start = Month::of(first).plus(back);
    let until = last.map(|last| {
        let count = |day: NaiveDate| day.year().saturating_mul(12).saturating_add_unsigned(day.month0());
        // The invoice of the last month is made only if its day still comes.
        let day = first.day().min(Month::of(last).days());
        let whole = count(last).saturating_sub(count(first)).saturating_sub(i32::from(last.day() < day));
        let invoices = whole.div_euclid(months.max(1)).saturating_add(1).max(0);
        start.plus(invoices.saturating_mul(months)).first_day()
    });
    Span { from: start.first_day(), until }
}

/// The cycle of so many months, and what its price must be multiplied by: a price for six months is half
/// the price of a year. None for cycles that are not counted in such months.
pub(super) fn cycle_of_months(months: u32) -> Option<(Cycle, Decimal)> {
    Some(match months {
        1 => (Cycle::Monthly, Decimal::ONE),
        3 => (Cycle::Quarterly, Decimal::ONE),
        12 => (Cycle::Annual, Decimal::ONE),
        36 => (Cycle::Triennial, Decimal::ONE),
        2 | 4 | 6 => (Cycle::Annual, Decimal::from(12 / months)),
        24 => (Cycle::Triennial, Decimal::new(15, 1)),
        _ => return None,
    })
}

/// Months of a span that is some cycle's.
pub(super) fn whole_months(span: Span) -> Option<u32> {
    [1, 2, 3, 4, 6, 12, 24, 36]
        .into_iter()
        .find(|&months| span.from.checked_add_months(Months::new(months)) == span.until)
}

/// Months of a cycle by its word. Words with two meanings (`bimonthly`, `biannual`) have none, nor do days and weeks.
pub(super) fn months_of_word(word: &str) -> Option<u32> {
    Some(match fold(word).as_str() {
        "monthly" | "month" | "1month" | "everymonth" => 1,
        "2months" | "every2months" => 2,
        "quarterly" | "quarter" | "3months" | "every3months" => 3,
        "4months" | "every4months" => 4,
        "semiannually" | "semiannual" | "halfyearly" | "6months" | "every6months" | "6monthly" => 6,
        "annually" | "annual" | "yearly" | "year" | "1year" | "12months" => 12,
        "biennially" | "biennial" | "2years" | "24months" => 24,
        "triennially" | "triennial" | "3years" | "36months" => 36,
        _ => return None,
    })
}

/// The price with the sign that a credit has, and what kind of line it is.
pub(super) fn signed(credit: bool, quantity: Decimal, unit_price: Decimal) -> (Decimal, LineType) {
    let negative = (quantity < Decimal::ZERO) != (unit_price < Decimal::ZERO);
    if credit && !negative {
        (-unit_price, LineType::Credit)
    } else if credit || quantity < Decimal::ZERO || unit_price < Decimal::ZERO {
        (unit_price, LineType::Credit)
    } else {
        (unit_price, LineType::Regular)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_schedule_ends_with_the_cycle_of_its_last_invoice() {
        use InvoiceTiming::{Advance, Arrears};
        for (first, last, months, timing, from, until) in [
            ("2019-04-15", Some("2019-09-30"), 1, Advance, "2019-04-01", Some("2019-10-01")),
            ("2019-04-15", Some("2019-09-10"), 1, Advance, "2019-04-01", Some("2019-09-01")),
            ("2019-04-15", Some("2019-09-30"), 1, Arrears, "2019-03-01", Some("2019-09-01")),
            ("2026-01-31", Some("2026-02-28"), 1, Advance, "2026-01-01", Some("2026-03-01")),
            ("2025-02-01", Some("2026-12-31"), 12, Arrears, "2024-02-01", Some("2026-02-01")),
            ("2026-05-01", Some("2026-04-01"), 1, Advance, "2026-05-01", Some("2026-05-01")),
            ("2026-05-01", None, 3, Advance, "2026-05-01", None),
        ] {
            let span = schedule(day(first), last.map(day), months, timing);
            assert_eq!(span, Span { from: day(from), until: until.map(day) }, "{first} {last:?} {months}");
        }
    }
}
