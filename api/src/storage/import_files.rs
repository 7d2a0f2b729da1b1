//! Whether the uploaded files of imports are kept: one can be removed, while what was read from it stays.

use super::{OrgTx, StorageError};
use chrono::{DateTime, Utc};
use leakage_core::id::ImportId;

/// Notes that the file of an import is removed, and with it that of all imports of the same bytes. None: it has another
/// version, is still to be read, or is removed already.
pub async fn erase(
    tx: &mut OrgTx,
    id: ImportId,
    version: i64,
    by: &str,
    now: DateTime<Utc>,
) -> Result<Option<String>, StorageError> {
    let org = tx.org().uuid();
    let sha256: Option<String> = sqlx::query_scalar(
        "update imports i
         set file_erased_at = $4, file_erased_by = $5, version = version + 1
         where i.org_id = $1 and i.id = $2 and i.version = $3 and i.file_erased_at is null
           and not exists (select
                           from imports o
                           where o.org_id = i.org_id and o.sha256 = i.sha256
                             and o.status in ('processing', 'needs_input'))
         returning i.sha256",
    )
    .bind(org)
    .bind(id.uuid())
    .bind(version)
    .bind(now)
    .bind(by)
    .fetch_optional(tx.conn())
    .await?;
    let Some(sha256) = sha256 else { return Ok(None) };
    sqlx::query(
        "update imports
         set file_erased_at = $3, file_erased_by = $4, version = version + 1
         where org_id = $1 and sha256 = $2 and file_erased_at is null",
    )
    .bind(org)
    .bind(&sha256)
    .bind(now)
    .bind(by)
    .execute(tx.conn())
    .await?;
    Ok(Some(sha256))
}

/// Notes that the same file was uploaded again: it is there for all imports of it.
pub async fn is_back(tx: &mut OrgTx, sha256: &str) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    sqlx::query(
        "update imports
         set file_erased_at = null, file_erased_by = null, version = version + 1
         where org_id = $1 and sha256 = $2 and file_erased_at is not null",
    )
    .bind(org)
    .bind(sha256)
    .execute(tx.conn())
    .await?;
    Ok(())
}
