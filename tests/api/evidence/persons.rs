//! Persons: replaced, captured, and erased.

use super::{ANNA, another, bundles, check, checked, content, keys, provisioning, told};
use leakage_api::auth::Role;
use leakage_tests::{TestApp, assert_problem, send};
use serde_json::json;

fn names(archive: &[u8]) -> bool {
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(archive)).unwrap();
    (0..zip.len()).any(|at| {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut zip.by_index(at).unwrap(), &mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).contains(ANNA)
    })
}

#[tokio::test]
async fn what_was_captured_stays_when_the_import_is_voided() {
    let app = TestApp::start().await;
    let (org, desk, log) = told(&app).await;
    let caller = &org.owner.caller;
    let void = caller.post(&format!("/v1/imports/{}/void", log["id"].as_str().unwrap()));
    let (status, voided) = send(
        void.header("If-Match", format!("\"v{}\"", log["version"])).json(&json!({"reason": "Aged out"})),
    )
    .await;
    assert_eq!(status, 200, "{voided:#}");
    app.work().await;
    let bundle = another(&app, caller, &desk, json!({})).await;
    assert!(names(&content(caller, &bundle).await));
}

#[tokio::test]
async fn the_same_entry_of_another_file_is_captured_once() {
    let app = TestApp::start().await;
    let (org, _, _) = told(&app).await;
    let log = provisioning(&[ANNA, "ben@contoso.example", "cleo@contoso.example"]);
    org.import_whole("later.json", log, "client=Contoso").await;
    for _ in 0..2 {
        org.audit(json!({"from": "2026-08", "to": "2026-09"})).await;
    }
    let mut superuser = app.database.superuser().await;
    let rows: i64 =
        sqlx::query_scalar("select count(*) from captured_evidence").fetch_one(&mut superuser).await.unwrap();
    assert_eq!(rows, 3);
}

#[tokio::test]
async fn persons_are_replaced_where_the_organization_or_the_request_says_so() {
    let app = TestApp::start().await;
    let (org, desk, _) = told(&app).await;
    let caller = &org.owner.caller;
    assert!(names(&content(caller, &bundles(caller, &desk).await[0]).await), "named by default");
    let one = another(&app, caller, &desk, json!({"names": "pseudonymous"})).await;
    let archive = content(caller, &one).await;
    assert!(!names(&archive));
    let outcome = checked(&archive, &keys(&app, &org).await);
    assert!(outcome.holds(), "{outcome:#?}");
    let change = json!({"settings": {"evidence_names": "pseudonymous"}});
    let (status, changed) =
        send(caller.patch("/v1/organization").header("If-Match", "\"v1\"").json(&change)).await;
    assert_eq!(
        (status, &changed["settings"]["evidence_names"]),
        (200, &json!("pseudonymous")),
        "{changed:#}"
    );
    assert_eq!(another(&app, caller, &desk, json!({})).await["names"], "pseudonymous");
    let full = another(&app, caller, &desk, json!({"names": "full"})).await;
    assert!(names(&content(caller, &full).await));
}

