//! Clients' links to corrections, and the codes that confirm what is done through them.

use super::{OrgTx, StorageError};
use chrono::{DateTime, Utc};
use leakage_core::id::{ClientId, ClientLinkId, CorrectionId, DeliveryId};
use sqlx::FromRow;
use uuid::Uuid;

/// A link as stored.
#[derive(Clone, Debug, FromRow)]
pub struct LinkRow {
    /// Its id.
    pub id: Uuid,
    /// The correction that it shows.
    pub correction_id: Uuid,
    /// The client that it is for.
    pub client_id: Uuid,
    /// `mail` or `handed_out`.
    pub channel: String,
    /// Version of the contact that it was mailed to.
    pub contact_version: Option<i32>,
    /// The delivery that carried it.
    pub delivery_id: Option<Uuid>,
    /// What it may be used for.
    pub allows: Vec<String>,
    /// SHA-256 of the token.
    pub secret_sha256: Vec<u8>,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// From when it is of no use.
    pub expires_at: DateTime<Utc>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// Who revoked it.
    pub revoked_by: Option<String>,
    /// Why.
    pub revoked_why: Option<String>,
}

/// The columns of [`LinkRow`], for the statements below.
macro_rules! columns {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            " id, correction_id, client_id, channel, contact_version, delivery_id, allows, secret_sha256,
              created_by, created_at, expires_at, revoked_at, revoked_by, revoked_why ",
            $after
        )
    };
}

/// A link to be stored.
#[derive(Clone, Copy, Debug)]
pub struct NewLink<'a> {
    /// Its id.
    pub id: ClientLinkId,
    /// The correction that it shows.
    pub correction: CorrectionId,
    /// The client that it is for.
    pub client: ClientId,
    /// Where we mail it: version of the contact, and the delivery; none: it is handed out.
    pub mailed: Option<(i32, DeliveryId)>,
    /// What it may be used for.
    pub allows: &'a [String],
    /// SHA-256 of the token.
    pub secret_sha256: &'a [u8; 32],
    /// Who makes it.
    pub by: &'a str,
    /// From when it is of no use.
    pub expires_at: DateTime<Utc>,
}

/// Stores a link.
pub async fn insert(tx: &mut OrgTx, new: &NewLink<'_>, now: DateTime<Utc>) -> Result<LinkRow, StorageError> {
    let org = tx.org().uuid();
    let (contact, delivery) = new.mailed.unzip();
    Ok(sqlx::query_as(columns!(
        "insert into client_links (org_id, id, correction_id, client_id, channel, contact_version, delivery_id, allows,
                                   secret_sha256, created_by, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         returning",
        ""
    ))
    .bind(org)
    .bind(new.id.uuid())
    .bind(new.correction.uuid())
    .bind(new.client.uuid())
    .bind(if new.mailed.is_some() { "mail" } else { "handed_out" })
    .bind(contact)
    .bind(delivery.map(DeliveryId::uuid))
    .bind(new.allows)
    .bind(new.secret_sha256.as_slice())
    .bind(new.by)
    .bind(now)
    .bind(new.expires_at)
    .fetch_one(tx.conn())
    .await?)
}

/// One link.
pub async fn find(tx: &mut OrgTx, id: ClientLinkId) -> Result<Option<LinkRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(columns!("select", "from client_links where org_id = $1 and id = $2"))
        .bind(org)
        .bind(id.uuid())
        .fetch_optional(tx.conn())
        .await?)
}

/// One link, which nobody else can end until the transaction does.
pub async fn lock(tx: &mut OrgTx, id: ClientLinkId) -> Result<Option<LinkRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(columns!(
        "select",
        "from client_links
         where org_id = $1 and id = $2
         for no key update"
    ))
    .bind(org)
    .bind(id.uuid())
    .fetch_optional(tx.conn())
    .await?)
}

/// The links of a correction, newest first, before a link.
pub async fn list(
    tx: &mut OrgTx,
    correction: CorrectionId,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<LinkRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(columns!(
        "select",
        "from client_links
         where org_id = $1 and correction_id = $2
           and ($3::uuid is null or id < $3)
         order by id desc
         limit $4"
    ))
    .bind(org)
    .bind(correction.uuid())
    .bind(before)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?)
}

/// Ends a link; false: it is revoked already.
pub async fn revoke(
    tx: &mut OrgTx,
    id: ClientLinkId,
    by: &str,
    why: &str,
    now: DateTime<Utc>,
) -> Result<bool, StorageError> {
    let org = tx.org().uuid();
    let done = sqlx::query(
        "update client_links
         set revoked_at = $3, revoked_by = $4, revoked_why = $5
         where org_id = $1 and id = $2 and revoked_at is null",
    )
    .bind(org)
    .bind(id.uuid())
    .bind(now)
    .bind(by)
    .bind(why)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends all links of a client that are still of use; answers each with its correction.
pub async fn revoke_all(
    tx: &mut OrgTx,
    client: ClientId,
    by: &str,
    why: &str,
    now: DateTime<Utc>,
) -> Result<Vec<(Uuid, Uuid)>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "update client_links
         set revoked_at = $3, revoked_by = $4, revoked_why = $5
         where org_id = $1 and client_id = $2 and revoked_at is null and expires_at > $3
         returning id, correction_id",
    )
    .bind(org)
    .bind(client.uuid())
    .bind(now)
    .bind(by)
    .bind(why)
    .fetch_all(tx.conn())
    .await?)
}

