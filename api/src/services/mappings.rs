//! Mappings: written by hand, or decided when an audit proposes them.

use crate::auth::Actor;
use crate::error::{ApiError, Code};
use crate::services::{cycles, text};
use crate::storage::OrgTx;
use crate::storage::mappings::{self, Decision, NewMapping, StoredMapping};
use chrono::{DateTime, Utc};
use leakage_core::audit::Basis;
use leakage_core::id::MappingId;
use leakage_core::matching::fold;
use leakage_core::records::MappingSide;

/// Writes a mapping that the actor confirms.
pub async fn create(
    tx: &mut OrgTx,
    actor: &Actor,
    new: &NewMapping<'_>,
    now: DateTime<Utc>,
) -> Result<StoredMapping, ApiError> {
    for (pointer, text) in [("/source", new.source), ("/target", new.target)] {
        if text.trim().is_empty() {
            return Err(ApiError::invalid(pointer, "Give a name or an id."));
        }
    }
    for (pointer, day) in [("/valid_from", new.valid_from), ("/valid_until", new.valid_until)] {
        day.map_or(Ok(()), |day| text::day(pointer, day))?;
    }
    if !fold(new.source).is_empty() && fold(new.source) == fold(new.target) {
        return Err(ApiError::invalid(
            "/target",
            "Source and target are the same name already: case, spaces and punctuation do not count.",
        ));
    }
    if let (Some(from), Some(until)) = (new.valid_from, new.valid_until)
        && until <= from
    {
        return Err(ApiError::invalid(
            "/valid_until",
            "valid_until is the day after the last one: it must be later than valid_from.",
        ));
    }
    if new.basis.is_some() && new.side == MappingSide::Client {
        return Err(not_of_products());
    }
    let written = mappings::insert_approved(tx, new, None, &actor.label(), now).await?;
    cycles::facts_changed(tx, now).await?;
    Ok(written)
}

/// Approves, rejects or withdraws a mapping that still has this version. An approval may say which seats of the
/// product are counted.
pub async fn decide(
    tx: &mut OrgTx,
    actor: &Actor,
    (id, version): (MappingId, i64),
    (decision, basis): (Decision, Option<Basis>),
    now: DateTime<Utc>,
) -> Result<StoredMapping, ApiError> {
    if basis.is_some() {
        of_products(tx, id).await?;
    }
    let taken = (decision, basis);
    if let Some(decided) = mappings::decide(tx, id, version, taken, &actor.label(), now).await? {
        // Clients that no audit could compare may have waited for it.
        cycles::facts_changed(tx, now).await?;
        return Ok(decided);
    }
    let Some(current) = mappings::find(tx, id).await? else { return Err(ApiError::not_found()) };
    if current.version != version {
        return Err(ApiError::stale());
    }
    Err(ApiError::new(
        Code::Conflict,
        format!(
            "A mapping that is {} cannot become {}; that is possible from: {}.",
            current.status,
            decision.to(),
            decision.from().join(", ")
        ),
    ))
}

/// Says which seats of a mapping's product are counted from the next audit on; none: the policies say it.
pub async fn set_basis(
    tx: &mut OrgTx,
    id: MappingId,
    version: i64,
    basis: Option<Basis>,
    now: DateTime<Utc>,
) -> Result<StoredMapping, ApiError> {
    of_products(tx, id).await?;
    let changed = mappings::set_basis(tx, id, version, basis, now).await?.ok_or_else(ApiError::stale)?;
    cycles::facts_changed(tx, now).await?;
    Ok(changed)
}

fn not_of_products() -> ApiError {
    ApiError::invalid("/basis", "Which seats are counted is said of products, not of clients.")
}

/// Passes a mapping of products.
async fn of_products(tx: &mut OrgTx, id: MappingId) -> Result<(), ApiError> {
    let mapping = mappings::find(tx, id).await?.ok_or_else(ApiError::not_found)?;
    if mapping.side == mappings::side_name(MappingSide::Product) { Ok(()) } else { Err(not_of_products()) }
}
