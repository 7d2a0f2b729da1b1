//! Decisions as audits take them: those that were known at a time, with their clients named as the files of
//! the audit name them.
//!
//! A decision names a client of the organization; an audit knows clients by what its files call them. A
//! client that goes by several names is named by all of them: what is said twice of one client counts once.

use super::allocations::AllocationTerms;
use super::policies::PolicyTerms;
use super::prices::PriceTerms;
use super::read;
use super::rules::RuleTerms;
use crate::error::ApiError;
use crate::storage::billing_entities::{self, KnownEntity};
use crate::storage::decisions::{self, KnownDecision, Resource};
use crate::storage::{OrgTx, StorageError, clients, mappings};
use chrono::{DateTime, Utc};
use leakage_core::audit::{Allocation, AuditInput, BillingEntity, PolicyOverride, Source};
use leakage_core::id::ClientId;
use leakage_core::period::Span;
use leakage_core::records::{ClientRef, ProductRef};
use std::collections::{BTreeSet, HashMap, HashSet};
use uuid::Uuid;

/// Adds what was decided by that time to the input of an audit that knows whom its files name.
pub async fn load(tx: &mut OrgTx, known_at: DateTime<Utc>, input: &mut AuditInput) -> Result<(), ApiError> {
    let rules = decisions::known(tx, Resource::Rule, known_at).await?;
    let prices = decisions::known(tx, Resource::Price, known_at).await?;
    let policies = decisions::known(tx, Resource::Policy, known_at).await?;
    let shared = decisions::known(tx, Resource::Allocation, known_at).await?;
    let entities = billing_entities::known(tx, known_at).await?;
    let decided = rules.iter().chain(&prices).chain(&policies).chain(&shared);
    let clients = decided.filter_map(|row| row.client_id).collect();
    let names = Names::load(tx, clients, &input.sources).await?;
    share(&shared, &entities, &names, input)?;
    for row in &rules {
        let terms: RuleTerms = read(&row.detail)?;
        input.rules.extend(names.each(row)?.into_iter().map(|client| terms.rule(client, span(row))));
    }
    for row in &prices {
        let terms: PriceTerms = read(&row.detail)?;
        input.prices.extend(names.each(row)?.into_iter().map(|client| terms.price(client, span(row))));
    }
    for row in &policies {
        let terms: PolicyTerms = read(&row.detail)?;
        match row.client_id {
            None => input.policy.overrides.push(terms.exception(None, span(row))),
            Some(client) => {
                let each = names.texts(client)?.into_iter().map(Some);
                input.policy.overrides.extend(each.map(|client| terms.exception(client, span(row))));
            }
        }
    }
    let counted = mappings::counted(tx, known_at).await?;
    input.policy.overrides.extend(counted.into_iter().map(|mapping| PolicyOverride {
        product: Some(ProductRef { name: Some(mapping.target), ..ProductRef::default() }),
        span: mapping.span,
        basis: Some(mapping.basis),
        ..PolicyOverride::default()
    }));
    Ok(())
}

/// The billing entities of the clients that have allocations, and their allocations.
fn share(
    shared: &[KnownDecision],
    entities: &[KnownEntity],
    names: &Names,
    input: &mut AuditInput,
) -> Result<(), ApiError> {
    let with: BTreeSet<Uuid> = shared.iter().filter_map(|row| row.client_id).collect();
    for entity in entities.iter().filter(|entity| with.contains(&entity.client_id)) {
        for client in names.texts(entity.client_id)? {
            input.entities.push(BillingEntity { client, names: entity.names.clone() });
        }
    }
    for row in shared {
        let terms: AllocationTerms = read(&row.detail)?;
        let corrupt = StorageError::Corrupt { column: "decisions.billing_entity_id" };
        let entity =
            entities.iter().find(|entity| Some(entity.id) == row.billing_entity_id).ok_or(corrupt)?;
        let until = [row.valid_until, entity.ended_on].into_iter().flatten().min();
        if until.is_some_and(|until| until <= row.valid_from) {
            continue;
        }
        let product = |name: &String| ProductRef { name: Some(name.clone()), ..ProductRef::default() };
        for client in names.texts(entity.client_id)? {
            input.allocations.push(Allocation {
                client,
                entity: entity.names.first().cloned().unwrap_or_default(),
                product: terms.product.as_ref().map(product),
                by: terms.by(),
                span: Span { from: row.valid_from, until },
            });
        }
    }
    Ok(())
}

const fn span(row: &KnownDecision) -> Span {
    Span { from: row.valid_from, until: row.valid_until }
}

/// A client's id, else its name, else its domain.
fn text(client: ClientRef) -> Option<String> {
    client.id.or(client.name).or(client.domain)
}

/// What the files of an audit call the clients that decisions are for.
struct Names(HashMap<Uuid, Vec<ClientRef>>);

impl Names {
    async fn load(tx: &mut OrgTx, wanted: BTreeSet<Uuid>, sources: &[Source]) -> Result<Self, StorageError> {
        if wanted.is_empty() {
            return Ok(Self(HashMap::new()));
        }
        let ids: Vec<Uuid> = wanted.iter().copied().collect();
        let mut refs = clients::refs_of(tx, &ids).await?;
        let by_id: Vec<ClientId> = ids.iter().copied().map(ClientId::new).collect();
        let shown = clients::names(tx, &by_id).await?;
        let said = said(sources, refs.values().flatten());
        let of = |id: Uuid| {
            let mut own = refs.remove(&ClientId::new(id)).unwrap_or_default();
            own.retain(|client| said.contains(client));
            if own.is_empty() {
                // No file of the audit names it: the audit says so, by the name that people know.
                let name = shown.get(&ClientId::new(id)).cloned();
                own.push(ClientRef { name, ..ClientRef::default() });
            }
            (id, own)
        };
        Ok(Self(ids.iter().copied().map(of).collect()))
    }

    /// What a client is called, each name as one text.
    fn texts(&self, client: Uuid) -> Result<Vec<String>, StorageError> {
        let names = self.0.get(&client).ok_or(StorageError::Corrupt { column: "decisions.client_id" })?;
        Ok(names.iter().cloned().filter_map(text).collect())
    }

    /// The clients of a decision; `None` in the place of all.
    fn each(&self, row: &KnownDecision) -> Result<Vec<Option<ClientRef>>, StorageError> {
        let Some(id) = row.client_id else { return Ok(vec![None]) };
        let names = self.0.get(&id).ok_or(StorageError::Corrupt { column: "decisions.client_id" })?;
        Ok(names.iter().cloned().map(Some).collect())
    }
}

/// Those of these references that the files of an audit name.
fn said<'r>(sources: &[Source], wanted: impl Iterator<Item = &'r ClientRef>) -> HashSet<ClientRef> {
    let wanted: HashSet<&ClientRef> = wanted.collect();
    let named =
        sources.iter().flat_map(|source| source.left_out.clients.iter().chain(&source.left_out.others));
    named.map(AsRef::as_ref).filter(|client| wanted.contains(client)).cloned().collect()
}
