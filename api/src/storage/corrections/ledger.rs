//! The ledger of corrections, and the months of gaps that they hold.

use crate::storage::{OrgTx, StorageError, expect_rows};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::correction::ledger::{Bucket, Cause, Entry, Note};
use leakage_core::correction::quantity::{Place, Quantity};
use leakage_core::id::CorrectionId;
use leakage_core::period::Month;
use sqlx::FromRow;
use std::collections::BTreeMap;
use uuid::Uuid;

#[derive(FromRow)]
struct EntryRow {
    correction_id: Uuid,
    seq: i32,
    line: i32,
    month: NaiveDate,
    bucket: String,
    seat_days: i64,
    minor: i64,
    contra_of: Option<i32>,
    cause: String,
    reason: Option<String>,
    document: Option<String>,
    instalment: Option<i32>,
    actor: String,
    at: DateTime<Utc>,
}

fn corrupt(column: &'static str) -> StorageError {
    StorageError::Corrupt { column }
}

impl EntryRow {
    fn entry(self) -> Result<Entry, StorageError> {
        let number = |number: i32| u32::try_from(number).map_err(|_| corrupt("correction_entries.seq"));
        Ok(Entry {
            seq: number(self.seq)?,
            place: Place { month: Month::of(self.month), line: number(self.line)? },
            bucket: Bucket::parse(&self.bucket).ok_or(corrupt("correction_entries.bucket"))?,
            quantity: Quantity::new(self.seat_days, self.minor),
            contra_of: self.contra_of.map(number).transpose()?,
            note: Note {
                cause: Cause::parse(&self.cause).ok_or(corrupt("correction_entries.cause"))?,
                reason: self.reason,
                document: self.document,
                instalment: self.instalment.and_then(|number| u16::try_from(number).ok()),
                actor: self.actor,
                at: self.at,
            },
        })
    }
}

/// The entries of corrections, in order.
pub async fn entries(
    tx: &mut OrgTx,
    corrections: &[Uuid],
) -> Result<BTreeMap<Uuid, Vec<Entry>>, StorageError> {
    let org = tx.org().uuid();
    let rows: Vec<EntryRow> = sqlx::query_as(
        "select correction_id, seq, line, month, bucket, seat_days, minor, contra_of, cause, reason, document,
                instalment, actor, at
         from correction_entries
         where org_id = $1 and correction_id = any($2)
         order by correction_id, seq",
    )
    .bind(org)
    .bind(corrections)
    .fetch_all(tx.conn())
    .await?;
    let mut entries: BTreeMap<Uuid, Vec<Entry>> = BTreeMap::new();
    for row in rows {
        entries.entry(row.correction_id).or_default().push(row.entry()?);
    }
    Ok(entries)
}

/// An entry to be added.
#[derive(Clone, Copy, Debug)]
pub struct NewEntry<'a> {
    /// Of which correction.
    pub correction: CorrectionId,
    /// `under` or `over`.
    pub direction: &'static str,
    /// The entry.
    pub entry: &'a Entry,
    /// The waiver behind it, if it waives.
    pub waiver: Option<i32>,
}

