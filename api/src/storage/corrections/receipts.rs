//! What was entered where clients are billed, said back.

use crate::storage::{OrgTx, StorageError};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::id::CorrectionId;
use sqlx::FromRow;

/// A receipt.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct ReceiptRow {
    /// Counts from 1 within the correction.
    pub number: i32,
    /// Number of the invoice or credit note.
    pub document: String,
    /// Its date.
    pub dated_on: NaiveDate,
    /// What of it is of the correction, minor units.
    pub minor: i64,
    /// The instalment that it charges.
    pub instalment: Option<i32>,
    /// Ids of its lines.
    pub line_ids: Vec<String>,
    /// Who entered it.
    pub entered_by: Option<String>,
    /// `bill`, `credit`, `invoice_instalment` or `linked`.
    pub became: String,
    /// Who told us.
    pub recorded_by: String,
    /// When.
    pub recorded_at: DateTime<Utc>,
}

/// The columns of [`ReceiptRow`], for the statements below.
macro_rules! select_receipt {
    ($rest:literal) => {
        concat!(
            "select number, document, dated_on, minor, instalment, line_ids, entered_by, became, recorded_by,
                    recorded_at
             from correction_receipts ",
            $rest
        )
    };
}

/// The receipt of a document.
pub async fn find(
    tx: &mut OrgTx,
    id: CorrectionId,
    document: &str,
) -> Result<Option<ReceiptRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(select_receipt!("where org_id = $1 and correction_id = $2 and document = $3"))
        .bind(org)
        .bind(id.uuid())
        .bind(document)
        .fetch_optional(tx.conn())
        .await?)
}

/// The date of a document that a command entered, as it was stated then.
pub async fn entered_on(
    tx: &mut OrgTx,
    id: CorrectionId,
    document: &str,
) -> Result<Option<NaiveDate>, StorageError> {
    let org = tx.org().uuid();
    let stated: Option<String> = sqlx::query_scalar(
        "select detail ->> 'on'
         from correction_timeline
         where org_id = $1 and correction_id = $2 and command = 'bill' and btrim(detail ->> 'document') = $3
           and detail ->> 'on' is not null
         order by seq desc
         limit 1",
    )
    .bind(org)
    .bind(id.uuid())
    .bind(document)
    .fetch_optional(tx.conn())
    .await?;
    let corrupt = |_| StorageError::Corrupt { column: "correction_timeline.detail" };
    stated.map(|day| day.parse().map_err(corrupt)).transpose()
}

/// Receipts of a correction after a number.
pub async fn list(
    tx: &mut OrgTx,
    id: CorrectionId,
    after: i32,
    limit: i64,
) -> Result<Vec<ReceiptRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(select_receipt!(
        "where org_id = $1 and correction_id = $2 and number > $3
         order by number
         limit $4"
    ))
    .bind(org)
    .bind(id.uuid())
    .bind(after)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?)
}

/// Adds a receipt under the next number, which it answers. The correction must be locked.
pub async fn insert(tx: &mut OrgTx, id: CorrectionId, new: &ReceiptRow) -> Result<i32, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_scalar(
        "insert into correction_receipts (org_id, correction_id, number, document, dated_on, minor, instalment,
                                          line_ids, entered_by, became, recorded_by, recorded_at)
         select $1, $2, coalesce(max(r.number), 0) + 1, $3, $4, $5, $6, $7, $8, $9, $10, $11
         from correction_receipts r
         where r.org_id = $1 and r.correction_id = $2
         returning number",
    )
    .bind(org)
    .bind(id.uuid())
    .bind(&new.document)
    .bind(new.dated_on)
    .bind(new.minor)
    .bind(new.instalment)
    .bind(&new.line_ids)
    .bind(&new.entered_by)
    .bind(&new.became)
    .bind(&new.recorded_by)
    .bind(new.recorded_at)
    .fetch_one(tx.conn())
    .await?)
}
