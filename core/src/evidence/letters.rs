//! `letters/`: letters as they are kept, as text and as HTML, and an index with the digests that were stored when
//! each letter was written. Where the client was told without a letter that is kept, what was recorded of that, and
//! nothing made up.

use super::BundleError;
use super::facts::{LetterSent, Told};
use super::renderer::{File, Material, Renderer, plain_name};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub(super) const RENDERER: Renderer = Renderer { name: FOLDER, frozen: true, render };
const FOLDER: &str = "letters/";
/// The index.
pub(super) const INDEX: &str = "letters/index.json";
/// What was recorded where no letter is kept.
const TOLD: &str = "letters/told.json";
/// Says so, in the bundle's own words.
pub(super) const NO_LETTER: &str = "The client was told outside the service. What follows is what was recorded of it; the service keeps no letter.";

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
    /// When it went out; null: it was to be sent when the facts were frozen.
    sent_at: Option<DateTime<Utc>>,
    /// Since when a person is erased from it, so that the digest is of other words.
    #[serde(default)]
    pub(super) erased_at: Option<DateTime<Utc>>,
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
            erased_at: letter.erased_at,
            sha256: letter.sha256.clone(),
            pseudonymised: material.facts.pseudonyms.is_some()
                && letter.erased_at.is_none()
                && digest(letter)? != letter.sha256,
            text,
            html,
        });
    }
    files.push(File::json(INDEX, &index)?);
    if let Some(told) = &material.facts.told {
        files.push(File::json(TOLD, &ToldFile { says: NO_LETTER, letter_kept: false, recorded: told })?);
    }
    Ok(files)
}

/// `told.json`.
#[derive(Serialize)]
struct ToldFile<'f> {
    says: &'static str,
    letter_kept: bool,
    recorded: &'f Told,
}

fn digest(letter: &LetterSent) -> Result<String, BundleError> {
    Ok(digest_of(&letter.subject, &letter.text, &letter.html)?)
}

/// The digest of what was sent, as it is stored with a letter.
pub(super) fn digest_of(subject: &str, text: &str, html: &str) -> Result<String, serde_json::Error> {
    crate::digest::of_json(&json!({"subject": subject, "text": text, "html": html}))
}
