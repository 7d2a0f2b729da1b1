//! Clients, and the ways in which sources name them.

use super::{OrgTx, StorageError};
use chrono::{DateTime, Utc};
use leakage_core::id::ClientId;
use leakage_core::matching::fold;
use leakage_core::records::ClientRef;
use sqlx::FromRow;
use std::collections::HashMap;
use uuid::Uuid;

/// A client as stored.
#[derive(Clone, Debug, FromRow)]
pub struct ClientRow {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Its domain.
    pub domain: Option<String>,
    /// `import` or `manual`.
    pub origin: String,
    /// For ETag and If-Match.
    pub version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// Why a client could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ClientWriteError {
    /// Another client has this name, apart from case, spaces and punctuation.
    #[error("a client of this name exists")]
    NameTaken,
    /// Anything else.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

fn write_error(error: sqlx::Error) -> ClientWriteError {
    let error = StorageError::from(error);
    match error.constraint() {
        Some("clients_name_key") => ClientWriteError::NameTaken,
        _ => error.into(),
    }
}

/// Adds a client.
pub async fn insert(
    tx: &mut OrgTx,
    id: ClientId,
    name: &str,
    domain: Option<&str>,
    origin: &str,
    now: DateTime<Utc>,
) -> Result<ClientRow, ClientWriteError> {
    let org = tx.org().uuid();
    sqlx::query_as(
        "insert into clients (org_id, id, name, name_key, domain, origin, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $7)
         returning id, name, domain, origin, version, created_at, updated_at",
    )
    .bind(org)
    .bind(id.uuid())
    .bind(name)
    .bind(fold(name))
    .bind(domain)
    .bind(origin)
    .bind(now)
    .fetch_one(tx.conn())
    .await
    .map_err(write_error)
}

/// Changes a client if it still has this version; `None` when it has not, or is not there.
pub async fn update(
    tx: &mut OrgTx,
    id: ClientId,
    version: i64,
    name: &str,
    domain: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Option<ClientRow>, ClientWriteError> {
    let org = tx.org().uuid();
    sqlx::query_as(
        "update clients
         set name = $4, name_key = $5, domain = $6, version = version + 1, updated_at = $7
         where org_id = $1 and id = $2 and version = $3
         returning id, name, domain, origin, version, created_at, updated_at",
    )
    .bind(org)
    .bind(id.uuid())
    .bind(version)
    .bind(name)
    .bind(fold(name))
    .bind(domain)
    .bind(now)
    .fetch_optional(tx.conn())
    .await
    .map_err(write_error)
}

/// One client.
pub async fn find(tx: &mut OrgTx, id: ClientId) -> Result<Option<ClientRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select id, name, domain, origin, version, created_at, updated_at
         from clients
         where org_id = $1 and id = $2",
    )
    .bind(org)
    .bind(id.uuid())
    .fetch_optional(tx.conn())
    .await?)
}

/// The names of these clients.
pub async fn names(tx: &mut OrgTx, ids: &[ClientId]) -> Result<HashMap<ClientId, String>, StorageError> {
    let org = tx.org().uuid();
    let rows: Vec<(Uuid, String)> =
        sqlx::query_as("select id, name from clients where org_id = $1 and id = any($2)")
            .bind(org)
            .bind(ids.iter().map(|id| id.uuid()).collect::<Vec<_>>())
            .fetch_all(tx.conn())
            .await?;
    Ok(rows.into_iter().map(|(id, name)| (ClientId::new(id), name)).collect())
}

/// Clients by name, after this client: its present name tells where it stands.
pub async fn list(tx: &mut OrgTx, after: Option<Uuid>, limit: i64) -> Result<Vec<ClientRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select id, name, domain, origin, version, created_at, updated_at
         from clients
         where org_id = $1
           and ($2::uuid is null
                or name_key > (select name_key from clients where org_id = $1 and id = $2))
         order by name_key
         limit $3",
    )
    .bind(org)
    .bind(after)
    .bind(limit)
    .fetch_all(tx.conn())
    .await?)
}

/// A way in which sources name a client.
#[derive(Clone, Debug, FromRow)]
pub struct ClientRefRow {
    /// The source's id.
    pub source_id: Option<String>,
    /// The name as written.
    pub name: Option<String>,
    /// The domain.
    pub domain: Option<String>,
}

/// The ways in which sources name this client, oldest first, at most `limit`.
pub async fn refs(tx: &mut OrgTx, id: ClientId, limit: i64) -> Result<Vec<ClientRefRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select source_id, name, domain
         from client_refs
         where org_id = $1 and client_id = $2
         order by created_at, id
         limit $3",
    )
    .bind(org)
    .bind(id.uuid())
    .bind(limit)
    .fetch_all(tx.conn())
    .await?)
}

/// One way in which sources name a client, as stored.
#[derive(FromRow)]
struct RefRow {
    id: Uuid,
    client_id: Uuid,
    source_id: Option<String>,
    name: Option<String>,
    domain: Option<String>,
}

