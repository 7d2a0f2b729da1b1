-- Import profiles: how an organization's files of no known format are read, said once by a person.
-- A profile changes and is retired; what an import was read with is kept with the import.

create table import_profiles (
  org_id uuid not null references organizations (org_id),
  id uuid not null,
  name text not null check (length(name) between 1 and 60),
  -- The name of its files' source in audits, made from the name; see leakage_core::ingest::ImportProfile.
  source text not null check (length(source) between 1 and 64),
  kind text not null
    check (kind in ('leakage_entitlements', 'leakage_billing', 'leakage_cost', 'leakage_prices')),
  definition jsonb not null,
  -- Digest of the definition: two profiles with one digest read alike.
  digest text not null check (length(digest) = 71),
  created_by text not null,
  created_at timestamptz not null,
  updated_by text not null,
  updated_at timestamptz not null,
  retired_by text,
  retired_at timestamptz,
  version bigint not null default 1,
  primary key (org_id, id),
  check ((retired_at is null) = (retired_by is null))
);
create unique index import_profiles_source on import_profiles (org_id, source) where retired_at is null;
select protect_tenant_table('import_profiles', 'select, insert, update');

-- The saved profile that an import was read with (the first of several), and all of them with the
-- definitions as they were. The key is not validated over the rows that are there: none has a profile, and
-- a migration acts for no organization, so that row-level security would refuse the look.
alter table imports
  add column profile_id uuid,
  add column profiles jsonb not null default '[]',
  add foreign key (org_id, profile_id) references import_profiles (org_id, id) not valid;
