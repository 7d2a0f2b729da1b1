//! Deadlines of corrections and of gaps that were set aside, what was said of each, and the clock by which
//! they are looked at.

use super::{OrgTx, StorageError, SystemTx, expect_rows};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::correction::deadline::Told;
use leakage_core::id::OrgId;
use sqlx::FromRow;
use uuid::Uuid;

/// A deadline, with what was said of it so far.
#[derive(Clone, Debug, FromRow)]
pub struct DueRow {
    /// `correction` or `gap`.
    pub subject: String,
    /// The correction's or the gap's id.
    pub subject_id: String,
    /// What must happen.
    pub kind: String,
    /// The dispute, request, instalment or conversation; 0: the correction or gap.
    pub about: i32,
    /// By when.
    pub due_on: NaiveDate,
    /// Who sees to it.
    pub owner: Option<String>,
    /// Name of the client.
    pub client: String,
    /// The client's resource.
    pub client_id: Option<Uuid>,
    due_soon: bool,
    passed: bool,
    escalated: bool,
    last_on: Option<NaiveDate>,
}

impl DueRow {
    /// What was said of it so far.
    pub const fn told(&self) -> Told {
        Told {
            due_soon: self.due_soon,
            passed: self.passed,
            escalated: self.escalated,
            last_on: self.last_on,
        }
    }
}

/// Deadlines on a day or before, soonest first.
pub async fn due_by(tx: &mut OrgTx, day: NaiveDate) -> Result<Vec<DueRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "with due as (
           select 'correction' as subject, d.correction_id::text as subject_id, d.kind, d.about, d.due_on, d.owner,
                  c.client, c.client_id
           from correction_deadlines d
           join corrections c on c.org_id = d.org_id and c.id = d.correction_id
           where d.org_id = $1 and d.due_on <= $2
           union all
           select 'gap', s.gap_id, 'set_aside_review', 0, s.review_on, s.owner, g.client, g.client_id
           from gaps_to_look_at_again s
           join gaps g on g.org_id = s.org_id and g.id = s.gap_id
           where s.org_id = $1 and s.review_on <= $2
         )
         select due.subject, due.subject_id, due.kind, due.about, due.due_on, due.owner, due.client, due.client_id,
                coalesce(bool_or(r.step = 'due_soon'), false) as due_soon,
                coalesce(bool_or(r.step = 'passed'), false) as passed,
                coalesce(bool_or(r.step = 'escalated'), false) as escalated,
                max((r.sent_at at time zone 'UTC')::date) as last_on
         from due
         left join deadline_reminders r
           on r.org_id = $1 and r.subject = due.subject and r.subject_id = due.subject_id and r.kind = due.kind
           and r.about = due.about and r.due_on = due.due_on
         group by due.subject, due.subject_id, due.kind, due.about, due.due_on, due.owner, due.client, due.client_id
         order by due.due_on, due.subject, due.subject_id, due.kind, due.about",
    )
    .bind(org)
    .bind(day)
    .fetch_all(tx.conn())
    .await?)
}

/// A reminder that is about to be noted.
#[derive(Clone, Debug)]
pub struct NewReminder<'a> {
    /// Of which deadline.
    pub of: &'a DueRow,
    /// Which step.
    pub step: &'static str,
    /// The day that was due, or of steps that come again the day of the reminder.
    pub step_on: NaiveDate,
}

/// Notes reminders as sent. Each exists once; a second of the same is a fault.
pub async fn insert_reminders(
    tx: &mut OrgTx,
    reminders: &[NewReminder<'_>],
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    let done = sqlx::query(
        "insert into deadline_reminders (org_id, subject, subject_id, kind, about, due_on, step, step_on, sent_at)
         select $1, n.subject, n.subject_id, n.kind, n.about, n.due_on, n.step, n.step_on, $2
         from unnest($3::text[], $4::text[], $5::text[], $6::int[], $7::date[], $8::text[], $9::date[])
           as n (subject, subject_id, kind, about, due_on, step, step_on)",
    )
    .bind(org)
    .bind(now)
    .bind(reminders.iter().map(|one| one.of.subject.clone()).collect::<Vec<_>>())
    .bind(reminders.iter().map(|one| one.of.subject_id.clone()).collect::<Vec<_>>())
    .bind(reminders.iter().map(|one| one.of.kind.clone()).collect::<Vec<_>>())
    .bind(reminders.iter().map(|one| one.of.about).collect::<Vec<_>>())
    .bind(reminders.iter().map(|one| one.of.due_on).collect::<Vec<_>>())
    .bind(reminders.iter().map(|one| one.step).collect::<Vec<_>>())
    .bind(reminders.iter().map(|one| one.step_on).collect::<Vec<_>>())
    .execute(tx.conn())
    .await?;
    expect_rows(done.rows_affected(), u64::try_from(reminders.len()).unwrap_or_default())?;
    remember(tx, reminders, now.date_naive()).await
}

/// Keeps the day of the last reminder beside each deadline, for those who read it. It may have gone meanwhile.
async fn remember(
    tx: &mut OrgTx,
    reminders: &[NewReminder<'_>],
    today: NaiveDate,
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    let of = |one: &NewReminder<'_>| Some((one.of.subject_id.parse::<Uuid>().ok()?, one.of.clone()));
    let (ids, rows): (Vec<Uuid>, Vec<DueRow>) =
        reminders.iter().filter(|one| one.of.subject == "correction").filter_map(of).unzip();
    sqlx::query(
        "update correction_deadlines d
         set reminded_on = $2
         from unnest($3::uuid[], $4::text[], $5::int[], $6::date[]) as n (correction_id, kind, about, due_on)
         where d.org_id = $1 and d.correction_id = n.correction_id and d.kind = n.kind and d.about = n.about
           and d.due_on = n.due_on",
    )
    .bind(org)
    .bind(today)
    .bind(ids)
    .bind(rows.iter().map(|row| row.kind.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.about).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.due_on).collect::<Vec<_>>())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Corrections of which the client may have to hear, or whose plan may be broken: something that it owes is
/// due by a day.
pub async fn owed_by_clients(tx: &mut OrgTx, day: NaiveDate) -> Result<Vec<Uuid>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_scalar(
        "select distinct correction_id
         from correction_deadlines
         where org_id = $1 and due_on <= $2 and kind in ('reply_by', 'payment_by')
         order by correction_id",
    )
    .bind(org)
    .bind(day)
    .fetch_all(tx.conn())
    .await?)
}

/// Starts the organization's clock, if it does not go already.
pub async fn start_clock(tx: &mut OrgTx, due_at: DateTime<Utc>) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    sqlx::query("insert into deadline_clock (organization, due_at) values ($1, $2) on conflict do nothing")
        .bind(org)
        .bind(due_at)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Organizations whose time has come, at most `limit`.
pub async fn due_clocks(
    tx: &mut SystemTx,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<OrgId>, StorageError> {
    let rows: Vec<Uuid> = sqlx::query_scalar(
        "select organization
         from deadline_clock
         where due_at <= $1
         order by due_at
         limit $2",
    )
    .bind(now)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(OrgId::new).collect())
}

/// Takes the organization's turn and sets its clock to the next one; false: another worker took it.
pub async fn take_turn(
    tx: &mut OrgTx,
    now: DateTime<Utc>,
    next: DateTime<Utc>,
) -> Result<bool, StorageError> {
    let org = tx.org().uuid();
    let done = sqlx::query("update deadline_clock set due_at = $3 where organization = $1 and due_at <= $2")
        .bind(org)
        .bind(now)
        .bind(next)
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected() == 1)
}
