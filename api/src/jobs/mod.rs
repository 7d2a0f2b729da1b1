//! Background work, one file per kind of job.
//!
//! A job is enqueued in the transaction that causes it ([`enqueue`]) and run by a [`runner`], here or in
//! another process. It may be begun more than once (a worker dies, the database fails), so a kind's
//! `run` begins from what is stored, and commits its effect with [`JobContext::finish`], which also
//! checks that the job is still this worker's. A new kind is one file here and one line in `kinds!`.
//!
//! Jobs know services and storage; they know no HTTP.

pub mod build_evidence;
pub mod check_cycles;
pub mod check_deadlines;
pub mod erase_person;
pub mod housekeeping;
pub mod read_import;
pub mod retain_evidence;
pub mod run_audit;
pub mod runner;
pub mod seal_timeline;
pub mod send_letter;
pub mod send_notice;
pub mod send_webhooks;
pub mod tend_evidence;
pub mod verify_corrections;

use crate::app::App;
use crate::error::ApiError;
use crate::storage::jobs::{self, Claim, JobProgress};
use crate::storage::{OrgTx, StorageError};
use chrono::{DateTime, Utc};
use leakage_core::id::{JobId, OrgId};
use serde::Serialize;
use serde_json::Value;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use uuid::Uuid;

/// What giving a job up comes to, inside the transaction that records it.
pub type GiveUpFuture<'a> = Pin<Box<dyn Future<Output = Result<(), StorageError>> + Send + 'a>>;

/// What running a job comes to. [`JobContext::finish`] has committed the effect when it is `Ok`.
pub type JobFuture = Pin<Box<dyn Future<Output = Result<(), JobError>> + Send>>;

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal => $run:path, $give_up:path;)+) => {
        /// All kinds of jobs. New ones may be added.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum JobKind { $($(#[$doc])* $variant,)+ }

        impl JobKind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in the database and on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// Runs one job of this kind.
            pub fn run(self, context: JobContext) -> JobFuture {
                match self { $(Self::$variant => Box::pin($run(context)),)+ }
            }

            /// Ends what a job of this kind works on when the job is refused or given up, so that nothing
            /// waits for it for ever. Harmless when it has ended already.
            pub fn give_up(self, ended: Ended<'_>) -> GiveUpFuture<'_> {
                match self { $(Self::$variant => Box::pin($give_up(ended)),)+ }
            }
        }
    };
}

kinds! {
    /// Builds an evidence bundle.
    BuildEvidence = "build_evidence" => build_evidence::run, build_evidence::give_up;
    /// Looks at the organization's monthly cycles.
    CheckCycles = "check_cycles" => check_cycles::run, check_cycles::give_up;
    /// Looks at the organization's deadlines.
    CheckDeadlines = "check_deadlines" => check_deadlines::run, check_deadlines::give_up;
    /// Erases a person.
    ErasePerson = "erase_person" => erase_person::run, erase_person::give_up;
    /// Removes what an organization need not keep: old replies, old jobs.
    Housekeeping = "housekeeping" => housekeeping::run, housekeeping::give_up;
    /// Reads an uploaded file.
    ReadImport = "read_import" => read_import::run, read_import::give_up;
    /// Removes persons' data that an organization keeps no longer.
    RetainEvidence = "retain_evidence" => retain_evidence::run, retain_evidence::give_up;
    /// Runs an audit.
    RunAudit = "run_audit" => run_audit::run, run_audit::give_up;
    /// Signs a checkpoint of the log, and has the bundles built that wait for it.
    SealTimeline = "seal_timeline" => seal_timeline::run, seal_timeline::give_up;
    /// Sends a letter by mail.
    SendLetter = "send_letter" => send_letter::run, send_letter::give_up;
    /// Mails a person of the organization.
    SendNotice = "send_notice" => send_notice::run, send_notice::give_up;
    /// Sends events to receivers.
    SendWebhooks = "send_webhooks" => send_webhooks::run, send_webhooks::give_up;
    /// Looks after bundles and erasures that failed.
    TendEvidence = "tend_evidence" => tend_evidence::run, tend_evidence::give_up;
    /// Compares corrections with what was imported.
    VerifyCorrections = "verify_corrections" => verify_corrections::run, verify_corrections::give_up;
}

