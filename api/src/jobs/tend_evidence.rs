//! Looks after what went wrong: archives of bundles that failed are removed, erasures that failed are tried again.

use super::{Ended, JobContext, JobError};
use crate::services::erasures;
use crate::storage::{StorageError, evidence_clock};
use chrono::Duration;

/// Runs the job.
pub async fn run(context: JobContext) -> Result<(), JobError> {
    let tended = erasures::tend(&context.app, context.org).await?;
    context.finish(context.begin().await?, &tended).await
}

/// Looks again in an hour.
pub async fn give_up(ended: Ended<'_>) -> Result<(), StorageError> {
    evidence_clock::set(ended.tx, "tend", ended.now + Duration::hours(1)).await
}
