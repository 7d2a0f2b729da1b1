//! Names that rows share: the rows of one client hold one reference to it, not a copy each.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;

/// Values that a thread has met.
pub(super) struct Shared<T> {
    last: Option<Arc<T>>,
    known: HashSet<Arc<T>>,
}

/// Values that are remembered: files are larger than memory.
const MOST: usize = 1 << 16;

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self { last: None, known: HashSet::new() }
    }
}

impl<T: Eq + Hash> Shared<T> {
    /// The value of the row before: most often it is this row's too.
    pub(super) fn again(&self, same: impl FnOnce(&T) -> bool) -> Option<Arc<T>> {
        self.last.as_ref().filter(|last| same(last)).cloned()
    }

    pub(super) fn of(&mut self, value: T) -> Arc<T> {
        let shared = if let Some(known) = self.known.get(&value) {
            Arc::clone(known)
        } else {
            if self.known.len() >= MOST {
                self.known.clear();
            }
            let new = Arc::new(value);
            self.known.insert(Arc::clone(&new));
            new
        };
        self.last = Some(Arc::clone(&shared));
        shared
    }
}
