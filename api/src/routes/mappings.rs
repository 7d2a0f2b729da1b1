//! Mappings: "these two are the same", proposed by audits or written by hand, decided by people.

use crate::app::App;
use crate::auth::{Allowed, perm};
use crate::error::ApiError;
use crate::extract::{IfMatch, JsonBody, JsonBodyIfAny, empty_sha256};
use crate::page_type;
use crate::pagination::PageQuery;
use crate::routes::{self, respond};
use crate::services::idempotency::{Replay, Reply, once};
use crate::services::mappings;
use crate::storage::mappings::{self as stored, Decision, NewMapping as StoredNew, StoredMapping};
use actix_web::{HttpRequest, HttpResponse, get, patch, post, web};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::audit::Basis;
use leakage_core::id::MappingId;
use leakage_core::records::MappingSide;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// A mapping between a source's name and what it stands for.
#[derive(Debug, Serialize, ToSchema)]
pub struct Mapping {
    /// Its id.
    pub id: MappingId,
    /// Clients or products: `client`, `product`.
    #[schema(max_length = 20, example = "product")]
    pub side: String,
    /// Name or id as the source writes it.
    #[schema(max_length = 500, example = "Office 365 Business Premium")]
    pub source: String,
    /// Name or id that it stands for.
    #[schema(max_length = 500, example = "Microsoft 365 Business Standard")]
    pub target: String,
    /// `proposed`, `approved`, `rejected` or `withdrawn`; only approved ones count. New states may be added.
    #[schema(max_length = 20, example = "proposed")]
    pub status: String,
    /// `proposal` (an audit found it), `manual` or `import`.
    #[schema(max_length = 20, example = "proposal")]
    pub origin: String,
    /// Of a proposal, 0.00 to 0.99.
    #[schema(max_length = 10, example = "0.93")]
    pub score: Option<String>,
    /// Why it was proposed.
    #[schema(max_items = 20)]
    pub reasons: Vec<String>,
    /// First day it holds; null: from the beginning.
    pub valid_from: Option<NaiveDate>,
    /// Day after the last one; null: still so.
    pub valid_until: Option<NaiveDate>,
    /// Which seats of the product are counted: `purchased`, `assigned` or `active`; null: as the policies say.
    #[schema(max_length = 20, example = "assigned")]
    pub basis: Option<String>,
    /// Of a proposal: all ids that go by the source's name. To approve it maps them.
    #[schema(max_items = 1000)]
    pub source_ids: Vec<String>,
    /// All ids that go by the target's name. To approve the proposal takes them for one.
    #[schema(max_items = 1000)]
    pub target_ids: Vec<String>,
    /// Who decided.
    #[schema(max_length = 300)]
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<DateTime<Utc>>,
    /// Counts changes; its ETag is `"v<version>"`.
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    pub version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

impl From<StoredMapping> for Mapping {
    fn from(row: StoredMapping) -> Self {
        Self {
            id: row.id.into(),
            side: row.side,
            source: row.source,
            target: row.target,
            status: row.status,
            origin: row.origin,
            score: row.score.map(|score| score.to_string()),
            reasons: row.reasons.0,
            valid_from: row.valid_from,
            valid_until: row.valid_until,
            basis: row.basis,
            source_ids: row.source_ids,
            target_ids: row.target_ids,
            decided_by: row.decided_by,
            decided_at: row.decided_at,
            version: row.version,
            created_at: row.created_at,
        }
    }
}

page_type!(MappingPage, Mapping);

/// A mapping to be written by hand: approved at once, by whoever writes it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"side": "product", "source": "Office 365 Business Premium", "target": "Microsoft 365 Business Standard"}))]
pub struct NewMapping {
    /// Clients or products.
    pub side: MappingSide,
    /// Name, id, part number or item code as the source writes it.
    #[schema(min_length = 1, max_length = 500)]
    pub source: String,
    /// Name or id that it stands for.
    #[schema(min_length = 1, max_length = 500)]
    pub target: String,
    /// First day it holds; from the beginning when not stated.
    #[serde(default)]
    pub valid_from: Option<NaiveDate>,
    /// Day after the last one; still so when not stated.
    #[serde(default)]
    pub valid_until: Option<NaiveDate>,
    /// Of a product: which of its seats are counted, whatever the client; as the policies say when not stated.
    #[serde(default)]
    pub basis: Option<Basis>,
}

impl NewMapping {
    /// 422 for a name that is too long to be one.
    fn check(&self) -> Result<(), ApiError> {
        for (pointer, text) in [("/source", &self.source), ("/target", &self.target)] {
            if text.chars().count() > 500 {
                return Err(ApiError::invalid(pointer, "At most 500 characters."));
            }
        }
        Ok(())
    }
}

/// What an approval can say beside yes.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"basis": "assigned"}))]
pub struct MappingApproval {
    /// Of a product: which of its seats are counted, whatever the client; as before when not stated.
    #[serde(default)]
    pub basis: Option<Basis>,
}

/// What of a mapping can change: a name that it maps cannot.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"basis": "assigned"}))]
pub struct MappingChange {
    /// Which seats of the product are counted; null: as the policies say.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required)]
    pub basis: Option<Basis>,
}

/// What a list of mappings asks for.
#[derive(Debug, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MappingQuery {
    /// `proposed`, `approved`, `rejected` or `withdrawn`.
    #[param(max_length = 20, example = "proposed")]
    pub status: Option<String>,
    /// Clients or products.
    pub side: Option<MappingSide>,
    /// Items of a page.
    #[param(minimum = 1, maximum = 500, default = 50, example = 50)]
    pub limit: Option<u16>,
    /// `next_cursor` of the page before.
    #[param(max_length = 1000)]
    pub cursor: Option<String>,
}

