//! What a client does with a link: looks, asks for a code, answers. The token comes in a header, never in
//! an address: addresses stand in the logs of every proxy on the way. A GET never acts, since mail scanners
//! follow links.

use super::view::{ClientLinkView, CodeSent};
use crate::app::App;
use crate::auth::secrets::Presented;
use crate::error::ApiError;
use crate::extract::{IfMatch, JsonBody, etag};
use crate::middleware::limits;
use crate::routes;
use crate::services::client_links::acts::{self, Wish};
use crate::services::client_links::{LinkAction, codes, open, shown};
use crate::services::text;
use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderName};
use actix_web::{FromRequest, HttpRequest, HttpResponse, get, post, web};
use leakage_core::correction::dispute::DisputeReason;
use leakage_core::correction::quantity::{Extent, Part};
use leakage_core::period::Month;
use serde::Deserialize;
use std::future::Future;
use std::pin::Pin;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

/// Where the token stands.
const CLIENT_LINK: HeaderName = HeaderName::from_static("client-link");

/// Parts of one objection.
const MOST_PARTS: usize = 200;

/// Registers the operations.
pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .service(get_client_view)
        .service(create_client_code)
        .service(accept_as_client)
        .service(dispute_as_client)
        .service(plan_as_client)
        .service(confirm_waiver_as_client);
}

/// The link that was presented; whether it is of use, the database tells. Charged by the link itself, beside
/// the network.
struct Link(Presented);

impl FromRequest for Link {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let text = request.headers().get(CLIENT_LINK).and_then(|value| value.to_str().ok());
            let presented = open::presented(text.unwrap_or_default())?;
            let app = request.app_data::<web::Data<App>>();
            let app = app.ok_or_else(|| ApiError::internal("the application is not registered"))?;
            limits::charge_client_link(&request, app, presented.id).await?;
            Ok(Self(presented))
        })
    }
}

/// A code that is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"action": "accept"}))]
struct CodeRequest {
    /// What it is to confirm.
    action: LinkAction,
    /// Number of the waiver request, for `confirm_waiver`.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1000)]
    request: Option<u32>,
    /// Number of the way to pay, for `plan`, where several are offered.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 5)]
    choice: Option<u16>,
}

impl CodeRequest {
    /// What of its kind it is about; 0: nothing of its own.
    fn about(&self) -> Result<u32, ApiError> {
        let stray = |pointer: &str| ApiError::invalid(pointer, "This action takes no such number.");
        match (self.action, self.request, self.choice) {
            (LinkAction::Plan, None, choice) => Ok(choice.map_or(0, u32::from)),
            (LinkAction::ConfirmWaiver, request, None) => Ok(request.unwrap_or(0)),
            (_, None, None) => Ok(0),
            (_, Some(_), _) => Err(stray("/request")),
            (_, None, Some(_)) => Err(stray("/choice")),
        }
    }
}

/// A code, as it was mailed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"code": "1234 5678"}))]
struct Confirmed {
    /// Eight digits; spaces do not matter.
    #[schema(min_length = 8, max_length = 20)]
    code: String,
}

/// A way to pay, with its code.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"code": "1234 5678", "choice": 2}))]
struct ChosenPlan {
    /// Eight digits; spaces do not matter.
    #[schema(min_length = 8, max_length = 20)]
    code: String,
    /// Number of the way, where several are offered.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 5)]
    choice: Option<u16>,
}

/// An objection, with its code.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"code": "1234 5678", "reason": "unauthorized_seats", "parts": [{"line": 1, "seats": 4}]}))]
struct ClientDispute {
    /// Eight digits; spaces do not matter.
    #[schema(min_length = 8, max_length = 20)]
    code: String,
    /// Why.
    reason: DisputeReason,
    /// To what.
    #[schema(min_items = 1, max_items = 200)]
    parts: Vec<DisputedPart>,
    /// In your words.
    #[serde(default)]
    #[schema(max_length = 2000)]
    note: Option<String>,
}

