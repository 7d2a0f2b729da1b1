//! `leakage inspect`: what a file is, before anyone uploads it.

use std::process::ExitCode;

/// Arguments of `leakage inspect`.
#[derive(Debug, clap::Args)]
pub struct Arguments {}

/// Runs the command.
pub fn run(_arguments: &Arguments) -> ExitCode {
    ExitCode::from(2)
}
