//! Removes what an organization need not keep: replies that are no longer replayed, jobs that ended a
//! month ago, old webhook deliveries. Enqueued by the service when it sees that there is something to remove.

use super::{Ended, JobContext, JobError};
use crate::services::idempotency::KEPT_HOURS;
use crate::services::webhooks;
use crate::storage::{StorageError, idempotency, jobs, webhook_deliveries};
use chrono::Duration;
use serde::Serialize;

/// Days for which an ended job is kept.
pub const JOBS_KEPT_DAYS: i64 = 30;

#[derive(Serialize)]
struct Removed {
    idempotency_replies: u64,
    jobs: u64,
    webhook_deliveries: u64,
}

/// Runs the job.
pub async fn run(context: JobContext) -> Result<(), JobError> {
    let now = context.app.clock.now();
    let mut tx = context.begin().await?;
    let removed = Removed {
        idempotency_replies: idempotency::remove_before(&mut tx, now - Duration::hours(KEPT_HOURS)).await?,
        jobs: jobs::remove_ended_before(&mut tx, now - Duration::days(JOBS_KEPT_DAYS)).await?,
        webhook_deliveries: webhook_deliveries::remove_ended_before(
            &mut tx,
            now - Duration::days(webhooks::KEPT_DAYS),
        )
        .await?,
    };
    context.finish(tx, &removed).await
}

/// Nobody waits for it: it is enqueued again when there is something to remove.
pub async fn give_up(_ended: Ended<'_>) -> Result<(), StorageError> {
    Ok(())
}
