-- Two times: when a fact was valid, and when it was learned. Imports carry both already; mappings and
-- settings change in place, so each state that they were in is kept here with the time from which it held.

create table mapping_states (
  org_id uuid not null,
  mapping_id uuid not null,
  version bigint not null,
  status text not null check (status in ('proposed', 'approved', 'rejected', 'withdrawn')),
  decided_by text,
  since timestamptz not null,
  primary key (org_id, mapping_id, version),
  foreign key (org_id, mapping_id) references mappings (org_id, id)
);

create table organization_settings_states (
  org_id uuid not null references organizations (org_id),
  version bigint not null,
  settings jsonb not null,
  since timestamptz not null,
  primary key (org_id, version)
);

-- What an audit knew: everything learned up to this instant. Set when it has read its facts.
alter table audits add column known_at timestamptz;

-- The states that hold now are known from when they were made; earlier ones were not kept. The owner is
-- subject to the policies as well, so they rest while rows of all organizations are read.
alter table mappings no force row level security;
alter table organizations no force row level security;
alter table audits no force row level security;
insert into mapping_states (org_id, mapping_id, version, status, decided_by, since)
select org_id, id, version, status, decided_by, coalesce(decided_at, created_at)
from mappings;
insert into organization_settings_states (org_id, version, settings, since)
select org_id, version, settings, updated_at
from organizations;
update audits set known_at = completed_at where status = 'completed';
alter table mappings force row level security;
alter table organizations force row level security;
alter table audits force row level security;
alter table audits add constraint audits_known_at check (status <> 'completed' or known_at is not null);

select protect_tenant_table('mapping_states', 'select, insert');
select protect_tenant_table('organization_settings_states', 'select, insert');

-- Kept by triggers, so that no statement that changes a state can forget it.
create function keep_mapping_state() returns trigger
language plpgsql
as $$
begin
  insert into mapping_states (org_id, mapping_id, version, status, decided_by, since)
  values (new.org_id, new.id, new.version, new.status, new.decided_by, new.updated_at);
  return null;
end
$$;
create trigger keep_mapping_state after insert or update of status on mappings
  for each row execute function keep_mapping_state();

create function keep_organization_settings() returns trigger
language plpgsql
as $$
begin
  insert into organization_settings_states (org_id, version, settings, since)
  values (new.org_id, new.version, new.settings, new.updated_at);
  return null;
end
$$;
create trigger keep_organization_settings after insert or update of settings on organizations
  for each row execute function keep_organization_settings();
