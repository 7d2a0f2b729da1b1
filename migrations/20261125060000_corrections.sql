-- Corrections: the cases that people work from gaps to fixes that are proved.
--
-- What must hold whatever code runs is rows with constraints: the state and version, the months that a
-- correction holds, the ledger, waivers and what the client wrote, the timeline. The conversation (what was
-- said, offered, promised and approved) is one document per correction, written only together with the
-- state and version that it belongs to.

create table corrections (
  org_id uuid not null references organizations (org_id),
  id uuid not null,
  client text not null check (length(client) between 1 and 500),
  client_id uuid,
  billing_entity text,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  direction text not null check (direction in ('under', 'over')),
  state text not null check (state in ('found', 'communicated', 'disputed', 'resolved', 'waived')),
  version bigint not null default 1,
  -- The audit that it rests on.
  audit_id uuid not null,
  -- Who works on it, as records name them.
  owner text check (length(owner) between 1 and 300),
  -- The conversation; see leakage_core::correction::Correction.
  conversation json not null,
  -- Sums of the ledger, for lists. The triggers below keep them from drifting.
  found_minor bigint not null default 0,
  outstanding_minor bigint not null default 0,
  -- What the client was announced for the invoice of this day: shocks add up per client and day.
  invoice_on date,
  announced_retro_minor bigint not null default 0 check (announced_retro_minor >= 0),
  announced_forward_minor bigint not null default 0 check (announced_forward_minor >= 0),
  -- The soonest deadline.
  due_on date,
  -- The correction whose verification opened this one.
  opened_from uuid,
  created_by text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (org_id, id),
  unique (org_id, id, direction),
  foreign key (org_id, client_id) references clients (org_id, id),
  foreign key (org_id, audit_id) references audits (org_id, id),
  foreign key (org_id, opened_from) references corrections (org_id, id),
  -- Money that nothing was done about keeps a correction open.
  constraint corrections_settled check (outstanding_minor = 0 or state in ('found', 'communicated', 'disputed'))
);
create index corrections_list on corrections (org_id, id desc);
create index corrections_client on corrections (org_id, client, currency);
select protect_tenant_table('corrections', 'select, insert, update');

create table correction_lines (
  org_id uuid not null,
  correction_id uuid not null,
  number integer not null check (number > 0),
  gap_id text not null check (length(gap_id) between 1 and 100),
  product text not null,
  primary key (org_id, correction_id, number),
  foreign key (org_id, correction_id) references corrections (org_id, id)
);
create index correction_lines_gap on correction_lines (org_id, gap_id);
select protect_tenant_table('correction_lines', 'select, insert');

-- Each month of a gap is in one open correction at most.
create table correction_months (
  org_id uuid not null,
  correction_id uuid not null,
  gap_id text not null,
  month date not null,
  open boolean not null,
  primary key (org_id, correction_id, gap_id, month),
  foreign key (org_id, correction_id) references corrections (org_id, id)
);
create unique index correction_months_open on correction_months (org_id, gap_id, month) where open;
select protect_tenant_table('correction_months', 'select, insert, update');

-- With the state, whatever statement changes it.
create function keep_correction_months() returns trigger
language plpgsql
as $$
begin
  update correction_months
  set open = new.state in ('found', 'communicated', 'disputed')
  where org_id = new.org_id and correction_id = new.id
    and open <> (new.state in ('found', 'communicated', 'disputed'));
  return null;
end
$$;
create trigger keep_correction_months after update of state on corrections
  for each row execute function keep_correction_months();

-- What the client wrote, as files. Never changed.
create table correction_confirmations (
  org_id uuid not null,
  correction_id uuid not null,
  number integer not null check (number > 0),
  kind text not null check (kind in ('waiver', 'acceptance', 'withdrawal', 'other')),
  sha256 text not null check (sha256 ~ '^sha256:[0-9a-f]{64}$'),
  file_name text not null check (length(file_name) between 1 and 300),
  content_type text check (length(content_type) <= 200),
  size_bytes bigint not null check (size_bytes > 0),
  -- Whether it can be shown to come from the client.
  authenticated boolean not null,
  said_by text not null check (length(said_by) between 1 and 300),
  said_channel text not null,
  said_at timestamptz not null,
  minor bigint check (minor >= 0),
  attached_by text not null,
  attached_at timestamptz not null,
  primary key (org_id, correction_id, number),
  unique (org_id, correction_id, number, kind, authenticated),
  -- One file bears one waiver.
  unique (org_id, correction_id, kind, sha256),
  foreign key (org_id, correction_id) references corrections (org_id, id)
);
select protect_tenant_table('correction_confirmations', 'select, insert');

