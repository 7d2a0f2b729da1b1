//! A client's history: what was found, objected to, promised and given up, as sums and in time order.

use crate::app::App;
use crate::auth::{Allowed, perm};
use crate::error::ApiError;
use crate::pagination::{Page, PageQuery};
use crate::routes;
use crate::services::client_history::{
    self, ClientDisputes, ClientGaps, ClientMoment, ClientMoney, ClientWaivers,
};
use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::NaiveDate;
use leakage_core::correction::track::Promises;
use leakage_core::id::ClientId;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

/// A client's history: sums of everything, and one page of what happened.
#[derive(Debug, Serialize, ToSchema)]
struct ClientHistory {
    /// The client.
    client_id: ClientId,
    /// Its name.
    #[schema(max_length = 300)]
    client: String,
    /// Gaps that audits found.
    gaps: ClientGaps,
    /// Months in a row, compared and without a gap, up to the last closed one.
    #[schema(minimum = 0)]
    clean_streak_months: u32,
    /// Money of all corrections, by currency and direction.
    #[schema(max_items = 400)]
    money: Vec<ClientMoney>,
    /// Waivers of the last 12 months against the threshold, by currency.
    #[schema(max_items = 200)]
    waivers: Vec<ClientWaivers>,
    /// Objections by reason, and how they came out.
    #[schema(max_items = 50)]
    disputes: Vec<ClientDisputes>,
    /// Promises of payment.
    promises: Promises,
    /// What happened, newest first.
    #[schema(max_items = 500)]
    data: Vec<ClientMoment>,
    /// Whether there is more.
    has_more: bool,
    /// `cursor` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1000)]
    next_cursor: Option<String>,
}

impl Page for ClientHistory {
    fn next_cursor(&self) -> Option<&str> {
        self.next_cursor.as_deref()
    }
}

/// Read a client's history
///
/// What was found, billed, given back, given up and proved, by currency and direction; waivers of the last 12
/// months against the threshold; objections and how they came out; promises kept and broken; months in a row
/// without a gap; and what happened, newest first. Sums are of everything, whatever page is asked for.
#[utoipa::path(tag = "clients", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("client_id" = ClientId, Path, description = "The client"), PageQuery),
    responses((status = 200, description = "The history", body = ClientHistory)))]
#[get("/clients/{client_id}/history")]
async fn get_client_history(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    request: HttpRequest,
    path: web::Path<ClientId>,
    page: web::Query<PageQuery>,
) -> Result<HttpResponse, ApiError> {
    type Position = (NaiveDate, String, u32);

    let wanted = page.read::<Position>(&("client history", *path))?;
    let mut tx = app.db.begin_snapshot(actor.org).await?;
    let history = client_history::of(&app, &mut tx, *path).await?;
    let position = |moment: &ClientMoment| (moment.on, moment.order.0.clone(), moment.order.1);
    let rest = history
        .moments
        .into_iter()
        .filter(|moment| wanted.after.as_ref().is_none_or(|after| position(moment) < *after));
    let page = wanted.page(rest.take(wanted.fetch_count()).collect(), position)?;
    routes::list(
        &request,
        &ClientHistory {
            client_id: *path,
            client: history.client.name,
            gaps: history.gaps,
            clean_streak_months: history.clean_streak_months,
            money: history.money,
            waivers: history.waivers,
            disputes: history.disputes,
            promises: history.promises,
            data: page.data,
            has_more: page.has_more,
            next_cursor: page.next_cursor,
        },
    )
}

/// Registers the routes of this file.
pub fn configure(config: &mut ServiceConfig) {
    config.service(get_client_history);
}
