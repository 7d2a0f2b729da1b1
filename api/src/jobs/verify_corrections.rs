//! Compares corrections that wait for proof with what was imported: verifies, or reopens.

use super::{Ended, JobContext, JobError, JobKind, enqueue};
use crate::services::corrections::verify;
use crate::storage::corrections as stored;
use crate::storage::{self, OrgTx, StorageError};
use chrono::{DateTime, Utc};
use leakage_core::id::CorrectionId;
use serde_json::{Value, json};

/// Has them compared after an import or an audit, when there are any.
pub async fn after_facts(tx: &mut OrgTx, now: DateTime<Utc>) -> Result<(), StorageError> {
    let kind = JobKind::VerifyCorrections;
    // A comparison that has not begun will see this too; one that has begun may not.
    if !stored::unproved(tx).await?.is_empty() && !storage::jobs::hold_waiting(tx, kind.as_str(), now).await?
    {
        let org = tx.org().uuid();
        enqueue(tx, now, kind, org, Value::Null).await?;
    }
    Ok(())
}

/// Runs the job: each correction in a transaction of its own, so that one that was moved meanwhile, or that
/// cannot be moved, does not keep the others waiting. A second run finds noted what the first one noted.
pub async fn run(context: JobContext) -> Result<(), JobError> {
    let mut tx = context.begin().await?;
    let waiting = stored::unproved(&mut tx).await?;
    tx.rollback().await?;
    let (mut moved, mut refused) = (0_u32, 0_u32);
    for id in waiting {
        match verify::verify(&context.app, context.org, CorrectionId::new(id)).await {
            Ok(true) => moved += 1,
            Ok(false) => {}
            Err(error) if error.code().retryable() => return Err(error.into()),
            Err(error) => {
                refused += 1;
                tracing::warn!(
                    correction.id = %id,
                    error = &error as &dyn std::error::Error,
                    "a correction cannot be compared with what was imported"
                );
            }
        }
    }
    context.finish(context.begin().await?, &json!({ "compared": moved, "refused": refused })).await
}

/// Nothing waits for it: the next import asks again.
pub async fn give_up(_: Ended<'_>) -> Result<(), StorageError> {
    Ok(())
}
