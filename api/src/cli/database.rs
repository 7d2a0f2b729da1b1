//! `leakage database`: the private PostgreSQL alone, for backup, restore and a look inside.

use crate::embedded::{Cluster, DATABASE, SUPERUSER};
use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Arguments of `leakage database`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The data folder.
    #[arg(long, env = "LEAKAGE_DATA_DIR", default_value = "data")]
    data_dir: PathBuf,
    /// Run this while the server is up, as its superuser and with its programs in PATH: `pg_dump -Fc
    /// -f backup.dump`, `psql`. Without it the server runs until Ctrl-C.
    #[arg(last = true)]
    command: Vec<String>,
}

/// Runs the command. The exit code is that of the command given, 1 if there is no server.
pub fn run(arguments: &Arguments) -> ExitCode {
    match serve(arguments) {
        Ok(code) => code,
        Err(error) => super::report(error.as_ref()),
    }
}

fn serve(arguments: &Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // From here on a signal ends this process in order instead of killing it.
    let signals = runtime.block_on(async { super::signals::Signals::listen() })?;
    let cluster = Cluster::start(&arguments.data_dir)?;
    if let Some((program, rest)) = arguments.command.split_first() {
        return run_inside(&cluster, program, rest);
    }
    writeln!(
        io::stdout(),
        "owner: {}\nservice: {}\nsuperuser: {}\nReady. Ctrl-C stops it.",
        cluster.owner_url(),
        cluster.app_url(),
        cluster.superuser_url()
    )?;
    runtime.block_on(async {
        tokio::select! {
            () = signals.received() => Ok(ExitCode::SUCCESS),
            () = cluster.ended() => Err("PostgreSQL has ended by itself; see postgres.log in the data folder".into()),
        }
    })
}

fn run_inside(cluster: &Cluster, program: &str, arguments: &[String]) -> Result<ExitCode, Box<dyn Error>> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(cluster.binaries().to_owned()).chain(env::split_paths(&path));
    let path = env::join_paths(folders)?;
    // Looked up here, since a changed PATH does not guide the look-up of the program itself everywhere.
    let own = cluster.binaries().join(program);
    let program = if own.is_file() { own.as_path() } else { Path::new(program) };
    let status = Command::new(program)
        .args(arguments)
        .env("PATH", path)
        .env("PGHOST", cluster.socket_dir())
        .env("PGPORT", cluster.port().to_string())
        .env("PGUSER", SUPERUSER)
        .env("PGDATABASE", DATABASE)
        .env("DATABASE_URL", cluster.superuser_url())
        .status()
        .map_err(|error| format!("cannot run {}: {error}", program.display()))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}
