//! Whether the files are those that were signed, and letters and replies those that their indexes name.

use super::super::letters::{self, Listed};
use super::super::{bundle, manifest};
use super::Opened;
use super::report::{Fault, Verification};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::{HashMap, HashSet};

/// Each file against the manifest, and the list of sums.
pub(super) fn check(opened: &Opened<'_>, out: &mut Verification) {
    if !present(opened, out) {
        return;
    }
    let listed: HashMap<&str, _> =
        opened.manifest.files.iter().map(|file| (file.path.as_str(), file)).collect();
    for member in opened.container.members() {
        let Some(file) = listed.get(member.path.as_str()) else { continue };
        let (mut sha256, mut bytes) = (Sha256::new(), 0_u64);
        let unpacked = member.unpack(&mut |part| {
            bytes += part.len() as u64;
            sha256.update(part);
        });
        let path = Some(member.path.as_str());
        match unpacked {
            Err(refused) => out.failing(path, refused.reason),
            Ok(()) if bytes == file.bytes && crate::digest::text(&sha256.finalize()) == file.sha256 => {
                out.holding(path, format!("{} is as it was signed (SHA-256).", file.path));
            }
            Ok(()) => out.failing(path, format!("{} is not the file that was signed.", file.path)),
        }
    }
    out.take(manifest::SUMS, sums(opened));
}

/// Whether the archive has the manifest's files, no others, in its order.
fn present(opened: &Opened<'_>, out: &mut Verification) -> bool {
    let sealed = [manifest::PATH, manifest::SIGNATURE, manifest::SUMS];
    let expected: Vec<&str> =
        opened.manifest.files.iter().map(|file| file.path.as_str()).chain(sealed).collect();
    let found: Vec<&str> = opened.container.members().iter().map(|member| member.path.as_str()).collect();
    let (wanted, there): (HashSet<&str>, HashSet<&str>) =
        (expected.iter().copied().collect(), found.iter().copied().collect());
    if wanted.len() != expected.len() {
        out.failing(Some(manifest::PATH), "manifest.json lists a file twice.");
        return false;
    }
    for missing in expected.iter().filter(|path| !there.contains(*path)) {
        out.failing(Some(missing), format!("{missing} is missing: the manifest lists it."));
    }
    for added in found.iter().filter(|path| !wanted.contains(*path)) {
        out.failing(Some(added), format!("{added} was added: the manifest does not list it."));
    }
    if expected.len() != found.len() || wanted != there {
        return false;
    }
    if let Some((_, moved)) = expected.iter().zip(&found).find(|(expected, found)| expected != found) {
        out.failing(Some(moved), format!("{moved} is not at its place: the manifest has another order."));
        return false;
    }
    out.holding(Some(manifest::PATH), "The archive has every file of the manifest and no other.");
    true
}

fn sums(opened: &Opened<'_>) -> Result<String, Fault> {
    let expected = bundle::sums(&opened.manifest, &opened.manifest_bytes, &opened.signature);
    if opened.container.read(manifest::SUMS)? == expected.as_bytes() {
        Ok("SHA256SUMS lists the digests of these files.".to_owned())
    } else {
        Err("SHA256SUMS does not list the digests of these files.".into())
    }
}

/// Letters against the digests that were stored when they were written, replies against theirs.
pub(super) fn letters_and_replies(opened: &Opened<'_>, out: &mut Verification) {
    out.take(letters::INDEX, sent(opened));
    out.take("replies/index.json", replied(opened));
}

fn sent(opened: &Opened<'_>) -> Result<String, Fault> {
    let index = opened.container.read(letters::INDEX)?;
    let index: Vec<Listed> = serde_json::from_slice(&index)
        .map_err(|error| format!("letters/index.json cannot be read: {error}."))?;
    let (mut replaced, mut erased) = (0_usize, 0_usize);
    for letter in &index {
        if letter.erased_at.is_some() {
            erased += 1;
            continue;
        }
        if letter.pseudonymised {
            if opened.manifest.pseudonyms.is_none() {
                return Err(format!(
                    "{} has persons replaced, and the manifest does not say so.",
                    letter.text
                )
                .into());
            }
            replaced += 1;
            continue;
        }
        let text = String::from_utf8_lossy(&opened.container.read(&letter.text)?).into_owned();
        let html = String::from_utf8_lossy(&opened.container.read(&letter.html)?).into_owned();
        let digest = letters::digest_of(&letter.subject, &text, &html).unwrap_or_default();
        if digest != letter.sha256 {
            return Err(Fault {
                file: Some(letter.text.clone()),
                says: format!("{} is not the letter that was written: its digest is another.", letter.text),
            });
        }
    }
    let (count, whole) = (index.len(), index.len() - replaced - erased);
    let of = if whole == count { String::new() } else { format!("{whole} of ") };
    let replaced = match replaced {
        0 => String::new(),
        _ => format!("; in {replaced} of them persons are replaced"),
    };
    let erased = match erased {
        0 => String::new(),
        _ => format!("; from {erased} a person was erased, so that their digests are of other words"),
    };
    Ok(format!("{of}{count} letters are those that were written (SHA-256){replaced}{erased}."))
}

fn replied(opened: &Opened<'_>) -> Result<String, Fault> {
    let index = opened.container.read("replies/index.json")?;
    let index: Vec<Value> = serde_json::from_slice(&index)
        .map_err(|error| format!("replies/index.json cannot be read: {error}."))?;
    let attached = index.iter().flat_map(|reply| reply["attachments"].as_array().into_iter().flatten());
    let (mut files, mut withheld) = (0_usize, 0_usize);
    for file in attached {
        let Some(path) = file["path"].as_str() else {
            withheld += 1;
            continue;
        };
        let listed = opened.manifest.files.iter().find(|listed| listed.path == path);
        if listed.is_none_or(|listed| Some(listed.sha256.as_str()) != file["sha256"].as_str()) {
            return Err(Fault {
                file: Some(path.to_owned()),
                says: format!("{path} is not the file that the reply came with."),
            });
        }
        files += 1;
    }
    let left_out =
        if withheld == 0 { String::new() } else { format!("; {withheld} are left out, named by digest") };
    Ok(format!(
        "{} replies came with {files} files, which are those that were received{left_out}.",
        index.len()
    ))
}
