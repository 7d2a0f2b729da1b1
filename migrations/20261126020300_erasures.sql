-- Persons who asked to be forgotten. The name stands here only until it is erased everywhere else.
create table erasures (
  org_id uuid not null references organizations (org_id),
  id uuid not null,
  person text check (length(person) between 3 and 320),
  reason text not null check (length(reason) between 1 and 2000),
  status text not null default 'waiting' check (status in ('waiting', 'erasing', 'erased', 'failed')),
  -- How much was erased, by kind.
  erased jsonb not null default '{}',
  -- Archives that are to be removed from the object store.
  objects text[] not null default '{}',
  -- Imports whose file, as it was uploaded, may still name the person.
  files jsonb not null default '[]',
  problem jsonb,
  job_id uuid,
  requested_by text not null,
  requested_at timestamptz not null,
  erased_at timestamptz,
  primary key (org_id, id),
  check (status <> 'erased' or person is null)
);
create index erasures_list on erasures (org_id, id desc);
select protect_tenant_table('erasures', 'select, insert');
grant update (person, status, erased, objects, files, problem, job_id, erased_at) on erasures to leakage_app;

-- Of the rows of imports, the names of persons can be replaced, and nothing else.
grant update (user_name, actor) on provisioning_events to leakage_app;
grant update (user_name) on activities to leakage_app;
