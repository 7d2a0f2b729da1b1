//! Links inside letters. The letter that is kept names the page with a placeholder; the token is made when
//! the letter is sent, stands in that one mail, and is known to nobody else.
//!
//! Each attempt to send has a link of its own. One of an attempt that failed is revoked; of two mails that
//! both went out, both links work.

use super::{LinkAction, USUAL_DAYS, address};
use crate::app::App;
use crate::auth::secrets;
use crate::error::{ApiError, Code};
use crate::mail::MailError;
use crate::services::client_contacts;
use crate::services::corrections;
use crate::storage::OrgTx;
use crate::storage::client_contacts as stored_contacts;
use crate::storage::client_links::{self as stored, NewLink};
use crate::storage::letters::LetterRow;
use chrono::TimeDelta;
use leakage_core::id::{ClientId, ClientLinkId, CorrectionId, DeliveryId};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use uuid::Uuid;

/// Who makes links for letters.
const ACTOR: &str = "job:send_letter";

/// What stands in a letter until it is sent.
pub fn placeholder(public_url: &str) -> String {
    format!("{public_url}/c#in-the-mail")
}

/// The placeholder of a letter, if its words have it.
pub fn carried(letter: &LetterRow) -> Option<&str> {
    let fact = letter.facts.get("client_link")?.as_str()?;
    letter.body_text.contains(fact).then_some(fact)
}

/// Whether a letter with a link may go to this address: only to the registered contact, and only by us.
///
/// # Errors
/// 409 or 422 with what to do.
pub async fn check(tx: &mut OrgTx, letter: &LetterRow, recipient: &str, by_us: bool) -> Result<(), ApiError> {
    if carried(letter).is_none() {
        return Ok(());
    }
    if !by_us {
        return Err(ApiError::new(
            Code::Conflict,
            "This letter carries the client's link, which only the mail of this service brings. Have it sent by \
             `smtp`, or write the letter without `client_link`.",
        ));
    }
    let contact = client_contacts::current(tx, ClientId::new(letter.client_id)).await?;
    if contact.is_some_and(|contact| contact.person.email == recipient) {
        return Ok(());
    }
    Err(ApiError::invalid(
        "/recipient",
        "This letter carries the client's link: it goes to the client's registered contact only.",
    ))
}

/// A letter with its link, for one attempt to send it.
#[derive(Debug)]
pub struct Sealed {
    /// The link.
    pub link: ClientLinkId,
    /// Its correction.
    correction: CorrectionId,
    /// The text, with the token in it.
    pub text: SecretString,
    /// The HTML, with the token in it.
    pub html: SecretString,
}

/// Makes the link of a letter that is about to be sent; none: the letter carries none.
///
/// # Errors
/// 409 when the registered contact is another one by now.
pub async fn seal(
    app: &App,
    tx: &mut OrgTx,
    letter: &LetterRow,
    (delivery, recipient): (DeliveryId, &str),
) -> Result<Option<Sealed>, ApiError> {
    let (Some(fact), Some(correction)) = (carried(letter), letter.correction_id) else { return Ok(None) };
    let (client, correction) = (ClientId::new(letter.client_id), CorrectionId::new(correction));
    // A contact that changes at this moment ends this link, too.
    stored_contacts::hold(tx, client).await?;
    let contact = client_contacts::current(tx, client).await?;
    let contact = contact.filter(|contact| contact.person.email == recipient).ok_or_else(|| {
        ApiError::new(
            Code::Conflict,
            "The registered contact has changed since the letter was handed in. Deliver it to the new one.",
        )
    })?;
    let (id, now) = (ClientLinkId::new(Uuid::now_v7()), app.clock.now());
    let secret = secrets::CLIENT_LINK.generate(tx.org(), id.uuid()).map_err(ApiError::internal)?;
    let allows: Vec<String> = LinkAction::ALL.iter().map(|action| action.as_str().to_owned()).collect();
    let link = NewLink {
        id,
        correction,
        client,
        mailed: Some((contact.version, delivery)),
        allows: &allows,
        secret_sha256: secret.hash.as_bytes(),
        by: ACTOR,
        expires_at: now + TimeDelta::days(USUAL_DAYS.into()),
    };
    let row = stored::insert(tx, &link, now).await?;
    let detail = json!({
        "client_link_id": id, "channel": row.channel, "contact": contact.label(), "delivery_id": delivery,
        "allows": row.allows, "expires_at": row.expires_at,
    });
    corrections::note(app, tx, correction, ACTOR, "make_client_link", &detail).await?;
    let address = address(&app.config.public_url, secret.text.expose_secret());
    let with = |text: &str| SecretString::from(text.replace(fact, address.expose_secret()));
    Ok(Some(Sealed { link: id, correction, text: with(&letter.body_text), html: with(&letter.body_html) }))
}

/// Ends the link of a mail that was not taken.
pub async fn unsent(app: &App, tx: &mut OrgTx, sealed: &Sealed, error: &MailError) -> Result<(), ApiError> {
    let why = format!("{error}");
    if stored::revoke(tx, sealed.link, ACTOR, &why, app.clock.now()).await? {
        let detail = json!({ "client_link_id": sealed.link, "why": why });
        corrections::note(app, tx, sealed.correction, ACTOR, "revoke_client_link", &detail).await?;
    }
    Ok(())
}
