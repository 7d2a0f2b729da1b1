//! The commands: each one operation, all through the same steps. Those that move money are in `money`, those
//! that a letter goes with in `telling`.

use super::bodies;
use super::parts::{self, forward, minor, parts, short};
use super::telling;
use super::view::Correction;
use crate::app::App;
use crate::auth::{Allowed, perm};
use crate::error::ApiError;
use crate::extract::{IfMatch, JsonBody};
use crate::routes::respond;
use crate::services::corrections::{self, Beside, Loaded, acting, opening, recount, weighed};
use crate::services::idempotency::{Replay, Reply, once};
use crate::services::second_factor::FRESH_MINUTES;
use crate::storage::OrgTx;
use crate::storage::{audits, members, second_factors};
use actix_web::{HttpResponse, post, web};
use chrono::Duration;
use leakage_core::correction::command::{Because, Command, Ground};
use leakage_core::correction::finding::Finding;
use leakage_core::correction::open::Elsewhere;
use leakage_core::correction::state::Action;
use leakage_core::id::{AuditId, CorrectionId, SessionId};
use serde::Serialize;
use utoipa_actix_web::service_config::ServiceConfig;

/// Reads the correction, makes the command of the request, applies it, answers the correction as it is now.
pub(super) async fn act<B: Serialize>(
    app: &App,
    actor: &Allowed<perm::WriteCorrections>,
    replay: &Replay,
    (id, version): (CorrectionId, IfMatch),
    body: &JsonBody<B>,
    action: Action,
    make: impl AsyncFnOnce(&mut OrgTx, &Loaded, &B) -> Result<(Command, Option<String>), ApiError>,
) -> Result<HttpResponse, ApiError> {
    let version = version.required()?;
    let detail = serde_json::to_value(&body.value).map_err(ApiError::internal)?;
    let states_seats = detail.get("going_forward").is_some_and(|forward| !forward.is_null());
    let weighed = weighed::weigh(app, actor.org, (id, version), action, states_seats).await?;
    let replied = once(app, actor, replay, &body.sha256, async |tx| {
        let loaded = corrections::load_for(tx, id, version, action).await?;
        let (command, reason) = make(tx, &loaded, &body.value).await?;
        short("/reason", reason.as_deref().unwrap_or_default(), 2000)?;
        let second_factor = shown(app, tx, actor.session(), action).await?;
        let beside = Beside { detail, reason, second_factor, ..Beside::default() };
        let moved = corrections::apply(app, tx, &acting(actor), loaded, (&command, weighed), beside).await?;
        Reply::ok(Some(moved.row.version), &Correction::of(&moved)?)
    })
    .await?;
    Ok(respond(replied))
}

/// Whether the session has just shown a second factor, where that matters: who waives alone must.
async fn shown(
    app: &App,
    tx: &mut OrgTx,
    session: Option<SessionId>,
    action: Action,
) -> Result<bool, ApiError> {
    let Some(session) = session.filter(|_| action == Action::Waive) else { return Ok(false) };
    let since = app.clock.now() - Duration::minutes(FRESH_MINUTES);
    Ok(second_factors::passed_since(tx, session, since).await?)
}

