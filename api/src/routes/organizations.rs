//! Signing up an organization, and the one that the caller acts in.

use super::sessions::OpenSession;
use crate::app::App;
use crate::auth::{Allowed, perm};
use crate::error::ApiError;
use crate::extract::{IfMatch, IfNoneMatch, JsonBody, etag};
use crate::routes;
use crate::services::brand::BrandColours;
use crate::services::evidence::EvidenceNames;
use crate::services::idempotency::Replay;
use crate::services::organizations::{self, Change, FormatName, OrganizationSettings, SignUp};
use crate::storage::StorageError;
use crate::storage::organizations::OrganizationRow;
use actix_web::http::header::{CACHE_CONTROL, ETAG, HeaderName, LOCATION};
use actix_web::{HttpRequest, HttpResponse, get, patch, post, web};
use chrono::{DateTime, Utc};
use leakage_core::audit::{Basis, Proration};
use leakage_core::correction::policy::Policy;
use leakage_core::id::OrgId;
use leakage_core::ingest::DateOrder;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

/// Registers the resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(create_organization).service(get_organization).service(update_organization);
}

/// An organization.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "01931f3e-7d5c-7b60-9f10-000000000001", "name": "Example MSP",
    "settings": {"basis": "purchased", "proration": "daily", "source_order": [], "date_order": "dmy", "invitation_days": 7},
    "created_at": "2026-11-22T12:00:00Z", "updated_at": "2026-11-22T12:00:00Z"
}))]
pub struct Organization {
    /// Its id.
    pub id: OrgId,
    /// Its name.
    #[schema(max_length = 200)]
    pub name: String,
    /// What it has decided once.
    pub settings: OrganizationSettings,
    /// Its logo, where it has one: `GET /v1/organization/logo`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo: Option<OrganizationLogo>,
    /// When it signed up.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// What is known of a logo.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrganizationLogo {
    /// Digest of the file.
    #[schema(max_length = 71)]
    pub sha256: String,
    /// Points in a row.
    #[schema(minimum = 1, maximum = 3000)]
    pub width: i32,
    /// Rows.
    #[schema(minimum = 1, maximum = 3000)]
    pub height: i32,
}

impl TryFrom<OrganizationRow> for Organization {
    type Error = StorageError;

    fn try_from(row: OrganizationRow) -> Result<Self, StorageError> {
        Ok(Self {
            id: row.org_id.into(),
            settings: OrganizationSettings::of(&row)?,
            logo: match (row.logo_sha256, row.logo_width, row.logo_height) {
                (Some(sha256), Some(width), Some(height)) => Some(OrganizationLogo { sha256, width, height }),
                _ => None,
            },
            name: row.name,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// An organization to sign up, and its owner.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "organization_name": "Example MSP", "name": "Ann Example", "email": "ann@example.com",
    "password": "three green bottles"
}))]
pub struct SignUpRequest {
    /// Name of the organization.
    #[schema(min_length = 1, max_length = 200)]
    pub organization_name: String,
    /// Name of the person; used when their account is new.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// Their e-mail address.
    #[schema(min_length = 3, max_length = 254)]
    pub email: String,
    /// A new password of 12 to 256 characters, or the one of the account if there is one.
    #[schema(value_type = String, format = Password, min_length = 12, max_length = 256)]
    pub password: SecretString,
    /// A code of the account's second factor, if it has one.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Password, min_length = 6, max_length = 40)]
    pub second_factor_code: Option<SecretString>,
}

/// An organization that was signed up.
#[derive(Serialize, ToSchema)]
pub struct SignUpAnswer {
    /// The organization.
    pub organization: Organization,
    /// The owner's session.
    pub session: OpenSession,
}

/// What to change of the settings; what is absent stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingsChange {
    /// Which seats new audits count.
    #[serde(default, deserialize_with = "routes::present")]
    #[schema(nullable = false)]
    pub basis: Option<Basis>,
    /// How new audits count a change inside a month.
    #[serde(default, deserialize_with = "routes::present")]
    #[schema(nullable = false)]
    pub proration: Option<Proration>,
    /// Names of formats, the first one wins.
    #[serde(default, deserialize_with = "routes::present")]
    #[schema(nullable = false, max_items = 50)]
    pub source_order: Option<Vec<FormatName>>,
    /// Order of day and month in files that do not show it; null: imports ask.
    #[serde(default, deserialize_with = "routes::present")]
    #[schema(value_type = Option<DateOrder>)]
    pub date_order: Option<Option<DateOrder>>,
    /// Days for which an invitation can be accepted.
    #[serde(default, deserialize_with = "routes::present")]
    #[schema(nullable = false, minimum = 1, maximum = 30)]
    pub invitation_days: Option<u16>,
    /// Bands of invoice shock, days and thresholds of corrections; given as a whole.
    #[serde(default, deserialize_with = "routes::present")]
    #[schema(nullable = false)]
    pub corrections: Option<Policy>,
    /// Colours of letters and reports; one that is left out is the usual one.
    #[serde(default, deserialize_with = "routes::present")]
    #[schema(nullable = false)]
    pub brand: Option<BrandColours>,
    /// Members act here only in sessions that have shown a second factor. Show yours before you ask for it.
    #[serde(default, deserialize_with = "routes::present")]
    #[schema(nullable = false)]
    pub second_factor_required: Option<bool>,
    /// How evidence bundles name persons.
    #[serde(default, deserialize_with = "routes::present")]
    #[schema(nullable = false)]
    pub evidence_names: Option<EvidenceNames>,
    /// After so many months names of persons are removed from what vendors' logs and reports said, and bundles of
    /// corrections that have ended are erased; null: they are kept.
    #[serde(default, deserialize_with = "routes::present")]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 240)]
    pub evidence_retention_months: Option<Option<u32>>,
}

