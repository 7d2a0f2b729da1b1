-- More kinds of records: entries of provisioning logs, entries of directories, vendor price lists, and
-- what sources say of a user. And row tables that take a million rows in seconds.

create table provisioning_events (
  org_id uuid not null,
  import_id uuid not null,
  position integer not null,
  line integer not null,
  client_ref uuid not null,
  product_ref uuid,
  -- The source's own id of the entry: one entry may stand in two files.
  event text,
  at timestamptz not null,
  action text not null check (action in ('assigned', 'removed', 'changed')),
  user_name text,
  actor text,
  automatic boolean not null,
  primary key (org_id, import_id, position)
);
select protect_tenant_table('provisioning_events', 'select, insert');

-- Which id, name and domain belong together, as a list of clients or products says. Rows of their own,
-- not only refs: an import that is voided must say nothing any more.
create table directory_entries (
  org_id uuid not null,
  import_id uuid not null,
  position integer not null,
  line integer not null,
  client_ref uuid,
  product_ref uuid,
  primary key (org_id, import_id, position),
  check (num_nonnulls(client_ref, product_ref) = 1)
);
select protect_tenant_table('directory_entries', 'select, insert');

alter table activities
  add column guest boolean not null default false,
  add column concealed boolean not null default false,
  add column assigned_by text check (assigned_by in ('direct', 'group', 'direct_and_group')),
  add column assigned_on date;

alter table import_terms
  drop constraint import_terms_kind_check,
  add constraint import_terms_kind_check check (kind in ('price', 'rule', 'list_price'));

-- Three foreign keys checked for every row took five sixths of the time of storing it. The statements
-- that write rows check the import and the refs once for a batch instead, and neither can go
-- afterwards: the service's role may delete no import and no ref, nor change what a ref says.
alter table entitlements
  drop constraint entitlements_org_id_import_id_fkey,
  drop constraint entitlements_org_id_client_ref_fkey,
  drop constraint entitlements_org_id_product_ref_fkey;
alter table billing_lines
  drop constraint billing_lines_org_id_import_id_fkey,
  drop constraint billing_lines_org_id_client_ref_fkey,
  drop constraint billing_lines_org_id_product_ref_fkey;
alter table vendor_charges
  drop constraint vendor_charges_org_id_import_id_fkey,
  drop constraint vendor_charges_org_id_client_ref_fkey,
  drop constraint vendor_charges_org_id_product_ref_fkey;
alter table activities
  drop constraint activities_org_id_import_id_fkey,
  drop constraint activities_org_id_client_ref_fkey,
  drop constraint activities_org_id_product_ref_fkey;
revoke update on client_refs, product_refs from leakage_app;
grant update (client_id) on client_refs to leakage_app;

-- What has come out of a job so far, such as rows of a file.
alter table jobs add column progress_rows bigint check (progress_rows >= 0);
