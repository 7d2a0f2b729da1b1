//! The commands that a letter goes with: telling the client, and answering an objection.

use super::bodies;
use super::commands::completed;
use super::parts::{forward, short};
use super::view::Correction;
use crate::app::App;
use crate::auth::{Allowed, perm};
use crate::error::ApiError;
use crate::extract::{IfMatch, JsonBody};
use crate::routes::respond;
use crate::services::corrections::{self, Beside, Loaded, acting, letter, recount, weighed};
use crate::services::deliveries::Channel;
use crate::services::idempotency::{Replay, Reply, once};
use crate::storage::OrgTx;
use actix_web::{HttpResponse, post, web};
use leakage_core::correction::case::GoingForward;
use leakage_core::correction::command::{Command, Message};
use leakage_core::correction::policy;
use leakage_core::correction::state::Action;
use leakage_core::id::{CorrectionId, LetterId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

/// A letter that goes out with a command: one that was written before, or one that is written from the
/// correction now. What happens to it moves the correction: when a mail server takes it, or its arrival is
/// recorded, the message has arrived.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"recipient": "carter@contoso.example", "contact": "Ms Carter"}))]
pub(super) struct SentLetter {
    /// A letter of this correction that was written before; it is written now when not stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub letter_id: Option<LetterId>,
    /// To whom it goes; may be left out if the letter went out before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 320)]
    pub recipient: Option<String>,
    /// By mail where a mail server is configured, handed out otherwise, when not stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// Written now: the person who is addressed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 300)]
    pub contact: Option<String>,
    /// Written now: why it was found late, in a whole sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1000)]
    pub delay: Option<String>,
}

impl SentLetter {
    fn wanted(&self) -> letter::Wanted {
        letter::Wanted {
            letter: self.letter_id,
            contact: self.contact.clone(),
            delay: self.delay.clone(),
            recipient: self.recipient.clone(),
            channel: self.channel,
        }
    }
}

/// What the client is told: by a letter, or in another way.
type Told = (Option<letter::Outgoing>, Message, Option<GoingForward>);

async fn told(
    app: &App,
    tx: &mut OrgTx,
    by: &str,
    loaded: &Loaded,
    body: &bodies::Communicate,
) -> Result<Told, ApiError> {
    let agreed = forward(body.going_forward.as_ref())?;
    match (&body.letter, &body.message) {
        (Some(letter), None) => {
            let told = letter::telling(app, tx, by, loaded, &letter.wanted(), agreed).await?;
            Ok((Some(told.0), told.1, told.2))
        }
        (None, Some(message)) => Ok((None, message.message()?, agreed)),
        _ => Err(ApiError::invalid(
            "/letter",
            "Name the letter that tells the client, or the message: one of them.",
        )),
    }
}

/// Tell the client
///
/// By a letter of ours, written before or now (`letter`), or by a `message` of your own. Refused unless you
/// confirm the gaps; what the client is told holds context, data and going-forward, and no price change; the
/// notice before the invoice is kept; and what the invoice shock asks for exists (see `/preview`). A letter must
/// say what the correction is: its money, and the next invoice's day and seats. The facts behind it are frozen
/// with it. Needs `If-Match`.
#[utoipa::path(tag = "corrections", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("corrections:write"))), request_body = bodies::Communicate,
    params(("correction_id" = CorrectionId, Path, description = "The correction"),
           ("If-Match" = String, Header, description = "ETag of the version that you read", max_length = 100),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat", max_length = 255)),
    responses((status = 200, description = "The correction as it is now", body = Correction)))]