/// Adds entries.
pub async fn append(tx: &mut OrgTx, new: &[NewEntry<'_>]) -> Result<(), StorageError> {
    if new.is_empty() {
        return Ok(());
    }
    let org = tx.org().uuid();
    let number = |number: u32| i32::try_from(number).map_err(|_| corrupt("correction_entries.seq"));
    let entries = || new.iter().map(|new| new.entry);
    let seqs = entries().map(|entry| number(entry.seq)).collect::<Result<Vec<_>, _>>()?;
    let lines = entries().map(|entry| number(entry.place.line)).collect::<Result<Vec<_>, _>>()?;
    let contra =
        entries().map(|entry| entry.contra_of.map(number).transpose()).collect::<Result<Vec<_>, _>>()?;
    let behind = |new: &NewEntry<'_>| {
        new.waiver.filter(|_| new.entry.bucket == Bucket::Waived && new.entry.contra_of.is_none())
    };
    let written = sqlx::query(
        "insert into correction_entries (org_id, correction_id, direction, seq, line, month, bucket, seat_days, minor,
                                         contra_of, waiver, cause, reason, document, instalment, actor, at)
         select $1, n.correction_id, n.direction, n.seq, n.line, n.month, n.bucket, n.seat_days, n.minor, n.contra_of,
                n.waiver, n.cause, n.reason, n.document, n.instalment, n.actor, n.at
         from unnest($2::uuid[], $3::text[], $4::int[], $5::int[], $6::date[], $7::text[], $8::bigint[], $9::bigint[],
                     $10::int[], $11::int[], $12::text[], $13::text[], $14::text[], $15::int[], $16::text[],
                     $17::timestamptz[])
           as n (correction_id, direction, seq, line, month, bucket, seat_days, minor, contra_of, waiver, cause, reason,
                 document, instalment, actor, at)
         order by n.correction_id, n.seq",
    )
    .bind(org)
    .bind(new.iter().map(|new| new.correction.uuid()).collect::<Vec<_>>())
    .bind(new.iter().map(|new| new.direction).collect::<Vec<_>>())
    .bind(seqs)
    .bind(lines)
    .bind(entries().map(|entry| entry.place.month.first_day()).collect::<Vec<_>>())
    .bind(entries().map(|entry| entry.bucket.as_str()).collect::<Vec<_>>())
    .bind(entries().map(|entry| entry.quantity.seat_days).collect::<Vec<_>>())
    .bind(entries().map(|entry| entry.quantity.minor).collect::<Vec<_>>())
    .bind(contra)
    .bind(new.iter().map(behind).collect::<Vec<_>>())
    .bind(entries().map(|entry| entry.note.cause.as_str()).collect::<Vec<_>>())
    .bind(entries().map(|entry| entry.note.reason.clone()).collect::<Vec<_>>())
    .bind(entries().map(|entry| entry.note.document.clone()).collect::<Vec<_>>())
    .bind(entries().map(|entry| entry.note.instalment.map(i32::from)).collect::<Vec<_>>())
    .bind(entries().map(|entry| entry.note.actor.clone()).collect::<Vec<_>>())
    .bind(entries().map(|entry| entry.note.at).collect::<Vec<_>>())
    .execute(tx.conn())
    .await?
    .rows_affected();
    expect_rows(written, u64::try_from(new.len()).unwrap_or(u64::MAX))
}

/// Holds months of gaps for open corrections.
///
/// # Errors
/// The constraint `correction_months_open` when another open correction holds one of them.
pub async fn hold_months(
    tx: &mut OrgTx,
    months: &[(CorrectionId, String, NaiveDate)],
) -> Result<(), StorageError> {
    if months.is_empty() {
        return Ok(());
    }
    let org = tx.org().uuid();
    sqlx::query(
        "insert into correction_months (org_id, correction_id, gap_id, month, open)
         select $1, n.correction_id, n.gap_id, n.month, true
         from unnest($2::uuid[], $3::text[], $4::date[]) as n (correction_id, gap_id, month)
         order by n.gap_id, n.month
         on conflict (org_id, correction_id, gap_id, month) do nothing",
    )
    .bind(org)
    .bind(months.iter().map(|(id, ..)| id.uuid()).collect::<Vec<_>>())
    .bind(months.iter().map(|(_, gap, _)| gap.clone()).collect::<Vec<_>>())
    .bind(months.iter().map(|(.., month)| *month).collect::<Vec<_>>())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A month of a gap in a correction.
#[derive(Clone, Debug, FromRow)]
pub struct HeldMonth {
    /// The correction.
    pub correction_id: Uuid,
    /// The gap.
    pub gap_id: String,
    /// First day of the month.
    pub month: NaiveDate,
    /// Whether the correction is open.
    pub open: bool,
    /// Seat-days found, less withdrawn.
    pub seat_days: i64,
    /// Money found, less withdrawn.
    pub minor: i64,
}

/// The months of these gaps that corrections hold or have settled, but for one correction.
pub async fn held_months(
    tx: &mut OrgTx,
    gaps: &[String],
    but: Option<CorrectionId>,
) -> Result<Vec<HeldMonth>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select m.correction_id, m.gap_id, m.month, m.open,
                coalesce(sum(case e.bucket when 'found' then e.seat_days when 'withdrawn' then -e.seat_days end), 0)::bigint
                  as seat_days,
                coalesce(sum(case e.bucket when 'found' then e.minor when 'withdrawn' then -e.minor end), 0)::bigint
                  as minor
         from correction_months m
         join correction_lines l on l.org_id = m.org_id and l.correction_id = m.correction_id and l.gap_id = m.gap_id
         left join correction_entries e on e.org_id = m.org_id and e.correction_id = m.correction_id
                                        and e.line = l.number and e.month = m.month
         where m.org_id = $1 and m.gap_id = any($2) and ($3::uuid is null or m.correction_id <> $3)
         group by m.correction_id, m.gap_id, m.month, m.open
         order by m.gap_id, m.month, m.correction_id",
    )
    .bind(org)
    .bind(gaps)
    .bind(but.map(CorrectionId::uuid))
    .fetch_all(tx.conn())
    .await?)
}

