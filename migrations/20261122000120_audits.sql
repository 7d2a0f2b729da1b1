-- Audits and the gaps they found. An audit is immutable once completed; a gap's identity (client,
-- billing entity, product, currency, direction) lasts across audits.

create table audits (
  org_id uuid not null references organizations (org_id),
  id uuid not null,
  status text not null check (status in ('running', 'completed', 'failed')),
  from_month date not null,
  to_month date not null,
  as_of date not null,
  -- The request as asked: policy, clients, as in the API's NewAudit.
  request jsonb not null,
  digest text,
  totals jsonb,
  -- The audit document without its gaps; they are in audit_gaps.
  document json,
  gap_count integer,
  unpriced_gaps integer,
  -- Why it failed: a problem's code and text.
  problem jsonb,
  -- The job that runs it; its progress is the audit's.
  job_id uuid not null,
  created_by text not null,
  created_at timestamptz not null,
  completed_at timestamptz,
  primary key (org_id, id),
  check (from_month <= to_month),
  check ((status = 'completed') = (digest is not null))
);
create index audits_list on audits (org_id, created_at desc, id desc);
select protect_tenant_table('audits', 'select, insert, update');

-- The files that an audit read.
create table audit_imports (
  org_id uuid not null,
  audit_id uuid not null,
  import_id uuid not null,
  primary key (org_id, audit_id, import_id),
  foreign key (org_id, audit_id) references audits (org_id, id),
  foreign key (org_id, import_id) references imports (org_id, id)
);
select protect_tenant_table('audit_imports', 'select, insert');

create table gaps (
  org_id uuid not null references organizations (org_id),
  -- Hash of the identity, the same in the command-line document.
  id text not null check (length(id) between 1 and 100),
  client text not null,
  client_id uuid,
  billing_entity text,
  product text not null,
  sku text,
  currency text,
  direction text not null check (direction in ('under', 'over')),
  first_audit_id uuid not null,
  first_seen_at timestamptz not null,
  last_audit_id uuid not null,
  last_seen_at timestamptz not null,
  primary key (org_id, id),
  foreign key (org_id, client_id) references clients (org_id, id),
  foreign key (org_id, first_audit_id) references audits (org_id, id),
  foreign key (org_id, last_audit_id) references audits (org_id, id)
);
create index gaps_list on gaps (org_id, last_seen_at desc, id);
select protect_tenant_table('gaps', 'select, insert, update');

create table audit_gaps (
  org_id uuid not null,
  audit_id uuid not null,
  -- Place in the document.
  position integer not null,
  gap_id text not null,
  kind text not null,
  -- Minor units of the gap's currency; null when unpriced.
  amount_minor bigint,
  -- The gap as the audit document has it.
  -- json, not jsonb: nothing looks inside, and the order of its members is kept.
  detail json not null,
  primary key (org_id, audit_id, position),
  foreign key (org_id, audit_id) references audits (org_id, id),
  foreign key (org_id, gap_id) references gaps (org_id, id)
);
create unique index audit_gaps_gap on audit_gaps (org_id, gap_id, audit_id);
select protect_tenant_table('audit_gaps', 'select, insert');
