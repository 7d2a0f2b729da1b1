//! The registered contact of a client: the one person whom links and codes are mailed to.
//!
//! Whoever writes their own address here could confirm for the client. So a change ends all links that are
//! in use, is told to the contact that there was, and a waiver is not confirmed through a new contact for
//! 72 hours, a weekend included, unless a second person of the organization stands for it.

use crate::app::App;
use crate::auth::{Actor, Identity};
use crate::error::{ApiError, Code};
use crate::mail::{self, Outgoing};
use crate::services::corrections;
use crate::services::{client_links::words, text};
use crate::storage::client_contacts::{self as stored, ContactRow, NewContact};
use crate::storage::{OrgTx, client_links, organizations};
use chrono::{DateTime, TimeDelta, Utc};
use leakage_core::id::{ClientId, CorrectionId};
use serde_json::json;
use uuid::Uuid;

/// Hours in which no waiver is confirmed through a new contact.
pub const NEW_HOURS: i64 = 72;

/// Characters of an address: it stands in the names of actors.
const LONGEST_ADDRESS: usize = 240;

/// A person to be registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
}

impl Person {
    /// Trims, and refuses an address that is none.
    pub fn checked(name: &str, email: &str) -> Result<Self, ApiError> {
        let name = text::short("/contact/name", name, 200)?;
        let email = text::short("/contact/email", email, LONGEST_ADDRESS)?;
        if !mail::is_address(&email) {
            return Err(ApiError::invalid(
                "/contact/email",
                "One e-mail address, such as carter@contoso.example.",
            ));
        }
        Ok(Self { name, email })
    }
}

/// What is said of a client's contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    Kept,
    /// There is nobody any more.
    Nobody,
    /// It is this person.
    Is(Person),
}

/// A registered contact that there is.
#[derive(Clone, Debug)]
pub struct Contact {
    /// Counts the changes.
    pub version: i32,
    /// Who.
    pub person: Person,
    /// Since when waivers are confirmed through it, or will be.
    pub waivers_from: DateTime<Utc>,
}

impl Contact {
    /// Of a stored one; none: there is nobody.
    pub fn of(row: &ContactRow) -> Option<Self> {
        let person = Person { name: row.name.clone()?, email: row.email.clone()? };
        Some(Self { version: row.version, person, waivers_from: waivers_from(row) })
    }

    /// Name and address, as the timeline and writings have them.
    pub fn label(&self) -> String {
        format!("{} <{}>", self.person.name, self.person.email)
    }
}

/// When a contact is old enough for waivers, or was approved.
pub fn waivers_from(row: &ContactRow) -> DateTime<Utc> {
    let waited = row.set_at + TimeDelta::hours(NEW_HOURS);
    row.approved_at.map_or(waited, |approved| approved.min(waited))
}

/// The registered contact of a client.
pub async fn current(tx: &mut OrgTx, client: ClientId) -> Result<Option<Contact>, ApiError> {
    Ok(stored::current(tx, client).await?.as_ref().and_then(Contact::of))
}

/// What is to be told when the change has been stored.
#[derive(Debug)]
pub struct Told {
    to: String,
    message_id: Uuid,
    client: String,
    msp: String,
}

/// Ends the registered contact of a client, without telling anybody: the person is being erased.
pub async fn end(app: &App, tx: &mut OrgTx, by: &str, client: ClientId) -> Result<(), ApiError> {
    let Some(before) = stored::current(tx, client).await? else { return Ok(()) };
    let new = NewContact { version: before.version.saturating_add(1), person: None, by };
    stored::insert(tx, client, &new, app.clock.now()).await?;
    end_links(app, tx, by, client).await
}

/// Ends the links that are in use: they were for the contact that there was.
async fn end_links(app: &App, tx: &mut OrgTx, by: &str, client: ClientId) -> Result<(), ApiError> {
    let why = "the registered contact changed";
    for (link, correction) in client_links::revoke_all(tx, client, by, why, app.clock.now()).await? {
        let detail = json!({ "client_link_id": link, "why": why });
        corrections::note(app, tx, CorrectionId::new(correction), by, "revoke_client_link", &detail).await?;
    }
    Ok(())
}

