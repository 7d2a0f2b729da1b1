//! The systems that bill clients, in one table.

use super::proration::Rule;
use super::write::{Draft, Written};
use super::{autotask, connectwise, generic, halopsa, quickbooks, xero};
use crate::audit::BillingRow;
use serde::{Deserialize, Serialize};

/// A system that bills clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = BillingTarget))]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// ConnectWise PSA.
    Connectwise,
    /// Autotask PSA.
    Autotask,
    /// HaloPSA.
    Halopsa,
    /// QuickBooks Online.
    Quickbooks,
    /// Xero.
    Xero,
    /// Any other.
    Generic,
}

/// How a system is written for.
pub(super) struct Adapter {
    pub(super) target: Target,
    /// The name on the wire.
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    /// How the names of its import formats begin.
    pub(super) formats: &'static str,
    pub(super) rule: Rule,
    pub(super) write: fn(&Draft<'_>) -> Written,
}

/// A new one is its file and a line here. The last one takes what no other does.
pub(super) const ADAPTERS: &[&Adapter] = &[
    &connectwise::ADAPTER,
    &autotask::ADAPTER,
    &halopsa::ADAPTER,
    &quickbooks::ADAPTER,
    &xero::ADAPTER,
    &generic::ADAPTER,
];

impl Target {
    /// From the name on the wire.
    pub fn parse(name: &str) -> Option<Self> {
        ADAPTERS.iter().find(|adapter| adapter.name == name).map(|adapter| adapter.target)
    }

    /// All names on the wire.
    pub fn names() -> Vec<&'static str> {
        ADAPTERS.iter().map(|adapter| adapter.name).collect()
    }

    /// The system that these rows come from: the one of the first.
    pub(super) fn of_rows(rows: &[&BillingRow]) -> Self {
        let first = rows.first().map_or("", |row| row.format.as_str());
        let known = ADAPTERS.iter().find(|one| !one.formats.is_empty() && first.starts_with(one.formats));
        known.map_or(Self::Generic, |adapter| adapter.target)
    }

    pub(super) fn adapter(self) -> &'static Adapter {
        ADAPTERS.iter().find(|adapter| adapter.target == self).copied().unwrap_or(&generic::ADAPTER)
    }
}
