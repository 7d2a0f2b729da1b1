//! Many gaps at once: open corrections, or set gaps aside; with a dry run first.

use super::parts::short;
use crate::app::App;
use crate::auth::{Actor, Allowed, perm};
use crate::error::ApiError;
use crate::extract::JsonBody;
use crate::routes::respond;
use crate::services::corrections::bulk::{self, Filter, Group};
use crate::services::idempotency::{Replay, Reply, once};
use crate::services::{members, text};
use crate::storage::corrections::facts::SetAside;
use crate::storage::{OrgTx, audits};
use actix_web::{HttpResponse, post, web};
use chrono::NaiveDate;
use leakage_core::audit::Direction;
use leakage_core::id::{AuditId, ClientId, CorrectionId};
use leakage_core::money::{Currency, Money};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

/// Registers the operation.
pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(bulk_corrections);
}

/// Which gaps of an audit.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GapSelection {
    /// The audit.
    pub audit_id: AuditId,
    /// Only of this client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// Only this way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    /// Only in this currency; needed with amounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// Only of this amount or more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub least: Option<Money>,
    /// Only of this amount or less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<Money>,
}

/// What to do with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum BulkAction {
    /// Open corrections: gaps of one client, entity, currency and direction go into one.
    Open,
    /// Set them aside, with reason, owner and a day to look again.
    SetAside,
}

/// Many gaps at once.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"action": "open", "filter": {"audit_id": "01931f3e-7d5c-7b60-9f10-3f2a4b5c6d7e", "direction": "under"}, "dry_run": true}))]
pub(super) struct BulkRequest {
    /// What to do.
    pub action: BulkAction,
    /// With which gaps.
    pub filter: GapSelection,
    /// Only tell what would happen.
    #[serde(default)]
    pub dry_run: bool,
    /// To set aside: why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000)]
    pub reason: Option<String>,
    /// To set aside: who owns the decision: `me`, `user:` and the id of a member, or anybody else in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 300)]
    pub owner: Option<String>,
    /// To set aside: when to look again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_on: Option<NaiveDate>,
}

/// Gaps that belong together, and what came of them.
#[derive(Debug, Serialize, ToSchema)]
struct BulkGroup {
    /// The gaps.
    #[schema(max_items = 1000)]
    gap_ids: Vec<String>,
    /// The client.
    #[schema(max_length = 500)]
    client: String,
    /// What is outstanding of them; none where they are refused.
    amount: Option<Money>,
    /// The correction; none in a dry run, and where they are refused.
    correction_id: Option<CorrectionId>,
    /// Why they cannot be corrected: the code of the refusal.
    #[schema(max_length = 64)]
    refused: Option<String>,
    /// The same in words.
    #[schema(max_length = 2000)]
    detail: Option<String>,
}

impl From<Group> for BulkGroup {
    fn from(group: Group) -> Self {
        let (refused, detail) = group.refused.unzip();
        Self {
            gap_ids: group.gaps,
            client: group.client,
            amount: group.amount,
            correction_id: group.correction,
            refused,
            detail,
        }
    }
}

/// What happened, or would.
#[derive(Debug, Serialize, ToSchema)]
struct BulkOutcome {
    /// Nothing was kept.
    dry_run: bool,
    /// Gaps that match.
    #[schema(minimum = 0, maximum = 1000)]
    gaps: usize,
    /// Of `open`: the corrections, and what is refused.
    #[schema(max_items = 1000)]
    groups: Vec<BulkGroup>,
    /// Of `set_aside`: the gaps.
    #[schema(max_items = 1000)]
    set_aside: Vec<String>,
}

/// Work on many gaps
///
/// Opens corrections of the gaps of an audit that match, or sets them aside until a day of review; 1,000 at
/// most. With `dry_run` it only tells what would happen. Gaps that are set aside do not match until then.
#[utoipa::path(tag = "corrections", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("corrections:write"))), request_body = BulkRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat", max_length = 255)),
    responses((status = 200, description = "What happened", body = BulkOutcome)))]
#[post("/corrections/bulk")]
async fn bulk_corrections(
    app: web::Data<App>,
    actor: Allowed<perm::WriteCorrections>,
    replay: Replay,
    body: JsonBody<BulkRequest>,
) -> Result<HttpResponse, ApiError> {
    let request = &body.value;
    let filter = filter(&request.filter)?;
    let replied = once(&app, &actor, &replay, &body.sha256, async |tx| {
        let audit = audits::find(tx, filter.audit).await?;
        audit.ok_or_else(|| ApiError::invalid("/filter/audit_id", "There is no audit with this id."))?;
        let matching = bulk::matching(&app, tx, &filter).await?;
        let gaps = matching.count();
        let (mut groups, mut aside) = (Vec::new(), Vec::new());
        match request.action {
            BulkAction::Open => {
                let detail = serde_json::to_value(request).map_err(ApiError::internal)?;
                groups = bulk::open_all(&app, tx, &actor, matching, request.dry_run, &detail).await?;
            }
            BulkAction::SetAside => aside = set_aside(&app, tx, &actor, request, matching.ids()).await?,
        }
        let groups = groups.into_iter().map(BulkGroup::from).collect();
        Reply::ok(None, &BulkOutcome { dry_run: request.dry_run, gaps, groups, set_aside: aside })
    })
    .await?;
    Ok(respond(replied))
}

/// Sets these gaps aside, unless it is a dry run; answers which.
async fn set_aside(
    app: &App,
    tx: &mut OrgTx,
    actor: &Actor,
    request: &BulkRequest,
    ids: Vec<String>,
) -> Result<Vec<String>, ApiError> {
    let (by, named) = (actor.label(), request.owner.as_deref().unwrap_or_default().trim());
    let owner = members::owner_label(tx, actor, ("/owner", named)).await?;
    let word = word(request, app.clock.today(), (&owner, &by))?;
    if !request.dry_run {
        bulk::set_aside(app, tx, &ids, &word).await?;
    }
    Ok(ids)
}

fn filter(asked: &GapSelection) -> Result<Filter<'_>, ApiError> {
    let amount = |pointer: &str, money: Option<Money>| {
        let Some(money) = money else { return Ok(None) };
        if asked.currency != Some(money.currency) {
            return Err(ApiError::invalid(pointer, "Name the currency of the amount in `currency`, too."));
        }
        Ok(money.minor())
    };
    Ok(Filter {
        audit: asked.audit_id,
        client_id: asked.client_id.map(ClientId::uuid),
        direction: asked.direction.map(|direction| match direction {
            Direction::Under => "under",
            Direction::Over => "over",
        }),
        currency: asked.currency.as_ref().map(Currency::as_str),
        least_minor: amount("/filter/least", asked.least)?,
        most_minor: amount("/filter/most", asked.most)?,
    })
}

fn word<'a>(
    request: &'a BulkRequest,
    today: NaiveDate,
    (owner, by): (&'a str, &'a str),
) -> Result<SetAside<'a>, ApiError> {
    let reason = request.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
    let reason = reason.ok_or_else(|| ApiError::invalid("/reason", "Say why they are set aside."))?;
    short("/reason", reason, 2000)?;
    if owner.is_empty() {
        return Err(ApiError::invalid("/owner", "Say who owns the decision."));
    }
    short("/owner", owner, 300)?;
    let review_on = request.review_on.filter(|day| *day > today);
    let review_on = review_on
        .ok_or_else(|| ApiError::invalid("/review_on", "Name a day to come on which to look again."))?;
    text::day("/review_on", review_on)?;
    Ok(SetAside { reason, owner, review_on, by })
}
