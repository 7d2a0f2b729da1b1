//! Sends an organization's events to its webhook endpoints.
//!
//! A job sends what is due and enqueues the next one, for the time at which something is due again. Two at once
//! do not take the same delivery.

use super::{Ended, JobContext, JobError, JobKind};
use crate::services::webhook_sending::{claim, send, settle};
use crate::storage::{OrgTx, StorageError, jobs, webhook_deliveries};
use chrono::{DateTime, Duration, Utc};
use leakage_core::id::JobId;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::task::JoinSet;
use uuid::Uuid;

/// Rounds of a job; then it lets others have the worker.
const ROUNDS: u32 = 50;
/// Between a job that failed for good, which is a fault of ours, and the next one.
const AFTER_FAULT_MINUTES: i64 = 15;

/// Runs the job.
pub async fn run(context: JobContext) -> Result<(), JobError> {
    let (mut sent, mut taken) = (0_u32, 0_u32);
    for _ in 0..ROUNDS {
        let due = claim(&context.app, context.org).await?;
        if due.is_empty() {
            break;
        }
        let mut sending = JoinSet::new();
        for due in due {
            let (app, org) = (Arc::clone(&context.app), context.org);
            sending.spawn(async move {
                let answer = send(&app, org, &due).await;
                (due, answer)
            });
        }
        while let Some(joined) = sending.join_next().await {
            let (due, answer) = joined.map_err(|error| JobError::Failed(error.into()))?;
            settle(&context.app, context.org, &due, &answer).await?;
            sent += 1;
            taken += u32::from(answer.error.is_none());
        }
    }
    let mut tx = context.begin().await?;
    if let Some(next) = webhook_deliveries::next_attempt(&mut tx).await? {
        enqueue_for(&mut tx, context.app.clock.now(), next).await?;
    }
    context.finish(tx, &json!({ "sent": sent, "delivered": taken })).await
}

/// Enqueues the next job, unless one waits that comes no later.
async fn enqueue_for(tx: &mut OrgTx, now: DateTime<Utc>, at: DateTime<Utc>) -> Result<(), StorageError> {
    let kind = JobKind::SendWebhooks.as_str();
    if jobs::any_waiting_by(tx, kind, at).await? {
        return Ok(());
    }
    let (job, org) = (JobId::new(Uuid::now_v7()), tx.org().uuid());
    jobs::enqueue_at(tx, (now, at), job, kind, org, &Value::Null).await
}

/// Tries again later: deliveries wait.
pub async fn give_up(ended: Ended<'_>) -> Result<(), StorageError> {
    enqueue_for(ended.tx, ended.now, ended.now + Duration::minutes(AFTER_FAULT_MINUTES)).await
}
