//! Files of keys on this machine: read when they are closed to others, made when there are none.
//!
//! Reads files: call it at start, not while serving.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// Why a file of keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file cannot be read or made.
    #[error("the file of keys {path} cannot be read or made")]
    File {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is not what it should be.
    #[error("the file of keys {path} cannot be used: {reason}")]
    Content {
        /// Where.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Others than its owner may read it.
    #[error("the file of keys {path} is open to others (mode {mode:o}); run chmod 600 on it")]
    Permissions {
        /// Where.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The system could not make a key.
    #[error("a key cannot be made")]
    Generate,
}

/// The text of the file; where there is none, it is made with the text that `new` gives, readable by its
/// owner only.
pub fn read_or_make(
    path: &Path,
    new: impl FnOnce() -> Result<String, KeyFileError>,
) -> Result<String, KeyFileError> {
    match read(path)? {
        Some(text) => Ok(text),
        None => make(path, new()?),
    }
}

/// The file's text; none if there is no file.
fn read(path: &Path) -> Result<Option<String>, KeyFileError> {
    let failed = |source| KeyFileError::File { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
    if mode & 0o007 != 0 {
        return Err(KeyFileError::Permissions { path: path.to_owned(), mode });
    }
    io::read_to_string(file).map(Some).map_err(failed)
}

/// Written aside and linked into place, so that nobody sees half a file and of two processes starting at
/// once one text wins for both.
fn make(path: &Path, text: String) -> Result<String, KeyFileError> {
    let failed = |source| KeyFileError::File { path: path.to_owned(), source };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let aside = path.with_extension(format!("{}.new", Uuid::now_v7().simple()));
    let linked = write_new(&aside, &text).and_then(|()| fs::hard_link(&aside, path));
    let removed = fs::remove_file(&aside);
    match linked {
        Ok(()) => removed.map(|()| text).map_err(failed),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            read(path)?.ok_or_else(|| failed(ErrorKind::NotFound.into()))
        }
        Err(error) => Err(failed(error)),
    }
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
