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

-- Confirmed and proposed "these two are the same", for clients and for products.
create table mappings (
  org_id uuid not null references organizations (org_id),
  id uuid not null,
  side text not null check (side in ('client', 'product')),
  source text not null check (length(source) between 1 and 500),
  target text not null check (length(target) between 1 and 500),
  status text not null check (status in ('proposed', 'approved', 'rejected', 'withdrawn')),
  -- 'proposal' (an audit found it), 'manual' (a person wrote it) or 'import' (a mappings file).
  origin text not null check (origin in ('proposal', 'manual', 'import')),
  import_id uuid,
  -- Of a proposal: 0.00 to 0.99, two digits.
  score numeric(3, 2),
  reasons jsonb not null default '[]',
  valid_from date,
  valid_until date,
  -- Name or address of the person who decided, kept as text: it outlives the account.
  decided_by text,
  decided_at timestamptz,
  version bigint not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (org_id, id),
  check (valid_until is null or valid_from is null or valid_from < valid_until),
  check ((status = 'proposed') = (decided_by is null))
);
-- One open or refused proposal for a pair: an audit that finds it again does not repeat it.
create unique index mappings_proposal on mappings (org_id, side, source, target)
  where origin = 'proposal';
create index mappings_list on mappings (org_id, status, id);
select protect_tenant_table('mappings', 'select, insert, update');
