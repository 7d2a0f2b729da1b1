//! Use cases of several steps. Knows storage and core; knows no HTTP.

pub mod api_keys;
pub mod audits;
pub mod clients;
pub mod demo;
pub mod idempotency;
pub mod imports;
pub mod invitations;
pub mod mappings;
pub mod members;
pub mod organizations;
pub mod sessions;
pub mod sign_in;
pub mod text;

use crate::error::{ApiError, Code};

/// The answer to a change that was based on an older version.
pub(crate) fn stale(current: i64) -> ApiError {
    ApiError::new(
        Code::VersionMismatch,
        format!(
            "It was changed by someone else; its current ETag is \"v{current}\". Read it again, then send your change with that ETag in If-Match."
        ),
    )
}
