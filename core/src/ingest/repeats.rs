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
pub(super) struct Places([Powers; 2]);

impl Repeats {
    pub(super) fn new() -> Self {
        let place = || RandomState::new().build_hasher().finish() % (PRIME - 1) + 1;
        Self { places: Places([Powers::of(place()), Powers::of(place())]), lines: HashMap::default() }
    }

    pub(super) const fn places(&self) -> Places {
        self.places
    }

    /// Room for the rows of a file, told by the first of them: to grow by and by would put each in a new place
    /// again and again.
    pub(super) fn make_room(&mut self, rows: usize, bytes: usize, size: u64) {
        if self.lines.is_empty() && bytes > 0 {
            let expected = u128::from(size) * rows as u128 / bytes as u128;
            self.lines.reserve(usize::try_from(expected).unwrap_or(MOST_GUESSED).min(MOST_GUESSED));
        }
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

/// Rows that room is made for on the word of the first ones.
const MOST_GUESSED: usize = 1 << 21;

/// Between cells of which one has a comma.
const BETWEEN: u8 = 0xff;

/// Bytes of a coefficient: any number of them is below the prime.
const WORD: usize = 7;

impl Places {
    /// The digest of a row: of its text where that is the same as its cells, else of the cells. A cell
    /// that holds a comma would look like two: such rows are kept apart by a byte that no text holds.
    pub(super) fn digest(self, cells: Fields<'_>, comma: bool, scratch: &mut Vec<u8>) -> Digest {
        if let Some(row) = cells.plain().filter(|_| comma) {
            return self.of_bytes(row.as_bytes());
        }
        scratch.clear();
        for (index, cell) in cells.iter().enumerate() {
            if index > 0 {
                scratch.push(BETWEEN);
            }
            scratch.extend_from_slice(cell.as_bytes());
        }
        if memchr::memchr(b',', scratch).is_none() {
            scratch.iter_mut().filter(|byte| **byte == BETWEEN).for_each(|byte| *byte = b',');
        }
        self.of_bytes(scratch)
    }

    /// Both polynomials in one pass: neither waits for the other.
    fn of_bytes(self, bytes: &[u8]) -> Digest {
        let [mut first, mut second] = [bytes.len() as u64 + 1; 2];
        let [a, b] = &self.0;
        let mut rest = bytes;
        // The last word of a step is read with the byte behind it.
        while let Some(part) = rest.first_chunk::<{ STEP * WORD + 1 }>() {
            let words = [word(part, 0), word(part, 1), word(part, 2), word(part, 3)];
            first = a.step(first, words);
            second = b.step(second, words);
            rest = &rest[STEP * WORD..];
        }
        for part in rest.chunks(WORD) {
            let mut last = [0; 8];
            last[..part.len()].copy_from_slice(part);
            let last = u128::from(u64::from_le_bytes(last));
            first = reduce(product(first, a.0[0]) + last);
            second = reduce(product(second, b.0[0]) + last);
        }
        [first, second]
    }
}

/// Words taken together: their products do not wait for each other.
const STEP: usize = 4;

/// A place, and its powers up to that of a step.
#[derive(Clone, Copy)]
struct Powers([u64; STEP]);

impl Powers {
    const fn of(place: u64) -> Self {
        let square = reduce(product(place, place));
        Self([place, square, reduce(product(square, place)), reduce(product(square, square))])
    }

    #[inline]
    const fn step(&self, sum: u64, [a, b, c, d]: [u64; STEP]) -> u64 {
        let [one, two, three, four] = self.0;
        reduce(product(sum, four) + product(a, three) + product(b, two) + product(c, one) + d as u128)
    }
}

/// The seven bytes of a word.
#[inline]
fn word(bytes: &[u8], index: usize) -> u64 {
    let eight = bytes[index * WORD..].first_chunk::<8>();
    eight.map_or(0, |eight| u64::from_le_bytes(*eight) & ((1 << (8 * WORD)) - 1))
}

const fn product(a: u64, b: u64) -> u128 {
    a as u128 * b as u128
}

/// The same modulo the prime, and below twice of it; for less than four times its square.
#[expect(clippy::cast_possible_truncation, reason = "both parts have less than 64 bits")]
const fn reduce(sum: u128) -> u64 {
    let sum = (sum & PRIME as u128) as u64 + (sum >> 61) as u64;
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
