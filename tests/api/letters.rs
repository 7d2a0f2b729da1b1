//! Letters: templates of an organization, letters that are kept, and monthly statements.

use leakage_core::letters::{LetterKind, example};
use leakage_tests::{Org, TestApp, assert_problem, send};
use serde_json::{Value, json};

const SHORT: &str = "subject: Seats of {{ client }}\n[context]\nWe compared.\n[data]\n\
    It is {{ seats }}, {{ seat_months }}, {{ amount }}.\n[going_forward]\n\
    On {{ next_billing_date }} it is {{ next_billing_quantity }}.\n";

async fn client(org: &Org<'_>, name: &str) -> Value {
    let (status, client) = send(org.owner.caller.post("/v1/clients").json(&json!({"name": name}))).await;
    assert_eq!(status, 201, "{client:#}");
    client
}

/// A first notice from the example facts.
async fn written(org: &Org<'_>, client: &Value) -> (u16, Value) {
    let body =
        json!({"kind": "first_notice", "client_id": client["id"], "facts": example(LetterKind::FirstNotice)});
    send(org.owner.caller.post("/v1/letters").json(&body)).await
}

#[tokio::test]
async fn a_letter_belongs_to_a_correction_that_there_is() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let client = client(&org, "Contoso Legal").await;
    let body = json!({"kind": "first_notice", "client_id": client["id"], "correction_id": client["id"],
                      "facts": example(LetterKind::FirstNotice)});
    let problem = send(org.owner.caller.post("/v1/letters").json(&body)).await;
    assert_problem(&problem, 422, "validation_failed");
    assert_eq!(problem.1["errors"][0]["pointer"], "/correction_id");
}

#[tokio::test]
async fn an_organization_replaces_a_template_and_goes_back_to_the_default() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let caller = &org.owner.caller;
    let list = org.read("/v1/letter-templates").await;
    assert_eq!(list["data"].as_array().unwrap().len(), LetterKind::ALL.len());
    let path = "/v1/letter-templates/first_notice";
    let default = org.read(path).await;
    assert_eq!((&default["is_default"], &default["version"]), (&json!(true), &json!(1)));
    assert!(
        default["facts"].as_array().unwrap().iter().any(|fact| fact["name"] == "seat_months"),
        "{default:#}"
    );
    assert!(default["must_say"].to_string().contains("next_billing_quantity"));

    let put =
        |tag: &str, text: &str| caller.put(path).header("If-Match", tag).json(&json!({"template": text}));
    assert_problem(
        &send(caller.put(path).json(&json!({"template": SHORT}))).await,
        428,
        "precondition_required",
    );
    let (status, own) = send(put("\"v1\"", SHORT)).await;
    assert_eq!((status, &own["is_default"], &own["version"]), (200, &json!(false), &json!(2)), "{own:#}");
    assert_problem(&send(put("\"v1\"", SHORT)).await, 412, "version_mismatch");

    let client = client(&org, "Contoso Legal").await;
    let (status, letter) = written(&org, &client).await;
    assert_eq!(status, 201, "{letter:#}");
    assert_eq!(
        (&letter["subject"], &letter["template_version"]),
        (&json!("Seats of Contoso Legal"), &json!(2)),
        "{letter:#}"
    );
    assert_eq!(send(caller.delete(path)).await.0, 204);
    assert_eq!(send(caller.delete(path)).await.0, 204);
    let default = org.read(path).await;
    assert_eq!((&default["is_default"], &default["version"]), (&json!(true), &json!(3)));
    let kept = org.read(&format!("/v1/letters/{}", letter["id"].as_str().unwrap())).await;
    assert_eq!(kept["subject"], "Seats of Contoso Legal", "what was written keeps its words");
    assert_problem(&send(caller.get("/v1/letter-templates/love_letter")).await, 404, "not_found");
}

