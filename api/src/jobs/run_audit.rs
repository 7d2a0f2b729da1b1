//! Runs an audit: loads the organization's records, runs the engine, stores the document.

use super::runner::MAX_ATTEMPTS;
use super::{JobContext, JobError};
use crate::error::{ApiError, Code};
use crate::services::audits::{self, FinishedAudit};
use crate::storage::audits as stored;
use leakage_core::id::AuditId;
use serde_json::json;

/// Runs the job.
pub async fn run(context: JobContext) -> Result<(), JobError> {
    let id = AuditId::new(context.subject);
    let outcome = compute(&context, id).await;
    let mut tx = context.begin().await?;
    match outcome {
        Ok(Some(finished)) => finished.store(&context.app, &mut tx, id).await?,
        Ok(None) => {}
        Err(JobError::Refused(error)) => fail(&context, &mut tx, id, &error).await?,
        Err(JobError::Failed(error)) if context.attempt >= MAX_ATTEMPTS => {
            tracing::error!(error = &*error, audit.id = %id, "an audit is given up");
            let problem = ApiError::new(Code::Internal, "A fault of ours stopped this audit several times.");
            fail(&context, &mut tx, id, &problem).await?;
        }
        Err(error) => return Err(error),
    }
    context.finish(tx, &json!({ "audit_id": id })).await
}

/// The finished audit; none when an earlier attempt stored it and lost its lease afterwards.
async fn compute(context: &JobContext, id: AuditId) -> Result<Option<FinishedAudit>, JobError> {
    let mut tx = context.begin().await?;
    let audit = stored::find(&mut tx, id).await?.ok_or_else(|| JobError::Refused(ApiError::not_found()))?;
    if audit.status != "running" {
        return Ok(None);
    }
    context.progress(0, Some(3), "loading records").await?;
    let loaded = audits::load(&mut tx, &audit).await?;
    tx.commit().await?;
    context.progress(1, Some(3), "comparing").await?;
    let finished = loaded.run().await?;
    context.progress(2, Some(3), "storing the document").await?;
    Ok(Some(finished))
}

async fn fail(
    context: &JobContext,
    tx: &mut crate::storage::OrgTx,
    id: AuditId,
    error: &ApiError,
) -> Result<(), JobError> {
    let problem = serde_json::to_value(error.problem(&context.job.to_string()))
        .map_err(|e| JobError::Failed(e.into()))?;
    Ok(stored::fail(tx, id, &problem, context.app.clock.now()).await?)
}
