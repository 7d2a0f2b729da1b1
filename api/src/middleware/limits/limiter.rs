//! Buckets, counted in Redis or here.

use crate::auth::{Actor, Identity};
use crate::clock::Clock;
use crate::config::LimitsConfig;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Length of the window, in seconds.
pub(super) const WINDOW_SECONDS: i64 = 60;
/// The same in the microseconds that are counted in.
const WINDOW: i64 = WINDOW_SECONDS * 1_000_000;
/// In-process buckets after which full ones are thrown out.
const SWEEP_AT: usize = 50_000;

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
    /// Name of the limit in the headers.
    pub policy: &'static str,
    /// Whose bucket it is.
    pub key: String,
    /// Units that it holds, and that come back in a window.
    pub quota: u32,
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
    redis.call('SET', key, string.format('%.0f', after[i]), 'PX', math.max(1, math.floor((after[i] - now) / 1000) + 1000))
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

    /// Buckets of an actor and their organization.
    pub fn actor_buckets(&self, actor: &Actor) -> Vec<Bucket> {
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

    /// The bucket of a network.
    pub fn network_bucket(&self, network: &str) -> Vec<Bucket> {
        vec![Bucket {
            policy: "network",
            key: format!("leakage:rate:{{{network}}}"),
            quota: self.limits.network_per_minute,
        }]
    }
}

impl Bucket {
    /// Microseconds in which one unit comes back.
    pub fn interval(&self) -> i64 {
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
