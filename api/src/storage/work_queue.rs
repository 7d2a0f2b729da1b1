//! The work queue: everything that needs doing, from the tables that it follows from. Nothing is stored twice.

use super::{OrgTx, StorageError};
use chrono::NaiveDate;
use sqlx::FromRow;
use uuid::Uuid;

/// Sorts after every day that is known.
const NEVER: NaiveDate = match NaiveDate::from_ymd_opt(9999, 12, 31) {
    Some(day) => day,
    None => NaiveDate::MAX,
};

/// Something that needs doing.
#[derive(Clone, Debug, FromRow)]
pub struct WorkRow {
    /// What it is about: `communicate`, `reply_by`, `letter_failed` and so on.
    pub kind: String,
    /// Names it within its kind: a correction, gap or letter.
    pub subject_id: String,
    /// The dispute, request, instalment (also of a letter) or conversation; 0: all of it.
    pub about: i32,
    /// The correction.
    pub correction_id: Option<Uuid>,
    /// The gap.
    pub gap_id: Option<String>,
    /// The letter.
    pub letter_id: Option<Uuid>,
    /// The delivery that failed or was handed out.
    pub delivery_id: Option<Uuid>,
    /// Name of the client.
    pub client: String,
    /// The client's resource.
    pub client_id: Option<Uuid>,
    /// Who sees to it.
    pub owner: Option<String>,
    /// Of the correction.
    pub state: Option<String>,
    /// The client's next invoice.
    pub invoice_on: Option<NaiveDate>,
    /// By when.
    pub due_on: Option<NaiveDate>,
}

/// Where a page begins: next invoice, deadline, kind and subject of the last item.
pub type Position = (Option<NaiveDate>, Option<NaiveDate>, String, String);

impl WorkRow {
    /// Its place in the order.
    pub fn position(&self) -> Position {
        (self.invoice_on, self.due_on, self.kind.clone(), self.subject_id.clone())
    }
}

/// What of the queue is asked for.
#[derive(Clone, Debug, Default)]
pub struct WorkFilter<'a> {
    /// Of this owner.
    pub owner: Option<&'a str>,
    /// Of nobody.
    pub unowned: bool,
    /// Of this client.
    pub client_id: Option<Uuid>,
    /// Of this kind.
    pub kind: Option<&'a str>,
    /// Of corrections in this state.
    pub state: Option<&'a str>,
    /// Whether the deadline has passed.
    pub overdue: Option<bool>,
    /// With a deadline on this day or before.
    pub due_by: Option<NaiveDate>,
    /// Days between the message and the invoice: by then a client must be told.
    pub notice_days: u16,
    /// Today.
    pub today: NaiveDate,
}

