//! What a client does through a link: the same commands of the core as people of the organization give,
//! with the same guards, and the client as the actor.

use super::LinkAction;
use super::codes;
use super::open::{NOT_YET, Opened, link, open};
use super::words::{self, Writing};
use crate::app::App;
use crate::auth::secrets::Presented;
use crate::error::{ApiError, Code};
use crate::services::client_contacts::{self, Contact};
use crate::services::corrections::weighed::{self, Weighed};
use crate::services::corrections::{self, Beside};
use crate::services::sign_in::Client;
use crate::storage::client_links::{self as stored, CodeRow};
use crate::storage::corrections::records::AttachedFile;
use crate::storage::organizations;
use bytes::Bytes;
use leakage_core::correction::Correction;
use leakage_core::correction::command::Command;
use leakage_core::correction::dispute::DisputeReason;
use leakage_core::correction::policy::{Actor, Channel, Said};
use leakage_core::correction::quantity::Part;
use leakage_core::correction::waiver::ConfirmationKind;
use leakage_core::digest;
use leakage_core::id::{ClientId, CorrectionId};
use leakage_core::money::Money;
use serde_json::{Value, json};

/// What a client wants.
#[derive(Clone, Debug)]
pub enum Wish {
    /// Accept.
    Accept,
    /// Object.
    Dispute {
        /// Why.
        reason: DisputeReason,
        /// To what.
        parts: Vec<Part>,
        /// In the client's words.
        note: Option<String>,
    },
    /// Pay as offered.
    Plan {
        /// Number of the way, where there are several.
        choice: Option<u16>,
    },
    /// Confirm a waiver.
    ConfirmWaiver {
        /// Number of the request.
        request: u32,
    },
}

impl Wish {
    /// What of the link it uses.
    pub const fn action(&self) -> LinkAction {
        match self {
            Self::Accept => LinkAction::Accept,
            Self::Dispute { .. } => LinkAction::Dispute,
            Self::Plan { .. } => LinkAction::Plan,
            Self::ConfirmWaiver { .. } => LinkAction::ConfirmWaiver,
        }
    }

    /// Number of the waiver request, or of the way to pay; 0: nothing of its own.
    pub fn about(&self) -> u32 {
        match self {
            Self::ConfirmWaiver { request } => *request,
            Self::Plan { choice } => choice.map_or(0, u32::from),
            Self::Accept | Self::Dispute { .. } => 0,
        }
    }
}

/// What is attached when a waiver is confirmed.
struct Written {
    sha256: String,
    minor: i64,
    file: AttachedFile,
}

/// Carries out what a client wants, confirmed by a code.
///
/// # Errors
/// Those of the link and of the code; 409 when the code was used meanwhile; 412 when the correction is not
/// what the client has seen; those of the core.
pub async fn act(
    app: &App,
    presented: &Presented,
    visitor: &Client,
    version: i64,
    code: &str,
    wish: &Wish,
) -> Result<(), ApiError> {
    let about = wish.about();
    let code = codes::check(app, presented, visitor, (wish.action(), about), code).await?;
    let written = match wish {
        Wish::ConfirmWaiver { .. } => Some(write_down(app, presented, about, &code).await?),
        _ => None,
    };
    let weighed = weigh(app, presented, version, wish).await?;
    let now = app.clock.now();
    let mut tx = app.db.begin(presented.org).await?;
    let link = link(&mut tx, presented, now, true).await?;
    if !stored::use_code(&mut tx, code.id, now).await? {
        return Err(codes::used());
    }
    let contact = client_contacts::current(&mut tx, ClientId::new(link.client_id)).await?;
    let contact = contact.filter(|contact| contact.version == code.contact_version);
    let contact = contact.ok_or_else(|| codes::ended("The registered contact has changed."))?;
    let correction = CorrectionId::new(link.correction_id);
    let loaded = corrections::load_for(&mut tx, correction, version, wish.action().command()).await?;
    if offered_since(&loaded.correction, wish, &code) {
        return Err(codes::ended("What is offered has changed since it was mailed."));
    }
    let bands = corrections::policy_at(&mut tx, now).await?.bands;
    let opened = Opened { link, loaded, contact: Some(contact.clone()), bands };
    opened.check(wish.action(), about, now)?;
    let actor = actor(&opened, &contact);
    let said = Said { by: contact.label(), channel: Channel::Link, at: now };
    let beside = Beside {
        detail: detail(&opened, wish, visitor),
        reason: reason(wish),
        file: written.as_ref().map(|written| written.file.clone()),
        second_factor: false,
    };
    let command = command(wish, said, written.as_ref());
    corrections::apply(app, &mut tx, &actor, opened.loaded, (&command, weighed), beside)
        .await
        .map_err(for_client)?;
    tx.commit().await?;
    Ok(())
}

