//! Webhooks: events arrive signed, again until they are taken, and nowhere but where they may go.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use leakage_api::services::{events, webhook_sending};
use leakage_api::storage::events::NewEvent;
use leakage_api::webhooks::{Answer, signing};
use leakage_tests::{Org, Received, Receiver, TestApp, assert_problem, send};
use serde_json::{Value, json};

const ENDPOINTS: &str = "/v1/webhook-endpoints";

async fn endpoint(org: &Org<'_>, request: Value) -> Value {
    let (status, made) = send(org.owner.caller.post(ENDPOINTS).json(&request)).await;
    assert_eq!(status, 201, "{made:#}");
    made
}

fn at(endpoint: &Value) -> String {
    format!("{ENDPOINTS}/{}", endpoint["id"].as_str().unwrap())
}

/// Lets things happen in an organization.
async fn happen(app: &TestApp, org: &Org<'_>, kinds: &[&'static str]) {
    let event =
        |kind| NewEvent { kind, month: None, client_id: None, audit_id: None, gap_id: None, data: json!({}) };
    let written: Vec<NewEvent> = kinds.iter().map(|kind| event(*kind)).collect();
    let mut tx = app.app.db.begin(org.id).await.unwrap();
    events::append(&mut tx, &written, app.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
}

async fn deliveries(org: &Org<'_>, endpoint: &Value) -> Vec<Value> {
    org.read(&format!("{}/deliveries", at(endpoint))).await["data"].as_array().unwrap().clone()
}

/// Has a test sent and answers the delivery as it then is.
async fn tested(app: &TestApp, org: &Org<'_>, endpoint: &Value) -> Value {
    let (status, delivery) = send(org.owner.caller.post(&format!("{}/test", at(endpoint)))).await;
    assert_eq!(status, 202, "{delivery:#}");
    app.work().await;
    org.read(&format!("/v1/webhook-deliveries/{}", delivery["id"].as_str().unwrap())).await
}

/// The signatures that a message should have, with these secrets.
fn signatures(received: &Received, secrets: &[&str]) -> String {
    let secrets: Vec<Vec<u8>> = secrets
        .iter()
        .map(|secret| STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap())
        .collect();
    let timestamp = received.headers["webhook-timestamp"].parse().unwrap();
    signing::signature(&secrets, &received.headers["webhook-id"], timestamp, &received.body)
}

fn body(received: &Received) -> Value {
    serde_json::from_str(&received.body).unwrap()
}

fn sequences(receiver: &Receiver) -> Vec<i64> {
    let mut all: Vec<i64> =
        receiver.taken().iter().map(|one| body(one)["data"]["sequence"].as_i64().unwrap()).collect();
    all.sort_unstable();
    all
}

/// Moves the clock past every wait, lets the worker send, and signs the owner in again.
async fn later(app: &TestApp, org: &mut Org<'_>, by: TimeDelta) {
    app.clock.advance(by);
    app.work().await;
    org.owner = app.sign_in(&org.owner.email, Some(org.id)).await;
}

#[tokio::test]
async fn webhooks_bring_each_event_once_signed_and_thin() {
    let app = TestApp::start().await;
    let (all, gaps) = (Receiver::start(), Receiver::start());
    let org = app.org("Example MSP").await;
    let first = endpoint(&org, json!({"url": all.url(), "description": "All"})).await;
    endpoint(&org, json!({"url": gaps.url(), "event_types": ["gap.found"]})).await;
    org.import_whole("entitlements.csv", "client,product,purchased,from\nContoso,Seat,7,2026-03-01\n", "")
        .await;
    let billing = "client,product,quantity,unit_price,currency,from,until\nContoso,Seat,5,7,USD,2026-03-01,2026-04-01\n";
    org.import_whole("billing.csv", billing, "").await;
    org.audit(json!({"from": "2026-03", "to": "2026-03"})).await;
    app.work().await;

    let page = org.read("/v1/events").await;
    let listed = page["data"].as_array().unwrap();
    assert_eq!(listed.len(), 2, "{page:#}");
    let numbers: Vec<i64> = listed.iter().map(|event| event["sequence"].as_i64().unwrap()).collect();
    assert_eq!(sequences(&all), numbers);
    let found: Vec<Value> = gaps.taken().iter().map(body).collect();
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0]["type"], "gap.found");
    for received in all.taken() {
        let body = body(&received);
        let event = listed.iter().find(|event| event["id"] == body["data"]["event_id"]).unwrap();
        assert_eq!((&body["type"], &body["timestamp"]), (&event["type"], &event["occurred_at"]));
        for field in ["sequence", "month", "client_id", "audit_id", "gap_id"] {
            assert_eq!(body["data"][field], event[field], "{field}");
        }
        assert_eq!(body["data"]["organization_id"], json!(org.id));
        assert!(body["data"]["data"].is_null() && !received.body.contains("seats"), "{body:#}");
        assert_eq!(received.path, "/hooks");
        assert_eq!(received.headers["content-type"], "application/json");
        assert_eq!(received.headers["webhook-timestamp"], app.clock.now().timestamp().to_string());
        let secret = first["secret"].as_str().unwrap();
        assert_eq!(received.headers["webhook-signature"], signatures(&received, &[secret]));
    }
    for delivery in deliveries(&org, &first).await {
        assert_eq!(
            (&delivery["status"], &delivery["attempts"]),
            (&json!("delivered"), &json!(1)),
            "{delivery:#}"
        );
        assert_eq!((&delivery["last_status"], &delivery["last_error"]), (&json!(204), &Value::Null));
        assert!(all.taken().iter().any(|one| one.headers["webhook-id"] == delivery["id"].as_str().unwrap()));
    }
    app.work().await;
    assert_eq!(all.taken().len(), 2, "nothing is sent twice");
}

