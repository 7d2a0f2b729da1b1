//! Rows in the order of what they speak of.
//!
//! Files are written client by client and product by product, and the days of a product one after the other.
//! Then whole runs of rows change places, which is far less work than to compare each row with others.

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
pub(super) fn sort<T>(rows: &mut [T], key: impl Fn(&T) -> (Subject, Place)) {
    match by_runs(rows, &key) {
        Some(order) => put(rows, order),
        None => rows.sort_by_key(key),
    }
}

/// For each place the row that comes there; none where runs do not tell it.
fn by_runs<T>(rows: &[T], key: impl Fn(&T) -> (Subject, Place)) -> Option<Vec<u32>> {
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
    if !runs.is_sorted_by(apart) {
        return None;
    }
    Some(runs.into_iter().flat_map(|run| run.from..run.until).collect())
}

/// Puts each row in its place: `order` names for each place the row that comes there.
fn put<T>(rows: &mut [T], mut order: Vec<u32>) {
    for first in 0..order.len() {
        let mut at = first;
        // Along the circle of rows that take one another's place; a place that is filled names itself.
        while let Some(from) = order.get(at).map(|from| *from as usize) {
            if let Some(entry) = order.get_mut(at) {
                *entry = u32::try_from(at).unwrap_or(u32::MAX);
            }
            if from == first || from == at {
                break;
            }
            rows.swap(at, from);
            at = from;
        }
    }
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
