-- What was entered where clients are billed, said back: each document of a correction once. The money itself
-- is in the ledger, which the same transaction writes.

create table correction_receipts (
  org_id uuid not null,
  correction_id uuid not null,
  number integer not null check (number > 0),
  -- Number of the invoice or credit note.
  document text not null check (length(document) between 1 and 500),
  dated_on date not null,
  -- What of it is of the correction, before tax, in the correction's currency.
  minor bigint not null check (minor > 0),
  instalment integer check (instalment > 0),
  -- Ids of its lines there.
  line_ids text[] not null check (cardinality(line_ids) <= 1000),
  -- Who entered it there, as told; who told us is `recorded_by`.
  entered_by text check (length(entered_by) between 1 and 300),
  -- The command that it became; `linked`: the ledger had the document already.
  became text not null check (became in ('bill', 'credit', 'invoice_instalment', 'linked')),
  recorded_by text not null,
  recorded_at timestamptz not null,
  primary key (org_id, correction_id, number),
  -- One document is told once, however often.
  constraint correction_receipts_document unique (org_id, correction_id, document),
  foreign key (org_id, correction_id) references corrections (org_id, id)
);
select protect_tenant_table('correction_receipts', 'select, insert');
