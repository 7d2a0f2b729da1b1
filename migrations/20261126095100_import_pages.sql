-- The rows of imports that are compared, packed by the thousand for audits of all clients. Written with the rows, in one
-- transaction, and never changed. An import that was made before has none, and is read row by row.
create table import_pages (
  org_id uuid not null,
  import_id uuid not null,
  -- The smallest position in it.
  first_position integer not null,
  content bytea not null,
  primary key (org_id, import_id, first_position),
  foreign key (org_id, import_id) references imports (org_id, id)
);
-- It is compressed already.
alter table import_pages alter column content set storage external;
select protect_tenant_table('import_pages', 'select, insert');
