//! Erasing persons: everything that names them is reached, nothing that only reads like it is touched, and what is
//! interrupted is done in the end.

use super::{ANNA, another, bundles, check, checked, content, file, keys, provisioning, told, told_so};
use crate::corrections::{Desk, said};
use leakage_api::jobs::runner::{Handler, Runner};
use leakage_api::jobs::{JobError, JobKind};
use leakage_api::services::evidence;
use leakage_tests::{Org, TestApp, assert_problem, send};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;

const CASEY: &str = "casey@contoso.example";

fn by_letter(recipient: &str, contact: &str) -> Value {
    json!({
        "letter": {"recipient": recipient, "contact": contact},
        "going_forward": {"invoice_on": "2026-12-01", "lines": [{"line": 1, "seats": 61}]},
        "gaps_confirmed": true,
    })
}

async fn asked(org: &Org<'_>, person: &str) -> Value {
    let request = json!({"person": person, "reason": "Asked by letter"});
    let (status, erasure) = send(org.owner.caller.post("/v1/erasures").json(&request)).await;
    assert_eq!(status, 202, "{erasure:#}");
    erasure
}

/// Erases a person; answers what came of it.
async fn erased(app: &TestApp, org: &Org<'_>, person: &str) -> Value {
    let erasure = asked(org, person).await;
    app.work().await;
    let erasure = org.read(&format!("/v1/erasures/{}", erasure["id"].as_str().unwrap())).await;
    assert_eq!(erasure["status"], "erased", "{erasure:#}");
    erasure
}

/// Tables in which a text is left, of all that the service has but what lives for some days only.
async fn tables_with(app: &TestApp, text: &str) -> Vec<String> {
    let mut superuser = app.database.superuser().await;
    let tables: Vec<String> = sqlx::query_scalar(
        "select c.relname::text
         from pg_class c
         where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
           and c.relname not in ('idempotency_replies', 'jobs')",
    )
    .fetch_all(&mut superuser)
    .await
    .unwrap();
    let mut found = Vec::new();
    for table in tables {
        let query = format!("select count(*) from {table} t where position($1 in lower(t::text)) > 0");
        let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(query))
            .bind(text)
            .fetch_one(&mut superuser)
            .await
            .unwrap();
        if count > 0 {
            found.push(table);
        }
    }
    found
}

async fn register(org: &Org<'_>) {
    let client = org.read("/v1/clients").await["data"][0].clone();
    let body = json!({"name": client["name"], "contact": {"name": "Casey Client", "email": CASEY}});
    let path = format!("/v1/clients/{}", client["id"].as_str().unwrap());
    let tag = format!("\"v{}\"", client["version"]);
    let (status, answer) = send(org.owner.caller.patch(&path).header("If-Match", tag).json(&body)).await;
    assert_eq!(status, 200, "{answer:#}");
}