#[tokio::test]
async fn webhooks_that_fail_come_again_with_their_id_for_three_days_and_then_the_endpoint_is_disabled() {
    let app = TestApp::start().await;
    let (broken, other) = (Receiver::start(), Receiver::start());
    broken.answers("500 Internal Server Error");
    let mut org = app.org("Example MSP").await;
    let failing = endpoint(&org, json!({"url": broken.url(), "event_types": ["gap.found"]})).await;
    endpoint(&org, json!({"url": other.url()})).await;
    happen(&app, &org, &[events::GAP_FOUND]).await;
    app.work().await;
    let waiting = deliveries(&org, &failing).await.remove(0);
    assert_eq!(
        (&waiting["status"], &waiting["last_status"]),
        (&json!("pending"), &json!(500)),
        "{waiting:#}"
    );
    assert_eq!(waiting["last_error"], "answered 500 Internal Server Error");
    assert_eq!(waiting["last_answer"], "said by the receiver");
    let next: DateTime<Utc> = waiting["next_attempt_at"].as_str().unwrap().parse().unwrap();
    assert!(next - app.clock.now() >= TimeDelta::seconds(5), "{waiting:#}");
    app.work().await;
    assert_eq!(broken.taken().len(), 1, "not before its time");
    for attempt in 2..=10 {
        later(&app, &mut org, TimeDelta::hours(23)).await;
        assert_eq!(broken.taken().len(), attempt);
    }
    later(&app, &mut org, TimeDelta::hours(23)).await;

    let sent = broken.taken();
    assert_eq!(sent.len(), 10, "no more than ten times");
    let signature = |one: &Received| one.headers["webhook-signature"].clone();
    assert!(sent.iter().all(|one| one.headers["webhook-id"] == waiting["id"].as_str().unwrap()));
    assert!(sent.iter().all(|one| one.body == sent[0].body));
    assert_ne!(signature(&sent[0]), signature(&sent[1]), "each attempt has its own time");
    let stands = org.read(&at(&failing)).await;
    assert_eq!((&stands["status"], &stands["disabled_reason"]), (&json!("disabled"), &json!("failing")));
    let told = other.taken().last().map(body).unwrap();
    assert_eq!(told["type"], "webhook_endpoint.disabled", "{told:#}");
    let event = org.read("/v1/events?type=webhook_endpoint.disabled").await["data"][0].clone();
    assert_eq!(event["data"]["webhook_endpoint_id"], failing["id"]);
    assert!(!event.to_string().contains("/hooks"), "a path may be a secret: {event:#}");

    // Nothing is made for it while it is disabled; a person brings it back.
    happen(&app, &org, &[events::GAP_FOUND]).await;
    app.work().await;
    let failed = deliveries(&org, &failing).await;
    assert_eq!((failed.len(), &failed[0]["status"]), (1, &json!("failed")));
    let retry = format!("/v1/webhook-deliveries/{}/retry", waiting["id"].as_str().unwrap());
    assert_problem(&send(org.owner.caller.post(&retry)).await, 409, "webhook_endpoint_disabled");
    broken.answers("200 OK");
    let version = format!("\"v{}\"", stands["version"]);
    let enable = org.owner.caller.patch(&at(&failing)).header("If-Match", version);
    let (status, enabled) = send(enable.json(&json!({"enabled": true}))).await;
    assert_eq!((status, &enabled["status"], &enabled["disabled_at"]), (200, &json!("enabled"), &Value::Null));
    assert_eq!(send(org.owner.caller.post(&retry)).await.0, 202);
    app.work().await;
    assert_eq!(deliveries(&org, &failing).await[0]["status"], "delivered");
    assert_eq!(broken.taken()[10].headers["webhook-id"], waiting["id"].as_str().unwrap());
}

