//! The commands that move money: invoices, credit notes, acceptance, payment in parts.

use super::bodies;
use super::commands::{act, command};
use super::parts::{parts, short};
use super::view::Correction;
use crate::app::App;
use crate::auth::{Allowed, perm};
use crate::error::ApiError;
use crate::extract::{IfMatch, JsonBody};
use crate::services::idempotency::Replay;
use actix_web::{HttpResponse, post, web};
use leakage_core::correction::command::Command;
use leakage_core::correction::state::Action;
use leakage_core::id::CorrectionId;
use utoipa_actix_web::service_config::ServiceConfig;

command! {
    /// Bill
    ///
    /// Charges what is outstanding, not disputed and not frozen, by an invoice. Needs `If-Match`.
    bill_correction, "/corrections/{correction_id}/bill", Bill, Bill,
    async |_, loaded, body| {
        short("/document", &body.document, 500)?;
        let parts = parts(&body.parts, &loaded.correction)?;
        Ok((Command::Bill { document: body.document.clone(), on: body.on, parts }, None))
    }
}

command! {
    /// Credit
    ///
    /// Over-billing is given back whole, with an apology. Of under-billing: what was charged too much, with
    /// its reason. Needs `If-Match`.
    credit_correction, "/corrections/{correction_id}/credit", Credit, Credit,
    async |_, loaded, body| {
        short("/document", &body.document, 500)?;
        short("/apology", body.apology.as_deref().unwrap_or_default(), 2000)?;
        Ok((Command::Credit {
            document: body.document.clone(),
            parts: parts(&body.parts, &loaded.correction)?,
            apology: body.apology.clone(),
            reason: body.reason.clone(),
        }, body.apology.clone().or_else(|| body.reason.clone())))
    }
}

command! {
    /// Offer payment in parts
    ///
    /// In exact cents, the larger instalments first. With `others` the client chooses one of several ways, such as
    /// all at once, in three or in six parts; before the client is told, each in parts must keep within the limits
    /// of invoice shock, or be approved. A new offer takes the place of the last one. Needs `If-Match`.
    plan_correction, "/corrections/{correction_id}/plan", OfferPlan, OfferPlan,
    async |_, _, body| {
        crate::services::text::day("/first_on", body.first_on)?;
        for (at, way) in body.others.iter().enumerate() {
            crate::services::text::day(&format!("/others/{at}/first_on"), way.first_on)?;
        }
        Ok((Command::OfferPlan { terms: body.terms(), others: body.others.clone() }, None))
    }
}

command! {
    /// Record an instalment's invoice
    ///
    /// Needs `If-Match`.
    invoice_instalment_of_correction, "/corrections/{correction_id}/invoice-instalment", InvoiceInstalment, InvoiceInstalment,
    async |_, _, body| {
        short("/document", &body.document, 500)?;
        Ok((Command::InvoiceInstalment { instalment: body.instalment, document: body.document.clone() }, None))
    }
}

command! {
    /// Record an instalment's payment
    ///
    /// Needs `If-Match`.
    pay_instalment_of_correction, "/corrections/{correction_id}/pay-instalment", PayInstalment, PayInstalment,
    async |_, _, body| Ok((Command::PayInstalment { instalment: body.instalment, on: body.on }, None))
}

command! {
    /// Record a promise
    ///
    /// It pauses reminders of an instalment until its day; a broken one resumes them and counts. Needs `If-Match`.
    promise_correction, "/corrections/{correction_id}/promise", PromisePayment, Promise,
    async |_, _, body| {
        Ok((Command::Promise { instalment: body.instalment, on: body.on, said: body.said.clone() }, None))
    }
}

/// Record the client's acceptance
///
/// Of the correction, or with `plan` also of the plan that is offered, with `choice` where there are several ways. A
/// plan is refused while an instalment with the increase of each invoice is too large and not approved. Needs
/// `If-Match`.
#[utoipa::path(tag = "corrections", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("corrections:write"))), request_body = bodies::Accept,
    params(("correction_id" = CorrectionId, Path, description = "The correction"),
           ("If-Match" = String, Header, description = "ETag of the version that you read", max_length = 100),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat", max_length = 255)),
    responses((status = 200, description = "The correction as it is now", body = Correction)))]
#[post("/corrections/{correction_id}/accept")]
async fn accept_correction(
    app: web::Data<App>,
    actor: Allowed<perm::WriteCorrections>,
    replay: Replay,
    path: web::Path<CorrectionId>,
    version: IfMatch,
    body: JsonBody<bodies::Accept>,
) -> Result<HttpResponse, ApiError> {
    let action = if body.value.plan { Action::AcceptPlan } else { Action::Accept };
    act(&app, &actor, &replay, (*path, version), &body, action, async |_, _, body| {
        let (said, choice) = (body.said.clone(), body.choice);
        if choice.is_some() && !body.plan {
            return Err(ApiError::invalid("/choice", "A way to pay is chosen with `plan` only."));
        }
        Ok((if body.plan { Command::AcceptPlan { said, choice } } else { Command::Accept { said } }, None))
    })
    .await
}

/// Record that a plan was not kept
///
/// Missed instalments and broken promises by today; with `give_up` a plan that was broken twice ends, and what
/// was only planned is outstanding again. Needs `If-Match`.
#[utoipa::path(tag = "corrections", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("corrections:write"))), request_body = bodies::BreakPlan,
    params(("correction_id" = CorrectionId, Path, description = "The correction"),
           ("If-Match" = String, Header, description = "ETag of the version that you read", max_length = 100),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat", max_length = 255)),
    responses((status = 200, description = "The correction as it is now", body = Correction)))]
#[post("/corrections/{correction_id}/break-plan")]
async fn break_plan_of_correction(
    app: web::Data<App>,
    actor: Allowed<perm::WriteCorrections>,
    replay: Replay,
    path: web::Path<CorrectionId>,
    version: IfMatch,
    body: JsonBody<bodies::BreakPlan>,
) -> Result<HttpResponse, ApiError> {
    let action = if body.value.give_up { Action::BreakPlan } else { Action::RecordBreak };
    act(&app, &actor, &replay, (*path, version), &body, action, async |_, _, body| {
        Ok((if body.give_up { Command::BreakPlan } else { Command::RecordBreak }, None))
    })
    .await
}

/// Registers the commands.
pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .service(accept_correction)
        .service(bill_correction)
        .service(credit_correction)
        .service(plan_correction)
        .service(invoice_instalment_of_correction)
        .service(pay_instalment_of_correction)
        .service(promise_correction)
        .service(break_plan_of_correction);
}