/// Write a mapping
///
/// It counts from the next audit on, for the days it holds.
#[utoipa::path(tag = "mappings", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("catalog:write"))), request_body = NewMapping,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat", max_length = 255)),
    responses((status = 201, description = "Written and approved", body = Mapping)))]
#[post("/mappings")]
async fn create_mapping(
    app: web::Data<App>,
    actor: Allowed<perm::WriteCatalog>,
    replay: Replay,
    body: JsonBody<NewMapping>,
) -> Result<HttpResponse, ApiError> {
    let new = &body.value;
    new.check()?;
    let replied = once(&app, &actor, &replay, &body.sha256, async |tx| {
        let stored = StoredNew {
            id: MappingId::new(Uuid::now_v7()),
            side: new.side,
            source: new.source.trim(),
            target: new.target.trim(),
            valid_from: new.valid_from,
            valid_until: new.valid_until,
            basis: new.basis,
        };
        let mapping = Mapping::from(mappings::create(tx, &actor, &stored, app.clock.now()).await?);
        Reply::created(format!("/v1/mappings/{}", mapping.id), Some(mapping.version), &mapping)
    })
    .await?;
    Ok(respond(replied))
}

/// List mappings
///
/// In the order in which they were made. `status=proposed` is the list of what waits for a person.
#[utoipa::path(tag = "mappings", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))), params(MappingQuery),
    responses((status = 200, description = "One page", body = MappingPage)))]
#[get("/mappings")]
async fn list_mappings(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    request: HttpRequest,
    query: web::Query<MappingQuery>,
) -> Result<HttpResponse, ApiError> {
    let statuses = ["proposed", "approved", "rejected", "withdrawn"];
    routes::known("status", query.status.as_deref(), &statuses)?;
    let paging = PageQuery { limit: query.limit, cursor: query.cursor.clone() };
    let wanted = paging.read::<Uuid>(&("mappings", &query.status, query.side))?;
    let mut tx = app.db.begin(actor.org).await?;
    let rows =
        stored::list(&mut tx, query.status.as_deref(), query.side, wanted.after, wanted.fetch()).await?;
    let page = wanted.page(rows, |row| row.id)?;
    routes::list(&request, &MappingPage::from(page.map(Mapping::from)))
}

/// Read a mapping
#[utoipa::path(tag = "mappings", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("mapping_id" = MappingId, Path, description = "The mapping")),
    responses((status = 200, description = "The mapping", body = Mapping)))]
#[get("/mappings/{mapping_id}")]
async fn get_mapping(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    path: web::Path<MappingId>,
) -> Result<HttpResponse, ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    let mapping = Mapping::from(stored::find(&mut tx, *path).await?.ok_or_else(ApiError::not_found)?);
    Ok(respond(Reply::ok(Some(mapping.version), &mapping)?.into()))
}

async fn decide(
    app: &App,
    actor: &Allowed<perm::WriteCatalog>,
    replay: &Replay,
    (id, version): (MappingId, &IfMatch),
    (decision, basis, sha256): (Decision, Option<Basis>, [u8; 32]),
) -> Result<HttpResponse, ApiError> {
    let version = version.required()?;
    let replied = once(app, actor, replay, &sha256, async |tx| {
        let decided = mappings::decide(tx, actor, (id, version), (decision, basis), app.clock.now()).await?;
        let mapping = Mapping::from(decided);
        Reply::ok(Some(mapping.version), &mapping)
    })
    .await?;
    Ok(respond(replied))
}