#[tokio::test]
async fn webhooks_end_at_once_where_the_receiver_is_gone() {
    let app = TestApp::start().await;
    let receiver = Receiver::start();
    receiver.answers("410 Gone");
    let org = app.org("Example MSP").await;
    let made = endpoint(&org, json!({"url": receiver.url()})).await;
    happen(&app, &org, &[events::GAP_FOUND]).await;
    app.work().await;
    let stands = org.read(&at(&made)).await;
    assert_eq!(
        (&stands["status"], &stands["disabled_reason"]),
        (&json!("disabled"), &json!("gone")),
        "{stands:#}"
    );
    assert_eq!((receiver.taken().len(), deliveries(&org, &made).await.len()), (1, 1));
}

#[tokio::test]
async fn webhooks_are_sent_once_by_workers_that_work_at_once_and_again_after_one_that_died() {
    let app = TestApp::start().await;
    let receiver = Receiver::start();
    let mut org = app.org("Example MSP").await;
    let made = endpoint(&org, json!({"url": receiver.url()})).await;
    for _ in 0..3 {
        happen(&app, &org, &[events::GAP_FOUND; 10]).await;
    }
    tokio::join!(app.work(), app.work());
    assert_eq!(sequences(&receiver), (1..=30).collect::<Vec<_>>());
    assert_eq!(deliveries(&org, &made).await.len(), 30);

    // A worker that claims, and dies before or after it has sent.
    app.clock.advance(TimeDelta::seconds(1));
    happen(&app, &org, &[events::GAP_CLOSED]).await;
    let claimed = webhook_sending::claim(&app.app, org.id).await.unwrap();
    assert_eq!(claimed.len(), 1);
    app.work().await;
    assert_eq!(receiver.taken().len(), 30, "it may still live");
    later(&app, &mut org, TimeDelta::seconds(61)).await;
    assert_eq!(sequences(&receiver), (1..=31).collect::<Vec<_>>());
    assert_eq!(receiver.taken()[30].headers["webhook-id"], claimed[0].id.to_string());
    // What it has to say when it is alive after all does not count.
    webhook_sending::settle(&app.app, org.id, &claimed[0], &Answer::none("late")).await.unwrap();
    let settled = deliveries(&org, &made).await;
    assert_eq!(
        (settled.len(), &settled[0]["status"], &settled[0]["attempts"]),
        (31, &json!("delivered"), &json!(2))
    );
}

#[tokio::test]
async fn webhooks_have_two_signatures_for_a_day_after_a_rotation() {
    let app = TestApp::start().await;
    let receiver = Receiver::start();
    let mut org = app.org("Example MSP").await;
    let made = endpoint(&org, json!({"url": receiver.url()})).await;
    let rotate = |org: &Org<'_>, version: &str| {
        let path = format!("{}/rotate-secret", at(&made));
        org.owner.caller.post(&path).header("If-Match", version).header("Idempotency-Key", "once")
    };
    assert_problem(&send(rotate(&org, "\"v7\"")).await, 412, "version_mismatch");
    let (status, rotated) = send(rotate(&org, "\"v1\"")).await;
    assert_eq!((status, &rotated["version"]), (200, &json!(2)), "{rotated:#}");
    let (_, again) = send(rotate(&org, "\"v1\"")).await;
    assert_eq!((&again["version"], &again["secret"]), (&json!(2), &Value::Null), "it is shown once");
    let (old, new) = (made["secret"].as_str().unwrap(), rotated["secret"].as_str().unwrap());
    assert_ne!(old, new);

    let delivery = tested(&app, &org, &made).await;
    assert_eq!((&delivery["type"], &delivery["status"]), (&json!("webhook.test"), &json!("delivered")));
    let sent = receiver.taken().remove(0);
    assert_eq!(sent.headers["webhook-signature"], signatures(&sent, &[new, old]));
    assert_eq!(body(&sent)["type"], "webhook.test");
    later(&app, &mut org, TimeDelta::hours(24)).await;
    tested(&app, &org, &made).await;
    let sent = receiver.taken().remove(1);
    assert_eq!(sent.headers["webhook-signature"], signatures(&sent, &[new]));
    let read = org.read(&at(&made)).await;
    assert!(read["secret"].is_null() && read["previous_secret_until"].is_null(), "{read:#}");
}

