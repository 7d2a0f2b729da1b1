//! The facts of a bundle, gathered from what is stored: what happened after the bundle was asked for is not in it.
//!
//! Lists come in an order that the same facts give again, so that the same facts give the same bytes.

use super::rests;
use super::rows::{Explained, explained, on_invoice};
use super::telling::{sent, told_outside};
use crate::app::App;
use crate::error::ApiError;
use crate::services::{brand, organizations};
use crate::storage::captured::{self, CapturedRow};
use crate::storage::corrections::records;
use crate::storage::evidence_bundles::BundleRow;
use crate::storage::imports::{self, ImportRow};
use crate::storage::{OrgTx, StorageError, audits, members};
use leakage_core::audit::{Coverage, Gap};
use leakage_core::billing_instructions::Reference;
use leakage_core::correction::case::Correction;
use leakage_core::evidence::facts::{
    Attachment, AuditFacts, Captured, CorrectionFacts, Erasure, Facts, GapFacts, Identity, Image, InputFile,
    Msp, Person, Predecessor, PseudonymScope, Reply,
};
use leakage_core::id::{AuditId, CorrectionId, ImportId, OrgId};
use leakage_core::log::Hash;
use leakage_core::matching::fold;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The program that gathers them.
const ENGINE: &str = env!("CARGO_PKG_VERSION");

/// Gathers the facts of a bundle. `correction`: as it was when the bundle was asked for.
pub(super) async fn gather(
    app: &App,
    org: OrgId,
    row: &BundleRow,
    correction: Correction,
    predecessor: Option<Predecessor>,
) -> Result<Facts, ApiError> {
    let mut tx = app.db.begin_snapshot(org).await?;
    let found = rests::read(&mut tx, &correction).await?;
    let audit = match (found.last(), correction.lines.last()) {
        (Some((audit, ..)), _) => *audit,
        (None, Some(line)) => rests::audit_of(line)?,
        (None, None) => return Err(ApiError::internal("a correction has no line")),
    };
    let audits = found.iter().map(|(audit, ..)| *audit).chain([audit]).collect();
    let known = Known::load(&mut tx, row, &correction, &audits, audit).await?;
    let (letters, addressed) = sent(&mut tx, row, &correction).await?;
    tx.commit().await?;
    let replies = replies(app, org, row, &correction, &known.files).await?;
    let explained = explained(app, org, (&found, &correction), &known.imports).await?;
    let people = known.people.into_iter().chain(spoke(&correction)).chain(addressed).collect();
    Ok(Facts {
        bundle: Identity {
            id: row.correction_id,
            version: u32::try_from(row.number).map_err(ApiError::internal)?,
            predecessor,
            frozen_at: row.created_at,
            engine_version: ENGINE.to_owned(),
        },
        msp: known.msp,
        months: rests::months(&found, &correction),
        gaps: with_explanations(found, &explained),
        inputs: inputs(&known.imports, &explained)?,
        told: told_outside(&correction),
        correction: of_correction(row, correction),
        audit: known.audit,
        rules: explained.rules,
        mappings: explained.mappings,
        rows: explained.rows,
        provisioning: known.provisioning,
        activity: known.activity,
        letters,
        replies,
        people,
        pseudonyms: (row.names == "pseudonymous").then_some(PseudonymScope::Organization),
        log: None,
    })
}

fn of_correction(row: &BundleRow, correction: Correction) -> CorrectionFacts {
    let alone = correction.waivers.iter().filter(|waiver| waiver.alone);
    let remarks = alone.map(|waiver| {
        format!(
            "Waiver {} rests on one person's approval, with a second factor and a day's delay: the organization had one member.",
            waiver.number
        )
    });
    CorrectionFacts {
        id: CorrectionId::new(row.correction_id),
        reference: Some(Reference::of(CorrectionId::new(row.correction_id)).to_string()),
        remarks: remarks.collect(),
        state: correction.state,
        version: row.correction_version,
        subject: correction.subject,
        lines: correction.lines,
        ledger: correction.ledger,
        plan: correction.plan,
    }
}

fn with_explanations(found: Vec<(AuditId, u32, Gap)>, explained: &Explained) -> Vec<GapFacts> {
    let of = |(_, line, gap): (AuditId, u32, Gap)| {
        let explanation = explained.explanations.get(&line).cloned();
        GapFacts { line, gap, explanation }
    };
    found.into_iter().map(of).collect()
}

