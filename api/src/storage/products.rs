//! The products that an organization's files name.

use super::{OrgTx, StorageError};
use chrono::{DateTime, Utc};
use leakage_core::records::ProductRef;
use sqlx::FromRow;
use std::collections::HashMap;
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

/// Stores the ways in which a file names products and gives the id of each, in the order given.
pub async fn intern_refs(
    tx: &mut OrgTx,
    wanted: &[ProductRef],
    now: DateTime<Utc>,
    new_id: impl Fn() -> Uuid,
) -> Result<Vec<Uuid>, StorageError> {
    let org = tx.org().uuid();
    let ids: Vec<Uuid> = wanted.iter().map(|_| new_id()).collect();
    let column = |pick: fn(&ProductRef) -> &Option<String>| -> Vec<Option<String>> {
        wanted.iter().map(|reference| pick(reference).clone()).collect()
    };
    sqlx::query(
        "insert into product_refs (org_id, id, name, sku, part_number, code, created_at)
         select $1, n.id, n.name, n.sku, n.part_number, n.code, $7
         from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[])
           as n (id, name, sku, part_number, code)
         on conflict on constraint product_refs_value do nothing",
    )
    .bind(org)
    .bind(&ids)
    .bind(column(|r| &r.name))
    .bind(column(|r| &r.sku))
    .bind(column(|r| &r.part_number))
    .bind(column(|r| &r.code))
    .bind(now)
    .execute(tx.conn())
    .await?;
    let known: HashMap<ProductRef, Uuid> =
        all(tx).await?.into_iter().map(|row| (ProductRef::from(row.clone()), row.id)).collect();
    wanted
        .iter()
        .map(|reference| {
            known.get(reference).copied().ok_or(StorageError::Corrupt { column: "product_refs.id" })
        })
        .collect()
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
