//! Reports: gaps added up, by age, by how soon they were found, and how long clients have been without any.
//! Each as JSON, or as CSV for `Accept: text/csv` or `?format=csv`.

use crate::app::App;
use crate::auth::{Actor, Allowed, perm};
use crate::error::{ApiError, Code, FieldError};
use crate::routes;
use crate::services::disputes;
use crate::services::known_gaps::{self, WasteTotals};
use actix_web::http::header::{ACCEPT, Accept, CONTENT_DISPOSITION, CONTENT_TYPE, Header as _, VARY};
use actix_web::{HttpRequest, HttpResponse, get, web};
use leakage_core::history::reports::{
    self, AgeingReport, CleanStreakReport, DisputeGrouping, DisputeReport, Grouping, KnownGap, LeakageReport,
    Range, SameCycleReport,
};
use leakage_core::id::ClientId;
use leakage_core::money::Currency;
use leakage_core::period::Month;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

/// Registers the resource.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(get_leakage_report)
        .service(get_ageing_report)
        .service(get_clean_streak_report)
        .service(get_same_cycle_report)
        .service(get_dispute_report);
}

/// What a report is about.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ReportQuery {
    /// First month; from the beginning when not stated.
    from: Option<Month>,
    /// Last month, included; to the end when not stated.
    to: Option<Month>,
    /// Only this client.
    client_id: Option<ClientId>,
    /// Only gaps in this currency.
    currency: Option<Currency>,
    /// `json` or `csv`; goes before `Accept`.
    #[param(max_length = 10)]
    format: Option<String>,
}

impl ReportQuery {
    fn range(&self) -> Result<Range, ApiError> {
        routes::known("format", self.format.as_deref(), &["json", "csv"])?;
        if self.to < self.from && self.to.is_some() {
            let reason = "is before `from`";
            return Err(ApiError::new(Code::Unreadable, format!("`to` {reason}.")).with(FieldError {
                pointer: Some("to".to_owned()),
                reason: reason.to_owned(),
                ..FieldError::default()
            }));
        }
        Ok(Range { from: self.from, to: self.to })
    }

    async fn gaps(&self, app: &App, actor: &Actor) -> Result<Vec<KnownGap>, ApiError> {
        let mut tx = app.db.begin_snapshot(actor.org).await?;
        let gaps =
            known_gaps::for_reports(&mut tx, self.client_id.map(ClientId::uuid), self.currency).await?;
        tx.commit().await?;
        Ok(gaps)
    }

    /// Whether CSV is wanted: by name, or because it is what `Accept` prefers.
    fn wants_csv(&self, request: &HttpRequest) -> bool {
        if let Some(format) = &self.format {
            return format == "csv";
        }
        let accepted = Accept::parse(request).map(|accept| accept.ranked()).unwrap_or_default();
        let known = ["text/csv", "application/json", "application/*", "*/*"];
        let first = accepted.iter().find(|media| known.contains(&media.essence_str()));
        first.is_some_and(|media| media.essence_str() == "text/csv")
    }

    /// Answers a report in the wanted form; `name` is what its file is called.
    fn answer(
        &self,
        request: &HttpRequest,
        name: &str,
        report: &impl Serialize,
        csv: impl FnOnce() -> String,
    ) -> HttpResponse {
        let mut response = HttpResponse::Ok();
        response.append_header((VARY, ACCEPT.as_str()));
        if !self.wants_csv(request) {
            return response.json(report);
        }
        response
            .insert_header((CONTENT_TYPE, "text/csv; charset=utf-8"))
            .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.csv\"")))
            .body(csv())
    }
}

/// What leakage is added up by.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct LeakageQuery {
    /// `month` (when not stated), `client`, `product` or `root_cause`.
    by: Option<Grouping>,
}

/// Leakage, and beside it what is bought and not used.
#[derive(Debug, Serialize, ToSchema)]
struct Leakage {
    /// What was billed too little and too much.
    #[serde(flatten)]
    report: LeakageReport,
    /// Bought and not used, by the last audit of all clients. Waste is no leakage: it is in none of the
    /// other sums. None before such an audit, and with `from` or `to`, for it is not told by month.
    waste: Option<WasteTotals>,
}

/// Report leakage
///
/// What was billed too little (`under`) and too much (`over`), by month, client, product or cause, per
/// currency: never netted, never added. Of each month of each gap it takes the word of the audit that knew
/// most; months that a later audit corrected count for nothing. `leakage` holds the months that are over,
/// `time_barred` tells which part of it is too old to be charged or credited, and `provisional` the months
/// that are not over.
#[utoipa::path(
    tag = "reports",
    security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(LeakageQuery, ReportQuery),
    responses((status = 200, description = "The report.", content((Leakage = "application/json"), (String = "text/csv")))),
)]
#[get("/reports/leakage")]
async fn get_leakage_report(
    request: HttpRequest,
    actor: Allowed<perm::Read>,
    app: web::Data<App>,
    by: web::Query<LeakageQuery>,
    query: web::Query<ReportQuery>,
) -> Result<HttpResponse, ApiError> {
    let range = query.range()?;
    let client = query.client_id.map(ClientId::uuid);
    let mut tx = app.db.begin_snapshot(actor.org).await?;
    let gaps = known_gaps::for_reports(&mut tx, client, query.currency).await?;
    let waste = if range == Range::default() {
        known_gaps::waste(&mut tx, client, query.currency).await?
    } else {
        None
    };
    tx.commit().await?;
    let by = by.by.unwrap_or_default();
    let report = reports::leakage(&gaps, by, range).map_err(ApiError::internal)?;
    let answer = Leakage { report, waste };
    Ok(query.answer(&request, "leakage", &answer, || answer.report.csv()))
}

