//! Gaps across audits: one that was seen for eight months is one gap.

mod view;

use crate::app::App;
use crate::auth::{Allowed, perm};
use crate::error::ApiError;
use crate::extract::{IfMatch, JsonBody};
use crate::page_type;
use crate::pagination::PageQuery;
use crate::routes::{self, respond};
use crate::services::idempotency::Reply;
use crate::services::{known_gaps, recomputed};
use crate::storage::known_gaps as stored;
use actix_web::{HttpRequest, HttpResponse, get, patch, web};
use chrono::{DateTime, Utc};
use leakage_core::audit::{Explanation, GapWhatIf};
use leakage_core::history::RootCause;
use leakage_core::id::{AuditId, ClientId};
use leakage_core::money::Currency;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;
use view::{Beside, GapChange, GapHistory, KnownGap};

/// Registers the resource.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(list_gaps)
        .service(get_gap)
        .service(update_gap)
        .service(get_gap_history)
        .service(get_gap_explanation)
        .service(get_gap_what_if);
}

/// Causes that a history lists.
const SHOWN_CAUSES: i64 = 500;

page_type!(GapPage, KnownGap);

/// Which gaps to list.
#[derive(Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct GapFilter {
    /// Only gaps of this client.
    client_id: Option<ClientId>,
    /// Only `under` or `over`.
    #[param(max_length = 10)]
    direction: Option<String>,
    /// Only gaps in this currency.
    currency: Option<Currency>,
    /// Only gaps with this cause; `not_set`: without one.
    #[param(max_length = 40)]
    root_cause: Option<String>,
    /// Only gaps that are set aside and were not corrected since, or only the others.
    set_aside: Option<bool>,
    /// Only gaps that are set aside, with this owner: `me`, `user:` and an id, or as it was written.
    #[param(max_length = 300, example = "me")]
    set_aside_owner: Option<String>,
}

/// List gaps
///
/// Across all audits, those seen last first; each with what the last audit that saw it found and what it
/// came to over all audits.
#[utoipa::path(
    tag = "gaps",
    security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(PageQuery, GapFilter),
    responses((status = 200, description = "A page of gaps.", body = GapPage)),
)]
#[get("/gaps")]
async fn list_gaps(
    request: HttpRequest,
    actor: Allowed<perm::Read>,
    app: web::Data<App>,
    page: web::Query<PageQuery>,
    filter: web::Query<GapFilter>,
) -> Result<HttpResponse, ApiError> {
    routes::known("direction", filter.direction.as_deref(), &["under", "over"])?;
    let causes: Vec<&str> = RootCause::ALL.iter().map(|cause| cause.as_str()).chain(["not_set"]).collect();
    routes::known("root_cause", filter.root_cause.as_deref(), &causes)?;
    let owner = filter.set_aside_owner.clone();
    let owner = owner.map(|owner| if owner == "me" { actor.label() } else { owner });
    let page = page.read::<(DateTime<Utc>, String)>(&("gaps", &*filter, &owner))?;
    let wanted = stored::GapFilter {
        client_id: filter.client_id.map(ClientId::uuid),
        direction: filter.direction.as_deref(),
        currency: filter.currency.as_ref().map(Currency::as_str),
        root_cause: filter.root_cause.as_deref(),
        set_aside: filter.set_aside,
        set_aside_owner: owner.as_deref(),
    };
    let mut tx = app.db.begin(actor.org).await?;
    let rows = stored::list(&mut tx, &wanted, page.after.clone(), page.fetch()).await?;
    let paged = page.page(rows, |row| (row.last_seen_at, row.id.clone()))?;
    let ids: Vec<String> = paged.data.iter().map(|row| row.id.clone()).collect();
    let mut beside = Beside::load(&mut tx, &ids).await?;
    let data = known_gaps::with_figures(&mut tx, paged.data).await?;
    let data = data.into_iter().map(|found| KnownGap::of(found, &mut beside)).collect::<Result<_, _>>()?;
    routes::list(&request, &GapPage { data, has_more: paged.has_more, next_cursor: paged.next_cursor })
}

/// Read a gap
///
/// Its identity, when it was first and last seen, what the last audit found, and what it came to over all
/// audits: since when, how old, how much, what it would have been in its first month, and how often it came
/// again.
#[utoipa::path(
    tag = "gaps",
    security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("gap_id" = String, Path, description = "The gap.", max_length = 100)),
    responses((status = 200, description = "The gap.", body = KnownGap)),
)]
#[get("/gaps/{gap_id}")]
async fn get_gap(
    actor: Allowed<perm::Read>,
    app: web::Data<App>,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    let mut beside = Beside::load(&mut tx, std::slice::from_ref(&path)).await?;
    let gap = KnownGap::of(known_gaps::find(&mut tx, &path).await?, &mut beside)?;
    Ok(respond(Reply::ok(Some(gap.version), &gap)?.into()))
}

