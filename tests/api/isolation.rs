//! Every operation of the API document, asked by those who may not: strangers, another organization,
//! people with too low a role, integrations without the scope.
//!
//! The tables here say how to ask. An operation, a path parameter or a permission that they do not know
//! fails the test, so that nothing is added without being walked.

use crate::contract::{is_secured, operations};
use crate::organization_logo::PNG;
use leakage_api::auth::{Permission, Role, Scope, perm};
use leakage_api::jobs::{self, JobKind};
use leakage_core::letters::{LetterKind, example};
use leakage_tests::{Caller, TestApp, assert_problem, send};
use leakage_tests::{Org, PASSWORD, new_email};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Operations for everyone. Think before you add one.
const PUBLIC: &[&str] = &[
    "accept_as_client",
    "accept_invitation",
    "complete_session",
    "confirm_waiver_as_client",
    "create_client_code",
    "create_organization",
    "create_sample_audit",
    "create_session",
    "dispute_as_client",
    "get_client_view",
    "get_evidence_keys",
    "get_evidence_keys_pem",
    "get_jwks",
    "get_liveness",
    "get_readiness",
    "get_sample_audit",
    "list_sample_files",
    "plan_as_client",
    "refresh_session",
];

const ROLES: [Role; 5] = [Role::Owner, Role::Admin, Role::Biller, Role::AccountManager, Role::Viewer];
const SCOPES: [Scope; 6] = Scope::ALL;

/// Path parameters that name what every organization has, with one such name.
const SHARED: [(&str, &str); 1] = [("letter_kind", "first_notice")];

