//! Short texts of requests: names of people, organizations and integrations.

use crate::error::ApiError;

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
