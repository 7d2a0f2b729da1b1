//! The client's link: what it shows, what a code confirms, and what it never allows.

use crate::corrections::{Desk, PREMIUM, audited, message};
use chrono::TimeDelta;
use leakage_api::auth::{Role, Scope};
use leakage_api::config::{Config, MailConfig, MailSecurity};
use leakage_core::letters::{LetterKind, example};
use leakage_tests::{Caller, Mood, Org, SmtpServer, TestApp, assert_problem, send};
use reqwest::Method;
use serde_json::{Value, json};

pub(crate) const CASEY: &str = "casey@contoso.example";

pub(crate) fn with_mail(server: &SmtpServer) -> impl FnOnce(&mut Config) {
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

/// A client that was told of two seats in two months, 88.00, and whose registered contact is Casey.
pub(crate) struct Case<'a> {
    pub(crate) org: Org<'a>,
    pub(crate) desk: Desk,
    pub(crate) client: String,
}

pub(crate) async fn told(app: &TestApp) -> Case<'_> {
    let (org, gap) = audited(app, 62, 60, 8..=9).await;
    let owner = &org.owner.caller;
    let (mut desk, _) = Desk::open(owner, &[&gap]).await;
    let plan = json!({"count": 2, "cadence": "monthly", "first_on": "2026-12-01"});
    desk.ok(owner, "plan", plan).await;
    desk.ok(owner, "communicate", message(62)).await;
    let client = org.read("/v1/clients").await["data"][0]["id"].as_str().unwrap().to_owned();
    let case = Case { org, desk, client };
    let (status, answer) = case.register(&case.org.owner.caller, CASEY).await;
    assert_eq!(status, 200, "{answer:#}");
    case
}

impl Case<'_> {
    pub(crate) async fn register(&self, caller: &Caller, email: &str) -> (u16, Value) {
        let path = format!("/v1/clients/{}", self.client);
        let client = send(caller.get(&path)).await.1;
        let tag = format!("\"v{}\"", client["version"]);
        let body = json!({"name": client["name"], "contact": {"name": "Casey Client", "email": email}});
        send(caller.patch(&path).header("If-Match", tag).json(&body)).await
    }

    /// A link that the organization hands out: its id and its token.
    pub(crate) async fn hand_out(&self, body: Value) -> (String, String) {
        let path = format!("/v1/corrections/{}/client-links", self.desk.id);
        let (status, link) = send(self.org.owner.caller.post(&path).json(&body)).await;
        assert_eq!(status, 201, "{link:#}");
        let (id, address) = (link["id"].as_str().unwrap(), link["address"].as_str().unwrap());
        (id.to_owned(), address.split_once("/c#").unwrap().1.to_owned())
    }

    /// A link in a letter that the service mails to the registered contact.
    pub(crate) async fn mail_out(&self, app: &TestApp, server: &SmtpServer, caller: &Caller) -> String {
        let letter = self.letter(caller).await;
        let path = format!("/v1/letters/{}/deliveries", letter["id"].as_str().unwrap());
        let (status, queued) = send(caller.post(&path).json(&json!({"recipient": CASEY}))).await;
        assert_eq!(status, 202, "{queued:#}");
        app.work().await;
        token_in(server)
    }

    async fn letter(&self, caller: &Caller) -> Value {
        let body = json!({
            "kind": "waiver_confirmation_request", "client_id": self.client, "correction_id": self.desk.id,
            "client_link": true, "facts": example(LetterKind::WaiverConfirmationRequest),
        });
        let (status, letter) = send(caller.post("/v1/letters").json(&body)).await;
        assert_eq!(status, 201, "{letter:#}");
        letter
    }

    pub(crate) async fn timeline(&self, caller: &Caller) -> Vec<Value> {
        let path = format!("/v1/corrections/{}/timeline?limit=100", self.desk.id);
        send(caller.get(&path)).await.1["data"].as_array().unwrap().clone()
    }
}

/// What the mails say, the last one first, with their line ends undone. Members are mailed too.
pub(crate) fn mails(server: &SmtpServer) -> impl Iterator<Item = String> {
    server.taken().into_iter().rev().map(|mail| mail.data.replace("=\n", "").replace("=3D", "="))
}

