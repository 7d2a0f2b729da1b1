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

/// Makes others wait who would add what a client has so many of, until the transaction ends.
pub async fn lock(tx: &mut OrgTx, id: ClientId) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    sqlx::query("select from clients where org_id = $1 and id = $2 for no key update")
        .bind(org)
        .bind(id.uuid())
        .execute(tx.conn())
        .await?;
    Ok(())
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

/// All clients.
pub async fn all_ids(tx: &mut OrgTx) -> Result<Vec<Uuid>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_scalar("select id from clients where org_id = $1 order by id")
        .bind(org)
        .fetch_all(tx.conn())
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
    source_id: Option<String>,
    name: Option<String>,
    domain: Option<String>,
}

impl From<RefRow> for ClientRef {
    fn from(row: RefRow) -> Self {
        Self { id: row.source_id, name: row.name, domain: row.domain }
    }
}

/// Ways in which sources name clients, by id.
pub async fn refs_by_id(tx: &mut OrgTx, ids: &[Uuid]) -> Result<HashMap<Uuid, ClientRef>, StorageError> {
    let org = tx.org().uuid();
    let rows: Vec<RefRow> = sqlx::query_as(
        "select id, source_id, name, domain
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

/// All ways in which sources name these clients, by client, oldest first.
pub async fn refs_of(
    tx: &mut OrgTx,
    ids: &[Uuid],
) -> Result<HashMap<ClientId, Vec<ClientRef>>, StorageError> {
    type Row = (Uuid, Option<String>, Option<String>, Option<String>);

    let org = tx.org().uuid();
    let rows: Vec<Row> = sqlx::query_as(
        "select client_id, source_id, name, domain
         from client_refs
         where org_id = $1 and client_id = any($2)
         order by created_at, id",
    )
    .bind(org)
    .bind(ids)
    .fetch_all(tx.conn())
    .await?;
    let mut refs: HashMap<ClientId, Vec<ClientRef>> = HashMap::new();
    for (client, id, name, domain) in rows {
        refs.entry(ClientId::new(client)).or_default().push(ClientRef { id, name, domain });
    }
    Ok(refs)
}
