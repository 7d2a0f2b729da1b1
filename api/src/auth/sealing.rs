//! Secrets that the database keeps, sealed: whoever reads the database alone cannot read them.
//!
//! Each secret has a data key of its own (AES-256-GCM), which is sealed with the service's key-encryption
//! secret. What a secret belongs to is authenticated with it, so that it cannot be put in another's place.
//! The key-encryption secrets are in a file, one a line: the first seals, all of them open. To rotate: put
//! a new line on top of every node's file and restart; take the old one out when nothing is sealed with it.
//! Knows no storage.

use super::key_files::{self, KeyFileError};
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::path::Path;

const KEY_BYTES: usize = 32;
const TAG_BYTES: usize = 16;
/// How a sealed secret begins: this version, then the id of the key-encryption secret.
const VERSION: u8 = 1;
const ID_BYTES: usize = 8;
const WRAPPED_BYTES: usize = NONCE_LEN + KEY_BYTES + TAG_BYTES;

/// A secret that cannot be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The library or the system could not.
    #[error("a secret cannot be sealed")]
    Seal,
    /// It is sealed with a key-encryption secret that is not in the file.
    #[error("a secret is sealed with a key-encryption secret that this node does not have")]
    UnknownKey,
    /// It was changed, or it is another's.
    #[error("a sealed secret was changed, or belongs to something else")]
    Broken,
}

struct Secret {
    id: [u8; ID_BYTES],
    key: RandomizedNonceKey,
}

/// Seals and opens secrets.
pub struct Sealer {
    secrets: Vec<Secret>,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").field("secrets", &self.secrets.len()).finish_non_exhaustive()
    }
}

fn key(bytes: &[u8]) -> Result<RandomizedNonceKey, SealError> {
    RandomizedNonceKey::new(&AES_256_GCM, bytes).map_err(|_unspecified| SealError::Seal)
}

fn random() -> Result<[u8; KEY_BYTES], SealError> {
    let mut bytes = [0; KEY_BYTES];
    rand::fill(&mut bytes).map_err(|_unspecified| SealError::Seal)?;
    Ok(bytes)
}

/// Nonce, then what was sealed with its tag.
fn encrypt(key: &RandomizedNonceKey, about: &[u8], secret: &[u8]) -> Result<Vec<u8>, SealError> {
    let mut text = secret.to_vec();
    let nonce =
        key.seal_in_place_append_tag(Aad::from(about), &mut text).map_err(|_unspecified| SealError::Seal)?;
    let mut sealed = nonce.as_ref().to_vec();
    sealed.append(&mut text);
    Ok(sealed)
}

fn decrypt(key: &RandomizedNonceKey, about: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
    let (nonce, text) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(SealError::Broken)?;
    let mut text = text.to_vec();
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let opened =
        key.open_in_place(nonce, Aad::from(about), &mut text).map_err(|_unspecified| SealError::Broken)?;
    Ok(opened.to_vec())
}

impl Sealer {
    /// Reads the key-encryption secrets, or makes the file with one.
    ///
    /// Reads a file: call it at start, not while serving.
    pub fn open(key_file: &Path) -> Result<Self, KeyFileError> {
        let text = key_files::read_or_make(key_file, || {
            let secret = random().map_err(|_| KeyFileError::Generate)?;
            Ok(format!("{}\n", STANDARD.encode(secret)))
        })?;
        let content = |reason: &str| KeyFileError::Content {
            path: key_file.to_owned(),
            reason: format!("each line must be 32 bytes in base64: {reason}"),
        };
        let mut secrets = Vec::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let bytes = STANDARD.decode(line).map_err(|_| content("a line is not base64"))?;
            let key = key(&bytes).map_err(|_| content("a line has another length"))?;
            let digest: [u8; 32] = Sha256::digest(&bytes).into();
            let id = digest.first_chunk().copied().unwrap_or_default();
            secrets.push(Secret { id, key });
        }
        if secrets.is_empty() { Err(content("there is none")) } else { Ok(Self { secrets }) }
    }

    /// Seals a secret for what it belongs to.
    pub fn seal(&self, about: &[u8], secret: &[u8]) -> Result<Vec<u8>, SealError> {
        let with = self.secrets.first().ok_or(SealError::Seal)?;
        let data = random()?;
        let mut sealed = vec![VERSION];
        sealed.extend(with.id);
        sealed.append(&mut encrypt(&with.key, about, &data)?);
        sealed.append(&mut encrypt(&key(&data)?, about, secret)?);
        Ok(sealed)
    }

    /// Opens what was sealed for this.
    pub fn unseal(&self, about: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let (version, rest) = sealed.split_first().ok_or(SealError::Broken)?;
        let (id, rest) = rest.split_first_chunk::<ID_BYTES>().ok_or(SealError::Broken)?;
        let (wrapped, secret) = rest.split_at_checked(WRAPPED_BYTES).ok_or(SealError::Broken)?;
        if *version != VERSION {
            return Err(SealError::Broken);
        }
        let with = self.secrets.iter().find(|known| known.id == *id).ok_or(SealError::UnknownKey)?;
        decrypt(&key(&decrypt(&with.key, about, wrapped)?)?, about, secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_is_opened_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys");
        let sealer = Sealer::open(&file).unwrap();
        let kept = sealer.seal(b"one", b"secret").unwrap();
        assert_eq!(sealer.unseal(b"one", &kept).unwrap(), b"secret");
        assert_eq!(sealer.unseal(b"other", &kept), Err(SealError::Broken));
        assert_eq!(Sealer::open(&file).unwrap().unseal(b"one", &kept).unwrap(), b"secret");
        assert_ne!(sealer.seal(b"one", b"secret").unwrap(), kept);
        for at in 0..kept.len() {
            let mut changed = kept.clone();
            changed[at] ^= 1;
            assert!(sealer.unseal(b"one", &changed).is_err(), "{at}");
            assert!(sealer.unseal(b"one", &kept[..at]).is_err(), "{at}");
        }
    }

    #[test]
    fn an_older_secret_still_opens_and_the_first_one_seals() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("old"), folder.path().join("new"));
        let sealed = Sealer::open(&old).unwrap().seal(b"one", b"secret").unwrap();
        let both = Sealer::open(&new).unwrap();
        assert_eq!(both.unseal(b"one", &sealed), Err(SealError::UnknownKey));
        let text = std::fs::read_to_string(&new).unwrap() + &std::fs::read_to_string(&old).unwrap();
        std::fs::write(&new, text).unwrap();
        let both = Sealer::open(&new).unwrap();
        assert_eq!(both.unseal(b"one", &sealed).unwrap(), b"secret");
        let again = both.seal(b"one", b"secret").unwrap();
        assert_eq!(Sealer::open(&old).unwrap().unseal(b"one", &again), Err(SealError::UnknownKey));
    }

    #[test]
    fn a_file_of_something_else_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["", "# nothing\n", "AAAA\n", "not base64!\n"] {
            let file = folder.path().join("keys");
            key_files::read_or_make(&file, || Ok(text.to_owned())).unwrap();
            assert!(matches!(Sealer::open(&file), Err(KeyFileError::Content { .. })), "{text:?}");
            std::fs::remove_file(&file).unwrap();
        }
    }
}