fn token_in(server: &SmtpServer) -> String {
    let mut links = mails(server).filter_map(|mail| Some(mail.split_once("/c#")?.1.to_owned()));
    let token = links.next().expect("a mail with a link");
    token.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

/// The code of the last mail.
pub(crate) fn code_in(server: &SmtpServer) -> String {
    let is_code = |line: &&str| {
        line.len() == 9
            && line.bytes().enumerate().all(|(at, c)| if at == 4 { c == b' ' } else { c.is_ascii_digit() })
    };
    let code = |mail: String| mail.lines().map(str::trim).find(is_code).map(str::to_owned);
    mails(server).find_map(code).expect("a mail with a code")
}

/// What is stored, as the service sees it.
async fn texts(app: &TestApp, org: &Org<'_>, statement: &'static str) -> Vec<String> {
    let mut service = app.database.service().await;
    let scope = format!("set app.org_id = '{}'", org.id);
    sqlx::query(sqlx::AssertSqlSafe(scope)).execute(&mut service).await.unwrap();
    sqlx::query_scalar(statement).fetch_all(&mut service).await.unwrap()
}

/// Another code than this one.
fn wrong(code: &str) -> String {
    let first = if code.starts_with('1') { '2' } else { '1' };
    format!("{first}{}", &code[1..])
}

/// Whoever has a token.
pub(crate) struct Holder<'a> {
    pub(crate) app: &'a TestApp,
    pub(crate) token: &'a str,
}

impl Holder<'_> {
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        version: i64,
        body: Option<Value>,
    ) -> (u16, Value) {
        let request = self.app.stranger().request(method, &format!("/v1/client-link{path}"));
        let request = request.header("Client-Link", self.token).header("If-Match", format!("\"v{version}\""));
        send(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    pub(crate) async fn look(&self) -> (u16, Value) {
        self.ask(Method::GET, "", 1, None).await
    }

    pub(crate) async fn view(&self) -> Value {
        let (status, view) = self.look().await;
        assert_eq!(status, 200, "{view:#}");
        view
    }

    pub(crate) async fn code(&self, action: &str) -> (u16, Value) {
        self.ask(Method::POST, "/codes", 1, Some(json!({"action": action}))).await
    }

    pub(crate) async fn act(&self, action: &str, version: i64, body: Value) -> (u16, Value) {
        self.ask(Method::POST, &format!("/{action}"), version, Some(body)).await
    }
}

#[tokio::test]
async fn a_client_sees_its_case_and_nothing_else() {
    let app = TestApp::start().await;
    let case = told(&app).await;
    let (_, token) = case.hand_out(json!({})).await;
    let request = app.get("/v1/client-link").header("Client-Link", &token);
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.headers()["referrer-policy"], "no-referrer");
    assert!(response.headers()["x-robots-tag"].to_str().unwrap().contains("noindex"));
    let view: Value = response.json().await.unwrap();
    assert_eq!((&view["msp"], &view["client"]), (&json!("Example MSP"), &json!("Contoso")));
    assert_eq!(view["totals"]["claimed"]["amount"]["amount"], "88.00");
    let line = &view["lines"][0];
    assert_eq!(
        (&line["product"], &line["seats"], &line["next_seats"]),
        (&json!(PREMIUM), &json!(2), &json!(62))
    );
    let months = line["months"].as_array().unwrap();
    assert_eq!(months.len(), 2);
    assert_eq!((&months[0]["billable"], &months[0]["billed"]), (&json!("62"), &json!("60")));
    assert_eq!(months[0]["amount"]["amount"], "44.00");
    assert!(
        line["sources"]
            .as_array()
            .unwrap()
            .iter()
            .any(|source| source["file"] == "billing.csv" && source["lines"] == json!([2, 3]))
    );
    assert_eq!(view["offered_plan"][0]["amount"]["amount"], "44.00");
    assert!(view["message"]["data"].as_str().unwrap().contains("month by month"));
    let text = view.to_string();
    let correction = case.org.read(&format!("/v1/corrections/{}", case.desk.id)).await;
    for hidden in [
        case.org.owner.id.to_string(),
        case.org.owner.email.clone(),
        CASEY.to_owned(),
        correction["lines"][0]["gap_id"].as_str().unwrap().to_owned(),
        correction["audit_id"].as_str().unwrap().to_owned(),
    ] {
        assert!(!text.contains(&hidden), "{hidden} in {view:#}");
    }
    for word in ["cost", "margin", "actor", "opened_by", "recorded_by", "shock"] {
        assert!(!text.contains(&format!("\"{word}")), "{word} in {view:#}");
    }
    // Looking changes nothing, and is noted.
    assert_eq!(view["version"], correction["version"]);
    let timeline = case.timeline(&case.org.owner.caller).await;
    let visit = timeline.last().unwrap();
    assert_eq!(
        (&visit["command"], &visit["before"]),
        (&json!("client_visited"), &visit["after"]),
        "{visit:#}"
    );
    assert_eq!(visit["detail"]["network"], "127.0.0.0/24");
}

