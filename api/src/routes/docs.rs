//! The API document, the pages that show it, and the page that every problem's `type` points to.

pub mod document;

use crate::error::{Code, TYPE_BASE, refused_as};
use actix_web::http::header;
use actix_web::{HttpResponse, web};
use leakage_core::correction::refusal;
use std::fmt::Write as _;
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
        .route(
            "/docs/errors",
            web::get().to(|| std::future::ready(answer("text/html; charset=utf-8", errors()))),
        )
        .route("/docs", web::get().to(|| std::future::ready(to_docs())))
        .service(
            SwaggerUi::new("/docs/{_:.*}").config(Config::from("/openapi.json").persist_authorization(false)),
        );
}

fn answer(content_type: &'static str, body: String) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(content_type)
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .body(body)
}

fn to_docs() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "/docs/")).finish()
}

/// One section for each code, with the anchor that problems point to.
fn errors() -> String {
    let mut page = String::from(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Errors - Leakage Finder</title>\
         <style>body{font:16px/1.5 sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}\
         code{background:#eee;padding:0 .2em}</style></head><body>\n<h1>Errors</h1>\n\
         <p>Every error is <code>application/problem+json</code> (RFC 9457). Decide by <code>code</code>, which \
         does not change; show <code>detail</code> and <code>errors</code> to people; quote <code>request_id</code> \
         when you ask for help. New codes may be added.</p>\n",
    );
    let anchor = TYPE_BASE.split_once('#').map_or("", |(_, prefix)| prefix);
    for code in Code::ALL {
        // Writing to a String cannot fail.
        let _ = writeln!(
            page,
            "<h2 id=\"{anchor}{name}\"><code>{name}</code></h2>\n<p>{status}: {title}. {retry}</p>",
            name = code.as_str(),
            status = code.status().as_u16(),
            title = code.title(),
            retry = if code.retryable() {
                "The same request may succeed later; wait for <code>Retry-After</code> where it is given."
            } else {
                "The same request will fail again: change it first."
            },
        );
    }
    page.push_str("<h1>Refused commands of corrections</h1>\n");
    for code in refusal::Code::ALL {
        let status = refused_as(*code).status().as_u16();
        let name = code.as_str();
        let _ = writeln!(
            page,
            "<h2 id=\"{anchor}{name}\"><code>{name}</code></h2>\n<p>{status}: The command is refused; \
             <code>detail</code> and <code>errors</code> say what is missing.</p>",
        );
    }
    page.push_str("</body></html>\n");
    page
}
