//! The files of a bundle, each made by one renderer.

use super::facts::{Facts, LogFacts};
use super::{
    BundleError, activity, audit_json, checkpoint, correction_json, gaps_csv, letters, provisioning,
    public_key, readme, replies, source_rows, timeline,
};
use crate::log::{Checkpoint, SignedNote};
use serde::Serialize;

/// Makes files of one kind.
pub(super) struct Renderer {
    /// The file, or the folder with a slash at its end.
    pub(super) name: &'static str,
    /// Whether it is a part of what is frozen. Not so for files that show the log, which comes after.
    pub(super) frozen: bool,
    /// Makes them.
    pub(super) render: fn(&Material<'_>) -> Result<Vec<File>, BundleError>,
}

/// In the order of the archive. A new file is its renderer and a line here.
pub(super) const RENDERERS: &[Renderer] = &[
    readme::RENDERER,
    gaps_csv::RENDERER,
    audit_json::RENDERER,
    correction_json::RENDERER,
    source_rows::RENDERER,
    provisioning::RENDERER,
    activity::RENDERER,
    letters::RENDERER,
    replies::RENDERER,
    timeline::RENDERER,
    checkpoint::RENDERER,
    public_key::RENDERER,
];

/// Whether the digest of what is frozen covers this file.
pub(super) fn is_frozen(path: &str) -> bool {
    let of = |renderer: &&Renderer| {
        renderer.name == path || (renderer.name.ends_with('/') && path.starts_with(renderer.name))
    };
    RENDERERS.iter().find(of).is_some_and(|renderer| renderer.frozen)
}

/// What renderers read.
pub(super) struct Material<'f> {
    /// The facts, with persons replaced where that is asked for.
    pub(super) facts: &'f Facts,
    /// The key that seals the bundle.
    pub(super) key: [u8; 32],
}

impl Material<'_> {
    /// The log's word.
    pub(super) fn log(&self) -> Result<&LogFacts, BundleError> {
        self.facts.log.as_ref().ok_or(BundleError::NotLogged)
    }

    /// What the log's checkpoint says.
    pub(super) fn checkpoint(&self) -> Result<Checkpoint, BundleError> {
        let note = SignedNote::parse(&self.log()?.checkpoint).map_err(crate::log::CheckpointError::from)?;
        Ok(Checkpoint::parse(note.unverified_text())?)
    }
}

/// A file of the bundle.
pub(super) struct File {
    /// Its place in the archive.
    pub(super) path: String,
    /// What it is.
    pub(super) media_type: &'static str,
    /// Its bytes.
    pub(super) bytes: Vec<u8>,
}

impl File {
    /// A file.
    pub(super) fn new(path: impl Into<String>, media_type: &'static str, bytes: Vec<u8>) -> Self {
        Self { path: path.into(), media_type, bytes }
    }

    /// Canonical JSON (RFC 8785).
    pub(super) fn json(path: impl Into<String>, value: &impl Serialize) -> Result<Self, BundleError> {
        Ok(Self::new(path, "application/json", crate::canonical::to_vec(value, &[])?))
    }

    /// Text.
    pub(super) fn text(path: impl Into<String>, text: String) -> Self {
        Self::new(path, "text/plain; charset=utf-8", text.into_bytes())
    }

    /// CSV.
    pub(super) fn csv(path: impl Into<String>, sheet: super::sheet::Sheet) -> Result<Self, BundleError> {
        Ok(Self::new(path, "text/csv; charset=utf-8", sheet.bytes()?))
    }
}

/// The word that JSON uses.
pub(super) fn word(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// A part of a file's name: plain letters, digits, dots and dashes, whatever it was.
pub(super) fn plain_name(name: &str) -> String {
    let plain =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_') { c } else { '-' });
    let plain: String = plain.collect();
    let plain = plain.trim_matches(['.', '-']);
    let cut: String = plain.chars().rev().take(80).collect::<Vec<_>>().into_iter().rev().collect();
    if cut.is_empty() { "file".to_owned() } else { cut }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_plain_whatever_came() {
        for (name, plain) in [
            ("Letter of 3 May.pdf", "Letter-of-3-May.pdf"),
            ("../../etc/passwd", "etc-passwd"),
            ("C:\\x\\y.eml", "C--x-y.eml"),
            ("..", "file"),
            ("\u{202e}fdp.exe", "fdp.exe"),
        ] {
            assert_eq!(plain_name(name), plain, "{name}");
        }
        assert_eq!(plain_name(&"a".repeat(500)).len(), 80);
    }

    #[test]
    fn what_is_frozen_leaves_out_what_shows_the_log() {
        for (path, frozen) in [
            ("gaps.csv", true),
            ("letters/001-first_notice.txt", true),
            ("replies/index.json", true),
            ("timeline.json", false),
            ("README.txt", false),
            ("manifest.json", false),
            ("other.txt", false),
        ] {
            assert_eq!(is_frozen(path), frozen, "{path}");
        }
    }
}
