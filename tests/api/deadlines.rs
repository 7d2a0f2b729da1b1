//! Deadlines: announced once for each step, to whoever has them; what clients are written when something that
//! they owe is due; and letters that move a correction.

use crate::corrections::{Desk, audited, said};
use chrono::TimeDelta;
use leakage_api::auth::Role;
use leakage_api::config::{Config, MailConfig, MailSecurity};
use leakage_api::jobs::runner::Runner;
use leakage_api::jobs::{self, JobKind};
use leakage_tests::{Mood, Org, Person, SmtpServer, TestApp, assert_problem, send};
use serde_json::{Value, json};
use std::sync::Arc;

pub(crate) fn mailing(server: &SmtpServer) -> impl FnOnce(&mut Config) {
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

/// What tells a client of 102 seats by a letter that is written now.
fn by_letter() -> Value {
    json!({
        "letter": {"recipient": "carter@contoso.example", "contact": "Ms Carter"},
        "going_forward": {"invoice_on": "2026-12-01", "lines": [{"line": 1, "seats": 102}]},
        "gaps_confirmed": true,
    })
}

/// Two seats of eight months (352.00) that a biller told the client of, and the biller's desk.
async fn told<'a>(app: &'a TestApp, how: &Value) -> (Org<'a>, Person, Desk) {
    let (org, gap) = audited(app, 102, 100, 2..=9).await;
    let biller = org.member(Role::Biller).await;
    let (mut desk, _) = Desk::open(&biller.caller, &[&gap]).await;
    desk.ok(&biller.caller, "communicate", how.clone()).await;
    app.work().await;
    desk.read(&biller.caller, "").await;
    (org, biller, desk)
}

/// So many days later, with everybody signed in anew and all work done.
async fn days_later(app: &TestApp, org: &mut Org<'_>, biller: &mut Person, days: i64) {
    app.clock.advance(TimeDelta::days(days));
    org.owner = app.sign_in(&org.owner.email, Some(org.id)).await;
    *biller = app.sign_in(&biller.email, Some(org.id)).await;
    app.work().await;
}

async fn events(org: &Org<'_>, kind: &str) -> Vec<Value> {
    org.read(&format!("/v1/events?type={kind}")).await["data"].as_array().unwrap().clone()
}

fn mails_to(server: &SmtpServer, address: &str) -> usize {
    server.taken().iter().filter(|mail| mail.to.iter().any(|to| to == address)).count()
}

#[tokio::test]
async fn a_letter_is_the_message_and_its_sending_is_its_arrival() {
    let server = SmtpServer::start();
    let app = TestApp::start_with(mailing(&server)).await;
    let (org, biller, mut desk) = told(&app, &by_letter()).await;
    let correction = desk.read(&biller.caller, "").await;
    assert_eq!(correction["state"], "communicated");
    assert_eq!(correction["delivered_on"], "2026-11-22", "{correction:#}");
    let told = &correction["announcement"];
    let letter = org.read(&format!("/v1/letters/{}", told["letter_id"].as_str().unwrap())).await;
    assert_eq!(told["letter_sha256"], letter["sha256"]);
    assert_eq!(letter["kind"], "first_notice");
    let words = |text: &Value| text.as_str().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    for part in ["context", "data", "going_forward"] {
        assert!(words(&letter["text"]).contains(&words(&told[part])), "{part}: {told:#}");
    }
    for said in [
        "You have 102 seats; we billed 100 seats.",
        "16 seat-months, USD 352.00",
        "1 December 2026 will hold 102 seats",
    ] {
        assert!(words(&letter["text"]).contains(said), "{said}: {}", letter["text"]);
    }
    assert_eq!(mails_to(&server, "carter@contoso.example"), 1);
    let timeline = desk.read(&biller.caller, "/timeline").await;
    let last = timeline["data"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (last["command"].as_str(), last["actor"].as_str()),
        (Some("deliver"), Some("job:send_letter"))
    );
}

