//! What audits compared: of each client which months, and what is known of its months over all audits.

use super::{OrgTx, StorageError};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::history::reports::ClientMonth;
use leakage_core::history::{ComparedClient, ComparedMonth, Said};
use leakage_core::id::{AuditId, ClientId};
use leakage_core::period::{Month, day_after};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::FromRow;
use sqlx::types::Json;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// What an audit compared, with how its clients are told apart.
#[derive(Debug)]
pub struct AuditWords<'a> {
    /// The audit.
    pub audit: AuditId,
    /// What it knew.
    pub known_at: DateTime<Utc>,
    /// By client key.
    pub clients: &'a BTreeMap<String, ComparedClient>,
    /// The resources of these clients, by client key.
    pub client_ids: &'a BTreeMap<String, Uuid>,
}

/// Keeps what an audit compared.
pub async fn insert(tx: &mut OrgTx, words: &AuditWords<'_>) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    let days = |client: &ComparedClient, wanted: fn(&ComparedMonth) -> bool| {
        let months = client.months.iter().filter(|(_, month)| wanted(month));
        let days = months.map(|(month, _)| month.first_day().to_string()).collect::<Vec<_>>();
        format!("{{{}}}", days.join(","))
    };
    let clients = words.clients;
    sqlx::query(
        "insert into audit_clients (org_id, audit_id, client_key, compared, partial, without)
         select $1, $2, n.client_key, n.compared::date[], n.partial::date[], n.without::jsonb
         from unnest($3::text[], $4::text[], $5::text[], $6::text[]) as n (client_key, compared, partial, without)",
    )
    .bind(org)
    .bind(words.audit.uuid())
    .bind(clients.keys().cloned().collect::<Vec<_>>())
    .bind(clients.values().map(|client| days(client, |month| month.compared)).collect::<Vec<_>>())
    .bind(clients.values().map(|client| days(client, |month| month.partial)).collect::<Vec<_>>())
    .bind(clients.values().map(|client| without(client).to_string()).collect::<Vec<_>>())
    .execute(tx.conn())
    .await?;
    keep_months(tx, words).await
}

fn without(client: &ComparedClient) -> Value {
    client.without.iter().map(|(product, months)| (product.clone(), json!(months))).collect()
}

/// What is known of a client's month, as it is kept.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Clone, Copy, Serialize, Deserialize)]
struct StoredMonth {
    month: Month,
    compared: bool,
    closed: bool,
    partial: bool,
    products_missing: bool,
    audit: Uuid,
    /// Microseconds since 1970.
    known_at: i64,
}

impl StoredMonth {
    /// The word that counts is the largest: of the audit that compared the month, saw it closed and knew most.
    const fn rank(&self) -> (bool, bool, i64, Uuid) {
        (self.compared, self.closed, self.known_at, self.audit)
    }
}

/// Months by client key.
async fn stored_months(
    tx: &mut OrgTx,
    client_keys: &[String],
) -> Result<HashMap<String, BTreeMap<Month, StoredMonth>>, StorageError> {
    let rows: Vec<(String, Json<Vec<StoredMonth>>)> = sqlx::query_as(
        "select client_key, months from client_histories where org_id = $1 and client_key = any($2)",
    )
    .bind(tx.org().uuid())
    .bind(client_keys)
    .fetch_all(tx.conn())
    .await?;
    let by_month = |months: Vec<StoredMonth>| months.into_iter().map(|month| (month.month, month)).collect();
    Ok(rows.into_iter().map(|(key, Json(months))| (key, by_month(months))).collect())
}

/// Of each month of each client, keeps the word that counts. The caller holds the organization's lock on gaps.
async fn keep_months(tx: &mut OrgTx, words: &AuditWords<'_>) -> Result<(), StorageError> {
    let keys: Vec<String> = words.clients.keys().cloned().collect();
    let mut known = stored_months(tx, &keys).await?;
    let (mut changed, mut contents) = (Vec::new(), Vec::new());
    for (key, client) in words.clients {
        let months = known.entry(key.clone()).or_default();
        let known_at = words.known_at.timestamp_micros();
        // Who knows more says what the client is called.
        let names = months.values().all(|month| month.known_at <= known_at);
        let mut news = false;
        for (at, month) in &client.months {
            let said = StoredMonth {
                month: *at,
                compared: month.compared,
                closed: month.closed,
                partial: month.partial,
                products_missing: client.lacking(*at) > 0,
                audit: words.audit.uuid(),
                known_at,
            };
            if months.get(at).is_none_or(|known| known.rank() < said.rank()) {
                months.insert(*at, said);
                news = true;
            }
        }
        if news {
            changed.push((key, client, names));
            let months: Vec<&StoredMonth> = months.values().collect();
            contents.push(serde_json::to_string(&months).map_err(|_| DAMAGED)?);
        }
    }
    sqlx::query(
        "insert into client_histories (org_id, client_key, client, client_id, months)
         select $1, n.client_key,
                case when h.client_key is null then n.client else h.client end,
                case when h.client_key is null then n.client_id else h.client_id end, n.months::json
         from unnest($2::text[], $3::text[], $4::uuid[], $5::text[], $6::bool[])
           as n (client_key, client, client_id, months, names)
         left join client_histories h on h.org_id = $1 and h.client_key = n.client_key and not n.names
         on conflict (org_id, client_key) do update
         set client = excluded.client, client_id = excluded.client_id, months = excluded.months",
    )
    .bind(tx.org().uuid())
    .bind(changed.iter().map(|(key, ..)| key.as_str()).collect::<Vec<_>>())
    .bind(changed.iter().map(|(_, client, _)| client.client.as_str()).collect::<Vec<_>>())
    .bind(changed.iter().map(|(key, ..)| words.client_ids.get(*key).copied()).collect::<Vec<_>>())
    .bind(contents)
    .bind(changed.iter().map(|(.., names)| *names).collect::<Vec<_>>())
    .execute(tx.conn())
    .await?;
    Ok(())
}

