//! Where clients stand in each month's cycle: tables `cycle_clients` and `cycle_reminders`, and the clock by
//! which cycles are looked at.

use super::{OrgTx, StorageError, SystemTx, expect_rows};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::id::{AuditId, OrgId};
use serde_json::Value;
use sqlx::FromRow;
use std::collections::BTreeMap;
use uuid::Uuid;

/// A client in a month's cycle, as stored.
#[derive(Clone, Debug, PartialEq, FromRow)]
pub struct CycleClientRow {
    /// First day of the month.
    pub month: NaiveDate,
    /// The client.
    pub client_id: Uuid,
    /// First day that an import must at least tell of.
    pub opens_on: NaiveDate,
    /// Day by the end of which imports must be there.
    pub due_date: NaiveDate,
    /// Day of the invoice.
    pub invoice_date: NaiveDate,
    /// Whether it is in the cycle.
    pub active: bool,
    /// `waiting`, `due`, `overdue`, `ready`, `audited` or `late`.
    pub status: String,
    /// Expected imports that are not there.
    pub missing: Value,
    /// The last audit that was started for it by itself.
    pub audit_id: Option<Uuid>,
    /// Digest of the imports that it was started for.
    pub audit_facts: Option<String>,
    /// When a mapping had last been decided by then.
    pub audit_mappings: Option<DateTime<Utc>>,
    /// Whether it takes in the month's last day.
    pub audit_closed: bool,
    /// When an audit first compared the client.
    pub audited_at: Option<DateTime<Utc>>,
    /// Why the last audit did not.
    pub not_compared: Option<String>,
}

/// The columns of [`CycleClientRow`], for the statements below.
macro_rules! select_client {
    ($rest:literal) => {
        concat!(
            "select month, client_id, opens_on, due_date, invoice_date, active, status, missing, audit_id, audit_facts,
                    audit_mappings, audit_closed, audited_at, not_compared
             from cycle_clients ",
            $rest
        )
    };
}

/// The clients of all cycles from a month on.
pub async fn since(tx: &mut OrgTx, month: NaiveDate) -> Result<Vec<CycleClientRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(select_client!("where org_id = $1 and month >= $2 order by month, client_id"))
        .bind(org)
        .bind(month)
        .fetch_all(tx.conn())
        .await?)
}

/// The clients for which an audit was started by itself, and no later one.
pub async fn of_audit(tx: &mut OrgTx, audit: AuditId) -> Result<Vec<CycleClientRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(select_client!("where org_id = $1 and audit_id = $2 order by month, client_id"))
        .bind(org)
        .bind(audit.uuid())
        .fetch_all(tx.conn())
        .await?)
}

/// Clients of a month's cycle, after a client, of one status if given.
pub async fn list_clients(
    tx: &mut OrgTx,
    month: NaiveDate,
    status: Option<&str>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<(CycleClientRow, String)>, StorageError> {
    #[derive(FromRow)]
    struct Named {
        #[sqlx(flatten)]
        row: CycleClientRow,
        name: String,
    }

    let org = tx.org().uuid();
    let rows: Vec<Named> = sqlx::query_as(
        "select m.month, m.client_id, m.opens_on, m.due_date, m.invoice_date, m.active, m.status, m.missing, m.audit_id,
                m.audit_facts, m.audit_mappings, m.audit_closed, m.audited_at, m.not_compared, c.name
         from cycle_clients m
         join clients c on c.org_id = m.org_id and c.id = m.client_id
         where m.org_id = $1 and m.month = $2 and m.active
           and ($3::text is null or m.status = $3)
           and ($4::uuid is null or m.client_id > $4)
         order by m.client_id
         limit $5",
    )
    .bind(org)
    .bind(month)
    .bind(status)
    .bind(after)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|named| (named.row, named.name)).collect())
}