/// Say why a gap came about
///
/// Out of a closed list, so that causes can be counted, with a note. Every cause that was set stays in the
/// gap's history. Needs `If-Match`.
#[utoipa::path(
    tag = "gaps",
    security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("audits:write"))),
    request_body = GapChange,
    params(("gap_id" = String, Path, description = "The gap.", max_length = 100),
           ("If-Match" = String, Header, description = "ETag of the version that you read.", max_length = 100)),
    responses((status = 200, description = "Set.", body = KnownGap)),
)]
#[patch("/gaps/{gap_id}")]
async fn update_gap(
    actor: Allowed<perm::WriteAudits>,
    app: web::Data<App>,
    path: web::Path<String>,
    version: IfMatch,
    body: JsonBody<GapChange>,
) -> Result<HttpResponse, ApiError> {
    let version = version.required()?;
    let said = (body.value.root_cause, body.value.note.as_str());
    let mut tx = app.db.begin(actor.org).await?;
    let set = known_gaps::set_root_cause(&mut tx, &actor, &path, version, said, app.clock.now()).await?;
    let mut beside = Beside::load(&mut tx, std::slice::from_ref(&path)).await?;
    tx.commit().await?;
    let gap = KnownGap::of(set, &mut beside)?;
    Ok(respond(Reply::ok(Some(gap.version), &gap)?.into()))
}

/// Read a gap's history
///
/// Month by month the word that counts, also where it is that there is no difference any more; the times at
/// which the gap was there; the audits that found it or looked without finding it; and the causes that were
/// set.
#[utoipa::path(
    tag = "gaps",
    security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("gap_id" = String, Path, description = "The gap.", max_length = 100)),
    responses((status = 200, description = "The history.", body = GapHistory)),
)]
#[get("/gaps/{gap_id}/history")]
async fn get_gap_history(
    actor: Allowed<perm::Read>,
    app: web::Data<App>,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let mut tx = app.db.begin_snapshot(actor.org).await?;
    let gap = known_gaps::find(&mut tx, &path).await?;
    let months = known_gaps::months(&mut tx, &path).await?;
    let audits = known_gaps::audits(&mut tx, &gap.0, &months).await?;
    let causes = stored::root_causes(&mut tx, &path, SHOWN_CAUSES).await?;
    Ok(HttpResponse::Ok().json(GapHistory::new(gap, &months, audits, causes)?))
}

/// Which audit's finding to explain.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ExplanationQuery {
    /// The audit; the last one that saw the gap when not stated.
    audit_id: Option<AuditId>,
}

/// Explain a gap
///
/// From the rows of files through names, rules, days and prices to each month's calculation, as structured
/// steps and as text that a client can read. It is made from the facts as the audit knew them, also when
/// files were voided or mappings withdrawn since. 404 when that audit did not find the gap.
#[utoipa::path(
    tag = "gaps",
    security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("gap_id" = String, Path, description = "The gap.", max_length = 100), ExplanationQuery),
    responses((status = 200, description = "The explanation.", body = Explanation)),
)]
#[get("/gaps/{gap_id}/explanation")]
async fn get_gap_explanation(
    actor: Allowed<perm::Read>,
    app: web::Data<App>,
    path: web::Path<String>,
    query: web::Query<ExplanationQuery>,
) -> Result<HttpResponse, ApiError> {
    let found = recomputed::explain(&app, actor.org, path.into_inner(), query.audit_id).await?;
    Ok(HttpResponse::Ok().json(found))
}

/// Which audit's facts, and which settings.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct GapWhatIfQuery {
    /// The audit; the last one that saw the gap when not stated.
    audit_id: Option<AuditId>,
    /// Every count basis with every proration, instead of every proration with the audit's basis.
    #[param(default = false)]
    #[serde(default)]
    all_bases: bool,
}

/// Read a gap under other policies
///
/// The gap under every proration, side by side, month by month, with the setting that fits its product best.
/// Computed from the facts as the audit knew them. 404 when neither that audit nor any setting finds the gap.
#[utoipa::path(
    tag = "gaps",
    security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("gap_id" = String, Path, description = "The gap.", max_length = 100), GapWhatIfQuery),
    responses((status = 200, description = "The gap under each setting.", body = GapWhatIf)),
)]
#[get("/gaps/{gap_id}/what-if")]
async fn get_gap_what_if(
    actor: Allowed<perm::Read>,
    app: web::Data<App>,
    path: web::Path<String>,
    query: web::Query<GapWhatIfQuery>,
) -> Result<HttpResponse, ApiError> {
    let (audit, gap) = (query.audit_id, path.into_inner());
    let found = recomputed::gap_what_if(&app, actor.org, gap, audit, query.all_bases).await?;
    Ok(HttpResponse::Ok().json(found))
}
