//! Erasing persons: on request, or because the time for which they are named is over.
//!
//! Names go from the rows of imports, from captured evidence, from what the log's entries said, and bundles that
//! name the person lose their content. Digests stay: the log can still be checked, and a bundle that is kept
//! elsewhere can still be shown to be the one that was made.

use crate::app::App;
use crate::error::{ApiError, Code};
use crate::jobs::{self, JobKind};
use crate::services::evidence::{object_key, person};
use crate::services::organizations::{self, OrganizationSettings};
use crate::services::{signing_keys, text};
use crate::storage::erasures::{self as stored, ErasureRow, Whose};
use crate::storage::timeline_log::NewLogEntry;
use crate::storage::{OrgTx, evidence_bundles};
use aws_lc_rs::rand;
use chrono::{DateTime, Months, Utc};
use leakage_core::id::OrgId;
use serde_json::{Value, json};
use uuid::Uuid;

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
    let mut tx = app.db.begin(org).await?;
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

async fn erase(app: &App, tx: &mut OrgTx, row: &ErasureRow) -> Result<(), ApiError> {
    turn(tx).await?;
    let (now, name) = (app.clock.now(), row.person.as_deref().unwrap_or_default().trim().to_lowercase());
    let key = signing_keys::pseudonym_key(app, tx).await?;
    let files = stored::files_that_name(tx, &name).await?;
    let rows = stored::replace_in_rows(tx, Whose::Person(&name), &salt()?).await?;
    let captured = stored::erase_captured(tx, Whose::Person(&name), now).await?;
    let digest = person(&key, &name);
    let objects = evidence_bundles::erase(tx, Some(&digest), None, "person", now).await?;
    let mut places = stored::erase_log_entries(tx, &name, now).await?;
    places.sort_unstable();
    let erased =
        json!({"rows": rows, "captured": captured, "bundles": objects.len(), "log_entries": places.len()});
    let files: Value = files.into_iter().map(|(id, file)| json!({"import_id": id, "file": file})).collect();
    stored::erasing(tx, row.id, &erased, &objects, &files).await?;
    note(tx, &row.requested_by, "erase_person", &format!("erasure:{}", row.id), (erased, json!(places)), now);
    Ok(())
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
    let mut tx = app.db.begin(org).await?;
    let settings = OrganizationSettings::of(&organizations::find(&mut tx).await?)?;
    let Some(months) = settings.evidence_retention_months else { return Ok(json!({})) };
    let now = app.clock.now();
    let Some(before) = now.checked_sub_months(Months::new(months)) else { return Ok(json!({})) };
    turn(&mut tx).await?;
    let rows = stored::replace_in_rows(&mut tx, Whose::Before(before), &salt()?).await?;
    let captured = stored::erase_captured(&mut tx, Whose::Before(before), now).await?;
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
