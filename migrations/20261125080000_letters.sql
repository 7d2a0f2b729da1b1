-- Letters: templates of an organization, letters as written, and what became of sending them.

-- Every version of a template that an organization ever had. The newest one counts; a version without text
-- says that the default counts again. Version 1 is the default itself and is not stored.
create table letter_templates (
  org_id uuid not null references organizations (org_id),
  kind text not null check (length(kind) between 1 and 60),
  version bigint not null check (version > 1),
  template text check (length(template) between 1 and 20000),
  created_by text not null,
  created_at timestamptz not null,
  primary key (org_id, kind, version)
);
select protect_tenant_table('letter_templates', 'select, insert');

-- A letter as it was written. It is never changed: another one is another letter.
create table letters (
  org_id uuid not null references organizations (org_id),
  id uuid not null,
  kind text not null check (length(kind) between 1 and 60),
  -- The correction that it belongs to, where there is one.
  correction_id uuid,
  client_id uuid not null,
  -- The version of the template that it was written with; 1: the default of the program.
  template_version bigint not null,
  subject text not null check (length(subject) between 1 and 2000),
  body_text text not null,
  body_html text not null,
  -- The facts that it was written from.
  -- json, not jsonb: kept as they were, and nothing looks inside.
  facts json not null,
  -- Digest of subject, text and HTML.
  sha256 text not null check (length(sha256) = 71),
  created_by text not null,
  created_at timestamptz not null,
  primary key (org_id, id),
  foreign key (org_id, client_id) references clients (org_id, id)
);
create index letters_list on letters (org_id, created_at desc, id desc);
create index letters_of_client on letters (org_id, client_id, created_at desc, id desc);
create index letters_of_correction on letters (org_id, correction_id, created_at desc, id desc);
select protect_tenant_table('letters', 'select, insert');

-- One letter to one recipient.
create table deliveries (
  org_id uuid not null references organizations (org_id),
  id uuid not null,
  letter_id uuid not null,
  recipient text not null check (length(recipient) between 1 and 320),
  -- Sent by us, or by a person or another system.
  channel text not null check (channel in ('smtp', 'handed_out')),
  status text not null check (status in ('queued', 'sent', 'failed', 'handed_out', 'delivered')),
  -- The same in every attempt, so that a mail program can tell a repetition.
  message_id text,
  -- The digest of the letter that was sent.
  letter_sha256 text not null check (length(letter_sha256) = 71),
  job_id uuid,
  version bigint not null default 1,
  created_by text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  -- When it arrived, as a person says.
  delivered_at timestamptz,
  primary key (org_id, id),
  foreign key (org_id, letter_id) references letters (org_id, id),
  check ((channel = 'smtp') = (message_id is not null))
);
create index deliveries_of_letter on deliveries (org_id, letter_id, created_at, id);
select protect_tenant_table('deliveries', 'select, insert, update');

-- What happened to a delivery. Entries are only added.
create table delivery_attempts (
  org_id uuid not null,
  delivery_id uuid not null,
  position integer not null check (position > 0),
  outcome text not null
    check (outcome in ('queued', 'begun', 'sent', 'refused', 'failed', 'handed_out', 'delivered')),
  -- What the mail server or the person said.
  detail text check (length(detail) <= 1000),
  actor text not null,
  at timestamptz not null,
  primary key (org_id, delivery_id, position),
  foreign key (org_id, delivery_id) references deliveries (org_id, id)
);
select protect_tenant_table('delivery_attempts', 'select, insert');
