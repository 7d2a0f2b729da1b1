//! Looks at an organization's cycles: reminds, starts audits.

use super::{Ended, JobContext, JobError};
use crate::services::cycles;
use crate::storage::StorageError;

/// Runs the job.
pub async fn run(context: JobContext) -> Result<(), JobError> {
    let mut tx = context.begin().await?;
    let looked = cycles::check(&context.app, &mut tx).await?;
    context.finish(tx, &looked).await
}

/// Nobody waits for it: the clock enqueues the next one, and so does every import.
pub async fn give_up(_ended: Ended<'_>) -> Result<(), StorageError> {
    Ok(())
}
