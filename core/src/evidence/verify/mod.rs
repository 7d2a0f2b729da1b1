//! Checks a bundle without anything but itself and the keys that the reader knows.
//!
//! A bundle may come from anyone. What is read of it is bounded, nothing is written, and no path in it is
//! followed. Every check is told in a sentence; those that rest on others come after them.

mod container;
mod entries;
mod files;
mod log;
mod money;
mod report;

pub use container::{MOST_BYTES, MOST_FILES, MOST_INFLATED};
pub use entries::{LogFile, verify_log};
pub use report::{Check, Outcome, Verification};

use super::key::{self, VerifySignature};
use super::manifest::{self, FORMAT, Manifest};
use super::public_key;
use crate::person::Named;
use container::{Container, Refused};

/// A bundle that was opened, and the key that signed its manifest.
struct Opened<'b> {
    container: Container<'b>,
    manifest: Manifest,
    manifest_bytes: Vec<u8>,
    signature: Vec<u8>,
    key: [u8; 32],
    /// Keys that the reader knows.
    known: &'b [[u8; 32]],
    verify: VerifySignature<'b>,
}

impl From<Refused> for Verification {
    fn from(refused: Refused) -> Self {
        let mut out = Self::default();
        out.failing(refused.file.as_deref(), refused.reason);
        out
    }
}

/// Checks a bundle. `known`: the keys of the MSP, as the reader has them from elsewhere; empty: the enclosed one is
/// taken, and the outcome says so. `verify` checks an Ed25519 signature.
pub fn verify(bundle: &[u8], known: &[[u8; 32]], verify: VerifySignature<'_>) -> Verification {
    let container = match Container::open(bundle) {
        Ok(container) => container,
        Err(refused) => return refused.into(),
    };
    let mut out = Verification::default();
    let count = container.members().len();
    out.holding(
        None,
        format!("The archive has {count} files, each once, and nothing before, between or behind them."),
    );
    let opened = match open(container, known, verify) {
        Ok(opened) => opened,
        Err(refused) => {
            out.failing(refused.file.as_deref(), refused.reason);
            return out;
        }
    };
    key_and_signature(&opened, &mut out);
    files::check(&opened, &mut out);
    if out.holds() {
        money::check(&opened, &mut out);
        files::letters_and_replies(&opened, &mut out);
        log::check(&opened, &mut out);
    } else {
        out.remark(None, "What the files say was not checked, since they are not as they were signed.");
    }
    out
}

/// Whether any text of a bundle names a person, as whole words. What cannot be read may name anybody.
pub fn names(bundle: &[u8], person: &Named) -> bool {
    let Ok(container) = Container::open(bundle) else { return true };
    let texts = container.members().iter().filter(|member| member.path != super::report_pdf::PATH);
    let mut texts = texts.map(|member| container.read(&member.path));
    texts.any(|read| read.map_or(true, |bytes| person.stands_in(&String::from_utf8_lossy(&bytes))))
}

fn open<'b>(
    container: Container<'b>,
    known: &'b [[u8; 32]],
    verify: VerifySignature<'b>,
) -> Result<Opened<'b>, Refused> {
    let wrong = |file: &str, reason: String| Refused { file: Some(file.to_owned()), reason };
    let manifest_bytes = container.read(manifest::PATH)?;
    let manifest: Manifest = serde_json::from_slice(&manifest_bytes)
        .map_err(|error| wrong(manifest::PATH, format!("manifest.json cannot be read: {error}.")))?;
    if manifest.format != FORMAT {
        let says = "manifest.json is of a format that this program does not know. Use a newer one.";
        return Err(wrong(manifest::PATH, says.to_owned()));
    }
    let signature = container.read(manifest::SIGNATURE)?;
    let pem = container.read(public_key::PATH)?;
    let key = key::from_pem(&String::from_utf8_lossy(&pem))
        .map_err(|error| wrong(public_key::PATH, format!("public-key.pem cannot be read: {error}.")))?;
    Ok(Opened { container, manifest, manifest_bytes, signature, key, known, verify })
}

fn key_and_signature(opened: &Opened<'_>, out: &mut Verification) {
    let fingerprint = key::fingerprint(&opened.key);
    if opened.manifest.key.fingerprint == fingerprint {
        out.holding(Some(public_key::PATH), "public-key.pem is the key that manifest.json names.");
    } else {
        out.failing(Some(changed(opened)), "public-key.pem is not the key that manifest.json names.");
    }
    if opened.known.is_empty() {
        out.remark(
            Some(public_key::PATH),
            format!(
                "THE KEY WAS NOT COMPARED WITH A KNOWN ONE: whoever made this file may have made its key, too. \
                 Compare this fingerprint with the one that the MSP publishes, or give the MSP's key: {fingerprint}"
            ),
        );
    } else if opened.known.contains(&opened.key) {
        out.holding(Some(public_key::PATH), format!("The key is one that you gave: {fingerprint}"));
    } else {
        out.failing(Some(public_key::PATH), format!("The key is none of those that you gave: {fingerprint}"));
    }
    let signature: Option<[u8; 64]> = opened.signature.as_slice().try_into().ok();
    match signature {
        None => out
            .failing(Some(manifest::SIGNATURE), "manifest.sig is not a signature: it is not 64 bytes long."),
        Some(signature) if (opened.verify)(&opened.key, &opened.manifest_bytes, &signature) => {
            out.holding(Some(manifest::PATH), "manifest.json is signed with that key (manifest.sig).");
        }
        Some(_) => out.failing(
            Some(manifest::PATH),
            "manifest.sig is not this key's signature over manifest.json: one of the two was changed.",
        ),
    }
}

/// Which of key and manifest was changed, where they do not fit: the manifest also has the digest of the key's
/// file.
fn changed(opened: &Opened<'_>) -> &'static str {
    let pem = opened.container.read(public_key::PATH).unwrap_or_default();
    let listed = opened.manifest.files.iter().find(|file| file.path == public_key::PATH);
    let whole = listed.is_some_and(|file| file.sha256 == crate::digest::of_bytes(&pem));
    if whole { manifest::PATH } else { public_key::PATH }
}
