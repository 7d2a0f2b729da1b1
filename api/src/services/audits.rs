//! Audits: from the stored records of an organization to a stored document.

use crate::app::App;
use crate::auth::Actor;
use crate::error::{ApiError, Code};
use crate::jobs::{self, JobKind};
use crate::services::decisions;
use crate::services::evidence;
use crate::services::gap_history::{self, Completed};
use crate::services::organizations::OrganizationSettings;
use crate::storage::audits::{self, AuditResult, AuditRow};
use crate::storage::gaps::{self, NewGap};
use crate::storage::imports::{self, ImportRow};
use crate::storage::mappings::{self, NewMapping};
use crate::storage::{OrgTx, StorageError, clients, organizations, records};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::audit::{
    self, AuditDocument, AuditInput, Basis, Delta, Gap, Incomplete, Policy, Proration, Source, Waste,
};
use leakage_core::id::{AuditId, ClientId, ImportId, MappingId};
use leakage_core::matching::fold;
use leakage_core::period::{Month, Span};
use leakage_core::records::{ClientRef, Price, Record, Rule, Side};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::HashMap;
use uuid::Uuid;

/// Months that one audit may span.
const MAX_MONTHS: i32 = 60;

/// Clients that one audit may be narrowed to.
pub(super) const MAX_CLIENTS: usize = 500;

/// What an audit is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAudit {
    /// First month.
    pub from: Month,
    /// Last month, included.
    pub to: Month,
    /// Later days are not audited, and a month that is not over by then is provisional. Today when not stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<NaiveDate>,
    /// Only what had been learned by this instant: imports, mappings and settings as they were then. A month
    /// that is run again as it was known gives the same digest. Now when not stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_at: Option<DateTime<Utc>>,
    /// Which seats are counted; the organization's default when not stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<Basis>,
    /// How a change inside a month counts; the organization's default when not stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proration: Option<Proration>,
    /// Only these clients; all when not stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_items = 1, max_items = 500)]
    pub clients: Option<Vec<ClientId>>,
}

/// Stores an audit and the job that runs it.
pub async fn create(app: &App, tx: &mut OrgTx, actor: &Actor, new: &NewAudit) -> Result<AuditRow, ApiError> {
    create_as(app, tx, &actor.label(), new).await
}

/// The same, by whoever or whatever is named.
pub(super) async fn create_as(
    app: &App,
    tx: &mut OrgTx,
    by: &str,
    new: &NewAudit,
) -> Result<AuditRow, ApiError> {
    if new.to < new.from {
        return Err(ApiError::invalid("/to", "The last month is before the first one."));
    }
    if new.from.plus(MAX_MONTHS) <= new.to {
        return Err(ApiError::invalid("/to", format!("An audit spans at most {MAX_MONTHS} months.")));
    }
    let today = app.clock.today();
    let as_of = new.as_of.unwrap_or(today);
    if as_of > today {
        return Err(ApiError::invalid("/as_of", "The day is in the future: nothing is known of it yet."));
    }
    if as_of < new.from.first_day() {
        return Err(ApiError::invalid(
            "/as_of",
            "The day is before the first month: nothing would be audited.",
        ));
    }
    if new.known_at.is_some_and(|known_at| known_at > app.clock.now()) {
        return Err(ApiError::invalid(
            "/known_at",
            "The instant is in the future: nothing is known of it yet.",
        ));
    }
    if let Some(wanted) = &new.clients {
        client_names(tx, wanted).await?;
    }
    let id = AuditId::new(Uuid::now_v7());
    let request = serde_json::to_value(new).map_err(ApiError::internal)?;
    let job = jobs::enqueue(tx, app.clock.now(), JobKind::RunAudit, id.uuid(), Value::Null).await?;
    let stored = audits::NewAudit {
        id,
        from_month: new.from.first_day(),
        to_month: new.to.first_day(),
        as_of,
        request: &request,
        job,
        created_by: by,
    };
    audits::insert(tx, &stored, app.clock.now()).await?;
    audits::find(tx, id).await?.ok_or_else(ApiError::not_found)
}

