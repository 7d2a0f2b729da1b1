//! Sessions and their refresh tokens. System tables: a session belongs to a person.
//!
//! Refresh tokens of a session are numbered: the first is number 1, a token is exchanged for one of the
//! next number. `sessions.generation` is the number of the token that was redeemed last and
//! `sessions.redeemed` which token that was; with the session locked, [`redeem`] decides:
//!
//! - the next number: not used yet. It is redeemed now, and every other token of its number is worthless.
//! - the last number and the very token that was redeemed: its successor has not been used, so the answer
//!   with it may have been lost. It is accepted again.
//! - anything else has been used up or passed over: somebody else has the family. The session ends.

use super::{StorageError, SystemTx, expect_rows};
use chrono::{DateTime, Utc};
use leakage_core::id::{OrgId, SessionId, UserId};
use sqlx::FromRow;
use uuid::Uuid;

/// A session as its user sees it.
#[derive(Clone, Debug, FromRow)]
pub struct SessionRow {
    /// Its id.
    pub id: Uuid,
    /// The organization that its access tokens are for.
    pub organization: Option<Uuid>,
    /// What signed in, as it described itself.
    pub user_agent: Option<String>,
    /// When the person signed in.
    pub created_at: DateTime<Utc>,
    /// Last sign-in or refresh.
    pub last_used_at: DateTime<Utc>,
    /// When it ends in any case.
    pub expires_at: DateTime<Utc>,
}

/// A session to be, with its first refresh token.
#[derive(Clone, Copy, Debug)]
pub struct NewSession<'a> {
    /// Its id.
    pub id: SessionId,
    /// Whose.
    pub user: UserId,
    /// For which organization.
    pub org: Option<OrgId>,
    /// What signs in.
    pub user_agent: Option<&'a str>,
    /// When it ends in any case.
    pub expires_at: DateTime<Utc>,
    /// When it has shown a second factor.
    pub second_factor_at: Option<DateTime<Utc>>,
    /// The first refresh token.
    pub refresh: NewRefreshToken<'a>,
}

/// A refresh token to be.
#[derive(Clone, Copy, Debug)]
pub struct NewRefreshToken<'a> {
    /// Its id.
    pub id: Uuid,
    /// SHA-256 of the token.
    pub secret_sha256: &'a [u8; 32],
}

/// A session whose refresh token was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redeemed {
    /// Which session.
    pub session: SessionId,
    /// Whose.
    pub user: UserId,
    /// The organization that it was for.
    pub org: Option<OrgId>,
    /// Number of the token that comes next.
    pub next_generation: i64,
    /// It has shown a second factor.
    pub second_factor: bool,
}

/// What became of a refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redemption {
    /// Accepted.
    Accepted(Redeemed),
    /// Never given out, or its session is over.
    Unknown,
    /// Used before: the session was ended. Commit, or it was not.
    Reused,
}

/// Adds a session and its first refresh token.
pub async fn insert(tx: &mut SystemTx, now: DateTime<Utc>, new: &NewSession<'_>) -> Result<(), StorageError> {
    sqlx::query(
        "insert into sessions
           (id, user_id, organization, user_agent, created_at, last_used_at, expires_at, generation, second_factor_at)
         values ($1, $2, $3, $4, $5, $5, $6, 0, $7)",
    )
    .bind(new.id.uuid())
    .bind(new.user.uuid())
    .bind(new.org.map(OrgId::uuid))
    .bind(new.user_agent)
    .bind(now)
    .bind(new.expires_at)
    .bind(new.second_factor_at)
    .execute(tx.conn())
    .await?;
    insert_refresh_token(tx, now, new.id, 1, &new.refresh).await
}