/// A body that the operation would accept from someone who may. None: it takes none.
fn body(operation: &str) -> Option<Value> {
    Some(match operation {
        "answer_import" => json!({"client": "Contoso"}),
        "accept_correction" => json!({"said": said()}),
        "amend_correction" => json!({"audit_id": Uuid::now_v7()}),
        "answer_correction" => json!({"dispute": 1, "reason": "refusal"}),
        "update_mapping" => json!({"basis": null}),
        "approve_correction" => json!({"of": "shock"}),
        "assign_correction" => json!({"owner": Uuid::now_v7()}),
        "attach_confirmation" | "replace_organization_logo" => json!({"any": "file"}),
        "bill_correction" => json!({"document": "INV-1", "on": "2026-12-01"}),
        "bulk_corrections" => json!({"action": "open", "filter": {"audit_id": Uuid::now_v7()}}),
        "communicate_correction" => json!({"message": {"context": "", "data": "", "going_forward": ""}}),
        "create_client_link" => json!({"days": 14}),
        "create_correction" => json!({"gaps": ["none"]}),
        "begin_second_factor" => json!({"password": PASSWORD}),
        "confirm_second_factor" | "verify_second_factor" => json!({"code": "000000"}),
        "reset_second_factor_of_member" => json!({"reason": "Lost the telephone"}),
        "renew_recovery_codes" | "disable_second_factor" => json!({"password": PASSWORD, "code": "000000"}),
        "create_psa_receipt" => json!({
            "document": "INV-1", "on": "2026-12-01", "amount": {"amount": "1.00", "currency": "USD"},
        }),
        "credit_correction" => json!({"document": "CN-1"}),
        "decide_correction" => json!({"reason": "x", "write_off": false, "evidence_shown": true}),
        "deliver_correction" => json!({"on": "2026-11-22"}),
        "dispute_correction" => json!({"reason": "refusal", "said": said()}),
        "end_review_of_correction" => json!({"outcome": "x"}),
        "invoice_instalment_of_correction" => json!({"instalment": 1, "document": "INV-1"}),
        "pay_instalment_of_correction" => json!({"instalment": 1, "on": "2026-12-01"}),
        "plan_correction" => json!({"count": 2, "cadence": "monthly", "first_on": "2026-12-01"}),
        "promise_correction" => json!({"instalment": 1, "on": "2026-12-01", "said": said()}),
        "break_plan_of_correction" | "remind_correction" | "withdraw_correction" | "waive_correction" => {
            json!({})
        }
        "reopen_correction" => json!({"because": "verification_failed"}),
        "request_waiver_of_correction" => json!({"reason": "x"}),
        "resolve_correction" => json!({"basis": "accepted"}),
        "create_audit" => json!({"from": "2026-03", "to": "2026-03"}),
        "put_client_reconciliation_schedule" | "put_reconciliation_schedule" => json!({"invoice_day": 5}),
        "create_client" | "update_client" => json!({"name": format!("Client {}", Uuid::now_v7())}),
        "create_erasure" => json!({"person": "nobody@example.com", "reason": "Asked by letter"}),
        "approve_mapping" | "create_evidence_bundle" | "check_log" => json!({}),
        "create_import" => json!({"file": Uuid::now_v7()}),
        "create_import_profile" | "update_import_profile" => json!({
            "name": "Seat list", "kind": "leakage_entitlements",
            "fields": {"product": {"column": "App"}, "assigned": {"column": "Seats"}},
        }),
        "create_mapping" => {
            json!({"side": "product", "source": "M365 BP", "target": "Microsoft 365 Business Premium"})
        }
        "create_letter" => json!({
            "kind": "first_notice", "client_id": Uuid::now_v7(), "facts": example(LetterKind::FirstNotice),
        }),
        "create_delivery" => json!({"recipient": "client@example.com"}),
        "record_delivered" => json!({"note": "Sent from the PSA"}),
        "preview_letter" => json!({"kind": "first_notice"}),
        "replace_letter_template" => json!({"template": LetterKind::FirstNotice.default_template()}),
        "create_rule" => json!({
            "kind": "exclude", "value": "1", "valid_from": "2026-01-01", "reason": "Spare", "owner": "Dana",
        }),
        "create_price" => {
            json!({"product": "Seat", "unit_price": "7", "currency": "USD", "valid_from": "2026-01-01"})
        }
        "create_policy" => {
            json!({"product": "Seat", "basis": "assigned", "valid_from": "2026-01-01", "reason": "Agreed"})
        }
        "create_billing_entity" | "update_billing_entity" => {
            json!({"name": format!("Office {}", Uuid::now_v7())})
        }
        "end_billing_entity" => json!({"ended_on": "2026-06-01"}),
        "create_allocation" => json!({
            "billing_entity_id": Uuid::now_v7(), "kind": "rest", "valid_from": "2026-01-01", "reason": "Agreed",
        }),
        "end_rule" | "end_price" | "end_policy" | "end_allocation" => {
            json!({"valid_until": "2026-06-01", "reason": "Over"})
        }
        "void_import" => json!({"reason": "Export of the wrong month"}),
        "create_api_key" => json!({"name": "Nightly import", "scopes": ["read"]}),
        "create_invitation" => json!({"email": new_email(), "role": "viewer"}),
        "update_gap" => {
            json!({"root_cause": "missed_addition", "note": "Two hires that nobody told billing of."})
        }
        "update_member" => json!({"role": "viewer"}),
        "create_webhook_endpoint" => json!({"url": "https://hooks.example.com/leakage"}),
        "update_webhook_endpoint" => json!({"enabled": true}),
        "update_organization" => json!({"name": "Renamed"}),
        _ => return None,
    })
}

fn said() -> Value {
    json!({"by": "Casey Client", "channel": "email", "at": "2026-11-22T09:00:00Z"})
}

