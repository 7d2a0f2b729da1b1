//! Deliveries: mail that a real server takes, refuses or puts off, and letters that are handed out.

use chrono::TimeDelta;
use leakage_api::config::{Config, MailConfig, MailSecurity};
use leakage_core::letters::{LetterKind, example};
use leakage_tests::{Mood, Org, SmtpServer, TestApp, assert_problem, send};
use serde_json::{Value, json};

fn with(server: &SmtpServer) -> impl FnOnce(&mut Config) {
    let port = server.address.port();
    move |config| {
        config.mail = Some(MailConfig {
            host: "127.0.0.1".to_owned(),
            port: Some(port),
            security: MailSecurity::None,
            username: None,
            password: None,
            from: "billing@msp.example".to_owned(),
        });
    }
}

async fn letter(org: &Org<'_>) -> Value {
    let caller = &org.owner.caller;
    let client = send(caller.post("/v1/clients").json(&json!({"name": "Contoso Legal"}))).await.1;
    let body =
        json!({"kind": "first_notice", "client_id": client["id"], "facts": example(LetterKind::FirstNotice)});
    let (status, letter) = send(caller.post("/v1/letters").json(&body)).await;
    assert_eq!(status, 201, "{letter:#}");
    letter
}

async fn deliver(org: &Org<'_>, letter: &Value, body: Value) -> (u16, Value) {
    let path = format!("/v1/letters/{}/deliveries", letter["id"].as_str().unwrap());
    send(org.owner.caller.post(&path).header("Idempotency-Key", "once").json(&body)).await
}

fn path(delivery: &Value) -> String {
    format!("/v1/deliveries/{}", delivery["id"].as_str().unwrap())
}

