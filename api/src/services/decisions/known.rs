//! Decisions as audits take them: those that were known at a time, with their clients named as the files of
//! the audit name them.
//!
//! A decision names a client of the organization; an audit knows clients by what its files call them. A
//! client that goes by several names is named by all of them: what is said twice of one client counts once.

use super::policies::PolicyTerms;
use super::prices::PriceTerms;
use super::read;
use super::rules::RuleTerms;
use crate::error::ApiError;
use crate::storage::decisions::{self, KnownDecision, Resource};
use crate::storage::{OrgTx, StorageError, clients, mappings};
use chrono::{DateTime, Utc};
use leakage_core::audit::{AuditInput, PolicyOverride, Source};
use leakage_core::id::ClientId;
use leakage_core::period::Span;
use leakage_core::records::{ClientRef, ProductRef};
use std::collections::{BTreeSet, HashMap, HashSet};
use uuid::Uuid;

/// Adds what was decided by that time to the input of an audit, whose files are there already.
pub async fn load(tx: &mut OrgTx, known_at: DateTime<Utc>, input: &mut AuditInput) -> Result<(), ApiError> {
    let rules = decisions::known(tx, Resource::Rule, known_at).await?;
    let prices = decisions::known(tx, Resource::Price, known_at).await?;
    let policies = decisions::known(tx, Resource::Policy, known_at).await?;
    let named = rules.iter().chain(&prices).chain(&policies).filter_map(|row| row.client_id);
    let names = Names::load(tx, named.collect(), &input.sources).await?;
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
        let each = names.each(row)?.into_iter().map(|client| terms.exception(client, span(row)));
        input.policy.overrides.extend(each);
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

const fn span(row: &KnownDecision) -> Span {
    Span { from: row.valid_from, until: row.valid_until }
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

    /// The clients of a decision; `None` in the place of all.
    fn each(&self, row: &KnownDecision) -> Result<Vec<Option<ClientRef>>, StorageError> {
        let Some(id) = row.client_id else { return Ok(vec![None]) };
        let names = self.0.get(&id).ok_or(StorageError::Corrupt { column: "decisions.client_id" })?;
        Ok(names.iter().cloned().map(Some).collect())
    }
}

/// Those of these references that the rows of an audit hold.
fn said<'r>(sources: &[Source], wanted: impl Iterator<Item = &'r ClientRef>) -> HashSet<ClientRef> {
    let wanted: HashSet<&ClientRef> = wanted.collect();
    let rows = sources.iter().flat_map(|source| &source.records);
    let mut said: HashSet<ClientRef> = HashSet::new();
    // Rows of one client stand together: most are passed by one comparison.
    let mut last: Option<&ClientRef> = None;
    for client in rows.filter_map(|sourced| sourced.record.client()) {
        if last != Some(client) && wanted.contains(client) && !said.contains(client) {
            said.insert(client.clone());
        }
        last = Some(client);
    }
    said
}
