//! The id of a request: the caller's `X-Request-Id` where it is sane, else a new `UUIDv7`.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _};
use uuid::Uuid;

const NAME: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request, in its extensions.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// The middleware.
pub async fn apply<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let id = accepted(request.headers()).unwrap_or_else(|| Uuid::now_v7().to_string());
    let value = HeaderValue::from_str(&id).map_err(actix_web::error::ErrorInternalServerError)?;
    request.extensions_mut().insert(RequestId(id));
    match next.call(request).await {
        Ok(mut response) => {
            response.headers_mut().insert(NAME, value);
            Ok(response)
        }
        Err(error) => {
            let mut response = error.error_response();
            response.headers_mut().insert(NAME, value);
            Err(InternalError::from_response(error, response).into())
        }
    }
}

/// Letters, digits and `-_.`, 8 to 64 of them: nothing that could forge a log line.
fn accepted(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(NAME)?.to_str().ok()?;
    let sane = (8..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    sane.then(|| text.to_owned())
}