/// The queue, soonest invoice first, then soonest deadline.
#[expect(clippy::too_many_lines, reason = "one statement, which is read as a whole")]
pub async fn list(
    tx: &mut OrgTx,
    filter: &WorkFilter<'_>,
    after: Option<&Position>,
    limit: i64,
) -> Result<Vec<WorkRow>, StorageError> {
    let org = tx.org().uuid();
    let days = |day: Option<NaiveDate>| day.unwrap_or(NEVER);
    Ok(sqlx::query_as(
        "with next_invoices as (
           select client_id, min(invoice_date) as invoice_on
           from cycle_clients
           where org_id = $1 and active and invoice_date >= $2
           group by client_id
         ), items as (
           -- The soonest deadline of each kind of each correction.
           select x.kind, x.correction_id::text as subject_id, x.about, x.correction_id, null::text as gap_id,
                  null::uuid as letter_id, null::uuid as delivery_id, x.due_on, x.owner
           from (select distinct on (correction_id, kind) correction_id, kind, about, due_on, owner
                 from correction_deadlines
                 where org_id = $1
                 order by correction_id, kind, due_on, about) x
           union all
           -- Clients that know nothing yet.
           select 'communicate', c.id::text, 0, c.id, null, null, null, null, c.owner
           from corrections c
           where c.org_id = $1 and c.state = 'found'
           union all
           -- Clients that agreed: nothing is due but the end.
           select 'settle', c.id::text, 0, c.id, null, null, null, c.invoice_on, c.owner
           from corrections c
           where c.org_id = $1 and c.state in ('communicated', 'disputed')
             and not exists (select
                             from correction_deadlines d
                             where d.org_id = c.org_id and d.correction_id = c.id
                               and d.kind in ('reply_by', 'evidence_by', 'approval_by', 'confirmation_by', 'review_by'))
           union all
           select 'set_aside_review', s.gap_id, 0, null, s.gap_id, null, null, s.review_on, s.owner
           from gaps_to_look_at_again s
           where s.org_id = $1
           union all
           -- The last letter of each kind of a correction, and of each instalment that is to be paid, that is not with
           -- the client.
           select case when d.id is null then 'letter_unsent' when d.status = 'failed' then 'letter_failed'
                       else 'letter_handed_out' end,
                  l.id::text, coalesce(l.instalment, 0), l.correction_id, null, l.id, d.id,
                  (coalesce(d.updated_at, l.created_at) at time zone 'UTC')::date, c.owner
           from (select distinct on (correction_id, kind, instalment) id, correction_id, created_at, instalment
                 from letters
                 where org_id = $1 and correction_id is not null
                 order by correction_id, kind, instalment, created_at desc, id desc) l
           join corrections c on c.org_id = $1 and c.id = l.correction_id
           left join lateral (select id, status, updated_at
                              from deliveries
                              where org_id = $1 and letter_id = l.id
                              order by created_at desc, id desc
                              limit 1) d on true
           where (d.id is null or d.status in ('failed', 'handed_out'))
             and (d.status = 'failed' or c.state in ('found', 'communicated', 'disputed'))
             and (l.instalment is null
                  or exists (select
                             from correction_deadlines p
                             where p.org_id = $1 and p.correction_id = l.correction_id and p.kind = 'payment_by'
                               and p.about = l.instalment))
           union all
           -- Other letters that failed.
           select 'letter_failed', l.id::text, 0, null, null, l.id, d.id, (d.updated_at at time zone 'UTC')::date,
                  d.created_by
           from deliveries d
           join letters l on l.org_id = d.org_id and l.id = d.letter_id
           where d.org_id = $1 and d.status = 'failed' and l.correction_id is null
             and not exists (select
                             from deliveries o
                             where o.org_id = d.org_id and o.letter_id = d.letter_id
                               and (o.created_at, o.id) > (d.created_at, d.id))
         ), known as (
           select i.kind, i.subject_id, i.about, i.correction_id, i.gap_id, i.letter_id, i.delivery_id,
                  coalesce(c.client, g.client, k.name) as client,
                  coalesce(c.client_id, g.client_id, l.client_id) as client_id,
                  i.owner, c.state,
                  case when c.invoice_on >= $2 then c.invoice_on else n.invoice_on end as invoice_on,
                  case when i.kind = 'communicate' then n.invoice_on - $3::int else i.due_on end as due_on
           from items i
           left join corrections c on c.org_id = $1 and c.id = i.correction_id
           left join gaps g on g.org_id = $1 and g.id = i.gap_id
           left join letters l on l.org_id = $1 and l.id = i.letter_id
           left join clients k on k.org_id = $1 and k.id = l.client_id
           left join next_invoices n on n.client_id = coalesce(c.client_id, g.client_id, l.client_id)
         )
         select kind, subject_id, about, correction_id, gap_id, letter_id, delivery_id, client, client_id, owner, state,
                invoice_on, due_on
         from known
         where ($4::text is null or owner = $4)
           and (not $5 or owner is null)
           and ($6::uuid is null or client_id = $6)
           and ($7::text is null or kind = $7)
           and ($8::text is null or state = $8)
           and ($9::bool is null or coalesce(due_on < $2, false) = $9)
           and ($10::date is null or due_on <= $10)
           and ($11::date is null
                or (coalesce(invoice_on, $15), coalesce(due_on, $15), kind, subject_id) > ($11, $12, $13, $14))
         order by coalesce(invoice_on, $15), coalesce(due_on, $15), kind, subject_id
         limit $16",
    )
    .bind(org)
    .bind(filter.today)
    .bind(i32::from(filter.notice_days))
    .bind(filter.owner)
    .bind(filter.unowned)
    .bind(filter.client_id)
    .bind(filter.kind)
    .bind(filter.state)
    .bind(filter.overdue)
    .bind(filter.due_by)
    .bind(after.map(|(invoice_on, ..)| days(*invoice_on)))
    .bind(after.map(|(_, due_on, ..)| days(*due_on)))
    .bind(after.map(|(_, _, kind, _)| kind.as_str()))
    .bind(after.map(|(.., subject)| subject.as_str()))
    .bind(NEVER)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?)
}
