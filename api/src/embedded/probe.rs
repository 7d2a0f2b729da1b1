//! Asks whether a server lives on a folder, and where its socket is.

use super::account::Account;
use super::{EmbeddedError, io_at};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read, Write as _};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Names the socket; nothing listens on a network.
pub(super) const PORT: u16 = 5432;

/// The longest path of a socket: `sun_path` holds 104 bytes on macOS, 108 on Linux, with a zero.
const SOCKET_PATH_MAX: usize = 100;

/// The protocol's `SSLRequest` (PostgreSQL documentation, "Message Formats"): length 8, code 80877103.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

fn socket_in(folder: &Path) -> PathBuf {
    folder.join(format!(".s.PGSQL.{PORT}"))
}

/// Where the server's socket goes: into the cluster, or into a short folder if that path is too long.
pub(super) fn socket_dir(folder: &Path) -> PathBuf {
    // A lock file stands beside the socket.
    if socket_in(folder).as_os_str().len() + ".lock".len() <= SOCKET_PATH_MAX {
        return folder.to_owned();
    }
    let mut name = String::from("leakage-");
    for byte in Sha256::digest(folder.as_os_str().as_bytes()).iter().take(8) {
        // Writing to a String does not fail.
        let _ = write!(name, "{byte:02x}");
    }
    Path::new("/tmp").join(name)
}

/// Makes the short folder, closed to all but the account.
pub(super) fn make_short_dir(short: &Path, account: &Account) -> Result<(), EmbeddedError> {
    match fs::create_dir(short) {
        Ok(()) => account.own(short),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            // Anybody can make a folder in /tmp: use one only if it is the account's own.
            let metadata = io_at("look at", short, fs::symlink_metadata(short))?;
            let owner = metadata.uid();
            if !metadata.is_dir() || owner != account.uid() {
                return Err(EmbeddedError::NotOurs { folder: short.to_owned(), owner, we: account.uid() });
            }
            account.own(short)
        }
        Err(source) => io_at("create", short, Err(source)),
    }
}

/// Whether a server answers on the socket. A successful connect alone is no proof of life.
pub(super) fn alive(socket_dir: &Path) -> bool {
    let ask = || -> io::Result<bool> {
        let mut stream = UnixStream::connect(socket_in(socket_dir))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.set_write_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(&SSL_REQUEST)?;
        let mut answer = [0_u8; 1];
        stream.read_exact(&mut answer)?;
        Ok(matches!(answer, [b'N' | b'S']))
    };
    ask().unwrap_or(false)
}

/// Whether the server of the folder (the one with this process id, if given) accepts statements.
pub(super) fn ready(folder: &Path, socket_dir: &Path, pid: Option<u32>) -> bool {
    let Ok(text) = fs::read_to_string(folder.join("postmaster.pid")) else { return false };
    // Line 1 is the process, line 8 the state (PostgreSQL's miscadmin.h).
    let mut lines = text.lines();
    let whose = lines.next().and_then(|line| line.trim().parse::<u32>().ok());
    let state = lines.nth(6).map(str::trim);
    state == Some("ready") && (pid.is_none() || pid == whose) && alive(socket_dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_that_nobody_answers_is_not_alive() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!alive(folder.path()));
        // Listening, but a stranger: it accepts and says nothing that a server would say.
        let listener = std::os::unix::net::UnixListener::bind(socket_in(folder.path())).unwrap();
        let stranger = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"x").unwrap();
        });
        assert!(!alive(folder.path()));
        stranger.join().unwrap();
    }

    #[test]
    fn a_starting_server_is_not_ready() {
        let folder = tempfile::tempdir().unwrap();
        let listener = std::os::unix::net::UnixListener::bind(socket_in(folder.path())).unwrap();
        std::thread::spawn(move || {
            while let Ok((mut stream, _)) = listener.accept() {
                let mut request = [0_u8; 8];
                stream.read_exact(&mut request).unwrap();
                assert_eq!(request, SSL_REQUEST);
                stream.write_all(b"N").unwrap();
            }
        });
        let file = folder.path().join("postmaster.pid");
        fs::write(&file, "77\n/d\n1\n5432\n/s\n\n1 2\nstarting\n").unwrap();
        assert!(!ready(folder.path(), folder.path(), None));
        fs::write(&file, "77\n/d\n1\n5432\n/s\n\n1 2\nready   \n").unwrap();
        assert!(ready(folder.path(), folder.path(), Some(77)));
        assert!(!ready(folder.path(), folder.path(), Some(78)), "another server's");
    }
}
