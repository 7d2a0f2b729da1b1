//! The proof of a correction, for whoever wants to check it without us.

pub mod facts;

pub use facts::Facts;