/// The names of clients, in the order asked.
async fn client_names(tx: &mut OrgTx, wanted: &[ClientId]) -> Result<Vec<String>, ApiError> {
    if !(1..=MAX_CLIENTS).contains(&wanted.len()) {
        return Err(ApiError::invalid(
            "/clients",
            format!("Name 1 to {MAX_CLIENTS} clients, or leave it out for all."),
        ));
    }
    let found = clients::names(tx, wanted).await?;
    let name = |(index, id): (usize, &ClientId)| {
        found
            .get(id)
            .cloned()
            .ok_or_else(|| ApiError::invalid(format!("/clients/{index}"), "There is no client with this id."))
    };
    wanted.iter().enumerate().map(name).collect()
}

/// Everything that an audit is made from, and the imports it came from.
#[derive(Debug)]
pub struct LoadedAudit {
    input: AuditInput,
    imports: Vec<Uuid>,
    known_at: DateTime<Utc>,
}

/// Loads what a new audit is made from: what is known now, or was known at the time that it asks for.
pub async fn load(app: &App, tx: &mut OrgTx, audit: &AuditRow) -> Result<LoadedAudit, ApiError> {
    let request = request(audit)?;
    let known_at = match request.known_at {
        Some(known_at) => known_at,
        None => organizations::last_learned(tx).await?.map_or(app.clock.now(), |at| at.max(app.clock.now())),
    };
    let stored = imports::completed(tx, known_at).await?;
    load_known(tx, audit.as_of, &request, known_at, &stored).await
}

/// What is known now of one client in these months, as an audit would take it. For weighing and proving
/// corrections.
pub async fn known_now(
    app: &App,
    tx: &mut OrgTx,
    (from, to): (Month, Month),
    client: &str,
) -> Result<AuditInput, ApiError> {
    let known_at = app.clock.now();
    let stored = imports::completed(tx, known_at).await?;
    let request =
        NewAudit { from, to, as_of: None, known_at: None, basis: None, proration: None, clients: None };
    let mut loaded = load_known(tx, app.clock.today(), &request, known_at, &stored).await?;
    loaded.input.clients = Some(vec![client.to_owned()]);
    Ok(loaded.input)
}

/// Loads what a completed audit was made from, as it was known then.
pub(super) async fn load_again(tx: &mut OrgTx, audit: &AuditRow) -> Result<LoadedAudit, ApiError> {
    let known_at = audit.known_at.ok_or_else(|| not_completed(audit))?;
    let stored = imports::of_audit(tx, AuditId::new(audit.id)).await?;
    load_known(tx, audit.as_of, &request(audit)?, known_at, &stored).await
}

pub(super) fn request(audit: &AuditRow) -> Result<NewAudit, ApiError> {
    serde_json::from_value(audit.request.clone()).map_err(ApiError::internal)
}

fn not_completed(audit: &AuditRow) -> ApiError {
    ApiError::new(Code::Conflict, format!("The audit is {}: it has no document.", audit.status))
}

async fn load_known(
    tx: &mut OrgTx,
    as_of: NaiveDate,
    request: &NewAudit,
    known_at: DateTime<Utc>,
    stored: &[ImportRow],
) -> Result<LoadedAudit, ApiError> {
    let settings = organizations::settings_at(tx, known_at).await?.ok_or_else(ApiError::not_found)?;
    let settings = OrganizationSettings::parse(&settings)?;
    let mut input = AuditInput::new(request.from, request.to, as_of);
    input.policy = Policy {
        basis: request.basis.unwrap_or(settings.basis),
        proration: request.proration.unwrap_or(settings.proration),
        overrides: Vec::new(),
    };
    input.source_order = settings.source_order.into_iter().map(|format| format.0).collect();
    input.stretch_snapshots = true;
    input.mappings = mappings::approved(tx, known_at).await?;
    input.rejected_proposals = mappings::rejected(tx, known_at).await?;
    if let Some(wanted) = &request.clients {
        input.clients = Some(client_names(tx, wanted).await?);
    }
    for import in stored {
        input.sources.push(source(tx, import, &mut input.prices, &mut input.rules).await?);
    }
    decisions::known::load(tx, known_at, &mut input).await?;
    Ok(LoadedAudit { input, imports: stored.iter().map(|import| import.id).collect(), known_at })
}

