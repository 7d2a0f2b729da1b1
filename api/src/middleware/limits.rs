//! Rate limits: how much one key or user, one organization and one anonymous network may ask a minute.
//!
//! Requests cost units ([`cost`]). A bucket refills evenly and holds one minute's units (the generic cell
//! rate algorithm: one number a bucket). Who asks is known only after the extractors have run, so they
//! charge the actor ([`charge_actor`]); requests without credentials are charged to their network before,
//! and those with wrong ones after. Conditional GETs that are answered 304 are given back.
//!
//! Redis counts for all nodes. When it is down or not set, each node counts for itself: limits are then
//! higher than meant, and nothing fails.

mod limiter;

use crate::auth::extract::X_API_KEY;
use crate::auth::{Actor, Identity};
use crate::error::{ApiError, Code};
use crate::routes::surface::Surface;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpRequest, HttpResponse, web};
use std::net::IpAddr;

use limiter::WINDOW_SECONDS;
pub use limiter::{Bucket, Limiter, Verdict};

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STATE: HeaderName = HeaderName::from_static("ratelimit");

/// Units that one link of a client has a minute: a person reads and answers, a few times.
const LINK_PER_MINUTE: u32 = 120;

/// Units that a request costs. What reads files or runs audits costs more than what reads rows.
pub fn cost(method: &Method, path: &str) -> u32 {
    if *method == Method::GET || *method == Method::HEAD || *method == Method::OPTIONS {
        return if path.ends_with("/export") { 10 } else { 1 };
    }
    let mut parts = path.rsplit('/');
    match (parts.next().unwrap_or_default(), parts.next().unwrap_or_default()) {
        ("imports" | "audits", _) => 20,
        // Small, and often repeated: each answer to a question is a request.
        ("sample-audit", _) => 4,
        // Hashes of passwords and codes are dear on purpose; the check of the log walks along all of it.
        ("sessions" | "organizations" | "second-factor", _)
        | ("accept", "invitations")
        | (_, "client-link" | "second-factor")
        | ("check", "timeline-log") => 10,
        _ => 2,
    }
}
/// What was charged for a request, in its extensions.
#[derive(Clone)]
struct Charged {
    buckets: Vec<Bucket>,
    verdicts: Vec<Verdict>,
}

/// Charges an actor and their organization for a request, and names them in its span: called by the extractors that find out who asks.
///
/// # Errors
/// `rate_limited` (429) with the seconds to wait.
pub async fn charge_actor(
    request: &HttpRequest,
    app: &crate::app::App,
    actor: &Actor,
) -> Result<(), ApiError> {
    let span = tracing::Span::current();
    span.record("org.id", tracing::field::display(actor.org));
    match &actor.identity {
        Identity::User { id, .. } => span.record("actor.id", tracing::field::display(id)),
        Identity::ApiKey { id, .. } => span.record("actor.id", tracing::field::display(id)),
    };
    charge(request, app, app.limiter.actor_buckets(actor)).await
}

/// Charges a user who acts in no organization.
///
/// # Errors
/// `rate_limited` (429) with the seconds to wait.
pub async fn charge_user(
    request: &HttpRequest,
    app: &crate::app::App,
    user: leakage_core::id::UserId,
) -> Result<(), ApiError> {
    let quota = app.config.limits.key_per_minute;
    charge(request, app, vec![Bucket { policy: "key", key: format!("leakage:rate:{{{user}}}"), quota }]).await
}

/// Charges a client's link, beside the network: whoever has it, from wherever.
///
/// # Errors
/// `rate_limited` (429) with the seconds to wait.
pub async fn charge_client_link(
    request: &HttpRequest,
    app: &crate::app::App,
    link: uuid::Uuid,
) -> Result<(), ApiError> {
    let key = format!("leakage:rate:{{link:{link}}}");
    let bucket = Bucket { policy: "client_link", key, quota: LINK_PER_MINUTE };
    let verdicts = app.limiter.take(&[bucket], i64::from(cost(request.method(), request.path()))).await;
    refusal(&verdicts).map_or(Ok(()), Err)
}

async fn charge(request: &HttpRequest, app: &crate::app::App, buckets: Vec<Bucket>) -> Result<(), ApiError> {
    if request.extensions().get::<Charged>().is_some() {
        return Ok(());
    }
    let verdicts = app.limiter.take(&buckets, i64::from(cost(request.method(), request.path()))).await;
    let refused = refusal(&verdicts);
    request.extensions_mut().insert(Charged { buckets, verdicts });
    refused.map_or(Ok(()), Err)
}

