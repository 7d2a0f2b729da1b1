//! The rows of imports that were refused, each with what is wrong with it.

use super::{OrgTx, StorageError};
use leakage_core::id::ImportId;
use sqlx::FromRow;

/// A refused row, as stored.
#[derive(Clone, Debug, FromRow)]
pub struct ImportErrorRow {
    /// Its place among the errors.
    pub position: i32,
    /// Sheet, of a spreadsheet.
    pub sheet: Option<String>,
    /// Line of the file.
    pub line: i32,
    /// Column.
    pub column_name: Option<String>,
    /// The refused value.
    pub value: Option<String>,
    /// What is wrong with it.
    pub reason: String,
}

/// Replaces the refused rows of an import.
pub async fn replace(tx: &mut OrgTx, id: ImportId, errors: &[ImportErrorRow]) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    sqlx::query("delete from import_errors where org_id = $1 and import_id = $2")
        .bind(org)
        .bind(id.uuid())
        .execute(tx.conn())
        .await?;
    sqlx::query(
        "insert into import_errors (org_id, import_id, position, sheet, line, column_name, value, reason)
         select $1, $2, n.position, n.sheet, n.line, n.column_name, n.value, n.reason
         from unnest($3::int[], $4::text[], $5::int[], $6::text[], $7::text[], $8::text[])
           as n (position, sheet, line, column_name, value, reason)",
    )
    .bind(org)
    .bind(id.uuid())
    .bind(errors.iter().map(|e| e.position).collect::<Vec<_>>())
    .bind(errors.iter().map(|e| e.sheet.clone()).collect::<Vec<_>>())
    .bind(errors.iter().map(|e| e.line).collect::<Vec<_>>())
    .bind(errors.iter().map(|e| e.column_name.clone()).collect::<Vec<_>>())
    .bind(errors.iter().map(|e| e.value.clone()).collect::<Vec<_>>())
    .bind(errors.iter().map(|e| e.reason.clone()).collect::<Vec<_>>())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The refused rows of an import, in the order of the file.
pub async fn page(
    tx: &mut OrgTx,
    id: ImportId,
    after: i32,
    limit: i64,
) -> Result<Vec<ImportErrorRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select position, sheet, line, column_name, value, reason
         from import_errors
         where org_id = $1 and import_id = $2 and position > $3
         order by position
         limit $4",
    )
    .bind(org)
    .bind(id.uuid())
    .bind(after)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?)
}
