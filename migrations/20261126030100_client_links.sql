-- A client's links to one correction, and the codes that confirm what is done through them.

create table client_links (
  org_id uuid not null,
  id uuid not null,
  correction_id uuid not null,
  client_id uuid not null,
  -- 'mail': sent by us to the registered contact, and known to nobody else. 'handed_out': given out by a
  -- person, so that anyone could have it.
  channel text not null check (channel in ('mail', 'handed_out')),
  -- The contact that it was mailed to, and the delivery that carried it.
  contact_version integer,
  delivery_id uuid,
  -- What it may be used for.
  allows text[] not null
    check (cardinality(allows) > 0 and allows <@ array['accept', 'dispute', 'plan', 'confirm_waiver']),
  -- SHA-256 of the token that was given out.
  secret_sha256 bytea not null check (length(secret_sha256) = 32),
  created_by text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null check (expires_at > created_at),
  revoked_at timestamptz,
  revoked_by text,
  revoked_why text check (length(revoked_why) <= 300),
  primary key (org_id, id),
  foreign key (org_id, correction_id) references corrections (org_id, id),
  foreign key (org_id, client_id) references clients (org_id, id),
  foreign key (org_id, client_id, contact_version) references client_contacts (org_id, client_id, version),
  foreign key (org_id, delivery_id) references deliveries (org_id, id),
  check ((channel = 'mail') = (contact_version is not null)),
  check ((channel = 'mail') = (delivery_id is not null)),
  check ((revoked_at is null) = (revoked_by is null))
);
create index client_links_correction on client_links (org_id, correction_id, id desc);
create index client_links_live on client_links (org_id, client_id) where revoked_at is null;
select protect_tenant_table('client_links', 'select, insert');
-- A link ends, and nothing else of it changes.
grant update (revoked_at, revoked_by, revoked_why) on client_links to leakage_app;

-- Codes mailed to the registered contact: each for one thing, once, for ten minutes and five tries.
create table client_link_codes (
  org_id uuid not null,
  id uuid not null,
  link_id uuid not null,
  client_id uuid not null,
  contact_version integer not null,
  action text not null check (action in ('accept', 'dispute', 'plan', 'confirm_waiver')),
  -- Number of the waiver that is asked for; 0: nothing of its own.
  about integer not null check (about >= 0),
  -- A PHC string: a code has too few digits for a fast hash.
  code_hash text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  tries integer not null default 0 check (tries between 0 and 5),
  used_at timestamptz,
  primary key (org_id, id),
  foreign key (org_id, link_id) references client_links (org_id, id),
  foreign key (org_id, client_id, contact_version) references client_contacts (org_id, client_id, version)
);
create index client_link_codes_link on client_link_codes (org_id, link_id, id desc);
create index client_link_codes_client on client_link_codes (org_id, client_id, created_at);
select protect_tenant_table('client_link_codes', 'select, insert');
-- A code is tried, and used.
grant update (tries, used_at) on client_link_codes to leakage_app;
