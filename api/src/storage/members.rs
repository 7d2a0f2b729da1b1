//! Who belongs to an organization, with which role: table `memberships`.
//!
//! An organization always has an owner. [`set_role`] and [`remove`] see to it in the statement that
//! writes: it locks the owners in the order of their ids, so that of two owners who demote each other
//! at once the second one sees what the first one did.

use super::{OrgTx, StorageError};
use crate::auth::Role;
use chrono::{DateTime, Utc};
use leakage_core::id::{SessionId, UserId};
use sqlx::FromRow;
use uuid::Uuid;

/// A member as stored, with the person's name and address.
#[derive(Clone, Debug, FromRow)]
pub struct MemberRow {
    /// The person.
    pub user_id: Uuid,
    /// Their e-mail address.
    pub email: String,
    /// Their name.
    pub name: String,
    /// Their role here.
    pub role: String,
    /// For `ETag` and `If-Match`.
    pub version: i64,
    /// When they joined.
    pub created_at: DateTime<Utc>,
    /// When their role last changed.
    pub updated_at: DateTime<Utc>,
}

impl MemberRow {
    /// Their role.
    pub fn role(&self) -> Result<Role, StorageError> {
        Role::parse(&self.role).ok_or(StorageError::Corrupt { column: "memberships.role" })
    }
}

/// Why a person could not be added.
#[derive(Debug, thiserror::Error)]
pub enum MemberWriteError {
    /// They belong to the organization already.
    #[error("the person is a member already")]
    AlreadyMember,
    /// Anything else.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Adds a member.
pub async fn insert(
    tx: &mut OrgTx,
    now: DateTime<Utc>,
    user: UserId,
    role: Role,
) -> Result<(), MemberWriteError> {
    let org = tx.org().uuid();
    let written = sqlx::query(
        "insert into memberships (org_id, user_id, role, created_at, updated_at)
         values ($1, $2, $3, $4, $4)",
    )
    .bind(org)
    .bind(user.uuid())
    .bind(role.as_str())
    .bind(now)
    .execute(tx.conn())
    .await;
    match written.map_err(StorageError::from) {
        Ok(_) => Ok(()),
        Err(error) if error.constraint() == Some("memberships_pkey") => Err(MemberWriteError::AlreadyMember),
        Err(error) => Err(error.into()),
    }
}

/// Members in the order of their ids, after the person `after`.
pub async fn list(tx: &mut OrgTx, after: Option<Uuid>, limit: i64) -> Result<Vec<MemberRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select user_id, email, name, role, version, memberships.created_at, memberships.updated_at
         from memberships
         join users on users.id = user_id
         where org_id = $1 and ($2::uuid is null or user_id > $2)
         order by user_id
         limit $3",
    )
    .bind(org)
    .bind(after)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?)
}

/// One member.
pub async fn find(tx: &mut OrgTx, user: UserId) -> Result<Option<MemberRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select user_id, email, name, role, version, memberships.created_at, memberships.updated_at
         from memberships
         join users on users.id = user_id
         where org_id = $1 and user_id = $2",
    )
    .bind(org)
    .bind(user.uuid())
    .fetch_optional(tx.conn())
    .await?)
}

/// Whether someone with this normalised e-mail address is a member.
pub async fn has_email(tx: &mut OrgTx, normalized: &str) -> Result<bool, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_scalar(
        "select exists (
           select from memberships
           join users on users.id = user_id
           where org_id = $1 and email_normalized = $2
         )",
    )
    .bind(org)
    .bind(normalized)
    .fetch_one(tx.conn())
    .await?)
}

/// The role that a person has now, if they are a member and their session is not over.
pub async fn live_role(
    tx: &mut OrgTx,
    now: DateTime<Utc>,
    user: UserId,
    session: SessionId,
) -> Result<Option<Role>, StorageError> {
    let org = tx.org().uuid();
    let role: Option<String> = sqlx::query_scalar(
        "select role
         from memberships
         join sessions on sessions.id = $3 and sessions.user_id = memberships.user_id
         where org_id = $1
           and memberships.user_id = $2
           and revoked_at is null
           and expires_at > $4
           and (second_factor_at is not null
                or not exists (
                  select from user_organizations
                  where user_organizations.user_id = $2 and organization = $1 and second_factor_required
                ))",
    )
    .bind(org)
    .bind(user.uuid())
    .bind(session.uuid())
    .bind(now)
    .fetch_optional(tx.conn())
    .await?;
    role.map(|role| Role::parse(&role).ok_or(StorageError::Corrupt { column: "memberships.role" }))
        .transpose()
}

/// Gives a member another role, if `version` is still the current one and an owner is left; false if
/// not, and the caller finds out why.
pub async fn set_role(
    tx: &mut OrgTx,
    now: DateTime<Utc>,
    user: UserId,
    version: i64,
    role: Role,
) -> Result<bool, StorageError> {
    let org = tx.org().uuid();
    let changed = sqlx::query(
        "with owners as (
           select user_id
           from memberships
           where org_id = $1 and role = 'owner'
           order by user_id
           for update
         )
         update memberships
         set role = $4, version = version + 1, updated_at = $5
         where org_id = $1
           and user_id = $2
           and version = $3
           and ($4 = 'owner' or exists (select from owners where owners.user_id <> $2))",
    )
    .bind(org)
    .bind(user.uuid())
    .bind(version)
    .bind(role.as_str())
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(changed.rows_affected() == 1)
}

/// Removes a member, if `version` is still the current one and an owner is left; false if
/// not, and the caller finds out why.
pub async fn remove(tx: &mut OrgTx, user: UserId, version: i64) -> Result<bool, StorageError> {
    let org = tx.org().uuid();
    let changed = sqlx::query(
        "with owners as (
           select user_id
           from memberships
           where org_id = $1 and role = 'owner'
           order by user_id
           for update
         )
         delete from memberships
         where org_id = $1
           and user_id = $2
           and version = $3
           and exists (select from owners where owners.user_id <> $2)",
    )
    .bind(org)
    .bind(user.uuid())
    .bind(version)
    .execute(tx.conn())
    .await?;
    Ok(changed.rows_affected() == 1)
}
