//! For the machines that keep the service alive.

use crate::app::App;
use crate::error::{ApiError, Code};
use actix_web::{HttpResponse, get, web};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

/// Registers the resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(get_liveness).service(get_readiness);
}

/// How the service is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"status": "ok"}))]
pub struct Health {
    /// `ok`; anything else is a problem answer.
    #[schema(max_length = 16)]
    pub status: String,
}

fn ok() -> HttpResponse {
    HttpResponse::Ok().json(Health { status: "ok".to_owned() })
}

/// Whether the process answers
///
/// Looks at nothing else: a service that waits for its database is not to be restarted.
#[utoipa::path(tag = "health", security(()), responses((status = 200, description = "It answers.", body = Health)))]
#[get("/livez")]
async fn get_liveness() -> HttpResponse {
    ok()
}

/// Whether the service can do its work
///
/// Asks the database. A load balancer should send nothing here while this fails.
#[utoipa::path(
    tag = "health",
    security(()),
    responses((status = 200, description = "It can.", body = Health)),
)]
#[get("/readyz")]
async fn get_readiness(app: web::Data<App>) -> Result<HttpResponse, ApiError> {
    app.db.ping().await.map_err(|error| {
        ApiError::new(Code::Unavailable, "The database does not answer.").retry_after(5).because(error)
    })?;
    Ok(ok())
}
