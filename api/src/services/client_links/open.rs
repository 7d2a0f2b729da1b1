//! What a token is worth: the link and its correction, and what its client may do now.

use super::{LinkAction, LinkState, state};
use crate::auth::secrets::{self, Presented};
use crate::error::{ApiError, Code};
use crate::services::client_contacts::{self, Contact};
use crate::services::corrections::{self, Loaded};
use crate::storage::OrgTx;
use crate::storage::client_links::{self as stored, LinkRow};
use chrono::{DateTime, Utc};
use leakage_core::correction::Refusal;
use leakage_core::correction::case::Correction;
use leakage_core::correction::offer::Offer;
use leakage_core::correction::policy::Channel;
use leakage_core::correction::shock::Bands;
use leakage_core::correction::waiver::{ConfirmationKind, WaiverRequest};
use leakage_core::id::{ClientId, ClientLinkId, CorrectionId};

/// Reads a token.
///
/// # Errors
/// 401 when it is none.
pub fn presented(text: &str) -> Result<Presented, ApiError> {
    secrets::CLIENT_LINK.parse(text.trim()).ok_or_else(unknown)
}

fn unknown() -> ApiError {
    ApiError::new(
        Code::Unauthenticated,
        "This link is not known. Copy the whole address from the message that you were sent.",
    )
}

/// A link that is of use, with what hangs on it.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The link.
    pub link: LinkRow,
    /// Its correction.
    pub loaded: Loaded,
    /// The contact that codes go to.
    pub contact: Option<Contact>,
    /// Where the bands of invoice shock begin.
    pub bands: Bands,
}

/// The link of a token.
///
/// # Errors
/// 401 when there is none; 410 when it was revoked, or its days are over.
pub async fn link(
    tx: &mut OrgTx,
    presented: &Presented,
    now: DateTime<Utc>,
    locked: bool,
) -> Result<LinkRow, ApiError> {
    let id = ClientLinkId::new(presented.id);
    let row = if locked { stored::lock(tx, id).await? } else { stored::find(tx, id).await? };
    let row = row.filter(|row| presented.hash.matches(&row.secret_sha256)).ok_or_else(unknown)?;
    let ended = match state(&row, now) {
        LinkState::Live => return Ok(row),
        LinkState::Expired => "The days of this link are over. Ask for a new one.",
        LinkState::Revoked => "This link was ended by whoever gave it to you. Ask for a new one.",
    };
    Err(ApiError::new(Code::LinkEnded, ended))
}

/// The link of a token with its correction, read.
pub async fn open(tx: &mut OrgTx, presented: &Presented, now: DateTime<Utc>) -> Result<Opened, ApiError> {
    let link = link(tx, presented, now, false).await?;
    let loaded = corrections::load(tx, CorrectionId::new(link.correction_id)).await?;
    let contact = client_contacts::current(tx, ClientId::new(link.client_id)).await?;
    let bands = corrections::policy_at(tx, now).await?.bands;
    Ok(Opened { link, loaded, contact, bands })
}

impl Opened {
    /// The correction.
    pub const fn correction(&self) -> &Correction {
        &self.loaded.correction
    }

    /// Whether the link was mailed by us to the contact that is still the registered one.
    pub fn is_authenticated(&self) -> bool {
        let mailed = self.link.contact_version.filter(|_| self.link.channel == "mail");
        mailed.is_some() && mailed == self.contact.as_ref().map(|contact| contact.version)
    }

    /// The waiver that waits for the client's confirmation.
    pub fn request(&self, number: u32) -> Option<&WaiverRequest> {
        open_requests(self.correction()).find(|request| request.number == number)
    }

    /// Whether the client may do this now. `about`: number of the waiver request, or of the way to pay.
    ///
    /// # Errors
    /// With what is in the way, in words for the client.
    pub fn check(&self, action: LinkAction, about: u32, now: DateTime<Utc>) -> Result<(), ApiError> {
        if !self.link.allows.iter().any(|allowed| allowed == action.as_str()) {
            return Err(ApiError::new(Code::LinkLimited, "This link was not made for this."));
        }
        let (command, state) = (action.command(), self.correction().state);
        if !command.from().contains(&state) {
            return Err(Refusal::of_state(command, state).into());
        }
        let conflict = |why: &str| Err(ApiError::new(Code::Conflict, why));
        match action {
            LinkAction::Accept if self.correction().acceptance.is_some() => {
                return conflict("It was accepted already.");
            }
            LinkAction::Plan => self.check_way(about)?,
            LinkAction::ConfirmWaiver => self.check_waiver(about, now)?,
            LinkAction::Accept | LinkAction::Dispute => {}
        }
        if self.contact.is_none() {
            return conflict(
                "No contact is registered whom a code could be mailed to. Answer by mail or by telephone instead.",
            );
        }
        Ok(())
    }

