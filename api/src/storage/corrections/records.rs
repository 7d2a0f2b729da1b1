//! What hangs on a correction: lines, writings, waivers, disputes, deadlines, frozen facts, the timeline.

use crate::storage::timeline_log::{self, NewLogEntry};
use crate::storage::{OrgTx, StorageError, expect_rows};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::correction::deadline::Deadline;
use leakage_core::correction::dispute::Dispute;
use leakage_core::correction::finding::Line;
use leakage_core::correction::waiver::{Confirmation, Waiver};
use leakage_core::id::CorrectionId;
use serde_json::Value;
use sqlx::FromRow;

fn small(number: u32) -> Result<i32, StorageError> {
    i32::try_from(number).map_err(|_| StorageError::Corrupt { column: "correction_lines.number" })
}

/// Adds lines.
pub async fn insert_lines(tx: &mut OrgTx, lines: &[(CorrectionId, &Line)]) -> Result<(), StorageError> {
    if lines.is_empty() {
        return Ok(());
    }
    let org = tx.org().uuid();
    let numbers = lines.iter().map(|(_, line)| small(line.number)).collect::<Result<Vec<_>, _>>()?;
    sqlx::query(
        "insert into correction_lines (org_id, correction_id, number, gap_id, product)
         select $1, n.correction_id, n.number, n.gap_id, n.product
         from unnest($2::uuid[], $3::int[], $4::text[], $5::text[]) as n (correction_id, number, gap_id, product)
         order by n.correction_id, n.number",
    )
    .bind(org)
    .bind(lines.iter().map(|(id, _)| id.uuid()).collect::<Vec<_>>())
    .bind(numbers)
    .bind(lines.iter().map(|(_, line)| line.gap.as_str()).collect::<Vec<_>>())
    .bind(lines.iter().map(|(_, line)| line.product.as_str()).collect::<Vec<_>>())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What is known of an attached file beside what the correction says of it.
#[derive(Clone, Debug, FromRow)]
pub struct AttachedFile {
    /// Its name.
    pub file_name: String,
    /// Its type, as sent.
    pub content_type: Option<String>,
    /// Its size.
    pub size_bytes: i64,
}

/// Adds what the client wrote.
pub async fn insert_confirmation(
    tx: &mut OrgTx,
    id: CorrectionId,
    one: &Confirmation,
    file: &AttachedFile,
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    sqlx::query(
        "insert into correction_confirmations (org_id, correction_id, number, kind, sha256, file_name, content_type,
                                               size_bytes, authenticated, said_by, said_channel, said_at, minor,
                                               attached_by, attached_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
    )
    .bind(org)
    .bind(id.uuid())
    .bind(small(one.number)?)
    .bind(one.kind.as_str())
    .bind(&one.sha256)
    .bind(&file.file_name)
    .bind(&file.content_type)
    .bind(file.size_bytes)
    .bind(one.authenticated)
    .bind(&one.said.by)
    .bind(one.said.channel.as_str())
    .bind(one.said.at)
    .bind(one.minor)
    .bind(&one.attached_by)
    .bind(one.attached_at)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The digest of what the client wrote, and its file.
pub async fn confirmation(
    tx: &mut OrgTx,
    id: CorrectionId,
    number: i32,
) -> Result<Option<(String, AttachedFile)>, StorageError> {
    type Row = (String, String, Option<String>, i64);

    let org = tx.org().uuid();
    let row: Option<Row> = sqlx::query_as(
        "select sha256, file_name, content_type, size_bytes
         from correction_confirmations
         where org_id = $1 and correction_id = $2 and number = $3",
    )
    .bind(org)
    .bind(id.uuid())
    .bind(number)
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|(sha256, file_name, content_type, size_bytes)| {
        (sha256, AttachedFile { file_name, content_type, size_bytes })
    }))
}

