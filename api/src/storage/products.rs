//! The products that an organization's files name.

use super::{OrgTx, StorageError};
use chrono::{DateTime, Utc};
use leakage_core::records::ProductRef;
use sqlx::FromRow;
use uuid::Uuid;

/// One way in which a source names a product.
#[derive(Clone, Debug, FromRow)]
pub struct ProductRow {
    /// Its id.
    pub id: Uuid,
    /// The name as written.
    pub name: Option<String>,
    /// The vendor's id.
    pub sku: Option<String>,
    /// Microsoft's part number.
    pub part_number: Option<String>,
    /// The PSA's item code.
    pub code: Option<String>,
    /// When a file first named it.
    pub created_at: DateTime<Utc>,
}

impl From<ProductRow> for ProductRef {
    fn from(row: ProductRow) -> Self {
        Self { name: row.name, sku: row.sku, part_number: row.part_number, code: row.code }
    }
}

/// All of them.
pub async fn all(tx: &mut OrgTx) -> Result<Vec<ProductRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select id, name, sku, part_number, code, created_at
         from product_refs
         where org_id = $1",
    )
    .bind(org)
    .fetch_all(tx.conn())
    .await?)
}

/// Some of them.
pub async fn by_id(tx: &mut OrgTx, ids: &[Uuid]) -> Result<Vec<ProductRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select id, name, sku, part_number, code, created_at
         from product_refs
         where org_id = $1 and id = any($2)",
    )
    .bind(org)
    .bind(ids)
    .fetch_all(tx.conn())
    .await?)
}

/// In the order in which files first named them.
pub async fn list(tx: &mut OrgTx, after: Option<Uuid>, limit: i64) -> Result<Vec<ProductRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select id, name, sku, part_number, code, created_at
         from product_refs
         where org_id = $1 and ($2::uuid is null or id > $2)
         order by id
         limit $3",
    )
    .bind(org)
    .bind(after)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?)
}