const DAMAGED: StorageError = StorageError::Corrupt { column: "client_histories.months" };

/// The last month of these clients that any audit compared, by client key.
pub async fn last_months(
    tx: &mut OrgTx,
    client_keys: &[String],
) -> Result<HashMap<String, Month>, StorageError> {
    let known = stored_months(tx, client_keys).await?.into_iter();
    let last = |months: BTreeMap<Month, StoredMonth>| {
        months.into_values().filter(|month| month.compared).map(|month| month.month).max()
    };
    Ok(known.filter_map(|(key, months)| Some((key, last(months)?))).collect())
}

/// What another audit compared of a client.
#[derive(Debug, FromRow)]
pub struct EarlierRow {
    /// The client.
    pub client_key: String,
    /// The audit.
    pub audit_id: Uuid,
    known_at: DateTime<Utc>,
    as_of: NaiveDate,
    compared: Vec<NaiveDate>,
    partial: Vec<NaiveDate>,
    without: Value,
}

impl EarlierRow {
    /// Who speaks about a month, if this audit compared the product in it.
    pub fn said(&self, client: &ComparedClient, product_key: &str, month: Month) -> Option<Said> {
        let month = client.product(product_key, month)?;
        Some(Said { closed: month.closed, known_at: self.known_at, audit: self.audit_id.into() })
    }

    /// As the engine told it then.
    pub fn client(&self) -> Result<ComparedClient, StorageError> {
        client(self.as_of, &self.compared, &self.partial, self.without.clone())
    }
}

/// What an audit that spoke on this day compared of a client.
pub(super) fn client(
    as_of: NaiveDate,
    compared: &[NaiveDate],
    partial: &[NaiveDate],
    without: Value,
) -> Result<ComparedClient, StorageError> {
    let end_of_audit = day_after(as_of);
    let month = |day: &NaiveDate| {
        let at = Month::of(*day);
        let closed = at.end() <= end_of_audit;
        (at, ComparedMonth { compared: true, closed, partial: partial.contains(day) })
    };
    let without: BTreeMap<String, Option<BTreeSet<Month>>> = serde_json::from_value(without)
        .map_err(|_| StorageError::Corrupt { column: "audit_clients.without" })?;
    Ok(ComparedClient { client: String::new(), months: compared.iter().map(month).collect(), without })
}

/// What all other completed audits compared of these clients.
pub async fn of_others(
    tx: &mut OrgTx,
    audit: AuditId,
    client_keys: &[String],
) -> Result<Vec<EarlierRow>, StorageError> {
    let org = tx.org().uuid();
    Ok(sqlx::query_as(
        "select c.client_key, c.audit_id, a.known_at, a.as_of, c.compared, c.partial, c.without
         from audit_clients c
         join audits a on a.org_id = c.org_id and a.id = c.audit_id
         where c.org_id = $1 and c.client_key = any($2) and c.audit_id <> $3
         order by a.known_at, a.id",
    )
    .bind(org)
    .bind(client_keys)
    .bind(audit.uuid())
    .fetch_all(tx.conn())
    .await?)
}

#[derive(FromRow)]
struct HistoryRow {
    client_key: String,
    client: String,
    client_id: Option<Uuid>,
    months: Json<Vec<StoredMonth>>,
}

/// What is known of clients' months, of one client if given.
pub async fn client_months(
    tx: &mut OrgTx,
    client_id: Option<Uuid>,
) -> Result<Vec<ClientMonth>, StorageError> {
    let org = tx.org().uuid();
    let rows: Vec<HistoryRow> = sqlx::query_as(
        "select client_key, client, client_id, months
         from client_histories
         where org_id = $1 and ($2::uuid is null or client_id = $2)
         order by client_key",
    )
    .bind(org)
    .bind(client_id)
    .fetch_all(tx.conn())
    .await?;
    let months = |row: HistoryRow| {
        let HistoryRow { client_key, client, client_id, months: Json(months) } = row;
        months.into_iter().map(move |month| ClientMonth {
            client_key: client_key.clone(),
            client: client.clone(),
            client_id: client_id.map(ClientId::new),
            month: month.month,
            compared: month.compared,
            closed: month.closed,
            partial: month.partial,
            products_missing: month.products_missing,
        })
    };
    Ok(rows.into_iter().flat_map(months).collect())
}
