//! The commands around the service: `serve`, `worker`, `migrate`, `openapi`.

use super::signals::Signals;
use crate::app::{self, App, BuildError, ServeError};
use crate::clock::Clock;
use crate::config::{Config, ConfigError};
use crate::embedded::EmbeddedError;
use crate::error::ApiError;
use crate::jobs::runner::Runner;
use crate::services::sample_audits;
use crate::storage::{self, StorageError};
use crate::telemetry::{self, TelemetryError};
use std::future::Future;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
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
pub(super) enum CommandError {
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
    #[error(
        "cannot listen on {address}; is another one running there? LEAKAGE_BIND=127.0.0.1:8081 takes another port"
    )]
    Bind { address: SocketAddr, source: std::io::Error },
    #[error(transparent)]
    Embedded(#[from] EmbeddedError),
    #[error(transparent)]
    Refused(#[from] ApiError),
    #[error("PostgreSQL has ended by itself; see {log}. The next start recovers")]
    DatabaseEnded { log: String },
    #[error("the operating system refused")]
    Io(#[from] std::io::Error),
}

/// Serves until told to stop (SIGTERM, SIGINT); then running requests and jobs are finished.
pub fn serve(arguments: &ServeArguments) -> ExitCode {
    run(async |config| {
        let app = ready(config).await?;
        let listener = listen(app.config.bind)?;
        serve_on(app, listener, !arguments.no_worker).await
    })
}

/// Opens the address, or says what is in the way.
pub(super) fn listen(address: SocketAddr) -> Result<TcpListener, CommandError> {
    TcpListener::bind(address).map_err(|source| CommandError::Bind { address, source })
}

/// Serves on a listener, and works on jobs, until told to stop.
pub(super) async fn serve_on(app: Arc<App>, listener: TcpListener, work: bool) -> Result<(), CommandError> {
    let stop = CancellationToken::new();
    let worker = work.then(|| tokio::spawn(Runner::new(Arc::clone(&app)).run(stop.clone())));
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    tracing::info!(address = %app.config.bind, "serving");
    sample_audits::warm();
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
}

/// Works on jobs until told to stop.
pub fn worker() -> ExitCode {
    run(async |config| {
        let signals = Signals::listen()?;
        let app = ready(config).await?;
        let stop = CancellationToken::new();
        let working = tokio::spawn(Runner::new(Arc::clone(&app)).run(stop.clone()));
        tracing::info!("working");
        signals.received().await;
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
pub(super) async fn ready(config: Config) -> Result<Arc<App>, CommandError> {
    let app = App::build(config, Clock::system())?;
    app.db.check_role().await?;
    app.db.check_schema().await?;
    Ok(Arc::new(app))
}

/// Settings, logs, a runtime, the command; an error is told once, with its causes.
fn run<F: Future<Output = Result<(), CommandError>>>(command: impl FnOnce(Config) -> F) -> ExitCode {
    run_with(Config::load, command)
}

/// The same, with settings that are loaded in another way.
pub(super) fn run_with<F: Future<Output = Result<(), CommandError>>>(
    load: impl FnOnce() -> Result<Config, ConfigError>,
    command: impl FnOnce(Config) -> F,
) -> ExitCode {
    match start(load, command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => super::report(&error),
    }
}

fn start<F: Future<Output = Result<(), CommandError>>>(
    load: impl FnOnce() -> Result<Config, ConfigError>,
    command: impl FnOnce(Config) -> F,
) -> Result<(), CommandError> {
    let config = load()?;
    // Dropped last, and outside the runtime: it sends the last traces, and waits for that.
    let _telemetry = telemetry::init(&config.telemetry)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(command(config))
}
