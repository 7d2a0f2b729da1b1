//! One look at an organization's cycles.

use super::names::Names;
use super::{settings, starts};
use crate::app::App;
use crate::error::ApiError;
use crate::services::{events, schedules};
use crate::storage::cycles::{self, CycleClientRow};
use crate::storage::events::NewEvent;
use crate::storage::reaches::{self, NewReach, ReachRow};
use crate::storage::schedules::ScheduleRow;
use crate::storage::{self, OrgTx, StorageError, organizations};
use chrono::{DateTime, Days, NaiveDate, Utc};
use leakage_core::cycle::{
    Cycle, Expected, Imported, Schedule, Status, Told, missing, reminder, status, told,
};
use leakage_core::digest;
use leakage_core::period::{Month, Span};
use leakage_core::records::Side;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Months before the current one that are looked at as well, for what comes late.
const LOOK_BACK: i32 = 2;
/// Days before a month from which a file's word may end and still be looked at: older files have newer ones
/// beside them, or the side is not there anyway.
const OLD_DAYS: u64 = 62;
/// Clients that one event names; the number of all stands beside them.
pub(super) const NAMED: usize = 100;

/// What a look came to.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Looked {
    /// Clients whose standing changed in some month.
    pub changed: usize,
    /// Reminders sent.
    pub reminders: usize,
    /// Audits started.
    pub audits: usize,
}

/// A client in a month, as this look finds it.
#[derive(Debug)]
pub(super) struct Standing {
    pub row: CycleClientRow,
    /// As it was stored; none: it is new.
    pub before: Option<CycleClientRow>,
    pub cycle: Cycle,
    pub complete: bool,
    /// Digest of the imports that concern the month, and of when something was decided last.
    pub facts: String,
    schedule: Schedule,
}

/// Looks: brings every client's standing up to date, sends what reminders are due, starts audits.
pub async fn check(app: &App, tx: &mut OrgTx) -> Result<Looked, ApiError> {
    // Looks wait for each other here: the second one sees what the first one did.
    organizations::lock(tx).await?;
    let (now, today) = (app.clock.now(), app.clock.today());
    let schedules = Schedules::load(tx).await?;
    if schedules.any_enabled() {
        measure(tx, now).await?;
    }
    let horizon = Month::of(today).plus(-LOOK_BACK - 2);
    let names = Names::load(tx, now).await?;
    let files = Files::load(tx, &names, horizon).await?;
    let stored = cycles::since(tx, horizon.first_day()).await?;
    let clients = storage::clients::all_ids(tx).await?;
    let clients = clients.into_iter().filter(|client| names.counted_as(*client) == *client);
    let (mut standings, gone) = standings(&schedules, clients, &files, stored, today)?;
    let mut announced = remind(tx, &standings, horizon, today).await?;
    let reminders = announced.len();
    let changed: Vec<CycleClientRow> = changed(&standings).into_iter().chain(gone).collect();
    // First the standings: reminders and audits point to them.
    cycles::upsert(tx, &changed, now).await?;
    keep_reminders(tx, &announced, now).await?;
    let started = starts::start_audits(app, tx, &mut standings, today).await?;
    let audits = started.len();
    let mut written = group(&mut announced);
    written.extend(started);
    events::append(tx, &written, now).await?;
    Ok(Looked { changed: changed.len(), reminders, audits })
}

/// The schedules that count now.
struct Schedules {
    organization: Schedule,
    own: BTreeMap<Uuid, Schedule>,
}

impl Schedules {
    async fn load(tx: &mut OrgTx) -> Result<Self, StorageError> {
        let mut found = Self { organization: Schedule::unset(), own: BTreeMap::new() };
        for ScheduleRow { client_id, schedule, .. } in storage::schedules::all(tx).await? {
            let Some(schedule) = schedule.map(|stored| schedules::parse(&stored)).transpose()? else {
                continue;
            };
            match client_id {
                Some(client) => {
                    found.own.insert(client, schedule);
                }
                None => found.organization = schedule,
            }
        }
        Ok(found)
    }

