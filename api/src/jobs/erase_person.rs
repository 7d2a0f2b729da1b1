//! Erases a person who asked to be forgotten.

use super::{Ended, JobContext, JobError};
use crate::services::erasures;
use crate::storage::{StorageError, erasures as stored};
use chrono::Duration;
use serde_json::json;

/// Runs the job.
pub async fn run(context: JobContext) -> Result<(), JobError> {
    erasures::fulfil(&context.app, context.org, context.subject).await?;
    let mut tx = context.begin().await?;
    stored::end(&mut tx, context.subject, context.app.clock.now()).await?;
    context.finish(tx, &json!({ "erasure_id": context.subject })).await
}

/// Lets the request fail for now: it is tried again in an hour, from wherever it got to.
pub async fn give_up(ended: Ended<'_>) -> Result<(), StorageError> {
    stored::fail(ended.tx, ended.subject, ended.problem, ended.now + Duration::hours(1)).await
}
