//! What becomes of gaps, as events say it: each change once, whoever started the audit that shows it.
//!
//! The audits of a cycle tell of its month. An audit that a person starts tells, for each client, of the last
//! month that it compared; one that is run again as of an earlier time tells nothing.

use super::names::Names;
use super::starts::STARTED_BY;
use crate::error::ApiError;
use crate::services::audits::request;
use crate::services::events;
use crate::storage::audits::{self, AuditRow};
use crate::storage::cycle_gaps::{self, KnownGap};
use crate::storage::events::NewEvent;
use crate::storage::{OrgTx, StorageError};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::audit::{Coverage, CoverageStatus, Gap};
use leakage_core::cycle::{GapChange, GapState, changes};
use leakage_core::id::AuditId;
use leakage_core::matching::fold;
use leakage_core::period::Month;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use uuid::Uuid;

/// What an audit that no cycle started changes about gaps. Audits of an organization that end at once take their
/// turns before they come here, so nothing is said twice.
pub(super) async fn by_people(
    tx: &mut OrgTx,
    audit: &AuditRow,
    gaps: &[Gap],
    now: DateTime<Utc>,
) -> Result<Vec<NewEvent>, ApiError> {
    if audit.created_by == STARTED_BY || request(audit)?.known_at.is_some() {
        return Ok(Vec::new());
    }
    let id = AuditId::new(audit.id);
    let names = Names::load(tx, now).await?;
    let compared = Compared::load(tx, audit, &names).await?;
    let months: Vec<(Uuid, NaiveDate)> =
        compared.last.iter().map(|(client, month)| (*client, month.first_day())).collect();
    let later = cycle_gaps::known_later(tx, &months).await?;
    let clients: Vec<Uuid> = compared.last.keys().copied().collect();
    let known = cycle_gaps::known(tx, &clients).await?;
    let before: HashMap<&str, GapState> =
        known.iter().map(|gap| (gap.gap_id.as_str(), state(&gap.state))).collect();
    let (mut written, mut states, mut found) = (Vec::new(), Vec::new(), HashSet::new());
    let of_clients = gaps.chunk_by(|a, b| a.client == b.client);
    let of_clients = of_clients.filter_map(|gaps| Some((names.named(&gaps.first()?.client)?, gaps)));
    for (client, gap) in of_clients.flat_map(|(client, gaps)| gaps.iter().map(move |gap| (client, gap))) {
        let Some(last) = compared.last.get(&client) else { continue };
        let there = gap.months.iter().any(|month| month.month == *last);
        let latest = !later.contains(&client);
        let (changed, now_is) = match before.get(gap.id.as_str()) {
            None => changes(None, true, latest && there),
            known => changes(known.copied(), there, latest),
        };
        states.extend(now_is.map(|state| (gap.id.clone(), client, state_name(state))));
        written.extend(
            changed
                .into_iter()
                .map(|change| event(last.first_day(), id, client, &gap.id, change, facts(gap))),
        );
        found.insert(gap.id.as_str());
    }
    for gap in known.iter().filter(|gap| !found.contains(gap.gap_id.as_str())) {
        let Some(last) = compared.last.get(&gap.client_id) else { continue };
        // A product that could not be compared is no sign that its gap is gone.
        if compared.without.contains(&(gap.client_id, fold(&gap.product))) {
            continue;
        }
        let (changed, now_is) = changes(Some(state(&gap.state)), false, !later.contains(&gap.client_id));
        states.extend(now_is.map(|state| (gap.gap_id.clone(), gap.client_id, state_name(state))));
        written.extend(changed.into_iter().map(|change| {
            let facts = json!({ "direction": gap.direction, "product": gap.product });
            event(last.first_day(), id, gap.client_id, &gap.gap_id, change, facts)
        }));
    }
    announce(tx, states, &known, now).await?;
    Ok(written)
}

/// Keeps the states that were not announced before.
pub(super) async fn announce(
    tx: &mut OrgTx,
    mut states: Vec<(String, Uuid, &'static str)>,
    known: &[KnownGap],
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let known: HashMap<&str, (Uuid, &str)> =
        known.iter().map(|gap| (gap.gap_id.as_str(), (gap.client_id, gap.state.as_str()))).collect();
    states.retain(|(gap, client, state)| known.get(gap.as_str()) != Some(&(*client, *state)));
    cycle_gaps::announce(tx, &states, now).await
}

/// Whom an audit compared, up to which month, and which products it did not.
#[derive(Default)]
struct Compared {
    last: BTreeMap<Uuid, Month>,
    without: BTreeSet<(Uuid, String)>,
}

impl Compared {
    async fn load(tx: &mut OrgTx, audit: &AuditRow, names: &Names) -> Result<Self, ApiError> {
        let document = audits::document(tx, AuditId::new(audit.id)).await?.ok_or_else(ApiError::not_found)?;
        let coverage = document.get("coverage").cloned().unwrap_or_else(|| json!([]));
        let coverage: Vec<Coverage> = serde_json::from_value(coverage).map_err(ApiError::internal)?;
        let mut found = Self::default();
        for entry in coverage {
            let Some(client) = names.named(&entry.client) else { continue };
            match (&entry.product, entry.status) {
                (Some(product), _) => {
                    found.without.insert((client, fold(product)));
                }
                (None, CoverageStatus::Compared) => {
                    let mut month = Month::of(audit.to_month.min(audit.as_of));
                    while entry.missing_months.contains(&month) {
                        month = month.plus(-1);
                    }
                    found.last.insert(client, month);
                }
                (None, CoverageStatus::InsufficientData) => {}
            }
        }
        Ok(found)
    }
}

/// A few facts of a gap.
pub(super) fn facts(gap: &Gap) -> Value {
    json!({
        "direction": gap.direction, "kind": gap.kind, "product": gap.product,
        "seats": gap.seats, "amount": gap.amount, "monthly_forward": gap.monthly_forward,
    })
}

/// Says that a gap was found, closed or came again.
pub(super) fn event(
    month: NaiveDate,
    audit: AuditId,
    client: Uuid,
    gap: &str,
    change: GapChange,
    data: Value,
) -> NewEvent {
    let kind = match change {
        GapChange::Found => events::GAP_FOUND,
        GapChange::Closed => events::GAP_CLOSED,
        GapChange::Recurred => events::GAP_RECURRED,
    };
    NewEvent {
        kind,
        month: Some(month),
        client_id: Some(client),
        audit_id: Some(audit.uuid()),
        gap_id: Some(gap.to_owned()),
        data,
    }
}

pub(super) fn state(text: &str) -> GapState {
    if text == "open" { GapState::Open } else { GapState::Closed }
}

pub(super) const fn state_name(state: GapState) -> &'static str {
    match state {
        GapState::Open => "open",
        GapState::Closed => "closed",
    }
}
