//! Subcommands: those that need no service (`audit`, `inspect` and `verify` know `leakage_core` and files), those
//! around the service, and those around its private database.

mod answer;
pub mod audit;
pub mod database;
pub mod health;
pub mod inspect;
pub mod people;
mod profile;
pub mod sample;
pub mod service;
pub mod signals;
pub mod start;
pub mod verify;

use crate::workbooks::WorkbookProcess;
use leakage_core::ingest::ReadOptions;
use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

/// Prints an error with its causes and answers the exit code for it.
pub fn report(error: &(dyn Error + 'static)) -> ExitCode {
    let mut text = format!("error: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    // Nowhere to tell that standard error is closed.
    let _ = writeln!(io::stderr(), "{text}");
    ExitCode::FAILURE
}

/// How the offline commands read files: with all of the machine, and workbooks in processes of their own.
fn read_options() -> ReadOptions {
    ReadOptions {
        threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        sheets: Some(Arc::new(WorkbookProcess::of_this_program())),
        ..ReadOptions::default()
    }
}
