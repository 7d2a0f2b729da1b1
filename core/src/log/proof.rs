//! Proofs that an entry is in a tree, and that a tree only adds to another (RFC 9162, sections 2.1.3 and
//! 2.1.4).

use super::tree::{Hash, empty_root, node_hash, root, split};

/// A proof that cannot be made, or does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// There is no such entry, or the earlier tree is the larger one.
    #[error("the tree of {size} entries has no place {place}")]
    OutOfRange {
        /// What was asked for.
        place: u64,
        /// Size of the tree.
        size: u64,
    },
    /// It has more or fewer hashes than the sizes allow.
    #[error("the proof has another length than the sizes of the trees allow")]
    Length,
    /// The hashes do not come to the root.
    #[error("the proof does not come to the root")]
    Mismatch,
}

/// Proves that the entry at `place` (from 0) is in the tree over `leaves`.
///
/// # Errors
/// [`ProofError::OutOfRange`].
pub fn inclusion_proof(leaves: &[Hash], place: usize) -> Result<Vec<Hash>, ProofError> {
    if place >= leaves.len() {
        return Err(ProofError::OutOfRange { place: wide(place), size: wide(leaves.len()) });
    }
    let (mut leaves, mut place, mut path) = (leaves, place, Vec::new());
    while leaves.len() > 1 {
        let (left, right) = leaves.split_at(split(leaves.len()));
        if place < left.len() {
            path.push(root(right));
            leaves = left;
        } else {
            path.push(root(left));
            place -= left.len();
            leaves = right;
        }
    }
    path.reverse();
    Ok(path)
}

/// Proves that the tree over `leaves` begins with the tree of its first `first` entries.
///
/// # Errors
/// [`ProofError::OutOfRange`].
pub fn consistency_proof(leaves: &[Hash], first: usize) -> Result<Vec<Hash>, ProofError> {
    if first > leaves.len() {
        return Err(ProofError::OutOfRange { place: wide(first), size: wide(leaves.len()) });
    }
    if first == 0 {
        return Ok(Vec::new());
    }
    let (mut leaves, mut first, mut whole, mut path) = (leaves, first, true, Vec::new());
    while first < leaves.len() {
        let (left, right) = leaves.split_at(split(leaves.len()));
        if first <= left.len() {
            path.push(root(right));
            leaves = left;
        } else {
            path.push(root(left));
            first -= left.len();
            leaves = right;
            whole = false;
        }
    }
    // The first tree's own root is known to whoever asks.
    if !whole {
        path.push(root(leaves));
    }
    path.reverse();
    Ok(path)
}

/// Checks that `leaf` stands at `place` of the tree with this size and root.
///
/// # Errors
/// Why the proof does not hold.
pub fn verify_inclusion(
    leaf: Hash,
    place: u64,
    size: u64,
    proof: &[Hash],
    root: Hash,
) -> Result<(), ProofError> {
    if place >= size {
        return Err(ProofError::OutOfRange { place, size });
    }
    let (mut node, mut last, mut hash) = (place, size - 1, leaf);
    for sibling in proof {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    if last != 0 {
        return Err(ProofError::Length);
    }
    if hash == root { Ok(()) } else { Err(ProofError::Mismatch) }
}

/// Checks that the tree of `second` entries begins with the tree of `first` entries.
///
/// # Errors
/// Why the proof does not hold.
pub fn verify_consistency(
    (first, first_root): (u64, Hash),
    (second, second_root): (u64, Hash),
    proof: &[Hash],
) -> Result<(), ProofError> {
    if first > second {
        return Err(ProofError::OutOfRange { place: first, size: second });
    }
    if first == second || first == 0 {
        let same = if first == second { first_root == second_root } else { first_root == empty_root() };
        return match (proof.is_empty(), same) {
            (true, true) => Ok(()),
            (true, false) => Err(ProofError::Mismatch),
            (false, _) => Err(ProofError::Length),
        };
    }
    // A first tree that is full is its own first node.
    let own = first.is_power_of_two().then_some(first_root);
    let mut path = own.iter().chain(proof);
    let Some(seed) = path.next() else { return Err(ProofError::Length) };
    let (mut node, mut last) = (first - 1, second - 1);
    while node & 1 == 1 {
        (node, last) = (node >> 1, last >> 1);
    }
    let (mut old, mut new) = (*seed, *seed);
    for hash in path {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if node & 1 == 1 || node == last {
            old = node_hash(hash, &old);
            new = node_hash(hash, &new);
            while node & 1 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            new = node_hash(&new, hash);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    if last != 0 {
        return Err(ProofError::Length);
    }
    if old == first_root && new == second_root { Ok(()) } else { Err(ProofError::Mismatch) }
}

fn wide(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
