//! Which client of ours a name or a stored client stands for.
//!
//! Audits join clients that a person has mapped to each other; a cycle must count such a pair as one, or
//! one half would wait for ever for the files that name the other.

use crate::storage::{OrgTx, StorageError, clients, mappings};
use chrono::{DateTime, Utc};
use leakage_core::matching::fold;
use leakage_core::records::MappingSide;
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// Mappings followed from one client to the next; more is a circle.
const MOST_STEPS: usize = 20;

/// The clients, by name and through mappings.
#[derive(Debug)]
pub(super) struct Names {
    by_name: HashMap<String, Uuid>,
    /// Client to the one that it is mapped to.
    same: BTreeMap<Uuid, Uuid>,
}

impl Names {
    /// Loads them.
    pub(super) async fn load(tx: &mut OrgTx, now: DateTime<Utc>) -> Result<Self, StorageError> {
        let by_name = clients::ids_by_name(tx).await?;
        let mut same = BTreeMap::new();
        for mapping in mappings::approved(tx, now).await? {
            let id = |name: &str| by_name.get(&fold(name)).copied();
            if mapping.side == MappingSide::Client
                && let (Some(source), Some(target)) = (id(&mapping.source), id(&mapping.target))
                && source != target
            {
                same.insert(source, target);
            }
        }
        Ok(Self { by_name, same })
    }

    /// The client that this one is counted as.
    pub(super) fn counted_as(&self, client: Uuid) -> Uuid {
        let mut at = client;
        for _ in 0..MOST_STEPS {
            match self.same.get(&at) {
                Some(next) if *next != client => at = *next,
                _ => break,
            }
        }
        at
    }

    /// The client of a name in an audit.
    pub(super) fn named(&self, name: &str) -> Option<Uuid> {
        self.by_name.get(&fold(name)).map(|client| self.counted_as(*client))
    }
}