/// Registers a contact, or nobody. The same person again changes nothing. Answers what is to be told.
pub async fn register(
    app: &App,
    tx: &mut OrgTx,
    actor: &Actor,
    (client, client_name): (ClientId, &str),
    change: &Change,
) -> Result<Option<Told>, ApiError> {
    let person = match change {
        Change::Kept => return Ok(None),
        Change::Nobody => None,
        Change::Is(person) => Some(person),
    };
    let before = stored::current(tx, client).await?;
    let was = before.as_ref().and_then(Contact::of);
    if was.as_ref().map(|contact| &contact.person) == person {
        return Ok(None);
    }
    let now = app.clock.now();
    let by = actor.label();
    let new = NewContact {
        version: before.map_or(0, |row| row.version).saturating_add(1),
        person: person.map(|person| (person.name.as_str(), person.email.as_str())),
        by: &by,
    };
    stored::insert(tx, client, &new, now).await?;
    end_links(app, tx, &by, client).await?;
    let Some(was) = was.filter(|was| person.is_none_or(|person| person.email != was.person.email)) else {
        return Ok(None);
    };
    let own = organizations::find(tx).await?.ok_or_else(ApiError::not_found)?;
    Ok(Some(Told {
        to: was.person.email,
        message_id: Uuid::now_v7(),
        client: client_name.to_owned(),
        msp: own.name,
    }))
}

/// Tells the contact that there was, so that nobody is replaced in silence. A mail that does not leave
/// changes nothing: it is in the log.
pub async fn tell(app: &App, told: Told) {
    let Some(mailer) = &app.mailer else { return };
    let (subject, text) = words::contact_changed(&told.msp, &told.client);
    let message_id = mailer.message_id(&told.message_id.to_string());
    let html = words::html(&subject, &text);
    let outgoing = Outgoing {
        message_id: &message_id,
        to: &told.to,
        sender: &told.msp,
        reply_to: None,
        subject: &subject,
        text: &text,
        html: &html,
    };
    if let Err(error) = mailer.send(&outgoing).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "a changed contact was not told");
    }
}

/// A second person stands for the contact that counts.
///
/// # Errors
/// 403 for an integration, and for whoever wrote it; 409 when there is nobody, or somebody stands for it.
pub async fn approve(
    app: &App,
    tx: &mut OrgTx,
    actor: &Actor,
    client: ClientId,
    version: i32,
) -> Result<ContactRow, ApiError> {
    let row = stored::current(tx, client).await?;
    let row = row.filter(|row| Contact::of(row).is_some()).ok_or_else(|| {
        ApiError::new(Code::Conflict, "The client has no registered contact. Register one first.")
    })?;
    if row.version != version {
        return Err(ApiError::new(
            Code::Conflict,
            "The contact has changed since you read it. Read it again, and decide anew.",
        ));
    }
    if !matches!(actor.identity, Identity::User { .. }) {
        return Err(ApiError::new(Code::InsufficientRole, "A person must stand for a contact."));
    }
    let by = actor.label();
    // Whoever holds an integration's key may be whoever approves.
    if row.set_by == by || !row.set_by.starts_with("user:") {
        return Err(ApiError::new(
            Code::InsufficientRole,
            "You, or an integration, wrote this contact. Have someone else stand for it, or wait until waivers are confirmed \
             through it.",
        ));
    }
    if row.approved_by.is_some() || !stored::approve(tx, client, &row, &by, app.clock.now()).await? {
        return Err(ApiError::new(Code::Conflict, "Somebody stands for this contact already."));
    }
    stored::current(tx, client).await?.ok_or_else(ApiError::not_found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(approved: Option<&str>) -> ContactRow {
        ContactRow {
            version: 1,
            name: Some("Casey".to_owned()),
            email: Some("casey@contoso.example".to_owned()),
            set_by: "user:a".to_owned(),
            set_at: "2026-11-20T12:00:00Z".parse().unwrap(),
            approved_by: approved.map(|_| "user:b".to_owned()),
            approved_at: approved.map(|at| at.parse().unwrap()),
        }
    }

    #[test]
    fn a_new_contact_waits_unless_a_second_person_stands_for_it() {
        for (approved, from) in [
            (None, "2026-11-23T12:00:00Z"),
            (Some("2026-11-20T13:00:00Z"), "2026-11-20T13:00:00Z"),
            (Some("2026-11-28T13:00:00Z"), "2026-11-23T12:00:00Z"),
        ] {
            assert_eq!(waivers_from(&row(approved)), from.parse::<DateTime<Utc>>().unwrap(), "{approved:?}");
        }
    }

    #[test]
    fn an_address_is_one_address() {
        for (email, good) in [
            ("casey@contoso.example", true),
            (" casey@contoso.example ", true),
            ("casey", false),
            ("a@b.example, c@d.example", false),
            ("Casey <casey@contoso.example>", false),
            ("", false),
        ] {
            assert_eq!(Person::checked("Casey", email).is_ok(), good, "{email}");
        }
    }
}
