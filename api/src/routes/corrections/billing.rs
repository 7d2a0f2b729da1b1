//! What to enter where the client is billed, and what was entered there.

use super::parts::short;
use crate::app::App;
use crate::auth::{Allowed, perm};
use crate::error::ApiError;
use crate::extract::JsonBody;
use crate::pagination::PageQuery;
use crate::routes::{self, respond};
use crate::services::corrections::acting;
use crate::services::corrections::billing::{self, Told, Wanted};
use crate::services::idempotency::{Replay, Reply, once};
use crate::storage::corrections::receipts::{self, ReceiptRow};
use crate::{page_type, services};
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, VARY};
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::billing_instructions::receipt::Receipt;
use leakage_core::billing_instructions::{Instructions, Target};
use leakage_core::id::CorrectionId;
use leakage_core::money::{Currency, Money};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

/// Registers the operations.
pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(get_billing_instructions).service(create_psa_receipt).service(list_psa_receipts);
}

/// For which system, and in which form.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct InstructionsQuery {
    /// `connectwise`, `autotask`, `halopsa`, `quickbooks`, `xero` or `generic`; the system that the client's billing
    /// rows come from when not stated.
    #[param(max_length = 20, example = "connectwise")]
    target: Option<String>,
    /// From when on quantities change; with the billing period of the announced invoice when not stated.
    effective_on: Option<NaiveDate>,
    /// The day of a month on which the system's billing periods begin.
    #[param(minimum = 1, maximum = 28, default = 1)]
    billing_day: Option<u32>,
    /// `json` or `csv`; goes before `Accept`.
    #[param(max_length = 10)]
    format: Option<String>,
    /// Of CSV: `one_off` (when not stated), `recurring`, or `credit_memos` of QuickBooks.
    #[param(max_length = 20)]
    part: Option<String>,
}

impl InstructionsQuery {
    fn wanted(&self) -> Result<Wanted, ApiError> {
        routes::known("target", self.target.as_deref(), &Target::names())?;
        routes::known("format", self.format.as_deref(), &["json", "csv"])?;
        routes::known("part", self.part.as_deref(), &["one_off", "recurring", "credit_memos"])?;
        if let Some(day) = self.effective_on {
            services::text::day("effective_on", day)?;
        }
        let billing_day = self.billing_day.unwrap_or(1);
        if !(1..=28).contains(&billing_day) {
            return Err(ApiError::invalid("billing_day", "Name a day from 1 to 28."));
        }
        let target = self.target.as_deref().and_then(Target::parse);
        Ok(Wanted { target, effective_on: self.effective_on, billing_day })
    }

    fn wants_csv(&self, request: &HttpRequest) -> bool {
        let accept = request.headers().get("accept").and_then(|value| value.to_str().ok()).unwrap_or("");
        self.format.as_deref().map_or_else(|| accept.starts_with("text/csv"), |format| format == "csv")
    }
}

/// Read what to enter where the client is billed
///
/// In the terms of the client's PSA or accounting system: lines that are charged or given back once (per month and
/// product, or per instalment of an accepted plan), and quantities that are others from a date on, with the
/// effective date and the proration switch that come to the intended money to the cent. Where the system would
/// prorate to another amount it is told not to, and a line of its own brings the difference. Every line carries
/// the correction's reference, by which the next import proves it. What the imported billing rows do not hold is
/// listed in `missing`. As JSON with the requests of the system's API, or as CSV (`part`) for `Accept: text/csv`
/// or `?format=csv`. Nothing is sent anywhere.
#[utoipa::path(tag = "corrections", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("correction_id" = CorrectionId, Path, description = "The correction"), InstructionsQuery),
    responses((status = 200, description = "What to enter", content((Instructions = "application/json"), (String = "text/csv")))))]
