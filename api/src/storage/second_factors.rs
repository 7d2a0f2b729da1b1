//! Second factors of people, their recovery codes, and sign-ins that wait for a code. System tables: asked for
//! before an organization is known.

use super::{OrgTx, StorageError, SystemTx};
use chrono::{DateTime, Utc};
use leakage_core::id::{OrgId, SessionId, UserId};
use sqlx::FromRow;
use uuid::Uuid;

/// Wrong codes after which a sign-in begins anew.
const MOST_ATTEMPTS: i32 = 5;

/// A second factor as stored.
#[derive(Clone, FromRow)]
pub struct FactorRow {
    /// Its secret, sealed.
    pub secret: Vec<u8>,
    /// When a first code confirmed it; none: it is not in use yet.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// The time step of the last code that was accepted.
    pub last_step: i64,
}

/// A person's second factor, locked until the transaction ends.
pub async fn lock(tx: &mut SystemTx, user: UserId) -> Result<Option<FactorRow>, StorageError> {
    Ok(sqlx::query_as(
        "select secret, confirmed_at, last_step
         from second_factors
         where user_id = $1
         for update",
    )
    .bind(user.uuid())
    .fetch_optional(tx.conn())
    .await?)
}

/// When a person's second factor was confirmed; none: they have none in use.
pub async fn confirmed_at(tx: &mut SystemTx, user: UserId) -> Result<Option<DateTime<Utc>>, StorageError> {
    let found: Option<Option<DateTime<Utc>>> =
        sqlx::query_scalar("select confirmed_at from second_factors where user_id = $1")
            .bind(user.uuid())
            .fetch_optional(tx.conn())
            .await?;
    Ok(found.flatten())
}

/// Keeps a secret that waits for its first code, in place of one that does so already; false if one is in use.
pub async fn begin(
    tx: &mut SystemTx,
    now: DateTime<Utc>,
    user: UserId,
    secret: &[u8],
) -> Result<bool, StorageError> {
    let written = sqlx::query(
        "insert into second_factors (user_id, secret, created_at)
         values ($1, $2, $3)
         on conflict (user_id) do update
         set secret = excluded.secret, created_at = excluded.created_at, last_step = 0
         where second_factors.confirmed_at is null",
    )
    .bind(user.uuid())
    .bind(secret)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(written.rows_affected() == 1)
}

/// Puts a secret in use, by its first code; false if it is so already.
pub async fn confirm(
    tx: &mut SystemTx,
    now: DateTime<Utc>,
    user: UserId,
    step: i64,
) -> Result<bool, StorageError> {
    let written = sqlx::query(
        "update second_factors
         set confirmed_at = $2, last_step = $3
         where user_id = $1 and confirmed_at is null",
    )
    .bind(user.uuid())
    .bind(now)
    .bind(step)
    .execute(tx.conn())
    .await?;
    Ok(written.rows_affected() == 1)
}

/// Notes that a code of this step was accepted; false if one of it or of a later one was before.
pub async fn use_step(tx: &mut SystemTx, user: UserId, step: i64) -> Result<bool, StorageError> {
    let written = sqlx::query(
        "update second_factors
         set last_step = $2
         where user_id = $1 and confirmed_at is not null and last_step < $2",
    )
    .bind(user.uuid())
    .bind(step)
    .execute(tx.conn())
    .await?;
    Ok(written.rows_affected() == 1)
}

/// Takes a person's second factor and recovery codes away, and what their sessions have shown of it.
pub async fn remove(tx: &mut SystemTx, user: UserId) -> Result<(), StorageError> {
    for statement in [
        "delete from recovery_codes where user_id = $1",
        "delete from second_factors where user_id = $1",
        "update sessions set second_factor_at = null where user_id = $1 and second_factor_at is not null",
    ] {
        sqlx::query(statement).bind(user.uuid()).execute(tx.conn()).await?;
    }
    Ok(())
}

