//! Corrections: the state and version, written in one statement that checks both, and what hangs on them.

pub mod facts;
pub mod ledger;
pub mod receipts;
pub mod records;

use super::{OrgTx, StorageError, expect_rows};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::id::CorrectionId;
use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

/// A correction as stored, without its ledger.
#[derive(Clone, Debug, FromRow)]
pub struct CorrectionRow {
    /// Its id.
    pub id: Uuid,
    /// Name of the client.
    pub client: String,
    /// The client's resource.
    pub client_id: Option<Uuid>,
    /// `found` and so on.
    pub state: String,
    /// For ETag and If-Match.
    pub version: i64,
    /// The audit that it rests on.
    pub audit_id: Uuid,
    /// The conversation.
    pub conversation: Value,
    /// The soonest deadline.
    pub due_on: Option<NaiveDate>,
    /// The correction whose verification opened it.
    pub opened_from: Option<Uuid>,
    /// When it was opened.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// The columns of [`CorrectionRow`], for the statements below.
macro_rules! select_correction {
    ($rest:literal) => {
        concat!(
            "select id, client, client_id, state, version, audit_id, conversation, due_on, opened_from,
                    created_at, updated_at
             from corrections ",
            $rest
        )
    };
}

/// What of a correction has columns of its own.
#[derive(Clone, Debug)]
pub struct Figures<'a> {
    /// `found` and so on.
    pub state: &'a str,
    /// Who works on it.
    pub owner: Option<&'a str>,
    /// The audit that it rests on.
    pub audit: Uuid,
    /// The conversation.
    pub conversation: &'a Value,
    /// Sum found.
    pub found: i64,
    /// Sum outstanding.
    pub outstanding: i64,
    /// Date of the announced invoice.
    pub invoice_on: Option<NaiveDate>,
    /// Announced for it.
    pub announced: (i64, i64),
    /// The soonest deadline.
    pub due_on: Option<NaiveDate>,
}

/// A correction that is opened.
#[derive(Clone, Debug)]
pub struct NewCorrection<'a> {
    /// Its id.
    pub id: CorrectionId,
    /// Name of the client.
    pub client: &'a str,
    /// The client's resource.
    pub client_id: Option<Uuid>,
    /// Billing entity.
    pub billing_entity: Option<&'a str>,
    /// The currency.
    pub currency: &'a str,
    /// `under` or `over`.
    pub direction: &'a str,
    /// The correction whose verification opened it.
    pub opened_from: Option<Uuid>,
    /// Who opened it.
    pub created_by: &'a str,
}

/// Stores corrections that are opened.
pub async fn insert(
    tx: &mut OrgTx,
    new: &[(NewCorrection<'_>, Figures<'_>)],
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    let written = sqlx::query(
        "insert into corrections (org_id, id, client, client_id, billing_entity, currency, direction, opened_from,
                                  created_by, state, owner, audit_id, conversation, found_minor, outstanding_minor,
                                  due_on, created_at, updated_at)
         select $1, n.id, n.client, n.client_id, n.billing_entity, n.currency, n.direction, n.opened_from, n.created_by,
                n.state, n.owner, n.audit_id, n.conversation::json, n.found, n.outstanding, n.due_on, $2, $2
         from unnest($3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::uuid[], $10::text[],
                     $11::text[], $12::text[], $13::uuid[], $14::text[], $15::bigint[], $16::bigint[], $17::date[])
           as n (id, client, client_id, billing_entity, currency, direction, opened_from, created_by, state, owner,
                 audit_id, conversation, found, outstanding, due_on)
         order by n.id",
    )
    .bind(org)
    .bind(now)
    .bind(new.iter().map(|(new, _)| new.id.uuid()).collect::<Vec<_>>())
    .bind(new.iter().map(|(new, _)| new.client).collect::<Vec<_>>())
    .bind(new.iter().map(|(new, _)| new.client_id).collect::<Vec<_>>())
    .bind(new.iter().map(|(new, _)| new.billing_entity).collect::<Vec<_>>())
    .bind(new.iter().map(|(new, _)| new.currency).collect::<Vec<_>>())
    .bind(new.iter().map(|(new, _)| new.direction).collect::<Vec<_>>())
    .bind(new.iter().map(|(new, _)| new.opened_from).collect::<Vec<_>>())
    .bind(new.iter().map(|(new, _)| new.created_by).collect::<Vec<_>>())
    .bind(new.iter().map(|(_, of)| of.state).collect::<Vec<_>>())
    .bind(new.iter().map(|(_, of)| of.owner).collect::<Vec<_>>())
    .bind(new.iter().map(|(_, of)| of.audit).collect::<Vec<_>>())
    .bind(new.iter().map(|(_, of)| of.conversation.to_string()).collect::<Vec<_>>())
    .bind(new.iter().map(|(_, of)| of.found).collect::<Vec<_>>())
    .bind(new.iter().map(|(_, of)| of.outstanding).collect::<Vec<_>>())
    .bind(new.iter().map(|(_, of)| of.due_on).collect::<Vec<_>>())
    .execute(tx.conn())
    .await?
    .rows_affected();
    expect_rows(written, u64::try_from(new.len()).unwrap_or(u64::MAX))
}

