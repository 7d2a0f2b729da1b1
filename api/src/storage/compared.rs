//! What audits compared: of each client which months, and what is known of its months over all audits.

use super::{OrgTx, StorageError};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::history::reports::ClientMonth;
use leakage_core::history::{ComparedClient, ComparedMonth, Said};
use leakage_core::id::{AuditId, ClientId};
use leakage_core::period::{Month, day_after};
use serde_json::{Value, json};
use sqlx::FromRow;
use std::collections::{BTreeMap, BTreeSet};
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

/// Of each month of each client, keeps the word of the audit that compared it, saw it closed and knew most.
async fn keep_months(tx: &mut OrgTx, words: &AuditWords<'_>) -> Result<(), StorageError> {
    let org = tx.org().uuid();
    let months: Vec<(&String, &ComparedClient, Month, &ComparedMonth)> = words
        .clients
        .iter()
        .flat_map(|(key, client)| client.months.iter().map(move |(at, month)| (key, client, *at, month)))
        .collect();
    sqlx::query(
        "insert into client_months (org_id, client_key, month, client, client_id, compared, closed, known_at,
                                    audit_id, partial, products_missing)
         select $1, n.client_key, n.month, n.client, n.client_id, n.compared, n.closed, $3, $2, n.partial,
                n.products_missing
         from unnest($4::text[], $5::date[], $6::text[], $7::uuid[], $8::bool[], $9::bool[], $10::bool[], $11::bool[])
           as n (client_key, month, client, client_id, compared, closed, partial, products_missing)
         on conflict (org_id, client_key, month) do update
         set client = excluded.client, client_id = excluded.client_id, compared = excluded.compared,
             closed = excluded.closed, known_at = excluded.known_at, audit_id = excluded.audit_id,
             partial = excluded.partial, products_missing = excluded.products_missing
         where (excluded.compared, excluded.closed, excluded.known_at, excluded.audit_id)
             > (client_months.compared, client_months.closed, client_months.known_at, client_months.audit_id)",
    )
    .bind(org)
    .bind(words.audit.uuid())
    .bind(words.known_at)
    .bind(months.iter().map(|(key, ..)| (*key).clone()).collect::<Vec<_>>())
    .bind(months.iter().map(|(_, _, at, _)| at.first_day()).collect::<Vec<_>>())
    .bind(months.iter().map(|(_, client, ..)| client.client.clone()).collect::<Vec<_>>())
    .bind(months.iter().map(|(key, ..)| words.client_ids.get(*key).copied()).collect::<Vec<_>>())
    .bind(months.iter().map(|(.., month)| month.compared).collect::<Vec<_>>())
    .bind(months.iter().map(|(.., month)| month.closed).collect::<Vec<_>>())
    .bind(months.iter().map(|(.., month)| month.partial).collect::<Vec<_>>())
    .bind(months.iter().map(|(_, client, at, _)| client.lacking(*at) > 0).collect::<Vec<_>>())
    .execute(tx.conn())
    .await?;
    Ok(())
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

#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(FromRow)]
struct ClientMonthRow {
    client_key: String,
    month: NaiveDate,
    client: String,
    client_id: Option<Uuid>,
    compared: bool,
    closed: bool,
    partial: bool,
    products_missing: bool,
}

/// What is known of clients' months, of one client if given.
pub async fn client_months(
    tx: &mut OrgTx,
    client_id: Option<Uuid>,
) -> Result<Vec<ClientMonth>, StorageError> {
    let org = tx.org().uuid();
    let rows: Vec<ClientMonthRow> = sqlx::query_as(
        "select client_key, month, client, client_id, compared, closed, partial, products_missing
         from client_months
         where org_id = $1 and ($2::uuid is null or client_id = $2)
         order by client_key, month",
    )
    .bind(org)
    .bind(client_id)
    .fetch_all(tx.conn())
    .await?;
    let month = |row: ClientMonthRow| ClientMonth {
        client_key: row.client_key,
        client: row.client,
        client_id: row.client_id.map(ClientId::new),
        month: Month::of(row.month),
        compared: row.compared,
        closed: row.closed,
        partial: row.partial,
        products_missing: row.products_missing,
    };
    Ok(rows.into_iter().map(month).collect())
}