/// Adds a refresh token to a session.
pub async fn insert_refresh_token(
    tx: &mut SystemTx,
    now: DateTime<Utc>,
    session: SessionId,
    generation: i64,
    token: &NewRefreshToken<'_>,
) -> Result<(), StorageError> {
    sqlx::query(
        "insert into refresh_tokens (id, session_id, generation, secret_sha256, created_at)
         values ($1, $2, $3, $4, $5)",
    )
    .bind(token.id)
    .bind(session.uuid())
    .bind(generation)
    .bind(token.secret_sha256.as_slice())
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

#[derive(FromRow)]
struct Presented {
    token: Uuid,
    token_generation: i64,
    session: Uuid,
    user_id: Uuid,
    organization: Option<Uuid>,
    generation: i64,
    redeemed: Option<Uuid>,
    second_factor: bool,
}

/// Redeems a refresh token of a session that is not over; `idle_since` is the earliest last use that
/// keeps a session alive. Two at once wait for each other here.
pub async fn redeem(
    tx: &mut SystemTx,
    now: DateTime<Utc>,
    idle_since: DateTime<Utc>,
    secret_sha256: &[u8; 32],
) -> Result<Redemption, StorageError> {
    let presented: Option<Presented> = sqlx::query_as(
        "select refresh_tokens.id as token, refresh_tokens.generation as token_generation,
                sessions.id as session, user_id, organization, sessions.generation, redeemed,
                second_factor_at is not null as second_factor
         from refresh_tokens
         join sessions on sessions.id = refresh_tokens.session_id
         where secret_sha256 = $1
           and revoked_at is null
           and expires_at > $2
           and last_used_at > $3
         for no key update of sessions",
    )
    .bind(secret_sha256.as_slice())
    .bind(now)
    .bind(idle_since)
    .fetch_optional(tx.conn())
    .await?;
    let Some(it) = presented else { return Ok(Redemption::Unknown) };
    let next = it.token_generation == it.generation + 1;
    let again = it.token_generation == it.generation && it.redeemed == Some(it.token);
    if !next && !again {
        revoke(tx, now, it.user_id.into(), it.session.into()).await?;
        return Ok(Redemption::Reused);
    }
    let changed = sqlx::query(
        "update sessions
         set generation = $2, redeemed = $3, last_used_at = $4
         where id = $1",
    )
    .bind(it.session)
    .bind(it.token_generation)
    .bind(it.token)
    .bind(now)
    .execute(tx.conn())
    .await?;
    expect_rows(changed.rows_affected(), 1)?;
    Ok(Redemption::Accepted(Redeemed {
        session: it.session.into(),
        user: it.user_id.into(),
        org: it.organization.map(OrgId::new),
        next_generation: it.token_generation + 1,
        second_factor: it.second_factor,
    }))
}

/// Changes the organization that a session's access tokens are for.
pub async fn switch(tx: &mut SystemTx, session: SessionId, org: Option<OrgId>) -> Result<(), StorageError> {
    let changed = sqlx::query("update sessions set organization = $2 where id = $1")
        .bind(session.uuid())
        .bind(org.map(OrgId::uuid))
        .execute(tx.conn())
        .await?;
    expect_rows(changed.rows_affected(), 1)
}

/// Live sessions of a person, newest first, after the session `after`.
pub async fn list(
    tx: &mut SystemTx,
    now: DateTime<Utc>,
    idle_since: DateTime<Utc>,
    user: UserId,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<SessionRow>, StorageError> {
    Ok(sqlx::query_as(
        "select id, organization, user_agent, created_at, last_used_at, expires_at
         from sessions
         where user_id = $1
           and revoked_at is null
           and expires_at > $2
           and last_used_at > $3
           and ($4::uuid is null or id < $4)
         order by id desc
         limit $5",
    )
    .bind(user.uuid())
    .bind(now)
    .bind(idle_since)
    .bind(after)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?)
}

/// Whether a person's session is not over.
pub async fn is_live(
    tx: &mut SystemTx,
    now: DateTime<Utc>,
    user: UserId,
    session: SessionId,
) -> Result<bool, StorageError> {
    Ok(sqlx::query_scalar(
        "select exists (
           select from sessions
           where id = $1 and user_id = $2 and revoked_at is null and expires_at > $3
         )",
    )
    .bind(session.uuid())
    .bind(user.uuid())
    .bind(now)
    .fetch_one(tx.conn())
    .await?)
}

/// Ends a person's session; false if there is none to end.
pub async fn revoke(
    tx: &mut SystemTx,
    now: DateTime<Utc>,
    user: UserId,
    session: SessionId,
) -> Result<bool, StorageError> {
    let changed = sqlx::query(
        "update sessions
         set revoked_at = $3
         where id = $1 and user_id = $2 and revoked_at is null and expires_at > $3",
    )
    .bind(session.uuid())
    .bind(user.uuid())
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(changed.rows_affected() == 1)
}

/// Ends all sessions of a person; answers how many.
pub async fn revoke_all(tx: &mut SystemTx, now: DateTime<Utc>, user: UserId) -> Result<u64, StorageError> {
    let changed = sqlx::query(
        "update sessions
         set revoked_at = $2
         where user_id = $1 and revoked_at is null and expires_at > $2",
    )
    .bind(user.uuid())
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(changed.rows_affected())
}

/// Removes a person's sessions that ended before `before`, with their refresh tokens.
pub async fn remove_ended(
    tx: &mut SystemTx,
    user: UserId,
    before: DateTime<Utc>,
) -> Result<u64, StorageError> {
    let removed = sqlx::query(
        "delete from sessions
         where user_id = $1 and (revoked_at < $2 or expires_at < $2)",
    )
    .bind(user.uuid())
    .bind(before)
    .execute(tx.conn())
    .await?;
    Ok(removed.rows_affected())
}