/// Report the age of open gaps
///
/// How many open gaps there are of each age, and what they accumulated, per direction and currency. The age
/// counts from the first to the last month of a gap's last episode. `from` and `to` limit the months that
/// are added up, not the age; a gap without a difference in them is left out.
#[utoipa::path(
    tag = "reports",
    security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(ReportQuery),
    responses((status = 200, description = "The report.", content((AgeingReport = "application/json"), (String = "text/csv")))),
)]
#[get("/reports/ageing")]
async fn get_ageing_report(
    request: HttpRequest,
    actor: Allowed<perm::Read>,
    app: web::Data<App>,
    query: web::Query<ReportQuery>,
) -> Result<HttpResponse, ApiError> {
    let range = query.range()?;
    let gaps = query.gaps(&app, &actor).await?;
    let report = reports::ageing(&gaps, range).map_err(ApiError::internal)?;
    Ok(query.answer(&request, "ageing", &report, || report.csv()))
}

/// Report clean streaks
///
/// For each client the months in a row without a gap, backwards from the last closed month. A month counts
/// when all its days and all the client's products were compared and no difference stands. Months of which
/// less is known neither count nor end the streak; they are listed with the reason. With `currency` only
/// gaps in that currency end a streak.
#[utoipa::path(
    tag = "reports",
    security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(ReportQuery),
    responses((status = 200, description = "The report.", content((CleanStreakReport = "application/json"), (String = "text/csv")))),
)]
#[get("/reports/clean-streaks")]
async fn get_clean_streak_report(
    request: HttpRequest,
    actor: Allowed<perm::Read>,
    app: web::Data<App>,
    query: web::Query<ReportQuery>,
) -> Result<HttpResponse, ApiError> {
    let range = query.range()?;
    let client = query.client_id.map(ClientId::uuid);
    let mut tx = app.db.begin_snapshot(actor.org).await?;
    let gaps = known_gaps::for_reports(&mut tx, client, query.currency).await?;
    let months = known_gaps::client_months(&mut tx, client).await?;
    tx.commit().await?;
    let last_closed = Month::of(app.clock.today()).plus(-1);
    let report = reports::clean_streaks(&months, &gaps, range, last_closed);
    Ok(query.answer(&request, "clean-streaks", &report, || report.csv()))
}

/// Report what was caught in the same billing cycle
///
/// Of the gaps that began in each month, how many an audit first saw before the end of the next month (UTC):
/// in time for the next invoice. `from` and `to` limit the month in which gaps began. Gaps whose every month
/// was corrected did not begin, and are not counted.
#[utoipa::path(
    tag = "reports",
    security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(ReportQuery),
    responses((status = 200, description = "The report.", content((SameCycleReport = "application/json"), (String = "text/csv")))),
)]
#[get("/reports/same-cycle")]
async fn get_same_cycle_report(
    request: HttpRequest,
    actor: Allowed<perm::Read>,
    app: web::Data<App>,
    query: web::Query<ReportQuery>,
) -> Result<HttpResponse, ApiError> {
    let range = query.range()?;
    let gaps = query.gaps(&app, &actor).await?;
    let report = reports::same_cycle(&gaps, range);
    Ok(query.answer(&request, "same-cycle", &report, || report.csv()))
}

/// What objections are added up by.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DisputeQuery {
    /// `reason` (when not stated), `age`, `outcome`, `evidence`, `client`, `product` or `biller`.
    by: Option<DisputeGrouping>,
}

/// Report objections
///
/// By reason, age of the first disputed month, outcome, the evidence that answered, client, product, or whoever
/// told the client; per currency. With the days to answer, the share that stood, and what imports proved
/// (`recovered`) of what was found. `from` and `to` limit the month in which an objection was recorded. A
/// correction with objections in several groups stands in each with all that was found, and once in `totals`.
#[utoipa::path(
    tag = "reports",
    security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(DisputeQuery, ReportQuery),
    responses((status = 200, description = "The report.", content((DisputeReport = "application/json"), (String = "text/csv")))),
)]
#[get("/reports/disputes")]
async fn get_dispute_report(
    request: HttpRequest,
    actor: Allowed<perm::Read>,
    app: web::Data<App>,
    by: web::Query<DisputeQuery>,
    query: web::Query<ReportQuery>,
) -> Result<HttpResponse, ApiError> {
    let range = query.range()?;
    let client = query.client_id.map(ClientId::uuid);
    let mut tx = app.db.begin_snapshot(actor.org).await?;
    let known = disputes::known(&mut tx, client, query.currency).await?;
    tx.commit().await?;
    let report = reports::disputes(&known, by.by.unwrap_or_default(), range);
    Ok(query.answer(&request, "disputes", &report, || report.csv()))
}
