//! How often signing in has failed lately, for an account from a network and for a network.
//! A system table: nobody is signed in yet.

use super::{StorageError, SystemTx};
use chrono::{DateTime, Utc};

/// SHA-256 of what is counted.
pub type Subject = [u8; 32];

/// The failures of a subject and when the last one was, locked until the transaction ends. A subject
/// without failures gets a row first: what is not there cannot be locked, and the first attempts of many
/// at once would not see each other.
pub async fn lock(
    tx: &mut SystemTx,
    now: DateTime<Utc>,
    subject: &Subject,
) -> Result<Option<(i32, DateTime<Utc>)>, StorageError> {
    sqlx::query(
        "insert into sign_in_failures (subject, failures, last_failed_at)
         values ($1, 0, $2)
         on conflict (subject) do nothing",
    )
    .bind(subject.as_slice())
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(sqlx::query_as(
        "select failures, last_failed_at
         from sign_in_failures
         where subject = $1
         for update",
    )
    .bind(subject.as_slice())
    .fetch_optional(tx.conn())
    .await?)
}

/// Counts one more failure, beginning anew when the last one was before `forgotten_before`.
pub async fn add(
    tx: &mut SystemTx,
    now: DateTime<Utc>,
    forgotten_before: DateTime<Utc>,
    subject: &Subject,
) -> Result<(), StorageError> {
    sqlx::query(
        "insert into sign_in_failures (subject, failures, last_failed_at)
         values ($1, 1, $2)
         on conflict (subject) do update
         set failures = case
               when sign_in_failures.last_failed_at < $3 then 1
               else sign_in_failures.failures + 1
             end,
             last_failed_at = excluded.last_failed_at",
    )
    .bind(subject.as_slice())
    .bind(now)
    .bind(forgotten_before)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Takes one failure back: the attempt that was counted beforehand has succeeded.
pub async fn take_back(tx: &mut SystemTx, subject: &Subject) -> Result<(), StorageError> {
    sqlx::query("update sign_in_failures set failures = greatest(failures - 1, 0) where subject = $1")
        .bind(subject.as_slice())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Forgets a subject's failures.
pub async fn forget(tx: &mut SystemTx, subject: &Subject) -> Result<(), StorageError> {
    sqlx::query("delete from sign_in_failures where subject = $1")
        .bind(subject.as_slice())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Removes some of what is older than `before`. Rows that others work on are left for the next time, so
/// that nobody waits for anybody.
pub async fn remove_before(tx: &mut SystemTx, before: DateTime<Utc>) -> Result<(), StorageError> {
    sqlx::query(
        "delete from sign_in_failures
         where subject in (
           select subject
           from sign_in_failures
           where last_failed_at < $1
           limit 100
           for update skip locked
         )",
    )
    .bind(before)
    .execute(tx.conn())
    .await?;
    Ok(())
}
