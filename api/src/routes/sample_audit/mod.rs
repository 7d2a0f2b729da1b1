//! The audit that needs no account: of a built-in portfolio, or of the caller's own files.

mod form;

use crate::app::App;
use crate::error::ApiError;
use crate::middleware::limits::Bucket;
use crate::services::sample_audits;
use crate::visits;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use bytes::Bytes;
use leakage_core::sample;
use leakage_core::visit::{VisitAnswer, VisitRequest};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

/// Audits of strangers' files that all networks together may ask for in a minute.
const ALL_PER_MINUTE: u32 = 240;

/// Registers the resource.
pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(get_sample_audit).service(list_sample_files).service(create_sample_audit);
}

/// What may be asked of the sample.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct SampleQuery {
    /// Id of a gap of the sample, to be explained.
    #[param(max_length = 100)]
    explain: Option<String>,
}

fn json(body: Bytes, cache: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static(cache)))
        .body(body)
}

/// Audit the built-in sample
///
/// Twelve clients of an invented service provider, in three exports: what the vendor sold, what it charges,
/// what the PSA bills. The engine is the one of every audit, and nothing of the answer is written by hand.
/// With `explain` the answer also holds the explanation of that gap, from the lines of the files to the cent.
#[utoipa::path(
    tag = "sample_audit",
    security(()),
    params(SampleQuery),
    responses((status = 200, description = "The audit.", body = VisitAnswer)),
)]
#[get("/sample-audit")]
async fn get_sample_audit(query: web::Query<SampleQuery>) -> Result<HttpResponse, ApiError> {
    let answer = sample_audits::of_sample(query.into_inner().explain).await?;
    Ok(json(answer, "public, max-age=300"))
}

/// A file of the sample.
#[derive(Debug, Serialize, ToSchema)]
struct SampleFile {
    /// Its name.
    name: &'static str,
    /// What it is.
    title: &'static str,
    /// The flag with which `leakage audit` takes it.
    flag: &'static str,
    /// Its text.
    text: &'static str,
}

/// The files of the sample.
#[derive(Debug, Serialize, ToSchema)]
struct SampleFiles {
    /// In the order in which they are read.
    data: Vec<SampleFile>,
    /// The command that gives the same numbers from the same files.
    command: String,
}

/// List the sample's files
///
/// With their text: to look into, to change and send back, or to audit with the command line.
#[utoipa::path(
    tag = "sample_audit",
    security(()),
    responses((status = 200, description = "The files.", body = SampleFiles)),
)]
#[get("/sample-audit/files")]
async fn list_sample_files() -> HttpResponse {
    let data = sample::FILES
        .iter()
        .map(|&sample::SampleFile { name, title, flag, text }| SampleFile { name, title, flag, text })
        .collect();
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .json(SampleFiles { data, command: sample::command() })
}

/// Audit files of your own
///
/// As `multipart/form-data`: parts `file` with your exports, at most 20, and a part `request` with what they do
/// not say. What is read: every format that imports read, 10 MB and 50,000 rows a request. Or as JSON alone:
/// the sample, in which `files` with a `text` stand in place of the sample's of that name.
///
/// The answer holds the audit and what is still open: `questions` of files (the order of day and month,
/// the currency, whose file it is), and `proposals` of names that look the same. Send the files again
/// with the answers in `request`: members of `files`, `mappings` and `rejected`. Nothing is kept, neither
/// files nor answers.
#[utoipa::path(
    tag = "sample_audit",
    security(()),
    request_body(content((form::VisitForm = "multipart/form-data"), (VisitRequest = "application/json")),
        description = "The files and what is said of them, or changes to the sample."),
    responses((status = 200, description = "The audit, or what must be said first.", body = VisitAnswer)),
)]
#[post("/sample-audit")]
async fn create_sample_audit(
    request: HttpRequest,
    app: web::Data<App>,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let place = app.visits.enter()?;
    admit(&app).await?;
    let (asked, files) = form::receive(&request, payload).await?;
    let answer = sample_audits::of_visitor(&app, &app.visits, asked, files).await;
    drop(place);
    Ok(json(answer?, "no-store"))
}

/// Refuses when all strangers together have asked for too much; each network has a limit besides.
///
/// # Errors
/// 503 with the seconds to wait.
async fn admit(app: &App) -> Result<(), ApiError> {
    let all = Bucket { policy: "visitors", key: "leakage:rate:{visitors}".to_owned(), quota: ALL_PER_MINUTE };
    let verdicts = app.limiter.take(&[all], 1).await;
    let wait = verdicts.iter().find(|verdict| !verdict.allowed).map(|verdict| verdict.retry_after.max(1));
    wait.map_or(Ok(()), |seconds| Err(visits::busy().retry_after(seconds)))
}
