//! How many months in a row a client has been without a gap.
//!
//! Counted backwards from the last closed month. A month is clean when all its days were compared, all
//! products of the client with them, and no difference stands. A month with a difference ends the streak.
//! A month of which less is known neither counts nor ends it: it is listed with the reason, so that nobody
//! takes it for clean.

use super::sheet::{Cells, sheet};
use super::{KnownGap, Range};
use crate::id::ClientId;
use crate::matching::fold;
use crate::period::Month;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What is known of a client in a month, over all audits.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Clone, Debug)]
pub struct ClientMonth {
    /// Which client.
    pub client_key: String,
    /// Its name.
    pub client: String,
    /// Its resource.
    pub client_id: Option<ClientId>,
    /// The month.
    pub month: Month,
    /// An audit compared it.
    pub compared: bool,
    /// It was over then.
    pub closed: bool,
    /// Only some of its days were compared.
    pub partial: bool,
    /// Some products of the client were not compared.
    pub products_missing: bool,
}

/// Why a month is not known to be clean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum NotKnownReason {
    /// No audit compared it after its end.
    NotCompared,
    /// Only some of its days are covered by both sides.
    PartlyCovered,
    /// Products of the client could not be compared.
    ProductsNotCompared,
}

impl NotKnownReason {
    const fn as_str(self) -> &'static str {
        match self {
            Self::NotCompared => "not_compared",
            Self::PartlyCovered => "partly_covered",
            Self::ProductsNotCompared => "products_not_compared",
        }
    }
}

/// A month that is not known to be clean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NotKnown {
    /// The month.
    pub month: Month,
    /// Why.
    pub reason: NotKnownReason,
}

/// Clean months in a row, by client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CleanStreakReport {
    /// The last closed month that is looked at.
    pub up_to: Month,
    /// By name.
    pub rows: Vec<CleanStreak>,
}

/// One client's streak.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CleanStreak {
    /// Its resource.
    pub client_id: Option<ClientId>,
    /// Its name.
    pub client: String,
    /// Months in a row, compared and without a gap.
    pub months: u32,
    /// The first of them.
    pub since: Option<Month>,
    /// The month with a gap that ended it; none: it goes back to the first month that is known.
    pub broken_by: Option<Month>,
    /// Months after that one that are not known to be clean; neither counted nor an end.
    pub not_known: Vec<NotKnown>,
}

/// Counts the clean months of each client, backwards from `last_closed` or the range's end, whichever is
/// earlier.
pub fn clean_streaks(
    months: &[ClientMonth],
    gaps: &[KnownGap],
    range: Range,
    last_closed: Month,
) -> CleanStreakReport {
    let up_to = range.to.map_or(last_closed, |to| to.min(last_closed));
    let mut broken: BTreeMap<&str, BTreeSet<Month>> = BTreeMap::new();
    for gap in gaps {
        let standing = gap.standing(Range::default()).map(|(month, _)| month.month);
        broken.entry(&gap.client_key).or_default().extend(standing);
    }
    let mut clients: BTreeMap<(String, &str), BTreeMap<Month, &ClientMonth>> = BTreeMap::new();
    for month in months {
        let key = (fold(&month.client), month.client_key.as_str());
        clients.entry(key).or_default().insert(month.month, month);
    }
    let nothing = BTreeSet::new();
    let streak = |((_, key), known): (&(String, &str), &BTreeMap<Month, &ClientMonth>)| {
        streak(known, broken.get(key).unwrap_or(&nothing), range, up_to)
    };
    CleanStreakReport { up_to, rows: clients.iter().filter_map(streak).collect() }
}

fn streak(
    known: &BTreeMap<Month, &ClientMonth>,
    broken: &BTreeSet<Month>,
    range: Range,
    up_to: Month,
) -> Option<CleanStreak> {
    let (earliest, one) = known.first_key_value()?;
    let from = range.from.map_or(*earliest, |from| from.max(*earliest));
    let mut streak = CleanStreak {
        client_id: one.client_id,
        client: one.client.clone(),
        months: 0,
        since: None,
        broken_by: None,
        not_known: Vec::new(),
    };
    let mut month = up_to;
    while month >= from {
        if broken.contains(&month) {
            streak.broken_by = Some(month);
            break;
        }
        if let Some(reason) = not_known(known.get(&month).copied()) {
            streak.not_known.push(NotKnown { month, reason });
        } else {
            streak.months += 1;
            streak.since = Some(month);
        }
        let before = month.plus(-1);
        if before == month {
            break;
        }
        month = before;
    }
    Some(streak)
}

fn not_known(month: Option<&ClientMonth>) -> Option<NotKnownReason> {
    match month {
        Some(month) if month.compared && month.closed => {
            if month.partial {
                Some(NotKnownReason::PartlyCovered)
            } else {
                month.products_missing.then_some(NotKnownReason::ProductsNotCompared)
            }
        }
        _ => Some(NotKnownReason::NotCompared),
    }
}

impl CleanStreakReport {
    /// The rows as CSV; months that are not known stand in one cell, with their reasons.
    pub fn csv(&self) -> String {
        let header = ["client_id", "client", "months", "since", "up_to", "broken_by", "not_known"];
        let cells = |row: &CleanStreak| {
            let unknown = row.not_known.iter().map(|one| format!("{} {}", one.month, one.reason.as_str()));
            Cells::new()
                .maybe(row.client_id)
                .text(Some(&row.client))
                .plain(&row.months)
                .maybe(row.since)
                .plain(&self.up_to)
                .maybe(row.broken_by)
                .plain(&unknown.collect::<Vec<_>>().join("; "))
        };
        sheet(&header, self.rows.iter().map(cells))
    }
}
