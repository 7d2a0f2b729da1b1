//! The `leakage` command: the service, its worker and migrations, and the offline commands.

use clap::{Parser, Subcommand};
use leakage_api::cli;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Find what is billed wrongly, correct it, and prove it.
#[derive(Debug, Parser)]
#[command(name = "leakage", version)]
struct Command {
    #[command(subcommand)]
    command: Subcommands,
}

#[derive(Debug, Subcommand)]
enum Subcommands {
    /// Everything on this machine: a private database, the demonstration, the service.
    Start(cli::start::Arguments),
    /// Serve the API, and work on jobs unless told not to.
    Serve(cli::service::ServeArguments),
    /// Work on jobs, without serving.
    Worker,
    /// Bring the database to the present schema, as the role that owns the tables.
    Migrate,
    /// Ask the service on this machine whether it is ready; exit code 0 if it is. For health checks.
    Health,
    /// Print the API document.
    Openapi,
    /// Compare what clients have with what they are billed, from files, offline.
    Audit(Box<cli::audit::Arguments>),
    /// Write the files of the built-in sample into a folder, to look at and to audit.
    Sample(cli::sample::Arguments),
    /// Tell what a file is, before anyone uploads it.
    Inspect(cli::inspect::Arguments),
    /// Check an evidence bundle, offline, and say every check.
    Verify(cli::verify::Arguments),
    /// Check the log of an organization that was exported, and name the first entry that does not hold.
    VerifyLog(cli::verify::LogArguments),
    /// Take a person's second factor away who has lost it, and end their sessions.
    ResetSecondFactor(cli::people::Arguments),
    /// Run the private PostgreSQL alone, or a command beside it: backup, restore, a look inside.
    Database(cli::database::Arguments),
    /// Read the workbook on standard input, with little memory and time. For the other commands.
    #[command(hide = true)]
    ReadWorkbook(leakage_api::workbooks::Arguments),
    /// Audit the files on standard input, with little memory and time. For the service.
    #[command(hide = true)]
    AuditVisit(leakage_api::visits::Arguments),
}

fn main() -> ExitCode {
    match Command::parse().command {
        Subcommands::Start(arguments) => cli::start::run(&arguments),
        Subcommands::Serve(arguments) => cli::service::serve(&arguments),
        Subcommands::Worker => cli::service::worker(),
        Subcommands::Migrate => cli::service::migrate(),
        Subcommands::Health => cli::health::run(),
        Subcommands::Openapi => cli::service::openapi(),
        Subcommands::Audit(arguments) => cli::audit::run(&arguments),
        Subcommands::Inspect(arguments) => cli::inspect::run(&arguments),
        Subcommands::Verify(arguments) => cli::verify::run(&arguments),
        Subcommands::VerifyLog(arguments) => cli::verify::run_log(&arguments),
        Subcommands::ResetSecondFactor(arguments) => cli::people::run(&arguments),
        Subcommands::Database(arguments) => cli::database::run(&arguments),
        Subcommands::Sample(arguments) => cli::sample::run(&arguments),
        Subcommands::ReadWorkbook(arguments) => ended(&arguments.run()),
        Subcommands::AuditVisit(arguments) => ended(&arguments.run()),
    }
}

/// Nobody reads what a process of ours says but its standard output.
const fn ended(outcome: &std::io::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
