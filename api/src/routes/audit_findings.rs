//! What else an audit's facts say: the same under other policies, margins, and unused seats with their dates.

use crate::app::App;
use crate::auth::{Allowed, perm};
use crate::error::ApiError;
use crate::page_type;
use crate::pagination::PageQuery;
use crate::routes;
use crate::services::{audits, recomputed};
use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::NaiveDate;
use leakage_core::audit::{Margins, Waste, WhatIf};
use leakage_core::id::{AuditId, ClientId};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

/// Registers the resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(get_audit_what_if).service(get_audit_margins).service(list_audit_waste);
}

/// What to compare.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct WhatIfQuery {
    /// Only this client.
    client_id: Option<ClientId>,
    /// Every count basis with every proration, instead of every proration with the audit's basis.
    #[param(default = false)]
    #[serde(default)]
    all_bases: bool,
}

/// Read an audit under other policies
///
/// The same facts under every proration, side by side: totals per currency and direction, per client, per
/// agreement and per product, with the setting that fits best. A product or agreement leaks by its setting
/// when it has a gap under the audit's policy and none under another one. Computed from the facts as the audit
/// knew them. 409 while the audit is not completed.
#[utoipa::path(
    tag = "audits",
    security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("audit_id" = AuditId, Path, description = "The audit."), WhatIfQuery),
    responses((status = 200, description = "The settings side by side.", body = WhatIf)),
)]
#[get("/audits/{audit_id}/what-if")]
async fn get_audit_what_if(
    actor: Allowed<perm::Read>,
    app: web::Data<App>,
    path: web::Path<AuditId>,
    query: web::Query<WhatIfQuery>,
) -> Result<HttpResponse, ApiError> {
    let found = recomputed::what_if(&app, actor.org, *path, query.client_id, query.all_bases).await?;
    Ok(HttpResponse::Ok().json(found))
}

/// Whose margins.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct MarginsQuery {
    /// Only this client, with the months of each product.
    client_id: Option<ClientId>,
}

/// Read an audit's margins
///
/// Billed money less the vendor's charges, per product, client and currency, also as it would be if billing
/// were right. Where the cost is not known nothing is shown. `months` are filled where `client_id` names a
/// client. Computed from the facts as the audit knew them. 409 while the audit is not completed.
#[utoipa::path(
    tag = "audits",
    security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("audit_id" = AuditId, Path, description = "The audit."), MarginsQuery),
    responses((status = 200, description = "The margins.", body = Margins)),
)]
#[get("/audits/{audit_id}/margins")]
async fn get_audit_margins(
    actor: Allowed<perm::Read>,
    app: web::Data<App>,
    path: web::Path<AuditId>,
    query: web::Query<MarginsQuery>,
) -> Result<HttpResponse, ApiError> {
    let margins = recomputed::margins(&app, actor.org, *path, query.client_id).await?;
    Ok(HttpResponse::Ok().json(margins))
}

/// Which unused seats to list.
#[derive(Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct WasteQuery {
    /// Only unused seats of this client.
    client_id: Option<ClientId>,
    /// Only products with seats whose last day to be dropped is before this one.
    drop_by_before: Option<NaiveDate>,
}

page_type!(WastePage, Waste);

/// List an audit's unused seats
///
/// Seats that are bought and not used, as the document has them, with the day by which each batch can be
/// dropped and what it costs to miss it. Never part of a gap or its totals. 409 while the audit is not
/// completed.
#[utoipa::path(
    tag = "audits",
    security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("audit_id" = AuditId, Path, description = "The audit."), PageQuery, WasteQuery),
    responses((status = 200, description = "A page of unused seats.", body = WastePage)),
)]
#[get("/audits/{audit_id}/waste")]
async fn list_audit_waste(
    request: HttpRequest,
    actor: Allowed<perm::Read>,
    app: web::Data<App>,
    path: web::Path<AuditId>,
    page: web::Query<PageQuery>,
    query: web::Query<WasteQuery>,
) -> Result<HttpResponse, ApiError> {
    let page = page.read::<usize>(&("audit waste", *path, &*query))?;
    let mut tx = app.db.begin(actor.org).await?;
    let found = audits::waste(&mut tx, *path, query.client_id, query.drop_by_before).await?;
    let rows = found.into_iter().filter(|(place, _)| page.after.is_none_or(|after| *place > after));
    let paged = page.page(rows.take(page.fetch_count()).collect(), |row| row.0)?.map(|(_, waste)| waste);
    routes::list(&request, &WastePage::from(paged))
}