/// One of each thing that an address can name.
#[expect(clippy::too_many_lines, reason = "a list of all kinds of things")]
async fn things(app: &TestApp, org: &Org<'_>) -> BTreeMap<&'static str, String> {
    let member = org.member(Role::Viewer).await;
    let invitation = org.invite(&new_email(), Role::Viewer).await;
    let owner = &org.owner.caller;
    let key = send(owner.post("/v1/api-keys").json(&json!({"name": "Key", "scopes": ["read"]}))).await.1;
    // Nobody listens there: what is sent fails at once.
    let hook =
        send(owner.post("/v1/webhook-endpoints").json(&json!({"url": "http://127.0.0.1:9/secret"}))).await.1;
    let message = owner.post(&format!("/v1/webhook-endpoints/{}/test", hook["id"].as_str().unwrap()));
    let message = send(message).await.1;
    // Disabled, so that nothing of what follows is tried again.
    let disable = owner.patch(&format!("/v1/webhook-endpoints/{}", hook["id"].as_str().unwrap()));
    let disable = disable.header("If-Match", "\"v1\"").json(&json!({"enabled": false}));
    assert_eq!(send(disable).await.0, 200);
    let sessions = send(member.caller.get("/v1/sessions")).await.1;
    let mut tx = app.app.db.begin(org.id).await.unwrap();
    let job = jobs::enqueue(&mut tx, app.clock.now(), JobKind::Housekeeping, org.id.uuid(), Value::Null)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    app.work().await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (entitlements, billing) = (
        "client,product,sku,purchased,from\nSecret Client,Secret Seat,,7,2026-03-01\n",
        "client,product,quantity,unit_price,currency,from,until\nSecret Client,Secret Seat,5,7,USD,2026-03-01,2026-04-01\n",
    );
    org.import_whole("entitlements.csv", entitlements, "").await;
    let import = org.import_whole("billing.csv", billing, "").await;
    // Two, so that the later one has something to be compared with.
    org.audit(json!({"from": "2026-03", "to": "2026-03"})).await;
    app.clock.advance(chrono::TimeDelta::seconds(1));
    let document = org.audit(json!({"from": "2026-03", "to": "2026-03"})).await;
    let audit = org.read("/v1/audits").await["data"][0].clone();
    let client = org.read("/v1/clients").await["data"][0].clone();
    // What is decided at the same instant was known to the audit; this is decided after it.
    app.clock.advance(chrono::TimeDelta::seconds(1));
    org.map_product("Secret Seat", "Microsoft 365 Business Premium").await;
    let mapping = org.read("/v1/mappings").await["data"][0].clone();
    let profile = json!({
        "name": "Secret ERP", "kind": "leakage_entitlements",
        "fields": {"product": {"column": "App"}, "assigned": {"column": "Seats"}},
    });
    let profile = send(owner.post("/v1/import-profiles").json(&profile)).await.1;
    let letter = json!({
        "kind": "first_notice", "client_id": client["id"], "facts": example(LetterKind::FirstNotice),
    });
    let letter = send(owner.post("/v1/letters").json(&letter)).await.1;
    let deliveries = format!("/v1/letters/{}/deliveries", text(&letter["id"]));
    let delivery = send(owner.post(&deliveries).json(&json!({"recipient": "client@example.com"}))).await.1;
    let decided = json!({
        "kind": "exclude", "value": "1", "product": "Secret Seat", "client_id": client["id"],
        "valid_from": "2026-01-01", "reason": "Secret reason", "owner": "Dana",
    });
    let rule = send(owner.post("/v1/rules").json(&decided)).await.1;
    let decided = json!({
        "product": "Secret Seat", "client_id": client["id"], "unit_price": "7", "currency": "USD",
        "valid_from": "2026-01-01",
    });
    let price = send(owner.post("/v1/prices").json(&decided)).await.1;
    let decided = json!({
        "client_id": client["id"], "basis": "purchased", "valid_from": "2026-01-01", "reason": "Secret reason",
    });
    let policy = send(owner.post("/v1/policies").json(&decided)).await.1;
    let of_client = format!("/v1/clients/{}", text(&client["id"]));
    let entity = owner.post(&format!("{of_client}/billing-entities")).json(&json!({"name": "Secret office"}));
    let entity = send(entity).await.1;
    let decided = json!({
        "billing_entity_id": entity["id"], "kind": "rest", "valid_from": "2026-01-01", "reason": "Secret reason",
    });
    let allocation = send(owner.post(&format!("{of_client}/allocations")).json(&decided)).await.1;
    let client_id = text(&client["id"]);
    let schedule = owner.put("/v1/reconciliation-schedule").header("If-Match", "\"v1\"");
    assert_eq!(send(schedule.json(&json!({"invoice_day": 5}))).await.0, 200);
    app.work().await;
    let cycle = org.read("/v1/cycles").await["data"][0].clone();
    let opened = json!({"gaps": [document["gaps"][0]["id"]]});
    let correction = send(owner.post("/v1/corrections").json(&opened)).await.1;
    let path = format!(
        "/v1/corrections/{}/confirmations?kind=other&said_by=Casey&channel=email&said_at=2026-11-22T09:00:00Z",
        text(&correction["id"])
    );
    let attached = send(owner.post(&path).header("If-Match", "\"v1\"").body("a letter")).await;
    assert_eq!(attached.0, 200, "{:#}", attached.1);
    let logo = owner.put("/v1/organization/logo").header("If-Match", "\"v1\"").body(PNG.to_vec());
    assert_eq!(logo.send().await.unwrap().status(), 204);
    let links = format!("/v1/corrections/{}/client-links", text(&correction["id"]));
    let link = send(owner.post(&links).json(&json!({"days": 1}))).await.1;
    let contact =
        json!({"name": client["name"], "contact": {"name": "Casey", "email": "secret@contoso.example"}});
    let registered = owner.patch(&of_client).header("If-Match", "\"v1\"").json(&contact);
    assert_eq!(send(registered).await.0, 200);
    let bundles = format!("/v1/corrections/{}/evidence-bundles", text(&correction["id"]));
    let bundle = send(owner.post(&bundles).json(&json!({}))).await.1;
    let erasure = json!({"person": "nobody@example.com", "reason": "Asked by letter"});
    let erasure = send(owner.post("/v1/erasures").json(&erasure)).await.1;
    app.work().await;
    BTreeMap::from([
        ("client_link_id", text(&link["id"])),
        ("contact_version", "1".to_owned()),
        ("evidence_bundle_id", text(&bundle["id"])),
        ("erasure_id", text(&erasure["id"])),
        ("log_place", "0".to_owned()),
        ("webhook_endpoint_id", text(&hook["id"])),
        ("webhook_delivery_id", text(&message["id"])),
        ("letter_id", text(&letter["id"])),
        ("delivery_id", text(&delivery["id"])),
        ("policy_id", text(&policy["id"])),
        ("billing_entity_id", text(&entity["id"])),
        ("allocation_id", text(&allocation["id"])),
        ("rule_id", text(&rule["id"])),
        ("price_id", text(&price["id"])),
        ("correction_id", text(&correction["id"])),
        ("confirmation_number", "1".to_owned()),
        ("import_profile_id", text(&profile["id"])),
        ("audit_id", text(&audit["id"])),
        ("client_id", client_id),
        ("month", text(&cycle["month"])),
        ("gap_id", text(&document["gaps"][0]["id"])),
        ("import_id", text(&import["id"])),
        ("mapping_id", text(&mapping["id"])),
        ("api_key_id", text(&key["id"])),
        ("invitation_id", text(&invitation["id"])),
        ("job_id", job.to_string()),
        ("session_id", text(&sessions["data"][0]["id"])),
        ("user_id", member.id.to_string()),
    ])
}

fn parameters(path: &str) -> Vec<&str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect()
}

