//! Claims jobs and runs them: in batches, with a lease that a heartbeat extends, with retries.
//!
//! A worker that dies stops its heartbeat; when the lease is over, another one claims the job with a
//! higher fence. What the first one still tries to write is then refused.

use super::{Ended, JobContext, JobError, JobFuture, JobKind};
use crate::app::App;
use crate::error::{ApiError, Code};
use crate::services::{cycles, deadlines, evidence};
use crate::storage::jobs::{self, Claim};
use crate::storage::{OrgTx, StorageError};
use chrono::{DateTime, Duration, Utc};
use futures_util::FutureExt as _;
use serde_json::Value;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

/// How often a job is begun before it is given up.
pub const MAX_ATTEMPTS: i32 = 5;

/// Between two looks at whose time has come: cycles, deadlines, logs that wait for a checkpoint.
const TICK: std::time::Duration = std::time::Duration::from_mins(1);

/// What runs a job: [`JobKind::run`], or what a test puts in its place.
pub type Handler = fn(JobContext) -> JobFuture;

/// Claims and runs jobs.
#[derive(Clone)]
pub struct Runner {
    app: Arc<App>,
    handler: Handler,
}

impl Runner {
    /// A runner for all kinds.
    pub fn new(app: Arc<App>) -> Self {
        Self { app, handler: |context| context.kind.run(context) }
    }

    /// A runner that runs every job with `handler`: for tests that make workers fail.
    #[must_use]
    pub const fn with_handler(mut self, handler: Handler) -> Self {
        self.handler = handler;
        self
    }