#[tokio::test]
async fn a_part_is_disputed_with_a_code_that_goes_to_the_registered_contact() {
    let server = SmtpServer::start();
    let app = TestApp::start_with(with_mail(&server)).await;
    let mut case = told(&app).await;
    let (link, token) = case.hand_out(json!({})).await;
    let client = Holder { app: &app, token: &token };
    let version = client.view().await["version"].as_i64().unwrap();
    let (status, sent) = client.code("dispute").await;
    assert_eq!(
        (status, sent["sent_to"].as_str()),
        (200, Some("c\u{2022}\u{2022}\u{2022}@contoso.example")),
        "{sent:#}"
    );
    let mail = server.taken().pop().unwrap();
    assert_eq!(mail.to, [CASEY]);
    assert!(mails(&server).next().unwrap().contains("do not pass the code on"), "{}", mail.data);
    let code = code_in(&server);
    let body = |code: &str| json!({"code": code, "reason": "unauthorized_seats", "parts": [{"line": 1, "seats": 1}], "note": "Who ordered it?"});
    assert_problem(&client.act("dispute", version, body(&wrong(&code))).await, 422, "code_wrong");
    let (status, view) = client.act("dispute", version, body(&code)).await;
    assert_eq!((status, view["state"].as_str()), (200, Some("disputed")), "{view:#}");
    assert_eq!(view["objections"][0]["disputed"]["amount"]["amount"], "44.00");
    assert_problem(&client.act("dispute", version, body(&code)).await, 409, "conflict");

    let owner = case.org.owner.caller.clone();
    let correction = case.desk.read(&owner, "").await;
    let dispute = &correction["disputes"][0];
    assert_eq!((&dispute["said"]["channel"], &dispute["note"]), (&json!("link"), &json!("Who ordered it?")));
    assert!(dispute["said"]["by"].as_str().unwrap().contains(CASEY), "{dispute:#}");
    let timeline = case.timeline(&owner).await;
    let done: Vec<&str> = timeline.iter().map(|entry| entry["command"].as_str().unwrap()).collect();
    assert_eq!(
        done,
        [
            "open",
            "offer_plan",
            "communicate",
            "make_client_link",
            "client_visited",
            "client_code_sent",
            "client_code_wrong",
            "dispute"
        ]
    );
    assert_eq!(timeline[7]["actor"], format!("client:{CASEY} by link {link}"));
    assert_eq!(timeline[7]["after"]["version"], correction["version"]);
    let seqs: Vec<i64> = timeline.iter().map(|entry| entry["seq"].as_i64().unwrap()).collect();
    assert_eq!(seqs, (1..=8).collect::<Vec<_>>());
    // The organization goes on where it was: a visit is no change.
    client.view().await;
    case.desk.ok(&owner, "assign", json!({"owner": case.org.owner.id})).await;
}

