//! Invitations to join the organization.

use super::sessions::OpenSession;
use crate::app::App;
use crate::auth::extract::MaybeSignedIn;
use crate::auth::{Allowed, Role, perm};
use crate::error::ApiError;
use crate::extract::JsonBody;
use crate::pagination::{PageQuery, PageRequest};
use crate::services::idempotency::Replay;
use crate::services::invitations::{self, Accept, Invite, State};
use crate::storage::StorageError;
use crate::storage::invitations::{InvitationRow, find, list};
use crate::{page_type, routes};
use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpRequest, HttpResponse, delete, get, post, web};
use chrono::{DateTime, Utc};
use leakage_core::id::{InvitationId, UserId};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// Registers the resource.
pub fn configure(config: &mut ServiceConfig) {
    // Fixed paths before those with an id.
    config
        .service(create_invitation)
        .service(accept_invitation)
        .service(list_invitations)
        .service(get_invitation)
        .service(delete_invitation);
}

/// An invitation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "01931f3e-7d5c-7b60-9f10-3f2a4b5c6d7e", "email": "ben@example.com", "role": "biller", "status": "pending",
    "invited_by": "01931f3e-7d5c-7b60-9f10-000000000002", "created_at": "2026-11-22T12:00:00Z",
    "expires_at": "2026-11-29T12:00:00Z"
}))]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// Who is invited.
    #[schema(max_length = 254)]
    pub email: String,
    /// The role that they will have.
    pub role: Role,
    /// `pending`, `accepted`, `revoked` or `expired`. New ones may be added.
    #[schema(max_length = 16)]
    pub status: &'static str,
    /// Who invited them.
    pub invited_by: UserId,
    /// When.
    pub created_at: DateTime<Utc>,
    /// From when it cannot be accepted.
    pub expires_at: DateTime<Utc>,
    /// When it was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<DateTime<Utc>>,
    /// What the invited person accepts with. Only in the answer that made it, and not in its
    /// repetitions: it is not stored. Pass it on; no mail is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100)]
    pub token: Option<String>,
}

page_type!(InvitationPage, Invitation);

impl Invitation {
    fn of(row: &InvitationRow, now: DateTime<Utc>) -> Result<Self, StorageError> {
        Ok(Self {
            id: row.id.into(),
            email: row.email.clone(),
            role: row.role()?,
            status: match invitations::state(row, now) {
                State::Pending => "pending",
                State::Accepted => "accepted",
                State::Revoked => "revoked",
                State::Expired => "expired",
            },
            invited_by: row.invited_by.into(),
            created_at: row.created_at,
            expires_at: row.expires_at,
            accepted_at: row.accepted_at,
            revoked_at: row.revoked_at,
            token: None,
        })
    }
}

/// Who is invited, as what.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "ben@example.com", "role": "biller"}))]
pub struct InvitationRequest {
    /// E-mail address.
    #[schema(min_length = 3, max_length = 254)]
    pub email: String,
    /// The role that they will have; only owners invite owners.
    pub role: Role,
}

/// An acceptance.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"token": "lfi_invented", "name": "Ben Example", "password": "four brown jugs"}))]
pub struct AcceptRequest {
    /// The invitation's token.
    #[schema(min_length = 1, max_length = 100)]
    pub token: String,
    /// Your name; needed, and used, when the address has no account.
    #[schema(min_length = 1, max_length = 200)]
    pub name: Option<String>,
    /// The password of the address's account, or a new one of 12 to 256 characters if it has none. Not
    /// needed when signed in.
    #[schema(value_type = Option<String>, format = Password, min_length = 1, max_length = 256)]
    pub password: Option<SecretString>,
}

/// Invite someone
///
/// The answer holds the token, once; pass it on, for no mail is sent. It is not stored: a repetition with
/// the same `Idempotency-Key` answers the invitation without it. Only owners invite owners.
#[utoipa::path(
    tag = "invitations",
    security(("access_token" = [])),
    extensions(("x-permission" = json!("members:manage"))),
    params(("Idempotency-Key" = Option<String>, Header, description = "Invites once, however often it is sent.",
            max_length = 257)),
    request_body = InvitationRequest,
    responses((status = 201, description = "Invited.", body = Invitation,
               headers(("Location" = String, description = "The invitation.")))),
)]
#[post("/invitations")]
async fn create_invitation(
    actor: Allowed<perm::ManageMembers>,
    app: web::Data<App>,
    replay: Replay,
    body: JsonBody<InvitationRequest>,
) -> Result<HttpResponse, ApiError> {
    let now = app.clock.now();
    let invite = Invite { email: body.value.email, role: body.value.role };
    let show =
        |row: &InvitationRow| serde_json::to_value(Invitation::of(row, now)?).map_err(ApiError::internal);
    let replied = invitations::invite(&app, &actor, &replay, &body.sha256, &invite, show).await?;
    Ok(routes::respond_unkept(replied))
}