/// Writes where clients stand, in place of what was written of them before.
pub async fn upsert(tx: &mut OrgTx, rows: &[CycleClientRow], now: DateTime<Utc>) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    let done = sqlx::query(
        "insert into cycle_clients (org_id, month, client_id, opens_on, due_date, invoice_date, active, status, missing,
                                    audit_id, audit_facts, audit_mappings, audit_closed, audited_at, not_compared,
                                    updated_at)
         select $1, n.month, n.client_id, n.opens_on, n.due_date, n.invoice_date, n.active, n.status, n.missing, n.audit_id,
                n.audit_facts, n.audit_mappings, n.audit_closed, n.audited_at, n.not_compared, $2
         from unnest($3::date[], $4::uuid[], $5::date[], $6::date[], $7::date[], $8::text[], $9::jsonb[],
                     $10::uuid[], $11::text[], $12::timestamptz[], $13::bool[], $14::timestamptz[], $15::text[], $16::bool[])
           as n (month, client_id, opens_on, due_date, invoice_date, status, missing, audit_id, audit_facts,
                 audit_mappings, audit_closed, audited_at, not_compared, active)
         on conflict (org_id, month, client_id) do update
         set opens_on = excluded.opens_on, due_date = excluded.due_date, invoice_date = excluded.invoice_date, active = excluded.active,
             status = excluded.status, missing = excluded.missing, audit_id = excluded.audit_id,
             audit_facts = excluded.audit_facts, audit_mappings = excluded.audit_mappings,
             audit_closed = excluded.audit_closed, audited_at = excluded.audited_at,
             not_compared = excluded.not_compared, updated_at = excluded.updated_at",
    )
    .bind(org)
    .bind(now)
    .bind(rows.iter().map(|row| row.month).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.client_id).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.opens_on).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.due_date).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.invoice_date).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.status.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.missing.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.audit_id).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.audit_facts.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.audit_mappings).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.audit_closed).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.audited_at).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.not_compared.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.active).collect::<Vec<_>>())
    .execute(tx.conn())
    .await?;
    expect_rows(done.rows_affected(), u64::try_from(rows.len()).unwrap_or_default())
}

/// Forgets for which facts an audit was started that has failed, so that another one is.
pub async fn forget_audit(tx: &mut OrgTx, audit: AuditId) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    sqlx::query("update cycle_clients set audit_facts = null where org_id = $1 and audit_id = $2")
        .bind(org)
        .bind(audit.uuid())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// The last day-of-cycle of each client's reminders from a month on: days from the due date.
pub async fn reminded(
    tx: &mut OrgTx,
    month: NaiveDate,
) -> Result<BTreeMap<(NaiveDate, Uuid), i32>, StorageError> {
    let org = tx.org().uuid();
    let rows: Vec<(NaiveDate, Uuid, i32)> = sqlx::query_as(
        "select month, client_id, max(days_from_due)
         from cycle_reminders
         where org_id = $1 and month >= $2
         group by month, client_id",
    )
    .bind(org)
    .bind(month)
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|(month, client, days)| ((month, client), days)).collect())
}

