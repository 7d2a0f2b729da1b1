//! Allocations: which seats of a client go to which of its billing entities.

use super::{Decided, Ending, REASON, Validity, product, product_key, store, whole};
use crate::auth::Actor;
use crate::error::ApiError;
use crate::services::{billing_entities, text};
use crate::storage::OrgTx;
use crate::storage::billing_entities as stored;
use crate::storage::decisions::{self, NewDecision, Resource};
use chrono::{DateTime, Utc};
use leakage_core::audit::AllocateBy;
use leakage_core::id::{AllocationId, BillingEntityId, ClientId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// Seats that one allocation can be of.
const SEATS: u32 = 1_000_000_000;

/// By what seats go to an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AllocationKind {
    /// Seats of users who have the licence from a group, by the group's id.
    Group,
    /// Seats of users of a department.
    Department,
    /// Seats of users whose name ends in a domain.
    Domain,
    /// A fixed number of seats.
    Fixed,
    /// All that are left.
    Rest,
}

impl AllocationKind {
    /// The name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Department => "department",
            Self::Domain => "domain",
            Self::Fixed => "fixed",
            Self::Rest => "rest",
        }
    }
}

/// What an allocation says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AllocationTerms {
    /// By what.
    pub kind: AllocationKind,
    /// The group, department, domain or number; none for the rest.
    pub value: Option<String>,
    /// Of this product only.
    pub product: Option<String>,
    /// Why.
    pub reason: String,
}

impl AllocationTerms {
    fn checked(self) -> Result<Self, ApiError> {
        let value = match (self.kind, self.value.as_deref()) {
            (AllocationKind::Rest, None) => None,
            (AllocationKind::Rest, Some(_)) => {
                return Err(ApiError::invalid("/value", "The rest has no value: it is what is left."));
            }
            (_, None) => {
                return Err(ApiError::invalid(
                    "/value",
                    "Give the group, department, domain or number of seats.",
                ));
            }
            (AllocationKind::Fixed, Some(given)) => Some(whole("/value", given, SEATS)?.to_string()),
            (AllocationKind::Domain, Some(given)) => Some(domain(given)?),
            (AllocationKind::Group | AllocationKind::Department, Some(given)) => {
                let value = text::short("/value", given, 200)?;
                if !value.contains(char::is_alphanumeric) {
                    return Err(ApiError::invalid("/value", "must hold at least one letter or digit"));
                }
                Some(value)
            }
        };
        Ok(Self {
            value,
            product: product("/product", self.product.as_deref())?,
            reason: text::short("/reason", &self.reason, REASON)?,
            ..self
        })
    }

    /// As the engine takes it.
    pub(super) fn by(&self) -> AllocateBy {
        let value = || self.value.clone().unwrap_or_default();
        match self.kind {
            AllocationKind::Group => AllocateBy::Group(value()),
            AllocationKind::Department => AllocateBy::Department(value()),
            AllocationKind::Domain => AllocateBy::Domain(value()),
            AllocationKind::Fixed => AllocateBy::Fixed(value().parse().unwrap_or(0)),
            AllocationKind::Rest => AllocateBy::Rest,
        }
    }
}

fn domain(given: &str) -> Result<String, ApiError> {
    let domain = given.trim().to_lowercase();
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | '@' | ':');
    if !domain.contains('.') || domain.len() > 253 || domain.contains(odd) {
        return Err(ApiError::invalid("/value", "Write the bare domain, such as contoso.com."));
    }
    Ok(domain)
}

/// Makes an allocation.
///
/// # Errors
/// 404 without the client, 422 at the field that cannot be.
pub async fn create(
    tx: &mut OrgTx,
    actor: &Actor,
    (client, entity): (ClientId, BillingEntityId),
    terms: AllocationTerms,
    days: Validity,
    now: DateTime<Utc>,
) -> Result<Decided<AllocationTerms>, ApiError> {
    billing_entities::known_client(tx, client).await?;
    let (terms, days) = (terms.checked()?, days.checked()?);
    let Some(entity_row) = stored::find(tx, client, entity).await? else {
        return Err(ApiError::invalid(
            "/billing_entity_id",
            "The client has no billing entity with this id.",
        ));
    };
    if entity_row.ended_on.is_some_and(|ended| ended <= days.from) {
        return Err(ApiError::invalid("/valid_from", "The billing entity has ended by then."));
    }
    let new = NewDecision {
        id: AllocationId::new(Uuid::now_v7()).uuid(),
        resource: Resource::Allocation,
        kind: Some(terms.kind.name()),
        client: Some(client),
        billing_entity: Some(entity),
        product_key: product_key(terms.product.as_deref()),
        review_date: None,
        detail: Value::Null,
        valid_from: days.from,
        valid_until: days.until,
    };
    store(tx, actor, new, &terms, now).await
}

/// One allocation of a client.
///
/// # Errors
/// 404 when it is not there, or another client's.
pub async fn find(
    tx: &mut OrgTx,
    client: ClientId,
    id: AllocationId,
) -> Result<Decided<AllocationTerms>, ApiError> {
    let row = decisions::find(tx, Resource::Allocation, id.uuid()).await?;
    let row = row.filter(|row| row.client_id == Some(client.uuid()));
    Ok(Decided::of(row.ok_or_else(ApiError::not_found)?)?)
}

/// Ends an allocation of a client.
///
/// # Errors
/// As [`super::end`].
pub async fn end(
    tx: &mut OrgTx,
    actor: &Actor,
    client: ClientId,
    ending: Ending<'_>,
    now: DateTime<Utc>,
) -> Result<Decided<AllocationTerms>, ApiError> {
    find(tx, client, AllocationId::new(ending.id)).await?;
    super::end(tx, actor, ending, now).await
}
