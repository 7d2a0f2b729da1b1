//! The look of an organization's letters: its logo and its colours.

use leakage_api::auth::Role;
use leakage_core::letters::{LetterKind, example};
use leakage_tests::{Org, TestApp, assert_problem, body, send};
use reqwest::Response;
use serde_json::{Value, json};

/// Eight points by four, of one colour.
pub(crate) const PNG: [u8; 74] = [
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00,
    0x00, 0x00, 0x08, 0x00, 0x00, 0x00, 0x04, 0x08, 0x02, 0x00, 0x00, 0x00, 0x3c, 0xaf, 0xe9, 0xa7, 0x00,
    0x00, 0x00, 0x11, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda, 0x63, 0x90, 0xf5, 0xab, 0xc4, 0x8a, 0x18, 0xa8,
    0x27, 0x01, 0x00, 0x86, 0x2f, 0x1c, 0x81, 0xe3, 0x1a, 0xce, 0x0c, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45,
    0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
];

const PATH: &str = "/v1/organization/logo";

async fn put(org: &Org<'_>, tag: &str, bytes: impl Into<reqwest::Body>) -> Response {
    org.owner.caller.put(PATH).header("If-Match", tag).body(bytes).send().await.unwrap()
}

async fn read(org: &Org<'_>, path: &str) -> Vec<u8> {
    let response = org.owner.caller.get(path).send().await.unwrap();
    assert_eq!(response.status(), 200, "{path}");
    response.bytes().await.unwrap().to_vec()
}

#[tokio::test]
async fn a_logo_is_kept_as_it_was_given_and_changes_the_organizations_version() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let caller = &org.owner.caller;
    assert_problem(&send(caller.get(PATH)).await, 404, "not_found");
    assert_problem(&send(caller.put(PATH).body(PNG.to_vec())).await, 428, "precondition_required");
    let kept = put(&org, "\"v1\"", PNG.to_vec()).await;
    assert_eq!((kept.status().as_u16(), &kept.headers()["etag"]), (204, &"\"v2\"".parse().unwrap()));
    assert_problem(&stale(put(&org, "\"v1\"", PNG.to_vec()).await).await, 412, "version_mismatch");

    let response = caller.get(PATH).send().await.unwrap();
    for (header, value) in
        [("content-type", "image/png"), ("etag", "\"v2\""), ("x-content-type-options", "nosniff")]
    {
        assert_eq!(response.headers()[header], value, "{header}");
    }
    assert_eq!(response.bytes().await.unwrap(), &PNG[..]);
    let known = caller.get(PATH).header("If-None-Match", "\"v2\"").send().await.unwrap();
    assert_eq!(known.status(), 304);
    let organization = org.read("/v1/organization").await;
    assert_eq!((&organization["logo"]["width"], &organization["logo"]["height"]), (&json!(8), &json!(4)));
    assert!(organization["logo"]["sha256"].as_str().unwrap().starts_with("sha256:"));

    let removed = caller.delete(PATH).header("If-Match", "\"v2\"").send().await.unwrap();
    assert_eq!(removed.status(), 204);
    assert_problem(&send(caller.get(PATH)).await, 404, "not_found");
    assert!(org.read("/v1/organization").await["logo"].is_null());
}

async fn stale(response: Response) -> (u16, Value) {
    (response.status().as_u16(), body(response).await)
}

#[tokio::test]
async fn what_is_no_logo_is_refused_with_what_to_do() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let mut wide = PNG.to_vec();
    wide[16..20].copy_from_slice(&40_000_u32.to_be_bytes());
    for (bytes, status, code, says) in [
        (b"<svg onload=\"alert(1)\"/>".to_vec(), 415, "unsupported_media_type", "PNG"),
        (b"\xff\xd8\xff\xe0 a JPEG".to_vec(), 415, "unsupported_media_type", "PNG"),
        (Vec::new(), 415, "unsupported_media_type", "PNG"),
        (PNG[..50].to_vec(), 422, "validation_failed", "damaged"),
        (wide, 422, "validation_failed", "again"),
        (vec![0x89; 300 * 1024], 413, "too_large", "256 kB"),
    ] {
        let answer = stale(put(&org, "\"v1\"", bytes).await).await;
        assert_problem(&answer, status, code);
        assert!(answer.1.to_string().contains(says), "{:#}", answer.1);
    }
    assert_problem(&send(org.owner.caller.get(PATH)).await, 404, "not_found");
    let viewer = org.member(Role::Viewer).await;
    let answer = send(viewer.caller.put(PATH).header("If-Match", "\"v1\"").body(PNG.to_vec())).await;
    assert_problem(&answer, 403, "insufficient_role");
}

