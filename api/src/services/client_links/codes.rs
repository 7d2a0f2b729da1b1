//! Codes: made for one thing, mailed to the registered contact and to nobody else, good once, for ten
//! minutes and five tries.

use super::open::{Opened, choice, link, open};
use super::{LinkAction, words};
use crate::app::App;
use crate::auth::codes;
use crate::auth::secrets::Presented;
use crate::error::{ApiError, Code};
use crate::mail::{MailError, Mailer, Outgoing};
use crate::services::client_contacts::Contact;
use crate::services::corrections;
use crate::services::sign_in::Client;
use crate::storage::client_links::{self as stored, CodeRow, NewCode};
use crate::storage::{OrgTx, clients, organizations};
use chrono::{DateTime, TimeDelta, Utc};
use leakage_core::id::{ClientId, ClientLinkId, CorrectionId};
use leakage_core::money::Money;
use secrecy::ExposeSecret as _;
use serde_json::json;
use uuid::Uuid;

/// Minutes for which a code is good.
pub const MINUTES: i64 = 10;

/// Tries of a code.
pub const TRIES: i32 = 5;

/// Codes that are mailed to a client's contact within an hour, through all links.
const AN_HOUR: i64 = 10;

/// Those that are mailed through one link.
const AN_HOUR_OF_LINK: i64 = 5;

/// A code that was mailed.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The address, most of it hidden.
    pub to: String,
    /// From when the code is of no use.
    pub expires_at: DateTime<Utc>,
}

/// An address that whoever knows it recognises, and nobody else.
pub fn masked(email: &str) -> String {
    let (local, domain) = email.rsplit_once('@').unwrap_or((email, ""));
    let first: String = local.chars().take(1).collect();
    format!("{first}\u{2022}\u{2022}\u{2022}@{domain}")
}

/// Mails a code for one action. `about`: number of the waiver request, or of the way to pay; 0 otherwise.
///
/// # Errors
/// 409 where there is no mail server or no contact, or the action is not possible now; 403 where the link
/// may not; 429 when too many were mailed; 422 or 503 when the mail server does not take it.
pub async fn send(
    app: &App,
    presented: &Presented,
    visitor: &Client,
    action: LinkAction,
    about: u32,
) -> Result<Sent, ApiError> {
    let now = app.clock.now();
    let mut tx = app.db.begin(presented.org).await?;
    let opened = open(&mut tx, presented, now).await?;
    opened.check(action, about, now)?;
    let msp = organizations::find(&mut tx).await?.ok_or_else(ApiError::not_found)?.name;
    let (link, client) = (ClientLinkId::new(opened.link.id), ClientId::new(opened.link.client_id));
    // Counted again where it counts. Here it spares the slow hash for what would be refused anyway.
    within_limits(&mut tx, client, link, now).await?;
    tx.commit().await?;
    let (Some(contact), Some(mailer)) = (&opened.contact, &app.mailer) else { return Err(no_mail(&msp)) };
    let code = codes::generate().map_err(ApiError::internal)?;
    let code_hash = app.passwords.hash(code.clone()).await.map_err(ApiError::internal)?;
    let new = NewCode {
        id: Uuid::now_v7(),
        link,
        client,
        contact_version: contact.version,
        action: action.as_str(),
        about: i32::try_from(about).map_err(ApiError::internal)?,
        code_hash: &code_hash,
        expires_at: now + TimeDelta::minutes(MINUTES),
    };
    keep(app, presented, &new, now).await?;
    let purpose = purpose(&opened, action, about);
    let taken = mail(mailer, &new, contact, &msp, &opened, &purpose, code.expose_secret()).await;
    noted(app, presented, visitor, &new, contact, taken.is_ok()).await?;
    taken.map_err(|error| untaken(error, &msp))?;
    Ok(Sent { to: masked(&contact.person.email), expires_at: new.expires_at })
}

/// Keeps a code, if as few were made as may be: of many at once only so many get through, since each counts what
/// those before it have kept.
async fn keep(
    app: &App,
    presented: &Presented,
    new: &NewCode<'_>,
    now: DateTime<Utc>,
) -> Result<(), ApiError> {
    let mut tx = app.db.begin(presented.org).await?;
    clients::lock(&mut tx, new.client).await?;
    // A change of the contact ends links under the same lock.
    link(&mut tx, presented, now, false).await?;
    within_limits(&mut tx, new.client, new.link, now).await?;
    stored::insert_code(&mut tx, new, now).await?;
    Ok(tx.commit().await?)
}

