-- What audits said about gaps over time: which months they compared, what is known of each month of each
-- gap, and why a person says that a gap came about.

-- What an audit compared of one client. Without it nobody could tell a month without a gap from a month
-- that nobody looked at.
create table audit_clients (
  org_id uuid not null,
  audit_id uuid not null,
  -- The client's id where it is known, else its folded name; made by the service.
  client_key text not null,
  -- First days of the months that have days which both sides cover.
  compared date[] not null,
  -- Of these, months of which only some days are covered.
  partial date[] not null,
  -- Folded names of products that were not compared, each with the months, or null for all.
  without jsonb not null,
  primary key (org_id, audit_id, client_key),
  foreign key (org_id, audit_id) references audits (org_id, id)
);
create index audit_clients_client on audit_clients (org_id, client_key);
select protect_tenant_table('audit_clients', 'select, insert');

-- What is known of a client's months over all audits: the word of the one that compared it, saw it closed,
-- and knew most. Derived from audit_clients, for reports.
create table client_months (
  org_id uuid not null,
  client_key text not null,
  month date not null,
  client text not null,
  client_id uuid,
  compared boolean not null,
  closed boolean not null,
  known_at timestamptz not null,
  audit_id uuid not null,
  partial boolean not null,
  products_missing boolean not null,
  primary key (org_id, client_key, month),
  foreign key (org_id, audit_id) references audits (org_id, id)
);
select protect_tenant_table('client_months', 'select, insert, update');

-- What is known of a gap's months over all audits, from the first one with a difference on: the word that
-- counts, the first that found a difference, and the first that found none since. Derived from what audits
-- found (audit_gaps) and compared (audit_clients), for reports.
create table gap_months (
  org_id uuid not null,
  gap_id text not null,
  month date not null,
  audit_id uuid not null,
  known_at timestamptz not null,
  closed boolean not null,
  -- Null: compared, and no difference. The figures below are null with it.
  seat_days bigint,
  billable bigint,
  billed bigint,
  -- Minor units; also null where the gap has no currency.
  amount_minor bigint,
  unpriced boolean,
  time_barred boolean,
  assumed boolean,
  first_audit_id uuid,
  first_known_at timestamptz,
  first_closed boolean,
  equal_audit_id uuid,
  equal_known_at timestamptz,
  equal_closed boolean,
  primary key (org_id, gap_id, month),
  foreign key (org_id, gap_id) references gaps (org_id, id)
);
select protect_tenant_table('gap_months', 'select, insert, update');

alter table gaps
  add column client_key text not null default '',
  add column product_key text not null default '',
  -- The first month that ever had a difference.
  add column first_month date,
  -- What the last audit knew: one that is run again as of then is not the last.
  add column last_known_at timestamptz,
  add column root_cause text
    check (root_cause in ('missed_addition', 'missed_removal', 'late_provisioning_notice', 'wrong_mapping',
                          'price_or_term_error', 'allowance_not_applied', 'psa_proration_setting', 'unknown')),
  -- Counts what people say of the gap, for ETag and If-Match.
  add column version bigint not null default 1;
create index gaps_client on gaps (org_id, client_key);

-- Every cause that was set, with who, when and why.
create table gap_root_causes (
  org_id uuid not null,
  gap_id text not null,
  version bigint not null,
  root_cause text not null,
  note text not null check (length(note) between 1 and 2000),
  set_by text not null,
  set_at timestamptz not null,
  primary key (org_id, gap_id, version),
  foreign key (org_id, gap_id) references gaps (org_id, id)
);
select protect_tenant_table('gap_root_causes', 'select, insert');

-- Audits that are there already have said what they found; what they compared without finding anything was
-- not kept. The policies rest while rows of all organizations are read.
alter table gaps no force row level security;
alter table audits no force row level security;
alter table audit_gaps no force row level security;
alter table gap_months no force row level security;

insert into gap_months (org_id, gap_id, month, audit_id, known_at, closed, seat_days, billable, billed,
                        amount_minor, unpriced, time_barred, assumed,
                        first_audit_id, first_known_at, first_closed)
select distinct on (w.org_id, w.gap_id, w.month)
       w.org_id, w.gap_id, w.month, w.audit_id, w.known_at, w.closed, w.seat_days, w.billable, w.billed,
       w.amount_minor, w.unpriced, w.time_barred, w.assumed,
       first_value(w.audit_id) over heard, first_value(w.known_at) over heard, first_value(w.closed) over heard
from (
  select f.org_id, f.gap_id, f.audit_id, u.known_at, d.month,
         not (m.value ->> 'provisional')::boolean as closed,
         round((m.value ->> 'seat_months')::numeric
               * extract(day from d.month + interval '1 month' - interval '1 day'))::bigint as seat_days,
         round((m.value ->> 'billable')::numeric)::bigint as billable,
         round((m.value ->> 'billed')::numeric)::bigint as billed,
         case when g.currency is not null then replace(m.value ->> 'amount', '.', '')::bigint end as amount_minor,
         (m.value ->> 'unpriced')::boolean as unpriced,
         (m.value ->> 'time_barred')::boolean as time_barred,
         (m.value ->> 'assumed')::boolean as assumed
  from audit_gaps f
  join gaps g on g.org_id = f.org_id and g.id = f.gap_id
  join audits u on u.org_id = f.org_id and u.id = f.audit_id
  cross join lateral json_array_elements(f.detail -> 'months') m
  cross join lateral (select to_date(m.value ->> 'month', 'YYYY-MM') as month) d
  where u.status = 'completed'
) w
window heard as (partition by w.org_id, w.gap_id, w.month order by w.known_at, w.audit_id)
order by w.org_id, w.gap_id, w.month, w.closed desc, w.known_at desc, w.audit_id desc;

-- The folded names are put right by the next audit that sees the gap.
update gaps g
set client_key = coalesce(g.client_id::text, lower(g.client)),
    product_key = lower(g.product),
    first_month = (select min(m.month) from gap_months m where m.org_id = g.org_id and m.gap_id = g.id),
    last_known_at = (select u.known_at from audits u where u.org_id = g.org_id and u.id = g.last_audit_id);

alter table gaps force row level security;
alter table audits force row level security;
alter table audit_gaps force row level security;
alter table gap_months force row level security;
