//! Policies: where counting differs from the organization's settings, by client, agreement and product.

use crate::app::App;
use crate::auth::{Allowed, perm};
use crate::error::ApiError;
use crate::extract::{IfMatch, JsonBody};
use crate::page_type;
use crate::pagination::PageQuery;
use crate::routes::{self, respond};
use crate::routes::{DecisionEnd, DecisionState};
use crate::services::decisions::policies::{self, PolicyTerms};
use crate::services::decisions::{self, Decided, Ending, Validity};
use crate::services::idempotency::{Replay, Reply, once};
use crate::storage::decisions::{self as stored, Filter, Resource};
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::audit::{Basis, Proration};
use leakage_core::id::{ClientId, PolicyId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// A policy. What it says never changes; it can be ended, and one that begins later takes its place.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ClientPolicy)]
pub struct Policy {
    /// Its id.
    pub id: PolicyId,
    /// For this client only; null: for all.
    pub client_id: Option<ClientId>,
    /// For products that are billed under this agreement only; null: for all.
    #[schema(max_length = 500, example = "Managed Services")]
    pub agreement: Option<String>,
    /// For this product only; null: for all.
    #[schema(max_length = 500, example = "Microsoft 365 Business Premium")]
    pub product: Option<String>,
    /// Which seats are counted; null: says nothing of it.
    pub basis: Option<Basis>,
    /// How changes inside a month count; null: says nothing of it.
    pub proration: Option<Proration>,
    /// Closed months that may be charged back; null: says nothing of it.
    #[schema(minimum = 0, maximum = 1200)]
    pub back_billing_months: Option<u32>,
    /// Closed months that must be credited back; null: says nothing of it.
    #[schema(minimum = 0, maximum = 1200)]
    pub credit_back_months: Option<u32>,
    /// First day it holds. A month has the policy of its first day.
    pub valid_from: NaiveDate,
    /// Day after the last one; null: still so.
    pub valid_until: Option<NaiveDate>,
    /// Why.
    #[schema(max_length = 500, example = "Contract of 2026")]
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

impl From<Decided<PolicyTerms>> for Policy {
    fn from(Decided { terms, row }: Decided<PolicyTerms>) -> Self {
        Self {
            id: row.id.into(),
            client_id: row.client_id.map(ClientId::new),
            agreement: terms.agreement,
            product: terms.product,
            basis: terms.basis,
            proration: terms.proration,
            back_billing_months: terms.back_billing_months,
            credit_back_months: terms.credit_back_months,
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

/// A policy with the states that it was in.
#[derive(Debug, Serialize, ToSchema)]
pub struct PolicyDetail {
    /// The policy.
    #[serde(flatten)]
    pub policy: Policy,
    /// Its states, oldest first, the first 100.
    #[schema(max_items = 100)]
    pub history: Vec<DecisionState>,
}

page_type!(PolicyPage, Policy);

/// A policy to be made: for a client, an agreement or a product, and saying at least one thing.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"client_id": "01931f3e-7d5c-7b60-9f10-3f2a4b5c6d7e", "agreement": "Managed Services",
    "proration": "full_month", "valid_from": "2026-03-01", "reason": "Contract of 2026"}))]
pub struct NewPolicy {
    /// For this client only; for all when not stated.
    #[serde(default)]
    pub client_id: Option<ClientId>,
    /// For products that are billed under this agreement only, as billing lines name it.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500)]
    pub agreement: Option<String>,
    /// For this product only, by a name that the files use.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 500)]
    pub product: Option<String>,
    /// Which seats are counted.
    #[serde(default)]
    pub basis: Option<Basis>,
    /// How changes inside a month count.
    #[serde(default)]
    pub proration: Option<Proration>,
    /// Closed months that may be charged back.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1200)]
    pub back_billing_months: Option<u32>,
    /// Closed months that must be credited back; never fewer than may be charged back.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1200)]
    pub credit_back_months: Option<u32>,
    /// First day it holds. A month has the policy of its first day.
    pub valid_from: NaiveDate,
    /// Day after the last one; still so when not stated.
    #[serde(default)]
    pub valid_until: Option<NaiveDate>,
    /// Why.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
}

impl NewPolicy {
    fn terms(&self) -> PolicyTerms {
        PolicyTerms {
            agreement: self.agreement.clone(),
            product: self.product.clone(),
            basis: self.basis,
            proration: self.proration,
            back_billing_months: self.back_billing_months,
            credit_back_months: self.credit_back_months,
            reason: self.reason.clone(),
        }
    }
}

/// Make a policy
///
/// It counts from the next audit on. Basis, proration and limits are decided each by itself: the most
/// particular policy that says it counts (of a product, of an agreement, of a client, then the organization's
/// settings), of equals the one that begins last. Where agreements of one product differ, the client's counts.
#[utoipa::path(tag = "policies", security(("access_token" = [])),
    extensions(("x-permission" = json!("organization:manage"))), request_body = NewPolicy,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat", max_length = 255)),
    responses((status = 201, description = "Made", body = Policy)))]
