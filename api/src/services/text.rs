//! Short texts and days of requests: names of people, organizations and integrations, days that hold.

use crate::error::ApiError;
use chrono::{Datelike as _, NaiveDate};

/// The text without spaces around it.
///
/// # Errors
/// 422 at `pointer` when it is empty, longer than `longest` characters, or holds control characters.
pub fn short(pointer: &str, text: &str, longest: usize) -> Result<String, ApiError> {
    let text = text.trim();
    let length = text.chars().count();
    if length == 0 || length > longest {
        return Err(ApiError::invalid(pointer, format!("must have 1 to {longest} characters, not {length}")));
    }
    if text.chars().any(char::is_control) {
        return Err(ApiError::invalid(pointer, "must not hold control characters, such as line breaks"));
    }
    Ok(text.to_owned())
}

/// Passes a day that a calendar of ours can hold.
///
/// # Errors
/// 422 at `pointer` outside the years 1900 to 9999.
pub fn day(pointer: &str, day: NaiveDate) -> Result<(), ApiError> {
    if (1900..=9999).contains(&day.year()) {
        return Ok(());
    }
    Err(ApiError::invalid(pointer, "must be a day of the years 1900 to 9999"))
}
