//! Corrections: load one, apply a command of the core, store what came of it.
//!
//! The core decides; this module brings what it must know and writes the outcome in one transaction: the
//! state and version first, in one statement that checks both, then what hangs on them.

pub mod billing;
pub mod bulk;
pub mod facts;
pub mod letter;
mod letter_facts;
pub mod new;
pub mod opening;
pub mod recount;
pub mod settled;
pub mod verify;
pub mod weighed;

use crate::app::App;
use crate::auth::{Actor, Identity, Role};
use crate::error::{ApiError, Code};
use crate::services::evidence;
use crate::services::organizations::OrganizationSettings;
use crate::storage::corrections::ledger::NewEntry;
use crate::storage::corrections::records::{AttachedFile, NewEvent};
use crate::storage::corrections::{self as stored, CorrectionRow, Figures, ledger, records};
use crate::storage::{OrgTx, StorageError, organizations};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::correction::case::Correction;
use leakage_core::correction::command::Command;
use leakage_core::correction::ledger::{Entry, Ledger};
use leakage_core::correction::policy::{self, Context, Facts, Policy};
use leakage_core::correction::quantity::seat_months;
use leakage_core::correction::refusal::Refusal;
use leakage_core::correction::state::{Action, State};
use leakage_core::id::{CorrectionId, OrgId};
use leakage_core::money::Money;
use leakage_core::period::Month;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;
use weighed::Weighed;

/// A correction with its ledger, as it is stored.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Its row.
    pub row: CorrectionRow,
    /// The correction.
    pub correction: Correction,
}

impl Loaded {
    /// Its id.
    pub fn id(&self) -> CorrectionId {
        CorrectionId::new(self.row.id)
    }
}

fn corrupt(column: &'static str) -> ApiError {
    StorageError::Corrupt { column }.into()
}

/// Puts a row and its entries together.
fn assemble(row: CorrectionRow, entries: Vec<Entry>) -> Result<Loaded, ApiError> {
    let mut correction: Correction =
        serde_json::from_value(row.conversation.clone()).map_err(ApiError::internal)?;
    correction.ledger = Ledger::of(entries).map_err(ApiError::internal)?;
    correction.state = State::parse(&row.state).ok_or_else(|| corrupt("corrections.state"))?;
    Ok(Loaded { row, correction })
}

/// One correction.
pub async fn load(tx: &mut OrgTx, id: CorrectionId) -> Result<Loaded, ApiError> {
    let row = stored::find(tx, id).await?.ok_or_else(ApiError::not_found)?;
    Ok(all(tx, vec![row]).await?.remove(0))
}

/// Rows with their ledgers, in the rows' order.
pub async fn all(tx: &mut OrgTx, rows: Vec<CorrectionRow>) -> Result<Vec<Loaded>, ApiError> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut entries = ledger::entries(tx, &ids).await?;
    rows.into_iter()
        .map(|row| {
            let own = entries.remove(&row.id).unwrap_or_default();
            assemble(row, own)
        })
        .collect()
}

/// A correction that a command is about to move: the state is asked first, then the version. Of two people
/// who do the same at once, the second one hears that it is done.
pub async fn load_for(
    tx: &mut OrgTx,
    id: CorrectionId,
    version: i64,
    action: Action,
) -> Result<Loaded, ApiError> {
    // It is read in several statements, which must all see the same.
    stored::lock(tx, id).await?;
    let loaded = load(tx, id).await?;
    let state = loaded.correction.state;
    if !action.from().contains(&state) {
        return Err(Refusal::of_state(action, state).into());
    }
    if loaded.row.version != version {
        return Err(ApiError::stale());
    }
    Ok(loaded)
}

/// The organization's choices for its corrections.
pub async fn policy(app: &App, tx: &mut OrgTx) -> Result<Policy, ApiError> {
    policy_at(tx, app.clock.now()).await
}

/// The same, as they were at a time.
pub async fn policy_at(tx: &mut OrgTx, at: DateTime<Utc>) -> Result<Policy, ApiError> {
    let settings = organizations::settings_at(tx, at).await?;
    let settings = settings.as_ref().map(OrganizationSettings::parse).transpose()?;
    Ok(settings.unwrap_or_default().corrections)
}

/// The actor as the core knows one.
pub fn acting(actor: &Actor) -> policy::Actor {
    let (person, admin) = match &actor.identity {
        Identity::User { role, .. } => (true, matches!(role, Role::Owner | Role::Admin)),
        Identity::ApiKey { .. } => (false, false),
    };
    policy::Actor { label: actor.label(), person, admin }
}

/// What a command brings beside itself.
#[derive(Debug, Default)]
pub struct Beside {
    /// What was asked, for the timeline.
    pub detail: Value,
    /// Why, for the timeline.
    pub reason: Option<String>,
    /// The file that is attached.
    pub file: Option<AttachedFile>,
    /// The actor's session has just shown a second factor.
    pub second_factor: bool,
}