    fn any_enabled(&self) -> bool {
        self.organization.enabled || self.own.values().any(|schedule| schedule.enabled)
    }

    fn of(&self, client: Uuid) -> &Schedule {
        self.own.get(&client).unwrap_or(&self.organization)
    }
}

/// A client as a file names it, and a side.
type ClientSide = (Uuid, &'static str);
/// Days of snapshots, and days of other rows.
type HeldDays = (Vec<NaiveDate>, Vec<Span>);

/// Makes the reach of imports that have none yet.
async fn measure(tx: &mut OrgTx, now: DateTime<Utc>) -> Result<(), StorageError> {
    for import in reaches::pending(tx).await? {
        let learned = import.created_at.date_naive();
        let stated = import.stated_from.map(|from| Span { from, until: import.stated_until });
        let mut held: BTreeMap<ClientSide, HeldDays> = BTreeMap::new();
        for row in reaches::held(tx, import.id).await? {
            let (snapshots, spans) = held.entry((row.client_ref, side(&row.side)?.1)).or_default();
            match row.from_day {
                on if row.snapshot => snapshots.push(on.or(import.snapshot_on).unwrap_or(learned)),
                Some(from) => spans.push(Span { from, until: row.until_day }),
                None => {}
            }
        }
        let reach = |((client_ref, side), (snapshots, spans)): (ClientSide, HeldDays)| {
            let Told { from, until, through } = told(&snapshots, &spans, learned, stated)?;
            Some(NewReach { client_ref, side, first_day: from, until_day: until, through_day: through })
        };
        let made: Vec<NewReach> = held.into_iter().filter_map(reach).collect();
        reaches::insert(tx, import.id, &made, now).await?;
    }
    Ok(())
}

fn side(text: &str) -> Result<(Side, &'static str), StorageError> {
    match text {
        "entitlement" => Ok((Side::Entitlement, "entitlement")),
        "billing" => Ok((Side::Billing, "billing")),
        "cost" => Ok((Side::Cost, "cost")),
        _ => Err(StorageError::Corrupt { column: "import_reaches.side" }),
    }
}

/// What files tell of each client, with the import that it comes from; and when something was decided last, of a
/// client and of all.
struct Files {
    told: BTreeMap<Uuid, Vec<(Uuid, Imported)>>,
    decided: BTreeMap<Option<Uuid>, DateTime<Utc>>,
}

impl Files {
    async fn load(tx: &mut OrgTx, names: &Names, horizon: Month) -> Result<Self, StorageError> {
        let oldest = horizon.first_day().checked_sub_days(Days::new(OLD_DAYS)).unwrap_or(NaiveDate::MIN);
        let mut files: BTreeMap<Uuid, Vec<(Uuid, Imported)>> = BTreeMap::new();
        for ReachRow { client_id, import_id, format, side: text, first_day, until_day, through_day } in
            reaches::since(tx, oldest).await?
        {
            let told = Told { from: first_day, until: until_day, through: through_day };
            let imported = Imported { side: side(&text)?.0, source: format.unwrap_or_default(), told };
            files.entry(names.counted_as(client_id)).or_default().push((import_id, imported));
        }
        let mut decided: BTreeMap<Option<Uuid>, DateTime<Utc>> = BTreeMap::new();
        for (client, at) in cycles::decided(tx).await? {
            let last = decided.entry(client.map(|client| names.counted_as(client))).or_insert(at);
            *last = at.max(*last);
        }
        if let Some(at) = settings::changed_at(tx).await? {
            let last = decided.entry(None).or_insert(at);
            *last = at.max(*last);
        }
        Ok(Self { told: files, decided })
    }

    fn of(&self, client: Uuid) -> &[(Uuid, Imported)] {
        self.told.get(&client).map_or(&[], Vec::as_slice)
    }

    /// Digest of the imports that concern a client's month, and of what was decided.
    fn facts(&self, client: Uuid, cycle: &Cycle) -> Result<String, ApiError> {
        let first = cycle.month.first_day();
        let oldest = first.checked_sub_days(Days::new(OLD_DAYS)).unwrap_or(NaiveDate::MIN);
        let concerns =
            |(_, imported): &&(Uuid, Imported)| imported.concerns(cycle) && oldest <= imported.told.through;
        let imports: BTreeSet<Uuid> = self.of(client).iter().filter(concerns).map(|(id, _)| *id).collect();
        let decided = [self.decided.get(&None), self.decided.get(&Some(client))];
        let digest = if decided == [None, None] {
            digest::of_json(&imports)
        } else {
            digest::of_json(&(imports, decided.map(|at| at.map(DateTime::timestamp_micros))))
        };
        digest.map_err(ApiError::internal)
    }
}

/// Every client in every month that is looked at, and what was stored of clients that are in cycles no more.
fn standings(
    schedules: &Schedules,
    clients: impl Iterator<Item = Uuid>,
    files: &Files,
    stored: Vec<CycleClientRow>,
    today: NaiveDate,
) -> Result<(Vec<Standing>, Vec<CycleClientRow>), ApiError> {
    let mut before: BTreeMap<(Uuid, NaiveDate), CycleClientRow> =
        stored.into_iter().map(|row| ((row.client_id, row.month), row)).collect();
    let (mut found, mut standing_clients) = (Vec::new(), BTreeSet::new());
    for client in clients {
        let schedule = schedules.of(client);
        if !schedule.enabled {
            continue;
        }
        standing_clients.insert(client);
        let current = schedule.current(today).month;
        // A client is in cycles from the one in which it was seen first.
        let first = before.range((client, NaiveDate::MIN)..).next().filter(|((of, _), _)| *of == client);
        let first = first.map_or(current, |((_, month), _)| Month::of(*month)).min(current);
        let mut month = first.max(current.plus(-LOOK_BACK));
        while month <= current {
            let row = before.remove(&(client, month.first_day()));
            found.push(standing(schedule, client, month, files, row, today)?);
            month = month.next();
        }
    }
    // What was audited stays as it was.
    let gone = |row: &CycleClientRow| {
        row.active && row.audited_at.is_none() && !standing_clients.contains(&row.client_id)
    };
    let gone = before.into_values().filter(gone).map(|row| CycleClientRow { active: false, ..row });
    Ok((found, gone.collect()))
}

fn standing(
    schedule: &Schedule,
    client: Uuid,
    month: Month,
    files: &Files,
    before: Option<CycleClientRow>,
    today: NaiveDate,
) -> Result<Standing, ApiError> {
    let cycle = match &before {
        // What was invoiced keeps its days, whatever the schedule says by now.
        Some(row) if row.invoice_date < today => cycle_of(row),
        _ => schedule.cycle(month),
    };
    let imported: Vec<Imported> = files.of(client).iter().map(|(_, imported)| imported.clone()).collect();
    let missing = missing(schedule, &cycle, &imported);
    let audited_at = before.as_ref().and_then(|row| row.audited_at);
    let status = status(&cycle, today, missing.is_empty(), audited_at.map(|at| at.date_naive()));
    let kept = before.clone();
    let row = CycleClientRow {
        month: month.first_day(),
        client_id: client,
        opens_on: cycle.opens_on,
        due_date: cycle.due_date,
        invoice_date: cycle.invoice_date,
        active: true,
        status: status.as_str().to_owned(),
        missing: serde_json::to_value(&missing).map_err(ApiError::internal)?,
        audit_id: kept.as_ref().and_then(|row| row.audit_id),
        audit_facts: kept.as_ref().and_then(|row| row.audit_facts.clone()),
        audit_mappings: kept.as_ref().and_then(|row| row.audit_mappings),
        audit_closed: kept.as_ref().is_some_and(|row| row.audit_closed),
        audited_at,
        not_compared: kept.and_then(|row| row.not_compared),
    };
    let facts = files.facts(client, &cycle)?;
    Ok(Standing { row, before, cycle, complete: missing.is_empty(), facts, schedule: schedule.clone() })
}

/// The days of a stored cycle.
pub(super) fn cycle_of(row: &CycleClientRow) -> Cycle {
    Cycle {
        month: Month::of(row.month),
        opens_on: row.opens_on,
        due_date: row.due_date,
        invoice_date: row.invoice_date,
    }
}

fn changed(standings: &[Standing]) -> Vec<CycleClientRow> {
    let new = |standing: &&Standing| standing.before.as_ref() != Some(&standing.row);
    standings.iter().filter(new).map(|standing| standing.row.clone()).collect()
}

/// A reminder to one client's people.
#[derive(Debug)]
struct Sent {
    month: NaiveDate,
    client: Uuid,
    offset: i32,
    overdue: bool,
    due_date: NaiveDate,
    invoice_date: NaiveDate,
    missing: Value,
}

/// The reminders that are due, each once.
async fn remind(
    tx: &mut OrgTx,
    standings: &[Standing],
    horizon: Month,
    today: NaiveDate,
) -> Result<Vec<Sent>, StorageError> {
    let last = cycles::reminded(tx, horizon.first_day()).await?;
    let due = |standing: &&Standing| !standing.complete;
    let sent = standings.iter().filter(due).filter_map(|Standing { row, cycle, schedule, .. }| {
        let last = last.get(&(row.month, row.client_id)).copied();
        let reminder = reminder(schedule, cycle, today, last)?;
        Some(Sent {
            month: row.month,
            client: row.client_id,
            offset: reminder.offset,
            overdue: reminder.overdue,
            due_date: row.due_date,
            invoice_date: row.invoice_date,
            missing: row.missing.clone(),
        })
    });
    Ok(sent.collect())
}

async fn keep_reminders(tx: &mut OrgTx, sent: &[Sent], now: DateTime<Utc>) -> Result<(), StorageError> {
    let kept: Vec<(NaiveDate, Uuid, i32)> =
        sent.iter().map(|sent| (sent.month, sent.client, sent.offset)).collect();
    cycles::insert_reminders(tx, &kept, now).await
}

/// One event for all clients that miss the same by the same day: a file usually speaks of many.
fn group(sent: &mut [Sent]) -> Vec<NewEvent> {
    let key = |sent: &Sent| {
        (sent.month, sent.overdue, sent.due_date, sent.invoice_date, sent.offset, sent.missing.to_string())
    };
    sent.sort_by_cached_key(|sent| (key(sent), sent.client));
    sent.chunk_by(|a, b| key(a) == key(b)).filter_map(event).collect()
}

fn event(sent: &[Sent]) -> Option<NewEvent> {
    let first = sent.first()?;
    let clients: Vec<Uuid> = sent.iter().map(|sent| sent.client).collect();
    Some(NewEvent {
        kind: if first.overdue { events::IMPORT_OVERDUE } else { events::IMPORT_DUE_SOON },
        month: Some(first.month),
        client_id: if let [only] = clients.as_slice() { Some(*only) } else { None },
        audit_id: None,
        gap_id: None,
        data: json!({
            "due_date": first.due_date,
            "invoice_date": first.invoice_date,
            "days_from_due": first.offset,
            "missing": first.missing,
            "clients": clients.len(),
            "client_ids": clients.iter().take(NAMED).collect::<Vec<_>>(),
        }),
    })
}

impl Standing {
    /// Whether the client is newly complete.
    pub(super) fn newly_complete(&self) -> bool {
        let complete = |row: &CycleClientRow| {
            matches!(Status::parse(&row.status), Some(Status::Ready | Status::Audited | Status::Late))
        };
        self.complete && !self.before.as_ref().is_some_and(complete)
    }
}

/// What is missing, as stored.
pub(crate) fn stored_missing(stored: &Value) -> Result<Vec<Expected>, StorageError> {
    serde_json::from_value(stored.clone())
        .map_err(|_unreadable| StorageError::Corrupt { column: "cycle_clients.missing" })
}