#[tokio::test]
async fn webhooks_go_to_no_address_of_a_private_network_and_follow_no_redirect() {
    let app = TestApp::start_with(|config| config.webhooks.allow_loopback = false).await;
    let org = app.org("Example MSP").await;
    for url in [
        "http://hooks.example.com/",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://[::ffff:169.254.169.254]/",
        "https://user:secret@hooks.example.com/",
        "nonsense",
    ] {
        let refused = send(org.owner.caller.post(ENDPOINTS).json(&json!({"url": url}))).await;
        assert_problem(&refused, 422, "validation_failed");
        assert_eq!(refused.1["errors"][0]["pointer"], "/url", "{url}");
    }
    // A name says nothing yet: what it leads to is looked at when it is connected to.
    let receiver = Receiver::start();
    let url = format!("https://localhost:{}/", receiver.address.port());
    let made = endpoint(&org, json!({"url": url})).await;
    let delivery = tested(&app, &org, &made).await;
    assert_eq!(delivery["status"], "failed", "a test is sent once");
    assert_eq!(delivery["last_error"], "the name leads to no public address", "{delivery:#}");
    assert!(receiver.taken().is_empty());

    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let moved = Receiver::start();
    moved.answers(&format!("307 Temporary Redirect\r\nlocation: {}", receiver.url()));
    let made = endpoint(&org, json!({"url": moved.url()})).await;
    let delivery = tested(&app, &org, &made).await;
    assert_eq!(
        (&delivery["status"], &delivery["last_status"]),
        (&json!("failed"), &json!(307)),
        "{delivery:#}"
    );
    assert_eq!((moved.taken().len(), receiver.taken().len()), (1, 0));
    assert_eq!(org.read(&at(&made)).await["status"], "enabled", "a test disables nothing");
}

#[tokio::test]
async fn webhook_endpoints_are_changed_disabled_and_deleted() {
    let app = TestApp::start().await;
    let receiver = Receiver::start();
    let org = app.org("Example MSP").await;
    let owner = &org.owner.caller;
    let keyed =
        || owner.post(ENDPOINTS).header("Idempotency-Key", "one").json(&json!({"url": receiver.url()}));
    let (status, made) = send(keyed()).await;
    assert!(status == 201 && made["secret"].as_str().unwrap().starts_with("whsec_"), "{made:#}");
    let (_, again) = send(keyed()).await;
    assert_eq!((&again["id"], &again["secret"]), (&made["id"], &Value::Null), "it is shown once");
    for (change, pointer) in [
        (json!({"event_types": []}), "/event_types"),
        (json!({"event_types": ["gap.found", "gap.lost"]}), "/event_types/1"),
        (json!({"event_types": ["gap.found", "gap.found"]}), "/event_types/1"),
        (json!({"url": "ftp://hooks.example.com/"}), "/url"),
        (json!({"description": "x".repeat(201)}), "/description"),
    ] {
        let refused = send(owner.patch(&at(&made)).header("If-Match", "\"v1\"").json(&change)).await;
        assert_problem(&refused, 422, "validation_failed");
        assert_eq!(refused.1["errors"][0]["pointer"], pointer, "{change}");
    }
    let change = |version: &'static str, change: Value| {
        owner.patch(&at(&made)).header("If-Match", version).json(&change)
    };
    let (_, changed) =
        send(change("\"v1\"", json!({"event_types": ["gap.closed"], "description": "Tickets"}))).await;
    assert_eq!(
        (&changed["version"], &changed["event_types"]),
        (&json!(2), &json!(["gap.closed"])),
        "{changed:#}"
    );
    assert_problem(&send(change("\"v1\"", json!({"event_types": null}))).await, 412, "version_mismatch");
    let (_, changed) = send(change("\"v2\"", json!({"event_types": null}))).await;
    assert_eq!((&changed["event_types"], &changed["description"]), (&Value::Null, &json!("Tickets")));

    // What waits for an endpoint that is disabled is cancelled.
    happen(&app, &org, &[events::GAP_FOUND]).await;
    let (_, changed) = send(change("\"v3\"", json!({"enabled": false}))).await;
    assert_eq!((&changed["status"], &changed["disabled_reason"]), (&json!("disabled"), &json!("by_person")));
    app.work().await;
    assert_eq!(deliveries(&org, &made).await[0]["status"], "cancelled");
    assert_problem(&send(owner.post(&format!("{}/test", at(&made)))).await, 409, "webhook_endpoint_disabled");
    assert!(receiver.taken().is_empty());
    assert_eq!(org.read(&format!("{}/deliveries?status=pending", at(&made))).await["data"], json!([]));

    for _ in 1..10 {
        endpoint(&org, json!({"url": receiver.url()})).await;
    }
    let more = send(owner.post(ENDPOINTS).json(&json!({"url": receiver.url()}))).await;
    assert_problem(&more, 409, "conflict");
    assert_eq!(send(owner.delete(&at(&made))).await.0, 204);
    assert_problem(&send(owner.get(&at(&made))).await, 404, "not_found");
    assert_eq!(org.read(ENDPOINTS).await["data"].as_array().unwrap().len(), 9);
    happen(&app, &org, &[events::GAP_FOUND]).await;
    app.work().await;
    assert_eq!(receiver.taken().len(), 9);
}
