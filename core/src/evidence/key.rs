//! The key that seals bundles, and its public half in the forms that other tools take.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

/// What stands before the 32 bytes of an Ed25519 key in DER (RFC 8410).
const DER: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const END: &str = "-----END PUBLIC KEY-----";

/// Seals bundles: signs, and keys the pseudonyms. This module has no keys of its own.
pub trait Seal {
    /// The public half of the organization's Ed25519 key.
    fn public_key(&self) -> [u8; 32];

    /// An Ed25519 signature.
    ///
    /// # Errors
    /// [`SealError`].
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SealError>;

    /// The organization's key of pseudonyms: as secret as the private key, and another one.
    fn pseudonym_key(&self) -> [u8; 32];
}

/// The key could not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bundle could not be signed: {0}")]
pub struct SealError(pub String);

/// Checks an Ed25519 signature: key, message, signature.
pub type VerifySignature<'v> = &'v dyn Fn(&[u8; 32], &[u8], &[u8; 64]) -> bool;

/// A file of keys that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not PEM.
    #[error("this is not a public key in PEM: it begins with {BEGIN}")]
    Pem,
    /// Another kind of key.
    #[error("this is not an Ed25519 public key")]
    Kind,
    /// Not a set of keys.
    #[error("this is not a JSON Web Key Set: {{\"keys\": [...]}}")]
    Jwks,
    /// Without a key of ours.
    #[error("the set has no Ed25519 key (kty OKP, crv Ed25519)")]
    Empty,
}

/// The key as PEM, as `openssl` takes it.
pub fn to_pem(key: &[u8; 32]) -> String {
    format!("{BEGIN}\n{}\n{END}\n", STANDARD.encode(der(key)))
}

fn der(key: &[u8; 32]) -> Vec<u8> {
    [&DER[..], key].concat()
}

/// Digest of the key's DER form: what `openssl pkey -pubin -outform DER | sha256sum` prints.
pub fn fingerprint(key: &[u8; 32]) -> String {
    crate::digest::of_bytes(&der(key))
}

/// Reads one key from PEM.
///
/// # Errors
/// [`KeyError`].
pub fn from_pem(text: &str) -> Result<[u8; 32], KeyError> {
    let (_, rest) = text.split_once(BEGIN).ok_or(KeyError::Pem)?;
    let (body, _) = rest.split_once(END).ok_or(KeyError::Pem)?;
    let body: String = body.split_whitespace().collect();
    let bytes = STANDARD.decode(body).map_err(|_| KeyError::Pem)?;
    let key = bytes.strip_prefix(&DER).ok_or(KeyError::Kind)?;
    key.try_into().map_err(|_| KeyError::Kind)
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    #[serde(default)]
    kty: String,
    #[serde(default)]
    crv: String,
    #[serde(default)]
    x: String,
}

/// Reads the Ed25519 keys of a JSON Web Key Set; others are passed over.
///
/// # Errors
/// [`KeyError`].
pub fn from_jwks(text: &str) -> Result<Vec<[u8; 32]>, KeyError> {
    let set: Set = serde_json::from_str(text).map_err(|_| KeyError::Jwks)?;
    let own = set.keys.iter().filter(|key| key.kty == "OKP" && key.crv == "Ed25519");
    let keys = own.filter_map(|key| URL_SAFE_NO_PAD.decode(&key.x).ok()?.try_into().ok());
    let keys: Vec<[u8; 32]> = keys.collect();
    if keys.is_empty() { Err(KeyError::Empty) } else { Ok(keys) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_from_pem() {
        let pem = to_pem(&[7; 32]);
        assert_eq!(from_pem(&pem), Ok([7; 32]));
        assert_eq!(from_pem(&format!("words before\n{}", pem.replace('\n', "\r\n"))), Ok([7; 32]));
        assert_eq!(from_pem("AAAA"), Err(KeyError::Pem));
        let other = format!("{BEGIN}\n{}\n{END}\n", STANDARD.encode([1; 44]));
        assert_eq!(from_pem(&other), Err(KeyError::Kind));
    }

    #[test]
    fn the_keys_of_a_set_are_those_of_our_kind() {
        let x = URL_SAFE_NO_PAD.encode([9; 32]);
        let set =
            format!(r#"{{"keys":[{{"kty":"RSA","n":"x"}},{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}]}}"#);
        assert_eq!(from_jwks(&set), Ok(vec![[9; 32]]));
        assert_eq!(from_jwks(r#"{"keys":[]}"#), Err(KeyError::Empty));
        assert_eq!(from_jwks("[]"), Err(KeyError::Jwks));
    }
}
