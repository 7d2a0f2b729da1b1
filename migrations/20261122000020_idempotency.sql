-- Replies to requests that carried an Idempotency-Key, written with the effect they answer.
create table idempotency_replies (
  org_id uuid not null,
  -- 'user:<id>' or 'api_key:<id>': keys of different callers have nothing to do with each other.
  caller text not null check (length(caller) between 1 and 80),
  key text not null check (length(key) between 1 and 255),
  method text not null,
  path text not null,
  body_sha256 bytea not null check (length(body_sha256) = 32),
  status smallint not null check (status between 200 and 299),
  location text,
  version bigint,
  body jsonb not null,
  created_at timestamptz not null,
  primary key (org_id, caller, key),
  foreign key (org_id) references organizations (org_id)
);
select protect_tenant_table('idempotency_replies');

-- For the removal of what is older than 72 hours.
create index idempotency_replies_by_age on idempotency_replies (org_id, created_at);
