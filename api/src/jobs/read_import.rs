//! Reads an uploaded file into records: all of them or none.

use super::runner::MAX_ATTEMPTS;
use super::{JobContext, JobError};
use crate::error::{ApiError, Code};
use crate::services::imports;
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
    context.progress(0, Some(2), "reading the file").await?;
    let outcome = imports::read(&context.app, context.org, &import).await;
    let mut tx = context.begin().await?;
    match outcome {
        Ok(reading) => {
            context.progress(1, Some(2), "storing its rows").await?;
            reading.store(&context.app, &mut tx, id).await?;
        }
        Err(error) if context.attempt < MAX_ATTEMPTS => return Err(error.into()),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, import.id = %id, "an import is given up");
            let problem = ApiError::new(
                Code::Internal,
                "The file could not be read because of a fault of ours, several times. Upload it again later.",
            );
            imports::give_up(&context.app, &mut tx, id, &problem).await?;
        }
    }
    context.finish(tx, &json!({ "import_id": id })).await
}
