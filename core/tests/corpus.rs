//! What the fuzzers have found worth keeping, read once more without them: each file of
//! `tests/fuzz/corpus` through its target.

use std::path::Path;

#[path = "../../tests/fuzz/src/lib.rs"]
mod targets;

#[expect(clippy::disallowed_methods, reason = "core is given bytes; its corpus is in files all the same")]
fn replay(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/corpus").join(target);
    let files = folder.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.collect();
    files.sort();
    assert!(files.len() >= 5, "{} has {} files", folder.display(), files.len());
    for file in files {
        // Shown when the target panics.
        println!("{}", file.display());
        run(&std::fs::read(&file).unwrap());
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
