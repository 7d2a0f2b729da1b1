-- The roles and the one way in which a tenant table is protected.
--
-- The owner (whoever migrates) owns the tables. The service logs in as leakage_app, which has plain
-- grants, owns nothing and cannot bypass row-level security. In production create leakage_app with a
-- password beforehand; here it is only made sure that it exists.
do $$
begin
  if not exists (select from pg_roles where rolname = 'leakage_app') then
    create role leakage_app login nosuperuser nobypassrls nocreatedb nocreaterole;
  end if;
exception
  -- Two databases of one cluster migrating at once: either one makes it.
  when duplicate_object or unique_violation then null;
end
$$;

grant usage on schema public to leakage_app;

-- Protects a table that has org_id: forced row-level security, one policy, plain grants. Without
-- app.org_id the policy raises an error instead of hiding rows, so that a forgotten scope is seen.
create function protect_tenant_table(tenant_table regclass, privileges text default 'select, insert, update, delete')
returns void
language plpgsql
as $$
begin
  execute format('alter table %s enable row level security', tenant_table);
  execute format('alter table %s force row level security', tenant_table);
  execute format(
    'create policy tenant on %s using (org_id = current_setting(''app.org_id'')::uuid) '
    'with check (org_id = current_setting(''app.org_id'')::uuid)', tenant_table);
  execute format('grant %s on %s to leakage_app', privileges, tenant_table);
end
$$;
revoke execute on function protect_tenant_table(regclass, text) from public;

-- The tenant. Its own org_id is its id, so that it is protected like everything else.
create table organizations (
  org_id uuid primary key,
  name text not null check (length(name) between 1 and 200),
  -- Defaults of new audits: basis, proration, source order; see the API's OrganizationSettings.
  settings jsonb not null default '{}',
  version bigint not null default 1,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
select protect_tenant_table('organizations', 'select, insert, update');
