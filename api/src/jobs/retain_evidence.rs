//! Removes persons' data that an organization keeps no longer. Enqueued once a day.

use super::{Ended, JobContext, JobError};
use crate::services::erasures;
use crate::storage::StorageError;

/// Runs the job.
pub async fn run(context: JobContext) -> Result<(), JobError> {
    let removed = erasures::retain(&context.app, context.org).await?;
    context.finish(context.begin().await?, &removed).await
}

/// Nobody waits for it: the next day asks again.
pub async fn give_up(_: Ended<'_>) -> Result<(), StorageError> {
    Ok(())
}