/// What changed from one completed audit to another: from the one before it of the same months, unless
/// another is named.
pub async fn delta(tx: &mut OrgTx, before: Option<AuditId>, after: AuditId) -> Result<Delta, ApiError> {
    audits::find(tx, after).await?.ok_or_else(ApiError::not_found)?;
    let before = match before {
        Some(before) => before,
        None => audits::before(tx, after).await?.ok_or_else(|| {
            ApiError::new(
                Code::Conflict,
                "There is no earlier completed audit of the same months; name one with `since`.",
            )
        })?,
    };
    let parse =
        |document: Value| serde_json::from_value::<AuditDocument>(document).map_err(ApiError::internal);
    let (before, after) = (parse(document(tx, before).await?)?, parse(document(tx, after).await?)?);
    audit::delta(&before, &after).map_err(|error| cannot_run(&error))
}

pub(super) fn cannot_run(error: &audit::AuditError) -> ApiError {
    ApiError::new(Code::Invalid, format!("The audit cannot be run: {error}."))
}

/// One import as the engine sees it; its prices and rules go to their lists.
async fn source(
    tx: &mut OrgTx,
    import: &ImportRow,
    prices: &mut Vec<Price>,
    rules: &mut Vec<Rule>,
) -> Result<Source, ApiError> {
    let mut rows = records::of_import(tx, ImportId::new(import.id)).await?;
    rows.retain(|sourced| match &sourced.record {
        Record::Price(price) => {
            prices.push((**price).clone());
            false
        }
        Record::Rule(rule) => {
            rules.push((**rule).clone());
            false
        }
        _ => true,
    });
    let incomplete = match import.incomplete.as_str() {
        "none" => Incomplete::None,
        "clients" => {
            let clients: Vec<ClientRef> =
                serde_json::from_value(import.incomplete_clients.clone()).map_err(ApiError::internal)?;
            Incomplete::Clients(clients)
        }
        _ => Incomplete::All,
    };
    Ok(Source {
        import: import.sha256.clone(),
        file: import.file_name.clone(),
        format: import.format.clone().ok_or(StorageError::Corrupt { column: "imports.format" })?,
        sides: import.sides.iter().map(|side| parse_side(side)).collect::<Result<_, _>>()?,
        learned: u64::try_from(import.learned).map_err(ApiError::internal)?,
        snapshot_on: import.snapshot_on,
        client: import.answers.get("client").and_then(Value::as_str).map(str::to_owned),
        stated_span: import.stated_from.map(|from| Span { from, until: import.stated_until }),
        incomplete,
        records: rows,
    })
}

fn parse_side(text: &str) -> Result<Side, StorageError> {
    [Side::Entitlement, Side::Billing, Side::Cost, Side::Activity]
        .into_iter()
        .find(|side| super::imports::side_name(*side) == text)
        .ok_or(StorageError::Corrupt { column: "imports.sides" })
}

impl LoadedAudit {
    /// What the engine is given.
    pub(super) fn into_input(self) -> AuditInput {
        self.input
    }

    /// Runs the engine off the async threads.
    pub async fn run(self) -> Result<FinishedAudit, ApiError> {
        let Self { input, imports, known_at } = self;
        let outcome = tokio::task::spawn_blocking(move || audit::run_on(&input, threads()))
            .await
            .map_err(ApiError::internal)?;
        Ok(FinishedAudit { document: outcome.map_err(|error| cannot_run(&error))?, imports, known_at })
    }
}

/// Threads that compare clients.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// A document, and the imports it was made from.
#[derive(Debug)]
pub struct FinishedAudit {
    document: AuditDocument,
    imports: Vec<Uuid>,
    known_at: DateTime<Utc>,
}

