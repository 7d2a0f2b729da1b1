//! The process of one audit, from both sides.

use super::wire::{Job, Outcome};
use crate::confined::{COUNTED, Confinement};
use crate::workbooks::this_program;
use bytes::Bytes;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

/// Memory of the process, program included.
const MEMORY: u64 = 1 << 30;
/// Seconds of processor time.
const PROCESSOR: u64 = 15;
/// Bytes of its answer.
const MOST_ANSWER: u64 = 64 << 20;

/// Starts a process for each audit.
#[derive(Clone, Debug)]
pub struct VisitProcess {
    program: PathBuf,
    memory: u64,
    processor: u64,
}

impl VisitProcess {
    /// Runs the program that runs.
    pub fn of_this_program() -> Self {
        Self::of(this_program())
    }

    /// Runs another `leakage`.
    pub fn of(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), memory: MEMORY, processor: PROCESSOR }
    }

    /// With other limits: memory in bytes, processor time in seconds.
    #[must_use]
    pub const fn limited(mut self, memory: u64, processor: u64) -> Self {
        (self.memory, self.processor) = (memory, processor);
        self
    }

    /// Runs one audit. The process is killed when this is dropped.
    ///
    /// # Errors
    /// When it cannot be started, or ends without an answer.
    pub async fn run(&self, job: &Job) -> io::Result<Outcome> {
        let mut child = Command::new(&self.program)
            .args([
                SUBCOMMAND.to_owned(),
                format!("--memory={}", self.memory),
                format!("--processor={}", self.processor),
            ])
            .env_clear()
            .envs(COUNTED)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let written = job.written()?;
        let send = async move {
            // One that reads no more has died or knows enough: its output tells.
            let _ = stdin.write_all(&written).await;
            drop(stdin);
        };
        let mut answer = Vec::new();
        let mut stdout = stdout.take(MOST_ANSWER);
        let ((), read) = tokio::join!(send, stdout.read_to_end(&mut answer));
        read?;
        drop(stdout);
        if !child.wait().await?.success() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Outcome::read(&Bytes::from(answer))
    }
}

/// Name of the subcommand.
const SUBCOMMAND: &str = "audit-visit";

/// Arguments of `leakage audit-visit`: its limits.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Bytes of memory.
    #[arg(long, default_value_t = MEMORY)]
    memory: u64,
    /// Seconds of processor time.
    #[arg(long, default_value_t = PROCESSOR)]
    processor: u64,
}

impl Arguments {
    /// Reads the job on standard input and writes its outcome on standard output.
    ///
    /// # Errors
    /// When the limits cannot be set, or the pipes break.
    pub fn run(&self) -> io::Result<()> {
        Confinement { memory: self.memory, processor: self.processor, alone: false }.apply()?;
        let job = Job::read(&mut io::BufReader::new(io::stdin().lock()))?;
        job.work()?.write(&mut io::BufWriter::new(io::stdout().lock()))
    }
}
