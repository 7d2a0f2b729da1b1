//! `replies/`: what the client said and wrote, with the files that came with it.
//!
//! Names of files are made plain, and a file that a double click could run has a name that does not: the
//! index has the name as it came.

use super::BundleError;
use super::facts::{Attachment, Reply};
use super::renderer::{File, Material, Renderer, plain_name};
use crate::digest;
use chrono::{DateTime, Utc};
use serde::Serialize;

pub(super) const RENDERER: Renderer = Renderer { name: FOLDER, frozen: true, render };
const FOLDER: &str = "replies/";

/// Endings that programs show and do not run.
const SHOWN: [&str; 10] = ["pdf", "txt", "eml", "msg", "png", "jpg", "jpeg", "docx", "xlsx", "csv"];

#[derive(Serialize)]
struct Listed<'f> {
    number: u32,
    kind: &'f str,
    by: &'f str,
    channel: &'f str,
    at: DateTime<Utc>,
    text: Option<&'f str>,
    authenticated: bool,
    attachments: Vec<ListedFile<'f>>,
}

#[derive(Serialize)]
struct ListedFile<'f> {
    name: &'f str,
    media_type: &'f str,
    sha256: &'f str,
    /// Where it is; none where it is not a part of the bundle.
    path: Option<String>,
    /// Why it is not: `erased` or `pseudonyms` (a file names persons, and cannot be rewritten).
    withheld: Option<&'static str>,
}

fn render(material: &Material<'_>) -> Result<Vec<File>, BundleError> {
    let (mut files, mut index) = (Vec::new(), Vec::new());
    for reply in &material.facts.replies {
        let mut attachments = Vec::new();
        for (attachment, place) in reply.attachments.iter().zip(1_u32..) {
            let withheld = match attachment.bytes {
                _ if material.facts.pseudonyms.is_some() => Some("pseudonyms"),
                None => Some("erased"),
                Some(_) => None,
            };
            let file = match &attachment.bytes {
                Some(bytes) if withheld.is_none() => Some(file(reply, place, attachment, bytes)?),
                _ => None,
            };
            attachments.push(ListedFile {
                name: &attachment.name,
                media_type: &attachment.media_type,
                sha256: &attachment.sha256,
                path: file.as_ref().map(|file| file.path.clone()),
                withheld,
            });
            files.extend(file);
        }
        index.push(Listed {
            number: reply.number,
            kind: &reply.kind,
            by: &reply.by,
            channel: &reply.channel,
            at: reply.at,
            text: reply.text.as_deref(),
            authenticated: reply.authenticated,
            attachments,
        });
    }
    files.push(File::json(format!("{FOLDER}index.json"), &index)?);
    Ok(files)
}

fn file(reply: &Reply, place: u32, attachment: &Attachment, bytes: &[u8]) -> Result<File, BundleError> {
    if digest::of_bytes(bytes) != attachment.sha256 {
        return Err(BundleError::Attachment { name: attachment.name.clone() });
    }
    let name = plain_name(&attachment.name);
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    let shown = ending.is_some_and(|ending| SHOWN.contains(&ending.as_str()));
    let bin = if shown { "" } else { ".bin" };
    let path = format!("{FOLDER}{:03}-{place}-{name}{bin}", reply.number);
    Ok(File::new(path, "application/octet-stream", bytes.to_vec()))
}
