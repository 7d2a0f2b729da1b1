//! Import profiles: a file of no known format becomes a question, its answer is saved, and the next file
//! of that kind is read by itself.

use leakage_tests::{Org, TestApp, assert_problem, send};
use serde_json::{Value, json};

const MARCH: &str = "Kunde;Artikel;Menge;Einzelpreis;Von;Bis\n\
    Nordlicht GmbH;Microsoft 365 Business Premium;12;20,90;01.03.2026;31.03.2026\n\
    Hafenkontor KG;Microsoft 365 Business Basic;3;5,60;01.03.2026;31.03.2026\n";

fn april() -> String {
    MARCH.replace("01.03.2026", "01.04.2026").replace("31.03.2026", "30.04.2026")
}

/// The proposal of an import's question, with what it lacks.
fn corrected(import: &Value) -> Value {
    let question = &import["questions"][0];
    assert_eq!(question["question"], "profile", "{import:#}");
    assert_eq!(question["proposal"]["missing"], json!(["currency"]), "{import:#}");
    let mut profile = question["proposed_profile"].clone();
    profile["fields"]["currency"] = json!({"constant": "EUR"});
    profile
}

async fn answer(org: &Org<'_>, import: &Value, body: &Value) -> (u16, Value) {
    let path = format!("/v1/imports/{}/answers", import["id"].as_str().unwrap());
    let tag = format!("\"v{}\"", import["version"]);
    send(org.owner.caller.post(&path).header("If-Match", tag).json(body)).await
}

/// Answers, works, and reads the import again.
async fn settled(app: &TestApp, org: &Org<'_>, import: &Value, body: &Value) -> Value {
    let (status, problem) = answer(org, import, body).await;
    assert_eq!(status, 202, "{problem:#}");
    app.work().await;
    org.read(&format!("/v1/imports/{}", import["id"].as_str().unwrap())).await
}

#[tokio::test]
async fn an_unknown_file_is_a_question_and_next_month_its_like_is_read_by_itself() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let asking = org.import("maerz.csv", MARCH, "").await;
    assert_eq!(asking["status"], "needs_input", "{asking:#}");
    assert_eq!(asking["questions"][0]["columns"][1]["name"], "Artikel");
    assert_eq!(asking["questions"][0]["columns"][2]["samples"], json!(["12", "3"]));
    let body = json!({"profile": corrected(&asking), "save_as": "Nordsee ERP"});
    let import = settled(&app, &org, &asking, &body).await;
    assert_eq!(
        (import["status"].as_str(), import["format"].as_str(), import["records"].as_i64()),
        (Some("completed"), Some("profile_nordsee_erp"), Some(2)),
        "{import:#}"
    );
    let saved = org.read("/v1/import-profiles").await["data"][0].clone();
    assert_eq!(saved["definition"]["header"][0], "Kunde", "{saved:#}");
    assert_eq!((&import["profile_id"], &import["profiles"][0]["digest"]), (&saved["id"], &saved["digest"]));
    let rows = org.read(&format!("/v1/imports/{}/rows", import["id"].as_str().unwrap())).await;
    assert_eq!(
        (&rows["data"][0]["unit_price"], &rows["data"][0]["until"], &rows["data"][0]["currency"]),
        (&json!("20.90"), &json!("2026-04-01"), &json!("EUR"))
    );

    let next = org.import_whole("april.csv", april(), "").await;
    assert_eq!((&next["profile_id"], &next["profiles"][0]["version"]), (&saved["id"], &json!(1)), "{next:#}");
    assert_eq!(next["confidence"], "1.00");
}

#[tokio::test]
async fn another_organization_neither_sees_nor_uses_a_profile() {
    let app = TestApp::start().await;
    let (ours, theirs) = (app.org("Ours").await, app.org("Theirs").await);
    let asking = ours.import("maerz.csv", MARCH, "").await;
    settled(&app, &ours, &asking, &json!({"profile": corrected(&asking), "save_as": "ERP"})).await;
    assert_eq!(theirs.read("/v1/import-profiles").await["data"], json!([]));
    let import = theirs.import("april.csv", april(), "").await;
    assert_eq!((import["status"].as_str(), &import["profile_id"]), (Some("needs_input"), &Value::Null));
    let id = ours.read("/v1/import-profiles").await["data"][0]["id"].clone();
    for named in [id, json!("ERP")] {
        assert_problem(&answer(&theirs, &import, &json!({"profile": named})).await, 422, "validation_failed");
    }
}