/// Notes reminders as sent: month, client, days from the due date. Each exists once; a second of the same
/// is a fault.
pub async fn insert_reminders(
    tx: &mut OrgTx,
    reminders: &[(NaiveDate, Uuid, i32)],
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    sqlx::query(
        "insert into cycle_reminders (org_id, month, client_id, days_from_due, sent_at)
         select $1, n.month, n.client_id, n.days_from_due, $2
         from unnest($3::date[], $4::uuid[], $5::int[]) as n (month, client_id, days_from_due)",
    )
    .bind(org)
    .bind(now)
    .bind(reminders.iter().map(|(month, _, _)| *month).collect::<Vec<_>>())
    .bind(reminders.iter().map(|(_, client, _)| *client).collect::<Vec<_>>())
    .bind(reminders.iter().map(|(_, _, days)| *days).collect::<Vec<_>>())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A month's cycle over all its clients.
#[derive(Clone, Debug, FromRow)]
pub struct CycleRow {
    /// First day of the month.
    pub month: NaiveDate,
    /// Earliest day by which imports are due.
    pub first_due_date: NaiveDate,
    /// First day on which one of its clients is invoiced.
    pub first_invoice_date: NaiveDate,
    /// Last such day.
    pub last_invoice_date: NaiveDate,
    /// Clients by where they stand.
    pub waiting: i64,
    /// As above.
    pub due: i64,
    /// As above.
    pub overdue: i64,
    /// As above.
    pub ready: i64,
    /// As above.
    pub audited: i64,
    /// As above.
    pub late: i64,
    /// Gaps that began in the month.
    pub began: i64,
    /// Those of them that were found before the client's invoice date.
    pub caught: i64,
    /// Gaps of the month of which it is not known whether they began in it.
    pub beginning_unknown: i64,
    /// Gaps of the month that the month before had already.
    pub continued: i64,
}

/// Cycles, the latest month first, before a month; or one of them.
pub async fn list(
    tx: &mut OrgTx,
    only: Option<NaiveDate>,
    before: Option<NaiveDate>,
    limit: i64,
) -> Result<Vec<CycleRow>, StorageError> {
    let org = tx.org().uuid();
    // A gap began in a month if it is there and was not in the month before, and if that one was compared.
    Ok(sqlx::query_as(
        "with months as (
           select month, min(due_date) as first_due_date, min(invoice_date) as first_invoice_date,
                  max(invoice_date) as last_invoice_date,
                  count(*) filter (where status = 'waiting') as waiting,
                  count(*) filter (where status = 'due') as due,
                  count(*) filter (where status = 'overdue') as overdue,
                  count(*) filter (where status = 'ready') as ready,
                  count(*) filter (where status = 'audited') as audited,
                  count(*) filter (where status = 'late') as late
           from cycle_clients
           where org_id = $1 and active
             and ($2::date is null or month = $2)
             and ($3::date is null or month < $3)
           group by month
           order by month desc
           limit $4
         ), found as (
           select g.month, (g.found_at at time zone 'UTC')::date < m.invoice_date as in_time,
                  coalesce(b.present, false) as continued, p.audited_at is not null as known
           from cycle_gaps g
           join months using (month)
           join cycle_clients m on m.org_id = g.org_id and m.month = g.month and m.client_id = g.client_id
           left join cycle_gaps b
             on b.org_id = g.org_id and b.gap_id = g.gap_id and b.month = (g.month - interval '1 month')::date
           left join cycle_clients p
             on p.org_id = g.org_id and p.client_id = g.client_id and p.month = (g.month - interval '1 month')::date
           where g.org_id = $1 and g.present
         )
         select months.month, first_due_date, first_invoice_date, last_invoice_date, waiting, due, overdue, ready,
                audited, late,
                count(*) filter (where not continued and known) as began,
                count(*) filter (where not continued and known and in_time) as caught,
                count(*) filter (where not continued and not known) as beginning_unknown,
                count(*) filter (where continued) as continued
         from months
         left join found using (month)
         group by months.month, first_due_date, first_invoice_date, last_invoice_date, waiting, due, overdue, ready,
                  audited, late
         order by months.month desc",
    )
    .bind(org)
    .bind(only)
    .bind(before)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?)
}

/// When a mapping was last decided or withdrawn.
pub async fn mappings_decided(tx: &mut OrgTx) -> Result<Option<DateTime<Utc>>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_scalar("select max(since) from mapping_states where org_id = $1 and status <> 'proposed'")
        .bind(org)
        .fetch_one(tx.conn())
        .await?)
}

/// When something was decided last that audits take in beside files and settings (rules, prices, policies, allocations,
/// billing entities, which seats a mapping counts): of each client, and without one of all.
pub async fn decided(tx: &mut OrgTx) -> Result<Vec<(Option<Uuid>, DateTime<Utc>)>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select d.client_id, max(d.updated_at)
         from (select client_id, updated_at from decisions where org_id = $1
               union all
               select client_id, updated_at from billing_entities where org_id = $1
               union all
               select null, updated_at from mappings where org_id = $1 and status = 'approved' and basis is not null) d
         group by d.client_id",
    )
    .bind(org)
    .fetch_all(tx.conn())
    .await?)
}

/// Starts the organization's clock, if it does not go already.
pub async fn start_clock(tx: &mut OrgTx, due_at: DateTime<Utc>) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    sqlx::query("insert into cycle_clock (organization, due_at) values ($1, $2) on conflict do nothing")
        .bind(org)
        .bind(due_at)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Organizations whose time has come, at most `limit`.
pub async fn due(tx: &mut SystemTx, now: DateTime<Utc>, limit: i64) -> Result<Vec<OrgId>, StorageError> {
    let rows: Vec<Uuid> = sqlx::query_scalar(
        "select organization
         from cycle_clock
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
    let done = sqlx::query("update cycle_clock set due_at = $3 where organization = $1 and due_at <= $2")
        .bind(org)
        .bind(now)
        .bind(next)
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected() == 1)
}