/// A month of a gap in a correction, as it stood at a time.
#[derive(Clone, Debug, FromRow)]
pub struct KnownMonth {
    /// The correction.
    pub correction_id: Uuid,
    /// The gap.
    pub gap_id: String,
    /// First day of the month.
    pub month: NaiveDate,
    /// Whether the correction was worked on.
    pub open: bool,
    /// Seat-days found, less withdrawn.
    pub seat_days: i64,
    /// Money found, less withdrawn.
    pub minor: i64,
    /// Its currency.
    pub currency: String,
    /// Its invoices and credit notes.
    pub documents: Vec<String>,
}

/// What corrections held or had settled of these months at a time. What was withdrawn by then settles nothing.
pub async fn known_months(
    tx: &mut OrgTx,
    (from, to): (NaiveDate, NaiveDate),
    known_at: DateTime<Utc>,
) -> Result<Vec<KnownMonth>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select m.correction_id, m.gap_id, m.month, t.state in ('found', 'communicated', 'disputed') as open,
                s.seat_days, s.minor, c.currency, s.documents
         from correction_months m
         join corrections c on c.org_id = m.org_id and c.id = m.correction_id
         join lateral (select after ->> 'state' as state
                       from correction_timeline
                       where org_id = m.org_id and correction_id = m.correction_id and at <= $4
                       order by seq desc
                       limit 1) t on true
         cross join lateral (
           select coalesce(sum(case e.bucket when 'found' then e.seat_days when 'withdrawn' then -e.seat_days end), 0)::bigint
                    as seat_days,
                  coalesce(sum(case e.bucket when 'found' then e.minor when 'withdrawn' then -e.minor end), 0)::bigint
                    as minor,
                  coalesce(array_agg(distinct e.document) filter (
                    where e.document is not null and e.cause in ('invoice', 'credit_note')), '{}') as documents
           from correction_lines l
           join correction_entries e on e.org_id = l.org_id and e.correction_id = l.correction_id
                                     and e.line = l.number and e.month = m.month
           where l.org_id = m.org_id and l.correction_id = m.correction_id and l.gap_id = m.gap_id and e.at <= $4
         ) s
         where m.org_id = $1 and m.month >= $2 and m.month <= $3 and s.seat_days > 0
         order by m.gap_id, m.month, m.correction_id",
    )
    .bind(org)
    .bind(from)
    .bind(to)
    .bind(known_at)
    .fetch_all(tx.conn())
    .await?)
}

/// The documents of corrections of these gaps: invoices, those of instalments, and credit notes.
pub async fn documents(tx: &mut OrgTx, gaps: &[String]) -> Result<Vec<String>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_scalar(
        "select e.document
         from correction_entries e
         join correction_lines l on l.org_id = e.org_id and l.correction_id = e.correction_id and l.number = e.line
         where e.org_id = $1 and l.gap_id = any($2) and e.document is not null
           and e.cause in ('invoice', 'credit_note')
         union
         select i.value ->> 'document'
         from correction_lines l
         join corrections c on c.org_id = l.org_id and c.id = l.correction_id
         cross join lateral json_array_elements(
           case json_typeof(c.conversation #> '{plan,instalments}')
             when 'array' then c.conversation #> '{plan,instalments}'
             else '[]'::json
           end) i
         where l.org_id = $1 and l.gap_id = any($2) and i.value ->> 'document' is not null
         order by 1",
    )
    .bind(org)
    .bind(gaps)
    .fetch_all(tx.conn())
    .await?)
}

/// Those of these gaps that other corrections work on, or that wait for their next invoice to be proved.
pub async fn worked_on(
    tx: &mut OrgTx,
    gaps: &[String],
    but: Option<CorrectionId>,
) -> Result<Vec<String>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_scalar(
        "select distinct l.gap_id
         from correction_lines l
         join corrections c on c.org_id = l.org_id and c.id = l.correction_id
         where l.org_id = $1 and l.gap_id = any($2) and ($3::uuid is null or c.id <> $3)
           and (c.state in ('found', 'communicated', 'disputed')
                or exists (select
                           from correction_deadlines d
                           where d.org_id = c.org_id and d.correction_id = c.id and d.kind = 'verification_by'))
         order by l.gap_id",
    )
    .bind(org)
    .bind(gaps)
    .bind(but.map(CorrectionId::uuid))
    .fetch_all(tx.conn())
    .await?)
}

/// Lets one transaction at a time open months of these gaps: what corrections hold of them stays as it is read
/// until the transaction ends.
pub async fn lock_gaps(tx: &mut OrgTx, gaps: &[String]) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    sqlx::query(
        "select
         from gaps
         where org_id = $1 and id = any($2)
         order by id
         for no key update",
    )
    .bind(org)
    .bind(gaps)
    .execute(tx.conn())
    .await?;
    Ok(())
}