#[tokio::test]
async fn a_mapping_that_cannot_be_is_told_at_once_with_its_place() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let import = org.import("maerz.csv", MARCH, "").await;
    let good = corrected(&import);
    let with = |change: &dyn Fn(&mut Value)| {
        let mut profile = good.clone();
        change(&mut profile);
        profile
    };
    let lacking = with(&|profile| {
        profile["fields"].as_object_mut().unwrap().remove("quantity");
    });
    let absent = with(&|profile| profile["fields"]["quantity"] = json!({"column": "Anzahl"}));
    let texts = with(&|profile| profile["fields"]["quantity"] = json!({"column": "Artikel"}));
    let misspelled = with(&|profile| profile["fields"]["quantity"] = json!({"colunm": "Menge"}));
    for (profile, pointer, reason) in [
        (lacking, "/profile/fields/quantity", "is needed"),
        (absent, "/profile/fields/quantity/column", "no column `Anzahl`"),
        (texts, "/profile/fields/quantity/column", "which is no number"),
        (misspelled, "/profile/fields/quantity/colunm", "unknown field"),
    ] {
        let problem = answer(&org, &import, &json!({"profile": profile, "save_as": "ERP"})).await;
        assert_problem(&problem, 422, "validation_failed");
        assert_eq!(problem.1["errors"][0]["pointer"], pointer, "{:#}", problem.1);
        assert!(problem.1["errors"][0]["reason"].as_str().unwrap().contains(reason), "{:#}", problem.1);
    }
    assert_eq!(org.read("/v1/import-profiles").await["data"], json!([]), "nothing was saved");
    let problem = answer(&org, &import, &json!({"save_as": "ERP"})).await;
    assert_eq!(problem.1["errors"][0]["pointer"], "/save_as", "{:#}", problem.1);
}

#[tokio::test]
async fn a_changed_profile_reads_later_files_and_leaves_earlier_imports() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let asking = org.import("maerz.csv", MARCH, "").await;
    let first = settled(&app, &org, &asking, &json!({"profile": corrected(&asking), "save_as": "ERP"})).await;
    let saved = org.read("/v1/import-profiles").await["data"][0].clone();
    let path = format!("/v1/import-profiles/{}", saved["id"].as_str().unwrap());
    let caller = &org.owner.caller;
    let mut changed = saved["definition"].clone();
    changed["fields"]["currency"] = json!({"constant": "CHF"});
    let change = |tag: &str, body: &Value| caller.patch(&path).header("If-Match", tag).json(body);
    assert_problem(&send(caller.patch(&path).json(&changed)).await, 428, "precondition_required");
    let (status, second) = send(change("\"v1\"", &changed)).await;
    assert_eq!((status, &second["version"]), (200, &json!(2)), "{second:#}");
    assert_problem(&send(change("\"v1\"", &changed)).await, 412, "version_mismatch");
    let mut renamed = changed.clone();
    renamed["name"] = json!("Another");
    let problem = send(change("\"v2\"", &renamed)).await;
    assert_eq!(problem.1["errors"][0]["pointer"], "/name", "{:#}", problem.1);

    let next = org.import_whole("april.csv", april(), "").await;
    let rows = async |import: &Value| {
        org.read(&format!("/v1/imports/{}/rows", import["id"].as_str().unwrap())).await["data"][0]["currency"]
            .clone()
    };
    assert_eq!((rows(&first).await, rows(&next).await), (json!("EUR"), json!("CHF")));
    assert_eq!(next["profiles"][0]["version"], 2);
    let first = org.read(&format!("/v1/imports/{}", first["id"].as_str().unwrap())).await;
    assert_eq!(first["profiles"][0]["definition"]["fields"]["currency"]["constant"], "EUR", "{first:#}");

    let (status, _) = send(caller.delete(&path)).await;
    assert_eq!(status, 204);
    assert_eq!(org.read("/v1/import-profiles").await["data"], json!([]));
    assert!(org.read(&path).await["retired_at"].is_string());
    let may = april().replace(".04.", ".05.");
    assert_eq!(org.import("mai.csv", may, "").await["status"], "needs_input");
    assert_problem(&send(change("\"v3\"", &changed)).await, 409, "conflict");
}

