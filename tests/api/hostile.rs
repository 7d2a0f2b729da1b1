//! What a hostile tenant sends, and what bad luck does: nothing is stored by halves, nothing hangs for
//! ever, nothing of ours is shown.

use chrono::Duration;
use leakage_api::jobs::runner::{MAX_ATTEMPTS, Runner};
use leakage_tests::{TestApp, assert_problem, send};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use std::sync::Arc;

const BILLING: &str = "client,product,quantity,unit_price,currency,from,until\n\
    Contoso,Microsoft 365 Business Premium,20,22.00,USD,2026-02-01,2026-03-01\n\
    Fabrikam,Microsoft 365 Business Basic,5,7.20,USD,2026-02-01,2026-03-01\n";
const ENTITLEMENTS: &str = "client,product,purchased,from,until\n\
    Contoso,Microsoft 365 Business Premium,25,2026-02-01,2026-03-01\n\
    Fabrikam,Microsoft 365 Business Basic,5,2026-02-01,2026-03-01\n";

fn row(client: &str, product: &str) -> String {
    format!(
        "client,product,quantity,unit_price,currency,from\nContoso,Good,1,1,USD,2026-01-01\n\
         \"{client}\",\"{product}\",1,1,USD,2026-01-01\n"
    )
}

/// A text that cannot be compressed, of `length` characters of two or three bytes.
fn noise(length: usize) -> String {
    let mut state = 7_u32;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from_u32(0x4e00 + (state >> 16) % 0x5000).unwrap()
    })
    .take(length)
    .collect()
}

/// Lets a worker die with each attempt, and the queue give the job up.
async fn workers_die(app: &TestApp) {
    let runner = Runner::new(Arc::clone(&app.app));
    for _ in 0..MAX_ATTEMPTS {
        assert_eq!(runner.claim(1).await.unwrap().len(), 1);
        app.clock.advance(Duration::hours(1));
    }
    app.work().await;
    app.jobs_may_be_left();
}

#[tokio::test]
async fn an_import_that_is_given_up_is_refused_and_its_file_can_be_uploaded_again() {
    let app = TestApp::start().await;
    let mut org = app.org("Example MSP").await;
    let (_, import) = org.upload("billing.csv", BILLING, "").await;
    workers_die(&app).await;
    org.owner = app.sign_in(&org.owner.email, None).await;
    let import = org.read(&format!("/v1/imports/{}", import["id"].as_str().unwrap())).await;
    assert_eq!(import["status"], "refused", "{import:#}");
    assert_eq!(import["problem"]["code"], "internal_error", "{import:#}");
    org.import_whole("billing.csv", BILLING, "").await;
}

#[tokio::test]
async fn an_audit_that_is_given_up_has_failed_and_says_so() {
    let app = TestApp::start().await;
    let mut org = app.org("Example MSP").await;
    let (_, audit) =
        send(org.owner.caller.post("/v1/audits").json(&json!({"from": "2026-02", "to": "2026-02"}))).await;
    workers_die(&app).await;
    org.owner = app.sign_in(&org.owner.email, None).await;
    let audit = org.read(&format!("/v1/audits/{}", audit["id"].as_str().unwrap())).await;
    assert_eq!(audit["status"], "failed", "{audit:#}");
    assert_eq!(audit["problem"]["code"], "internal_error", "{audit:#}");
}