#[tokio::test]
async fn a_template_that_breaks_a_rule_is_refused_with_line_and_rule() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let caller = &org.owner.caller;
    for (text, line, rule) in [
        (SHORT.replace("[data]\n", ""), 6, "missing_block"),
        (SHORT.replace("{{ seats }}", "{{ seets }}"), 5, "unknown_fact"),
        (SHORT.replace("We compared.", "There is a price increase."), 3, "price_change"),
        (SHORT.replace("We compared.", "All show active usage."), 3, "claim_without_fact"),
    ] {
        let body = json!({"template": text});
        let request =
            caller.put("/v1/letter-templates/first_notice").header("If-Match", "\"v1\"").json(&body);
        let problem = send(request).await;
        assert_problem(&problem, 422, "template_refused");
        let errors = problem.1["errors"].as_array().unwrap();
        assert!(
            errors.iter().any(|error| error["line"] == line && error["value"] == rule),
            "{:#}",
            problem.1
        );
        let preview = json!({"kind": "first_notice", "template": text});
        let problem = send(caller.post("/v1/letter-templates/preview").json(&preview)).await;
        assert_problem(&problem, 422, "template_refused");
    }
    assert_eq!(org.read("/v1/letter-templates/first_notice").await["version"], 1, "nothing was saved");
}

#[tokio::test]
async fn a_preview_shows_the_letter_of_example_or_given_facts() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let preview =
        async |body: Value| send(org.owner.caller.post("/v1/letter-templates/preview").json(&body)).await;
    for kind in LetterKind::ALL {
        let (status, shown) = preview(json!({"kind": kind})).await;
        assert_eq!(status, 200, "{kind}: {shown:#}");
        assert!(shown["html"].as_str().unwrap().starts_with("<!doctype html>"));
        assert!(shown["letter"]["sections"].as_array().unwrap().len() >= 3);
    }
    let mut facts = example(LetterKind::FirstNotice);
    facts.client = "<b>Contoso</b>".to_owned();
    let (_, shown) = preview(json!({"kind": "first_notice", "facts": facts, "template": SHORT})).await;
    assert_eq!(shown["letter"]["subject"], "Seats of <b>Contoso</b>");
    assert!(!shown["html"].as_str().unwrap().contains("<b>"));
    facts.next_billing = None;
    let problem = preview(json!({"kind": "first_notice", "facts": facts})).await;
    assert_problem(&problem, 422, "letter_incomplete");
    assert!(problem.1["errors"].to_string().contains("next_billing_date"), "{:#}", problem.1);
    let unknown = json!({"kind": "first_notice", "facts": {"price_increase": "5.00"}});
    let problem = preview(unknown).await;
    assert_problem(&problem, 422, "validation_failed");
    assert_eq!(problem.1["errors"][0]["pointer"], "/facts/price_increase", "{:#}", problem.1);
}

#[tokio::test]
async fn a_letter_is_kept_and_read_as_json_text_or_html() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let client = client(&org, "Contoso Legal").await;
    let (status, letter) = written(&org, &client).await;
    assert_eq!(status, 201, "{letter:#}");
    let path = format!("/v1/letters/{}", letter["id"].as_str().unwrap());
    let kept = org.read(&path).await;
    assert_eq!(kept, letter);
    assert!(kept["text"].as_str().unwrap().contains("16 seat-months"));
    assert_eq!(kept["facts"]["lines"][0]["amount"], json!({"amount": "352.00", "currency": "USD"}));
    let caller = &org.owner.caller;
    for (query, accept, kind) in [
        ("?format=html", "application/json", "text/html"),
        ("?format=text", "text/html", "text/plain"),
        ("", "text/html, application/json;q=0.5", "text/html"),
        ("", "text/plain", "text/plain"),
        ("", "*/*", "application/json"),
    ] {
        let response = caller.get(&format!("{path}{query}")).header("Accept", accept).send().await.unwrap();
        let found = response.headers()["content-type"].to_str().unwrap().to_owned();
        assert!(found.starts_with(kind), "{query} {accept}: {found}");
        let body = response.text().await.unwrap();
        assert!(body.contains("16 seat-months"), "{query} {accept}");
    }
    assert_problem(&send(caller.get(&format!("{path}?format=docx"))).await, 400, "unreadable_request");
    let listed = org.read(&format!("/v1/letters?client_id={}", client["id"].as_str().unwrap())).await;
    assert_eq!(listed["data"][0]["id"], letter["id"], "{listed:#}");
    assert!(listed["data"][0]["text"].is_null(), "a list has no bodies");

    let mut facts = serde_json::to_value(example(LetterKind::FirstNotice)).unwrap();
    facts["lines"][0]["seats"] = json!(3);
    let body = json!({"kind": "first_notice", "client_id": client["id"], "facts": facts});
    let problem = send(caller.post("/v1/letters").json(&body)).await;
    assert_problem(&problem, 422, "letter_incomplete");
    assert_eq!(problem.1["errors"][0]["pointer"], "/facts/lines/0/seats", "{:#}", problem.1);
}

