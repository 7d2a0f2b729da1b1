-- What audits find and what is known of it is written by client, and with the gap that it is about: an audit of two
-- million rows finds 20,000 gaps and compares 25,000 months, and wrote a row for each of them in four tables.

-- The policies rest while rows of all organizations are read and written.
alter table gaps no force row level security;
alter table audit_gaps no force row level security;
alter table gap_histories no force row level security;
alter table client_months no force row level security;

-- The gaps that an audit found of one client, as they follow one another in its document. None is checked by itself:
-- the service writes them with the rows of `gaps`, in one transaction.
create table audit_findings (
  org_id uuid not null,
  audit_id uuid not null,
  -- The place of the first of them in the document's list, from 0.
  first_position integer not null,
  -- Which client, as in audit_clients.
  client_key text not null,
  -- Their ids, in order.
  gap_ids text[] not null check (cardinality(gap_ids) between 1 and 32),
  -- What is among them.
  kinds text[] not null,
  directions text[] not null check (directions <@ array['under', 'over']),
  -- A JSON list of the gaps as the document has them, in order. As text, which is not checked as it is written: half
  -- of the time of writing it.
  gaps text not null,
  primary key (org_id, audit_id, first_position),
  foreign key (org_id, audit_id) references audits (org_id, id)
);
create index audit_findings_client on audit_findings (org_id, client_key, audit_id);
select protect_tenant_table('audit_findings', 'select, insert');
-- The largest column is read and written faster where the server was built with lz4.
do $$
begin
  alter table audit_findings alter column gaps set compression lz4;
exception
  when feature_not_supported then null;
end
$$;
alter table audit_findings no force row level security;

with placed as (
  select a.org_id, a.audit_id, a.position, a.gap_id, a.kind, a.detail, g.client_key, g.direction,
         a.position - row_number() over (partition by a.org_id, a.audit_id, g.client_key order by a.position) as run
  from audit_gaps a
  join gaps g on g.org_id = a.org_id and g.id = a.gap_id
), paged as (
  select *, (row_number() over (partition by org_id, audit_id, client_key, run order by position) - 1) / 32 as page
  from placed
)
insert into audit_findings (org_id, audit_id, first_position, client_key, gap_ids, kinds, directions, gaps)
select org_id, audit_id, min(position), client_key, array_agg(gap_id order by position), array_agg(distinct kind),
       array_agg(distinct direction), json_agg(detail order by position)::text
from paged
group by org_id, audit_id, client_key, run, page;

drop table audit_gaps;

-- A gap a row, for statements that look for some of them.
create view audit_gaps with (security_invoker = true) as
select f.org_id, f.audit_id, f.client_key, f.first_position, f.first_position + n.place::integer - 1 as position,
       n.gap_id, f.gaps::json -> (n.place::integer - 1) as detail
from audit_findings f
cross join lateral unnest(f.gap_ids) with ordinality as n (gap_id, place);
grant select on audit_gaps to leakage_app;

-- A gap's months stand with the gap; and where the last audit that saw it tells of it.
alter table gaps
  -- JSON, as text: {"audits": [[id, microseconds since 1970 of what it knew]], "months": [["2026-03",
  --   [place in audits, whether the month was over], first.., equal_since.., found]]}; found is
  --   [seat-days, billable, billed, minor units, 1 unpriced + 2 time-barred + 4 assumed].
  add column history text,
  -- The first_position in audit_findings.
  add column last_findings integer,
  -- Every client key by which audits found it: a client that becomes a resource, or another one, has another key.
  add column client_keys text[],
  -- Gaps are written by the audit that they name, in its own transaction, and audits stay: checked for each of 20,000
  -- gaps this takes half a second.
  drop constraint gaps_org_id_fkey,
  drop constraint gaps_org_id_first_audit_id_fkey,
  drop constraint gaps_org_id_last_audit_id_fkey;
update gaps g
set history = json_build_object('audits', h.history -> 'audits', 'months', (
  select json_agg(json_build_array(
           m -> 'month', m -> 'said', m -> 'first', m -> 'equal_since',
           case when m -> 'found' is not null then json_build_array(
             m #> '{found,seat_days}', m #> '{found,billable}', m #> '{found,billed}', m #> '{found,amount_minor}',
             case when coalesce((m #>> '{found,unpriced}')::boolean, false) then 1 else 0 end
             + case when coalesce((m #>> '{found,time_barred}')::boolean, false) then 2 else 0 end
             + case when coalesce((m #>> '{found,assumed}')::boolean, false) then 4 else 0 end) end)
         order by nth)
  from json_array_elements(h.history -> 'months') with ordinality as n (m, nth)))::text
from gap_histories h
where h.org_id = g.org_id and h.gap_id = g.id;
analyze audit_findings;
update gaps g
set last_findings = a.first_position, client_keys = array[g.client_key]
from audit_gaps a
where a.org_id = g.org_id and a.audit_id = g.last_audit_id and a.gap_id = g.id;
alter table gaps
  alter column last_findings set not null,
  alter column client_keys set not null;
drop table gap_histories;

-- What is known of a client's months over all audits: of each the word of the one that compared it, saw it closed,
-- and knew most. Derived from audit_clients, for reports.
create table client_histories (
  org_id uuid not null references organizations (org_id),
  client_key text not null,
  client text not null,
  client_id uuid,
  -- [{"month": "2026-03", "compared": .., "closed": .., "partial": .., "products_missing": .., "audit": id,
  --   "known_at": microseconds since 1970}]
  months json not null,
  primary key (org_id, client_key)
);
select protect_tenant_table('client_histories', 'select, insert, update');
alter table client_histories no force row level security;
insert into client_histories (org_id, client_key, client, client_id, months)
select org_id, client_key, (array_agg(client order by known_at desc))[1],
       (array_agg(client_id order by known_at desc))[1],
       json_agg(json_build_object('month', to_char(month, 'YYYY-MM'), 'compared', compared, 'closed', closed,
                                  'partial', partial, 'products_missing', products_missing, 'audit', audit_id,
                                  'known_at', (extract(epoch from known_at) * 1000000)::bigint)
                order by month)
from client_months
group by org_id, client_key;
drop table client_months;

alter table gaps force row level security;
alter table audit_findings force row level security;
alter table client_histories force row level security;
