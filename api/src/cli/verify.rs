//! `leakage verify` and `leakage verify-log`: check a bundle, and a log that was exported. They read files
//! and print; they need no service and no network.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use leakage_core::evidence::key::{from_jwks, from_pem};
use leakage_core::evidence::verify::{LogFile, MOST_BYTES, Outcome, Verification, verify, verify_log};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The largest file of keys or checkpoints.
const MOST_TEXT: u64 = 1 << 20;

/// Arguments of `leakage verify`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    keys: Keys,
    /// The bundle.
    #[arg(value_name = "BUNDLE.zip")]
    bundle: PathBuf,
}

/// Arguments of `leakage verify-log`.
#[derive(Debug, clap::Args)]
pub struct LogArguments {
    #[command(flatten)]
    keys: Keys,
    /// A signed checkpoint that was kept elsewhere. Can be given several times.
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// The log: entries as NDJSON, as `GET /v1/timeline-log/entries` gives them, from the first on.
    #[arg(value_name = "LOG.ndjson")]
    log: PathBuf,
}

#[derive(Debug, clap::Args)]
struct Keys {
    /// A public key of the MSP, in PEM, from a place that you trust. Can be given several times.
    #[arg(long, value_name = "KEY.pem")]
    key: Vec<PathBuf>,
    /// Public keys of the MSP as a JSON Web Key Set.
    #[arg(long, value_name = "JWKS.json")]
    keys: Vec<PathBuf>,
}

impl Keys {
    fn read(&self) -> io::Result<Vec<[u8; 32]>> {
        let mut keys = Vec::new();
        for path in &self.key {
            keys.push(from_pem(&text(path)?).map_err(|error| about(path, &error))?);
        }
        for path in &self.keys {
            keys.extend(from_jwks(&text(path)?).map_err(|error| about(path, &error))?);
        }
        Ok(keys)
    }
}

fn about(path: &Path, error: &dyn std::fmt::Display) -> io::Error {
    io::Error::other(format!("{}: {error}", path.display()))
}

fn bytes(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| about(path, &error))?;
    file.take(most + 1).read_to_end(&mut bytes).map_err(|error| about(path, &error))?;
    if bytes.len() as u64 > most {
        return Err(about(path, &format!("the file is larger than {} MB", most >> 20)));
    }
    Ok(bytes)
}

fn text(path: &Path) -> io::Result<String> {
    String::from_utf8(bytes(path, MOST_TEXT)?).map_err(|_| about(path, &"the file is not text"))
}

fn signature(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    UnparsedPublicKey::new(&ED25519, key).verify(message, signature).is_ok()
}

/// Checks a bundle and says every check. Answers 0 when everything holds, 1 when something does not, 2 when a file
/// cannot be read.
pub fn run(arguments: &Arguments) -> ExitCode {
    let checked = arguments.keys.read().and_then(|keys| {
        let bundle = bytes(&arguments.bundle, MOST_BYTES as u64)?;
        Ok(verify(&bundle, &keys, &signature))
    });
    answer(checked, "bundle")
}

/// Checks a log and names the first entry that does not hold. Answers as [`run`].
pub fn run_log(arguments: &LogArguments) -> ExitCode {
    let checked = arguments.keys.read().and_then(|keys| {
        let checkpoints: Vec<String> =
            arguments.checkpoint.iter().map(|path| text(path)).collect::<Result<_, _>>()?;
        let file = File::open(&arguments.log).map_err(|error| about(&arguments.log, &error))?;
        let lines = &mut BufReader::new(file);
        Ok(verify_log(LogFile { lines, checkpoints: &checkpoints, keys: &keys }, &signature))
    });
    answer(checked, "log")
}

fn answer(checked: io::Result<Verification>, what: &str) -> ExitCode {
    let verification = match checked {
        Ok(verification) => verification,
        Err(error) => {
            super::report(&error);
            return ExitCode::from(2);
        }
    };
    // A reader that went away (`| head`) wants no more; the exit code still tells.
    let _ = io::stdout().lock().write_all(told(&verification, what).as_bytes());
    ExitCode::from(u8::from(!verification.holds()))
}