/// Adds a waiver.
pub async fn insert_waiver(tx: &mut OrgTx, id: CorrectionId, waiver: &Waiver) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    sqlx::query(
        "insert into correction_waivers (org_id, correction_id, number, confirmation, seat_days, minor, reason,
                                         requested_by, approved_by, above_threshold, alone, at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(org)
    .bind(id.uuid())
    .bind(small(waiver.number)?)
    .bind(small(waiver.confirmation)?)
    .bind(waiver.quantity.seat_days)
    .bind(waiver.quantity.minor)
    .bind(&waiver.reason)
    .bind(&waiver.requested_by)
    .bind(&waiver.approved_by)
    .bind(waiver.above_threshold)
    .bind(waiver.alone)
    .bind(waiver.at)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Keeps an objection, or its answer.
pub async fn keep_dispute(tx: &mut OrgTx, id: CorrectionId, dispute: &Dispute) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    let quantity = dispute.quantity();
    let answer = dispute.answer.as_ref();
    let changed = sqlx::query(
        "insert into correction_disputes (org_id, correction_id, number, reason, seat_days, minor, said_by,
                                          said_channel, said_at, reply_by, recorded_by, recorded_at, answered_by,
                                          answered_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
         on conflict (org_id, correction_id, number) do update
         set answered_by = excluded.answered_by, answered_at = excluded.answered_at",
    )
    .bind(org)
    .bind(id.uuid())
    .bind(small(dispute.number)?)
    .bind(dispute.reason.as_str())
    .bind(quantity.seat_days)
    .bind(quantity.minor)
    .bind(&dispute.said.by)
    .bind(dispute.said.channel.as_str())
    .bind(dispute.said.at)
    .bind(dispute.reply_by)
    .bind(&dispute.recorded_by)
    .bind(dispute.recorded_at)
    .bind(answer.map(|answer| answer.by.clone()))
    .bind(answer.map(|answer| answer.at))
    .execute(tx.conn())
    .await?
    .rows_affected();
    expect_rows(changed, 1)
}

/// Makes the deadlines of a correction these; reminders of those that stay on their day are not forgotten.
pub async fn set_deadlines(
    tx: &mut OrgTx,
    id: CorrectionId,
    deadlines: &[Deadline],
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    let kinds: Vec<&str> = deadlines.iter().map(|deadline| deadline.kind.as_str()).collect();
    let about = deadlines.iter().map(|deadline| small(deadline.about)).collect::<Result<Vec<_>, _>>()?;
    sqlx::query(
        "delete from correction_deadlines d
         where d.org_id = $1 and d.correction_id = $2
           and not exists (select
                           from unnest($3::text[], $4::int[]) as n (kind, about)
                           where n.kind = d.kind and n.about = d.about)",
    )
    .bind(org)
    .bind(id.uuid())
    .bind(&kinds)
    .bind(&about)
    .execute(tx.conn())
    .await?;
    let own: Vec<(CorrectionId, &Deadline)> = deadlines.iter().map(|deadline| (id, deadline)).collect();
    keep_deadlines(tx, &own).await
}

/// Adds deadlines, or moves those that are there.
pub async fn keep_deadlines(
    tx: &mut OrgTx,
    deadlines: &[(CorrectionId, &Deadline)],
) -> Result<(), StorageError> {
    if deadlines.is_empty() {
        return Ok(());
    }
    let org = tx.org().uuid();
    let about = deadlines.iter().map(|(_, one)| small(one.about)).collect::<Result<Vec<_>, _>>()?;
    sqlx::query(
        "insert into correction_deadlines (org_id, correction_id, kind, about, due_on, owner)
         select $1, n.correction_id, n.kind, n.about, n.due_on, n.owner
         from unnest($2::uuid[], $3::text[], $4::int[], $5::date[], $6::text[])
           as n (correction_id, kind, about, due_on, owner)
         order by n.correction_id, n.kind, n.about
         on conflict (org_id, correction_id, kind, about) do update
         set due_on = excluded.due_on, owner = excluded.owner,
             reminded_on = case when correction_deadlines.due_on = excluded.due_on
                                then correction_deadlines.reminded_on end",
    )
    .bind(org)
    .bind(deadlines.iter().map(|(id, _)| id.uuid()).collect::<Vec<_>>())
    .bind(deadlines.iter().map(|(_, one)| one.kind.as_str()).collect::<Vec<_>>())
    .bind(about)
    .bind(deadlines.iter().map(|(_, one)| one.due_on).collect::<Vec<_>>())
    .bind(deadlines.iter().map(|(_, one)| one.owner.clone()).collect::<Vec<_>>())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Keeps the facts behind a message as they are now.
pub async fn freeze(
    tx: &mut OrgTx,
    id: CorrectionId,
    version: i64,
    sha256: &str,
    facts: &str,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    sqlx::query(
        "insert into correction_frozen_facts (org_id, correction_id, version, sha256, facts, frozen_at)
         values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(org)
    .bind(id.uuid())
    .bind(version)
    .bind(sha256)
    .bind(facts)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The version that sent a message, the digest of the facts behind it, their canonical JSON, and since when a person is
/// erased from them.
pub type Frozen = (i64, String, String, Option<DateTime<Utc>>);

/// The facts behind the last message.
pub async fn frozen(tx: &mut OrgTx, id: CorrectionId) -> Result<Option<Frozen>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select version, sha256, facts, erased_at
         from correction_frozen_facts
         where org_id = $1 and correction_id = $2
         order by version desc
         limit 1",
    )
    .bind(org)
    .bind(id.uuid())
    .fetch_optional(tx.conn())
    .await?)
}

