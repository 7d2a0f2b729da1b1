//! A log that cannot be rewritten unseen: a Merkle tree over entries (RFC 9162, RFC 6962), proofs, and
//! signed checkpoints.
//!
//! A bare chain of hashes can be computed anew by whoever keeps it. Here every checkpoint that has left the
//! house commits to all entries up to its size: an inclusion proof shows that an entry is among them, a
//! consistency proof that a later log only adds to an earlier one.
//!
//! The log has no keys. Signing and verifying a signature are functions that the caller passes in.
//!
//! - [`leaf`]: the bytes of an entry, canonical JSON, so that the same facts give the same leaf anywhere;
//! - [`Hash`], [`root`], [`Frontier`]: the tree, whole or by its right edge only;
//! - [`inclusion_proof`], [`consistency_proof`] and their verification;
//! - [`Checkpoint`] and [`SignedNote`]: the text form of c2sp.org's `tlog-checkpoint` and `signed-note`.

mod checkpoint;
mod entry;
mod note;
mod proof;
#[cfg(test)]
mod tests;
mod tree;

pub use checkpoint::{Checkpoint, CheckpointError};
pub use entry::{EntryError, TimelineEntry, leaf};
pub use note::{NoteError, NoteKey, NoteSignature, SignedNote};
pub use proof::{ProofError, consistency_proof, inclusion_proof, verify_consistency, verify_inclusion};
pub use tree::{Frontier, Hash, empty_root, leaf_hash, node_hash, root};
