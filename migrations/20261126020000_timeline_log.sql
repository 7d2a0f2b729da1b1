-- Keys that organizations sign with, and the log that cannot be rewritten unseen: a Merkle tree over what was
-- done, with signed checkpoints.

-- Ed25519 key pairs. The private half is sealed with the service's key-encryption secret: whoever reads the
-- database alone cannot sign. Retired keys stay, for what was signed with them is checked with them.
create table signing_keys (
  org_id uuid not null references organizations (org_id),
  id uuid not null,
  public_key bytea not null check (length(public_key) = 32),
  private_key_sealed bytea not null,
  valid_from timestamptz not null,
  retired_at timestamptz check (retired_at >= valid_from),
  created_by text not null,
  primary key (org_id, id)
);
create unique index signing_keys_current on signing_keys (org_id) where retired_at is null;
select protect_tenant_table('signing_keys', 'select, insert');
grant update (retired_at) on signing_keys to leakage_app;

-- The key that turns names of persons into pseudonyms, sealed like the others. It stays when signing keys are
-- rotated, so that a person keeps the pseudonym.
create table pseudonym_keys (
  org_id uuid primary key references organizations (org_id),
  key_sealed bytea not null
);
select protect_tenant_table('pseudonym_keys', 'select, insert');

-- The leaves: hashes of entries, by place from 0. Never changed, and nothing of a person in them: each entry
-- holds a random salt, so that its hash tells nothing of what it said.
create table timeline_log (
  org_id uuid not null references organizations (org_id),
  place bigint not null check (place >= 0),
  leaf bytea not null check (length(leaf) = 32),
  primary key (org_id, place)
);
select protect_tenant_table('timeline_log', 'select, insert');

-- What the entries said: canonical JSON (RFC 8785) of leakage_core::log::TimelineEntry. Erased, when a person
-- asks for it; the leaf stays, and the log can still be checked.
create table timeline_log_entries (
  org_id uuid not null,
  place bigint not null,
  entry text,
  -- The entry of a correction's timeline that it is of.
  correction_id uuid,
  seq bigint,
  erased_at timestamptz,
  primary key (org_id, place),
  foreign key (org_id, place) references timeline_log (org_id, place),
  foreign key (org_id, correction_id, seq) references correction_timeline (org_id, correction_id, seq),
  check ((entry is null) = (erased_at is not null)),
  check ((correction_id is null) = (seq is null))
);
create unique index timeline_log_entries_source on timeline_log_entries (org_id, correction_id, seq)
  where correction_id is not null;
select protect_tenant_table('timeline_log_entries', 'select, insert');
grant update (entry, erased_at) on timeline_log_entries to leakage_app;

create function only_erase_log_entry() returns trigger
language plpgsql
as $$
begin
  if new.entry is not null or old.erased_at is not null
    or (new.org_id, new.place, new.correction_id, new.seq) is distinct from
       (old.org_id, old.place, old.correction_id, old.seq)
  then
    raise exception 'an entry of the log is erased once, and never changed'
      using errcode = 'check_violation', constraint = 'timeline_log_entries_only_erased';
  end if;
  return new;
end
$$;
create trigger only_erase_log_entry before update on timeline_log_entries
  for each row execute function only_erase_log_entry();

-- The right edge of each tree: enough to append. Whoever appends locks it, last of all, until the commit.
create table timeline_log_heads (
  org_id uuid primary key references organizations (org_id),
  size bigint not null check (size >= 0),
  -- Roots of the full trees that make it up, the largest first.
  peaks bytea[] not null
);
select protect_tenant_table('timeline_log_heads', 'select, insert, update');

-- Signed checkpoints (c2sp.org/tlog-checkpoint).
create table timeline_log_checkpoints (
  org_id uuid not null,
  size bigint not null check (size > 0),
  root bytea not null check (length(root) = 32),
  note text not null,
  signing_key_id uuid not null,
  signed_at timestamptz not null,
  primary key (org_id, size),
  foreign key (org_id, signing_key_id) references signing_keys (org_id, id)
);
select protect_tenant_table('timeline_log_checkpoints', 'select, insert');

-- What waits for a worker's next look: checkpoints to sign and bundles to build (`seal`), persons' data to
-- remove (`retain`).
create table evidence_clock (
  organization uuid not null,
  task text not null check (task in ('seal', 'retain')),
  due_at timestamptz not null,
  primary key (organization, task)
);
comment on table evidence_clock is 'system: read by workers before an organization is known; ids only';
create index evidence_clock_due on evidence_clock (due_at);
grant select, insert, update, delete on evidence_clock to leakage_app;
