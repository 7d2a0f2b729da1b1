//! Months in which a client was compared and one of its products was not: the source that speaks of the
//! product does not cover them, or its policy needs a day that is not covered. Without a word on them, a
//! month that nobody looked at would pass for a month without a gap.

use super::calendar::{AuditMonth, Chunk};
use super::client::{ClientDays, Context, Subject, not_compared};
use super::document::{Coverage, CoverageStatus, Reason};
use crate::period::Month;

/// The product's own entry in the coverage, where it has fewer months than its client.
pub(super) fn lacking(
    context: &Context<'_>,
    subject: &Subject<'_>,
    days: &ClientDays<'_>,
    chunks: &[Chunk],
) -> Option<Coverage> {
    let months = &context.calendar.months;
    let mut compared: Vec<usize> = chunks.iter().map(|chunk| chunk.month).collect();
    compared.dedup();
    if compared.len() == months.len() {
        return None;
    }
    let common = days.common();
    let covered = |month: &AuditMonth| common.iter().any(|days| days.meets(month.audited));
    let lacking: Vec<Month> = months
        .iter()
        .enumerate()
        .filter(|(index, month)| !compared.contains(index) && covered(month))
        .map(|(_, month)| month.month)
        .collect();
    if lacking.is_empty() {
        return None;
    }
    let entry = not_compared(context, subject, Reason::NoCommonDays);
    Some(Coverage { status: CoverageStatus::Compared, reason: None, missing_months: lacking, ..entry })
}
