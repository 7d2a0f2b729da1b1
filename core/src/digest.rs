//! SHA-256 of files and of canonical JSON (RFC 8785), written `sha256:` and 64 hex digits.

use crate::canonical::{self, Omitted};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// The digest of some bytes, such as a file.
pub fn of_bytes(bytes: &[u8]) -> String {
    text(&Sha256::digest(bytes))
}

/// The digest of a value's canonical JSON: the same facts give the same digest on any machine.
///
/// # Errors
/// When the value has no JSON form (a map with keys that are not text).
pub fn of_json(value: &impl Serialize) -> Result<String, serde_json::Error> {
    of_json_without(value, &[])
}

/// The same without some members.
///
/// # Errors
/// When the value has no JSON form.
pub(crate) fn of_json_without(
    value: &impl Serialize,
    omitted: Omitted<'_>,
) -> Result<String, serde_json::Error> {
    canonical::to_vec(value, omitted).map(|bytes| of_bytes(&bytes))
}

/// A value's canonical JSON (RFC 8785), as text, and its digest.
///
/// # Errors
/// As [`of_json`].
pub fn canonical(value: &impl Serialize) -> Result<(String, String), serde_json::Error> {
    let text = serde_json_canonicalizer::to_string(value)?;
    let digest = of_bytes(text.as_bytes());
    Ok((text, digest))
}

/// Writes a finished SHA-256 in our form.
pub fn text(sha256: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(7 + 64);
    out.push_str("sha256:");
    for byte in sha256 {
        // Writing to a String cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}
