//! Persons by keyed digests: enough to find again what names them, and of no use to anyone without the key.

use leakage_core::person::fold;
use sha2::{Digest as _, Sha256};

fn digest(key: &[u8; 32], name: &str) -> Vec<u8> {
    // The key has a fixed length, and the digest is not extended: it is an index, and proves nothing.
    Sha256::new().chain_update(b"person").chain_update(key).chain_update(name).finalize().to_vec()
}

/// The keyed digest of a person's name or address, however it is written.
pub fn person(key: &[u8; 32], name: &str) -> Vec<u8> {
    digest(key, &fold(name))
}

/// The digests under which a person may be found: bundles of before were indexed by the lower case alone.
pub fn known_as(key: &[u8; 32], name: &str) -> Vec<Vec<u8>> {
    let mut digests = vec![person(key, name), digest(key, &name.trim().to_lowercase())];
    digests.dedup();
    digests
}