#[tokio::test]
async fn texts_that_are_too_long_to_be_names_refuse_their_row_with_its_line() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    for (what, content) in [
        ("product", row("Contoso", &noise(3_000))),
        ("client", row(&noise(3_000), "Basic")),
        ("client, folded", row(&"\u{3317}\u{3335}\u{332b}\u{3316}\u{3318}\u{3336}".repeat(50), "Basic")),
        ("mapping", format!("side,source,target,approved_by\nproduct,\"{}\",Basic,Ann\n", noise(501))),
    ] {
        let import = org.import("long.csv", content, "").await;
        assert_eq!(import["status"], "refused", "{what}: {import:#}");
        assert_eq!(import["problem"]["code"], "rows_refused", "{what}: {import:#}");
        let line = if what == "mapping" { 2 } else { 3 };
        assert_eq!(import["problem"]["errors"][0]["line"], line, "{what}: {import:#}");
    }
    let import = org.import_whole("long.csv", row("Contoso", &noise(3_000)), "accept_partial=true").await;
    assert_eq!((&import["records"], &import["rows_refused"]), (&json!(1), &json!(1)), "{import:#}");
    assert_eq!(import["incomplete"], "clients", "{import:#}");
}

#[tokio::test]
async fn a_client_that_no_database_holds_is_refused_in_every_place_where_it_is_said() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    for client in ["Con\0toso", "Con\ntoso", &"x".repeat(301)] {
        let file = Part::bytes(BILLING.as_bytes()).file_name("billing.csv");
        let form = Form::new().part("file", file).text("client", client.to_owned());
        let answer = send(org.owner.caller.post("/v1/imports").multipart(form)).await;
        assert_problem(&answer, 422, "validation_failed");
    }
}

#[tokio::test]
async fn days_beyond_the_calendar_are_refused_and_no_fault_of_ours() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let (status, problem) = org.upload("billing.csv", BILLING, "snapshot_on=-99999-01-01").await;
    assert_problem(&(status, problem), 422, "validation_failed");
    for day in ["-99999-01-01", "+262142-12-31"] {
        let mapping = json!({"side": "product", "source": "A", "target": "B", "valid_from": day});
        let answer = send(org.owner.caller.post("/v1/mappings").json(&mapping)).await;
        assert_problem(&answer, 422, "validation_failed");
    }
}

#[tokio::test]
async fn two_audits_at_once_need_no_more_than_two_connections() {
    let app = TestApp::start_with(|config| config.database.max_connections = 2).await;
    let org = app.audited_org(ENTITLEMENTS, BILLING).await;
    for _ in 0..2 {
        let request = json!({"from": "2026-02", "to": "2026-02"});
        let (status, audit) = send(org.owner.caller.post("/v1/audits").json(&request)).await;
        assert_eq!(status, 202, "{audit:#}");
    }
    let runner = Runner::new(Arc::clone(&app.app));
    let claims = runner.claim(2).await.unwrap();
    tokio::join!(runner.work(claims[0]), runner.work(claims[1]));
    let audits = org.read("/v1/audits").await;
    for audit in audits["data"].as_array().unwrap() {
        assert_eq!(audit["status"], "completed", "{audit:#}");
    }
}

#[tokio::test]
async fn two_imports_at_once_need_no_more_than_two_connections_and_make_one_client() {
    let app = TestApp::start_with(|config| config.database.max_connections = 2).await;
    let org = app.org("Example MSP").await;
    org.upload("billing.csv", BILLING, "").await;
    org.upload("entitlements.csv", ENTITLEMENTS, "").await;
    let runner = Runner::new(Arc::clone(&app.app));
    let claims = runner.claim(2).await.unwrap();
    tokio::join!(runner.work(claims[0]), runner.work(claims[1]));
    let imports = org.read("/v1/imports?status=completed").await;
    assert_eq!(imports["data"].as_array().unwrap().len(), 2, "{imports:#}");
    let clients = org.read("/v1/clients").await;
    assert_eq!(clients["data"].as_array().unwrap().len(), 2, "{clients:#}");
}

