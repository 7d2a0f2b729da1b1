//! The pages at `/` and `/c` (a client's link): files in the program, no other origin, nothing inline.
//!
//! The token of a client's link stands behind `#`, so that no server is told it with the page. That page is
//! kept by no cache and found by no search engine.

use crate::middleware::answer::PAGE_POLICY;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use leakage_core::digest;
use std::sync::OnceLock;

/// A file of the page.
struct Asset {
    name: &'static str,
    content_type: &'static str,
    text: &'static str,
}

macro_rules! asset {
    ($name:literal, $content_type:expr) => {
        Asset { name: $name, content_type: $content_type, text: include_str!(concat!("../../page/", $name)) }
    };
}

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// The page of a client's link.
const CLIENT_PAGE: &str = "client.html";

const ASSETS: &[Asset] = &[
    asset!("index.html", HTML),
    asset!("page.css", STYLE),
    asset!("guide.css", STYLE),
    asset!("icon.svg", "image/svg+xml"),
    asset!("address.js", SCRIPT),
    asset!("api.js", SCRIPT),
    asset!("app.js", SCRIPT),
    asset!("charts.js", SCRIPT),
    asset!("client.css", STYLE),
    asset!("client.html", HTML),
    asset!("client.js", SCRIPT),
    asset!("client-dialogs.js", SCRIPT),
    asset!("client-link.js", SCRIPT),
    asset!("client-parts.js", SCRIPT),
    asset!("csv.js", SCRIPT),
    asset!("dom.js", SCRIPT),
    asset!("editor.js", SCRIPT),
    asset!("explain.js", SCRIPT),
    asset!("gaps.js", SCRIPT),
    asset!("parts.js", SCRIPT),
    asset!("words.js", SCRIPT),
];

/// Registers the page and its files.
pub fn configure(config: &mut web::ServiceConfig) {
    for asset in ASSETS {
        let path = match asset.name {
            "index.html" => "/".to_owned(),
            CLIENT_PAGE => "/c".to_owned(),
            name => format!("/assets/{name}"),
        };
        config.route(
            &path,
            web::get().to(move |request: HttpRequest| std::future::ready(answer(&request, asset))),
        );
    }
}

/// Names this build's files: all change together, so all have one tag.
fn tag() -> &'static str {
    static TAG: OnceLock<String> = OnceLock::new();
    TAG.get_or_init(|| {
        let all: String = ASSETS.iter().map(|asset| asset.text).collect();
        let digest = digest::of_bytes(all.as_bytes());
        // Weak: compressed and plain are the same file.
        format!("W/\"{}\"", digest.get(7..23).unwrap_or_default())
    })
}

fn answer(request: &HttpRequest, asset: &Asset) -> HttpResponse {
    let known = request.headers().get(header::IF_NONE_MATCH);
    let same = known.is_some_and(|known| known.as_bytes() == tag().as_bytes());
    let mut response = if same { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((header::ETAG, tag()))
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-cache")))
        .insert_header((header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY)));
    if asset.name == CLIENT_PAGE {
        response
            .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
            .insert_header((HeaderName::from_static("x-robots-tag"), "noindex, nofollow"));
    }
    if same { response.finish() } else { response.content_type(asset.content_type).body(asset.text) }
}