#[get("/corrections/{correction_id}/billing-instructions")]
async fn get_billing_instructions(
    request: HttpRequest,
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    path: web::Path<CorrectionId>,
    query: web::Query<InstructionsQuery>,
) -> Result<HttpResponse, ApiError> {
    let made = billing::instructions(&app, actor.org, *path, query.wanted()?).await?;
    let mut response = HttpResponse::Ok();
    response.append_header((VARY, "Accept"));
    if !query.wants_csv(&request) {
        return Ok(response.json(made));
    }
    let part = query.part.as_deref().unwrap_or("one_off");
    let table = made.tables.into_iter().find(|table| table.part == part);
    let name = format!("attachment; filename=\"{}-{part}.csv\"", made.reference);
    response
        .insert_header((CONTENT_TYPE, "text/csv; charset=utf-8"))
        .insert_header((CONTENT_DISPOSITION, name));
    Ok(response.body(table.map(|table| table.csv).unwrap_or_default()))
}

/// What was entered where the client is billed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "document": "INV-1042", "on": "2026-12-01", "amount": {"amount": "2112.00", "currency": "USD"},
    "line_ids": ["88121", "88122"], "entered_by": "Dana"
}))]
struct NewPsaReceipt {
    /// Number of the invoice or credit note there.
    #[schema(min_length = 1, max_length = 500)]
    document: String,
    /// Its date.
    on: NaiveDate,
    /// What of it is of this correction, before tax; above 0, of a credit note too.
    amount: Money,
    /// The instalment that it charges.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 10000)]
    instalment: Option<u16>,
    /// Ids of its lines there.
    #[serde(default)]
    #[schema(max_items = 1000)]
    line_ids: Vec<LineId>,
    /// Who entered it there.
    #[serde(default)]
    #[schema(max_length = 300)]
    entered_by: Option<String>,
    /// Of over-billing: the apology that was sent with the money.
    #[serde(default)]
    #[schema(max_length = 2000)]
    apology: Option<String>,
}

/// Id of a line in another system.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(min_length = 1, max_length = 200, example = "88121")]
struct LineId(String);

impl NewPsaReceipt {
    fn told(&self) -> Result<Told, ApiError> {
        let document = self.document.trim();
        if document.is_empty() {
            return Err(ApiError::invalid("/document", "Name the invoice or credit note."));
        }
        short("/document", document, 500)?;
        short("/apology", self.apology.as_deref().unwrap_or_default(), 2000)?;
        let entered_by = self.entered_by.as_deref().map(str::trim).filter(|name| !name.is_empty());
        short("/entered_by", entered_by.unwrap_or_default(), 300)?;
        services::text::day("/on", self.on)?;
        if self.line_ids.len() > 1000 {
            return Err(ApiError::invalid("/line_ids", "At most 1000 ids."));
        }
        for (at, id) in self.line_ids.iter().enumerate() {
            short(&format!("/line_ids/{at}"), &id.0, 200)?;
        }
        let receipt = Receipt {
            document: document.to_owned(),
            on: self.on,
            amount: self.amount,
            instalment: self.instalment,
            apology: self.apology.clone(),
        };
        let line_ids = self.line_ids.iter().map(|id| id.0.clone()).collect();
        Ok(Told { receipt, line_ids, entered_by: entered_by.map(str::to_owned) })
    }
}

/// A document that was entered where the client is billed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "number": 1, "document": "INV-1042", "on": "2026-12-01", "amount": {"amount": "2112.00", "currency": "USD"},
    "instalment": null, "line_ids": ["88121", "88122"], "entered_by": "Dana", "became": "bill",
    "recorded_by": "user:01931f3e-7d5c-7b60-9f10-000000000002", "recorded_at": "2026-12-01T09:00:00Z"
}))]
struct PsaReceipt {
    /// Counts from 1.
    #[schema(minimum = 1, maximum = 2_147_483_647)]
    number: i32,
    /// Number of the invoice or credit note there.
    #[schema(max_length = 500)]
    document: String,
    /// Its date.
    on: NaiveDate,
    /// What of it is of this correction, before tax.
    amount: Money,
    /// The instalment that it charges.
    #[schema(minimum = 1, maximum = 65535)]
    instalment: Option<i32>,
    /// Ids of its lines there.
    #[schema(max_items = 1000)]
    line_ids: Vec<LineId>,
    /// Who entered it there.
    #[schema(max_length = 300)]
    entered_by: Option<String>,
    /// The command that it became: `bill`, `credit` or `invoice_instalment`; `linked` where the ledger had the
    /// document already.
    #[schema(max_length = 40)]
    became: String,
    /// Who told us.
    #[schema(max_length = 300)]
    recorded_by: String,
    /// When.
    recorded_at: DateTime<Utc>,
}

