//! The keys that an organization's evidence is signed with: public for everyone, changed by admins.

use crate::app::App;
use crate::auth::{Allowed, perm};
use crate::error::ApiError;
use crate::extract::empty_sha256;
use crate::routes::respond;
use crate::services::idempotency::{Replay, Reply, once};
use crate::services::signing_keys;
use crate::storage::signing_keys::{self as stored, PublicKeyRow};
use actix_web::http::header::{CACHE_CONTROL, HeaderName};
use actix_web::{HttpResponse, get, post, web};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use leakage_core::id::OrgId;
use serde::Serialize;
use std::fmt::Write as _;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

/// What stands before the 32 bytes of an Ed25519 key in its `SubjectPublicKeyInfo` (RFC 8410).
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// Keys change seldom, and none is ever taken out.
const CACHED: (HeaderName, &str) = (CACHE_CONTROL, "public, max-age=300");

/// A public key that evidence is checked with (RFC 8037), and when it signed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "01931f3e-7d5c-7b60-9f10-3f2a4b5c6d7e",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "valid_from": "2026-11-22T12:00:00Z", "retired_at": null
}))]
struct EvidenceKey {
    /// Always `OKP`.
    #[schema(max_length = 3)]
    kty: &'static str,
    /// Always `Ed25519`.
    #[schema(max_length = 7)]
    crv: &'static str,
    /// Always `EdDSA`.
    #[schema(max_length = 5)]
    alg: &'static str,
    /// Always `sig`.
    #[serde(rename = "use")]
    #[schema(max_length = 3)]
    usage: &'static str,
    /// Its id.
    #[schema(max_length = 36)]
    kid: String,
    /// The key: 32 bytes in base64url.
    #[schema(max_length = 43)]
    x: String,
    /// From when it signs.
    valid_from: DateTime<Utc>,
    /// From when it signs no more; what it signed before stays signed.
    retired_at: Option<DateTime<Utc>>,
}

impl From<PublicKeyRow> for EvidenceKey {
    fn from(row: PublicKeyRow) -> Self {
        Self {
            kty: "OKP",
            crv: "Ed25519",
            alg: "EdDSA",
            usage: "sig",
            kid: row.id.to_string(),
            x: URL_SAFE_NO_PAD.encode(row.public_key),
            valid_from: row.valid_from,
            retired_at: row.retired_at,
        }
    }
}

/// The public keys of an organization (RFC 7517).
#[derive(Debug, Serialize, ToSchema)]
struct EvidenceKeys {
    /// The keys; the first one signs.
    #[schema(max_items = 10000)]
    keys: Vec<EvidenceKey>,
}

async fn keys(app: &App, org: OrgId) -> Result<Vec<PublicKeyRow>, ApiError> {
    let mut tx = app.db.begin(org).await?;
    Ok(stored::public(&mut tx).await?)
}

/// Read the keys that an organization's evidence is checked with
///
/// A JSON Web Key Set. Retired keys stay in it, for what they signed is checked with them. An organization
/// that does not exist has none.
#[utoipa::path(tag = "evidence", security(()),
    params(("organization_id" = OrgId, Path, description = "The organization")),
    responses((status = 200, description = "The keys", body = EvidenceKeys)))]
#[get("/.well-known/evidence-keys/{organization_id}")]
async fn get_evidence_keys(app: web::Data<App>, path: web::Path<OrgId>) -> Result<HttpResponse, ApiError> {
    let keys = keys(&app, *path).await?.into_iter().map(EvidenceKey::from).collect();
    Ok(HttpResponse::Ok().insert_header(CACHED).json(EvidenceKeys { keys }))
}

/// Read the same keys as PEM
///
/// For `openssl`: one block for each key, the one that signs first, with a line before it that says which.
#[utoipa::path(tag = "evidence", security(()),
    params(("organization_id" = OrgId, Path, description = "The organization")),
    responses((status = 200, description = "The keys", body = String, content_type = "application/x-pem-file")))]
#[get("/.well-known/evidence-keys/{organization_id}/pem")]
async fn get_evidence_keys_pem(
    app: web::Data<App>,
    path: web::Path<OrgId>,
) -> Result<HttpResponse, ApiError> {
    let mut text = String::new();
    for key in keys(&app, *path).await? {
        let until = key.retired_at.map_or_else(|| "now".to_owned(), |at| at.to_rfc3339());
        let der = STANDARD.encode([&SPKI[..], &key.public_key].concat());
        let from = key.valid_from.to_rfc3339();
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "key {}, signs from {from} until {until}\n-----BEGIN PUBLIC KEY-----\n{der}\n-----END PUBLIC KEY-----\n",
            key.id
        );
    }
    Ok(HttpResponse::Ok().content_type("application/x-pem-file").insert_header(CACHED).body(text))
}

/// Change the key that signs evidence
///
/// A new key signs from now on. The old one stays published: what it signed is checked with it.
#[utoipa::path(tag = "evidence", security(("access_token" = [])),
    extensions(("x-permission" = json!("organization:manage"))),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat", max_length = 255)),
    responses((status = 200, description = "The new key", body = EvidenceKey)))]
#[post("/organization/signing-keys/rotate")]
async fn rotate_signing_key(
    app: web::Data<App>,
    actor: Allowed<perm::ManageOrganization>,
    replay: Replay,
) -> Result<HttpResponse, ApiError> {
    let replied = once(&app, &actor, &replay, &empty_sha256(), async |tx| {
        let key = signing_keys::rotate(&app, tx, &actor.label()).await?;
        Reply::ok(None, &EvidenceKey::from(key))
    })
    .await?;
    Ok(respond(replied))
}

/// Registers what is inside `/v1`.
pub fn configure(config: &mut ServiceConfig) {
    config.service(rotate_signing_key);
}

/// Registers what everyone may read.
pub fn configure_keys(config: &mut ServiceConfig) {
    config.service(get_evidence_keys).service(get_evidence_keys_pem);
}
