//! People (`users`) and the copy of their memberships that sign-in reads (`user_organizations`).
//! System tables: read before an organization is known.

use super::{StorageError, SystemTx};
use crate::auth::Role;
use chrono::{DateTime, Utc};
use leakage_core::id::{OrgId, UserId};
use sqlx::FromRow;
use uuid::Uuid;

/// A person as stored.
#[derive(Clone, FromRow)]
pub struct UserRow {
    /// Their id.
    pub id: Uuid,
    /// E-mail address as given.
    pub email: String,
    /// Their name.
    pub name: String,
    /// Argon2id, as a PHC string.
    pub password_hash: String,
    /// When they first signed up or accepted an invitation.
    pub created_at: DateTime<Utc>,
}

/// A person to be.
#[derive(Clone, Copy)]
pub struct NewUser<'a> {
    /// Their id.
    pub id: UserId,
    /// E-mail address as given.
    pub email: &'a str,
    /// The same, trimmed and in lower case.
    pub email_normalized: &'a str,
    /// Their name.
    pub name: &'a str,
    /// Argon2id, as a PHC string.
    pub password_hash: &'a str,
}

/// Why a person could not be written.
#[derive(Debug, thiserror::Error)]
pub enum UserWriteError {
    /// Someone has this e-mail address.
    #[error("the e-mail address is taken")]
    EmailTaken,
    /// Anything else.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// An organization that a person belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Belonging {
    /// Which.
    pub org: OrgId,
    /// Its name.
    pub name: String,
    /// The person's role in it.
    pub role: Role,
    /// It asks for a second factor.
    pub second_factor_required: bool,
}

/// The person with this normalised e-mail address.
pub async fn find_by_email(tx: &mut SystemTx, normalized: &str) -> Result<Option<UserRow>, StorageError> {
    Ok(sqlx::query_as(
        "select id, email, name, password_hash, created_at
         from users
         where email_normalized = $1",
    )
    .bind(normalized)
    .fetch_optional(tx.conn())
    .await?)
}

/// The person with this id.
pub async fn find(tx: &mut SystemTx, id: UserId) -> Result<Option<UserRow>, StorageError> {
    Ok(sqlx::query_as(
        "select id, email, name, password_hash, created_at
         from users
         where id = $1",
    )
    .bind(id.uuid())
    .fetch_optional(tx.conn())
    .await?)
}

/// Adds a person.
pub async fn insert(tx: &mut SystemTx, now: DateTime<Utc>, user: &NewUser<'_>) -> Result<(), UserWriteError> {
    let written = sqlx::query(
        "insert into users (id, email, email_normalized, name, password_hash, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $6)",
    )
    .bind(user.id.uuid())
    .bind(user.email)
    .bind(user.email_normalized)
    .bind(user.name)
    .bind(user.password_hash)
    .bind(now)
    .execute(tx.conn())
    .await;
    match written.map_err(StorageError::from) {
        Ok(_) => Ok(()),
        Err(error) if error.constraint() == Some("users_email_key") => Err(UserWriteError::EmailTaken),
        Err(error) => Err(error.into()),
    }
}

/// Makes others wait who would change what this person belongs to, until the transaction ends.
pub async fn lock(tx: &mut SystemTx, id: UserId) -> Result<(), StorageError> {
    sqlx::query("select id from users where id = $1 for no key update")
        .bind(id.uuid())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// The organizations of a person, oldest first (ids are in order of time).
pub async fn organizations(tx: &mut SystemTx, id: UserId) -> Result<Vec<Belonging>, StorageError> {
    let rows: Vec<(Uuid, String, String, bool)> = sqlx::query_as(
        "select organization, organization_name, role, second_factor_required
         from user_organizations
         where user_id = $1
         order by organization",
    )
    .bind(id.uuid())
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(belonging).collect()
}

fn belonging(
    (org, name, role, second_factor_required): (Uuid, String, String, bool),
) -> Result<Belonging, StorageError> {
    let role = Role::parse(&role).ok_or(StorageError::Corrupt { column: "user_organizations.role" })?;
    Ok(Belonging { org: org.into(), name, role, second_factor_required })
}

/// The organization that a person signed up with this key after `since`, and the digest of the names
/// that they gave.
pub async fn find_sign_up(
    tx: &mut SystemTx,
    user: UserId,
    key: &str,
    since: DateTime<Utc>,
) -> Result<Option<(OrgId, Vec<u8>)>, StorageError> {
    let row: Option<(Uuid, Vec<u8>)> = sqlx::query_as(
        "select organization, names_sha256
         from sign_up_replays
         where user_id = $1 and key = $2 and created_at > $3",
    )
    .bind(user.uuid())
    .bind(key)
    .bind(since)
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|(org, names)| (org.into(), names)))
}

/// Notes that a key has signed up an organization; forgets the person's notes from before `since`.
pub async fn note_sign_up(
    tx: &mut SystemTx,
    now: DateTime<Utc>,
    since: DateTime<Utc>,
    user: UserId,
    key: &str,
    names_sha256: &[u8; 32],
    org: OrgId,
) -> Result<(), StorageError> {
    sqlx::query("delete from sign_up_replays where user_id = $1 and created_at <= $2")
        .bind(user.uuid())
        .bind(since)
        .execute(tx.conn())
        .await?;
    sqlx::query(
        "insert into sign_up_replays (user_id, key, names_sha256, organization, created_at)
         values ($1, $2, $3, $4, $5)",
    )
    .bind(user.uuid())
    .bind(key)
    .bind(names_sha256.as_slice())
    .bind(org.uuid())
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}
