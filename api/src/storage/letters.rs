//! Letters as they were written. They are added and never changed.

use super::{OrgTx, StorageError};
use chrono::{DateTime, Utc};
use leakage_core::id::{ClientId, CorrectionId, LetterId};
use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

/// A letter as stored.
#[derive(Clone, Debug, FromRow)]
pub struct LetterRow {
    /// Its id.
    pub id: Uuid,
    /// What kind.
    pub kind: String,
    /// The correction that it belongs to.
    pub correction_id: Option<Uuid>,
    /// To whom.
    pub client_id: Uuid,
    /// Version of the template.
    pub template_version: i64,
    /// One line.
    pub subject: String,
    /// As text.
    pub body_text: String,
    /// As HTML.
    pub body_html: String,
    /// Its blocks; none: it was written before they were kept.
    pub sections: Option<Value>,
    /// What it was written from.
    pub facts: Value,
    /// Digest of subject, text and HTML.
    pub sha256: String,
    /// Who wrote it.
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Since when a person is erased from it: its digest is of the words before.
    pub erased_at: Option<DateTime<Utc>>,
}

/// A letter to be stored.
#[derive(Clone, Debug)]
pub struct NewLetter<'a> {
    /// Its id.
    pub id: LetterId,
    /// What kind.
    pub kind: &'a str,
    /// The correction that it belongs to.
    pub correction_id: Option<Uuid>,
    /// To whom.
    pub client_id: ClientId,
    /// Version of the template.
    pub template_version: i64,
    /// One line.
    pub subject: &'a str,
    /// As text.
    pub text: &'a str,
    /// As HTML.
    pub html: &'a str,
    /// Its blocks.
    pub sections: &'a Value,
    /// What it was written from.
    pub facts: &'a Value,
    /// Digest of subject, text and HTML.
    pub sha256: &'a str,
    /// Who writes it.
    pub by: &'a str,
}

/// The columns of [`LetterRow`], for the statements below.
macro_rules! columns {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            " id, kind, correction_id, client_id, template_version, subject, body_text, body_html, sections, facts, sha256,
              created_by, created_at, erased_at ",
            $after
        )
    };
}

/// Stores a letter.
pub async fn insert(
    tx: &mut OrgTx,
    new: &NewLetter<'_>,
    now: DateTime<Utc>,
) -> Result<LetterRow, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(columns!(
        "insert into letters (org_id, id, kind, correction_id, client_id, template_version, subject, body_text,
                              body_html, sections, facts, sha256, created_by, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::text::json, $11::text::json, $12, $13, $14)
         returning",
        ""
    ))
    .bind(org)
    .bind(new.id.uuid())
    .bind(new.kind)
    .bind(new.correction_id)
    .bind(new.client_id.uuid())
    .bind(new.template_version)
    .bind(new.subject)
    .bind(new.text)
    .bind(new.html)
    .bind(new.sections.to_string())
    .bind(new.facts.to_string())
    .bind(new.sha256)
    .bind(new.by)
    .bind(now)
    .fetch_one(tx.conn())
    .await?)
}

/// One letter.
pub async fn find(tx: &mut OrgTx, id: LetterId) -> Result<Option<LetterRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(columns!("select", "from letters where org_id = $1 and id = $2"))
        .bind(org)
        .bind(id.uuid())
        .fetch_optional(tx.conn())
        .await?)
}

/// Letters, newest first; `client` and `correction` narrow them.
pub async fn list(
    tx: &mut OrgTx,
    client: Option<Uuid>,
    correction: Option<Uuid>,
    before: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<LetterRow>, StorageError> {
    let org = tx.org().uuid();
    let (before_time, before_id) = before.unzip();
    Ok(sqlx::query_as(columns!(
        "select",
        "from letters
         where org_id = $1
           and ($2::uuid is null or client_id = $2)
           and ($3::uuid is null or correction_id = $3)
           and ($4::timestamptz is null or (created_at, id) < ($4, $5))
         order by created_at desc, id desc
         limit $6"
    ))
    .bind(org)
    .bind(client)
    .bind(correction)
    .bind(before_time)
    .bind(before_id)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?)
}

/// The letter of a correction that left last, and when.
pub async fn last_sent(
    tx: &mut OrgTx,
    correction: CorrectionId,
) -> Result<Option<(LetterRow, DateTime<Utc>)>, StorageError> {
    let org = tx.org().uuid();
    let sent: Option<(Uuid, DateTime<Utc>)> = sqlx::query_as(
        "select l.id, d.updated_at
         from letters l
         join deliveries d on d.org_id = l.org_id and d.letter_id = l.id
         where l.org_id = $1 and l.correction_id = $2 and d.status in ('sent', 'handed_out', 'delivered')
         order by l.created_at desc, l.id desc, d.created_at desc
         limit 1",
    )
    .bind(org)
    .bind(correction.uuid())
    .fetch_optional(tx.conn())
    .await?;
    let Some((letter, at)) = sent else { return Ok(None) };
    Ok(find(tx, LetterId::new(letter)).await?.map(|row| (row, at)))
}

/// Whether a letter of this kind was written for a correction since an instant.
pub async fn any_since(
    tx: &mut OrgTx,
    correction: CorrectionId,
    kind: &str,
    since: DateTime<Utc>,
) -> Result<bool, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_scalar(
        "select exists (
           select
           from letters
           where org_id = $1 and correction_id = $2 and kind = $3 and created_at >= $4
         )",
    )
    .bind(org)
    .bind(correction.uuid())
    .bind(kind)
    .bind(since)
    .fetch_one(tx.conn())
    .await?)
}