/// List invitations
///
/// Newest first, also those that are over.
#[utoipa::path(
    tag = "invitations",
    security(("access_token" = [])),
    extensions(("x-permission" = json!("members:manage"))),
    params(PageQuery),
    responses((status = 200, description = "A page of invitations.", body = InvitationPage)),
)]
#[get("/invitations")]
async fn list_invitations(
    request: HttpRequest,
    actor: Allowed<perm::ManageMembers>,
    app: web::Data<App>,
    page: web::Query<PageQuery>,
) -> Result<HttpResponse, ApiError> {
    let page: PageRequest<Uuid> = page.read(&"invitations")?;
    let now = app.clock.now();
    let mut tx = app.db.begin(actor.org).await?;
    let rows = list(&mut tx, page.after, page.fetch()).await?;
    let paged = page.page(rows, |row| row.id)?.try_map(|row| Invitation::of(&row, now))?;
    routes::list(&request, &InvitationPage::from(paged))
}

/// Read an invitation
#[utoipa::path(
    tag = "invitations",
    security(("access_token" = [])),
    extensions(("x-permission" = json!("members:manage"))),
    params(("invitation_id" = InvitationId, Path, description = "Id of the invitation.")),
    responses((status = 200, description = "The invitation.", body = Invitation)),
)]
#[get("/invitations/{invitation_id}")]
async fn get_invitation(
    actor: Allowed<perm::ManageMembers>,
    app: web::Data<App>,
    invitation: web::Path<InvitationId>,
) -> Result<HttpResponse, ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    let row = find(&mut tx, *invitation).await?.ok_or_else(ApiError::not_found)?;
    Ok(HttpResponse::Ok().json(Invitation::of(&row, app.clock.now())?))
}

/// Revoke an invitation
#[utoipa::path(
    tag = "invitations",
    security(("access_token" = [])),
    extensions(("x-permission" = json!("members:manage"))),
    params(("invitation_id" = InvitationId, Path, description = "Id of the invitation.")),
    responses(
        (status = 204, description = "It cannot be accepted any more."),
        (status = 409, description = "It was accepted.", body = crate::error::Problem,
         content_type = "application/problem+json"),
    ),
)]
#[delete("/invitations/{invitation_id}")]
async fn delete_invitation(
    actor: Allowed<perm::ManageMembers>,
    app: web::Data<App>,
    invitation: web::Path<InvitationId>,
) -> Result<HttpResponse, ApiError> {
    invitations::revoke(&app, &actor, *invitation).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Accept an invitation
///
/// Makes you a member and answers a session in the organization. Send the token and, if the address has an
/// account, its password, or be signed in as that account; if it has none, a name and a new password. The
/// same request again answers another session, so an `Idempotency-Key` changes nothing here.
#[utoipa::path(
    tag = "invitations",
    security((), ("access_token" = [])),
    extensions(("x-permission" = json!("invited"))),
    request_body = AcceptRequest,
    responses(
        (status = 200, description = "You are a member.", body = OpenSession),
        (status = 401, description = "The address has an account with another password: `invalid_credentials`; or the access token is not valid.",
         body = crate::error::Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no invitation with this token.", body = crate::error::Problem,
         content_type = "application/problem+json"),
        (status = 409, description = "It was revoked, has expired, was accepted by someone else, or is for another address.",
         body = crate::error::Problem, content_type = "application/problem+json"),
    ),
)]
#[post("/invitations/accept")]
async fn accept_invitation(
    request: HttpRequest,
    signed_in: MaybeSignedIn,
    app: web::Data<App>,
    body: JsonBody<AcceptRequest>,
) -> Result<HttpResponse, ApiError> {
    let AcceptRequest { token, name, password } = body.value;
    let accept = Accept { token, name, password, signed_in: signed_in.0.map(|it| it.user) };
    let opened = invitations::accept(&app, &routes::client(&request, &app), accept).await?;
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(OpenSession::from(opened)))
}
