//! Who belongs to an organization. It always has an owner, and only owners make, change and remove
//! owners.

use crate::app::App;
use crate::auth::{Actor, Identity, Role};
use crate::error::{ApiError, Code};
use crate::storage::OrgTx;
use crate::storage::members::{self, MemberRow};
use leakage_core::id::UserId;

/// Refuses what would make someone an owner, or touch one, unless an owner asks.
///
/// # Errors
/// 403 `insufficient_role`.
pub(super) fn guard_owners(actor: &Actor, roles: &[Role]) -> Result<(), ApiError> {
    let owner = matches!(actor.identity, Identity::User { role: Role::Owner, .. });
    if owner || !roles.contains(&Role::Owner) {
        return Ok(());
    }
    Err(ApiError::new(Code::InsufficientRole, "Only an owner can make, change or remove owners."))
}

/// One member.
///
/// # Errors
/// 404 when there is none.
pub async fn find(app: &App, actor: &Actor, user: UserId) -> Result<MemberRow, ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    members::find(&mut tx, user).await?.ok_or_else(ApiError::not_found)
}

/// Whoever is named as an owner, as records name them: `me`, a member by `user:` and id or by the id alone, or anybody
/// else in words.
///
/// # Errors
/// 422 at the pointer for an id that is no member's.
pub async fn owner_label(
    tx: &mut OrgTx,
    actor: &Actor,
    (pointer, owner): (&'static str, &str),
) -> Result<String, ApiError> {
    if owner == "me" {
        return Ok(actor.label());
    }
    let Ok(id) = owner.strip_prefix("user:").unwrap_or(owner).parse::<UserId>() else {
        return Ok(owner.to_owned());
    };
    match members::find(tx, id).await? {
        Some(_) => Ok(format!("user:{id}")),
        None => Err(ApiError::invalid(pointer, "No member has this id.")),
    }
}

/// Gives a member whose version is still `version` another role. It counts at once for what they write,
/// and within ten minutes for what they read.
///
/// # Errors
/// 403 when an owner is concerned and no owner asks; 404; 409 for the last owner; 412.
pub async fn set_role(
    app: &App,
    actor: &Actor,
    user: UserId,
    version: i64,
    role: Role,
) -> Result<MemberRow, ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    let row = members::find(&mut tx, user).await?.ok_or_else(ApiError::not_found)?;
    guard_owners(actor, &[row.role()?, role])?;
    if row.version != version || !members::set_role(&mut tx, app.clock.now(), user, version, role).await? {
        return Err(why_not(&mut tx, user, version).await?);
    }
    let row = members::find(&mut tx, user).await?.ok_or_else(ApiError::not_found)?;
    tx.commit().await?;
    Ok(row)
}

/// Removes a member. What they write is refused at once, what they read within ten minutes. Their
/// account stays, as do the API keys that they made: those belong to the organization.
///
/// # Errors
/// 403 when an owner is concerned and no owner asks; 404; 409 for the last owner.
pub async fn remove(app: &App, actor: &Actor, user: UserId) -> Result<(), ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    let row = members::find(&mut tx, user).await?.ok_or_else(ApiError::not_found)?;
    guard_owners(actor, &[row.role()?])?;
    // The version, so that nobody removes an owner whom they read as something else.
    if !members::remove(&mut tx, user, row.version).await? {
        return Err(match why_not(&mut tx, user, row.version).await? {
            error if error.code() == Code::VersionMismatch => ApiError::new(
                Code::Conflict,
                "The member was changed this very moment. Look again, then decide.",
            ),
            error => error,
        });
    }
    tx.commit().await?;
    Ok(())
}

/// Why a write that was conditional on the version and on another owner changed nothing.
async fn why_not(tx: &mut OrgTx, user: UserId, version: i64) -> Result<ApiError, ApiError> {
    let Some(row) = members::find(tx, user).await? else { return Ok(ApiError::not_found()) };
    if row.version != version {
        return Ok(ApiError::stale());
    }
    let detail = "This is the only owner. Make someone else an owner first.";
    Ok(ApiError::new(Code::Conflict, detail))
}