impl PsaReceipt {
    fn of(row: ReceiptRow, currency: Currency) -> Self {
        Self {
            number: row.number,
            document: row.document,
            on: row.dated_on,
            amount: Money::from_minor(row.minor, currency),
            instalment: row.instalment,
            line_ids: row.line_ids.into_iter().map(LineId).collect(),
            entered_by: row.entered_by,
            became: row.became,
            recorded_by: row.recorded_by,
            recorded_at: row.recorded_at,
        }
    }
}

page_type!(PsaReceiptPage, PsaReceipt);

/// Say what was entered where the client is billed
///
/// It becomes the ledger's document: `bill`, `credit` or the invoice of an instalment, with all that those
/// commands ask for; or it is linked to the document that the ledger has. A document is told once: the same again
/// answers 200 and changes nothing; with another amount (`receipt_differs`), date (`receipt_date_differs`) or
/// instalment (`receipt_instalment_differs`) it is refused, and the difference is told. Needs no
/// `If-Match`: what was done elsewhere was done, whichever version was read. Refused: another currency
/// (`receipt_currency`), more than is outstanding (`receipt_over_outstanding`), a state that takes no such document
/// (`receipt_state`).
#[utoipa::path(tag = "corrections", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("corrections:write"))), request_body = NewPsaReceipt,
    params(("correction_id" = CorrectionId, Path, description = "The correction"),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat", max_length = 255)),
    responses((status = 201, description = "Kept", body = PsaReceipt),
              (status = 200, description = "It was told before", body = PsaReceipt)))]
#[post("/corrections/{correction_id}/psa-receipts")]
async fn create_psa_receipt(
    app: web::Data<App>,
    actor: Allowed<perm::WriteCorrections>,
    replay: Replay,
    path: web::Path<CorrectionId>,
    body: JsonBody<NewPsaReceipt>,
) -> Result<HttpResponse, ApiError> {
    let replied = once(&app, &actor, &replay, &body.sha256, async |tx| {
        let told = body.value.told()?;
        let kept = billing::receive(&app, tx, &acting(&actor), *path, &told).await?;
        let version = Some(kept.loaded.row.version);
        let view = PsaReceipt::of(kept.row, kept.loaded.correction.subject.currency);
        if kept.new {
            Reply::created(format!("/v1/corrections/{}/psa-receipts", *path), version, &view)
        } else {
            Reply::ok(version, &view)
        }
    })
    .await?;
    Ok(respond(replied))
}

/// List what was entered where the client is billed
///
/// In the order in which it was told.
#[utoipa::path(tag = "corrections", security(("access_token" = []), ("api_key" = [])),
    extensions(("x-permission" = json!("read"))),
    params(("correction_id" = CorrectionId, Path, description = "The correction"), PageQuery),
    responses((status = 200, description = "One page", body = PsaReceiptPage)))]
#[get("/corrections/{correction_id}/psa-receipts")]
async fn list_psa_receipts(
    app: web::Data<App>,
    actor: Allowed<perm::Read>,
    request: HttpRequest,
    path: web::Path<CorrectionId>,
    page: web::Query<PageQuery>,
) -> Result<HttpResponse, ApiError> {
    let page = page.read::<i32>(&("psa receipts", *path))?;
    let mut tx = app.db.begin(actor.org).await?;
    let loaded = services::corrections::load(&mut tx, *path).await?;
    let currency = loaded.correction.subject.currency;
    let rows = receipts::list(&mut tx, *path, page.after.unwrap_or(0), page.fetch()).await?;
    let paged = page.page(rows, |row| row.number)?.map(|row| PsaReceipt::of(row, currency));
    routes::list(&request, &PsaReceiptPage::from(paged))
}
