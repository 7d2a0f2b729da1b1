-- A second factor of people: time-based codes (RFC 6238), recovery codes, and sign-ins that wait for a code.

create table second_factors (
  user_id uuid primary key references users (id),
  -- Sealed with the service's key file, for this person.
  secret bytea not null,
  created_at timestamptz not null,
  -- By a first code; null: not in use yet.
  confirmed_at timestamptz,
  -- The time step of the last code that was accepted: no code of it or of an earlier one is accepted again.
  last_step bigint not null default 0
);
comment on table second_factors is 'system: asked for at sign-in, before an organization is known';
grant select, insert, update, delete on second_factors to leakage_app;

create table recovery_codes (
  user_id uuid not null references users (id),
  number integer not null check (number between 1 and 10),
  -- SHA-256 of the person and a code of 80 random bits; the code itself is never stored.
  code_sha256 bytea not null check (length(code_sha256) = 32),
  used_at timestamptz,
  primary key (user_id, number)
);
comment on table recovery_codes is 'system: asked for at sign-in, before an organization is known';
grant select, insert, update, delete on recovery_codes to leakage_app;

-- The password was right; the code is to come.
create table sign_in_challenges (
  id uuid primary key,
  user_id uuid not null references users (id),
  -- SHA-256 of a token of 256 random bits; the token itself is never stored.
  secret_sha256 bytea not null check (length(secret_sha256) = 32),
  -- For which organization the person signs in.
  organization uuid,
  attempts integer not null default 0,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  constraint sign_in_challenges_secret_key unique (secret_sha256)
);
comment on table sign_in_challenges is 'system: redeemed before an organization is known';
create index sign_in_challenges_age on sign_in_challenges (expires_at);
grant select, insert, update, delete on sign_in_challenges to leakage_app;

-- When the session last showed a second factor.
alter table sessions add column second_factor_at timestamptz;

-- What an organization asks for must be known before one is chosen: a copy, as its name is.
alter table user_organizations add column second_factor_required boolean not null default false;

create or replace function copy_membership() returns trigger
language plpgsql
as $$
begin
  if tg_op = 'DELETE' then
    delete from user_organizations where user_id = old.user_id and organization = old.org_id;
    return old;
  end if;
  insert into user_organizations (user_id, organization, organization_name, role, second_factor_required)
  select new.user_id, new.org_id, o.name, new.role,
         coalesce((o.settings ->> 'second_factor_required')::boolean, false)
  from organizations o
  where o.org_id = new.org_id
  on conflict (user_id, organization) do update set role = excluded.role;
  return new;
end
$$;

create function copy_second_factor_required() returns trigger
language plpgsql
as $$
begin
  update user_organizations
  set second_factor_required = coalesce((new.settings ->> 'second_factor_required')::boolean, false)
  where organization = new.org_id;
  return new;
end
$$;
create trigger copy_second_factor_required after update of settings on organizations
  for each row execute function copy_second_factor_required();
