//! How far a file tells of a client.
//!
//! An audit lets a snapshot hold until the next one and an open row hold for ever. That is right for
//! comparing and wrong for asking whether this month's file has come: last month's would do. So a file
//! tells of a day only if it can have known it:
//!
//! - a snapshot, of days up to its own;
//! - a row without an end, of days up to the one on which we learned of it;
//! - a row with an end, of the month that it begins with (billing in advance), and of further days up to
//!   the one on which we learned of it;
//! - a file that states its days, of days up to the last of them.

use super::schedule::{Cycle, Expected, back};
use crate::period::Span;
use crate::records::Side;
use chrono::{Months, NaiveDate};

/// The files of our own template are one source, however they come.
const OWN_TEMPLATE: &str = "leakage_template";
/// How the names of its formats begin.
const OWN_PREFIX: &str = "leakage_";

/// What one file tells of one client on one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// First day; none for a snapshot, which an audit takes backwards where nothing else speaks.
    pub from: Option<NaiveDate>,
    /// Day after the last one that its rows speak of; none: still so.
    pub until: Option<NaiveDate>,
    /// Last day of which it can have known.
    pub through: NaiveDate,
}

/// One file's word on one client, with the side and the format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The side.
    pub side: Side,
    /// The format of the file.
    pub source: String,
    /// What it tells.
    pub told: Told,
}

/// What the rows of one file tell of one client on one side; none without a row.
///
/// `snapshots`: days of its snapshot rows. `spans`: days of its other rows. `learned`: the day on which the
/// file was uploaded. `stated`: the days that the file itself says it tells in full.
pub fn told(
    snapshots: &[NaiveDate],
    spans: &[Span],
    learned: NaiveDate,
    stated: Option<Span>,
) -> Option<Told> {
    let spans = || spans.iter().filter(|span| !span.is_empty()).chain(stated.as_ref());
    let seen = snapshots.iter().copied().max();
    let through = spans().map(|span| through(*span, learned)).chain(seen).max()?;
    let through = match stated.and_then(|stated| stated.until) {
        Some(until) => back(until, 1),
        None => through,
    };
    let open = seen.is_some() || spans().any(|span| span.until.is_none());
    Some(Told {
        from: if seen.is_some() { None } else { spans().map(|span| span.from).min() },
        until: if open { None } else { spans().filter_map(|span| span.until).max() },
        through,
    })
}

/// The last day that a row tells of.
fn through(span: Span, learned: NaiveDate) -> NaiveDate {
    let Some(until) = span.until else { return learned };
    let first_month = span.from.checked_add_months(Months::new(1)).unwrap_or(span.from);
    let first_month = back(first_month, 1);
    back(until, 1).min(first_month.max(learned))
}

impl Imported {
    /// Whether it is the expected import of the cycle's month.
    pub fn fulfils(&self, expected: &Expected, cycle: &Cycle) -> bool {
        let begun = self.told.from.is_none_or(|from| from < cycle.month.end());
        self.side == expected.side
            && expected.source.as_deref().is_none_or(|source| self.is_of(source))
            && begun
            && cycle.opens_on <= self.told.through
    }

    /// Whether it speaks of days of the cycle's month, and so can change what an audit of it finds.
    pub fn concerns(&self, cycle: &Cycle) -> bool {
        let month = cycle.month;
        self.told.from.is_none_or(|from| from < month.end())
            && self.told.until.is_none_or(|until| month.first_day() < until)
    }

    fn is_of(&self, source: &str) -> bool {
        self.source == source || (source == OWN_TEMPLATE && self.source.starts_with(OWN_PREFIX))
    }
}
