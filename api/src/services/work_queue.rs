//! The account manager's work queue: what needs doing next, why, and by which command.

use crate::error::ApiError;
use crate::services::corrections::{self, Loaded};
use crate::storage::corrections::{self as stored, facts as gaps};
use crate::storage::work_queue::WorkRow;
use crate::storage::{OrgTx, StorageError, members};
use chrono::NaiveDate;
use leakage_core::audit::Gap;
use leakage_core::correction::todo::{Next, Why, WorkKind};
use leakage_core::money::Money;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// An item with what is known of it.
#[derive(Debug)]
pub struct Work {
    /// As it stands in the queue.
    pub row: WorkRow,
    /// The correction.
    pub correction: Option<Loaded>,
    /// Name of its owner, where that is a member.
    pub owner_name: Option<String>,
    /// Money that it is about: outstanding of the correction, or found by the last audit.
    pub amount: Option<Money>,
    /// The commands that would move it, the likeliest first.
    pub commands: Vec<&'static str>,
    /// Why.
    pub why: Why,
}

/// Rows with what is known of them: as many queries for one as for all.
pub async fn known(tx: &mut OrgTx, rows: Vec<WorkRow>, today: NaiveDate) -> Result<Vec<Work>, ApiError> {
    let ids: BTreeSet<Uuid> = rows.iter().filter_map(|row| row.correction_id).collect();
    let found = stored::by_ids(tx, &ids.into_iter().collect::<Vec<_>>()).await?;
    let found = corrections::all(tx, found).await?;
    let found: BTreeMap<Uuid, Loaded> = found.into_iter().map(|one| (one.row.id, one)).collect();
    let gaps = amounts(tx, &rows).await?;
    let names: BTreeMap<String, String> = members::list(tx, None, i64::MAX)
        .await?
        .into_iter()
        .map(|member| (format!("user:{}", member.user_id), member.name))
        .collect();
    let known = |row: WorkRow| {
        let correction = row.correction_id.and_then(|id| found.get(&id)).cloned();
        let next = next(&row, correction.as_ref(), today)?;
        let outstanding = correction.as_ref().map(|one| {
            let subject = &one.correction.subject;
            Money::from_minor(one.correction.ledger.balance().outstanding.minor, subject.currency)
        });
        Ok(Work {
            owner_name: row.owner.as_ref().and_then(|owner| names.get(owner)).cloned(),
            amount: outstanding.or_else(|| row.gap_id.as_ref().and_then(|gap| gaps.get(gap)).copied()),
            commands: commands(&row, &next),
            why: next.why,
            correction,
            row,
        })
    };
    rows.into_iter().map(known).collect()
}

fn next(row: &WorkRow, correction: Option<&Loaded>, today: NaiveDate) -> Result<Next, StorageError> {
    let corrupt = StorageError::Corrupt { column: "correction_deadlines.kind" };
    let kind = WorkKind::parse(&row.kind).ok_or(corrupt)?;
    let about = u32::try_from(row.about).unwrap_or_default();
    Ok(correction.map_or_else(
        || Next {
            commands: Vec::new(),
            why: if kind == WorkKind::SetAsideReview { Why::LookAgain } else { Why::NotSent },
        },
        |one| one.correction.next(kind, about, today),
    ))
}

/// Of corrections their commands; of everything else what is done through its own resource.
fn commands(row: &WorkRow, next: &Next) -> Vec<&'static str> {
    match WorkKind::parse(&row.kind) {
        Some(WorkKind::SetAsideReview) => vec!["open", "set_aside"],
        Some(WorkKind::LetterFailed | WorkKind::LetterUnsent) => vec!["deliver_letter"],
        Some(WorkKind::LetterHandedOut) => vec!["record_delivered"],
        Some(WorkKind::VerificationBy) if next.commands.is_empty() => vec!["import"],
        _ => next.commands.iter().map(|command| command.as_str()).collect(),
    }
}

/// Money of gaps as their last audits found them.
async fn amounts(tx: &mut OrgTx, rows: &[WorkRow]) -> Result<BTreeMap<String, Money>, ApiError> {
    let ids: Vec<String> = rows.iter().filter_map(|row| row.gap_id.clone()).collect();
    let mut amounts = BTreeMap::new();
    for (id, _, _, document) in gaps::gaps(tx, &ids, None).await? {
        let gap: Gap = serde_json::from_value(document).map_err(ApiError::internal)?;
        amounts.extend(gap.amount.map(|amount| (id, amount)));
    }
    Ok(amounts)
}
