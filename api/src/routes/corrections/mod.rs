//! Corrections: from gaps to a fix that is proved. Reading, opening, many at once; the commands are in
//! `commands` and `money`, what the client wrote in `confirmations`.

mod billing;
mod bodies;
mod bulk;
mod commands;
mod confirmations;
mod history;
mod money;
mod offer;
mod parts;
mod preview;
mod telling;
mod view;

use crate::app::App;
use crate::auth::{Allowed, perm};
use crate::error::ApiError;
use crate::extract::{IfNoneMatch, JsonBody};
use crate::pagination::PageQuery;
use crate::routes::{self, respond};
use crate::services::corrections::{self, acting, opening};
use crate::services::idempotency::{Replay, Reply, once};
use crate::storage::corrections::{self as stored, CorrectionFilter, records};
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::{DateTime, NaiveDate, Utc};
use history::{CorrectionLedger, TimelineEntry, TimelinePage};
use leakage_core::id::{AuditId, ClientId, CorrectionId};
use leakage_core::money::Currency;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;
use view::{Correction, CorrectionDeadline, CorrectionPage};

/// Registers the resource.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(create_correction)
        .service(list_corrections)
        .configure(bulk::configure)
        .service(get_correction)
        .service(get_correction_ledger)
        .service(get_correction_timeline)
        .service(get_correction_deadlines)
        .service(get_correction_frozen_facts)
        .configure(preview::configure)
        .configure(confirmations::configure)
        .configure(commands::configure)
        .configure(money::configure)
        .configure(billing::configure);
}

/// Gaps to correct: of one client, billing entity, currency and direction.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"gaps": ["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"]}))]
struct NewCorrection {
    /// Ids of the gaps.
    #[schema(min_items = 1, max_items = 200)]
    pub gaps: Vec<parts::GapId>,
    /// The audit whose findings count; of each gap the last one that saw it when not stated.
    #[serde(default)]
    pub audit_id: Option<AuditId>,
    /// Who works on it: the id of a member; you when not stated.
    #[serde(default)]
    pub owner: Option<leakage_core::id::UserId>,
}

/// Open a correction
///
/// Of one or several gaps of a client, billing entity, currency and direction, priced, allocated, and neither
/// settled nor in another open correction. Each month of a gap enters once; of what is settled only a
/// difference can be opened again.
#[utoipa::path(tag = "corrections", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("corrections:write"))), request_body = NewCorrection,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat", max_length = 255)),
    responses((status = 201, description = "Opened", body = Correction)))]
#[post("/corrections")]
async fn create_correction(
    app: web::Data<App>,
    actor: Allowed<perm::WriteCorrections>,
    replay: Replay,
    body: JsonBody<NewCorrection>,
) -> Result<HttpResponse, ApiError> {
    let new = &body.value;
    let replied = once(&app, &actor, &replay, &body.sha256, async |tx| {
        let found = opening::gaps(tx, &parts::gap_ids(&new.gaps)?, new.audit_id).await?;
        let owner = match new.owner {
            Some(owner) => {
                let member = crate::storage::members::find(tx, owner).await?;
                member.ok_or_else(|| ApiError::invalid("/owner", "No member has this id."))?;
                Some(format!("user:{owner}"))
            }
            None => None,
        };
        let detail = serde_json::to_value(new).map_err(ApiError::internal)?;
        let opened = opening::open_correction(&app, tx, &acting(&actor), &found, owner, detail).await?;
        let view = Correction::of(&opened)?;
        Reply::created(format!("/v1/corrections/{}", opened.id()), Some(opened.row.version), &view)
    })
    .await?;
    Ok(respond(replied))
}

/// Which corrections to list.
#[derive(Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct CorrectionQuery {
    /// `found`, `communicated`, `disputed`, `resolved` or `waived`.
    #[param(max_length = 20, example = "found")]
    state: Option<String>,
    /// Only of this client.
    client_id: Option<ClientId>,
    /// `under` or `over`.
    #[param(max_length = 10, example = "under")]
    direction: Option<String>,
    /// Only in this currency.
    #[param(value_type = Option<String>, max_length = 3, example = "USD")]
    currency: Option<Currency>,
    /// Only of this owner: `user:` or `api_key:` and an id.
    #[param(max_length = 300)]
    owner: Option<String>,
    /// Only with a deadline on this day or before.
    due_by: Option<NaiveDate>,
    /// Items of a page.
    #[param(minimum = 1, maximum = 500, default = 50, example = 50)]
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    #[param(max_length = 1000)]
    cursor: Option<String>,
}

/// List corrections
///
/// Those opened last first.
#[utoipa::path(tag = "corrections", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))), params(CorrectionQuery),
    responses((status = 200, description = "One page", body = CorrectionPage)))]
#[get("/corrections")]
async fn list_corrections(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    request: HttpRequest,
    query: web::Query<CorrectionQuery>,
) -> Result<HttpResponse, ApiError> {
    let states: Vec<&str> = leakage_core::correction::State::ALL.iter().map(|state| state.as_str()).collect();
    routes::known("state", query.state.as_deref(), &states)?;
    routes::known("direction", query.direction.as_deref(), &["under", "over"])?;
    let paging = PageQuery { limit: query.limit, cursor: query.cursor.clone() };
    let list = ("corrections", &query.state, query.client_id, &query.direction, query.currency, &query.owner);
    let wanted = paging.read::<Uuid>(&(list, query.due_by))?;
    let filter = CorrectionFilter {
        state: query.state.as_deref(),
        client_id: query.client_id.map(ClientId::uuid),
        direction: query.direction.as_deref(),
        currency: query.currency.as_ref().map(Currency::as_str),
        owner: query.owner.as_deref(),
        due_by: query.due_by,
    };
    let mut tx = app.db.begin(actor.org).await?;
    let rows = stored::list(&mut tx, &filter, wanted.after, wanted.fetch()).await?;
    let loaded = corrections::all(&mut tx, rows).await?;
    let page = wanted.page(loaded, |one| one.row.id)?;
    routes::list(&request, &CorrectionPage::from(page.try_map(|one| Correction::of(&one))?))
}

