//! What is known of each month of each gap over all audits.

use super::{OrgTx, StorageError};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::history::{Difference, MonthHistory, Said};
use leakage_core::period::Month;
use sqlx::FromRow;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Months by gap.
pub type GapMonths = BTreeMap<String, BTreeMap<Month, MonthHistory>>;

/// A month of a gap as stored.
#[derive(Debug, FromRow)]
pub struct GapMonthRow {
    gap_id: String,
    month: NaiveDate,
    audit_id: Uuid,
    known_at: DateTime<Utc>,
    closed: bool,
    seat_days: Option<i64>,
    billable: Option<i64>,
    billed: Option<i64>,
    amount_minor: Option<i64>,
    unpriced: Option<bool>,
    time_barred: Option<bool>,
    assumed: Option<bool>,
    first_audit_id: Option<Uuid>,
    first_known_at: Option<DateTime<Utc>>,
    first_closed: Option<bool>,
    equal_audit_id: Option<Uuid>,
    equal_known_at: Option<DateTime<Utc>>,
    equal_closed: Option<bool>,
}

fn said(audit: Option<Uuid>, known_at: Option<DateTime<Utc>>, closed: Option<bool>) -> Option<Said> {
    Some(Said { closed: closed?, known_at: known_at?, audit: audit?.into() })
}

impl From<&GapMonthRow> for MonthHistory {
    fn from(row: &GapMonthRow) -> Self {
        Self {
            month: Month::of(row.month),
            said: Said { closed: row.closed, known_at: row.known_at, audit: row.audit_id.into() },
            difference: row.seat_days.map(|seat_days| Difference {
                seat_days,
                billable: row.billable.unwrap_or_default(),
                billed: row.billed.unwrap_or_default(),
                amount_minor: row.amount_minor,
                unpriced: row.unpriced.unwrap_or_default(),
                time_barred: row.time_barred.unwrap_or_default(),
                assumed: row.assumed.unwrap_or_default(),
            }),
            first: said(row.first_audit_id, row.first_known_at, row.first_closed),
            equal_since: said(row.equal_audit_id, row.equal_known_at, row.equal_closed),
        }
    }
}

fn by_gap(rows: &[GapMonthRow]) -> GapMonths {
    let mut gaps = GapMonths::new();
    for row in rows {
        let month = MonthHistory::from(row);
        gaps.entry(row.gap_id.clone()).or_default().insert(month.month, month);
    }
    gaps
}

/// The columns of [`GapMonthRow`], for the statements below.
macro_rules! select_months {
    ($rest:literal) => {
        concat!(
            "select m.gap_id, m.month, m.audit_id, m.known_at, m.closed, m.seat_days, m.billable, m.billed,
                    m.amount_minor, m.unpriced, m.time_barred, m.assumed,
                    m.first_audit_id, m.first_known_at, m.first_closed,
                    m.equal_audit_id, m.equal_known_at, m.equal_closed
             from gap_months m ",
            $rest
        )
    };
}

/// The months of these gaps.
pub async fn of_gaps(tx: &mut OrgTx, gaps: &[String]) -> Result<GapMonths, StorageError> {
    let org = tx.org().uuid();
    let rows: Vec<GapMonthRow> = sqlx::query_as(select_months!("where m.org_id = $1 and m.gap_id = any($2)"))
        .bind(org)
        .bind(gaps)
        .fetch_all(tx.conn())
        .await?;
    Ok(by_gap(&rows))
}

/// The months of all gaps, of one client or currency if given.
pub async fn of_all(
    tx: &mut OrgTx,
    client_id: Option<Uuid>,
    currency: Option<&str>,
) -> Result<GapMonths, StorageError> {
    let org = tx.org().uuid();
    let rows: Vec<GapMonthRow> = sqlx::query_as(select_months!(
        "join gaps g on g.org_id = m.org_id and g.id = m.gap_id
         where m.org_id = $1
           and ($2::uuid is null or g.client_id = $2)
           and ($3::text is null or g.currency = $3)"
    ))
    .bind(org)
    .bind(client_id)
    .bind(currency)
    .fetch_all(tx.conn())
    .await?;
    Ok(by_gap(&rows))
}