fn refusal(verdicts: &[Verdict]) -> Option<ApiError> {
    let wait =
        verdicts.iter().filter(|verdict| !verdict.allowed).map(|verdict| verdict.retry_after.max(1)).max()?;
    Some(
        ApiError::new(
            Code::RateLimited,
            format!(
                "The limit is reached. Send the request again in {wait} seconds; see `RateLimit-Policy`."
            ),
        )
        .retry_after(wait),
    )
}

/// The middleware.
pub async fn apply<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let Some(app) = request.app_data::<web::Data<crate::app::App>>().cloned() else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    if is_free(request.path()) {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    let buckets = app.limiter.network_bucket(&network(request.request(), app.config.trusted_proxies));
    let cost = i64::from(cost(request.method(), request.path()));
    if !is_charged_inside(&request) {
        let verdicts = app.limiter.take(&buckets, cost).await;
        if let Some(error) = refusal(&verdicts) {
            let mut response = ServiceResponse::new(request.into_parts().0, HttpResponse::from_error(error));
            write(response.headers_mut(), &buckets, &verdicts);
            return Ok(response);
        }
        request.extensions_mut().insert(Charged { buckets: buckets.clone(), verdicts });
    }
    let mut response = next.call(request).await?.map_into_boxed_body();
    let charged = response.request().extensions().get::<Charged>().cloned();
    let charged = match charged {
        Some(charged) if response.status() == StatusCode::NOT_MODIFIED => {
            let verdicts = app.limiter.take(&charged.buckets, -cost).await;
            Charged { verdicts, ..charged }
        }
        Some(charged) => charged,
        // Credentials that no extractor accepted.
        None => {
            let verdicts = app.limiter.take(&buckets, cost).await;
            if let Some(error) = refusal(&verdicts) {
                let (request, _) = response.into_parts();
                response = ServiceResponse::new(request, HttpResponse::from_error(error));
            }
            Charged { buckets, verdicts }
        }
    };
    write(response.headers_mut(), &charged.buckets, &charged.verdicts);
    Ok(response)
}

/// Whether the extractors charge the request: it has credentials, and they will be looked at. Credentials
/// at a public address (a sign-in, say) buy nothing.
fn is_charged_inside(request: &ServiceRequest) -> bool {
    let presented =
        request.headers().contains_key(AUTHORIZATION) || request.headers().contains_key(X_API_KEY);
    let secured = match (request.app_data::<web::Data<Surface>>(), request.match_pattern()) {
        (Some(surface), Some(pattern)) => surface.is_secured(request.method(), &pattern),
        _ => false,
    };
    presented && secured
}

/// Asked by machines that keep us alive, and files of the page and the documentation.
fn is_free(path: &str) -> bool {
    matches!(path, "/livez" | "/readyz" | "/" | "/c")
        || path.starts_with("/docs")
        || path.starts_with("/assets/")
}

/// The caller's network: addresses of one customer are next to each other, and IPv6 gives them by the 2^64.
pub fn network(request: &HttpRequest, trusted_proxies: usize) -> String {
    let forwarded = || {
        let header = request.headers().get_all("x-forwarded-for").filter_map(|value| value.to_str().ok());
        let addresses: Vec<&str> = header.flat_map(|value| value.split(',')).map(str::trim).collect();
        // Each trusted proxy appended one address; what stands before was written by the caller.
        addresses.len().checked_sub(trusted_proxies).and_then(|at| addresses.get(at)?.parse::<IpAddr>().ok())
    };
    let peer = request.peer_addr().map(|address| address.ip());
    let address = if trusted_proxies == 0 { peer } else { forwarded().or(peer) };
    match address.map(|address| address.to_canonical()) {
        Some(IpAddr::V4(v4)) => {
            let [a, b, c, _] = v4.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        Some(IpAddr::V6(v6)) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        None => "unknown".to_owned(),
    }
}

/// Headers of draft-ietf-httpapi-ratelimit-headers; the tightest bucket comes first.
fn write(headers: &mut HeaderMap, buckets: &[Bucket], verdicts: &[Verdict]) {
    let mut both: Vec<_> = buckets.iter().zip(verdicts).collect();
    both.sort_by_key(|(_, verdict)| (verdict.allowed, verdict.remaining));
    let policy: Vec<String> = both
        .iter()
        .map(|(bucket, _)| format!("\"{}\";q={};w={WINDOW_SECONDS}", bucket.policy, bucket.quota))
        .collect();
    let state: Vec<String> = both
        .iter()
        .map(|(bucket, verdict)| {
            let used = i64::from(bucket.quota.saturating_sub(verdict.remaining)) * bucket.interval();
            // Seconds until the bucket is full again.
            format!("\"{}\";r={};t={}", bucket.policy, verdict.remaining, used / 1_000_000)
        })
        .collect();
    for (name, text) in [(POLICY, policy.join(", ")), (STATE, state.join(", "))] {
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(name, value);
        }
    }
}