/// A code to be stored.
#[derive(Clone, Copy, Debug)]
pub struct NewCode<'a> {
    /// Its id.
    pub id: Uuid,
    /// The link.
    pub link: ClientLinkId,
    /// The client.
    pub client: ClientId,
    /// Version of the contact that it is mailed to.
    pub contact_version: i32,
    /// What it confirms.
    pub action: &'a str,
    /// Number of the waiver, or of the way to pay; 0: nothing of its own.
    pub about: i32,
    /// Its hash.
    pub code_hash: &'a str,
    /// From when it is of no use.
    pub expires_at: DateTime<Utc>,
}

/// Stores a code. Only the newest one of a link is of use.
pub async fn insert_code(tx: &mut OrgTx, new: &NewCode<'_>, now: DateTime<Utc>) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    sqlx::query(
        "insert into client_link_codes (org_id, id, link_id, client_id, contact_version, action, about, code_hash,
                                        created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(org)
    .bind(new.id)
    .bind(new.link.uuid())
    .bind(new.client.uuid())
    .bind(new.contact_version)
    .bind(new.action)
    .bind(new.about)
    .bind(new.code_hash)
    .bind(now)
    .bind(new.expires_at)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// How many codes were made for a client since an instant, and how many of them through a link.
pub async fn codes_since(
    tx: &mut OrgTx,
    client: ClientId,
    link: ClientLinkId,
    since: DateTime<Utc>,
) -> Result<(i64, i64), StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select count(*), count(*) filter (where link_id = $3)
         from client_link_codes
         where org_id = $1 and client_id = $2 and created_at > $4",
    )
    .bind(org)
    .bind(client.uuid())
    .bind(link.uuid())
    .bind(since)
    .fetch_one(tx.conn())
    .await?)
}

/// A code as stored.
#[derive(Clone, Debug, FromRow)]
pub struct CodeRow {
    /// Its id.
    pub id: Uuid,
    /// What it confirms.
    pub action: String,
    /// Number of the waiver, or of the way to pay; 0: nothing of its own.
    pub about: i32,
    /// Version of the contact that it was mailed to.
    pub contact_version: i32,
    /// Its hash.
    pub code_hash: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// From when it is of no use.
    pub expires_at: DateTime<Utc>,
    /// Tries so far.
    pub tries: i32,
    /// When it was used.
    pub used_at: Option<DateTime<Utc>>,
}

/// The newest code of a link.
pub async fn newest_code(tx: &mut OrgTx, link: ClientLinkId) -> Result<Option<CodeRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select id, action, about, contact_version, code_hash, created_at, expires_at, tries, used_at
         from client_link_codes
         where org_id = $1 and link_id = $2
         order by id desc
         limit 1",
    )
    .bind(org)
    .bind(link.uuid())
    .fetch_optional(tx.conn())
    .await?)
}

/// Takes one try of a code before it is compared; answers how many there were with it. None: none is left.
pub async fn take_try(tx: &mut OrgTx, code: Uuid, most: i32) -> Result<Option<i32>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_scalar(
        "update client_link_codes
         set tries = tries + 1
         where org_id = $1 and id = $2 and tries < $3 and used_at is null
         returning tries",
    )
    .bind(org)
    .bind(code)
    .bind(most)
    .fetch_optional(tx.conn())
    .await?)
}

/// Uses a code; false: it was used at the same moment.
pub async fn use_code(tx: &mut OrgTx, code: Uuid, now: DateTime<Utc>) -> Result<bool, StorageError> {
    let org = tx.org().uuid();
    let done = sqlx::query(
        "update client_link_codes
         set used_at = $3
         where org_id = $1 and id = $2 and used_at is null",
    )
    .bind(org)
    .bind(code)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether a visit need not be noted: one from the network was within the time, or so many were from others.
pub async fn is_visit_known(
    tx: &mut OrgTx,
    link: ClientLinkId,
    network: &str,
    (since, most): (DateTime<Utc>, i64),
) -> Result<bool, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_scalar(
        "select count(*) >= $5 or coalesce(bool_or(network = $3), false)
         from client_link_visits
         where org_id = $1 and link_id = $2 and noted_at > $4",
    )
    .bind(org)
    .bind(link.uuid())
    .bind(network)
    .bind(since)
    .bind(most)
    .fetch_one(tx.conn())
    .await?)
}

/// Remembers a visit that is noted, and forgets those from before.
pub async fn remember_visit(
    tx: &mut OrgTx,
    link: ClientLinkId,
    network: &str,
    (since, now): (DateTime<Utc>, DateTime<Utc>),
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    sqlx::query("delete from client_link_visits where org_id = $1 and link_id = $2 and noted_at <= $3")
        .bind(org)
        .bind(link.uuid())
        .bind(since)
        .execute(tx.conn())
        .await?;
    sqlx::query(
        "insert into client_link_visits (org_id, link_id, network, noted_at)
         values ($1, $2, $3, $4)",
    )
    .bind(org)
    .bind(link.uuid())
    .bind(network)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}
