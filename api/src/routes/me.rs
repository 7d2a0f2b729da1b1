//! The signed-in person.

use super::sessions::{Membership, User};
use crate::app::App;
use crate::auth::SignedIn;
use crate::error::ApiError;
use crate::services::sessions;
use actix_web::{HttpResponse, get, web};
use leakage_core::id::{OrgId, SessionId};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

/// Registers the resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(get_me);
}

/// The signed-in person and where they belong.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "user": {"id": "01931f3e-7d5c-7b60-9f10-000000000002", "email": "ann@example.com", "name": "Ann Example"},
    "session_id": "01931f3e-7d5c-7b60-9f10-3f2a4b5c6d7e",
    "organization_id": "01931f3e-7d5c-7b60-9f10-000000000001",
    "organizations": [
        {"organization_id": "01931f3e-7d5c-7b60-9f10-000000000001", "organization_name": "Example MSP", "role": "owner"}
    ]
}))]
pub struct Me {
    /// The person.
    pub user: User,
    /// The session of this request.
    pub session_id: SessionId,
    /// The organization that the access token is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<OrgId>,
    /// All organizations of the person, as they are now.
    #[schema(max_items = 1000)]
    pub organizations: Vec<Membership>,
}

/// Read who you are
#[utoipa::path(
    tag = "sessions",
    security(("access_token" = [])),
    extensions(("x-permission" = json!("signed_in"))),
    responses((status = 200, description = "You.", body = Me)),
)]
#[get("/me")]
async fn get_me(signed_in: SignedIn, app: web::Data<App>) -> Result<HttpResponse, ApiError> {
    let (person, organizations) = sessions::person(&app, signed_in.user).await?;
    Ok(HttpResponse::Ok().json(Me {
        user: person.into(),
        session_id: signed_in.session,
        organization_id: signed_in.membership.map(|(org, _)| org),
        organizations: organizations.into_iter().map(Membership::from).collect(),
    }))
}
