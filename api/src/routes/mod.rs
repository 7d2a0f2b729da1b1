//! HTTP, one file per resource. A handler is an attribute macro's function, registered by its file's
//! `configure` and there only; the API document is collected from the same registration.
//!
//! All of `/v1` is one scope: of two scopes whose prefixes overlap, the second would answer 404.

pub mod allocations;
pub mod api_keys;
pub mod audit_findings;
pub mod audits;
pub mod billing_entities;
pub mod client_history;
pub mod client_links;
pub mod clients;
pub mod corrections;
pub mod cycles;
mod decisions;
pub mod deliveries;
pub mod docs;
pub mod erasures;
pub mod events;
pub mod evidence_bundles;
mod follow;
pub mod gaps;
pub mod health;
pub mod import_profiles;
mod imports;
pub mod invitations;
pub mod jobs;
pub mod letter_templates;
pub mod letters;
pub mod mappings;
pub mod me;
pub mod members;
pub mod organization_logo;
pub mod organizations;
pub mod page;
pub mod policies;
pub mod prices;
pub mod products;
pub mod reconciliation_schedules;
pub mod reports;
pub mod rules;
mod sample_audit;
pub mod second_factor;
pub mod sessions;
pub mod signing_keys;
pub mod statements;
pub mod surface;
pub mod timeline_log;
pub mod webhook_deliveries;
pub mod webhook_endpoints;
pub mod work_queue;
mod written;

pub use decisions::{DecisionEnd, DecisionState};
pub use follow::{Moment, follow};
pub use written::{Form, FormQuery, form, paper, written};

use crate::app::App;
use crate::error::{ApiError, Code, FieldError};
use crate::extract::{IfNoneMatch, etag};
use crate::middleware::limits;
use crate::pagination::Page;
use crate::services::idempotency::Replied;
use crate::services::sign_in::Client;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa_actix_web::service_config::ServiceConfig;

/// Seconds after which to ask for the state of accepted work.
pub const POLL_SECONDS: u64 = 1;

/// Everything that is documented.
pub fn documented(config: &mut ServiceConfig) {
    let v1 = utoipa_actix_web::scope("/v1")
        .configure(organizations::configure)
        .configure(organization_logo::configure)
        .configure(second_factor::configure)
        .configure(sessions::configure)
        .configure(me::configure)
        .configure(members::configure)
        .configure(invitations::configure)
        .configure(api_keys::configure)
        .configure(clients::configure)
        .configure(products::configure)
        .configure(mappings::configure)
        .configure(rules::configure)
        .configure(prices::configure)
        .configure(policies::configure)
        .configure(billing_entities::configure)
        .configure(allocations::configure)
        .configure(imports::configure)
        .configure(import_profiles::configure)
        .configure(audits::configure)
        .configure(audit_findings::configure)
        .configure(gaps::configure)
        .configure(reports::configure)
        .configure(jobs::configure)
        .configure(sample_audit::configure)
        .configure(statements::configure)
        .configure(letter_templates::configure)
        .configure(letters::configure)
        .configure(deliveries::configure)
        .configure(reconciliation_schedules::configure)
        .configure(cycles::configure)
        .configure(events::configure)
        .configure(webhook_endpoints::configure)
        .configure(webhook_deliveries::configure)
        .configure(corrections::configure)
        .configure(client_links::configure)
        .configure(evidence_bundles::configure)
        .configure(signing_keys::configure)
        .configure(timeline_log::configure)
        .configure(erasures::configure)
        .configure(work_queue::configure)
        .configure(client_history::configure);
    config
        .configure(health::configure)
        .configure(sessions::configure_keys)
        .configure(signing_keys::configure_keys)
        .service(v1);
}

/// Everything that is served.
pub fn configure(config: &mut web::ServiceConfig) {
    documented(&mut ServiceConfig::new(config));
    docs::configure(config);
    page::configure(config);
}

/// Answers a change: status, `Location`, `ETag`, `Idempotency-Replayed`, `Retry-After`.
pub fn respond(replied: Replied) -> HttpResponse {
    let Replied { reply, replayed } = replied;
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
    let mut response = HttpResponse::build(status);
    if let Some(location) = reply.location {
        response.insert_header((header::LOCATION, location));
    }
    if let Some(version) = reply.version {
        response.insert_header((header::ETAG, etag(version)));
    }
    if replayed {
        response.insert_header((HeaderName::from_static("idempotency-replayed"), "true"));
    }
    if status == StatusCode::ACCEPTED {
        response.insert_header((header::RETRY_AFTER, POLL_SECONDS));
    }
    if reply.body.is_null() { response.finish() } else { response.json(reply.body) }
}

/// As [`respond`], for an answer with a secret: no cache keeps it.
pub fn respond_unkept(replied: Replied) -> HttpResponse {
    let mut response = respond(replied);
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}

/// Answers one thing with its `ETag`, or 304 when the caller has this version.
pub fn found(if_none_match: &IfNoneMatch, version: i64, body: &impl Serialize) -> HttpResponse {
    if if_none_match.has(version) {
        return HttpResponse::NotModified().insert_header((header::ETAG, etag(version))).finish();
    }
    HttpResponse::Ok().insert_header((header::ETAG, etag(version))).json(body)
}

/// Answers a page, with a `Link` to the next one.
pub fn list(request: &HttpRequest, page: &impl Page) -> Result<HttpResponse, ApiError> {
    let mut response = HttpResponse::Ok();
    if let Some(cursor) = page.next_cursor() {
        let others =
            request.query_string().split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
        let query: Vec<&str> = others.collect();
        let separator = if query.is_empty() { "" } else { "&" };
        let link =
            format!("<{}?{}{separator}cursor={cursor}>; rel=\"next\"", request.path(), query.join("&"));
        response.insert_header((header::LINK, link));
    }
    Ok(response.json(page))
}

/// Refuses a filter whose value is none of those that exist.
pub fn known(parameter: &str, value: Option<&str>, known: &[&str]) -> Result<(), ApiError> {
    let Some(value) = value.filter(|value| !known.contains(value)) else { return Ok(()) };
    let reason = format!("must be one of {}", known.join(", "));
    Err(ApiError::new(Code::Unreadable, format!("`{parameter}` {reason}.")).with(FieldError {
        pointer: Some(parameter.to_owned()),
        value: Some(value.chars().take(200).collect()),
        reason,
        ..FieldError::default()
    }))
}

/// Where a request comes from, for what is not known to be anybody's yet.
pub fn client(request: &HttpRequest, app: &App) -> Client {
    let agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    Client {
        network: limits::network(request, app.config.trusted_proxies),
        user_agent: agent.map(|agent| agent.chars().take(200).collect()),
    }
}

/// A field of a change: absent leaves it, null is refused, for it would look like a deletion.
pub fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(field: D) -> Result<Option<T>, D::Error> {
    T::deserialize(field).map(Some)
}
