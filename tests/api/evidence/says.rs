//! What a bundle says must be so: letters as they are kept, what was recorded where none is, which program made the
//! audit, the reference that invoices carry, the look of the organization.

use super::{another, bundles, checked, content, file, keys, told, told_so};
use crate::corrections::message;
use crate::deadlines::mailing;
use crate::organization_logo::PNG;
use base64::Engine as _;
use leakage_api::jobs::runner::Runner;
use leakage_api::jobs::{JobError, JobKind};
use leakage_api::services::evidence;
use leakage_tests::{SmtpServer, TestApp, pdf_words, send};
use serde_json::{Value, json};
use std::sync::Arc;

fn by_letter() -> Value {
    json!({
        "letter": {"recipient": "carter@contoso.example", "contact": "Ms Carter"},
        "going_forward": {"invoice_on": "2026-12-01", "lines": [{"line": 1, "seats": 61}]},
        "gaps_confirmed": true,
    })
}

fn parsed(archive: &[u8], path: &str) -> Value {
    serde_json::from_str(&file(archive, path)).unwrap()
}

fn report(archive: &[u8]) -> String {
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(archive)).unwrap();
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut zip.by_name("report.pdf").unwrap(), &mut bytes).unwrap();
    pdf_words(&bytes)
}

#[tokio::test]
async fn where_no_letter_is_kept_a_bundle_says_what_was_recorded_and_no_more() {
    let app = TestApp::start().await;
    let mut how = message(61);
    how["message"]["to"] = json!("Casey Client");
    how["message"]["channel"] = json!("phone");
    how["message"]["reference"] = json!("Ticket 8123");
    let (org, desk, _) = told_so(&app, how).await;
    let archive = content(&org.owner.caller, &bundles(&org.owner.caller, &desk).await[0]).await;
    let told = parsed(&archive, "letters/told.json");
    assert_eq!(told["letter_kept"], false);
    let recorded = &told["recorded"];
    for (what, is) in [
        ("to", json!("Casey Client")),
        ("channel", json!("phone")),
        ("reference", json!("Ticket 8123")),
        ("on", json!("2026-11-22")),
        ("by", json!(format!("user:{}", org.owner.id))),
        ("context", json!("We found seats that were provisioned and not billed.")),
        ("data", json!("February to September 2026, month by month.")),
        ("going_forward", json!("From 1 December on we bill 61 seats.")),
    ] {
        assert_eq!(recorded[what], is, "{what}: {told:#}");
    }
    assert_eq!(file(&archive, "letters/index.json"), "[]", "no letter is made up");
    let outcome = checked(&archive, &keys(&app, &org).await);
    assert!(outcome.holds(), "{outcome:#?}");
    let report = report(&archive);
    for said in ["the service keeps no letter", "Casey Client", "Phone", "Ticket 8123"] {
        assert!(report.contains(said), "{said}\n{report}");
    }
    assert!(!report.contains("Message to Contoso"), "{report}");
}

#[tokio::test]
async fn what_was_not_recorded_is_said_to_be_so() {
    let app = TestApp::start().await;
    let (org, desk, _) = told(&app).await;
    let archive = content(&org.owner.caller, &bundles(&org.owner.caller, &desk).await[0]).await;
    let recorded = &parsed(&archive, "letters/told.json")["recorded"];
    assert_eq!((&recorded["to"], &recorded["channel"]), (&Value::Null, &Value::Null), "{recorded:#}");
    assert!(report(&archive).contains("Channel not recorded"));
}

#[tokio::test]
async fn a_letter_that_told_the_client_is_in_the_bundle_with_its_stored_digest() {
    let app = TestApp::start().await;
    let (org, desk, _) = told_so(&app, by_letter()).await;
    let caller = &org.owner.caller;
    let archive = content(caller, &bundles(caller, &desk).await[0]).await;
    let kept = org.read("/v1/letters").await["data"][0].clone();
    let index = parsed(&archive, "letters/index.json");
    let listed = &index[0];
    assert_eq!(
        (index.as_array().map(Vec::len), &listed["sha256"], &listed["subject"], &listed["recipients"][0]),
        (Some(1), &kept["sha256"], &kept["subject"], &json!("carter@contoso.example")),
        "{index:#}"
    );
    assert!(listed["sent_at"].is_string(), "it was handed out: {index:#}");
    let path = format!("/v1/letters/{}?format=text", kept["id"].as_str().unwrap());
    let text = caller.get(&path).send().await.unwrap().text().await.unwrap();
    assert_eq!(file(&archive, listed["text"].as_str().unwrap()), text);
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(archive.clone())).unwrap();
    assert!(zip.by_name("letters/told.json").is_err(), "a letter told it");
    assert!(checked(&archive, &keys(&app, &org).await).holds());
}

#[tokio::test]
async fn a_letter_that_waits_to_be_sent_is_in_the_bundle_that_was_frozen_with_it_and_says_so() {
    let server = SmtpServer::start();
    let app = TestApp::start_with(mailing(&server)).await;
    let (org, gap) = crate::corrections::audited(&app, 61, 60, 8..=9).await;
    let caller = &org.owner.caller;
    let (mut desk, _) = crate::corrections::Desk::open(caller, &[&gap]).await;
    desk.ok(caller, "communicate", by_letter()).await;
    // The bundle is of the instant of the command; the mail goes out afterwards.
    app.clock.advance(chrono::TimeDelta::seconds(5));
    app.work().await;
    let archive = content(caller, &bundles(caller, &desk).await[0]).await;
    let index = parsed(&archive, "letters/index.json");
    assert_eq!(
        (index.as_array().map(Vec::len), &index[0]["sent_at"], &index[0]["recipients"][0]),
        (Some(1), &Value::Null, &json!("carter@contoso.example")),
        "{index:#}"
    );
    let next = another(&app, caller, &desk, json!({})).await;
    let index = parsed(&content(caller, &next).await, "letters/index.json");
    assert!(index[0]["sent_at"].is_string(), "{index:#}");
}

