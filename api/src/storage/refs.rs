//! The ways in which files name clients and products, while an import is stored: each is stored once,
//! and rows point to it.
//!
//! What is known already costs the database nothing; only a batch that brings something new does.

use super::{OrgTx, StorageError, products};
use chrono::{DateTime, Utc};
use leakage_core::matching::fold;
use leakage_core::records::{ClientRef, ProductRef, Record, Sourced};
use sqlx::FromRow;
use std::collections::HashMap;
use std::hash::Hash;
use uuid::Uuid;

/// The refs of an organization, as one import sees them.
#[derive(Debug, Default)]
pub struct Refs {
    clients: HashMap<ClientRef, Uuid>,
    products: HashMap<ProductRef, Uuid>,
    /// Clients by the folded names that they or files give them, and by the ids that sources give them.
    by_name: HashMap<String, Uuid>,
    by_source: HashMap<String, Uuid>,
    /// Nobody else adds refs to this organization until the transaction ends.
    alone: bool,
}

/// A client ref as stored.
#[derive(FromRow)]
struct RefRow {
    id: Uuid,
    client_id: Uuid,
    source_id: Option<String>,
    name: Option<String>,
    domain: Option<String>,
}

impl Refs {
    /// What is known by now.
    pub async fn load(tx: &mut OrgTx) -> Result<Self, StorageError> {
        let org = tx.org().uuid();
        let clients: Vec<(Uuid, String)> =
            sqlx::query_as("select id, name_key from clients where org_id = $1")
                .bind(org)
                .fetch_all(tx.conn())
                .await?;
        let mut refs =
            Self { by_name: clients.into_iter().map(|(id, key)| (key, id)).collect(), ..Self::default() };
        let known: Vec<RefRow> = sqlx::query_as(
            "select id, client_id, source_id, name, domain
             from client_refs
             where org_id = $1
             order by id",
        )
        .bind(org)
        .fetch_all(tx.conn())
        .await?;
        for row in known {
            if let Some(source_id) = &row.source_id {
                refs.by_source.insert(source_id.to_lowercase(), row.client_id);
            }
            // A client that was renamed is still the one that files call by its old name.
            if let Some(name) = &row.name {
                refs.by_name.entry(fold(name)).or_insert(row.client_id);
            }
            refs.clients.insert(ClientRef { id: row.source_id, name: row.name, domain: row.domain }, row.id);
        }
        let products = products::all(tx).await?;
        refs.products = products.into_iter().map(|row| (row.id, ProductRef::from(row))).map(swap).collect();
        Ok(refs)
    }

    /// The id of a client ref that a batch has brought.
    pub fn client(&self, reference: &ClientRef) -> Result<Uuid, StorageError> {
        self.clients.get(reference).copied().ok_or(StorageError::Corrupt { column: "client_ref" })
    }

    /// The id of a product ref that a batch has brought.
    pub fn product(&self, reference: &ProductRef) -> Result<Uuid, StorageError> {
        self.products.get(reference).copied().ok_or(StorageError::Corrupt { column: "product_ref" })
    }

    /// Stores the refs of a batch that are new, in the order in which they come. `new_id` makes ids.
    pub async fn learn(
        &mut self,
        tx: &mut OrgTx,
        records: &[Sourced],
        now: DateTime<Utc>,
        new_id: &impl Fn() -> Uuid,
    ) -> Result<(), StorageError> {
        if !self.knows(records) && !self.alone {
            // Two files that both bring a new client must not make two of it.
            sqlx::query("select pg_advisory_xact_lock(hashtextextended('refs ' || $1::text, 0))")
                .bind(tx.org().uuid())
                .execute(tx.conn())
                .await?;
            *self = Self { alone: true, ..Self::load(tx).await? };
        }
        let (clients, products) = (self.new_clients(records), self.new_products(records));
        if !clients.is_empty() {
            self.add_clients(tx, &clients, now, new_id).await?;
        }
        if !products.is_empty() {
            self.add_products(tx, &products, now, new_id).await?;
        }
        Ok(())
    }

    fn knows(&self, records: &[Sourced]) -> bool {
        records.iter().all(|sourced| {
            let (client, product) = named(&sourced.record);
            client.is_none_or(|client| self.clients.contains_key(client))
                && product.is_none_or(|product| self.products.contains_key(product))
        })
    }