#[tokio::test]
async fn a_replayed_request_says_so_when_it_waits_too() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let upload = || {
        org.owner
            .caller
            .post("/v1/imports")
            .header("Idempotency-Key", "march")
            .header("Prefer", "wait=1")
            .body(BILLING)
    };
    let audit = || {
        let request = org.owner.caller.post("/v1/audits").json(&json!({"from": "2026-02", "to": "2026-02"}));
        request.header("Idempotency-Key", "audit").header("Prefer", "wait=1")
    };
    assert_eq!(send(upload()).await.0, 202);
    assert_eq!(send(audit()).await.0, 202);
    app.work().await;
    for request in [upload(), audit()] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 201);
        assert_eq!(response.headers().get("idempotency-replayed").unwrap(), "true");
    }
}

#[tokio::test]
async fn a_list_of_clients_to_audit_has_bounds() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let ids = |count: usize| vec!["01931f3e-7d5c-7b60-9f10-3f2a4b5c6d7e"; count];
    for clients in [ids(0), ids(501)] {
        let request = json!({"from": "2026-02", "to": "2026-02", "clients": clients});
        let answer = send(org.owner.caller.post("/v1/audits").json(&request)).await;
        assert_problem(&answer, 422, "validation_failed");
        assert_eq!(answer.1["errors"][0]["pointer"], "/clients", "{:#}", answer.1);
    }
}

#[tokio::test]
async fn an_unknown_status_of_mappings_is_refused() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let answer = send(org.owner.caller.get("/v1/mappings?status=propsed")).await;
    assert_problem(&answer, 400, "unreadable_request");
}

#[tokio::test]
async fn clients_with_the_longest_names_can_be_paged_through() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let name = noise(600);
    let (one, two): (String, String) = (name.chars().take(300).collect(), name.chars().skip(300).collect());
    for name in [&one, &two] {
        let (status, client) = send(org.owner.caller.post("/v1/clients").json(&json!({"name": name}))).await;
        assert_eq!(status, 201, "{client:#}");
    }
    let first = org.read("/v1/clients?limit=1").await;
    let next =
        org.read(&format!("/v1/clients?limit=1&cursor={}", first["next_cursor"].as_str().unwrap())).await;
    let mut names = [&first, &next].map(|page| page["data"][0]["name"].as_str().unwrap().to_owned());
    names.sort();
    let mut expected = [one, two];
    expected.sort();
    assert_eq!(names, expected);
    assert_eq!(next["has_more"], false);
}

#[tokio::test]
async fn file_names_hurt_no_header_and_no_reader() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    for (number, (given, kept, header)) in [
        ("a\"b.csv", "ab.csv", "attachment; filename=\"ab.csv\""),
        ("../../etc/pass wd.csv", "pass wd.csv", "attachment; filename=\"pass wd.csv\""),
        ("C:\\temp\\x.csv", "x.csv", "attachment; filename=\"x.csv\""),
        ("..", "upload", "attachment; filename=\"upload\""),
        (
            "<img src=x onerror=alert(1)>.csv",
            "<img src=x onerror=alert(1)>.csv",
            "attachment; filename=\"<img src=x onerror=alert(1)>.csv\"",
        ),
        (
            "Rechnung März.csv",
            "Rechnung März.csv",
            "attachment; filename=\"Rechnung M_rz.csv\"; filename*=UTF-8''Rechnung%20M%C3%A4rz.csv",
        ),
        ("a\u{202e}vsc.exe", "avsc.exe", "attachment; filename=\"avsc.exe\""),
    ]
    .into_iter()
    .enumerate()
    {
        let content = BILLING.replace(",20,", &format!(",3{number},"));
        let file = Part::bytes(content.into_bytes()).file_name(given);
        let request = org.owner.caller.post("/v1/imports").multipart(Form::new().part("file", file));
        let (status, import) = send(request).await;
        assert_eq!((status, import["file_name"].as_str()), (202, Some(kept)), "{given}: {import:#}");
        let path = format!("/v1/imports/{}/file", import["id"].as_str().unwrap());
        let response = org.owner.caller.get(&path).send().await.unwrap();
        let found = response.headers()["content-disposition"].to_str().unwrap();
        assert_eq!(found, header, "{given}");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        assert_eq!(
            response.headers()["content-security-policy"],
            "default-src 'none'; frame-ancestors 'none'"
        );
    }
    app.work().await;
    let name = "n".repeat(400);
    let (status, import) = org.upload(&name, BILLING, "").await;
    assert_eq!((status, import["file_name"].as_str()), (202, Some(&name[..300])));
    app.work().await;
}

