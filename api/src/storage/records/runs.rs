//! Where rows stand that are wanted: those of some clients, and those that share a key with them.

use crate::storage::{OrgTx, StorageError};
use std::collections::HashSet;
use uuid::Uuid;

/// Runs of positions in imports.
#[derive(Debug, Default)]
pub struct Runs {
    /// The numbers that the imports go by.
    pub(super) sources: Vec<i32>,
    pub(super) imports: Vec<Uuid>,
    pub(super) first: Vec<i32>,
    pub(super) last: Vec<i32>,
}

impl Runs {
    /// Adds a run of the import that goes by this number.
    fn push(&mut self, source: i32, import: Uuid, (first, last): (i32, i32)) {
        self.sources.push(source);
        self.imports.push(import);
        self.first.push(first);
        self.last.push(last);
    }

    /// Those that begin at none of these places.
    #[must_use]
    pub fn without(&self, known: &HashSet<(i32, i32)>) -> Self {
        let mut kept = Self::default();
        let all = self.sources.iter().zip(&self.imports).zip(self.first.iter().zip(&self.last));
        for ((source, import), (first, last)) in all {
            if !known.contains(&(*source, *first)) {
                kept.push(*source, *import, (*first, *last));
            }
        }
        kept
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }
}

/// Where the rows of clients stand: imports, by the numbers that they go by, each with refs of clients.
pub async fn runs_of_clients(
    tx: &mut OrgTx,
    wanted: &[(i32, Uuid, Vec<Uuid>)],
) -> Result<Runs, StorageError> {
    let each =
        || wanted.iter().flat_map(|(source, import, ids)| ids.iter().map(move |id| (source, import, id)));
    let rows: Vec<(i32, Uuid, i32, i32)> = sqlx::query_as(
        "select w.source, d.import_id, lower(u.span), upper(u.span) - 1
         from unnest($2::int[], $3::uuid[], $4::uuid[]) as w (source, import_id, client_ref)
         join import_clients d on d.org_id = $1 and d.import_id = w.import_id and d.client_ref = w.client_ref
         cross join lateral unnest(d.positions) as u (span)
         order by 1, 3",
    )
    .bind(tx.org().uuid())
    .bind(each().map(|(source, _, _)| *source).collect::<Vec<_>>())
    .bind(each().map(|(_, import, _)| *import).collect::<Vec<_>>())
    .bind(each().map(|(_, _, id)| *id).collect::<Vec<_>>())
    .fetch_all(tx.conn())
    .await?;
    let mut runs = Runs::default();
    let mut open: Option<(i32, Uuid, i32, i32)> = None;
    for (source, import, first, last) in rows {
        match &mut open {
            // Runs may lie in each other: those of a client of many rows take others in.
            Some((same, _, _, end)) if *same == source && first <= end.saturating_add(1) => {
                *end = last.max(*end);
            }
            _ => {
                if let Some((source, import, first, last)) = open.replace((source, import, first, last)) {
                    runs.push(source, import, (first, last));
                }
            }
        }
    }
    if let Some((source, import, first, last)) = open {
        runs.push(source, import, (first, last));
    }
    Ok(runs)
}

/// Where rows stand that share a source's own id of a line, or the reference of a charge.
pub async fn runs_of_keys(
    tx: &mut OrgTx,
    imports: &[Uuid],
    source_ids: &[String],
    references: &[String],
) -> Result<Runs, StorageError> {
    let org = tx.org().uuid();
    let mut runs = Runs::default();
    let mut rows: Vec<(Uuid, i32)> = Vec::new();
    if !source_ids.is_empty() {
        rows.extend(
            sqlx::query_as::<_, (Uuid, i32)>(
                "select import_id, position
                 from billing_lines
                 where org_id = $1 and source_id = any($2)",
            )
            .bind(org)
            .bind(source_ids)
            .fetch_all(tx.conn())
            .await?,
        );
    }
    if !references.is_empty() {
        rows.extend(
            sqlx::query_as::<_, (Uuid, i32)>(
                "select import_id, position
                 from vendor_charges
                 where org_id = $1 and import_id = any($2) and reference = any($3)",
            )
            .bind(org)
            .bind(imports)
            .bind(references)
            .fetch_all(tx.conn())
            .await?,
        );
    }
    for (import, position) in rows {
        let place = imports.iter().position(|known| *known == import);
        if let Some(source) = place.and_then(|place| i32::try_from(place).ok()) {
            runs.push(source, import, (position, position));
        }
    }
    Ok(runs)
}