impl From<RefRow> for ClientRef {
    fn from(row: RefRow) -> Self {
        Self { id: row.source_id, name: row.name, domain: row.domain }
    }
}

async fn ref_rows(tx: &mut OrgTx) -> Result<Vec<RefRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select id, client_id, source_id, name, domain
         from client_refs
         where org_id = $1
         order by id",
    )
    .bind(org)
    .fetch_all(tx.conn())
    .await?)
}

/// Stores the ways in which a file names its clients and gives the id of each, in the order given.
///
/// A new way belongs to the client that has the same source id, else the same folded name (its own, or one
/// that files have given it), else to a new client. `new_id` makes ids.
pub async fn intern_refs(
    tx: &mut OrgTx,
    wanted: &[ClientRef],
    now: DateTime<Utc>,
    new_id: impl Fn() -> Uuid,
) -> Result<Vec<Uuid>, StorageError> {
    let org = tx.org().uuid();
    // One writer of refs at a time in an organization: two files that both bring a new client must
    // not make two of it.
    sqlx::query("select from organizations where org_id = $1 for no key update")
        .bind(org)
        .execute(tx.conn())
        .await?;
    let known = ref_rows(tx).await?;
    let clients: Vec<(Uuid, String)> = sqlx::query_as(
        "select id, name_key
         from clients
         where org_id = $1",
    )
    .bind(org)
    .fetch_all(tx.conn())
    .await?;
    let mut by_name: HashMap<String, Uuid> = clients.into_iter().map(|(id, key)| (key, id)).collect();
    let mut by_source: HashMap<String, Uuid> = HashMap::new();
    let mut refs: HashMap<ClientRef, Uuid> = HashMap::new();
    for row in known {
        if let Some(source_id) = &row.source_id {
            by_source.insert(source_id.to_lowercase(), row.client_id);
        }
        // A client that was renamed is still the one that files call by its old name.
        if let Some(name) = &row.name {
            by_name.entry(fold(name)).or_insert(row.client_id);
        }
        let id = row.id;
        refs.insert(row.into(), id);
    }
    let mut ids = Vec::with_capacity(wanted.len());
    let (mut new_clients, mut new_refs) = (NewClients::default(), NewRefs::default());
    for reference in wanted {
        if let Some(id) = refs.get(reference) {
            ids.push(*id);
            continue;
        }
        let source_key = reference.id.as_ref().map(|id| id.to_lowercase());
        let title: String = display(reference).chars().take(300).collect();
        let name_key = fold(&title);
        let owner = source_key.as_ref().and_then(|key| by_source.get(key)).or_else(|| by_name.get(&name_key));
        let client = owner.copied().unwrap_or_else(|| {
            let client = new_id();
            new_clients.push(client, title, &name_key, reference.domain.clone());
            by_name.insert(name_key, client);
            client
        });
        let id = new_id();
        new_refs.push(id, client, reference);
        if let Some(key) = source_key {
            by_source.insert(key, client);
        }
        refs.insert(reference.clone(), id);
        ids.push(id);
    }
    new_clients.store(tx, now).await?;
    new_refs.store(tx, now).await?;
    Ok(ids)
}

/// Columns of clients to be added by an import, all in one statement.
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

/// What to call a client that a source names this way.
fn display(reference: &ClientRef) -> String {
    [&reference.name, &reference.domain, &reference.id]
        .into_iter()
        .flatten()
        .find(|text| text.contains(char::is_alphanumeric))
        .cloned()
        .unwrap_or_else(|| "unnamed client".to_owned())
}

/// Ways in which sources name clients, by id.
pub async fn refs_by_id(tx: &mut OrgTx, ids: &[Uuid]) -> Result<HashMap<Uuid, ClientRef>, StorageError> {
    let org = tx.org().uuid();
    let rows: Vec<RefRow> = sqlx::query_as(
        "select id, client_id, source_id, name, domain
         from client_refs
         where org_id = $1 and id = any($2)",
    )
    .bind(org)
    .bind(ids)
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.into())).collect())
}

/// Client ids by folded name and by folded source id: how a gap's client finds its resource.
pub async fn ids_by_name(tx: &mut OrgTx) -> Result<HashMap<String, Uuid>, StorageError> {
    let org = tx.org().uuid();
    let rows: Vec<(Uuid, String, Option<String>, Option<String>)> = sqlx::query_as(
        "select c.id, c.name_key, r.source_id, r.name
         from clients c
         left join client_refs r on r.org_id = c.org_id and r.client_id = c.id
         where c.org_id = $1
         order by c.id",
    )
    .bind(org)
    .fetch_all(tx.conn())
    .await?;
    let mut ids = HashMap::new();
    for (id, key, source, name) in rows {
        ids.insert(key, id);
        for text in [source, name].into_iter().flatten() {
            ids.entry(fold(&text)).or_insert(id);
        }
    }
    Ok(ids)
}
