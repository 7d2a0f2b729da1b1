//! Reconciliation schedules: when clients are invoiced, and what must be imported before.

use crate::app::App;
use crate::auth::{Allowed, perm};
use crate::error::ApiError;
use crate::extract::{IfMatch, JsonBody};
use crate::routes::respond;
use crate::services::idempotency::Reply;
use crate::services::schedules::{self, Current};
use actix_web::{HttpResponse, delete, get, put, web};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::cycle::Schedule;
use leakage_core::id::ClientId;
use leakage_core::period::Month;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

/// A schedule, and the cycle that today is in by it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReconciliationSchedule {
    /// What it says.
    pub schedule: Schedule,
    /// Whose it is: `organization` or `client`.
    #[schema(max_length = 20, example = "organization")]
    pub of: String,
    /// The month that is audited now; null while the schedule is not enabled.
    pub current_month: Option<Month>,
    /// Day by the end of which its imports must be there.
    pub due_date: Option<NaiveDate>,
    /// Day on which it is invoiced.
    pub invoice_date: Option<NaiveDate>,
    /// Who set it: `user:` or `api_key:` and an id; null: nobody has, and it watches nothing.
    #[schema(max_length = 300)]
    pub set_by: Option<String>,
    /// When.
    pub set_at: Option<DateTime<Utc>>,
    /// Counts changes, 1 before the first; its ETag is `"v<version>"`.
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    pub version: i64,
}

impl ReconciliationSchedule {
    fn of(current: Current, today: NaiveDate) -> Self {
        let Current { schedule, own, version, set } = current;
        let cycle = schedule.enabled.then(|| schedule.current(today));
        let (set_by, set_at) = set.unzip();
        Self {
            of: if own { "client" } else { "organization" }.to_owned(),
            current_month: cycle.map(|cycle| cycle.month),
            due_date: cycle.map(|cycle| cycle.due_date),
            invoice_date: cycle.map(|cycle| cycle.invoice_date),
            schedule,
            set_by,
            set_at,
            version,
        }
    }
}

fn answer(current: Current, today: NaiveDate) -> Result<HttpResponse, ApiError> {
    let shown = ReconciliationSchedule::of(current, today);
    Ok(respond(Reply::ok(Some(shown.version), &shown)?.into()))
}

/// Read the organization's schedule
///
/// While nobody has set one, a proposal that is not enabled, with version 1.
#[utoipa::path(tag = "cycles", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    responses((status = 200, description = "The schedule", body = ReconciliationSchedule)))]
#[get("/reconciliation-schedule")]
async fn get_reconciliation_schedule(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
) -> Result<HttpResponse, ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    answer(schedules::of_organization(&mut tx).await?, app.clock.today())
}

/// Set the organization's schedule
///
/// It counts for every client without one of its own, from the current cycle on; cycles that were invoiced
/// keep their days. Needs `If-Match` with the ETag that was read.
#[utoipa::path(tag = "cycles", security(("access_token" = [])),
    extensions(("x-permission" = json!("organization:manage"))), request_body = Schedule,
    params(("If-Match" = String, Header, description = "ETag of the version that you read", max_length = 100)),
    responses((status = 200, description = "Set", body = ReconciliationSchedule)))]
#[put("/reconciliation-schedule")]
async fn put_reconciliation_schedule(
    app: web::Data<App>,
    actor: Allowed<perm::ManageOrganization>,
    version: IfMatch,
    body: JsonBody<Schedule>,
) -> Result<HttpResponse, ApiError> {
    let version = version.required()?;
    let mut tx = app.db.begin(actor.org).await?;
    let current = schedules::set(&app, &mut tx, &actor, None, version, Some(&body.value)).await?;
    tx.commit().await?;
    answer(current, app.clock.today())
}

/// Read a client's schedule
///
/// The one that counts for it: its own, or the organization's. The version counts the states of its own.
#[utoipa::path(tag = "cycles", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("client_id" = ClientId, Path, description = "The client")),
    responses((status = 200, description = "The schedule", body = ReconciliationSchedule)))]
#[get("/clients/{client_id}/reconciliation-schedule")]
async fn get_client_reconciliation_schedule(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    path: web::Path<ClientId>,
) -> Result<HttpResponse, ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    answer(schedules::of_client(&mut tx, *path).await?, app.clock.today())
}

/// Set a client's own schedule
///
/// Whole, in place of the organization's; with `"enabled": false` the client is in no cycle. Needs `If-Match`.
#[utoipa::path(tag = "cycles", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("catalog:write"))), request_body = Schedule,
    params(("client_id" = ClientId, Path, description = "The client"),
           ("If-Match" = String, Header, description = "ETag of the version that you read", max_length = 100)),
    responses((status = 200, description = "Set", body = ReconciliationSchedule)))]
#[put("/clients/{client_id}/reconciliation-schedule")]
async fn put_client_reconciliation_schedule(
    app: web::Data<App>,
    actor: Allowed<perm::WriteCatalog>,
    path: web::Path<ClientId>,
    version: IfMatch,
    body: JsonBody<Schedule>,
) -> Result<HttpResponse, ApiError> {
    let version = version.required()?;
    let mut tx = app.db.begin(actor.org).await?;
    let current = schedules::set(&app, &mut tx, &actor, Some(*path), version, Some(&body.value)).await?;
    tx.commit().await?;
    answer(current, app.clock.today())
}

/// Withdraw a client's own schedule
///
/// The organization's counts for it again. Needs `If-Match`; the earlier states are kept.
#[utoipa::path(tag = "cycles", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("catalog:write"))),
    params(("client_id" = ClientId, Path, description = "The client"),
           ("If-Match" = String, Header, description = "ETag of the version that you read", max_length = 100)),
    responses((status = 200, description = "Withdrawn: the schedule that counts now", body = ReconciliationSchedule)))]
#[delete("/clients/{client_id}/reconciliation-schedule")]
async fn delete_client_reconciliation_schedule(
    app: web::Data<App>,
    actor: Allowed<perm::WriteCatalog>,
    path: web::Path<ClientId>,
    version: IfMatch,
) -> Result<HttpResponse, ApiError> {
    let version = version.required()?;
    let mut tx = app.db.begin(actor.org).await?;
    let current = schedules::set(&app, &mut tx, &actor, Some(*path), version, None).await?;
    tx.commit().await?;
    answer(current, app.clock.today())
}

/// Registers the routes of this file.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(get_reconciliation_schedule)
        .service(put_reconciliation_schedule)
        .service(get_client_reconciliation_schedule)
        .service(put_client_reconciliation_schedule)
        .service(delete_client_reconciliation_schedule);
}
