//! Reports: gaps added up by month, client, product and cause, by age, and by how soon they were found; and
//! how long clients have been without any. Under- and over-billing are never netted, currencies never added.

mod ageing;
mod disputes;
mod leakage;
mod same_cycle;
mod sheet;
mod streaks;

pub use ageing::{AgeBucket, AgeingReport, AgeingRow, ageing};
pub use disputes::{DisputeGrouping, DisputeReport, DisputeRow, DisputeTotal, KnownDispute, disputes};
pub use leakage::{Grouping, LeakageReport, LeakageRow, LeakageTotal, leakage};
pub use same_cycle::{SameCycleReport, SameCycleRow, same_cycle};
pub use streaks::{CleanStreak, CleanStreakReport, ClientMonth, NotKnown, NotKnownReason, clean_streaks};

use super::{Difference, MonthHistory, RootCause};
use crate::audit::Direction;
use crate::id::ClientId;
use crate::money::Currency;
use crate::period::Month;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

/// A gap with its months, as reports add it up.
#[derive(Clone, Debug)]
pub struct KnownGap {
    /// Which client: the same for all its gaps.
    pub client_key: String,
    /// The client's name.
    pub client: String,
    /// The client's resource.
    pub client_id: Option<ClientId>,
    /// The product.
    pub product: String,
    /// The vendor's id of the product.
    pub sku: Option<String>,
    /// None while unpriced.
    pub currency: Option<Currency>,
    /// Which way.
    pub direction: Direction,
    /// As a person said it.
    pub root_cause: Option<RootCause>,
    /// When an audit first saw it.
    pub first_seen_at: DateTime<Utc>,
    /// Its months.
    pub months: BTreeMap<Month, MonthHistory>,
}

impl KnownGap {
    /// The months with a difference inside a range.
    fn standing(&self, range: Range) -> impl DoubleEndedIterator<Item = (&MonthHistory, &Difference)> {
        let inside = move |month: &&MonthHistory| range.contains(month.month);
        self.months.values().filter(inside).filter_map(|month| Some((month, month.difference.as_ref()?)))
    }
}

/// The direction's word.
const fn word(direction: Direction) -> &'static str {
    match direction {
        Direction::Under => "under",
        Direction::Over => "over",
    }
}

/// The months that a report is about, both ends included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// First month; from the beginning when not stated.
    pub from: Option<Month>,
    /// Last month; to the end when not stated.
    pub to: Option<Month>,
}

impl Range {
    /// Whether the month is inside.
    pub fn contains(self, month: Month) -> bool {
        self.from.is_none_or(|from| from <= month) && self.to.is_none_or(|to| month <= to)
    }
}
