//! Rows to records: a page of an import, all of it, or the rows of some clients in many.

use super::super::{OrgTx, StorageError};
use super::directory::{Refs, Wanted};
use super::packed::Pages;
use super::rows::{
    ActivityRow, BillingRow, ChargeRow, DirectoryRow, EntitlementRow, IntoRecord, ProvisioningRow, TermRow,
};
use super::runs::Runs;
use futures_util::TryStreamExt as _;
use leakage_core::id::ImportId;
use leakage_core::records::Sourced;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row};
use uuid::Uuid;

/// A row of one of the tables, as sqlx makes it.
trait OfTable: IntoRecord + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

impl<R: IntoRecord + for<'r> FromRow<'r, PgRow> + Send + Unpin> OfTable for R {}

/// The columns of a table in the order of its row's members.
macro_rules! columns {
    (entitlements) => {
        "position, line, client_ref, product_ref, subscription, term, purchased, assigned, active, free, snapshot,
         held_from, held_until"
    };
    (billing_lines) => {
        "position, line, client_ref, product_ref, billing_entity, agreement, invoice, source_id, term, cycle, quantity,
         included, unit_price, currency, span_from, span_until, recurring, line_type, billable"
    };
    (vendor_charges) => {
        "position, line, client_ref, product_ref, subscription, invoice, reference, kind, charge_type,
         known_charge_type, term, cycle, quantity, unit_price, list_price, amount, currency, span_from, span_until,
         subscription_from, subscription_until, ordered_on"
    };
    (activities) => {
        "position, line, client_ref, product_ref, user_name, last_active, as_of, blocked, deleted, guest, concealed,
         assigned_by, assigned_on, department, licence_group"
    };
    (provisioning_events) => {
        "position, line, client_ref, product_ref, event, at, action, user_name, actor, automatic"
    };
    (directory_entries) => {
        "position, line, client_ref, product_ref"
    };
    (import_terms) => {
        "position, line, kind, record"
    };
}

/// A statement for the rows of an import after a position.
macro_rules! page_of {
    ($table:ident) => {
        concat!(
            "select ",
            columns!($table),
            " from ",
            stringify!($table),
            " where org_id = $1 and import_id = $2 and position > $3 order by position limit $4"
        )
    };
}

/// A statement for all rows of an import. Their order is left to whoever reads them: they stand in order
/// already, and a million rows are not sorted for nothing.
macro_rules! all_of {
    ($table:ident) => {
        concat!(
            "select ",
            columns!($table),
            " from ",
            stringify!($table),
            " where org_id = $1 and import_id = $2"
        )
    };
}

/// A statement for rows in runs of positions: of any client, or of these.
macro_rules! runs_of {
    ($table:ident) => {
        concat!(
            "select e.*, r.source
             from unnest($2::int[], $3::uuid[], $4::int[], $5::int[]) as r (source, import_id, first, last)
             cross join lateral (select ",
            columns!($table),
            " from ",
            stringify!($table),
            " where org_id = $1 and import_id = r.import_id and position >= r.first and position <= r.last
                and ($6::uuid[] is null or client_ref = any($6))
              offset 0) e"
        )
    };
}

async fn page_rows<R: OfTable>(
    tx: &mut OrgTx,
    sql: &'static str,
    (import, after, limit): (ImportId, i32, i64),
    wanted: &mut Wanted,
) -> Result<Vec<R>, StorageError> {
    let org = tx.org().uuid();
    let rows: Vec<R> = sqlx::query_as(sql)
        .bind(org)
        .bind(import.uuid())
        .bind(after)
        .bind(limit)
        .fetch_all(tx.conn())
        .await?;
    for row in &rows {
        let (client, product) = row.refs();
        wanted.clients.extend(client);
        wanted.products.extend(product);
    }
    Ok(rows)
}

fn into_records<R: IntoRecord>(
    rows: Vec<R>,
    refs: &Refs,
    out: &mut Vec<(i32, Sourced)>,
) -> Result<(), StorageError> {
    for row in rows {
        out.push((row.position(), row.into_record(refs)?));
    }
    Ok(())
}

