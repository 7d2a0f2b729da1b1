//! Compares corrections that wait for proof with what was imported: verifies, or reopens.

use super::{Ended, JobContext, JobError, JobKind, enqueue};
use crate::services::corrections::verify;
use crate::storage::corrections as stored;
use crate::storage::{OrgTx, StorageError};
use chrono::{DateTime, Utc};
use leakage_core::id::CorrectionId;
use serde_json::{Value, json};

/// Has them compared after an import or an audit, when there are any.
pub async fn after_facts(tx: &mut OrgTx, now: DateTime<Utc>) -> Result<(), StorageError> {
    if !stored::unproved(tx).await?.is_empty() {
        let org = tx.org().uuid();
        enqueue(tx, now, JobKind::VerifyCorrections, org, Value::Null).await?;
    }
    Ok(())
}

/// Runs the job: each correction in a transaction of its own, so that one that was moved meanwhile does not
/// keep the others waiting. A second run finds noted what the first one noted.
pub async fn run(context: JobContext) -> Result<(), JobError> {
    let mut tx = context.begin().await?;
    let waiting = stored::unproved(&mut tx).await?;
    tx.rollback().await?;
    let mut moved = 0_u32;
    for id in waiting {
        let mut tx = context.begin().await?;
        if verify::verify(&context.app, &mut tx, CorrectionId::new(id)).await?.is_some() {
            moved += 1;
            tx.commit().await?;
        } else {
            tx.rollback().await?;
        }
    }
    context.finish(context.begin().await?, &json!({ "compared": moved })).await
}

/// Nothing waits for it: the next import asks again.
pub async fn give_up(_: Ended<'_>) -> Result<(), StorageError> {
    Ok(())
}
