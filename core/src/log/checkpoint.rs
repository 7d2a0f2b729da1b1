//! Checkpoints (c2sp.org/tlog-checkpoint): which log, how many entries, and the root over them.

use super::note::{NoteError, NoteKey, SignedNote};
use super::tree::{Frontier, Hash};
use std::fmt;

/// What a log commits to at a size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log: one line, such as a URL without a scheme.
    pub origin: String,
    /// Number of entries.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
    /// Lines after the three that every checkpoint has.
    pub extensions: Vec<String>,
}

/// Why a checkpoint cannot be read or trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Not origin, size and root, one line each.
    #[error("this is not a checkpoint: origin, size and root, one line each")]
    Malformed,
    /// It is another log's.
    #[error("the checkpoint is of another log")]
    OtherLog,
    /// The note around it.
    #[error(transparent)]
    Note(#[from] NoteError),
}

impl Checkpoint {
    /// The checkpoint of a log as it stands.
    pub fn of(origin: &str, frontier: &Frontier) -> Self {
        Self {
            origin: origin.to_owned(),
            size: frontier.size(),
            root: frontier.root(),
            extensions: Vec::new(),
        }
    }

    /// Signs it. `sign` makes an Ed25519 signature over the bytes it is given.
    ///
    /// # Errors
    /// When the origin is not one line of text, and what `sign` answers.
    pub fn sign<E: From<CheckpointError>>(
        &self,
        key: &NoteKey,
        sign: impl FnOnce(&[u8]) -> Result<[u8; 64], E>,
    ) -> Result<SignedNote, E> {
        let text = self.to_string();
        if Self::parse(&text).ok().as_ref() != Some(self) {
            return Err(CheckpointError::Malformed.into());
        }
        // Parsed as a checkpoint, it is also a note's text, but for a control character.
        if text.chars().any(|c| c.is_control() && c != '\n') {
            return Err(CheckpointError::Malformed.into());
        }
        let signature = sign(text.as_bytes())?;
        SignedNote::sign(&text, key, |_| Ok::<_, NoteError>(signature))
            .map_err(|error| CheckpointError::from(error).into())
    }

    /// Reads the text of a checkpoint, without signatures.
    ///
    /// # Errors
    /// [`CheckpointError::Malformed`].
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let mut lines = text.strip_suffix('\n').ok_or(CheckpointError::Malformed)?.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(CheckpointError::Malformed);
        };
        let number: u64 = size.parse().map_err(|_| CheckpointError::Malformed)?;
        let root = Hash::parse(root).ok_or(CheckpointError::Malformed)?;
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        // The size has one spelling, and no line is empty.
        if origin.is_empty() || number.to_string() != size || extensions.iter().any(String::is_empty) {
            return Err(CheckpointError::Malformed);
        }
        Ok(Self { origin: origin.to_owned(), size: number, root, extensions })
    }

    /// Reads a signed checkpoint of this log, and checks that this key has signed it. `verify` checks an
    /// Ed25519 signature: key, message, signature.
    ///
    /// # Errors
    /// Why it is not to be trusted.
    pub fn open(
        note: &str,
        origin: &str,
        key: &NoteKey,
        verify: impl Fn(&[u8; 32], &[u8], &[u8; 64]) -> bool,
    ) -> Result<Self, CheckpointError> {
        let note = SignedNote::parse(note)?;
        let checkpoint = Self::parse(note.verify(key, verify)?)?;
        if checkpoint.origin == origin { Ok(checkpoint) } else { Err(CheckpointError::OtherLog) }
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, self.root)?;
        for line in &self.extensions {
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}