#[tokio::test]
async fn who_asks_to_be_forgotten_is_and_the_log_still_holds() {
    let app = TestApp::start().await;
    let (org, mut desk, _) = told(&app).await;
    let caller = &org.owner.caller;
    let dispute = json!({"reason": "unauthorized_seats", "parts": [{"line": 1, "seats": 1}], "said": crate::corrections::said()});
    desk.ok(caller, "dispute", dispute).await;
    let kept = bundles(caller, &desk).await.remove(0);
    let pseudonymous = another(&app, caller, &desk, json!({"names": "pseudonymous"})).await;
    let checkpoint =
        org.read("/v1/timeline-log/checkpoint").await["checkpoint"]["note"].as_str().unwrap().to_owned();
    let request = json!({"person": "Anna@Contoso.example", "reason": "Asked by letter"});
    let biller = org.member(Role::Biller).await.caller;
    assert_problem(&send(biller.post("/v1/erasures").json(&request)).await, 403, "insufficient_role");
    let (status, erasure) = send(caller.post("/v1/erasures").json(&request)).await;
    assert_eq!(status, 202, "{erasure:#}");
    app.work().await;
    let erasure = org.read(&format!("/v1/erasures/{}", erasure["id"].as_str().unwrap())).await;
    assert_eq!(erasure["status"], "erased", "{erasure:#}");
    assert_eq!(
        (&erasure["erased"]["captured"], &erasure["erased"]["bundles"]),
        (&json!(1), &json!(1)),
        "{erasure:#}"
    );
    assert_eq!(
        erasure["files"][0]["file"], "directory-audits.json",
        "files are kept as they came, and named"
    );
    // Its content is gone, its digests stay; the one that named nobody is as it was.
    let path = format!("/v1/evidence-bundles/{}", kept["id"].as_str().unwrap());
    let erased = org.read(&path).await;
    assert_eq!(
        (erased["status"].as_str(), &erased["manifest_sha256"]),
        (Some("erased"), &kept["manifest_sha256"])
    );
    assert_problem(&send(caller.get(&format!("{path}/content"))).await, 409, "conflict");
    let file = kept["sha256"].as_str().unwrap().trim_start_matches("sha256:").to_owned();
    assert!(!app.files().join("objects").join(org.id.to_string()).join("evidence").join(file).exists());
    assert!(checked(&content(caller, &pseudonymous).await, &keys(&app, &org).await).holds());
    let sound = check(caller, Some(&checkpoint)).await;
    assert_eq!(sound["sound"], true, "{sound:#}");
    // A new one names her no more.
    let next = another(&app, caller, &desk, json!({})).await;
    let archive = content(caller, &next).await;
    assert!(!names(&archive));
    let outcome = checked(&archive, &keys(&app, &org).await);
    assert!(outcome.holds(), "{outcome:#?}");
    let mut superuser = app.database.superuser().await;
    for column in [
        "activities.user_name",
        "provisioning_events.user_name",
        "captured_evidence.user_name",
        "erasures.person",
    ] {
        let (table, column) = column.split_once('.').unwrap();
        let query = format!("select count(*) from {table} where lower({column}) = '{ANNA}'");
        let left: i64 =
            sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_one(&mut superuser).await.unwrap();
        assert_eq!(left, 0, "{table}");
    }
}

#[tokio::test]
async fn what_is_kept_no_longer_goes_but_not_what_an_open_correction_rests_on() {
    let app = TestApp::start().await;
    let (org, mut desk, _) = told(&app).await;
    let change = json!({"settings": {"evidence_retention_months": 6}});
    let (status, changed) =
        send(org.owner.caller.patch("/v1/organization").header("If-Match", "\"v1\"").json(&change)).await;
    assert_eq!(status, 200, "{changed:#}");
    app.clock.advance(chrono::TimeDelta::days(200));
    app.work().await;
    let caller = app.sign_in(&org.owner.email, Some(org.id)).await.caller;
    let bundle = bundles(&caller, &desk).await.remove(0);
    assert_eq!(bundle["status"], "built", "its correction is open");
    let mut superuser = app.database.superuser().await;
    let count = "select count(*) from captured_evidence where user_name is not null";
    let named: i64 = sqlx::query_scalar(count).fetch_one(&mut superuser).await.unwrap();
    assert_eq!(named, 2);
    desk.ok(&caller, "bill", json!({"document": "INV-1", "on": "2026-12-01"})).await;
    desk.ok(&caller, "accept", json!({"said": crate::corrections::said()})).await;
    desk.ok(&caller, "resolve", json!({"basis": "accepted"})).await;
    app.clock.advance(chrono::TimeDelta::days(1));
    app.work().await;
    let caller = app.sign_in(&org.owner.email, Some(org.id)).await.caller;
    assert_eq!(bundles(&caller, &desk).await[0]["status"], "erased");
    let named: i64 = sqlx::query_scalar(count).fetch_one(&mut superuser).await.unwrap();
    assert_eq!(named, 0);
    assert_eq!(check(&caller, None).await["sound"], true);
}
