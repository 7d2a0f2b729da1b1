//! What an audit is made from: the records of an organization as they were known at a time, with what was
//! decided and settled by then.
//!
//! An audit of some clients reads what all files name, and of their rows those that it needs
//! ([`leakage_core::audit::needed`]): its document is the one that all rows would give. Where it needs more than a
//! quarter of all names, reading everything in one go is quicker, and everything is read.

use super::{FinishedAudit, NewAudit, cannot_run, client_names, not_completed, request, threads};
use crate::app::App;
use crate::error::ApiError;
use crate::services::corrections::settled;
use crate::services::decisions;
use crate::services::organizations::OrganizationSettings;
use crate::storage::audits::AuditRow;
use crate::storage::imports::{self, ImportRow};
use crate::storage::records::{self, Directory, StoredRows};
use crate::storage::{OrgTx, StorageError, mappings, organizations};
use chrono::{DateTime, NaiveDate, Utc};
use leakage_core::audit::{self, AuditInput, Incomplete, Policy, SharedKeys, Source};
use leakage_core::id::{AuditId, ImportId};
use leakage_core::period::{Month, Span};
use leakage_core::records::{ClientRef, Record, Side, Sourced};
use serde_json::Value;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// Everything that an audit is made from, and the imports it came from.
#[derive(Debug)]
pub struct LoadedAudit {
    input: AuditInput,
    imports: Vec<Uuid>,
    known_at: DateTime<Utc>,
}

impl LoadedAudit {
    /// What the engine is given.
    pub(in crate::services) fn into_input(self) -> AuditInput {
        self.input
    }

    /// Runs the engine off the async threads.
    pub async fn run(self, id: AuditId) -> Result<FinishedAudit, ApiError> {
        let Self { input, imports, known_at } = self;
        let (send, outcome) = oneshot::channel();
        // Whoever waits has the outcome before a million rows are given back one by one.
        let run = tokio::task::spawn_blocking(move || {
            let outcome = audit::run_on(&input, threads()).map_err(|error| cannot_run(&error));
            let _ =
                send.send(outcome.and_then(|document| FinishedAudit::new(id, document, imports, known_at)));
            drop(input);
        });
        match outcome.await {
            Ok(outcome) => outcome,
            // It panicked: that is what is told.
            Err(gone) => Err(run.await.err().map_or_else(|| ApiError::internal(gone), ApiError::internal)),
        }
    }
}

/// Which facts are wanted.
struct Facts<'a> {
    as_of: NaiveDate,
    request: &'a NewAudit,
    /// Everything learned by then.
    known_at: DateTime<Utc>,
    imports: &'a [ImportRow],
    /// Only this client, by a name that files give it, whatever the request says.
    only: Option<&'a str>,
}

/// Loads what a new audit is made from: what is known now, or was known at the time that it asks for.
pub async fn load(app: &App, tx: &mut OrgTx, audit: &AuditRow) -> Result<LoadedAudit, ApiError> {
    let request = request(audit)?;
    let known_at = match request.known_at {
        Some(known_at) => known_at,
        None => organizations::last_learned(tx).await?.map_or(app.clock.now(), |at| at.max(app.clock.now())),
    };
    let imports = imports::completed(tx, known_at).await?;
    let facts = Facts { as_of: audit.as_of, request: &request, known_at, imports: &imports, only: None };
    facts.load(tx).await
}

/// What is known now of one client in these months, as an audit would take it. For weighing and proving
/// corrections.
pub async fn known_now(
    app: &App,
    tx: &mut OrgTx,
    months: (Month, Month),
    client: &str,
) -> Result<AuditInput, ApiError> {
    known_then(tx, months, client, app.clock.now()).await
}

