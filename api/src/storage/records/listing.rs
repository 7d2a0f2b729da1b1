//! Where the rows of each client stand in an import, noted while they are written.
//!
//! Files are written client by client, so a few runs of positions tell where a client's rows are, and the row
//! tables' own keys find them. An index of clients on each row table would have to take in every row.

use crate::storage::{OrgTx, StorageError};
use leakage_core::id::ImportId;
use std::collections::HashMap;
use std::fmt::Write;
use uuid::Uuid;

/// Runs of a client that are kept apart; more are joined two by two, with what stands between them.
const MOST_RUNS: usize = 2_048;

/// Clients that one statement notes.
const BATCH: usize = 1_000;

/// A client's rows.
#[derive(Debug, Default)]
struct OfClient {
    compared: bool,
    /// First and last positions.
    runs: Vec<(i32, i32)>,
}

/// What the rows of an import name, and where.
#[derive(Debug, Default)]
pub(super) struct Listing {
    clients: HashMap<Uuid, OfClient>,
    products: HashMap<Uuid, bool>,
}

impl Listing {
    /// Notes a row; `compared`: whether it holds seats, a line or a charge.
    pub(super) fn add(&mut self, position: i32, client: Option<Uuid>, product: Option<Uuid>, compared: bool) {
        if let Some(product) = product {
            *self.products.entry(product).or_default() |= compared;
        }
        let Some(client) = client else { return };
        let own = self.clients.entry(client).or_default();
        own.compared |= compared;
        match own.runs.last_mut() {
            Some((_, last)) if *last == position - 1 => *last = position,
            _ => own.runs.push((position, position)),
        }
        if own.runs.len() > MOST_RUNS {
            own.join();
        }
    }

    /// The refs that rows point to.
    pub(super) fn refs(&self) -> (Vec<Uuid>, Vec<Uuid>) {
        (self.clients.keys().copied().collect(), self.products.keys().copied().collect())
    }

    /// Stores it, when the import's rows are stored.
    pub(super) async fn store(&self, tx: &mut OrgTx, import: ImportId) -> Result<(), StorageError> {
        let org = tx.org().uuid();
        let clients: Vec<(&Uuid, &OfClient)> = self.clients.iter().collect();
        for some in clients.chunks(BATCH) {
            sqlx::query(
                "insert into import_clients (org_id, import_id, client_ref, compared, positions)
                 select $1, $2, n.client_ref, n.compared, n.positions::int4multirange
                 from unnest($3::uuid[], $4::bool[], $5::text[]) as n (client_ref, compared, positions)",
            )
            .bind(org)
            .bind(import.uuid())
            .bind(some.iter().map(|(id, _)| **id).collect::<Vec<_>>())
            .bind(some.iter().map(|(_, own)| own.compared).collect::<Vec<_>>())
            .bind(some.iter().map(|(_, own)| own.text()).collect::<Vec<_>>())
            .execute(tx.conn())
            .await?;
        }
        let (products, compared): (Vec<Uuid>, Vec<bool>) = self.products.iter().unzip();
        sqlx::query(
            "insert into import_products (org_id, import_id, product_ref, compared)
             select $1, $2, n.product_ref, n.compared
             from unnest($3::uuid[], $4::bool[]) as n (product_ref, compared)",
        )
        .bind(org)
        .bind(import.uuid())
        .bind(products)
        .bind(compared)
        .execute(tx.conn())
        .await?;
        Ok(())
    }
}

impl OfClient {
    fn join(&mut self) {
        let pairs = self.runs.chunks(2).filter_map(|pair| Some((pair.first()?.0, pair.last()?.1)));
        self.runs = pairs.collect();
    }

    /// As the database writes ranges.
    fn text(&self) -> String {
        let mut text = String::from("{");
        for (index, (first, last)) in self.runs.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            // Writing to a text does not fail.
            let _ = write!(text, "{comma}[{first},{last}]");
        }
        text.push('}');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_hold_every_row_of_a_client_and_stay_few() {
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut listing = Listing::default();
        for position in 0..20_000 {
            let client = if position % 2 == 0 || position < 10 { one } else { other };
            listing.add(position, Some(client), None, true);
        }
        let own = &listing.clients[&one];
        assert!(own.runs.len() <= MOST_RUNS, "{}", own.runs.len());
        let holds = |at: i32| own.runs.iter().any(|(first, last)| (*first..=*last).contains(&at));
        assert!((0..20_000).filter(|at| at % 2 == 0 || *at < 10).all(holds));
        assert!(listing.clients[&other].runs.is_sorted());
    }

    #[test]
    fn rows_that_stand_together_are_one_run() {
        let client = Uuid::from_u128(1);
        let mut listing = Listing::default();
        for position in [0, 1, 2, 7, 8] {
            listing.add(position, Some(client), None, position == 7);
        }
        assert_eq!(listing.clients[&client].text(), "{[0,2],[7,8]}");
        assert!(listing.clients[&client].compared);
    }
}
