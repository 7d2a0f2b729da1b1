//! What is written for people is answered as JSON, as text or as HTML, as the caller wishes.

use crate::error::ApiError;
use crate::routes;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

/// In which form to answer.
#[derive(Clone, Debug, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FormQuery {
    /// `json`, `text` or `html`; what `Accept` prefers when not stated, and JSON otherwise.
    #[param(max_length = 10, example = "text")]
    pub format: Option<String>,
}

/// Answers with `value` as JSON, or with one of its written forms. `disposition`: a name for those who
/// save it.
pub fn written(
    request: &HttpRequest,
    query: &FormQuery,
    value: &impl Serialize,
    text: &str,
    html: &str,
) -> Result<HttpResponse, ApiError> {
    routes::known("format", query.format.as_deref(), &["json", "text", "html"])?;
    let wish = query.format.as_deref().unwrap_or_else(|| accepted(request));
    let mut response = HttpResponse::Ok();
    response.insert_header((header::VARY, "Accept"));
    Ok(match wish {
        "text" => response.content_type("text/plain; charset=utf-8").body(text.to_owned()),
        "html" => response.content_type("text/html; charset=utf-8").body(html.to_owned()),
        _ => response.json(value),
    })
}

/// The first of our forms that the header names.
fn accepted(request: &HttpRequest) -> &'static str {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    let mut ranges = accept.split(',').map(|range| range.split(';').next().unwrap_or("").trim());
    ranges
        .find_map(|range| match range {
            "application/json" => Some("json"),
            "text/plain" => Some("text"),
            "text/html" => Some("html"),
            _ => None,
        })
        .unwrap_or("json")
}
