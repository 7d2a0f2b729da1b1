-- The keys by which gaps are found in what audits compared are folded names, made by the service. Those of gaps
-- that were there before the keys were made here, with lower case only: punctuation, `&`, marks and wide letters
-- stayed, so that a product that an audit did not compare passed for one that it found equal. SQL cannot fold as
-- the service does; the next audit of the organization does it, whether it sees the gap or not.
alter table gaps add column keys_folded boolean not null default false;
create index gaps_unfolded on gaps (org_id, id) where not keys_folded;
