//! When to remind of missing imports: each reminder once.

use super::schedule::{Cycle, Schedule};
use chrono::NaiveDate;

/// A reminder that goes out now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reminder {
    /// Which one: days from the due date, negative before it. To be kept, so that it is not sent again.
    pub offset: i32,
    /// Whether the due date has passed.
    pub overdue: bool,
}

/// The reminder of the day, for a client whose imports are missing. `last`: the offset of the last one that
/// was sent in this cycle.
///
/// Of several whose day has come (nobody looked for a while) only the last is sent, and what was not said
/// before the due date is not said after it.
pub fn reminder(schedule: &Schedule, cycle: &Cycle, today: NaiveDate, last: Option<i32>) -> Option<Reminder> {
    let from_due = i32::try_from((today - cycle.due_date).num_days()).ok()?;
    let before = schedule.remind_days_before.iter().map(|days| -i32::from(*days));
    let after = schedule.remind_days_overdue.iter().map(|days| i32::from(*days));
    let offset = before.chain(after).filter(|offset| *offset <= from_due).max()?;
    let overdue = offset > 0;
    let new = last.is_none_or(|last| last < offset);
    (new && overdue == (from_due > 0)).then_some(Reminder { offset, overdue })
}
