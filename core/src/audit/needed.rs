//! Which rows an audit of some clients needs, of sources whose rows are not here yet.
//!
//! Who is who is settled by what all rows name ([`LeftOut`](super::LeftOut)), whoever is asked for; so are the
//! notes on mappings and rules. Of the rows themselves a client's result depends on
//!
//! - its own, under every name that stands for it on any day;
//! - those of clients whose names say that they may be the same one: whether a proposal waits depends on
//!   which of the two is billed and which has seats;
//! - those whose charges are told together with its own, because their file names both alike;
//! - lines with the source's own id of one of its lines, and charges with the reference of one of its charges
//!   at price 0 ([`SharedKeys`]), whosever they are: a newer line replaces an older one by its id, and the other
//!   half of a change may be on another client's subscription.
//!
//! With these rows the document is the one that all rows give, to the digest.

use super::distinct;
use super::identity::{ClientId, Identity, client_of, one_client};
use super::input::{AuditInput, Source};
use crate::records::{ClientRef, Record, Sourced};
use crate::seat_states;
use std::collections::{BTreeSet, HashMap, HashSet};

/// The clients, as each source names them, whose rows an audit of the clients in `input` needs; of the
/// sources' rows only what they name has to be known. `None`: all clients are asked for.
pub fn needed(input: &AuditInput) -> Option<Vec<HashSet<ClientRef>>> {
    let names = input.clients.as_ref()?;
    let sources = distinct(&input.sources);
    let identity = Identity::build(input, &sources, 1);
    let mut wanted: BTreeSet<ClientId> = names.iter().filter_map(|name| identity.find_client(name)).collect();
    wanted.extend(identity.resembling(&wanted));
    let mut told_with: BTreeSet<String> = BTreeSet::new();
    let mut known: HashMap<ClientRef, bool> = HashMap::new();
    let mut of_source = |source: &Source| {
        let alone = source.client.is_some() && one_client(source);
        let mut own: HashSet<ClientRef> = HashSet::new();
        for client in source.left_out.clients.iter().chain(&source.left_out.others) {
            let meant = client_of(source, alone, client);
            let ours = if let Some(ours) = known.get(meant.as_ref()) {
                *ours
            } else {
                let ours = identity.ever(&meant).any(|client| wanted.contains(&client));
                known.insert(meant.into_owned(), ours);
                ours
            };
            if ours {
                own.insert(ClientRef::clone(client));
                told_with.insert(seat_states::client_key(client));
            }
        }
        own
    };
    let counts = |source: &&Source| sources.iter().any(|kept| std::ptr::eq(*kept, *source));
    let empty = HashSet::new;
    let mut needed: Vec<HashSet<ClientRef>> = Vec::with_capacity(input.sources.len());
    for source in &input.sources {
        needed.push(if counts(&source) { of_source(source) } else { empty() });
    }
    for (source, own) in input.sources.iter().zip(&mut needed).filter(|(source, _)| counts(source)) {
        let alike =
            |client: &&std::sync::Arc<ClientRef>| told_with.contains(&seat_states::client_key(client));
        own.extend(source.left_out.clients.iter().filter(alike).map(|client| ClientRef::clone(client)));
    }
    Some(needed)
}

/// By what rows of other clients can decide about rows of these.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SharedKeys {
    /// Sources' own ids of billing lines.
    pub source_ids: BTreeSet<String>,
    /// References of charges at price 0.
    pub references: BTreeSet<String>,
}

impl SharedKeys {
    /// Adds those of a row.
    pub fn add(&mut self, row: &Sourced) {
        match &row.record {
            Record::BillingLine(row) => {
                // Lines of one invoice have one id.
                if let Some(id) = row.source_id.as_ref().filter(|id| !self.source_ids.contains(*id)) {
                    self.source_ids.insert(id.clone());
                }
            }
            Record::VendorCharge(row) if row.amount.is_zero() && row.unit_price.is_zero() => {
                self.references.extend(row.reference.clone());
            }
            _ => {}
        }
    }

    /// Whether a row of anybody has one of them.
    pub fn hold(&self, record: &Record) -> bool {
        match record {
            Record::BillingLine(row) => row.source_id.as_ref().is_some_and(|id| self.source_ids.contains(id)),
            Record::VendorCharge(row) => {
                row.reference.as_ref().is_some_and(|reference| self.references.contains(reference))
            }
            _ => false,
        }
    }
}