    /// Works until `stop`; jobs that run then are given 25 seconds, and are left to others after that.
    pub async fn run(self, stop: CancellationToken) {
        let concurrency = self.app.config.worker.concurrency;
        let poll = std::time::Duration::from_millis(self.app.config.worker.poll_milliseconds);
        let mut running = JoinSet::new();
        let mut ticked: Option<std::time::Instant> = None;
        while !stop.is_cancelled() {
            while running.try_join_next().is_some() {}
            if ticked.is_none_or(|at| at.elapsed() >= TICK) {
                self.tick_or_not().await;
                ticked = Some(std::time::Instant::now());
            }
            let claimed = self.claim_or_none(concurrency.saturating_sub(running.len())).await;
            let idle = claimed.is_empty();
            for claim in claimed {
                let runner = self.clone();
                running.spawn(async move { runner.work(claim).await });
            }
            if idle {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = self.app.work.notified() => {}
                    Some(_) = running.join_next(), if !running.is_empty() => {}
                    () = tokio::time::sleep(poll) => {}
                }
            }
        }
        let drained = async { while running.join_next().await.is_some() {} };
        if tokio::time::timeout(std::time::Duration::from_secs(25), drained).await.is_err() {
            tracing::warn!(
                "stopping although jobs are running; others begin them again when their lease is over"
            );
        }
    }

    /// Runs what is ready until nothing is, what the clocks make ready included, one job after the
    /// other; answers how many were begun.
    pub async fn drain(&self) -> Result<usize, StorageError> {
        let mut begun = 0;
        cycles::tick(&self.app).await?;
        deadlines::tick(&self.app).await?;
        loop {
            let claimed = self.claim(1).await?;
            match claimed.first() {
                Some(claim) => {
                    self.work(*claim).await;
                    begun += 1;
                }
                None if evidence::tick(&self.app).await? == 0 => return Ok(begun),
                None => {}
            }
        }
    }

    /// Claims up to `limit` jobs for this worker.
    pub async fn claim(&self, limit: usize) -> Result<Vec<Claim>, StorageError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let mut tx = self.app.db.begin_system().await?;
        let now = self.app.clock.now();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let claimed = jobs::claim(&mut tx, now, self.lease_until(now), limit).await?;
        tx.commit().await?;
        Ok(claimed)
    }

    async fn tick_or_not(&self) {
        if let Err(error) = cycles::tick(&self.app).await {
            tracing::error!(error = &error as &dyn std::error::Error, "the clock of cycles cannot be read");
        }
        if let Err(error) = evidence::tick(&self.app).await {
            tracing::error!(error = &error as &dyn std::error::Error, "the clock of evidence cannot be read");
        }
        if let Err(error) = deadlines::tick(&self.app).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the clock of deadlines cannot be read"
            );
        }
    }

    async fn claim_or_none(&self, limit: usize) -> Vec<Claim> {
        self.claim(limit).await.unwrap_or_else(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "jobs cannot be claimed");
            Vec::new()
        })
    }

    fn lease_until(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now + Duration::seconds(i64::from(self.app.config.worker.lease_seconds))
    }

    /// Runs one claimed job and records how it ended.
    pub async fn work(&self, claim: Claim) {
        let span =
            tracing::info_span!("job", job.id = %claim.job, org.id = %claim.org, job.attempt = claim.attempt);
        async {
            let begun = std::time::Instant::now();
            let outcome = self.attempt(claim).await;
            let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            match &outcome {
                Ok(()) => tracing::info!(duration_ms, "job succeeded"),
                Err(JobError::LeaseLost) => tracing::warn!(duration_ms, "job was lost to another worker"),
                Err(error) => {
                    tracing::error!(
                        duration_ms,
                        error = error as &dyn std::error::Error,
                        "job did not succeed"
                    );
                }
            }
            if let Err(error) = self.settle(claim, outcome).await {
                // The lease runs out, and the job is begun again.
                tracing::error!(error = &error as &dyn std::error::Error, "a job's end cannot be recorded");
            }
        }
        .instrument(span)
        .await;
    }

    async fn attempt(&self, claim: Claim) -> Result<(), JobError> {
        if claim.attempt > MAX_ATTEMPTS {
            return Err(JobError::Failed("the worker died each time that it was begun".into()));
        }
        let Some(context) = self.start(claim).await? else { return Err(JobError::LeaseLost) };
        let work = AssertUnwindSafe((self.handler)(context)).catch_unwind();
        tokio::select! {
            ended = work => ended.unwrap_or_else(|_| Err(JobError::Failed("the job panicked".into()))),
            () = self.heartbeat(claim) => Err(JobError::LeaseLost),
        }
    }

    async fn start(&self, claim: Claim) -> Result<Option<JobContext>, JobError> {
        let mut tx = self.app.db.begin(claim.org).await?;
        let Some((kind, subject, payload)) = jobs::start(&mut tx, claim, self.app.clock.now()).await? else {
            return Ok(None);
        };
        tx.commit().await?;
        let kind = JobKind::parse(&kind).ok_or_else(|| {
            JobError::Failed("this version of the worker does not know the job's kind".into())
        })?;
        Ok(Some(JobContext {
            app: Arc::clone(&self.app),
            org: claim.org,
            job: claim.job,
            kind,
            subject,
            payload,
            attempt: claim.attempt,
            claim,
        }))
    }

    /// Extends the lease three times as often as needed; ends when the job is no longer ours.
    async fn heartbeat(&self, claim: Claim) {
        let third =
            std::time::Duration::from_millis(u64::from(self.app.config.worker.lease_seconds) * 1000 / 3);
        loop {
            tokio::time::sleep(third).await;
            match self.beat(claim).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "a job's lease cannot be extended"
                    );
                }
            }
        }
    }

    async fn beat(&self, claim: Claim) -> Result<bool, StorageError> {
        let mut tx = self.app.db.begin_system().await?;
        let held = jobs::extend(&mut tx, claim, self.lease_until(self.app.clock.now())).await?;
        tx.commit().await?;
        Ok(held)
    }

    /// Records a failure: refused for good, given up, or to be begun again.
    async fn settle(&self, claim: Claim, outcome: Result<(), JobError>) -> Result<(), StorageError> {
        let now = self.app.clock.now();
        let mut tx = self.app.db.begin(claim.org).await?;
        let held = match outcome {
            Ok(()) | Err(JobError::LeaseLost) => return Ok(()),
            Err(JobError::Refused(error)) => {
                let problem = problem(&error, claim);
                give_up(&mut tx, claim, &problem, now).await?;
                jobs::finish(&mut tx, claim, now, Err(&problem)).await?
            }
            Err(JobError::Failed(_)) if claim.attempt >= MAX_ATTEMPTS => {
                let error = ApiError::new(
                    Code::Internal,
                    "The work failed several times and was given up. It has been recorded under this job's id.",
                );
                let problem = problem(&error, claim);
                give_up(&mut tx, claim, &problem, now).await?;
                jobs::bury(&mut tx, claim, now, &problem).await?
            }
            Err(JobError::Failed(_)) => jobs::release(&mut tx, claim, now, now + backoff(claim)).await?,
        };
        // Not ours any more: what was written goes with the transaction.
        if !held {
            return tx.rollback().await;
        }
        tx.commit().await?;
        self.app.ended.notify_waiters();
        Ok(())
    }
}

/// Ends what the job works on, so that nobody waits for it.
async fn give_up(
    tx: &mut OrgTx,
    claim: Claim,
    problem: &Value,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let Some(job) = jobs::find(tx, claim.job).await? else { return Ok(()) };
    match JobKind::parse(&job.kind) {
        Some(kind) => kind.give_up(Ended { tx, subject: job.subject, problem, now }).await,
        None => Ok(()),
    }
}

/// 5, 20, 80, 320 seconds, and up to a quarter more, so that jobs that failed together do not return
/// together.
fn backoff(claim: Claim) -> Duration {
    let seconds = 5 * 4_i64.pow(u32::try_from(claim.attempt.clamp(1, 4) - 1).unwrap_or(0));
    let spread = i64::from(claim.job.uuid().as_bytes()[15]);
    Duration::milliseconds(seconds * 1000 + seconds * 250 * spread / 255)
}

/// The problem as stored; the job's id stands where a request's would.
fn problem(error: &ApiError, claim: Claim) -> Value {
    serde_json::to_value(error.problem(&claim.job.to_string())).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn waiting_grows_with_each_attempt_and_stays_below_seven_minutes() {
        let mut before = Duration::zero();
        for attempt in 1..MAX_ATTEMPTS {
            let claim = Claim { job: Uuid::max().into(), org: Uuid::nil().into(), fence: 1, attempt };
            let wait = backoff(claim);
            assert!(wait > before && wait < Duration::minutes(7), "{attempt}: {wait}");
            before = wait;
        }
    }
}