#[tokio::test]
async fn a_code_is_good_for_one_thing_ten_minutes_and_five_tries() {
    let server = SmtpServer::start();
    let app = TestApp::start_with(with_mail(&server)).await;
    let case = told(&app).await;
    let (_, token) = case.hand_out(json!({})).await;
    let client = Holder { app: &app, token: &token };
    let version = client.view().await["version"].as_i64().unwrap();
    let accept = async |code: &str| client.act("accept", version, json!({"code": code})).await;
    assert_problem(&accept("1234 5678").await, 409, "code_ended");
    assert_problem(&accept("1234567").await, 422, "validation_failed");

    assert_eq!(client.code("plan").await.0, 200);
    assert_problem(&accept(&code_in(&server)).await, 409, "code_ended");

    assert_eq!(client.code("accept").await.0, 200);
    let old = code_in(&server);
    app.clock.advance(TimeDelta::minutes(10));
    assert_problem(&accept(&old).await, 409, "code_ended");

    assert_eq!(client.code("accept").await.0, 200);
    let code = code_in(&server);
    app.clock.advance(TimeDelta::minutes(2));
    for left in ["4 more tries", "3 more tries", "2 more tries", "one more try"] {
        let refused = accept(&wrong(&code)).await;
        assert_problem(&refused, 422, "code_wrong");
        assert!(refused.1["detail"].as_str().unwrap().contains(left), "{left}: {:#}", refused.1);
    }
    assert_problem(&accept(&wrong(&code)).await, 409, "code_ended");
    assert_problem(&accept(&code).await, 409, "code_ended");

    app.clock.advance(TimeDelta::minutes(2));
    assert_eq!(client.code("accept").await.0, 200);
    let code = code_in(&server);
    app.clock.advance(TimeDelta::minutes(2));
    let (status, view) = accept(&code).await;
    assert_eq!((status, view["accepted_at"].is_string()), (200, true), "{view:#}");
    app.clock.advance(TimeDelta::minutes(2));
    assert_problem(&client.code("accept").await, 409, "conflict");
    let stored: Vec<String> = texts(&app, &case.org, "select code_hash from client_link_codes").await;
    assert!(stored.iter().all(|hash| hash.starts_with("$argon2id$") && !hash.contains(&code)), "{stored:?}");
}

#[tokio::test]
async fn of_two_clicks_at_once_one_counts() {
    let server = SmtpServer::start();
    let app = TestApp::start_with(with_mail(&server)).await;
    let case = told(&app).await;
    let (_, token) = case.hand_out(json!({})).await;
    let client = Holder { app: &app, token: &token };
    let version = client.view().await["version"].as_i64().unwrap();
    assert_eq!(client.code("plan").await.0, 200);
    let code = json!({"code": code_in(&server)});
    let (one, other) =
        tokio::join!(client.act("plan", version, code.clone()), client.act("plan", version, code));
    let mut statuses = [one.0, other.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "{:#} {:#}", one.1, other.1);
    let view = client.view().await;
    assert_eq!(view["agreed_plan"].as_array().unwrap().len(), 2, "{view:#}");
    assert_eq!(view["totals"]["billed"]["amount"]["amount"], "88.00");
}

#[tokio::test]
async fn what_changed_meanwhile_is_looked_at_again() {
    let server = SmtpServer::start();
    let app = TestApp::start_with(with_mail(&server)).await;
    let mut case = told(&app).await;
    let (_, token) = case.hand_out(json!({})).await;
    let client = Holder { app: &app, token: &token };
    let version = client.view().await["version"].as_i64().unwrap();
    assert_eq!(client.code("plan").await.0, 200);
    let code = json!({"code": code_in(&server)});
    assert!(mails(&server).next().unwrap().contains("pay in 2 monthly parts, the first on 1 December 2026"));
    app.clock.advance(TimeDelta::minutes(1));
    let owner = case.org.owner.caller.clone();
    // Whoever passed the code on agreed to the way to pay that its mail names.
    let plan = json!({"count": 3, "cadence": "monthly", "first_on": "2026-12-01"});
    case.desk.ok(&owner, "plan", plan).await;
    assert_problem(&client.act("plan", version, code.clone()).await, 412, "version_mismatch");
    assert_problem(&client.act("plan", version + 1, code).await, 409, "code_ended");
    assert_eq!(client.code("plan").await.0, 200);
    let (status, view) = client.act("plan", version + 1, json!({"code": code_in(&server)})).await;
    assert_eq!((status, view["agreed_plan"].as_array().map(Vec::len)), (200, Some(3)), "{view:#}");
}

