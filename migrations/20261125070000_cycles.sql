-- The monthly cycle: when clients are invoiced and what must be imported before, where each client stands
-- in each month, and the log of what happened.

-- Every state of every schedule; the largest version counts. Facts: a change is a new row.
create table reconciliation_schedules (
  org_id uuid not null references organizations (org_id),
  id uuid not null,
  -- Null: the organization's, for all clients without one of their own.
  client_id uuid,
  -- Version 1 is the schedule that nobody has set yet: it is nowhere stored.
  version bigint not null check (version > 1),
  -- As in leakage_core::cycle::Schedule; null: withdrawn, the organization's counts again.
  schedule jsonb,
  set_by text not null,
  set_at timestamptz not null,
  primary key (org_id, id),
  constraint reconciliation_schedules_version unique nulls not distinct (org_id, client_id, version),
  foreign key (org_id, client_id) references clients (org_id, id),
  check (client_id is not null or schedule is not null)
);
select protect_tenant_table('reconciliation_schedules', 'select, insert');

-- When an organization's cycles are looked at next, whatever is imported meanwhile.
create table cycle_clock (
  organization uuid primary key,
  due_at timestamptz not null
);
comment on table cycle_clock is 'system: read by workers before an organization is known; ids only';
grant select, insert, update on cycle_clock to leakage_app;
create index cycle_clock_due on cycle_clock (due_at);

-- How far each file tells of each client, made once from its rows: a look at a month must not read them.
create table import_reaches (
  org_id uuid not null,
  import_id uuid not null,
  client_ref uuid not null,
  side text not null check (side in ('entitlement', 'billing', 'cost')),
  -- First day; null: a snapshot.
  first_day date,
  -- Day after the last one that its rows speak of; null: still so.
  until_day date,
  -- Last day of which it can have known.
  through_day date not null,
  primary key (org_id, import_id, client_ref, side),
  foreign key (org_id, import_id) references imports (org_id, id),
  foreign key (org_id, client_ref) references client_refs (org_id, id)
);
create index import_reaches_through on import_reaches (org_id, through_day);
select protect_tenant_table('import_reaches', 'select, insert');

-- The imports of which that was made, also those that tell nothing of any client.
create table import_reaches_made (
  org_id uuid not null,
  import_id uuid not null,
  made_at timestamptz not null,
  primary key (org_id, import_id),
  foreign key (org_id, import_id) references imports (org_id, id)
);
select protect_tenant_table('import_reaches_made', 'select, insert');

-- Where a client stands in a month's cycle.
create table cycle_clients (
  org_id uuid not null,
  -- First day of the audited month.
  month date not null check (extract(day from month) = 1),
  client_id uuid not null,
  -- The days of the cycle; they stay as they are once the invoice date has passed.
  opens_on date not null,
  due_date date not null,
  invoice_date date not null,
  -- Whether it is in the cycle: its schedule can be disabled, and it can turn out to be another client.
  active boolean not null,
  status text not null check (status in ('waiting', 'due', 'overdue', 'ready', 'audited', 'late')),
  -- Expected imports that are not there: side and source.
  missing jsonb not null default '[]',
  -- The last audit that was started for it by itself.
  audit_id uuid,
  -- Digest of the imports that this audit was started for.
  audit_facts text,
  -- When a mapping had last been decided by then: a client that waits for one is audited again after it.
  audit_mappings timestamptz,
  -- Whether that audit takes in the month's last day.
  audit_closed boolean not null default false,
  -- When an audit first compared the client.
  audited_at timestamptz,
  -- Why the last audit did not compare it.
  not_compared text,
  updated_at timestamptz not null,
  primary key (org_id, month, client_id),
  foreign key (org_id, client_id) references clients (org_id, id),
  foreign key (org_id, audit_id) references audits (org_id, id),
  check (opens_on <= due_date and due_date <= invoice_date)
);
create index cycle_clients_audit on cycle_clients (org_id, audit_id);
create index cycle_clients_client on cycle_clients (org_id, client_id, month);
select protect_tenant_table('cycle_clients', 'select, insert, update');

-- Reminders that were sent.
create table cycle_reminders (
  org_id uuid not null,
  month date not null,
  client_id uuid not null,
  -- Days from the due date, negative before it.
  days_from_due integer not null,
  sent_at timestamptz not null,
  primary key (org_id, month, client_id, days_from_due),
  foreign key (org_id, month, client_id) references cycle_clients (org_id, month, client_id)
);
select protect_tenant_table('cycle_reminders', 'select, insert');

-- The gaps that the audits of a month showed of its clients.
create table cycle_gaps (
  org_id uuid not null,
  month date not null,
  gap_id text not null,
  client_id uuid not null,
  -- The first audit that showed the gap in this month, by itself or run by a person.
  found_at timestamptz not null,
  -- Whether the last audit of the month shows it.
  present boolean not null,
  primary key (org_id, month, gap_id),
  foreign key (org_id, month, client_id) references cycle_clients (org_id, month, client_id),
  foreign key (org_id, gap_id) references gaps (org_id, id)
);
create index cycle_gaps_client on cycle_gaps (org_id, month, client_id);
select protect_tenant_table('cycle_gaps', 'select, insert, update');

-- What was announced of a gap last.
create table cycle_gap_states (
  org_id uuid not null,
  gap_id text not null,
  client_id uuid not null,
  state text not null check (state in ('open', 'closed')),
  updated_at timestamptz not null,
  primary key (org_id, gap_id),
  foreign key (org_id, gap_id) references gaps (org_id, id),
  foreign key (org_id, client_id) references clients (org_id, id)
);
create index cycle_gap_states_client on cycle_gap_states (org_id, client_id);
select protect_tenant_table('cycle_gap_states', 'select, insert, update');

-- What happened, in order. Written in the transaction that causes it; whoever delivers events to others
-- reads them from here by their number. Numbers are given under a lock that is held until the end of the
-- transaction, so no event appears below a number that was read already.
create table event_counters (
  org_id uuid primary key references organizations (org_id),
  last_sequence bigint not null
);
select protect_tenant_table('event_counters', 'select, insert, update');

create table events (
  org_id uuid not null references organizations (org_id),
  sequence bigint not null,
  id uuid not null,
  type text not null check (length(type) between 1 and 60),
  month date,
  client_id uuid,
  audit_id uuid,
  gap_id text,
  -- A few facts; everything else is read from the thing itself.
  data jsonb not null default '{}',
  occurred_at timestamptz not null,
  primary key (org_id, sequence)
);
create index events_type on events (org_id, type, sequence);
select protect_tenant_table('events', 'select, insert');
