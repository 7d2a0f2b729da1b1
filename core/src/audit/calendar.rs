//! Days as integers, the audited months, and which day each day is taken as.

use super::input::Proration;
use crate::period::{Month, Span};
use chrono::{Datelike, NaiveDate};

/// A day as the number of days from the common era: cheap to compare and to subtract.
pub(super) type Day = i32;

/// "Still so": later than any day.
pub(super) const OPEN: Day = Day::MAX;

/// The day's number.
pub(super) fn day(date: NaiveDate) -> Day {
    date.num_days_from_ce()
}

/// The date of a day's number.
pub(super) fn date(day: Day) -> NaiveDate {
    NaiveDate::from_num_days_from_ce_opt(day).unwrap_or(NaiveDate::MAX)
}

/// Half-open days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Days {
    pub from: Day,
    pub until: Day,
}

impl Days {
    pub(super) fn of(span: Span) -> Self {
        Self { from: day(span.from), until: span.until.map_or(OPEN, day) }
    }

    pub(super) const fn contains(self, day: Day) -> bool {
        self.from <= day && day < self.until
    }

    pub(super) const fn is_empty(self) -> bool {
        self.until <= self.from
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self { from: self.from.max(other.from), until: self.until.min(other.until) }
    }

    /// From the first of both to the last of both.
    pub(super) fn to(self, other: Self) -> Self {
        Self { from: self.from.min(other.from), until: self.until.max(other.until) }
    }

    pub(super) fn meets(self, other: Self) -> bool {
        !self.and(other).is_empty()
    }

    /// Number of days.
    pub(super) fn count(self) -> i64 {
        (i64::from(self.until) - i64::from(self.from)).max(0)
    }
}

/// One audited month.
#[derive(Clone, Copy, Debug)]
pub(super) struct AuditMonth {
    pub month: Month,
    /// All its days.
    pub days: Days,
    /// Its days up to `as_of`; may be empty.
    pub audited: Days,
    /// All its days are audited.
    pub closed: bool,
}

/// The months of an audit.
#[derive(Clone, Debug)]
pub(super) struct Calendar {
    pub months: Vec<AuditMonth>,
    /// From the first month's first day to the last month's end.
    pub period: Days,
    /// The days that are audited: of the period, and none after `as_of`.
    pub audited: Days,
}

/// Days of one month that count alike, and the day whose state they take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunk {
    /// Index of the month.
    pub month: usize,
    /// How many days.
    pub days: i64,
    /// The day whose quantities and prices they take.
    pub at: Day,
}

impl Calendar {
    /// The months from `from` to `to`, inclusive; days after `as_of` are not audited.
    pub(super) fn new(from: Month, to: Month, as_of: NaiveDate) -> Self {
        let end_of_audit = day(as_of).saturating_add(1);
        let mut months = Vec::new();
        let mut month = from;
        while month <= to {
            let days = Days::of(month.span());
            let audited = Days { from: days.from, until: days.until.min(end_of_audit).max(days.from) };
            months.push(AuditMonth { month, days, audited, closed: days.until <= end_of_audit });
            let next = month.next();
            if next == month {
                break;
            }
            month = next;
        }
        let period = Days { from: day(from.first_day()), until: day(to.end()) };
        let audited = Days { from: period.from, until: period.until.min(end_of_audit).max(period.from) };
        Self { months, period, audited }
    }

    /// Closed audited months, oldest first.
    pub(super) fn last_closed(&self) -> Option<Month> {
        self.months.iter().rev().find(|month| month.closed).map(|month| month.month)
    }

    /// The first and last month that have an audited day in one of these spans.
    pub(super) fn months_of(&self, spans: &[Days]) -> Option<[Month; 2]> {
        let has = |month: &&AuditMonth| spans.iter().any(|span| span.meets(month.audited));
        let first = self.months.iter().find(has)?.month;
        let last = self.months.iter().rev().find(has)?.month;
        Some([first, last])
    }

    /// The covered days in runs that count alike, in order of time.
    ///
    /// `covered`: disjoint spans, ascending, inside the audited days. `changes`: every day on which a
    /// quantity or a price may change, ascending. A day counts only if it is covered itself;
    /// `full_month` takes a month's covered days as the last of them, `next_month` as the month's
    /// first day, and where that one is not covered the month's state is not known and it has none.
    pub(super) fn chunks(&self, covered: &[Days], changes: &[Day], proration: Proration) -> Vec<Chunk> {
        self.chunks_by(covered, changes, |_| proration)
    }

    /// The same, where each month has its own proration, by its index.
    pub(super) fn chunks_by(
        &self,
        covered: &[Days],
        changes: &[Day],
        proration: impl Fn(usize) -> Proration,
    ) -> Vec<Chunk> {
        let mut chunks = Vec::new();
        for (index, month) in self.months.iter().enumerate() {
            let parts = || covered.iter().map(|span| span.and(month.audited)).filter(|part| !part.is_empty());
            let days: i64 = parts().map(Days::count).sum();
            if days == 0 {
                continue;
            }
            match proration(index) {
                Proration::Daily => {
                    for part in parts() {
                        let mut from = part.from;
                        let first = changes.partition_point(|change| *change <= from);
                        let inside = changes.iter().skip(first).take_while(|change| **change < part.until);
                        for until in inside.copied().chain([part.until]) {
                            let days = Days { from, until }.count();
                            if days > 0 {
                                chunks.push(Chunk { month: index, days, at: from });
                            }
                            from = until;
                        }
                    }
                }
                Proration::FullMonth => {
                    if let Some(last) = parts().next_back() {
                        chunks.push(Chunk { month: index, days, at: last.until - 1 });
                    }
                }
                Proration::NextMonth => {
                    if parts().next().is_some_and(|part| part.from == month.days.from) {
                        chunks.push(Chunk { month: index, days, at: month.days.from });
                    }
                }
            }
        }
        chunks
    }
}

/// The days that are in both lists; each ascending and disjoint.
pub(super) fn intersect(a: &[Days], b: &[Days]) -> Vec<Days> {
    let (mut i, mut j, mut both) = (0, 0, Vec::new());
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        let common = x.and(*y);
        if !common.is_empty() {
            both.push(common);
        }
        if x.until <= y.until {
            i += 1;
        } else {
            j += 1;
        }
    }
    both
}

/// Ascending, disjoint spans of the same days.
pub(super) fn union(mut spans: Vec<Days>) -> Vec<Days> {
    spans.retain(|span| !span.is_empty());
    spans.sort_unstable();
    let mut out: Vec<Days> = Vec::with_capacity(spans.len());
    for span in spans {
        match out.last_mut() {
            Some(last) if span.from <= last.until => last.until = last.until.max(span.until),
            _ => out.push(span),
        }
    }
    out
}