macro_rules! command {
    ($(#[$doc:meta])* $name:ident, $path:literal, $body:ident, $action:ident, $make:expr) => {
        $(#[$doc])*
        #[utoipa::path(tag = "corrections", security(("access_token" = []), ("api_key" = [])),
            extensions(("x-permission" = json!("corrections:write"))), request_body = bodies::$body,
            params(("correction_id" = CorrectionId, Path, description = "The correction"),
                   ("If-Match" = String, Header, description = "ETag of the version that you read", max_length = 100),
                   ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat", max_length = 255)),
            responses((status = 200, description = "The correction as it is now", body = Correction)))]
        #[post($path)]
        async fn $name(
            app: web::Data<App>,
            actor: Allowed<perm::WriteCorrections>,
            replay: Replay,
            path: web::Path<CorrectionId>,
            version: IfMatch,
            body: JsonBody<bodies::$body>,
        ) -> Result<HttpResponse, ApiError> {
            act(&app, &actor, &replay, (*path, version), &body, Action::$action, $make).await
        }
    };
}

pub(super) use command;

command! {
    /// Record that the message arrived
    ///
    /// Silence is consent only after that. Needs `If-Match`.
    deliver_correction, "/corrections/{correction_id}/deliver", Deliver, Deliver,
    async |_, _, body| Ok((Command::Deliver { on: body.on }, None))
}

command! {
    /// Record a reminder
    ///
    /// Of the message, or of an instalment that is due. A promise pauses reminders of its instalment until
    /// its day. Needs `If-Match`.
    remind_correction, "/corrections/{correction_id}/remind", Remind, Remind,
    async |_, _, body| Ok((Command::Remind { instalment: body.instalment }, None))
}

command! {
    /// Record an objection
    ///
    /// With its reason, the lines and seats (it may be a part), who said it, how and when. What is disputed
    /// rests until it is answered; everything else moves on. Needs `If-Match`.
    dispute_correction, "/corrections/{correction_id}/dispute", OpenDispute, Dispute,
    async |_, loaded, body| {
        short("/note", body.note.as_deref().unwrap_or_default(), parts::LONGEST)?;
        Ok((Command::Dispute {
            reason: body.reason,
            parts: parts(&body.parts, &loaded.correction)?,
            note: body.note.clone(),
            said: body.said.clone(),
            reply_by: body.reply_by,
        }, Some(body.reason.as_str().to_owned())))
    }
}

command! {
    /// End a contract review
    ///
    /// What it had frozen moves on. Needs `If-Match`.
    end_review_of_correction, "/corrections/{correction_id}/end-review", EndReview, EndReview,
    async |_, _, body| Ok((Command::EndReview { outcome: body.outcome.clone() }, None))
}

command! {
    /// Decide what a refusal means
    ///
    /// By an admin who does not bill, after the evidence was shown and a plan was offered. May give up what
    /// was refused. Needs `If-Match`.
    decide_correction, "/corrections/{correction_id}/decide", Decide, Decide,
    async |_, _, body| Ok((Command::Decide {
        reason: body.reason.clone(),
        write_off: body.write_off,
        evidence_shown: body.evidence_shown,
    }, Some(body.reason.clone())))
}

command! {
    /// Amend by a later audit
    ///
    /// What the audit finds more is added, what it no longer finds is withdrawn; what it did not compare stays.
    /// A new message is due. Needs `If-Match`.
    amend_correction, "/corrections/{correction_id}/amend", Amend, Amend,
    async |tx, loaded, body| {
        let recount = recount::recount(tx, loaded, body.audit_id).await?;
        Ok((Command::Amend { recount }, None))
    }
}

command! {
    /// Resolve
    ///
    /// Refused while money is outstanding, or what is billed from now on is not set, or its ground does not
    /// hold: `accepted`, `no_objection` (delivered, reply-by passed, one reminder, no dispute), `not_needed`
    /// (everything credited), `relationship_decision`. Needs `If-Match`.
    resolve_correction, "/corrections/{correction_id}/resolve", Resolve, Resolve,
    async |_, _, body| {
        let going_forward = forward(body.going_forward.as_ref())?;
        Ok((Command::Resolve { basis: body.basis, going_forward }, Some(body.basis.as_str().to_owned())))
    }
}

command! {
    /// Withdraw
    ///
    /// When an audit on corrected facts no longer finds the seats, or a rule with reason and owner explains
    /// them. Of over-billing someone else must withdraw than who opened it. Needs `If-Match`.
    withdraw_correction, "/corrections/{correction_id}/withdraw", Withdraw, Withdraw,
    async |tx, loaded, body| {
        let ground = match (&body.rule, body.audit_id) {
            (Some(rule), audit) => Some(Ground::Rule {
                audit: audit.map_or_else(|| loaded.row.audit_id.to_string(), |audit| audit.to_string()),
                reason: rule.reason.clone(),
                owner: rule.owner.clone(),
            }),
            (None, Some(audit)) => Some(Ground::Audit(recount::recount(tx, loaded, audit).await?)),
            (None, None) => None,
        };
        Ok((Command::Withdraw { ground }, body.rule.as_ref().map(|rule| rule.reason.clone())))
    }
}

command! {
    /// Ask for a waiver
    ///
    /// It waits for approval and for the client's written confirmation. Needs `If-Match`.
    request_waiver_of_correction, "/corrections/{correction_id}/request-waiver", RequestWaiver, RequestWaiver,
    async |_, loaded, body| {
        let parts = parts(&body.parts, &loaded.correction)?;
        Ok((Command::RequestWaiver { parts, reason: body.reason.clone() }, Some(body.reason.clone())))
    }
}

command! {
    /// Waive
    ///
    /// Refused without the client's written confirmation (attach it first), above the threshold by whoever
    /// asked for it, and of over-billing always. A part moves the ledger and leaves the state. Needs `If-Match`.
    waive_correction, "/corrections/{correction_id}/waive", Waive, Waive,
    async |_, loaded, body| Ok((Command::Waive {
        request: body.request,
        parts: parts(&body.parts, &loaded.correction)?,
        reason: body.reason.clone(),
        confirmation: body.confirmation,
        going_forward: forward(body.going_forward.as_ref())?,
        credit_note: body.credit_note.clone(),
    }, Some(body.reason.clone()).filter(|reason| !reason.is_empty())))
}

command! {
    /// Reopen
    ///
    /// When an invoice fell short, a plan was broken twice, something came to light, or the client took its
    /// confirmation of a waiver back in writing. Needs `If-Match`.
    reopen_correction, "/corrections/{correction_id}/reopen", Reopen, Reopen,
    async |tx, loaded, body| {
        // Its months are open again with it: nobody else opens them meanwhile.
        let gaps: Vec<String> = loaded.correction.lines.iter().map(|line| line.gap.clone()).collect();
        let elsewhere = opening::elsewhere(tx, &gaps, Some(loaded.id())).await?;
        let because = match body.because {
            bodies::ReopenBecause::VerificationFailed => Because::VerificationFailed { elsewhere },
            bodies::ReopenBecause::PlanBrokenTwice => Because::PlanBrokenTwice,
            bodies::ReopenBecause::NewEvidence => {
                let evidence = body.evidence.clone().unwrap_or_default();
                let (findings, elsewhere) = new_findings(tx, loaded, &parts::gap_ids(&body.gaps)?).await?;
                Because::NewEvidence { evidence, findings, elsewhere }
            }
            bodies::ReopenBecause::ConfirmationWithdrawn => Because::ConfirmationWithdrawn {
                confirmation: body.confirmation.unwrap_or_default(),
                waiver: body.waiver.unwrap_or_default(),
            },
        };
        Ok((Command::Reopen { because }, body.evidence.clone()))
    }
}

command! {
    /// Record an admin's approval
    ///
    /// Of an invoice's growth with all that is announced for it, or of the size of instalments, as they are now:
    /// more money, more growth or another invoice needs a new approval. Name the invoice's date before the client
    /// was told one. Needs `If-Match`.
    approve_correction, "/corrections/{correction_id}/approve", Approve, Approve,
    async |_, _, body| {
        if let Some(day) = body.invoice_on {
            crate::services::text::day("/invoice_on", day)?;
        }
        let command = Command::Approve { of: body.of, invoice_on: body.invoice_on };
        Ok((command, Some(body.of.as_str().to_owned())))
    }
}

command! {
    /// Give it to another owner
    ///
    /// Needs `If-Match`.
    assign_correction, "/corrections/{correction_id}/assign", Assign, Assign,
    async |tx, _, body| {
        let member = members::find(tx, body.owner).await?;
        member.ok_or_else(|| ApiError::invalid("/owner", "No member has this id."))?;
        Ok((Command::Assign { owner: format!("user:{}", body.owner) }, None))
    }
}

/// 422 unless there is such an audit and it is completed.
pub(super) async fn completed(tx: &mut OrgTx, pointer: &str, audit: AuditId) -> Result<(), ApiError> {
    let row = audits::find(tx, audit).await?;
    match row.filter(|row| row.status == "completed") {
        Some(_) => Ok(()),
        None => Err(ApiError::invalid(pointer, "There is no completed audit with this id.")),
    }
}

/// Gaps that came to light, and what corrections hold of them, this one included: it takes them in by the rules
/// of opening.
async fn new_findings(
    tx: &mut OrgTx,
    loaded: &Loaded,
    gaps: &[String],
) -> Result<(Vec<Finding>, Elsewhere), ApiError> {
    let found = opening::gaps(tx, gaps, None).await?;
    let elsewhere = opening::elsewhere_and_own(tx, gaps, loaded.id()).await?;
    Ok((found.into_iter().map(|gap| gap.finding).collect(), elsewhere))
}

/// Amounts of a request's query, in minor units.
pub(super) fn amount(pointer: &str, text: Option<&str>, loaded: &Loaded) -> Result<Option<i64>, ApiError> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let amount = text.parse().map_err(|_| ApiError::invalid(pointer, "Write an amount such as 352.00."))?;
    let money = leakage_core::money::Money { amount, currency: loaded.correction.subject.currency };
    minor(pointer, money, &loaded.correction).map(Some)
}

/// Registers the commands.
pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .configure(telling::configure)
        .service(deliver_correction)
        .service(remind_correction)
        .service(dispute_correction)
        .service(end_review_of_correction)
        .service(decide_correction)
        .service(amend_correction)
        .service(resolve_correction)
        .service(withdraw_correction)
        .service(request_waiver_of_correction)
        .service(waive_correction)
        .service(reopen_correction)
        .service(approve_correction)
        .service(assign_correction);
}
