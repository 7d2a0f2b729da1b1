-- What an erasure reaches beside the rows of imports: letters and to whom they went, what corrections say, the
-- timelines. Digests, dates, amounts and who of the organization acted stay. Texts are changed by an erasure only,
-- and say so.

-- The version of the program that made an audit. None: it was made before this was recorded.
alter table audits add column engine_version text check (length(engine_version) <= 100);

-- Since when a person is erased from a letter; its digest is of the words before.
alter table letters add column erased_at timestamptz;
grant update (subject, body_text, body_html, sections, facts, erased_at) on letters to leakage_app;

create function only_erase_letter() returns trigger
language plpgsql
as $$
begin
  if new.erased_at is null or new.sha256 is distinct from old.sha256 then
    raise exception 'persons are erased from a letter, and nothing else is changed'
      using errcode = 'check_violation', constraint = 'letters_only_erased';
  end if;
  return new;
end
$$;
create trigger only_erase_letter before update on letters
  for each row execute function only_erase_letter();

grant update (recipient) on deliveries to leakage_app;
grant update (detail) on delivery_attempts to leakage_app;
grant update (name, email) on client_contacts to leakage_app;
grant update (file_name, said_by) on correction_confirmations to leakage_app;
grant update (said_by) on correction_disputes to leakage_app;
grant update (reason, document, actor) on correction_entries to leakage_app;
grant update (reason) on correction_waivers to leakage_app;
grant update (entered_by) on correction_receipts to leakage_app;
grant update (value) on import_errors to leakage_app;
grant update (correction) on evidence_bundle_facts to leakage_app;

-- Where facts are only added, a text changes by having a person's name taken out, and in no other way.
create function only_erase_words() returns trigger
language plpgsql
as $$
begin
  if exists (
    select
    from jsonb_each_text(to_jsonb(old)) o
    join jsonb_each_text(to_jsonb(new)) n using (key)
    where o.key = any (tg_argv) and n.value is distinct from o.value and coalesce(n.value, '') not like '%erased-%'
  ) then
    raise exception 'a person is erased from a text, and nothing else is changed'
      using errcode = 'check_violation', constraint = tg_table_name || '_only_erased';
  end if;
  return new;
end
$$;
create trigger only_erase_words before update of recipient on deliveries
  for each row execute function only_erase_words('recipient');
create trigger only_erase_words before update of detail on delivery_attempts
  for each row execute function only_erase_words('detail');
create trigger only_erase_words before update of name, email on client_contacts
  for each row execute function only_erase_words('name', 'email');
create trigger only_erase_words before update of file_name, said_by on correction_confirmations
  for each row execute function only_erase_words('file_name', 'said_by');
create trigger only_erase_words before update of said_by on correction_disputes
  for each row execute function only_erase_words('said_by');
create trigger only_erase_words before update of reason, document, actor on correction_entries
  for each row execute function only_erase_words('reason', 'document', 'actor');
create trigger only_erase_words before update of reason on correction_waivers
  for each row execute function only_erase_words('reason');
create trigger only_erase_words before update of entered_by on correction_receipts
  for each row execute function only_erase_words('entered_by');
create trigger only_erase_words before update of value on import_errors
  for each row execute function only_erase_words('value');

-- The facts behind a message: the digest that was announced stays, of the words before.
alter table correction_frozen_facts add column erased_at timestamptz;
grant update (facts, erased_at) on correction_frozen_facts to leakage_app;

create function only_erase_frozen_facts() returns trigger
language plpgsql
as $$
begin
  if new.erased_at is null then
    raise exception 'persons are erased from frozen facts, and nothing else is changed'
      using errcode = 'check_violation', constraint = 'correction_frozen_facts_only_erased';
  end if;
  return new;
end
$$;
create trigger only_erase_frozen_facts before update on correction_frozen_facts
  for each row execute function only_erase_frozen_facts();

-- What the log still says, the timeline says, too: an entry of the timeline is changed only after what the log said
-- of it was erased. Then there is nothing left to hold it against, and the log names the erasure.
grant update (actor, reason, detail) on correction_timeline to leakage_app;

create function only_erase_timeline() returns trigger
language plpgsql
as $$
begin
  if exists (
    select
    from timeline_log_entries e
    where e.org_id = old.org_id and e.correction_id = old.correction_id and e.seq = old.seq and e.entry is not null
  ) then
    raise exception 'what the log says of an entry is erased first'
      using errcode = 'check_violation', constraint = 'correction_timeline_only_erased';
  end if;
  return new;
end
$$;
create trigger only_erase_timeline before update on correction_timeline
  for each row execute function only_erase_timeline();

-- What names the person and is kept all the same, with the reason.
alter table erasures
  add column kept jsonb not null default '[]',
  -- When one that failed is tried again.
  add column retry_at timestamptz;
grant update (kept, retry_at) on erasures to leakage_app;
create index erasures_failed on erasures (org_id, retry_at) where status = 'failed';

-- Whether every person whom a bundle names is in evidence_bundle_persons. Of bundles that were built before, only some are:
-- the archive is asked.
alter table evidence_bundles add column indexed boolean not null default false;
grant update (indexed) on evidence_bundles to leakage_app;
create index evidence_bundles_unindexed on evidence_bundles (org_id, id)
  where status = 'built' and names = 'full' and not indexed;

-- The archive that is about to be kept, noted before it is: one whose bundle then fails is found and removed.
alter table evidence_bundles add column writing text check (writing ~ '^sha256:[0-9a-f]{64}$');
grant update (writing) on evidence_bundles to leakage_app;
create index evidence_bundles_left on evidence_bundles (org_id, id) where status = 'failed' and writing is not null;

alter table evidence_clock
  drop constraint evidence_clock_task_check,
  add constraint evidence_clock_task_check check (task in ('seal', 'retain', 'tend'));

-- Names are compared by the service alone: a database folds letters by other rules.
drop function words_of(text);

-- An uploaded file can be removed while what was read from it stays.
alter table imports
  add column file_erased_at timestamptz,
  add column file_erased_by text,
  add constraint imports_file_erased check ((file_erased_at is null) = (file_erased_by is null));
create index imports_file on imports (org_id, sha256);