#[tokio::test]
async fn a_code_outlives_what_it_is_not_about() {
    let server = SmtpServer::start();
    let app = TestApp::start_with(with_mail(&server)).await;
    let mut case = told(&app).await;
    let (_, token) = case.hand_out(json!({})).await;
    let client = Holder { app: &app, token: &token };
    let version = client.view().await["version"].as_i64().unwrap();
    assert_eq!(client.code("plan").await.0, 200);
    app.clock.advance(TimeDelta::minutes(1));
    let owner = case.org.owner.caller.clone();
    case.desk.ok(&owner, "assign", json!({"owner": case.org.owner.id})).await;
    let code = json!({"code": code_in(&server)});
    assert_problem(&client.act("plan", version, code.clone()).await, 412, "version_mismatch");
    assert_eq!(client.act("plan", version + 1, code).await.0, 200);
}

#[tokio::test]
async fn a_waiver_is_confirmed_only_through_the_mail_to_a_settled_contact() {
    let server = SmtpServer::start();
    let app = TestApp::start_with(with_mail(&server)).await;
    let mut case = told(&app).await;
    let owner = case.org.owner.caller.clone();
    case.desk.ok(&owner, "request-waiver", json!({"reason": "Secret: we want peace"})).await;
    let (_, handed) = case.hand_out(json!({})).await;
    let asked = json!({"action": "confirm_waiver", "request": 1});
    let anyone = Holder { app: &app, token: &handed };
    let view = anyone.view().await;
    assert_eq!(view["waivers"][0]["amount"]["amount"], "88.00", "{view:#}");
    assert!(!view.to_string().contains("peace"), "{view:#}");
    let refused = anyone.ask(Method::POST, "/codes", 1, Some(asked.clone())).await;
    assert_problem(&refused, 403, "link_unauthenticated");

    // Mailed, and the contact is new: whoever wrote it could have written their own address.
    let token = case.mail_out(&app, &server, &owner).await;
    let casey = Holder { app: &app, token: &token };
    assert_problem(
        &casey.ask(Method::POST, "/codes", 1, Some(asked.clone())).await,
        403,
        "link_unauthenticated",
    );
    let approve = format!("/v1/clients/{}/contacts/1/approve", case.client);
    assert_problem(&send(owner.post(&approve)).await, 403, "insufficient_role");
    let second = case.org.member(Role::AccountManager).await;
    assert_eq!(send(second.caller.post(&approve)).await.0, 200);
    assert_problem(&send(second.caller.post(&approve)).await, 409, "conflict");

    let version = casey.view().await["version"].as_i64().unwrap();
    assert_eq!(casey.ask(Method::POST, "/codes", 1, Some(asked)).await.0, 200);
    assert!(mails(&server).next().unwrap().contains("confirm in writing that USD 88.00 is not charged"));
    let body = json!({"code": code_in(&server), "request": 1});
    let (status, view) = casey.act("confirm-waiver", version, body).await;
    assert_eq!((status, &view["waivers"]), (200, &json!([])), "{view:#}");

    let correction = case.desk.read(&owner, "").await;
    let writing = &correction["confirmations"][0];
    assert_eq!(
        (&writing["authenticated"], &writing["kind"]),
        (&json!(true), &json!("waiver")),
        "{writing:#}"
    );
    let text = send(owner.get(&format!("/v1/corrections/{}/confirmations/1", case.desk.id))).await.1;
    assert!(text.as_str().unwrap().contains("We confirm that USD 88.00 is not charged"), "{text}");
    assert!(text.as_str().unwrap().contains(CASEY), "{text}");
    let waived = case.desk.ok(&owner, "waive", json!({"request": 1, "confirmation": 1})).await;
    assert_eq!(waived["state"], "waived", "{waived:#}");
}

