//! The private PostgreSQL of a bare start: a cluster of our own in a data folder, run as a child
//! process from the programs that are installed on the machine.
//!
//! It is reached through a socket only, dies with us, and keeps every acknowledged write: `fsync`
//! and `synchronous_commit` are on. The folder:
//!
//! ```text
//! data/postgres/       the cluster, owned by the account that the server runs as
//! data/postgres.log    what the server says
//! data/postgres.lock   held by the process whose child the server is
//! ```
//!
//! This module knows processes and files. It knows no SQL beyond the roles that it makes, and
//! nothing of the service.

mod account;
mod binaries;
mod initialize;
mod probe;
mod server;

use account::Account;
use binaries::Binaries;
use server::{Launch, Server};
use std::fmt::Write as _;
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The database inside the cluster.
pub const DATABASE: &str = "leakage";
/// Owns the database and runs the migrations. May create databases and roles; not a superuser.
pub const OWNER: &str = "leakage_owner";
/// What the service logs in as. Bound by row-level security.
pub const APP: &str = "leakage_app";
/// The cluster's superuser, for backup and restore only.
pub const SUPERUSER: &str = "postgres";

/// How long a killed server's children may take to let go of the folder.
const LET_GO: Duration = Duration::from_mins(1);
/// How long a server whose owner is gone gets to end by itself, before it is taken to be one that
/// somebody started by hand.
const ORPHAN: Duration = Duration::from_millis(1500);
const POLL: Duration = Duration::from_millis(10);

/// Why there is no database. Each text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// No server program was found.
    #[error(
        "no PostgreSQL server ({minimum} or newer) was found in PATH, /usr/lib/postgresql, /usr/pgsql-*, \
         Homebrew or Postgres.app. Install one (scripts/start does it), or set DATABASE_URL",
        minimum = binaries::MINIMUM
    )]
    NoServer,
    /// The folder was made by another major version.
    #[error(
        "{folder} was made by PostgreSQL {found}, and the installed versions are {installed}. A new major version \
         cannot open it as it is. Install PostgreSQL {found} again, dump with `leakage database -- pg_dump -Fc -f leakage.dump`, move \
         the folder away, and restore the dump with the new version (docs/operating.md shows each step)"
    )]
    Version {
        /// The cluster's folder.
        folder: PathBuf,
        /// Its major version.
        found: String,
        /// Major versions whose programs are installed.
        installed: String,
    },
    /// The folder holds something else.
    #[error(
        "{0} is not empty and holds no PostgreSQL cluster. Move it away, or choose another data folder (LEAKAGE_DATA_DIR)"
    )]
    NotACluster(PathBuf),
    /// The folder is another account's.
    #[error(
        "{folder} belongs to user {owner}, and this process runs as user {we}. Start it as that user, or give it the folder (chown -R)"
    )]
    NotOurs {
        /// The cluster's folder.
        folder: PathBuf,
        /// Its owner's uid.
        owner: u32,
        /// Our uid.
        we: u32,
    },
    /// We are root, and no account can be given the server.
    #[error(
        "PostgreSQL refuses to run as root, and there is neither an account `postgres` nor `nobody`. Create one, or start as another user"
    )]
    NoAccount,
    /// The account cannot get into a parent of the data folder.
    #[error(
        "PostgreSQL refuses to run as root, and the account `{account}` cannot enter {parent}. Choose a data folder \
         elsewhere (LEAKAGE_DATA_DIR=/var/lib/leakage), or open the way (chmod o+x {parent})"
    )]
    Unreachable {
        /// Who the server would run as.
        account: String,
        /// The first folder on the way that is closed to it.
        parent: PathBuf,
    },
    /// A program of PostgreSQL failed.
    #[error("{program} failed: {output}")]
    Program {
        /// Which.
        program: &'static str,
        /// The end of what it said.
        output: String,
    },
    /// Somebody else's server holds the folder and does not get ready.
    #[error("another process holds {0} and its server does not get ready. Stop it and try again")]
    Held(PathBuf),
    /// The operating system refused.
    #[error("cannot {what} {path}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Names the file behind an input/output fault.
fn io_at<T>(what: &'static str, path: &Path, result: io::Result<T>) -> Result<T, EmbeddedError> {
    result.map_err(|source| EmbeddedError::Io { what, path: path.to_owned(), source })
}

/// A running private PostgreSQL. Dropped, it is shut down if this process started it.
#[derive(Debug)]
pub struct Cluster {
    socket_dir: PathBuf,
    /// Whether that folder is made for the socket alone.
    short_socket: bool,
    binaries: PathBuf,
    /// None when the server is another process's.
    server: Option<Server>,
    /// Held as long as the server is ours.
    _lock: Option<File>,
}

/// Where things stand, for one data folder.
struct Place {
    /// The cluster.
    folder: PathBuf,
    log: PathBuf,
    socket_dir: PathBuf,
}

impl Place {
    fn has_short_socket(&self) -> bool {
        self.socket_dir != self.folder
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // The lock is let go after this, so nobody else is starting meanwhile.
        if let Some(server) = self.server.take() {
            drop(server);
            if self.short_socket && fs::remove_dir(&self.socket_dir).is_err() {
                tracing::debug!(folder = %self.socket_dir.display(), "left behind");
            }
        }
    }
}

