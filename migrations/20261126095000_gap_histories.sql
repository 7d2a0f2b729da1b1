-- What is known of a gap's months moves into one row a gap: an audit of two million rows says something of
-- 200,000 months, and nothing asks for a month without its gap.
create table gap_histories (
  org_id uuid not null,
  gap_id text not null,
  -- {"audits": [[id, microseconds since 1970 of what it knew]], "months": [{"month": "2026-03",
  --   "said": [place in audits, whether the month was over], "first": .., "equal_since": .., "found": {figures}}]}
  history json not null,
  primary key (org_id, gap_id),
  foreign key (org_id, gap_id) references gaps (org_id, id)
);
select protect_tenant_table('gap_histories', 'select, insert, update');

-- The policies rest while rows of all organizations are read and written.
alter table gap_months no force row level security;
alter table gap_histories no force row level security;

with numbered as (
  select m.*, (row_number() over (partition by org_id, gap_id order by month) - 1) * 3 as place
  from gap_months m
), named as (
  select n.org_id, n.gap_id,
         json_agg(json_build_array(w.audit_id, (extract(epoch from w.known_at) * 1000000)::bigint)
                  order by n.place, w.nth) as audits
  from numbered n
  cross join lateral (values (0, n.audit_id, n.known_at),
                             (1, coalesce(n.first_audit_id, n.audit_id), coalesce(n.first_known_at, n.known_at)),
                             (2, coalesce(n.equal_audit_id, n.audit_id), coalesce(n.equal_known_at, n.known_at)))
    as w (nth, audit_id, known_at)
  group by n.org_id, n.gap_id
), listed as (
  select n.org_id, n.gap_id,
         json_agg(json_strip_nulls(json_build_object(
           'month', to_char(n.month, 'YYYY-MM'),
           'said', json_build_array(n.place, n.closed),
           'first', case when n.first_closed is not null then json_build_array(n.place + 1, n.first_closed) end,
           'equal_since', case when n.equal_closed is not null then json_build_array(n.place + 2, n.equal_closed) end,
           'found', case when n.seat_days is not null then json_build_object(
             'seat_days', n.seat_days, 'billable', coalesce(n.billable, 0), 'billed', coalesce(n.billed, 0),
             'amount_minor', n.amount_minor, 'unpriced', coalesce(n.unpriced, false),
             'time_barred', coalesce(n.time_barred, false), 'assumed', coalesce(n.assumed, false)) end))
           order by n.month) as months
  from numbered n
  group by n.org_id, n.gap_id
)
insert into gap_histories (org_id, gap_id, history)
select org_id, gap_id, json_build_object('audits', named.audits, 'months', listed.months)
from named
join listed using (org_id, gap_id);

alter table gap_histories force row level security;
drop table gap_months;

-- The largest column is read and written faster where the server was built with lz4.
do $$
begin
  alter table audit_gaps alter column detail set compression lz4;
exception
  when feature_not_supported then null;
end
$$;
