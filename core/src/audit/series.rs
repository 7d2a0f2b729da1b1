//! A number of seats over time: steps on days, not a value per day.

use super::calendar::{Day, Days, OPEN};

/// A quantity that changes on some days. Before its first step it is 0.
#[derive(Clone, Debug, Default)]
pub(super) struct Series {
    /// The day of each step and the quantity from that day on, ascending.
    steps: Vec<(Day, i64)>,
}

/// Quantities that add up where their days overlap, until [`Changes::series`] puts them in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Changes(Vec<(Day, i64)>);

impl Changes {
    /// Adds a quantity that holds on these days.
    pub(super) fn add(&mut self, days: Days, quantity: i64) {
        if quantity != 0 && !days.is_empty() {
            self.0.push((days.from, quantity));
            if days.until != OPEN {
                self.0.push((days.until, quantity.saturating_neg()));
            }
        }
    }

    /// The sum over time. `None` when a sum does not fit.
    pub(super) fn series(mut self) -> Option<Series> {
        self.0.sort_unstable_by_key(|change| change.0);
        let mut steps: Vec<(Day, i64)> = Vec::with_capacity(self.0.len());
        let mut total = 0_i64;
        for (day, change) in self.0 {
            total = total.checked_add(change)?;
            match steps.last_mut() {
                Some(last) if last.0 == day => last.1 = total,
                _ => steps.push((day, total)),
            }
        }
        Some(Series { steps })
    }
}

impl Series {
    /// The quantity on a day.
    pub(super) fn at(&self, day: Day) -> i64 {
        let after = self.steps.partition_point(|step| step.0 <= day);
        after.checked_sub(1).and_then(|index| self.steps.get(index)).map_or(0, |step| step.1)
    }

    /// Whether it is the same as another on every day.
    pub(super) fn same_as(&self, other: &Self) -> bool {
        self.changes().eq(other.changes())
    }

    /// The steps to another quantity than before.
    fn changes(&self) -> impl Iterator<Item = (Day, i64)> + '_ {
        let mut before = 0;
        self.steps.iter().copied().filter(move |step| std::mem::replace(&mut before, step.1) != step.1)
    }

    /// The days on which it changes.
    pub(super) fn days(&self) -> impl Iterator<Item = Day> + '_ {
        self.steps.iter().map(|step| step.0)
    }

    /// Whether it is other than 0 on one of these days.
    pub(super) fn ever(&self, days: Days) -> bool {
        !days.is_empty()
            && (self.at(days.from) != 0
                || self.steps.iter().any(|(day, quantity)| days.contains(*day) && *quantity != 0))
    }
}