/// The records of one import with their positions, after a position, in the order of the file.
pub async fn page(
    tx: &mut OrgTx,
    import: ImportId,
    after: i32,
    limit: i64,
) -> Result<Vec<(i32, Sourced)>, StorageError> {
    let (mut wanted, place) = (Wanted::default(), (import, after, limit));
    let entitlements: Vec<EntitlementRow> = page_rows(tx, page_of!(entitlements), place, &mut wanted).await?;
    let billing: Vec<BillingRow> = page_rows(tx, page_of!(billing_lines), place, &mut wanted).await?;
    let charges: Vec<ChargeRow> = page_rows(tx, page_of!(vendor_charges), place, &mut wanted).await?;
    let activities: Vec<ActivityRow> = page_rows(tx, page_of!(activities), place, &mut wanted).await?;
    let provisioning: Vec<ProvisioningRow> =
        page_rows(tx, page_of!(provisioning_events), place, &mut wanted).await?;
    let directory: Vec<DirectoryRow> = page_rows(tx, page_of!(directory_entries), place, &mut wanted).await?;
    let terms: Vec<TermRow> = page_rows(tx, page_of!(import_terms), place, &mut wanted).await?;
    let refs = Refs::load(tx, wanted).await?;
    let mut out = Vec::new();
    into_records(entitlements, &refs, &mut out)?;
    into_records(billing, &refs, &mut out)?;
    into_records(charges, &refs, &mut out)?;
    into_records(activities, &refs, &mut out)?;
    into_records(provisioning, &refs, &mut out)?;
    into_records(directory, &refs, &mut out)?;
    into_records(terms, &refs, &mut out)?;
    out.sort_by_key(|(position, _)| *position);
    out.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(out)
}

/// Rows become records as they come: those of a large import are never there twice.
async fn all_rows<R: OfTable>(
    tx: &mut OrgTx,
    sql: &'static str,
    import: ImportId,
    refs: &Refs,
    out: &mut Vec<(i32, Sourced)>,
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    let mut rows = sqlx::query_as::<_, R>(sql).bind(org).bind(import.uuid()).fetch(tx.conn());
    while let Some(row) = rows.try_next().await? {
        out.push((row.position(), row.into_record(refs)?));
    }
    Ok(())
}

/// All rows of one import but its prices, decisions and directory entries, as they come out of the database.
#[derive(Debug)]
pub struct StoredRows {
    pages: Pages,
    /// What is in no page.
    rows: Vec<(i32, Sourced)>,
}

impl StoredRows {
    /// Loads them.
    pub async fn load(tx: &mut OrgTx, import: ImportId, refs: &Refs) -> Result<Self, StorageError> {
        let (pages, mut rows) = (Pages::load(tx, import).await?, Vec::new());
        if pages.len() == 0 {
            all_rows::<EntitlementRow>(tx, all_of!(entitlements), import, refs, &mut rows).await?;
            all_rows::<BillingRow>(tx, all_of!(billing_lines), import, refs, &mut rows).await?;
            all_rows::<ChargeRow>(tx, all_of!(vendor_charges), import, refs, &mut rows).await?;
        }
        all_rows::<ActivityRow>(tx, all_of!(activities), import, refs, &mut rows).await?;
        all_rows::<ProvisioningRow>(tx, all_of!(provisioning_events), import, refs, &mut rows).await?;
        Ok(Self { pages, rows })
    }

    /// The records, in the order of the file. For a million of them this takes long: not for async threads.
    pub fn into_records(self, refs: &Refs, threads: usize) -> Result<Vec<Sourced>, StorageError> {
        let Self { pages, mut rows } = self;
        rows.sort_by_key(|(position, _)| *position);
        let mut rows = rows.into_iter().peekable();
        let mut records = Vec::with_capacity(rows.len());
        pages.unpack(refs, threads, |page| {
            if records.is_empty() {
                // Pages are about as long as the first. Room that is not used costs nothing.
                records.reserve(page.len() * pages.len());
            }
            for (position, record) in page {
                while let Some((_, before)) = rows.next_if(|(before, _)| *before < position) {
                    records.push(before);
                }
                records.push(record);
            }
        })?;
        records.extend(rows.map(|(_, record)| record));
        Ok(records)
    }
}

