//! Events on their way to endpoints: table `webhook_deliveries`.

use super::{OrgTx, StorageError, expect_rows};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::id::{WebhookDeliveryId, WebhookEndpointId};
use sqlx::FromRow;
use uuid::Uuid;

/// A delivery as stored.
#[derive(Clone, Debug, FromRow)]
pub struct DeliveryRow {
    /// Its id.
    pub id: Uuid,
    /// Where it goes.
    pub endpoint_id: Uuid,
    /// The event's number; none: a test.
    pub sequence: Option<i64>,
    /// The event's type; none: a test.
    #[sqlx(rename = "type")]
    pub kind: Option<String>,
    /// `pending`, `delivered`, `failed` or `cancelled`.
    pub status: String,
    /// How often it was tried.
    pub attempts: i32,
    /// When it is tried next.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// When it was tried last.
    pub last_attempt_at: Option<DateTime<Utc>>,
    /// HTTP status of the last answer.
    pub last_status: Option<i32>,
    /// Why the last attempt does not count as delivered.
    pub last_error: Option<String>,
    /// How the last answer began.
    pub last_answer: Option<String>,
    /// When it was taken.
    pub delivered_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// A delivery that is to be sent now, with all that is sent.
#[derive(Clone, FromRow)]
pub struct DueRow {
    /// Its id.
    pub id: Uuid,
    /// Where it goes.
    pub endpoint_id: Uuid,
    /// How often it was tried, this time included.
    pub attempts: i32,
    /// The number that the outcome is conditional on.
    pub claims: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// The address.
    pub url: String,
    /// What signs, sealed.
    pub secret: Vec<u8>,
    /// What signed before, sealed.
    pub previous_secret: Option<Vec<u8>>,
    /// Until when it signs along.
    pub previous_until: Option<DateTime<Utc>>,
    /// The event's number; none, like all that follows: a test.
    pub sequence: Option<i64>,
    /// The event's id.
    pub event_id: Option<Uuid>,
    /// Its type.
    #[sqlx(rename = "type")]
    pub kind: Option<String>,
    /// The month that it is about.
    pub month: Option<NaiveDate>,
    /// The client.
    pub client_id: Option<Uuid>,
    /// The audit.
    pub audit_id: Option<Uuid>,
    /// The gap.
    pub gap_id: Option<String>,
    /// When it happened.
    pub occurred_at: Option<DateTime<Utc>>,
}

/// Makes the deliveries of the events `first` to `last`, one for each endpoint that wants the event; answers
/// how many. The database makes their ids: it alone knows how many there are.
pub async fn fan_out(
    tx: &mut OrgTx,
    now: DateTime<Utc>,
    (first, last): (i64, i64),
) -> Result<u64, StorageError> {
    let org = tx.org().uuid();
    let made = sqlx::query(
        "insert into webhook_deliveries (org_id, id, endpoint_id, sequence, status, next_attempt_at, created_at)
         select $1, gen_random_uuid(), wanting.id, events.sequence, 'pending', $2, $2
         from events
         cross join (
           select id, event_types
           from webhook_endpoints
           where org_id = $1 and status = 'enabled'
           for key share
         ) as wanting
         where events.org_id = $1
           and events.sequence between $3 and $4
           and (wanting.event_types is null or events.type = any(wanting.event_types))",
    )
    .bind(org)
    .bind(now)
    .bind(first)
    .bind(last)
    .execute(tx.conn())
    .await?;
    Ok(made.rows_affected())
}

/// Adds a test of an endpoint.
pub async fn insert_test(
    tx: &mut OrgTx,
    now: DateTime<Utc>,
    id: WebhookDeliveryId,
    endpoint: WebhookEndpointId,
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    let made = sqlx::query(
        "insert into webhook_deliveries (org_id, id, endpoint_id, status, next_attempt_at, created_at)
         values ($1, $2, $3, 'pending', $4, $4)",
    )
    .bind(org)
    .bind(id.uuid())
    .bind(endpoint.uuid())
    .bind(now)
    .execute(tx.conn())
    .await?;
    expect_rows(made.rows_affected(), 1)
}

/// Claims up to `limit` deliveries whose time has come, oldest events first: nobody else does until `lost_at`.
pub async fn claim(
    tx: &mut OrgTx,
    now: DateTime<Utc>,
    lost_at: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<DueRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "with due as (
           select d.id
           from webhook_deliveries as d
           join webhook_endpoints as e on e.org_id = d.org_id and e.id = d.endpoint_id
           where d.org_id = $1
             and d.status = 'pending'
             and d.next_attempt_at <= $2
             and e.status = 'enabled'
             and (e.paused_until is null or e.paused_until <= $2)
           order by d.next_attempt_at, d.sequence, d.id
           limit $4
           for update of d skip locked
         ), claimed as (
           update webhook_deliveries as d
           set next_attempt_at = $3, last_attempt_at = $2, attempts = d.attempts + 1, claims = d.claims + 1
           from due
           where d.org_id = $1 and d.id = due.id
           returning d.org_id, d.id, d.endpoint_id, d.sequence, d.attempts, d.claims, d.created_at
         )
         select c.id, c.endpoint_id, c.attempts, c.claims, c.created_at, e.url, e.secret, e.previous_secret,
                e.previous_until, c.sequence, v.id as event_id, v.type, v.month, v.client_id, v.audit_id, v.gap_id,
                v.occurred_at
         from claimed as c
         join webhook_endpoints as e on e.org_id = c.org_id and e.id = c.endpoint_id
         left join events as v on v.org_id = c.org_id and v.sequence = c.sequence
         order by c.sequence, c.id",
    )
    .bind(org)
    .bind(now)
    .bind(lost_at)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?)
}

