#!/bin/bash
# Runs once, when the database's volume is new: the owner, the service's role, and the database.
# Neither is a superuser, neither bypasses row-level security.
set -euo pipefail

: "${LEAKAGE_OWNER_PASSWORD:?}" "${LEAKAGE_APP_PASSWORD:?}"
# psql quotes the passwords itself.
psql --set=ON_ERROR_STOP=1 --no-psqlrc --username "$POSTGRES_USER" --dbname postgres \
  --set=owner_password="$LEAKAGE_OWNER_PASSWORD" --set=app_password="$LEAKAGE_APP_PASSWORD" <<'SQL'
create role leakage_owner login nosuperuser nobypassrls nocreatedb nocreaterole password :'owner_password';
create role leakage_app login nosuperuser nobypassrls nocreatedb nocreaterole password :'app_password';
create database leakage owner leakage_owner template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C.UTF-8';
revoke connect, temporary on database leakage from public;
grant connect, temporary on database leakage to leakage_app;
SQL
