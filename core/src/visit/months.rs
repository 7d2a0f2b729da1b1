//! Which months are audited where nobody says it: those that the files have in common.

use super::answer::MonthsUsed;
use super::request::VisitRequest;
use super::{CHOSEN_MONTHS, MOST_MONTHS, VisitError};
use crate::audit::Source;
use crate::period::{Month, Span};
use crate::records::{Held, Record};
use chrono::NaiveDate;

/// The months of the request, completed by what the files tell.
pub(super) fn of(
    request: &VisitRequest,
    sources: &[Source],
    as_of: NaiveDate,
) -> Result<MonthsUsed, VisitError> {
    let last = Month::of(as_of);
    let told = common(sources, last).unwrap_or((last, last));
    let to = request.to.unwrap_or_else(|| request.from.map_or(told.1, |from| told.1.max(from)));
    let first = told.0.min(to).max(to.plus(1 - CHOSEN_MONTHS));
    let from = request.from.unwrap_or(first);
    let refuse = |member, reason: String| Err(VisitError::Months { member, reason });
    if to < from {
        return refuse("/to", "The last month is before the first one.".to_owned());
    }
    if from.plus(MOST_MONTHS) <= to {
        return refuse("/from", format!("An audit spans at most {MOST_MONTHS} months."));
    }
    if as_of < from.first_day() {
        return refuse("/as_of", "The day is before the first month: nothing would be audited.".to_owned());
    }
    Ok(MonthsUsed { from, to, chosen: request.from.is_none() || request.to.is_none() })
}

/// The first and the last.
type Months = (Month, Month);

/// The months in which both what clients have and what they are billed is told; where they meet in none,
/// the months of either.
fn common(sources: &[Source], last: Month) -> Option<Months> {
    let (mut had, mut billed): (Option<Months>, Option<Months>) = (None, None);
    for record in sources.iter().flat_map(|source| &source.records) {
        match &record.record {
            Record::Entitlement(row) => match row.held {
                Held::During(span) => widen(&mut had, months(span, true, last)),
                Held::Snapshot { on } => widen(&mut had, on.map(|on| (Month::of(on), Month::of(on)))),
            },
            Record::VendorCharge(row) => widen(&mut had, months(row.span, false, last)),
            Record::BillingLine(row) => widen(&mut billed, months(row.span, row.recurring, last)),
            _ => {}
        }
    }
    match (had, billed) {
        (Some(had), Some(billed)) => {
            let both = (had.0.max(billed.0), had.1.min(billed.1));
            if both.0 <= both.1 { Some(both) } else { Some((had.0.min(billed.0), had.1.max(billed.1))) }
        }
        (either, or) => either.or(or),
    }
}

/// The months of a span that are not later than the last one.
fn months(span: Span, still_so: bool, last: Month) -> Option<Months> {
    let from = Month::of(span.from);
    let until = span.until.and_then(|until| until.pred_opt()).map(Month::of);
    let to = until.unwrap_or(if still_so { last } else { from }).min(last);
    (from <= to).then_some((from, to))
}

fn widen(all: &mut Option<Months>, some: Option<Months>) {
    *all = match (*all, some) {
        (Some(all), Some(some)) => Some((all.0.min(some.0), all.1.max(some.1))),
        (all, some) => all.or(some),
    };
}
