//! Prices: the organization's price list.

use crate::app::App;
use crate::auth::{Allowed, perm};
use crate::error::ApiError;
use crate::extract::{IfMatch, JsonBody};
use crate::page_type;
use crate::pagination::PageQuery;
use crate::routes::{self, respond};
use crate::routes::{DecisionEnd, DecisionState};
use crate::services::decisions::prices::{self, PriceTerms};
use crate::services::decisions::{self, Decided, Ending, Validity};
use crate::services::idempotency::{Replay, Reply, once};
use crate::storage::decisions::{self as stored, Filter, Resource};
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::id::{ClientId, PriceId};
use leakage_core::money::Currency;
use leakage_core::records::{Cycle, Term};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// A price of the price list. What it says never changes; it can be ended, and a price that begins later
/// takes its place.
#[derive(Debug, Serialize, ToSchema)]
pub struct Price {
    /// Its id.
    pub id: PriceId,
    /// Of this product.
    #[schema(max_length = 500, example = "Microsoft 365 Business Premium")]
    pub product: String,
    /// The vendor's id of the product, where one was given.
    #[schema(max_length = 200)]
    pub sku: Option<String>,
    /// For this client only; null: for all.
    pub client_id: Option<ClientId>,
    /// Of this term only; null: of all.
    pub term: Option<Term>,
    /// What one price pays for.
    pub cycle: Cycle,
    /// Per seat and cycle, before tax.
    #[schema(max_length = 40, example = "22.00")]
    pub unit_price: String,
    /// Its currency.
    pub currency: Currency,
    /// First day it holds.
    pub valid_from: NaiveDate,
    /// Day after the last one; null: still so.
    pub valid_until: Option<NaiveDate>,
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

impl From<Decided<PriceTerms>> for Price {
    fn from(Decided { terms, row }: Decided<PriceTerms>) -> Self {
        Self {
            id: row.id.into(),
            product: terms.product,
            sku: terms.sku,
            client_id: row.client_id.map(ClientId::new),
            term: terms.term,
            cycle: terms.cycle,
            unit_price: terms.unit_price.to_string(),
            currency: terms.currency,
            valid_from: row.valid_from,
            valid_until: row.valid_until,
            end_reason: row.end_reason,
            created_by: row.created_by,
            created_at: row.created_at,
            changed_by: row.changed_by,
            updated_at: row.updated_at,
            version: row.version,
        }
    }
}

/// A price with the states that it was in.
#[derive(Debug, Serialize, ToSchema)]
pub struct PriceDetail {
    /// The price.
    #[serde(flatten)]
    pub price: Price,
    /// Its states, oldest first, the first 100.
    #[schema(max_items = 100)]
    pub history: Vec<DecisionState>,
}

page_type!(PricePage, Price);

/// A price to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"product": "Microsoft 365 Business Premium", "unit_price": "22.00", "currency": "USD",
    "valid_from": "2026-03-01"}))]
pub struct NewPrice {
    /// Of this product, by a name that the files use.
    #[schema(min_length = 1, max_length = 500)]
    pub product: String,
    /// The vendor's id of the product, where its name alone does not tell.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200)]
    pub sku: Option<String>,
    /// For this client only; for all when not stated.
    #[serde(default)]
    pub client_id: Option<ClientId>,
    /// Of this term only; of all when not stated.
    #[serde(default)]
    pub term: Option<Term>,
    /// What one price pays for; a month when not stated.
    #[serde(default)]
    pub cycle: Cycle,
    /// Per seat and cycle, before tax: above 0, at most ten digits after the point.
    #[schema(min_length = 1, max_length = 40, example = "22.00")]
    pub unit_price: String,
    /// Its currency.
    pub currency: Currency,
    /// First day it holds.
    pub valid_from: NaiveDate,
    /// Day after the last one; still so when not stated.
    #[serde(default)]
    pub valid_until: Option<NaiveDate>,
}

impl NewPrice {
    fn terms(&self) -> Result<PriceTerms, ApiError> {
        // No exponents and signs: a price is written as on a list.
        let written = self.unit_price.trim();
        let plain = written.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let unit_price = if plain { written } else { "" }.parse();
        let unit_price = unit_price
            .map_err(|_| ApiError::invalid("/unit_price", "must be a price as text, such as 22.00"))?;
        Ok(PriceTerms {
            product: self.product.clone(),
            sku: self.sku.clone(),
            term: self.term,
            cycle: self.cycle,
            unit_price,
            currency: self.currency,
        })
    }
}

/// Make a price
///
/// It counts from the next audit on, for the days it holds: where no billing line of the product gives a
/// price, and as the agreed price that billing lines are held against. A client's own price comes before one
/// for all; of several the one that begins last counts.
#[utoipa::path(tag = "prices", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("catalog:write"))), request_body = NewPrice,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat", max_length = 255)),
    responses((status = 201, description = "Made", body = Price)))]
