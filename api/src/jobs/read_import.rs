//! Reads an uploaded file into records: all of them or none.

use super::{Ended, JobContext, JobError, verify_corrections};
use crate::error::ApiError;
use crate::services::cycles;
use crate::services::imports::{self, ImportProgress};
use crate::storage::StorageError;
use crate::storage::imports as stored;
use crate::storage::jobs::JobProgress;
use leakage_core::id::ImportId;
use serde_json::json;
use std::time::Duration;
use tokio::sync::watch;

/// Between two words on how far it is.
const PAUSE: Duration = Duration::from_secs(1);

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
    let (progress, mut seen) = watch::channel(ImportProgress::default());
    let read = imports::read(&context.app, context.org, &import, &progress);
    let mut tx = tokio::select! {
        read = read => read?,
        lost = tell(&context, &mut seen) => return Err(lost),
    };
    if stored::find(&mut tx, id).await?.is_some_and(|import| import.status == "completed") {
        cycles::facts_changed(&mut tx, context.app.clock.now()).await?;
    }
    verify_corrections::after_facts(&mut tx, context.app.clock.now()).await?;
    let last = *seen.borrow();
    context.finish_at(tx, progress_of(last), &json!({ "import_id": id })).await
}

/// Tells how far the reading is, once a second, in transactions of their own; ends when the job belongs to
/// another worker.
async fn tell(context: &JobContext, seen: &mut watch::Receiver<ImportProgress>) -> JobError {
    loop {
        if seen.changed().await.is_err() {
            return std::future::pending().await;
        }
        let now = *seen.borrow_and_update();
        match context.tell(progress_of(now)).await {
            Ok(()) => {}
            Err(JobError::LeaseLost) => return JobError::LeaseLost,
            // Whoever asks sees an older state, and the import is none the worse.
            Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "progress is not told"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn progress_of(progress: ImportProgress) -> JobProgress<'static> {
    let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    JobProgress {
        done: count(progress.bytes),
        total: Some(count(progress.size)).filter(|size| *size > 0),
        rows: Some(count(progress.rows)),
        note: "reading the file",
    }
}

/// Refuses the import, so that its file can be uploaded again.
pub async fn give_up(ended: Ended<'_>) -> Result<(), StorageError> {
    imports::give_up(ended.tx, ImportId::new(ended.subject), ended.problem, ended.now).await
}
