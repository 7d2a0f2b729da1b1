//! Sessions, and the keys that check access tokens. Answers with tokens are not to be kept by caches, and
//! none of them is ever stored.

use crate::app::App;
use crate::auth::tokens::Jwks;
use crate::auth::{Role, SignedIn};
use crate::error::ApiError;
use crate::extract::JsonBody;
use crate::pagination::{PageQuery, PageRequest};
use crate::services::second_factor::Challenge;
use crate::services::sessions::{self, FirstStep, Opened, Person};
use crate::storage::sessions::SessionRow;
use crate::storage::users::Belonging;
use crate::{page_type, routes};
use actix_web::http::header::{CACHE_CONTROL, LOCATION};
use actix_web::{HttpRequest, HttpResponse, delete, get, post, web};
use chrono::{DateTime, Utc};
use leakage_core::id::{OrgId, SessionId, UserId};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// Registers the resource.
pub fn configure(config: &mut ServiceConfig) {
    // Fixed paths before those with an id.
    config
        .service(create_session)
        .service(refresh_session)
        .service(sign_out)
        .service(list_sessions)
        .service(delete_session);
}

/// Registers the keys, which stand outside `/v1`.
pub fn configure_keys(config: &mut ServiceConfig) {
    config.service(get_jwks);
}

/// What an access token and a refresh token are, and how long they are good.
#[derive(Serialize, ToSchema)]
pub struct Tokens {
    /// For `Authorization: Bearer`.
    #[schema(max_length = 4000)]
    pub access_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer", max_length = 16)]
    pub token_type: &'static str,
    /// When the access token ends: ten minutes from now.
    pub access_token_expires_at: DateTime<Utc>,
    /// For `POST /v1/sessions/refresh`, once.
    #[schema(max_length = 100)]
    pub refresh_token: String,
    /// When the refresh token ends if it is not used.
    pub refresh_token_expires_at: DateTime<Utc>,
}

/// The signed-in person.
#[derive(Debug, Serialize, ToSchema)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// E-mail address as given.
    #[schema(example = "ann@example.com", max_length = 254)]
    pub email: String,
    /// Their name.
    #[schema(example = "Ann Example", max_length = 200)]
    pub name: String,
}

impl From<Person> for User {
    fn from(person: Person) -> Self {
        Self { id: person.id, email: person.email, name: person.name }
    }
}

/// An organization that a person belongs to.
#[derive(Debug, Serialize, ToSchema)]
pub struct Membership {
    /// The organization.
    pub organization_id: OrgId,
    /// Its name.
    #[schema(example = "Example MSP", max_length = 200)]
    pub organization_name: String,
    /// The person's role in it.
    pub role: Role,
    /// It asks for a second factor: only a session that has shown one acts in it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub second_factor_required: bool,
}

impl From<Belonging> for Membership {
    fn from(it: Belonging) -> Self {
        Self {
            organization_id: it.org,
            organization_name: it.name,
            role: it.role,
            second_factor_required: it.second_factor_required,
        }
    }
}

/// A session that was opened or refreshed.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "session_id": "01931f3e-7d5c-7b60-9f10-3f2a4b5c6d7e",
    "tokens": {
        "access_token": "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFZERTQSJ9.e30.c2ln", "token_type": "Bearer",
        "access_token_expires_at": "2026-11-22T12:10:00Z", "refresh_token": "lfr_invented",
        "refresh_token_expires_at": "2026-12-22T12:00:00Z"
    },
    "user": {"id": "01931f3e-7d5c-7b60-9f10-000000000002", "email": "ann@example.com", "name": "Ann Example"},
    "current": {"organization_id": "01931f3e-7d5c-7b60-9f10-000000000001", "organization_name": "Example MSP", "role": "owner"},
    "organizations": [
        {"organization_id": "01931f3e-7d5c-7b60-9f10-000000000001", "organization_name": "Example MSP", "role": "owner"}
    ]
}))]
pub struct OpenSession {
    /// The session.
    pub session_id: SessionId,
    /// Its tokens. They are shown here and never again.
    pub tokens: Tokens,
    /// The person.
    pub user: User,
    /// The organization that the access token is for; absent: the person belongs to none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current: Option<Membership>,
    /// All organizations of the person; refresh with `organization_id` to switch.
    #[schema(max_items = 1000)]
    pub organizations: Vec<Membership>,
}