    fn new_clients<'r>(&self, records: &'r [Sourced]) -> Vec<&'r ClientRef> {
        let named = records.iter().filter_map(|sourced| named(&sourced.record).0);
        distinct(named.filter(|client| !self.clients.contains_key(client)))
    }

    fn new_products<'r>(&self, records: &'r [Sourced]) -> Vec<&'r ProductRef> {
        let named = records.iter().filter_map(|sourced| named(&sourced.record).1);
        distinct(named.filter(|product| !self.products.contains_key(product)))
    }

    /// A new way of naming belongs to the client that has the same source id, else the same folded name
    /// (its own, or one that files have given it), else to a new client.
    async fn add_clients(
        &mut self,
        tx: &mut OrgTx,
        wanted: &[&ClientRef],
        now: DateTime<Utc>,
        new_id: &impl Fn() -> Uuid,
    ) -> Result<(), StorageError> {
        let (mut new_clients, mut new_refs) = (NewClients::default(), NewRefs::default());
        for reference in wanted {
            let source_key = reference.id.as_ref().map(|id| id.to_lowercase());
            let title: String = display(reference).chars().take(300).collect();
            let name_key = fold(&title);
            let by_source = source_key.as_ref().and_then(|key| self.by_source.get(key));
            let owner = by_source.or_else(|| self.by_name.get(&name_key)).copied();
            let client = owner.unwrap_or_else(|| {
                let client = new_id();
                new_clients.push(client, title, &name_key, reference.domain.clone());
                self.by_name.insert(name_key, client);
                client
            });
            // The next file may give the name alone.
            if let Some(name) = &reference.name {
                self.by_name.entry(fold(name)).or_insert(client);
            }
            if let Some(key) = source_key {
                self.by_source.insert(key, client);
            }
            let id = new_id();
            new_refs.push(id, client, reference);
            self.clients.insert((*reference).clone(), id);
        }
        new_clients.store(tx, now).await?;
        new_refs.store(tx, now).await
    }

    async fn add_products(
        &mut self,
        tx: &mut OrgTx,
        wanted: &[&ProductRef],
        now: DateTime<Utc>,
        new_id: &impl Fn() -> Uuid,
    ) -> Result<(), StorageError> {
        let ids: Vec<Uuid> = wanted.iter().map(|_| new_id()).collect();
        let column = |pick: fn(&ProductRef) -> &Option<String>| -> Vec<Option<&str>> {
            wanted.iter().map(|reference| pick(reference).as_deref()).collect()
        };
        sqlx::query(
            "insert into product_refs (org_id, id, name, sku, part_number, code, created_at)
             select $1, n.id, n.name, n.sku, n.part_number, n.code, $7
             from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[])
               as n (id, name, sku, part_number, code)",
        )
        .bind(tx.org().uuid())
        .bind(&ids)
        .bind(column(|r| &r.name))
        .bind(column(|r| &r.sku))
        .bind(column(|r| &r.part_number))
        .bind(column(|r| &r.code))
        .bind(now)
        .execute(tx.conn())
        .await?;
        self.products.extend(wanted.iter().map(|reference| (*reference).clone()).zip(ids));
        Ok(())
    }
}

fn swap<A, B>((a, b): (A, B)) -> (B, A) {
    (b, a)
}

/// What a record names. A price list's products are not those of clients.
fn named(record: &Record) -> (Option<&ClientRef>, Option<&ProductRef>) {
    match record {
        Record::ListPrice(_) => (None, None),
        other => (other.client(), other.product()),
    }
}

fn distinct<'r, T: Eq + Hash>(items: impl Iterator<Item = &'r T>) -> Vec<&'r T> {
    let mut seen = std::collections::HashSet::new();
    items.filter(|item| seen.insert(*item)).collect()
}

/// What to call a client that a source names this way.
fn display(reference: &ClientRef) -> String {
    [&reference.name, &reference.domain, &reference.id]
        .into_iter()
        .flatten()
        .find(|text| text.contains(char::is_alphanumeric))
        .cloned()
        .unwrap_or_else(|| "unnamed client".to_owned())
}

/// Columns of clients to be added, all in one statement.
#[derive(Default)]
struct NewClients {
    ids: Vec<Uuid>,
    names: Vec<String>,
    keys: Vec<String>,
    domains: Vec<Option<String>>,
}

impl NewClients {
    fn push(&mut self, id: Uuid, name: String, key: &str, domain: Option<String>) {
        self.ids.push(id);
        self.names.push(name);
        self.keys.push(key.to_owned());
        self.domains.push(domain);
    }

    async fn store(self, tx: &mut OrgTx, now: DateTime<Utc>) -> Result<(), StorageError> {
        let org = tx.org().uuid();
        sqlx::query(
            "insert into clients (org_id, id, name, name_key, domain, origin, created_at, updated_at)
             select $1, n.id, n.name, n.name_key, n.domain, 'import', $6, $6
             from unnest($2::uuid[], $3::text[], $4::text[], $5::text[]) as n (id, name, name_key, domain)",
        )
        .bind(org)
        .bind(self.ids)
        .bind(self.names)
        .bind(self.keys)
        .bind(self.domains)
        .bind(now)
        .execute(tx.conn())
        .await?;
        Ok(())
    }
}

/// Columns of refs to be added, all in one statement.
#[derive(Default)]
struct NewRefs {
    ids: Vec<Uuid>,
    clients: Vec<Uuid>,
    sources: Vec<Option<String>>,
    names: Vec<Option<String>>,
    domains: Vec<Option<String>>,
}

impl NewRefs {
    fn push(&mut self, id: Uuid, client: Uuid, reference: &ClientRef) {
        self.ids.push(id);
        self.clients.push(client);
        self.sources.push(reference.id.clone());
        self.names.push(reference.name.clone());
        self.domains.push(reference.domain.clone());
    }

    async fn store(self, tx: &mut OrgTx, now: DateTime<Utc>) -> Result<(), StorageError> {
        let org = tx.org().uuid();
        sqlx::query(
            "insert into client_refs (org_id, id, client_id, source_id, name, domain, created_at)
             select $1, n.id, n.client_id, n.source_id, n.name, n.domain, $7
             from unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[])
               as n (id, client_id, source_id, name, domain)",
        )
        .bind(org)
        .bind(self.ids)
        .bind(self.clients)
        .bind(self.sources)
        .bind(self.names)
        .bind(self.domains)
        .bind(now)
        .execute(tx.conn())
        .await?;
        Ok(())
    }
}