/// Approve a mapping
///
/// It counts from the next audit on. A proposal's ids are all mapped: what goes by its two names is then one.
/// The body may say which seats of the product are counted; it can be left out. Needs `If-Match`.
#[utoipa::path(tag = "mappings", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("catalog:write"))),
    request_body(content = Option<MappingApproval>, description = "Which seats are counted; may be left out."),
    params(("mapping_id" = MappingId, Path, description = "The mapping"),
           ("If-Match" = String, Header, description = "ETag of the version that you read", max_length = 100),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat", max_length = 255)),
    responses((status = 200, description = "Approved", body = Mapping)))]
#[post("/mappings/{mapping_id}/approve")]
async fn approve_mapping(
    app: web::Data<App>,
    actor: Allowed<perm::WriteCatalog>,
    replay: Replay,
    path: web::Path<MappingId>,
    version: IfMatch,
    body: JsonBodyIfAny<MappingApproval>,
) -> Result<HttpResponse, ApiError> {
    let said = body.value.unwrap_or_default();
    decide(&app, &actor, &replay, (*path, &version), (Decision::Approve, said.basis, body.sha256)).await
}

/// Reject a proposal
///
/// The two are different; audits compare them apart and do not propose the pair again. Needs `If-Match`.
#[utoipa::path(tag = "mappings", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("catalog:write"))),
    params(("mapping_id" = MappingId, Path, description = "The mapping"),
           ("If-Match" = String, Header, description = "ETag of the version that you read", max_length = 100),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat", max_length = 255)),
    responses((status = 200, description = "Rejected", body = Mapping)))]
#[post("/mappings/{mapping_id}/reject")]
async fn reject_mapping(
    app: web::Data<App>,
    actor: Allowed<perm::WriteCatalog>,
    replay: Replay,
    path: web::Path<MappingId>,
    version: IfMatch,
) -> Result<HttpResponse, ApiError> {
    decide(&app, &actor, &replay, (*path, &version), (Decision::Reject, None, empty_sha256())).await
}

/// Change which seats a mapping counts
///
/// Of a mapping of products; it counts from the next audit on. Needs `If-Match`.
#[utoipa::path(tag = "mappings", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("catalog:write"))), request_body = MappingChange,
    params(("mapping_id" = MappingId, Path, description = "The mapping"),
           ("If-Match" = String, Header, description = "ETag of the version that you read", max_length = 100)),
    responses((status = 200, description = "Changed", body = Mapping)))]
#[patch("/mappings/{mapping_id}")]
async fn update_mapping(
    app: web::Data<App>,
    actor: Allowed<perm::WriteCatalog>,
    path: web::Path<MappingId>,
    version: IfMatch,
    body: JsonBody<MappingChange>,
) -> Result<HttpResponse, ApiError> {
    let version = version.required()?;
    let mut tx = app.db.begin(actor.org).await?;
    let changed = mappings::set_basis(&mut tx, *path, version, body.value.basis, app.clock.now()).await?;
    tx.commit().await?;
    let mapping = Mapping::from(changed);
    Ok(respond(Reply::ok(Some(mapping.version), &mapping)?.into()))
}

/// Withdraw a mapping
///
/// It counts no more; audits that used it keep their results. Needs `If-Match`.
#[utoipa::path(tag = "mappings", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("catalog:write"))),
    params(("mapping_id" = MappingId, Path, description = "The mapping"),
           ("If-Match" = String, Header, description = "ETag of the version that you read", max_length = 100),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat", max_length = 255)),
    responses((status = 200, description = "Withdrawn", body = Mapping)))]
#[post("/mappings/{mapping_id}/withdraw")]
async fn withdraw_mapping(
    app: web::Data<App>,
    actor: Allowed<perm::WriteCatalog>,
    replay: Replay,
    path: web::Path<MappingId>,
    version: IfMatch,
) -> Result<HttpResponse, ApiError> {
    decide(&app, &actor, &replay, (*path, &version), (Decision::Withdraw, None, empty_sha256())).await
}

/// Registers the routes of this file.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(create_mapping)
        .service(list_mappings)
        .service(get_mapping)
        .service(update_mapping)
        .service(approve_mapping)
        .service(reject_mapping)
        .service(withdraw_mapping);
}
