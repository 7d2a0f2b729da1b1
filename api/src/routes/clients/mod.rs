//! Clients of the organization.

use crate::app::App;
use crate::auth::{Allowed, perm};
use crate::error::ApiError;
use crate::extract::{IfMatch, JsonBody};
use crate::page_type;
use crate::pagination::PageQuery;
use crate::routes::{self, respond};
use crate::services::client_contacts::{self, Change, Person};
use crate::services::clients::{self, ClientInput};
use crate::services::idempotency::{Replay, Reply, once};
use crate::storage::clients::{self as stored, ClientRefRow, ClientRow};
use crate::storage::{OrgTx, client_contacts as stored_contacts};
use actix_web::{HttpRequest, HttpResponse, get, patch, post, web};
use chrono::{DateTime, Utc};
use leakage_core::id::ClientId;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

mod contacts;

use contacts::{ClientContact, NewContact};

/// Ways in which sources name a client that are shown with it.
const SHOWN_REFS: i64 = 100;

/// A customer of the MSP.
#[derive(Debug, Serialize, ToSchema)]
pub struct Client {
    /// Its id.
    pub id: ClientId,
    /// Its name.
    #[schema(max_length = 300, example = "Contoso Legal")]
    pub name: String,
    /// Its domain.
    #[schema(max_length = 253, example = "contoso.com")]
    pub domain: Option<String>,
    /// `import`: a file named it first. `manual`: a person made it. New origins may be added.
    #[schema(max_length = 20, example = "import")]
    pub origin: String,
    /// Counts changes; its ETag is `"v<version>"`.
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    pub version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

impl From<ClientRow> for Client {
    fn from(row: ClientRow) -> Self {
        Self {
            id: row.id.into(),
            name: row.name,
            domain: row.domain,
            origin: row.origin,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// One way in which a source names a client.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClientName {
    /// The source's own id, such as a Microsoft tenant id.
    #[schema(max_length = 500)]
    pub source_id: Option<String>,
    /// The name as written.
    #[schema(max_length = 500)]
    pub name: Option<String>,
    /// The domain.
    #[schema(max_length = 253)]
    pub domain: Option<String>,
}

impl From<ClientRefRow> for ClientName {
    fn from(row: ClientRefRow) -> Self {
        Self { source_id: row.source_id, name: row.name, domain: row.domain }
    }
}

/// A client with the ways in which sources name it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClientDetail {
    /// The client.
    #[serde(flatten)]
    pub client: Client,
    /// Names and ids that files give it, oldest first, the first 100.
    #[schema(max_items = 100)]
    pub known_as: Vec<ClientName>,
    /// The registered contact: the one person whom links and codes are mailed to. None: nobody.
    pub contact: Option<ClientContact>,
}

impl ClientDetail {
    async fn of(tx: &mut OrgTx, row: ClientRow) -> Result<Self, ApiError> {
        let id = ClientId::new(row.id);
        let known_as = stored::refs(tx, id, SHOWN_REFS).await?.into_iter().map(ClientName::from).collect();
        let contact = stored_contacts::current(tx, id).await?.and_then(ClientContact::of);
        Ok(Self { client: row.into(), known_as, contact })
    }
}

page_type!(ClientPage, Client);

/// A client to be made or changed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Contoso Legal", "domain": "contoso.com"}))]
pub struct NewClient {
    /// Its name; unique apart from case, spaces and punctuation.
    #[schema(min_length = 1, max_length = 300)]
    pub name: String,
    /// Its bare domain.
    #[serde(default)]
    #[schema(max_length = 253)]
    pub domain: Option<String>,
    /// The registered contact: the person whom links and codes are mailed to. Absent: it stays as it is;
    /// null: nobody any more. Every change is kept, ends the links that are in use, and is mailed to the
    /// contact that there was.
    #[serde(default)]
    #[schema(value_type = Option<NewContact>)]
    pub contact: StatedContact,
}

/// A contact that may be absent, null or a person.
#[derive(Debug, Default)]
pub enum StatedContact {
    /// Absent.
    #[default]
    Kept,
    /// Null.
    Nobody,
    /// A person.
    Is(NewContact),
}

impl<'de> Deserialize<'de> for StatedContact {
    fn deserialize<D: Deserializer<'de>>(field: D) -> Result<Self, D::Error> {
        let contact: Option<NewContact> = Option::deserialize(field)?;
        Ok(contact.map_or(Self::Nobody, Self::Is))
    }
}

impl NewClient {
    /// What is said of the contact.
    fn contact(&self) -> Result<Change, ApiError> {
        Ok(match &self.contact {
            StatedContact::Kept => Change::Kept,
            StatedContact::Nobody => Change::Nobody,
            StatedContact::Is(contact) => Change::Is(Person::checked(&contact.name, &contact.email)?),
        })
    }

