//! `manifest.json`: every file with its digest, and what the bundle rests on. It is what is signed.

use super::facts::{Facts, InputFile, Predecessor, PseudonymScope, Version};
use super::key;
use crate::audit::Direction;
use crate::correction::State;
use crate::digest;
use crate::id::{AuditId, CorrectionId, OrgId};
use crate::log::{Checkpoint, Hash};
use crate::money::Currency;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use uuid::Uuid;

/// What the first version of the format is called.
pub const FORMAT: &str = "leakage-evidence/1";
pub(super) const PATH: &str = "manifest.json";
/// The raw Ed25519 signature over the manifest.
pub(super) const SIGNATURE: &str = "manifest.sig";
/// What `sha256sum -c` reads.
pub(super) const SUMS: &str = "SHA256SUMS";

macro_rules! parts {
    ($($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $field:ident: $type:ty,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $name { $($(#[$of])* pub $field: $type,)+ }
    )+};
}

parts! {
    /// The manifest.
    Manifest {
        /// [`FORMAT`].
        format: String,
        /// Which bundle.
        bundle: ManifestBundle,
        /// Who speaks.
        organization: ManifestOrganization,
        /// What it is about.
        correction: ManifestCorrection,
        /// The audit that it rests on.
        audit: ManifestAudit,
        /// The files that the audit read.
        inputs: Vec<InputFile>,
        /// Rules that held.
        rules: Vec<Version>,
        /// Mappings that were used.
        mappings: Vec<Version>,
        /// Whether persons are replaced, and how far one person keeps a pseudonym.
        pseudonyms: Option<PseudonymScope>,
        /// What the log says of the files.
        frozen: ManifestFrozen,
        /// The checkpoint that the proofs lead to.
        checkpoint: ManifestCheckpoint,
        /// The key that signs it.
        key: ManifestKey,
        /// Every file but the manifest, its signature and the list of sums, in the order of the archive.
        files: Vec<ManifestFile>,
    }

    /// Which bundle.
    ManifestBundle {
        /// Its id.
        id: Uuid,
        /// Its version.
        version: u32,
        /// The version before it.
        predecessor: Option<Predecessor>,
        /// When its facts were frozen.
        frozen_at: DateTime<Utc>,
        /// The program that made it.
        engine_version: String,
    }

    /// Who speaks.
    ManifestOrganization {
        /// Its id.
        id: OrgId,
        /// Its name.
        name: String,
    }

    /// What it is about.
    ManifestCorrection {
        /// Its id.
        id: CorrectionId,
        /// What both sides call it.
        reference: Option<String>,
        /// The client.
        client: String,
        /// Its billing entity.
        billing_entity: Option<String>,
        /// The currency.
        currency: Currency,
        /// Which way.
        direction: Direction,
        /// Where it stands.
        state: State,
        /// Its version.
        version: i64,
    }

    /// The audit.
    ManifestAudit {
        /// Its id.
        id: AuditId,
        /// Digest of its document.
        digest: String,
        /// The program that ran it; null: not recorded.
        engine_version: Option<String>,
        /// What was known by then.
        known_at: DateTime<Utc>,
    }

    /// What the log says of the files.
    ManifestFrozen {
        /// SHA-256 of their lines in `SHA256SUMS`.
        digest: String,
        /// Place of the log's entry that names it.
        place: u64,
    }

    /// The checkpoint.
    ManifestCheckpoint {
        /// Which log.
        origin: String,
        /// Its size.
        size: u64,
        /// Its root.
        root: Hash,
    }

    /// The key.
    ManifestKey {
        /// Always `Ed25519`.
        algorithm: String,
        /// Digest of its DER form.
        fingerprint: String,
    }

    /// A file.
    ManifestFile {
        /// Its length.
        bytes: u64,
        /// What it is.
        media_type: String,
        /// Where it is.
        path: String,
        /// Its digest, `sha256:` and hex.
        sha256: String,
    }
}

impl Manifest {
    /// The manifest of these files.
    pub(super) fn of(
        facts: &Facts,
        public_key: &[u8; 32],
        checkpoint: Checkpoint,
        frozen: ManifestFrozen,
        files: Vec<ManifestFile>,
    ) -> Self {
        let (bundle, subject) = (&facts.bundle, &facts.correction.subject);
        Self {
            format: FORMAT.to_owned(),
            bundle: ManifestBundle {
                id: bundle.id,
                version: bundle.version,
                predecessor: bundle.predecessor.clone(),
                frozen_at: bundle.frozen_at,
                engine_version: bundle.engine_version.clone(),
            },
            organization: ManifestOrganization { id: facts.msp.organization, name: facts.msp.name.clone() },
            correction: ManifestCorrection {
                id: facts.correction.id,
                reference: facts.correction.reference.clone(),
                client: subject.client.clone(),
                billing_entity: subject.billing_entity.clone(),
                currency: subject.currency,
                direction: subject.direction,
                state: facts.correction.state,
                version: facts.correction.version,
            },
            audit: ManifestAudit {
                id: facts.audit.id,
                digest: facts.audit.digest.clone(),
                engine_version: facts.audit.engine_version.clone(),
                known_at: facts.audit.known_at,
            },
            inputs: facts.inputs.clone(),
            rules: facts.rules.clone(),
            mappings: facts.mappings.clone(),
            pseudonyms: facts.pseudonyms,
            frozen,
            checkpoint: ManifestCheckpoint {
                origin: checkpoint.origin,
                size: checkpoint.size,
                root: checkpoint.root,
            },
            key: ManifestKey { algorithm: "Ed25519".to_owned(), fingerprint: key::fingerprint(public_key) },
            files,
        }
    }
}

/// The lines of `SHA256SUMS` for files.
pub(super) fn sums<'f>(files: impl IntoIterator<Item = (&'f str, &'f str)>) -> String {
    let mut out = String::new();
    for (path, sha256) in files {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{}  {path}", sha256.trim_start_matches("sha256:"));
    }
    out
}

/// The digest of what is frozen: of the lines of these files in `SHA256SUMS`, in the order of the archive.
pub(super) fn frozen_digest(files: &[ManifestFile]) -> String {
    let frozen = files.iter().filter(|file| super::renderer::is_frozen(&file.path));
    digest::of_bytes(sums(frozen.map(|file| (file.path.as_str(), file.sha256.as_str()))).as_bytes())
}
