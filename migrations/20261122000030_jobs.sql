-- Background work. A job is enqueued in the transaction that causes it.

-- What a job is about and how it goes: the part that its organization sees.
create table jobs (
  org_id uuid not null,
  job_id uuid not null,
  kind text not null,
  -- The import, audit or other thing that it works on.
  subject uuid not null,
  payload jsonb not null default '{}',
  status text not null default 'queued' check (status in ('queued', 'running', 'succeeded', 'failed')),
  attempts integer not null default 0,
  progress_done bigint not null default 0 check (progress_done >= 0),
  -- Unknown until the work has been looked at.
  progress_total bigint check (progress_total >= 0),
  progress_note text,
  result jsonb,
  problem jsonb,
  version bigint not null default 1,
  created_at timestamptz not null,
  started_at timestamptz,
  finished_at timestamptz,
  updated_at timestamptz not null,
  primary key (org_id, job_id),
  foreign key (org_id) references organizations (org_id),
  check ((status in ('succeeded', 'failed')) = (finished_at is not null)),
  check (status <> 'failed' or problem is not null)
);
select protect_tenant_table('jobs');

create index jobs_by_age on jobs (org_id, created_at desc, job_id desc);
create index jobs_by_subject on jobs (org_id, subject);

-- Who works on what. Holds ids only, so that a worker can find work before it knows the organization.
create table job_queue (
  job_id uuid primary key,
  organization uuid not null,
  kind text not null,
  run_at timestamptz not null,
  attempts integer not null default 0,
  -- Grows with every claim. An effect commits only if the number is still the one it was claimed with.
  fence bigint not null default 0,
  -- Claimed until then; null: free.
  lease_until timestamptz,
  -- Given up on; kept to be seen and to be started again by an operator.
  dead_at timestamptz,
  created_at timestamptz not null
)
-- Rows live for seconds and change several times: clean up early.
with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500);
comment on table job_queue is 'system: read by workers before an organization is known; ids only';
grant select, insert, update, delete on job_queue to leakage_app;

create index job_queue_ready on job_queue (run_at) where dead_at is null;