/// The checks line by line, and what it comes to.
fn told(verification: &Verification, what: &str) -> String {
    // Writing to a String cannot fail.
    let mut out = String::new();
    for check in &verification.checks {
        let outcome = match check.outcome {
            Outcome::Holds => "ok  ",
            Outcome::Fails => "FAIL",
            Outcome::Remark => "note",
        };
        let _ = writeln!(out, "{outcome}  {}", plain(&check.says));
    }
    match verification.first_failure() {
        None => {
            let _ = writeln!(out, "\nThe {what} holds.");
        }
        Some(first) => {
            let about = first.file.as_deref().map_or_else(String::new, |file| format!(" ({})", plain(file)));
            let _ = writeln!(out, "\nThe {what} DOES NOT HOLD. First{about}: {}", plain(&first.says));
        }
    }
    out
}

/// Words come from whoever made the file: nothing of them reaches the terminal but text, in its order.
fn plain(text: &str) -> String {
    let hidden = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if hidden(c) { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
    use leakage_core::evidence::key::to_pem;
    use leakage_core::evidence::{Seal, SealError, example, write};

    struct Sealed(Ed25519KeyPair);

    impl Seal for Sealed {
        fn public_key(&self) -> [u8; 32] {
            self.0.public_key().as_ref().try_into().unwrap()
        }

        fn sign(&self, message: &[u8]) -> Result<[u8; 64], SealError> {
            Ok(self.0.sign(message).as_ref().try_into().unwrap())
        }

        fn pseudonym_key(&self) -> [u8; 32] {
            [0; 32]
        }
    }

    fn files(folder: &Path) -> (PathBuf, PathBuf) {
        let seal = Sealed(Ed25519KeyPair::from_seed_unchecked(&[1; 32]).unwrap());
        let facts = example::logged(example::facts(2, 4).unwrap(), &seal).unwrap();
        let bundle = write(&facts, &seal, io::Cursor::new(Vec::new())).unwrap().0.into_inner();
        let (path, key) = (folder.join("bundle.zip"), folder.join("key.pem"));
        std::fs::write(&path, bundle).unwrap();
        std::fs::write(&key, to_pem(&seal.public_key())).unwrap();
        (path, key)
    }

    fn code(key: Vec<PathBuf>, bundle: PathBuf) -> String {
        format!("{:?}", run(&Arguments { keys: Keys { key, keys: Vec::new() }, bundle }))
    }

    fn is(code: u8) -> String {
        format!("{:?}", ExitCode::from(code))
    }

    #[test]
    fn the_exit_code_tells_whether_the_bundle_holds() {
        let folder = tempfile::tempdir().unwrap();
        let (bundle, key) = files(folder.path());
        assert_eq!(code(vec![key.clone()], bundle.clone()), is(0));
        assert_eq!(code(Vec::new(), bundle.clone()), is(0));
        let mut changed = std::fs::read(&bundle).unwrap();
        changed[2000] ^= 0xff;
        std::fs::write(&bundle, changed).unwrap();
        assert_eq!(code(vec![key.clone()], bundle.clone()), is(1));
        assert_eq!(code(vec![bundle.clone()], bundle.clone()), is(2));
        assert_eq!(code(vec![key], folder.path().join("absent.zip")), is(2));
    }

    #[test]
    fn what_is_told_ends_with_what_does_not_hold() {
        let folder = tempfile::tempdir().unwrap();
        let (bundle, _) = files(folder.path());
        let whole = std::fs::read(bundle).unwrap();
        let text = told(&verify(&whole, &[], &signature), "bundle");
        assert!(
            text.starts_with("ok    The archive has") && text.ends_with("\nThe bundle holds.\n"),
            "{text}"
        );
        assert!(text.contains("note  THE KEY WAS NOT COMPARED"), "{text}");
        let text = told(&verify(&whole[1..], &[], &signature), "bundle");
        assert!(text.contains("FAIL") && text.contains("DOES NOT HOLD"), "{text}");
    }

    #[test]
    fn a_log_is_checked_line_by_line() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log.ndjson");
        std::fs::write(&log, "{\"place\":1}\n").unwrap();
        let keys = Keys { key: Vec::new(), keys: Vec::new() };
        let code = run_log(&LogArguments { keys, checkpoint: Vec::new(), log });
        assert_eq!(format!("{code:?}"), is(1));
    }
}
