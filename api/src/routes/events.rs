//! What happened in the organization, in order.

use crate::app::App;
use crate::auth::{Allowed, perm};
use crate::error::ApiError;
use crate::page_type;
use crate::pagination::PageQuery;
use crate::routes;
use crate::services::events::TYPES;
use crate::storage::events::{self, EventRow};
use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::{DateTime, Utc};
use leakage_core::id::{AuditId, ClientId};
use leakage_core::period::Month;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// Something that happened. It names the things that it is about; read them for their present state.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "sequence": 42, "id": "01931f3e-7d5c-7b60-9f10-000000000042", "type": "gap.found", "month": "2026-11",
    "client_id": "01931f3e-7d5c-7b60-9f10-000000000002", "audit_id": "01931f3e-7d5c-7b60-9f10-000000000003",
    "gap_id": "sha256:0c6e", "data": {"direction": "under", "kind": "under_billed", "seats": "3"},
    "occurred_at": "2026-12-02T09:00:00Z"
}))]
pub struct Event {
    /// Its number in the organization: each is one more than the one before.
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    pub sequence: i64,
    /// Its id.
    pub id: Uuid,
    /// Its type. New types may be added.
    #[schema(max_length = 60, example = "gap.found")]
    pub r#type: String,
    /// The month that it is about.
    pub month: Option<Month>,
    /// The client, if it is about one.
    pub client_id: Option<ClientId>,
    /// The audit.
    pub audit_id: Option<AuditId>,
    /// The gap.
    #[schema(max_length = 100)]
    pub gap_id: Option<String>,
    /// A few facts, by type.
    #[schema(value_type = Object)]
    pub data: Value,
    /// When.
    pub occurred_at: DateTime<Utc>,
}

impl From<EventRow> for Event {
    fn from(row: EventRow) -> Self {
        Self {
            sequence: row.sequence,
            id: row.id,
            r#type: row.kind,
            month: row.month.map(Month::of),
            client_id: row.client_id.map(ClientId::new),
            audit_id: row.audit_id.map(AuditId::new),
            gap_id: row.gap_id,
            data: row.data,
            occurred_at: row.occurred_at,
        }
    }
}

page_type!(EventPage, Event);

/// Which events to list.
#[derive(Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EventQuery {
    /// Only events of this type, such as `gap.found`.
    #[param(max_length = 60, example = "gap.found")]
    pub r#type: Option<String>,
    /// Only events with a higher number: the last one that you have.
    #[param(minimum = 0, maximum = 9_007_199_254_740_991_i64, example = 41)]
    pub after: Option<i64>,
    /// Items of a page.
    #[param(minimum = 1, maximum = 500, default = 50, example = 50)]
    pub limit: Option<u16>,
    /// `next_cursor` of the page before.
    #[param(max_length = 1000)]
    pub cursor: Option<String>,
}

/// List events
///
/// Oldest first. Numbers grow without holes in the order in which things were made so: whoever remembers the
/// last number that it has, and asks for what comes `after` it, misses nothing.
#[utoipa::path(tag = "events", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))), params(EventQuery),
    responses((status = 200, description = "One page", body = EventPage)))]
#[get("/events")]
async fn list_events(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    request: HttpRequest,
    query: web::Query<EventQuery>,
) -> Result<HttpResponse, ApiError> {
    routes::known("type", query.r#type.as_deref(), TYPES)?;
    let paging = PageQuery { limit: query.limit, cursor: query.cursor.clone() };
    let wanted = paging.read::<i64>(&("events", &query.r#type, query.after))?;
    let after = wanted.after.or(query.after).unwrap_or(0);
    let mut tx = app.db.begin(actor.org).await?;
    let rows = events::list(&mut tx, query.r#type.as_deref(), after, wanted.fetch()).await?;
    let page = wanted.page(rows, |row| row.sequence)?;
    routes::list(&request, &EventPage::from(page.map(Event::from)))
}

/// Registers the routes of this file.
pub fn configure(config: &mut ServiceConfig) {
    config.service(list_events);
}
