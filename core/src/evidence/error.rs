//! Why no bundle is made.

use super::key::SealError;

/// A bundle that would not prove what it says is not made.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The facts lack the log's word.
    #[error("the facts are not in the log yet: freeze them and add the log's proofs first")]
    NotLogged,
    /// The log's entry is of other facts.
    #[error("entry {place} of the log does not name these facts: their digest is {digest}")]
    NotFrozen {
        /// Its place.
        place: u64,
        /// The digest of the facts.
        digest: String,
    },
    /// An entry of the log that would not prove anything.
    #[error("entry {place} of the log does not hold: {reason}")]
    Entry {
        /// Its place.
        place: u64,
        /// Why.
        reason: &'static str,
    },
    /// The checkpoint is no signed note of a checkpoint.
    #[error("the checkpoint does not hold")]
    Checkpoint(#[from] crate::log::CheckpointError),
    /// A file of a reply is another one than its digest says.
    #[error("the attachment `{name}` is not the file that its digest names")]
    Attachment {
        /// Its name.
        name: String,
    },
    /// Rows of a file that the manifest would not name.
    #[error("rows of the file `{name}` are there, and it is not among the inputs")]
    Input {
        /// Its name.
        name: String,
    },
    /// A person would still be named.
    #[error("the file {path} would still name a person, though persons are to be replaced")]
    Persons {
        /// The file.
        path: String,
    },
    /// The ledger does not add up.
    #[error("the ledger does not add up")]
    Ledger(#[from] crate::correction::ledger::LedgerError),
    /// The key could not be used.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A file has no JSON form.
    #[error("a file of the bundle has no canonical form")]
    Json(#[from] serde_json::Error),
    /// A CSV file could not be written.
    #[error("a sheet of the bundle could not be written")]
    Csv(#[from] csv::Error),
    /// The archive could not be written.
    #[error("the archive could not be written")]
    Zip(#[from] zip::result::ZipError),
    /// A file could not be written.
    #[error("the bundle could not be written")]
    Write(#[from] std::io::Error),
}