#[tokio::test]
async fn a_letter_that_says_something_else_than_the_correction_is_no_message() {
    let app = TestApp::start().await;
    let (org, gap) = audited(&app, 102, 100, 2..=9).await;
    let owner = &org.owner.caller;
    let (mut desk, correction) = Desk::open(owner, &[&gap]).await;
    let write = async |seats: u32, amount: &str| {
        let product = "Microsoft 365 Business Premium";
        let facts = json!({
            "direction": "under",
            "lines": [{
                "product": product, "seats": 2, "seat_months": "16", "months": 8, "first_month": "2026-02",
                "last_month": "2026-09", "amount": {"amount": amount, "currency": "USD"},
            }],
            "next_billing": {"on": "2026-12-01", "lines": [{"product": product, "quantity": seats}]},
        });
        let body = json!({
            "kind": "first_notice", "client_id": correction["client_id"], "correction_id": correction["id"], "facts": facts,
        });
        let (status, letter) = send(owner.post("/v1/letters").json(&body)).await;
        assert_eq!(status, 201, "{letter:#}");
        letter["id"].clone()
    };
    let tell = |letter: &Value| {
        json!({
            "letter": {"letter_id": letter, "recipient": "Ms Carter"}, "gaps_confirmed": true,
            "going_forward": {"invoice_on": "2026-12-01", "lines": [{"line": 1, "seats": 102}]},
        })
    };
    for letter in [write(102, "300.00").await, write(103, "352.00").await] {
        let refused = desk.ask(owner, "communicate", tell(&letter)).await;
        assert_problem(&refused, 422, "validation_failed");
        assert_eq!(refused.1["errors"][0]["pointer"], "/letter", "{:#}", refused.1);
    }
    let right = write(102, "352.00").await;
    let mut nobody = tell(&right);
    nobody["letter"]["recipient"].take();
    let refused = desk.ask(owner, "communicate", nobody).await;
    assert_eq!(refused.1["errors"][0]["pointer"], "/letter/recipient", "{:#}", refused.1);
    let mut both = tell(&right);
    both["message"] = json!({"context": "x", "data": "y", "going_forward": "z"});
    assert_problem(&desk.ask(owner, "communicate", both).await, 422, "validation_failed");

    // Without a mail server it is handed out; its arrival is recorded with the delivery.
    let told = desk.ok(owner, "communicate", tell(&right)).await;
    assert_eq!((&told["announcement"]["letter_id"], &told["delivered_on"]), (&right, &Value::Null));
    let deliveries = format!("/v1/letters/{}/deliveries", right.as_str().unwrap());
    let delivery = org.read(&deliveries).await["data"][0].clone();
    let path = format!("/v1/deliveries/{}/delivered", delivery["id"].as_str().unwrap());
    assert_eq!(send(owner.post(&path).header("If-Match", "\"v1\"").json(&json!({}))).await.0, 200);
    assert_eq!(desk.read(owner, "").await["delivered_on"], "2026-11-22");
}

#[tokio::test]
async fn each_step_of_a_deadline_is_announced_once_to_whoever_has_it() {
    let server = SmtpServer::start();
    let app = TestApp::start_with(mailing(&server)).await;
    let (mut org, mut biller, mut desk) = told(&app, &by_letter()).await;
    let first_owner = biller.email.clone();
    days_later(&app, &mut org, &mut biller, 8).await;
    assert!(events(&org, "deadline.due_soon").await.is_empty(), "not before the day before it");
    days_later(&app, &mut org, &mut biller, 1).await;
    let near = events(&org, "deadline.due_soon").await;
    assert_eq!(near.len(), 1, "{near:#?}");
    let data = &near[0]["data"];
    assert_eq!((&data["kind"], &data["due_on"]), (&json!("reply_by"), &json!("2026-12-02")));
    assert_eq!(data["correction_id"], desk.id.as_str());
    assert_eq!(mails_to(&server, &first_owner), 1);
    let deadlines = desk.read(&biller.caller, "/deadlines").await;
    assert_eq!(deadlines["data"][0]["reminded_on"], "2026-12-01", "{deadlines:#}");

    // The owner changes before it passes: the next word goes to the new one.
    desk.ok(&biller.caller, "assign", json!({"owner": org.owner.id})).await;
    days_later(&app, &mut org, &mut biller, 2).await;
    let passed = events(&org, "deadline.passed").await;
    assert_eq!((passed.len(), &passed[0]["data"]["days_overdue"]), (1, &json!(1)), "{passed:#?}");
    assert_eq!((mails_to(&server, &first_owner), mails_to(&server, &org.owner.email)), (1, 1));

    // It stays, is said again, and admins hear of it.
    days_later(&app, &mut org, &mut biller, 7).await;
    assert_eq!(events(&org, "deadline.escalated").await.len(), 1);
    assert_eq!(events(&org, "deadline.passed").await.len(), 2, "once again after seven days");
    let queue = org.read("/v1/work-queue?overdue=true&kind=reply_by").await;
    assert_eq!(queue["data"][0]["days_overdue"], 8, "{queue:#}");
}

