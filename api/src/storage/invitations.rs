//! Invitations to join an organization: table `invitations`.

use super::{OrgTx, StorageError, expect_rows};
use crate::auth::Role;
use chrono::{DateTime, Utc};
use leakage_core::id::{InvitationId, UserId};
use sqlx::FromRow;
use uuid::Uuid;

/// An invitation as stored.
#[derive(Clone, Debug, FromRow)]
pub struct InvitationRow {
    /// Its id.
    pub id: Uuid,
    /// Who is invited.
    pub email: String,
    /// The same, trimmed and in lower case.
    pub email_normalized: String,
    /// The role that they will have.
    pub role: String,
    /// SHA-256 of the token.
    pub secret_sha256: Vec<u8>,
    /// Who invited them.
    pub invited_by: Uuid,
    /// When.
    pub created_at: DateTime<Utc>,
    /// From when it cannot be accepted.
    pub expires_at: DateTime<Utc>,
    /// When it was accepted.
    pub accepted_at: Option<DateTime<Utc>>,
    /// Who accepted it.
    pub accepted_by: Option<Uuid>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

impl InvitationRow {
    /// The role that they will have.
    pub fn role(&self) -> Result<Role, StorageError> {
        Role::parse(&self.role).ok_or(StorageError::Corrupt { column: "invitations.role" })
    }
}

/// An invitation to be.
#[derive(Clone, Copy, Debug)]
pub struct NewInvitation<'a> {
    /// Its id.
    pub id: InvitationId,
    /// Who is invited.
    pub email: &'a str,
    /// The same, trimmed and in lower case.
    pub email_normalized: &'a str,
    /// The role that they will have.
    pub role: Role,
    /// SHA-256 of the token.
    pub secret_sha256: &'a [u8; 32],
    /// Who invites them.
    pub invited_by: UserId,
    /// From when it cannot be accepted.
    pub expires_at: DateTime<Utc>,
}

/// Why an invitation could not be written.
#[derive(Debug, thiserror::Error)]
pub enum InvitationWriteError {
    /// There is an open one for this address.
    #[error("the address is invited already")]
    AlreadyInvited,
    /// Anything else.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Adds an invitation. An expired one for the same address is revoked, an open one is in the way.
pub async fn insert(
    tx: &mut OrgTx,
    now: DateTime<Utc>,
    new: &NewInvitation<'_>,
) -> Result<InvitationRow, InvitationWriteError> {
    let org = tx.org().uuid();
    sqlx::query(
        "update invitations
         set revoked_at = $3
         where org_id = $1
           and email_normalized = $2
           and accepted_at is null
           and revoked_at is null
           and expires_at <= $3",
    )
    .bind(org)
    .bind(new.email_normalized)
    .bind(now)
    .execute(tx.conn())
    .await
    .map_err(StorageError::from)?;
    let written = sqlx::query_as(
        "insert into invitations
           (org_id, id, email, email_normalized, role, secret_sha256, invited_by, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         returning id, email, email_normalized, role, secret_sha256, invited_by, created_at, expires_at,
                   accepted_at, accepted_by, revoked_at",
    )
    .bind(org)
    .bind(new.id.uuid())
    .bind(new.email)
    .bind(new.email_normalized)
    .bind(new.role.as_str())
    .bind(new.secret_sha256.as_slice())
    .bind(new.invited_by.uuid())
    .bind(now)
    .bind(new.expires_at)
    .fetch_one(tx.conn())
    .await;
    match written.map_err(StorageError::from) {
        Ok(row) => Ok(row),
        Err(error) if error.constraint() == Some("invitations_open_email") => {
            Err(InvitationWriteError::AlreadyInvited)
        }
        Err(error) => Err(error.into()),
    }
}

/// Invitations, newest first, after the invitation `after`.
pub async fn list(
    tx: &mut OrgTx,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<InvitationRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select id, email, email_normalized, role, secret_sha256, invited_by, created_at, expires_at,
                accepted_at, accepted_by, revoked_at
         from invitations
         where org_id = $1 and ($2::uuid is null or id < $2)
         order by id desc
         limit $3",
    )
    .bind(org)
    .bind(after)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?)
}

/// One invitation.
pub async fn find(tx: &mut OrgTx, id: InvitationId) -> Result<Option<InvitationRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select id, email, email_normalized, role, secret_sha256, invited_by, created_at, expires_at,
                accepted_at, accepted_by, revoked_at
         from invitations
         where org_id = $1 and id = $2",
    )
    .bind(org)
    .bind(id.uuid())
    .fetch_optional(tx.conn())
    .await?)
}

/// One invitation, locked until the transaction ends.
pub async fn lock(tx: &mut OrgTx, id: InvitationId) -> Result<Option<InvitationRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select id, email, email_normalized, role, secret_sha256, invited_by, created_at, expires_at,
                accepted_at, accepted_by, revoked_at
         from invitations
         where org_id = $1 and id = $2
         for update",
    )
    .bind(org)
    .bind(id.uuid())
    .fetch_optional(tx.conn())
    .await?)
}

/// Marks a locked, open invitation as accepted.
pub async fn accept(
    tx: &mut OrgTx,
    now: DateTime<Utc>,
    id: InvitationId,
    user: UserId,
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    let changed = sqlx::query(
        "update invitations
         set accepted_at = $3, accepted_by = $4
         where org_id = $1 and id = $2 and accepted_at is null and revoked_at is null",
    )
    .bind(org)
    .bind(id.uuid())
    .bind(now)
    .bind(user.uuid())
    .execute(tx.conn())
    .await?;
    expect_rows(changed.rows_affected(), 1)
}

/// Revokes an open invitation; false if there is none to revoke.
pub async fn revoke(tx: &mut OrgTx, now: DateTime<Utc>, id: InvitationId) -> Result<bool, StorageError> {
    let org = tx.org().uuid();
    let changed = sqlx::query(
        "update invitations
         set revoked_at = $3
         where org_id = $1 and id = $2 and accepted_at is null and revoked_at is null",
    )
    .bind(org)
    .bind(id.uuid())
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(changed.rows_affected() == 1)
}
