//! Erasing persons: on request, or because the time for which they are named is over.
//!
//! Names go from the rows of imports, from captured evidence, from what the log's entries said, from letters, and from
//! what corrections say of whom; bundles that name the person lose their content. Digests, dates, figures and what was
//! done stay: the log can still be checked, and a bundle or letter that is kept elsewhere can still be shown to be the
//! one that was made. What is kept although it names the person is listed, with the reason.
//!
//! A request is fulfilled in two steps, each of which begins from what is stored: everything in the database at once,
//! then the archives in the object store. One that fails is tried again until it is done.

use crate::app::App;
use crate::error::{ApiError, Code};
use crate::jobs::{self, JobKind};
use crate::objects::ObjectError;
use crate::services::client_contacts;
use crate::services::evidence::{known_as, object_key};
use crate::services::organizations::{self, OrganizationSettings};
use crate::services::{signing_keys, text};
use crate::storage::erasures::{self as stored, ErasureRow, Given, Rewritten};
use crate::storage::timeline_log::NewLogEntry;
use crate::storage::{OrgTx, evidence_bundles, members};
use aws_lc_rs::rand;
use chrono::{DateTime, Months, Utc};
use leakage_core::digest;
use leakage_core::evidence::verify::names;
use leakage_core::id::OrgId;
use leakage_core::person::{Named, fold};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use uuid::Uuid;

/// How the word begins that stands in a person's place.
pub const ERASED: &str = "erased-";

/// Digits of that word: it tells persons apart, and nobody who they were.
const DIGITS: usize = 16;

/// Asks for a person to be erased.
///
/// # Errors
/// 422 for a name that is too short to be meant, or without a reason.
pub async fn request(
    app: &App,
    tx: &mut OrgTx,
    (name, reason): (&str, &str),
    by: &str,
) -> Result<ErasureRow, ApiError> {
    let name = text::short("/person", name, 320)?;
    let reason = text::short("/reason", reason, 2000)?;
    if name.chars().count() < 3 {
        return Err(ApiError::invalid(
            "/person",
            "Write the whole name or address, as the vendors' records have it.",
        ));
    }
    let (id, now) = (Uuid::now_v7(), app.clock.now());
    let job = jobs::enqueue(tx, now, JobKind::ErasePerson, id, Value::Null).await?;
    stored::insert(tx, (id, job), (&name, &reason), by, now).await?;
    find(tx, id).await
}

/// One request.
///
/// # Errors
/// 404 when there is none.
pub async fn find(tx: &mut OrgTx, id: Uuid) -> Result<ErasureRow, ApiError> {
    stored::find(tx, id).await?.ok_or_else(ApiError::not_found)
}

fn salt() -> Result<[u8; 32], ApiError> {
    let mut salt = [0; 32];
    rand::fill(&mut salt).map_err(|_unspecified| ApiError::internal("the system gives no random numbers"))?;
    Ok(salt)
}

/// The word in place of a name: with a salt that is thrown away it leads back to nobody.
fn word(salt: &[u8; 32], name: &str) -> String {
    let digest = digest::text(&Sha256::new().chain_update(salt).chain_update(fold(name)).finalize());
    let digits: String = digest.trim_start_matches("sha256:").chars().take(DIGITS).collect();
    format!("{ERASED}{digits}")
}

/// Waits its turn with the building of bundles, whose facts name persons until they are archives.
async fn turn(tx: &mut OrgTx) -> Result<(), ApiError> {
    stored::lock(tx).await?;
    if stored::any_building(tx).await? {
        return Err(ApiError::new(
            Code::Unavailable,
            "A bundle is being built: it is erased when it is there.",
        ));
    }
    Ok(())
}

/// Fulfils a request, from wherever an earlier attempt got to; its end is the caller's transaction.
pub async fn fulfil(app: &App, org: OrgId, id: Uuid) -> Result<(), ApiError> {
    remove_left(app, org).await?;
    let mut tx = app.db.begin_long(org).await?;
    let mut row = find(&mut tx, id).await?;
    if row.status == "waiting" {
        erase(app, &mut tx, &row).await?;
        row = find(&mut tx, id).await?;
    }
    tx.commit().await?;
    remove(app, org, &row.objects).await
}