/// An entry of the timeline, to be added.
#[derive(Clone, Debug)]
pub struct NewEvent<'a> {
    /// Its place in the timeline: see [`next_seq`].
    pub seq: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: &'a str,
    /// What.
    pub command: &'a str,
    /// State and money before.
    pub before: Option<&'a Value>,
    /// State and money after.
    pub after: &'a Value,
    /// Why.
    pub reason: Option<&'a str>,
    /// What was asked.
    pub detail: &'a Value,
}

/// The next place in the timeline. Whoever asks holds the correction's lock, or has just changed its row.
pub async fn next_seq(tx: &mut OrgTx, id: CorrectionId) -> Result<i64, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_scalar(
        "select coalesce(max(seq), 0) + 1
         from correction_timeline
         where org_id = $1 and correction_id = $2",
    )
    .bind(org)
    .bind(id.uuid())
    .fetch_one(tx.conn())
    .await?)
}

/// Adds to timelines, and has the log take it when the transaction commits.
pub async fn append_events(
    tx: &mut OrgTx,
    events: &[(CorrectionId, NewEvent<'_>)],
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    let written = sqlx::query(
        "insert into correction_timeline (org_id, correction_id, seq, at, actor, command, before, after, reason, detail)
         select $1, n.correction_id, n.seq, n.at, n.actor, n.command, n.before::json, n.after::json, n.reason,
                n.detail::json
         from unnest($2::uuid[], $3::bigint[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::text[],
                     $9::text[], $10::text[])
           as n (correction_id, seq, at, actor, command, before, after, reason, detail)
         order by n.correction_id, n.seq",
    )
    .bind(org)
    .bind(events.iter().map(|(id, _)| id.uuid()).collect::<Vec<_>>())
    .bind(events.iter().map(|(_, event)| event.seq).collect::<Vec<_>>())
    .bind(events.iter().map(|(_, event)| event.at).collect::<Vec<_>>())
    .bind(events.iter().map(|(_, event)| event.actor).collect::<Vec<_>>())
    .bind(events.iter().map(|(_, event)| event.command).collect::<Vec<_>>())
    .bind(events.iter().map(|(_, event)| event.before.map(Value::to_string)).collect::<Vec<_>>())
    .bind(events.iter().map(|(_, event)| event.after.to_string()).collect::<Vec<_>>())
    .bind(events.iter().map(|(_, event)| event.reason).collect::<Vec<_>>())
    .bind(events.iter().map(|(_, event)| event.detail.to_string()).collect::<Vec<_>>())
    .execute(tx.conn())
    .await?
    .rows_affected();
    for (id, event) in events {
        tx.log(NewLogEntry {
            at: event.at,
            actor: event.actor.to_owned(),
            command: event.command.to_owned(),
            subject: format!("correction:{id}"),
            before: event.before.cloned().unwrap_or_default(),
            after: timeline_log::after_with(event.after, event.detail)?,
            reason: event.reason.map(str::to_owned),
            source: Some((id.uuid(), event.seq)),
        });
    }
    expect_rows(written, u64::try_from(events.len()).unwrap_or(u64::MAX))
}

/// An entry of the timeline.
#[derive(Clone, Debug, FromRow)]
pub struct EventRow {
    /// Its place in the timeline.
    pub seq: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: String,
    /// What.
    pub command: String,
    /// State and money before.
    pub before: Option<Value>,
    /// State and money after.
    pub after: Value,
    /// Why.
    pub reason: Option<String>,
    /// What was asked.
    pub detail: Value,
}

/// The timeline of a correction after an entry.
pub async fn timeline(
    tx: &mut OrgTx,
    id: CorrectionId,
    after: i64,
    limit: i64,
) -> Result<Vec<EventRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select seq, at, actor, command, before, after, reason, detail
         from correction_timeline
         where org_id = $1 and correction_id = $2 and seq > $3
         order by seq
         limit $4",
    )
    .bind(org)
    .bind(id.uuid())
    .bind(after)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?)
}

/// A deadline, with the correction that it is of.
#[derive(Clone, Debug, FromRow)]
pub struct DeadlineRow {
    /// The correction.
    pub correction_id: uuid::Uuid,
    /// What must happen.
    pub kind: String,
    /// The dispute, request, instalment or conversation; 0: the correction.
    pub about: i32,
    /// By when.
    pub due_on: NaiveDate,
    /// Who sees to it.
    pub owner: Option<String>,
    /// When its owner was last reminded.
    pub reminded_on: Option<NaiveDate>,
}

/// The deadlines of a correction, soonest first.
pub async fn deadlines(tx: &mut OrgTx, id: CorrectionId) -> Result<Vec<DeadlineRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select correction_id, kind, about, due_on, owner, reminded_on
         from correction_deadlines
         where org_id = $1 and correction_id = $2
         order by due_on, kind, about",
    )
    .bind(org)
    .bind(id.uuid())
    .fetch_all(tx.conn())
    .await?)
}
