-- A page of an audit's gaps is read from where the page before it ended, also when only those of one client
-- or direction are asked for: what is asked for stands with the gap's place in the document.

alter table audit_gaps
  add column client_id uuid,
  add column direction text check (direction in ('under', 'over'));
alter table gaps no force row level security;
alter table audit_gaps no force row level security;
update audit_gaps a
set client_id = g.client_id, direction = g.direction
from gaps g
where g.org_id = a.org_id and g.id = a.gap_id;
alter table gaps force row level security;
alter table audit_gaps force row level security;
create index audit_gaps_client on audit_gaps (org_id, audit_id, client_id, position);