#[tokio::test]
async fn a_contact_that_changes_ends_its_links_and_is_told() {
    let server = SmtpServer::start();
    let app = TestApp::start_with(with_mail(&server)).await;
    let mut case = told(&app).await;
    let owner = case.org.owner.caller.clone();
    case.desk.ok(&owner, "request-waiver", json!({"reason": "x"})).await;
    app.clock.advance(TimeDelta::hours(72));
    let owner = app.sign_in(&case.org.owner.email, Some(case.org.id)).await.caller;
    let token = case.mail_out(&app, &server, &owner).await;
    let casey = Holder { app: &app, token: &token };
    let asked = || Some(json!({"action": "confirm_waiver", "request": 1}));
    assert_eq!(casey.ask(Method::POST, "/codes", 1, asked()).await.0, 200, "72 hours are over");
    let code = code_in(&server);
    let mailed = server.taken().len();

    assert_eq!(case.register(&owner, "insider@msp.example").await.0, 200);
    assert_eq!(server.taken().len(), mailed + 1);
    assert_eq!(server.taken()[mailed].to, [CASEY], "whoever was replaced is told");
    let body = json!({"code": code, "request": 1});
    assert_problem(&casey.act("confirm-waiver", 9, body).await, 410, "link_ended");
    assert_problem(&casey.look().await, 410, "link_ended");
    let contacts = send(owner.get(&format!("/v1/clients/{}/contacts", case.client))).await.1;
    let addresses: Vec<&str> =
        contacts["data"].as_array().unwrap().iter().map(|one| one["email"].as_str().unwrap()).collect();
    assert_eq!(addresses, ["insider@msp.example", CASEY]);
    assert!(contacts["data"][0]["set_by"].as_str().unwrap().starts_with("user:"));
    // The same again is no change; a change that does not speak of the contact leaves it.
    assert_eq!(case.register(&owner, "insider@msp.example").await.0, 200);
    let path = format!("/v1/clients/{}", case.client);
    let version = send(owner.get(&path)).await.1["version"].clone();
    let renamed =
        owner.patch(&path).header("If-Match", format!("\"v{version}\"")).json(&json!({"name": "Contoso"}));
    let (status, client) = send(renamed).await;
    assert_eq!((status, &client["contact"]["version"]), (200, &json!(2)), "{client:#}");
    let nobody = owner.patch(&path).header("If-Match", format!("\"v{}\"", client["version"]));
    let (status, client) = send(nobody.json(&json!({"name": "Contoso", "contact": null}))).await;
    assert_eq!((status, &client["contact"]), (200, &Value::Null), "{client:#}");
}

#[tokio::test]
async fn a_letter_with_a_link_goes_to_the_registered_contact_by_our_mail_only() {
    let server = SmtpServer::start();
    let app = TestApp::start_with(with_mail(&server)).await;
    let case = told(&app).await;
    let owner = &case.org.owner.caller;
    let letter = case.letter(owner).await;
    let path = format!("/v1/letters/{}/deliveries", letter["id"].as_str().unwrap());
    let other = send(owner.post(&path).json(&json!({"recipient": "insider@msp.example"}))).await;
    assert_problem(&other, 422, "validation_failed");
    let handed = json!({"recipient": CASEY, "channel": "handed_out"});
    assert_problem(&send(owner.post(&path).json(&handed)).await, 409, "conflict");
    let mut forged = json!({
        "kind": "first_notice", "client_id": case.client, "facts": example(LetterKind::FirstNotice),
    });
    forged["facts"]["client_link"] = json!("https://evil.example/c");
    assert_problem(&send(owner.post("/v1/letters").json(&forged)).await, 422, "validation_failed");

    // A mail that is not taken leaves no link behind that works.
    server.becomes(Mood::Busy);
    assert_eq!(send(owner.post(&path).json(&json!({"recipient": CASEY}))).await.0, 202);
    app.work().await;
    server.becomes(Mood::Takes);
    app.clock.advance(TimeDelta::minutes(1));
    app.work().await;
    let token = token_in(&server);
    let links = case.org.read(&format!("/v1/corrections/{}/client-links", case.desk.id)).await;
    let states: Vec<_> =
        links["data"].as_array().unwrap().iter().map(|link| (&link["status"], &link["channel"])).collect();
    assert_eq!(states, [(&json!("live"), &json!("mail")), (&json!("revoked"), &json!("mail"))], "{links:#}");
    // Nobody of the organization has ever seen the token.
    let kept = case.org.read(&format!("/v1/letters/{}", letter["id"].as_str().unwrap())).await;
    assert!(kept["text"].as_str().unwrap().contains("/c#in-the-mail") && !kept.to_string().contains(&token));
    let timeline = case.timeline(owner).await;
    assert!(!json!(timeline).to_string().contains(&token));
    let view = Holder { app: &app, token: &token }.view().await;
    assert!(view["letter"]["text"].as_str().unwrap().contains("(this page)"), "{view:#}");
}

