//! Templates of letters: an organization's own, or the default.

use crate::app::App;
use crate::auth::{Allowed, perm};
use crate::error::ApiError;
use crate::extract::{IfMatch, JsonBody};
use crate::page_type;
use crate::pagination::PageQuery;
use crate::routes::{self, respond};
use crate::services::idempotency::Reply;
use crate::services::letter_templates::{self, Current};
use actix_web::{HttpRequest, HttpResponse, delete, get, post, put, web};
use chrono::{DateTime, Utc};
use leakage_core::letters::{FACTS, Letter, LetterFacts, LetterKind, TABLES, Template, example, render};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

/// The template of a kind of letter, as it counts now.
#[derive(Debug, Serialize, ToSchema)]
pub struct LetterTemplate {
    /// Which kind.
    pub kind: LetterKind,
    /// Whether the default counts.
    pub is_default: bool,
    /// The text: one line is one sentence; what it needs stands in braces.
    #[schema(max_length = 20_000)]
    pub template: String,
    /// Who changed it last.
    #[schema(max_length = 300)]
    pub changed_by: Option<String>,
    /// When.
    pub changed_at: Option<DateTime<Utc>>,
    /// Counts changes; its ETag is `"v<version>"`. 1: never changed.
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    pub version: i64,
}

impl From<Current> for LetterTemplate {
    fn from(current: Current) -> Self {
        let (changed_by, changed_at) = current.changed.clone().unzip();
        Self {
            kind: current.kind,
            is_default: current.own.is_none(),
            template: current.text().to_owned(),
            changed_by,
            changed_at,
            version: current.version,
        }
    }
}

page_type!(LetterTemplatePage, LetterTemplate);

/// A fact that a template can name.
#[derive(Debug, Serialize, ToSchema)]
pub struct FactName {
    /// As templates write it.
    #[schema(max_length = 60, example = "seat_months")]
    pub name: &'static str,
    /// `text`: `{{ name }}`. `flag`: only `{? name }`. `table`: `{table name}`. New ones may be added.
    #[schema(max_length = 10, example = "text")]
    pub form: &'static str,
    /// What it says.
    #[schema(max_length = 300)]
    pub about: &'static str,
}

/// What a block of a letter must say.
#[derive(Debug, Serialize, ToSchema)]
pub struct Demanded {
    /// The block.
    #[schema(max_length = 20, example = "going_forward")]
    pub block: &'static str,
    /// Any of these facts.
    #[schema(max_items = 20)]
    pub any_of: Vec<&'static str>,
}

/// A template, and what its kind may and must say.
#[derive(Debug, Serialize, ToSchema)]
pub struct LetterTemplateDetail {
    /// The template.
    #[serde(flatten)]
    pub template: LetterTemplate,
    /// What it must say.
    #[schema(max_items = 20)]
    pub must_say: Vec<Demanded>,
    /// The facts that it can name.
    #[schema(max_items = 500)]
    pub facts: Vec<FactName>,
}

fn detail(current: Current) -> LetterTemplateDetail {
    let kind = current.kind;
    let facts = FACTS.iter().filter(|fact| kind.groups().contains(&fact.group)).map(|fact| FactName {
        name: fact.name,
        form: if fact.flag { "flag" } else { "text" },
        about: fact.about,
    });
    let tables = TABLES.iter().filter(|table| kind.groups().contains(&table.group));
    let tables = tables.map(|table| FactName { name: table.name, form: "table", about: table.about });
    let demands = kind.demands().iter();
    LetterTemplateDetail {
        must_say: demands
            .map(|(part, any)| Demanded { block: part.as_str(), any_of: any.to_vec() })
            .collect(),
        facts: facts.chain(tables).collect(),
        template: current.into(),
    }
}

/// A template to be saved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"template": "subject: Your seats\n[context]\nWe compared.\n[data]\nIt is {{ seats }}, {{ seat_months }}, {{ amount }}.\n[going_forward]\nOn {{ next_billing_date }} it is {{ next_billing_quantity }}.\n"}))]
pub struct NewLetterTemplate {
    /// The text.
    #[schema(min_length = 1, max_length = 20_000)]
    pub template: String,
}

/// A letter to be looked at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "first_notice"}))]
pub struct LetterPreviewRequest {
    /// Which kind.
    pub kind: LetterKind,
    /// A template that is not saved yet; the one that counts when not stated.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 20_000)]
    pub template: Option<String>,
    /// The facts; those of an example when not stated.
    #[serde(default)]
    pub facts: Option<LetterFacts>,
}

/// A letter as it would be.
#[derive(Debug, Serialize, ToSchema)]
pub struct LetterPreview {
    /// Its paragraphs and tables.
    pub letter: Letter,
    /// As text.
    #[schema(max_length = 2_000_000)]
    pub text: String,
    /// As HTML.
    #[schema(max_length = 4_000_000)]
    pub html: String,
}

