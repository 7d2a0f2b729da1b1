-- Uploaded files and the canonical rows read from them. Facts: rows are only ever added; a voided
-- import keeps its rows and counts no more.

create table imports (
  org_id uuid not null references organizations (org_id),
  id uuid not null,
  -- Order in which this organization learned of its files; the newer of two wins a natural key.
  learned bigint not null generated always as identity,
  status text not null
    check (status in ('processing', 'needs_input', 'refused', 'completed', 'voided')),
  file_name text not null check (length(file_name) between 1 and 300),
  content_type text,
  size_bytes bigint not null check (size_bytes >= 0),
  sha256 text not null check (length(sha256) = 71),
  -- What the uploader said: client, date order, day of the snapshot, whether to go on without the
  -- refused rows. See the API's ImportAnswers.
  answers jsonb not null default '{}',
  -- Digest of file and answers: the same file with the same answers is the same import.
  identity text not null,
  format text,
  sides text[] not null default '{}',
  confidence numeric(3, 2),
  encoding text,
  container text,
  reasons jsonb not null default '[]',
  unknown_columns jsonb not null default '[]',
  notes jsonb not null default '[]',
  questions jsonb not null default '[]',
  snapshot_on date,
  stated_from date,
  stated_until date,
  rows_read bigint not null default 0,
  rows_refused bigint not null default 0,
  records bigint not null default 0,
  -- Whose data may be missing because rows were refused: 'none', 'clients' (listed) or 'all'.
  incomplete text not null default 'none' check (incomplete in ('none', 'clients', 'all')),
  incomplete_clients jsonb not null default '[]',
  -- Of a refused import: the problem's code and text.
  problem jsonb,
  -- The job that reads it; its progress is the import's.
  job_id uuid,
  created_by text not null,
  created_at timestamptz not null,
  completed_at timestamptz,
  void_reason text,
  voided_by text,
  voided_at timestamptz,
  version bigint not null default 1,
  primary key (org_id, id),
  check ((status = 'voided') = (voided_at is not null))
);
create unique index imports_identity on imports (org_id, identity)
  where status in ('processing', 'needs_input', 'completed');
create index imports_list on imports (org_id, created_at desc, id desc);
select protect_tenant_table('imports', 'select, insert, update');

create table import_errors (
  org_id uuid not null,
  import_id uuid not null,
  position integer not null,
  sheet text,
  line integer not null,
  column_name text,
  value text,
  reason text not null,
  primary key (org_id, import_id, position),
  foreign key (org_id, import_id) references imports (org_id, id)
);
-- Answering an import's questions reads the file again: then the earlier errors go.
select protect_tenant_table('import_errors', 'select, insert, delete');

-- The row tables: position is the record's place in the import; one line can give several records.
-- Prices and quantities keep the precision of their source; nothing filters on them.

create table entitlements (
  org_id uuid not null,
  import_id uuid not null,
  position integer not null,
  line integer not null,
  client_ref uuid not null,
  product_ref uuid not null,
  subscription text,
  term text check (term in ('monthly', 'annual', 'triennial')),
  purchased numeric,
  assigned numeric,
  active numeric,
  free boolean not null,
  snapshot boolean not null,
  -- Of a snapshot: its day, if the file states one.
  held_from date,
  held_until date,
  primary key (org_id, import_id, position),
  foreign key (org_id, import_id) references imports (org_id, id),
  foreign key (org_id, client_ref) references client_refs (org_id, id),
  foreign key (org_id, product_ref) references product_refs (org_id, id),
  check (snapshot or held_from is not null)
);
select protect_tenant_table('entitlements', 'select, insert');

create table billing_lines (
  org_id uuid not null,
  import_id uuid not null,
  position integer not null,
  line integer not null,
  client_ref uuid not null,
  product_ref uuid not null,
  billing_entity text,
  agreement text,
  invoice text,
  source_id text,
  term text check (term in ('monthly', 'annual', 'triennial')),
  cycle text not null check (cycle in ('monthly', 'quarterly', 'annual', 'triennial')),
  quantity numeric not null,
  included numeric not null,
  unit_price numeric not null,
  currency text not null check (length(currency) = 3),
  span_from date not null,
  span_until date,
  recurring boolean not null,
  line_type text not null check (line_type in ('regular', 'proration', 'credit', 'one_off')),
  billable boolean not null,
  primary key (org_id, import_id, position),
  foreign key (org_id, import_id) references imports (org_id, id),
  foreign key (org_id, client_ref) references client_refs (org_id, id),
  foreign key (org_id, product_ref) references product_refs (org_id, id)
);
select protect_tenant_table('billing_lines', 'select, insert');

create table vendor_charges (
  org_id uuid not null,
  import_id uuid not null,
  position integer not null,
  line integer not null,
  client_ref uuid not null,
  product_ref uuid not null,
  subscription text,
  invoice text,
  reference text,
  kind text not null check (kind in ('licence', 'usage', 'one_time')),
  charge_type text,
  known_charge_type boolean not null,
  term text check (term in ('monthly', 'annual', 'triennial')),
  cycle text not null check (cycle in ('monthly', 'quarterly', 'annual', 'triennial')),
  quantity numeric not null,
  unit_price numeric not null,
  list_price numeric,
  amount numeric not null,
  currency text not null check (length(currency) = 3),
  span_from date not null,
  span_until date,
  subscription_from date,
  subscription_until date,
  ordered_on date,
  primary key (org_id, import_id, position),
  foreign key (org_id, import_id) references imports (org_id, id),
  foreign key (org_id, client_ref) references client_refs (org_id, id),
  foreign key (org_id, product_ref) references product_refs (org_id, id)
);
select protect_tenant_table('vendor_charges', 'select, insert');

create table activities (
  org_id uuid not null,
  import_id uuid not null,
  position integer not null,
  line integer not null,
  client_ref uuid not null,
  product_ref uuid,
  user_name text not null,
  last_active date,
  as_of date,
  blocked boolean not null,
  deleted boolean not null,
  primary key (org_id, import_id, position),
  foreign key (org_id, import_id) references imports (org_id, id),
  foreign key (org_id, client_ref) references client_refs (org_id, id),
  foreign key (org_id, product_ref) references product_refs (org_id, id)
);
select protect_tenant_table('activities', 'select, insert');

-- Prices and rules from files: few, and read whole.
create table import_terms (
  org_id uuid not null,
  import_id uuid not null,
  position integer not null,
  line integer not null,
  kind text not null check (kind in ('price', 'rule')),
  record jsonb not null,
  primary key (org_id, import_id, position),
  foreign key (org_id, import_id) references imports (org_id, id)
);
select protect_tenant_table('import_terms', 'select, insert');

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
  foreign key (org_id, import_id) references imports (org_id, id),
  check (valid_until is null or valid_from is null or valid_from < valid_until),
  check ((status = 'proposed') = (decided_by is null))
);
-- One open or refused proposal for a pair: an audit that finds it again does not repeat it.
create unique index mappings_proposal on mappings (org_id, side, source, target)
  where origin = 'proposal';
create index mappings_list on mappings (org_id, status, id);
select protect_tenant_table('mappings', 'select, insert, update');