fn fill(path: &str, value: impl Fn(&str) -> String) -> String {
    let filled =
        path.split('/').map(|part| match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some(name) => value(name),
            None => part.to_owned(),
        });
    filled.collect::<Vec<_>>().join("/")
}

fn at<'a>(things: &'a BTreeMap<&'static str, String>) -> impl Fn(&str) -> String + 'a {
    |name| {
        let shared = SHARED.iter().find(|(shared, _)| *shared == name).map(|(_, value)| (*value).to_owned());
        shared.or_else(|| things.get(name).cloned()).unwrap_or_else(|| panic!("add `{name}` to `things`"))
    }
}

/// The request, with all that someone who may would send.
fn ask(caller: &Caller, method: &Method, path: &str, operation: &Value) -> RequestBuilder {
    let id = operation["operationId"].as_str().unwrap();
    let request = caller.request(method.clone(), path).header("If-Match", "\"v1\"");
    let Some(body) = body(id) else {
        assert!(operation["requestBody"].is_null(), "add `{id}` to `body`");
        return request;
    };
    request.json(&body)
}

fn secured() -> impl Iterator<Item = (Method, String, &'static Value)> {
    operations().into_iter().filter(|(_, _, operation)| is_secured(operation))
}

#[test]
fn operations_for_everyone_are_the_ones_that_were_meant_to_be() {
    let all = operations();
    let mut public: Vec<&str> = all
        .iter()
        .filter(|(_, _, operation)| !is_secured(operation))
        .map(|(_, _, operation)| operation["operationId"].as_str().unwrap())
        .collect();
    public.sort_unstable();
    assert_eq!(public, PUBLIC);
}

