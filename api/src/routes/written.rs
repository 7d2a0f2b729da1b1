//! What is written for people is answered as JSON, as text, as HTML or as PDF, as the caller wishes.

use crate::error::ApiError;
use crate::routes;
use actix_web::http::header::{self, ContentDisposition, DispositionParam, DispositionType};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

/// In which form to answer.
#[derive(Clone, Debug, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FormQuery {
    /// `json`, `text`, `html` or `pdf`; what `Accept` prefers when not stated, and JSON otherwise.
    #[param(max_length = 10, example = "text")]
    pub format: Option<String>,
}

/// A form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For programs.
    Json,
    /// Plain text.
    Text,
    /// A page.
    Html,
    /// Paper.
    Pdf,
}

/// The form that the caller wishes.
///
/// # Errors
/// When it names one that there is not.
pub fn form(request: &HttpRequest, query: &FormQuery) -> Result<Form, ApiError> {
    routes::known("format", query.format.as_deref(), &["json", "text", "html", "pdf"])?;
    Ok(match query.format.as_deref() {
        Some("text") => Form::Text,
        Some("html") => Form::Html,
        Some("pdf") => Form::Pdf,
        Some(_) => Form::Json,
        None => accepted(request),
    })
}

/// Answers with `value` as JSON, or with one of its written forms.
pub fn written(form: Form, value: &impl Serialize, text: &str, html: &str) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.insert_header((header::VARY, "Accept"));
    match form {
        Form::Text => response.content_type("text/plain; charset=utf-8").body(text.to_owned()),
        Form::Html => response.content_type("text/html; charset=utf-8").body(html.to_owned()),
        Form::Json | Form::Pdf => response.json(value),
    }
}

/// Answers with a PDF. `name`: for those who save it.
pub fn paper(bytes: Vec<u8>, name: String) -> HttpResponse {
    let disposition = ContentDisposition {
        disposition: DispositionType::Inline,
        parameters: vec![DispositionParam::Filename(name)],
    };
    HttpResponse::Ok()
        .content_type("application/pdf")
        .insert_header((header::VARY, "Accept"))
        .insert_header((header::CONTENT_DISPOSITION, disposition))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(bytes)
}

/// The first of our forms that the header names.
fn accepted(request: &HttpRequest) -> Form {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    let mut ranges = accept.split(',').map(|range| range.split(';').next().unwrap_or("").trim());
    ranges
        .find_map(|range| match range {
            "application/json" => Some(Form::Json),
            "text/plain" => Some(Form::Text),
            "text/html" => Some(Form::Html),
            "application/pdf" => Some(Form::Pdf),
            _ => None,
        })
        .unwrap_or(Form::Json)
}
