//! Deadlines: nothing that must happen by a day passes in silence.
//!
//! A look ([`check`](fn@check)) is a job, enqueued by the clock ([`tick`]) once a day after midnight UTC for every
//! organization that has ever corrected or set aside a gap. It begins from what is stored and notes each step
//! in the transaction that announces it, so any number of looks, in any number of workers that die in between,
//! does the same as one.

mod check;
mod clients;
mod notices;

pub use check::{Looked, check};
pub use clients::write_to_clients;

use crate::app::App;
use crate::jobs::{self, JobKind};
use crate::storage::{OrgTx, StorageError, deadlines};
use chrono::{DateTime, NaiveTime, Utc};
use leakage_core::period::day_after;
use serde_json::Value;

/// Organizations that one worker takes at once.
const BATCH: i64 = 100;

/// Starts the organization's clock.
pub async fn start(tx: &mut OrgTx, now: DateTime<Utc>) -> Result<(), StorageError> {
    deadlines::start_clock(tx, next_midnight(now)).await
}

/// Enqueues a look for every organization whose time has come; answers for how many.
pub async fn tick(app: &App) -> Result<usize, StorageError> {
    let now = app.clock.now();
    let mut enqueued = 0;
    loop {
        let mut system = app.db.begin_system().await?;
        let due = deadlines::due_clocks(&mut system, now, BATCH).await?;
        system.commit().await?;
        if due.is_empty() {
            return Ok(enqueued);
        }
        for org in due {
            let mut tx = app.db.begin(org).await?;
            if deadlines::take_turn(&mut tx, now, next_midnight(now)).await? {
                jobs::enqueue(&mut tx, now, JobKind::CheckDeadlines, org.uuid(), Value::Null).await?;
                enqueued += 1;
            }
            tx.commit().await?;
        }
    }
}

fn next_midnight(now: DateTime<Utc>) -> DateTime<Utc> {
    day_after(now.date_naive()).and_time(NaiveTime::MIN).and_utc()
}
