//! Audits of strangers' files: each in a process of its own, few at once, and nothing left behind.
//!
//! A stranger's file may be anything. So this program is started once more for each request, as
//! `leakage audit-visit`: with nothing of our environment, in `/`, with the files on its standard input, and
//! with limits that it sets on itself before it reads the first byte. It cannot write a file. The kernel
//! stops it at its memory and processor time, we kill it at ours, and whatever becomes of it is the
//! answer to one request.

mod process;
mod wire;

pub use process::{Arguments, VisitProcess};
pub use wire::{Job, Outcome, Refusal};

use crate::error::{ApiError, Code, FieldError};
use bytes::Bytes;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of one request: its files, or its JSON.
pub const MOST_BYTES: usize = 10 << 20;
/// Files of one request.
pub const MOST_FILES: usize = 20;
/// Rows of all files of one request.
pub const MOST_ROWS: u64 = leakage_core::sample::MOST_ROWS;
/// Requests that are received or worked on at once; each may hold its files in memory.
const VISITORS: usize = 8;
/// Audits that run at once.
const RUNS: usize = 2;
/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long one audit may take.
const LONGEST: Duration = Duration::from_secs(30);
/// What those who find no room are told to wait.
const COME_BACK: u64 = 5;

/// Room for strangers.
pub struct Visits {
    /// Places of requests that are received or worked on.
    pub places: Arc<Semaphore>,
    /// Turns of audits that run.
    pub turns: Arc<Semaphore>,
    /// Runs audits in processes of their own; none: in this one, for programs that are not `leakage`.
    pub process: Option<VisitProcess>,
}

impl Visits {
    /// Runs the program that runs.
    pub fn of_this_program() -> Self {
        Self {
            places: Arc::new(Semaphore::new(VISITORS)),
            turns: Arc::new(Semaphore::new(RUNS)),
            process: Some(VisitProcess::of_this_program()),
        }
    }

    /// A place, held until the answer is made. Strangers are the first that are sent away.
    ///
    /// # Errors
    /// 503 when all are taken.
    pub fn enter(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        Arc::clone(&self.places).try_acquire_owned().map_err(|_| busy())
    }

    /// Runs one audit, when it is its turn, and answers the JSON of it.
    ///
    /// # Errors
    /// 503 when there is no turn or it takes too long; what is wrong with the request.
    pub async fn run(&self, job: Job) -> Result<Bytes, ApiError> {
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned());
        let turn = turn.await.map_err(|_| busy())?.map_err(ApiError::internal)?;
        let outcome = match &self.process {
            Some(process) => {
                let outcome = tokio::time::timeout(LONGEST, process.run(&job)).await;
                drop(turn);
                outcome.map_err(|_| too_long())?.map_err(|error| gave_up(&error))?
            }
            None => inside(job, turn).await?,
        };
        match outcome {
            Outcome::Answer(answer) => Ok(answer),
            Outcome::Refused(refusal) => Err(refused(refusal)),
        }
    }
}

/// The same in this process, on a thread that keeps its turn however long it takes.
async fn inside(job: Job, turn: OwnedSemaphorePermit) -> Result<Outcome, ApiError> {
    let work = tokio::task::spawn_blocking(move || {
        let outcome = job.work();
        drop(turn);
        outcome
    });
    let outcome = tokio::time::timeout(LONGEST, work).await.map_err(|_| too_long())?;
    outcome.map_err(ApiError::internal)?.map_err(ApiError::internal)
}

/// There is no room for a stranger now.
pub fn busy() -> ApiError {
    ApiError::new(
        Code::Unavailable,
        "Others are trying it out right now. Send the request again in a moment.",
    )
    .retry_after(COME_BACK)
}

fn too_long() -> ApiError {
    let seconds = LONGEST.as_secs();
    ApiError::new(
        Code::Invalid,
        format!("The audit was not done within {seconds} seconds. Send fewer rows, clients or months."),
    )
}

/// The process died: of its limits, or of a fault. Its words would be the visitor's.
fn gave_up(error: &std::io::Error) -> ApiError {
    // Without a process nobody's files are to blame.
    if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::WouldBlock) {
        return ApiError::internal(std::io::Error::from(error.kind()));
    }
    tracing::warn!(kind = %error.kind(), "the process of a sample audit gave no answer");
    ApiError::new(
        Code::FileUnreadable,
        "The files could not be worked on: they ask for more memory or time than there is for a visitor.",
    )
}

fn refused(refusal: Refusal) -> ApiError {
    let Refusal { code, pointer, reason } = refusal;
    let code = Code::parse(&code).unwrap_or(Code::Invalid);
    let error = ApiError::new(code, reason.clone());
    match pointer {
        Some(pointer) => error.with(FieldError { pointer: Some(pointer), reason, ..FieldError::default() }),
        None => error,
    }
}
