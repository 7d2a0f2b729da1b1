//! Names in what was read from files: provisioning and activity rows, and what was captured of them.

use crate::storage::{OrgTx, StorageError};
use chrono::{DateTime, Utc};
use futures_util::TryStreamExt as _;
use uuid::Uuid;

/// What is given in place of each of these names, as rows write them.
pub type Given = Vec<(String, String)>;

/// How users and actors are written in rows and captured evidence: each spelling once, those that `wanted` says yes to.
pub async fn spellings(
    tx: &mut OrgTx,
    wanted: impl Fn(&str) -> bool + Send,
) -> Result<Vec<String>, StorageError> {
    let org = tx.org().uuid();
    let mut written = sqlx::query_scalar::<_, String>(
        "select user_name from activities where org_id = $1 and user_name not like 'erased-%'
         union
         select user_name from provisioning_events where org_id = $1 and user_name not like 'erased-%'
         union
         select actor from provisioning_events where org_id = $1 and actor not like 'erased-%'
         union
         select user_name from captured_evidence where org_id = $1 and user_name is not null
         union
         select actor from captured_evidence where org_id = $1 and actor is not null",
    )
    .bind(org)
    .fetch(tx.conn());
    let mut found = Vec::new();
    while let Some(name) = written.try_next().await? {
        if wanted(&name) {
            found.push(name);
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Imports whose rows have one of these names, and whose file is still kept: id and name of the file.
pub async fn files_that_name(tx: &mut OrgTx, names: &[String]) -> Result<Vec<(Uuid, String)>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select i.id, i.file_name
         from imports i
         where i.org_id = $1 and i.file_erased_at is null
           and i.id in (select import_id from activities where org_id = $1 and user_name = any($2)
                        union
                        select import_id
                        from provisioning_events
                        where org_id = $1 and (user_name = any($2) or actor = any($2)))
         order by i.id",
    )
    .bind(org)
    .bind(names)
    .fetch_all(tx.conn())
    .await?)
}

/// Replaces names in the rows of imports; `before`: only of imports that were completed before then. Answers in how
/// many rows.
pub async fn replace_in_rows(
    tx: &mut OrgTx,
    given: &Given,
    before: Option<DateTime<Utc>>,
) -> Result<u64, StorageError> {
    let org = tx.org().uuid();
    let (names, words): (Vec<&str>, Vec<&str>) =
        given.iter().map(|(name, word)| (name.as_str(), word.as_str())).unzip();
    let activities = sqlx::query(
        "update activities a
         set user_name = g.word
         from unnest($2::text[], $3::text[]) as g (name, word)
         where a.org_id = $1 and a.user_name = g.name
           and ($4::timestamptz is null
                or a.import_id in (select id from imports where org_id = $1 and completed_at < $4))",
    )
    .bind(org)
    .bind(&names)
    .bind(&words)
    .bind(before)
    .execute(tx.conn())
    .await?;
    let events = sqlx::query(
        "update provisioning_events p
         set user_name = coalesce(u.word, p.user_name), actor = coalesce(a.word, p.actor)
         from provisioning_events q
         left join unnest($2::text[], $3::text[]) as u (name, word) on u.name = q.user_name
         left join unnest($2::text[], $3::text[]) as a (name, word) on a.name = q.actor
         where p.org_id = $1 and q.org_id = $1 and q.import_id = p.import_id and q.position = p.position
           and (u.word is not null or a.word is not null)
           and ($4::timestamptz is null
                or p.import_id in (select id from imports where org_id = $1 and completed_at < $4))",
    )
    .bind(org)
    .bind(&names)
    .bind(&words)
    .bind(before)
    .execute(tx.conn())
    .await?;
    Ok(activities.rows_affected() + events.rows_affected())
}

/// Removes persons from captured evidence; the digest of what it said stays. `names`: these, as rows write them; none:
/// everybody. `before`: what was captured before then, but for what open corrections rest on. Answers for how many
/// rows.
pub async fn erase_captured(
    tx: &mut OrgTx,
    names: Option<&[String]>,
    before: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<u64, StorageError> {
    let org = tx.org().uuid();
    let done = sqlx::query(
        "update captured_evidence e
         set user_name = null, actor = null, erased_at = $4
         where e.org_id = $1 and e.erased_at is null
           and ($2::text[] is null or e.user_name = any($2) or e.actor = any($2))
           and ($3::timestamptz is null
                or (e.captured_at < $3
                    and not exists (select
                                    from correction_months m
                                    where m.org_id = e.org_id and m.gap_id = e.gap_id and m.open)))",
    )
    .bind(org)
    .bind(names)
    .bind(before)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}
