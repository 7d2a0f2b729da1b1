//! The spelling parsers for the fuzz targets (`tests/fuzz`), which are outside this crate. With the feature
//! `fuzzing` only, which the service does not have.

use super::number::Commas;
use super::{DateOrder, date, number};
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// The number that a text spells with commas before thousands, with commas that may be either, and with
/// decimal commas.
pub fn number(text: &str) -> [Option<Decimal>; 3] {
    number::Evidence::default().add(text, 1);
    [Commas::Thousands, Commas::Unclear, Commas::Decimal].map(|commas| number::parse(text, commas).ok())
}

/// The day that a text spells with the month first, with the day first, and with the year first.
pub fn date(text: &str) -> [Option<NaiveDate>; 3] {
    date::Evidence::default().add(text, 1);
    let written = date::parse(text);
    let day = |order| written.and_then(|written| written.day(order).ok().flatten());
    [day(DateOrder::Mdy), day(DateOrder::Dmy), date::parse_iso(text)]
}