/// The files that have rows behind the numbers.
fn inputs(imports: &[ImportRow], explained: &Explained) -> Result<Vec<InputFile>, ApiError> {
    let used: BTreeSet<ImportId> = explained.rows.iter().map(|file| file.import).collect();
    let mut inputs = Vec::new();
    for import in imports.iter().filter(|import| used.contains(&ImportId::new(import.id))) {
        inputs.push(InputFile {
            import: ImportId::new(import.id),
            file: import.file_name.clone(),
            sha256: import.sha256.clone(),
            bytes: u64::try_from(import.size_bytes).map_err(ApiError::internal)?,
            format: import.format.clone().unwrap_or_default(),
            imported_at: import.completed_at.unwrap_or(import.created_at),
        });
    }
    inputs.sort_by_key(|input| input.import);
    Ok(inputs)
}

/// What one reading of the database knows.
struct Known {
    msp: Msp,
    audit: AuditFacts,
    imports: Vec<ImportRow>,
    provisioning: Vec<Captured<leakage_core::records::ProvisioningEvent>>,
    activity: Vec<Captured<leakage_core::records::Activity>>,
    people: Vec<Person>,
    files: BTreeMap<u32, records::AttachedFile>,
}

/// The organization, under its logo and in its colour.
async fn msp(tx: &mut OrgTx) -> Result<Msp, ApiError> {
    let row = organizations::find(tx).await?;
    let brand = brand::of(tx, &row).await?;
    let logo = brand.logo.map(|bytes| Image { media_type: "image/png".to_owned(), bytes });
    let colour = Some(brand.primary.to_string());
    Ok(Msp { organization: tx.org(), name: row.name, logo, colour, contact: None })
}

impl Known {
    async fn load(
        tx: &mut OrgTx,
        row: &BundleRow,
        correction: &Correction,
        audits: &BTreeSet<AuditId>,
        audit: AuditId,
    ) -> Result<Self, ApiError> {
        let gaps: Vec<String> = correction.lines.iter().map(|line| line.gap.clone()).collect();
        let captured = captured::of_gaps(tx, &gaps, row.created_at).await?;
        let (provisioning, activity): (Vec<_>, Vec<_>) =
            captured.into_iter().partition(|row| row.kind == "provisioning");
        let mut files = BTreeMap::new();
        for one in &correction.confirmations {
            let number = i32::try_from(one.number).map_err(ApiError::internal)?;
            let id = CorrectionId::new(row.correction_id);
            if let Some((_, file)) = records::confirmation(tx, id, number).await? {
                files.insert(one.number, file);
            }
        }
        Ok(Self {
            msp: msp(tx).await?,
            audit: audit_facts(tx, audit, &correction.subject.client).await?,
            imports: imports_of(tx, audits, correction).await?,
            provisioning: in_order(provisioning, |event: &leakage_core::records::ProvisioningEvent| {
                (event.at.to_rfc3339(), event.user.clone())
            })?,
            activity: in_order(activity, |one: &leakage_core::records::Activity| (one.user.clone(), None))?,
            people: members_as_people(tx).await?,
            files,
        })
    }
}

/// The imports that audits read, and those that were there when an invoice was found to be wrong, each once.
async fn imports_of(
    tx: &mut OrgTx,
    audits: &BTreeSet<AuditId>,
    correction: &Correction,
) -> Result<Vec<ImportRow>, ApiError> {
    let mut read: BTreeMap<i64, ImportRow> = BTreeMap::new();
    for line in &correction.lines {
        if let Some((_, at)) = on_invoice(correction, line) {
            let rows = imports::completed(tx, at).await?;
            read.extend(rows.into_iter().map(|row| (row.learned, row)));
        }
    }
    for audit in audits {
        let rows = imports::of_audit(tx, *audit).await?;
        read.extend(rows.into_iter().map(|row| (row.learned, row)));
    }
    Ok(read.into_values().collect())
}

async fn members_as_people(tx: &mut OrgTx) -> Result<Vec<Person>, ApiError> {
    let rows = members::list(tx, None, 10_000).await?.into_iter();
    Ok(rows.map(|row| Person { name: Some(row.name), address: Some(row.email) }).collect())
}

/// Who spoke for the client.
fn spoke(correction: &Correction) -> Vec<Person> {
    let said = correction.disputes.iter().map(|one| &one.said);
    let said = said.chain(correction.confirmations.iter().map(|one| &one.said)).chain(&correction.acceptance);
    let names: BTreeSet<&str> = said.map(|said| said.by.as_str()).collect();
    names.into_iter().map(|name| Person { name: Some(name.to_owned()), address: None }).collect()
}