#[tokio::test]
async fn a_form_says_each_thing_once() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let file = || Part::bytes(BILLING.as_bytes()).file_name("billing.csv");
    let twice = Form::new().part("file", file()).text("client", "Contoso").text("client", "Fabrikam");
    let files = Form::new().part("file", file()).part("file", file());
    for form in [twice, files] {
        let answer = send(org.owner.caller.post("/v1/imports").multipart(form)).await;
        assert_problem(&answer, 422, "validation_failed");
    }
    let form = Form::new().part("file", file()).text("client", "Contoso");
    let answer = send(org.owner.caller.post("/v1/imports?client=Fabrikam").multipart(form)).await;
    assert_problem(&answer, 422, "validation_failed");
    let form = Form::new().text("n".repeat(3_000), "x");
    let answer = send(org.owner.caller.post("/v1/imports").multipart(form)).await;
    assert_problem(&answer, 422, "validation_failed");
    let pointer = answer.1["errors"][0]["pointer"].as_str().unwrap();
    assert!(pointer.len() <= 500, "{}", pointer.len());
    assert_eq!(org.read("/v1/imports").await["data"], Value::Array(Vec::new()));
}

#[tokio::test]
async fn forms_that_are_none_are_unreadable() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    for (content_type, body) in [
        ("multipart/form-data", "--x\r\n\r\n".to_owned()),
        ("multipart/form-data; boundary=", "--x\r\n\r\n".to_owned()),
        ("multipart/form-data; boundary=x", "nothing".to_owned()),
        (
            "multipart/form-data; boundary=x",
            format!("--x\r\nContent-Disposition: form-data; name=\"{}", "y".repeat(1 << 20)),
        ),
        (
            "multipart/form-data; boundary=x",
            "--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nabc".to_owned(),
        ),
    ] {
        let request = org.owner.caller.post("/v1/imports").header("Content-Type", content_type).body(body);
        let answer = send(request).await;
        assert_problem(&answer, 400, "unreadable_request");
    }
    assert_eq!(org.read("/v1/imports").await["data"], Value::Array(Vec::new()));
}

/// Files that this process holds open in the folder for temporary files.
fn open_temporary_files() -> usize {
    let folder = std::env::temp_dir().join(".tmp");
    let folder = folder.to_str().unwrap();
    let open = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    open.filter_map(|fd| std::fs::read_link(fd.path()).ok())
        .filter(|path| path.to_str().is_some_and(|path| path.starts_with(folder)))
        .count()
}

#[tokio::test]
async fn a_caller_who_hangs_up_leaves_nothing() {
    use tokio::io::AsyncWriteExt as _;
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let address = app.address.strip_prefix("http://").unwrap();
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /v1/imports HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: 1000000\r\n\r\n{BILLING}",
        org.owner.caller.token.as_ref().unwrap()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    while open_temporary_files() == 0 {
        tokio::task::yield_now().await;
    }
    drop(socket);
    while open_temporary_files() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(org.read("/v1/imports").await["data"], Value::Array(Vec::new()));
    let kept = std::fs::read_dir(app.files().join("objects")).unwrap().count();
    assert_eq!(kept, 0, "no object is kept");
}