#[tokio::test]
async fn a_link_ends_when_it_is_revoked_or_over_and_allows_what_it_was_made_for() {
    let server = SmtpServer::start();
    let app = TestApp::start_with(with_mail(&server)).await;
    let case = told(&app).await;
    let owner = case.org.owner.caller.clone();
    let (id, token) = case.hand_out(json!({"allows": ["dispute"]})).await;
    let client = Holder { app: &app, token: &token };
    assert_problem(&client.code("accept").await, 403, "link_limited");
    let path = format!("/v1/corrections/{}/client-links/{id}", case.desk.id);
    assert_eq!(case.org.read(&path).await["status"], "live");
    assert_eq!(send(owner.delete(&path)).await.0, 204);
    assert_eq!(send(owner.delete(&path)).await.0, 204);
    assert_problem(&client.look().await, 410, "link_ended");
    assert_eq!(case.org.read(&path).await["status"], "revoked");

    let (_, token) = case.hand_out(json!({"days": 1})).await;
    let client = Holder { app: &app, token: &token };
    assert_eq!(client.look().await.0, 200);
    let mut mistyped = token.clone();
    mistyped.replace_range(10..11, if &token[10..11] == "x" { "y" } else { "x" });
    for strange in [mistyped.as_str(), "", "lfc_", &token[1..]] {
        assert_problem(&Holder { app: &app, token: strange }.look().await, 401, "unauthenticated");
    }
    app.clock.advance(TimeDelta::days(1));
    assert_problem(&client.look().await, 410, "link_ended");
    for (body, pointer) in
        [(json!({"days": 0}), "/days"), (json!({"days": 91}), "/days"), (json!({"allows": []}), "/allows")]
    {
        let owner = app.sign_in(&case.org.owner.email, Some(case.org.id)).await.caller;
        let path = format!("/v1/corrections/{}/client-links", case.desk.id);
        let refused = send(owner.post(&path).json(&body)).await;
        assert_problem(&refused, 422, "validation_failed");
        assert_eq!(refused.1["errors"][0]["pointer"], pointer);
    }
}

#[tokio::test]
async fn the_address_is_answered_once() {
    let app = TestApp::start().await;
    let case = told(&app).await;
    let path = format!("/v1/corrections/{}/client-links", case.desk.id);
    let ask = || case.org.owner.caller.post(&path).header("Idempotency-Key", "once").json(&json!({}));
    let (first, again) = (send(ask()).await, send(ask()).await);
    assert_eq!((first.0, again.0), (201, 201));
    assert_eq!(first.1["id"], again.1["id"]);
    assert!(first.1["address"].is_string() && again.1["address"].is_null());
    let token = first.1["address"].as_str().unwrap().split_once('#').unwrap().1;
    let kept = texts(&app, &case.org, "select body::text from idempotency_replies").await;
    assert!(kept.iter().all(|body| !body.contains(token)), "{kept:?}");
}

#[tokio::test]
async fn without_mail_or_a_contact_it_says_that_the_organization_records_the_answer() {
    let app = TestApp::start().await;
    let case = told(&app).await;
    let (_, token) = case.hand_out(json!({})).await;
    let client = Holder { app: &app, token: &token };
    let view = client.view().await;
    assert_eq!(view["codes_to"], Value::Null);
    let refused = client.code("accept").await;
    assert_problem(&refused, 409, "mail_not_configured");
    assert!(refused.1["detail"].as_str().unwrap().contains("Example MSP"), "{:#}", refused.1);

    let server = SmtpServer::start();
    let app = TestApp::start_with(with_mail(&server)).await;
    let (org, gap) = audited(&app, 62, 60, 9..=9).await;
    let (mut desk, _) = Desk::open(&org.owner.caller, &[&gap]).await;
    desk.ok(&org.owner.caller, "communicate", message(62)).await;
    let case = Case { org, desk, client: String::new() };
    let (_, token) = case.hand_out(json!({})).await;
    assert_problem(&Holder { app: &app, token: &token }.code("accept").await, 409, "conflict");
}

