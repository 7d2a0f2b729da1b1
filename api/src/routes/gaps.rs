//! Gaps across audits: one that was seen for eight months is one gap.

use crate::app::App;
use crate::auth::{Allowed, perm};
use crate::error::ApiError;
use crate::page_type;
use crate::pagination::PageQuery;
use crate::routes;
use crate::services::audits;
use crate::services::corrections::settled::{SettledMonth, settled};
use crate::storage::gaps::{self, GapRow};
use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::{DateTime, Utc};
use leakage_core::audit::{Explanation, Gap};
use leakage_core::id::{AuditId, ClientId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

/// Registers the resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(list_gaps).service(get_gap).service(get_gap_explanation);
}

/// A gap's identity, and what the last audit that saw it found.
#[derive(Debug, Serialize, ToSchema)]
struct KnownGap {
    /// Hash of its identity: client, billing entity, product, currency, direction.
    #[schema(max_length = 100)]
    id: String,
    /// The client.
    client_id: Option<ClientId>,
    /// First audit that saw it.
    first_audit_id: AuditId,
    /// When.
    first_seen_at: DateTime<Utc>,
    /// Last audit that saw it.
    last_audit_id: AuditId,
    /// When.
    last_seen_at: DateTime<Utc>,
    /// What that audit found.
    latest: Gap,
    /// Its months that corrections hold or have settled.
    #[schema(max_items = 10_000)]
    settled_by: Vec<SettledMonth>,
}

impl KnownGap {
    fn of(row: GapRow, settled: &mut BTreeMap<String, Vec<SettledMonth>>) -> Result<Self, ApiError> {
        Ok(Self {
            settled_by: settled.remove(&row.id).unwrap_or_default(),
            id: row.id,
            client_id: row.client_id.map(ClientId::new),
            first_audit_id: row.first_audit_id.into(),
            first_seen_at: row.first_seen_at,
            last_audit_id: row.last_audit_id.into(),
            last_seen_at: row.last_seen_at,
            latest: serde_json::from_value(row.detail).map_err(ApiError::internal)?,
        })
    }
}

page_type!(GapPage, KnownGap);

/// Which gaps to list.
#[derive(Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct GapFilter {
    /// Only gaps of this client.
    client_id: Option<ClientId>,
}

/// List gaps
///
/// Across all audits, those seen last first; each with what the last audit that saw it found.
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
    let page = page.read::<(DateTime<Utc>, String)>(&("gaps", &*filter))?;
    let mut tx = app.db.begin(actor.org).await?;
    let client = filter.client_id.map(ClientId::uuid);
    let rows = gaps::list(&mut tx, client, page.after.clone(), page.fetch()).await?;
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let mut settled = settled(&mut tx, &ids).await?;
    let paged = page.page(rows, |row| (row.last_seen_at, row.id.clone()))?;
    let paged = paged.try_map(|row| KnownGap::of(row, &mut settled))?;
    routes::list(&request, &GapPage::from(paged))
}

/// Read a gap
///
/// Its identity, when it was first and last seen, and what the last audit found.
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
    let row = gaps::find(&mut tx, &path).await?.ok_or_else(ApiError::not_found)?;
    let mut settled = settled(&mut tx, std::slice::from_ref(&row.id)).await?;
    Ok(HttpResponse::Ok().json(KnownGap::of(row, &mut settled)?))
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
    let mut tx = app.db.begin(actor.org).await?;
    let gap = gaps::find(&mut tx, &path).await?.ok_or_else(ApiError::not_found)?;
    Ok(HttpResponse::Ok().json(audits::explain(&mut tx, &gap, query.audit_id).await?))
}
