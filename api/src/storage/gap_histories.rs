//! What is known of each month of each gap over all audits: column `history` of the gap. Nothing asks for a month
//! without its gap, and an audit of two million rows says something of 200,000 months.

use super::{OrgTx, StorageError, expect_rows};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::history::{Difference, MonthHistory, Said};
use leakage_core::id::AuditId;
use leakage_core::period::Month;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Months of a gap.
pub type Months = BTreeMap<Month, MonthHistory>;

/// Months by gap.
pub type GapMonths = BTreeMap<String, Months>;

const DAMAGED: StorageError = StorageError::Corrupt { column: "gaps.history" };

/// The column.
#[derive(Default, Serialize, Deserialize)]
struct History {
    /// The audits that its months name by their places here: each with what it knew, in microseconds since 1970.
    audits: Vec<(Uuid, i64)>,
    months: Vec<StoredMonth>,
}

/// The place of an audit, and whether the month was over.
type Word = (usize, bool);

/// A month; the word that counts, the first that found a difference, the first that found none since; and what was
/// found. Without names: there are twelve of them in a row that each audit writes anew.
#[derive(Serialize, Deserialize)]
struct StoredMonth(Month, Word, Option<Word>, Option<Word>, Option<Found>);

/// Seat-days, billable seats, billed seats, minor units, and what else is so: the sum of the numbers below.
#[derive(Serialize, Deserialize)]
struct Found(i64, i64, i64, Option<i64>, u8);

const UNPRICED: u8 = 1;
const TIME_BARRED: u8 = 2;
const ASSUMED: u8 = 4;

impl From<Difference> for Found {
    fn from(found: Difference) -> Self {
        let Difference { billable, billed, seat_days, amount_minor, unpriced, time_barred, assumed } = found;
        let so = [(unpriced, UNPRICED), (time_barred, TIME_BARRED), (assumed, ASSUMED)];
        let so = so.into_iter().filter(|(is, _)| *is).map(|(_, number)| number).sum();
        Self(seat_days, billable, billed, amount_minor, so)
    }
}

impl From<Found> for Difference {
    fn from(Found(seat_days, billable, billed, amount_minor, so): Found) -> Self {
        Self {
            billable,
            billed,
            seat_days,
            amount_minor,
            unpriced: so & UNPRICED != 0,
            time_barred: so & TIME_BARRED != 0,
            assumed: so & ASSUMED != 0,
        }
    }
}

impl History {
    fn of(months: &Months) -> Self {
        let mut history = Self::default();
        for month in months.values() {
            let stored = StoredMonth(
                month.month,
                history.word(&month.said),
                month.first.map(|said| history.word(&said)),
                month.equal_since.map(|said| history.word(&said)),
                month.difference.map(Found::from),
            );
            history.months.push(stored);
        }
        history
    }

    fn word(&mut self, said: &Said) -> Word {
        let audit = (said.audit.uuid(), said.known_at.timestamp_micros());
        let place = self.audits.iter().position(|one| *one == audit).unwrap_or_else(|| {
            self.audits.push(audit);
            self.audits.len() - 1
        });
        (place, said.closed)
    }

    fn into_months(self) -> Result<Months, StorageError> {
        let said = |(place, closed): Word| -> Result<Said, StorageError> {
            let (audit, micros) = *self.audits.get(place).ok_or(DAMAGED)?;
            let known_at = DateTime::<Utc>::from_timestamp_micros(micros).ok_or(DAMAGED)?;
            Ok(Said { closed, known_at, audit: AuditId::new(audit) })
        };
        let month = |StoredMonth(month, counts, first, equal_since, found): StoredMonth| {
            let history = MonthHistory {
                month,
                said: said(counts)?,
                difference: found.map(Difference::from),
                first: first.map(said).transpose()?,
                equal_since: equal_since.map(said).transpose()?,
            };
            Ok((month, history))
        };
        self.months.into_iter().map(month).collect()
    }
}

/// Months as the column has them.
pub fn to_json(months: &Months) -> Result<String, StorageError> {
    serde_json::to_string(&History::of(months)).map_err(|_| DAMAGED)
}

/// Histories as they come out of the database: gap and text.
#[derive(Debug)]
pub struct StoredHistories(Vec<(String, String)>);

impl StoredHistories {
    /// Those of these gaps.
    pub async fn load(tx: &mut OrgTx, gaps: &[String]) -> Result<Self, StorageError> {
        let org = tx.org().uuid();
        let rows = sqlx::query_as(
            "select id, history
             from gaps
             where org_id = $1 and id = any($2) and history is not null",
        )
        .bind(org)
        .bind(gaps)
        .fetch_all(tx.conn())
        .await?;
        Ok(Self(rows))
    }

