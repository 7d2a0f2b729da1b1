//! The signed-in person's second factor. Answers with secrets are not to be kept by caches.

use super::sessions::OpenSession;
use crate::app::App;
use crate::auth::SignedIn;
use crate::error::ApiError;
use crate::extract::JsonBody;
use crate::routes;
use crate::services::{second_factor, sessions};
use actix_web::http::header::{CACHE_CONTROL, LOCATION};
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

/// Registers the resource.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(complete_session)
        .service(get_second_factor)
        .service(begin_second_factor)
        .service(confirm_second_factor)
        .service(verify_second_factor)
        .service(renew_recovery_codes)
        .service(disable_second_factor);
}

/// A person's second factor.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "enabled": true, "confirmed_at": "2026-11-22T12:00:00Z", "recovery_codes_left": 9, "required": false
}))]
struct SecondFactor {
    /// Whether it is in use.
    enabled: bool,
    /// Since when.
    confirmed_at: Option<DateTime<Utc>>,
    /// Recovery codes that were not used.
    #[schema(minimum = 0, maximum = 10)]
    recovery_codes_left: i64,
    /// Whether an organization of yours asks for it.
    required: bool,
}

/// A secret that waits for its first code.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
    "otpauth_uri": "otpauth://totp/Leakage%20Finder:ann%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Leakage%20Finder&algorithm=SHA1&digits=6&period=30"
}))]
struct SecondFactorSecret {
    /// Base32, for typing into an app. It is shown here and never again.
    #[schema(max_length = 64)]
    secret: String,
    /// For a QR code.
    #[schema(max_length = 1000)]
    otpauth_uri: String,
}

/// Recovery codes, each good once in place of an app's code.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"recovery_codes": ["ABCD-EFGH-IJKL-MN23"]}))]
struct RecoveryCodes {
    /// They are shown here and never again.
    #[schema(min_items = 10, max_items = 10)]
    recovery_codes: Vec<String>,
}

impl RecoveryCodes {
    fn of(codes: &[SecretString]) -> HttpResponse {
        let recovery_codes = codes.iter().map(|code| code.expose_secret().to_owned()).collect();
        HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(Self { recovery_codes })
    }
}

/// Your password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"password": "three green bottles"}))]
struct OwnPassword {
    /// Password.
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 256)]
    password: SecretString,
}

/// A code.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"code": "287082"}))]
struct SecondFactorCode {
    /// Six digits of the app, or a recovery code.
    #[schema(value_type = String, format = Password, min_length = 6, max_length = 40)]
    code: SecretString,
}

/// Password and code.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"password": "three green bottles", "code": "287082"}))]
struct PasswordAndCode {
    /// Password.
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 256)]
    password: SecretString,
    /// Six digits of the app, or a recovery code.
    #[schema(value_type = String, format = Password, min_length = 6, max_length = 40)]
    code: SecretString,
}

/// The second step of signing in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"challenge": "lfc_invented", "code": "287082"}))]
struct SignInCode {
    /// From the first step.
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 100)]
    challenge: SecretString,
    /// Six digits of the app, or a recovery code.
    #[schema(value_type = String, format = Password, min_length = 6, max_length = 40)]
    code: SecretString,
}

/// Sign in: the second step
///
/// With the challenge that `POST /v1/sessions` answered and a code of the app, or a recovery code. A challenge is good
/// once, for five minutes and five attempts. A code is good once: neither it nor an older one is accepted again. After
/// several failures the next attempts have to wait (429 with `Retry-After`).
#[utoipa::path(
    tag = "sessions",
    security(()),
    request_body = SignInCode,
    responses(
        (status = 201, description = "Signed in.", body = OpenSession,
         headers(("Location" = String, description = "The session."))),
        (status = 401, description = "The code is wrong or used (`second_factor_wrong`), or no sign-in waits for it any more.",
         body = crate::error::Problem, content_type = "application/problem+json"),
    ),
)]
#[post("/sessions/second-factor")]
async fn complete_session(
    request: HttpRequest,
    app: web::Data<App>,
    body: JsonBody<SignInCode>,
) -> Result<HttpResponse, ApiError> {
    let SignInCode { challenge, code } = body.value;
    let client = routes::client(&request, &app);
    let opened = sessions::complete(&app, &client, &challenge, code.expose_secret()).await?;
    let location = format!("/v1/sessions/{}", opened.session);
    Ok(HttpResponse::Created()
        .insert_header((LOCATION, location))
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(OpenSession::from(opened)))
}

/// Read your second factor
///
/// Whether it is in use, and how many recovery codes are left.
#[utoipa::path(
    tag = "sessions",
    security(("access_token" = [])),
    extensions(("x-permission" = json!("signed_in"))),
    responses((status = 200, description = "Your second factor.", body = SecondFactor)),
)]
#[get("/me/second-factor")]
async fn get_second_factor(signed_in: SignedIn, app: web::Data<App>) -> Result<HttpResponse, ApiError> {
    let status = second_factor::status(&app, signed_in.user).await?;
    Ok(HttpResponse::Ok().json(SecondFactor {
        enabled: status.confirmed_at.is_some(),
        confirmed_at: status.confirmed_at,
        recovery_codes_left: status.recovery_codes_left,
        required: status.required,
    }))
}

