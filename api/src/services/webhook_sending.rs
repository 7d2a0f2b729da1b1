//! Sending what is due to webhook endpoints: claimed in one transaction, sent outside any, settled in another.
//!
//! Who dies in between has claimed only: after [`LOST_SECONDS`] it is sent again, under the same id. An outcome
//! counts only under the claim that it was made with.

use super::events::{self, WEBHOOK_ENDPOINT_DISABLED};
use super::webhooks::about;
use crate::app::App;
use crate::storage::events::NewEvent;
use crate::storage::webhook_deliveries::{self as deliveries, DueRow, Outcome};
use crate::storage::{OrgTx, StorageError, webhook_endpoints as endpoints};
use crate::webhooks::{Answer, Message, signing};
use chrono::{DateTime, Duration, SecondsFormat, Utc};
use leakage_core::id::OrgId;
use leakage_core::period::Month;
use serde_json::json;
use uuid::Uuid;

/// The type of a test, which is no event.
pub const TEST: &str = "webhook.test";
/// Sent at once to one organization's endpoints by one worker.
const AT_ONCE: i64 = 8;
/// After these a delivery that was claimed and not settled is sent again: several times as long as an attempt.
const LOST_SECONDS: i64 = 60;
/// While an endpoint does not answer, one round of attempts in this time is enough.
const PAUSE_SECONDS: i64 = 60;
/// Seconds to wait after each attempt that failed: three days in all. After the last one it has failed for good.
const WAITS: [i64; 9] = [5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 20 * 3600];

/// Claims what is to be sent now.
pub async fn claim(app: &App, org: OrgId) -> Result<Vec<DueRow>, StorageError> {
    let now = app.clock.now();
    let mut tx = app.db.begin(org).await?;
    deliveries::cancel_of_disabled(&mut tx).await?;
    let due = deliveries::claim(&mut tx, now, now + Duration::seconds(LOST_SECONDS), AT_ONCE).await?;
    tx.commit().await?;
    Ok(due)
}

/// Sends one delivery. No transaction is open meanwhile.
pub async fn send(app: &App, org: OrgId, due: &DueRow) -> Answer {
    let now = app.clock.now();
    let about = about(org, due.endpoint_id.into());
    let previous =
        due.previous_secret.as_ref().filter(|_| due.previous_until.is_some_and(|until| now < until));
    let secrets: Result<Vec<Vec<u8>>, _> = [Some(&due.secret), previous]
        .into_iter()
        .flatten()
        .map(|sealed| app.sealer.unseal(&about, sealed))
        .collect();
    let secrets = match secrets {
        Ok(secrets) => secrets,
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a webhook's secret cannot be opened");
            return Answer::none("its secret cannot be opened by this worker");
        }
    };
    let (id, timestamp, body) = (due.id.to_string(), now.timestamp(), body(org, due));
    let signature = signing::signature(&secrets, &id, timestamp, &body);
    app.webhooks.send(&due.url, Message { id, timestamp, body, signature }).await
}

/// What is sent: which event, and what it is about. The same for every attempt.
fn body(org: OrgId, due: &DueRow) -> String {
    let at = due.occurred_at.unwrap_or(due.created_at);
    json!({
        "type": due.kind.as_deref().unwrap_or(TEST),
        "timestamp": at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        "data": {
            "organization_id": org,
            "sequence": due.sequence,
            "event_id": due.event_id,
            "month": due.month.map(Month::of),
            "client_id": due.client_id,
            "audit_id": due.audit_id,
            "gap_id": due.gap_id,
        },
    })
    .to_string()
}

