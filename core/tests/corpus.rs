//! What the fuzzers have found worth keeping, read once more without them: each file of
//! `tests/fuzz/corpus` through its target.

#![expect(clippy::unwrap_used, reason = "a corpus that cannot be read fails the test")]

use std::path::Path;

#[path = "../../tests/fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "public for the fuzzers, which are a crate of their own")]
mod targets;

#[expect(clippy::disallowed_methods, reason = "core is given bytes; its corpus is in files all the same")]
fn replay(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/corpus").join(target);
    let files = folder.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.collect();
    files.sort();
    assert!(files.len() >= 5, "{} has {} files", folder.display(), files.len());
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        let outcome = std::panic::catch_unwind(|| run(&bytes));
        assert!(outcome.is_ok(), "{}", file.display());
    }
}

#[test]
fn csv() {
    replay("csv", targets::csv);
}

#[test]
fn json() {
    replay("json", targets::json);
}

#[test]
fn gzip() {
    replay("gzip", targets::gzip);
}

#[test]
fn zip() {
    replay("zip", targets::zip);
}

#[test]
fn xlsx() {
    replay("xlsx", targets::xlsx);
}

#[test]
fn number() {
    replay("number", targets::number);
}

#[test]
fn date() {
    replay("date", targets::date);
}