-- Money given up. The columns with one possible value make the foreign keys say what a waiver needs: a
-- correction that charges, and an authenticated writing of the client that confirms it.
create table correction_waivers (
  org_id uuid not null,
  correction_id uuid not null,
  number integer not null check (number > 0),
  direction text not null default 'under' check (direction = 'under'),
  confirmation integer not null,
  confirmation_kind text not null default 'waiver' check (confirmation_kind = 'waiver'),
  confirmation_authenticated boolean not null default true check (confirmation_authenticated),
  seat_days bigint not null check (seat_days >= 0),
  minor bigint not null check (minor >= 0),
  reason text not null check (length(reason) between 1 and 2000),
  requested_by text not null,
  approved_by text not null,
  above_threshold boolean not null,
  -- In an organization of one: with a second factor and a day's delay.
  alone boolean not null,
  at timestamptz not null,
  primary key (org_id, correction_id, number),
  unique (org_id, correction_id, confirmation),
  foreign key (org_id, correction_id, direction) references corrections (org_id, id, direction),
  constraint correction_waivers_confirmed
    foreign key (org_id, correction_id, confirmation, confirmation_kind, confirmation_authenticated)
    references correction_confirmations (org_id, correction_id, number, kind, authenticated),
  constraint correction_waivers_second_approver
    check (not above_threshold or alone or approved_by <> requested_by)
);
select protect_tenant_table('correction_waivers', 'select, insert');

-- The ledger. Entries are only added; what is undone is undone by a contra entry with negative figures.
create table correction_entries (
  org_id uuid not null,
  correction_id uuid not null,
  seq integer not null check (seq > 0),
  direction text not null,
  line integer not null,
  month date not null,
  bucket text not null check (bucket in ('found', 'billed', 'credited', 'waived', 'written_off', 'time_barred', 'withdrawn')),
  seat_days bigint not null,
  minor bigint not null,
  contra_of integer,
  waiver integer,
  cause text not null,
  reason text check (length(reason) <= 2000),
  document text check (length(document) <= 500),
  instalment integer,
  actor text not null,
  at timestamptz not null,
  primary key (org_id, correction_id, seq),
  foreign key (org_id, correction_id, direction) references corrections (org_id, id, direction),
  foreign key (org_id, correction_id, line) references correction_lines (org_id, correction_id, number),
  foreign key (org_id, correction_id, contra_of) references correction_entries (org_id, correction_id, seq),
  foreign key (org_id, correction_id, waiver) references correction_waivers (org_id, correction_id, number),
  constraint correction_entries_sign check (
    case when contra_of is null then seat_days >= 0 and minor >= 0 else seat_days <= 0 and minor <= 0 end),
  constraint correction_entries_found check (bucket <> 'found' or contra_of is null),
  -- Over-billing is given back, never given up.
  constraint correction_entries_over check (direction = 'under' or bucket not in ('waived', 'written_off')),
  -- Nothing is waived without a waiver.
  constraint correction_entries_waiver check ((bucket = 'waived' and contra_of is null) = (waiver is not null))
);
select protect_tenant_table('correction_entries', 'select, insert');

-- found = billed + credited + waived + written_off + time_barred + withdrawn + outstanding, in seat-days and
-- in money, for each month of each line, and nothing below nothing.
create function check_correction_entries() returns trigger
language plpgsql
as $$
begin
  if exists (
    select
    from (select distinct org_id, correction_id, line, month from added) a
    join correction_entries e using (org_id, correction_id, line, month)
    group by org_id, correction_id, line, month
    having sum(case when e.bucket = 'found' then e.minor else -e.minor end) < 0
        or sum(case when e.bucket = 'found' then e.seat_days else -e.seat_days end) < 0
  ) or exists (
    select
    from (select distinct org_id, correction_id, line, month from added) a
    join correction_entries e using (org_id, correction_id, line, month)
    group by org_id, correction_id, line, month, e.bucket
    having sum(e.minor) < 0 or sum(e.seat_days) < 0
  ) then
    raise exception 'an entry takes more than there is'
      using errcode = 'check_violation', constraint = 'correction_entries_sum';
  end if;
  return null;