/// Prices, rules and decisions of imports, and the entries of directories: each with the place of its import
/// in the list, in that order and the order of the files.
pub async fn terms_and_names(
    tx: &mut OrgTx,
    imports: &[Uuid],
    refs: &Refs,
) -> Result<Vec<(usize, Sourced)>, StorageError> {
    let org = tx.org().uuid();
    let mut out: Vec<(i32, i32, Sourced)> = Vec::new();
    let terms: Vec<Placed<TermRow>> = sqlx::query_as(
        "select t.position, t.line, t.kind, t.record, n.source::int as source
         from unnest($2::uuid[]) with ordinality as n (import_id, source)
         join import_terms t on t.org_id = $1 and t.import_id = n.import_id",
    )
    .bind(org)
    .bind(imports)
    .fetch_all(tx.conn())
    .await?;
    placed(terms, refs, &mut out)?;
    let names: Vec<Placed<DirectoryRow>> = sqlx::query_as(
        "select d.position, d.line, d.client_ref, d.product_ref, n.source::int as source
         from unnest($2::uuid[]) with ordinality as n (import_id, source)
         join directory_entries d on d.org_id = $1 and d.import_id = n.import_id",
    )
    .bind(org)
    .bind(imports)
    .fetch_all(tx.conn())
    .await?;
    placed(names, refs, &mut out)?;
    out.sort_by_key(|(source, position, _)| (*source, *position));
    // Counted from 1 by the database.
    let place = |source: i32| usize::try_from(source - 1).unwrap_or(usize::MAX);
    Ok(out.into_iter().map(|(source, _, sourced)| (place(source), sourced)).collect())
}

/// A row with the number that its import goes by in a statement.
struct Placed<R> {
    source: i32,
    row: R,
}

impl<'r, R: FromRow<'r, PgRow>> FromRow<'r, PgRow> for Placed<R> {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self { source: row.try_get("source")?, row: R::from_row(row)? })
    }
}

fn placed<R: IntoRecord>(
    rows: Vec<Placed<R>>,
    refs: &Refs,
    out: &mut Vec<(i32, i32, Sourced)>,
) -> Result<(), StorageError> {
    for Placed { source, row } in rows {
        out.push((source, row.position(), row.into_record(refs)?));
    }
    Ok(())
}

async fn run_rows<R: OfTable>(
    tx: &mut OrgTx,
    sql: &'static str,
    (runs, clients): (&Runs, Option<&[Uuid]>),
    refs: &Refs,
    out: &mut Vec<(i32, i32, Sourced)>,
) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    let rows: Vec<Placed<R>> = sqlx::query_as(sql)
        .bind(org)
        .bind(&runs.sources)
        .bind(&runs.imports)
        .bind(&runs.first)
        .bind(&runs.last)
        .bind(clients)
        .fetch_all(tx.conn())
        .await?;
    placed(rows, refs, out)
}

/// The rows in these runs, of any client or of these: each with the number of its import and its position.
pub async fn in_runs(
    tx: &mut OrgTx,
    runs: &Runs,
    clients: Option<&[Uuid]>,
    refs: &Refs,
) -> Result<Vec<(i32, i32, Sourced)>, StorageError> {
    let (mut out, wanted) = (Vec::new(), (runs, clients));
    if runs.is_empty() {
        return Ok(out);
    }
    run_rows::<EntitlementRow>(tx, runs_of!(entitlements), wanted, refs, &mut out).await?;
    run_rows::<BillingRow>(tx, runs_of!(billing_lines), wanted, refs, &mut out).await?;
    run_rows::<ChargeRow>(tx, runs_of!(vendor_charges), wanted, refs, &mut out).await?;
    run_rows::<ActivityRow>(tx, runs_of!(activities), wanted, refs, &mut out).await?;
    run_rows::<ProvisioningRow>(tx, runs_of!(provisioning_events), wanted, refs, &mut out).await?;
    Ok(out)
}