/// Read a correction
#[utoipa::path(tag = "corrections", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("correction_id" = CorrectionId, Path, description = "The correction")),
    responses((status = 200, description = "The correction", body = Correction)))]
#[get("/corrections/{correction_id}")]
async fn get_correction(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    path: web::Path<CorrectionId>,
    if_none_match: IfNoneMatch,
) -> Result<HttpResponse, ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    let loaded = corrections::load(&mut tx, *path).await?;
    Ok(routes::found(&if_none_match, loaded.row.version, &Correction::of(&loaded)?))
}

/// Read a correction's ledger
///
/// Every entry and the sums: found = billed + credited + waived + written off + time-barred + withdrawn +
/// outstanding, in seats and in money.
#[utoipa::path(tag = "corrections", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("correction_id" = CorrectionId, Path, description = "The correction")),
    responses((status = 200, description = "The ledger", body = CorrectionLedger)))]
#[get("/corrections/{correction_id}/ledger")]
async fn get_correction_ledger(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    path: web::Path<CorrectionId>,
) -> Result<HttpResponse, ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    let loaded = corrections::load(&mut tx, *path).await?;
    Ok(HttpResponse::Ok().json(CorrectionLedger::of(&loaded.correction)))
}

/// List what was done to a correction
///
/// Who, when, which command, state, version and money before and after, and why, in order. Visits, codes and
/// answers of the client through its link stand between what you did.
#[utoipa::path(tag = "corrections", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("correction_id" = CorrectionId, Path, description = "The correction"), PageQuery),
    responses((status = 200, description = "One page", body = TimelinePage)))]
#[get("/corrections/{correction_id}/timeline")]
async fn get_correction_timeline(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    request: HttpRequest,
    path: web::Path<CorrectionId>,
    page: web::Query<PageQuery>,
) -> Result<HttpResponse, ApiError> {
    let page = page.read::<i64>(&("correction timeline", *path))?;
    let mut tx = app.db.begin(actor.org).await?;
    stored::find(&mut tx, *path).await?.ok_or_else(ApiError::not_found)?;
    let rows = records::timeline(&mut tx, *path, page.after.unwrap_or(0), page.fetch()).await?;
    let paged = page.page(rows, |row| row.seq)?.map(TimelineEntry::from);
    routes::list(&request, &TimelinePage::from(paged))
}

/// What must happen by when.
#[derive(Debug, Serialize, ToSchema)]
struct CorrectionDeadlines {
    /// The deadlines, soonest first.
    #[schema(max_items = 10000)]
    data: Vec<CorrectionDeadline>,
}

/// List a correction's deadlines
///
/// They follow from the correction: what must happen by when, and whose it is. Soonest first.
#[utoipa::path(tag = "corrections", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("correction_id" = CorrectionId, Path, description = "The correction")),
    responses((status = 200, description = "The deadlines", body = CorrectionDeadlines)))]
#[get("/corrections/{correction_id}/deadlines")]
async fn get_correction_deadlines(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    path: web::Path<CorrectionId>,
) -> Result<HttpResponse, ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    stored::find(&mut tx, *path).await?.ok_or_else(ApiError::not_found)?;
    let rows = records::deadlines(&mut tx, *path).await?;
    let data = rows.into_iter().map(CorrectionDeadline::from).collect();
    Ok(HttpResponse::Ok().json(CorrectionDeadlines { data }))
}

/// The facts behind a message.
#[derive(Debug, Serialize, ToSchema)]
struct FrozenFacts {
    /// The version of the correction that sent the message; none while nothing was sent.
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    version: Option<i64>,
    /// SHA-256 of `facts` as they were frozen.
    #[schema(max_length = 71)]
    sha256: Option<String>,
    /// Canonical JSON (RFC 8785) of subject, lines, ledger and gaps, as they were.
    #[schema(max_length = 100_000_000)]
    facts: Option<String>,
    /// Since when a person is erased from `facts`, so that the digest is of other words.
    erased_at: Option<DateTime<Utc>>,
}

/// Read the facts behind the last message
///
/// As they were when it was sent, as text whose digest the message carries: what an evidence bundle is made
/// from. Empty while nothing was sent.
#[utoipa::path(tag = "corrections", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("correction_id" = CorrectionId, Path, description = "The correction")),
    responses((status = 200, description = "The facts", body = FrozenFacts)))]
#[get("/corrections/{correction_id}/frozen-facts")]
async fn get_correction_frozen_facts(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    path: web::Path<CorrectionId>,
) -> Result<HttpResponse, ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    stored::find(&mut tx, *path).await?.ok_or_else(ApiError::not_found)?;
    let frozen = match records::frozen(&mut tx, *path).await? {
        Some((version, sha256, facts, erased_at)) => {
            FrozenFacts { version: Some(version), sha256: Some(sha256), facts: Some(facts), erased_at }
        }
        None => FrozenFacts { version: None, sha256: None, facts: None, erased_at: None },
    };
    Ok(HttpResponse::Ok().json(frozen))
}
