//! The times at which a gap was there: it begins, ends, and may come again.
//!
//! Months with a difference belong to one episode until
//! - a month between them was compared and had none. A month that nobody compared does not end an episode:
//!   nothing is known of it; or
//! - the earlier ones were corrected before the later ones were first found: then it had ended, as far as
//!   anybody knew, and came again.
//!
//! An episode of which every month was corrected stays listed as `corrected`: it was found, and it was
//! taken back.

use super::tally::{SeatsAndMoney, Tally};
use super::{MonthHistory, Said};
use crate::audit::AuditError;
use crate::id::AuditId;
use crate::money::Currency;
use crate::period::Month;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where an episode stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum EpisodeStatus {
    /// No later month was compared without finding it.
    Open,
    /// A later month has none.
    Closed,
    /// Each of its months was compared again, and has none.
    Corrected,
}

/// One time at which the gap was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Episode {
    /// Where it stands.
    pub status: EpisodeStatus,
    /// Its first month.
    pub first_month: Month,
    /// Its last month so far.
    pub last_month: Month,
    /// How many months with a difference; of a corrected one, that had one.
    pub months: u32,
    /// Of its months that are over; nothing for a corrected one.
    pub accumulated: SeatsAndMoney,
    /// The audit that first found one of its months.
    pub first_audit_id: AuditId,
    /// What that audit knew: everything learned up to then.
    pub first_known_at: DateTime<Utc>,
    /// The audit that first saw that it had ended.
    pub ended_audit_id: Option<AuditId>,
    /// What that audit knew.
    pub ended_known_at: Option<DateTime<Utc>>,
}

/// The episodes, earliest first.
pub(super) fn episodes(
    months: &BTreeMap<Month, MonthHistory>,
    currency: Option<Currency>,
) -> Result<Vec<Episode>, AuditError> {
    let mut stretches: Vec<Vec<&MonthHistory>> = Vec::new();
    for group in groups(months) {
        stretches.extend(standing(group));
    }
    let begins: Vec<Option<Month>> =
        stretches.iter().map(|stretch| stretch.first().map(|month| month.month)).collect();
    let mut found = Vec::with_capacity(stretches.len());
    for (index, stretch) in stretches.iter().enumerate() {
        let next = begins.get(index + 1).copied().flatten();
        found.extend(episode(months, stretch, next, currency)?);
    }
    Ok(found)
}

/// The months that ever had a difference, parted where the gap had ended in between.
fn groups(months: &BTreeMap<Month, MonthHistory>) -> Vec<Vec<&MonthHistory>> {
    let mut groups: Vec<Vec<&MonthHistory>> = Vec::new();
    let mut equal_between = false;
    for month in months.values() {
        let Some(first) = month.first else {
            equal_between |= month.difference.is_none();
            continue;
        };
        match groups.last_mut() {
            Some(group) if !equal_between && !group.last().is_some_and(|last| was_over(last, first)) => {
                group.push(month);
            }
            _ => groups.push(vec![month]),
        }
        equal_between = false;
    }
    groups
}

/// Whether the month had been corrected before the first word on a later one.
fn was_over(month: &MonthHistory, later: Said) -> bool {
    month.equal_since.is_some_and(|since| since.heard() < later.heard())
}

/// The runs of a group that stand, parted by corrected months; all of it where none stands.
fn standing(group: Vec<&MonthHistory>) -> Vec<Vec<&MonthHistory>> {
    if group.iter().all(|month| month.corrected()) {
        return vec![group];
    }
    let runs = group.split(|month| month.corrected());
    runs.filter(|run| !run.is_empty()).map(<[&MonthHistory]>::to_vec).collect()
}

fn episode(
    months: &BTreeMap<Month, MonthHistory>,
    stretch: &[&MonthHistory],
    next: Option<Month>,
    currency: Option<Currency>,
) -> Result<Option<Episode>, AuditError> {
    let (Some(first), Some(last)) = (stretch.first(), stretch.last()) else { return Ok(None) };
    let corrected = first.corrected();
    let mut tally = Tally::default();
    for month in stretch.iter().filter(|month| month.said.closed) {
        if let Some(difference) = &month.difference {
            tally.add(month.month, difference);
        }
    }
    let ended = if corrected {
        stretch.iter().filter_map(|month| month.equal_since).max_by_key(Said::heard)
    } else {
        let after = months
            .range(last.month..)
            .map(|(_, month)| month)
            .filter(|month| month.difference.is_none() && next.is_none_or(|next| month.month < next));
        after.filter_map(|month| month.equal_since).min_by_key(Said::heard)
    };
    let seen = stretch.iter().filter_map(|month| month.first).min_by_key(Said::heard);
    let seen = seen.unwrap_or(first.said);
    Ok(Some(Episode {
        status: match ended {
            _ if corrected => EpisodeStatus::Corrected,
            Some(_) => EpisodeStatus::Closed,
            None => EpisodeStatus::Open,
        },
        first_month: first.month,
        last_month: last.month,
        months: u32::try_from(stretch.len()).unwrap_or(u32::MAX),
        accumulated: tally.sum(currency)?,
        first_audit_id: seen.audit,
        first_known_at: seen.known_at,
        ended_audit_id: ended.map(|said| said.audit),
        ended_known_at: ended.map(|said| said.known_at),
    }))
}
