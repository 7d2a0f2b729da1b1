//! The commands of a bundle's README, as a reader would paste them.

#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test")]

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use leakage_core::evidence::{Seal, SealError, example, write};
use std::io::{Cursor, Read as _};
use std::path::Path;
use std::process::Command;

/// A key that lasts as long as a test.
struct TestSeal(Ed25519KeyPair);

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

fn sample() -> Vec<u8> {
    let seal = TestSeal(Ed25519KeyPair::from_seed_unchecked(&[1; 32]).unwrap());
    let facts = example::logged(example::facts(3, 12).unwrap(), &seal).unwrap();
    write(&facts, &seal, Cursor::new(Vec::new())).unwrap().0.into_inner()
}

/// The files of a bundle, as any reader of zips has them.
fn unpacked(bundle: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bundle)).unwrap();
    (0..archive.len())
        .map(|index| {
            let mut file = archive.by_index(index).unwrap();
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).unwrap();
            (file.name().unwrap().into_owned(), bytes)
        })
        .collect()
}

fn text(bundle: &[u8], path: &str) -> String {
    let files = unpacked(bundle);
    let (_, bytes) = files.iter().find(|(own, _)| own == path).unwrap();
    String::from_utf8(bytes.clone()).unwrap()
}

fn folder(bundle: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, bytes) in unpacked(bundle) {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    folder
}

fn run(folder: &Path, command: &str) -> (bool, String) {
    let output = Command::new("sh").arg("-c").arg(command).current_dir(folder).output().unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text)
}

/// Commands of the README, in order.
fn commands(readme: &str) -> Vec<String> {
    let indented = readme.lines().filter_map(|line| line.strip_prefix("    "));
    indented.filter(|line| !line.starts_with("leakage")).map(str::to_owned).collect()
}

#[test]
fn the_commands_of_the_readme_check_a_bundle() {
    let bundle = &sample();
    let folder = folder(bundle);
    let readme = text(bundle, "README.txt");
    let commands = commands(&readme);
    let outputs: Vec<(bool, String)> = commands.iter().map(|command| run(folder.path(), command)).collect();
    assert_eq!(commands.len(), 5, "{commands:#?}");
    assert!(outputs.iter().all(|(succeeded, _)| *succeeded), "{outputs:#?}");
    let word = |output: &str| output.split_whitespace().next().unwrap_or_default().to_owned();
    assert!(readme.contains(&format!("It must be {}", word(&outputs[0].1))), "{outputs:#?}");
    assert!(outputs[1].1.contains("Signature Verified Successfully"), "{outputs:#?}");
    assert_eq!(
        outputs[2].1.lines().filter(|line| line.ends_with(": OK")).count(),
        unpacked(bundle).len() - 3
    );
    assert_eq!(
        outputs[3].1.lines().filter(|line| line.ends_with(": OK")).count(),
        unpacked(bundle).len() - 1
    );
    let frozen = word(&outputs[4].1);
    assert!(text(bundle, "timeline.json").contains(&format!("\"frozen\":\"sha256:{frozen}\"")), "{frozen}");
}

#[test]
fn the_commands_of_the_readme_find_a_change() {
    let bundle = &sample();
    let commands = commands(&text(bundle, "README.txt"));
    let gaps = folder(bundle);
    std::fs::write(gaps.path().join("gaps.csv"), "line\n").unwrap();
    for command in [&commands[2], &commands[3]] {
        let (succeeded, output) = run(gaps.path(), command);
        assert!(!succeeded && output.contains("gaps.csv: FAILED"), "{output}");
    }
    let manifest = folder(bundle);
    let changed = text(bundle, "manifest.json").replace("Contoso", "Fabrikam");
    std::fs::write(manifest.path().join("manifest.json"), changed).unwrap();
    assert!(!run(manifest.path(), &commands[1]).0);
}
