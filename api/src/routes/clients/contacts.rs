//! The registered contacts of clients: every one that there was, and the second person who stands for one.
//! They are registered with the client itself.

use crate::app::App;
use crate::auth::{Allowed, perm};
use crate::error::ApiError;
use crate::page_type;
use crate::pagination::PageQuery;
use crate::routes::{self, respond};
use crate::services::client_contacts::{self, Contact};
use crate::services::idempotency::{Replay, Reply, once};
use crate::storage::client_contacts::{self as stored, ContactRow};
use crate::storage::clients;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use leakage_core::id::ClientId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

/// Registers the operations.
pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(list_client_contacts).service(approve_client_contact);
}

/// A contact to be registered.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Casey Client", "email": "casey@contoso.example"}))]
pub struct NewContact {
    /// Their name.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// Their e-mail address: what is read there confirms for the client.
    #[schema(min_length = 3, max_length = 240)]
    pub email: String,
}

/// A registered contact.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ClientContact {
    /// Counts the changes; the newest one counts.
    #[schema(minimum = 1)]
    pub version: i32,
    /// Their name; none: there was nobody from then on.
    #[schema(max_length = 200)]
    pub name: Option<String>,
    /// Their e-mail address.
    #[schema(max_length = 240)]
    pub email: Option<String>,
    /// Who registered them: `user:` or `api_key:` and an id.
    #[schema(max_length = 300)]
    pub set_by: String,
    /// When.
    pub set_at: DateTime<Utc>,
    /// The second person who stands for it.
    #[schema(max_length = 300)]
    pub approved_by: Option<String>,
    /// Since when.
    pub approved_at: Option<DateTime<Utc>>,
    /// From when on a waiver can be confirmed through it: 72 hours after it was registered, or since a second
    /// person stands for it.
    pub waivers_from: DateTime<Utc>,
}

page_type!(ClientContactPage, ClientContact);

impl From<ContactRow> for ClientContact {
    fn from(row: ContactRow) -> Self {
        Self {
            waivers_from: client_contacts::waivers_from(&row),
            version: row.version,
            name: row.name,
            email: row.email,
            set_by: row.set_by,
            set_at: row.set_at,
            approved_by: row.approved_by,
            approved_at: row.approved_at,
        }
    }
}

impl ClientContact {
    /// The contact that counts; none: there is nobody.
    pub fn of(row: ContactRow) -> Option<Self> {
        Contact::of(&row).map(|_| Self::from(row))
    }
}

/// List a client's contacts
///
/// Every registered contact that there was, the newest first, with who registered it and when.
#[utoipa::path(tag = "clients", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("client_id" = ClientId, Path, description = "The client"), PageQuery),
    responses((status = 200, description = "One page", body = ClientContactPage)))]
#[get("/clients/{client_id}/contacts")]
async fn list_client_contacts(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    request: HttpRequest,
    path: web::Path<ClientId>,
    page: web::Query<PageQuery>,
) -> Result<HttpResponse, ApiError> {
    let page = page.read::<i32>(&("client contacts", *path))?;
    let mut tx = app.db.begin(actor.org).await?;
    clients::find(&mut tx, *path).await?.ok_or_else(ApiError::not_found)?;
    let rows = stored::list(&mut tx, *path, page.after, page.fetch()).await?;
    let paged = page.page(rows, |row| row.version)?.map(ClientContact::from);
    routes::list(&request, &ClientContactPage::from(paged))
}

/// Stand for a client's contact
///
/// As a second person: whoever registered it cannot. From then on a waiver can be confirmed through it; without
/// that, 72 hours after it was registered.
#[utoipa::path(tag = "clients", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("corrections:write"))),
    params(("client_id" = ClientId, Path, description = "The client"),
           ("contact_version" = i32, Path, description = "Version of the contact that you stand for", minimum = 1),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat", max_length = 255)),
    responses((status = 200, description = "The contact", body = ClientContact)))]
#[post("/clients/{client_id}/contacts/{contact_version}/approve")]
async fn approve_client_contact(
    app: web::Data<App>,
    actor: Allowed<perm::WriteCorrections>,
    replay: Replay,
    path: web::Path<(ClientId, i32)>,
) -> Result<HttpResponse, ApiError> {
    let (client, version) = *path;
    let replied = once(&app, &actor, &replay, &[0; 32], async |tx| {
        clients::find(tx, client).await?.ok_or_else(ApiError::not_found)?;
        let row = client_contacts::approve(&app, tx, &actor, client, version).await?;
        Reply::ok(None, &ClientContact::from(row))
    })
    .await?;
    Ok(respond(replied))
}
