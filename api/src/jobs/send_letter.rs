//! Sends a letter by SMTP.
//!
//! A worker that dies between the server's "taken" and the note of it lets the message be sent twice; both
//! then have one Message-ID. Every attempt is noted before it is made.

use super::{Ended, JobContext, JobError};
use crate::error::{ApiError, Code};
use crate::mail::{MailError, Outgoing, Reply};
use crate::services::client_links::mailed::{self, Sealed};
use crate::services::corrections::letter;
use crate::services::deliveries::{self, Due};
use crate::storage::StorageError;
use crate::storage::deliveries as stored;
use leakage_core::correction::policy;
use leakage_core::id::{DeliveryId, LetterId};
use secrecy::ExposeSecret as _;
use serde_json::json;

/// Who notes what the job does.
const ACTOR: &str = "job:send_letter";

/// Runs the job.
pub async fn run(context: JobContext) -> Result<(), JobError> {
    let id = DeliveryId::new(context.subject);
    let mut tx = context.begin().await?;
    let Some(due) = deliveries::due(&mut tx, id).await? else {
        // An earlier attempt got to the end, and lost its lease afterwards.
        return context.finish(tx, &json!({ "delivery_id": id })).await;
    };
    let sealed = mailed::seal(&context.app, &mut tx, &due.letter, (id, &due.recipient)).await?;
    stored::note(&mut tx, id, "begun", None, ACTOR, context.app.clock.now()).await?;
    tx.commit().await?;
    let outcome = send(&context, &due, sealed.as_ref()).await;
    let (noted, said) = match &outcome {
        Ok(said) => ("sent", said.as_str()),
        Err(MailError::Refused(reply)) => ("refused", reply.said.as_str()),
        Err(MailError::Later(reply)) => ("failed", reply.said.as_str()),
    };
    let now = context.app.clock.now();
    let mut tx = context.begin().await?;
    stored::note(&mut tx, id, noted, Some(said), ACTOR, now).await?;
    match outcome {
        Ok(_) => {
            stored::end(&mut tx, id, "sent", now).await?;
            let actor = policy::Actor { label: ACTOR.to_owned(), person: false, admin: false };
            let letter = LetterId::new(due.letter.id);
            letter::got_through(&context.app, &mut tx, &actor, letter, now.date_naive()).await?;
            context.finish(tx, &json!({ "delivery_id": id })).await
        }
        Err(error) => {
            if let Some(sealed) = &sealed {
                mailed::unsent(&context.app, &mut tx, sealed, &error).await?;
            }
            tx.commit().await?;
            Err(failed(error))
        }
    }
}

async fn send(context: &JobContext, due: &Due, sealed: Option<&Sealed>) -> Result<String, MailError> {
    let Some(mailer) = &context.app.mailer else {
        return Err(MailError::Later(Reply::none("no mail server is configured for this worker")));
    };
    let outgoing = Outgoing {
        message_id: &due.message_id,
        to: &due.recipient,
        sender: &due.sender,
        reply_to: due.reply_to.as_deref(),
        subject: &due.letter.subject,
        text: sealed.map_or(due.letter.body_text.as_str(), |sealed| sealed.text.expose_secret()),
        html: sealed.map_or(due.letter.body_html.as_str(), |sealed| sealed.html.expose_secret()),
    };
    mailer.send(&outgoing).await
}

/// What the server said holds addresses: it stays with the attempt.
fn failed(error: MailError) -> JobError {
    match error {
        MailError::Refused(reply) => {
            let code = reply.code();
            let detail =
                format!("The message was refused{code}. The delivery's attempts have the reason in words.");
            JobError::Refused(ApiError::new(Code::MailRefused, detail))
        }
        MailError::Later(_) => JobError::Failed(error.into()),
    }
}

/// Lets the delivery fail: a person decides what to do.
pub async fn give_up(ended: Ended<'_>) -> Result<(), StorageError> {
    stored::end(ended.tx, DeliveryId::new(ended.subject), "failed", ended.now).await?;
    Ok(())
}