/// A part of a line: all of it, or so many of its seats.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DisputedPart {
    /// Number of the line.
    #[schema(minimum = 1, maximum = 200)]
    line: u32,
    /// So many of its seats; all when not stated.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1_000_000)]
    seats: Option<u32>,
    /// In these months; in all when not stated.
    #[serde(default)]
    #[schema(max_items = 120)]
    months: Option<Vec<Month>>,
}

/// A confirmation of a waiver, with its code.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"code": "1234 5678", "request": 1}))]
struct ConfirmedWaiver {
    /// Eight digits; spaces do not matter.
    #[schema(min_length = 8, max_length = 20)]
    code: String,
    /// Number of the waiver request.
    #[schema(minimum = 1, maximum = 1000)]
    request: u32,
}

impl ClientDispute {
    fn wish(&self) -> Result<Wish, ApiError> {
        if self.parts.is_empty() || self.parts.len() > MOST_PARTS {
            return Err(ApiError::invalid(
                "/parts",
                format!("Name what you object to: 1 to {MOST_PARTS} parts."),
            ));
        }
        let part = |(at, part): (usize, &DisputedPart)| match (part.seats, &part.months) {
            (None, Some(_)) => {
                Err(ApiError::invalid(format!("/parts/{at}/seats"), "Months need a number of seats."))
            }
            (None, None) => Ok(Part { line: part.line, extent: Extent::All }),
            (Some(seats), months) => {
                Ok(Part { line: part.line, extent: Extent::Seats { seats, months: months.clone() } })
            }
        };
        let parts = self.parts.iter().enumerate().map(part).collect::<Result<_, _>>()?;
        let note = self.note.as_deref().map(str::trim).filter(|note| !note.is_empty());
        if note.is_some_and(|note| note.chars().count() > 2000) {
            return Err(ApiError::invalid("/note", "At most 2000 characters."));
        }
        Ok(Wish::Dispute { reason: self.reason, parts, note: note.map(str::to_owned) })
    }
}

/// Never kept, and never found by a search engine.
fn answer(version: i64, body: &impl serde::Serialize) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((HeaderName::from_static("x-robots-tag"), "noindex, nofollow"))
        .insert_header((header::ETAG, etag(version)))
        .json(body)
}

/// See the correction of a link
///
/// What its client may see: who writes, the letter, the figures by month with the rows of the files that they
/// come from, what was objected, what is offered, and what can be done now. Every visit is noted in the
/// correction's timeline; nothing else happens.
#[utoipa::path(tag = "client_links", security(()),
    params(("Client-Link" = String, Header, description = "What stands behind `#` in the address", max_length = 100)),
    responses((status = 200, description = "The correction, as its client sees it", body = ClientLinkView),
              (status = 401, description = "There is no such link", body = crate::error::Problem, content_type = "application/problem+json"),
              (status = 410, description = "It has ended", body = crate::error::Problem, content_type = "application/problem+json")))]
#[get("/client-link")]
async fn get_client_view(
    app: web::Data<App>,
    link: Link,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let visitor = routes::client(&request, &app);
    let shown = shown::visit(&app, &link.0, &visitor).await?;
    Ok(answer(shown.opened.loaded.row.version, &ClientLinkView::of(&app, &shown)))
}

/// Ask for a code
///
/// It is mailed to the client's registered contact, whoever asks; it is good once, for this action, for ten
/// minutes and five tries, and only the newest one counts. Without a mail server there are none: the
/// organization records the client's answer itself.
#[utoipa::path(tag = "client_links", security(()), request_body = CodeRequest,
    params(("Client-Link" = String, Header, description = "What stands behind `#` in the address", max_length = 100)),
    responses((status = 200, description = "Mailed", body = CodeSent),
              (status = 401, description = "There is no such link", body = crate::error::Problem, content_type = "application/problem+json"),
              (status = 403, description = "The link is not for this", body = crate::error::Problem, content_type = "application/problem+json"),
              (status = 409, description = "It is not possible now, or no mail can be sent", body = crate::error::Problem, content_type = "application/problem+json"),
              (status = 410, description = "The link has ended", body = crate::error::Problem, content_type = "application/problem+json")))]
