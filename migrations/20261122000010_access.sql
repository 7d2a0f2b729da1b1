-- People, their sessions, and what belongs to an organization: members, invitations, API keys.

-- ---------------------------------------------------------------------------------------------
-- Before an organization is known
-- ---------------------------------------------------------------------------------------------

create table users (
  id uuid primary key,
  -- As the person gave it, for display and mail.
  email text not null check (length(email) between 3 and 254),
  -- Trimmed and in lower case: what sign-in looks for.
  email_normalized text not null,
  name text not null check (length(name) between 1 and 200),
  -- Argon2id, as a PHC string.
  password_hash text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint users_email_key unique (email_normalized)
);
comment on table users is 'system: people sign in before an organization is known, and belong to several';
grant select, insert, update on users to leakage_app;

create table sessions (
  id uuid primary key,
  user_id uuid not null references users (id),
  -- The organization that the session's access tokens are for, until it switches; null: none.
  organization uuid,
  -- What signed in, as it described itself.
  user_agent text check (length(user_agent) <= 200),
  created_at timestamptz not null,
  -- Last sign-in or refresh: 30 days after it the session ends.
  last_used_at timestamptz not null,
  -- 90 days after the sign-in it ends in any case.
  expires_at timestamptz not null,
  revoked_at timestamptz,
  -- Number of the refresh token that was redeemed last, and which one of that number it was:
  -- see storage::sessions for how the two decide whether a token is used up.
  generation bigint not null,
  redeemed uuid
);
comment on table sessions is 'system: a session belongs to a person and is read before an organization is known';
create index sessions_user on sessions (user_id, id);
grant select, insert, update, delete on sessions to leakage_app;

create table refresh_tokens (
  id uuid primary key,
  session_id uuid not null references sessions (id) on delete cascade,
  generation bigint not null,
  -- SHA-256 of a token of 256 random bits; the token itself is never stored.
  secret_sha256 bytea not null check (length(secret_sha256) = 32),
  created_at timestamptz not null,
  constraint refresh_tokens_secret_key unique (secret_sha256)
);
comment on table refresh_tokens is 'system: redeemed before an organization is known';
create index refresh_tokens_session on refresh_tokens (session_id, generation);
grant select, insert, delete on refresh_tokens to leakage_app;

create table sign_in_failures (
  -- SHA-256 of what is counted: an account from a network, an account, or a network. Hashed, so that
  -- mistyped addresses of strangers are not collected here.
  subject bytea primary key check (length(subject) = 32),
  failures integer not null,
  last_failed_at timestamptz not null
);
comment on table sign_in_failures is 'system: counts failed sign-ins, before anyone is known';
create index sign_in_failures_age on sign_in_failures (last_failed_at);
grant select, insert, update, delete on sign_in_failures to leakage_app;

-- Which organizations a person belongs to. The truth is `memberships` and `organizations`, which
-- row-level security shows one organization at a time; sign-in must know them all before one is
-- chosen. A function with the owner's rights could not read them either (the policy is forced on the
-- owner too), so this is a copy, kept by triggers inside the transaction of every change.
create table user_organizations (
  user_id uuid not null references users (id),
  organization uuid not null,
  organization_name text not null,
  role text not null,
  primary key (user_id, organization)
);
comment on table user_organizations is 'system: sign-in lists a person''s organizations before one is chosen';
create index user_organizations_organization on user_organizations (organization);
grant select, insert, update, delete on user_organizations to leakage_app;

-- ---------------------------------------------------------------------------------------------
-- Inside an organization
-- ---------------------------------------------------------------------------------------------

create table memberships (
  org_id uuid not null references organizations (org_id),
  user_id uuid not null references users (id),
  role text not null check (role in ('owner', 'admin', 'biller', 'account_manager', 'viewer')),
  version bigint not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (org_id, user_id)
);
select protect_tenant_table('memberships');

create table invitations (
  org_id uuid not null references organizations (org_id),
  id uuid not null,
  email text not null check (length(email) between 3 and 254),
  email_normalized text not null,
  role text not null check (role in ('owner', 'admin', 'biller', 'account_manager', 'viewer')),
  -- SHA-256 of the token that was given out.
  secret_sha256 bytea not null check (length(secret_sha256) = 32),
  invited_by uuid not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  accepted_at timestamptz,
  accepted_by uuid references users (id),
  revoked_at timestamptz,
  primary key (org_id, id),
  -- No foreign key to memberships: who invited may have left.
  check (accepted_at is null or revoked_at is null)
);
-- One open invitation for each address; an expired one is revoked when a new one is written.
create unique index invitations_open_email on invitations (org_id, email_normalized)
  where accepted_at is null and revoked_at is null;
select protect_tenant_table('invitations', 'select, insert, update');

create table api_keys (
  org_id uuid not null references organizations (org_id),
  id uuid not null,
  -- The integration; up to two live keys each, so that one can be replaced without a gap.
  name text not null check (length(name) between 1 and 100),
  scopes text[] not null check (cardinality(scopes) > 0),
  -- SHA-256 of the whole key; the key itself is never stored.
  secret_sha256 bytea not null check (length(secret_sha256) = 32),
  -- Its last four characters, so that people recognise it.
  last_four text not null check (length(last_four) = 4),
  created_by uuid not null references users (id),
  created_at timestamptz not null,
  expires_at timestamptz,
  revoked_at timestamptz,
  -- To the quarter of an hour, so that reads do not become writes.
  last_used_at timestamptz,
  primary key (org_id, id)
);
create index api_keys_name on api_keys (org_id, name) where revoked_at is null;
select protect_tenant_table('api_keys', 'select, insert, update');

-- ---------------------------------------------------------------------------------------------
-- The copy that sign-in reads
-- ---------------------------------------------------------------------------------------------

create function copy_membership() returns trigger
language plpgsql
as $$
begin
  if tg_op = 'DELETE' then
    delete from user_organizations where user_id = old.user_id and organization = old.org_id;
    return old;
  end if;
  insert into user_organizations (user_id, organization, organization_name, role)
  select new.user_id, new.org_id, o.name, new.role
  from organizations o
  where o.org_id = new.org_id
  on conflict (user_id, organization) do update set role = excluded.role;
  return new;
end
$$;
create trigger copy_membership after insert or update or delete on memberships
  for each row execute function copy_membership();

create function copy_organization_name() returns trigger
language plpgsql
as $$
begin
  update user_organizations set organization_name = new.name where organization = new.org_id;
  return new;
end
$$;
create trigger copy_organization_name after update of name on organizations
  for each row execute function copy_organization_name();

-- ---------------------------------------------------------------------------------------------
-- Signing up once
-- ---------------------------------------------------------------------------------------------

-- Which organization an Idempotency-Key has signed up, so that a repeated sign-up finds it again. The
-- answer itself holds tokens and is not stored: a repetition gets new ones.
create table sign_up_replays (
  user_id uuid not null references users (id),
  key text not null check (length(key) between 1 and 255),
  -- SHA-256 of the names that were given; never of the password.
  names_sha256 bytea not null check (length(names_sha256) = 32),
  organization uuid not null,
  created_at timestamptz not null,
  primary key (user_id, key)
);
comment on table sign_up_replays is 'system: read before an organization is known';
grant select, insert, delete on sign_up_replays to leakage_app;
