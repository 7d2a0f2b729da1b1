//! Looks at an organization's deadlines: writes to clients what is due, reminds owners, tells admins.

use super::{Ended, JobContext, JobError};
use crate::services::deadlines;
use crate::storage::StorageError;

/// Runs the job. What clients are written is done correction by correction, each in a transaction of its own
/// that finds done what was done before; the reminders of owners are one transaction with the job's end.
pub async fn run(context: JobContext) -> Result<(), JobError> {
    deadlines::write_to_clients(&context.app, context.org).await?;
    let mut tx = context.begin().await?;
    let looked = deadlines::check(&context.app, &mut tx).await?;
    context.finish(tx, &looked).await?;
    context.app.work.notify_one();
    Ok(())
}

/// Nobody waits for it: the clock enqueues the next one.
pub async fn give_up(_ended: Ended<'_>) -> Result<(), StorageError> {
    Ok(())
}