/// What to change; what is absent stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Example MSP Ltd", "settings": {"invitation_days": 3}}))]
pub struct OrganizationChange {
    /// Its name.
    #[serde(default, deserialize_with = "routes::present")]
    #[schema(nullable = false, min_length = 1, max_length = 200)]
    pub name: Option<String>,
    /// What it has decided once.
    #[serde(default)]
    pub settings: SettingsChange,
}

impl From<OrganizationChange> for Change {
    fn from(body: OrganizationChange) -> Self {
        Self {
            name: body.name,
            basis: body.settings.basis,
            proration: body.settings.proration,
            source_order: body.settings.source_order,
            date_order: body.settings.date_order,
            invitation_days: body.settings.invitation_days,
            corrections: body.settings.corrections,
            brand: body.settings.brand,
            second_factor_required: body.settings.second_factor_required,
            evidence_names: body.settings.evidence_names,
            evidence_retention_months: body.settings.evidence_retention_months,
        }
    }
}

/// Sign up an organization
///
/// Makes the organization, its owner's account if the address has none, and a session. With the address
/// of an existing account its password is needed; the person then owns one more organization. With an
/// `Idempotency-Key` the organization is made once: the same request again answers the same organization
/// with new tokens, because tokens are not stored.
#[utoipa::path(
    tag = "organizations",
    security(()),
    params(("Idempotency-Key" = Option<String>, Header, description = "Signs up once, however often it is sent.",
            max_length = 257)),
    request_body = SignUpRequest,
    responses(
        (status = 201, description = "Signed up.", body = SignUpAnswer,
         headers(("Location" = String, description = "The organization."), ("ETag" = String, description = "Its version."))),
        (status = 401, description = "The address has an account with another password: `invalid_credentials`.",
         body = crate::error::Problem, content_type = "application/problem+json"),
    ),
)]
#[post("/organizations")]
async fn create_organization(
    request: HttpRequest,
    app: web::Data<App>,
    replay: Replay,
    body: JsonBody<SignUpRequest>,
) -> Result<HttpResponse, ApiError> {
    let SignUpRequest { organization_name, name, email, password, second_factor_code } = body.value;
    let sign_up = SignUp { organization_name, name, email, password, second_factor_code, key: replay.key };
    let signed_up = organizations::sign_up(&app, &routes::client(&request, &app), sign_up).await?;
    let mut response = HttpResponse::Created();
    response
        .insert_header((LOCATION, "/v1/organization"))
        .insert_header((ETAG, etag(signed_up.organization.version)))
        .insert_header((CACHE_CONTROL, "no-store"));
    if signed_up.replayed {
        response.insert_header((HeaderName::from_static("idempotency-replayed"), "true"));
    }
    Ok(response.json(SignUpAnswer {
        organization: signed_up.organization.try_into()?,
        session: signed_up.opened.into(),
    }))
}

/// Read your organization
#[utoipa::path(
    tag = "organizations",
    security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("If-None-Match" = Option<String>, Header, description = "ETag of what you have.", max_length = 200)),
    responses(
        (status = 200, description = "The organization that you act in.", body = Organization,
         headers(("ETag" = String, description = "Its version."))),
        (status = 304, description = "You have this version."),
    ),
)]
#[get("/organization")]
async fn get_organization(
    actor: Allowed<perm::Read>,
    app: web::Data<App>,
    if_none_match: IfNoneMatch,
) -> Result<HttpResponse, ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    let row = organizations::find(&mut tx).await?;
    Ok(routes::found(&if_none_match, row.version, &Organization::try_from(row)?))
}

/// Change your organization
#[utoipa::path(
    tag = "organizations",
    security(("access_token" = [])),
    extensions(("x-permission" = json!("organization:manage"))),
    params(("If-Match" = String, Header, description = "ETag of what you have read.", max_length = 200)),
    request_body = OrganizationChange,
    responses((status = 200, description = "Changed.", body = Organization,
               headers(("ETag" = String, description = "Its version.")))),
)]
#[patch("/organization")]
async fn update_organization(
    actor: Allowed<perm::ManageOrganization>,
    app: web::Data<App>,
    if_match: IfMatch,
    body: JsonBody<OrganizationChange>,
) -> Result<HttpResponse, ApiError> {
    let (session, version) = (actor.session(), if_match.required()?);
    let row = organizations::change(&app, actor.org, session, version, body.value.into()).await?;
    let version = row.version;
    Ok(HttpResponse::Ok().insert_header((ETAG, etag(version))).json(Organization::try_from(row)?))
}
