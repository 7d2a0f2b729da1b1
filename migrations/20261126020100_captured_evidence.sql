-- What vendors' logs and reports said of the seats of a gap when it was found: the vendors' own records age out,
-- and an import can be voided.
create table captured_evidence (
  org_id uuid not null,
  gap_id text not null,
  kind text not null check (kind in ('provisioning', 'activity')),
  -- Keyed digest of all that the row says: the same row of another file counts once.
  content bytea not null check (length(content) = 32),
  import_id uuid not null,
  position integer not null,
  line integer not null,
  -- The audit that captured it.
  audit_id uuid not null,
  captured_at timestamptz not null,
  -- Persons apart from the rest: they can be erased, and nothing else can be changed.
  user_name text,
  actor text,
  -- The canonical record without persons, as leakage_core::records has it.
  record jsonb not null,
  erased_at timestamptz,
  primary key (org_id, gap_id, kind, content),
  foreign key (org_id, gap_id) references gaps (org_id, id),
  foreign key (org_id, import_id) references imports (org_id, id),
  foreign key (org_id, audit_id) references audits (org_id, id),
  check (erased_at is null or (user_name is null and actor is null))
);
create index captured_evidence_age on captured_evidence (org_id, captured_at) where erased_at is null;
select protect_tenant_table('captured_evidence', 'select, insert');
grant update (user_name, actor, erased_at) on captured_evidence to leakage_app;

create function only_erase_captured() returns trigger
language plpgsql
as $$
begin
  if new.user_name is not null or new.actor is not null or new.erased_at is null or old.erased_at is not null then
    raise exception 'captured evidence is erased once, and never changed'
      using errcode = 'check_violation', constraint = 'captured_evidence_only_erased';
  end if;
  return new;
end
$$;
create trigger only_erase_captured before update on captured_evidence
  for each row execute function only_erase_captured();
