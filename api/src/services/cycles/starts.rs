//! Audits that start by themselves, when all that is expected of clients is there.

use super::check::{NAMED, Standing};
use crate::app::App;
use crate::error::ApiError;
use crate::services::audits::{self, MAX_CLIENTS, NewAudit};
use crate::services::events;
use crate::storage::OrgTx;
use crate::storage::cycles::{self, CycleClientRow};
use crate::storage::events::NewEvent;
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::cycle::Cycle;
use leakage_core::id::ClientId;
use leakage_core::period::Month;
use serde_json::json;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Who starts them, as audits name it.
pub(super) const STARTED_BY: &str = "system:cycle";

/// Starts one audit a month for all clients that need one, and answers what is to be announced: one event an
/// audit. The standings are brought up to date in the database.
pub(super) async fn start_audits(
    app: &App,
    tx: &mut OrgTx,
    standings: &mut [Standing],
    today: NaiveDate,
) -> Result<Vec<NewEvent>, ApiError> {
    let mappings = cycles::mappings_decided(tx).await?;
    let mut groups: BTreeMap<NaiveDate, Vec<&mut Standing>> = BTreeMap::new();
    for standing in standings.iter_mut().filter(|standing| needs_audit(standing, mappings, today)) {
        groups.entry(standing.row.month).or_default().push(standing);
    }
    let mut announced = Vec::new();
    for (first_day, mut group) in groups {
        let month = Month::of(first_day);
        let as_of = last_audited(month, today);
        let clients = group.iter().map(|standing| ClientId::new(standing.row.client_id));
        // More than an audit can name: all of the organization's, which are few more.
        let clients = Some(clients.collect::<Vec<_>>()).filter(|clients| clients.len() <= MAX_CLIENTS);
        let new = NewAudit {
            from: month,
            to: month,
            as_of: Some(as_of),
            known_at: None,
            basis: None,
            proration: None,
            clients,
        };
        let audit = audits::create_as(app, tx, STARTED_BY, &new).await?;
        for standing in &mut group {
            standing.row.audit_id = Some(audit.id);
            standing.row.audit_facts = Some(standing.facts.clone());
            standing.row.audit_mappings = mappings;
            standing.row.audit_closed = takes_in_all(&standing.cycle, today);
        }
        let rows: Vec<CycleClientRow> = group.iter().map(|standing| standing.row.clone()).collect();
        cycles::upsert(tx, &rows, app.clock.now()).await?;
        announced.push(ready(first_day, audit.id, &group));
    }
    Ok(announced)
}

/// Whether the facts are there, and no audit was started for them.
///
/// Until the invoice date every change of the facts is audited. After it, only who was compared by none yet;
/// and once more who was audited while the month still ran, when it is over.
fn needs_audit(standing: &Standing, mappings: Option<DateTime<Utc>>, today: NaiveDate) -> bool {
    let Standing { row, cycle, complete, facts, .. } = standing;
    if !complete || today < cycle.month.first_day() {
        return false;
    }
    let over = takes_in_all(cycle, today) && !row.audit_closed;
    let changed = row.audit_facts.as_ref() != Some(facts);
    let decided = row.not_compared.is_some() && mappings > row.audit_mappings;
    let open = today < cycle.invoice_date || row.audited_at.is_none();
    over || (open && (changed || decided))
}

/// The last day that an audit of the month takes in.
fn last_audited(month: Month, today: NaiveDate) -> NaiveDate {
    month.end().pred_opt().unwrap_or(today).min(today)
}

fn takes_in_all(cycle: &Cycle, today: NaiveDate) -> bool {
    cycle.month.end().pred_opt().is_some_and(|last| last <= today)
}

/// Says which clients are newly complete; all of the group's when none is (the facts changed).
fn ready(month: NaiveDate, audit: Uuid, group: &[&mut Standing]) -> NewEvent {
    let new: Vec<Uuid> = group
        .iter()
        .filter(|standing| standing.newly_complete())
        .map(|standing| standing.row.client_id)
        .collect();
    NewEvent {
        kind: events::CYCLE_READY,
        month: Some(month),
        client_id: if group.len() == 1 { group.first().map(|standing| standing.row.client_id) } else { None },
        audit_id: Some(audit),
        gap_id: None,
        data: json!({
            "clients": group.len(),
            "newly_complete": new.len(),
            "client_ids": group.iter().take(NAMED).map(|standing| standing.row.client_id).collect::<Vec<_>>(),
        }),
    }
}
