//! The same vendor line in two files is one line: overlapping exports, the file and the API's answer of one
//! invoice, and lines that were unbilled in one file and billed in the next.

use super::calendar::OPEN;
use super::choose::{Entry, replace};
use super::rows::Charge;
use crate::records::VendorCharge;
use std::collections::BTreeMap;

/// What makes a vendor's line the same in two files, whatever invoice it stands on. What one kind of export
/// rounds and another does not (unit prices), or what an older one lacks (terms), does not count.
fn same_line<'a>(charge: &Charge<'a>) -> impl Ord + use<'a> {
    let VendorCharge { subscription, reference, charge_type, .. } = charge.record;
    let record = charge.record;
    (
        (charge.rank, charge.client, charge.product, charge.days),
        [subscription.as_deref(), reference.as_deref(), charge_type.as_deref()],
        (record.kind, record.quantity, record.amount, record.currency, record.ordered_on),
    )
}

/// Vendor lines, each once: of lines that several files tell, those of the file that tells them most
/// often. Lines without a charge type (of our own template) are replaced like other rows.
pub(super) fn once(charges: Vec<Charge<'_>>) -> Vec<Charge<'_>> {
    let (typed, mut plain): (Vec<_>, Vec<_>) =
        charges.into_iter().partition(|charge| charge.record.charge_type.is_some());
    replace(
        &mut plain,
        |charge| Entry {
            key: (
                charge.rank,
                charge.client,
                charge.product,
                [charge.record.subscription.as_deref(), charge.record.invoice.as_deref()],
                charge.record.term,
                charge.record.currency,
            ),
            from: charge.days.from,
            open: charge.days.until == OPEN,
            source: charge.line.source,
        },
        |charge, until| charge.days.until = charge.days.until.min(until),
    );
    let mut order: Vec<usize> = (0..typed.len()).collect();
    order.sort_by_cached_key(|index| typed.get(*index).map(|charge| (same_line(charge), charge.line)));
    let mut kept = vec![true; typed.len()];
    let at = |index: usize| typed.get(index);
    let same = |a: &usize, b: &usize| at(*a).map(same_line) == at(*b).map(same_line);
    for group in order.chunk_by(same) {
        for index in told_before(&typed, group) {
            if let Some(flag) = kept.get_mut(index) {
                *flag = false;
            }
        }
    }
    let mut kept = kept.into_iter();
    let typed = typed.into_iter().filter(|_| kept.next().unwrap_or(true));
    plain.into_iter().filter(|charge| !charge.days.is_empty()).chain(typed).collect()
}

/// Those of these equal lines that other files tell too: of each invoice the file that tells them most often
/// counts, and lines that were not billed yet end where another file bills them.
fn told_before(charges: &[Charge<'_>], group: &[usize]) -> Vec<usize> {
    let mut per_invoice: BTreeMap<Option<&str>, BTreeMap<u32, Vec<usize>>> = BTreeMap::new();
    for (index, charge) in group.iter().filter_map(|index| Some((*index, charges.get(*index)?))) {
        let of_invoice = per_invoice.entry(charge.record.invoice.as_deref()).or_default();
        of_invoice.entry(charge.line.source).or_default().push(index);
    }
    let mut before = Vec::new();
    // No invoice comes first in this order, and its turn last.
    let mut billed: BTreeMap<u32, usize> = BTreeMap::new();
    for (invoice, mut sources) in per_invoice.into_iter().rev() {
        let fullest = sources.iter().max_by_key(|(source, lines)| (lines.len(), std::cmp::Reverse(**source)));
        let Some(fullest) = fullest.map(|(source, _)| *source) else { continue };
        let lines = sources.remove(&fullest).unwrap_or_default();
        before.extend(sources.into_values().flatten());
        if invoice.is_some() {
            *billed.entry(fullest).or_default() += lines.len();
        } else {
            let elsewhere =
                billed.iter().filter(|(source, _)| **source != fullest).map(|(_, lines)| lines).sum();
            before.extend(lines.into_iter().take(elsewhere));
        }
    }
    before
}