async fn audit_facts(tx: &mut OrgTx, id: AuditId, client: &str) -> Result<AuditFacts, ApiError> {
    let row = audits::find(tx, id).await?.ok_or_else(|| ApiError::internal("an audit is gone"))?;
    let mut document = audits::document(tx, id).await?.unwrap_or_default();
    let coverage: Vec<Coverage> = part(&mut document, "coverage")?;
    Ok(AuditFacts {
        id,
        digest: row.digest.ok_or(StorageError::Corrupt { column: "audits.digest" })?,
        engine_version: row.engine_version,
        known_at: row.known_at.ok_or(StorageError::Corrupt { column: "audits.known_at" })?,
        period: part(&mut document, "period")?,
        policy: part(&mut document, "policy")?,
        coverage: coverage.into_iter().filter(|one| fold(&one.client) == fold(client)).collect(),
    })
}

fn part<T: DeserializeOwned>(document: &mut Value, name: &str) -> Result<T, ApiError> {
    serde_json::from_value(document[name].take()).map_err(ApiError::internal)
}

/// Captured rows as records, in an order of their own.
fn in_order<T: DeserializeOwned>(
    rows: Vec<CapturedRow>,
    key: impl Fn(&T) -> (String, Option<String>),
) -> Result<Vec<Captured<T>>, ApiError> {
    let mut out: BTreeMap<_, Captured<T>> = BTreeMap::new();
    for mut row in rows {
        let content = row.content.clone();
        if let Some(erased) = row.erased_at {
            let leaf: [u8; 32] = row.content.try_into().map_err(|_| ApiError::internal("a digest"))?;
            let erasure = Erasure { leaf: Hash::new(leaf), erased_on: erased.date_naive() };
            out.insert((String::new(), None, content), Captured::Erased(erasure));
            continue;
        }
        row.record["user"] = json!(row.user_name);
        if row.kind == "provisioning" {
            row.record["actor"] = json!(row.actor);
        }
        let record: T = serde_json::from_value(row.record).map_err(ApiError::internal)?;
        let (first, second) = key(&record);
        let import = ImportId::new(row.import_id);
        let line = u32::try_from(row.line).map_err(ApiError::internal)?;
        let kept = Captured::Kept { record, import, line, captured_at: row.captured_at };
        out.insert((first, second, content), kept);
    }
    Ok(out.into_values().collect())
}

/// What the client said and wrote, with the files that came.
async fn replies(
    app: &App,
    org: OrgId,
    row: &BundleRow,
    correction: &Correction,
    files: &BTreeMap<u32, records::AttachedFile>,
) -> Result<Vec<Reply>, ApiError> {
    let mut replies = Vec::new();
    for dispute in &correction.disputes {
        replies.push(Reply {
            number: 0,
            kind: "dispute".to_owned(),
            by: dispute.said.by.clone(),
            channel: dispute.said.channel.as_str().to_owned(),
            at: dispute.said.at,
            text: dispute.note.clone(),
            authenticated: false,
            attachments: Vec::new(),
        });
    }
    for one in &correction.confirmations {
        let Some(file) = files.get(&one.number) else { continue };
        let key = crate::services::corrections::writing_key(org, &one.sha256);
        // Of a bundle with pseudonyms no file is a part: it names persons and cannot be rewritten.
        let bytes = match row.names.as_str() {
            "full" => Some(app.objects.get_bytes(&key).await.map_err(ApiError::internal)?.to_vec()),
            _ => None,
        };
        let attachment = Attachment {
            name: file.file_name.clone(),
            media_type: file.content_type.clone().unwrap_or_else(|| "application/octet-stream".to_owned()),
            sha256: one.sha256.clone(),
            bytes,
        };
        replies.push(Reply {
            number: 0,
            kind: one.kind.as_str().to_owned(),
            by: one.said.by.clone(),
            channel: one.said.channel.as_str().to_owned(),
            at: one.said.at,
            text: None,
            authenticated: one.authenticated,
            attachments: vec![attachment],
        });
    }
    replies.sort_by_key(|reply| reply.at);
    for (reply, number) in replies.iter_mut().zip(1..) {
        reply.number = number;
    }
    Ok(replies)
}