#[tokio::test]
async fn a_clients_person_is_erased_from_letters_corrections_contacts_timelines_and_log() {
    let app = TestApp::start().await;
    let (org, mut desk, _) = told_so(&app, by_letter(CASEY, "Casey Client")).await;
    let caller = &org.owner.caller;
    register(&org).await;
    let dispute = json!({
        "reason": "refusal", "parts": [{"line": 1}], "said": said(), "note": "Casey Client will not pay.",
    });
    desk.ok(caller, "dispute", dispute).await;
    let (status, attached) = desk.attach(caller, "kind=other&channel=email", "We refuse.").await;
    assert_eq!(status, 200, "{attached:#}");
    let letter = org.read("/v1/letters").await["data"][0].clone();
    let bundle = another(&app, caller, &desk, json!({})).await;
    let checkpoint =
        org.read("/v1/timeline-log/checkpoint").await["checkpoint"]["note"].as_str().unwrap().to_owned();
    for named in ["letters", "deliveries", "client_contacts", "corrections", "correction_timeline"] {
        assert!(
            tables_with(&app, "casey").await.contains(&named.to_owned()),
            "{named} names nobody: test nothing"
        );
    }

    // By the address alone: the registered contact's name goes with it.
    let erasure = erased(&app, &org, "CASEY@contoso.example").await;
    assert_eq!(erasure["matched"], true);
    for what in ["letters", "deliveries", "contacts", "corrections", "timeline", "log_entries", "bundles"] {
        assert!(erasure["erased"][what].as_u64().unwrap() > 0, "{what}: {erasure:#}");
    }
    assert_eq!(tables_with(&app, "casey").await, Vec::<String>::new());
    assert_eq!(
        (
            &erasure["kept"][0]["what"],
            &erasure["kept"][0]["correction_id"],
            &erasure["kept"][0]["confirmation"]
        ),
        (&json!("writing"), &json!(desk.id), &json!(1)),
        "{erasure:#}"
    );
    assert!(erasure["kept"][0]["why"].as_str().unwrap().contains("legal claims"));
    let path = format!("/v1/evidence-bundles/{}", bundle["id"].as_str().unwrap());
    assert_eq!(org.read(&path).await["status"], "erased");
    assert!(org.read("/v1/clients").await["data"][0]["contact"].is_null());

    // What was done is still told, and the log holds.
    let sound = check(caller, Some(&checkpoint)).await;
    assert_eq!(sound["sound"], true, "{sound:#}");
    let disputed = desk.read(caller, "").await;
    let by = disputed["disputes"][0]["said"]["by"].as_str().unwrap();
    assert!(by.starts_with("erased-"), "{disputed:#}");
    assert_eq!(disputed["disputes"][0]["note"], format!("{by} will not pay."));
    assert_eq!(disputed["disputes"][0]["reason"], "refusal");
    let timeline = desk.read(caller, "/timeline").await;
    let commands =
        timeline["data"].as_array().unwrap().iter().map(|entry| entry["command"].as_str().unwrap());
    assert!(commands.collect::<Vec<_>>().contains(&"dispute"), "{timeline:#}");

    // A new bundle says that the letter is not as it was, keeps the digest of what it was, and holds.
    let archive = content(caller, &another(&app, caller, &desk, json!({})).await).await;
    let index: Value = serde_json::from_str(&file(&archive, "letters/index.json")).unwrap();
    assert_eq!(index[0]["sha256"], letter["sha256"], "{index:#}");
    assert!(index[0]["erased_at"].is_string(), "{index:#}");
    let outcome = checked(&archive, &keys(&app, &org).await);
    assert!(outcome.holds(), "{outcome:#?}");
    assert!(!file(&archive, "replies/index.json").to_lowercase().contains("casey"));
    // And the conversation goes on.
    let offer = json!({"count": 2, "cadence": "monthly", "first_on": "2026-12-01"});
    desk.ok(caller, "plan", offer).await;
    desk.ok(caller, "answer", json!({"dispute": 1, "reason": "refusal"})).await;
}

#[tokio::test]
async fn a_bundle_is_found_by_whoever_stands_in_a_letter_only() {
    let app = TestApp::start().await;
    let (org, desk, _) = told_so(&app, by_letter("billing-desk@contoso.example", "Rosa Carter")).await;
    let kept = bundles(&org.owner.caller, &desk).await.remove(0);
    let erasure = erased(&app, &org, "rosa  CARTER").await;
    assert_eq!(erasure["erased"]["bundles"], 1, "{erasure:#}");
    let path = format!("/v1/evidence-bundles/{}", kept["id"].as_str().unwrap());
    assert_eq!(org.read(&path).await["status"], "erased");
    assert_eq!(tables_with(&app, "rosa carter").await, Vec::<String>::new());
}

#[tokio::test]
async fn bundles_of_before_are_found_by_what_is_in_them() {
    let app = TestApp::start().await;
    let (org, desk, _) = told(&app).await;
    // As if it had been built when fewer persons were indexed.
    let mut superuser = app.database.superuser().await;
    let before = "set session_replication_role = replica;
                  update evidence_bundles set indexed = false;
                  delete from evidence_bundle_persons";
    sqlx::raw_sql(before).execute(&mut superuser).await.unwrap();
    assert_eq!(erased(&app, &org, "nobody@contoso.example").await["erased"]["bundles"], 0);
    assert_eq!(erased(&app, &org, ANNA).await["erased"]["bundles"], 1);
    assert_eq!(bundles(&org.owner.caller, &desk).await[0]["status"], "erased");
}

#[tokio::test]
async fn who_acted_through_a_link_is_found_in_timeline_ledger_and_bundle() {
    let app = TestApp::start().await;
    let (org, mut desk, _) = told(&app).await;
    let caller = &org.owner.caller;
    // As the client's link writes it.
    let actor = "client:link.user@contoso.example by link 0190";
    let id = desk.id.parse().unwrap();
    let mut tx = app.app.db.begin(org.id).await.unwrap();
    let detail = json!({"network": "192.0.2.7", "user_agent": "Browser"});
    leakage_api::services::corrections::note(&app.app, &mut tx, id, actor, "visit", &detail).await.unwrap();
    tx.commit().await.unwrap();
    app.work().await;
    let bundle = another(&app, caller, &desk, json!({})).await;
    let erasure = erased(&app, &org, "link.user@contoso.example").await;
    assert_eq!(
        (&erasure["erased"]["bundles"], &erasure["erased"]["timeline"], &erasure["erased"]["log_entries"]),
        (&json!(1), &json!(1), &json!(1)),
        "{erasure:#}"
    );
    let path = format!("/v1/evidence-bundles/{}", bundle["id"].as_str().unwrap());
    assert_eq!(org.read(&path).await["status"], "erased");
    for text in ["link.user@", "192.0.2.7"] {
        assert_eq!(tables_with(&app, text).await, Vec::<String>::new(), "{text}");
    }
    let timeline = desk.read(caller, "/timeline").await.to_string();
    assert!(timeline.contains("client:erased-") && timeline.contains(" by link 0190"), "{timeline}");
    assert_eq!(check(caller, None).await["sound"], true);
}