/// Moves a correction: state check, version check and write in one statement. Answers the new version;
/// `None` when someone else was faster.
pub async fn update(
    tx: &mut OrgTx,
    id: CorrectionId,
    version: i64,
    from: &[&str],
    figures: &Figures<'_>,
    now: DateTime<Utc>,
) -> Result<Option<i64>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_scalar(
        "update corrections
         set state = $5, owner = $6, audit_id = $7, conversation = $8::json, found_minor = $9,
             outstanding_minor = $10, invoice_on = $11, announced_retro_minor = $12, announced_forward_minor = $13,
             due_on = $14, updated_at = $15, version = version + 1
         where org_id = $1 and id = $2 and version = $3 and state = any($4)
         returning version",
    )
    .bind(org)
    .bind(id.uuid())
    .bind(version)
    .bind(from)
    .bind(figures.state)
    .bind(figures.owner)
    .bind(figures.audit)
    .bind(figures.conversation)
    .bind(figures.found)
    .bind(figures.outstanding)
    .bind(figures.invoice_on)
    .bind(figures.announced.0)
    .bind(figures.announced.1)
    .bind(figures.due_on)
    .bind(now)
    .fetch_optional(tx.conn())
    .await?)
}

/// Lets nobody else change a correction until the transaction ends.
pub async fn lock(tx: &mut OrgTx, id: CorrectionId) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    sqlx::query(
        "select from corrections
         where org_id = $1 and id = $2
         for no key update",
    )
    .bind(org)
    .bind(id.uuid())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// One correction.
pub async fn find(tx: &mut OrgTx, id: CorrectionId) -> Result<Option<CorrectionRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(select_correction!("where org_id = $1 and id = $2"))
        .bind(org)
        .bind(id.uuid())
        .fetch_optional(tx.conn())
        .await?)
}

/// Corrections by their ids, in the order of these.
pub async fn by_ids(tx: &mut OrgTx, ids: &[Uuid]) -> Result<Vec<CorrectionRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(select_correction!(
        "where org_id = $1 and id = any($2) order by array_position($2, id)"
    ))
    .bind(org)
    .bind(ids)
    .fetch_all(tx.conn())
    .await?)
}

/// The other corrections of a client in a currency.
pub async fn beside(
    tx: &mut OrgTx,
    but: CorrectionId,
    client: &str,
    currency: &str,
) -> Result<Vec<CorrectionRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(select_correction!(
        "where org_id = $1 and id <> $2 and client = $3 and currency = $4
         order by id"
    ))
    .bind(org)
    .bind(but.uuid())
    .bind(client)
    .bind(currency)
    .fetch_all(tx.conn())
    .await?)
}

/// What a list of corrections asks for.
#[derive(Clone, Debug, Default)]
pub struct CorrectionFilter<'a> {
    /// `found` and so on.
    pub state: Option<&'a str>,
    /// Of this client.
    pub client_id: Option<Uuid>,
    /// `under` or `over`.
    pub direction: Option<&'a str>,
    /// Of this currency.
    pub currency: Option<&'a str>,
    /// Of this owner.
    pub owner: Option<&'a str>,
    /// With a deadline on this day or before.
    pub due_by: Option<NaiveDate>,
}

/// Corrections, those opened last first.
pub async fn list(
    tx: &mut OrgTx,
    filter: &CorrectionFilter<'_>,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<CorrectionRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(select_correction!(
        "where org_id = $1
           and ($2::text is null or state = $2)
           and ($3::uuid is null or client_id = $3)
           and ($4::text is null or direction = $4)
           and ($5::text is null or currency = $5)
           and ($6::text is null or owner = $6)
           and ($7::date is null or due_on <= $7)
           and ($8::uuid is null or id < $8)
         order by id desc
         limit $9"
    ))
    .bind(org)
    .bind(filter.state)
    .bind(filter.client_id)
    .bind(filter.direction)
    .bind(filter.currency)
    .bind(filter.owner)
    .bind(filter.due_by)
    .bind(before)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?)
}

/// All corrections of a client, in the order in which they were opened; all clients' when none is named.
pub async fn of_client(tx: &mut OrgTx, client: Option<Uuid>) -> Result<Vec<CorrectionRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(select_correction!(
        "where org_id = $1 and ($2::uuid is null or client_id = $2) order by id"
    ))
    .bind(org)
    .bind(client)
    .fetch_all(tx.conn())
    .await?)
}

/// All corrections to which a client ever objected, of one client if given.
pub async fn disputed(tx: &mut OrgTx, client: Option<Uuid>) -> Result<Vec<CorrectionRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(select_correction!(
        "where org_id = $1 and ($2::uuid is null or client_id = $2)
           and exists (select
                       from correction_disputes d
                       where d.org_id = corrections.org_id and d.correction_id = corrections.id)
         order by id"
    ))
    .bind(org)
    .bind(client)
    .fetch_all(tx.conn())
    .await?)
}

/// The ids of corrections that wait for proof: told or ended, not long ago.
pub async fn unproved(tx: &mut OrgTx) -> Result<Vec<Uuid>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_scalar(
        "select c.id
         from corrections c
         join correction_deadlines d on d.org_id = c.org_id and d.correction_id = c.id and d.kind = 'verification_by'
         where c.org_id = $1
         order by c.id",
    )
    .bind(org)
    .fetch_all(tx.conn())
    .await?)
}
