//! Makes a new cluster: aside, and renamed when it is whole, since a half-made one looks like one.

use super::account::Account;
use super::binaries::Binaries;
use super::{APP, DATABASE, EmbeddedError, OWNER, SUPERUSER, io_at};
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Makes the cluster with its roles and its database.
pub(super) fn initialize(binaries: &Binaries, account: &Account, folder: &Path) -> Result<(), EmbeddedError> {
    let parent = folder.parent().unwrap_or(folder);
    let aside = folder.with_extension("new");
    if folder.exists() {
        // An empty folder (a mounted volume) is fine; anything else is not ours to touch.
        if fs::remove_dir(folder).is_err() {
            return Err(EmbeddedError::NotACluster(folder.to_owned()));
        }
    }
    if aside.exists() {
        io_at("remove the half-made", &aside, fs::remove_dir_all(&aside))?;
    }
    tracing::info!(folder = %folder.display(), version = binaries.major, "making a PostgreSQL cluster");
    io_at("create", &aside, fs::create_dir(&aside))?;
    account.own(&aside)?;

    // C sorts by code point, so that an upgrade of the system's locales corrupts no index; the
    // character type is Unicode's, so that lower() knows more than ASCII.
    let character_type = if cfg!(target_os = "macos") { "UTF-8" } else { "C.UTF-8" };
    let initdb = account
        .command(&binaries.program("initdb"))
        .arg("-D")
        .arg(&aside)
        .args(["--username", SUPERUSER, "--encoding", "UTF8", "--data-checksums", "--lc-collate", "C"])
        .args(["--lc-ctype", character_type, "--lc-messages", "C"])
        // The socket is in a folder that only this account can enter: whoever can connect could
        // read the files as well, so a password would protect nothing.
        .args(["--auth-local", "trust", "--auth-host", "reject"])
        .output();
    finished("initdb", &io_at("run", &binaries.program("initdb"), initdb)?)?;
    make_roles(binaries, account, &aside)?;

    io_at("rename", &aside, fs::rename(&aside, folder))?;
    io_at("write to disk", parent, File::open(parent).and_then(|folder| folder.sync_all()))
}

/// Makes roles and database in single-user mode: no socket, no client program needed.
fn make_roles(binaries: &Binaries, account: &Account, aside: &Path) -> Result<(), EmbeddedError> {
    let statements = format!(
        "create role {OWNER} login nosuperuser nobypassrls createdb createrole\n\
         create role {APP} login nosuperuser nobypassrls nocreatedb nocreaterole\n\
         create database {DATABASE} owner {OWNER}\n"
    );
    let program = binaries.program("postgres");
    let mut command: Command = account.command(&program);
    command.args(["--single", "-c", "exit_on_error=on", "-D"]).arg(aside).arg("postgres");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = io_at("run", &program, command.spawn())?;
    let written = child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(statements.as_bytes()));
    let output = io_at("run", &program, child.wait_with_output())?;
    finished("postgres", &output)?;
    io_at("write to", &program, written)
}

fn finished(program: &'static str, output: &Output) -> Result<(), EmbeddedError> {
    if output.status.success() {
        return Ok(());
    }
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Err(EmbeddedError::Program { program, output: super::server::tail(&text) })
}