#[tokio::test]
async fn strangers_are_refused_everywhere() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let mut forged = org.owner.caller.token.clone().unwrap();
    forged.replace_range(forged.len() - 6.., "AAAAAA");
    let things = things(&app, &org).await;
    let key = format!("lfk_live_{}", "A".repeat(48));
    for caller in [app.stranger(), app.caller(forged), app.caller(key), app.caller("x"), app.caller("")] {
        for (method, path, operation) in secured() {
            let answer = send(ask(&caller, &method, &fill(&path, at(&things)), operation)).await;
            assert_eq!(answer.0, 401, "{method} {path} with {:?}: {:#}", caller.token, answer.1);
            assert_problem(&answer, 401, "unauthenticated");
        }
    }
}

#[tokio::test]
async fn another_organizations_things_are_as_absent_as_those_that_never_were() {
    let app = TestApp::start().await;
    let (ours, theirs) = (app.org("Ours").await, app.org("Theirs").await);
    let things = things(&app, &theirs).await;
    let theirs_alone = |path: &str| {
        let names = parameters(path);
        !names.is_empty() && !SHARED.iter().any(|(shared, _)| names.contains(shared))
    };
    for (method, path, operation) in secured().filter(|(_, path, _)| theirs_alone(path)) {
        let ask = async |path: String| {
            let (status, mut problem) = send(ask(&ours.owner.caller, &method, &path, operation)).await;
            problem["request_id"].take();
            (status, problem)
        };
        let foreign = ask(fill(&path, at(&things))).await;
        let absent = ask(fill(&path, |_| Uuid::now_v7().to_string())).await;
        assert_eq!(
            (foreign.0, foreign.1["code"].as_str()),
            (404, Some("not_found")),
            "{method} {path}: {:#}",
            foreign.1
        );
        assert_eq!(foreign, absent, "{method} {path}");
    }
    // And nothing has happened to them.
    for (name, path) in
        [("user_id", "/v1/members"), ("api_key_id", "/v1/api-keys"), ("invitation_id", "/v1/invitations")]
    {
        let list = send(theirs.owner.caller.get(path)).await.1;
        assert!(list.to_string().contains(&things[name]), "{path}: {list:#}");
    }
}

