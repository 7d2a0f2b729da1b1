//! Months in which a client was compared and one of its products was not: the source that speaks of the
//! product does not cover them, or its policy needs a day that is not covered. Without a word on them, a
//! month that nobody looked at would pass for a month without a gap.

use super::calendar::Chunk;
use super::client::{ClientDays, Context, Subject, not_compared};
use super::document::{Coverage, CoverageStatus, Reason};
use crate::period::Month;
use std::collections::BTreeSet;

/// The product's own entry in the coverage, where it has fewer months than its client.
pub(super) fn lacking(
    context: &Context<'_>,
    subject: &Subject<'_>,
    days: &ClientDays<'_>,
    chunks: &[Chunk],
) -> Option<Coverage> {
    let compared: BTreeSet<usize> = chunks.iter().map(|chunk| chunk.month).collect();
    let common = days.common();
    let covered = |index: &usize| {
        let month = context.calendar.months.get(*index);
        month.is_some_and(|month| common.iter().any(|days| days.meets(month.audited)))
    };
    let lacking: Vec<Month> = (0..context.calendar.months.len())
        .filter(|index| !compared.contains(index) && covered(index))
        .filter_map(|index| context.calendar.months.get(index).map(|month| month.month))
        .collect();
    if lacking.is_empty() {
        return None;
    }
    let entry = not_compared(context, subject, Reason::NoCommonDays);
    Some(Coverage { status: CoverageStatus::Compared, reason: None, missing_months: lacking, ..entry })
}
