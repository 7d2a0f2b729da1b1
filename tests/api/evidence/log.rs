//! The log: what was done is in it, proved; what a superuser changes is found out, and named.

use super::{check, told};
use leakage_core::log::{Checkpoint, Hash, NoteKey, verify_inclusion};
use leakage_tests::{TestApp, assert_problem, send};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

async fn run(app: &TestApp, statement: &str) {
    // As a superuser who knows what stands in the way.
    let mut superuser = app.database.superuser().await;
    let statement = format!("set session_replication_role = replica; {statement}");
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut superuser).await.unwrap();
}

#[tokio::test]
async fn what_is_done_is_in_the_log_and_proved() {
    let app = TestApp::start().await;
    let (org, _, _) = told(&app).await;
    let caller = &org.owner.caller;
    let entries = org.read("/v1/timeline-log/entries").await;
    let said: Vec<Value> = entries["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| serde_json::from_str(entry["entry"].as_str().unwrap()).unwrap())
        .collect();
    let commands: Vec<&str> = said.iter().map(|entry| entry["command"].as_str().unwrap()).collect();
    assert_eq!(commands, ["open", "communicate", "freeze_evidence"]);
    assert_eq!(
        (&said[1]["before"]["state"], &said[1]["after"]["state"]),
        (&json!("found"), &json!("communicated"))
    );
    let newest = org.read("/v1/timeline-log/checkpoint").await;
    let origin = newest["origin"].as_str().unwrap();
    let key = NoteKey::new(origin, super::keys(&app, &org).await[0]).unwrap();
    let note = newest["checkpoint"]["note"].as_str().unwrap();
    let checkpoint = Checkpoint::open(note, origin, &key, |key, text, signature| {
        aws_lc_rs::signature::UnparsedPublicKey::new(&aws_lc_rs::signature::ED25519, key)
            .verify(text, signature)
            .is_ok()
    })
    .unwrap();
    assert_eq!(checkpoint.size, 3);
    for place in 0..3_u64 {
        let proof = org.read(&format!("/v1/timeline-log/proofs/{place}")).await;
        let hashes: Vec<Hash> = serde_json::from_value(proof["proof"].clone()).unwrap();
        let at = usize::try_from(place).unwrap();
        let leaf = Hash::parse(entries["data"][at]["leaf"].as_str().unwrap()).unwrap();
        verify_inclusion(leaf, place, checkpoint.size, &hashes, checkpoint.root).unwrap();
    }
    assert_problem(&send(caller.get("/v1/timeline-log/proofs/3")).await, 404, "not_found");
    let sound = check(caller, Some(note)).await;
    assert_eq!((&sound["sound"], &sound["outside"]["consistent"]), (&json!(true), &json!(true)), "{sound:#}");
}

#[tokio::test]
async fn a_log_that_was_not_there_takes_what_was_done_before() {
    let app = TestApp::start().await;
    let (org, mut desk, _) = told(&app).await;
    // As if all that had been done before there was a log.
    run(&app, "delete from evidence_bundles; delete from timeline_log_checkpoints; delete from timeline_log_entries;
               delete from timeline_log; delete from timeline_log_heads").await;
    desk.ok(&org.owner.caller, "deliver", json!({"on": "2026-11-22"})).await;
    app.work().await;
    let sound = check(&org.owner.caller, None).await;
    assert_eq!((&sound["sound"], &sound["size"]), (&json!(true), &json!(3)), "{sound:#}");
}

#[tokio::test]
async fn what_a_superuser_changes_is_found_out_and_named() {
    for (what, change, place) in [
        ("a reason is edited", "update correction_timeline set reason = 'another' where command = 'communicate'", 1),
        ("an event is dropped", "delete from correction_timeline where command = 'communicate'", 1),
        (
            "events are put in another order",
            "update correction_timeline set command = case command when 'open' then 'communicate' else 'open' end",
            0,
        ),
        ("an entry is edited", "update timeline_log_entries set entry = replace(entry, 'found', 'waived') where place = 1", 1),
        ("an entry is dropped", "delete from timeline_log where place = 1", 1),
        (
            "entries change places",
            "update timeline_log_entries set entry = (select entry from timeline_log_entries where place = 1 - e.place)
             from timeline_log_entries e where e.place = timeline_log_entries.place and e.place < 2;
             update timeline_log set leaf = (select leaf from timeline_log l where l.place = 1 - timeline_log.place)
             where place < 2",
            0,
        ),
        ("the tail is cut off", "delete from timeline_log_entries where place = 2; delete from timeline_log where place = 2", 2),
        ("an entry is erased without an erasure", "update timeline_log_entries set entry = null, erased_at = now() where place = 1", 1),
        ("a hash is changed", "update timeline_log set leaf = sha256('x') where place = 1", 1),
    ] {
        let app = TestApp::start().await;
        let (org, _, _) = told(&app).await;
        run(&app, change).await;
        let found = check(&org.owner.caller, None).await;
        assert_eq!((&found["sound"], &found["first_bad"]["place"]), (&json!(false), &json!(place)), "{what}: {found:#}");
    }
}

#[tokio::test]
async fn a_log_that_is_rewritten_whole_does_not_fit_a_checkpoint_that_was_kept_elsewhere() {
    let app = TestApp::start().await;
    let (org, mut desk, _) = told(&app).await;
    let caller = &org.owner.caller;
    let kept =
        org.read("/v1/timeline-log/checkpoint").await["checkpoint"]["note"].as_str().unwrap().to_owned();
    // Whoever has the database and the key can write all of it anew, with another past.
    run(&app, "update correction_timeline set reason = 'another past' where command = 'communicate';
               delete from evidence_bundles; delete from timeline_log_checkpoints; delete from timeline_log_entries;
               delete from timeline_log; delete from timeline_log_heads").await;
    desk.ok(caller, "deliver", json!({"on": "2026-11-22"})).await;
    app.work().await;
    assert_eq!(check(caller, None).await["sound"], true, "by itself it looks sound");
    let found = check(caller, Some(&kept)).await;
    assert_eq!(found["sound"], false, "{found:#}");
    assert_eq!(found["outside"], json!({"size": 3, "signed": true, "consistent": false}));
    let theirs = app.org("Theirs").await;
    let body = json!({ "checkpoint": kept });
    assert_problem(
        &send(theirs.owner.caller.post("/v1/timeline-log/check").json(&body)).await,
        422,
        "validation_failed",
    );
}

#[tokio::test]
async fn the_service_can_only_add() {
    let app = TestApp::start().await;
    let (org, _, _) = told(&app).await;
    for statement in [
        "update timeline_log set leaf = leaf",
        "delete from timeline_log",
        "delete from timeline_log_entries",
        "update timeline_log_entries set place = place",
        "update timeline_log_checkpoints set note = note",
        "delete from timeline_log_checkpoints",
        "update signing_keys set public_key = public_key",
        "delete from signing_keys",
        "update captured_evidence set record = record",
        "delete from captured_evidence",
        "delete from evidence_bundles",
    ] {
        let code = crate::corrections::denied(&app, &org, statement).await;
        assert_eq!(code.as_deref(), Some("42501"), "{statement}");
    }
    let code =
        crate::corrections::denied(&app, &org, "update timeline_log_entries set entry = 'other'").await;
    assert_eq!(code.as_deref(), Some("23514"), "what an entry said can be erased, and not changed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_make_one_log() {
    let app = TestApp::start_with(|config| config.database.max_connections = 20).await;
    let (org, gap) = crate::corrections::audited(&app, 61, 60, 8..=9).await;
    let owner = org.owner.caller.clone();
    let (desk, _) = crate::corrections::Desk::open(&owner, &[&gap]).await;
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (owner, path) = (owner.clone(), format!("/v1/corrections/{}/assign", desk.id));
        let body = json!({"owner": org.owner.id});
        asked.spawn(async move {
            send(owner.post("/v1/organization/signing-keys/rotate")).await;
            send(owner.post(&path).header("If-Match", "\"v1\"").json(&body)).await.0
        });
    }
    while let Some(answer) = asked.join_next().await {
        assert!(matches!(answer.unwrap(), 200 | 409 | 412));
    }
    app.work().await;
    let sound = check(&owner, None).await;
    assert_eq!((&sound["sound"], &sound["size"]), (&json!(true), &json!(22)), "{sound:#}");
}

#[tokio::test]
async fn a_long_log_is_exported_piece_by_piece_and_checks_as_a_whole() {
    let app = TestApp::start().await;
    let (org, _, _) = told(&app).await;
    let mut tx = app.app.db.begin(org.id).await.unwrap();
    for number in 0..2_500 {
        tx.log(leakage_api::storage::timeline_log::NewLogEntry {
            at: app.clock.now(),
            actor: "job:test".to_owned(),
            command: "count".to_owned(),
            subject: format!("number:{number}"),
            before: Value::Null,
            after: json!({ "number": number }),
            reason: None,
            source: None,
        });
    }
    tx.commit().await.unwrap();
    app.work().await;
    let mut response = org.owner.caller.get("/v1/timeline-log/export").send().await.unwrap();
    let (mut pieces, mut bytes) = (0, Vec::new());
    while let Some(piece) = response.chunk().await.unwrap() {
        pieces += 1;
        bytes.extend_from_slice(&piece);
    }
    assert!(pieces >= 3, "a thousand entries at a time: {pieces}");
    let text = String::from_utf8(bytes).unwrap();
    let places: Vec<u64> = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).unwrap()["place"].as_u64())
        .collect();
    assert_eq!(places, (0..2_503).collect::<Vec<_>>(), "each entry once, in order");
    let keys = super::keys(&app, &org).await;
    let kept =
        org.read("/v1/timeline-log/checkpoint").await["checkpoint"]["note"].as_str().unwrap().to_owned();
    let outcome = leakage_core::evidence::verify::verify_log(
        leakage_core::evidence::verify::LogFile {
            lines: &mut text.as_bytes(),
            checkpoints: &[kept],
            keys: &keys,
        },
        &|key, text, signature| {
            aws_lc_rs::signature::UnparsedPublicKey::new(&aws_lc_rs::signature::ED25519, key)
                .verify(text, signature)
                .is_ok()
        },
    );
    assert!(outcome.holds(), "{outcome:#?}");
}

#[tokio::test]
async fn a_text_is_changed_by_an_erasure_only() {
    let app = TestApp::start().await;
    let (org, _, _) = told(&app).await;
    for (statement, constraint) in [
        ("update correction_timeline set reason = 'another'", "correction_timeline_only_erased"),
        ("update correction_entries set reason = 'another'", "correction_entries_only_erased"),
        ("update correction_frozen_facts set facts = '{}'", "correction_frozen_facts_only_erased"),
    ] {
        let refused = crate::corrections::refused(&app, &org, statement).await;
        assert_eq!(refused.as_deref(), Some(constraint), "{statement}");
    }
}
