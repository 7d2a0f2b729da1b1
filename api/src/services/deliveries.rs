//! Deliveries: a letter is sent by us, or handed out for others to send, and its arrival is recorded.

use crate::app::App;
use crate::auth::Actor;
use crate::error::{ApiError, Code};
use crate::jobs::{self, JobKind};
use crate::mail;
use crate::services::client_links::mailed;
use crate::services::corrections::{acting, letter};
use crate::storage::deliveries::{self as stored, DeliveryRow, NewDelivery as Stored};
use crate::storage::letters::{self, LetterRow};
use crate::storage::{OrgTx, StorageError};
use chrono::{DateTime, Utc};
use leakage_core::id::{DeliveryId, LetterId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// How a letter reaches its recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
// Another `Channel` says how a client spoke.
#[schema(as = DeliveryChannel)]
pub enum Channel {
    /// We send it by mail.
    Smtp,
    /// A person or another system sends it, such as the PSA.
    HandedOut,
}

/// A delivery to be made.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"recipient": "carter@contoso.example", "channel": "smtp"}))]
pub struct NewDelivery {
    /// To whom: an e-mail address where we send it.
    #[schema(min_length = 1, max_length = 320)]
    pub recipient: String,
    /// By mail where a mail server is configured, handed out otherwise, when not stated.
    #[serde(default)]
    pub channel: Option<Channel>,
}

/// That a letter arrived.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"note": "Sent from the PSA, ticket 8123"}))]
pub struct Arrival {
    /// When; now when not stated.
    #[serde(default)]
    pub delivered_at: Option<DateTime<Utc>>,
    /// How it is known.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub note: Option<String>,
}

/// Stores a delivery, and the job that sends it where we do.
pub async fn create(
    app: &App,
    tx: &mut OrgTx,
    actor: &Actor,
    letter: LetterId,
    new: &NewDelivery,
) -> Result<DeliveryRow, ApiError> {
    create_as(app, tx, &actor.label(), letter, new).await
}

/// Stores a delivery, and the job that sends it where we do; `by` is who asks for it, as records name them.
pub async fn create_as(
    app: &App,
    tx: &mut OrgTx,
    by: &str,
    letter: LetterId,
    new: &NewDelivery,
) -> Result<DeliveryRow, ApiError> {
    let row = letters::find(tx, letter).await?.ok_or_else(ApiError::not_found)?;
    let recipient = new.recipient.trim();
    if !(1..=320).contains(&recipient.chars().count()) || recipient.chars().any(char::is_control) {
        return Err(ApiError::invalid("/recipient", "One line of 1 to 320 characters."));
    }
    let mailer = match (new.channel, &app.mailer) {
        (Some(Channel::HandedOut), _) | (None, None) => None,
        (Some(Channel::Smtp), None) => return Err(no_mail_server()),
        (_, Some(mailer)) => Some(mailer),
    };
    if mailer.is_some() && !mail::is_address(recipient) {
        return Err(ApiError::invalid("/recipient", "One e-mail address, such as carter@contoso.example."));
    }
    mailed::check(tx, &row, recipient, mailer.is_some()).await?;
    let (id, now) = (DeliveryId::new(Uuid::now_v7()), app.clock.now());
    let message_id = mailer.map(|mailer| mailer.message_id(&id.to_string()));
    let job = match mailer {
        Some(_) => Some(jobs::enqueue(tx, now, JobKind::SendLetter, id.uuid(), Value::Null).await?),
        None => None,
    };
    let delivery = Stored {
        id,
        letter,
        letter_sha256: &row.sha256,
        recipient,
        message_id: message_id.as_deref(),
        job,
        by,
    };
    Ok(stored::insert(tx, &delivery, now).await?)
}

fn no_mail_server() -> ApiError {
    ApiError::new(
        Code::MailNotConfigured,
        "No mail server is configured. Leave `channel` out, or say `handed_out`, and send the letter yourself.",
    )
}

/// Records that a letter of this version of its delivery arrived.
pub async fn arrive(
    app: &App,
    tx: &mut OrgTx,
    actor: &Actor,
    id: DeliveryId,
    version: i64,
    arrival: &Arrival,
) -> Result<DeliveryRow, ApiError> {
    let current = stored::find(tx, id).await?.ok_or_else(ApiError::not_found)?;
    let now = app.clock.now();
    let delivered_at = arrival.delivered_at.unwrap_or(now);
    if delivered_at > now || delivered_at < current.created_at {
        return Err(ApiError::invalid(
            "/delivered_at",
            "Between the letter's delivery being asked for and now.",
        ));
    }
    let note = arrival.note.as_deref().map(str::trim).filter(|note| !note.is_empty());
    if note.is_some_and(|note| note.chars().count() > 1000) {
        return Err(ApiError::invalid("/note", "At most 1000 characters."));
    }
    if let Some(row) = stored::deliver(tx, id, version, delivered_at, now).await? {
        stored::note(tx, id, "delivered", note, &actor.label(), now).await?;
        let letter = LetterId::new(row.letter_id);
        letter::got_through(app, tx, &acting(actor), letter, delivered_at.date_naive()).await?;
        return Ok(row);
    }
    if current.version != version {
        return Err(ApiError::stale());
    }
    Err(ApiError::new(
        Code::Conflict,
        format!("The delivery is {}: only one that was sent or handed out can arrive.", current.status),
    ))
}

/// A message that waits to be sent.
#[derive(Clone, Debug)]
pub struct Due {
    /// To whom.
    pub recipient: String,
    /// The same in every attempt.
    pub message_id: String,
    /// Name of the sender.
    pub sender: String,
    /// Where answers go.
    pub reply_to: Option<String>,
    /// The letter.
    pub letter: LetterRow,
}

/// The message of a delivery, if it still waits.
pub async fn due(tx: &mut OrgTx, id: DeliveryId) -> Result<Option<Due>, StorageError> {
    let Some(delivery) = stored::find(tx, id).await?.filter(|delivery| delivery.status == "queued") else {
        return Ok(None);
    };
    let Some(message_id) = delivery.message_id else { return Ok(None) };
    let Some(letter) = letters::find(tx, LetterId::new(delivery.letter_id)).await? else { return Ok(None) };
    let text = |pointer: &str| letter.facts.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    Ok(Some(Due {
        recipient: delivery.recipient,
        message_id,
        sender: text("/msp").unwrap_or_default(),
        reply_to: text("/account_manager/email"),
        letter,
    }))
}
