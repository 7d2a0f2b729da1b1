//! A client's link: an address without a login that shows one correction and lets its client answer.
//!
//! The token is random and stored as its hash. Having it is enough to look, and never enough to act: each
//! action takes a code that is mailed to the registered contact of the client, whoever asks for it. What
//! people hand out themselves anyone could have, so only a link that we mailed to the registered contact,
//! and that nobody of the organization has ever seen, confirms a waiver.
//!
//! [`open`] finds out what a token is worth, [`shown`] gathers what its client may see, [`codes`] mails
//! and checks codes, [`acts`] carries out what the client wants.

pub mod acts;
pub mod codes;
pub mod mailed;
pub mod open;
pub mod shown;
pub mod words;

use crate::app::App;
use crate::auth::{Actor, secrets};
use crate::error::ApiError;
use crate::services::{clients, corrections};
use crate::storage::client_links::{self as stored, LinkRow, NewLink};
use crate::storage::{OrgTx, corrections as stored_corrections};
use chrono::{DateTime, TimeDelta, Utc};
use leakage_core::correction::state::Action;
use leakage_core::id::{ClientLinkId, CorrectionId};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

/// Days that a link is of use at most.
const MOST_DAYS: u16 = 90;

/// Days that a link is of use when nothing is stated.
pub const USUAL_DAYS: u16 = 14;

/// What a client does through a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LinkAction {
    /// Accept the correction.
    Accept,
    /// Object to it, or to a part.
    Dispute,
    /// Pay in parts, as offered.
    Plan,
    /// Confirm in writing that something is not charged.
    ConfirmWaiver,
}

impl LinkAction {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Accept, Self::Dispute, Self::Plan, Self::ConfirmWaiver];

    /// The name in the database and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Dispute => "dispute",
            Self::Plan => "plan",
            Self::ConfirmWaiver => "confirm_waiver",
        }
    }

    /// The command that it becomes.
    pub const fn command(self) -> Action {
        match self {
            Self::Accept => Action::Accept,
            Self::Dispute => Action::Dispute,
            Self::Plan => Action::AcceptPlan,
            Self::ConfirmWaiver => Action::AttachConfirmation,
        }
    }
}

/// A link to be made.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"days": 14, "allows": ["accept", "dispute", "plan"]}))]
pub struct NewClientLink {
    /// Days for which it is of use; 14 when not stated.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 90)]
    pub days: Option<u16>,
    /// What it may be used for; everything when not stated.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 4)]
    pub allows: Option<Vec<LinkAction>>,
}

/// What has become of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// It is of use.
    Live,
    /// Its days are over.
    Expired,
    /// Somebody ended it.
    Revoked,
}

/// What has become of a link by now.
pub fn state(row: &LinkRow, now: DateTime<Utc>) -> LinkState {
    match row.revoked_at {
        Some(_) => LinkState::Revoked,
        None if now >= row.expires_at => LinkState::Expired,
        None => LinkState::Live,
    }
}

/// The address of a token. What stands behind `#` stays in the browser: no server, proxy or log is told it.
pub fn address(public_url: &str, token: &str) -> SecretString {
    format!("{public_url}/c#{token}").into()
}

/// Makes a link that a person hands out; answers it with its address, which is not stored.
///
/// # Errors
/// 422 for days or uses that cannot be; 409 when no client has the name that the correction knows.
pub async fn create(
    app: &App,
    tx: &mut OrgTx,
    actor: &Actor,
    correction: CorrectionId,
    new: &NewClientLink,
) -> Result<(LinkRow, SecretString), ApiError> {
    let row = stored_corrections::find(tx, correction).await?.ok_or_else(ApiError::not_found)?;
    let client = clients::of_correction(tx, &row).await?;
    let days = new.days.unwrap_or(USUAL_DAYS);
    if !(1..=MOST_DAYS).contains(&days) {
        return Err(ApiError::invalid("/days", format!("must be 1 to {MOST_DAYS}")));
    }
    let allows = allowed(new.allows.as_deref())?;
    let (id, now) = (ClientLinkId::new(Uuid::now_v7()), app.clock.now());
    let secret = secrets::CLIENT_LINK.generate(tx.org(), id.uuid()).map_err(ApiError::internal)?;
    let by = actor.label();
    let link = NewLink {
        id,
        correction,
        client,
        mailed: None,
        allows: &allows,
        secret_sha256: secret.hash.as_bytes(),
        by: &by,
        expires_at: now + TimeDelta::days(days.into()),
    };
    let row = stored::insert(tx, &link, now).await?;
    let detail = json!({
        "client_link_id": id, "channel": row.channel, "allows": row.allows, "expires_at": row.expires_at,
    });
    corrections::note(app, tx, correction, &by, "make_client_link", &detail).await?;
    Ok((row, address(&app.config.public_url, secret.text.expose_secret())))
}

fn allowed(wanted: Option<&[LinkAction]>) -> Result<Vec<String>, ApiError> {
    let mut allows = wanted.unwrap_or(LinkAction::ALL).to_vec();
    allows.sort_unstable();
    allows.dedup();
    if allows.is_empty() {
        return Err(ApiError::invalid("/allows", "must name one use at least"));
    }
    Ok(allows.into_iter().map(|action| action.as_str().to_owned()).collect())
}

/// One link of a correction.
pub async fn find(tx: &mut OrgTx, correction: CorrectionId, id: ClientLinkId) -> Result<LinkRow, ApiError> {
    let row = stored::find(tx, id).await?;
    row.filter(|row| row.correction_id == correction.uuid()).ok_or_else(ApiError::not_found)
}

/// Ends a link; one that is revoked already stays so.
///
/// # Errors
/// 404 when the correction has no such link.
pub async fn revoke(
    app: &App,
    tx: &mut OrgTx,
    actor: &Actor,
    correction: CorrectionId,
    id: ClientLinkId,
) -> Result<(), ApiError> {
    find(tx, correction, id).await?;
    let (by, why) = (actor.label(), "by hand");
    if stored::revoke(tx, id, &by, why, app.clock.now()).await? {
        let detail = json!({ "client_link_id": id, "why": why });
        corrections::note(app, tx, correction, &by, "revoke_client_link", &detail).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_link_may_be_used_for_is_named_once() {
        let all = allowed(None).unwrap();
        assert_eq!(all, ["accept", "dispute", "plan", "confirm_waiver"]);
        let twice = [LinkAction::Plan, LinkAction::Accept, LinkAction::Plan];
        assert_eq!(allowed(Some(&twice)).unwrap(), ["accept", "plan"]);
        assert!(allowed(Some(&[])).is_err());
    }

    #[test]
    fn names_are_those_of_the_wire() {
        for action in LinkAction::ALL {
            assert_eq!(json!(action), action.as_str());
        }
    }
}
