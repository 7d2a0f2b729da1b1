//! Monthly statements: what was audited for a client, and what came out.

use crate::app::App;
use crate::auth::{Allowed, perm};
use crate::error::ApiError;
use crate::routes::{Form, FormQuery, form, paper, written};
use crate::services::statements;
use actix_web::{HttpRequest, HttpResponse, get, web};
use leakage_core::id::{AuditId, ClientId};
use leakage_core::letters::StatementFacts;
use leakage_core::period::Month;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

/// A statement of a client for a month.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClientStatement {
    /// The client.
    pub client_id: ClientId,
    /// The audit that it is from.
    pub audit_id: AuditId,
    /// What it says.
    pub statement: StatementFacts,
    /// One line.
    #[schema(max_length = 2000)]
    pub subject: String,
    /// As text.
    #[schema(max_length = 2_000_000)]
    pub text: String,
    /// As HTML.
    #[schema(max_length = 4_000_000)]
    pub html: String,
}

/// Which month.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct StatementQuery {
    /// The month; the last one of the latest audit of the client when not stated.
    month: Option<Month>,
}

/// Read a client's monthly statement
///
/// From the latest completed audit that spans the month: that all matches, or what was found. What could
/// not be compared is said with its reason and never counts as a match. As JSON, text, HTML or PDF, in the
/// words of the template `monthly_statement`.
#[utoipa::path(tag = "letters", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("client_id" = ClientId, Path, description = "The client"), StatementQuery, FormQuery),
    responses((status = 200, description = "The statement",
        content((ClientStatement = "application/json"), (String = "text/plain"), (String = "text/html"),
                (String = "application/pdf")))))]
#[get("/clients/{client_id}/statement")]
async fn get_client_statement(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    request: HttpRequest,
    path: web::Path<ClientId>,
    query: web::Query<StatementQuery>,
    as_form: web::Query<FormQuery>,
) -> Result<HttpResponse, ApiError> {
    let form = form(&request, &as_form)?;
    let mut tx = app.db.begin_snapshot(actor.org).await?;
    let found = statements::statement(&mut tx, *path, query.month).await?;
    if form == Form::Pdf {
        let name = format!("statement-{}.pdf", found.facts.month);
        return Ok(paper(statements::pdf(tx, found, app.clock.now()).await?, name));
    }
    let statement = ClientStatement {
        client_id: *path,
        audit_id: found.audit,
        statement: found.facts,
        text: found.letter.text(),
        html: found.letter.html(),
        subject: found.letter.subject,
    };
    Ok(written(form, &statement, &statement.text, &statement.html))
}

/// Registers the routes of this file.
pub fn configure(config: &mut ServiceConfig) {
    config.service(get_client_statement);
}
