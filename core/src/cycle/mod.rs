//! The monthly cycle: what must be imported by when, so that gaps are found before the invoice goes out.
//!
//! A [`Schedule`] says on which day of the month a client is invoiced, how many days earlier the imports
//! are due, what is expected, and when to remind. From it, a day and what was imported follow the cycle of
//! each month, each client's [`Status`], what is missing, and the reminders of the day. Nothing here reads
//! a clock or knows who is reminded how.
//!
//! Days are days of UTC. An organization elsewhere sees a day begin some hours earlier or later than its
//! own; no number depends on it, and everybody who looks sees the same day.
//!
//! Read in this order: `schedule` (days), `imported` (what files tell), `status`, `reminders`, `gaps` (what
//! changed from one audit to the next).

mod gaps;
mod imported;
mod reminders;
mod schedule;
mod status;
#[cfg(test)]
mod tests;

pub use gaps::{GapChange, GapState, changes, share};
pub use imported::{Imported, Told, told};
pub use reminders::{Reminder, reminder};
pub use schedule::{Cycle, Expected, Schedule, ScheduleError};
pub use status::{Status, missing, status};
