//! Keyset pages.
