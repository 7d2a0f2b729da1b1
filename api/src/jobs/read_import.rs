//! Reads an uploaded file into records: all of them or none.

use super::{Ended, JobContext, JobError};
use crate::error::ApiError;
use crate::services::imports;
use crate::storage::StorageError;
use crate::storage::imports as stored;
use leakage_core::id::ImportId;
use serde_json::json;

/// Runs the job.
pub async fn run(context: JobContext) -> Result<(), JobError> {
    let id = ImportId::new(context.subject);
    let mut tx = context.begin().await?;
    let Some(import) = stored::find(&mut tx, id).await? else {
        return Err(JobError::Refused(ApiError::not_found()));
    };
    tx.commit().await?;
    if import.status != "processing" {
        // An earlier attempt got to the end, and lost its lease afterwards.
        return context.finish(context.begin().await?, &json!({ "import_id": id })).await;
    }
    // Progress has a transaction of its own: never while another one is open, or jobs wait for each
    // other's connections.
    context.progress(0, Some(2), "reading the file").await?;
    let reading = imports::read(&context.app, context.org, &import).await?;
    context.progress(1, Some(2), "storing its rows").await?;
    let mut tx = context.begin().await?;
    reading.store(&context.app, &mut tx, id).await?;
    context.finish(tx, &json!({ "import_id": id })).await
}

/// Refuses the import, so that its file can be uploaded again.
pub async fn give_up(ended: Ended<'_>) -> Result<(), StorageError> {
    imports::give_up(ended.tx, ImportId::new(ended.subject), ended.problem, ended.now).await
}
