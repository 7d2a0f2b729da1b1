//! Whom and what files name, without their rows: tables `import_clients` and `import_products`.
//!
//! An audit of one client must know all names of all files, and only some of their rows.

use super::super::{OrgTx, StorageError, clients, products};
use leakage_core::audit::LeftOut;
use leakage_core::records::{ClientRef, ProductRef};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use uuid::Uuid;

/// Refs by their ids.
#[derive(Debug, Default)]
pub struct Refs {
    clients: HashMap<Uuid, Arc<ClientRef>>,
    products: HashMap<Uuid, Arc<ProductRef>>,
}

/// The ids of refs that rows point to.
#[derive(Default)]
pub(super) struct Wanted {
    pub clients: HashSet<Uuid>,
    pub products: HashSet<Uuid>,
}

impl Refs {
    /// Loads those that are wanted and no others: an organization has many more than an import.
    pub(super) async fn load(tx: &mut OrgTx, wanted: Wanted) -> Result<Self, StorageError> {
        let clients = clients::refs_by_id(tx, &Vec::from_iter(wanted.clients)).await?;
        let products = products::by_id(tx, &Vec::from_iter(wanted.products)).await?;
        Ok(Self {
            clients: clients.into_iter().map(|(id, client)| (id, Arc::new(client))).collect(),
            products: products.into_iter().map(|row| (row.id, Arc::new(row.into()))).collect(),
        })
    }

    pub(super) fn client(&self, id: Uuid) -> Result<Arc<ClientRef>, StorageError> {
        self.clients.get(&id).cloned().ok_or(StorageError::Corrupt { column: "client_ref" })
    }

    pub(super) fn product(&self, id: Uuid) -> Result<Arc<ProductRef>, StorageError> {
        self.products.get(&id).cloned().ok_or(StorageError::Corrupt { column: "product_ref" })
    }
}

/// The names of one import: each with whether rows that are compared have it.
#[derive(Debug, Default)]
struct Named {
    clients: Vec<(Uuid, bool)>,
    products: Vec<(Uuid, bool)>,
}

/// What some imports name.
#[derive(Debug, Default)]
pub struct Directory {
    refs: Refs,
    imports: HashMap<Uuid, Named>,
}

impl Directory {
    /// Loads what these imports name.
    pub async fn load(tx: &mut OrgTx, imports: &[Uuid]) -> Result<Self, StorageError> {
        let org = tx.org().uuid();
        let clients: Vec<(Uuid, Uuid, bool)> = sqlx::query_as(
            "select import_id, client_ref, compared
             from import_clients
             where org_id = $1 and import_id = any($2)",
        )
        .bind(org)
        .bind(imports)
        .fetch_all(tx.conn())
        .await?;
        let products: Vec<(Uuid, Uuid, bool)> = sqlx::query_as(
            "select import_id, product_ref, compared
             from import_products
             where org_id = $1 and import_id = any($2)",
        )
        .bind(org)
        .bind(imports)
        .fetch_all(tx.conn())
        .await?;
        let mut named: HashMap<Uuid, Named> = HashMap::new();
        let mut wanted = Wanted::default();
        for (import, client, compared) in clients {
            named.entry(import).or_default().clients.push((client, compared));
            wanted.clients.insert(client);
        }
        for (import, product, compared) in products {
            named.entry(import).or_default().products.push((product, compared));
            wanted.products.insert(product);
        }
        Ok(Self { refs: Refs::load(tx, wanted).await?, imports: named })
    }

    /// The refs behind the names.
    pub const fn refs(&self) -> &Refs {
        &self.refs
    }

    /// How many clients the imports name, each once an import.
    pub fn names(&self) -> usize {
        self.imports.values().map(|named| named.clients.len()).sum()
    }

    /// What an import names.
    pub fn left_out(&self, import: Uuid) -> Result<LeftOut, StorageError> {
        let mut out = LeftOut::default();
        let Some(named) = self.imports.get(&import) else { return Ok(out) };
        for (id, compared) in &named.clients {
            let list = if *compared { &mut out.clients } else { &mut out.others };
            list.push(self.refs.client(*id)?);
        }
        for (id, _) in named.products.iter().filter(|(_, compared)| *compared) {
            out.products.push(self.refs.product(*id)?);
        }
        Ok(out)
    }

    /// The ids of those of these clients that an import names.
    pub fn ids(&self, import: Uuid, wanted: &HashSet<ClientRef>) -> Vec<Uuid> {
        let named = self.imports.get(&import).into_iter().flat_map(|named| &named.clients);
        let ours =
            |id: &&Uuid| self.refs.clients.get(*id).is_some_and(|client| wanted.contains(client.as_ref()));
        named.map(|(id, _)| id).filter(ours).copied().collect()
    }
}
