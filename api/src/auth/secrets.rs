//! Secrets that tell which organization they belong to: API keys, invitations and clients' links.
//!
//! The form is a prefix (`lfk_live_`, `lfi_`, `lfc_`), 70 characters base62 of the organization's id (16 bytes),
//! the id of the key, invitation or link (16) and a secret (20), and 6 characters base62 of the CRC-32 of what
//! stands before. So checking one is a read inside its organization, and no table of everybody's keys is
//! needed. The prefix and the checksum let secret scanners find lost keys, and a mistyped one is refused
//! without a look at the database. Knows no storage.

use aws_lc_rs::rand;
use leakage_core::id::OrgId;
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};
use std::fmt;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

/// What a secret is for, which its prefix says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    prefix: &'static str,
}

/// API keys.
pub const API_KEY: Form = Form { prefix: "lfk_live_" };
/// Invitations.
pub const INVITATION: Form = Form { prefix: "lfi_" };

/// Clients' links to corrections.
pub const CLIENT_LINK: Form = Form { prefix: "lfc_" };

const SECRET_BYTES: usize = 20;
const BYTES: usize = 16 + 16 + SECRET_BYTES;
/// Enough base62 characters for [`BYTES`] bytes: ceil(52 * 8 / log2 62).
const CHARACTERS: usize = 70;
/// Enough for 32 bits.
const CRC_CHARACTERS: usize = 6;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// SHA-256 of a secret with enough randomness that no slow hash is needed.
#[derive(Clone, Copy)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// Hashes a secret.
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// For storage.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether it is the stored one; takes the same time whatever differs.
    pub fn matches(&self, stored: &[u8]) -> bool {
        self.0.ct_eq(stored).into()
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(..)")
    }
}

/// The system has no randomness to give.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the system gives no random numbers")]
pub struct NoRandomness;

/// A secret that was just made; the only time that it is seen.
#[derive(Debug)]
pub struct NewSecret {
    /// What its owner is shown, once.
    pub text: SecretString,
    /// What is stored.
    pub hash: SecretHash,
    /// Its last four characters, to recognise it by.
    pub last_four: String,
}

/// What a presented secret says of itself; whether it is true, the stored hash tells.
#[derive(Clone, Copy, Debug)]
pub struct Presented {
    /// Whose it claims to be.
    pub org: OrgId,
    /// The id of the key or invitation that it claims to be.
    pub id: Uuid,
    /// To compare with what is stored.
    pub hash: SecretHash,
}

impl Form {
    /// Makes a secret of an organization for the key or invitation `id`.
    pub fn generate(self, org: OrgId, id: Uuid) -> Result<NewSecret, NoRandomness> {
        let mut bytes = [0; BYTES];
        bytes[..16].copy_from_slice(org.uuid().as_bytes());
        bytes[16..32].copy_from_slice(id.as_bytes());
        rand::fill(&mut bytes[32..]).map_err(|_unspecified| NoRandomness)?;
        let mut text = format!("{}{}", self.prefix, base62(&bytes, CHARACTERS));
        text.push_str(&base62(&crc32(text.as_bytes()).to_be_bytes(), CRC_CHARACTERS));
        let last_four = text[text.len() - 4..].to_owned();
        Ok(NewSecret { hash: SecretHash::of(&text), text: text.into(), last_four })
    }

    /// Reads a secret; none if it is not of this form (prefix, length, characters or checksum).
    pub fn parse(self, text: &str) -> Option<Presented> {
        if text.len() != self.prefix.len() + CHARACTERS + CRC_CHARACTERS || !text.is_ascii() {
            return None;
        }
        let (body, checksum) = text.split_at(self.prefix.len() + CHARACTERS);
        let bytes: [u8; BYTES] = from_base62(body.strip_prefix(self.prefix)?)?;
        if checksum != base62(&crc32(body.as_bytes()).to_be_bytes(), CRC_CHARACTERS) {
            return None;
        }
        let org = Uuid::from_slice(&bytes[..16]).ok()?;
        let id = Uuid::from_slice(&bytes[16..32]).ok()?;
        Some(Presented { org: org.into(), id, hash: SecretHash::of(text) })
    }

    /// Whether a text means to be of this form, well or badly.
    pub fn claims(self, text: &str) -> bool {
        text.starts_with(self.prefix)
    }
}

/// Big-endian bytes as base62 of a fixed width, by long division.
fn base62(bytes: &[u8], width: usize) -> String {
    let mut number = bytes.to_vec();
    let mut digits = vec![ALPHABET[0]; width];
    for digit in digits.iter_mut().rev() {
        let mut rest = 0_usize;
        for byte in &mut number {
            let value = rest * 256 + usize::from(*byte);
            // Below 62 * 256 / 62, so that it fits.
            *byte = u8::try_from(value / 62).unwrap_or(u8::MAX);
            rest = value % 62;
        }
        *digit = ALPHABET[rest];
    }
    digits.into_iter().map(char::from).collect()
}

/// The bytes of a base62 number; none if a character is foreign or the number too large.
fn from_base62<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut number = [0_u8; N];
    for character in text.bytes() {
        let mut carry = ALPHABET.iter().position(|known| *known == character)?;
        for byte in number.iter_mut().rev() {
            let value = usize::from(*byte) * 62 + carry;
            *byte = u8::try_from(value % 256).ok()?;
            carry = value / 256;
        }
        if carry != 0 {
            return None;
        }
    }
    Some(number)
}

/// CRC-32 as in zip and PNG (ISO 3309), bit by bit: keys are short.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _bit| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    fn ids() -> (OrgId, Uuid) {
        (Uuid::now_v7().into(), Uuid::now_v7())
    }

    #[test]
    fn a_key_tells_its_organization_and_itself() {
        for (org, id) in [ids(), (Uuid::nil().into(), Uuid::nil()), (Uuid::max().into(), Uuid::max())] {
            let new = API_KEY.generate(org, id).unwrap();
            let text = new.text.expose_secret();
            let read = API_KEY.parse(text).unwrap();
            assert_eq!((read.org, read.id), (org, id));
            assert!(read.hash.matches(new.hash.as_bytes()));
            assert!(text.ends_with(&new.last_four));
            assert!(text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_'), "{text}");
        }
    }

    #[test]
    fn two_keys_of_one_id_differ_in_their_secret() {
        let (org, id) = ids();
        let (one, other) = (API_KEY.generate(org, id).unwrap(), API_KEY.generate(org, id).unwrap());
        assert!(!one.hash.matches(other.hash.as_bytes()));
    }

    #[test]
    fn a_changed_character_is_noticed_wherever_it_is() {
        let (org, id) = ids();
        let key = API_KEY.generate(org, id).unwrap().text.expose_secret().to_owned();
        for place in 0..key.len() {
            let mut changed = key.clone().into_bytes();
            changed[place] = if changed[place] == b'x' { b'y' } else { b'x' };
            assert!(API_KEY.parse(std::str::from_utf8(&changed).unwrap()).is_none(), "at {place}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let (org, id) = ids();
        let key = API_KEY.generate(org, id).unwrap().text.expose_secret().to_owned();
        for bad in
            ["", "lfk_live_", &key[1..], &format!("{key}0"), &key.replace("live", "test"), &"é".repeat(43)]
        {
            assert!(API_KEY.parse(bad).is_none(), "{bad}");
        }
        assert!(INVITATION.parse(&key).is_none(), "a key is no invitation");
    }

    #[test]
    fn the_checksum_is_the_one_of_zip() {
        // The check value of the catalogue of CRC algorithms.
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }
}
