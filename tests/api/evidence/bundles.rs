//! Bundles: built, downloaded, checked without us, never changed.

use super::{another, bundles, checked, content, keys, told};
use crate::corrections::{Desk, audited};
use leakage_api::auth::Role;
use leakage_api::jobs::runner::Runner;
use leakage_api::jobs::{JobError, JobKind};
use leakage_api::services::evidence;
use leakage_core::digest;
use leakage_tests::{TestApp, assert_problem, send};
use serde_json::json;
use sqlx::AssertSqlSafe;
use std::process::Command;
use std::sync::Arc;

#[tokio::test]
async fn a_message_brings_a_bundle_that_proves_itself() {
    let app = TestApp::start().await;
    let (org, desk, _) = told(&app).await;
    let caller = &org.owner.caller;
    let list = bundles(caller, &desk).await;
    assert_eq!(list.len(), 1, "{list:#?}");
    let bundle = &list[0];
    assert_eq!(
        (bundle["status"].as_str(), bundle["of_message"].as_bool()),
        (Some("built"), Some(true)),
        "{bundle:#}"
    );
    assert_eq!(bundle["correction_version"], desk.version);
    let path = format!("/v1/evidence-bundles/{}/content", bundle["id"].as_str().unwrap());
    let response = caller.get(&path).send().await.unwrap();
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "application/zip");
    assert!(header("content-disposition").starts_with("attachment; filename=\"evidence-"));
    let tag = header("etag");
    let archive = response.bytes().await.unwrap();
    assert_eq!(tag, format!("\"{}\"", digest::of_bytes(&archive)));
    assert_eq!(bundle["sha256"], digest::of_bytes(&archive));
    let again = caller.get(&path).header("If-None-Match", &tag).send().await.unwrap();
    assert_eq!(again.status(), 304);
    let keys = keys(&app, &org).await;
    let outcome = checked(&archive, &keys);
    assert!(outcome.holds(), "{outcome:#?}");
    assert!(!checked(&archive, &[[7; 32]]).holds(), "another's key");
    let mut changed = archive.to_vec();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    assert!(!checked(&changed, &keys).holds(), "a changed byte");
}

#[tokio::test]
async fn openssl_and_sha256sum_say_so_too() {
    let app = TestApp::start().await;
    let (org, desk, _) = told(&app).await;
    let archive = content(&org.owner.caller, &bundles(&org.owner.caller, &desk).await[0]).await;
    let pem = app.get(&format!("/.well-known/evidence-keys/{}/pem", org.id)).send().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(archive)).unwrap();
    zip.extract(folder.path()).unwrap();
    std::fs::write(folder.path().join("published.pem"), pem.bytes().await.unwrap()).unwrap();
    let run = |program: &str, arguments: &[&str]| {
        let out = Command::new(program).args(arguments).current_dir(folder.path()).output().unwrap();
        assert!(out.status.success(), "{program}: {}", String::from_utf8_lossy(&out.stderr));
    };
    run("sha256sum", &["--check", "--strict", "SHA256SUMS"]);
    run(
        "openssl",
        &[
            "pkeyutl",
            "-verify",
            "-pubin",
            "-inkey",
            "published.pem",
            "-rawin",
            "-in",
            "manifest.json",
            "-sigfile",
            "manifest.sig",
        ],
    );
}

#[tokio::test]
async fn a_changed_key_leaves_old_bundles_good_and_signs_new_ones() {
    let app = TestApp::start().await;
    let (org, desk, _) = told(&app).await;
    let caller = &org.owner.caller;
    let old = content(caller, &bundles(caller, &desk).await[0]).await;
    let before = keys(&app, &org).await;
    let biller = org.member(Role::Biller).await.caller;
    assert_problem(
        &send(biller.post("/v1/organization/signing-keys/rotate")).await,
        403,
        "insufficient_role",
    );
    let (status, rotated) = send(caller.post("/v1/organization/signing-keys/rotate")).await;
    assert_eq!(status, 200, "{rotated:#}");
    let after = keys(&app, &org).await;
    assert_eq!((after.len(), after[1]), (2, before[0]));
    let bundle = another(&app, caller, &desk, json!({})).await;
    let new = content(caller, &bundle).await;
    assert!(checked(&old, &after).holds());
    let outcome = checked(&new, &after);
    assert!(outcome.holds(), "{outcome:#?}");
    assert!(!checked(&new, &before).holds(), "the old key signs no more");
    let (_, published) = send(app.get(&format!("/.well-known/evidence-keys/{}", org.id))).await;
    assert_eq!(
        (&published["keys"][0]["kid"], &published["keys"][0]["retired_at"]),
        (&rotated["kid"], &json!(null))
    );
    assert!(published["keys"][1]["retired_at"].is_string(), "{published:#}");
    assert_eq!(super::check(caller, None).await["sound"], true);
}

