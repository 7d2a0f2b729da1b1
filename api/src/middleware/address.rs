//! Refuses addresses that no handler could read: U+0000, which the database answers with a fault, and
//! parameters that the operation does not have.

use crate::error::{ApiError, Code};
use crate::routes::surface::Surface;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse, web};

/// The middleware.
pub async fn apply<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    match check(&request) {
        Ok(()) => Ok(next.call(request).await?.map_into_boxed_body()),
        Err(error) => Ok(ServiceResponse::new(request.into_parts().0, HttpResponse::from_error(error))),
    }
}

fn check(request: &ServiceRequest) -> Result<(), ApiError> {
    let (path, query) = (request.path(), request.query_string());
    if path.contains("%00") || path.contains('\0') || query.contains("%00") {
        return Err(ApiError::new(Code::Unreadable, "The address must not hold the character U+0000."));
    }
    match (request.app_data::<web::Data<Surface>>(), request.match_pattern()) {
        (Some(surface), Some(pattern)) => surface.check_query(request.method(), &pattern, query),
        _ => Ok(()),
    }
}
