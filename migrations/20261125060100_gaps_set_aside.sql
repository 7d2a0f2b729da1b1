-- Gaps that a person has set aside, with a reason, an owner and a day on which to look again. Append-only:
-- the newest word on a gap holds, until its day of review.
create table gap_set_asides (
  org_id uuid not null,
  gap_id text not null,
  set_aside_at timestamptz not null,
  reason text not null check (length(reason) between 1 and 2000),
  owner text not null check (length(owner) between 1 and 300),
  review_on date not null,
  set_aside_by text not null,
  primary key (org_id, gap_id, set_aside_at),
  foreign key (org_id, gap_id) references gaps (org_id, id)
);
select protect_tenant_table('gap_set_asides', 'select, insert');
