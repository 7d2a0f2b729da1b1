//! Rules: what is taken off counted seats, and how far back is charged and credited.

use crate::app::App;
use crate::auth::{Allowed, perm};
use crate::error::ApiError;
use crate::extract::{IfMatch, JsonBody};
use crate::page_type;
use crate::pagination::PageQuery;
use crate::routes::{self, respond};
use crate::routes::{DecisionEnd, DecisionState};
use crate::services::decisions::rules::{self, RuleTerms, kind_name};
use crate::services::decisions::{self, Decided, Ending, Validity};
use crate::services::idempotency::{Replay, Reply, once};
use crate::storage::decisions::{self as stored, Filter, Resource};
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::id::{ClientId, RuleId};
use leakage_core::records::RuleKind;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// A rule. What it says never changes; it can be ended.
#[derive(Debug, Serialize, ToSchema)]
pub struct Rule {
    /// Its id.
    pub id: RuleId,
    /// What it does.
    pub kind: RuleKind,
    /// Seats or months as text, or `all`.
    #[schema(max_length = 20, example = "2")]
    pub value: String,
    /// For this client only; null: for all.
    pub client_id: Option<ClientId>,
    /// For this product only; null: for all.
    #[schema(max_length = 500, example = "Microsoft 365 Business Premium")]
    pub product: Option<String>,
    /// Of a bundle: the product that includes the other one.
    #[schema(max_length = 500, example = "Managed Workstation")]
    pub parent_product: Option<String>,
    /// First day it holds.
    pub valid_from: NaiveDate,
    /// Day after the last one; null: still so.
    pub valid_until: Option<NaiveDate>,
    /// Why.
    #[schema(max_length = 500, example = "Not for resale")]
    pub reason: String,
    /// Who answers for it.
    #[schema(max_length = 200, example = "Dana")]
    pub owner: String,
    /// When it is looked at again.
    pub review_date: Option<NaiveDate>,
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

impl From<Decided<RuleTerms>> for Rule {
    fn from(Decided { terms, row }: Decided<RuleTerms>) -> Self {
        Self {
            id: row.id.into(),
            kind: terms.kind,
            value: terms.value,
            client_id: row.client_id.map(ClientId::new),
            product: terms.product,
            parent_product: terms.parent_product,
            valid_from: row.valid_from,
            valid_until: row.valid_until,
            reason: terms.reason,
            owner: terms.owner,
            review_date: terms.review_date,
            end_reason: row.end_reason,
            created_by: row.created_by,
            created_at: row.created_at,
            changed_by: row.changed_by,
            updated_at: row.updated_at,
            version: row.version,
        }
    }
}

/// A rule with the states that it was in.
#[derive(Debug, Serialize, ToSchema)]
pub struct RuleDetail {
    /// The rule.
    #[serde(flatten)]
    pub rule: Rule,
    /// Its states, oldest first, the first 100.
    #[schema(max_items = 100)]
    pub history: Vec<DecisionState>,
}

page_type!(RulePage, Rule);

/// A rule to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "exclude", "value": "2", "product": "Microsoft 365 Business Premium",
    "valid_from": "2026-03-01", "reason": "Not for resale", "owner": "Dana", "review_date": "2027-03-01"}))]
pub struct NewRule {
    /// What it does.
    pub kind: RuleKind,
    /// Seats or months, a whole number as text; `all` for an exclusion of all seats.
    #[schema(min_length = 1, max_length = 20)]
    pub value: String,
    /// For this client only; for all when not stated.
    #[serde(default)]
    pub client_id: Option<ClientId>,
    /// For this product only, by a name that the files use. Bundles, allowances and minimums need it.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500)]
    pub product: Option<String>,
    /// Of a bundle: the product of which each billed seat includes `value` seats of `product`.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500)]
    pub parent_product: Option<String>,
    /// First day it holds.
    pub valid_from: NaiveDate,
    /// Day after the last one; still so when not stated.
    #[serde(default)]
    pub valid_until: Option<NaiveDate>,
    /// Why.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
    /// Who answers for it.
    #[schema(min_length = 1, max_length = 200)]
    pub owner: String,
    /// When it is looked at again.
    #[serde(default)]
    pub review_date: Option<NaiveDate>,
}

impl NewRule {
    fn terms(&self) -> RuleTerms {
        RuleTerms {
            kind: self.kind,
            value: self.value.clone(),
            product: self.product.clone(),
            parent_product: self.parent_product.clone(),
            reason: self.reason.clone(),
            owner: self.owner.clone(),
            review_date: self.review_date,
        }
    }
}

/// Make a rule
///
/// It counts from the next audit on, for the days it holds. A rule that a rules file says as well (the same
/// kind, value, client, products, days and reason) counts once.
#[utoipa::path(tag = "rules", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("catalog:write"))), request_body = NewRule,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat", max_length = 255)),
    responses((status = 201, description = "Made", body = Rule)))]