const HAS: &str = "client,product,purchased,from,until\nContoso,Microsoft 365 Business Premium,22,2026-03-01,2026-07-01\n\
    Fabrikam,Microsoft 365 Business Premium,5,2026-03-01,2026-07-01\nLonely,Microsoft 365 Business Premium,5,2026-03-01,2026-07-01\n";
const BILLED: &str = "client,product,quantity,unit_price,currency,from,until\n\
    Contoso,Microsoft 365 Business Premium,20,22.00,USD,2026-03-01,2026-07-01\n\
    Fabrikam,Microsoft 365 Business Premium,5,22.00,USD,2026-03-01,2026-07-01\n";

async fn client_id(org: &Org<'_>, name: &str) -> String {
    let clients = org.read("/v1/clients").await;
    let found = clients["data"].as_array().unwrap().iter().find(|client| client["name"] == name);
    found.unwrap_or_else(|| panic!("{clients:#}"))["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_statement_says_what_matches_what_was_found_and_what_was_not_compared() {
    let app = TestApp::start().await;
    let org = app.audited_org(HAS, BILLED).await;
    let (contoso, fabrikam, lonely) = (
        client_id(&org, "Contoso").await,
        client_id(&org, "Fabrikam").await,
        client_id(&org, "Lonely").await,
    );
    let path = |client: &str| format!("/v1/clients/{client}/statement?month=2026-05");
    let problem = send(org.owner.caller.get(&path(&contoso))).await;
    assert_problem(&problem, 409, "not_audited");
    org.audit(json!({"from": "2026-03", "to": "2026-06"})).await;

    let found = org.read(&path(&contoso)).await;
    let finding = &found["statement"]["findings"][0];
    assert_eq!(
        (&finding["seats"], &finding["seat_months"], &finding["amount"]),
        (&json!("2"), &json!("2.000000"), &json!({"amount": "44.00", "currency": "USD"})),
        "{found:#}"
    );
    let text = found["text"].as_str().unwrap();
    assert!(text.contains("Not billed: USD 44.00") && !text.contains("all matches"), "{text}");

    let text = org.read(&path(&fabrikam)).await["text"].as_str().unwrap().to_owned();
    assert!(text.contains("We audited, and all matches"), "{text}");
    let page = org.owner.caller.get(&path(&fabrikam)).header("Accept", "text/html").send().await.unwrap();
    assert!(page.text().await.unwrap().contains("all matches"));

    let missing = org.read(&path(&lonely)).await;
    assert_eq!(missing["statement"]["compared"], false, "{missing:#}");
    let text = missing["text"].as_str().unwrap();
    assert!(
        text.contains("We could not compare this month.") && text.contains("no billing records"),
        "{text}"
    );
    assert!(!text.contains("all matches"), "{text}");

    let last = org.read(&format!("/v1/clients/{fabrikam}/statement")).await;
    assert_eq!(last["statement"]["month"], "2026-06");
    let problem =
        send(org.owner.caller.get(&format!("/v1/clients/{fabrikam}/statement?month=2025-01"))).await;
    assert_problem(&problem, 409, "not_audited");
}
