//! The types of events, for those who write them and those who filter by them.
//!
//! Events are written in the transaction that causes them and read by their number, with one delivery for each
//! webhook endpoint that wants them. Mail is made from them by whoever reads on from the last number that it
//! delivered.

use super::webhooks;
use crate::storage::events::{self, NewEvent};
use crate::storage::{OrgTx, StorageError};
use chrono::{DateTime, Utc};

/// An import is missing, and due soon.
pub const IMPORT_DUE_SOON: &str = "import.due_soon";
/// An import is missing, and the due date has passed.
pub const IMPORT_OVERDUE: &str = "import.overdue";
/// All that is expected of some clients is there, and their audit begins.
pub const CYCLE_READY: &str = "cycle.ready";
/// An audit is completed, whoever started it.
pub const AUDIT_COMPLETED: &str = "audit.completed";
/// A month's audit shows a gap for the first time.
pub const GAP_FOUND: &str = "gap.found";
/// The latest month that was compared has the gap no more.
pub const GAP_CLOSED: &str = "gap.closed";
/// A gap that was closed is there again.
pub const GAP_RECURRED: &str = "gap.recurred";
/// Something must happen soon.
pub const DEADLINE_DUE_SOON: &str = "deadline.due_soon";
/// Something did not happen by its day; told again for as long as it stands.
pub const DEADLINE_PASSED: &str = "deadline.passed";
/// It did not happen for so long that admins hear of it.
pub const DEADLINE_ESCALATED: &str = "deadline.escalated";
/// A webhook endpoint is disabled, for what is sent to it does not arrive.
pub const WEBHOOK_ENDPOINT_DISABLED: &str = "webhook_endpoint.disabled";

/// All types. New ones may be added.
pub const TYPES: &[&str] = &[
    IMPORT_DUE_SOON,
    IMPORT_OVERDUE,
    CYCLE_READY,
    AUDIT_COMPLETED,
    GAP_FOUND,
    GAP_CLOSED,
    GAP_RECURRED,
    DEADLINE_DUE_SOON,
    DEADLINE_PASSED,
    DEADLINE_ESCALATED,
    WEBHOOK_ENDPOINT_DISABLED,
];

/// Writes events in their order, and what sends them. Others who write events of the organization wait until
/// the transaction ends: write them last.
pub async fn append(tx: &mut OrgTx, new: &[NewEvent], now: DateTime<Utc>) -> Result<(), StorageError> {
    match events::append(tx, new, now).await? {
        Some(written) => webhooks::fan_out(tx, now, written).await,
        None => Ok(()),
    }
}
