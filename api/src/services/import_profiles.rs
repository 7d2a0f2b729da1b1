//! Import profiles: made by hand or from an import's answer, changed, retired.

use crate::auth::Actor;
use crate::error::{ApiError, Code, FieldError};
use crate::storage::OrgTx;
use crate::storage::import_profiles::{self, ProfileRow, ProfileWriteError};
use chrono::{DateTime, Utc};
use leakage_core::id::ImportProfileId;
use leakage_core::ingest::{ImportProfile, ProfileFault};

/// Profiles that an organization uses at a time: each is tried on every unknown file.
pub const MOST: i64 = 500;

/// What is wrong with a profile, as an answer. `prefix`: where the profile stands in the body.
pub fn refused(prefix: &str, faults: Vec<ProfileFault>) -> ApiError {
    let errors = faults.into_iter().map(|fault| FieldError {
        pointer: Some(format!("{prefix}{}", fault.pointer).chars().take(500).collect()),
        reason: fault.reason.chars().take(1000).collect(),
        ..FieldError::default()
    });
    ApiError::new(Code::Invalid, "The import profile cannot be used as it is. See `errors`.").with_all(errors)
}

/// Passes a profile that can be saved.
fn checked(prefix: &str, profile: &mut ImportProfile) -> Result<String, ApiError> {
    profile.name = profile.name.trim().to_owned();
    let mut faults = profile.check();
    if profile.name.is_empty() {
        let reason = "A saved profile needs a name: the system that the file comes from, and what it lists.";
        faults.push(ProfileFault { pointer: "/name".to_owned(), reason: reason.to_owned() });
    }
    if !faults.is_empty() {
        return Err(refused(prefix, faults));
    }
    profile.digest().map_err(ApiError::internal)
}

/// Saves a profile. `prefix`: where it stands in the body.
pub async fn create(
    tx: &mut OrgTx,
    actor: &Actor,
    prefix: &str,
    mut profile: ImportProfile,
    id: ImportProfileId,
    now: DateTime<Utc>,
) -> Result<ProfileRow, ApiError> {
    let digest = checked(prefix, &mut profile)?;
    if import_profiles::list(tx, None, MOST).await?.len() >= usize::try_from(MOST).unwrap_or(usize::MAX) {
        return Err(ApiError::new(Code::Conflict, format!("There are {MOST} import profiles. Retire some.")));
    }
    match import_profiles::insert(tx, id, &profile, &digest, &actor.label(), now).await {
        Ok(row) => Ok(row),
        Err(ProfileWriteError::NameTaken) => Err(ApiError::new(
            Code::AlreadyExists,
            "There is an import profile of this name (case, spaces and punctuation do not count). Change that \
             one, or give this one another name.",
        )),
        Err(ProfileWriteError::Storage(error)) => Err(error.into()),
    }
}

/// Changes the definition of a profile that still has this version. Imports that were read with it stay
/// as they are.
pub async fn change(
    tx: &mut OrgTx,
    actor: &Actor,
    id: ImportProfileId,
    version: i64,
    mut profile: ImportProfile,
    now: DateTime<Utc>,
) -> Result<ProfileRow, ApiError> {
    let current = import_profiles::find(tx, id).await?.ok_or_else(ApiError::not_found)?;
    if profile.name.is_empty() {
        profile.name.clone_from(&current.name);
    }
    let digest = checked("", &mut profile)?;
    if profile.source() != current.source {
        return Err(ApiError::invalid(
            "/name",
            format!(
                "A profile keeps its name, `{}`: audits know its files by it. Make another one, and retire this one.",
                current.name
            ),
        ));
    }
    if let Some(row) =
        import_profiles::update(tx, id, version, &profile, &digest, &actor.label(), now).await?
    {
        return Ok(row);
    }
    if current.retired_at.is_some() {
        return Err(ApiError::new(Code::Conflict, "A profile that is retired cannot be changed."));
    }
    Err(ApiError::stale())
}

/// Retires a profile.
pub async fn retire(
    tx: &mut OrgTx,
    actor: &Actor,
    id: ImportProfileId,
    now: DateTime<Utc>,
) -> Result<(), ApiError> {
    import_profiles::find(tx, id).await?.ok_or_else(ApiError::not_found)?;
    Ok(import_profiles::retire(tx, id, &actor.label(), now).await?)
}

/// A profile in use, by its id or name.
pub async fn named(tx: &mut OrgTx, text: &str) -> Result<Option<ProfileRow>, ApiError> {
    let found = match text.parse::<ImportProfileId>() {
        Ok(id) => import_profiles::find(tx, id).await?.filter(|row| row.retired_at.is_none()),
        Err(_) => import_profiles::find_by_source(tx, &leakage_core::ingest::profile_source(text)).await?,
    };
    Ok(found)
}