end
$$;
create trigger check_correction_entries after insert on correction_entries
  referencing new table as added
  for each statement execute function check_correction_entries();

-- The sums for lists are the ledger's, at the end of every transaction that touches either.
create function check_correction_sums() returns trigger
language plpgsql
as $$
declare
  correction uuid := case tg_table_name when 'corrections' then (to_jsonb(new) ->> 'id')::uuid
                                        else (to_jsonb(new) ->> 'correction_id')::uuid end;
begin
  if exists (
    select
    from corrections c
    cross join lateral (
      select coalesce(sum(e.minor) filter (where e.bucket = 'found'), 0) as found,
             coalesce(sum(case when e.bucket = 'found' then e.minor else -e.minor end), 0) as outstanding
      from correction_entries e
      where e.org_id = c.org_id and e.correction_id = c.id) s
    where c.org_id = new.org_id and c.id = correction
      and (c.found_minor <> s.found or c.outstanding_minor <> s.outstanding)
  ) then
    raise exception 'the sums of a correction are not those of its ledger'
      using errcode = 'check_violation', constraint = 'corrections_sums';
  end if;
  return null;
end
$$;
create constraint trigger check_correction_sums after insert or update on corrections
  deferrable initially deferred for each row execute function check_correction_sums();
create constraint trigger check_entry_sums after insert on correction_entries
  deferrable initially deferred for each row
  when (new.seq > 0) execute function check_correction_sums();

-- Objections, for those who look at many of them. The correction's document has their parts.
create table correction_disputes (
  org_id uuid not null,
  correction_id uuid not null,
  number integer not null check (number > 0),
  reason text not null,
  seat_days bigint not null,
  minor bigint not null,
  said_by text not null check (length(said_by) between 1 and 300),
  said_channel text not null,
  said_at timestamptz not null,
  reply_by date not null,
  recorded_by text not null,
  recorded_at timestamptz not null,
  answered_by text,
  answered_at timestamptz,
  primary key (org_id, correction_id, number),
  foreign key (org_id, correction_id) references corrections (org_id, id),
  check ((answered_by is null) = (answered_at is null))
);
select protect_tenant_table('correction_disputes', 'select, insert, update');

-- What must happen by when. Follows from the correction; only the last reminder is a fact of its own.
create table correction_deadlines (
  org_id uuid not null,
  correction_id uuid not null,
  kind text not null,
  -- The dispute, request, instalment or conversation; 0: the correction.
  about integer not null,
  due_on date not null,
  owner text,
  reminded_on date,
  primary key (org_id, correction_id, kind, about),
  foreign key (org_id, correction_id) references corrections (org_id, id)
);
create index correction_deadlines_due on correction_deadlines (org_id, due_on, correction_id, kind, about);
select protect_tenant_table('correction_deadlines');

-- The facts behind each message, as they were when it was sent: canonical JSON (RFC 8785) and its digest.
create table correction_frozen_facts (
  org_id uuid not null,
  correction_id uuid not null,
  -- The correction's version with which the message was sent.
  version bigint not null,
  sha256 text not null check (sha256 ~ '^sha256:[0-9a-f]{64}$'),
  facts text not null,
  frozen_at timestamptz not null,
  primary key (org_id, correction_id, version),
  foreign key (org_id, correction_id) references corrections (org_id, id)
);
select protect_tenant_table('correction_frozen_facts', 'select, insert');

-- Who did what, when and why.
create table correction_timeline (
  org_id uuid not null,
  correction_id uuid not null,
  -- The version that it led to: one entry for each.
  seq bigint not null check (seq > 0),
  at timestamptz not null,
  actor text not null,
  command text not null,
  -- State and money before (null when it was opened) and after.
  before json,
  after json not null,
  reason text check (length(reason) <= 2000),
  -- What was asked.
  detail json not null,
  primary key (org_id, correction_id, seq),
  foreign key (org_id, correction_id) references corrections (org_id, id)
);
select protect_tenant_table('correction_timeline', 'select, insert');
