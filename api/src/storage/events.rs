//! What happened in an organization: tables `events` and `event_counters`.

use super::{OrgTx, StorageError, expect_rows};
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

/// An event that is about to be written.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Its type, such as `gap.found`.
    pub kind: &'static str,
    /// The month that it is about.
    pub month: Option<NaiveDate>,
    /// The client.
    pub client_id: Option<Uuid>,
    /// The audit.
    pub audit_id: Option<Uuid>,
    /// The gap.
    pub gap_id: Option<String>,
    /// A few facts.
    pub data: Value,
}

/// An event as stored.
#[derive(Clone, Debug, FromRow)]
pub struct EventRow {
    /// Its number in the organization, without holes.
    pub sequence: i64,
    /// Its id.
    pub id: Uuid,
    /// Its type.
    #[sqlx(rename = "type")]
    pub kind: String,
    /// The month that it is about.
    pub month: Option<NaiveDate>,
    /// The client.
    pub client_id: Option<Uuid>,
    /// The audit.
    pub audit_id: Option<Uuid>,
    /// The gap.
    pub gap_id: Option<String>,
    /// A few facts.
    pub data: Value,
    /// When.
    pub occurred_at: DateTime<Utc>,
}

/// Writes events in their order; answers the first number and the last. Services write them with
/// [`crate::services::events::append`].
pub async fn append(
    tx: &mut OrgTx,
    events: &[NewEvent],
    now: DateTime<Utc>,
) -> Result<Option<(i64, i64)>, StorageError> {
    if events.is_empty() {
        return Ok(None);
    }
    let org = tx.org().uuid();
    let count = i64::try_from(events.len()).unwrap_or(i64::MAX);
    let last: i64 = sqlx::query_scalar(
        "insert into event_counters (org_id, last_sequence)
         values ($1, $2)
         on conflict (org_id) do update set last_sequence = event_counters.last_sequence + excluded.last_sequence
         returning last_sequence",
    )
    .bind(org)
    .bind(count)
    .fetch_one(tx.conn())
    .await?;
    let sequences: Vec<i64> = (last - count + 1..=last).collect();
    let done = sqlx::query(
        "insert into events (org_id, sequence, id, type, month, client_id, audit_id, gap_id, data, occurred_at)
         select $1, n.sequence, n.id, n.type, n.month, n.client_id, n.audit_id, n.gap_id, n.data, $2
         from unnest($3::bigint[], $4::uuid[], $5::text[], $6::date[], $7::uuid[], $8::uuid[], $9::text[], $10::jsonb[])
           as n (sequence, id, type, month, client_id, audit_id, gap_id, data)",
    )
    .bind(org)
    .bind(now)
    .bind(sequences)
    .bind(events.iter().map(|_| Uuid::now_v7()).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.kind).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.month).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.client_id).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.audit_id).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.gap_id.clone()).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.data.clone()).collect::<Vec<_>>())
    .execute(tx.conn())
    .await?;
    expect_rows(done.rows_affected(), u64::try_from(count).unwrap_or_default())?;
    Ok(Some((last - count + 1, last)))
}

/// Events in their order, after a number, of one type if given.
pub async fn list(
    tx: &mut OrgTx,
    kind: Option<&str>,
    after: i64,
    limit: i64,
) -> Result<Vec<EventRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select sequence, id, type, month, client_id, audit_id, gap_id, data, occurred_at
         from events
         where org_id = $1 and sequence > $2 and ($3::text is null or type = $3)
         order by sequence
         limit $4",
    )
    .bind(org)
    .bind(after)
    .bind(kind)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?)
}