/// List letter templates
///
/// Of every kind of letter, by name: the organization's own, or the default.
#[utoipa::path(tag = "letters", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))), params(PageQuery),
    responses((status = 200, description = "One page", body = LetterTemplatePage)))]
#[get("/letter-templates")]
async fn list_letter_templates(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    request: HttpRequest,
    page: web::Query<PageQuery>,
) -> Result<HttpResponse, ApiError> {
    let wanted = page.read::<String>(&"letter templates")?;
    let mut tx = app.db.begin(actor.org).await?;
    let mut all = letter_templates::all(&mut tx).await?;
    all.retain(|one| wanted.after.as_deref().is_none_or(|after| one.kind.as_str() > after));
    let page = wanted.page(all, |one| one.kind.as_str().to_owned())?;
    routes::list(&request, &LetterTemplatePage::from(page.map(LetterTemplate::from)))
}

/// Read a letter template
///
/// With the facts that it can name and those that it must.
#[utoipa::path(tag = "letters", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("letter_kind" = String, Path, description = "The kind of letter", max_length = 60, example = "first_notice")),
    responses((status = 200, description = "The template", body = LetterTemplateDetail)))]
#[get("/letter-templates/{letter_kind}")]
async fn get_letter_template(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let kind = letter_templates::kind(&path)?;
    let mut tx = app.db.begin(actor.org).await?;
    let detail = detail(letter_templates::current(&mut tx, kind).await?);
    Ok(respond(Reply::ok(Some(detail.template.version), &detail)?.into()))
}

/// Replace a letter template
///
/// It counts for letters from now on; those that were written keep their words. A template that drops
/// context, data or what happens next, names an unknown fact, claims without naming the proof, or mixes in
/// a change of price is refused with the line and the rule. Needs `If-Match`.
#[utoipa::path(tag = "letters", security(("access_token" = [])),
    extensions(("x-permission" = json!("organization:manage"))), request_body = NewLetterTemplate,
    params(("letter_kind" = String, Path, description = "The kind of letter", max_length = 60, example = "first_notice"),
           ("If-Match" = String, Header, description = "ETag of the version that you read", max_length = 100)),
    responses((status = 200, description = "Replaced", body = LetterTemplate)))]
#[put("/letter-templates/{letter_kind}")]
async fn replace_letter_template(
    app: web::Data<App>,
    actor: Allowed<perm::ManageOrganization>,
    path: web::Path<String>,
    version: IfMatch,
    body: JsonBody<NewLetterTemplate>,
) -> Result<HttpResponse, ApiError> {
    let kind = letter_templates::kind(&path)?;
    let version = version.required()?;
    let mut tx = app.db.begin(actor.org).await?;
    let text = &body.value.template;
    let changed = letter_templates::change(&mut tx, &actor, kind, version, text, app.clock.now()).await?;
    tx.commit().await?;
    let template = LetterTemplate::from(changed);
    Ok(respond(Reply::ok(Some(template.version), &template)?.into()))
}

/// Go back to the default template
///
/// Earlier versions are kept.
#[utoipa::path(tag = "letters", security(("access_token" = [])),
    extensions(("x-permission" = json!("organization:manage"))),
    params(("letter_kind" = String, Path, description = "The kind of letter", max_length = 60, example = "first_notice")),
    responses((status = 204, description = "The default counts")))]
#[delete("/letter-templates/{letter_kind}")]
async fn delete_letter_template(
    app: web::Data<App>,
    actor: Allowed<perm::ManageOrganization>,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let kind = letter_templates::kind(&path)?;
    let mut tx = app.db.begin(actor.org).await?;
    letter_templates::reset(&mut tx, &actor, kind, app.clock.now()).await?;
    tx.commit().await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Preview a letter
///
/// From a template that is saved or is not, and from given or example facts. Nothing is kept.
#[utoipa::path(tag = "letters", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))), request_body = LetterPreviewRequest,
    responses((status = 200, description = "The letter", body = LetterPreview)))]
#[post("/letter-templates/preview")]
async fn preview_letter(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    body: JsonBody<LetterPreviewRequest>,
) -> Result<HttpResponse, ApiError> {
    let wanted = body.value;
    let template = if let Some(text) = &wanted.template {
        Template::parse(wanted.kind, text).map_err(letter_templates::refused)?
    } else {
        let mut tx = app.db.begin(actor.org).await?;
        letter_templates::current(&mut tx, wanted.kind).await?.parsed()?
    };
    let facts = wanted.facts.unwrap_or_else(|| example(wanted.kind));
    let letter = render(&template, &facts).map_err(|error| letter_templates::unwritten("/facts", error))?;
    let (text, html) = (letter.text(), letter.html());
    Ok(HttpResponse::Ok().json(LetterPreview { letter, text, html }))
}

/// Registers the routes of this file.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(list_letter_templates)
        .service(preview_letter)
        .service(get_letter_template)
        .service(replace_letter_template)
        .service(delete_letter_template);
}
