//! Mails a person of the organization what its clock has to say. The message is in the job: it is enqueued
//! once, in the transaction that notes the reminder.
//!
//! A worker that dies between the server's "taken" and the job's end sends it twice, with one Message-ID.

use super::{Ended, JobContext, JobError};
use crate::error::{ApiError, Code};
use crate::mail::{MailError, Outgoing};
use crate::storage::{StorageError, members, organizations};
use leakage_core::id::UserId;
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
struct Notice {
    subject: String,
    text: String,
}

/// Runs the job.
pub async fn run(context: JobContext) -> Result<(), JobError> {
    let notice: Notice = serde_json::from_value(context.payload.clone())
        .map_err(|error| JobError::Refused(ApiError::internal(error)))?;
    let mut tx = context.begin().await?;
    let person = members::find(&mut tx, UserId::new(context.subject)).await?;
    let own = organizations::find(&mut tx).await?;
    tx.commit().await?;
    // Whoever left hears nothing any more; what they owned is told to admins.
    let (Some(person), Some(mailer)) = (person, &context.app.mailer) else {
        return context.finish(context.begin().await?, &json!({ "sent": false })).await;
    };
    let sender = own.map(|own| own.name).unwrap_or_default();
    let outgoing = Outgoing {
        message_id: &mailer.message_id(&context.job.to_string()),
        to: &person.email,
        sender: &sender,
        reply_to: None,
        subject: &notice.subject,
        text: &notice.text,
        html: &html(&notice),
    };
    match mailer.send(&outgoing).await {
        Ok(_) => context.finish(context.begin().await?, &json!({ "sent": true })).await,
        Err(MailError::Refused(reply)) => {
            let detail = format!("The message was refused{}.", reply.code());
            Err(JobError::Refused(ApiError::new(Code::MailRefused, detail)))
        }
        Err(error @ MailError::Later(_)) => Err(JobError::Failed(error.into())),
    }
}

fn html(notice: &Notice) -> String {
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{}</title>\n</head>\n\
         <body style=\"font:16px/1.5 Arial,Helvetica,sans-serif\">\n<p>{}</p>\n</body>\n</html>\n",
        escaped(&notice.subject),
        escaped(&notice.text).replace('\n', "<br>\n"),
    )
}

/// The event and the work queue say the same.
pub async fn give_up(_ended: Ended<'_>) -> Result<(), StorageError> {
    Ok(())
}
