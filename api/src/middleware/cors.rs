//! Calls from user interfaces in browsers that are served elsewhere.

use actix_cors::Cors;

/// What a page may send.
const REQUEST_HEADERS: [&str; 11] = [
    "authorization",
    "client-link",
    "content-type",
    "content-disposition",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "last-event-id",
    "prefer",
    "x-api-key",
    "x-request-id",
];

/// What a page may read of an answer, beyond what browsers always show.
const RESPONSE_HEADERS: [&str; 9] = [
    "etag",
    "idempotency-replayed",
    "link",
    "location",
    "preference-applied",
    "ratelimit",
    "ratelimit-policy",
    "retry-after",
    "x-request-id",
];

/// The middleware for these origins. Credentials travel in headers, never in cookies, so none are allowed.
pub fn allow(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods(["GET", "POST", "PATCH", "DELETE"])
        .allowed_headers(REQUEST_HEADERS)
        .expose_headers(RESPONSE_HEADERS)
        .max_age(3600);
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}
