//! The same line twice counts once: exports that overlap, and pages that were pasted twice.

use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::{BuildHasher, Hasher as _};

/// The lines of a file so far, by two hashes of all their cells under one random key each: 128 bits that
/// no file can be made to meet, so that nothing else is taken for the same line.
pub(super) struct SeenLines {
    keys: [RandomState; 2],
    seen: HashMap<[u64; 2], u32>,
}

impl SeenLines {
    pub(super) fn new() -> Self {
        Self { keys: [RandomState::new(), RandomState::new()], seen: HashMap::new() }
    }

    /// The earlier line with the same cells, if there is one; else remembers this one.
    pub(super) fn earlier<'c>(&mut self, cells: impl Iterator<Item = &'c str>, line: u32) -> Option<u32> {
        let mut hashes = self.keys.each_ref().map(BuildHasher::build_hasher);
        for cell in cells {
            for hash in &mut hashes {
                hash.write(cell.as_bytes());
                // No text holds this byte: it keeps cells apart.
                hash.write_u8(0xff);
            }
        }
        let digest = hashes.map(|hash| hash.finish());
        match self.seen.entry(digest) {
            Entry::Vacant(place) => {
                place.insert(line);
                None
            }
            Entry::Occupied(first) => Some(*first.get()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_kept_apart() {
        let mut seen = SeenLines::new();
        assert_eq!(seen.earlier(["a", "bc"].into_iter(), 2), None);
        assert_eq!(seen.earlier(["ab", "c"].into_iter(), 3), None);
        assert_eq!(seen.earlier(["a", "bc"].into_iter(), 4), Some(2));
    }
}
