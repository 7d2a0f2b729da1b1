-- Proposals carry the ids that go by their names, and which seats a mapping counts can be said when it is
-- approved, or later.

alter table mappings
  add column source_ids text[] not null default '{}',
  add column target_ids text[] not null default '{}';

-- The same names can come to stand for more ids: that is another question.
drop index mappings_proposal;
create unique index mappings_proposal on mappings (org_id, side, source, target, source_ids, target_ids)
  where origin = 'proposal';

alter table mapping_states
  add column basis text check (basis in ('purchased', 'assigned', 'active'));
alter table mappings no force row level security;
alter table mapping_states no force row level security;
update mapping_states s
set basis = m.basis
from mappings m
where m.org_id = s.org_id and m.id = s.mapping_id;
alter table mappings force row level security;
alter table mapping_states force row level security;

create or replace function keep_mapping_state() returns trigger
language plpgsql
as $$
begin
  insert into mapping_states (org_id, mapping_id, version, status, decided_by, basis, since)
  values (new.org_id, new.id, new.version, new.status, new.decided_by, new.basis, new.updated_at);
  return null;
end
$$;
drop trigger keep_mapping_state on mappings;
create trigger keep_mapping_state after insert or update of status, basis on mappings
  for each row execute function keep_mapping_state();
