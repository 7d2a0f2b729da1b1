//! The monthly cycles: which month stands where, and which client in it.

use crate::app::App;
use crate::auth::{Allowed, perm};
use crate::error::ApiError;
use crate::page_type;
use crate::pagination::PageQuery;
use crate::routes;
use crate::services::cycles::stored_missing;
use crate::storage::cycles::{self, CycleClientRow, CycleRow};
use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::cycle::{Expected, Status, share};
use leakage_core::id::{AuditId, ClientId};
use leakage_core::period::Month;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// Clients of a month by where they stand.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"waiting": 0, "due": 3, "overdue": 1, "ready": 0, "audited": 36, "late": 0}))]
pub struct ClientCounts {
    /// Imports are missing, and it is too early for them.
    pub waiting: i64,
    /// Imports are missing, and can be made now.
    pub due: i64,
    /// Imports are missing, and the due date has passed.
    pub overdue: i64,
    /// All imports are there; no audit has compared the client yet.
    pub ready: i64,
    /// An audit compared the client before its invoice date.
    pub audited: i64,
    /// All imports are there, and the invoice date came before an audit had compared the client.
    pub late: i64,
}

/// How many of the gaps that began in a month were found before the invoice went out.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"began": 8, "found_before_invoice": 6, "share": "0.7500", "beginning_unknown": 1, "continued": 4}))]
pub struct CaughtGaps {
    /// Gaps that the month has and the month before had not.
    pub began: i64,
    /// Those of them that were found before their client's invoice date.
    pub found_before_invoice: i64,
    /// The one over the other, four decimals; null when none began.
    #[schema(max_length = 6, example = "0.7500")]
    pub share: Option<String>,
    /// Gaps of clients whose month before was not audited: whether they began in this one is not known.
    pub beginning_unknown: i64,
    /// Gaps that the month before had already.
    pub continued: i64,
}

/// A month's cycle.
#[derive(Debug, Serialize, ToSchema)]
pub struct MonthlyCycle {
    /// The month that is audited and invoiced.
    pub month: Month,
    /// Earliest day by the end of which imports must be there.
    pub first_due_date: NaiveDate,
    /// First day on which one of its clients is invoiced.
    pub first_invoice_date: NaiveDate,
    /// Last such day: clients can have schedules of their own.
    pub last_invoice_date: NaiveDate,
    /// Its clients by where they stand.
    pub clients: ClientCounts,
    /// Gaps caught in the same billing cycle.
    pub caught: CaughtGaps,
}

impl From<CycleRow> for MonthlyCycle {
    fn from(row: CycleRow) -> Self {
        let count = |number: i64| u64::try_from(number).unwrap_or_default();
        Self {
            month: Month::of(row.month),
            first_due_date: row.first_due_date,
            first_invoice_date: row.first_invoice_date,
            last_invoice_date: row.last_invoice_date,
            clients: ClientCounts {
                waiting: row.waiting,
                due: row.due,
                overdue: row.overdue,
                ready: row.ready,
                audited: row.audited,
                late: row.late,
            },
            caught: CaughtGaps {
                began: row.began,
                found_before_invoice: row.caught,
                share: share(count(row.caught), count(row.began)).map(|share| share.to_string()),
                beginning_unknown: row.beginning_unknown,
                continued: row.continued,
            },
        }
    }
}

/// Where a client stands in a month's cycle.
#[derive(Debug, Serialize, ToSchema)]
pub struct CycleClient {
    /// The client.
    pub client_id: ClientId,
    /// Its name.
    #[schema(max_length = 300, example = "Contoso Legal")]
    pub name: String,
    /// The month.
    pub month: Month,
    /// Where it stands. New states may be added.
    pub status: Status,
    /// Expected imports that are not there.
    #[schema(max_items = 10)]
    pub missing: Vec<Expected>,
    /// First day that an import must at least tell of.
    pub opens_on: NaiveDate,
    /// Day by the end of which its imports must be there.
    pub due_date: NaiveDate,
    /// Day on which it is invoiced.
    pub invoice_date: NaiveDate,
    /// The last audit that was started for it by itself.
    pub audit_id: Option<AuditId>,
    /// When an audit first compared it for the month.
    pub audited_at: Option<DateTime<Utc>>,
    /// Why the last audit did not compare it: a reason of `coverage`, or `no_rows`.
    #[schema(max_length = 60, example = "unconfirmed_mapping")]
    pub not_compared: Option<String>,
}

