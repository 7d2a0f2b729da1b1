//! What audits said about a gap over time: from the words of many audits, month by month, to its age, its
//! episodes and what it came to; and the reports that add gaps up.
//!
//! Pure, like the audits themselves. It must not know how audits are run or stored, or what day it is.
//!
//! How words are weighed:
//! - An audit has a *word* on a month of a gap when it compared the gap's client and product in that month:
//!   a difference, or none. What it did not compare it says nothing about, and earlier words stand.
//! - The word that counts is the one of the audit that knew most (`known_at`), whenever it was run: a month
//!   that is run again as it was known then changes nothing that was learned since.
//! - A month that is over outranks the same month seen before its end, whoever knew more: a part of a month
//!   is not the month.
//! - A month whose difference was taken back by a later word is *corrected*: it counts for nothing any more,
//!   and stays visible.

mod compared;
mod episodes;
mod figures;
mod found;
pub mod reports;
mod root_cause;
mod tally;
#[cfg(test)]
mod tests;

pub use compared::{ComparedClient, ComparedMonth, compared};
pub use episodes::{Episode, EpisodeStatus};
pub use figures::{GapFigures, GapStatus, figures};
pub use found::words;
pub use root_cause::RootCause;
pub use tally::{SeatsAndMoney, Tally};

use crate::id::AuditId;
use crate::period::Month;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

/// Who spoke. Its order is the rank of words: a month that is over first, then what was known, then the
/// audit (their ids ascend with time).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Said {
    /// The month was over when the audit looked at it.
    pub closed: bool,
    /// What the audit knew.
    pub known_at: DateTime<Utc>,
    /// The audit.
    pub audit: AuditId,
}

impl Said {
    /// Its place among all words in the order in which things became known.
    pub const fn heard(&self) -> (DateTime<Utc>, AuditId) {
        (self.known_at, self.audit)
    }
}

/// A difference that an audit found in one month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Billable seats on the month's last audited day.
    pub billable: i64,
    /// Billed seats on that day.
    pub billed: i64,
    /// Sum over the month's days of the difference.
    pub seat_days: i64,
    /// Money in the currency's minor unit; none where no currency is known.
    pub amount_minor: Option<i64>,
    /// Some of its days have no price.
    pub unpriced: bool,
    /// Older than the back-billing limit.
    pub time_barred: bool,
    /// Rests on a snapshot taken later.
    pub assumed: bool,
}

/// One audit's word on one month of a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// The month.
    pub month: Month,
    /// Who spoke.
    pub said: Said,
    /// What it found; none: it compared and found no difference.
    pub difference: Option<Difference>,
}

/// A month of a gap after all words so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MonthHistory {
    /// The month.
    pub month: Month,
    /// The word that counts.
    pub said: Said,
    /// What it found; none: no difference.
    pub difference: Option<Difference>,
    /// The first word that found a difference; none: none ever did.
    pub first: Option<Said>,
    /// The first of the words that have found none since; none while there is a difference.
    pub equal_since: Option<Said>,
}

impl MonthHistory {
    /// A month after its first word.
    pub const fn new(word: &Word) -> Self {
        let (first, equal_since) =
            if word.difference.is_some() { (Some(word.said), None) } else { (None, Some(word.said)) };
        Self { month: word.month, said: word.said, difference: word.difference, first, equal_since }
    }

    /// Takes one more word, whatever the order in which they come.
    pub fn hear(&mut self, word: &Word) {
        let earlier = |a: Said, b: Said| if b.heard() < a.heard() { b } else { a };
        if word.difference.is_some() {
            self.first = Some(self.first.map_or(word.said, |first| earlier(first, word.said)));
        }
        if word.said > self.said {
            self.equal_since = match (&self.difference, &word.difference) {
                (_, Some(_)) => None,
                (Some(_), None) => Some(word.said),
                (None, None) => self.equal_since,
            };
            self.said = word.said;
            self.difference = word.difference;
        } else if let Some(since) = self.equal_since {
            if word.difference.is_some() {
                // Found before the words that take it back, or between them: then the last one does.
                let taken_back = word.said.heard() < since.heard();
                self.equal_since = Some(if taken_back { since } else { self.said });
            } else if self.first.is_none_or(|first| first.heard() < word.said.heard()) {
                self.equal_since = Some(earlier(since, word.said));
            }
        }
    }

    /// Whether a difference that once was found is taken back.
    pub const fn corrected(&self) -> bool {
        self.first.is_some() && self.difference.is_none()
    }
}

/// The months of one gap after these words, in any order.
pub fn months(words: &[Word]) -> BTreeMap<Month, MonthHistory> {
    let mut ordered: Vec<&Word> = words.iter().collect();
    ordered.sort_by_key(|word| word.said.heard());
    let mut months: BTreeMap<Month, MonthHistory> = BTreeMap::new();
    for word in ordered {
        months
            .entry(word.month)
            .and_modify(|month| month.hear(word))
            .or_insert_with(|| MonthHistory::new(word));
    }
    months
}
