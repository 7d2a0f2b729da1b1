//! Comparison with a slow reference.
