//! The API document, the pages that show it, the guides, and the page that every problem's `type` points to.

pub mod document;
pub mod guides;

use crate::error::ApiError;
use crate::middleware::answer::PAGE_POLICY;
use actix_web::http::header;
use actix_web::{HttpResponse, web};
use utoipa_swagger_ui::{Config, SwaggerUi};

pub use document::document;

/// Registers what is served beside the documented operations.
pub fn configure(config: &mut web::ServiceConfig) {
    let text = document().to_string();
    config
        .route(
            "/openapi.json",
            web::get().to(move || std::future::ready(answer("application/json", text.clone()))),
        )
        .route("/docs/errors", web::get().to(|| std::future::ready(guide("errors"))))
        .route("/docs/guides", web::get().to(|| std::future::ready(to(guides::first()))))
        .route("/docs/guides/", web::get().to(|| std::future::ready(to(guides::first()))))
        .route(
            "/docs/guides/{name}",
            web::get().to(|name: web::Path<String>| std::future::ready(guide(&name))),
        )
        .route("/docs", web::get().to(|| std::future::ready(to("/docs/".to_owned()))))
        .service(SwaggerUi::new("/docs/{_:.*}").config(reference()));
}

/// The reference: operations by group, folded, with the search and the form for a try open.
fn reference() -> Config<'static> {
    Config::from("/openapi.json")
        .persist_authorization(false)
        .try_it_out_enabled(true)
        .doc_expansion("none")
        .default_models_expand_depth(-1)
        .display_request_duration(true)
        .deep_linking(true)
        .filter(true)
}

fn answer(content_type: &'static str, body: String) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(content_type)
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .body(body)
}

fn guide(name: &str) -> HttpResponse {
    let Some(page) = guides::page(name) else { return HttpResponse::from_error(ApiError::not_found()) };
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .insert_header((header::CONTENT_SECURITY_POLICY, PAGE_POLICY))
        .body(page)
}

fn to(address: String) -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, address)).finish()
}
