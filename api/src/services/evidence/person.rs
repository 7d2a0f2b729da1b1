//! Persons by keyed digests: enough to find again what names them, and of no use to anyone without the key.

use sha2::{Digest as _, Sha256};

/// The keyed digest of a person's name or address, however it is written.
pub fn person(key: &[u8; 32], name: &str) -> Vec<u8> {
    let name = name.trim().to_lowercase();
    // The key has a fixed length, and the digest is not extended: it is an index, and proves nothing.
    Sha256::new().chain_update(b"person").chain_update(key).chain_update(name).finalize().to_vec()
}
