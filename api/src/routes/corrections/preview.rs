//! The invoice before and after: the shock of a correction, and what it asks for.

use crate::app::App;
use crate::auth::{Allowed, perm};
use crate::error::ApiError;
use crate::services::corrections::{self, acting, facts};
use actix_web::{HttpResponse, get, web};
use chrono::NaiveDate;
use leakage_core::correction::plan::schedule;
use leakage_core::correction::quantity::total;
use leakage_core::correction::shock::{self, Band};
use leakage_core::id::CorrectionId;
use leakage_core::money::Money;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

/// Registers the operation.
pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(preview_correction);
}

/// How the next invoice grows, and what that asks for.
#[derive(Debug, Serialize, ToSchema)]
struct Preview {
    /// Under-billing of the past that is announced for the invoice, other corrections included.
    retro: Money,
    /// What each invoice grows by from then on, other corrections included.
    forward: Money,
    /// The client's last regular invoice totals before tax, oldest first, three at most.
    #[schema(max_items = 3)]
    last_invoices: Vec<Money>,
    /// Their median: the invoice as it was; none where there is no invoice to compare with.
    before: Option<Money>,
    /// The invoice as it would come; none where there is none to compare with.
    after: Option<Money>,
    /// Growth in percent, two decimals.
    #[schema(value_type = Option<String>, example = "180.00", max_length = 40)]
    percent: Option<Decimal>,
    /// `send`, `warn`, `plan_offer` or `plan_and_approval`.
    #[schema(max_length = 20, example = "plan_and_approval")]
    band: String,
    /// Payment in parts must be offered first.
    plan_offer_needed: bool,
    /// An admin must approve first.
    approval_needed: bool,
    /// Payment in parts, as offered or as asked for here.
    plan: Option<PlanPreview>,
}

/// Payment in parts.
#[derive(Debug, Serialize, ToSchema)]
struct PlanPreview {
    /// The instalments.
    #[schema(max_items = 60)]
    instalments: Vec<Money>,
    /// The largest instalment and the forward increase, in percent of the invoice as it was.
    #[schema(value_type = Option<String>, max_length = 40)]
    percent: Option<Decimal>,
    /// It needs a longer plan or an approval.
    too_large: bool,
    /// An admin approved it.
    approved: bool,
    /// Instalments that would do without approval; none where no number does.
    #[schema(minimum = 1, maximum = 65535)]
    instalments_needed: Option<u16>,
}

/// Which invoice and plan to look at.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct PreviewQuery {
    /// Date of the invoice; as announced when not stated.
    invoice_on: Option<NaiveDate>,
    /// In so many instalments; as offered when not stated.
    #[param(minimum = 1, maximum = 60)]
    instalments: Option<u16>,
}

fn percent(basis_points: Option<i64>) -> Option<Decimal> {
    basis_points.map(|points| Decimal::new(points, 2))
}

/// Preview the next invoice
///
/// All under-billing and forward increase announced for this client, currency and invoice date, over the
/// median of the last three regular invoice totals before tax; the invoice before and after; what its band
/// asks for; and what payment in parts makes of it. Credits are no shock.
#[utoipa::path(tag = "corrections", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("correction_id" = CorrectionId, Path, description = "The correction"), PreviewQuery),
    responses((status = 200, description = "The preview", body = Preview)))]
#[get("/corrections/{correction_id}/preview")]
async fn preview_correction(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    path: web::Path<CorrectionId>,
    query: web::Query<PreviewQuery>,
) -> Result<HttpResponse, ApiError> {
    let (loaded, policy, known) = facts::for_preview(&app, actor.org, *path, query.invoice_on).await?;
    let correction = &loaded.correction;
    let acting = acting(&actor);
    let context = corrections::context(&app, &acting, &policy, &known);
    let shock = correction.shock(&context);
    let money = |minor| Money::from_minor(minor, correction.subject.currency);
    let (before, after) = shock.preview();
    let recent = known.invoices.get(known.invoices.len().saturating_sub(3)..).unwrap_or_default();
    let invoice_on = query.invoice_on.or_else(|| correction.invoice_on());
    let plan = plan(&loaded, &shock, query.instalments, invoice_on, policy.bands)?;
    Ok(HttpResponse::Ok().json(Preview {
        retro: money(shock.announced.retro),
        forward: money(shock.announced.forward),
        last_invoices: recent.iter().copied().map(money).collect(),
        before: before.map(money),
        after: after.map(money),
        percent: percent(shock.basis_points()),
        band: shock.band.as_str().to_owned(),
        plan_offer_needed: shock.band.needs_plan() && correction.offer.is_none(),
        approval_needed: shock.band == Band::PlanAndApproval
            && !correction.approved_shock(&shock, invoice_on),
        plan,
    }))
}

/// What payment in parts makes of it.
fn plan(
    loaded: &corrections::Loaded,
    shock: &shock::Shock,
    count: Option<u16>,
    invoice_on: Option<NaiveDate>,
    bands: shock::Bands,
) -> Result<Option<PlanPreview>, ApiError> {
    use leakage_core::correction::plan::{Cadence, Terms};

    let correction = &loaded.correction;
    let sum = total(&correction.ledger.outstanding()).minor;
    let today = loaded.row.updated_at.date_naive();
    let asked = count.map(|count| Terms { count, cadence: Cadence::Monthly, first_on: today });
    let Some(terms) = asked.or(correction.offer.map(|offer| offer.terms)).filter(|_| sum > 0) else {
        return Ok(None);
    };
    let instalments: Vec<i64> = schedule(sum, terms)?.into_iter().map(|one| one.minor).collect();
    let largest = instalments.first().copied().unwrap_or_default();
    let forward = shock.announced.forward;
    let money = |minor| Money::from_minor(minor, correction.subject.currency);
    Ok(Some(PlanPreview {
        instalments: instalments.iter().copied().map(money).collect(),
        percent: percent(shock::basis_points(largest + forward, shock.usual)),
        too_large: shock::instalment_too_large(largest, forward, shock.usual, bands),
        approved: correction.approved_instalments(largest + forward, shock.usual, invoice_on),
        instalments_needed: shock::instalments_needed(sum, forward, shock.usual, bands),
    }))
}