async fn remove(app: &App, org: OrgId, digests: &[String]) -> Result<(), ApiError> {
    for sha256 in digests {
        app.objects.delete(&object_key(org, sha256)).await.map_err(ApiError::internal)?;
    }
    Ok(())
}

/// Removes archives that were kept for bundles that then failed; answers how many.
async fn remove_left(app: &App, org: OrgId) -> Result<usize, ApiError> {
    let mut tx = app.db.begin(org).await?;
    let left = evidence_bundles::left(&mut tx).await?;
    tx.commit().await?;
    for (id, sha256) in &left {
        remove(app, org, std::slice::from_ref(sha256)).await?;
        let mut tx = app.db.begin(org).await?;
        evidence_bundles::removed(&mut tx, *id).await?;
        tx.commit().await?;
    }
    Ok(left.len())
}

/// Looks after what went wrong: removes what failed bundles left, and has failed requests tried again.
pub async fn tend(app: &App, org: OrgId) -> Result<Value, ApiError> {
    let archives = remove_left(app, org).await?;
    let now = app.clock.now();
    let mut tx = app.db.begin(org).await?;
    let failed = stored::to_retry(&mut tx, now).await?;
    for id in &failed {
        let job = jobs::enqueue(&mut tx, now, JobKind::ErasePerson, *id, Value::Null).await?;
        stored::retry(&mut tx, *id, job).await?;
    }
    tx.commit().await?;
    Ok(json!({ "archives": archives, "erasures": failed.len() }))
}

/// Who is meant: also by the other name that a registered contact goes by. A name of one word is too common to be
/// taken along.
async fn whom(tx: &mut OrgTx, asked: &str) -> Result<Named, ApiError> {
    let aliases = stored::aliases(tx, &Named::of([asked])).await?;
    let plain = |name: &&str| name.contains(|c: char| c == '@' || c.is_whitespace());
    let aliases = aliases.iter().map(|name| name.trim()).filter(plain);
    Ok(Named::of(aliases.chain([asked])))
}

async fn erase(app: &App, tx: &mut OrgTx, row: &ErasureRow) -> Result<(), ApiError> {
    turn(tx).await?;
    let (now, asked) = (app.clock.now(), row.person.as_deref().unwrap_or_default());
    let person = whom(tx, asked).await?;
    let word = word(&salt()?, asked);
    let spelled = stored::spellings(tx, |name| person.stands_in(name)).await?;
    let files = stored::files_that_name(tx, &spelled).await?;
    let given: Given = spelled.iter().map(|name| (name.clone(), word.clone())).collect();
    let rows = stored::replace_in_rows(tx, &given, None).await?;
    let captured = stored::erase_captured(tx, Some(&spelled), None, now).await?;
    let key = signing_keys::pseudonym_key(app, tx).await?;
    let digests: Vec<Vec<u8>> = person.folded().iter().flat_map(|name| known_as(&key, name)).collect();
    if let Some(digest) = digests.first() {
        ask_archives(app, tx, &person, digest).await?;
    }
    let objects = evidence_bundles::erase(tx, Some(&digests), None, "person", now).await?;
    for client in stored::current_contacts(tx, &person).await? {
        client_contacts::end(app, tx, &row.requested_by, client).await?;
    }
    let timeline = stored::timeline_names(tx, &person).await?;
    let places = stored::erase_log_entries(tx, &person, &timeline, now).await?;
    let told = stored::rewrite_timeline(tx, (&person, &word), now).await?;
    let said = stored::rewrite_corrections(tx, (&person, &word)).await?;
    let Rewritten { rows: mut texts, writings } = stored::rewrite_texts(tx, (&person, &word), now).await?;
    *texts.entry("corrections").or_default() += said;
    let known = [
        ("rows", rows),
        ("captured", captured),
        ("bundles", objects.len() as u64),
        ("log_entries", places.len() as u64),
        ("timeline", told),
    ];
    let erased: BTreeMap<&str, u64> = texts.into_iter().chain(known).collect();
    let files: Value = files.into_iter().map(|(id, file)| json!({"import_id": id, "file": file})).collect();
    let kept = kept(tx, &person, &writings).await?;
    let erased = json!(erased);
    stored::erasing(tx, row.id, (&erased, &files, &kept), &objects).await?;
    note(tx, &row.requested_by, "erase_person", &format!("erasure:{}", row.id), (erased, json!(places)), now);
    Ok(())
}