/// The same, as it was known at a time, on its day.
pub(in crate::services) async fn known_then(
    tx: &mut OrgTx,
    (from, to): (Month, Month),
    client: &str,
    known_at: DateTime<Utc>,
) -> Result<AuditInput, ApiError> {
    let imports = imports::completed(tx, known_at).await?;
    let request =
        NewAudit { from, to, as_of: None, known_at: None, basis: None, proration: None, clients: None };
    let facts = Facts {
        as_of: known_at.date_naive(),
        request: &request,
        known_at,
        imports: &imports,
        only: Some(client),
    };
    facts.load(tx).await.map(LoadedAudit::into_input)
}

/// Loads what a completed audit was made from, as it was known then; of one client only, where a name that
/// files give it is stated.
pub(in crate::services) async fn load_again(
    tx: &mut OrgTx,
    audit: &AuditRow,
    only: Option<&str>,
) -> Result<LoadedAudit, ApiError> {
    let known_at = audit.known_at.ok_or_else(|| not_completed(audit))?;
    let imports = imports::of_audit(tx, AuditId::new(audit.id)).await?;
    let request = request(audit)?;
    Facts { as_of: audit.as_of, request: &request, known_at, imports: &imports, only }.load(tx).await
}

impl Facts<'_> {
    async fn load(self, tx: &mut OrgTx) -> Result<LoadedAudit, ApiError> {
        let ids: Vec<Uuid> = self.imports.iter().map(|import| import.id).collect();
        let directory = Arc::new(Directory::load(tx, &ids).await?);
        let mut input = self.settings(tx).await?;
        for import in self.imports {
            input.sources.push(source(import, &directory)?);
        }
        for (place, Sourced { line, record }) in records::terms_and_names(tx, &ids, directory.refs()).await? {
            match record {
                Record::Price(price) => input.prices.push(*price),
                Record::Rule(rule) => input.rules.push(*rule),
                Record::Decision(decision) => decision.add_to(&mut input),
                record => {
                    if let Some(source) = input.sources.get_mut(place) {
                        source.records.push(Sourced { line, record });
                    }
                }
            }
        }
        decisions::known::load(tx, self.known_at, &mut input).await?;
        settled::known(tx, self.known_at, &mut input).await?;
        let input = self.rows(tx, input, &directory).await?;
        Ok(LoadedAudit { input, imports: ids, known_at: self.known_at })
    }

    /// The audit without its files.
    async fn settings(&self, tx: &mut OrgTx) -> Result<AuditInput, ApiError> {
        let settings =
            organizations::settings_at(tx, self.known_at).await?.ok_or_else(ApiError::not_found)?;
        let settings = OrganizationSettings::parse(&settings)?;
        let request = self.request;
        let mut input = AuditInput::new(request.from, request.to, self.as_of);
        input.policy = Policy {
            basis: request.basis.unwrap_or(settings.basis),
            proration: request.proration.unwrap_or(settings.proration),
            overrides: Vec::new(),
        };
        input.source_order = settings.source_order.into_iter().map(|format| format.0).collect();
        input.stretch_snapshots = true;
        input.mappings = mappings::approved(tx, self.known_at).await?;
        input.rejected_proposals = mappings::rejected(tx, self.known_at).await?;
        input.clients = match (self.only, &request.clients) {
            (Some(only), _) => Some(vec![only.to_owned()]),
            (None, Some(wanted)) => Some(client_names(tx, wanted).await?),
            (None, None) => None,
        };
        Ok(input)
    }

    /// Reads the rows that are needed.
    async fn rows(
        &self,
        tx: &mut OrgTx,
        input: AuditInput,
        directory: &Arc<Directory>,
    ) -> Result<AuditInput, ApiError> {
        let (mut input, needed) = needed(input).await?;
        let some = needed.and_then(|needed| {
            let wanted = (0..)
                .zip(self.imports)
                .zip(&needed)
                .map(|((number, import), clients)| (number, import.id, directory.ids(import.id, clients)));
            let wanted: Vec<(i32, Uuid, Vec<Uuid>)> = wanted.collect();
            let names: usize = wanted.iter().map(|(_, _, ids)| ids.len()).sum();
            (names * 4 <= directory.names()).then_some(wanted)
        });
        if let Some(wanted) = some {
            self.some_rows(tx, &mut input, directory, &wanted).await?;
            return Ok(input);
        }
        let (mut read, mut reading) = (Vec::with_capacity(self.imports.len()), None);
        for import in self.imports {
            let stored = StoredRows::load(tx, ImportId::new(import.id), directory.refs()).await?;
            // The rows of a file become records while those of the next are loaded.
            if let Some(before) = reading.take() {
                read.push(records_of(before).await?);
            }
            let directory = Arc::clone(directory);
            reading =
                Some(tokio::task::spawn_blocking(move || stored.into_records(directory.refs(), threads())));
        }
        if let Some(last) = reading {
            read.push(records_of(last).await?);
        }
        for (rows, source) in read.into_iter().zip(&mut input.sources) {
            let listed = std::mem::replace(&mut source.records, rows);
            source.records.extend(listed);
            source.left_out = audit::LeftOut::default();
        }
        Ok(input)
    }

    /// Reads the rows of some clients, and those of others that decide about them.
    async fn some_rows(
        &self,
        tx: &mut OrgTx,
        input: &mut AuditInput,
        directory: &Directory,
        wanted: &[(i32, Uuid, Vec<Uuid>)],
    ) -> Result<(), ApiError> {
        let refs = directory.refs();
        let runs = records::runs_of_clients(tx, wanted).await?;
        let clients: HashSet<Uuid> = wanted.iter().flat_map(|(_, _, ids)| ids).copied().collect();
        let clients: Vec<Uuid> = clients.into_iter().collect();
        let mut rows = records::in_runs(tx, &runs, Some(&clients), refs).await?;
        let mut keys = SharedKeys::default();
        for (_, _, row) in &rows {
            keys.add(row);
        }
        let imports: Vec<Uuid> = self.imports.iter().map(|import| import.id).collect();
        let of_keys = |keys: BTreeSet<String>| keys.into_iter().collect::<Vec<_>>();
        let (source_ids, references) = (of_keys(keys.source_ids), of_keys(keys.references));
        let others = records::runs_of_keys(tx, &imports, &source_ids, &references).await?;
        let known: HashSet<(i32, i32)> =
            rows.iter().map(|(source, position, _)| (*source, *position)).collect();
        let others = records::in_runs(tx, &others.without(&known), None, refs).await?;
        rows.extend(others);
        rows.sort_by_key(|(source, position, _)| (*source, *position));
        for (source, _, row) in rows {
            let source = usize::try_from(source).ok().and_then(|place| input.sources.get_mut(place));
            if let Some(source) = source {
                source.records.push(row);
            }
        }
        Ok(())
    }
}

async fn records_of(
    reading: JoinHandle<Result<Vec<Sourced>, StorageError>>,
) -> Result<Vec<Sourced>, ApiError> {
    Ok(reading.await.map_err(ApiError::internal)??)
}

/// Whose rows the audit needs, found off the async threads.
async fn needed(input: AuditInput) -> Result<(AuditInput, Option<Vec<HashSet<ClientRef>>>), ApiError> {
    if input.clients.is_none() {
        return Ok((input, None));
    }
    let found = tokio::task::spawn_blocking(move || {
        let needed = audit::needed(&input);
        (input, needed)
    });
    found.await.map_err(ApiError::internal)
}

/// One import as the engine sees it, with what it names and without its rows.
fn source(import: &ImportRow, directory: &Directory) -> Result<Source, ApiError> {
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
        records: Vec::new(),
        left_out: directory.left_out(import.id)?,
    })
}

fn parse_side(text: &str) -> Result<Side, StorageError> {
    [Side::Entitlement, Side::Billing, Side::Cost, Side::Activity]
        .into_iter()
        .find(|side| crate::services::imports::side_name(*side) == text)
        .ok_or(StorageError::Corrupt { column: "imports.sides" })
}