#[tokio::test]
async fn without_the_folder_of_the_files_the_answer_shows_no_path() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let import = org.import_whole("billing.csv", BILLING, "").await;
    let folder = app.files().join("objects");
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::write(&folder, "").unwrap();
    let answer = org.upload("entitlements.csv", ENTITLEMENTS, "").await;
    assert_problem(&answer, 500, "internal_error");
    assert!(!answer.1.to_string().contains("objects"), "{:#}", answer.1);
    assert_eq!(org.read("/v1/imports").await["data"].as_array().unwrap().len(), 1);
    let path = format!("/v1/imports/{}/file", import["id"].as_str().unwrap());
    let answer = send(org.owner.caller.get(&path)).await;
    assert_problem(&answer, 500, "internal_error");
    assert!(!answer.1.to_string().contains("objects"), "{:#}", answer.1);
}

#[tokio::test]
async fn an_import_whose_file_is_gone_is_refused_after_its_attempts_and_heals_by_another_upload() {
    let app = TestApp::start().await;
    let mut org = app.org("Example MSP").await;
    let (_, import) = org.upload("billing.csv", BILLING, "").await;
    std::fs::remove_dir_all(app.files().join("objects")).unwrap();
    for _ in 0..MAX_ATTEMPTS {
        app.work().await;
        app.clock.advance(Duration::hours(1));
    }
    app.jobs_may_be_left();
    org.owner = app.sign_in(&org.owner.email, None).await;
    let import = org.read(&format!("/v1/imports/{}", import["id"].as_str().unwrap())).await;
    assert_eq!(
        (import["status"].as_str(), import["problem"]["code"].as_str()),
        (Some("refused"), Some("internal_error")),
        "{import:#}"
    );
    org.import_whole("billing.csv", BILLING, "").await;
}

