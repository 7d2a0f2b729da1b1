-- Webhooks: where an organization's events are sent, and each event's way there.

create table webhook_endpoints (
  org_id uuid not null references organizations (org_id),
  id uuid not null,
  url text not null check (length(url) between 1 and 2000),
  description text not null check (length(description) <= 200),
  -- Types of events that are sent; null: all.
  event_types text[] check (cardinality(event_types) between 1 and 50),
  status text not null check (status in ('enabled', 'disabled')),
  disabled_reason text check (disabled_reason in ('by_person', 'gone', 'failing')),
  disabled_at timestamptz,
  -- What signs, sealed by the service; the one before signs along for a while.
  secret bytea not null,
  previous_secret bytea,
  previous_until timestamptz,
  -- Nothing is sent before: it did not answer, or asked for less.
  paused_until timestamptz,
  version bigint not null default 1,
  created_by text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (org_id, id),
  check ((status = 'disabled') = (disabled_reason is not null) and (status = 'disabled') = (disabled_at is not null)),
  check ((previous_secret is null) = (previous_until is null))
);
select protect_tenant_table('webhook_endpoints', 'select, insert, delete');
grant update (url, description, event_types, status, disabled_reason, disabled_at, secret, previous_secret, previous_until,
              paused_until, version, updated_at)
  on webhook_endpoints to leakage_app;

-- One event on its way to one endpoint. Written in the transaction that writes the event, so that there is
-- exactly one for both, whatever dies afterwards.
create table webhook_deliveries (
  org_id uuid not null,
  id uuid not null,
  endpoint_id uuid not null,
  -- The event; null: a test.
  sequence bigint,
  status text not null check (status in ('pending', 'delivered', 'failed', 'cancelled')),
  attempts integer not null default 0,
  -- Grows with every claim: an outcome counts only for the claim that it was made under.
  claims bigint not null default 0,
  -- While it is being sent: when others may take it for lost.
  next_attempt_at timestamptz,
  last_attempt_at timestamptz,
  last_status integer,
  last_error text,
  last_answer text,
  delivered_at timestamptz,
  created_at timestamptz not null,
  primary key (org_id, id),
  unique (org_id, endpoint_id, sequence),
  foreign key (org_id, endpoint_id) references webhook_endpoints (org_id, id) on delete cascade,
  foreign key (org_id, sequence) references events (org_id, sequence),
  check ((status = 'pending') = (next_attempt_at is not null)),
  check ((status = 'delivered') = (delivered_at is not null))
);
create index webhook_deliveries_due on webhook_deliveries (org_id, next_attempt_at) where status = 'pending';
create index webhook_deliveries_by_age on webhook_deliveries (org_id, endpoint_id, created_at desc, id desc);
create index webhook_deliveries_sequence on webhook_deliveries (org_id, sequence);
select protect_tenant_table('webhook_deliveries', 'select, insert, delete');
grant update (status, attempts, claims, next_attempt_at, last_attempt_at, last_status, last_error, last_answer, delivered_at)
  on webhook_deliveries to leakage_app;