impl FinishedAudit {
    /// Stores the document, its gaps and its proposals in the caller's transaction.
    pub async fn store(mut self, app: &App, tx: &mut OrgTx, id: AuditId) -> Result<(), ApiError> {
        let now = app.clock.now();
        let found = std::mem::take(&mut self.document.gaps);
        let ids = clients::ids_by_name(tx).await?;
        let rows = found.iter().map(|gap| new_gap(gap, &ids)).collect::<Result<Vec<_>, _>>()?;
        let document = serde_json::to_value(&self.document).map_err(ApiError::internal)?;
        let result = AuditResult {
            digest: &self.document.digest,
            totals: document.get("totals").cloned().unwrap_or_else(|| json!([])),
            document: &document,
            gap_count: i32::try_from(found.len()).map_err(ApiError::internal)?,
            unpriced_gaps: i32::try_from(self.document.unpriced_gaps).map_err(ApiError::internal)?,
            known_at: self.known_at,
        };
        audits::complete(tx, id, &result, now).await?;
        audits::insert_imports(tx, id, &self.imports).await?;
        let completed = Completed {
            id,
            known_at: self.known_at,
            document: &self.document,
            found: &found,
            rows: &rows,
            client_ids: &ids,
        };
        gap_history::record(tx, &completed, now).await?;
        evidence::capture(app, tx, id, self.known_at, &rows).await?;
        for proposal in &self.document.proposals {
            let new = NewMapping {
                id: MappingId::new(Uuid::now_v7()),
                side: proposal.side,
                source: &proposal.source,
                target: &proposal.target,
                valid_from: None,
                valid_until: None,
                basis: None,
            };
            mappings::propose(tx, &new, proposal.score, &proposal.reasons, now).await?;
        }
        Ok(())
    }
}

fn new_gap(gap: &Gap, clients: &HashMap<String, Uuid>) -> Result<NewGap, ApiError> {
    let detail = serde_json::to_value(gap).map_err(ApiError::internal)?;
    let text = |name: &str| {
        let text = detail.get(name).and_then(Value::as_str).map(str::to_owned);
        text.ok_or_else(|| ApiError::internal(format!("a gap has no {name}")))
    };
    Ok(NewGap {
        id: gap.id.clone(),
        client: gap.client.clone(),
        client_id: clients.get(&fold(&gap.client)).copied(),
        client_key: gap_history::client_key(clients, &gap.client),
        billing_entity: gap.billing_entity.clone(),
        product: gap.product.clone(),
        product_key: fold(&gap.product),
        sku: gap.sku.clone(),
        currency: gap.amount.map(|amount| amount.currency.to_string()),
        direction: text("direction")?,
        kind: text("kind")?,
        amount_minor: gap.amount.and_then(leakage_core::money::Money::minor),
        first_month: gap.months.iter().map(|month| month.month.first_day()).min(),
        detail,
    })
}

/// The whole document of a completed audit, gaps and all, as the command line prints it.
pub async fn document(tx: &mut OrgTx, id: AuditId) -> Result<Value, ApiError> {
    let row = audits::find(tx, id).await?.ok_or_else(ApiError::not_found)?;
    let mut document = audits::document(tx, id).await?.ok_or_else(|| not_completed(&row))?;
    let filter = gaps::AuditGapFilter::default();
    let found = gaps::of_audit(tx, id, &filter, -1, i64::MAX).await?;
    document["gaps"] = found.into_iter().map(|(_, gap)| gap).collect();
    Ok(document)
}

/// The unused seats of a completed audit with their places in the document: of one client, or with a batch
/// that can be dropped only before a day.
pub async fn waste(
    tx: &mut OrgTx,
    id: AuditId,
    client: Option<ClientId>,
    before: Option<NaiveDate>,
) -> Result<Vec<(usize, Waste)>, ApiError> {
    let row = audits::find(tx, id).await?.ok_or_else(ApiError::not_found)?;
    let listed = audits::waste(tx, id).await?.ok_or_else(|| not_completed(&row))?;
    let listed: Vec<Waste> = serde_json::from_value(listed).map_err(ApiError::internal)?;
    let client = match client {
        Some(client) => Some(clients::names(tx, &[client]).await?.remove(&client).unwrap_or_default()),
        None => None,
    };
    let client = client.as_deref().map(fold);
    let wanted = |(_, waste): &(usize, Waste)| {
        let in_time = |day: NaiveDate| before.is_none_or(|before| day < before);
        client.as_ref().is_none_or(|client| fold(&waste.client) == *client)
            && (before.is_none() || waste.batches.iter().filter_map(|batch| batch.drop_by).any(in_time))
    };
    Ok(listed.into_iter().enumerate().filter(wanted).collect())
}
