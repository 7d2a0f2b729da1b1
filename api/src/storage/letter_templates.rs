//! Templates of letters: every version that an organization ever had.

use super::{OrgTx, StorageError};
use chrono::{DateTime, Utc};
use sqlx::FromRow;

/// The newest version of a template.
#[derive(Clone, Debug, FromRow)]
pub struct TemplateRow {
    /// The kind of letter.
    pub kind: String,
    /// Counts changes, from 2.
    pub version: i64,
    /// The text; none: the default counts again.
    pub template: Option<String>,
    /// Who changed it.
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// The newest version of each kind that was ever changed.
pub async fn newest(tx: &mut OrgTx) -> Result<Vec<TemplateRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select distinct on (kind) kind, version, template, created_by, created_at
         from letter_templates
         where org_id = $1
         order by kind, version desc",
    )
    .bind(org)
    .fetch_all(tx.conn())
    .await?)
}

/// The newest version of one kind; none: it was never changed.
pub async fn find(tx: &mut OrgTx, kind: &str) -> Result<Option<TemplateRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select kind, version, template, created_by, created_at
         from letter_templates
         where org_id = $1 and kind = $2
         order by version desc
         limit 1",
    )
    .bind(org)
    .bind(kind)
    .fetch_optional(tx.conn())
    .await?)
}

/// Adds a version after `version`, if that is still the newest one (1: never changed); none otherwise.
pub async fn add(
    tx: &mut OrgTx,
    kind: &str,
    version: i64,
    template: Option<&str>,
    by: &str,
    now: DateTime<Utc>,
) -> Result<Option<TemplateRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "insert into letter_templates (org_id, kind, version, template, created_by, created_at)
         select $1, $2, $3 + 1, $4, $5, $6
         where $3 = coalesce((select max(version) from letter_templates where org_id = $1 and kind = $2), 1)
         on conflict (org_id, kind, version) do nothing
         returning kind, version, template, created_by, created_at",
    )
    .bind(org)
    .bind(kind)
    .bind(version)
    .bind(template)
    .bind(by)
    .bind(now)
    .fetch_optional(tx.conn())
    .await?)
}
