//! Finds the PostgreSQL programs that are installed, and the version that a cluster needs.

use super::EmbeddedError;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// The oldest major version that the migrations run on (`security_invoker` views).
pub(super) const MINIMUM: u32 = 15;

/// One installed version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Binaries {
    pub(super) major: u32,
    pub(super) folder: PathBuf,
}

impl Binaries {
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// All usable versions, newest first. The same places as `postgres_bin` in scripts/lib/machine.sh.
pub(super) fn find() -> Vec<Binaries> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = env::split_paths(&path).filter(|folder| folder.is_absolute()).collect();
    for (parent, prefix, below) in [
        ("/usr/lib/postgresql", "", "bin"),
        ("/usr", "pgsql-", "bin"),
        ("/opt/homebrew/opt", "postgresql@", "bin"),
        ("/usr/local/opt", "postgresql@", "bin"),
        ("/home/linuxbrew/.linuxbrew/opt", "postgresql@", "bin"),
        ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
    ] {
        let Ok(entries) = fs::read_dir(parent) else { continue };
        for entry in entries.flatten() {
            if entry.file_name().to_string_lossy().starts_with(prefix) {
                folders.push(entry.path().join(below));
            }
        }
    }
    let mut found: Vec<Binaries> = folders.iter().filter_map(|folder| inspect(folder)).collect();
    found.sort_by(|a, b| b.major.cmp(&a.major).then_with(|| a.folder.cmp(&b.folder)));
    found.dedup();
    found
}

fn inspect(folder: &Path) -> Option<Binaries> {
    // A link in PATH points into the folder that has all the programs.
    let server = fs::canonicalize(folder.join("postgres")).ok()?;
    let folder = server.parent()?.to_owned();
    if !folder.join("initdb").is_file() {
        return None;
    }
    let output = Command::new(&server).arg("--version").output().ok()?;
    let major = major(&String::from_utf8_lossy(&output.stdout))?;
    (major >= MINIMUM).then_some(Binaries { major, folder })
}

/// The major version in `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn major(version: &str) -> Option<u32> {
    let digits = version.split_once("(PostgreSQL) ")?.1;
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits.get(..end)?.parse().ok()
}

/// The installed programs of the version that made a cluster: never another major version's.
pub(super) fn for_cluster<'a>(
    installed: &'a [Binaries],
    folder: &Path,
) -> Result<&'a Binaries, EmbeddedError> {
    let file = folder.join("PG_VERSION");
    let found = super::io_at("read", &file, fs::read_to_string(&file))?.trim().to_owned();
    if installed.is_empty() {
        return Err(EmbeddedError::NoServer);
    }
    installed.iter().find(|binaries| binaries.major.to_string() == found).ok_or_else(|| {
        let installed: Vec<String> = installed.iter().map(|binaries| binaries.major.to_string()).collect();
        EmbeddedError::Version { folder: folder.to_owned(), found, installed: installed.join(", ") }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_every_vendors_text() {
        assert_eq!(major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 19beta1\n"), Some(19));
        assert_eq!(major("postgres (PostgreSQL) 17.2 (Homebrew)"), Some(17));
        assert_eq!(major("something else"), None);
    }

    #[test]
    fn a_cluster_of_another_major_version_is_refused_with_the_way_out() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("PG_VERSION"), "14\n").unwrap();
        let installed =
            [Binaries { major: 17, folder: "/x".into() }, Binaries { major: 15, folder: "/y".into() }];
        let error = for_cluster(&installed, folder.path()).unwrap_err().to_string();
        assert!(error.contains("made by PostgreSQL 14, and the installed versions are 17, 15"), "{error}");
        assert!(error.contains("pg_dump"), "{error}");
    }

    #[test]
    fn an_old_cluster_gets_its_own_version_although_a_newer_one_is_installed() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("PG_VERSION"), "15\n").unwrap();
        let installed =
            [Binaries { major: 17, folder: "/x".into() }, Binaries { major: 15, folder: "/y".into() }];
        assert_eq!(for_cluster(&installed, folder.path()).unwrap().major, 15);
    }
}