/// Whether another code may be mailed. Whoever holds one link cannot use up what the client's others need.
async fn within_limits(
    tx: &mut OrgTx,
    client: ClientId,
    link: ClientLinkId,
    now: DateTime<Utc>,
) -> Result<(), ApiError> {
    let (of_client, of_link) = stored::codes_since(tx, client, link, now - TimeDelta::hours(1)).await?;
    let most = match (of_client, of_link) {
        (_, mailed) if mailed >= AN_HOUR_OF_LINK => AN_HOUR_OF_LINK,
        (mailed, _) if mailed >= AN_HOUR => AN_HOUR,
        _ => return Ok(()),
    };
    Err(ApiError::new(
        Code::RateLimited,
        format!("{most} codes were mailed within an hour. Wait some minutes before you ask for another."),
    )
    .retry_after(600))
}

/// What a code is for, in words.
fn purpose(opened: &Opened, action: LinkAction, about: u32) -> String {
    let request = opened.request(about).filter(|_| action == LinkAction::ConfirmWaiver);
    let currency = opened.correction().subject.currency;
    let amount = request.map(|request| Money::from_minor(request.quantity.minor, currency));
    let offer = opened.correction().offer.as_ref().filter(|_| action == LinkAction::Plan);
    let way = offer.and_then(|offer| offer.chosen(choice(about)).ok());
    words::purpose(action, amount, way)
}

async fn mail(
    mailer: &Mailer,
    code: &NewCode<'_>,
    contact: &Contact,
    msp: &str,
    opened: &Opened,
    purpose: &str,
    secret: &str,
) -> Result<String, MailError> {
    let (subject, text) = words::code(msp, &opened.correction().subject.client, purpose, secret, MINUTES);
    let html = words::html(&subject, &text);
    let message_id = mailer.message_id(&code.id.to_string());
    let outgoing = Outgoing {
        message_id: &message_id,
        to: &contact.person.email,
        sender: msp,
        reply_to: None,
        subject: &subject,
        text: &text,
        html: &html,
    };
    mailer.send(&outgoing).await
}

/// Notes a code that was mailed, or ends one that was not.
async fn noted(
    app: &App,
    presented: &Presented,
    visitor: &Client,
    code: &NewCode<'_>,
    contact: &Contact,
    mailed: bool,
) -> Result<(), ApiError> {
    let now = app.clock.now();
    let mut tx = app.db.begin(presented.org).await?;
    if !mailed {
        stored::use_code(&mut tx, code.id, now).await?;
        tx.commit().await?;
        return Ok(());
    }
    let row = stored::find(&mut tx, code.link).await?.ok_or_else(ApiError::not_found)?;
    let detail = json!({
        "client_link_id": code.link, "action": code.action, "about": code.about,
        "contact": contact.label(), "network": visitor.network, "user_agent": visitor.user_agent,
    });
    let by = format!("client_link:{}", code.link);
    corrections::note(app, &mut tx, CorrectionId::new(row.correction_id), &by, "client_code_sent", &detail)
        .await?;
    tx.commit().await?;
    Ok(())
}

fn no_mail(msp: &str) -> ApiError {
    ApiError::new(
        Code::MailNotConfigured,
        format!(
            "No mail can be sent from here, so nothing can be confirmed on this page. Tell {msp} by mail or by \
             telephone; they record your answer themselves."
        ),
    )
}

fn untaken(error: MailError, msp: &str) -> ApiError {
    let told = match &error {
        MailError::Refused(_) => ApiError::new(
            Code::MailRefused,
            format!(
                "The mail with the code was refused. Tell {msp} that the registered address does not work."
            ),
        ),
        MailError::Later(_) => ApiError::new(
            Code::Unavailable,
            "The mail with the code cannot be sent right now. Try again in some minutes.",
        )
        .retry_after(120),
    };
    told.because(error)
}