#[tokio::test]
async fn the_audits_program_is_the_one_that_made_it() {
    let app = TestApp::start().await;
    let (org, desk, _) = told(&app).await;
    let caller = &org.owner.caller;
    let mut superuser = app.database.superuser().await;
    for (stored, says) in [("'0.0.1-before'", json!("0.0.1-before")), ("null", Value::Null)] {
        let change = format!("update audits set engine_version = {stored}");
        sqlx::query(sqlx::AssertSqlSafe(change)).execute(&mut superuser).await.unwrap();
        let archive = content(caller, &another(&app, caller, &desk, json!({})).await).await;
        let manifest = parsed(&archive, "manifest.json");
        assert_eq!(manifest["audit"]["engine_version"], says, "{manifest:#}");
        assert_eq!(parsed(&archive, "audit.json")["audit"]["engine_version"], says);
        assert_eq!(manifest["bundle"]["engine_version"], env!("CARGO_PKG_VERSION"));
        let spoken =
            says.as_str().map_or_else(|| "was not recorded".to_owned(), |says| format!("version {says}"));
        assert!(report(&archive).contains(&spoken), "{spoken}");
    }
}

#[tokio::test]
async fn an_audit_keeps_the_version_of_the_program_that_made_it() {
    let app = TestApp::start().await;
    let (org, _, _) = told(&app).await;
    let mut superuser = app.database.superuser().await;
    let kept: Vec<Option<String>> = sqlx::query_scalar("select engine_version from audits where org_id = $1")
        .bind(org.id.uuid())
        .fetch_all(&mut superuser)
        .await
        .unwrap();
    assert!(kept.iter().all(|version| version.as_deref() == Some(env!("CARGO_PKG_VERSION"))), "{kept:?}");
}

#[tokio::test]
async fn the_reference_is_the_one_that_invoices_carry() {
    let app = TestApp::start().await;
    let (org, desk, _) = told_so(&app, by_letter()).await;
    let caller = &org.owner.caller;
    let instructions = org.read(&format!("/v1/corrections/{}/billing-instructions", desk.id)).await;
    let reference = instructions["reference"].as_str().unwrap();
    assert!(reference.starts_with("LF-"), "{instructions:#}");
    let archive = content(caller, &bundles(caller, &desk).await[0]).await;
    assert_eq!(parsed(&archive, "manifest.json")["correction"]["reference"], reference);
    assert_eq!(parsed(&archive, "correction.json")["reference"], reference);
    assert!(file(&archive, "README.txt").contains(&format!("Correction {reference} ({})", desk.id)));
    assert!(report(&archive).contains(reference));
}

#[tokio::test]
async fn the_report_has_the_organizations_logo_and_colour() {
    let app = TestApp::start().await;
    let (org, desk, _) = told(&app).await;
    let caller = &org.owner.caller;
    let plain = content(caller, &bundles(caller, &desk).await[0]).await;
    let logo = caller.put("/v1/organization/logo").header("If-Match", "\"v1\"").body(PNG.to_vec());
    assert_eq!(logo.send().await.unwrap().status(), 204);
    let colour = json!({"settings": {"brand": {"primary_colour": "#7a1fa2"}}});
    let changed = caller.patch("/v1/organization").header("If-Match", "\"v2\"").json(&colour);
    assert_eq!(send(changed).await.0, 200);
    // Facts are there until the archive is: a worker that dies before it says so leaves them to be looked at.
    let path = format!("/v1/corrections/{}/evidence-bundles", desk.id);
    let (_, asked) = send(caller.post(&path).json(&json!({}))).await;
    let dies: leakage_api::jobs::runner::Handler = |context| {
        Box::pin(async move {
            if context.kind == JobKind::BuildEvidence {
                evidence::build(&context.app, context.org, context.subject).await?;
                return Err(JobError::Failed("killed".into()));
            }
            context.kind.run(context).await
        })
    };
    Runner::new(Arc::clone(&app.app)).with_handler(dies).drain().await.unwrap();
    let mut superuser = app.database.superuser().await;
    let facts: String =
        sqlx::query_scalar("select facts from evidence_bundle_facts where bundle_id = $1::uuid")
            .bind(asked["id"].as_str().unwrap())
            .fetch_one(&mut superuser)
            .await
            .unwrap();
    let facts: Value = serde_json::from_str(&facts).unwrap();
    let bytes = base64::engine::general_purpose::STANDARD.encode(PNG);
    assert_eq!(facts["msp"]["logo"], json!({"media_type": "image/png", "bytes": bytes}));
    assert_eq!(facts["msp"]["colour"], "#7a1fa2");
    app.clock.advance(chrono::TimeDelta::seconds(30));
    app.work().await;
    let (_, bundle) =
        send(caller.get(&format!("/v1/evidence-bundles/{}", asked["id"].as_str().unwrap()))).await;
    let branded = content(caller, &bundle).await;
    let images =
        |archive: &[u8]| file(archive, "report.pdf").replace(' ', "").matches("/Subtype/Image").count();
    assert!(images(&branded) > images(&plain), "the logo is drawn");
}