#[tokio::test]
async fn words_that_only_begin_or_end_like_the_person_stay_and_nothing_found_is_said() {
    let app = TestApp::start().await;
    let (org, mut desk, _) = told_so(&app, by_letter("billing-desk@contoso.example", "Ms Carter")).await;
    let caller = &org.owner.caller;
    let before = (desk.read(caller, "").await, org.read("/v1/letters").await);
    // "user:" begins every actor, "act" is a part of many words, "erase" one of a command, "phone" a code.
    for person in
        ["user", "act", "erase", "erase_person", "phone", "email", "communicated", "nna@contoso.example"]
    {
        let erasure = erased(&app, &org, person).await;
        assert_eq!(erasure["matched"], false, "{person}: {erasure:#}");
    }
    assert_eq!((desk.read(caller, "").await, org.read("/v1/letters").await), before);
    let entries = org.read("/v1/timeline-log/entries?limit=500").await;
    let erasures = entries["data"].as_array().unwrap().iter().filter_map(|entry| entry["entry"].as_str());
    let erasures = erasures.filter(|entry| entry.contains(r#""command":"erase_person""#)).count();
    assert_eq!(erasures, 8, "entries that tell of erasures stay");
    assert_eq!(check(caller, None).await["sound"], true);
}

#[tokio::test]
async fn a_person_is_the_same_however_letters_are_folded() {
    let app = TestApp::start().await;
    let (org, gap) = crate::corrections::audited(&app, 61, 60, 8..=9).await;
    let users = ["\u{130}pek@contoso.example", "wei\u{df}@contoso.example", "M\u{fc}ller@contoso.example"];
    org.import_whole("audits.json", provisioning(&users), "client=Contoso").await;
    org.audit(json!({"from": "2026-08", "to": "2026-09"})).await;
    let (mut desk, _) = Desk::open(&org.owner.caller, &[&gap]).await;
    desk.ok(&org.owner.caller, "communicate", crate::corrections::message(61)).await;
    app.work().await;
    for (person, bundles) in
        [("ipek@contoso.example", 1), ("WEISS@CONTOSO.EXAMPLE", 0), ("mu\u{308}ller@contoso.example", 0)]
    {
        let erasure = erased(&app, &org, person).await;
        assert_eq!(
            (&erasure["erased"]["captured"], &erasure["erased"]["rows"], &erasure["erased"]["bundles"]),
            (&json!(1), &json!(1), &json!(bundles)),
            "{person}: {erasure:#}"
        );
        assert_eq!(erasure["files"][0]["file"], "audits.json", "{erasure:#}");
    }
}

fn archives(app: &TestApp, org: &Org<'_>) -> Vec<PathBuf> {
    let folder = app.files().join("objects").join(org.id.to_string()).join("evidence");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|file| file.path()).collect();
    files.sort();
    files
}

/// Works until jobs have been begun as often as they are.
async fn until_given_up(app: &TestApp, runner: &Runner) {
    for _ in 0..leakage_api::jobs::runner::MAX_ATTEMPTS {
        runner.drain().await.unwrap();
        app.clock.advance(chrono::TimeDelta::minutes(8));
    }
}

#[tokio::test]
async fn an_erasure_that_fails_half_way_is_done_in_the_end() {
    let app = TestApp::start().await;
    let (org, _, _) = told(&app).await;
    app.jobs_may_be_left();
    let archive = archives(&app, &org).remove(0);
    // The object store fails: what cannot be removed as a file is a folder that is not empty.
    let aside = archive.with_extension("aside");
    std::fs::rename(&archive, &aside).unwrap();
    std::fs::create_dir(&archive).unwrap();
    std::fs::write(archive.join("x"), "x").unwrap();
    let erasure = asked(&org, ANNA).await;
    until_given_up(&app, &Runner::new(Arc::clone(&app.app))).await;
    let path = format!("/v1/erasures/{}", erasure["id"].as_str().unwrap());
    let owner = app.sign_in(&org.owner.email, Some(org.id)).await.caller;
    let failed = send(owner.get(&path)).await.1;
    assert_eq!(
        (failed["status"].as_str(), failed["retry_at"].is_string()),
        (Some("failed"), true),
        "{failed:#}"
    );
    assert_eq!(failed["problem"]["code"], "internal_error", "{failed:#}");
    assert_eq!(
        tables_with(&app, ANNA).await,
        Vec::<String>::new(),
        "the first step is done once and for all"
    );
    std::fs::remove_dir_all(&archive).unwrap();
    std::fs::rename(&aside, &archive).unwrap();
    app.clock.advance(chrono::TimeDelta::hours(1));
    app.work().await;
    let owner = app.sign_in(&org.owner.email, Some(org.id)).await.caller;
    let done = send(owner.get(&path)).await.1;
    assert_eq!((done["status"].as_str(), &done["erased"]), (Some("erased"), &failed["erased"]), "{done:#}");
    assert_eq!((&done["problem"], &done["retry_at"]), (&Value::Null, &Value::Null));
    assert!(!archive.exists());
    assert_eq!(check(&owner, None).await["sound"], true);
}

#[tokio::test]
async fn the_archive_of_a_bundle_that_fails_is_removed() {
    let app = TestApp::start().await;
    let (org, desk, _) = told(&app).await;
    app.jobs_may_be_left();
    let before = archives(&app, &org);
    let path = format!("/v1/corrections/{}/evidence-bundles", desk.id);
    let (_, asked) = send(org.owner.caller.post(&path).json(&json!({}))).await;
    // Each time the archive is kept, and the worker dies before it can say so.
    let dies: Handler = |context| {
        Box::pin(async move {
            if context.kind == JobKind::BuildEvidence {
                evidence::build(&context.app, context.org, context.subject).await?;
                return Err(JobError::Failed("killed".into()));
            }
            context.kind.run(context).await
        })
    };
    until_given_up(&app, &Runner::new(Arc::clone(&app.app)).with_handler(dies)).await;
    let owner = app.sign_in(&org.owner.email, Some(org.id)).await.caller;
    let path = format!("/v1/evidence-bundles/{}", asked["id"].as_str().unwrap());
    assert_eq!(send(owner.get(&path)).await.1["status"], "failed");
    assert_eq!(archives(&app, &org).len(), before.len() + 1);
    app.clock.advance(chrono::TimeDelta::hours(1));
    app.work().await;
    assert_eq!(archives(&app, &org), before);
}

#[tokio::test]
async fn an_uploaded_file_that_names_the_person_can_be_removed_and_what_was_read_stays() {
    let app = TestApp::start().await;
    let (org, desk, log) = told(&app).await;
    let caller = &org.owner.caller;
    let erasure = erased(&app, &org, ANNA).await;
    assert_eq!(erasure["files"][0]["import_id"], log["id"], "{erasure:#}");
    let path = format!("/v1/imports/{}", log["id"].as_str().unwrap());
    let file = format!("{path}/file");
    assert!(caller.get(&file).send().await.unwrap().text().await.unwrap().contains(ANNA));
    let (_, import) = send(caller.get(&path)).await;
    assert_problem(&send(caller.delete(&file)).await, 428, "precondition_required");
    let tag = format!("\"v{}\"", import["version"]);
    assert_problem(&send(caller.delete(&file).header("If-Match", "\"v99\"")).await, 412, "version_mismatch");
    let (status, removed) = send(caller.delete(&file).header("If-Match", &tag)).await;
    assert_eq!((status, removed["file_erased_at"].is_string()), (200, true), "{removed:#}");
    assert_problem(&send(caller.get(&file)).await, 409, "conflict");
    let digest = import["sha256"].as_str().unwrap().trim_start_matches("sha256:").to_owned();
    let object = app.files().join("objects").join(org.id.to_string()).join("imports").join(digest);
    assert!(!object.exists());
    assert_eq!(removed["records"], import["records"]);
    let rows = org.read(&format!("{path}/rows")).await;
    assert_eq!(rows["data"].as_array().unwrap().len(), 2, "{rows:#}");
    assert_eq!(
        erased(&app, &org, "ben@contoso.example").await["files"],
        json!([]),
        "it names nobody any more"
    );
    // Whoever uploads it again has it again.
    org.import_whole("again.json", provisioning(&[ANNA, "ben@contoso.example"]), "client=Contoso").await;
    assert_eq!(caller.get(&file).send().await.unwrap().status(), 200);
    let archive = content(caller, &another(&app, caller, &desk, json!({})).await).await;
    assert!(checked(&archive, &keys(&app, &org).await).holds());
}

#[tokio::test]
async fn a_member_who_asks_is_told_to_be_removed_first() {
    let app = TestApp::start().await;
    let (org, _, _) = told(&app).await;
    let erasure = erased(&app, &org, &org.owner.email).await;
    assert_eq!(
        (&erasure["kept"][0]["what"], &erasure["kept"][0]["user_id"], &erasure["matched"]),
        (&json!("member"), &json!(org.owner.id), &json!(true)),
        "{erasure:#}"
    );
}