#[tokio::test]
async fn codes_are_mailed_sparingly_and_a_mail_that_fails_is_told() {
    let server = SmtpServer::start();
    let app = TestApp::start_with(with_mail(&server)).await;
    let case = told(&app).await;
    let tokens = [
        case.hand_out(json!({})).await.1,
        case.hand_out(json!({})).await.1,
        case.hand_out(json!({})).await.1,
    ];
    let [first, second, third] = tokens.each_ref().map(|token| Holder { app: &app, token });
    server.becomes(Mood::Busy);
    assert_problem(&first.code("accept").await, 503, "unavailable");
    server.becomes(Mood::Refuses);
    assert_problem(&first.code("accept").await, 422, "mail_refused");
    server.becomes(Mood::Takes);
    for _ in 0..3 {
        app.clock.advance(TimeDelta::minutes(1));
        assert_eq!(first.code("accept").await.0, 200);
    }
    assert_problem(&first.code("accept").await, 429, "rate_limited");
    // Whoever holds that link has not used up what the others need; all together have their limit, too.
    for _ in 0..5 {
        app.clock.advance(TimeDelta::minutes(1));
        assert_eq!(second.code("accept").await.0, 200);
    }
    assert_problem(&third.code("accept").await, 429, "rate_limited");
    app.clock.advance(TimeDelta::hours(1));
    assert_eq!(first.code("accept").await.0, 200);
}

#[tokio::test]
async fn of_many_codes_that_are_asked_for_at_once_as_few_are_mailed_as_one_after_the_other() {
    let server = SmtpServer::start();
    let app = TestApp::start_with(with_mail(&server)).await;
    let case = told(&app).await;
    let tokens = [
        case.hand_out(json!({})).await.1,
        case.hand_out(json!({})).await.1,
        case.hand_out(json!({})).await.1,
    ];
    let before = server.taken().len();
    let holders = tokens.each_ref().map(|token| Holder { app: &app, token });
    let statuses = async |holder: &Holder<'_>| {
        let asked: Vec<_> = (0..9)
            .map(|_| {
                let request =
                    app.stranger().post("/v1/client-link/codes").header("Client-Link", holder.token);
                tokio::spawn(send(request.json(&json!({"action": "accept"}))))
            })
            .collect();
        let mut statuses = Vec::new();
        for one in asked {
            statuses.push(one.await.unwrap().0);
        }
        statuses
    };
    let mailed = |statuses: &[u16]| statuses.iter().filter(|status| **status == 200).count();
    let first = statuses(&holders[0]).await;
    assert_eq!(mailed(&first), 5, "{first:?}");
    assert!(first.iter().all(|status| matches!(status, 200 | 429)), "{first:?}");
    let (second, third) = tokio::join!(statuses(&holders[1]), statuses(&holders[2]));
    assert_eq!(mailed(&second) + mailed(&third), 5, "{second:?} {third:?}");
    assert_eq!(server.taken().len() - before, 10);
}

#[tokio::test]
async fn one_link_may_ask_so_much_a_minute() {
    let app = TestApp::start().await;
    let case = told(&app).await;
    let (_, token) = case.hand_out(json!({})).await;
    let client = Holder { app: &app, token: &token };
    let mut refused = 0;
    for _ in 0..125 {
        let (status, _) = client.look().await;
        refused += usize::from(status == 429);
    }
    assert!(refused > 0, "no limit was reached");
    app.clock.advance(TimeDelta::minutes(1));
    assert_eq!(client.look().await.0, 200);
}

#[tokio::test]
async fn nobody_stands_for_a_contact_that_an_integration_wrote() {
    let server = SmtpServer::start();
    let app = TestApp::start_with(with_mail(&server)).await;
    let case = told(&app).await;
    let key = case.org.api_key(&[Scope::Read, Scope::CatalogWrite]).await;
    assert_eq!(case.register(&key, "insider@msp.example").await.0, 200);
    // Whoever holds the key may be this very person.
    let approve = format!("/v1/clients/{}/contacts/2/approve", case.client);
    let answer = send(case.org.owner.caller.post(&approve)).await;
    assert_problem(&answer, 403, "insufficient_role");
}
