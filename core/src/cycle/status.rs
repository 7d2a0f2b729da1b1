//! Where a client stands in a month's cycle.

use super::imported::Imported;
use super::schedule::{Cycle, Expected, Schedule};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// Where a client stands in a month's cycle: always in exactly one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = CycleStatus))]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Imports are missing, and it is too early for them: they could not tell of the month yet.
    Waiting,
    /// Imports are missing, and can be made now.
    Due,
    /// Imports are missing, and the due date has passed.
    Overdue,
    /// All imports are there; no audit has compared the client yet.
    Ready,
    /// An audit compared the client before the invoice date.
    Audited,
    /// All imports are there, and the invoice date came before an audit had compared the client.
    Late,
}

impl Status {
    /// All of them, in the order in which a month goes.
    pub const ALL: [Self; 6] =
        [Self::Waiting, Self::Due, Self::Overdue, Self::Ready, Self::Audited, Self::Late];

    /// The name in the database and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Due => "due",
            Self::Overdue => "overdue",
            Self::Ready => "ready",
            Self::Audited => "audited",
            Self::Late => "late",
        }
    }

    /// From its name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// The expected imports that are not there for the cycle's month.
pub fn missing(schedule: &Schedule, cycle: &Cycle, imported: &[Imported]) -> Vec<Expected> {
    let there = |expected: &Expected| imported.iter().any(|imported| imported.fulfils(expected, cycle));
    schedule.expected.iter().filter(|expected| !there(expected)).cloned().collect()
}

/// Where a client stands on a day. `complete`: nothing is missing. `audited_on`: the first day on which an
/// audit of the month compared the client.
pub fn status(cycle: &Cycle, today: NaiveDate, complete: bool, audited_on: Option<NaiveDate>) -> Status {
    match audited_on {
        _ if !complete && today < cycle.opens_on => Status::Waiting,
        _ if !complete && today <= cycle.due_date => Status::Due,
        _ if !complete => Status::Overdue,
        Some(day) if day < cycle.invoice_date => Status::Audited,
        None if today < cycle.invoice_date => Status::Ready,
        _ => Status::Late,
    }
}
