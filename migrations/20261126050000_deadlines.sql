-- What keeps corrections from ending silently: who was reminded of which deadline, when deadlines are looked
-- at next, and what the account manager's work queue is read from.

-- Every reminder of a deadline, once for each step. A deadline that goes and comes back with the same day
-- is not announced again.
create table deadline_reminders (
  org_id uuid not null references organizations (org_id),
  -- A correction's deadline, or the day on which a gap that was set aside is looked at again.
  subject text not null check (subject in ('correction', 'gap')),
  subject_id text not null check (length(subject_id) between 1 and 100),
  kind text not null check (length(kind) between 1 and 60),
  about integer not null,
  due_on date not null,
  step text not null check (step in ('due_soon', 'passed', 'again', 'escalated')),
  -- Of steps that come once: the day that was due. Of those that come again: the day of the reminder.
  step_on date not null,
  sent_at timestamptz not null,
  primary key (org_id, subject, subject_id, kind, about, due_on, step, step_on),
  check (step = 'again' or step_on = due_on)
);
select protect_tenant_table('deadline_reminders', 'select, insert');

-- When an organization's deadlines are looked at next.
create table deadline_clock (
  organization uuid primary key,
  due_at timestamptz not null
);
comment on table deadline_clock is 'system: read by workers before an organization is known; ids only';
grant select, insert, update on deadline_clock to leakage_app;
create index deadline_clock_due on deadline_clock (due_at);

-- Those who have corrections, or gaps set aside, already.
alter table corrections no force row level security;
alter table gap_set_asides no force row level security;
insert into deadline_clock (organization, due_at)
select org_id, now() from corrections
union
select org_id, now() from gap_set_asides;
alter table corrections force row level security;
alter table gap_set_asides force row level security;

-- Gaps that are set aside by the newest word on them, and not corrected since: each comes back on its day.
create view gaps_to_look_at_again with (security_invoker = true) as
select s.org_id, s.gap_id, s.review_on, s.owner, s.reason, s.set_aside_at
from (
  select distinct on (org_id, gap_id) org_id, gap_id, review_on, owner, reason, set_aside_at
  from gap_set_asides
  order by org_id, gap_id, set_aside_at desc
) s
where not exists (
  select
  from correction_lines l
  join corrections c on c.org_id = l.org_id and c.id = l.correction_id
  where l.org_id = s.org_id and l.gap_id = s.gap_id and c.created_at >= s.set_aside_at
);
grant select on gaps_to_look_at_again to leakage_app;

-- The blocks of a letter, so that what a message must hold can be asked of the letter that was sent. Null:
-- the letter was written before they were kept.
alter table letters add column sections json;

-- The work queue: what is open, soonest invoice first; letters that did not get through.
create index corrections_open on corrections (org_id, state, invoice_on);
create index corrections_of_client on corrections (org_id, client_id, id);
create index correction_deadlines_owner on correction_deadlines (org_id, owner, due_on);
create index deliveries_unfinished on deliveries (org_id, letter_id) where status in ('failed', 'handed_out');
