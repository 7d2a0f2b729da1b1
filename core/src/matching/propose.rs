//! Proposals between two lists of keys, without setting every key against every other.

use super::{Proposal, Scored};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// A key with its references, read.
pub(super) type Read<K, P> = (K, Vec<P>);

/// Scores every source against the targets that share a hint with it, and keeps the best pair of
/// references of each two keys: best first, then by key.
///
/// `hints` are texts of which any pair that is worth scoring has one in common.
pub(super) fn propose<K: Copy + Ord, P>(
    sources: &[Read<K, P>],
    targets: &[Read<K, P>],
    hints: fn(&P) -> BTreeSet<String>,
    score: impl Fn(&P, &P) -> Option<Scored>,
) -> Vec<Proposal<K>> {
    let mut by_hint: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for (at, (_, references)) in targets.iter().enumerate() {
        for hint in references.iter().flat_map(hints) {
            by_hint.entry(hint).or_default().insert(at);
        }
    }
    let mut proposals = Vec::new();
    for (source, left) in sources {
        let hinted = left.iter().flat_map(hints).filter_map(|hint| by_hint.get(&hint)).flatten().copied();
        for at in hinted.collect::<BTreeSet<usize>>() {
            let Some((target, right)) = targets.get(at).filter(|(target, _)| target != source) else {
                continue;
            };
            let pairs = left.iter().flat_map(|a| right.iter().map(move |b| (a, b)));
            let best = pairs
                .filter_map(|(a, b)| score(a, b))
                .min_by(|a, b| (Reverse(a.score), &a.reasons).cmp(&(Reverse(b.score), &b.reasons)));
            proposals.extend(best.map(|scored| Proposal { source: *source, target: *target, scored }));
        }
    }
    proposals.sort_by_key(|proposal| (Reverse(proposal.scored.score), proposal.source, proposal.target));
    proposals
}

/// Hints that a word gives: how it begins and how it ends, so that one typing error leaves one of them.
pub(super) fn word_hints(word: &str) -> [String; 2] {
    let length = word.chars().count();
    let begin: String = word.chars().take(3).collect();
    let end: String = word.chars().skip(length.saturating_sub(3)).collect();
    [format!("{begin}-"), format!("-{end}")]
}
