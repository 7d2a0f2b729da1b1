//! What the monthly cycle must do, by tables and by properties.

mod days;
mod months;

use super::{Expected, Schedule};
use chrono::NaiveDate;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// A schedule from JSON, as people write it.
fn schedule(json: serde_json::Value) -> Schedule {
    let schedule: Schedule = serde_json::from_value(json).unwrap();
    schedule.check().unwrap();
    schedule
}

fn names(expected: &[Expected]) -> Vec<String> {
    expected.iter().map(|expected| format!("{:?}", expected.side).to_lowercase()).collect()
}
