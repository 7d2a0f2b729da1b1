//! The monthly cycle: looks at what is imported, reminds, starts audits, announces gaps.
//!
//! A look ([`check`](fn@check)) is a job. It is enqueued by the clock ([`tick`], once a day after midnight
//! UTC), by an import that completes or is voided, by a mapping, rule, price, policy, allocation or billing entity that
//! changes, by a setting of the organization that audits read, and by a schedule that is set. Looks of one organization
//! wait for each other and begin from what is stored, so any number of them does the same as one.

mod announced;
mod audited;
mod check;
mod names;
mod settings;
mod starts;

pub use audited::{audit_completed, audit_failed};
pub(crate) use check::stored_missing;
pub use check::{Looked, check};
pub use settings::read_by_audits;

use crate::app::App;
use crate::jobs::{self, JobKind};
use crate::storage::{self, OrgTx, StorageError, cycles, schedules};
use chrono::{DateTime, NaiveTime, Utc};
use leakage_core::period::day_after;
use serde_json::Value;

/// Organizations that one worker takes at once.
const BATCH: i64 = 100;

/// Has the organization's cycles looked at when the transaction commits, if it has a schedule.
pub async fn facts_changed(tx: &mut OrgTx, now: DateTime<Utc>) -> Result<(), StorageError> {
    let kind = JobKind::CheckCycles;
    // A look that has not begun will see this too; one that has begun may not.
    if schedules::any(tx).await? && !storage::jobs::hold_waiting(tx, kind.as_str(), now).await? {
        let org = tx.org().uuid();
        jobs::enqueue(tx, now, kind, org, Value::Null).await?;
    }
    Ok(())
}

/// Starts the organization's clock.
pub async fn start(tx: &mut OrgTx, now: DateTime<Utc>) -> Result<(), StorageError> {
    cycles::start_clock(tx, next_midnight(now)).await
}

/// Enqueues a look for every organization whose time has come; answers for how many.
pub async fn tick(app: &App) -> Result<usize, StorageError> {
    let now = app.clock.now();
    let mut enqueued = 0;
    loop {
        let mut system = app.db.begin_system().await?;
        let due = cycles::due(&mut system, now, BATCH).await?;
        system.commit().await?;
        if due.is_empty() {
            return Ok(enqueued);
        }
        for org in due {
            let mut tx = app.db.begin(org).await?;
            if cycles::take_turn(&mut tx, now, next_midnight(now)).await? {
                jobs::enqueue(&mut tx, now, JobKind::CheckCycles, org.uuid(), Value::Null).await?;
                enqueued += 1;
            }
            tx.commit().await?;
        }
    }
}

fn next_midnight(now: DateTime<Utc>) -> DateTime<Utc> {
    day_after(now.date_naive()).and_time(NaiveTime::MIN).and_utc()
}