    fn input(&self) -> Result<ClientInput, ApiError> {
        for (pointer, text, max) in [("/name", Some(&self.name), 300), ("/domain", self.domain.as_ref(), 253)]
        {
            if text.is_some_and(|text| text.chars().count() > max) {
                return Err(ApiError::invalid(pointer, format!("At most {max} characters.")));
            }
        }
        ClientInput { name: self.name.clone(), domain: self.domain.clone() }.checked()
    }
}

/// Add a client
///
/// Imports add the clients that their files name by themselves; this is for those that no file names yet.
#[utoipa::path(tag = "clients", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("catalog:write"))), request_body = NewClient,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat", max_length = 255)),
    responses((status = 201, description = "Added", body = ClientDetail)))]
#[post("/clients")]
async fn create_client(
    app: web::Data<App>,
    actor: Allowed<perm::WriteCatalog>,
    replay: Replay,
    body: JsonBody<NewClient>,
) -> Result<HttpResponse, ApiError> {
    let (input, contact) = (body.value.input()?, body.value.contact()?);
    let replied = once(&app, &actor, &replay, &body.sha256, async |tx| {
        let id = ClientId::new(Uuid::now_v7());
        let row = clients::create(tx, id, &input, app.clock.now()).await?;
        client_contacts::register(&app, tx, &actor, (id, &input.name), &contact).await?;
        let client = ClientDetail::of(tx, row).await?;
        Reply::created(format!("/v1/clients/{id}"), Some(client.client.version), &client)
    })
    .await?;
    Ok(respond(replied))
}

/// List clients
///
/// By name.
#[utoipa::path(tag = "clients", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))), params(PageQuery),
    responses((status = 200, description = "One page", body = ClientPage)))]
#[get("/clients")]
async fn list_clients(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    request: HttpRequest,
    page: web::Query<PageQuery>,
) -> Result<HttpResponse, ApiError> {
    // The cursor holds an id, not the name: a name can be longer than a cursor may be.
    let wanted = page.read::<Uuid>(&"clients")?;
    let mut tx = app.db.begin(actor.org).await?;
    let rows = stored::list(&mut tx, wanted.after, wanted.fetch()).await?;
    let page = wanted.page(rows, |row| row.id)?;
    routes::list(&request, &ClientPage::from(page.map(Client::from)))
}

/// Read a client
///
/// With the names and ids that sources give it.
#[utoipa::path(tag = "clients", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("client_id" = ClientId, Path, description = "The client")),
    responses((status = 200, description = "The client", body = ClientDetail)))]
#[get("/clients/{client_id}")]
async fn get_client(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    path: web::Path<ClientId>,
) -> Result<HttpResponse, ApiError> {
    let mut tx = app.db.begin(actor.org).await?;
    let row = stored::find(&mut tx, *path).await?.ok_or_else(ApiError::not_found)?;
    let version = Some(row.version);
    Ok(respond(Reply::ok(version, &ClientDetail::of(&mut tx, row).await?)?.into()))
}

/// Change a client
///
/// Name and domain are replaced; the contact only where it is stated. Needs `If-Match`.
#[utoipa::path(tag = "clients", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("catalog:write"))), request_body = NewClient,
    params(("client_id" = ClientId, Path, description = "The client"),
           ("If-Match" = String, Header, description = "ETag of the version that you read", max_length = 100)),
    responses((status = 200, description = "Changed", body = ClientDetail)))]
#[patch("/clients/{client_id}")]
async fn update_client(
    app: web::Data<App>,
    actor: Allowed<perm::WriteCatalog>,
    path: web::Path<ClientId>,
    version: IfMatch,
    body: JsonBody<NewClient>,
) -> Result<HttpResponse, ApiError> {
    let (input, contact) = (body.value.input()?, body.value.contact()?);
    let version = version.required()?;
    let mut tx = app.db.begin(actor.org).await?;
    let row = clients::update(&mut tx, *path, version, &input, app.clock.now()).await?;
    let told = client_contacts::register(&app, &mut tx, &actor, (*path, &row.name), &contact).await?;
    let client = ClientDetail::of(&mut tx, row).await?;
    tx.commit().await?;
    if let Some(told) = told {
        client_contacts::tell(&app, told).await;
    }
    Ok(respond(Reply::ok(Some(client.client.version), &client)?.into()))
}

/// Registers the routes of this file.
pub fn configure(config: &mut ServiceConfig) {
    config.service(create_client).service(list_clients).service(get_client).service(update_client);
    contacts::configure(config);
}
