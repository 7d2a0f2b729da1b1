//! The server as our child: launched, watched, stopped. It must not outlive us, however we end.

use super::account::Account;
use super::binaries::Binaries;
use super::{EmbeddedError, Place, io_at, probe};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const POLL: Duration = Duration::from_millis(5);
/// Recovery after a crash replays what was written since the last checkpoint (5 minutes).
const RECOVERY: Duration = Duration::from_mins(5);
/// How long a fast shutdown may take before it is made an immediate one.
const SHUTDOWN: Duration = Duration::from_secs(30);
/// A larger log is put aside at the next start.
const LOG_MAX: u64 = 10 * 1024 * 1024;

/// What the watcher does: it waits for the end of its input, which comes when we close it or die, by
/// whatever signal. Told that the server has ended, it does nothing; else it shuts the server down.
const WATCH: &str = r#"trap '' HUP INT TERM
read -r pid || exit 0
if read -r _; then exit 0; fi
if [ "$(head -n 1 "$0/postmaster.pid" 2>/dev/null)" = "$pid" ]; then kill -INT "$pid"; fi"#;

/// A server that is our child.
#[derive(Debug)]
pub(super) struct Server {
    parts: Mutex<Parts>,
}

#[derive(Debug)]
struct Parts {
    server: Child,
    watcher: Child,
    /// Open as long as the watcher shall keep watching.
    watching: Option<ChildStdin>,
}

/// How a launch went.
pub(super) enum Launch {
    /// It accepts statements.
    Ready(Server),
    /// It ended, because something of an earlier server still holds the folder. What it said.
    Occupied(String),
}

/// Starts the server and waits until it is ready.
pub(super) fn launch(binaries: &Binaries, account: &Account, place: &Place) -> Result<Launch, EmbeddedError> {
    let mut log = open_log(&place.log)?;
    let log_start = io_at("read", &place.log, log.seek(SeekFrom::End(0)))?;
    let program = binaries.program("postgres");
    let mut command = account.command(&program);
    command.arg("-D").arg(&place.folder).stdout(Stdio::null());
    command.stderr(io_at("open", &place.log, log.try_clone())?);
    for setting in settings(&place.socket_dir) {
        command.arg("-c").arg(setting);
    }

    // The watcher comes first, so that there is no moment without one.
    let watcher = io_at("run", Path::new("/bin/sh"), watch(&place.folder))?;
    let server = Server::new(io_at("run", &program, command.spawn())?, watcher)?;
    let pid = server.pid();
    let began = Instant::now();
    while server.running() {
        if probe::ready(&place.folder, &place.socket_dir, Some(pid)) {
            return Ok(Launch::Ready(server));
        }
        if began.elapsed() > RECOVERY {
            return Err(EmbeddedError::Held(place.folder.clone()));
        }
        std::thread::sleep(POLL);
    }
    let mut said = String::new();
    let read = log.seek(SeekFrom::Start(log_start)).and_then(|_| log.read_to_string(&mut said));
    io_at("read", &place.log, read)?;
    // lc_messages is C, so these texts are stable.
    let occupied =
        ["lock file", "pre-existing shared memory block", "is in use"].iter().any(|text| said.contains(text));
    if occupied {
        Ok(Launch::Occupied(tail(&said)))
    } else {
        Err(EmbeddedError::Program { program: "postgres", output: tail(&said) })
    }
}

/// What must hold whatever stands in the cluster's postgresql.conf.
fn settings(socket_dir: &Path) -> Vec<OsString> {
    let mut socket = OsString::from("unix_socket_directories=\"");
    socket.push(socket_dir.to_string_lossy().replace('"', "\"\""));
    socket.push("\"");
    let mut settings: Vec<OsString> = vec![socket];
    settings.extend(
        [
            "listen_addresses=",
            "unix_socket_permissions=0700",
            "fsync=on",
            "synchronous_commit=on",
            "full_page_writes=on",
            "lc_messages=C",
            "timezone=UTC",
            "log_timezone=UTC",
            "logging_collector=off",
            "log_destination=stderr",
        ]
        .map(OsString::from),
    );
    settings.push(format!("port={}", probe::PORT).into());
    settings
}

fn open_log(path: &Path) -> Result<File, EmbeddedError> {
    if fs::metadata(path).is_ok_and(|metadata| metadata.len() > LOG_MAX) {
        io_at("rename", path, fs::rename(path, path.with_extension("log.old")))?;
    }
    io_at("open", path, File::options().create(true).append(true).read(true).mode(0o600).open(path))
}

fn watch(folder: &Path) -> io::Result<Child> {
    Command::new("/bin/sh")
        .args(["-c", WATCH])
        .arg(folder)
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

impl Server {
    fn new(server: Child, mut watcher: Child) -> Result<Self, EmbeddedError> {
        let watching = watcher.stdin.take();
        let server = Self { parts: Mutex::new(Parts { server, watcher, watching }) };
        let told = server.with(|parts| {
            let pid = parts.server.id();
            parts.watching.as_mut().map_or(Ok(()), |pipe| writeln!(pipe, "{pid}"))
        });
        io_at("write to", Path::new("/bin/sh"), told)?;
        Ok(server)
    }

    fn with<T>(&self, act: impl FnOnce(&mut Parts) -> T) -> T {
        act(&mut self.parts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Its process id.
    pub(super) fn pid(&self) -> u32 {
        self.with(|parts| parts.server.id())
    }

    /// Whether it has not ended.
    pub(super) fn running(&self) -> bool {
        self.with(Parts::running)
    }

    fn stop(&self) {
        self.with(|parts| {
            for (signal, patience) in [
                (Signal::SIGINT, SHUTDOWN),
                (Signal::SIGQUIT, Duration::from_secs(5)),
                (Signal::SIGKILL, Duration::from_secs(5)),
            ] {
                if parts.signal_and_wait(signal, patience) {
                    break;
                }
                tracing::warn!(%signal, "PostgreSQL did not stop in time");
            }
            parts.end_watch();
        });
    }
}

impl Parts {
    fn running(&mut self) -> bool {
        let running = matches!(self.server.try_wait(), Ok(None));
        if !running {
            // Its process id may soon be another's.
            self.end_watch();
        }
        running
    }

    fn signal_and_wait(&mut self, signal: Signal, patience: Duration) -> bool {
        let began = Instant::now();
        // Not yet waited for, so the id is still its own.
        if self.running()
            && let Ok(pid) = i32::try_from(self.server.id())
            && let Err(error) = kill(Pid::from_raw(pid), signal)
        {
            tracing::warn!(%error, "cannot signal PostgreSQL");
        }
        while self.running() {
            if began.elapsed() > patience {
                return false;
            }
            std::thread::sleep(POLL);
        }
        true
    }

    fn end_watch(&mut self) {
        if let Some(mut pipe) = self.watching.take() {
            let told = writeln!(pipe, "ended");
            drop(pipe);
            if told.is_err() || self.watcher.wait().is_err() {
                tracing::debug!("the watcher of PostgreSQL was already gone");
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The last lines of what a program said.
pub(super) fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines.get(lines.len().saturating_sub(12)..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durability_is_not_for_the_configuration_file_to_decide() {
        let settings = settings(Path::new("/s"));
        for wanted in ["fsync=on", "synchronous_commit=on", "full_page_writes=on", "listen_addresses="] {
            assert!(settings.contains(&OsString::from(wanted)), "{wanted}");
        }
    }
}
