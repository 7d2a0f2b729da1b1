//! Gaps over all audits: their figures, their history, their causes; and the reports that add them up.

use crate::auth::Actor;
use crate::error::ApiError;
use crate::storage::known_gaps::{self, GapAuditRow, GapRow};
use crate::storage::{OrgTx, audits as stored_audits, clients, compared, gap_histories};
use chrono::{DateTime, Utc};
use leakage_core::audit::Waste;
use leakage_core::history::reports::{ClientMonth, KnownGap};
use leakage_core::history::{GapFigures, MonthHistory, RootCause, figures};
use leakage_core::id::AuditId;
use leakage_core::matching::fold;
use leakage_core::money::{Currency, Money};
use leakage_core::period::Month;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// Audits of a client that a gap's history looks at.
const SHOWN_AUDITS: i64 = 500;

/// Characters of a note.
const MAX_NOTE: usize = 2_000;

/// The figures of gaps, in their order: one query for all.
pub async fn with_figures(tx: &mut OrgTx, rows: Vec<GapRow>) -> Result<Vec<(GapRow, GapFigures)>, ApiError> {
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let months = gap_histories::of_gaps(tx, &ids).await?;
    let none = BTreeMap::new();
    let with = |row: GapRow| {
        let currency = known_gaps::parse_currency(row.currency.as_deref())?;
        let found = figures(months.get(&row.id).unwrap_or(&none), currency).map_err(ApiError::internal)?;
        Ok((row, found))
    };
    rows.into_iter().map(with).collect()
}

/// One gap with its figures.
pub async fn find(tx: &mut OrgTx, id: &str) -> Result<(GapRow, GapFigures), ApiError> {
    let row = known_gaps::find(tx, id).await?.ok_or_else(ApiError::not_found)?;
    with_figures(tx, vec![row]).await?.pop().ok_or_else(ApiError::not_found)
}

/// The months of a gap.
pub async fn months(tx: &mut OrgTx, id: &str) -> Result<BTreeMap<Month, MonthHistory>, ApiError> {
    Ok(gap_histories::of_gaps(tx, &[id.to_owned()]).await?.remove(id).unwrap_or_default())
}

/// The audits that found a gap, or compared its product in a month since it began without finding it; those
/// that knew most first.
pub async fn audits(
    tx: &mut OrgTx,
    gap: &GapRow,
    months: &BTreeMap<Month, MonthHistory>,
) -> Result<Vec<GapAuditRow>, ApiError> {
    let mut rows = known_gaps::audits(tx, &gap.id, &gap.client_keys, SHOWN_AUDITS).await?;
    let began = months.values().find(|month| month.first.is_some()).map(|month| month.month);
    let mut spoke = Vec::with_capacity(rows.len());
    for row in &rows {
        let client = row.client()?;
        let compared = |month: &Month| client.product(&gap.product_key, *month).is_some();
        let since = began.map(|began| client.months.range(began..).any(|(month, _)| compared(month)));
        spoke.push(row.seats.is_some() || since == Some(true));
    }
    let mut spoke = spoke.into_iter();
    rows.retain(|_| spoke.next().unwrap_or(false));
    Ok(rows)
}

/// Sets why a gap came about, if it still has this version.
pub async fn set_root_cause(
    tx: &mut OrgTx,
    actor: &Actor,
    id: &str,
    version: i64,
    (cause, note): (RootCause, &str),
    now: DateTime<Utc>,
) -> Result<(GapRow, GapFigures), ApiError> {
    let note = note.trim();
    if note.is_empty() || note.chars().count() > MAX_NOTE {
        return Err(ApiError::invalid(
            "/note",
            format!("Write what was found out, in 1 to {MAX_NOTE} characters."),
        ));
    }
    if !known_gaps::set_root_cause(tx, id, version, cause, note, &actor.label(), now).await? {
        known_gaps::find(tx, id).await?.ok_or_else(ApiError::not_found)?;
        return Err(ApiError::stale());
    }
    find(tx, id).await
}

/// All gaps with their months, of one client or currency if given.
pub async fn for_reports(
    tx: &mut OrgTx,
    client: Option<Uuid>,
    currency: Option<Currency>,
) -> Result<Vec<KnownGap>, ApiError> {
    let currency = currency.map(|currency| currency.to_string());
    let months = gap_histories::of_all(tx, client, currency.as_deref()).await?;
    Ok(known_gaps::for_reports(tx, client, currency.as_deref(), months).await?)
}

/// What is known of clients' months.
pub async fn client_months(tx: &mut OrgTx, client: Option<Uuid>) -> Result<Vec<ClientMonth>, ApiError> {
    Ok(compared::client_months(tx, client).await?)
}

/// What is bought and not used, by the last audit of all clients. Per currency; never added to leakage.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct WasteTotals {
    /// The audit.
    pub audit_id: AuditId,
    /// Its first month.
    pub from: Month,
    /// Its last month, included.
    pub to: Month,
    /// Cost where it is known.
    #[schema(max_items = 200)]
    pub totals: Vec<Money>,
}

/// What is bought and not used, of one client or currency if given.
pub async fn waste(
    tx: &mut OrgTx,
    client: Option<Uuid>,
    currency: Option<Currency>,
) -> Result<Option<WasteTotals>, ApiError> {
    let Some(row) = stored_audits::last_of_all_clients(tx).await? else { return Ok(None) };
    let found: Vec<Waste> = serde_json::from_value(row.waste).map_err(ApiError::internal)?;
    let ids = if client.is_some() { clients::ids_by_name(tx).await? } else { HashMap::new() };
    let mut totals: BTreeMap<Currency, Money> = BTreeMap::new();
    for waste in &found {
        let Some(cost) = waste.cost.filter(|cost| currency.is_none_or(|wanted| wanted == cost.currency))
        else {
            continue;
        };
        if client.is_none() || ids.get(&fold(&waste.client)).copied() == client {
            let total = totals.entry(cost.currency).or_insert_with(|| Money::zero(cost.currency));
            let sum = total.amount.checked_add(cost.amount);
            total.amount = sum.ok_or_else(|| ApiError::internal("waste is too large to be exact"))?;
        }
    }
    Ok(Some(WasteTotals {
        audit_id: row.id.into(),
        from: Month::of(row.from_month),
        to: Month::of(row.to_month),
        totals: totals.into_values().collect(),
    }))
}
