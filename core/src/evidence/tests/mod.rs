//! Bundles made, checked, and changed by people who should not.

mod changed;
mod forged;
mod hostile;
mod lines;
mod log_file;
mod made;
mod persons;

use super::archive::Archive;
use super::key::{Seal, SealError};
use super::manifest::{self, Manifest, ManifestFile};
use super::verify::{Verification, verify};
use super::{Facts, bundle, example, write};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use std::io::{Cursor, Read as _};
use std::sync::LazyLock;

/// A key that lasts as long as a test.
pub(super) struct TestSeal(Ed25519KeyPair);

impl TestSeal {
    pub(super) fn of(seed: u8) -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap())
    }
}

impl Seal for TestSeal {
    fn public_key(&self) -> [u8; 32] {
        self.0.public_key().as_ref().try_into().unwrap()
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SealError> {
        Ok(self.0.sign(message).as_ref().try_into().unwrap())
    }

    fn pseudonym_key(&self) -> [u8; 32] {
        [5; 32]
    }
}

fn signature(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    UnparsedPublicKey::new(&ED25519, key).verify(message, signature).is_ok()
}

fn facts() -> Facts {
    example::facts(3, 12).unwrap()
}

fn logged(facts: Facts) -> Facts {
    example::logged(facts, &TestSeal::of(1)).unwrap()
}

/// The bundle of facts that the log does not know yet.
fn bundle_of(facts: Facts) -> Vec<u8> {
    let out = write(&logged(facts), &TestSeal::of(1), Cursor::new(Vec::new())).unwrap();
    out.0.into_inner()
}

/// The bundle of [`facts`], made once.
fn sample() -> &'static [u8] {
    static SAMPLE: LazyLock<Vec<u8>> = LazyLock::new(|| bundle_of(facts()));
    &SAMPLE
}

/// Checked with the key that seals the tests' bundles.
fn checked(bundle: &[u8]) -> Verification {
    verify(bundle, &[TestSeal::of(1).public_key()], &signature)
}

fn failure(bundle: &[u8]) -> (Option<String>, String) {
    let verification = checked(bundle);
    let check = verification.first_failure().expect("something does not hold");
    (check.file.clone(), check.says.clone())
}

type Files = Vec<(String, Vec<u8>)>;

/// The files of a bundle, as any reader of zips has them.
fn unpacked(bundle: &[u8]) -> Files {
    let mut archive = ::zip::ZipArchive::new(Cursor::new(bundle)).unwrap();
    (0..archive.len())
        .map(|index| {
            let mut file = archive.by_index(index).unwrap();
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).unwrap();
            (file.name().unwrap().into_owned(), bytes)
        })
        .collect()
}

fn packed(files: &Files) -> Vec<u8> {
    let mut archive = Archive::new(Cursor::new(Vec::new()));
    for (path, bytes) in files {
        archive.add(path, bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn file<'f>(files: &'f mut Files, path: &str) -> &'f mut Vec<u8> {
    let found = files.iter_mut().find(|(own, _)| own == path);
    &mut found.unwrap_or_else(|| panic!("{path}")).1
}

fn text(bundle: &[u8], path: &str) -> String {
    String::from_utf8(file(&mut unpacked(bundle), path).clone()).unwrap()
}

/// Signs changed files anew, as somebody with the key could.
fn resealed(mut files: Files, change: impl FnOnce(&mut Manifest)) -> Vec<u8> {
    let mut made: Manifest = serde_json::from_slice(file(&mut files, manifest::PATH)).unwrap();
    files.retain(|(path, _)| ![manifest::PATH, manifest::SIGNATURE, manifest::SUMS].contains(&path.as_str()));
    made.files = files
        .iter()
        .map(|(path, bytes)| ManifestFile {
            bytes: bytes.len() as u64,
            media_type: "text/plain".to_owned(),
            path: path.clone(),
            sha256: crate::digest::of_bytes(bytes),
        })
        .collect();
    change(&mut made);
    let bytes = crate::canonical::to_vec(&made, &[]).unwrap();
    let signature = TestSeal::of(1).sign(&bytes).unwrap();
    let sums = bundle::sums(&made, &bytes, &signature);
    files.push((manifest::PATH.to_owned(), bytes));
    files.push((manifest::SIGNATURE.to_owned(), signature.to_vec()));
    files.push((manifest::SUMS.to_owned(), sums.into_bytes()));
    packed(&files)
}
