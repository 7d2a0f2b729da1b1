//! Makes every answer whole: problem details for every error (also those of the framework, and panics),
//! security headers, one log line.

use super::request_id::RequestId;
use crate::error::{ApiError, Code};
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpResponse, ResponseError as _};
use futures_util::FutureExt as _;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

/// What a page of ours may load and do: its own files, and asking the service that served it.
pub const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'";

/// The middleware.
pub async fn apply<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let begun = Instant::now();
    let id = request.extensions().get::<RequestId>().map_or_else(String::new, |id| id.0.clone());
    // Swagger UI is a page with scripts and styles of its own; everything else is data.
    let page = request.path().starts_with("/docs");
    match AssertUnwindSafe(next.call(request)).catch_unwind().await {
        Ok(Ok(response)) => Ok(finish(response.map_into_boxed_body(), &id, page, begun)),
        Ok(Err(error)) => Err(broken(&error, &id, page, begun)),
        Err(_) => Err(broken(&ApiError::internal("the handler panicked").into(), &id, page, begun)),
    }
}

/// An answer from outside the handlers, where there is no request to attach it to any more.
fn broken(error: &Error, id: &str, page: bool, begun: Instant) -> Error {
    let mut response = problem(Some(error), error.as_response_error().status_code(), id);
    secure(response.headers_mut(), page);
    log(response.status(), Some(error), begun);
    InternalError::from_response(error.to_string(), response).into()
}

fn finish(
    response: ServiceResponse<BoxBody>,
    id: &str,
    page: bool,
    begun: Instant,
) -> ServiceResponse<BoxBody> {
    let status = response.status();
    log(status, response.response().error(), begun);
    let mut whole =
        if status.is_client_error() || status.is_server_error() { replaced(response, id) } else { response };
    secure(whole.headers_mut(), page);
    whole
}

/// Replaces the body of an error by its problem, with the request's id in it.
fn replaced(response: ServiceResponse<BoxBody>, id: &str) -> ServiceResponse<BoxBody> {
    let mut whole = problem(response.response().error(), response.status(), id);
    for (name, value) in response.headers() {
        if !name.as_str().starts_with("content-") && !whole.headers().contains_key(name) {
            whole.headers_mut().append(name.clone(), value.clone());
        }
    }
    let (request, _) = response.into_parts();
    ServiceResponse::new(request, whole)
}

fn problem(error: Option<&Error>, status: StatusCode, id: &str) -> HttpResponse {
    match error.and_then(Error::as_error::<ApiError>) {
        Some(error) => written(error, id),
        None => written(&of_framework(status), id),
    }
}

fn written(error: &ApiError, id: &str) -> HttpResponse {
    let body = serde_json::to_vec(&error.problem(id)).unwrap_or_default();
    error.error_response().set_body(BoxBody::new(body))
}

/// What the framework answers by itself, in our words. An `HttpResponse` loses its error in
/// `ServiceRequest::into_response`, so middleware puts answers together with `ServiceResponse::new`.
fn of_framework(status: StatusCode) -> ApiError {
    match status {
        StatusCode::NOT_FOUND => ApiError::not_found(),
        StatusCode::METHOD_NOT_ALLOWED => {
            ApiError::new(Code::MethodNotAllowed, "See the `Allow` header for the methods of this address.")
        }
        StatusCode::PAYLOAD_TOO_LARGE => {
            ApiError::new(Code::TooLarge, "The body is larger than this address takes.")
        }
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            ApiError::new(Code::UnsupportedMediaType, "The body's content type or encoding is not read here.")
        }
        StatusCode::UNAUTHORIZED => {
            ApiError::new(Code::Unauthenticated, "Send an access token or an API key.")
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            ApiError::new(Code::Unavailable, "Something that is needed is not there right now.")
                .retry_after(5)
        }
        status if status.is_client_error() => ApiError::new(Code::Unreadable, "The request cannot be read."),
        _ => ApiError::internal("the framework answered with a fault"),
    }
}

/// For answers that are data: not to be sniffed, framed or kept, and never a page with scripts.
fn secure(headers: &mut HeaderMap, page: bool) {
    let policy = if page {
        // Swagger UI sets styles on elements; its scripts are files of ours.
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
         font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    } else {
        "default-src 'none'; frame-ancestors 'none'"
    };
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::STRICT_TRANSPORT_SECURITY, "max-age=63072000; includeSubDomains"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "interest-cohort=()"),
    ];
    for (name, value) in fixed {
        // A page of ours states its own, stricter policy.
        if name != header::CONTENT_SECURITY_POLICY || !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        // Private, and asked for again each time; the ETag makes that cheap.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    }
}

/// The line of the request; its method, route and ids are fields of the span. Faults of ours come with
/// their cause; a caller's mistakes with their code only.
fn log(status: StatusCode, error: Option<&Error>, begun: Instant) {
    let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let code = error.and_then(Error::as_error::<ApiError>).map(|error| error.code().as_str());
    let status = status.as_u16();
    tracing::Span::current().record("http.response.status_code", status);
    if status >= 500 {
        let source = error.and_then(Error::as_error::<ApiError>).and_then(std::error::Error::source);
        tracing::error!(status, duration_ms, error.code = code, error = source, "request failed");
    } else {
        tracing::info!(status, duration_ms, error.code = code, "request answered");
    }
}