#[tokio::test]
async fn what_an_audit_loads_is_of_one_moment() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let import = org.import_whole("billing.csv", BILLING, "").await;
    let mut tx = app.app.db.begin_snapshot(org.id).await.unwrap();
    assert_eq!(leakage_api::storage::imports::completed(&mut tx, app.clock.now()).await.unwrap().len(), 1);
    let path = format!("/v1/imports/{}/void", import["id"].as_str().unwrap());
    let void = org.owner.caller.post(&path).header("If-Match", format!("\"v{}\"", import["version"]));
    assert_eq!(send(void.json(&json!({"reason": "wrong"}))).await.0, 200);
    assert_eq!(leakage_api::storage::imports::completed(&mut tx, app.clock.now()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn amounts_keep_their_digits_and_zeros() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let content = "client,product,quantity,unit_price,currency,from\n\
        A,P,1.000000000000000001,0.100000000000000000,USD,2026-01-01\n\
        A,P,2.50,123456789.123456789012345678,USD,2026-01-01\n\
        A,P,3,0,USD,2026-01-01\n";
    let import = org.import_whole("billing.csv", content, "").await;
    let rows = org.read(&format!("/v1/imports/{}/rows", import["id"].as_str().unwrap())).await;
    let found: Vec<(&str, &str)> = rows["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["quantity"].as_str().unwrap(), row["unit_price"].as_str().unwrap()))
        .collect();
    assert_eq!(
        found,
        [
            ("1.000000000000000001", "0.100000000000000000"),
            ("2.50", "123456789.123456789012345678"),
            ("3", "0")
        ]
    );
}

async fn void(org: &leakage_tests::Org<'_>, import: &Value) {
    let path = format!("/v1/imports/{}/void", import["id"].as_str().unwrap());
    let request = org.owner.caller.post(&path).header("If-Match", format!("\"v{}\"", import["version"]));
    let (status, voided) = send(request.json(&json!({"reason": "wrong"}))).await;
    assert_eq!(status, 200, "{voided:#}");
}

#[tokio::test]
async fn lists_of_rules_prices_and_mappings_count_until_their_file_is_voided() {
    let app = TestApp::start().await;
    let org = app
        .audited_org(
            "client,product,purchased,from\nContoso,Microsoft 365 Business Premium,25,2026-02-01\n\
             Fabrikam,Good Product,5,2026-02-01\n",
            "client,product,quantity,unit_price,currency,from,until\n\
             Contoso,Microsoft 365 Business Premium,20,22.00,USD,2026-02-01,2026-03-01\n\
             Fabrikam,Other Words,3,10.00,USD,2026-02-01,2026-03-01\n",
        )
        .await;
    let gaps = async || {
        let document = org.audit(json!({"from": "2026-02", "to": "2026-02"})).await;
        let gaps = document["gaps"].as_array().unwrap().iter();
        gaps.map(|gap| {
            (gap["client"].as_str().unwrap().to_owned(), gap["seats"].as_str().unwrap().to_owned())
        })
        .collect::<Vec<_>>()
    };
    let before = gaps().await;
    let rules = "kind,product,value,from,reason,owner\n\
                 exclude,Microsoft 365 Business Premium,2,2026-01-01,internal,Ann\n";
    let mappings = "side,source,target,approved_by\nproduct,Other Words,Good Product,Ann\n";
    let rules = org.import_whole("rules.csv", rules, "").await;
    let mappings = org.import_whole("mappings.csv", mappings, "").await;
    let during = gaps().await;
    assert!(during.contains(&("Contoso".to_owned(), "3".to_owned())), "{before:?} {during:?}");
    assert!(during.contains(&("Fabrikam".to_owned(), "2".to_owned())), "{before:?} {during:?}");
    void(&org, &rules).await;
    void(&org, &mappings).await;
    assert_eq!(gaps().await, before);
}

#[tokio::test]
async fn a_decision_is_replayed_after_the_mapping_has_moved_on() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    org.map_product("A", "B").await;
    let list = org.read("/v1/mappings").await;
    let id = list["data"][0]["id"].as_str().unwrap();
    let decide = |what: &str, version: i64| {
        let request = org.owner.caller.post(&format!("/v1/mappings/{id}/{what}"));
        request.header("If-Match", format!("\"v{version}\""))
    };
    let withdraw = || decide("withdraw", 1).header("Idempotency-Key", "first");
    assert_eq!(send(withdraw()).await.1["version"], 2);
    assert_eq!(send(decide("approve", 2)).await.1["version"], 3);
    let (status, replayed) = send(withdraw()).await;
    assert_eq!((status, &replayed["version"], &replayed["status"]), (200, &json!(2), &json!("withdrawn")));
    assert_problem(&send(decide("withdraw", 1)).await, 412, "version_mismatch");
    assert_problem(&send(decide("reject", 3)).await, 409, "conflict");
    assert_eq!(org.read(&format!("/v1/mappings/{id}")).await["status"], "approved");
}

#[tokio::test]
async fn the_nul_character_in_a_json_export_refuses_the_file() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let file = json!({"value": [{
        "skuId": "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46", "skuPartNumber": "S\0PB", "consumedUnits": 1,
        "capabilityStatus": "Enabled", "appliesTo": "User", "accountName": "x\0y",
        "prepaidUnits": {"enabled": 5, "suspended": 0, "warning": 0, "lockedOut": 0},
    }]});
    let import = org.import("skus.json", file.to_string(), "client=Contoso").await;
    assert_eq!(import["status"], "refused", "{import:#}");
    assert_eq!(import["problem"]["code"], "file_unreadable", "{import:#}");
}

#[tokio::test]
async fn a_renamed_client_is_found_again_by_the_names_that_files_give_it() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    org.import_whole("one.csv", row("Contoso", "Basic"), "").await;
    let clients = org.read("/v1/clients").await;
    let path = format!("/v1/clients/{}", clients["data"][0]["id"].as_str().unwrap());
    let rename = org.owner.caller.patch(&path).header("If-Match", "\"v1\"").json(&json!({"name": "Acme"}));
    assert_eq!(send(rename).await.0, 200);
    org.import_whole("two.csv", row("CONTOSO,  Inc", "Basic").replace(",  Inc", " "), "").await;
    let clients = org.read("/v1/clients").await;
    let names: Vec<&str> =
        clients["data"].as_array().unwrap().iter().map(|client| client["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Acme"]);
}

