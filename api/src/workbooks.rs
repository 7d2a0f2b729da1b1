//! Workbooks are read in a process of their own, which may die.
//!
//! What reads their XML is not ours and holds a whole workbook: 1.5 MB of shared strings take 1.5 GB, and
//! a file nobody thought of may take everything. So this program is started once more for each workbook, as
//! `leakage read-workbook`: with nothing of our environment, in `/`, with the workbook on its standard input,
//! and with limits that it sets on itself before it reads the first byte. The kernel stops it at its memory and
//! processor time, and we kill it when it is silent for too long. Whatever becomes of it, the outcome is an
//! error of one file.

use crate::confined::{COUNTED, Confinement};
use leakage_core::ingest::{
    EachSheetEvent, FileError, Limits, SheetReader, Source, read_sheets, write_sheets,
};
use std::ffi::OsString;
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Memory of the process, program included.
const MEMORY: u64 = 1 << 30;
/// Its processor time.
const PROCESSOR: Duration = Duration::from_mins(2);
/// How long it may be silent while we wait for it.
const SILENCE: Duration = Duration::from_mins(1);

/// Starts a process for each workbook.
#[derive(Clone, Debug)]
pub struct WorkbookProcess {
    program: PathBuf,
    memory: u64,
    processor: Duration,
    silence: Duration,
}

impl WorkbookProcess {
    /// Runs the program that runs.
    pub fn of_this_program() -> Self {
        Self::of(this_program())
    }

    /// Runs another `leakage`.
    pub fn of(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), memory: MEMORY, processor: PROCESSOR, silence: SILENCE }
    }

    /// With other limits: memory in bytes, processor time, and how long it may be silent.
    #[must_use]
    pub const fn limited(mut self, memory: u64, processor: Duration, silence: Duration) -> Self {
        (self.memory, self.processor, self.silence) = (memory, processor, silence);
        self
    }

    fn start(&self, limits: &Limits) -> io::Result<Child> {
        let arguments = Arguments {
            memory: self.memory,
            processor: self.processor.as_secs().max(1),
            bytes: limits.bytes,
            text: limits.spreadsheet_inflated,
            columns: limits.columns,
            cells: limits.cells,
            field: limits.field,
        };
        Command::new(&self.program)
            .args(arguments.words())
            .env_clear()
            .envs(COUNTED)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
    }
}

/// The program that runs, on Linux also when its file was replaced meanwhile by a newer version.
pub(crate) fn this_program() -> PathBuf {
    let link = Path::new("/proc/self/exe");
    if link.exists() {
        link.to_owned()
    } else {
        std::env::current_exe().unwrap_or_else(|_| PathBuf::from("leakage"))
    }
}

impl SheetReader for WorkbookProcess {
    fn read(
        &self,
        workbook: &dyn Source,
        limits: &Limits,
        each: &mut EachSheetEvent<'_>,
    ) -> Result<(), FileError> {
        let unreadable = |error: io::Error| FileError::unreadable_workbook(&error);
        let mut child = self.start(limits).map_err(unreadable)?;
        let pipes = (child.stdin.take(), child.stdout.take());
        let (Some(mut stdin), Some(stdout)) = pipes else {
            return Err(FileError::unreadable_workbook(&"its reader has no pipes"));
        };
        let waiting = Mutex::new(None);
        let (done, ended) = channel();
        std::thread::scope(|scope| {
            // One that reads no more has died or has seen enough: its output tells.
            scope.spawn(move || workbook.open().and_then(|mut bytes| io::copy(&mut bytes, &mut stdin)));
            let (child, waiting) = (&mut child, &waiting);
            scope.spawn(move || watch(child, waiting, self.silence, &ended));
            let mut lines = BufReader::with_capacity(64 * 1024, Awaited { stdout, waiting });
            let outcome = read_sheets(&mut lines, limits, each);
            drop(done);
            outcome
        })
    }
}

/// Kills the process when it is silent for too long, and when it is done with.
fn watch(child: &mut Child, waiting: &Mutex<Option<Instant>>, silence: Duration, ended: &Receiver<()>) {
    let look = (silence / 4).min(Duration::from_secs(1));
    while matches!(ended.recv_timeout(look), Err(RecvTimeoutError::Timeout)) {
        let since = waiting.lock().map_or(None, |since| *since);
        if since.is_some_and(|since| since.elapsed() > silence) {
            break;
        }
    }
    // Both fail only when it is gone already.
    let _ = child.kill();
    let _ = child.wait();
}

/// The process's output, and since when we have waited for it.
struct Awaited<'a, R> {
    stdout: R,
    waiting: &'a Mutex<Option<Instant>>,
}

impl<R> Awaited<'_, R> {
    fn set(&self, since: Option<Instant>) {
        if let Ok(mut waiting) = self.waiting.lock() {
            *waiting = since;
        }
    }
}

impl<R: Read> Read for Awaited<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.set(Some(Instant::now()));
        let read = self.stdout.read(buffer);
        self.set(None);
        read
    }
}

/// Name of the subcommand.
const SUBCOMMAND: &str = "read-workbook";

/// Arguments of `leakage read-workbook`: its limits.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Bytes of memory.
    #[arg(long, default_value_t = MEMORY)]
    memory: u64,
    /// Seconds of processor time.
    #[arg(long, default_value_t = PROCESSOR.as_secs())]
    processor: u64,
    /// Bytes of the workbook.
    #[arg(long, default_value_t = Limits::default().bytes)]
    bytes: u64,
    /// Bytes of all texts.
    #[arg(long, default_value_t = Limits::default().spreadsheet_inflated)]
    text: u64,
    /// Columns.
    #[arg(long, default_value_t = Limits::default().columns)]
    columns: usize,
    /// Cells of all sheets.
    #[arg(long, default_value_t = Limits::default().cells)]
    cells: usize,
    /// Bytes of one cell.
    #[arg(long, default_value_t = Limits::default().field)]
    field: usize,
}

impl Arguments {
    fn words(&self) -> Vec<OsString> {
        let named = [
            ("memory", self.memory.to_string()),
            ("processor", self.processor.to_string()),
            ("bytes", self.bytes.to_string()),
            ("text", self.text.to_string()),
            ("columns", self.columns.to_string()),
            ("cells", self.cells.to_string()),
            ("field", self.field.to_string()),
        ];
        let limits = named.into_iter().map(|(name, value)| format!("--{name}={value}"));
        std::iter::once(SUBCOMMAND.to_owned()).chain(limits).map(OsString::from).collect()
    }

    /// Reads the workbook on standard input and writes its rows as lines on standard output.
    ///
    /// # Errors
    /// When the limits cannot be set, or the pipes break.
    pub fn run(&self) -> io::Result<()> {
        Confinement { memory: self.memory, processor: self.processor, alone: true }.apply()?;
        let limits = Limits {
            bytes: self.bytes,
            spreadsheet_inflated: self.text,
            columns: self.columns,
            cells: self.cells,
            field: self.field,
            ..Limits::default()
        };
        let mut workbook = Vec::new();
        io::stdin().lock().take(self.bytes.saturating_add(1)).read_to_end(&mut workbook)?;
        let mut out = io::BufWriter::with_capacity(64 * 1024, io::stdout().lock());
        write_sheets(&workbook, &limits, &mut out)?;
        out.flush()
    }
}