impl TryFrom<(CycleClientRow, String)> for CycleClient {
    type Error = ApiError;

    fn try_from((row, name): (CycleClientRow, String)) -> Result<Self, ApiError> {
        Ok(Self {
            client_id: row.client_id.into(),
            name,
            month: Month::of(row.month),
            status: Status::parse(&row.status)
                .ok_or_else(|| ApiError::internal(format!("{} is no standing", row.status)))?,
            missing: stored_missing(&row.missing)?,
            opens_on: row.opens_on,
            due_date: row.due_date,
            invoice_date: row.invoice_date,
            audit_id: row.audit_id.map(AuditId::new),
            audited_at: row.audited_at,
            not_compared: row.not_compared,
        })
    }
}

page_type!(MonthlyCyclePage, MonthlyCycle);
page_type!(CycleClientPage, CycleClient);

/// What a list of a cycle's clients asks for.
#[derive(Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CycleClientQuery {
    /// `waiting`, `due`, `overdue`, `ready`, `audited` or `late`.
    #[param(max_length = 20, example = "overdue")]
    pub status: Option<String>,
    /// Items of a page.
    #[param(minimum = 1, maximum = 500, default = 50, example = 50)]
    pub limit: Option<u16>,
    /// `next_cursor` of the page before.
    #[param(max_length = 1000)]
    pub cursor: Option<String>,
}

/// List cycles
///
/// The latest month first; as the last look found them. The service looks after each import, and once a day.
#[utoipa::path(tag = "cycles", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))), params(PageQuery),
    responses((status = 200, description = "One page", body = MonthlyCyclePage)))]
#[get("/cycles")]
async fn list_cycles(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    request: HttpRequest,
    page: web::Query<PageQuery>,
) -> Result<HttpResponse, ApiError> {
    let wanted = page.read::<NaiveDate>(&"cycles")?;
    let mut tx = app.db.begin(actor.org).await?;
    let rows = cycles::list(&mut tx, None, wanted.after, wanted.fetch()).await?;
    let page = wanted.page(rows, |row| row.month)?;
    routes::list(&request, &MonthlyCyclePage::from(page.map(MonthlyCycle::from)))
}

/// Read a cycle
///
/// With the share of its new gaps that were found before the invoice went out.
#[utoipa::path(tag = "cycles", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("month" = Month, Path, description = "The month, such as 2026-11")),
    responses((status = 200, description = "The cycle", body = MonthlyCycle)))]
#[get("/cycles/{month}")]
async fn get_cycle(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    path: web::Path<Month>,
) -> Result<HttpResponse, ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    let rows = cycles::list(&mut tx, Some(path.first_day()), None, 1).await?;
    let row = rows.into_iter().next().ok_or_else(ApiError::not_found)?;
    Ok(HttpResponse::Ok().json(MonthlyCycle::from(row)))
}

/// List a cycle's clients
///
/// Where each stands in the month, and which imports are missing.
#[utoipa::path(tag = "cycles", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("month" = Month, Path, description = "The month, such as 2026-11"), CycleClientQuery),
    responses((status = 200, description = "One page", body = CycleClientPage)))]
#[get("/cycles/{month}/clients")]
async fn list_cycle_clients(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    request: HttpRequest,
    path: web::Path<Month>,
    query: web::Query<CycleClientQuery>,
) -> Result<HttpResponse, ApiError> {
    routes::known("status", query.status.as_deref(), &Status::ALL.map(Status::as_str))?;
    let paging = PageQuery { limit: query.limit, cursor: query.cursor.clone() };
    let wanted = paging.read::<Uuid>(&("cycle clients", path.to_string(), &query.status))?;
    let (month, status) = (path.first_day(), query.status.as_deref());
    let mut tx = app.db.begin(actor.org).await?;
    let rows = cycles::list_clients(&mut tx, month, status, wanted.after, wanted.fetch()).await?;
    if rows.is_empty() && cycles::list(&mut tx, Some(month), None, 1).await?.is_empty() {
        return Err(ApiError::not_found());
    }
    let page = wanted.page(rows, |(row, _)| row.client_id)?.try_map(CycleClient::try_from)?;
    routes::list(&request, &CycleClientPage::from(page))
}

/// Registers the routes of this file.
pub fn configure(config: &mut ServiceConfig) {
    config.service(list_cycles).service(get_cycle).service(list_cycle_clients);
}