/// Applies a command and stores what came of it. What takes long to count was weighed before.
///
/// # Errors
/// Those of the core, each with its own code; 409 when someone else was faster.
pub async fn apply(
    app: &App,
    tx: &mut OrgTx,
    actor: &policy::Actor,
    before: Loaded,
    (command, weighed): (&Command, Option<Weighed>),
    beside: Beside,
) -> Result<Loaded, ApiError> {
    let policy = policy(app, tx).await?;
    let mut known = facts::facts(app, tx, &before, command, weighed).await?;
    known.facts.second_factor = beside.second_factor;
    let context = context(app, actor, &policy, &known.facts);
    let after = before.correction.apply(command, &context)?;
    let mut loaded = save(app, tx, &context, before, after, command.action(), beside).await?;
    if let Some((sha256, text)) = known.frozen {
        records::freeze(tx, loaded.id(), loaded.row.version, &sha256, &text, app.clock.now()).await?;
        evidence::with_message(app, tx, &loaded, &actor.label).await?;
    }
    loaded.row.updated_at = app.clock.now();
    Ok(loaded)
}

/// The circumstances of a command.
pub fn context<'a>(app: &App, actor: &'a policy::Actor, policy: &'a Policy, facts: &'a Facts) -> Context<'a> {
    Context { actor, now: app.clock.now(), today: app.clock.today(), policy, facts }
}

/// State, version and money, for the timeline.
fn summary(correction: &Correction, version: i64) -> Value {
    let balance = correction.ledger.balance();
    let currency = correction.subject.currency;
    let money = |minor: i64| json!(Money::from_minor(minor, currency));
    json!({
        "state": correction.state,
        "version": version,
        "found": money(balance.found.minor),
        "billed": money(balance.billed.minor),
        "credited": money(balance.credited.minor),
        "waived": money(balance.waived.minor),
        "written_off": money(balance.written_off.minor),
        "time_barred": money(balance.time_barred.minor),
        "withdrawn": money(balance.withdrawn.minor),
        "outstanding": money(balance.outstanding.minor),
        "outstanding_seat_months": seat_months(&correction.ledger.outstanding()),
    })
}

struct Columns {
    conversation: Value,
    invoice_on: Option<NaiveDate>,
    announced: (i64, i64),
    deadlines: Vec<leakage_core::correction::deadline::Deadline>,
    audit: Uuid,
}

impl Columns {
    fn of(correction: &Correction, policy: &Policy, audit: Uuid) -> Result<Self, ApiError> {
        let told = matches!(correction.state, State::Communicated | State::Disputed | State::Resolved);
        let told = correction.announcement.as_ref().filter(|_| told);
        let amended = correction.lines.last().and_then(|line| line.audit.parse().ok());
        Ok(Self {
            conversation: serde_json::to_value(correction).map_err(ApiError::internal)?,
            invoice_on: told.and(correction.going_forward.as_ref()).map(|forward| forward.invoice_on),
            announced: told.map_or((0, 0), |told| (told.announced.retro, told.announced.forward)),
            deadlines: correction.deadlines(policy),
            audit: amended.unwrap_or(audit),
        })
    }

    fn figures<'a>(&'a self, correction: &'a Correction) -> Figures<'a> {
        let balance = correction.ledger.balance();
        Figures {
            state: correction.state.as_str(),
            owner: correction.owner.as_deref(),
            audit: self.audit,
            conversation: &self.conversation,
            found: balance.found.minor,
            outstanding: balance.outstanding.minor,
            invoice_on: self.invoice_on,
            announced: self.announced,
            due_on: self.deadlines.first().map(|deadline| deadline.due_on),
        }
    }
}

/// Writes a correction that a command has moved.
pub async fn save(
    app: &App,
    tx: &mut OrgTx,
    context: &Context<'_>,
    before: Loaded,
    after: Correction,
    action: Action,
    beside: Beside,
) -> Result<Loaded, ApiError> {
    let id = before.id();
    let columns = Columns::of(&after, context.policy, before.row.audit_id)?;
    let from: Vec<&str> = action.from().iter().map(|state| state.as_str()).collect();
    let version = before.row.version;
    let figures = columns.figures(&after);
    let moved = stored::update(tx, id, version, &from, &figures, app.clock.now());
    let Some(version) = moved.await.map_err(months_held)? else {
        return Err(ApiError::new(
            Code::Conflict,
            "Someone else moved this correction at the same moment. Read it again and decide anew.",
        ));
    };
    let known = Known::of(&before.correction);
    attach(tx, id, &after, &known, beside.file.as_ref()).await?;
    records::set_deadlines(tx, id, &columns.deadlines).await?;
    let (was, is) = (summary(&before.correction, before.row.version), summary(&after, version));
    let event = NewEvent {
        seq: records::next_seq(tx, id).await?,
        at: context.now,
        actor: &context.actor.label,
        command: action.as_str(),
        before: Some(&was),
        after: &is,
        reason: beside.reason.as_deref(),
        detail: &beside.detail,
    };
    records::append_events(tx, &[(id, event)]).await?;
    let row = CorrectionRow {
        state: after.state.as_str().to_owned(),
        version,
        audit_id: columns.audit,
        due_on: columns.deadlines.first().map(|deadline| deadline.due_on),
        conversation: columns.conversation,
        updated_at: context.now,
        ..before.row
    };
    Ok(Loaded { row, correction: after })
}

