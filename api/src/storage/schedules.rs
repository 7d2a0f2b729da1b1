//! Reconciliation schedules, every version of them.

use super::{OrgTx, StorageError};
use chrono::{DateTime, Utc};
use leakage_core::id::ClientId;
use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

/// The version of a schedule that nobody has set.
pub const UNSET: i64 = 1;

/// The current state of a schedule.
#[derive(Clone, Debug, FromRow)]
pub struct ScheduleRow {
    /// Whose; none: the organization's.
    pub client_id: Option<Uuid>,
    /// Counts its states.
    pub version: i64,
    /// What it says; none: withdrawn.
    pub schedule: Option<Value>,
    /// Who set it.
    pub set_by: String,
    /// When.
    pub set_at: DateTime<Utc>,
}

/// The current schedule of a client, or of the organization.
pub async fn find(tx: &mut OrgTx, client: Option<ClientId>) -> Result<Option<ScheduleRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select client_id, version, schedule, set_by, set_at
         from reconciliation_schedules
         where org_id = $1 and (client_id = $2 or ($2 is null and client_id is null))
         order by version desc
         limit 1",
    )
    .bind(org)
    .bind(client.map(ClientId::uuid))
    .fetch_optional(tx.conn())
    .await?)
}

/// The current schedules of the organization and of all clients that have had one.
pub async fn all(tx: &mut OrgTx) -> Result<Vec<ScheduleRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select distinct on (client_id) client_id, version, schedule, set_by, set_at
         from reconciliation_schedules
         where org_id = $1
         order by client_id, version desc",
    )
    .bind(org)
    .fetch_all(tx.conn())
    .await?)
}

/// Whether any state of any schedule was ever stored.
pub async fn any(tx: &mut OrgTx) -> Result<bool, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_scalar("select exists (select from reconciliation_schedules where org_id = $1)")
        .bind(org)
        .fetch_one(tx.conn())
        .await?)
}

/// Adds the state that follows `version`; none when that is not the current one (any more). No schedule:
/// the client's own is withdrawn.
pub async fn insert(
    tx: &mut OrgTx,
    client: Option<ClientId>,
    version: i64,
    schedule: Option<&Value>,
    set_by: &str,
    now: DateTime<Utc>,
) -> Result<Option<ScheduleRow>, StorageError> {
    let org = tx.org().uuid();
    // Two at once: the second waits for the first and then violates the constraint, which does nothing here.
    Ok(sqlx::query_as(
        "insert into reconciliation_schedules (org_id, id, client_id, version, schedule, set_by, set_at)
         select $1, $2, $3, $4 + 1, $5, $6, $7
         where $4 = coalesce((select max(version)
                              from reconciliation_schedules
                              where org_id = $1 and (client_id = $3 or ($3 is null and client_id is null))), $8)
         on conflict on constraint reconciliation_schedules_version do nothing
         returning client_id, version, schedule, set_by, set_at",
    )
    .bind(org)
    .bind(Uuid::now_v7())
    .bind(client.map(ClientId::uuid))
    .bind(version)
    .bind(schedule)
    .bind(set_by)
    .bind(now)
    .bind(UNSET)
    .fetch_optional(tx.conn())
    .await?)
}
