//! The bytes of an entry: canonical JSON (RFC 8785), the same on any machine and after any database.

use crate::id::OrgId;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

/// The largest whole number that every reader of JSON keeps.
const MOST: i64 = (1 << 53) - 1;

/// Why something cannot be an entry.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// It has no JSON form.
    #[error("the entry has no canonical form")]
    Json(#[from] serde_json::Error),
    /// A number that is not whole, or too large: readers would disagree about it.
    #[error("the number at {pointer} is not whole or not within 2^53: write it as text")]
    Number {
        /// JSON pointer into the entry.
        pointer: String,
    },
}

/// The bytes that the log holds of an entry. Hash them with [`super::leaf_hash`].
///
/// # Errors
/// When the entry has a number that is not exact everywhere: money and seats are text.
pub fn leaf(entry: &impl Serialize) -> Result<Vec<u8>, EntryError> {
    let value = serde_json::to_value(entry)?;
    numbers(&value, &mut String::new())?;
    Ok(serde_json_canonicalizer::to_vec(&value)?)
}

fn numbers(value: &Value, pointer: &mut String) -> Result<(), EntryError> {
    let length = pointer.len();
    let mut inside = |name: &str, value: &Value| {
        pointer.push('/');
        pointer.push_str(name);
        numbers(value, pointer)?;
        pointer.truncate(length);
        Ok(())
    };
    match value {
        Value::Number(number) => {
            let exact = number.as_i64().is_some_and(|number| (-MOST..=MOST).contains(&number));
            if exact { Ok(()) } else { Err(EntryError::Number { pointer: pointer.clone() }) }
        }
        Value::Array(items) => {
            items.iter().enumerate().try_for_each(|(index, item)| inside(&index.to_string(), item))
        }
        Value::Object(members) => members.iter().try_for_each(|(name, member)| inside(name, member)),
        _ => Ok(()),
    }
}

/// What happened: who, when, which command, before, after, why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimelineEntry {
    /// Whose log.
    pub organization: OrgId,
    /// Its place in the log, from 0.
    pub place: u64,
    /// When, to the microsecond, as databases keep it.
    #[serde(serialize_with = "microseconds")]
    pub at: DateTime<Utc>,
    /// Who: `user:`, `api_key:`, `job:` or `client:` and an id.
    pub actor: String,
    /// What was asked.
    pub command: String,
    /// What it was asked of, such as `correction:` and an id.
    pub subject: String,
    /// What was so before; null: nothing.
    pub before: Value,
    /// What is so since.
    pub after: Value,
    /// Why, as the person said.
    pub reason: Option<String>,
}

fn microseconds<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.to_rfc3339_opts(SecondsFormat::Micros, true))
}