/// Notes in the timeline what changes nothing of the correction: a visit, a code, a link.
pub async fn note(
    app: &App,
    tx: &mut OrgTx,
    id: CorrectionId,
    actor: &str,
    command: &str,
    detail: &Value,
) -> Result<(), ApiError> {
    // Entries are counted: one at a time.
    stored::lock(tx, id).await?;
    let loaded = load(tx, id).await?;
    let is = summary(&loaded.correction, loaded.row.version);
    let event = NewEvent {
        seq: records::next_seq(tx, id).await?,
        at: app.clock.now(),
        actor,
        command,
        before: Some(&is),
        after: &is,
        reason: None,
        detail,
    };
    records::append_events(tx, &[(id, event)]).await?;
    Ok(())
}

/// Where what a client wrote is kept.
pub fn writing_key(org: OrgId, sha256: &str) -> String {
    format!("{org}/confirmations/{}", sha256.trim_start_matches("sha256:"))
}

/// How much of a correction is stored already.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    lines: usize,
    entries: usize,
    confirmations: usize,
    waivers: usize,
}

impl Known {
    fn of(correction: &Correction) -> Self {
        Self {
            lines: correction.lines.len(),
            entries: correction.ledger.entries().len(),
            confirmations: correction.confirmations.len(),
            waivers: correction.waivers.len(),
        }
    }
}

/// Adds what is new of what hangs on a correction.
async fn attach(
    tx: &mut OrgTx,
    id: CorrectionId,
    after: &Correction,
    known: &Known,
    file: Option<&AttachedFile>,
) -> Result<(), ApiError> {
    let lines: Vec<_> = after.lines.iter().skip(known.lines).map(|line| (id, line)).collect();
    records::insert_lines(tx, &lines).await?;
    for confirmation in after.confirmations.iter().skip(known.confirmations) {
        let file = file.ok_or_else(|| ApiError::internal("a confirmation has no file"))?;
        records::insert_confirmation(tx, id, confirmation, file).await?;
    }
    let mut waiver = None;
    for new in after.waivers.iter().skip(known.waivers) {
        records::insert_waiver(tx, id, new).await?;
        waiver = i32::try_from(new.number).ok();
    }
    for dispute in &after.disputes {
        records::keep_dispute(tx, id, dispute).await?;
    }
    let entries = after.ledger.entries().get(known.entries..).unwrap_or_default();
    ledger::hold_months(tx, &months_of(id, after, entries)).await.map_err(months_held)?;
    let direction = direction(after);
    let new = entries.iter().map(|entry| NewEntry { correction: id, direction, entry, waiver });
    Ok(ledger::append(tx, &new.collect::<Vec<_>>()).await?)
}

/// The months of gaps that entries are about.
fn months_of(
    id: CorrectionId,
    correction: &Correction,
    entries: &[Entry],
) -> Vec<(CorrectionId, String, NaiveDate)> {
    let gaps: BTreeMap<u32, &str> =
        correction.lines.iter().map(|line| (line.number, line.gap.as_str())).collect();
    let month = |entry: &Entry| Some((*gaps.get(&entry.place.line)?, entry.place.month.first_day()));
    let months: BTreeSet<(&str, NaiveDate)> = entries.iter().filter_map(month).collect();
    months.into_iter().map(|(gap, month)| (id, gap.to_owned(), month)).collect()
}

/// The name of a direction in the database.
pub const fn direction(correction: &Correction) -> &'static str {
    match correction.subject.direction {
        leakage_core::audit::Direction::Under => "under",
        leakage_core::audit::Direction::Over => "over",
    }
}

/// Two corrections of the same month at the same moment: the second one hears of the first.
fn months_held(error: StorageError) -> ApiError {
    if error.constraint() == Some("correction_months_open") {
        return Refusal::new(
            leakage_core::correction::refusal::Code::InAnotherCorrection,
            "A month of these gaps is in another open correction. Work on that one.",
        )
        .into();
    }
    error.into()
}

/// A month as the database has it.
pub fn month_of(day: NaiveDate) -> Month {
    Month::of(day)
}
