//! Letters: written from facts, kept as they are, and delivered.

use crate::app::App;
use crate::auth::{Allowed, perm};
use crate::error::ApiError;
use crate::extract::JsonBody;
use crate::page_type;
use crate::pagination::PageQuery;
use crate::routes::{self, Form, FormQuery, form, paper, respond, written};
use crate::services::idempotency::{Replay, Reply, once};
use crate::services::letters::{self, NewLetter};
use crate::storage::letters::{self as stored, LetterRow};
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use leakage_core::id::{ClientId, LetterId};
use leakage_core::letters::LetterFacts;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// A letter, without its body.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeptLetter {
    /// Its id.
    pub id: LetterId,
    /// What kind. New ones may be added.
    #[schema(max_length = 60, example = "first_notice")]
    pub kind: String,
    /// The correction that it belongs to.
    pub correction_id: Option<Uuid>,
    /// To whom.
    pub client_id: ClientId,
    /// Version of the template that it was written with; 1: the default.
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    pub template_version: i64,
    /// One line.
    #[schema(max_length = 2000)]
    pub subject: String,
    /// Digest of subject, text and HTML as they were written.
    #[schema(max_length = 71)]
    pub sha256: String,
    /// Since when a person is erased from it, so that the digest is of other words.
    pub erased_at: Option<DateTime<Utc>>,
    /// Who wrote it: `user:` or `api_key:` and an id.
    #[schema(max_length = 300)]
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

impl From<&LetterRow> for KeptLetter {
    fn from(row: &LetterRow) -> Self {
        Self {
            id: row.id.into(),
            kind: row.kind.clone(),
            correction_id: row.correction_id,
            client_id: row.client_id.into(),
            template_version: row.template_version,
            subject: row.subject.clone(),
            sha256: row.sha256.clone(),
            erased_at: row.erased_at,
            created_by: row.created_by.clone(),
            created_at: row.created_at,
        }
    }
}

page_type!(LetterPage, KeptLetter);

/// A letter with its body and its facts.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeptLetterDetail {
    /// The letter.
    #[serde(flatten)]
    pub letter: KeptLetter,
    /// As text.
    #[schema(max_length = 2_000_000)]
    pub text: String,
    /// As HTML.
    #[schema(max_length = 4_000_000)]
    pub html: String,
    /// What it was written from.
    pub facts: LetterFacts,
}

impl TryFrom<LetterRow> for KeptLetterDetail {
    type Error = ApiError;

    fn try_from(row: LetterRow) -> Result<Self, ApiError> {
        Ok(Self {
            letter: KeptLetter::from(&row),
            text: row.body_text,
            html: row.body_html,
            facts: serde_json::from_value(row.facts).map_err(ApiError::internal)?,
        })
    }
}

/// Which letters to list.
#[derive(Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct LetterFilter {
    /// Only letters to this client.
    client_id: Option<ClientId>,
    /// Only letters of this correction.
    correction_id: Option<Uuid>,
}

/// Write a letter
///
/// From facts, with the template that counts now, and kept as it is. A sentence whose fact is missing is
/// not written; what must be said and cannot be is a problem with the code `letter_incomplete`. Nothing is
/// sent yet. With `client_link` it names the client's own page: such a letter goes to the client's registered
/// contact, by the mail of the service.
#[utoipa::path(tag = "letters", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("letters:write"))), request_body = NewLetter,
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat", max_length = 255)),
    responses((status = 201, description = "Written", body = KeptLetterDetail)))]
#[post("/letters")]
async fn create_letter(
    app: web::Data<App>,
    actor: Allowed<perm::WriteLetters>,
    replay: Replay,
    body: JsonBody<NewLetter>,
) -> Result<HttpResponse, ApiError> {
    let replied = once(&app, &actor, &replay, &body.sha256, async |tx| {
        let id = LetterId::new(Uuid::now_v7());
        let row = letters::create(&app, tx, &actor, body.value.clone(), id).await?;
        Reply::created(format!("/v1/letters/{id}"), None, &KeptLetterDetail::try_from(row)?)
    })
    .await?;
    Ok(respond(replied))
}

/// List letters
///
/// Newest first, without their bodies.
#[utoipa::path(tag = "letters", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))), params(PageQuery, LetterFilter),
    responses((status = 200, description = "One page", body = LetterPage)))]
#[get("/letters")]
async fn list_letters(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    request: HttpRequest,
    page: web::Query<PageQuery>,
    filter: web::Query<LetterFilter>,
) -> Result<HttpResponse, ApiError> {
    let wanted = page.read::<(DateTime<Utc>, Uuid)>(&("letters", &*filter))?;
    let mut tx = app.db.begin(actor.org).await?;
    let (client, correction) = (filter.client_id.map(ClientId::uuid), filter.correction_id);
    let rows = stored::list(&mut tx, client, correction, wanted.after, wanted.fetch()).await?;
    let page = wanted.page(rows, |row| (row.created_at, row.id))?;
    routes::list(&request, &LetterPage::from(page.map(|row| KeptLetter::from(&row))))
}

/// Read a letter
///
/// As JSON with its facts, as text, as HTML that mail programs show, or as a PDF under the organization's head:
/// for the PSA, or whoever else sends it. The PDF is set from the text that is kept.
#[utoipa::path(tag = "letters", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("letter_id" = LetterId, Path, description = "The letter"), FormQuery),
    responses((status = 200, description = "The letter",
        content((KeptLetterDetail = "application/json"), (String = "text/plain"), (String = "text/html"),
                (String = "application/pdf")))))]
#[get("/letters/{letter_id}")]
async fn get_letter(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    request: HttpRequest,
    path: web::Path<LetterId>,
    query: web::Query<FormQuery>,
) -> Result<HttpResponse, ApiError> {
    let form = form(&request, &query)?;
    let mut tx = app.db.begin(actor.org).await?;
    let row = stored::find(&mut tx, *path).await?.ok_or_else(ApiError::not_found)?;
    if form == Form::Pdf {
        let name = format!("{}-{}.pdf", row.kind, row.created_at.date_naive());
        return Ok(paper(letters::pdf(tx, row).await?, name));
    }
    let letter = KeptLetterDetail::try_from(row)?;
    Ok(written(form, &letter, &letter.text, &letter.html))
}

/// Registers the routes of this file.
pub fn configure(config: &mut ServiceConfig) {
    config.service(create_letter).service(list_letters).service(get_letter);
}
