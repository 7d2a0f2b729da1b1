//! `leakage reset-second-factor`: for whoever runs the service, when a person has lost app and recovery codes and nobody
//! in their organization may help, such as its sole owner.

use super::service::{self, CommandError};
use super::start::private_database;
use crate::clock::Clock;
use crate::config::Config;
use crate::services::lost_factors::{self, TakenAway};
use crate::storage::Db;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `leakage reset-second-factor`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The person's e-mail address.
    #[arg(long)]
    email: String,
    /// Why, and how you made sure who asks: it stands in the log of each of the person's organizations.
    #[arg(long)]
    reason: String,
    /// The folder of the private database, where `DATABASE_URL` is not set.
    #[arg(long, env = "LEAKAGE_DATA_DIR", default_value = "data")]
    data_dir: PathBuf,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> ExitCode {
    service::run_with(
        || Config::load_below(&arguments.data_dir),
        async |config| reset(arguments, config).await,
    )
}

async fn reset(arguments: &Arguments, mut config: Config) -> Result<(), CommandError> {
    let cluster = private_database(&arguments.data_dir, &mut config).await?;
    let done = take_away(arguments, &config).await;
    // Waits for a server that was started for this, which blocks.
    tokio::task::spawn_blocking(move || drop(cluster)).await.map_err(io::Error::from)?;
    let TakenAway { email, organizations, sessions } = done?;
    writeln!(
        io::stdout(),
        "{email} has no second factor any more and signs in with the password alone. Sessions ended: {sessions}.\n\
         Noted in the log of: {}.",
        if organizations.is_empty() { "no organization".to_owned() } else { organizations.join(", ") }
    )?;
    Ok(())
}

async fn take_away(arguments: &Arguments, config: &Config) -> Result<TakenAway, CommandError> {
    let db = Db::connect(config.database_url()?, 2)?;
    db.check_role().await?;
    db.check_schema().await?;
    let said = (arguments.email.as_str(), arguments.reason.as_str());
    let done = lost_factors::by_operator(&db, said, config.mail.is_some(), Clock::system().now()).await;
    db.close().await;
    Ok(done?)
}
