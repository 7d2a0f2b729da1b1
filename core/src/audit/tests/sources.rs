//! Which rows count.
