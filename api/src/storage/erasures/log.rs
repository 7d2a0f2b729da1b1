//! What the log and the timelines say of a person.

use crate::storage::{OrgTx, StorageError};
use chrono::{DateTime, Utc};
use futures_util::TryStreamExt as _;
use leakage_core::log::TimelineEntry;
use leakage_core::person::Named;
use serde_json::Value;
use uuid::Uuid;

/// Entries that tell of erasures: they say which others were erased, and stay.
const ERASURES: [&str; 2] = ["erase_person", "apply_retention"];

fn names(entry: &str, person: &Named) -> Result<bool, StorageError> {
    let entry: TimelineEntry = serde_json::from_str(entry)
        .map_err(|_| StorageError::Corrupt { column: "timeline_log_entries.entry" })?;
    let said = [Some(entry.actor.as_str()), entry.reason.as_deref()];
    let told = said.into_iter().flatten().any(|text| person.stands_in(text))
        || [&entry.before, &entry.after].into_iter().any(|json| person.stands_in_json(json));
    Ok(told && !ERASURES.contains(&entry.command.as_str()))
}

/// The entries of timelines that name a person: correction and place.
pub async fn timeline_names(tx: &mut OrgTx, person: &Named) -> Result<Vec<(Uuid, i64)>, StorageError> {
    let org = tx.org().uuid();
    let mut rows = sqlx::query_as::<_, (Uuid, i64, String, Option<String>, Value)>(
        "select correction_id, seq, actor, reason, detail from correction_timeline where org_id = $1",
    )
    .bind(org)
    .fetch(tx.conn());
    let mut found = Vec::new();
    while let Some((correction, seq, actor, reason, detail)) = rows.try_next().await? {
        let told =
            person.stands_in(&actor) || reason.as_deref().is_some_and(|reason| person.stands_in(reason));
        if told || person.stands_in_json(&detail) {
            found.push((correction, seq));
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Erases what entries of the log said of a person, and those of these entries of timelines; their hashes stay.
/// Answers their places.
///
/// A person is named by whole words of what people wrote. An entry of a timeline that names one is erased whole: the log
/// has the digest of what was asked, and could not be held against other words.
pub async fn erase_log_entries(
    tx: &mut OrgTx,
    person: &Named,
    timeline: &[(Uuid, i64)],
    now: DateTime<Utc>,
) -> Result<Vec<i64>, StorageError> {
    let org = tx.org().uuid();
    let mut places: Vec<i64> = Vec::new();
    let mut rows = sqlx::query_as::<_, (i64, String)>(
        "select place, entry from timeline_log_entries where org_id = $1 and entry is not null",
    )
    .bind(org)
    .fetch(tx.conn());
    while let Some((place, entry)) = rows.try_next().await? {
        if names(&entry, person)? {
            places.push(place);
        }
    }
    drop(rows);
    let (corrections, seqs): (Vec<Uuid>, Vec<i64>) = timeline.iter().copied().unzip();
    let mut erased: Vec<i64> = sqlx::query_scalar(
        "update timeline_log_entries e
         set entry = null, erased_at = $5
         where e.org_id = $1 and e.entry is not null
           and (e.place = any($2)
                or (e.correction_id, e.seq) in (select n.correction_id, n.seq
                                                from unnest($3::uuid[], $4::bigint[]) as n (correction_id, seq)))
         returning e.place",
    )
    .bind(org)
    .bind(places)
    .bind(corrections)
    .bind(seqs)
    .bind(now)
    .fetch_all(tx.conn())
    .await?;
    erased.sort_unstable();
    Ok(erased)
}