#[tokio::test]
async fn later_facts_are_a_new_bundle_that_names_the_one_before() {
    let app = TestApp::start().await;
    let (org, mut desk, _) = told(&app).await;
    let caller = &org.owner.caller;
    let first = bundles(caller, &desk).await.remove(0);
    let old = content(caller, &first).await;
    desk.ok(caller, "deliver", json!({"on": "2026-11-22"})).await;
    let second = another(&app, caller, &desk, json!({})).await;
    assert_eq!((&second["bundle_version"], &second["predecessor"]), (&json!(2), &first["id"]), "{second:#}");
    assert_eq!(content(caller, &first).await, old, "the first one is as it was");
    let (_, again) =
        send(caller.get(&format!("/v1/evidence-bundles/{}", first["id"].as_str().unwrap()))).await;
    assert_eq!(again, first);
}

#[tokio::test]
async fn a_worker_that_dies_at_any_step_leaves_the_same_bytes() {
    let app = TestApp::start().await;
    let (org, desk, _) = told(&app).await;
    let caller = &org.owner.caller;
    let path = format!("/v1/corrections/{}/evidence-bundles", desk.id);
    let (_, asked) = send(caller.post(&path).json(&json!({}))).await;
    // The archive is made and kept, and the worker dies before it can say so.
    let dies: leakage_api::jobs::runner::Handler = |context| {
        Box::pin(async move {
            if context.kind == JobKind::BuildEvidence {
                let made = evidence::build(&context.app, context.org, context.subject).await?;
                assert!(made.is_some());
                return Err(JobError::Failed("killed".into()));
            }
            context.kind.run(context).await
        })
    };
    Runner::new(Arc::clone(&app.app)).with_handler(dies).drain().await.unwrap();
    let folder = app.files().join("objects").join(org.id.to_string()).join("evidence");
    let kept = || {
        let files = std::fs::read_dir(&folder).unwrap().flatten();
        let mut names: Vec<_> = files.map(|file| file.file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    let before = kept();
    assert_eq!(before.len(), 2, "{before:?}");
    app.clock.advance(chrono::TimeDelta::seconds(30));
    app.work().await;
    let path = format!("/v1/evidence-bundles/{}", asked["id"].as_str().unwrap());
    let (_, bundle) = send(caller.get(&path)).await;
    assert_eq!(bundle["status"], "built", "{bundle:#}");
    assert_eq!(kept(), before, "built again, it is the same file");
    assert!(checked(&content(caller, &bundle).await, &keys(&app, &org).await).holds());
    assert_eq!(super::check(caller, None).await["sound"], true);
}

#[tokio::test]
async fn nobody_changes_a_bundle_that_is_built() {
    let app = TestApp::start().await;
    let (org, desk, _) = told(&app).await;
    let id = bundles(&org.owner.caller, &desk).await[0]["id"].as_str().unwrap().to_owned();
    let mut superuser = app.database.superuser().await;
    for change in [
        format!("update evidence_bundles set sha256 = 'sha256:' || repeat('0', 64) where id = '{id}'"),
        format!("update evidence_bundles set status = 'building', sha256 = null where id = '{id}'"),
        format!("delete from evidence_bundles where id = '{id}'"),
    ] {
        let refused = sqlx::query(AssertSqlSafe(change.clone())).execute(&mut superuser).await.unwrap_err();
        let constraint = refused.as_database_error().unwrap().constraint().map(str::to_owned);
        assert!(constraint.is_some_and(|name| name.starts_with("evidence_bundles_")), "{change}: {refused}");
    }
}

#[tokio::test]
async fn bundles_are_their_organizations_own() {
    let app = TestApp::start().await;
    let (org, desk, _) = told(&app).await;
    let theirs = app.org("Theirs").await;
    let id = bundles(&org.owner.caller, &desk).await[0]["id"].as_str().unwrap().to_owned();
    for path in [
        format!("/v1/evidence-bundles/{id}"),
        format!("/v1/evidence-bundles/{id}/content"),
        format!("/v1/corrections/{}/evidence-bundles", desk.id),
    ] {
        assert_problem(&send(theirs.owner.caller.get(&path)).await, 404, "not_found");
    }
    let viewer = org.member(Role::Viewer).await.caller;
    let path = format!("/v1/corrections/{}/evidence-bundles", desk.id);
    assert_problem(&send(viewer.post(&path).json(&json!({}))).await, 403, "insufficient_role");
}

#[tokio::test]
async fn a_bundle_holds_what_was_there_when_it_was_asked_for() {
    let app = TestApp::start().await;
    let (org, gap) = audited(&app, 61, 60, 8..=9).await;
    let caller = &org.owner.caller;
    let (mut desk, _) = Desk::open(caller, &[&gap]).await;
    desk.ok(caller, "communicate", crate::corrections::message(61)).await;
    // Before a worker looks, the client was told, and objected.
    let said = crate::corrections::said();
    desk.ok(caller, "dispute", json!({"reason": "refusal", "parts": [{"line": 1}], "said": said})).await;
    app.work().await;
    let list = bundles(caller, &desk).await;
    assert_eq!(
        (&list[0]["correction_version"], list[0]["status"].as_str()),
        (&json!(desk.version - 1), Some("built"))
    );
    let archive = content(caller, &list[0]).await;
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(archive)).unwrap();
    let text = std::io::read_to_string(zip.by_name("correction.json").unwrap()).unwrap();
    assert!(text.contains("\"communicated\"") && !text.contains("\"disputed\""), "{text}");
}
