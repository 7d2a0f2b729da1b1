//! Open gaps by age: what is found late costs more to talk about.

use super::super::{GapStatus, SeatsAndMoney, Tally, figures};
use super::sheet::{Cells, sheet};
use super::{KnownGap, Range, word};
use crate::audit::{AuditError, Direction};
use crate::money::Currency;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An age in months, from the first to the last month of the gap's last episode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum AgeBucket {
    /// Only in a month that is not over.
    #[serde(rename = "not_closed")]
    NotClosed,
    /// One month.
    #[serde(rename = "1")]
    One,
    /// Two or three.
    #[serde(rename = "2_to_3")]
    TwoToThree,
    /// Four to six.
    #[serde(rename = "4_to_6")]
    FourToSix,
    /// Seven to twelve.
    #[serde(rename = "7_to_12")]
    SevenToTwelve,
    /// More than twelve.
    #[serde(rename = "over_12")]
    OverTwelve,
}

impl AgeBucket {
    const ALL: [Self; 6] = [
        Self::NotClosed,
        Self::One,
        Self::TwoToThree,
        Self::FourToSix,
        Self::SevenToTwelve,
        Self::OverTwelve,
    ];

    /// The bucket of an age.
    pub const fn of(months: u32) -> Self {
        match months {
            0 => Self::NotClosed,
            1 => Self::One,
            2..=3 => Self::TwoToThree,
            4..=6 => Self::FourToSix,
            7..=12 => Self::SevenToTwelve,
            _ => Self::OverTwelve,
        }
    }

    /// Its word; no spreadsheet takes it for a date.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotClosed => "not_closed",
            Self::One => "1",
            Self::TwoToThree => "2_to_3",
            Self::FourToSix => "4_to_6",
            Self::SevenToTwelve => "7_to_12",
            Self::OverTwelve => "over_12",
        }
    }
}

/// Open gaps by age.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AgeingReport {
    /// Every bucket for each direction and currency that has open gaps.
    pub rows: Vec<AgeingRow>,
}

/// Open gaps of one age, direction and currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AgeingRow {
    /// `under`: billed too little; `over`: billed too much.
    pub direction: Direction,
    /// None: gaps without a price in any currency.
    pub currency: Option<Currency>,
    /// The age.
    pub bucket: AgeBucket,
    /// How many open gaps.
    pub gaps: u32,
    /// What they accumulated in months that are over.
    pub accumulated: SeatsAndMoney,
}

/// How many gaps of each age, and what they accumulated.
type Buckets = BTreeMap<AgeBucket, (u32, Tally)>;

/// Sorts open gaps by age. A range limits the months that are added up, not the age; a gap without a
/// difference inside it is left out.
///
/// # Errors
/// When a sum is larger than can be exact.
pub fn ageing(gaps: &[KnownGap], range: Range) -> Result<AgeingReport, AuditError> {
    let mut found: BTreeMap<(Option<Currency>, Direction), Buckets> = BTreeMap::new();
    for gap in gaps {
        let known = figures(&gap.months, gap.currency)?;
        if known.status != GapStatus::Open || gap.standing(range).next().is_none() {
            continue;
        }
        let buckets = found.entry((gap.currency, gap.direction)).or_default();
        let (count, tally) = buckets.entry(AgeBucket::of(known.age_months)).or_default();
        *count += 1;
        for (month, difference) in gap.standing(range).filter(|(month, _)| month.said.closed) {
            tally.add(month.month, difference);
        }
    }
    let mut rows = Vec::new();
    for ((currency, direction), buckets) in found {
        for bucket in AgeBucket::ALL {
            let (gaps, tally) = buckets.get(&bucket).copied().unwrap_or_default();
            rows.push(AgeingRow { direction, currency, bucket, gaps, accumulated: tally.sum(currency)? });
        }
    }
    Ok(AgeingReport { rows })
}

impl AgeingReport {
    /// The rows as CSV.
    pub fn csv(&self) -> String {
        let header = ["age_months", "direction", "currency", "gaps", "seat_months", "amount"];
        let cells = |row: &AgeingRow| {
            Cells::new()
                .plain(&row.bucket.as_str())
                .plain(&word(row.direction))
                .maybe(row.currency)
                .plain(&row.gaps)
                .sum(&row.accumulated)
        };
        sheet(&header, self.rows.iter().map(cells))
    }
}
