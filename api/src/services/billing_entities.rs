//! Billing entities: the parts of a client that are billed by themselves.

use crate::auth::Actor;
use crate::error::{ApiError, Code};
use crate::services::{cycles, text};
use crate::storage::OrgTx;
use crate::storage::billing_entities::{self, BillingEntityRow};
use crate::storage::clients;
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::id::{BillingEntityId, ClientId};
use leakage_core::matching::fold;
use uuid::Uuid;

/// Characters of a name.
const NAME: usize = 200;

/// Passes a client of the organization.
///
/// # Errors
/// 404 when there is none with this id.
pub async fn known_client(tx: &mut OrgTx, client: ClientId) -> Result<(), ApiError> {
    clients::find(tx, client).await?.map(|_| ()).ok_or_else(ApiError::not_found)
}

/// A name that no entity of the client has or had: billing lines are told apart by it.
async fn free_name(
    tx: &mut OrgTx,
    client: ClientId,
    given: &str,
    own: Option<BillingEntityId>,
) -> Result<String, ApiError> {
    let name = text::short("/name", given, NAME)?;
    let key = fold(&name);
    if !name.contains(char::is_alphanumeric) {
        return Err(ApiError::invalid("/name", "must hold at least one letter or digit"));
    }
    billing_entities::lock(tx, client).await?;
    let names = billing_entities::names(tx, client).await?;
    let others = names.iter().filter(|(id, _)| own.is_none_or(|own| own.uuid() != *id));
    match others.into_iter().find(|(_, name)| fold(name) == key) {
        Some(_) => Err(taken()),
        None => Ok(name),
    }
}

fn taken() -> ApiError {
    ApiError::new(
        Code::AlreadyExists,
        "A billing entity of this client has or had this name. Case, spaces and punctuation do not tell names apart.",
    )
}

/// Adds a billing entity to a client.
///
/// # Errors
/// 404 without the client, 409 when the name is taken, 422 for a text that is no name.
pub async fn create(
    tx: &mut OrgTx,
    actor: &Actor,
    client: ClientId,
    name: &str,
    now: DateTime<Utc>,
) -> Result<BillingEntityRow, ApiError> {
    known_client(tx, client).await?;
    let name = free_name(tx, client, name, None).await?;
    let id = BillingEntityId::new(Uuid::now_v7());
    let made =
        billing_entities::insert(tx, id, client, &name, &actor.label(), now).await?.ok_or_else(taken)?;
    cycles::facts_changed(tx, now).await?;
    Ok(made)
}

/// Gives a billing entity another name; lines with a former one are still its own.
///
/// # Errors
/// 404 when it is not there, 409 when the name is taken, 412 when it has another version.
pub async fn rename(
    tx: &mut OrgTx,
    actor: &Actor,
    (client, id): (ClientId, BillingEntityId),
    version: i64,
    name: &str,
    now: DateTime<Utc>,
) -> Result<BillingEntityRow, ApiError> {
    find(tx, client, id).await?;
    let name = free_name(tx, client, name, Some(id)).await?;
    let renamed = billing_entities::rename(tx, client, id, version, &name, &actor.label(), now).await?;
    let renamed = renamed.ok_or_else(ApiError::stale)?;
    cycles::facts_changed(tx, now).await?;
    Ok(renamed)
}

/// Ends a billing entity: from that day on its allocations take nothing.
///
/// # Errors
/// 404 when it is not there, 412 when it has another version, 409 when it ends by then already.
pub async fn end(
    tx: &mut OrgTx,
    actor: &Actor,
    (client, id): (ClientId, BillingEntityId),
    version: i64,
    on: NaiveDate,
    now: DateTime<Utc>,
) -> Result<BillingEntityRow, ApiError> {
    text::day("/ended_on", on)?;
    if let Some(row) = billing_entities::end(tx, client, id, version, on, &actor.label(), now).await? {
        cycles::facts_changed(tx, now).await?;
        return Ok(row);
    }
    if find(tx, client, id).await?.version != version {
        return Err(ApiError::stale());
    }
    Err(ApiError::new(Code::Conflict, "It ends by then already. An end can only come earlier."))
}

/// One billing entity of a client.
///
/// # Errors
/// 404 when it is not there.
pub async fn find(
    tx: &mut OrgTx,
    client: ClientId,
    id: BillingEntityId,
) -> Result<BillingEntityRow, ApiError> {
    billing_entities::find(tx, client, id).await?.ok_or_else(ApiError::not_found)
}
