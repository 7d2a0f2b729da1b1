//! Which archives are in the object store, and which are to go.

use crate::storage::{OrgTx, StorageError, expect_rows};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Notes the digest of the archive that is about to be kept, so that it is found if its bundle fails.
pub async fn writing(tx: &mut OrgTx, id: Uuid, sha256: &str) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    let done = sqlx::query(
        "update evidence_bundles set writing = $3 where org_id = $1 and id = $2 and status = 'building'",
    )
    .bind(org)
    .bind(id)
    .bind(sha256)
    .execute(tx.conn())
    .await?;
    expect_rows(done.rows_affected(), 1)
}

/// Archives of bundles that failed: bundle and digest.
pub async fn left(tx: &mut OrgTx) -> Result<Vec<(Uuid, String)>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select id, writing
         from evidence_bundles
         where org_id = $1 and status = 'failed' and writing is not null
         order by id",
    )
    .bind(org)
    .fetch_all(tx.conn())
    .await?)
}

/// Notes that the archive of a failed bundle is removed.
pub async fn removed(tx: &mut OrgTx, id: Uuid) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    sqlx::query(
        "update evidence_bundles set writing = null where org_id = $1 and id = $2 and status = 'failed'",
    )
    .bind(org)
    .bind(id)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Bundles of which not every person is indexed: bundle and digest of the archive.
pub async fn unindexed(tx: &mut OrgTx) -> Result<Vec<(Uuid, String)>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select id, sha256
         from evidence_bundles
         where org_id = $1 and status = 'built' and names = 'full' and not indexed
         order by id",
    )
    .bind(org)
    .fetch_all(tx.conn())
    .await?)
}

/// Notes that a bundle names a person.
pub async fn index(tx: &mut OrgTx, id: Uuid, person: &[u8]) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    sqlx::query(
        "insert into evidence_bundle_persons (org_id, person, bundle_id) values ($1, $2, $3) on conflict do nothing",
    )
    .bind(org)
    .bind(person)
    .bind(id)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Marks built bundles as erased: those that name one of these persons, or (without any) those built before an instant
/// whose corrections have ended. Answers their digests, under which the archives are kept.
pub async fn erase(
    tx: &mut OrgTx,
    persons: Option<&[Vec<u8>]>,
    built_before: Option<DateTime<Utc>>,
    because: &str,
    now: DateTime<Utc>,
) -> Result<Vec<String>, StorageError> {
    let org = tx.org().uuid();
    let rows: Vec<(Uuid, String)> = sqlx::query_as(
        "update evidence_bundles b
         set status = 'erased', erased_at = $4, erased_because = $5, version = version + 1
         where b.org_id = $1 and b.status = 'built'
           and ($2::bytea[] is null
                or exists (select
                           from evidence_bundle_persons p
                           where p.org_id = b.org_id and p.bundle_id = b.id and p.person = any($2)))
           and ($3::timestamptz is null
                or (b.built_at < $3
                    and exists (select
                                from corrections c
                                where c.org_id = b.org_id and c.id = b.correction_id
                                  and c.state in ('resolved', 'waived'))))
         returning b.id, b.sha256",
    )
    .bind(org)
    .bind(persons)
    .bind(built_before)
    .bind(now)
    .bind(because)
    .fetch_all(tx.conn())
    .await?;
    let (ids, digests): (Vec<Uuid>, Vec<String>) = rows.into_iter().unzip();
    sqlx::query("delete from evidence_bundle_persons where org_id = $1 and bundle_id = any($2)")
        .bind(org)
        .bind(ids)
        .execute(tx.conn())
        .await?;
    Ok(digests)
}
