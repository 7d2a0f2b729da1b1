//! Rows in the order of what they speak of.
//!
//! Files are written client by client and product by product, and the days of a product one after the other.
//! Then whole runs of rows are copied one behind the other, which is far less work than to compare each row with
//! others, or to let rows change places: memory is read and written along.

use super::calendar::Days;
use super::identity::{ClientId, ProductId};
use super::rows::Line;

type Subject = (ClientId, ProductId);
type Place = (Days, Line);

/// Rows of one subject that stand together, in order.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Run {
    subject: Subject,
    first: Place,
    from: u32,
    until: u32,
    last: Place,
}

/// Sorts by client and product, and then by days and line. Equal rows keep their order.
pub(super) fn sort<T: Clone>(rows: &mut Vec<T>, key: impl Fn(&T) -> (Subject, Place)) {
    match by_runs(rows, &key) {
        Some(runs) if runs.is_sorted_by_key(|run| run.from) => {}
        Some(runs) => *rows = put(rows, &runs),
        None => rows.sort_by_key(key),
    }
}

/// The runs in the order in which they come; none where they do not tell it.
fn by_runs<T>(rows: &[T], key: impl Fn(&T) -> (Subject, Place)) -> Option<Vec<Run>> {
    let mut runs: Vec<Run> = Vec::new();
    for (at, row) in (0_u32..).zip(rows) {
        let (subject, place) = key(row);
        match runs.last_mut().filter(|run| run.subject == subject && run.last <= place) {
            Some(run) => (run.last, run.until) = (place, at + 1),
            None => runs.push(Run { subject, first: place, from: at, until: at + 1, last: place }),
        }
    }
    runs.sort_unstable();
    let apart = |a: &Run, b: &Run| a.subject != b.subject || (a.last, a.from) < (b.first, b.from);
    runs.is_sorted_by(apart).then_some(runs)
}

/// The rows of all runs.
fn put<T: Clone>(rows: &[T], runs: &[Run]) -> Vec<T> {
    let mut sorted = Vec::with_capacity(rows.len());
    for run in runs {
        sorted.extend_from_slice(rows.get(run.from as usize..run.until as usize).unwrap_or_default());
    }
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn runs_give_the_order_of_a_plain_sort(
            runs in prop::collection::vec((0_u32..6, 0_u32..4, 1_usize..9, 0_u8..4), 0..20),
        ) {
            let mut rows: Vec<(Subject, Place, usize)> = Vec::new();
            for (client, product, length, mixed) in runs {
                for number in 0..length {
                    let day = i32::try_from(if mixed == 0 { length - number } else { number }).unwrap();
                    let day = day + if mixed == 1 { 0 } else { i32::try_from(rows.len()).unwrap() };
                    let days = Days { from: day, until: day + 1 };
                    let line = Line { source: 0, line: 7 };
                    rows.push(((ClientId(client), ProductId(product)), (days, line), rows.len()));
                }
            }
            let mut plain = rows.clone();
            plain.sort_by_key(|row| (row.0, row.1));
            sort(&mut rows, |row| (row.0, row.1));
            prop_assert_eq!(rows, plain);
        }
    }
}
