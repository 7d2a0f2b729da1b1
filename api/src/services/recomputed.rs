//! What is computed again from the facts of a completed audit, as they were known to it.
//!
//! The facts are read in one transaction, which ends before anything is computed; that happens on a thread for
//! blocking work. Few are computed at once, for each holds the facts of an organization.

use super::audits::{LoadedAudit, cannot_run, known_then, load_again, request};
use crate::app::App;
use crate::error::ApiError;
use crate::storage::{OrgTx, audits, clients, known_gaps};
use chrono::{DateTime, Utc};
use leakage_core::audit::{self, AuditError, AuditInput, Explanation, GapWhatIf, Margins, WhatIf};
use leakage_core::id::{AuditId, ClientId, OrgId};
use leakage_core::period::Month;
use serde_json::Value;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;

/// The facts of an audit, and the turn to compute with them.
pub(super) struct Facts {
    input: AuditInput,
    turn: OwnedSemaphorePermit,
}

impl Facts {
    /// Of facts that were read while it was this turn.
    pub(super) const fn new(input: AuditInput, turn: OwnedSemaphorePermit) -> Self {
        Self { input, turn }
    }

    /// Computes on a thread for blocking work.
    pub(super) async fn compute<T: Send + 'static>(
        self,
        work: impl FnOnce(&AuditInput) -> Result<T, AuditError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let Self { input, turn } = self;
        // The turn goes along: who no longer waits for the answer does not stop the work.
        let outcome = tokio::task::spawn_blocking(move || {
            let outcome = work(&input);
            drop(turn);
            outcome
        });
        outcome.await.map_err(ApiError::internal)?.map_err(|error| cannot_run(&error))
    }
}

/// Waits for a turn. To be asked for before a transaction is begun: who waits holds no connection.
pub(super) async fn turn(app: &App) -> Result<OwnedSemaphorePermit, ApiError> {
    Arc::clone(&app.recomputations).acquire_owned().await.map_err(ApiError::internal)
}

async fn of_audit(app: &App, org: OrgId, id: AuditId, only: Option<ClientId>) -> Result<Facts, ApiError> {
    let turn = turn(app).await?;
    let mut tx = app.db.begin_snapshot(org).await?;
    let row = audits::find(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    let client = match only {
        Some(client) => Some(client_name(&mut tx, client).await?),
        None => None,
    };
    let asked = request(&row)?.clients;
    if only.is_some_and(|only| asked.is_some_and(|asked| !asked.contains(&only))) {
        return Err(ApiError::not_found());
    }
    let input = load_again(&mut tx, &row, client.as_deref()).await.map(LoadedAudit::into_input)?;
    tx.commit().await?;
    Ok(Facts { input, turn })
}

async fn client_name(tx: &mut OrgTx, client: ClientId) -> Result<String, ApiError> {
    clients::names(tx, &[client]).await?.remove(&client).ok_or_else(ApiError::not_found)
}

/// The facts of the audit that is named, or of the last one that saw the gap: of the gap's client, whose rows
/// alone decide about it.
async fn of_gap(app: &App, org: OrgId, gap: &str, audit: Option<AuditId>) -> Result<Facts, ApiError> {
    let turn = turn(app).await?;
    let mut tx = app.db.begin_snapshot(org).await?;
    let gap = known_gaps::find(&mut tx, gap).await?.ok_or_else(ApiError::not_found)?;
    let audit = audit.unwrap_or(AuditId::new(gap.last_audit_id));
    let row = audits::find(&mut tx, audit).await?.ok_or_else(ApiError::not_found)?;
    let client = gap.detail.get("client").and_then(Value::as_str);
    let input = load_again(&mut tx, &row, client).await.map(LoadedAudit::into_input)?;
    tx.commit().await?;
    Ok(Facts { input, turn })
}

/// Explains a gap as an audit found it.
pub async fn explain(
    app: &App,
    org: OrgId,
    gap: String,
    audit: Option<AuditId>,
) -> Result<Explanation, ApiError> {
    let facts = of_gap(app, org, &gap, audit).await?;
    facts.compute(move |input| audit::explain(input, &gap)).await?.ok_or_else(ApiError::not_found)
}

/// Explains gaps of one client as an audit found them, in their order; none: the audit did not compare it.
pub async fn explanations(
    app: &App,
    org: OrgId,
    gaps: Vec<String>,
    audit: AuditId,
) -> Result<Vec<Option<Explanation>>, ApiError> {
    let Some(first) = gaps.first() else { return Ok(Vec::new()) };
    let facts = of_gap(app, org, first, Some(audit)).await?;
    facts.compute(move |input| gaps.iter().map(|gap| audit::explain(input, gap)).collect()).await
}

/// Explains a gap of a client in one month, by what was known at a time; none: it was not seen by then.
pub(super) async fn explain_month(
    app: &App,
    org: OrgId,
    (client, gap): (&str, &str),
    month: Month,
    known_at: DateTime<Utc>,
) -> Result<Option<Explanation>, ApiError> {
    let turn = turn(app).await?;
    let mut tx = app.db.begin_snapshot(org).await?;
    let input = known_then(&mut tx, (month, month), client, known_at).await?;
    tx.commit().await?;
    let gap = gap.to_owned();
    Facts::new(input, turn).compute(move |input| audit::explain(input, &gap)).await
}

/// One gap under every setting.
pub async fn gap_what_if(
    app: &App,
    org: OrgId,
    gap: String,
    audit: Option<AuditId>,
    all_bases: bool,
) -> Result<GapWhatIf, ApiError> {
    let facts = of_gap(app, org, &gap, audit).await?;
    let found = facts.compute(move |input| audit::gap_what_if(input, &gap, all_bases)).await?;
    found.ok_or_else(ApiError::not_found)
}

/// An audit, or one client of it, under every setting.
pub async fn what_if(
    app: &App,
    org: OrgId,
    audit: AuditId,
    client: Option<ClientId>,
    all_bases: bool,
) -> Result<WhatIf, ApiError> {
    let facts = of_audit(app, org, audit, client).await?;
    facts.compute(move |input| audit::what_if(input, all_bases)).await
}

/// The margins of an audit; the months of its products only where a client is named.
pub async fn margins(
    app: &App,
    org: OrgId,
    audit: AuditId,
    client: Option<ClientId>,
) -> Result<Margins, ApiError> {
    let facts = of_audit(app, org, audit, client).await?;
    let mut margins = facts.compute(audit::margins).await?;
    if client.is_none() {
        margins.products.iter_mut().for_each(|product| product.months.clear());
    }
    Ok(margins)
}
