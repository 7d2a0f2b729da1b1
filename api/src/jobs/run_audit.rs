//! Runs an audit: loads the organization's records, runs the engine, stores the document.

use super::{Ended, JobContext, JobError, verify_corrections};
use crate::error::ApiError;
use crate::services::{audits, cycles};
use crate::storage::StorageError;
use crate::storage::audits as stored;
use leakage_core::id::AuditId;
use serde_json::json;

/// Runs the job.
pub async fn run(context: JobContext) -> Result<(), JobError> {
    let id = AuditId::new(context.subject);
    // Progress has a transaction of its own: never while another one is open, or jobs wait for each
    // other's connections.
    context.progress(0, Some(3), "loading records").await?;
    let mut tx = context.app.db.begin_snapshot(context.org).await?;
    let audit = stored::find(&mut tx, id).await?.ok_or_else(|| JobError::Refused(ApiError::not_found()))?;
    if audit.status != "running" {
        tx.rollback().await?;
        // An earlier attempt got to the end, and lost its lease afterwards.
        return context.finish(context.begin().await?, &json!({ "audit_id": id })).await;
    }
    let loaded = audits::load(&context.app, &mut tx, &audit).await?;
    tx.commit().await?;
    context.progress(1, Some(3), "comparing").await?;
    let finished = loaded.run(id).await?;
    context.progress(2, Some(3), "storing the document").await?;
    let mut tx = context.begin().await?;
    let found = finished.store(&context.app, &mut tx, id).await?;
    cycles::audit_completed(&context.app, &mut tx, id, &found).await?;
    verify_corrections::after_facts(&mut tx, context.app.clock.now()).await?;
    context.finish(tx, &json!({ "audit_id": id })).await
}

/// Lets the audit fail with the reason.
pub async fn give_up(ended: Ended<'_>) -> Result<(), StorageError> {
    let id = AuditId::new(ended.subject);
    match stored::find(ended.tx, id).await? {
        Some(audit) if audit.status == "running" => {
            cycles::audit_failed(ended.tx, id).await?;
            stored::fail(ended.tx, id, ended.problem, ended.now).await
        }
        _ => Ok(()),
    }
}
