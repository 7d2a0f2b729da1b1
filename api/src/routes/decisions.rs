//! What the resources of decisions have in common: how they are ended, and the states that they were in.

use crate::storage::decisions::StateRow;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An end that is set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"valid_until": "2026-07-01", "reason": "The client pays for them since July"}))]
pub struct DecisionEnd {
    /// The day after the last one on which it holds. It can only come earlier than the end that it has. On
    /// its first day: it holds on no day.
    pub valid_until: NaiveDate,
    /// Why.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
}

/// A state that a decision was in. Audits of what was known at a time take the state of that time.
#[derive(Debug, Serialize, ToSchema)]
pub struct DecisionState {
    /// Counts the states.
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    pub version: i64,
    /// Day after the last one on which it holds, as said then; null: none said.
    pub valid_until: Option<NaiveDate>,
    /// Who made it so: `user:` or `api_key:` and an id.
    #[schema(max_length = 300)]
    pub changed_by: String,
    /// Why it was ended.
    #[schema(max_length = 500)]
    pub reason: Option<String>,
    /// From when on it was so.
    pub since: DateTime<Utc>,
}

impl From<StateRow> for DecisionState {
    fn from(row: StateRow) -> Self {
        Self {
            version: row.version,
            valid_until: row.valid_until,
            changed_by: row.changed_by,
            reason: row.reason,
            since: row.since,
        }
    }
}
