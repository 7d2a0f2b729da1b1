//! Members of the organization.

use crate::app::App;
use crate::auth::{Allowed, Role, perm};
use crate::error::ApiError;
use crate::extract::{IfMatch, IfNoneMatch, JsonBody, etag};
use crate::pagination::{PageQuery, PageRequest};
use crate::services::{lost_factors, members};
use crate::storage::StorageError;
use crate::storage::members::{MemberRow, list};
use crate::{page_type, routes};
use actix_web::http::header::ETAG;
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, web};
use chrono::{DateTime, Utc};
use leakage_core::id::UserId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// Registers the resource.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(list_members)
        .service(get_member)
        .service(update_member)
        .service(delete_member)
        .service(reset_second_factor_of_member);
}

/// A member of the organization.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "user_id": "01931f3e-7d5c-7b60-9f10-000000000002", "email": "ann@example.com", "name": "Ann Example",
    "role": "owner", "created_at": "2026-11-22T12:00:00Z", "updated_at": "2026-11-22T12:00:00Z"
}))]
pub struct Member {
    /// The person.
    pub user_id: UserId,
    /// Their e-mail address.
    #[schema(max_length = 254)]
    pub email: String,
    /// Their name.
    #[schema(max_length = 200)]
    pub name: String,
    /// Their role here.
    pub role: Role,
    /// When they joined.
    pub created_at: DateTime<Utc>,
    /// When their role last changed.
    pub updated_at: DateTime<Utc>,
}

page_type!(MemberPage, Member);

impl TryFrom<MemberRow> for Member {
    type Error = StorageError;

    fn try_from(row: MemberRow) -> Result<Self, StorageError> {
        Ok(Self {
            user_id: row.user_id.into(),
            role: row.role()?,
            email: row.email,
            name: row.name,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// What to change of a member.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"role": "biller"}))]
pub struct MemberChange {
    /// Their new role.
    pub role: Role,
}

/// List members
///
/// In the order of their ids.
#[utoipa::path(
    tag = "members",
    security(("access_token" = [])),
    extensions(("x-permission" = json!("members:read"))),
    params(PageQuery),
    responses((status = 200, description = "A page of members.", body = MemberPage)),
)]
#[get("/members")]
async fn list_members(
    request: HttpRequest,
    actor: Allowed<perm::ReadMembers>,
    app: web::Data<App>,
    page: web::Query<PageQuery>,
) -> Result<HttpResponse, ApiError> {
    let page: PageRequest<Uuid> = page.read(&"members")?;
    let mut tx = app.db.begin(actor.org).await?;
    let rows = list(&mut tx, page.after, page.fetch()).await?;
    let paged = page.page(rows, |row| row.user_id)?.try_map(Member::try_from)?;
    routes::list(&request, &MemberPage::from(paged))
}

/// Read a member
#[utoipa::path(
    tag = "members",
    security(("access_token" = [])),
    extensions(("x-permission" = json!("members:read"))),
    params(
        ("user_id" = UserId, Path, description = "Id of the person."),
        ("If-None-Match" = Option<String>, Header, description = "ETag of what you have.", max_length = 200),
    ),
    responses(
        (status = 200, description = "The member.", body = Member, headers(("ETag" = String, description = "Its version."))),
        (status = 304, description = "You have this version."),
    ),
)]
#[get("/members/{user_id}")]
async fn get_member(
    actor: Allowed<perm::ReadMembers>,
    app: web::Data<App>,
    user: web::Path<UserId>,
    if_none_match: IfNoneMatch,
) -> Result<HttpResponse, ApiError> {
    let row = members::find(&app, &actor, *user).await?;
    Ok(routes::found(&if_none_match, row.version, &Member::try_from(row)?))
}

/// Change a member's role
///
/// Counts at once for what they write, and within ten minutes for what they read. Only owners make, change
/// and remove owners, and one owner always stays.
#[utoipa::path(
    tag = "members",
    security(("access_token" = [])),
    extensions(("x-permission" = json!("members:manage"))),
    params(
        ("user_id" = UserId, Path, description = "Id of the person."),
        ("If-Match" = String, Header, description = "ETag of what you have read.", max_length = 200),
    ),
    request_body = MemberChange,
    responses((status = 200, description = "Changed.", body = Member,
               headers(("ETag" = String, description = "Its version.")))),
)]
#[patch("/members/{user_id}")]
async fn update_member(
    actor: Allowed<perm::ManageMembers>,
    app: web::Data<App>,
    user: web::Path<UserId>,
    if_match: IfMatch,
    body: JsonBody<MemberChange>,
) -> Result<HttpResponse, ApiError> {
    let row = members::set_role(&app, &actor, *user, if_match.required()?, body.value.role).await?;
    let version = row.version;
    Ok(HttpResponse::Ok().insert_header((ETAG, etag(version))).json(Member::try_from(row)?))
}

/// Why a second factor is taken away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "Lost her telephone; I called her back on the number that we have."}))]
pub struct SecondFactorReset {
    /// Why, and how you made sure who asks.
    #[schema(min_length = 1, max_length = 2000)]
    pub reason: String,
}

/// Reset a member's second factor
///
/// For somebody who has lost app and recovery codes. The second factor is taken away, their sessions end, the
/// organization's log takes note of it with your reason, and they are told by mail where a mail server is configured.
/// Never your own; an owner's only by an owner; and only of somebody who belongs to no other organization, which their
/// factor would guard as well: for those, and for a sole owner, whoever runs the service has a command.
#[utoipa::path(
    tag = "members",
    security(("access_token" = [])),
    extensions(("x-permission" = json!("members:manage"))),
    params(("user_id" = UserId, Path, description = "Id of the person.")),
    request_body = SecondFactorReset,
    responses(
        (status = 204, description = "Taken away."),
        (status = 409, description = "None is in use, or they belong to other organizations, too.",
         body = crate::error::Problem, content_type = "application/problem+json"),
    ),
)]
#[post("/members/{user_id}/second-factor/reset")]
async fn reset_second_factor_of_member(
    actor: Allowed<perm::ManageMembers>,
    app: web::Data<App>,
    user: web::Path<UserId>,
    body: JsonBody<SecondFactorReset>,
) -> Result<HttpResponse, ApiError> {
    lost_factors::by_admin(&app, &actor, *user, &body.value.reason).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Remove a member
///
/// What they write is refused at once, what they read within ten minutes. Their account and the API keys
/// that they made stay: the keys belong to the organization.
#[utoipa::path(
    tag = "members",
    security(("access_token" = [])),
    extensions(("x-permission" = json!("members:manage"))),
    params(("user_id" = UserId, Path, description = "Id of the person.")),
    responses(
        (status = 204, description = "Removed."),
        (status = 409, description = "This is the only owner.", body = crate::error::Problem,
         content_type = "application/problem+json"),
    ),
)]
#[delete("/members/{user_id}")]
async fn delete_member(
    actor: Allowed<perm::ManageMembers>,
    app: web::Data<App>,
    user: web::Path<UserId>,
) -> Result<HttpResponse, ApiError> {
    members::remove(&app, &actor, *user).await?;
    Ok(HttpResponse::NoContent().finish())
}