#[post("/policies")]
async fn create_policy(
    app: web::Data<App>,
    actor: Allowed<perm::ManageOrganization>,
    replay: Replay,
    body: JsonBody<NewPolicy>,
) -> Result<HttpResponse, ApiError> {
    let new = &body.value;
    let replied = once(&app, &actor, &replay, &body.sha256, async |tx| {
        let days = Validity { from: new.valid_from, until: new.valid_until };
        let made = policies::create(tx, &actor, new.client_id, new.terms(), days, app.clock.now()).await?;
        let policy = Policy::from(made);
        Reply::created(format!("/v1/policies/{}", policy.id), Some(policy.version), &policy)
    })
    .await?;
    Ok(respond(replied))
}

/// What a list of policies asks for.
#[derive(Debug, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PolicyQuery {
    /// Of this client; policies for all clients have none.
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

impl PolicyQuery {
    fn filter(&self) -> Filter {
        Filter {
            client: self.client_id,
            product_key: self.product.as_deref().map(leakage_core::matching::fold),
            on: self.active_on,
            ..Filter::default()
        }
    }
}

/// List policies
///
/// In the order in which they were made, ended ones too.
#[utoipa::path(tag = "policies", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))), params(PolicyQuery),
    responses((status = 200, description = "One page", body = PolicyPage)))]
#[get("/policies")]
async fn list_policies(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    request: HttpRequest,
    query: web::Query<PolicyQuery>,
) -> Result<HttpResponse, ApiError> {
    let paging = PageQuery { limit: query.limit, cursor: query.cursor.clone() };
    let filters = (&query.client_id, &query.product, &query.active_on);
    let wanted = paging.read::<Uuid>(&("policies", filters))?;
    let mut tx = app.db.begin(actor.org).await?;
    let rows = stored::list(&mut tx, Resource::Policy, &query.filter(), wanted.after, wanted.fetch()).await?;
    let page = wanted.page(rows, |row| row.id)?.try_map(Decided::of)?;
    routes::list(&request, &PolicyPage::from(page.map(Policy::from)))
}

/// Read a policy
///
/// With the states that it was in.
#[utoipa::path(tag = "policies", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("policy_id" = PolicyId, Path, description = "The policy")),
    responses((status = 200, description = "The policy", body = PolicyDetail)))]
#[get("/policies/{policy_id}")]
async fn get_policy(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    path: web::Path<PolicyId>,
) -> Result<HttpResponse, ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    let found =
        stored::find(&mut tx, Resource::Policy, path.uuid()).await?.ok_or_else(ApiError::not_found)?;
    let policy = Policy::from(Decided::of(found)?);
    let history = stored::states(&mut tx, path.uuid()).await?.into_iter().map(DecisionState::from).collect();
    Ok(respond(Reply::ok(Some(policy.version), &PolicyDetail { policy, history })?.into()))
}

/// End a policy
///
/// Audits from now on take it only for the days before; audits of what was known earlier still see it as it
/// was. Needs `If-Match`.
#[utoipa::path(tag = "policies", security(("access_token" = [])),
    extensions(("x-permission" = json!("organization:manage"))), request_body = DecisionEnd,
    params(("policy_id" = PolicyId, Path, description = "The policy"),
           ("If-Match" = String, Header, description = "ETag of the version that you read", max_length = 100),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat", max_length = 255)),
    responses((status = 200, description = "Ended", body = Policy)))]
#[post("/policies/{policy_id}/end")]
async fn end_policy(
    app: web::Data<App>,
    actor: Allowed<perm::ManageOrganization>,
    replay: Replay,
    path: web::Path<PolicyId>,
    version: IfMatch,
    body: JsonBody<DecisionEnd>,
) -> Result<HttpResponse, ApiError> {
    let version = version.required()?;
    let DecisionEnd { valid_until: until, reason } = &body.value;
    let replied = once(&app, &actor, &replay, &body.sha256, async |tx| {
        let ending = Ending { resource: Resource::Policy, id: path.uuid(), version, until: *until, reason };
        let policy = Policy::from(decisions::end::<PolicyTerms>(tx, &actor, ending, app.clock.now()).await?);
        Reply::ok(Some(policy.version), &policy)
    })
    .await?;
    Ok(respond(replied))
}

/// Registers the routes of this file.
pub fn configure(config: &mut ServiceConfig) {
    config.service(create_policy).service(list_policies).service(get_policy).service(end_policy);
}
