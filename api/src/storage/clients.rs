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

/// Clients by name, after a place in that order.
pub async fn list(
    tx: &mut OrgTx,
    after: Option<(String, Uuid)>,
    limit: i64,
) -> Result<Vec<ClientRow>, StorageError> {
    let org = tx.org().uuid();
    let (after_key, after_id) = after.unzip();
    Ok(sqlx::query_as(
        "select id, name, domain, origin, version, created_at, updated_at
         from clients
         where org_id = $1 and ($2::text is null or (name_key, id) > ($2, $3))
         order by name_key, id
         limit $4",
    )
    .bind(org)
    .bind(after_key)
    .bind(after_id)
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
         where org_id = $1",
    )
    .bind(org)
    .fetch_all(tx.conn())
    .await?)
}

/// Stores the ways in which a file names its clients and gives the id of each, in the order given.
///
/// A new way belongs to the client that has the same source id, else the same folded name, else to a
/// new client. `new_id` makes ids.
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
        let id = row.id;
        refs.insert(row.into(), id);
    }
    let mut ids = Vec::with_capacity(wanted.len());
    for reference in wanted {
        if let Some(id) = refs.get(reference) {
            ids.push(*id);
            continue;
        }
        let source_key = reference.id.as_ref().map(|id| id.to_lowercase());
        let title = display(reference);
        let name_key = fold(&title);
        let owner = source_key
            .as_ref()
            .and_then(|key| by_source.get(key))
            .or_else(|| by_name.get(&name_key))
            .copied();
        let client = if let Some(client) = owner {
            client
        } else {
            let client = new_id();
            let title: String = title.chars().take(300).collect();
            sqlx::query(
                "insert into clients (org_id, id, name, name_key, domain, origin, created_at, updated_at)
                 values ($1, $2, $3, $4, $5, 'import', $6, $6)",
            )
            .bind(org)
            .bind(client)
            .bind(title)
            .bind(&name_key)
            .bind(&reference.domain)
            .bind(now)
            .execute(tx.conn())
            .await?;
            by_name.insert(name_key, client);
            client
        };
        let id = new_id();
        sqlx::query(
            "insert into client_refs (org_id, id, client_id, source_id, name, domain, created_at)
             values ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(org)
        .bind(id)
        .bind(client)
        .bind(&reference.id)
        .bind(&reference.name)
        .bind(&reference.domain)
        .bind(now)
        .execute(tx.conn())
        .await?;
        if let Some(key) = source_key {
            by_source.insert(key, client);
        }
        refs.insert(reference.clone(), id);
        ids.push(id);
    }
    Ok(ids)
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

/// All ways in which sources name clients, by id.
pub async fn all_refs(tx: &mut OrgTx) -> Result<HashMap<Uuid, ClientRef>, StorageError> {
    Ok(ref_rows(tx).await?.into_iter().map(|row| (row.id, row.into())).collect())
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