/// How an attempt ended.
#[derive(Clone, Debug)]
pub struct Outcome<'a> {
    /// `pending`, `delivered` or `failed`.
    pub status: &'static str,
    /// While pending: when it is tried next.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// HTTP status of the answer.
    pub answered: Option<u16>,
    /// Why it does not count as delivered.
    pub error: Option<&'a str>,
    /// How the answer began.
    pub head: Option<&'a str>,
}

/// Notes how an attempt ended; false: it counts no more, for somebody else has claimed, ended or removed the
/// delivery.
pub async fn settle(
    tx: &mut OrgTx,
    now: DateTime<Utc>,
    id: Uuid,
    claims: i64,
    outcome: &Outcome<'_>,
) -> Result<bool, StorageError> {
    let org = tx.org().uuid();
    let changed = sqlx::query(
        "update webhook_deliveries
         set status = $4, next_attempt_at = $5, last_status = $6, last_error = $7, last_answer = $8,
             delivered_at = case when $4 = 'delivered' then $9::timestamptz end
         where org_id = $1 and id = $2 and claims = $3 and status = 'pending'",
    )
    .bind(org)
    .bind(id)
    .bind(claims)
    .bind(outcome.status)
    .bind(outcome.next_attempt_at)
    .bind(outcome.answered.map(i32::from))
    .bind(outcome.error)
    .bind(outcome.head)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(changed.rows_affected() == 1)
}

/// Ends what waits for endpoints that are disabled.
pub async fn cancel_of_disabled(tx: &mut OrgTx) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    sqlx::query(
        "update webhook_deliveries
         set status = 'cancelled', next_attempt_at = null
         where org_id = $1
           and id in (
             select d.id
             from webhook_deliveries as d
             join webhook_endpoints as e on e.org_id = d.org_id and e.id = d.endpoint_id
             where d.org_id = $1 and d.status = 'pending' and e.status = 'disabled'
             order by d.id
             for update of d
           )",
    )
    .bind(org)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Has a delivery tried anew, from the first attempt on, or at once if it waits; what is under way then does
/// not count.
pub async fn retry(tx: &mut OrgTx, now: DateTime<Utc>, id: WebhookDeliveryId) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    let changed = sqlx::query(
        "update webhook_deliveries
         set status = 'pending', next_attempt_at = $3, delivered_at = null, claims = claims + 1,
             attempts = case when status = 'pending' then attempts else 0 end
         where org_id = $1 and id = $2",
    )
    .bind(org)
    .bind(id.uuid())
    .bind(now)
    .execute(tx.conn())
    .await?;
    expect_rows(changed.rows_affected(), 1)
}

/// When something can be sent next; none: nothing waits.
pub async fn next_attempt(tx: &mut OrgTx) -> Result<Option<DateTime<Utc>>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_scalar(
        "select min(greatest(d.next_attempt_at, e.paused_until))
         from webhook_deliveries as d
         join webhook_endpoints as e on e.org_id = d.org_id and e.id = d.endpoint_id
         where d.org_id = $1 and d.status = 'pending' and e.status = 'enabled'",
    )
    .bind(org)
    .fetch_one(tx.conn())
    .await?)
}

/// One delivery.
pub async fn find(tx: &mut OrgTx, id: WebhookDeliveryId) -> Result<Option<DeliveryRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select d.id, d.endpoint_id, d.sequence, v.type, d.status, d.attempts, d.next_attempt_at, d.last_attempt_at,
                d.last_status, d.last_error, d.last_answer, d.delivered_at, d.created_at
         from webhook_deliveries as d
         left join events as v on v.org_id = d.org_id and v.sequence = d.sequence
         where d.org_id = $1 and d.id = $2",
    )
    .bind(org)
    .bind(id.uuid())
    .fetch_optional(tx.conn())
    .await?)
}

/// Deliveries to an endpoint, newest first, after a position, of one status if given.
pub async fn list(
    tx: &mut OrgTx,
    endpoint: WebhookEndpointId,
    status: Option<&str>,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<DeliveryRow>, StorageError> {
    let org = tx.org().uuid();
    let (after_time, after_id) = after.unzip();
    Ok(sqlx::query_as(
        "select d.id, d.endpoint_id, d.sequence, v.type, d.status, d.attempts, d.next_attempt_at, d.last_attempt_at,
                d.last_status, d.last_error, d.last_answer, d.delivered_at, d.created_at
         from webhook_deliveries as d
         left join events as v on v.org_id = d.org_id and v.sequence = d.sequence
         where d.org_id = $1
           and d.endpoint_id = $2
           and ($3::text is null or d.status = $3)
           and ($4::timestamptz is null or (d.created_at, d.id) < ($4, $5))
         order by d.created_at desc, d.id desc
         limit $6",
    )
    .bind(org)
    .bind(endpoint.uuid())
    .bind(status)
    .bind(after_time)
    .bind(after_id)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?)
}

/// Removes what ended and was made before `until`; answers how many. The events stay.
pub async fn remove_ended_before(tx: &mut OrgTx, until: DateTime<Utc>) -> Result<u64, StorageError> {
    let org = tx.org().uuid();
    let removed = sqlx::query(
        "delete from webhook_deliveries
         where org_id = $1 and status <> 'pending' and created_at <= $2",
    )
    .bind(org)
    .bind(until)
    .execute(tx.conn())
    .await?;
    Ok(removed.rows_affected())
}