#[tokio::test]
async fn a_profile_is_named_on_upload_or_in_an_answer_and_its_name_is_its_own() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let asking = org.import("maerz.csv", MARCH, "").await;
    let mut profile = corrected(&asking);
    profile["name"] = json!("Nordsee ERP");
    let create = |body: &Value| org.owner.caller.post("/v1/import-profiles").json(body);
    let (status, saved) = send(create(&profile)).await;
    assert_eq!((status, saved["source"].as_str()), (201, Some("profile_nordsee_erp")), "{saved:#}");
    profile["name"] = json!("nordsee-ERP");
    assert_problem(&send(create(&profile)).await, 409, "already_exists");
    profile["name"] = json!("");
    assert_problem(&send(create(&profile)).await, 422, "validation_failed");

    let import = settled(&app, &org, &asking, &json!({"profile": saved["id"]})).await;
    assert_eq!(
        (import["status"].as_str(), &import["profile_id"]),
        (Some("completed"), &saved["id"]),
        "{import:#}"
    );
    let named = org.import_whole("april.csv", april(), "profile=nordsee%20erp").await;
    assert_eq!(named["profile_id"], saved["id"], "{named:#}");
    let ours = "client,product,quantity,unit_price,currency,from\nA,P,1,2,USD,2026-01-01\n";
    let other = org.import("other.csv", ours, "profile=nordsee%20erp").await;
    assert_eq!(other["status"], "refused", "{other:#}");
    assert!(other["problem"]["detail"].as_str().unwrap().contains("`Artikel`"), "{other:#}");
}

#[tokio::test]
async fn a_file_without_clients_is_read_for_the_one_that_is_named() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let asking = org
        .import("seats.csv", "Application,Assigned,Plan code\nPassword manager,14,PM-1\nBackup,3,BK-2\n", "")
        .await;
    let profile = json!({
        "kind": "leakage_entitlements",
        "fields": {"product": {"column": "Application"}, "assigned": {"column": "Assigned"}},
    });
    let whose = settled(&app, &org, &asking, &json!({"profile": profile, "save_as": "Seat list"})).await;
    assert_eq!(whose["questions"], json!([{"question": "client", "choices": []}]), "{whose:#}");
    let import = settled(&app, &org, &whose, &json!({"client": "Contoso"})).await;
    assert_eq!(
        (import["status"].as_str(), import["snapshot_on"].as_str()),
        (Some("completed"), Some("2026-11-22"))
    );
    let rows = org.read(&format!("/v1/imports/{}/rows", import["id"].as_str().unwrap())).await;
    assert_eq!(
        (&rows["data"][0]["client"], &rows["data"][0]["assigned"]),
        (&json!("Contoso"), &json!("14")),
        "{rows:#}"
    );
}

#[tokio::test]
async fn the_sheets_of_a_workbook_are_read_with_a_profile_each() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let book = include_bytes!("../fixtures/profile/two_sheets.xlsx");
    let asking = org.import("maerz.xlsx", book.to_vec(), "").await;
    let question = &asking["questions"][0];
    let other = &question["other_tables"][0];
    assert_eq!((&question["sheet"], &other["sheet"]), (&json!("Rechnung"), &json!("Bestand")), "{asking:#}");
    let mut held = other["proposed_profile"].clone();
    held["name"] = json!("Bestand");
    let (status, saved) = send(org.owner.caller.post("/v1/import-profiles").json(&held)).await;
    assert_eq!(status, 201, "{saved:#}");
    let body = json!({"profile": corrected(&asking), "save_as": "Rechnung"});
    let import = settled(&app, &org, &asking, &body).await;
    assert_eq!(
        (import["format"].as_str(), import["records"].as_i64(), &import["sides"]),
        (Some("profile_bestand+profile_rechnung"), Some(3), &json!(["billing", "entitlement"])),
        "{import:#}"
    );
    assert_eq!(import["profiles"].as_array().unwrap().len(), 2);
}
