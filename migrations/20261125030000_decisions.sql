-- What an MSP decides: rules, prices, policies, and how a client's seats are shared over its billing
-- entities. Each decision says its days. What it says never changes; it can only be ended, and every state
-- is kept with the time from which it held, so that an audit as known earlier sees the decisions of then.

-- The parts of a client that are billed by themselves. A tenant of one client can be billed to many offices.
create table billing_entities (
  org_id uuid not null references organizations (org_id),
  id uuid not null,
  client_id uuid not null,
  -- As billing lines name it, at first. It stays what gaps are known by.
  first_name text not null check (length(first_name) between 1 and 200),
  name text not null check (length(name) between 1 and 200),
  -- Folded name: case, spaces and punctuation do not count. Made by the service.
  name_key text not null,
  -- The day from which it is billed no more.
  ended_on date,
  changed_by text not null,
  version bigint not null default 1,
  created_by text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (org_id, id),
  constraint billing_entities_of_client unique (org_id, client_id, id),
  constraint billing_entities_name unique (org_id, client_id, name_key),
  foreign key (org_id, client_id) references clients (org_id, id)
);
select protect_tenant_table('billing_entities', 'select, insert');
grant update (name, name_key, ended_on, changed_by, version, updated_at) on billing_entities to leakage_app;

create table billing_entity_states (
  org_id uuid not null,
  billing_entity_id uuid not null,
  version bigint not null,
  name text not null,
  ended_on date,
  changed_by text not null,
  since timestamptz not null,
  primary key (org_id, billing_entity_id, version),
  foreign key (org_id, billing_entity_id) references billing_entities (org_id, id)
);
select protect_tenant_table('billing_entity_states', 'select, insert');

create function keep_billing_entity_state() returns trigger
language plpgsql
as $$
begin
  insert into billing_entity_states (org_id, billing_entity_id, version, name, ended_on, changed_by, since)
  values (new.org_id, new.id, new.version, new.name, new.ended_on, new.changed_by, new.updated_at);
  return null;
end
$$;
create trigger keep_billing_entity_state after insert or update of name, ended_on on billing_entities
  for each row execute function keep_billing_entity_state();

create table decisions (
  org_id uuid not null references organizations (org_id),
  id uuid not null,
  resource text not null check (resource in ('rule', 'price', 'policy', 'allocation')),
  -- Of a rule or an allocation: its kind.
  kind text,
  -- Of one client only; null: of all.
  client_id uuid,
  billing_entity_id uuid,
  -- Folded name of the product that it is for; null: of all. Made by the service.
  product_key text,
  review_date date,
  -- What it says, in the form of its resource; see the API's services.
  detail jsonb not null,
  valid_from date not null,
  -- The day after the last one. Not before valid_from; the same day: it never held.
  valid_until date,
  created_by text not null,
  created_at timestamptz not null,
  changed_by text not null,
  -- Why it was ended.
  end_reason text check (length(end_reason) between 1 and 500),
  version bigint not null default 1,
  updated_at timestamptz not null,
  primary key (org_id, id),
  foreign key (org_id, client_id) references clients (org_id, id),
  -- An allocation's billing entity is one of its client.
  foreign key (org_id, client_id, billing_entity_id) references billing_entities (org_id, client_id, id),
  check (valid_until is null or valid_from <= valid_until),
  check (resource not in ('allocation') or (client_id is not null and billing_entity_id is not null)),
  check ((resource in ('rule', 'allocation')) = (kind is not null))
);
create index decisions_list on decisions (org_id, resource, id);
create index decisions_client on decisions (org_id, client_id, resource, id) where client_id is not null;
create index decisions_review on decisions (org_id, resource, review_date) where review_date is not null;
select protect_tenant_table('decisions', 'select, insert');
grant update (valid_until, changed_by, end_reason, version, updated_at) on decisions to leakage_app;

create table decision_states (
  org_id uuid not null,
  decision_id uuid not null,
  version bigint not null,
  valid_until date,
  changed_by text not null,
  reason text,
  since timestamptz not null,
  primary key (org_id, decision_id, version),
  foreign key (org_id, decision_id) references decisions (org_id, id)
);
select protect_tenant_table('decision_states', 'select, insert');

-- Kept by a trigger, so that no statement that changes a state can forget it.
create function keep_decision_state() returns trigger
language plpgsql
as $$
begin
  insert into decision_states (org_id, decision_id, version, valid_until, changed_by, reason, since)
  values (new.org_id, new.id, new.version, new.valid_until, new.changed_by, new.end_reason, new.updated_at);
  return null;
end
$$;
create trigger keep_decision_state after insert or update of valid_until on decisions
  for each row execute function keep_decision_state();
