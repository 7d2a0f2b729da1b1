//! What an audit's end means for the cycle that started it: who was compared, and what its gaps changed.

use super::announced::{self, event, state, state_name};
use super::check::cycle_of;
use super::names::Names;
use crate::app::App;
use crate::error::ApiError;
use crate::services::events;
use crate::storage::audits::{self, AuditRow};
use crate::storage::cycle_gaps::{self, SeenGap};
use crate::storage::cycles::{self, CycleClientRow};
use crate::storage::events::NewEvent;
use crate::storage::{OrgTx, StorageError, organizations};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::audit::{Coverage, CoverageStatus, Gap};
use leakage_core::cycle::{GapState, changes, status};
use leakage_core::id::AuditId;
use leakage_core::matching::fold;
use leakage_core::period::Month;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// Why a client that the audit does not name was not compared.
const NO_ROWS: &str = "no_rows";

/// Announces a completed audit, and what it changes in the cycle that started it. To be called last in the
/// transaction that completes it, with the gaps that it found.
pub async fn audit_completed(app: &App, tx: &mut OrgTx, id: AuditId, found: &[Gap]) -> Result<(), ApiError> {
    let audit = audits::find(tx, id).await?.ok_or_else(ApiError::not_found)?;
    let now = app.clock.now();
    let mut written = vec![completed(&audit)];
    if cycles::of_audit(tx, id).await?.is_empty() {
        written.extend(announced::by_people(tx, &audit, found, now).await?);
    } else {
        // A look may change the same rows.
        organizations::lock(tx).await?;
        let rows = cycles::of_audit(tx, id).await?;
        // None any more: a newer audit took this one's place, and says what there is to say.
        if let Some(month) = rows.first().map(|row| row.month) {
            let seen = Seen::load(tx, (id, found), month, &rows, now).await?;
            written.extend(seen.settle_gaps(tx, id, now).await?);
            seen.settle_clients(tx, rows, now).await?;
        }
    }
    Ok(events::append(tx, &written, now).await?)
}

/// Lets the cycle start another audit in place of one that has failed.
pub async fn audit_failed(tx: &mut OrgTx, id: AuditId) -> Result<(), StorageError> {
    // A look may change the same rows.
    organizations::lock(tx).await?;
    cycles::forget_audit(tx, id).await
}

fn completed(audit: &AuditRow) -> NewEvent {
    NewEvent {
        kind: events::AUDIT_COMPLETED,
        month: (audit.from_month == audit.to_month).then_some(audit.from_month),
        client_id: None,
        audit_id: Some(audit.id),
        gap_id: None,
        data: json!({
            "from": Month::of(audit.from_month),
            "to": Month::of(audit.to_month),
            "as_of": audit.as_of,
            "gap_count": audit.gap_count,
            "unpriced_gaps": audit.unpriced_gaps,
        }),
    }
}

/// What an audit saw of the clients it was started for.
struct Seen {
    month: NaiveDate,
    /// Clients it compared.
    compared: BTreeSet<Uuid>,
    /// Why it did not compare the others.
    reasons: BTreeMap<Uuid, String>,
    /// Products of compared clients that it did not compare, folded.
    products: BTreeSet<(Uuid, String)>,
    gaps: BTreeMap<String, (Uuid, Gap)>,
}

impl Seen {
    async fn load(
        tx: &mut OrgTx,
        (id, found): (AuditId, &[Gap]),
        month: NaiveDate,
        rows: &[CycleClientRow],
        now: DateTime<Utc>,
    ) -> Result<Self, ApiError> {
        let names = Names::load(tx, now).await?;
        let asked: BTreeSet<Uuid> = rows.iter().map(|row| row.client_id).collect();
        let document = audits::document(tx, id).await?.ok_or_else(ApiError::not_found)?;
        let coverage = document.get("coverage").cloned().unwrap_or_else(|| json!([]));
        let coverage: Vec<Coverage> = serde_json::from_value(coverage).map_err(ApiError::internal)?;
        let mut seen = Self {
            month,
            compared: BTreeSet::new(),
            reasons: BTreeMap::new(),
            products: BTreeSet::new(),
            gaps: BTreeMap::new(),
        };
        for entry in coverage {
            let Some(client) = names.named(&entry.client).filter(|client| asked.contains(client)) else {
                continue;
            };
            seen.cover(client, &entry)?;
        }
        for gap in found {
            if let Some(client) = names.named(&gap.client).filter(|client| asked.contains(client)) {
                seen.gaps.insert(gap.id.clone(), (client, gap.clone()));
            }
        }
        Ok(seen)
    }

