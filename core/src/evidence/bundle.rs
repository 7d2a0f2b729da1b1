//! Makes a bundle: the files, then the manifest over them, its signature and the list of sums.
//!
//! Files are made, hashed and written one after the other, so that only one of them is held.

use super::BundleError;
use super::archive::Archive;
use super::facts::Facts;
use super::key::Seal;
use super::manifest::{self, Manifest, ManifestFile, ManifestFrozen};
use super::pseudonyms::Pseudonyms;
use super::renderer::{File, Material, RENDERERS};
use super::timeline;
use crate::digest;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::io::{Seek, Write};

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The manifest.
    pub manifest: Manifest,
    /// Its digest, by which the next version names this one.
    pub manifest_sha256: String,
}

/// What an entry of the log says `after` facts with this digest were frozen. The bundle is made when
/// the log has that entry.
pub fn freezing(facts: &Facts, frozen_digest: &str) -> Value {
    json!({"evidence": {
        "bundle": facts.bundle.id,
        "version": facts.bundle.version,
        "frozen": frozen_digest,
    }})
}

/// Whether an entry of the log, as JSON, names this digest as frozen.
pub(super) fn names_frozen(entry: &Value, digest: &str) -> bool {
    entry.pointer("/after/evidence/frozen").and_then(Value::as_str) == Some(digest)
}

/// The digest of everything that a bundle says but the log's own word. [`Facts::log`] is not looked at.
///
/// # Errors
/// [`BundleError`].
pub fn frozen_digest(facts: &Facts, seal: &dyn Seal) -> Result<String, BundleError> {
    let (facts, pseudonyms) = replaced(facts, seal)?;
    let material = Material { facts: &facts, key: seal.public_key() };
    let mut files = Vec::new();
    for renderer in RENDERERS.iter().filter(|renderer| renderer.frozen) {
        for file in (renderer.render)(&material)? {
            checked(&file, pseudonyms.as_ref())?;
            files.push(listed(&file));
        }
    }
    Ok(manifest::frozen_digest(&files))
}

/// Writes the bundle. The same facts and keys give the same bytes.
///
/// # Errors
/// [`BundleError`]; `out` then holds nothing of use.
pub fn write<W: Write + Seek>(facts: &Facts, seal: &dyn Seal, out: W) -> Result<(W, Sealed), BundleError> {
    let (facts, pseudonyms) = replaced(facts, seal)?;
    let material = Material { facts: &facts, key: seal.public_key() };
    let checkpoint = material.checkpoint()?;
    let mut archive = Archive::new(out);
    let mut files = Vec::new();
    for renderer in RENDERERS {
        for file in (renderer.render)(&material)? {
            checked(&file, pseudonyms.as_ref())?;
            archive.add(&file.path, &file.bytes)?;
            files.push(listed(&file));
        }
    }
    let frozen = frozen(&material, &files)?;
    let manifest = Manifest::of(&facts, &material.key, checkpoint, frozen, files);
    let bytes = crate::canonical::to_vec(&manifest, &[])?;
    let manifest_sha256 = digest::of_bytes(&bytes);
    let signature = seal.sign(&bytes)?;
    archive.add(manifest::PATH, &bytes)?;
    archive.add(manifest::SIGNATURE, &signature)?;
    archive.add(manifest::SUMS, sums(&manifest, &bytes, &signature).as_bytes())?;
    Ok((archive.finish()?, Sealed { manifest, manifest_sha256 }))
}

/// The list of sums: every file but itself, in the order of the archive.
pub(super) fn sums(manifest: &Manifest, bytes: &[u8], signature: &[u8]) -> String {
    let sealed =
        [(manifest::PATH, digest::of_bytes(bytes)), (manifest::SIGNATURE, digest::of_bytes(signature))];
    let files = manifest.files.iter().map(|file| (file.path.as_str(), file.sha256.as_str()));
    manifest::sums(files.chain(sealed.iter().map(|(path, sha256)| (*path, sha256.as_str()))))
}

/// The facts with persons replaced, where that is asked for.
fn replaced<'f>(
    facts: &'f Facts,
    seal: &dyn Seal,
) -> Result<(Cow<'f, Facts>, Option<Pseudonyms>), BundleError> {
    let Some(scope) = facts.pseudonyms else { return Ok((Cow::Borrowed(facts), None)) };
    let mut facts = facts.clone();
    let pseudonyms = Pseudonyms::of(&mut facts, scope, &seal.pseudonym_key())?;
    pseudonyms.replace(&mut facts)?;
    Ok((Cow::Owned(facts), Some(pseudonyms)))
}

/// A file that names a person although persons are replaced is a fault of ours, and is not given out.
fn checked(file: &File, pseudonyms: Option<&Pseudonyms>) -> Result<(), BundleError> {
    let Some(pseudonyms) = pseudonyms else { return Ok(()) };
    let text = std::str::from_utf8(&file.bytes).unwrap_or_default();
    if pseudonyms.is_named_in(text) {
        return Err(BundleError::Persons { path: file.path.clone() });
    }
    Ok(())
}

fn listed(file: &File) -> ManifestFile {
    ManifestFile {
        bytes: file.bytes.len() as u64,
        media_type: file.media_type.to_owned(),
        path: file.path.clone(),
        sha256: digest::of_bytes(&file.bytes),
    }
}

/// What the log says of the files: the entry must be there, whole, and name their digest.
fn frozen(material: &Material<'_>, files: &[ManifestFile]) -> Result<ManifestFrozen, BundleError> {
    let log = material.log()?;
    let place = log.frozen_at;
    let digest = manifest::frozen_digest(files);
    let entry = log.entries.iter().find(|entry| entry.place == place);
    let named = entry.is_some_and(|entry| {
        let text = entry.entry.as_deref().unwrap_or_default();
        let value = serde_json::from_str::<Value>(text).unwrap_or_default();
        names_frozen(&value, &digest) && timeline::gives(&value, entry.leaf)
    });
    if named { Ok(ManifestFrozen { digest, place }) } else { Err(BundleError::NotFrozen { place, digest }) }
}
