//! Clients' links: made, listed and revoked here by people of the organization; what a client does with one
//! is in [`public`].

mod public;
mod view;

use crate::app::App;
use crate::auth::{Allowed, perm};
use crate::error::ApiError;
use crate::extract::JsonBody;
use crate::page_type;
use crate::pagination::PageQuery;
use crate::routes;
use crate::services::client_links::{self, LinkState, NewClientLink};
use crate::services::idempotency::{Replay, Reply, once};
use crate::storage::client_links::{self as stored, LinkRow};
use crate::storage::corrections;
use actix_web::{HttpRequest, HttpResponse, delete, get, post, web};
use chrono::{DateTime, Utc};
use leakage_core::id::{ClientId, ClientLinkId, CorrectionId, DeliveryId};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// Registers the operations.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(create_client_link)
        .service(list_client_links)
        .service(get_client_link)
        .service(revoke_client_link)
        .configure(public::configure);
}

/// A client's link to a correction.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClientLink {
    /// Its id.
    pub id: ClientLinkId,
    /// The correction that it shows.
    pub correction_id: CorrectionId,
    /// The client that it is for.
    pub client_id: ClientId,
    /// `mail`: in a letter that we sent to the registered contact. `handed_out`: given out by a person; no
    /// waiver is confirmed through it.
    #[schema(max_length = 20, example = "handed_out")]
    pub channel: String,
    /// The delivery that carried it.
    pub delivery_id: Option<DeliveryId>,
    /// What it may be used for.
    #[schema(max_items = 4)]
    pub allows: Vec<String>,
    /// `live`, `expired` or `revoked`.
    #[schema(max_length = 20, example = "live")]
    pub status: &'static str,
    /// From when it is of no use.
    pub expires_at: DateTime<Utc>,
    /// Who made it.
    #[schema(max_length = 300)]
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// Who revoked it.
    #[schema(max_length = 300)]
    pub revoked_by: Option<String>,
    /// Why.
    #[schema(max_length = 300)]
    pub revoked_why: Option<String>,
    /// What the client opens. Only in the answer that made it, and not in its repetitions: it is not stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000)]
    pub address: Option<String>,
}

page_type!(ClientLinkPage, ClientLink);

impl ClientLink {
    fn of(row: LinkRow, now: DateTime<Utc>) -> Self {
        let status = match client_links::state(&row, now) {
            LinkState::Live => "live",
            LinkState::Expired => "expired",
            LinkState::Revoked => "revoked",
        };
        Self {
            id: row.id.into(),
            correction_id: row.correction_id.into(),
            client_id: row.client_id.into(),
            channel: row.channel,
            delivery_id: row.delivery_id.map(DeliveryId::new),
            allows: row.allows,
            status,
            expires_at: row.expires_at,
            created_by: row.created_by,
            created_at: row.created_at,
            revoked_at: row.revoked_at,
            revoked_by: row.revoked_by,
            revoked_why: row.revoked_why,
            address: None,
        }
    }
}

/// Make a link for the client
///
/// An address without a login on which the client sees the correction, accepts, objects or takes the offered
/// plan; each is confirmed by a code that is mailed to the client's registered contact. The answer holds the
/// address, once: it is not stored. What you hand out yourself anyone could have, so no waiver is confirmed
/// through it: for that, send a letter with `client_link`.
#[utoipa::path(tag = "client_links", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("corrections:write"))), request_body = NewClientLink,
    params(("correction_id" = CorrectionId, Path, description = "The correction"),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat", max_length = 255)),
    responses((status = 201, description = "Made", body = ClientLink)))]
#[post("/corrections/{correction_id}/client-links")]
async fn create_client_link(
    app: web::Data<App>,
    actor: Allowed<perm::WriteCorrections>,
    replay: Replay,
    path: web::Path<CorrectionId>,
    body: JsonBody<NewClientLink>,
) -> Result<HttpResponse, ApiError> {
    let mut address = None;
    let mut replied = once(&app, &actor, &replay, &body.sha256, async |tx| {
        let (row, made) = client_links::create(&app, tx, &actor, *path, &body.value).await?;
        address = Some(made);
        let location = format!("/v1/corrections/{}/client-links/{}", *path, row.id);
        Reply::created(location, None, &ClientLink::of(row, app.clock.now()))
    })
    .await?;
    if let Some(address) = address.filter(|_| !replied.replayed) {
        replied.reply.body["address"] = address.expose_secret().into();
    }
    Ok(routes::respond_unkept(replied))
}

/// List a correction's links
///
/// Newest first, also those that are over, and those that letters carried.
#[utoipa::path(tag = "client_links", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("correction_id" = CorrectionId, Path, description = "The correction"), PageQuery),
    responses((status = 200, description = "One page", body = ClientLinkPage)))]
#[get("/corrections/{correction_id}/client-links")]
async fn list_client_links(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    request: HttpRequest,
    path: web::Path<CorrectionId>,
    page: web::Query<PageQuery>,
) -> Result<HttpResponse, ApiError> {
    let page = page.read::<Uuid>(&("client links", *path))?;
    let mut tx = app.db.begin(actor.org).await?;
    corrections::find(&mut tx, *path).await?.ok_or_else(ApiError::not_found)?;
    let rows = stored::list(&mut tx, *path, page.after, page.fetch()).await?;
    let now = app.clock.now();
    let paged = page.page(rows, |row| row.id)?.map(|row| ClientLink::of(row, now));
    routes::list(&request, &ClientLinkPage::from(paged))
}

/// Read a link
#[utoipa::path(tag = "client_links", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("correction_id" = CorrectionId, Path, description = "The correction"),
           ("client_link_id" = ClientLinkId, Path, description = "The link")),
    responses((status = 200, description = "The link", body = ClientLink)))]
#[get("/corrections/{correction_id}/client-links/{client_link_id}")]
async fn get_client_link(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    path: web::Path<(CorrectionId, ClientLinkId)>,
) -> Result<HttpResponse, ApiError> {
    let (correction, id) = *path;
    let mut tx = app.db.begin(actor.org).await?;
    let row = client_links::find(&mut tx, correction, id).await?;
    Ok(HttpResponse::Ok().json(ClientLink::of(row, app.clock.now())))
}

/// Revoke a link
///
/// At once: whoever opens it is told that it has ended.
#[utoipa::path(tag = "client_links", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("corrections:write"))),
    params(("correction_id" = CorrectionId, Path, description = "The correction"),
           ("client_link_id" = ClientLinkId, Path, description = "The link")),
    responses((status = 204, description = "It is of no use any more")))]
#[delete("/corrections/{correction_id}/client-links/{client_link_id}")]
async fn revoke_client_link(
    app: web::Data<App>,
    actor: Allowed<perm::WriteCorrections>,
    path: web::Path<(CorrectionId, ClientLinkId)>,
) -> Result<HttpResponse, ApiError> {
    let (correction, id) = *path;
    let mut tx = app.db.begin(actor.org).await?;
    client_links::revoke(&app, &mut tx, &actor, correction, id).await?;
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}
