//! What was found at all clients, as one document: order, totals, digest.

use super::AuditError;
use super::calendar::{Calendar, date};
use super::client::Found;
use super::document::{
    AppliedPolicy, AuditDocument, AuditPeriod, Direction, Gap, KindTotal, Proposal, Total, Waste,
};
use super::gaps;
use super::input::AuditInput;
use crate::digest;
use crate::money::{Currency, Money};
use std::collections::{BTreeMap, BTreeSet};

/// Sorts what was found, adds it up and seals it with a digest.
pub(super) fn document(
    input: &AuditInput,
    calendar: &Calendar,
    mut found: Found,
    mut proposals: Vec<Proposal>,
    notes: BTreeSet<String>,
) -> Result<AuditDocument, AuditError> {
    found.gaps.sort_by(|a, b| {
        let key = |gap: &Gap| (gap.client.clone(), gap.product.clone(), gap.direction, gap.id.clone());
        key(a).cmp(&key(b))
    });
    found.price_differences.sort_by(|a, b| {
        (&a.client, &a.product, a.from, a.expected, a.billed)
            .cmp(&(&b.client, &b.product, b.from, b.expected, b.billed))
    });
    found.term_mix.sort_by(|a, b| {
        (&a.client, &a.product, a.from_term, a.to_term).cmp(&(&b.client, &b.product, b.from_term, b.to_term))
    });
    found.waste.sort_by(|a, b| (&a.client, &a.product).cmp(&(&b.client, &b.product)));
    found.source_conflicts.sort_by(|a, b| {
        (&a.client, a.side, &a.product, &a.other).cmp(&(&b.client, b.side, &b.product, &b.other))
    });
    found.allocated.sort();
    found.coverage.sort_by(|a, b| (&a.client, &a.product).cmp(&(&b.client, &b.product)));
    proposals.sort_by(|a, b| {
        (a.side, std::cmp::Reverse(a.score), &a.source, &a.target, a.status).cmp(&(
            b.side,
            std::cmp::Reverse(b.score),
            &b.source,
            &b.target,
            b.status,
        ))
    });
    let mut document = AuditDocument {
        period: AuditPeriod {
            from: date(calendar.period.from),
            until: date(calendar.period.until),
            as_of: input.as_of,
        },
        policy: AppliedPolicy { basis: input.policy.basis, proration: input.policy.proration },
        digest: String::new(),
        totals: totals(&found.gaps)?,
        waste_totals: waste_totals(&found.waste)?,
        unpriced_gaps: u32::try_from(found.gaps.iter().filter(|gap| gap.unpriced).count())
            .unwrap_or(u32::MAX),
        gaps: found.gaps,
        price_differences: found.price_differences,
        term_mix: found.term_mix,
        waste: found.waste,
        source_conflicts: found.source_conflicts,
        coverage: found.coverage,
        allocated: found.allocated,
        proposals,
        notes: notes.into_iter().collect(),
    };
    document.digest = digest_of(&document)?;
    Ok(document)
}

/// The digest of a document: of its canonical JSON without the digest itself and the files' names.
///
/// # Errors
/// When the document has no JSON form.
pub fn digest_of(document: &AuditDocument) -> Result<String, AuditError> {
    let mut value = serde_json::to_value(document).map_err(AuditError::Document)?;
    if let Some(fields) = value.as_object_mut() {
        fields.remove("digest");
        let gaps = fields.get_mut("gaps").and_then(serde_json::Value::as_array_mut);
        for gap in gaps.into_iter().flatten() {
            let sources = gap.get_mut("sources").and_then(serde_json::Value::as_array_mut);
            for source in sources.into_iter().flatten().filter_map(serde_json::Value::as_object_mut) {
                source.remove("file");
            }
        }
    }
    digest::of_json(&value).map_err(AuditError::Document)
}

fn totals(gaps: &[Gap]) -> Result<Vec<Total>, AuditError> {
    let mut totals: BTreeMap<Currency, Total> = BTreeMap::new();
    for gap in gaps {
        let Some(amount) = gap.amount else { continue };
        let zero = Money::zero(amount.currency).amount;
        let total = totals.entry(amount.currency).or_insert_with(|| Total {
            currency: amount.currency,
            under: zero,
            over: zero,
            forward_under: zero,
            forward_over: zero,
            time_barred: zero,
            kinds: Vec::new(),
        });
        let (retro, forward) = match gap.direction {
            Direction::Under => (&mut total.under, &mut total.forward_under),
            Direction::Over => (&mut total.over, &mut total.forward_over),
        };
        *retro = gaps::plus(*retro, amount.amount)?;
        *forward = gaps::plus(*forward, gap.monthly_forward.map_or(zero, |money| money.amount))?;
        total.time_barred = gaps::plus(total.time_barred, gap.time_barred.amount)?;
        let of_kind = total.kinds.iter_mut().find(|kind| kind.kind == gap.kind);
        if let Some(kind) = of_kind {
            kind.gaps += 1;
            kind.amount = gaps::plus(kind.amount, amount.amount)?;
        } else {
            total.kinds.push(KindTotal { kind: gap.kind, gaps: 1, amount: amount.amount });
        }
    }
    for total in totals.values_mut() {
        total.kinds.sort_by_key(|kind| kind.kind);
    }
    Ok(totals.into_values().collect())
}

fn waste_totals(waste: &[Waste]) -> Result<Vec<Money>, AuditError> {
    let mut totals: BTreeMap<Currency, Money> = BTreeMap::new();
    for cost in waste.iter().filter_map(|waste| waste.cost) {
        let total = totals.entry(cost.currency).or_insert_with(|| Money::zero(cost.currency));
        total.amount = gaps::plus(total.amount, cost.amount)?;
    }
    Ok(totals.into_values().collect())
}
