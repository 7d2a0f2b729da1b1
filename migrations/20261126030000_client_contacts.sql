-- The person of a client whom codes are mailed to: whoever confirms something through the client's link
-- shows with a code that they read the registered contact's mail.

-- Every registered contact that a client ever had. The newest one counts; one without an address says that
-- there is nobody.
create table client_contacts (
  org_id uuid not null,
  client_id uuid not null,
  version integer not null check (version > 0),
  name text check (length(name) between 1 and 200),
  email text check (length(email) between 3 and 240),
  set_by text not null check (length(set_by) between 1 and 300),
  set_at timestamptz not null,
  primary key (org_id, client_id, version),
  unique (org_id, client_id, version, set_by),
  foreign key (org_id, client_id) references clients (org_id, id),
  check ((name is null) = (email is null))
);
select protect_tenant_table('client_contacts', 'select, insert');

-- A second person who stands for a contact. Whoever wrote it cannot.
create table client_contact_approvals (
  org_id uuid not null,
  client_id uuid not null,
  version integer not null,
  set_by text not null,
  approved_by text not null check (length(approved_by) between 1 and 300),
  approved_at timestamptz not null,
  primary key (org_id, client_id, version),
  foreign key (org_id, client_id, version, set_by)
    references client_contacts (org_id, client_id, version, set_by),
  constraint client_contact_approvals_second_person check (approved_by <> set_by)
);
select protect_tenant_table('client_contact_approvals', 'select, insert');