impl From<Opened> for OpenSession {
    fn from(opened: Opened) -> Self {
        Self {
            session_id: opened.session,
            tokens: Tokens {
                token_type: "Bearer",
                access_token_expires_at: opened.access.expires_at,
                access_token: opened.access.token,
                refresh_token: opened.refresh.expose().to_owned(),
                refresh_token_expires_at: opened.refresh.expires_at,
            },
            user: opened.user.into(),
            current: opened.current.map(Membership::from),
            organizations: opened.organizations.into_iter().map(Membership::from).collect(),
        }
    }
}

/// The password was right, and the account has a second factor.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"challenge": "lfc_invented", "expires_at": "2026-11-22T12:05:00Z"}))]
pub struct SecondFactorNeeded {
    /// For `POST /v1/sessions/second-factor`, once.
    #[schema(max_length = 100)]
    pub challenge: String,
    /// When its time is over.
    pub expires_at: DateTime<Utc>,
}

impl From<Challenge> for SecondFactorNeeded {
    fn from(challenge: Challenge) -> Self {
        Self { challenge: challenge.token.expose_secret().to_owned(), expires_at: challenge.expires_at }
    }
}

/// A session of the signed-in person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "01931f3e-7d5c-7b60-9f10-3f2a4b5c6d7e", "current": true,
    "organization_id": "01931f3e-7d5c-7b60-9f10-000000000001", "user_agent": "Mozilla/5.0 (X11; Linux x86_64)",
    "created_at": "2026-11-22T12:00:00Z", "last_used_at": "2026-11-22T12:30:00Z", "expires_at": "2027-02-20T12:00:00Z"
}))]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Whether it is the one of this request.
    pub current: bool,
    /// The organization that its access tokens are for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<OrgId>,
    /// What signed in, as it described itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    pub user_agent: Option<String>,
    /// When the person signed in.
    pub created_at: DateTime<Utc>,
    /// Last sign-in or refresh; 30 days after it the session ends.
    pub last_used_at: DateTime<Utc>,
    /// When it ends in any case.
    pub expires_at: DateTime<Utc>,
}

page_type!(SessionPage, Session);

impl Session {
    fn of(row: SessionRow, current: SessionId) -> Self {
        Self {
            id: row.id.into(),
            current: row.id == current.uuid(),
            organization_id: row.organization.map(OrgId::new),
            user_agent: row.user_agent,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            expires_at: row.expires_at,
        }
    }
}

/// Who signs in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "ann@example.com", "password": "three green bottles"}))]
pub struct SignInRequest {
    /// E-mail address; upper and lower case are the same.
    #[schema(min_length = 3, max_length = 254)]
    pub email: String,
    /// Password.
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 256)]
    pub password: SecretString,
    /// For which organization; absent: the first one that the person joined.
    pub organization_id: Option<OrgId>,
}

/// A refresh token, and where to go.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"refresh_token": "lfr_invented"}))]
pub struct RefreshRequest {
    /// The session's last refresh token.
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 100)]
    pub refresh_token: SecretString,
    /// Switch to this organization; absent: stay.
    pub organization_id: Option<OrgId>,
}

/// Sign in
///
/// For an account with a second factor this is the first step: 200 with a challenge, see
/// `POST /v1/sessions/second-factor`. Else it answers an access token for ten minutes, a refresh token for the next one, and the organizations of
/// the person. After several failures from one network the next attempts have to wait (429 with
/// `Retry-After`); the wait ends by itself. Each sign-in is a session of its own, so an
/// `Idempotency-Key` changes nothing here.
#[utoipa::path(
    tag = "sessions",
    security(()),
    request_body = SignInRequest,
    responses(
        (status = 201, description = "Signed in.", body = OpenSession,
         headers(("Location" = String, description = "The session."))),
        (status = 200, description = "The account has a second factor: send its code to `/v1/sessions/second-factor`.",
         body = SecondFactorNeeded),
        (status = 401, description = "E-mail address or password is wrong: `invalid_credentials`. Whether there is such an account is not told.",
         body = crate::error::Problem, content_type = "application/problem+json"),
    ),
)]
#[post("/sessions")]
async fn create_session(
    request: HttpRequest,
    app: web::Data<App>,
    body: JsonBody<SignInRequest>,
) -> Result<HttpResponse, ApiError> {
    let SignInRequest { email, password, organization_id } = body.value;
    let client = routes::client(&request, &app);
    match sessions::sign_in(&app, &client, &email, password, organization_id).await? {
        FirstStep::Open(opened) => {
            let location = format!("/v1/sessions/{}", opened.session);
            Ok(HttpResponse::Created()
                .insert_header((LOCATION, location))
                .insert_header((CACHE_CONTROL, "no-store"))
                .json(OpenSession::from(*opened)))
        }
        FirstStep::Challenge(challenge) => Ok(HttpResponse::Ok()
            .insert_header((CACHE_CONTROL, "no-store"))
            .json(SecondFactorNeeded::from(challenge))),
    }
}

