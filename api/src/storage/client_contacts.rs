//! The registered contacts of clients: every one that there was, and who stands for it. Facts are added.

use super::{OrgTx, StorageError};
use chrono::{DateTime, Utc};
use leakage_core::id::ClientId;
use sqlx::FromRow;

/// A contact as stored.
#[derive(Clone, Debug, FromRow)]
pub struct ContactRow {
    /// Counts up from 1 within the client.
    pub version: i32,
    /// Their name; none: there is nobody any more.
    pub name: Option<String>,
    /// Their address.
    pub email: Option<String>,
    /// Who wrote it.
    pub set_by: String,
    /// When.
    pub set_at: DateTime<Utc>,
    /// The second person who stands for it.
    pub approved_by: Option<String>,
    /// Since when.
    pub approved_at: Option<DateTime<Utc>>,
}

/// The columns of [`ContactRow`], for the statements below.
macro_rules! select_contact {
    ($rest:literal) => {
        concat!(
            "select c.version, c.name, c.email, c.set_by, c.set_at, a.approved_by, a.approved_at
             from client_contacts c
             left join client_contact_approvals a on a.org_id = c.org_id and a.client_id = c.client_id
                                                  and a.version = c.version ",
            $rest
        )
    };
}

/// The contact that counts, if one was ever registered.
pub async fn current(tx: &mut OrgTx, client: ClientId) -> Result<Option<ContactRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(select_contact!(
        "where c.org_id = $1 and c.client_id = $2
         order by c.version desc
         limit 1"
    ))
    .bind(org)
    .bind(client.uuid())
    .fetch_optional(tx.conn())
    .await?)
}

/// Lets nobody change a client, and with it its contact, until the transaction ends.
pub async fn hold(tx: &mut OrgTx, client: ClientId) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    sqlx::query("select from clients where org_id = $1 and id = $2 for share")
        .bind(org)
        .bind(client.uuid())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Every contact of a client, the newest first, before a version.
pub async fn list(
    tx: &mut OrgTx,
    client: ClientId,
    before: Option<i32>,
    limit: i64,
) -> Result<Vec<ContactRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(select_contact!(
        "where c.org_id = $1 and c.client_id = $2
           and ($3::integer is null or c.version < $3)
         order by c.version desc
         limit $4"
    ))
    .bind(org)
    .bind(client.uuid())
    .bind(before)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?)
}

/// A contact to be registered.
#[derive(Clone, Copy, Debug)]
pub struct NewContact<'a> {
    /// One more than the last.
    pub version: i32,
    /// Name and address; none: nobody.
    pub person: Option<(&'a str, &'a str)>,
    /// Who registers it.
    pub by: &'a str,
}

/// Registers a contact of a client.
pub async fn insert(
    tx: &mut OrgTx,
    client: ClientId,
    new: &NewContact<'_>,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    let (name, email) = new.person.unzip();
    sqlx::query(
        "insert into client_contacts (org_id, client_id, version, name, email, set_by, set_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(org)
    .bind(client.uuid())
    .bind(new.version)
    .bind(name)
    .bind(email)
    .bind(new.by)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Notes that a second person stands for a contact; false: somebody does already.
pub async fn approve(
    tx: &mut OrgTx,
    client: ClientId,
    contact: &ContactRow,
    by: &str,
    now: DateTime<Utc>,
) -> Result<bool, StorageError> {
    let org = tx.org().uuid();
    let done = sqlx::query(
        "insert into client_contact_approvals (org_id, client_id, version, set_by, approved_by, approved_at)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (org_id, client_id, version) do nothing",
    )
    .bind(org)
    .bind(client.uuid())
    .bind(contact.version)
    .bind(&contact.set_by)
    .bind(by)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}