#[tokio::test]
async fn two_workers_and_one_that_dies_announce_and_write_once() {
    let server = SmtpServer::start();
    let app = TestApp::start_with(mailing(&server)).await;
    let (mut org, biller, desk) = told(&app, &by_letter()).await;
    app.clock.advance(TimeDelta::days(11));
    let look = async || {
        let mut tx = app.app.db.begin(org.id).await.unwrap();
        let kind = JobKind::CheckDeadlines;
        jobs::enqueue(&mut tx, app.clock.now(), kind, org.id.uuid(), Value::Null).await.unwrap();
        tx.commit().await.unwrap();
    };
    look().await;
    look().await;
    let runner = Runner::new(Arc::clone(&app.app));
    let claimed = runner.claim(2).await.unwrap();
    assert_eq!(claimed.len(), 2);
    tokio::join!(runner.work(claimed[0]), runner.work(claimed[1]));
    // One that did all and died before it could say so.
    look().await;
    let dies = Runner::new(Arc::clone(&app.app)).with_handler(|context| {
        Box::pin(async move {
            leakage_api::services::deadlines::write_to_clients(&context.app, context.org).await?;
            let mut tx = context.begin().await?;
            leakage_api::services::deadlines::check(&context.app, &mut tx).await?;
            drop(tx);
            Err(leakage_api::jobs::JobError::LeaseLost)
        })
    });
    let claimed = dies.claim(1).await.unwrap();
    dies.work(claimed[0]).await;
    app.clock.advance(TimeDelta::minutes(2));
    app.work().await;
    org.owner = app.sign_in(&org.owner.email, Some(org.id)).await;
    assert_eq!(events(&org, "deadline.passed").await.len(), 1);
    assert_eq!(mails_to(&server, &biller.email), 1);
    let letters = org.read(&format!("/v1/letters?correction_id={}", desk.id)).await;
    let kinds: Vec<&str> =
        letters["data"].as_array().unwrap().iter().map(|letter| letter["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["reply_reminder", "first_notice"]);
    assert_eq!(mails_to(&server, "carter@contoso.example"), 2);
}

#[tokio::test]
async fn silence_is_consent_after_the_reminder_that_the_clock_sends() {
    let server = SmtpServer::start();
    let app = TestApp::start_with(mailing(&server)).await;
    let (mut org, mut biller, mut desk) = told(&app, &by_letter()).await;
    days_later(&app, &mut org, &mut biller, 10).await;
    assert_eq!(mails_to(&server, "carter@contoso.example"), 1, "the client may reply on the last day");
    let bill = json!({"document": "INV-7", "on": "2026-12-01"});
    desk.ok(&biller.caller, "bill", bill).await;
    server.becomes(Mood::Refuses);
    days_later(&app, &mut org, &mut biller, 1).await;
    let resolve = json!({"basis": "no_objection"});
    assert_eq!(desk.refused(&biller.caller, "resolve", resolve.clone()).await.1, ["reminder_missing"]);
    let queue = org.read("/v1/work-queue?kind=letter_failed").await;
    let failed = &queue["data"][0];
    assert_eq!(
        (&failed["commands"], &failed["correction_id"]),
        (&json!(["deliver_letter"]), &json!(desk.id))
    );

    // A reminder that did not get through counts for nothing; sent again, it does.
    server.becomes(Mood::Takes);
    let path = format!("/v1/letters/{}/deliveries", failed["letter_id"].as_str().unwrap());
    let again = json!({"recipient": "carter@contoso.example"});
    assert_eq!(send(biller.caller.post(&path).json(&again)).await.0, 202);
    app.work().await;
    assert_eq!(org.read("/v1/work-queue?kind=letter_failed").await["data"], json!([]));
    let queue = org.read("/v1/work-queue?kind=reply_by").await;
    assert_eq!(
        (&queue["data"][0]["why"], &queue["data"][0]["commands"]),
        (&json!("no_objection"), &json!(["resolve"]))
    );
    desk.read(&biller.caller, "").await;
    let resolved = desk.ok(&biller.caller, "resolve", resolve).await;
    assert_eq!(resolved["state"], "resolved");
    let mails = server.taken();
    let reminder = mails.iter().rfind(|mail| mail.to[0] == "carter@contoso.example").unwrap();
    assert!(reminder.data.contains("Dear Ms Carter"), "{}", reminder.data);
}

#[tokio::test]
async fn instalments_are_reminded_of_a_promise_pauses_and_a_broken_one_resumes() {
    let server = SmtpServer::start();
    let app = TestApp::start_with(mailing(&server)).await;
    let (mut org, mut biller, mut desk) = told(&app, &by_letter()).await;
    let caller = biller.caller.clone();
    desk.ok(&caller, "plan", json!({"count": 2, "cadence": "monthly", "first_on": "2026-12-05"})).await;
    desk.ok(&caller, "accept", json!({"said": said(), "plan": true})).await;
    let client = "carter@contoso.example";
    days_later(&app, &mut org, &mut biller, 12).await;
    assert_eq!(mails_to(&server, client), 1, "4 December: nothing is due");
    days_later(&app, &mut org, &mut biller, 1).await;
    assert_eq!(mails_to(&server, client), 2);
    let correction = desk.read(&biller.caller, "").await;
    assert_eq!(correction["plan"]["instalments"][0]["reminded_on"], "2026-12-05");
    let promise = json!({"instalment": 1, "on": "2026-12-20", "said": said()});
    desk.ok(&biller.caller, "promise", promise).await;
    days_later(&app, &mut org, &mut biller, 15).await;
    assert_eq!(mails_to(&server, client), 2, "a promise pauses reminders");
    days_later(&app, &mut org, &mut biller, 1).await;
    assert_eq!(mails_to(&server, client), 3, "a broken one resumes them");
    let correction = desk.read(&biller.caller, "").await;
    let breaks = &correction["plan"]["breaks"];
    assert_eq!((breaks.as_array().unwrap().len(), &breaks[0]["kind"]), (1, &json!("promise_broken")));
    let mails = server.taken();
    let letter = &mails.iter().rfind(|mail| mail.to[0] == client).unwrap().data;
    assert!(letter.contains("20 December 2026"), "{letter}");
}

#[tokio::test]
async fn a_letter_of_an_instalment_that_failed_is_not_hidden_by_one_of_another() {
    let server = SmtpServer::start();
    let app = TestApp::start_with(mailing(&server)).await;
    let (mut org, mut biller, mut desk) = told(&app, &by_letter()).await;
    let caller = biller.caller.clone();
    desk.ok(&caller, "plan", json!({"count": 3, "cadence": "weekly", "first_on": "2026-12-05"})).await;
    desk.ok(&caller, "accept", json!({"said": said(), "plan": true})).await;
    server.becomes(Mood::Refuses);
    days_later(&app, &mut org, &mut biller, 13).await;
    let failed = async |org: &Org<'_>| -> Vec<i64> {
        let queue = org.read("/v1/work-queue?kind=letter_failed").await;
        let items = queue["data"].as_array().unwrap().iter();
        items.map(|item| item["about"].as_i64().unwrap()).collect()
    };
    assert_eq!(failed(&org).await, [1]);
    // The client promises, and the letter of the second one gets through.
    server.becomes(Mood::Takes);
    desk.read(&biller.caller, "").await;
    let promise = json!({"instalment": 1, "on": "2026-12-30", "said": said()});
    desk.ok(&biller.caller, "promise", promise).await;
    days_later(&app, &mut org, &mut biller, 7).await;
    assert_eq!(desk.read(&biller.caller, "").await["plan"]["instalments"][1]["reminded_on"], "2026-12-12");
    assert_eq!(failed(&org).await, [1], "the first one's is still with nobody");
    // The third one's fails, too: each is there once. Then one is delivered, and the other one's money comes.
    server.becomes(Mood::Refuses);
    days_later(&app, &mut org, &mut biller, 7).await;
    let mut about = failed(&org).await;
    about.sort_unstable();
    assert_eq!(about, [1, 2, 3], "the second one's reminder came again, and failed");
    server.becomes(Mood::Takes);
    let queue = org.read("/v1/work-queue?kind=letter_failed").await;
    let third = queue["data"].as_array().unwrap().iter().find(|item| item["about"] == 3).unwrap().clone();
    let path = format!("/v1/letters/{}/deliveries", third["letter_id"].as_str().unwrap());
    let again = json!({"recipient": "carter@contoso.example"});
    assert_eq!(send(biller.caller.post(&path).json(&again)).await.0, 202);
    app.work().await;
    desk.read(&biller.caller, "").await;
    desk.ok(&biller.caller, "pay-instalment", json!({"instalment": 1, "on": "2026-12-19"})).await;
    assert_eq!(failed(&org).await, [2]);
}

#[tokio::test]
async fn a_gap_that_was_set_aside_comes_back_on_its_day() {
    let app = TestApp::start().await;
    let (mut org, gap) = audited(&app, 102, 100, 2..=9).await;
    let audit = org.read("/v1/audits").await["data"][0]["id"].clone();
    let aside = json!({
        "action": "set_aside", "filter": {"audit_id": audit}, "reason": "Renewal in December",
        "owner": org.owner.id, "review_on": "2026-12-15",
    });
    let mut unknown = aside.clone();
    unknown["owner"] = json!(uuid::Uuid::now_v7());
    let refused = send(org.owner.caller.post("/v1/corrections/bulk").json(&unknown)).await;
    assert_problem(&refused, 422, "validation_failed");
    assert_eq!(refused.1["errors"][0]["pointer"], "/owner");
    assert_eq!(org.read("/v1/gaps?set_aside=true").await["data"], json!([]));
    assert_eq!(send(org.owner.caller.post("/v1/corrections/bulk").json(&aside)).await.0, 200);
    let queue = org.read("/v1/work-queue?owner=me").await;
    let item = &queue["data"][0];
    assert_eq!(
        (&item["owner"], &item["owner_name"]),
        (&json!(format!("user:{}", org.owner.id)), &json!("Olive Owner"))
    );
    // The list of gaps says so, too, and can be asked for those of an owner.
    let found = org.read("/v1/gaps?set_aside=true&set_aside_owner=me").await;
    assert_eq!(found["data"][0]["id"], json!(gap), "{found:#}");
    let said = &found["data"][0]["set_aside"];
    assert_eq!(
        (&said["owner_name"], &said["reason"], &said["review_on"]),
        (&json!("Olive Owner"), &json!("Renewal in December"), &json!("2026-12-15"))
    );
    for none in ["set_aside=false", "set_aside_owner=Bea"] {
        assert_eq!(org.read(&format!("/v1/gaps?{none}")).await["data"], json!([]), "{none}");
    }
    assert_eq!(
        (&item["kind"], &item["gap_id"], &item["overdue"]),
        (&json!("set_aside_review"), &json!(gap), &json!(false))
    );
    assert_eq!(item["amount"], json!({"amount": "352.00", "currency": "USD"}), "{item:#}");
    let mut nobody = org.member(Role::Biller).await;
    days_later(&app, &mut org, &mut nobody, 24).await;
    let passed = events(&org, "deadline.passed").await;
    assert_eq!((passed.len(), &passed[0]["gap_id"]), (1, &json!(gap)), "{passed:#?}");
    assert_eq!(org.read("/v1/work-queue?overdue=true").await["data"][0]["gap_id"], json!(gap));
    // Corrected, it is in the queue as a correction.
    Desk::open(&org.owner.caller, &[&gap]).await;
    assert_eq!(org.read(&format!("/v1/gaps/{gap}")).await["set_aside"], Value::Null);
    let queue = org.read("/v1/work-queue").await;
    assert_eq!(queue["data"].as_array().unwrap().len(), 1, "{queue:#}");
    assert_eq!(queue["data"][0]["kind"], "communicate");
}

#[tokio::test]
async fn an_answer_is_a_letter_of_its_kind() {
    let server = SmtpServer::start();
    let app = TestApp::start_with(mailing(&server)).await;
    let (org, biller, mut desk) = told(&app, &by_letter()).await;
    let caller = &biller.caller;
    let dispute = json!({"reason": "unauthorized_seats", "parts": [{"line": 1, "seats": 1}], "said": said()});
    desk.ok(caller, "dispute", dispute).await;
    let notice = org.read(&format!("/v1/letters?correction_id={}", desk.id)).await["data"][0]["id"].clone();
    let log = json!([{"on": "2026-02-01", "seat": "ana@contoso.example", "ordered_by": "Mr Singh"}]);
    let mut answer = json!({
        "dispute": 1, "reason": "unauthorized_seats", "provisioning_log": log, "letter": {"letter_id": notice},
    });
    assert_problem(&desk.ask(caller, "answer", answer.clone()).await, 422, "validation_failed");
    answer["letter"] = json!({"recipient": "carter@contoso.example"});
    let answered = desk.ok(caller, "answer", answer).await;
    let text = answered["disputes"][0]["answer"]["text"].as_str().unwrap();
    assert!(text.contains("1 February 2026") && text.contains("Mr Singh"), "{text}");
    app.work().await;
    assert_eq!(mails_to(&server, "carter@contoso.example"), 2);
    let letters = org.read(&format!("/v1/letters?correction_id={}", desk.id)).await;
    assert_eq!(letters["data"][0]["kind"], "answer_unauthorized_seats");
}