#[post("/rules")]
async fn create_rule(
    app: web::Data<App>,
    actor: Allowed<perm::WriteCatalog>,
    replay: Replay,
    body: JsonBody<NewRule>,
) -> Result<HttpResponse, ApiError> {
    let new = &body.value;
    let replied = once(&app, &actor, &replay, &body.sha256, async |tx| {
        let days = Validity { from: new.valid_from, until: new.valid_until };
        let made = rules::create(tx, &actor, new.client_id, new.terms(), days, app.clock.now()).await?;
        let rule = Rule::from(made);
        Reply::created(format!("/v1/rules/{}", rule.id), Some(rule.version), &rule)
    })
    .await?;
    Ok(respond(replied))
}

/// What a list of rules asks for.
#[derive(Debug, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RuleQuery {
    /// Of this client; rules for all clients have none.
    pub client_id: Option<ClientId>,
    /// Of this kind.
    pub kind: Option<RuleKind>,
    /// Of this product, by name.
    #[param(max_length = 500)]
    pub product: Option<String>,
    /// Holding on this day.
    pub active_on: Option<NaiveDate>,
    /// To be looked at again by this day, and not over by then.
    pub review_by: Option<NaiveDate>,
    /// Items of a page.
    #[param(minimum = 1, maximum = 500, default = 50, example = 50)]
    pub limit: Option<u16>,
    /// `next_cursor` of the page before.
    #[param(max_length = 1000)]
    pub cursor: Option<String>,
}

impl RuleQuery {
    fn filter(&self) -> Filter {
        Filter {
            client: self.client_id,
            kind: self.kind.map(|kind| kind_name(kind).to_owned()),
            product_key: self.product.as_deref().map(leakage_core::matching::fold),
            on: self.active_on,
            review_by: self.review_by,
        }
    }
}

/// List rules
///
/// In the order in which they were made, ended ones too. Rules that stand in uploaded rules files are rows
/// of their imports.
#[utoipa::path(tag = "rules", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))), params(RuleQuery),
    responses((status = 200, description = "One page", body = RulePage)))]
#[get("/rules")]
async fn list_rules(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    request: HttpRequest,
    query: web::Query<RuleQuery>,
) -> Result<HttpResponse, ApiError> {
    let paging = PageQuery { limit: query.limit, cursor: query.cursor.clone() };
    let filters = (&query.client_id, query.kind, &query.product, &query.active_on, &query.review_by);
    let wanted = paging.read::<Uuid>(&("rules", filters))?;
    let mut tx = app.db.begin(actor.org).await?;
    let rows = stored::list(&mut tx, Resource::Rule, &query.filter(), wanted.after, wanted.fetch()).await?;
    let page = wanted.page(rows, |row| row.id)?.try_map(Decided::of)?;
    routes::list(&request, &RulePage::from(page.map(Rule::from)))
}

/// Read a rule
///
/// With the states that it was in.
#[utoipa::path(tag = "rules", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("rule_id" = RuleId, Path, description = "The rule")),
    responses((status = 200, description = "The rule", body = RuleDetail)))]
#[get("/rules/{rule_id}")]
async fn get_rule(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    path: web::Path<RuleId>,
) -> Result<HttpResponse, ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    let found = stored::find(&mut tx, Resource::Rule, path.uuid()).await?.ok_or_else(ApiError::not_found)?;
    let rule = Rule::from(Decided::of(found)?);
    let history = stored::states(&mut tx, path.uuid()).await?.into_iter().map(DecisionState::from).collect();
    Ok(respond(Reply::ok(Some(rule.version), &RuleDetail { rule, history })?.into()))
}

/// End a rule
///
/// Audits from now on take it only for the days before; audits of what was known earlier still see it as it
/// was. Needs `If-Match`.
#[utoipa::path(tag = "rules", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("catalog:write"))), request_body = DecisionEnd,
    params(("rule_id" = RuleId, Path, description = "The rule"),
           ("If-Match" = String, Header, description = "ETag of the version that you read", max_length = 100),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat", max_length = 255)),
    responses((status = 200, description = "Ended", body = Rule)))]
#[post("/rules/{rule_id}/end")]
async fn end_rule(
    app: web::Data<App>,
    actor: Allowed<perm::WriteCatalog>,
    replay: Replay,
    path: web::Path<RuleId>,
    version: IfMatch,
    body: JsonBody<DecisionEnd>,
) -> Result<HttpResponse, ApiError> {
    let version = version.required()?;
    let DecisionEnd { valid_until: until, reason } = &body.value;
    let replied = once(&app, &actor, &replay, &body.sha256, async |tx| {
        let ending = Ending { resource: Resource::Rule, id: path.uuid(), version, until: *until, reason };
        let rule = Rule::from(decisions::end::<RuleTerms>(tx, &actor, ending, app.clock.now()).await?);
        Reply::ok(Some(rule.version), &rule)
    })
    .await?;
    Ok(respond(replied))
}

/// Registers the routes of this file.
pub fn configure(config: &mut ServiceConfig) {
    config.service(create_rule).service(list_rules).service(get_rule).service(end_rule);
}