fn outcomes(delivery: &Value) -> Vec<&str> {
    delivery["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|attempt| attempt["outcome"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_letter_is_mailed_once_as_text_and_html() {
    let server = SmtpServer::start();
    let app = TestApp::start_with(with(&server)).await;
    let org = app.org("Example MSP").await;
    let letter = letter(&org).await;
    let body = json!({"recipient": "carter@contoso.example"});
    let (status, queued) = deliver(&org, &letter, body.clone()).await;
    assert_eq!(
        (status, queued["status"].as_str(), queued["channel"].as_str()),
        (202, Some("queued"), Some("smtp")),
        "{queued:#}"
    );
    assert_eq!(deliver(&org, &letter, body).await.1["id"], queued["id"], "the same request again");
    app.work().await;
    let sent = org.read(&path(&queued)).await;
    assert_eq!(sent["status"], "sent", "{sent:#}");
    assert_eq!(outcomes(&sent), ["queued", "begun", "sent"]);
    assert_eq!(sent["letter_sha256"], letter["sha256"]);
    let taken = server.taken();
    assert_eq!(taken.len(), 1);
    let mail = &taken[0];
    assert_eq!(
        (mail.from.as_str(), mail.to.as_slice()),
        ("billing@msp.example", ["carter@contoso.example".to_owned()].as_slice())
    );
    for part in
        ["text/plain", "text/html", "Reply-To: bea.miller@msp.example", sent["message_id"].as_str().unwrap()]
    {
        assert!(mail.data.contains(part), "{part}: {}", mail.data);
    }
    assert!(mail.data.contains("16 seat-months"), "{}", mail.data);
}

#[tokio::test]
async fn a_busy_server_is_asked_again_with_the_same_message_and_then_given_up() {
    let server = SmtpServer::start();
    let app = TestApp::start_with(with(&server)).await;
    app.jobs_may_be_left();
    let org = app.org("Example MSP").await;
    let letter = letter(&org).await;
    server.becomes(Mood::Busy);
    let (_, queued) = deliver(&org, &letter, json!({"recipient": "carter@contoso.example"})).await;
    app.work().await;
    let waiting = org.read(&path(&queued)).await;
    assert_eq!(
        (waiting["status"].as_str(), outcomes(&waiting)),
        (Some("queued"), vec!["queued", "begun", "failed"])
    );
    assert!(waiting["attempts"][2]["detail"].as_str().unwrap().contains("try again later"), "{waiting:#}");
    server.becomes(Mood::Takes);
    app.clock.advance(TimeDelta::minutes(1));
    app.work().await;
    let sent = org.read(&path(&queued)).await;
    assert_eq!(
        (sent["status"].as_str(), server.asked(), server.taken().len()),
        (Some("sent"), 2, 1),
        "{sent:#}"
    );
    assert!(server.taken()[0].data.contains(sent["message_id"].as_str().unwrap()));

    server.becomes(Mood::Busy);
    let again = format!("/v1/letters/{}/deliveries", letter["id"].as_str().unwrap());
    let lost =
        send(org.owner.caller.post(&again).json(&json!({"recipient": "other@contoso.example"}))).await.1;
    for minutes in [0, 1, 1, 2, 7] {
        app.clock.advance(TimeDelta::minutes(minutes));
        app.work().await;
    }
    let org_again = app.sign_in(&org.owner.email, Some(org.id)).await;
    let (_, lost) = send(org_again.caller.get(&path(&lost))).await;
    assert_eq!(lost["status"], "failed", "{lost:#}");
}

#[tokio::test]
async fn a_server_that_refuses_for_good_is_not_asked_again() {
    let server = SmtpServer::start();
    let app = TestApp::start_with(with(&server)).await;
    let org = app.org("Example MSP").await;
    let letter = letter(&org).await;
    server.becomes(Mood::Refuses);
    let (_, queued) = deliver(&org, &letter, json!({"recipient": "nobody@contoso.example"})).await;
    app.work().await;
    let failed = org.read(&path(&queued)).await;
    assert_eq!(
        (failed["status"].as_str(), outcomes(&failed)),
        (Some("failed"), vec!["queued", "begun", "refused"])
    );
    let job = org.read(&format!("/v1/jobs/{}", queued["job_id"].as_str().unwrap())).await;
    assert_eq!(job["problem"]["code"], "mail_refused", "{job:#}");
    let detail = job["problem"]["detail"].as_str().unwrap();
    assert!(detail.contains("SMTP 5") && !detail.contains("no such person"), "{job:#}");
    assert!(failed["attempts"][2]["detail"].as_str().unwrap().contains("no such person"), "{failed:#}");
    assert_eq!(server.asked(), 1);
    for wrong in ["nobody", "a@b.example, c@d.example", "a@b.example\r\nBcc: c@d.example", ""] {
        let path = format!("/v1/letters/{}/deliveries", letter["id"].as_str().unwrap());
        let problem = send(org.owner.caller.post(&path).json(&json!({"recipient": wrong}))).await;
        assert_problem(&problem, 422, "validation_failed");
    }
}

#[tokio::test]
async fn without_a_mail_server_a_letter_is_handed_out_and_its_arrival_recorded_by_hand() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let letter = letter(&org).await;
    let (status, handed) = deliver(&org, &letter, json!({"recipient": "Ms Carter, by the PSA"})).await;
    assert_eq!(
        (status, handed["status"].as_str(), &handed["message_id"]),
        (201, Some("handed_out"), &Value::Null)
    );
    let wanted = format!("/v1/letters/{}/deliveries", letter["id"].as_str().unwrap());
    let by_mail = json!({"recipient": "carter@contoso.example", "channel": "smtp"});
    assert_problem(&send(org.owner.caller.post(&wanted).json(&by_mail)).await, 409, "mail_not_configured");

    let arrive = |tag: &str, body: Value| {
        org.owner.caller.post(&format!("{}/delivered", path(&handed))).header("If-Match", tag).json(&body)
    };
    let future = json!({"delivered_at": "2026-11-23T12:00:00Z"});
    assert_problem(&send(arrive("\"v1\"", future)).await, 422, "validation_failed");
    let (status, arrived) = send(arrive("\"v1\"", json!({"note": "Ticket 8123"}))).await;
    assert_eq!((status, arrived["status"].as_str()), (200, Some("delivered")), "{arrived:#}");
    assert_eq!(outcomes(&arrived), ["handed_out", "delivered"]);
    assert_eq!(arrived["attempts"][1]["detail"], "Ticket 8123");
    assert_problem(&send(arrive("\"v1\"", json!({}))).await, 412, "version_mismatch");
    assert_problem(&send(arrive("\"v2\"", json!({}))).await, 409, "conflict");
    let list = org.read(&wanted).await;
    assert_eq!(list["data"][0]["status"], "delivered", "{list:#}");
}
