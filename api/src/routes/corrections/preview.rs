//! The invoice before and after: the shock of a correction, and what it asks for.

use crate::app::App;
use crate::auth::{Allowed, perm};
use crate::error::ApiError;
use crate::services::corrections::{self, acting, facts};
use actix_web::{HttpResponse, get, web};
use chrono::NaiveDate;
use leakage_core::correction::Correction;
use leakage_core::correction::offer::Offer;
use leakage_core::correction::plan::{Cadence, Terms, schedule};
use leakage_core::correction::quantity::total;
use leakage_core::correction::shock::{self, Band, Bands, Shock};
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
    /// Payment in parts, as offered (of several ways the first in parts) or as asked for here.
    plan: Option<PlanPreview>,
    /// Every way to pay that is offered.
    #[schema(max_items = 5)]
    ways: Vec<PlanPreview>,
}

/// Payment in parts.
#[derive(Debug, Serialize, ToSchema)]
struct PlanPreview {
    /// Number of the way that is offered; none: it was asked for here.
    #[schema(minimum = 1, maximum = 5)]
    choice: Option<u16>,
    /// The instalments.
    #[schema(max_items = 60)]
    instalments: Vec<Money>,
    /// The largest instalment and the forward increase, in percent of the invoice as it was.
    #[schema(value_type = Option<String>, max_length = 40)]
    percent: Option<Decimal>,
    /// The client can take it: it keeps within the limits, or was approved. To pay all at once beside ways in parts is
    /// weighed as the growth of the invoice.
    possible: bool,
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
    let weighed = Weighed { correction, shock: &shock, invoice_on, bands: policy.bands };
    let ways = weighed.ways()?;
    let plan = weighed.plan(query.instalments, loaded.row.updated_at.date_naive())?;
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
        ways,
    }))
}

/// A correction and the growth of an invoice.
struct Weighed<'a> {
    correction: &'a Correction,
    shock: &'a Shock,
    invoice_on: Option<NaiveDate>,
    bands: Bands,
}

impl Weighed<'_> {
    /// Every way that is offered.
    fn ways(&self) -> Result<Vec<PlanPreview>, ApiError> {
        let offered = self.correction.offer.iter().flat_map(Offer::ways);
        let ways = offered.map(|(choice, terms)| self.preview(Some(choice), terms));
        Ok(ways.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    /// What payment in parts makes of it: as asked for, else as offered.
    fn plan(&self, count: Option<u16>, today: NaiveDate) -> Result<Option<PlanPreview>, ApiError> {
        let asked = count.map(|count| (None, Terms { count, cadence: Cadence::Monthly, first_on: today }));
        let offered = self.correction.offer.as_ref().and_then(|offer| offer.in_parts().next());
        let offered = offered.map(|(choice, terms)| (Some(choice), terms));
        asked.or(offered).map_or(Ok(None), |(choice, terms)| self.preview(choice, terms))
    }

    fn preview(&self, choice: Option<u16>, terms: Terms) -> Result<Option<PlanPreview>, ApiError> {
        let Self { correction, shock, invoice_on, bands } = *self;
        let sum = total(&correction.ledger.outstanding()).minor;
        if sum == 0 {
            return Ok(None);
        }
        let instalments: Vec<i64> = schedule(sum, terms)?.into_iter().map(|one| one.minor).collect();
        let largest = instalments.first().copied().unwrap_or_default();
        let forward = shock.announced.forward;
        let money = |minor| Money::from_minor(minor, correction.subject.currency);
        Ok(Some(PlanPreview {
            choice,
            instalments: instalments.iter().copied().map(money).collect(),
            percent: percent(shock::basis_points(largest + forward, shock.usual)),
            possible: correction.weigh_way(terms, shock, bands, invoice_on).is_ok(),
            too_large: shock::instalment_too_large(largest, forward, shock.usual, bands),
            approved: correction.approved_instalments(largest + forward, shock.usual, invoice_on),
            instalments_needed: shock::instalments_needed(sum, forward, shock.usual, bands),
        }))
    }
}