impl Cluster {
    /// Starts the cluster of a data folder and makes it on first use; uses the server that already
    /// runs on it, if one does. Blocks until the server answers: a second when new, a tenth when
    /// not, longer after a crash.
    pub fn start(data_dir: &Path) -> Result<Self, EmbeddedError> {
        let installed = binaries::find();
        let account = Account::choose(&data_dir.join("postgres"))?;
        make_data_dir(data_dir, &account)?;
        let data_dir = io_at("resolve", data_dir, fs::canonicalize(data_dir))?;
        account.check_reach(&data_dir)?;
        let folder = data_dir.join("postgres");
        let place =
            Place { log: data_dir.join("postgres.log"), socket_dir: probe::socket_dir(&folder), folder };

        let lock_path = data_dir.join("postgres.lock");
        let opened = File::options().create(true).append(true).mode(0o600).open(&lock_path);
        let lock = io_at("open", &lock_path, opened)?;
        let began = Instant::now();
        loop {
            match lock.try_lock() {
                Ok(()) => return Self::start_locked(place, &installed, &account, lock),
                // Another process of ours has the server, or is about to.
                Err(TryLockError::WouldBlock) => {
                    if probe::ready(&place.folder, &place.socket_dir, None) {
                        let binaries = binaries::for_cluster(&installed, &place.folder)?;
                        return Ok(Self::borrowed(place, binaries));
                    }
                }
                Err(TryLockError::Error(source)) => {
                    return Err(EmbeddedError::Io { what: "lock", path: lock_path, source });
                }
            }
            if began.elapsed() > LET_GO {
                return Err(EmbeddedError::Held(place.folder));
            }
            std::thread::sleep(POLL);
        }
    }

    fn start_locked(
        place: Place,
        installed: &[Binaries],
        account: &Account,
        lock: File,
    ) -> Result<Self, EmbeddedError> {
        if !place.folder.join("PG_VERSION").exists() {
            let newest = installed.first().ok_or(EmbeddedError::NoServer)?;
            initialize::initialize(newest, account, &place.folder)?;
        }
        let binaries = binaries::for_cluster(installed, &place.folder)?;

        // We own the lock, so a server that runs here has lost its owner and is about to end, or
        // somebody started it by hand: that one is used, not fought.
        let began = Instant::now();
        while probe::alive(&place.socket_dir) {
            if began.elapsed() > ORPHAN && probe::ready(&place.folder, &place.socket_dir, None) {
                return Ok(Self::borrowed(place, binaries));
            }
            std::thread::sleep(POLL);
        }
        if place.has_short_socket() {
            probe::make_short_dir(&place.socket_dir, account)?;
        }
        let began = Instant::now();
        loop {
            match server::launch(binaries, account, &place)? {
                Launch::Ready(server) => {
                    return Ok(Self {
                        short_socket: place.has_short_socket(),
                        socket_dir: place.socket_dir,
                        binaries: binaries.folder.clone(),
                        server: Some(server),
                        _lock: Some(lock),
                    });
                }
                // Children of a killed server still hold the folder: they need a moment.
                Launch::Occupied(_) if began.elapsed() < LET_GO => std::thread::sleep(POLL),
                Launch::Occupied(output) => {
                    return Err(EmbeddedError::Program { program: "postgres", output });
                }
            }
        }
    }

    fn borrowed(place: Place, binaries: &Binaries) -> Self {
        Self {
            short_socket: place.has_short_socket(),
            socket_dir: place.socket_dir,
            binaries: binaries.folder.clone(),
            server: None,
            _lock: None,
        }
    }

    /// Where the owner of the database connects: migrations.
    pub fn owner_url(&self) -> String {
        self.url(OWNER)
    }

    /// Where the service connects.
    pub fn app_url(&self) -> String {
        self.url(APP)
    }

    /// Where the cluster's superuser connects: backup and restore, nothing else.
    pub fn superuser_url(&self) -> String {
        self.url(SUPERUSER)
    }

    fn url(&self, role: &str) -> String {
        let host = percent_encoded(&self.socket_dir);
        format!("postgres://{role}@localhost:{port}/{DATABASE}?host={host}", port = probe::PORT)
    }

    /// The folder of the server's socket.
    pub fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }

    /// The number in the socket's name.
    pub const fn port(&self) -> u16 {
        probe::PORT
    }

    /// The folder with the programs of this server's version (`psql`, `pg_dump`).
    pub fn binaries(&self) -> &Path {
        &self.binaries
    }

    /// Whether the server is a child of this process (else it is another's, and stays when we end).
    pub const fn is_ours(&self) -> bool {
        self.server.is_some()
    }

    /// Returns when the server has ended by itself. Never returns for another process's server.
    pub async fn ended(&self) {
        loop {
            tokio::time::sleep(Duration::from_millis(250)).await;
            if self.server.as_ref().is_some_and(|server| !server.running()) {
                return;
            }
        }
    }
}

/// Makes the data folder: closed to others, but for the server's account to pass through.
fn make_data_dir(data_dir: &Path, account: &Account) -> Result<(), EmbeddedError> {
    if !data_dir.exists() {
        io_at("create", data_dir, fs::DirBuilder::new().recursive(true).mode(0o755).create(data_dir))?;
        let mode = if account.is_other() { 0o711 } else { 0o700 };
        io_at("set the mode of", data_dir, fs::set_permissions(data_dir, fs::Permissions::from_mode(mode)))?;
    }
    Ok(())
}

/// The owner of a file, if it exists.
fn owner_of(path: &Path) -> Option<u32> {
    fs::metadata(path).ok().map(|metadata| metadata.uid())
}

/// A path as the value of a URL's query parameter.
fn percent_encoded(path: &Path) -> String {
    let mut text = String::new();
    for &byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_spaces_and_signs_survives_the_url() {
        assert_eq!(percent_encoded(Path::new("/a b/ü&?x")), "/a%20b/%C3%BC%26%3Fx");
    }
}
