-- Visits by clients' links that were noted within the last hour, so that each network's is noted once. What was
-- noted stands in the timeline; these rows are only remembered for so long.
create table client_link_visits (
  org_id uuid not null,
  link_id uuid not null,
  network text not null check (length(network) between 1 and 100),
  noted_at timestamptz not null,
  primary key (org_id, link_id, network),
  foreign key (org_id, link_id) references client_links (org_id, id)
);
select protect_tenant_table('client_link_visits', 'select, insert, delete');

-- A code can also be about one of several ways to pay.
comment on column client_link_codes.about is
  'number of the waiver that is asked for, or of the way to pay; 0: nothing of its own';