/// Notes what came of an attempt: taken, to be tried again, or failed for good.
pub async fn settle(app: &App, org: OrgId, due: &DueRow, answer: &Answer) -> Result<(), StorageError> {
    let now = app.clock.now();
    let endpoint = due.endpoint_id.into();
    let gone = answer.status == Some(410);
    // A test is tried once.
    let wait = if due.sequence.is_none() || gone { None } else { wait(due.id, due.attempts) };
    let (status, next) = match (&answer.error, wait) {
        (None, _) => ("delivered", None),
        (Some(_), Some(wait)) => ("pending", Some(now + wait)),
        (Some(_), None) => ("failed", None),
    };
    let outcome = Outcome {
        status,
        next_attempt_at: next,
        answered: answer.status,
        error: answer.error.as_deref(),
        head: answer.head.as_deref(),
    };
    let mut tx = app.db.begin(org).await?;
    let enabled = endpoints::lock(&mut tx, endpoint).await?;
    if !deliveries::settle(&mut tx, now, due.id, due.claims, &outcome).await? {
        return tx.rollback().await;
    }
    match enabled {
        Some(url) if status == "failed" && due.sequence.is_some() => {
            let reason = if gone { "gone" } else { "failing" };
            disable(&mut tx, due.endpoint_id, &url, reason, now).await?;
        }
        Some(_) if status == "pending" && overloaded(answer) => {
            endpoints::pause(&mut tx, endpoint, now + Duration::seconds(PAUSE_SECONDS)).await?;
        }
        _ => {}
    }
    tx.commit().await
}

/// Whether other deliveries would fare the same: nothing answers, or it asks for less.
const fn overloaded(answer: &Answer) -> bool {
    matches!(answer.status, None | Some(429 | 503))
}

/// Disables an endpoint, and tells the organization's other ones and whoever reads its events.
async fn disable(
    tx: &mut OrgTx,
    endpoint: Uuid,
    url: &str,
    reason: &'static str,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    endpoints::disable(tx, now, endpoint.into(), reason).await?;
    deliveries::cancel_of_disabled(tx).await?;
    let event = NewEvent {
        kind: WEBHOOK_ENDPOINT_DISABLED,
        month: None,
        client_id: None,
        audit_id: None,
        gap_id: None,
        // Its path and query may be secrets, and more people read events than endpoints.
        data: json!({ "webhook_endpoint_id": endpoint, "host": host(url), "reason": reason }),
    };
    events::append(tx, &[event], now).await
}

fn host(url: &str) -> &str {
    let (_, rest) = url.split_once("://").unwrap_or(("", url));
    rest.split(['/', '?']).next().unwrap_or_default()
}

/// How long to wait after an attempt, with up to a tenth more, so that deliveries that failed together do not
/// return together; none: that was the last one.
fn wait(delivery: Uuid, attempts: i32) -> Option<Duration> {
    let at = usize::try_from(attempts.max(1) - 1).ok()?;
    let seconds = *WAITS.get(at)?;
    let spread = i64::from(delivery.as_bytes()[at % 4]);
    Some(Duration::milliseconds(seconds * 1000 + seconds * 100 * spread / 255))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_grows_lasts_three_days_and_is_spread() {
        for delivery in [Uuid::nil(), Uuid::max(), Uuid::from_u128(0x1234_5678 << 96)] {
            let waits: Vec<Duration> = (1..).map_while(|attempt| wait(delivery, attempt)).collect();
            assert_eq!(waits.len(), WAITS.len());
            let total: Duration = waits.iter().sum();
            assert!(total > Duration::hours(71) && total < Duration::hours(80), "{total}");
            for (at, waited) in waits.iter().enumerate() {
                let least = Duration::seconds(WAITS[at]);
                assert!(*waited >= least && *waited <= least + least / 10, "{at}: {waited}");
            }
        }
        assert_ne!(wait(Uuid::nil(), 2), wait(Uuid::max(), 2));
    }

    #[test]
    fn a_host_is_told_without_path_and_query() {
        assert_eq!(host("https://hooks.example.com:8443/a/secret?token=b"), "hooks.example.com:8443");
        assert_eq!(host("https://hooks.example.com?token=b"), "hooks.example.com");
    }
}
