//! The commands around the service: `serve`, `worker`, `migrate`, `openapi`.

use crate::app::{self, App, BuildError, ServeError};
use crate::clock::Clock;
use crate::config::{Config, ConfigError};
use crate::jobs::runner::Runner;
use crate::storage::{self, StorageError};
use crate::telemetry::{self, TelemetryError};
use std::future::Future;
use std::io::Write as _;
use std::net::TcpListener;
use std::process::ExitCode;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
pub struct ServeArguments {
    /// Leave the jobs to other processes.
    #[arg(long)]
    no_worker: bool,
}

/// Why a command ended.
#[derive(Debug, thiserror::Error)]
enum CommandError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error(transparent)]
    Serve(#[from] ServeError),
    #[error("the operating system refused")]
    Io(#[from] std::io::Error),
}

/// Serves until told to stop (SIGTERM, SIGINT); then running requests and jobs are finished.
pub fn serve(arguments: &ServeArguments) -> ExitCode {
    run(async |config| {
        let app = ready(config).await?;
        let listener = TcpListener::bind(app.config.bind)?;
        let stop = CancellationToken::new();
        let worker =
            (!arguments.no_worker).then(|| tokio::spawn(Runner::new(Arc::clone(&app)).run(stop.clone())));
        let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        tracing::info!(address = %app.config.bind, "serving");
        let served = app::server(Arc::clone(&app), listener, threads)?.await;
        stop.cancel();
        if let Some(Err(error)) = match worker {
            Some(worker) => Some(worker.await),
            None => None,
        } {
            tracing::error!(error = &error as &dyn std::error::Error, "the worker ended badly");
        }
        app.db.close().await;
        Ok(served?)
    })
}

/// Works on jobs until told to stop.
pub fn worker() -> ExitCode {
    run(async |config| {
        let app = ready(config).await?;
        let stop = CancellationToken::new();
        let working = tokio::spawn(Runner::new(Arc::clone(&app)).run(stop.clone()));
        tracing::info!("working");
        told_to_stop().await?;
        stop.cancel();
        if let Err(error) = working.await {
            tracing::error!(error = &error as &dyn std::error::Error, "the worker ended badly");
        }
        app.db.close().await;
        Ok(())
    })
}

/// Migrates as the owner.
pub fn migrate() -> ExitCode {
    run(async |config| {
        storage::migrate(config.migrate_url()?).await?;
        tracing::info!("the database is up to date");
        Ok(())
    })
}

/// Writes the API document to standard output.
pub fn openapi() -> ExitCode {
    let written = std::io::stdout().write_all(crate::routes::docs::document::pretty().as_bytes());
    if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The parts put together, on a database that is safe and up to date.
async fn ready(config: Config) -> Result<Arc<App>, CommandError> {
    let app = App::build(config, Clock::system())?;
    app.db.check_role().await?;
    app.db.check_schema().await?;
    Ok(Arc::new(app))
}

async fn told_to_stop() -> Result<(), std::io::Error> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        interrupted = tokio::signal::ctrl_c() => interrupted,
    }
}

/// Settings, logs, a runtime, the command; an error is told once, with its causes.
fn run<F: Future<Output = Result<(), CommandError>>>(command: impl FnOnce(Config) -> F) -> ExitCode {
    match start(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut text = format!("leakage: {error}");
            let mut source = std::error::Error::source(&error);
            while let Some(cause) = source {
                text = format!("{text}: {cause}");
                source = cause.source();
            }
            // Nothing is left to tell it to when standard error is closed.
            let _ = writeln!(std::io::stderr(), "{text}");
            ExitCode::FAILURE
        }
    }
}

fn start<F: Future<Output = Result<(), CommandError>>>(
    command: impl FnOnce(Config) -> F,
) -> Result<(), CommandError> {
    let config = Config::load()?;
    // Dropped last, and outside the runtime: it sends the last traces, and waits for that.
    let _telemetry = telemetry::init(&config.telemetry)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(command(config))
}