/// Refresh a session
///
/// A refresh token is good once and answers the next one. When the answer was lost, send the same token
/// again: it is accepted until its successor was used. Using one after that ends the session, for then two
/// have it. An `Idempotency-Key` changes nothing here.
#[utoipa::path(
    tag = "sessions",
    security(()),
    request_body = RefreshRequest,
    responses(
        (status = 200, description = "Refreshed.", body = OpenSession),
        (status = 401, description = "The session is over, or the token was used up: sign in again.",
         body = crate::error::Problem, content_type = "application/problem+json"),
    ),
)]
#[post("/sessions/refresh")]
async fn refresh_session(
    app: web::Data<App>,
    body: JsonBody<RefreshRequest>,
) -> Result<HttpResponse, ApiError> {
    let token = body.value.refresh_token.expose_secret();
    let opened = sessions::refresh(&app, token, body.value.organization_id).await?;
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(OpenSession::from(opened)))
}

/// Sign out
///
/// Ends the session of this request. Its refresh token is refused from now on and nothing is written with
/// its access token any more; reads are answered until that ends.
#[utoipa::path(
    tag = "sessions",
    security(("access_token" = [])),
    extensions(("x-permission" = json!("signed_in"))),
    responses((status = 204, description = "Signed out.")),
)]
#[post("/sessions/sign-out")]
async fn sign_out(signed_in: SignedIn, app: web::Data<App>) -> Result<HttpResponse, ApiError> {
    sessions::end(&app, signed_in.user, signed_in.session).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// List your sessions
///
/// Those that are not over, newest first.
#[utoipa::path(
    tag = "sessions",
    security(("access_token" = [])),
    extensions(("x-permission" = json!("signed_in"))),
    params(PageQuery),
    responses((status = 200, description = "A page of sessions.", body = SessionPage)),
)]
#[get("/sessions")]
async fn list_sessions(
    request: HttpRequest,
    signed_in: SignedIn,
    app: web::Data<App>,
    page: web::Query<PageQuery>,
) -> Result<HttpResponse, ApiError> {
    let page: PageRequest<Uuid> = page.read(&"sessions")?;
    let rows = sessions::list(&app, signed_in.user, page.after, page.fetch()).await?;
    let paged = page.page(rows, |row| row.id)?.map(|row| Session::of(row, signed_in.session));
    routes::list(&request, &SessionPage::from(paged))
}

/// End a session
///
/// One of your own, on another device for example.
#[utoipa::path(
    tag = "sessions",
    security(("access_token" = [])),
    extensions(("x-permission" = json!("signed_in"))),
    params(("session_id" = SessionId, Path, description = "Id of the session.")),
    responses((status = 204, description = "It is over.")),
)]
#[delete("/sessions/{session_id}")]
async fn delete_session(
    signed_in: SignedIn,
    app: web::Data<App>,
    session: web::Path<SessionId>,
) -> Result<HttpResponse, ApiError> {
    sessions::end(&app, signed_in.user, *session).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Read the keys that check access tokens
///
/// A JSON Web Key Set (RFC 7517).
#[utoipa::path(
    tag = "sessions",
    security(()),
    responses((status = 200, description = "The keys.", body = Jwks, example = json!({"keys": [{
        "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig",
        "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    }]}))),
)]
#[get("/.well-known/jwks.json")]
async fn get_jwks(app: web::Data<App>) -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "public, max-age=300")).json(app.tokens.jwks())
}
