//! Reconciliation schedules: the organization's, and those of clients that have one of their own.

use super::cycles;
use crate::app::App;
use crate::auth::Actor;
use crate::error::ApiError;
use crate::storage::schedules::{self, ScheduleRow, UNSET};
use crate::storage::{OrgTx, StorageError, clients};
use chrono::{DateTime, Utc};
use leakage_core::cycle::Schedule;
use leakage_core::id::ClientId;

/// A schedule that counts, and whose it is.
#[derive(Clone, Debug)]
pub struct Current {
    /// What it says.
    pub schedule: Schedule,
    /// Whether it is the client's own.
    pub own: bool,
    /// Version of what was asked for: of the client's own states, or of the organization's.
    pub version: i64,
    /// Who set it, and when; none: nobody has.
    pub set: Option<(String, DateTime<Utc>)>,
}

/// The schedule in a stored row.
///
/// # Errors
/// When it is not what this code writes.
pub fn parse(stored: &serde_json::Value) -> Result<Schedule, StorageError> {
    serde_json::from_value(stored.clone())
        .map_err(|_unreadable| StorageError::Corrupt { column: "reconciliation_schedules.schedule" })
}

fn current(row: ScheduleRow, own: bool, version: i64) -> Result<Option<Current>, StorageError> {
    let Some(stored) = &row.schedule else { return Ok(None) };
    Ok(Some(Current { schedule: parse(stored)?, own, version, set: Some((row.set_by, row.set_at)) }))
}

/// The organization's schedule; one that watches nothing, while none is set.
pub async fn of_organization(tx: &mut OrgTx) -> Result<Current, ApiError> {
    let unset = Current { schedule: Schedule::unset(), own: false, version: UNSET, set: None };
    let Some(row) = schedules::find(tx, None).await? else { return Ok(unset) };
    let version = row.version;
    Ok(current(row, false, version)?.unwrap_or(unset))
}

/// The schedule that counts for a client: its own, or the organization's.
pub async fn of_client(tx: &mut OrgTx, client: ClientId) -> Result<Current, ApiError> {
    clients::find(tx, client).await?.ok_or_else(ApiError::not_found)?;
    let row = schedules::find(tx, Some(client)).await?;
    let version = row.as_ref().map_or(UNSET, |row| row.version);
    let own = row.map(|row| current(row, true, version)).transpose()?.flatten();
    match own {
        Some(own) => Ok(own),
        None => Ok(Current { version, ..of_organization(tx).await? }),
    }
}

/// Sets the organization's schedule, or a client's own; none: withdraws the client's own.
pub async fn set(
    app: &App,
    tx: &mut OrgTx,
    actor: &Actor,
    client: Option<ClientId>,
    version: i64,
    schedule: Option<&Schedule>,
) -> Result<Current, ApiError> {
    if let Some(client) = client {
        clients::find(tx, client).await?.ok_or_else(ApiError::not_found)?;
    }
    if let Some(schedule) = schedule {
        schedule.check().map_err(|error| ApiError::invalid(error.pointer, error.reason))?;
    }
    let stored = schedule.map(serde_json::to_value).transpose().map_err(ApiError::internal)?;
    let (now, by) = (app.clock.now(), actor.label());
    let row = schedules::insert(tx, client, version, stored.as_ref(), &by, now).await?;
    let row = row.ok_or_else(ApiError::stale)?;
    cycles::start(tx, now).await?;
    cycles::facts_changed(tx, now).await?;
    let version = row.version;
    match current(row, client.is_some(), version)? {
        Some(current) => Ok(current),
        None => Ok(Current { version, ..of_organization(tx).await? }),
    }
}
