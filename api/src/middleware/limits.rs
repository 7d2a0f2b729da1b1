//! Rate limits: how much one key or user, one organization and one anonymous network may ask a minute.
//!
//! Requests cost units ([`cost`]). A bucket refills evenly and holds one minute's units (the generic cell
//! rate algorithm: one number a bucket). Who asks is known only after the extractors have run, so they
//! charge the actor ([`charge_actor`]); requests without credentials are charged to their network before,
//! and those with wrong ones after. Conditional GETs that are answered 304 are given back.
//!
//! Redis counts for all nodes. When it is down or not set, each node counts for itself: limits are then
//! higher than meant, and nothing fails.

use crate::auth::extract::X_API_KEY;
use crate::auth::{Actor, Identity};
use crate::clock::Clock;
use crate::config::LimitsConfig;
use crate::error::{ApiError, Code};
use crate::routes::surface::Surface;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpRequest, HttpResponse, web};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STATE: HeaderName = HeaderName::from_static("ratelimit");
/// Length of the window, in seconds and in the microseconds that are counted in.
const WINDOW_SECONDS: i64 = 60;
const WINDOW: i64 = WINDOW_SECONDS * 1_000_000;
/// In-process buckets after which full ones are thrown out.
const SWEEP_AT: usize = 50_000;

/// Units that a request costs. What reads files or runs audits costs more than what reads rows.
pub fn cost(method: &Method, path: &str) -> u32 {
    if *method == Method::GET || *method == Method::HEAD || *method == Method::OPTIONS {
        return if path.ends_with("/export") { 10 } else { 1 };
    }
    match path.rsplit('/').next() {
        Some("imports" | "audits") => 20,
        // Password hashes are dear on purpose.
        Some("sessions" | "organizations" | "accept") => 10,
        _ => 2,
    }
}

/// What one bucket said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the units were there.
    pub allowed: bool,
    /// Units left.
    pub remaining: u32,
    /// Seconds until the units that were asked for are there; 0 when allowed.
    pub retry_after: u64,
}

/// One bucket: whose, and how many units it holds a minute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    policy: &'static str,
    key: String,
    quota: u32,
}

/// Counts requests.
pub struct Limiter {
    limits: LimitsConfig,
    clock: Clock,
    redis: Option<Redis>,
    local: Mutex<HashMap<String, i64>>,
}

struct Redis {
    connection: ConnectionManager,
    script: redis::Script,
    /// Not asked before then, so that requests do not wait for a Redis that is down.
    down_until: Mutex<Option<Instant>>,
}

/// Takes `cost` from all buckets or from none. KEYS: the buckets; ARGV: the cost, then each quota.
/// Answers 0 or 1, then each bucket's theoretical arrival time and the time now, in microseconds.
const SCRIPT: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local window = 60000000
local cost = tonumber(ARGV[1])
local allowed = 1
local before, after = {}, {}
for i, key in ipairs(KEYS) do
  local arrival = tonumber(redis.call('GET', key) or now)
  if arrival < now then arrival = now end
  before[i] = arrival
  after[i] = arrival + math.floor(window / tonumber(ARGV[i + 1])) * cost
  if after[i] - now > window then allowed = 0 end
end
local answer = {allowed, string.format('%.0f', now)}
for i, key in ipairs(KEYS) do
  if allowed == 1 then
    redis.call('SET', key, string.format('%.0f', after[i]), 'PX', math.floor((after[i] - now) / 1000) + 1000)
    answer[i + 2] = string.format('%.0f', after[i])
  else
    answer[i + 2] = string.format('%.0f', before[i])
  end
end
return answer
";

impl Limiter {
    /// Counts in Redis if there is one.
    pub fn new(
        limits: &LimitsConfig,
        redis_url: Option<&SecretString>,
        clock: Clock,
    ) -> Result<Self, redis::RedisError> {
        let redis = redis_url.map(|url| Redis::open(url.expose_secret())).transpose()?;
        Ok(Self { limits: limits.clone(), clock, redis, local: Mutex::new(HashMap::new()) })
    }

    /// Takes `cost` units from all `buckets`, or from none when one of them has too few. A negative cost
    /// gives units back.
    pub async fn take(&self, buckets: &[Bucket], cost: i64) -> Vec<Verdict> {
        if let Some(redis) = &self.redis
            && let Some(verdicts) = redis.take(buckets, cost).await
        {
            return verdicts;
        }
        self.take_here(buckets, cost)
    }

