//! Audits: from the stored records of an organization to a stored document.

mod input;

pub use input::{LoadedAudit, known_now, load};
pub(super) use input::{known_then, load_again};

use crate::app::App;
use crate::auth::Actor;
use crate::error::{ApiError, Code};
use crate::jobs::{self, JobKind};
use crate::services::evidence;
use crate::services::gap_history::{self, Completed};
use crate::services::recomputed;
use crate::storage::audits::{self, AuditResult, AuditRow};
use crate::storage::gaps::{self, NewGap};
use crate::storage::mappings::{self, NewMapping, Proposed};
use crate::storage::{OrgTx, StorageError, clients};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::audit::{self, AuditDocument, Basis, Delta, Gap, Proration, Waste};
use leakage_core::history::{self, Word};
use leakage_core::id::{AuditId, ClientId, MappingId, OrgId};
use leakage_core::matching::fold;
use leakage_core::parallel;
use leakage_core::period::Month;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;
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

pub(super) fn request(audit: &AuditRow) -> Result<NewAudit, ApiError> {
    serde_json::from_value(audit.request.clone()).map_err(ApiError::internal)
}

fn not_completed(audit: &AuditRow) -> ApiError {
    ApiError::new(Code::Conflict, format!("The audit is {}: it has no document.", audit.status))
}

/// What changed from one completed audit to another: from the one before it of the same months, unless
/// another is named.
pub async fn delta(
    app: &App,
    org: OrgId,
    before: Option<AuditId>,
    after: AuditId,
) -> Result<Delta, ApiError> {
    let turn = recomputed::turn(app).await?;
    let mut tx = app.db.begin(org).await?;
    audits::find(&mut tx, after).await?.ok_or_else(ApiError::not_found)?;
    let before = match before {
        Some(before) => before,
        None => audits::before(&mut tx, after).await?.ok_or_else(|| {
            ApiError::new(
                Code::Conflict,
                "There is no earlier completed audit of the same months; name one with `since`.",
            )
        })?,
    };
    let (before, after) = (document(&mut tx, before).await?, document(&mut tx, after).await?);
    tx.commit().await?;
    let compare = move || {
        let parse =
            |document: &str| serde_json::from_str::<AuditDocument>(document).map_err(ApiError::internal);
        let delta = audit::delta(&parse(&before)?, &parse(&after)?).map_err(|error| cannot_run(&error));
        drop(turn);
        delta
    };
    tokio::task::spawn_blocking(compare).await.map_err(ApiError::internal)?
}

pub(super) fn cannot_run(error: &audit::AuditError) -> ApiError {
    ApiError::new(Code::Invalid, format!("The audit cannot be run: {error}."))
}

/// Threads that compare clients.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// What is made of a gap before it is stored.
#[derive(Debug)]
struct Detail {
    /// As the document has it.
    json: String,
    /// Its client's name, folded.
    client: String,
    /// Its product's name, folded.
    product: String,
    /// What the audit says of its months.
    words: Vec<Word>,
}

/// A document, and the imports it was made from.
#[derive(Debug)]
pub struct FinishedAudit {
    /// Without its gaps.
    document: AuditDocument,
    found: Vec<Gap>,
    /// What each gap is stored as, in their order.
    details: Vec<Detail>,
    imports: Vec<Uuid>,
    known_at: DateTime<Utc>,
}

impl FinishedAudit {
    fn new(
        id: AuditId,
        mut document: AuditDocument,
        imports: Vec<Uuid>,
        known_at: DateTime<Utc>,
    ) -> Result<Self, ApiError> {
        let found = std::mem::take(&mut document.gaps);
        let details = parallel::each(&found, threads(), |gap| {
            Ok(Detail {
                json: serde_json::to_string(gap).map_err(ApiError::internal)?,
                client: fold(&gap.client),
                product: fold(&gap.product),
                words: history::words(gap, id, known_at).map_err(ApiError::internal)?,
            })
        });
        let details = details.into_iter().collect::<Result<_, ApiError>>()?;
        Ok(Self { document, found, details, imports, known_at })
    }