/// Stores months as they are now known. The caller holds the organization's lock and has read them before.
pub async fn keep(tx: &mut OrgTx, months: &[(&str, &MonthHistory)]) -> Result<(), StorageError> {
    for some in months.chunks(10_000) {
        keep_some(tx, some).await?;
    }
    Ok(())
}

async fn keep_some(tx: &mut OrgTx, months: &[(&str, &MonthHistory)]) -> Result<(), StorageError> {
    fn column<T>(months: &[(&str, &MonthHistory)], of: impl Fn(&MonthHistory) -> T) -> Vec<T> {
        months.iter().map(|(_, month)| of(month)).collect()
    }
    fn figure<T>(months: &[(&str, &MonthHistory)], of: impl Fn(&Difference) -> T) -> Vec<Option<T>> {
        months.iter().map(|(_, month)| month.difference.as_ref().map(&of)).collect()
    }
    let org = tx.org().uuid();
    sqlx::query(
        "insert into gap_months (org_id, gap_id, month, audit_id, known_at, closed, seat_days, billable, billed,
                                 amount_minor, unpriced, time_barred, assumed,
                                 first_audit_id, first_known_at, first_closed,
                                 equal_audit_id, equal_known_at, equal_closed)
         select $1, n.gap_id, n.month, n.audit_id, n.known_at, n.closed, n.seat_days, n.billable, n.billed,
                n.amount_minor, n.unpriced, n.time_barred, n.assumed,
                n.first_audit_id, n.first_known_at, n.first_closed,
                n.equal_audit_id, n.equal_known_at, n.equal_closed
         from unnest($2::text[], $3::date[], $4::uuid[], $5::timestamptz[], $6::bool[], $7::bigint[], $8::bigint[],
                     $9::bigint[], $10::bigint[], $11::bool[], $12::bool[], $13::bool[],
                     $14::uuid[], $15::timestamptz[], $16::bool[], $17::uuid[], $18::timestamptz[], $19::bool[])
           as n (gap_id, month, audit_id, known_at, closed, seat_days, billable, billed, amount_minor, unpriced,
                 time_barred, assumed, first_audit_id, first_known_at, first_closed,
                 equal_audit_id, equal_known_at, equal_closed)
         on conflict (org_id, gap_id, month) do update
         set audit_id = excluded.audit_id, known_at = excluded.known_at, closed = excluded.closed,
             seat_days = excluded.seat_days, billable = excluded.billable, billed = excluded.billed,
             amount_minor = excluded.amount_minor, unpriced = excluded.unpriced,
             time_barred = excluded.time_barred, assumed = excluded.assumed,
             first_audit_id = excluded.first_audit_id, first_known_at = excluded.first_known_at,
             first_closed = excluded.first_closed, equal_audit_id = excluded.equal_audit_id,
             equal_known_at = excluded.equal_known_at, equal_closed = excluded.equal_closed",
    )
    .bind(org)
    .bind(months.iter().map(|(gap, _)| (*gap).to_owned()).collect::<Vec<_>>())
    .bind(column(months, |month| month.month.first_day()))
    .bind(column(months, |month| month.said.audit.uuid()))
    .bind(column(months, |month| month.said.known_at))
    .bind(column(months, |month| month.said.closed))
    .bind(figure(months, |found| found.seat_days))
    .bind(figure(months, |found| found.billable))
    .bind(figure(months, |found| found.billed))
    .bind(column(months, |month| month.difference.and_then(|found| found.amount_minor)))
    .bind(figure(months, |found| found.unpriced))
    .bind(figure(months, |found| found.time_barred))
    .bind(figure(months, |found| found.assumed))
    .bind(column(months, |month| month.first.map(|said| said.audit.uuid())))
    .bind(column(months, |month| month.first.map(|said| said.known_at)))
    .bind(column(months, |month| month.first.map(|said| said.closed)))
    .bind(column(months, |month| month.equal_since.map(|said| said.audit.uuid())))
    .bind(column(months, |month| month.equal_since.map(|said| said.known_at)))
    .bind(column(months, |month| month.equal_since.map(|said| said.closed)))
    .execute(tx.conn())
    .await?;
    Ok(())
}
