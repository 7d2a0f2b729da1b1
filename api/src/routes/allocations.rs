//! Allocations: which seats of a client go to which of its billing entities.

use crate::app::App;
use crate::auth::{Allowed, perm};
use crate::error::ApiError;
use crate::extract::{IfMatch, JsonBody};
use crate::page_type;
use crate::pagination::PageQuery;
use crate::routes::{self, respond};
use crate::routes::{DecisionEnd, DecisionState};
use crate::services::billing_entities;
use crate::services::decisions::allocations::{self, AllocationKind, AllocationTerms};
use crate::services::decisions::{Decided, Ending, Validity};
use crate::services::idempotency::{Replay, Reply, once};
use crate::storage::decisions::{self as stored, Filter, Resource};
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::id::{AllocationId, BillingEntityId, ClientId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// An allocation. What it says never changes; it can be ended.
#[derive(Debug, Serialize, ToSchema)]
pub struct Allocation {
    /// Its id.
    pub id: AllocationId,
    /// Whose seats.
    pub client_id: ClientId,
    /// To whom they go.
    pub billing_entity_id: BillingEntityId,
    /// By what.
    pub kind: AllocationKind,
    /// The group's id, the department, the domain or the number of seats; null for the rest.
    #[schema(max_length = 253, example = "bonn.contoso.com")]
    pub value: Option<String>,
    /// Of this product only; null: of all that have no allocations of their own.
    #[schema(max_length = 500)]
    pub product: Option<String>,
    /// First day it holds.
    pub valid_from: NaiveDate,
    /// Day after the last one; null: still so.
    pub valid_until: Option<NaiveDate>,
    /// Why.
    #[schema(max_length = 500, example = "Agreed with the client's finance department")]
    pub reason: String,
    /// Why it was ended.
    #[schema(max_length = 500)]
    pub end_reason: Option<String>,
    /// Who made it: `user:` or `api_key:` and an id.
    #[schema(max_length = 300)]
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Who made it what it is now.
    #[schema(max_length = 300)]
    pub changed_by: String,
    /// When.
    pub updated_at: DateTime<Utc>,
    /// Counts changes; its ETag is `"v<version>"`.
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    pub version: i64,
}

impl From<Decided<AllocationTerms>> for Allocation {
    fn from(Decided { terms, row }: Decided<AllocationTerms>) -> Self {
        Self {
            id: row.id.into(),
            // The table has none without both.
            client_id: row.client_id.unwrap_or_default().into(),
            billing_entity_id: row.billing_entity_id.unwrap_or_default().into(),
            kind: terms.kind,
            value: terms.value,
            product: terms.product,
            valid_from: row.valid_from,
            valid_until: row.valid_until,
            reason: terms.reason,
            end_reason: row.end_reason,
            created_by: row.created_by,
            created_at: row.created_at,
            changed_by: row.changed_by,
            updated_at: row.updated_at,
            version: row.version,
        }
    }
}

/// An allocation with the states that it was in.
#[derive(Debug, Serialize, ToSchema)]
pub struct AllocationDetail {
    /// The allocation.
    #[serde(flatten)]
    pub allocation: Allocation,
    /// Its states, oldest first, the first 100.
    #[schema(max_items = 100)]
    pub history: Vec<DecisionState>,
}

page_type!(AllocationPage, Allocation);

/// An allocation to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"billing_entity_id": "01931f3e-7d5c-7b60-9f10-3f2a4b5c6d7e", "kind": "domain",
    "value": "bonn.contoso.com", "valid_from": "2026-03-01", "reason": "Each office pays for its users"}))]
pub struct NewAllocation {
    /// To whom the seats go: a billing entity of the client.
    pub billing_entity_id: BillingEntityId,
    /// By what.
    pub kind: AllocationKind,
    /// The group's id, the department, the domain or the number of seats; not for the rest.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 253)]
    pub value: Option<String>,
    /// Of this product only, by a name that the files use; of all that have no allocations of their own when
    /// not stated.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500)]
    pub product: Option<String>,
    /// First day it holds.
    pub valid_from: NaiveDate,
    /// Day after the last one; still so when not stated.
    #[serde(default)]
    pub valid_until: Option<NaiveDate>,
    /// Why.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
}

impl NewAllocation {
    fn terms(&self) -> AllocationTerms {
        AllocationTerms {
            kind: self.kind,
            value: self.value.clone(),
            product: self.product.clone(),
            reason: self.reason.clone(),
        }
    }
}

/// Make an allocation
///
/// From the next audit on the billable seats of the client are shared, for the days that it holds: first those
/// of users by group, department and domain, then fixed numbers, then the rest. Each takes what is left at
/// most. What nobody takes is a gap without a billing entity that `needs_allocation`.
#[utoipa::path(tag = "billing_entities", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("catalog:write"))), request_body = NewAllocation,
    params(("client_id" = ClientId, Path, description = "The client"),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat", max_length = 255)),
    responses((status = 201, description = "Made", body = Allocation)))]