/// Set up a second factor
///
/// Answers a secret for an authenticator app (RFC 6238). It is in use when its first code has confirmed it. Asked
/// again before that, the new secret takes the place of the old one.
#[utoipa::path(
    tag = "sessions",
    security(("access_token" = [])),
    extensions(("x-permission" = json!("signed_in"))),
    request_body = OwnPassword,
    responses((status = 201, description = "The secret.", body = SecondFactorSecret,
               headers(("Location" = String, description = "Your second factor.")))),
)]
#[post("/me/second-factor")]
async fn begin_second_factor(
    request: HttpRequest,
    signed_in: SignedIn,
    app: web::Data<App>,
    body: JsonBody<OwnPassword>,
) -> Result<HttpResponse, ApiError> {
    let client = routes::client(&request, &app);
    let begun = second_factor::begin(&app, &client, signed_in.user, body.value.password).await?;
    Ok(HttpResponse::Created()
        .insert_header((LOCATION, "/v1/me/second-factor"))
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(SecondFactorSecret {
            secret: begun.secret.expose_secret().to_owned(),
            otpauth_uri: begun.uri.expose_secret().to_owned(),
        }))
}

/// Confirm your second factor
///
/// By a first code of the app. Answers ten recovery codes: keep them where the phone is not. From now on signing in
/// takes two steps; this session counts as having shown the second factor.
#[utoipa::path(
    tag = "sessions",
    security(("access_token" = [])),
    extensions(("x-permission" = json!("signed_in"))),
    request_body = SecondFactorCode,
    responses((status = 200, description = "The recovery codes.", body = RecoveryCodes)),
)]
#[post("/me/second-factor/confirm")]
async fn confirm_second_factor(
    signed_in: SignedIn,
    app: web::Data<App>,
    body: JsonBody<SecondFactorCode>,
) -> Result<HttpResponse, ApiError> {
    let code = body.value.code.expose_secret();
    let codes = second_factor::confirm(&app, signed_in.user, signed_in.session, code).await?;
    Ok(RecoveryCodes::of(&codes))
}

/// Show your second factor
///
/// In a session that runs, for what asks for it: who approves a waiver alone must have shown it in the last ten
/// minutes.
#[utoipa::path(
    tag = "sessions",
    security(("access_token" = [])),
    extensions(("x-permission" = json!("signed_in"))),
    request_body = SecondFactorCode,
    responses((status = 204, description = "It is yours.")),
)]
#[post("/me/second-factor/verify")]
async fn verify_second_factor(
    signed_in: SignedIn,
    app: web::Data<App>,
    body: JsonBody<SecondFactorCode>,
) -> Result<HttpResponse, ApiError> {
    let code = body.value.code.expose_secret();
    second_factor::verify(&app, signed_in.user, signed_in.session, code).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Make new recovery codes
///
/// The old ones are none any more.
#[utoipa::path(
    tag = "sessions",
    security(("access_token" = [])),
    extensions(("x-permission" = json!("signed_in"))),
    request_body = PasswordAndCode,
    responses((status = 200, description = "The recovery codes.", body = RecoveryCodes)),
)]
#[post("/me/second-factor/recovery-codes")]
async fn renew_recovery_codes(
    request: HttpRequest,
    signed_in: SignedIn,
    app: web::Data<App>,
    body: JsonBody<PasswordAndCode>,
) -> Result<HttpResponse, ApiError> {
    let PasswordAndCode { password, code } = body.value;
    let client = routes::client(&request, &app);
    let code = code.expose_secret();
    let codes = second_factor::renew_recovery_codes(&app, &client, signed_in.user, password, code).await?;
    Ok(RecoveryCodes::of(&codes))
}

/// Take your second factor away
///
/// With password and code (or a recovery code). Refused while an organization of yours asks for it.
#[utoipa::path(
    tag = "sessions",
    security(("access_token" = [])),
    extensions(("x-permission" = json!("signed_in"))),
    request_body = PasswordAndCode,
    responses((status = 204, description = "It is gone.")),
)]
#[post("/me/second-factor/disable")]
async fn disable_second_factor(
    request: HttpRequest,
    signed_in: SignedIn,
    app: web::Data<App>,
    body: JsonBody<PasswordAndCode>,
) -> Result<HttpResponse, ApiError> {
    let PasswordAndCode { password, code } = body.value;
    let client = routes::client(&request, &app);
    second_factor::disable(&app, &client, signed_in.user, password, code.expose_secret()).await?;
    Ok(HttpResponse::NoContent().finish())
}
