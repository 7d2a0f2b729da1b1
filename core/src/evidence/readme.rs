//! `README.txt`: what the bundle is, and how to check it with tools that every Debian has.

use super::BundleError;
use super::facts::PseudonymScope;
use super::renderer::{File, Material, RENDERERS, Renderer};
use super::{key, manifest};
use crate::id::CorrectionId;
use std::fmt::Write as _;

pub(super) const RENDERER: Renderer = Renderer { name: PATH, frozen: false, render };
pub(super) const PATH: &str = "README.txt";

const FILES: &str = "\
report.pdf         the same for people: summary, chart, tables, letters, timeline
gaps.csv           each difference, month by month
audit.json         how each of them was computed, step by step
correction.json    the correction and what became of every seat and cent
source-rows.csv    the exact rows of the files that the numbers come from
provisioning.csv   who was given which seat, when and by whom
activity.csv       who used the seats
letters/           letters to the client as they are kept, and their digests
letters/told.json  what was recorded where no letter is kept
replies/           what the client answered, with the files that came with it
timeline.json      what happened, each entry with its proof
checkpoint.txt     what the MSP's log commits to, signed
public-key.pem     the key that signed this bundle
manifest.json      every file with its digest, and what the numbers rest on
manifest.sig       the signature over manifest.json
SHA256SUMS         the digests again, for sha256sum
";

fn render(material: &Material<'_>) -> Result<Vec<File>, BundleError> {
    let (facts, log) = (material.facts, material.log()?);
    let subject = &facts.correction.subject;
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "EVIDENCE\n\n{msp} to {client}\nCorrection {id}\nAudit made by version {engine}\nBundle {bundle}, version {version}, facts frozen at {at}\n",
        msp = facts.msp.name,
        client = subject.client,
        id = named(facts.correction.reference.as_deref(), facts.correction.id),
        engine = facts.audit.engine_version.as_deref().unwrap_or("(not recorded)"),
        bundle = facts.bundle.id,
        version = facts.bundle.version,
        at = facts.bundle.frozen_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
    );
    if let Some(before) = &facts.bundle.predecessor {
        let _ = writeln!(
            out,
            "It follows version {}, whose manifest has the digest\n{}",
            before.version, before.manifest_sha256
        );
    }
    if let Some(contact) = &facts.msp.contact {
        let _ = writeln!(out, "Questions: {contact}");
    }
    out.push('\n');
    out.push_str(persons(facts.pseudonyms));
    let _ = write!(out, "\nWHAT IS IN IT\n\n{FILES}\n");
    out.push_str(&checks(material, log.frozen_at)?);
    Ok(vec![File::text(PATH, out)])
}

/// What both sides call it, and its id.
fn named(reference: Option<&str>, id: CorrectionId) -> String {
    reference.map_or_else(|| id.to_string(), |reference| format!("{reference} ({id})"))
}

const fn persons(scope: Option<PseudonymScope>) -> &'static str {
    match scope {
        None => "Persons are named in it as the sources name them.\n",
        Some(PseudonymScope::Organization) => {
            "Persons are replaced by words such as person-7f3a2c51d0e9, the same in\n\
             every bundle of this MSP. Files that the client sent are left out.\n"
        }
        Some(PseudonymScope::Bundle) => {
            "Persons are replaced by words such as person-7f3a2c51d0e9, the same in\n\
             this bundle only. Files that the client sent are left out.\n"
        }
    }
}

/// The commands, as they can be pasted in the folder of the unpacked bundle.
fn checks(material: &Material<'_>, frozen_at: u64) -> Result<String, BundleError> {
    let unfrozen = RENDERERS.iter().filter(|renderer| !renderer.frozen).map(|renderer| renderer.name);
    let unfrozen: Vec<&str> = unfrozen.chain([manifest::PATH, manifest::SIGNATURE]).collect();
    let size = material.checkpoint()?.size;
    Ok(format!(
        "\
HOW TO CHECK IT

With one command, which checks everything below and more:

    leakage verify bundle.zip --key key.pem

By hand, in the folder of the unpacked files, on any Debian:

1. Whose key is it? This prints the digest of the key:

    openssl pkey -pubin -in public-key.pem -outform DER | sha256sum

   It must be {fingerprint}
   and the same as the MSP publishes. Ask the MSP on a way that you know
   already, not by a link that came with this file.

2. Did that key sign the manifest?

    openssl pkeyutl -verify -pubin -inkey public-key.pem -rawin -in manifest.json -sigfile manifest.sig

3. Are the files those of the manifest?

    tr '{{' '\\n' < manifest.json | sed -n 's/.*\"path\":\"\\([^\"]*\\)\",\"sha256\":\"sha256:\\([0-9a-f]*\\)\".*/\\2  \\1/p' | sha256sum -c -

   The same from the list of sums:

    sha256sum -c SHA256SUMS

4. Was it frozen in the MSP's log? This prints a digest, which must stand in
   entry {frozen_at} of timeline.json:

    grep -Ev '  ({unfrozen})$' SHA256SUMS | sha256sum

   The proofs in timeline.json lead from each entry to the root in
   checkpoint.txt, a log of {size} entries (RFC 9162; c2sp.org/tlog-checkpoint).
   Whoever keeps an older checkpoint of this log can ask for a proof that
   nothing before it was changed.
",
        fingerprint = key::fingerprint(&material.key).trim_start_matches("sha256:"),
        unfrozen = unfrozen.join("|").replace('.', "\\."),
    ))
}
