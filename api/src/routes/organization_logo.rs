//! The logo of the organization, for its letters and reports.

use crate::app::App;
use crate::auth::{Allowed, perm};
use crate::error::{ApiError, Code};
use crate::extract::{IfMatch, IfNoneMatch, etag};
use crate::services::{brand, organizations};
use crate::storage::organizations as stored;
use actix_web::http::header::{CONTENT_DISPOSITION, ETAG, X_CONTENT_TYPE_OPTIONS};
use actix_web::{HttpResponse, delete, get, put, web};
use bytes::BytesMut;
use futures_util::StreamExt as _;
use leakage_core::pdf::MOST_BYTES;
use utoipa_actix_web::service_config::ServiceConfig;

/// Registers the resource.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(get_organization_logo)
        .service(replace_organization_logo)
        .service(remove_organization_logo);
}

/// Read the logo
///
/// As it was given. There is nothing here while there is none.
#[utoipa::path(tag = "organizations", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("If-None-Match" = Option<String>, Header, description = "ETag of what you have.", max_length = 200)),
    responses(
        (status = 200, description = "The logo.", body = String, content_type = "image/png",
         headers(("ETag" = String, description = "Version of the organization."))),
        (status = 304, description = "You have this version."),
    ))]
#[get("/organization/logo")]
async fn get_organization_logo(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    if_none_match: IfNoneMatch,
) -> Result<HttpResponse, ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    let row = organizations::find(&mut tx).await?;
    let logo = stored::logo(&mut tx).await?.ok_or_else(ApiError::not_found)?;
    let tag = (ETAG, etag(row.version));
    if if_none_match.has(row.version) {
        return Ok(HttpResponse::NotModified().insert_header(tag).finish());
    }
    Ok(HttpResponse::Ok()
        .content_type("image/png")
        .insert_header(tag)
        .insert_header((CONTENT_DISPOSITION, "inline; filename=\"logo.png\""))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(logo))
}

/// Replace the logo
///
/// The file is the body: a PNG of at most 256 kB, 3000 points in a row or column and 4 million altogether. It
/// is read as a whole before it is kept. Letters, statements and reports made from then on have it. Needs the
/// `If-Match` of the organization, whose version it changes.
#[utoipa::path(tag = "organizations", security(("access_token" = [])),
    extensions(("x-permission" = json!("organization:manage"))),
    request_body(content = String, content_type = "image/png", description = "The file."),
    params(("If-Match" = String, Header, description = "ETag of the organization that you have read.", max_length = 200)),
    responses((status = 204, description = "Kept.", headers(("ETag" = String, description = "Version of the organization.")))))]
#[put("/organization/logo")]
async fn replace_organization_logo(
    app: web::Data<App>,
    actor: Allowed<perm::ManageOrganization>,
    if_match: IfMatch,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let version = if_match.required()?;
    let bytes = received(payload).await?;
    changed(&app, &actor, version, Some(&bytes)).await
}

/// Remove the logo
///
/// Letters, statements and reports made from then on have the name instead.
#[utoipa::path(tag = "organizations", security(("access_token" = [])),
    extensions(("x-permission" = json!("organization:manage"))),
    params(("If-Match" = String, Header, description = "ETag of the organization that you have read.", max_length = 200)),
    responses((status = 204, description = "Removed.", headers(("ETag" = String, description = "Version of the organization.")))))]
#[delete("/organization/logo")]
async fn remove_organization_logo(
    app: web::Data<App>,
    actor: Allowed<perm::ManageOrganization>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    changed(&app, &actor, if_match.required()?, None).await
}

async fn changed(
    app: &App,
    actor: &Allowed<perm::ManageOrganization>,
    version: i64,
    logo: Option<&[u8]>,
) -> Result<HttpResponse, ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    let row = brand::change(&mut tx, version, logo, app.clock.now()).await?;
    tx.commit().await?;
    Ok(HttpResponse::NoContent().insert_header((ETAG, etag(row.version))).finish())
}

async fn received(mut payload: web::Payload) -> Result<BytesMut, ApiError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk
            .map_err(|error| ApiError::new(Code::Unreadable, format!("The upload ended early: {error}.")))?;
        if body.len() + chunk.len() > MOST_BYTES {
            return Err(ApiError::new(
                Code::TooLarge,
                "A logo holds 256 kB at most; 600 points wide is enough.",
            ));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