    fn cover(&mut self, client: Uuid, entry: &Coverage) -> Result<(), ApiError> {
        match (&entry.product, entry.status) {
            (Some(product), _) => {
                self.products.insert((client, fold(product)));
            }
            (None, CoverageStatus::Compared) => {
                self.compared.insert(client);
            }
            (None, CoverageStatus::InsufficientData) => {
                let reason = serde_json::to_value(entry.reason).map_err(ApiError::internal)?;
                self.reasons.insert(client, reason.as_str().unwrap_or(NO_ROWS).to_owned());
            }
        }
        Ok(())
    }

    /// Keeps the month's gaps and answers what changed.
    async fn settle_gaps(
        &self,
        tx: &mut OrgTx,
        id: AuditId,
        now: DateTime<Utc>,
    ) -> Result<Vec<NewEvent>, StorageError> {
        let clients: Vec<Uuid> = self.compared.iter().copied().collect();
        let later = cycle_gaps::compared_later(tx, self.month, &clients).await?;
        let known = cycle_gaps::known(tx, &clients).await?;
        let mut states: Vec<(String, Uuid, &'static str)> = Vec::new();
        let mut gone = Vec::new();
        let mut written = Vec::new();
        let before: HashMap<&str, GapState> =
            known.iter().map(|gap| (gap.gap_id.as_str(), state(&gap.state))).collect();
        for (gap_id, (client, gap)) in &self.gaps {
            let known = before.get(gap_id.as_str()).copied();
            let (changes, now_is) = changes(known, true, !later.contains(client));
            states.extend(now_is.map(|state| (gap_id.clone(), *client, state_name(state))));
            written.extend(changes.into_iter().map(|change| {
                let facts = announced::facts(gap);
                event(self.month, id, *client, gap_id, change, facts)
            }));
        }
        for gap in known.iter().filter(|gap| !self.gaps.contains_key(&gap.gap_id)) {
            // A product that could not be compared is no sign that its gap is gone.
            if self.products.contains(&(gap.client_id, fold(&gap.product))) {
                continue;
            }
            gone.push(gap.gap_id.clone());
            let (changes, now_is) = changes(Some(state(&gap.state)), false, !later.contains(&gap.client_id));
            states.extend(now_is.map(|state| (gap.gap_id.clone(), gap.client_id, state_name(state))));
            written.extend(changes.into_iter().map(|change| {
                let facts = json!({ "direction": gap.direction, "product": gap.product });
                event(self.month, id, gap.client_id, &gap.gap_id, change, facts)
            }));
        }
        let seen = self
            .gaps
            .iter()
            .map(|(gap_id, (client, _))| SeenGap { gap_id: gap_id.clone(), client_id: *client });
        let seen: Vec<SeenGap> = seen.collect();
        cycle_gaps::see(tx, self.month, &Month::of(self.month).to_string(), &seen, now).await?;
        cycle_gaps::unsee(tx, self.month, &gone).await?;
        announced::announce(tx, states, &known, now).await?;
        Ok(written)
    }

    /// Notes who was compared, and who was not and why.
    async fn settle_clients(
        &self,
        tx: &mut OrgTx,
        mut rows: Vec<CycleClientRow>,
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        for row in &mut rows {
            row.not_compared = None;
            if self.compared.contains(&row.client_id) {
                row.audited_at = row.audited_at.or(Some(now));
            } else {
                let reason = self.reasons.get(&row.client_id).map_or(NO_ROWS, String::as_str);
                row.not_compared = Some(reason.to_owned());
            }
            let complete = row.missing.as_array().is_some_and(Vec::is_empty);
            let audited_on = row.audited_at.map(|at| at.date_naive());
            let status = status(&cycle_of(row), now.date_naive(), complete, audited_on);
            status.as_str().clone_into(&mut row.status);
        }
        cycles::upsert(tx, &rows, now).await
    }
}
