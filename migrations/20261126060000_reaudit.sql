-- What an audit of one client needs to be quick: where its rows stand in each import, and whom and what all
-- imports name. Noted once when an import is stored, and never changed.

create table import_clients (
  org_id uuid not null,
  import_id uuid not null,
  client_ref uuid not null,
  -- Whether rows of it are compared (seats, lines, charges); else it is named by users, logs or directories.
  compared boolean not null,
  -- Where its rows stand; between them there may be rows of others.
  positions int4multirange not null,
  primary key (org_id, import_id, client_ref),
  foreign key (org_id, import_id) references imports (org_id, id)
);
select protect_tenant_table('import_clients', 'select, insert');

create table import_products (
  org_id uuid not null,
  import_id uuid not null,
  product_ref uuid not null,
  compared boolean not null,
  primary key (org_id, import_id, product_ref),
  foreign key (org_id, import_id) references imports (org_id, id)
);
select protect_tenant_table('import_products', 'select, insert');

-- A newer line replaces an older one by the source's own id of it, whosever it is by then. Few files have
-- such ids, and those are small beside vendors' files; nothing else of the row tables is indexed.
create index billing_lines_source on billing_lines (org_id, source_id) where source_id is not null;

-- Of the imports that are there already. The policies rest while rows of all organizations are read.
alter table entitlements no force row level security;
alter table billing_lines no force row level security;
alter table vendor_charges no force row level security;
alter table activities no force row level security;
alter table provisioning_events no force row level security;
alter table directory_entries no force row level security;
alter table import_clients no force row level security;
alter table import_products no force row level security;

insert into import_clients (org_id, import_id, client_ref, compared, positions)
select r.org_id, r.import_id, r.client_ref, bool_or(r.compared), range_agg(int4range(r.position, r.position + 1))
from (
  select org_id, import_id, client_ref, position, true as compared from entitlements
  union all
  select org_id, import_id, client_ref, position, true from billing_lines
  union all
  select org_id, import_id, client_ref, position, true from vendor_charges
  union all
  select org_id, import_id, client_ref, position, false from activities
  union all
  select org_id, import_id, client_ref, position, false from provisioning_events
  union all
  select org_id, import_id, client_ref, position, false from directory_entries where client_ref is not null
) r
group by r.org_id, r.import_id, r.client_ref;

insert into import_products (org_id, import_id, product_ref, compared)
select r.org_id, r.import_id, r.product_ref, bool_or(r.compared)
from (
  select org_id, import_id, product_ref, true as compared from entitlements
  union all
  select org_id, import_id, product_ref, true from billing_lines
  union all
  select org_id, import_id, product_ref, true from vendor_charges
  union all
  select org_id, import_id, product_ref, false from activities where product_ref is not null
  union all
  select org_id, import_id, product_ref, false from provisioning_events where product_ref is not null
  union all
  select org_id, import_id, product_ref, false from directory_entries where product_ref is not null
) r
group by r.org_id, r.import_id, r.product_ref;

alter table entitlements force row level security;
alter table billing_lines force row level security;
alter table vendor_charges force row level security;
alter table activities force row level security;
alter table provisioning_events force row level security;
alter table directory_entries force row level security;
alter table import_clients force row level security;
alter table import_products force row level security;

-- Policies, billing entities, allocations and settled months from files, beside prices and rules.
alter table import_terms
  drop constraint import_terms_kind_check,
  add constraint import_terms_kind_check check (kind in ('price', 'rule', 'list_price', 'decision'));
