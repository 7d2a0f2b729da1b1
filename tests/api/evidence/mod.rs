//! Evidence: bundles that prove themselves, keys that are changed, a log that cannot be rewritten unseen, and
//! persons who ask to be forgotten.

mod bundles;
mod erasures;
mod lines;
mod log;
mod persons;
mod says;

use crate::corrections::{Desk, audited, message};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use leakage_core::evidence::key::from_jwks;
use leakage_core::evidence::verify::{Verification, verify};
use leakage_tests::{Caller, Org, TestApp, send};
use serde_json::{Value, json};

pub(crate) const ANNA: &str = "anna@contoso.example";

/// A vendor's log in which these users were given Business Premium.
pub(crate) fn provisioning(users: &[&str]) -> String {
    let spb = "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46";
    let entries: Vec<Value> = users
        .iter()
        .enumerate()
        .map(|(at, user)| {
            json!({
                "id": format!("Directory_{at}"), "category": "UserManagement", "result": "success",
                "correlationId": format!("c0000001-0000-4000-8000-{at:012}"),
                "activityDisplayName": "Update user", "activityDateTime": format!("2026-08-{:02}T08:15:30Z", at + 1),
                "initiatedBy": {"user": {"userPrincipalName": "admin@contoso.example"}, "app": null},
                "targetResources": [{
                    "id": format!("11110000-0000-4000-8000-{at:012}"), "type": "User", "userPrincipalName": user,
                    "modifiedProperties": [{
                        "displayName": "AssignedLicense", "oldValue": "[]",
                        "newValue": format!("[\"[SkuName=SPB, AccountId=aaaa0000-1111-4222-8333-444455556666, SkuId={spb}, DisabledPlans=[]]\"]"),
                    }],
                }],
            })
        })
        .collect();
    let context = "https://graph.microsoft.com/v1.0/$metadata#auditLogs/directoryAudits";
    json!({"@odata.context": context, "value": entries}).to_string()
}

/// An organization with a gap of one seat whose provisioning log was captured, and its correction, told.
pub(crate) async fn told(app: &TestApp) -> (Org<'_>, Desk, Value) {
    told_so(app, message(61)).await
}

/// The same, told in this way.
pub(crate) async fn told_so(app: &TestApp, how: Value) -> (Org<'_>, Desk, Value) {
    let (org, gap) = audited(app, 61, 60, 8..=9).await;
    let log = org.import_whole(
        "directory-audits.json",
        provisioning(&[ANNA, "ben@contoso.example"]),
        "client=Contoso",
    );
    let log = log.await;
    org.audit(json!({"from": "2026-08", "to": "2026-09"})).await;
    let (mut desk, _) = Desk::open(&org.owner.caller, &[&gap]).await;
    desk.ok(&org.owner.caller, "communicate", how).await;
    app.work().await;
    desk.read(&org.owner.caller, "").await;
    (org, desk, log)
}

/// The bundles of a correction, the newest first.
pub(crate) async fn bundles(caller: &Caller, desk: &Desk) -> Vec<Value> {
    let path = format!("/v1/corrections/{}/evidence-bundles", desk.id);
    let (status, list) = send(caller.get(&path)).await;
    assert_eq!(status, 200, "{list:#}");
    list["data"].as_array().unwrap().clone()
}

/// Asks for another bundle and has it built.
pub(crate) async fn another(app: &TestApp, caller: &Caller, desk: &Desk, body: Value) -> Value {
    let path = format!("/v1/corrections/{}/evidence-bundles", desk.id);
    let (status, asked) = send(caller.post(&path).json(&body)).await;
    assert_eq!((status, asked["status"].as_str()), (202, Some("waiting")), "{asked:#}");
    app.work().await;
    let (_, bundle) =
        send(caller.get(&format!("/v1/evidence-bundles/{}", asked["id"].as_str().unwrap()))).await;
    assert_eq!(bundle["status"], "built", "{bundle:#}");
    bundle
}

/// The archive.
pub(crate) async fn content(caller: &Caller, bundle: &Value) -> Vec<u8> {
    let path = format!("/v1/evidence-bundles/{}/content", bundle["id"].as_str().unwrap());
    let response = caller.get(&path).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.bytes().await.unwrap().to_vec()
}

/// One file of an archive, as text.
pub(crate) fn file(archive: &[u8], path: &str) -> String {
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(archive)).unwrap();
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut zip.by_name(path).unwrap_or_else(|_| panic!("{path}")), &mut bytes)
        .unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The keys that an organization publishes.
pub(crate) async fn keys(app: &TestApp, org: &Org<'_>) -> Vec<[u8; 32]> {
    let (status, keys) = send(app.get(&format!("/.well-known/evidence-keys/{}", org.id))).await;
    assert_eq!(status, 200, "{keys:#}");
    from_jwks(&keys.to_string()).unwrap()
}

/// What the offline check says of an archive.
pub(crate) fn checked(archive: &[u8], keys: &[[u8; 32]]) -> Verification {
    verify(archive, keys, &|key, text, signature| {
        UnparsedPublicKey::new(&ED25519, key).verify(text, signature).is_ok()
    })
}

/// Checks the log through HTTP.
pub(crate) async fn check(caller: &Caller, outside: Option<&str>) -> Value {
    let body = outside.map_or_else(|| json!({}), |note| json!({ "checkpoint": note }));
    let (status, checked) = send(caller.post("/v1/timeline-log/check").json(&body)).await;
    assert_eq!(status, 200, "{checked:#}");
    checked
}
