//! `leakage sample`: the files of the built-in sample, to look at and to audit.

use leakage_core::sample;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `leakage sample`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The folder; made when it is not there.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Writes the files and prints the command that audits them. Files that are there already are not touched.
pub fn run(arguments: &Arguments) -> ExitCode {
    match write(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => super::report(&error),
    }
}

fn write(arguments: &Arguments) -> io::Result<()> {
    std::fs::create_dir_all(&arguments.folder)?;
    for file in sample::FILES {
        let path = arguments.folder.join(file.name);
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        std::fs::File::create_new(&path).map_err(named)?.write_all(file.text.as_bytes()).map_err(named)?;
    }
    let text = format!("cd {}\n{}\n", arguments.folder.display(), sample::command());
    io::stdout().write_all(text.as_bytes())
}
