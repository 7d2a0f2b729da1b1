-- Who and what the files speak of.
--
-- A ref is one way in which a source names a client or a product, stored once; rows point to it.
-- A client is the customer behind one or more refs. Names are never keys: a ref belongs to a client
-- by an exact match at import time or by a person's mapping, and audits match again from the refs.

create table clients (
  org_id uuid not null references organizations (org_id),
  id uuid not null,
  name text not null check (length(name) between 1 and 300),
  -- Folded name: case, spaces and punctuation do not count. Made by the service.
  name_key text not null,
  domain text check (length(domain) between 1 and 253),
  -- 'import' (first seen in a file) or 'manual'.
  origin text not null check (origin in ('import', 'manual')),
  version bigint not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (org_id, id),
  constraint clients_name_key unique (org_id, name_key)
);
select protect_tenant_table('clients', 'select, insert, update');

create table client_refs (
  org_id uuid not null,
  id uuid not null,
  client_id uuid not null,
  source_id text,
  name text,
  domain text,
  created_at timestamptz not null,
  primary key (org_id, id),
  constraint client_refs_value unique nulls not distinct (org_id, source_id, name, domain),
  foreign key (org_id, client_id) references clients (org_id, id)
);
create index client_refs_client on client_refs (org_id, client_id);
select protect_tenant_table('client_refs', 'select, insert, update');

create table product_refs (
  org_id uuid not null references organizations (org_id),
  id uuid not null,
  name text,
  sku text,
  part_number text,
  code text,
  created_at timestamptz not null,
  primary key (org_id, id),
  constraint product_refs_value unique nulls not distinct (org_id, name, sku, part_number, code)
);
select protect_tenant_table('product_refs', 'select, insert, update');
