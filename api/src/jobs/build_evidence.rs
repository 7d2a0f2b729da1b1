//! Builds an evidence bundle.

use super::{Ended, JobContext, JobError};
use crate::services::evidence;
use crate::storage::{StorageError, evidence_bundles};
use chrono::Duration;
use serde_json::json;

/// Runs the job.
pub async fn run(context: JobContext) -> Result<(), JobError> {
    let made = evidence::build(&context.app, context.org, context.subject).await?;
    let mut tx = context.begin().await?;
    if let Some(made) = made {
        made.note(&context.app, &mut tx).await?;
    }
    context.finish(tx, &json!({ "evidence_bundle_id": context.subject })).await
}

/// Lets the bundle fail with the reason: another one can be asked for.
pub async fn give_up(ended: Ended<'_>) -> Result<(), StorageError> {
    // Not at once: a worker that was thought dead may still be writing the archive.
    let tend_at = ended.now + Duration::hours(1);
    evidence_bundles::fail(ended.tx, ended.subject, ended.problem, tend_at).await
}