    fn take_here(&self, buckets: &[Bucket], cost: i64) -> Vec<Verdict> {
        let now = self.clock.now().timestamp_micros();
        let mut arrivals = self.local.lock().unwrap_or_else(PoisonError::into_inner);
        if arrivals.len() > SWEEP_AT {
            arrivals.retain(|_, arrival| *arrival > now);
        }
        let before: Vec<i64> = buckets
            .iter()
            .map(|bucket| arrivals.get(&bucket.key).map_or(now, |arrival| (*arrival).max(now)))
            .collect();
        let after: Vec<i64> =
            buckets.iter().zip(&before).map(|(bucket, arrival)| arrival + bucket.interval() * cost).collect();
        let allowed = after.iter().all(|arrival| arrival - now <= WINDOW);
        if allowed {
            for (bucket, arrival) in buckets.iter().zip(&after) {
                arrivals.insert(bucket.key.clone(), *arrival);
            }
        }
        let standing = if allowed { after } else { before };
        verdicts(buckets, &standing, now, cost, allowed)
    }

    fn actor_buckets(&self, actor: &Actor) -> Vec<Bucket> {
        let org = actor.org;
        let who = match &actor.identity {
            Identity::User { id, .. } => format!("user:{id}"),
            Identity::ApiKey { id, .. } => format!("key:{id}"),
        };
        // The braces keep an organization's buckets together in a Redis cluster.
        vec![
            Bucket {
                policy: "key",
                key: format!("leakage:rate:{{{org}}}:{who}"),
                quota: self.limits.key_per_minute,
            },
            Bucket {
                policy: "organization",
                key: format!("leakage:rate:{{{org}}}"),
                quota: self.limits.organization_per_minute,
            },
        ]
    }

    fn network_bucket(&self, network: &str) -> Vec<Bucket> {
        vec![Bucket {
            policy: "network",
            key: format!("leakage:rate:{{{network}}}"),
            quota: self.limits.network_per_minute,
        }]
    }
}

impl Bucket {
    /// Microseconds in which one unit comes back.
    fn interval(&self) -> i64 {
        WINDOW / i64::from(self.quota.max(1))
    }
}

fn verdicts(buckets: &[Bucket], arrivals: &[i64], now: i64, cost: i64, allowed: bool) -> Vec<Verdict> {
    let judge = |(bucket, arrival): (&Bucket, &i64)| {
        let interval = bucket.interval();
        let used = (arrival - now).max(0);
        let remaining = u32::try_from(((WINDOW - used).max(0)) / interval).unwrap_or(0).min(bucket.quota);
        let missing = used + interval * cost - WINDOW;
        let retry_after =
            if allowed { 0 } else { u64::try_from(missing.max(0)).unwrap_or(0).div_ceil(1_000_000) };
        Verdict { allowed: allowed || missing <= 0, remaining, retry_after }
    };
    buckets.iter().zip(arrivals).map(judge).collect()
}

impl Redis {
    fn open(url: &str) -> Result<Self, redis::RedisError> {
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(1)
            .set_connection_timeout(Some(Duration::from_millis(250)))
            .set_response_timeout(Some(Duration::from_millis(250)));
        let connection = redis::Client::open(url)?.get_connection_manager_lazy(config)?;
        Ok(Self { connection, script: redis::Script::new(SCRIPT), down_until: Mutex::new(None) })
    }

    async fn take(&self, buckets: &[Bucket], cost: i64) -> Option<Vec<Verdict>> {
        if self.is_down() {
            return None;
        }
        let mut invocation = self.script.prepare_invoke();
        invocation.arg(cost);
        for bucket in buckets {
            invocation.key(&bucket.key).arg(bucket.quota.max(1));
        }
        let mut connection = self.connection.clone();
        let asked = tokio::time::timeout(
            Duration::from_millis(300),
            invocation.invoke_async::<Vec<i64>>(&mut connection),
        );
        match asked.await {
            Ok(Ok(answer)) => {
                let (allowed, rest) = answer.split_first()?;
                let (now, arrivals) = rest.split_first()?;
                Some(verdicts(buckets, arrivals, *now, cost, *allowed == 1))
            }
            Ok(Err(error)) => self.mark_down(&error),
            Err(error) => self.mark_down(&error),
        }
    }

    fn is_down(&self) -> bool {
        let until = *self.down_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    }

    fn mark_down<T>(&self, error: &(dyn std::error::Error + 'static)) -> Option<T> {
        tracing::warn!(error, "Redis does not answer; this node counts requests for itself");
        *self.down_until.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Instant::now() + Duration::from_secs(1));
        None
    }
}

/// What was charged for a request, in its extensions.
#[derive(Clone)]
struct Charged {
    buckets: Vec<Bucket>,
    verdicts: Vec<Verdict>,
}

/// Charges an actor and their organization for a request: called by the extractors that find out who asks.
///
/// # Errors
/// `rate_limited` (429) with the seconds to wait.
pub async fn charge_actor(
    request: &HttpRequest,
    app: &crate::app::App,
    actor: &Actor,
) -> Result<(), ApiError> {
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

/// Asked by machines that keep us alive, and files of the documentation.
fn is_free(path: &str) -> bool {
    matches!(path, "/livez" | "/readyz") || path.starts_with("/docs")
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