/// Ends a person's sign-ins that wait for a code.
pub async fn end_challenges(tx: &mut SystemTx, user: UserId) -> Result<(), StorageError> {
    sqlx::query("delete from sign_in_challenges where user_id = $1")
        .bind(user.uuid())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Gives a person these recovery codes and no others.
pub async fn set_recovery_codes(
    tx: &mut SystemTx,
    user: UserId,
    hashes: &[Vec<u8>],
) -> Result<(), StorageError> {
    sqlx::query("delete from recovery_codes where user_id = $1").bind(user.uuid()).execute(tx.conn()).await?;
    sqlx::query(
        "insert into recovery_codes (user_id, number, code_sha256)
         select $1, n.number, n.code_sha256
         from unnest($2::bytea[]) with ordinality as n (code_sha256, number)",
    )
    .bind(user.uuid())
    .bind(hashes)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Uses a recovery code up; false if it is none, or was used.
pub async fn use_recovery_code(
    tx: &mut SystemTx,
    now: DateTime<Utc>,
    user: UserId,
    sha256: &[u8; 32],
) -> Result<bool, StorageError> {
    let written = sqlx::query(
        "update recovery_codes
         set used_at = $3
         where user_id = $1 and code_sha256 = $2 and used_at is null",
    )
    .bind(user.uuid())
    .bind(sha256.as_slice())
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(written.rows_affected() == 1)
}

/// Recovery codes that were not used.
pub async fn recovery_codes_left(tx: &mut SystemTx, user: UserId) -> Result<i64, StorageError> {
    Ok(sqlx::query_scalar("select count(*) from recovery_codes where user_id = $1 and used_at is null")
        .bind(user.uuid())
        .fetch_one(tx.conn())
        .await?)
}

/// Notes that a session has shown the second factor.
pub async fn passed(tx: &mut SystemTx, now: DateTime<Utc>, session: SessionId) -> Result<(), StorageError> {
    sqlx::query("update sessions set second_factor_at = $2 where id = $1")
        .bind(session.uuid())
        .bind(now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Whether a session has shown the second factor since an instant.
pub async fn passed_since(
    tx: &mut OrgTx,
    session: SessionId,
    since: DateTime<Utc>,
) -> Result<bool, StorageError> {
    Ok(sqlx::query_scalar(
        "select exists (
           select from sessions
           where id = $1 and second_factor_at >= $2
         )",
    )
    .bind(session.uuid())
    .bind(since)
    .fetch_one(tx.conn())
    .await?)
}

/// A sign-in that waits for a code.
#[derive(Clone, Copy, Debug)]
pub struct NewChallenge<'a> {
    /// Whose.
    pub user: UserId,
    /// For which organization.
    pub org: Option<OrgId>,
    /// SHA-256 of its token.
    pub secret_sha256: &'a [u8; 32],
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// Adds a sign-in that waits; removes those whose time is over.
pub async fn insert_challenge(
    tx: &mut SystemTx,
    now: DateTime<Utc>,
    new: &NewChallenge<'_>,
) -> Result<(), StorageError> {
    sqlx::query("delete from sign_in_challenges where expires_at < $1").bind(now).execute(tx.conn()).await?;
    sqlx::query(
        "insert into sign_in_challenges (id, user_id, secret_sha256, organization, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(Uuid::now_v7())
    .bind(new.user.uuid())
    .bind(new.secret_sha256.as_slice())
    .bind(new.org.map(OrgId::uuid))
    .bind(now)
    .bind(new.expires_at)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Counts an attempt of a sign-in that waits: whose it is, and for which organization. None: there is none, its
/// time is over, or it was tried too often.
pub async fn try_challenge(
    tx: &mut SystemTx,
    now: DateTime<Utc>,
    secret_sha256: &[u8; 32],
) -> Result<Option<(UserId, Option<OrgId>)>, StorageError> {
    let found: Option<(Uuid, Option<Uuid>)> = sqlx::query_as(
        "update sign_in_challenges
         set attempts = attempts + 1
         where secret_sha256 = $1 and expires_at > $2 and attempts < $3
         returning user_id, organization",
    )
    .bind(secret_sha256.as_slice())
    .bind(now)
    .bind(MOST_ATTEMPTS)
    .fetch_optional(tx.conn())
    .await?;
    Ok(found.map(|(user, org)| (user.into(), org.map(OrgId::new))))
}

/// Uses a sign-in up; false if somebody else was faster.
pub async fn end_challenge(tx: &mut SystemTx, secret_sha256: &[u8; 32]) -> Result<bool, StorageError> {
    let removed = sqlx::query("delete from sign_in_challenges where secret_sha256 = $1")
        .bind(secret_sha256.as_slice())
        .execute(tx.conn())
        .await?;
    Ok(removed.rows_affected() == 1)
}