/// Takes one try of the link's newest code, and answers it if it is right for this.
///
/// The try is counted before the code is compared, so that many at once are no more tries than five. The
/// comparison takes the same time whatever differs: it is a slow hash.
///
/// # Errors
/// 422 `code_wrong` with the tries that are left; 409 `code_ended` when there is none that could be right.
pub async fn check(
    app: &App,
    presented: &Presented,
    visitor: &Client,
    (action, about): (LinkAction, u32),
    code: &str,
) -> Result<CodeRow, ApiError> {
    let digits = codes::read(code)
        .ok_or_else(|| ApiError::invalid("/code", format!("The code has {} digits.", codes::DIGITS)))?;
    let now = app.clock.now();
    let mut tx = app.db.begin(presented.org).await?;
    let row = link(&mut tx, presented, now, false).await?;
    let found = stored::newest_code(&mut tx, ClientLinkId::new(row.id)).await?;
    let found = fitting(found, action, about, now)?;
    let tries = stored::take_try(&mut tx, found.id, TRIES).await?;
    tx.commit().await?;
    let tries = tries.ok_or_else(|| ended("Its five tries are over."))?;
    let right = app.passwords.verify(digits.into(), Some(found.code_hash.clone())).await;
    if right.map_err(ApiError::internal)? {
        return Ok(found);
    }
    let mut tx = app.db.begin(presented.org).await?;
    let detail = json!({
        "client_link_id": row.id, "action": action, "tries": tries,
        "network": visitor.network, "user_agent": visitor.user_agent,
    });
    let by = format!("client_link:{}", row.id);
    corrections::note(app, &mut tx, CorrectionId::new(row.correction_id), &by, "client_code_wrong", &detail)
        .await?;
    tx.commit().await?;
    Err(match TRIES - tries {
        0 => ended("It was not right five times."),
        1 => ApiError::new(Code::CodeWrong, "The code is not right. You have one more try."),
        left => ApiError::new(Code::CodeWrong, format!("The code is not right. You have {left} more tries.")),
    })
}

fn fitting(
    found: Option<CodeRow>,
    action: LinkAction,
    about: u32,
    now: DateTime<Utc>,
) -> Result<CodeRow, ApiError> {
    let found = found.ok_or_else(|| ended("None was mailed yet."))?;
    if found.action != action.as_str() || u32::try_from(found.about) != Ok(about) {
        return Err(ended("The last one was for something else."));
    }
    if found.used_at.is_some() {
        return Err(used());
    }
    if now >= found.expires_at {
        return Err(ended("Its ten minutes are over."));
    }
    Ok(found)
}

/// The code was used: twice at once, or again.
pub fn used() -> ApiError {
    ApiError::new(Code::Conflict, "This code was used already. Look at what the page shows now.")
}

/// A code that cannot be right any more.
pub fn ended(why: &str) -> ApiError {
    ApiError::new(Code::CodeEnded, format!("{why} Ask for a new code."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_hidden_but_for_its_first_letter_and_domain() {
        assert_eq!(masked("casey@contoso.example"), "c\u{2022}\u{2022}\u{2022}@contoso.example");
        assert_eq!(masked("\u{e9}@b.example"), "\u{e9}\u{2022}\u{2022}\u{2022}@b.example");
    }

    #[test]
    fn a_code_fits_one_thing_once_for_ten_minutes() {
        let now: DateTime<Utc> = "2026-11-22T12:00:00Z".parse().unwrap();
        let row = CodeRow {
            id: Uuid::nil(),
            action: "confirm_waiver".to_owned(),
            about: 2,
            contact_version: 1,
            code_hash: String::new(),
            created_at: now,
            expires_at: now + TimeDelta::minutes(MINUTES),
            tries: 0,
            used_at: None,
        };
        let ask = |row: &CodeRow, action, about, minutes| {
            fitting(Some(row.clone()), action, about, now + TimeDelta::minutes(minutes))
                .map(|_| ())
                .map_err(|error| error.name())
        };
        assert_eq!(ask(&row, LinkAction::ConfirmWaiver, 2, 9), Ok(()));
        assert_eq!(ask(&row, LinkAction::ConfirmWaiver, 2, 10), Err("code_ended"));
        assert_eq!(ask(&row, LinkAction::ConfirmWaiver, 1, 0), Err("code_ended"));
        assert_eq!(ask(&row, LinkAction::Accept, 2, 0), Err("code_ended"));
        let used = CodeRow { used_at: Some(now), ..row };
        assert_eq!(ask(&used, LinkAction::ConfirmWaiver, 2, 0), Err("conflict"));
    }
}
