//! What waits for a worker's next look: checkpoints to sign, bundles to build, persons' data to remove.

use super::{OrgTx, StorageError, SystemTx};
use chrono::{DateTime, Utc};
use leakage_core::id::OrgId;
use uuid::Uuid;

/// Has an organization looked at from then on, or sooner if that is set already.
pub async fn set(tx: &mut OrgTx, task: &'static str, due_at: DateTime<Utc>) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    // Also one that is set is written: whoever takes it meanwhile waits, and then sees what this transaction did.
    sqlx::query(
        "insert into evidence_clock (organization, task, due_at)
         values ($1, $2, $3)
         on conflict (organization, task) do update set due_at = least(evidence_clock.due_at, excluded.due_at)",
    )
    .bind(org)
    .bind(task)
    .bind(due_at)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Whose time has come, and what for; at most `limit`.
pub async fn due(
    tx: &mut SystemTx,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<(OrgId, String)>, StorageError> {
    let rows: Vec<(Uuid, String)> = sqlx::query_as(
        "select organization, task
         from evidence_clock
         where due_at <= $1
         order by due_at
         limit $2",
    )
    .bind(now)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|(org, task)| (OrgId::new(org), task)).collect())
}

/// Takes the organization's turn, and sets the next one if there is one; false: another worker took it.
pub async fn take(
    tx: &mut OrgTx,
    task: &str,
    now: DateTime<Utc>,
    next: Option<DateTime<Utc>>,
) -> Result<bool, StorageError> {
    let org = tx.org().uuid();
    let done = match next {
        Some(next) => sqlx::query(
            "update evidence_clock set due_at = $4 where organization = $1 and task = $2 and due_at <= $3",
        )
        .bind(org)
        .bind(task)
        .bind(now)
        .bind(next)
        .execute(tx.conn())
        .await?,
        None => {
            sqlx::query("delete from evidence_clock where organization = $1 and task = $2 and due_at <= $3")
                .bind(org)
                .bind(task)
                .bind(now)
                .execute(tx.conn())
                .await?
        }
    };
    Ok(done.rows_affected() == 1)
}
