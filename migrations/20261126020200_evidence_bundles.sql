-- Evidence bundles: sealed sets of files that prove a correction. The archive is in the object store, under its
-- digest.

create table evidence_bundles (
  org_id uuid not null,
  id uuid not null,
  correction_id uuid not null,
  -- Counts a correction's bundles from 1.
  number integer not null check (number > 0),
  -- The version of the correction whose facts it holds.
  correction_version bigint not null,
  ledger_entries integer not null,
  -- Whether a message to the client rests on it.
  of_message boolean not null,
  names text not null check (names in ('full', 'pseudonymous')),
  status text not null default 'waiting' check (status in ('waiting', 'building', 'built', 'failed', 'erased')),
  predecessor uuid,
  job_id uuid,
  -- What the log says of it: the digest of its facts, and the place of the entry that names it.
  frozen_digest text check (frozen_digest ~ '^sha256:[0-9a-f]{64}$'),
  log_place bigint,
  checkpoint_size bigint,
  -- Of the archive and of its manifest.
  sha256 text check (sha256 ~ '^sha256:[0-9a-f]{64}$'),
  size_bytes bigint,
  manifest_sha256 text check (manifest_sha256 ~ '^sha256:[0-9a-f]{64}$'),
  manifest json,
  problem jsonb,
  created_by text not null,
  created_at timestamptz not null,
  built_at timestamptz,
  erased_at timestamptz,
  erased_because text check (length(erased_because) <= 200),
  version bigint not null default 1,
  primary key (org_id, id),
  unique (org_id, correction_id, number),
  foreign key (org_id, correction_id) references corrections (org_id, id),
  foreign key (org_id, predecessor) references evidence_bundles (org_id, id),
  foreign key (org_id, checkpoint_size) references timeline_log_checkpoints (org_id, size),
  check ((status in ('built', 'erased')) = (sha256 is not null)),
  check ((status = 'erased') = (erased_at is not null))
);
create index evidence_bundles_waiting on evidence_bundles (org_id, created_at) where status = 'waiting' and job_id is null;
create index evidence_bundles_age on evidence_bundles (org_id, built_at) where status = 'built';
select protect_tenant_table('evidence_bundles', 'select, insert');
grant update (status, predecessor, job_id, frozen_digest, log_place, checkpoint_size, sha256, size_bytes,
              manifest_sha256, manifest, problem, built_at, erased_at, erased_because, version)
  on evidence_bundles to leakage_app;

-- A bundle that is built never changes, whoever asks: its content can be erased, and nothing else.
create function keep_evidence_bundle() returns trigger
language plpgsql
as $$
begin
  if tg_op = 'DELETE' then
    raise exception 'evidence bundles stay' using errcode = 'check_violation', constraint = 'evidence_bundles_stay';
  end if;
  if old.status in ('built', 'erased') and (
    old.status <> 'built' or new.status <> 'erased'
    or to_jsonb(new) - array['status', 'erased_at', 'erased_because', 'version']
       is distinct from to_jsonb(old) - array['status', 'erased_at', 'erased_because', 'version'])
  then
    raise exception 'a bundle that is built never changes'
      using errcode = 'check_violation', constraint = 'evidence_bundles_frozen';
  end if;
  if old.frozen_digest is not null
    and (new.frozen_digest, new.log_place) is distinct from (old.frozen_digest, old.log_place)
  then
    raise exception 'facts that are frozen never change'
      using errcode = 'check_violation', constraint = 'evidence_bundles_frozen';
  end if;
  return new;
end
$$;
create trigger keep_evidence_bundle before update or delete on evidence_bundles
  for each row execute function keep_evidence_bundle();

-- What a bundle is made from, until it is made: the correction as it was, then all its facts. Removed when the
-- archive is there, so that names of persons stand in one place less.
create table evidence_bundle_facts (
  org_id uuid not null,
  bundle_id uuid not null,
  correction json not null,
  state text not null,
  facts text,
  primary key (org_id, bundle_id),
  foreign key (org_id, bundle_id) references evidence_bundles (org_id, id)
);
select protect_tenant_table('evidence_bundle_facts', 'select, insert, delete');
grant update (facts) on evidence_bundle_facts to leakage_app;

-- Which persons a bundle names, as keyed digests: enough to find the bundles of a person who asks to be forgotten.
create table evidence_bundle_persons (
  org_id uuid not null,
  person bytea not null check (length(person) = 32),
  bundle_id uuid not null,
  primary key (org_id, person, bundle_id),
  foreign key (org_id, bundle_id) references evidence_bundles (org_id, id)
);
create index evidence_bundle_persons_bundle on evidence_bundle_persons (org_id, bundle_id);
select protect_tenant_table('evidence_bundle_persons', 'select, insert, delete');
