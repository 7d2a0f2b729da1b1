//! `leakage start`: from nothing to a served demonstration, on one machine.
//!
//! With `DATABASE_URL` set that server is used; else a private one is started in the data folder, and
//! ends with us.

use super::service::{self, CommandError};
use super::signals::Signals;
use crate::app::App;
use crate::config::Config;
use crate::embedded::Cluster;
use crate::services::demo::{self, Demonstration};
use crate::storage;
use secrecy::SecretString;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// Arguments of `leakage start`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The folder of the private database and of the uploaded files.
    #[arg(long, env = "LEAKAGE_DATA_DIR", default_value = "data")]
    data_dir: PathBuf,
    /// Make no demonstration organization.
    #[arg(long)]
    no_demo: bool,
}

/// Runs until told to stop. On SIGTERM running requests are finished first, on Ctrl-C they are cut; then the
/// worker lets go of its jobs, and the private database is shut down.
pub fn run(arguments: &Arguments) -> ExitCode {
    service::run_with(
        || Config::load_below(&arguments.data_dir),
        async |config| start(arguments, config).await,
    )
}

async fn start(arguments: &Arguments, config: Config) -> Result<(), CommandError> {
    // From here on a signal ends us in order.
    let signals = Signals::listen()?;
    // First, so that a taken port is told at once.
    let listener = service::listen(config.bind)?;
    let (cluster, app) = tokio::select! {
        prepared = prepare(arguments, config) => prepared?,
        () = signals.received() => return Ok(()),
    };
    let log = arguments.data_dir.join("postgres.log");
    let ended = tokio::select! {
        served = service::serve_on(Arc::clone(&app), listener, true) => served,
        Err(error) = welcome(arguments, &app) => Err(error),
        () = ended(cluster.as_ref()) => Err(CommandError::DatabaseEnded { log: log.display().to_string() }),
    };
    // Waits for the server to shut down, which blocks.
    tokio::task::spawn_blocking(move || drop(cluster)).await.map_err(io::Error::from)?;
    ended
}

/// Fills in the addresses of the private database, which is started if it does not run; none: another one is set.
pub(super) async fn private_database(
    data_dir: &Path,
    config: &mut Config,
) -> Result<Option<Cluster>, CommandError> {
    if config.database.url.is_some() {
        return Ok(None);
    }
    let data_dir = data_dir.to_owned();
    let started = tokio::task::spawn_blocking(move || Cluster::start(&data_dir)).await;
    let cluster = started.map_err(io::Error::from)??;
    config.database.url = Some(SecretString::from(cluster.app_url()));
    config.database.migrate_url = Some(SecretString::from(cluster.owner_url()));
    Ok(Some(cluster))
}

/// The database, up to date, and the service on top of it.
async fn prepare(
    arguments: &Arguments,
    mut config: Config,
) -> Result<(Option<Cluster>, Arc<App>), CommandError> {
    let cluster = private_database(&arguments.data_dir, &mut config).await?;
    // Somebody else's server without the owner's address is migrated by somebody else.
    if config.database.migrate_url.is_some() {
        storage::migrate(config.migrate_url()?).await?;
    }
    let app = service::ready(config).await?;
    if cluster.is_some() {
        // The database is ours alone and was just started: whoever worked on a job is dead.
        let mut tx = app.db.begin_system().await?;
        storage::jobs::release_all(&mut tx).await?;
        tx.commit().await?;
    }
    Ok((cluster, app))
}

/// Makes the demonstration while the service already runs, and tells where everything is. Does not
/// return unless that fails.
async fn welcome(arguments: &Arguments, app: &App) -> Result<(), CommandError> {
    let demonstration = if arguments.no_demo { None } else { demo::ensure(app).await? };
    let text = greeting(app, &arguments.data_dir, demonstration.as_ref());
    io::stdout().write_all(text.as_bytes())?;
    std::future::pending().await
}

async fn ended(cluster: Option<&Cluster>) {
    match cluster {
        Some(cluster) => cluster.ended().await,
        None => std::future::pending().await,
    }
}

fn greeting(app: &App, data_dir: &Path, demonstration: Option<&Demonstration>) -> String {
    let address = format!("http://{}", app.config.bind);
    let mut text = format!(
        "\nLeakage Finder is running.\n\n  Page           {address}/\n  API            {address}/v1\n  Documentation  {address}/docs/\n  \
         Data           {}\n",
        data_dir.display()
    );
    if let Some(demonstration) = demonstration {
        // Writing to a String does not fail.
        let _ = write!(
            text,
            "  Demonstration  {}: {} with password {}\n\n{}",
            demonstration.organization,
            demonstration.email,
            demonstration.password,
            table(&demonstration.columns, &demonstration.rows)
        );
    }
    text.push_str("\nCtrl-C stops it.\n");
    text
}

/// Columns side by side, each as wide as its widest cell; those that hold numbers only to the right.
fn table(columns: &[String], rows: &[Vec<String>]) -> String {
    let cell = |row: &[String], column: usize| row.get(column).cloned().unwrap_or_default();
    let mut lines = vec![String::new(); rows.len() + 1];
    for (column, title) in columns.iter().enumerate() {
        let cells: Vec<String> = rows.iter().map(|row| cell(row, column)).collect();
        let numbers = !cells.is_empty()
            && cells.iter().all(|cell| cell.starts_with(|c: char| c.is_ascii_digit() || c == '-'));
        let width = cells.iter().chain([title]).map(|cell| cell.chars().count()).max().unwrap_or(0);
        for (line, cell) in lines.iter_mut().zip([title].into_iter().chain(&cells)) {
            // Writing to a String does not fail.
            let _ = if numbers { write!(line, "  {cell:>width$}") } else { write!(line, "  {cell:<width$}") };
        }
    }
    lines.iter().flat_map(|line| [line.trim_end(), "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_lines_up_whatever_the_letters() {
        let text = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
        let table = table(
            &text(&["Client", "Seats", "Amount"]),
            &[text(&["Müller & Söhne", "5", "110.00 USD"]), text(&["Acme", "-12"])],
        );
        assert_eq!(
            table,
            "  Client          Seats  Amount\n  Müller & Söhne      5  110.00 USD\n  Acme              -12\n"
        );
    }
}
