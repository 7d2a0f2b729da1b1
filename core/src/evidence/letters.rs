//! `letters/`: what was sent, as text and as HTML, and an index with the digests that were stored when each
//! letter was written.

use super::BundleError;
use super::facts::LetterSent;
use super::renderer::{File, Material, Renderer, plain_name};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub(super) const RENDERER: Renderer = Renderer { name: FOLDER, frozen: true, render };
const FOLDER: &str = "letters/";
/// The index.
pub(super) const INDEX: &str = "letters/index.json";

/// A letter in the index.
#[derive(Serialize, Deserialize)]
pub(super) struct Listed {
    /// Its number.
    number: u32,
    /// What kind.
    kind: String,
    /// One line.
    pub(super) subject: String,
    /// To whom.
    recipients: Vec<String>,
    /// When it went out.
    sent_at: DateTime<Utc>,
    /// SHA-256 of the canonical JSON of `html`, `subject` and `text`.
    pub(super) sha256: String,
    /// Whether persons were replaced in it, so that the digest is of other words.
    pub(super) pseudonymised: bool,
    /// Its files.
    pub(super) text: String,
    /// Its files.
    pub(super) html: String,
}

fn render(material: &Material<'_>) -> Result<Vec<File>, BundleError> {
    let (mut files, mut index) = (Vec::new(), Vec::new());
    for letter in &material.facts.letters {
        let name = format!("{FOLDER}{:03}-{}", letter.number, plain_name(&letter.kind));
        let (text, html) = (format!("{name}.txt"), format!("{name}.html"));
        files.push(File::text(&text, letter.text.clone()));
        files.push(File::new(&html, "text/html; charset=utf-8", letter.html.clone().into_bytes()));
        index.push(Listed {
            number: letter.number,
            kind: letter.kind.clone(),
            subject: letter.subject.clone(),
            recipients: letter.recipients.clone(),
            sent_at: letter.sent_at,
            sha256: letter.sha256.clone(),
            pseudonymised: material.facts.pseudonyms.is_some() && digest(letter)? != letter.sha256,
            text,
            html,
        });
    }
    files.push(File::json(INDEX, &index)?);
    Ok(files)
}

fn digest(letter: &LetterSent) -> Result<String, BundleError> {
    Ok(digest_of(&letter.subject, &letter.text, &letter.html)?)
}

/// The digest of what was sent, as it is stored with a letter.
pub(super) fn digest_of(subject: &str, text: &str, html: &str) -> Result<String, serde_json::Error> {
    crate::digest::of_json(&json!({"subject": subject, "text": text, "html": html}))
}