#[post("/corrections/{correction_id}/communicate")]
async fn communicate_correction(
    app: web::Data<App>,
    actor: Allowed<perm::WriteCorrections>,
    replay: Replay,
    path: web::Path<CorrectionId>,
    version: IfMatch,
    body: JsonBody<bodies::Communicate>,
) -> Result<HttpResponse, ApiError> {
    let version = version.required()?;
    // A letter states the seats of the next invoice.
    let states_seats = body.value.letter.is_some() || body.value.going_forward.is_some();
    let weighed =
        weighed::weigh(&app, actor.org, (*path, version), Action::Communicate, states_seats).await?;
    let replied = Box::pin(once(&app, &actor, &replay, &body.sha256, async |tx| {
        let loaded = corrections::load_for(tx, *path, version, Action::Communicate).await?;
        let asked = &body.value;
        let (outgoing, message, going_forward) = told(&app, tx, &actor.label(), &loaded, asked).await?;
        let proof = asked.provisioning_evidence.iter().map(|one| (one.line, one.evidence.clone()));
        let command = Command::Communicate {
            message,
            going_forward,
            gaps_confirmed: asked.gaps_confirmed,
            reply_by: asked.reply_by,
            provisioning_evidence: proof.collect(),
        };
        let acting = acting(&actor);
        let detail = serde_json::to_value(asked).map_err(ApiError::internal)?;
        let beside = Beside { detail, ..Beside::default() };
        let mut moved = corrections::apply(&app, tx, &acting, loaded, (&command, weighed), beside).await?;
        if let Some(outgoing) = &outgoing {
            moved = letter::told(&app, tx, &acting, moved, outgoing).await?;
        }
        Reply::ok(Some(moved.row.version), &Correction::of(&moved)?)
    }))
    .await?;
    app.work.notify_one();
    Ok(respond(replied))
}

/// Answer an objection
///
/// With the evidence that fits its reason: the provisioning log, the text that owns the delay and a plan
/// offer, a review date, a recount, the payment, the day of a price conversation, or (of a refusal) a
/// plan offer or a decision. With `letter` the answer is sent as a letter of ours, of the kind that fits: one that was
/// written before, or one that is written now and says what the answer comes to. Needs `If-Match`.
#[utoipa::path(tag = "corrections", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("corrections:write"))), request_body = bodies::AnswerDispute,
    params(("correction_id" = CorrectionId, Path, description = "The correction"),
           ("If-Match" = String, Header, description = "ETag of the version that you read", max_length = 100),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat", max_length = 255)),
    responses((status = 200, description = "The correction as it is now", body = Correction)))]
#[post("/corrections/{correction_id}/answer")]
async fn answer_correction(
    app: web::Data<App>,
    actor: Allowed<perm::WriteCorrections>,
    replay: Replay,
    path: web::Path<CorrectionId>,
    version: IfMatch,
    body: JsonBody<bodies::AnswerDispute>,
) -> Result<HttpResponse, ApiError> {
    let version = version.required()?;
    let replied = Box::pin(once(&app, &actor, &replay, &body.sha256, async |tx| {
        let loaded = corrections::load_for(tx, *path, version, Action::Answer).await?;
        let command = answer(&app, tx, &acting(&actor), &loaded, &body.value).await?;
        let detail = serde_json::to_value(&body.value).map_err(ApiError::internal)?;
        let beside = Beside { detail, ..Beside::default() };
        let moved = corrections::apply(&app, tx, &acting(&actor), loaded, (&command, None), beside).await?;
        Reply::ok(Some(moved.row.version), &Correction::of(&moved)?)
    }))
    .await?;
    app.work.notify_one();
    Ok(respond(replied))
}

async fn answer(
    app: &App,
    tx: &mut OrgTx,
    by: &policy::Actor,
    loaded: &Loaded,
    body: &bodies::AnswerDispute,
) -> Result<Command, ApiError> {
    let recount = match body.recount_audit_id {
        Some(audit) => {
            completed(tx, "/recount_audit_id", audit).await?;
            Some(recount::recount(tx, loaded, audit).await?)
        }
        None => None,
    };
    if body.letter.is_some() && body.text.is_some() {
        return Err(ApiError::invalid("/text", "The letter says it: leave the text out."));
    }
    let answer = body.answer(&loaded.correction)?;
    let mut command = Command::Answer { dispute: body.dispute, answer, text: body.text.clone(), recount };
    if let Some(letter) = &body.letter {
        let said = letter::answering(app, tx, by, loaded, &letter.wanted(), &command).await?;
        if let Command::Answer { text, .. } = &mut command {
            *text = Some(said);
        }
    }
    if let Command::Answer { text, .. } = &command {
        short("/text", text.as_deref().unwrap_or_default(), 2_000_000)?;
    }
    Ok(command)
}

/// Registers the commands.
pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(communicate_correction).service(answer_correction);
}