#[tokio::test]
async fn lists_hold_nothing_of_another_organization() {
    let app = TestApp::start().await;
    let (ours, theirs) = (app.org("Ours").await, app.org("Theirs").await);
    // A month is no secret: dates hold it. Nor is a number.
    let things = things(&app, &theirs).await.into_iter().filter(|(name, _)| *name != "month");
    let mut secrets: Vec<String> =
        things.map(|(_, secret)| secret).filter(|secret| secret.len() > 8).collect();
    secrets.extend([theirs.id.to_string(), theirs.owner.id.to_string(), theirs.owner.email.clone()]);
    for (method, path, operation) in
        secured().filter(|(m, path, _)| *m == Method::GET && parameters(path).is_empty())
    {
        let (status, answer) = send(ask(&ours.owner.caller, &method, &path, operation)).await;
        // Theirs has a logo, ours has none.
        let none = operation["operationId"] == "get_organization_logo";
        assert_eq!(status, if none { 404 } else { 200 }, "{path}: {answer:#}");
        let text = answer.to_string();
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "{path} tells {secret}: {answer:#}");
        }
    }
}

/// What a permission's name stands for. `None`: any signed-in person, and no integration.
fn permission(name: &str) -> Option<(&'static [Role], Option<Scope>)> {
    fn row<P: Permission>() -> (&'static str, (&'static [Role], Option<Scope>)) {
        (P::NAME, (P::ROLES, P::SCOPE))
    }
    let all = [
        row::<perm::Read>(),
        row::<perm::WriteImports>(),
        row::<perm::WriteCatalog>(),
        row::<perm::WriteAudits>(),
        row::<perm::WriteLetters>(),
        row::<perm::WriteCorrections>(),
        row::<perm::ReadMembers>(),
        row::<perm::ManageMembers>(),
        row::<perm::ManageApiKeys>(),
        row::<perm::ManageWebhooks>(),
        row::<perm::ManageOrganization>(),
    ];
    let found = all.into_iter().find(|(known, _)| *known == name).map(|(_, row)| row);
    assert!(found.is_some() || name == "signed_in", "add `{name}` to `permission`");
    found
}

#[tokio::test]
async fn a_role_that_is_not_enough_is_refused_and_one_that_is_enough_is_not() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let things = things(&app, &org).await;
    let mut people = Vec::new();
    for role in ROLES {
        let person = if role == Role::Owner { org.owner.clone() } else { org.member(role).await };
        people.push((role, person.caller));
    }
    for (method, path, operation) in secured() {
        let Some((roles, _)) = permission(operation["x-permission"].as_str().unwrap()) else { continue };
        for (role, caller) in &people {
            let request = ask(caller, &method, &fill(&path, at(&things)), operation);
            if !roles.contains(role) {
                let answer = send(request).await;
                assert_eq!(answer.0, 403, "{method} {path} as {role:?}: {:#}", answer.1);
                assert_problem(&answer, 403, "insufficient_role");
            } else if method == Method::GET {
                let (status, answer) = send(request).await;
                assert_eq!(status, 200, "{method} {path} as {role:?}: {answer:#}");
            }
        }
    }
}

#[tokio::test]
async fn an_integration_without_the_scope_is_refused_and_one_with_it_is_not() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let things = things(&app, &org).await;
    for (method, path, operation) in secured() {
        let scope = permission(operation["x-permission"].as_str().unwrap()).and_then(|(_, scope)| scope);
        let others: Vec<Scope> = SCOPES.into_iter().filter(|other| Some(*other) != scope).collect();
        let path = fill(&path, at(&things));
        let answer = send(ask(&org.api_key(&others).await, &method, &path, operation)).await;
        assert_eq!(answer.0, 403, "{method} {path} with {others:?}: {:#}", answer.1);
        assert_problem(&answer, 403, "insufficient_scope");
        if let (Some(scope), true) = (scope, method == Method::GET) {
            let (status, answer) = send(ask(&org.api_key(&[scope]).await, &method, &path, operation)).await;
            assert_eq!(status, 200, "{method} {path} with {scope:?}: {answer:#}");
        }
    }
}