#[post("/client-link/codes")]
async fn create_client_code(
    app: web::Data<App>,
    link: Link,
    request: HttpRequest,
    body: JsonBody<CodeRequest>,
) -> Result<HttpResponse, ApiError> {
    let visitor = routes::client(&request, &app);
    let about = body.value.about()?;
    let sent = codes::send(&app, &link.0, &visitor, body.value.action, about).await?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(CodeSent { sent_to: sent.to, expires_at: sent.expires_at }))
}

/// Carries out what the client wants, and shows the correction as it then is.
async fn act(
    app: &App,
    link: &Link,
    request: &HttpRequest,
    version: &IfMatch,
    code: &str,
    wish: &Wish,
) -> Result<HttpResponse, ApiError> {
    let version = version.required()?;
    let code = text::short("/code", code, 20)?;
    let visitor = routes::client(request, app);
    acts::act(app, &link.0, &visitor, version, &code, wish).await?;
    let shown = shown::look(app, &link.0).await?;
    Ok(answer(shown.opened.loaded.row.version, &ClientLinkView::of(app, &shown)))
}

macro_rules! act {
    ($(#[$doc:meta])* $name:ident, $path:literal, $body:ident, $wish:expr) => {
        $(#[$doc])*
        #[utoipa::path(tag = "client_links", security(()), request_body = $body,
            params(("Client-Link" = String, Header, description = "What stands behind `#` in the address", max_length = 100),
                   ("If-Match" = String, Header, description = "ETag of what the client has seen", max_length = 100)),
            responses((status = 200, description = "The correction as it is now", body = ClientLinkView),
                      (status = 401, description = "There is no such link", body = crate::error::Problem, content_type = "application/problem+json"),
                      (status = 403, description = "The link is not for this", body = crate::error::Problem, content_type = "application/problem+json"),
                      (status = 410, description = "The link has ended", body = crate::error::Problem, content_type = "application/problem+json")))]
        #[post($path)]
        async fn $name(
            app: web::Data<App>,
            link: Link,
            request: HttpRequest,
            version: IfMatch,
            body: JsonBody<$body>,
        ) -> Result<HttpResponse, ApiError> {
            let wish: fn(&$body) -> Result<Wish, ApiError> = $wish;
            let wish = wish(&body.value)?;
            act(&app, &link, &request, &version, &body.value.code, &wish).await
        }
    };
}

act! {
    /// Accept, as the client
    ///
    /// Confirmed by the code that was mailed for `accept`.
    accept_as_client, "/client-link/accept", Confirmed, |_| Ok(Wish::Accept)
}

act! {
    /// Object, as the client
    ///
    /// To all or to a part, with a reason. Confirmed by the code that was mailed for `dispute`. What is objected
    /// to rests until it is answered.
    dispute_as_client, "/client-link/dispute", ClientDispute, ClientDispute::wish
}

act! {
    /// Take the offered plan, as the client
    ///
    /// Where several ways to pay are offered, the one that `choice` names. Confirmed by the code that was mailed for
    /// `plan` and this way.
    plan_as_client, "/client-link/plan", ChosenPlan, |body| Ok(Wish::Plan { choice: body.choice })
}

act! {
    /// Confirm a waiver in writing, as the client
    ///
    /// Confirmed by the code that was mailed for `confirm_waiver`. Only through a link that we mailed to the
    /// registered contact ourselves. The sentence that is confirmed is attached to the correction as a file.
    confirm_waiver_as_client, "/client-link/confirm-waiver", ConfirmedWaiver,
    |body| Ok(Wish::ConfirmWaiver { request: body.request })
}
