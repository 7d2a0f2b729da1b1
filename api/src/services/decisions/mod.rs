//! What an organization decides, with its days: rules, prices, policies, allocations. Made, ended, and
//! given to audits as they were known.
//!
//! What a decision says never changes: another one is made, and this one ended. An end can come before the
//! one that was said, never after it: what did not hold then does not begin to hold again unnoticed.

pub mod allocations;
pub mod known;
pub mod policies;
pub mod prices;
pub mod rules;

use crate::auth::Actor;
use crate::error::{ApiError, Code};
use crate::services::{cycles, text};
use crate::storage::decisions::{self, DecisionRow, End, NewDecision, Resource};
use crate::storage::{OrgTx, StorageError, clients};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::id::ClientId;
use leakage_core::matching::fold;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

/// Characters of a name of a product.
const NAME: usize = 500;

/// Characters of a reason.
const REASON: usize = 500;

/// Bytes of a folded name: an index entry has a greatest length.
const FOLDED_BYTES: usize = 2_000;

/// Days of a decision that is to be made.
#[derive(Clone, Copy, Debug)]
pub struct Validity {
    /// First day.
    pub from: NaiveDate,
    /// Day after the last one; none: still so.
    pub until: Option<NaiveDate>,
}

impl Validity {
    /// # Errors
    /// 422 for days that no calendar of ours holds, or an end that is not after the beginning.
    pub fn checked(self) -> Result<Self, ApiError> {
        text::day("/valid_from", self.from)?;
        let Some(until) = self.until else { return Ok(self) };
        text::day("/valid_until", until)?;
        if until <= self.from {
            return Err(ApiError::invalid(
                "/valid_until",
                "valid_until is the day after the last one: it must be later than valid_from.",
            ));
        }
        Ok(self)
    }
}

/// A name of a product, or none.
fn product(pointer: &str, given: Option<&str>) -> Result<Option<String>, ApiError> {
    given.map(|given| name(pointer, given)).transpose()
}

/// A name that has letters or digits.
fn name(pointer: &str, given: &str) -> Result<String, ApiError> {
    let name = text::short(pointer, given, NAME)?;
    if !name.contains(char::is_alphanumeric) || fold(&name).len() > FOLDED_BYTES {
        return Err(ApiError::invalid(pointer, "must be a name, with at least one letter or digit"));
    }
    Ok(name)
}

/// A product's name as lists look for it.
fn product_key(product: Option<&str>) -> Option<String> {
    product.map(fold)
}

/// A whole number from 0 to `most`, as text.
fn whole(pointer: &str, given: &str, most: u32) -> Result<u32, ApiError> {
    let number = given.trim().parse::<u32>().ok().filter(|number| *number <= most);
    number.ok_or_else(|| {
        ApiError::invalid(pointer, format!("must be a whole number from 0 to {most}, as text"))
    })
}

/// Passes a client of the organization.
///
/// # Errors
/// 422 when there is none with this id.
async fn known_client(tx: &mut OrgTx, client: Option<ClientId>) -> Result<(), ApiError> {
    let Some(client) = client else { return Ok(()) };
    match clients::find(tx, client).await? {
        Some(_) => Ok(()),
        None => Err(ApiError::invalid("/client_id", "There is no client with this id.")),
    }
}

/// A decision as its resource shows it: what it says, and the rest.
#[derive(Clone, Debug)]
pub struct Decided<T> {
    /// What it says.
    pub terms: T,
    /// The rest.
    pub row: DecisionRow,
}

impl<T: DeserializeOwned> Decided<T> {
    /// # Errors
    /// When the stored text is not what this code writes.
    pub fn of(row: DecisionRow) -> Result<Self, StorageError> {
        let terms = read(&row.detail)?;
        Ok(Self { terms, row })
    }
}

fn read<T: DeserializeOwned>(detail: &serde_json::Value) -> Result<T, StorageError> {
    serde_json::from_value(detail.clone())
        .map_err(|_unreadable| StorageError::Corrupt { column: "decisions.detail" })
}

async fn store<T: Serialize + DeserializeOwned>(
    tx: &mut OrgTx,
    actor: &Actor,
    mut new: NewDecision<'_>,
    terms: &T,
    now: DateTime<Utc>,
) -> Result<Decided<T>, ApiError> {
    new.detail = serde_json::to_value(terms).map_err(ApiError::internal)?;
    let row = decisions::insert(tx, &new, &actor.label(), now).await?;
    // What was audited for the next invoice was audited without it.
    cycles::facts_changed(tx, now).await?;
    Ok(Decided::of(row)?)
}

/// Which decision is ended, and how.
#[derive(Clone, Copy, Debug)]
pub struct Ending<'a> {
    /// What it is.
    pub resource: Resource,
    /// Which one.
    pub id: Uuid,
    /// The version that it must still have.
    pub version: i64,
    /// The day after the last one on which it holds.
    pub until: NaiveDate,
    /// Why.
    pub reason: &'a str,
}

/// Ends a decision.
///
/// # Errors
/// 404 when it is not there, 412 when it has another version, 409 when it ends by then already, 422 for a
/// day before it begins.
pub async fn end<T: DeserializeOwned>(
    tx: &mut OrgTx,
    actor: &Actor,
    ending: Ending<'_>,
    now: DateTime<Utc>,
) -> Result<Decided<T>, ApiError> {
    let Ending { resource, id, version, until, .. } = ending;
    let reason = text::short("/reason", ending.reason, REASON)?;
    text::day("/valid_until", until)?;
    let end = End { until, reason: &reason };
    if let Some(row) = decisions::end(tx, resource, id, version, end, &actor.label(), now).await? {
        cycles::facts_changed(tx, now).await?;
        return Ok(Decided::of(row)?);
    }
    let Some(current) = decisions::find(tx, resource, id).await? else { return Err(ApiError::not_found()) };
    if current.version != version {
        return Err(ApiError::stale());
    }
    if until < current.valid_from {
        return Err(ApiError::invalid(
            "/valid_until",
            "It begins later. End it on the day on which it begins, and it holds on no day.",
        ));
    }
    Err(ApiError::new(
        Code::Conflict,
        "It ends by then already. An end can only come earlier; make another one for the days after it.",
    ))
}
