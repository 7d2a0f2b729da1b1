//! What a gap came to over all audits.

use super::MonthHistory;
use super::episodes::{Episode, EpisodeStatus, episodes};
use super::tally::{SeatsAndMoney, Tally};
use crate::audit::AuditError;
use crate::money::Currency;
use crate::period::Month;
use chrono::Datelike as _;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where a gap stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum GapStatus {
    /// No month after its last one was compared without finding it.
    Open,
    /// A later month has no difference; the months that had one stand.
    Closed,
    /// Every month that had a difference was compared again, and has none.
    Corrected,
}

/// What a gap came to over all audits: of each month the word that counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GapFigures {
    /// Where it stands.
    pub status: GapStatus,
    /// The first month with a difference; none when all were corrected.
    pub began: Option<Month>,
    /// The last month with a difference.
    pub last_month: Option<Month>,
    /// Months from the first to the last of its last episode, both included, that are over. 0 while it is
    /// only in a month that is not over.
    pub age_months: u32,
    /// Months with a difference, over all episodes, that are over.
    pub months: u32,
    /// Months that had a difference which later audits took back.
    pub corrected_months: u32,
    /// What its first month came to: what there would have been to correct if it had been found then.
    pub found_in_month_one: Option<SeatsAndMoney>,
    /// All months that are over.
    pub accumulated: SeatsAndMoney,
    /// Of these, what the back-billing limit leaves.
    pub claimable: SeatsAndMoney,
    /// Of these, what is older than the limit.
    pub time_barred: SeatsAndMoney,
    /// Apart from them: months that are not over.
    pub provisional: SeatsAndMoney,
    /// Whether some days have no price.
    pub unpriced: bool,
    /// How often it came again after it had ended.
    pub recurrences: u32,
    /// Each time at which it was there, earliest first.
    pub episodes: Vec<Episode>,
}

/// Adds the months of one gap up.
///
/// # Errors
/// When a sum is larger than can be exact.
pub fn figures(
    months: &BTreeMap<Month, MonthHistory>,
    currency: Option<Currency>,
) -> Result<GapFigures, AuditError> {
    let (mut claimable, mut barred, mut provisional) = (Tally::default(), Tally::default(), Tally::default());
    let mut one = None;
    let mut count = 0_u32;
    let standing = || months.values().filter_map(|month| Some((month, month.difference.as_ref()?)));
    for (month, difference) in standing() {
        if !month.said.closed {
            provisional.add(month.month, difference);
            continue;
        }
        count += 1;
        let tally = if difference.time_barred { &mut barred } else { &mut claimable };
        tally.add(month.month, difference);
        if one.is_none() {
            let mut first = Tally::default();
            first.add(month.month, difference);
            one = Some(first);
        }
    }
    let mut all = claimable;
    all.plus(barred);
    let episodes = episodes(months, currency)?;
    Ok(GapFigures {
        status: status(&episodes),
        began: standing().next().map(|(month, _)| month.month),
        last_month: standing().next_back().map(|(month, _)| month.month),
        age_months: age(months, &episodes),
        months: count,
        corrected_months: number(months.values().filter(|month| month.corrected()).count()),
        found_in_month_one: one.map(|one| one.sum(currency)).transpose()?,
        accumulated: all.sum(currency)?,
        claimable: claimable.sum(currency)?,
        time_barred: barred.sum(currency)?,
        provisional: provisional.sum(currency)?,
        unpriced: standing().any(|(_, difference)| difference.unpriced),
        recurrences: number(episodes.len().saturating_sub(1)),
        episodes,
    })
}

fn status(episodes: &[Episode]) -> GapStatus {
    let any = |status| episodes.iter().any(|episode| episode.status == status);
    if any(EpisodeStatus::Open) {
        GapStatus::Open
    } else if any(EpisodeStatus::Closed) {
        GapStatus::Closed
    } else {
        GapStatus::Corrected
    }
}

/// From the first to the last month of the last episode that stands.
fn age(months: &BTreeMap<Month, MonthHistory>, episodes: &[Episode]) -> u32 {
    let standing = |episode: &&Episode| episode.status != EpisodeStatus::Corrected;
    let Some(last) = episodes.iter().rev().find(standing) else { return 0 };
    let over = |month: &&MonthHistory| month.said.closed && month.difference.is_some();
    let of_last = || months.range(last.first_month..=last.last_month).map(|(_, month)| month).filter(over);
    match (of_last().next(), of_last().next_back()) {
        (Some(from), Some(to)) => span(from.month, to.month),
        _ => 0,
    }
}

/// Months from one to the other, both included.
fn span(from: Month, to: Month) -> u32 {
    let number = |month: Month| {
        let day = month.first_day();
        i64::from(day.year()) * 12 + i64::from(day.month())
    };
    u32::try_from(number(to) - number(from) + 1).unwrap_or(0)
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
