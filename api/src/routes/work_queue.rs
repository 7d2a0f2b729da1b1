//! The work queue: what needs doing next, for whom, by when and by which command.

use crate::app::App;
use crate::auth::{Actor, Allowed, perm};
use crate::error::ApiError;
use crate::page_type;
use crate::pagination::PageQuery;
use crate::routes;
use crate::services::corrections;
use crate::services::work_queue::{self, Work};
use crate::storage::work_queue::{self as stored, Position, WorkFilter};
use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::NaiveDate;
use leakage_core::correction::State;
use leakage_core::correction::todo::WorkKind;
use leakage_core::id::{ClientId, CorrectionId, DeliveryId, LetterId};
use leakage_core::money::Money;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

/// Something that needs doing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "kind": "reply_by", "about": 0, "correction_id": "01931f3e-7d5c-7b60-9f10-000000000004", "version": 5,
    "state": "communicated", "direction": "under", "client": "Contoso", "client_id": "01931f3e-7d5c-7b60-9f10-000000000002",
    "owner": "user:01931f3e-7d5c-7b60-9f10-000000000001", "owner_name": "Bea Miller",
    "amount": {"amount": "352.00", "currency": "USD"}, "next_invoice_on": "2026-12-01", "due_on": "2026-12-04",
    "overdue": true, "days_overdue": 2, "commands": ["remind"], "why": "not_reminded",
    "detail": "The day for a reply has passed: remind the client once."
}))]
struct WorkItem {
    /// `communicate`, `settle`, a deadline such as `reply_by`, `set_aside_review`, `letter_failed`,
    /// `letter_unsent` or `letter_handed_out`. New ones may be added.
    #[schema(max_length = 40, example = "reply_by")]
    kind: String,
    /// Number of the dispute, request, instalment or conversation; 0: all of it.
    #[schema(minimum = 0)]
    about: i32,
    /// The correction.
    correction_id: Option<CorrectionId>,
    /// Its version, for `If-Match`.
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    version: Option<i64>,
    /// Its state.
    #[schema(max_length = 20, example = "communicated")]
    state: Option<String>,
    /// `under`: to charge; `over`: to give back.
    #[schema(max_length = 10, example = "under")]
    direction: Option<String>,
    /// The gap that was set aside.
    #[schema(max_length = 100)]
    gap_id: Option<String>,
    /// The letter that is not with the client.
    letter_id: Option<LetterId>,
    /// Its last delivery.
    delivery_id: Option<DeliveryId>,
    /// The client.
    #[schema(max_length = 500)]
    client: String,
    /// The client's resource.
    client_id: Option<ClientId>,
    /// Who sees to it.
    #[schema(max_length = 300)]
    owner: Option<String>,
    /// The owner's name, where that is a member.
    #[schema(max_length = 200)]
    owner_name: Option<String>,
    /// Money that it is about: outstanding of the correction, or found by the last audit of the gap.
    amount: Option<Money>,
    /// The client's next invoice: as announced, or of its reconciliation schedule.
    next_invoice_on: Option<NaiveDate>,
    /// By when.
    due_on: Option<NaiveDate>,
    /// The day has passed.
    overdue: bool,
    /// Days since then.
    #[schema(minimum = 0)]
    days_overdue: i64,
    /// What would move it, the likeliest first: commands of corrections, or `open`, `set_aside` (of gaps),
    /// `deliver_letter`, `record_delivered`, `import`. None: it is waited for, or talked about.
    #[schema(max_items = 10)]
    commands: Vec<String>,
    /// Why, as a word. New ones may be added.
    #[schema(max_length = 40, example = "not_reminded")]
    why: String,
    /// Why, for a person.
    #[schema(max_length = 300)]
    detail: String,
}