impl JobKind {
    /// From its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
    }
}

/// Why a job did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// Another worker has it by now. Nothing was committed, and nothing need be done.
    #[error("the job belongs to another worker by now")]
    LeaseLost,
    /// The same input would fail in the same way: the organization is told why.
    #[error("the job was refused")]
    Refused(#[source] ApiError),
    /// It may succeed later.
    #[error("the job failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<StorageError> for JobError {
    fn from(error: StorageError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<ApiError> for JobError {
    fn from(error: ApiError) -> Self {
        if error.code().retryable() { Self::Failed(error.into()) } else { Self::Refused(error) }
    }
}

/// Adds a job to run at once; it exists if and only if `tx` commits.
pub async fn enqueue(
    tx: &mut OrgTx,
    now: DateTime<Utc>,
    kind: JobKind,
    subject: Uuid,
    payload: Value,
) -> Result<JobId, StorageError> {
    let job = JobId::new(Uuid::now_v7());
    jobs::enqueue(tx, now, job, kind.as_str(), subject, &payload).await?;
    Ok(job)
}

/// A job that did not come to its end and will not be begun again.
pub struct Ended<'a> {
    /// The transaction in which the job's end is recorded.
    pub tx: &'a mut OrgTx,
    /// What it worked on.
    pub subject: Uuid,
    /// Why it ended: problem details, as stored with the job.
    pub problem: &'a Value,
    /// When.
    pub now: DateTime<Utc>,
}

/// One claimed job: what it is about, and the way to its effect.
#[derive(Clone)]
pub struct JobContext {
    /// Database, clock, files.
    pub app: Arc<App>,
    /// Whose job it is.
    pub org: OrgId,
    /// Which job.
    pub job: JobId,
    /// Which kind.
    pub kind: JobKind,
    /// The import, audit or other thing that it works on.
    pub subject: Uuid,
    /// What else was said when it was enqueued.
    pub payload: Value,
    /// How often it has been begun, this time included.
    pub attempt: i32,
    claim: Claim,
}

impl JobContext {
    /// Begins a transaction of the job's organization.
    pub async fn begin(&self) -> Result<OrgTx, StorageError> {
        self.app.db.begin(self.org).await
    }

    /// Tells how far it is, in a transaction of its own: `done` of `total` units.
    ///
    /// # Errors
    /// [`JobError::LeaseLost`] when another worker has the job: stop.
    pub async fn progress(&self, done: i64, total: Option<i64>, note: &str) -> Result<(), JobError> {
        self.tell(JobProgress { done, total, rows: None, note }).await
    }

    /// The same, with all that can be said.
    ///
    /// # Errors
    /// As [`JobContext::progress`].
    pub async fn tell(&self, progress: JobProgress<'_>) -> Result<(), JobError> {
        let mut tx = self.begin().await?;
        if !jobs::progress(&mut tx, self.claim, self.app.clock.now(), &progress).await? {
            return Err(JobError::LeaseLost);
        }
        tx.commit().await?;
        Ok(())
    }

    /// [`JobContext::finish`], with how far it was at its end.
    ///
    /// # Errors
    /// As [`JobContext::finish`].
    pub async fn finish_at(
        &self,
        mut tx: OrgTx,
        progress: JobProgress<'_>,
        result: &(impl Serialize + Sync),
    ) -> Result<(), JobError> {
        if !jobs::progress(&mut tx, self.claim, self.app.clock.now(), &progress).await? {
            return Err(JobError::LeaseLost);
        }
        self.finish(tx, result).await
    }

    /// Commits the effect in `tx` together with the job's success, if the job is still this worker's.
    ///
    /// # Errors
    /// [`JobError::LeaseLost`]: nothing was committed.
    pub async fn finish(&self, mut tx: OrgTx, result: &(impl Serialize + Sync)) -> Result<(), JobError> {
        let result = serde_json::to_value(result).map_err(|error| JobError::Failed(error.into()))?;
        if !jobs::finish(&mut tx, self.claim, self.app.clock.now(), Ok(&result)).await? {
            return Err(JobError::LeaseLost);
        }
        tx.commit().await?;
        self.app.ended.notify_waiters();
        Ok(())
    }
}
