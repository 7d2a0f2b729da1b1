//! What was found at all clients, as one document: order, totals, digest.

use super::AuditError;
use super::calendar::{Calendar, date};
use super::client::Found;
use super::document::{
    AppliedPolicy, AuditDocument, AuditPeriod, Direction, Gap, KindTotal, Proposal, Total, Waste,
};
use super::gaps;
use super::input::AuditInput;
use crate::canonical;
use crate::digest;
use crate::money::{Currency, Money};
use crate::parallel;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// Sorts what was found, adds it up and seals it with a digest.
pub(super) fn document(
    input: &AuditInput,
    calendar: &Calendar,
    mut found: Found,
    mut proposals: Vec<Proposal>,
    notes: BTreeSet<String>,
    threads: usize,
) -> Result<AuditDocument, AuditError> {
    found.gaps.sort_by(gaps::order);
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
    document.digest = sealed(&mut document, threads)?;
    Ok(document)
}

/// The digest of a document: of its canonical JSON without the digest itself and the files' names.
///
/// # Errors
/// When the document has no JSON form.
pub fn digest_of(document: &AuditDocument) -> Result<String, AuditError> {
    digest::of_json_without(document, NOT_SEALED).map_err(AuditError::Document)
}

/// What a digest does not cover.
const NOT_SEALED: &[&[&str]] =
    &[&["digest"], &["gaps", "sources", "file"], &["gaps", "settled", "settled_by"]];

/// Gaps that are written together.
const PIECE: usize = 64;

/// [`digest_of`] by several threads, each of which writes some of the gaps.
fn sealed(document: &mut AuditDocument, threads: usize) -> Result<String, AuditError> {
    let gaps = std::mem::take(&mut document.gaps);
    let around = canonical::to_vec(document, NOT_SEALED).map_err(AuditError::Document);
    let digest = around.and_then(|around| seal(&around, &gaps, threads));
    document.gaps = gaps;
    digest?.map_or_else(|| digest_of(document), Ok)
}

/// The digest of a document whose text without gaps is `around`; none where it is to be taken as a whole.
fn seal(around: &[u8], gaps: &[Gap], threads: usize) -> Result<Option<String>, AuditError> {
    #[derive(Serialize)]
    struct Piece<'a> {
        gaps: &'a [Gap],
    }
    const NO_GAPS: &[u8] = br#""gaps":[]"#;
    // No text holds these bytes: its quotes are escaped. No other list of the document has this name.
    let Some(place) = memchr::memmem::find(around, NO_GAPS) else { return Ok(None) };
    let (before, after) = around.split_at(place + NO_GAPS.len() - 1);
    let mut sha256 = Sha256::new();
    sha256.update(before);
    let (mut first, mut whole) = (true, true);
    let pieces: Vec<&[Gap]> = gaps.chunks(PIECE).collect();
    let written = |gaps: &&[Gap]| canonical::to_vec(&Piece { gaps }, NOT_SEALED);
    parallel::in_order(&pieces, threads, written, &mut |piece| {
        let piece = piece?;
        if !std::mem::take(&mut first) {
            sha256.update(b",");
        }
        match piece.strip_prefix(br#"{"gaps":["#).and_then(|list| list.strip_suffix(b"]}")) {
            Some(list) => sha256.update(list),
            None => whole = false,
        }
        Ok(())
    })
    .map_err(AuditError::Document)?;
    sha256.update(after);
    Ok(whole.then(|| digest::text(&sha256.finalize())))
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