/// Looks into the archives of bundles that were built before every person was indexed.
async fn ask_archives(app: &App, tx: &mut OrgTx, person: &Named, digest: &[u8]) -> Result<(), ApiError> {
    for (id, sha256) in evidence_bundles::unindexed(tx).await? {
        let archive = match app.objects.get_bytes(&object_key(tx.org(), &sha256)).await {
            Err(ObjectError::NotFound) => continue,
            read => read.map_err(ApiError::internal)?,
        };
        let person = person.clone();
        let names = tokio::task::spawn_blocking(move || names(&archive, &person));
        if names.await.map_err(ApiError::internal)? {
            evidence_bundles::index(tx, id, digest).await?;
        }
    }
    Ok(())
}

/// What names the person and stays, with the reason.
async fn kept(tx: &mut OrgTx, person: &Named, writings: &[(Uuid, i32)]) -> Result<Value, ApiError> {
    let writings = writings.iter().map(|(correction, number)| {
        json!({
            "what": "writing", "correction_id": correction, "confirmation": number,
            "why": "A file in which the client confirmed something. It is kept as proof for legal claims \
                    (GDPR, article 17, paragraph 3 e); who wrote it is not named beside it any more.",
        })
    });
    let mut kept: Vec<Value> = writings.collect();
    for member in members::list(tx, None, 10_000).await? {
        if person.is(&member.email) || person.is(&member.name) {
            kept.push(json!({
                "what": "member", "user_id": member.user_id,
                "why": "A member of the organization, who signs in by this name. Remove the member first.",
            }));
        }
    }
    Ok(json!(kept))
}

fn note(
    tx: &mut OrgTx,
    actor: &str,
    command: &str,
    subject: &str,
    (erased, places): (Value, Value),
    at: DateTime<Utc>,
) {
    tx.log(NewLogEntry {
        at,
        actor: actor.to_owned(),
        command: command.to_owned(),
        subject: subject.to_owned(),
        before: Value::Null,
        after: json!({ "erased": erased, "erased_entries": places }),
        reason: None,
        source: None,
    });
}

/// Removes what is older than the organization keeps it; answers how much. What open corrections rest on stays.
pub async fn retain(app: &App, org: OrgId) -> Result<Value, ApiError> {
    // It waits for the object store before it ends.
    let mut tx = app.db.begin_long(org).await?;
    let settings = OrganizationSettings::of(&organizations::find(&mut tx).await?)?;
    let Some(months) = settings.evidence_retention_months else { return Ok(json!({})) };
    let now = app.clock.now();
    let Some(before) = now.checked_sub_months(Months::new(months)) else { return Ok(json!({})) };
    turn(&mut tx).await?;
    let salt = salt()?;
    let names = stored::spellings(&mut tx, |_| true).await?.into_iter();
    let given: Given = names
        .map(|name| {
            let word = word(&salt, &name);
            (name, word)
        })
        .collect();
    let rows = stored::replace_in_rows(&mut tx, &given, Some(before)).await?;
    let captured = stored::erase_captured(&mut tx, None, Some(before), now).await?;
    let objects = evidence_bundles::erase(&mut tx, None, Some(before), "retention", now).await?;
    let erased = json!({"rows": rows, "captured": captured, "bundles": objects.len()});
    if rows + captured > 0 || !objects.is_empty() {
        note(
            &mut tx,
            "job:retain_evidence",
            "apply_retention",
            &format!("organization:{org}"),
            (erased.clone(), json!([])),
            now,
        );
    }
    // First the files: what is marked erased and still there would be found by nobody. Removing twice is harmless.
    remove(app, org, &objects).await?;
    tx.commit().await?;
    Ok(erased)
}