/// Whether another offer was made since the code was mailed: the mail names the way to pay, and whoever passed the
/// code on agreed to that one.
fn offered_since(correction: &Correction, wish: &Wish, code: &CodeRow) -> bool {
    let offer = correction.offer.as_ref().filter(|_| wish.action() == LinkAction::Plan);
    offer.is_some_and(|offer| offer.at > code.created_at)
}

/// What the command must know that takes long to count: before anything is written.
async fn weigh(
    app: &App,
    presented: &Presented,
    version: i64,
    wish: &Wish,
) -> Result<Option<Weighed>, ApiError> {
    let mut tx = app.db.begin(presented.org).await?;
    let link = link(&mut tx, presented, app.clock.now(), false).await?;
    tx.commit().await?;
    let correction = CorrectionId::new(link.correction_id);
    weighed::weigh(app, presented.org, (correction, version), wish.action().command(), false).await
}

/// The client, as records name it. It has no say in what only people of the organization may do.
fn actor(opened: &Opened, contact: &Contact) -> Actor {
    let label = format!("client:{} by link {}", contact.person.email, opened.link.id);
    Actor { label, person: false, admin: false }
}

fn command(wish: &Wish, said: Said, written: Option<&Written>) -> Command {
    match wish {
        Wish::Accept => Command::Accept { said },
        Wish::Plan { choice } => Command::AcceptPlan { said, choice: *choice },
        Wish::Dispute { reason, parts, note } => Command::Dispute {
            reason: *reason,
            parts: parts.clone(),
            note: note.clone(),
            said,
            reply_by: None,
        },
        Wish::ConfirmWaiver { .. } => Command::AttachConfirmation {
            kind: ConfirmationKind::Waiver,
            sha256: written.map(|written| written.sha256.clone()).unwrap_or_default(),
            said,
            authenticated: true,
            minor: written.map(|written| written.minor),
        },
    }
}

fn reason(wish: &Wish) -> Option<String> {
    match wish {
        Wish::Dispute { reason, .. } => Some(reason.as_str().to_owned()),
        _ => None,
    }
}

fn detail(opened: &Opened, wish: &Wish, visitor: &Client) -> Value {
    let mut detail = json!({
        "client_link_id": opened.link.id, "authenticated": opened.is_authenticated(),
        "network": visitor.network, "user_agent": visitor.user_agent,
    });
    match wish {
        Wish::Dispute { reason, parts, note } => {
            detail["reason"] = json!(reason);
            detail["parts"] = json!(parts);
            detail["note"] = json!(note);
        }
        Wish::ConfirmWaiver { request } => detail["request"] = json!(request),
        Wish::Plan { choice: Some(choice) } => detail["choice"] = json!(choice),
        Wish::Accept | Wish::Plan { choice: None } => {}
    }
    detail
}

/// What the organization must decide first is told the client as that, not in the words for its people.
fn for_client(error: ApiError) -> ApiError {
    if matches!(error.name(), "instalment_too_large" | "shock_approval_missing") {
        return ApiError::new(Code::Conflict, NOT_YET);
    }
    error
}

/// Writes down what the client confirms, and keeps the file before anything rests on it.
async fn write_down(
    app: &App,
    presented: &Presented,
    about: u32,
    code: &CodeRow,
) -> Result<Written, ApiError> {
    let now = app.clock.now();
    let mut tx = app.db.begin(presented.org).await?;
    let opened = open(&mut tx, presented, now).await?;
    opened.check(LinkAction::ConfirmWaiver, about, now)?;
    let msp = organizations::find(&mut tx).await?.ok_or_else(ApiError::not_found)?.name;
    tx.commit().await?;
    let correction = opened.correction();
    let minor = opened.request(about).map_or(0, |request| request.quantity.minor);
    let told = correction.announcement.as_ref();
    let text = words::writing(&Writing {
        contact: &opened.contact.as_ref().map(Contact::label).unwrap_or_default(),
        client: &correction.subject.client,
        msp: &msp,
        amount: Money::from_minor(minor, correction.subject.currency),
        correction: &opened.loaded.row.id.to_string(),
        request: about,
        frozen: told.map_or("none", |told| told.frozen.as_str()),
        at: &now.to_rfc3339(),
        link: &opened.link.id.to_string(),
        code: &code.id.to_string(),
    });
    let sha256 = digest::of_bytes(text.as_bytes());
    let file = AttachedFile {
        file_name: format!("waiver-{about}-confirmed.txt"),
        content_type: Some("text/plain; charset=utf-8".to_owned()),
        size_bytes: i64::try_from(text.len()).map_err(ApiError::internal)?,
    };
    let key = corrections::writing_key(presented.org, &sha256);
    let stream = futures_util::stream::once(std::future::ready(Ok::<_, std::io::Error>(Bytes::from(text))));
    app.objects.put_stream(&key, stream).await.map_err(ApiError::internal)?;
    Ok(Written { sha256, minor, file })
}