#[post("/clients/{client_id}/allocations")]
async fn create_allocation(
    app: web::Data<App>,
    actor: Allowed<perm::WriteCatalog>,
    replay: Replay,
    path: web::Path<ClientId>,
    body: JsonBody<NewAllocation>,
) -> Result<HttpResponse, ApiError> {
    let new = &body.value;
    let replied = once(&app, &actor, &replay, &body.sha256, async |tx| {
        let days = Validity { from: new.valid_from, until: new.valid_until };
        let of = (*path, new.billing_entity_id);
        let made = allocations::create(tx, &actor, of, new.terms(), days, app.clock.now()).await?;
        let allocation = Allocation::from(made);
        let location = format!("/v1/clients/{}/allocations/{}", *path, allocation.id);
        Reply::created(location, Some(allocation.version), &allocation)
    })
    .await?;
    Ok(respond(replied))
}

/// What a list of allocations asks for.
#[derive(Debug, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AllocationQuery {
    /// Holding on this day.
    pub active_on: Option<NaiveDate>,
    /// Items of a page.
    #[param(minimum = 1, maximum = 500, default = 50, example = 50)]
    pub limit: Option<u16>,
    /// `next_cursor` of the page before.
    #[param(max_length = 1000)]
    pub cursor: Option<String>,
}

/// List the allocations of a client
///
/// In the order in which they were made, ended ones too.
#[utoipa::path(tag = "billing_entities", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("client_id" = ClientId, Path, description = "The client"), AllocationQuery),
    responses((status = 200, description = "One page", body = AllocationPage)))]
#[get("/clients/{client_id}/allocations")]
async fn list_allocations(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    request: HttpRequest,
    path: web::Path<ClientId>,
    query: web::Query<AllocationQuery>,
) -> Result<HttpResponse, ApiError> {
    let paging = PageQuery { limit: query.limit, cursor: query.cursor.clone() };
    let wanted = paging.read::<Uuid>(&("allocations", *path, &query.active_on))?;
    let mut tx = app.db.begin(actor.org).await?;
    billing_entities::known_client(&mut tx, *path).await?;
    let filter = Filter { client: Some(*path), on: query.active_on, ..Filter::default() };
    let rows = stored::list(&mut tx, Resource::Allocation, &filter, wanted.after, wanted.fetch()).await?;
    let page = wanted.page(rows, |row| row.id)?.try_map(Decided::of)?;
    routes::list(&request, &AllocationPage::from(page.map(Allocation::from)))
}

/// Read an allocation
///
/// With the states that it was in.
#[utoipa::path(tag = "billing_entities", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("client_id" = ClientId, Path, description = "The client"),
           ("allocation_id" = AllocationId, Path, description = "The allocation")),
    responses((status = 200, description = "The allocation", body = AllocationDetail)))]
#[get("/clients/{client_id}/allocations/{allocation_id}")]
async fn get_allocation(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    path: web::Path<(ClientId, AllocationId)>,
) -> Result<HttpResponse, ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    let allocation = Allocation::from(allocations::find(&mut tx, path.0, path.1).await?);
    let history =
        stored::states(&mut tx, path.1.uuid()).await?.into_iter().map(DecisionState::from).collect();
    Ok(respond(Reply::ok(Some(allocation.version), &AllocationDetail { allocation, history })?.into()))
}

/// End an allocation
///
/// Audits from now on take it only for the days before; audits of what was known earlier still see it as it
/// was. Needs `If-Match`.
#[utoipa::path(tag = "billing_entities", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("catalog:write"))), request_body = DecisionEnd,
    params(("client_id" = ClientId, Path, description = "The client"),
           ("allocation_id" = AllocationId, Path, description = "The allocation"),
           ("If-Match" = String, Header, description = "ETag of the version that you read", max_length = 100),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat", max_length = 255)),
    responses((status = 200, description = "Ended", body = Allocation)))]
#[post("/clients/{client_id}/allocations/{allocation_id}/end")]
async fn end_allocation(
    app: web::Data<App>,
    actor: Allowed<perm::WriteCatalog>,
    replay: Replay,
    path: web::Path<(ClientId, AllocationId)>,
    version: IfMatch,
    body: JsonBody<DecisionEnd>,
) -> Result<HttpResponse, ApiError> {
    let version = version.required()?;
    let DecisionEnd { valid_until: until, reason } = &body.value;
    let replied = once(&app, &actor, &replay, &body.sha256, async |tx| {
        let id = path.1.uuid();
        let ending = Ending { resource: Resource::Allocation, id, version, until: *until, reason };
        let ended = allocations::end(tx, &actor, path.0, ending, app.clock.now()).await?;
        let allocation = Allocation::from(ended);
        Reply::ok(Some(allocation.version), &allocation)
    })
    .await?;
    Ok(respond(replied))
}

/// Registers the routes of this file.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(create_allocation)
        .service(list_allocations)
        .service(get_allocation)
        .service(end_allocation);
}