    /// Whether a way to pay can be taken, as far as the message tells: what else was announced since is weighed
    /// when it is taken.
    ///
    /// # Errors
    /// With what is in the way, in words for the client.
    pub fn check_way(&self, about: u32) -> Result<(), ApiError> {
        let (correction, conflict) = (self.correction(), |why: &str| ApiError::new(Code::Conflict, why));
        let Some(offer) = &correction.offer else { return Err(conflict("Payment in parts is not offered.")) };
        if is_planned(correction) {
            return Err(conflict("How you pay was agreed already."));
        }
        let choice = choice(about);
        if choice.is_none() && !offer.others.is_empty() {
            return Err(ApiError::invalid("/choice", "Several ways to pay are offered: choose one of them."));
        }
        let terms =
            offer.chosen(choice).map_err(|_| conflict("This way to pay is not offered (any more)."))?;
        let fits = correction.announcement.as_ref().is_none_or(|told| {
            correction.weigh_way(terms, &told.shock, self.bands, correction.invoice_on()).is_ok()
        });
        if fits { Ok(()) } else { Err(conflict(NOT_YET)) }
    }

    /// The first way to pay that can be taken; the first one where there is none.
    pub fn first_way(&self) -> u32 {
        let mut ways = self.correction().offer.iter().flat_map(Offer::ways);
        let first = ways.find(|(number, _)| self.check_way(u32::from(*number)).is_ok());
        first.map_or(u32::from(self.correction().offer.is_some()), |(number, _)| number.into())
    }

    fn check_waiver(&self, about: u32, now: DateTime<Utc>) -> Result<(), ApiError> {
        if self.request(about).is_none() {
            return Err(ApiError::new(
                Code::Conflict,
                "No such waiver waits for your confirmation (any more).",
            ));
        }
        if !self.is_authenticated() {
            return Err(ApiError::new(
                Code::LinkUnauthenticated,
                "This address was not mailed to the registered contact by this service, so anyone could have it. \
                 A waiver is confirmed through the address in that mail, or in a letter of your own.",
            ));
        }
        if self.contact.as_ref().is_some_and(|contact| now < contact.waivers_from) {
            return Err(ApiError::new(
                Code::LinkUnauthenticated,
                "The registered contact is new. A waiver is confirmed through a contact who has been registered for \
                 72 hours, or for whom a second person stands.",
            ));
        }
        Ok(())
    }
}

/// Why a way to pay waits: what the organization must decide first is told the client as that.
pub(super) const NOT_YET: &str = "This way to pay cannot be agreed on this page as it is offered now. Choose another one, or ask by mail or telephone.";

/// The way to pay that something is about; 0: none is named.
pub fn choice(about: u32) -> Option<u16> {
    u16::try_from(about).ok().filter(|number| *number > 0)
}

/// Whether a plan has instalments to come.
pub fn is_planned(correction: &Correction) -> bool {
    correction.plan.as_ref().is_some_and(|plan| !plan.given_up && plan.scheduled() > 0)
}

/// Waivers that were asked for, are not granted yet, and that the client has not confirmed through a link.
pub fn open_requests(correction: &Correction) -> impl Iterator<Item = &WaiverRequest> {
    let confirmed = |request: &WaiverRequest| {
        correction.confirmations.iter().any(|one| {
            one.kind == ConfirmationKind::Waiver
                && one.said.channel == Channel::Link
                && one.authenticated
                && one.used_for.is_none()
                && one.minor == Some(request.quantity.minor)
                && one.attached_at >= request.at
        })
    };
    correction.waiver_requests.iter().filter(move |request| request.granted.is_none() && !confirmed(request))
}