#[post("/prices")]
async fn create_price(
    app: web::Data<App>,
    actor: Allowed<perm::WriteCatalog>,
    replay: Replay,
    body: JsonBody<NewPrice>,
) -> Result<HttpResponse, ApiError> {
    let new = &body.value;
    let replied = once(&app, &actor, &replay, &body.sha256, async |tx| {
        let days = Validity { from: new.valid_from, until: new.valid_until };
        let made = prices::create(tx, &actor, new.client_id, new.terms()?, days, app.clock.now()).await?;
        let price = Price::from(made);
        Reply::created(format!("/v1/prices/{}", price.id), Some(price.version), &price)
    })
    .await?;
    Ok(respond(replied))
}

/// What a list of prices asks for.
#[derive(Debug, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PriceQuery {
    /// Of this client; prices for all clients have none.
    pub client_id: Option<ClientId>,
    /// Of this product, by name.
    #[param(max_length = 500)]
    pub product: Option<String>,
    /// Holding on this day.
    pub active_on: Option<NaiveDate>,
    /// Items of a page.
    #[param(minimum = 1, maximum = 500, default = 50, example = 50)]
    pub limit: Option<u16>,
    /// `next_cursor` of the page before.
    #[param(max_length = 1000)]
    pub cursor: Option<String>,
}

impl PriceQuery {
    fn filter(&self) -> Filter {
        Filter {
            client: self.client_id,
            product_key: self.product.as_deref().map(leakage_core::matching::fold),
            on: self.active_on,
            ..Filter::default()
        }
    }
}

/// List prices
///
/// In the order in which they were made, ended ones too. Prices that stand in uploaded price files are rows
/// of their imports.
#[utoipa::path(tag = "prices", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))), params(PriceQuery),
    responses((status = 200, description = "One page", body = PricePage)))]
#[get("/prices")]
async fn list_prices(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    request: HttpRequest,
    query: web::Query<PriceQuery>,
) -> Result<HttpResponse, ApiError> {
    let paging = PageQuery { limit: query.limit, cursor: query.cursor.clone() };
    let filters = (&query.client_id, &query.product, &query.active_on);
    let wanted = paging.read::<Uuid>(&("prices", filters))?;
    let mut tx = app.db.begin(actor.org).await?;
    let rows = stored::list(&mut tx, Resource::Price, &query.filter(), wanted.after, wanted.fetch()).await?;
    let page = wanted.page(rows, |row| row.id)?.try_map(Decided::of)?;
    routes::list(&request, &PricePage::from(page.map(Price::from)))
}

/// Read a price
///
/// With the states that it was in.
#[utoipa::path(tag = "prices", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("price_id" = PriceId, Path, description = "The price")),
    responses((status = 200, description = "The price", body = PriceDetail)))]
#[get("/prices/{price_id}")]
async fn get_price(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    path: web::Path<PriceId>,
) -> Result<HttpResponse, ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    let found = stored::find(&mut tx, Resource::Price, path.uuid()).await?.ok_or_else(ApiError::not_found)?;
    let price = Price::from(Decided::of(found)?);
    let history = stored::states(&mut tx, path.uuid()).await?.into_iter().map(DecisionState::from).collect();
    Ok(respond(Reply::ok(Some(price.version), &PriceDetail { price, history })?.into()))
}

/// End a price
///
/// Audits from now on take it only for the days before; audits of what was known earlier still see it as it
/// was. Needs `If-Match`.
#[utoipa::path(tag = "prices", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("catalog:write"))), request_body = DecisionEnd,
    params(("price_id" = PriceId, Path, description = "The price"),
           ("If-Match" = String, Header, description = "ETag of the version that you read", max_length = 100),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat", max_length = 255)),
    responses((status = 200, description = "Ended", body = Price)))]
#[post("/prices/{price_id}/end")]
async fn end_price(
    app: web::Data<App>,
    actor: Allowed<perm::WriteCatalog>,
    replay: Replay,
    path: web::Path<PriceId>,
    version: IfMatch,
    body: JsonBody<DecisionEnd>,
) -> Result<HttpResponse, ApiError> {
    let version = version.required()?;
    let DecisionEnd { valid_until: until, reason } = &body.value;
    let replied = once(&app, &actor, &replay, &body.sha256, async |tx| {
        let ending = Ending { resource: Resource::Price, id: path.uuid(), version, until: *until, reason };
        let price = Price::from(decisions::end::<PriceTerms>(tx, &actor, ending, app.clock.now()).await?);
        Reply::ok(Some(price.version), &price)
    })
    .await?;
    Ok(respond(replied))
}

/// Registers the routes of this file.
pub fn configure(config: &mut ServiceConfig) {
    config.service(create_price).service(list_prices).service(get_price).service(end_price);
}