    /// Their months. For those of an audit of all clients this takes long: not for async threads.
    pub fn into_months(self) -> Result<GapMonths, StorageError> {
        let months = |(gap, text): (String, String)| {
            let history: History = serde_json::from_str(&text).map_err(|_| DAMAGED)?;
            Ok((gap, history.into_months()?))
        };
        self.0.into_iter().map(months).collect()
    }
}

/// The months of these gaps.
pub async fn of_gaps(tx: &mut OrgTx, gaps: &[String]) -> Result<GapMonths, StorageError> {
    StoredHistories::load(tx, gaps).await?.into_months()
}

/// The months of all gaps, of one client or currency if given.
pub async fn of_all(
    tx: &mut OrgTx,
    client_id: Option<Uuid>,
    currency: Option<&str>,
) -> Result<GapMonths, StorageError> {
    let org = tx.org().uuid();
    let rows = sqlx::query_as(
        "select id, history
         from gaps
         where org_id = $1 and history is not null
           and ($2::uuid is null or client_id = $2)
           and ($3::text is null or currency = $3)",
    )
    .bind(org)
    .bind(client_id)
    .bind(currency)
    .fetch_all(tx.conn())
    .await?;
    StoredHistories(rows).into_months()
}

/// What is now known of a gap that is known already.
#[derive(Clone, Copy, Debug)]
pub struct Weighed<'a> {
    /// The gap.
    pub gap: &'a str,
    /// The first month that has a difference, where one was found: it moves the first of all back.
    pub first_month: Option<NaiveDate>,
    /// The client's key, where it was found.
    pub client_key: Option<&'a str>,
    /// What is known of its months, as JSON; none: nothing new.
    pub history: Option<&'a str>,
}

/// Keeps it. The caller holds the organization's lock and has read what was known.
pub async fn keep(tx: &mut OrgTx, gaps: &[Weighed<'_>]) -> Result<(), StorageError> {
    for some in gaps.chunks(5_000) {
        let done = sqlx::query(
            "update gaps g
             set history = coalesce(n.history, g.history), first_month = least(g.first_month, n.first_month),
                 client_keys = case when n.client_key is null or n.client_key = any(g.client_keys) then g.client_keys
                                    else g.client_keys || n.client_key end
             from unnest($2::text[], $3::date[], $4::text[], $5::text[]) as n (id, first_month, client_key, history)
             where g.org_id = $1 and g.id = n.id",
        )
        .bind(tx.org().uuid())
        .bind(some.iter().map(|one| one.gap).collect::<Vec<_>>())
        .bind(some.iter().map(|one| one.first_month).collect::<Vec<_>>())
        .bind(some.iter().map(|one| one.client_key).collect::<Vec<_>>())
        .bind(some.iter().map(|one| one.history).collect::<Vec<_>>())
        .execute(tx.conn())
        .await?;
        expect_rows(done.rows_affected(), some.len() as u64)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_is_read_back_as_it_was_written() {
        let said = |audit: u128, micros: i64, closed| Said {
            closed,
            known_at: DateTime::from_timestamp_micros(micros).unwrap(),
            audit: AuditId::new(Uuid::from_u128(audit)),
        };
        let found = Difference {
            billable: 72,
            billed: -3,
            seat_days: 2_232,
            amount_minor: Some(-29_800),
            unpriced: true,
            time_barred: false,
            assumed: true,
        };
        let (early, late) = (said(1, 1_771_545_600_123_456, false), said(2, 1_774_137_600_000_000, true));
        let months: Months = [
            ("2026-02", late, Some(found), Some(early), None),
            ("2026-03", late, None, Some(early), Some(late)),
            ("2026-04", early, Some(Difference { amount_minor: None, ..found }), None, None),
        ]
        .into_iter()
        .map(|(month, said, difference, first, equal_since)| {
            let month: Month = month.parse().unwrap();
            (month, MonthHistory { month, said, difference, first, equal_since })
        })
        .collect();
        let stored = serde_json::to_string(&History::of(&months)).unwrap();
        assert_eq!(stored.matches("00000000-0000-0000-0000-000000000002").count(), 1, "named once: {stored}");
        let read: History = serde_json::from_str(&stored).unwrap();
        assert_eq!(read.into_months().unwrap(), months);
        let damaged = stored.replace("[[\"00000000-0000-0000-0000-000000000002\"", "[[\"x\"");
        assert!(serde_json::from_str::<History>(&damaged).is_err());
        let missing: History =
            serde_json::from_str(&stored.replace("\"2026-02\",[0,", "\"2026-02\",[7,")).unwrap();
        assert!(missing.into_months().is_err());
    }
}
