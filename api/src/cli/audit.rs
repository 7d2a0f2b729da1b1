//! `leakage audit`: files to gaps, offline.

use std::process::ExitCode;

/// Arguments of `leakage audit`.
#[derive(Debug, clap::Args)]
pub struct Arguments {}

/// Runs the command.
pub fn run(_arguments: &Arguments) -> ExitCode {
    ExitCode::from(2)
}