impl WorkItem {
    fn of(work: Work, today: NaiveDate) -> Self {
        let Work { row, correction, owner_name, amount, commands, why } = work;
        let late = row.due_on.map_or(0, |due| (today - due).num_days());
        Self {
            kind: row.kind,
            about: row.about,
            correction_id: row.correction_id.map(CorrectionId::new),
            version: correction.as_ref().map(|one| one.row.version),
            state: row.state,
            direction: correction.map(|one| corrections::direction(&one.correction).to_owned()),
            gap_id: row.gap_id,
            letter_id: row.letter_id.map(LetterId::new),
            delivery_id: row.delivery_id.map(DeliveryId::new),
            client: row.client,
            client_id: row.client_id.map(ClientId::new),
            owner: row.owner,
            owner_name,
            amount,
            next_invoice_on: row.invoice_on,
            due_on: row.due_on,
            overdue: late > 0,
            days_overdue: late.max(0),
            commands: commands.into_iter().map(str::to_owned).collect(),
            why: why.as_str().to_owned(),
            detail: why.says().to_owned(),
        }
    }
}

page_type!(WorkPage, WorkItem);

/// What of the queue to list.
#[derive(Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct WorkQuery {
    /// `me`, `none`, or `user:` and an id; everyone's when not stated.
    #[param(max_length = 300, example = "me")]
    owner: Option<String>,
    /// Only of this client.
    client_id: Option<ClientId>,
    /// Only of this kind, such as `reply_by`.
    #[param(max_length = 40, example = "reply_by")]
    kind: Option<String>,
    /// Only of corrections in this state.
    #[param(max_length = 20, example = "communicated")]
    state: Option<String>,
    /// Only what is overdue, or only what is not.
    overdue: Option<bool>,
    /// Only with a deadline on this day or before.
    due_by: Option<NaiveDate>,
    /// Items of a page.
    #[param(minimum = 1, maximum = 500, default = 50, example = 50)]
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    #[param(max_length = 1000)]
    cursor: Option<String>,
}

impl WorkQuery {
    fn check(&self) -> Result<(), ApiError> {
        let kinds: Vec<&str> = WorkKind::ALL.iter().map(|kind| kind.as_str()).collect();
        let states: Vec<&str> = State::ALL.iter().map(|state| state.as_str()).collect();
        routes::known("kind", self.kind.as_deref(), &kinds)?;
        routes::known("state", self.state.as_deref(), &states)
    }

    /// The owner that is asked for, as records name them.
    fn owner(&self, actor: &Actor) -> Option<String> {
        match self.owner.as_deref() {
            Some("me") => Some(actor.label()),
            Some("none") | None => None,
            Some(owner) => Some(owner.to_owned()),
        }
    }
}

/// List what needs doing
///
/// Soonest invoice first, then soonest deadline: clients that are not told yet, replies, objections, approvals,
/// confirmations, reviews, payments, proofs that are missing, gaps whose day to look again has come or will, and
/// letters that are not with the client. Each with why, by when, and the commands that would move it. What is
/// overdue stays until it is done.
#[utoipa::path(tag = "corrections", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))), params(WorkQuery),
    responses((status = 200, description = "One page", body = WorkPage)))]
#[get("/work-queue")]
async fn list_work(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    request: HttpRequest,
    query: web::Query<WorkQuery>,
) -> Result<HttpResponse, ApiError> {
    query.check()?;
    let owner = query.owner(&actor);
    let paging = PageQuery { limit: query.limit, cursor: query.cursor.clone() };
    let list = ("work queue", &owner, &query.owner, query.client_id, &query.kind, &query.state);
    let wanted = paging.read::<Position>(&(list, query.overdue, query.due_by))?;
    let today = app.clock.today();
    let mut tx = app.db.begin_snapshot(actor.org).await?;
    let filter = WorkFilter {
        owner: owner.as_deref(),
        unowned: query.owner.as_deref() == Some("none"),
        client_id: query.client_id.map(ClientId::uuid),
        kind: query.kind.as_deref(),
        state: query.state.as_deref(),
        overdue: query.overdue,
        due_by: query.due_by,
        notice_days: corrections::policy(&app, &mut tx).await?.notice_days,
        today,
    };
    let rows = stored::list(&mut tx, &filter, wanted.after.as_ref(), wanted.fetch()).await?;
    let page = wanted.page(rows, stored::WorkRow::position)?;
    let data = work_queue::known(&mut tx, page.data, today).await?;
    let data = data.into_iter().map(|work| WorkItem::of(work, today)).collect();
    routes::list(&request, &WorkPage { data, has_more: page.has_more, next_cursor: page.next_cursor })
}

/// Registers the routes of this file.
pub fn configure(config: &mut ServiceConfig) {
    config.service(list_work);
}