#[tokio::test]
async fn colours_are_settings() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    assert!(org.read("/v1/organization").await["settings"]["brand"].is_null(), "nothing was decided");
    let patch = |tag: &str, brand: Value| {
        let change = json!({"settings": {"brand": brand}});
        org.owner.caller.patch("/v1/organization").header("If-Match", tag).json(&change)
    };
    let (status, changed) = send(patch("\"v1\"", json!({"primary_colour": "#7A1FA2"}))).await;
    assert_eq!(status, 200, "{changed:#}");
    assert_eq!(
        changed["settings"]["brand"],
        json!({"primary_colour": "#7a1fa2", "accent_colour": "#d9822b"})
    );
    for (brand, pointer) in [
        (json!({"primary_colour": "purple"}), "/settings/brand/primary_colour"),
        (json!({"accent_colour": "#12345"}), "/settings/brand/accent_colour"),
        (json!({"logo": "x"}), "/settings/brand/logo"),
        (json!(null), "/settings/brand"),
    ] {
        let answer = send(patch("\"v2\"", brand)).await;
        assert_problem(&answer, 422, "validation_failed");
        assert_eq!(answer.1["errors"][0]["pointer"], pointer, "{answer:#?}");
    }
}

#[tokio::test]
async fn letters_and_statements_are_pdf_in_the_look_of_the_organization() {
    let app = TestApp::start().await;
    let entitlements = "client,product,purchased,from,until\nContoso,Seat,22,2026-03-01,2026-04-01\n";
    let billing = "client,product,quantity,unit_price,currency,from,until\nContoso,Seat,20,22.00,USD,2026-03-01,2026-04-01\n";
    let org = app.audited_org(entitlements, billing).await;
    org.audit(json!({"from": "2026-03", "to": "2026-03"})).await;
    let client = org.read("/v1/clients").await["data"][0]["id"].as_str().unwrap().to_owned();
    let letter =
        json!({"kind": "first_notice", "client_id": client, "facts": example(LetterKind::FirstNotice)});
    let (status, letter) = send(org.owner.caller.post("/v1/letters").json(&letter)).await;
    assert_eq!(status, 201, "{letter:#}");
    let letter = format!("/v1/letters/{}", letter["id"].as_str().unwrap());
    let statement = format!("/v1/clients/{client}/statement?month=2026-03");

    let response = org.owner.caller.get(&letter).header("Accept", "application/pdf").send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/pdf");
    let name = response.headers()["content-disposition"].to_str().unwrap().to_owned();
    assert!(name.starts_with("inline; filename=\"first_notice-"), "{name}");
    let plain = response.bytes().await.unwrap().to_vec();
    assert!(plain.starts_with(b"%PDF-"));
    assert_eq!(read(&org, &format!("{letter}?format=pdf")).await, plain, "the same letter, the same bytes");
    assert!(read(&org, &format!("{statement}&format=pdf")).await.starts_with(b"%PDF-"));

    assert_eq!(put(&org, "\"v1\"", PNG.to_vec()).await.status(), 204);
    let with_logo = read(&org, &format!("{letter}?format=pdf")).await;
    assert_ne!(with_logo, plain);
    let change = json!({"settings": {"brand": {"primary_colour": "#7a1fa2"}}});
    let patch = org.owner.caller.patch("/v1/organization").header("If-Match", "\"v2\"").json(&change);
    assert_eq!(send(patch).await.0, 200);
    assert_ne!(read(&org, &format!("{letter}?format=pdf")).await, with_logo);
    let unknown = send(org.owner.caller.get(&format!("{letter}?format=docx"))).await;
    assert_problem(&unknown, 400, "unreadable_request");
}
