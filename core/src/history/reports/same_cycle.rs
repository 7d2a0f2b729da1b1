//! Which share of gaps was caught in the same billing cycle.
//!
//! A gap counts as caught when an audit first saw it before the end of the month after the one in which it
//! began (in UTC): a gap of March is caught when it is seen on 30 April at the latest, in time for the next
//! invoice. Gaps whose every month was corrected did not begin, and are not counted.

use super::sheet::{Cells, sheet};
use super::{KnownGap, Range, word};
use crate::audit::Direction;
use crate::period::Month;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::Serialize;
use std::collections::BTreeMap;

/// How soon gaps were found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SameCycleReport {
    /// One row for each month in which gaps began, and direction.
    pub rows: Vec<SameCycleRow>,
    /// One for each direction, over all months.
    pub totals: Vec<SameCycleRow>,
}

/// Gaps of one direction that began in one month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SameCycleRow {
    /// The month; none in totals.
    pub began: Option<Month>,
    /// `under`: billed too little; `over`: billed too much.
    pub direction: Direction,
    /// How many gaps.
    pub gaps: u32,
    /// How many of them were seen before the end of the next month.
    pub caught: u32,
    /// Caught of all, 0.0000 to 1.0000.
    pub share: Decimal,
}

impl SameCycleRow {
    fn new(began: Option<Month>, direction: Direction, (gaps, caught): (u32, u32)) -> Self {
        let exact = Decimal::from(caught).checked_div(Decimal::from(gaps)).unwrap_or_default();
        let mut share = exact.round_dp_with_strategy(4, RoundingStrategy::MidpointAwayFromZero);
        share.rescale(4);
        Self { began, direction, gaps, caught, share }
    }
}

/// Counts the gaps that began inside the range.
pub fn same_cycle(gaps: &[KnownGap], range: Range) -> SameCycleReport {
    let mut months: BTreeMap<(Month, Direction), (u32, u32)> = BTreeMap::new();
    let mut totals: BTreeMap<Direction, (u32, u32)> = BTreeMap::new();
    for gap in gaps {
        let Some((first, _)) = gap.standing(Range::default()).next() else { continue };
        let began = first.month;
        if !range.contains(began) {
            continue;
        }
        let caught = gap.first_seen_at.date_naive() < began.next().end();
        let month = months.entry((began, gap.direction)).or_default();
        for (all, early) in [month, totals.entry(gap.direction).or_default()] {
            *all += 1;
            *early += u32::from(caught);
        }
    }
    let row = |((month, direction), counts)| SameCycleRow::new(Some(month), direction, counts);
    let total = |(direction, counts)| SameCycleRow::new(None, direction, counts);
    SameCycleReport {
        rows: months.into_iter().map(row).collect(),
        totals: totals.into_iter().map(total).collect(),
    }
}

impl SameCycleReport {
    /// The rows as CSV.
    pub fn csv(&self) -> String {
        let header = ["began", "direction", "gaps", "caught", "share"];
        let cells = |row: &SameCycleRow| {
            let cells = Cells::new().maybe(row.began).plain(&word(row.direction));
            cells.plain(&row.gaps).plain(&row.caught).plain(&row.share)
        };
        sheet(&header, self.rows.iter().map(cells))
    }
}