    /// Stores the document, its gaps and its proposals in the caller's transaction. Answers the gaps.
    pub async fn store(self, app: &App, tx: &mut OrgTx, id: AuditId) -> Result<Vec<Gap>, ApiError> {
        let now = app.clock.now();
        tx.plan_anew().await?;
        let ids = clients::ids_by_name(tx).await?;
        let found = self.found;
        let (mut rows, mut words) = (Vec::with_capacity(found.len()), Vec::with_capacity(found.len()));
        for (gap, mut detail) in found.iter().zip(self.details) {
            words.push(std::mem::take(&mut detail.words));
            rows.push(new_gap(gap, detail, &ids)?);
        }
        let rows = Arc::new(rows);
        let document = serde_json::to_string(&self.document).map_err(ApiError::internal)?;
        let result = AuditResult {
            digest: &self.document.digest,
            totals: serde_json::to_value(&self.document.totals).map_err(ApiError::internal)?,
            document: &document,
            gap_count: i32::try_from(found.len()).map_err(ApiError::internal)?,
            unpriced_gaps: i32::try_from(self.document.unpriced_gaps).map_err(ApiError::internal)?,
            known_at: self.known_at,
            engine_version: env!("CARGO_PKG_VERSION"),
        };
        audits::complete(tx, id, &result, now).await?;
        audits::insert_imports(tx, id, &self.imports).await?;
        let completed = Completed {
            id,
            known_at: self.known_at,
            document: &self.document,
            rows: Arc::clone(&rows),
            client_ids: &ids,
        };
        gap_history::record(tx, &completed, words, now).await?;
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
            let proposed = Proposed {
                score: proposal.score,
                reasons: &proposal.reasons,
                source_ids: &proposal.source_ids,
                target_ids: &proposal.target_ids,
            };
            mappings::propose(tx, &new, &proposed, now).await?;
        }
        Ok(found)
    }
}

fn new_gap(gap: &Gap, detail: Detail, clients: &HashMap<String, Uuid>) -> Result<NewGap, ApiError> {
    let client_id = clients.get(&detail.client).copied();
    let word = |word: Result<Value, _>| match word.map_err(ApiError::internal)? {
        Value::String(text) => Ok(text),
        other => Err(ApiError::internal(format!("{other} is no word"))),
    };
    Ok(NewGap {
        id: gap.id.clone(),
        client: gap.client.clone(),
        client_id,
        client_key: client_id.map_or(detail.client, |id| id.to_string()),
        billing_entity: gap.billing_entity.clone(),
        product: gap.product.clone(),
        product_key: detail.product,
        sku: gap.sku.clone(),
        currency: gap.amount.map(|amount| amount.currency.to_string()),
        direction: word(serde_json::to_value(gap.direction))?,
        kind: word(serde_json::to_value(gap.kind))?,
        first_month: gap.months.iter().map(|month| month.month.first_day()).min(),
        detail: detail.json,
    })
}

/// The whole document of a completed audit as JSON, gaps and all, as the command line prints it: of the texts that
/// are stored, none of which is opened.
pub async fn document(tx: &mut OrgTx, id: AuditId) -> Result<String, ApiError> {
    const NO_GAPS: &str = "\"gaps\":[]";
    let row = audits::find(tx, id).await?.ok_or_else(ApiError::not_found)?;
    let around = audits::document_text(tx, id).await?.ok_or_else(|| not_completed(&row))?;
    let gaps = gaps::texts(tx, id).await?;
    // No text of a document holds these bytes: its quotes are escaped. No other list of it has this name.
    let (before, after) = around
        .split_once(NO_GAPS)
        .ok_or_else(|| ApiError::internal("a document without its list of gaps"))?;
    let inside =
        gaps.iter().map(|list| list.strip_prefix('[')?.strip_suffix(']')).collect::<Option<Vec<_>>>();
    let inside = inside.ok_or(StorageError::Corrupt { column: "audit_findings.gaps" })?.join(",");
    Ok(format!("{before}\"gaps\":[{inside}]{after}"))
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