#[tokio::test]
async fn twenty_files_and_an_audit_are_within_the_limits_of_a_key() {
    let defaults = leakage_api::config::Config::defaults().unwrap().limits;
    let app = TestApp::start_with(|config| config.limits = defaults).await;
    let org = app.org("Example MSP").await;
    for number in 1..=20 {
        let import = org.import("billing.csv", BILLING.replace(",20,", &format!(",{number},")), "").await;
        assert_eq!(import["status"], "completed", "{import:#}");
    }
    org.audit(json!({"from": "2026-02", "to": "2026-02"})).await;
}

#[tokio::test]
async fn limits_and_cursors_of_lists_are_checked() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    org.import_whole("one.csv", BILLING, "").await;
    app.clock.advance(Duration::minutes(1));
    org.import_whole("two.csv", ENTITLEMENTS, "").await;
    let page = org.read("/v1/imports?limit=1&status=completed").await;
    let cursor = page["next_cursor"].as_str().unwrap();
    for query in [
        "limit=0".to_owned(),
        "limit=501".to_owned(),
        "limit=-1".to_owned(),
        "limits=1".to_owned(),
        "cursor=x".to_owned(),
        format!("limit=1&cursor={cursor}"),
        format!("limit=1&status=voided&cursor={cursor}"),
    ] {
        let answer = send(org.owner.caller.get(&format!("/v1/imports?{query}"))).await;
        assert_problem(&answer, 400, "unreadable_request");
    }
    org.read(&format!("/v1/imports?limit=1&status=completed&cursor={cursor}")).await;
}

/// 148,055 bytes of billing rows in 653 bytes of gzip.
const PACKED: &str = "\
    1f8b0800000000000203edcc314a04310005d0de53cc01b232cee21e406d0541ac456216023bc99a498abdbd537805bb57fd\
    fff9f0e225a7d2c3b5d5ef117bf8195fa5e77e0ba3e4fe796d39a610476ba9c45b38b7baee47cf97bbe75a7add6a78cdb1ed\
    79eed3f1f4383d8d2d97b46dd35b4b6b1e6b58e6b02cf7f31c3ede5ff6b19c0ef372981ffeea71af24128944229148241289\
    4422914824128944229148241289442291482412894422914824128944229148241289442291482412894422914824128944\
    2291482412894422914824128944229148241289442291482412894422914824128944229148241289442291482412894422\
    9148241289442291482412894422914824128944229148241289442291482412894422914824128944229148241289442291\
    4824128944229148241289442291482412894422914824128944229148241289442291482412894422914824128944229148\
    2412894422914824128944229148241289442291482412894422914824128944229148241289442291482412894422914824\
    1289442291482412894422914824128944229148241289442291482412894422914824128944229148241289442291482412\
    8944229148241289442291482412894422914824128944229148241289442291482412894422914824128944229148241289\
    4422914824128944229148241289442291482412894422914824128944229148241289442291482412894422914824128944\
    2291482412894422914824128944229148241289442291482412894422914824128944229148241289442291482412894422\
    9148241289442291482412894422914824128944229148241289442291482412894422914824128944fa57e91787b5cbf057\
    420200";

#[tokio::test]
async fn a_packed_file_may_hold_no_more_than_a_plain_one() {
    let bytes: Vec<u8> =
        (0..PACKED.len()).step_by(2).map(|at| u8::from_str_radix(&PACKED[at..at + 2], 16).unwrap()).collect();
    for (limit, status) in [(140_000, "refused"), (150_000, "completed")] {
        let app = TestApp::start_with(|config| config.limits.upload_bytes = limit).await;
        let org = app.org("Example MSP").await;
        let import = org.import("billing.csv.gz", bytes.clone(), "").await;
        assert_eq!(import["status"], status, "{import:#}");
    }
}
