//! Rows that stand in a file again, recognised by digests: about thirty bytes a row and not the row.
//!
//! A digest is the row taken as a polynomial, at two secret random places modulo the prime 2^61-1. Two
//! different rows of n bytes meet with a chance below (n/7 / 2^61)^2, whoever chose them: the places are
//! drawn anew for each file, and nothing that is given out depends on them.

use super::rows::Fields;
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, BuildHasherDefault, Hasher};

pub(super) type Digest = [u64; 2];

/// The rows of a file that were kept, and the places at which they are taken.
pub(super) struct Repeats {
    places: Places,
    lines: HashMap<Digest, u32, BuildHasherDefault<Spread>>,
}

#[derive(Clone, Copy)]
pub(super) struct Places([u64; 2]);

impl Repeats {
    pub(super) fn new() -> Self {
        let place = || RandomState::new().build_hasher().finish() % (PRIME - 1) + 1;
        Self { places: Places([place(), place()]), lines: HashMap::default() }
    }

    pub(super) const fn places(&self) -> Places {
        self.places
    }

    /// The line where this row stands already; if none, it is this one.
    pub(super) fn first(&mut self, digest: Digest, line: u32) -> Option<u32> {
        match self.lines.entry(digest) {
            std::collections::hash_map::Entry::Occupied(first) => Some(*first.get()),
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(line);
                None
            }
        }
    }
}

const PRIME: u64 = (1 << 61) - 1;

/// Bytes of a coefficient: any number of them is below the prime.
const WORD: usize = 7;

impl Places {
    /// The digest of a row: of its text where that is the same as its cells, else of the cells. A cell
    /// that holds a comma would look like two: such rows are kept apart by a byte that no text holds.
    pub(super) fn digest(self, cells: Fields<'_>, comma: bool, scratch: &mut Vec<u8>) -> Digest {
        if let Some(row) = cells.plain().filter(|_| comma) {
            return self.of_bytes(row.as_bytes());
        }
        let between = if cells.iter().any(|cell| cell.contains(',')) { 0xff } else { b',' };
        scratch.clear();
        for (index, cell) in cells.iter().enumerate() {
            if index > 0 {
                scratch.push(between);
            }
            scratch.extend_from_slice(cell.as_bytes());
        }
        self.of_bytes(scratch)
    }

    fn of_bytes(self, bytes: &[u8]) -> Digest {
        let [a, b] = self.0;
        let mut sums = [bytes.len() as u64 + 1; 2];
        let mut take = |word: u64| sums = [step(sums[0], a, word), step(sums[1], b, word)];
        let mut rest = bytes;
        while let Some(word) = rest.first_chunk::<8>() {
            take(u64::from_le_bytes(*word) & ((1 << (8 * WORD)) - 1));
            rest = &rest[WORD..];
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        take(u64::from_le_bytes(last));
        sums
    }
}

/// `sum * place + word`, below twice the prime.
fn step(sum: u64, place: u64, word: u64) -> u64 {
    let product = u128::from(sum) * u128::from(place);
    // Both are below 2^63.
    let part = |bits: u128| u64::try_from(bits).unwrap_or_default();
    let (low, high) = (part(product & u128::from(PRIME)), part(product >> 61));
    let sum = low + high + word;
    (sum & PRIME) + (sum >> 61)
}

/// Digests are spread already, but for their highest bits.
#[derive(Default)]
pub(super) struct Spread(u64);

impl Hasher for Spread {
    fn write(&mut self, bytes: &[u8]) {
        for word in bytes.chunks(8) {
            let mut whole = [0; 8];
            whole[..word.len()].copy_from_slice(word);
            self.write_u64(u64::from_ne_bytes(whole));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = self.0.rotate_left(32) ^ word.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_the_same_when_all_their_bytes_are() {
        let places = Repeats::new().places();
        let rows =
            ["", "a", "a,b", "a,c", "b,a", "a,b,", "1234567", "12345678", "1234567\0", "abcdefghijklmno"];
        let digests: std::collections::HashSet<_> =
            rows.iter().map(|row| places.of_bytes(row.as_bytes())).collect();
        assert_eq!(digests.len(), rows.len());
        assert_eq!(places.of_bytes(b"a,b,c,d,e,f"), places.of_bytes(b"a,b,c,d,e,f"));
    }
}
